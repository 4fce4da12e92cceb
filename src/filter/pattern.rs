//! Regular expressions in Go's syntax (RE2), for Rust's library, which reads the same letters a little differently: its
//! classes are Unicode's and can hold classes, it has operators of sets, no `\Q…\E` and no octal.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::str::Chars;

use regex::bytes::{Regex, RegexBuilder};

/// The most that a compiled pattern may take, in bytes.
const LARGEST: usize = 1 << 20;
/// The most repetitions that may be asked for.
const MOST_REPEATS: u32 = 1000;
const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// # Errors
/// Saying what is wrong with the pattern.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = translate(pattern)?;
    RegexBuilder::new(&translated).size_limit(LARGEST).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        // the last line says what, the others draw where, in a text that nobody wrote
        error => error.to_string().lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned(),
    })
}

fn translate(pattern: &str) -> Result<String, String> {
    let mut translation =
        Translation { rest: pattern.chars(), out: String::with_capacity(pattern.len()), groups: BTreeSet::new() };
    translation.all()?;
    Ok(translation.out)
}

struct Translation<'a> {
    rest: Chars<'a>,
    out: String,
    groups: BTreeSet<&'a str>,
}

type Translated<T = ()> = Result<T, String>;

impl<'a> Translation<'a> {
    fn all(&mut self) -> Translated {
        let mut repeated = false;
        while let Some(letter) = self.rest.next() {
            let repeats = match letter {
                '*' | '+' | '?' => Some(letter.to_string()),
                '{' => self.bounds()?,
                _ => None,
            };
            if let Some(operator) = repeats {
                if repeated {
                    return Err(format!("{operator} repeats a repetition"));
                }
                self.out.push_str(&operator);
                if self.take("?") {
                    self.out.push('?');
                }
                repeated = true;
                continue;
            }
            repeated = false;
            match letter {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group()?,
                ')' | '|' | '^' | '$' | '.' => self.out.push(letter),
                _ => self.literal(letter),
            }
        }
        Ok(())
    }

    /// After a brace: `{2}`, `{2,}`, `{2,5}`. Anything else is a brace.
    fn bounds(&mut self) -> Translated<Option<String>> {
        let text = self.rest.as_str();
        let Some((inside, after)) = text.split_once('}') else { return Ok(None) };
        let (least, most) = inside.split_once(',').unwrap_or((inside, inside));
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            (plain && (digits.len() == 1 || !digits.starts_with('0'))).then(|| digits.parse().unwrap_or(u32::MAX))
        };
        let (Some(least), true) = (number(least), most.is_empty() || number(most).is_some()) else { return Ok(None) };
        let most = number(most);
        if least > MOST_REPEATS || most.is_some_and(|most| most > MOST_REPEATS || most < least) {
            return Err(format!("{{{inside}}} is no number of repetitions: at most {MOST_REPEATS}, the lesser first"));
        }
        self.rest = after.chars();
        Ok(Some(format!("{{{inside}}}")))
    }

    /// After a parenthesis. Names of groups are only checked: nothing asks for a group.
    fn group(&mut self) -> Translated {
        if !self.take("?") {
            self.out.push('(');
            return Ok(());
        }
        if self.take("P<") || self.take("<") {
            let (name, after) = self.rest.as_str().split_once('>').ok_or("the name of a group does not end")?;
            let plain = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            if !plain || !self.groups.insert(name) {
                return Err(format!("{name:?} cannot be the name of a group, or is one already"));
            }
            self.rest = after.chars();
            self.out.push('(');
            return Ok(());
        }
        let flags = self.rest.as_str();
        let end = flags.find([':', ')']).ok_or("a group does not end")?;
        let (flags, after) = (&flags[..=end], &flags[end + 1..]);
        if !flags[..end].chars().all(|flag| matches!(flag, 'i' | 'm' | 's' | 'U' | '-')) {
            return Err(format!("(?{flags} is no group: the flags are i, m, s and U"));
        }
        self.rest = after.chars();
        _ = write!(self.out, "(?{flags}");
        Ok(())
    }

    /// After a backslash, outside a class.
    fn escape(&mut self) -> Translated {
        let before = self.rest.clone();
        match self.rest.next() {
            Some('A') => self.out.push_str("\\A"),
            Some('z') => self.out.push_str("\\z"),
            Some('b') => self.out.push_str("(?-u:\\b)"),
            Some('B') => self.out.push_str("(?-u:\\B)"),
            Some('Q') => {
                let (quoted, after) = self.rest.as_str().split_once("\\E").unwrap_or((self.rest.as_str(), ""));
                quoted.chars().for_each(|letter| self.literal(letter));
                self.rest = after.chars();
            }
            Some(letter) => {
                if let Some(set) = perl_class(letter) {
                    _ = write!(self.out, "(?-i:[{set}])");
                } else if matches!(letter, 'p' | 'P') {
                    self.property(letter == 'P')?;
                } else {
                    self.rest = before;
                    let letter = self.escaped()?;
                    self.literal(letter);
                }
            }
            None => return Err("it ends with a backslash".to_owned()),
        }
        Ok(())
    }

    /// After a bracket.
    fn class(&mut self) -> Translated {
        self.out.push('[');
        if self.take("^") {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            if self.rest.as_str().starts_with(']') && !first {
                self.rest.next();
                self.out.push(']');
                return Ok(());
            }
            first = false;
            if self.rest.as_str().starts_with("[:")
                && let Some(end) = self.rest.as_str().find(":]")
            {
                let (named, after) = self.rest.as_str().split_at(end + 2);
                let name = named[2..end].trim_start_matches('^');
                if !POSIX_CLASSES.contains(&name) {
                    return Err(format!("{named} is no class of characters"));
                }
                self.out.push_str(named);
                self.rest = after.chars();
                continue;
            }
            if self.class_escape()? {
                continue;
            }
            let from = self.class_letter()?;
            let mut ahead = self.rest.clone();
            let to = if ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']') {
                self.rest.next();
                self.class_letter()?
            } else {
                from
            };
            if to < from {
                return Err(format!("{from}-{to} is no range of characters: the lesser comes first"));
            }
            _ = write!(self.out, "\\x{{{:x}}}-\\x{{{:x}}}", u32::from(from), u32::from(to));
        }
    }

    /// `\d`, `\pL` and their like inside a class.
    fn class_escape(&mut self) -> Translated<bool> {
        let mut ahead = self.rest.clone();
        let (Some('\\'), Some(letter)) = (ahead.next(), ahead.next()) else { return Ok(false) };
        if let Some(set) = perl_class(letter) {
            _ = write!(self.out, "[{set}]");
        } else if !matches!(letter, 'p' | 'P') {
            return Ok(false);
        }
        self.rest = ahead;
        if matches!(letter, 'p' | 'P') {
            self.property(letter == 'P')?;
        }
        Ok(true)
    }

    fn class_letter(&mut self) -> Translated<char> {
        match self.rest.next() {
            Some('\\') => self.escaped(),
            Some(letter) => Ok(letter),
            None => Err("a class of characters does not end: ] is missing".to_owned()),
        }
    }

    /// After `\p` or `\P`: one letter, or a name in braces that `^` negates.
    fn property(&mut self, negated: bool) -> Translated {
        if !self.take("{") {
            let letter = self.rest.next().ok_or("a class has no name")?;
            return self.named(&letter.to_string(), negated);
        }
        let (name, after) = self.rest.as_str().split_once('}').ok_or("the name of a class does not end")?;
        self.rest = after.chars();
        match name.strip_prefix('^') {
            Some(name) => self.named(name, !negated),
            None => self.named(name, negated),
        }
    }

    fn named(&mut self, name: &str, negated: bool) -> Translated {
        if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            return Err(format!("{name:?} is no class of characters"));
        }
        _ = write!(self.out, "\\{}{{{name}}}", if negated { 'P' } else { 'p' });
        Ok(())
    }

    /// After a backslash: the one character that is meant.
    fn escaped(&mut self) -> Translated<char> {
        let letter = self.rest.next().ok_or("it ends with a backslash")?;
        Ok(match letter {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => return self.hexadecimal(),
            '0'..='7' => return self.octal(letter),
            _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => letter,
            _ => return Err(format!("\\{letter} is no escape")),
        })
    }

    fn hexadecimal(&mut self) -> Translated<char> {
        let text = self.rest.as_str();
        let (digits, after) = match text.strip_prefix('{') {
            Some(inside) => inside.split_once('}').ok_or("\\x{ does not end")?,
            None => text.split_at_checked(2).ok_or("\\x has two digits, or braces")?,
        };
        let all = digits.chars().all(|digit| digit.is_ascii_hexdigit());
        let letter = u32::from_str_radix(digits, 16).ok().filter(|_| all).and_then(char::from_u32);
        self.rest = after.chars();
        letter.ok_or_else(|| format!("\\x{digits} is no character"))
    }

    /// A digit alone would refer back to a group, which this language does not have.
    fn octal(&mut self, first: char) -> Translated<char> {
        let more = self.rest.as_str().chars().take(2).take_while(|digit| digit.is_digit(8)).count();
        if first != '0' && more == 0 {
            return Err(format!("\\{first} refers back to a group, which is not supported"));
        }
        let (digits, after) = self.rest.as_str().split_at(more);
        let number = u32::from_str_radix(&format!("{first}{digits}"), 8).ok().and_then(char::from_u32);
        self.rest = after.chars();
        number.ok_or_else(|| "is no character".to_owned())
    }

    fn literal(&mut self, letter: char) {
        self.out.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
    }

    fn take(&mut self, text: &str) -> bool {
        let after = self.rest.as_str().strip_prefix(text);
        if let Some(after) = after {
            self.rest = after.chars();
        }
        after.is_some()
    }
}

/// The inside of the class that Perl's letter stands for; ASCII's, not Unicode's.
fn perl_class(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "0-9",
        'D' => "^0-9",
        's' => "\\t\\n\\f\\r\\x20",
        'S' => "^\\t\\n\\f\\r\\x20",
        'w' => "0-9A-Za-z_",
        'W' => "^0-9A-Za-z_",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).is_match(text.as_bytes())
    }

    #[test]
    fn classes_are_those_of_ascii() {
        assert!(matches(r"^\d+$", "42") && !matches(r"^\d+$", "٤٢"));
        assert!(matches(r"^\w+$", "a_1") && !matches(r"^\w+$", "é"));
        assert!(matches(r"^[\w-]+$", "a-1") && matches(r"^[^\d]$", "x") && matches(r"^[\D]$", "é"));
        assert!(matches(r"^\pL+$", "é") && matches(r"^\p{^Greek}$", "a") && !matches(r"^[\P{Greek}]$", "π"));
        assert!(matches(r"\bweb\b", "the web is") && !matches(r"\bweb\b", "webs"));
    }

    #[test]
    fn what_is_an_operator_in_rust_alone_is_a_letter() {
        assert!(matches(r"^[a&&b]+$", "a&b") && matches(r"^[[]$", "[") && matches(r"^[+--]$", "-"));
        assert!(matches("^a{,2}$", "a{,2}") && matches("^{$", "{") && matches(r"^\Qa.b*\E+$", "a.b**"));
        assert!(matches(r"^\<$", "<") && matches(r"^\101\x41\x{1F600}$", "AA😀") && matches("^[]]$", "]"));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for wrong in [
            "a**",
            "a{2}{3}",
            "a{1001}",
            "a{3,2}",
            "*a",
            "(",
            ")",
            "[a",
            "[b-a]",
            r"[a-\d]",
            r"\8",
            r"\1",
            r"\C",
            r"\Z",
            r"\y",
            "(?x)a",
            "(?=a)",
            r"\",
            "(?P<a>x)(?P<a>y)",
            "[[:nothing:]]",
            r"\pX",
            "(?P<n",
            "é\\",
        ] {
            assert!(compile(wrong).is_err(), "{wrong} became {:?}", translate(wrong));
        }
    }

    #[test]
    fn a_pattern_that_would_be_huge_is_refused() {
        assert_eq!(compile("((a{100}){100}){100}").map(drop), Err("it is too large".to_owned()));
    }
}
