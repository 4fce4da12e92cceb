//! Why a text is no filter.

use thiserror::Error;

/// What is wrong, and where.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the filter is wrong at character {at}: {what}")]
pub struct FilterError {
    /// From 1.
    pub at: usize,
    pub what: String,
}

/// The same while the text is at hand: where is a place in its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    pub(super) byte: usize,
    pub(super) what: String,
}

impl Fault {
    pub(super) fn new(byte: usize, what: impl Into<String>) -> Self {
        Self { byte, what: what.into() }
    }

    pub(super) fn in_text(self, text: &str) -> FilterError {
        FilterError { at: text[..self.byte].chars().count() + 1, what: self.what }
    }
}
