//! Text to tokens.

use super::SyntaxError;

#[derive(Clone, PartialEq, Debug)]
pub enum Token {
    /// A bare word: a key, `true`, `false`.
    Word(String),
    Text(String),
    Whole(i64),
    Fraction(f64),
    /// One of `{ } [ ] , = :`.
    Sign(char),
    End,
}

impl Token {
    pub fn shown(&self) -> String {
        match self {
            Self::Word(word) => format!("{word:?}"),
            Self::Text(text) => format!("the text {text:?}"),
            Self::Whole(number) => format!("the number {number}"),
            Self::Fraction(number) => format!("the number {number}"),
            Self::Sign(sign) => format!("{sign:?}"),
            Self::End => "the end of the file".to_owned(),
        }
    }
}

/// A token and where it begins, both from 1.
#[derive(Clone, PartialEq, Debug)]
pub struct Placed {
    pub token: Token,
    pub line: usize,
    pub column: usize,
}

pub fn tokens(text: &str) -> Result<Vec<Placed>, SyntaxError> {
    let mut scanner = Scanner { rest: text, line: 1, column: 1 };
    let mut tokens = Vec::new();
    loop {
        scanner.skip()?;
        let (line, column) = (scanner.line, scanner.column);
        let token = scanner.token()?;
        let end = token == Token::End;
        tokens.push(Placed { token, line, column });
        if end {
            return Ok(tokens);
        }
    }
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.rest = &self.rest[letter.len_utf8()..];
        if letter == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(letter)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let found = self.rest.starts_with(prefix);
        if found {
            for _ in prefix.chars() {
                self.next();
            }
        }
        found
    }

    fn while_in(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let start = self.rest;
        while self.peek().is_some_and(&wanted) {
            self.next();
        }
        &start[..start.len() - self.rest.len()]
    }

    fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError { line: self.line, column: self.column, message: message.into() }
    }

    /// Space and comments.
    fn skip(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.while_in(|letter| letter.is_whitespace() || letter == '\u{feff}');
            if self.rest.starts_with('#') || self.rest.starts_with("//") {
                self.while_in(|letter| letter != '\n');
            } else if self.rest.starts_with("/*") {
                let start = self.error("the comment is not closed");
                while !self.eat("*/") {
                    self.next().ok_or_else(|| start.clone())?;
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, SyntaxError> {
        let Some(letter) = self.peek() else { return Ok(Token::End) };
        match letter {
            '{' | '}' | '[' | ']' | ',' | '=' | ':' => {
                self.next();
                Ok(Token::Sign(letter))
            }
            '"' => self.text(),
            '<' => self.heredoc(),
            '-' | '+' | '.' | '0'..='9' => self.number(),
            _ if letter.is_alphabetic() || letter == '_' => {
                let part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
                Ok(Token::Word(self.while_in(part).to_owned()))
            }
            other => Err(self.error(format!("{other:?} does not belong here"))),
        }
    }

    fn number(&mut self) -> Result<Token, SyntaxError> {
        let start = self.error("");
        let digits = self.while_in(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '+' | '.'));
        let (sign, plain) = digits.strip_prefix('-').map_or((1, digits), |plain| (-1, plain));
        let hex = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X"));
        let magnitude = hex.map_or_else(|| plain.parse::<u64>(), |hex| u64::from_str_radix(hex, 16));
        if let Some(magnitude) = magnitude.ok().and_then(|magnitude| i64::try_from(magnitude).ok()) {
            return Ok(Token::Whole(sign * magnitude));
        }
        let fraction = digits.parse::<f64>().ok().filter(|number| number.is_finite());
        fraction
            .map(Token::Fraction)
            .ok_or_else(|| SyntaxError { message: format!("{digits:?} is no number"), ..start })
    }

    /// Quoted text on one line. What stands in `${…}` is kept as it is, quotes and all.
    fn text(&mut self) -> Result<Token, SyntaxError> {
        let open = self.error("the text is not closed on its line");
        self.next();
        let mut text = String::new();
        let mut braces = 0_usize;
        loop {
            if braces == 0 && self.eat("${") {
                braces = 1;
                text.push_str("${");
                continue;
            }
            match self.next().ok_or_else(|| open.clone())? {
                '"' if braces == 0 => return Ok(Token::Text(text)),
                '\n' if braces == 0 => return Err(open),
                '\\' if braces == 0 => text.push(self.escape()?),
                letter => {
                    match letter {
                        '{' if braces > 0 => braces += 1,
                        '}' if braces > 0 => braces -= 1,
                        _ => {}
                    }
                    text.push(letter);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let wrong = self.error("the escape after \\ is not known");
        let code = |scanner: &mut Self, digits: usize, radix: u32| {
            let code = scanner.rest.get(..digits).and_then(|code| u32::from_str_radix(code, radix).ok());
            for _ in 0..digits {
                scanner.next();
            }
            // half of a pair, as JSON writes it, has no letter of its own
            code.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
        };
        let letter = match self.next() {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('v') => Some('\u{b}'),
            Some('x') => code(self, 2, 16),
            Some('u') => code(self, 4, 16),
            Some('U') => code(self, 8, 16),
            Some(letter @ ('\\' | '"' | '/' | '\'')) => Some(letter),
            _ => None,
        };
        letter.ok_or(wrong)
    }

    /// `<<WORD`, or `<<-WORD` to drop the indentation that all lines share; up to a line that holds the word alone.
    fn heredoc(&mut self) -> Result<Token, SyntaxError> {
        let start = self.error("");
        let wrong = |message: String| SyntaxError { message, ..start.clone() };
        if !self.eat("<<") {
            return Err(wrong("'<' does not belong here".to_owned()));
        }
        let indented = self.eat("-");
        let word = self.while_in(|letter| letter.is_alphanumeric() || letter == '_');
        if word.is_empty() || !(self.eat("\n") || self.eat("\r\n")) {
            return Err(wrong("<< needs a word and a new line".to_owned()));
        }
        let mut lines = Vec::new();
        loop {
            let line = self.while_in(|letter| letter != '\n');
            if line.trim() == word {
                break;
            }
            lines.push(line.strip_suffix('\r').unwrap_or(line));
            self.next().ok_or_else(|| wrong(format!("no line holds the {word:?} that ends the text")))?;
        }
        let filled = || lines.iter().filter(|line| !line.trim().is_empty());
        let shared = filled().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
        let kept = if indented { shared } else { 0 };
        let line = |line: &&str| format!("{}\n", line.get(kept..).unwrap_or_else(|| line.trim_start()));
        Ok(Token::Text(lines.iter().map(line).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Vec<Token> {
        tokens(text).unwrap().into_iter().map(|placed| placed.token).collect()
    }

    #[test]
    fn numbers_text_and_words_are_told_apart() {
        let expected = [
            Token::Word("local-port.x".to_owned()),
            Token::Sign('='),
            Token::Whole(-12),
            Token::Whole(255),
            Token::Fraction(1.5),
            Token::Fraction(2e3),
            Token::Text("a\"b\n${x \"y\" {}}é\u{41}".to_owned()),
            Token::End,
        ];
        assert_eq!(scan(r#"local-port.x = -12 0xff 1.5 2e3 "a\"b\n${x "y" {}}\u00e9\x41""#), expected);
    }

    #[test]
    fn comments_are_skipped() {
        assert_eq!(scan("# a\n// b\n/* c\n d */ 1 # e"), [Token::Whole(1), Token::End]);
    }

    #[test]
    fn a_heredoc_keeps_its_lines_and_may_drop_their_indentation() {
        assert_eq!(scan("<<EOF\n  a\n b\nEOF\n")[0], Token::Text("  a\n b\n".to_owned()));
        assert_eq!(scan("<<-EOF\n    a\n\n   b\n  EOF\n")[0], Token::Text(" a\n\nb\n".to_owned()));
    }
}
