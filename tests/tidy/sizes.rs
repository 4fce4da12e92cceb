//! How large a file and a function may be, and what a file may not be called.

use crate::source::{Source, end_of_item};

const FILE_LIMIT: usize = 400;
const FUNCTION_LIMIT: usize = 70;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc", "types"];

pub(crate) fn file_size(source: &Source) -> Vec<String> {
    let lines = source.code_lines();
    let too_large = lines > FILE_LIMIT;
    too_large
        .then(|| format!("{}: {lines} lines of code, the limit is {FILE_LIMIT}", source.path))
        .into_iter()
        .collect()
}

/// Lines of code from `fn` to the closing brace.
pub(crate) fn function_sizes(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    for (start, line) in source.lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let end = end_of_item(&source.lines, start);
        let lines = source.lines[start..=end].iter().filter(|line| !line.trim().is_empty()).count();
        if lines > FUNCTION_LIMIT {
            wrong.push(format!(
                "{}:{}: `{name}` has {lines} lines of code, the limit is {FUNCTION_LIMIT}",
                source.path,
                start + 1
            ));
        }
    }
    wrong
}

fn function_name(line: &str) -> Option<&str> {
    let words = line.trim_start().split_inclusive("fn ").next()?;
    let is_head = words.ends_with("fn ")
        && words.split_whitespace().all(|word| {
            matches!(word, "pub" | "async" | "const" | "unsafe" | "extern" | "fn" | "default")
                || word.starts_with("pub(")
        });
    let name = line.trim_start().get(words.len()..)?;
    is_head.then(|| name.split(['(', '<']).next().unwrap_or(name))
}

pub(crate) fn name(source: &Source) -> Vec<String> {
    let bad = source.path.split('/').map(|part| part.trim_end_matches(".rs")).find(|part| EMPTY_NAMES.contains(part));
    bad.map(|part| format!("{}: `{part}` says nothing about what is inside", source.path)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!(
            "pub(crate) async fn long(\n    x: [u8; 2],\n) -> u8 {{\n{}}}\n",
            "    let a = 1;\n\n    // why\n".repeat(lines)
        )
    }

    #[test]
    fn a_function_of_seventy_lines_passes_and_one_more_does_not() {
        let fits = Source::new("a.rs", &function(66));
        assert!(function_sizes(&fits).is_empty());
        let too_long = Source::new("a.rs", &function(67));
        assert_eq!(function_sizes(&too_long), ["a.rs:1: `long` has 71 lines of code, the limit is 70"]);
    }

    #[test]
    fn a_file_of_four_hundred_lines_passes_and_one_more_does_not() {
        assert!(file_size(&Source::new("a.rs", &"use a;\n// b\n\n".repeat(400))).is_empty());
        assert_eq!(file_size(&Source::new("a.rs", &"use a;\n".repeat(401))).len(), 1);
    }

    #[test]
    fn empty_names_are_refused_as_file_and_as_folder() {
        assert_eq!(name(&Source::new("src/utils.rs", "")).len(), 1);
        assert_eq!(name(&Source::new("src/common/a.rs", "")).len(), 1);
        assert!(name(&Source::new("src/wire/common_name.rs", "")).is_empty());
    }

    #[test]
    fn a_word_that_ends_in_fn_is_no_function() {
        assert_eq!(function_name("    pub const fn name<T>(x: T) {"), Some("name"));
        assert_eq!(function_name("let f: Box<dyn Fn() -> u8>;"), None);
        assert_eq!(function_name("where F: fn (u8)"), None);
    }
}
