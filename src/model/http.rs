//! What may be asked of an HTTP request, and what may be changed in one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum PathMatch {
    Exact(String),
    Prefix(String),
    /// The whole path, in RE2's syntax.
    Regex(String),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum TextMatch {
    Present,
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    /// The whole text, in RE2's syntax.
    Regex(String),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct HeaderMatch {
    pub name: String,
    pub value: TextMatch,
    pub ignore_case: bool,
    pub invert: bool,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct QueryMatch {
    pub name: String,
    pub value: TextMatch,
}

/// Changes of headers: what is removed is removed first.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct HeaderModifiers {
    /// Beside values that are there already.
    pub add: BTreeMap<String, String>,
    /// In place of values that are there already.
    pub set: BTreeMap<String, String>,
    pub remove: Vec<String>,
}

impl HeaderModifiers {
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.set.is_empty() && self.remove.is_empty()
    }
}
