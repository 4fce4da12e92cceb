//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use chancery::wire::{DecodeError, SyntaxError};

use super::files::File;

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub file: Option<PathBuf>,
    /// From 1.
    pub line: Option<usize>,
    /// The key, with the keys around it: `ports.http`.
    pub key: Option<String>,
    pub message: String,
}

impl Problem {
    pub fn new(message: impl Into<String>) -> Self {
        Self { file: None, line: None, key: None, message: message.into() }
    }

    pub(super) fn of_key(file: &File, error: DecodeError) -> Self {
        let key = error.location();
        Self {
            file: Some(file.path.clone()),
            line: file.document.line(&key),
            key: Some(key).filter(|key| !key.is_empty()),
            message: error.message,
        }
    }

    pub(super) fn of_syntax(file: PathBuf, error: &SyntaxError) -> Self {
        let message = format!("column {}: {}", error.column, error.message);
        Self { file: Some(file), line: Some(error.line), key: None, message }
    }

    pub(super) fn of_file(file: PathBuf, error: &std::io::Error) -> Self {
        Self { file: Some(file), line: None, key: None, message: format!("cannot be read: {error}") }
    }
}

/// `FILE:LINE: key "x": message`, as far as it is known.
impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(out, "{}:{line}: ", file.display())?,
            (Some(file), None) => write!(out, "{}: ", file.display())?,
            (None, _) => {}
        }
        if let Some(key) = &self.key {
            write!(out, "key {key:?}: ")?;
        }
        out.write_str(&self.message)
    }
}

/// All that is wrong, one line each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(out, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
