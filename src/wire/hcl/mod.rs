//! Files: HCL 1 as Consul reads it, and JSON, as one kind of value that knows on which line each key stands.
//!
//! HCL 1 is wider than HCL 2: blocks inside assigned objects, commas after attributes, quoted keys anywhere, several
//! members on one line, `${…}` as plain text. So it is read here rather than by a library for HCL 2
//! (`decisions/0004-hcl-1-is-read-here.md`).

mod parse;
mod scan;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::spelling;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    Hcl,
    Json,
}

impl Format {
    /// By the file's extension: `.json`, else HCL.
    pub fn of(path: &Path) -> Self {
        let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if json { Self::Json } else { Self::Hcl }
    }

    /// By the first character: for text without a file name.
    pub fn sniff(text: &str) -> Self {
        if text.trim_start().starts_with(['{', '[']) { Self::Json } else { Self::Hcl }
    }
}

/// What a file says, and where.
#[derive(Clone, PartialEq, Debug)]
pub struct Document {
    /// Always an object; empty for a file without content.
    pub value: Value,
    lines: BTreeMap<String, usize>,
}

/// The text is not HCL, or not JSON.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SyntaxError {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl Document {
    /// # Errors
    /// With line and column, when the text is not of the format.
    pub fn read(text: &str, format: Format) -> Result<Self, SyntaxError> {
        match format {
            Format::Hcl => {
                let (value, lines) = parse::document(text)?;
                Ok(Self { value, lines })
            }
            Format::Json if text.trim().is_empty() => Self::read("", Format::Hcl),
            Format::Json => {
                let value = serde_json::from_str(text).map_err(|error| syntax_error(&error))?;
                // the HCL reader takes JSON too and knows the lines; the values are those of the strict reader
                let lines = parse::document(text).map(|(_, lines)| lines).unwrap_or_default();
                Ok(Self { value, lines })
            }
        }
    }

    /// The line (from 1) of the field at this path, or of the nearest object around it that is known.
    pub fn line(&self, path: &str) -> Option<usize> {
        let mut path = place(path);
        while !path.is_empty() {
            if let Some(line) = self.lines.get(&path) {
                return Some(*line);
            }
            let end = path.rfind(['.', '[']).unwrap_or(0);
            path.truncate(end);
        }
        None
    }
}

fn syntax_error(error: &serde_json::Error) -> SyntaxError {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    SyntaxError { line: error.line(), column: error.column(), message }
}

/// A path in any spelling of its keys. The first of a list and an only object have one path: they are interchangeable.
fn place(path: &str) -> String {
    spelling::normal(path).replace("[0]", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*", hcl in "[a-c0-9{}=,:.\"$<>#/*\\\\\\[\\]xu\n \u{a0}+-]{0,40}") {
            drop(Document::read(&text, Format::Hcl));
            drop(Document::read(&hcl, Format::Hcl));
            drop(Document::read(&format!("a = {hcl}"), Format::Hcl));
            drop(Document::read(&format!("a = <<-a\n{hcl}\na\n"), Format::Hcl));
        }
    }

    #[test]
    fn the_extension_or_the_first_letter_tells_the_format() {
        assert_eq!(Format::of(Path::new("a/b.json")), Format::Json);
        assert_eq!(Format::of(Path::new("a/b.hcl")), Format::Hcl);
        assert_eq!(Format::sniff("  {}"), Format::Json);
        assert_eq!(Format::sniff("a = 1"), Format::Hcl);
    }

    #[test]
    fn a_document_knows_its_lines_in_either_format() {
        let hcl = "service {\n  name = \"a\"\n  check {\n    http = 5\n  }\n}\nservice {\n  nmae = \"b\"\n}\n";
        let document = Document::read(hcl, Format::Hcl).unwrap();
        assert_eq!(document.line("service[0].Check.HTTP"), Some(4));
        assert_eq!(document.line("service.check[0].http"), Some(4));
        assert_eq!(document.line("service[1].nmae"), Some(8));
        assert_eq!(document.line("service[1].port"), Some(7));
        assert_eq!(document.line("else"), None);
        let json =
            "{\n \"ports\": {\n  \"http\": 1,\n  \"grpc\": \"\\ud83d\\ude00\"\n },\n \"x\": [1,\n {\"y\": null}]\n}";
        let document = Document::read(json, Format::Json).unwrap();
        assert_eq!(document.value["ports"], json!({ "http": 1, "grpc": "😀" }));
        assert_eq!(document.line("ports.grpc"), Some(4));
        assert_eq!(document.line("x[1].y"), Some(7));
    }

    #[test]
    fn an_empty_file_holds_nothing() {
        for (text, format) in [("", Format::Json), ("# nothing\n// at all\n", Format::Hcl), ("\n", Format::Hcl)] {
            assert_eq!(Document::read(text, format).unwrap().value, json!({}));
        }
    }

    #[test]
    fn json_that_is_none_is_refused_with_its_place() {
        let error = Document::read("{\n \"a\": 1,\n}", Format::Json).unwrap_err();
        assert_eq!(error.to_string(), "line 3, column 1: trailing comma");
    }
}
