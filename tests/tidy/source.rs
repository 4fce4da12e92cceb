//! A Rust file as the rules read it: code without comments and without the contents of strings, the strings apart, and
//! no test modules. Not a parser: a lexer that knows just enough, for sources that rustfmt has laid out.

/// What is left of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Source {
    /// Path from the root of the repository.
    pub(crate) path: String,
    /// Line by line; comments and the contents of literals are gone, lines of test modules are empty.
    pub(crate) lines: Vec<String>,
    /// Contents of string literals outside test modules.
    pub(crate) strings: Vec<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut lexer = Lexer { rest: text.chars().collect(), at: 0, code: String::new(), strings: Vec::new() };
        lexer.run();
        let mut lines: Vec<String> = lexer.code.lines().map(|line| line.trim_end().to_owned()).collect();
        let tests = blank_test_modules(&mut lines);
        let strings =
            lexer.strings.into_iter().filter(|(line, _)| !tests.contains(line)).map(|(_, text)| text).collect();
        Self { path: path.to_owned(), lines, strings }
    }

    /// Files that are nothing but tests: modules declared under `#[cfg(test)]`, without a body.
    pub(crate) fn test_files(path: &str, text: &str) -> Vec<String> {
        let folder = path.trim_end_matches(".rs");
        let folder = folder.strip_suffix("/mod").or(folder.strip_suffix("/lib")).unwrap_or(folder);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
        let names = declared.filter_map(|pair| pair[1].strip_prefix("mod ")?.strip_suffix(';'));
        names.map(|name| format!("{folder}/{name}.rs")).collect()
    }

    /// Lines that hold code.
    pub(crate) fn code_lines(&self) -> usize {
        self.lines.iter().filter(|line| !line.trim().is_empty()).count()
    }

    pub(crate) fn code(&self) -> String {
        self.lines.join("\n")
    }
}

struct Lexer {
    rest: Vec<char>,
    at: usize,
    code: String,
    /// With the line each begins on.
    strings: Vec<(usize, String)>,
}

impl Lexer {
    fn run(&mut self) {
        while let Some(letter) = self.peek(0) {
            match letter {
                '/' if self.peek(1) == Some('/') => self.line_comment(),
                '/' if self.peek(1) == Some('*') => self.block_comment(),
                'r' | 'b' | 'c' if !self.inside_a_word() && self.raw_hashes().is_some() => self.raw_string(),
                '"' => self.string(),
                '\'' => self.quote(),
                _ => self.keep(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    fn keep(&mut self) {
        self.code.extend(self.peek(0));
        self.at += 1;
    }

    /// Drops a character, but not the end of a line.
    fn drop(&mut self) {
        if self.peek(0) == Some('\n') {
            self.code.push('\n');
        }
        self.at += 1;
    }

    fn inside_a_word(&self) -> bool {
        self.at > 0 && self.rest.get(self.at - 1).is_some_and(|before| before.is_alphanumeric() || *before == '_')
    }

    fn line_comment(&mut self) {
        while self.peek(0).is_some_and(|letter| letter != '\n') {
            self.at += 1;
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => (depth, self.at) = (depth + 1, self.at + 2),
                (Some('*'), Some('/')) => (depth, self.at) = (depth - 1, self.at + 2),
                (Some(_), _) => self.drop(),
                (None, _) => return,
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        let line = self.line();
        self.keep();
        let mut text = String::new();
        while let Some(letter) = self.peek(0) {
            match letter {
                '"' => break,
                '\\' => {
                    self.drop();
                    self.drop();
                }
                _ => {
                    text.push(letter);
                    self.drop();
                }
            }
        }
        self.keep();
        self.strings.push((line, text));
    }

    /// `r"`, `br#"` and the like: the number of hashes.
    fn raw_hashes(&self) -> Option<usize> {
        let prefix = (0..2).take_while(|ahead| matches!(self.peek(*ahead), Some('r' | 'b' | 'c'))).count();
        let has_r = (0..prefix).any(|ahead| self.peek(ahead) == Some('r'));
        let hashes = (prefix..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
        (has_r && self.peek(prefix + hashes) == Some('"')).then_some(hashes)
    }

    fn raw_string(&mut self) {
        let hashes = self.raw_hashes().unwrap_or_default();
        let line = self.line();
        while self.peek(0).is_some_and(|letter| letter != '"') {
            self.at += 1;
        }
        self.keep();
        let mut text = String::new();
        while let Some(letter) = self.peek(0) {
            if letter == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                break;
            }
            text.push(letter);
            self.drop();
        }
        self.keep();
        self.at += hashes;
        self.strings.push((line, text));
    }

    /// A character, whose content goes, or a lifetime, which stays.
    fn quote(&mut self) {
        let is_character = self.peek(1) == Some('\\') || self.peek(2) == Some('\'');
        self.keep();
        if !is_character {
            return;
        }
        if self.peek(0) == Some('\\') {
            self.at += 1;
        }
        self.at += 1;
        while self.peek(0).is_some_and(|letter| letter != '\'') {
            self.at += 1;
        }
        self.keep();
    }

    fn line(&self) -> usize {
        self.code.matches('\n').count()
    }
}

/// Empties the lines of each `#[cfg(test)]` item that has a body, and says which they were.
fn blank_test_modules(lines: &mut [String]) -> Vec<usize> {
    let mut blanked = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if lines[at].trim() == "#[cfg(test)]" {
            let end = end_of_item(lines, at + 1);
            for (line, text) in lines.iter_mut().enumerate().take(end + 1).skip(at) {
                text.clear();
                blanked.push(line);
            }
            at = end;
        }
        at += 1;
    }
    blanked
}

/// The line on which an item that begins at `start` ends: where its braces close, or at the first `;` before any.
pub(crate) fn end_of_item(lines: &[String], start: usize) -> usize {
    let (mut depth, mut opened) = (0_i32, false);
    // `[u8; 4]` in a signature is not the end of it
    let mut brackets = 0_i32;
    for (number, line) in lines.iter().enumerate().skip(start) {
        for letter in line.chars() {
            match letter {
                '{' => (depth, opened) = (depth + 1, true),
                '}' => depth -= 1,
                '(' | '[' => brackets += 1,
                ')' | ']' => brackets -= 1,
                ';' if !opened && brackets == 0 => return number,
                _ => {}
            }
        }
        if opened && depth == 0 {
            return number;
        }
    }
    lines.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_code() {
        let source = Source::new("a.rs", "let a = \"use crate::x; // no\"; // use y\n/* use\nz */ let b = 'u';\n");
        assert_eq!(source.lines, ["let a = \"\";", "", " let b = '';"]);
        assert_eq!(source.strings, ["use crate::x; // no"]);
    }

    #[test]
    fn raw_strings_quotes_and_lifetimes_are_told_apart() {
        let source = Source::new("a.rs", "f(r#\"a \"quoted\" {\"#, '\\'', '\"', b\"x\\\"\", &'static str)");
        assert_eq!(source.lines, ["f(\"\", '', '', b\"\", &'static str)"]);
        assert_eq!(source.strings, ["a \"quoted\" {", "x"]);
    }

    #[test]
    fn a_module_that_is_compiled_for_tests_alone_is_known() {
        let text = "#[cfg(test)]\nmod properties;\nmod tables;\n";
        assert_eq!(Source::test_files("src/catalog/mod.rs", text), ["src/catalog/properties.rs"]);
        assert_eq!(Source::test_files("src/chain.rs", text), ["src/chain/properties.rs"]);
    }

    #[test]
    fn test_modules_do_not_count() {
        let text =
            "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { \"metric\"; }\n}\nfn c() {}\n#[cfg(test)]\nmod d;\n";
        let source = Source::new("a.rs", text);
        assert_eq!(source.code_lines(), 2);
        assert!(source.strings.is_empty());
    }
}
