//! What is said about an object that cannot be taken.

/// What is wrong, and where: `Proxy.Upstreams[1].LocalBindPort: expected a number, got the text "x"`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecodeError {
    /// The field, or the object in which an unknown field stands. Empty for the whole.
    pub path: String,
    pub message: String,
    /// The field that is not known, as it was written.
    pub unknown: Option<String>,
}

impl DecodeError {
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), unknown: None }
    }

    /// The path of the field itself, also when it is not known.
    pub fn location(&self) -> String {
        self.unknown.as_ref().map_or_else(|| self.path.clone(), |field| join(&self.path, field))
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.path.is_empty() {
            write!(out, "{}: ", self.path)?;
        }
        out.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

/// A field inside an object.
pub(super) fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}
