//! From text to an expression. The grammar is that of go-bexpr, a parsing expression grammar: alternatives are tried in
//! order, the first that matches is taken, and what looks like a word of the language may still be a name or a value
//! (`not == 3`, `in in Tags`).

use super::error::Fault;
use super::expression::{Each, Expression, Literal, Match, Names, Operator, Path};
use super::literal::unquote;

/// How deep parentheses, `not` and `any` may stand in each other.
const DEEPEST: usize = 100;

/// `None`: no match here, and the position is as it was.
type Parsed<T> = Result<Option<T>, Fault>;

pub(super) fn parse(text: &str) -> Result<Expression, Fault> {
    let mut parser = Parser { text, at: 0, depth: 0, furthest: 0, expected: Vec::new() };
    parser.space();
    let found = parser.or()?;
    parser.space();
    match found {
        Some(expression) if parser.rest().is_empty() => Ok(expression),
        _ => {
            parser.expect("the end");
            Err(parser.disappointment())
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// The furthest place where something was expected, and what: where people look for their slip.
    furthest: usize,
    expected: Vec<&'static str>,
}

impl Parser<'_> {
    fn or(&mut self) -> Parsed<Expression> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::new(self.at, format!("is nested more than {DEEPEST} deep")));
        }
        let found = self.sequence("or", Expression::Or, |parser| parser.sequence("and", Expression::And, Self::not));
        self.depth -= 1;
        found
    }

    /// Operands with a word between them; a single one stands for itself.
    fn sequence(
        &mut self,
        word: &'static str,
        whole: fn(Vec<Expression>) -> Expression,
        operand: impl Fn(&mut Self) -> Parsed<Expression>,
    ) -> Parsed<Expression> {
        let Some(first) = operand(self)? else { return Ok(None) };
        let mut operands = vec![first];
        loop {
            let before = self.at;
            if !self.words(&[word], true) {
                self.space();
                if self.rest() == word {
                    self.literal(word);
                    self.expect("another expression");
                } else {
                    self.expect(if word == "or" { "\"or\"" } else { "\"and\"" });
                }
                self.at = before;
                break;
            }
            let Some(next) = operand(self)? else {
                self.at = before;
                break;
            };
            operands.push(next);
        }
        Ok(if operands.len() > 1 { Some(whole(operands)) } else { operands.pop() })
    }

    fn not(&mut self) -> Parsed<Expression> {
        let before = self.at;
        if self.literal("not") && self.space() {
            self.depth += 1;
            if self.depth > DEEPEST {
                return Err(Fault::new(before, format!("is nested more than {DEEPEST} deep")));
            }
            let operand = self.not()?;
            self.depth -= 1;
            if let Some(operand) = operand {
                return Ok(Some(Expression::Not(Box::new(operand))));
            }
        }
        // a selector or a value may be called "not" too
        self.at = before;
        self.parenthesized()
    }

    fn parenthesized(&mut self) -> Parsed<Expression> {
        let before = self.at;
        if !self.literal("(") {
            return match self.each()? {
                Some(each) => Ok(Some(each)),
                None => self.matching(),
            };
        }
        self.space();
        if let Some(inner) = self.or()? {
            self.space();
            if self.literal(")") {
                return Ok(Some(inner));
            }
            self.expect("\")\"");
        }
        self.at = before;
        Ok(None)
    }

    /// `any selector as name { … }`
    fn each(&mut self) -> Parsed<Expression> {
        let before = self.at;
        let found = self.each_from_here()?;
        if found.is_none() {
            self.at = before;
        }
        Ok(found)
    }

    fn each_from_here(&mut self) -> Parsed<Expression> {
        let all = self.literal("all");
        if !((all || self.literal("any")) && self.space()) {
            return Ok(None);
        }
        let Some(over) = self.path()? else { return Ok(None) };
        if !self.words(&["as"], true) {
            return Ok(None);
        }
        let Some(names) = self.names() else { return Ok(None) };
        self.space();
        if !self.literal("{") {
            self.expect("\"{\"");
            return Ok(None);
        }
        self.space();
        let Some(inner) = self.or()? else { return Ok(None) };
        self.space();
        if !self.literal("}") {
            self.expect("\"}\"");
            return Ok(None);
        }
        Ok(Some(Expression::Each(Box::new(Each { all, over, names, inner }))))
    }

    fn names(&mut self) -> Option<Names> {
        let first = self.name_or_nobody()?;
        let before = self.at;
        self.space();
        if !self.literal(",") {
            self.at = before;
            return first.map(Names::Default);
        }
        self.space();
        let second = self.name_or_nobody()?;
        (first.is_some() || second.is_some()).then_some(Names::Both { key: first, value: second })
    }

    /// `Some(None)` for `_`.
    fn name_or_nobody(&mut self) -> Option<Option<String>> {
        if self.literal("_") {
            return Some(None);
        }
        let name = self.identifier();
        if name.is_none() {
            self.expect("a name for what is gone through");
        }
        name.map(|name| Some(name.to_owned()))
    }

    fn matching(&mut self) -> Parsed<Expression> {
        let before = self.at;
        if let Some(path) = self.path()? {
            let after = self.at;
            if let Some((operator, negated)) = self.operator_and_value()? {
                return Ok(Some(Expression::Match(Match { path, operator, negated })));
            }
            self.at = after;
            for (words, negated) in [(&["is", "empty"][..], false), (&["is", "not", "empty"][..], true)] {
                if self.words(words, false) {
                    return Ok(Some(Expression::Match(Match { path, operator: Operator::Empty, negated })));
                }
            }
            self.space();
            self.expect("an operator (==, !=, contains, matches, is empty)");
        }
        self.at = before;
        let found = self.value_in_selector()?;
        if found.is_none() {
            self.at = before;
        }
        Ok(found)
    }

    fn operator_and_value(&mut self) -> Parsed<(Operator, bool)> {
        let before = self.at;
        let whole: fn(Literal) -> Operator;
        let negated;
        if self.symbol("==") {
            (whole, negated) = (Operator::Equal, false);
        } else if self.symbol("!=") {
            (whole, negated) = (Operator::Equal, true);
        } else if self.words(&["contains"], true) {
            (whole, negated) = (Operator::Contains, false);
        } else if self.words(&["not", "contains"], true) {
            (whole, negated) = (Operator::Contains, true);
        } else if self.words(&["matches"], true) {
            (whole, negated) = (Operator::Matches, false);
        } else if self.words(&["not", "matches"], true) {
            (whole, negated) = (Operator::Matches, true);
        } else {
            return Ok(None);
        }
        let value = self.value()?;
        if value.is_none() {
            self.expect("a value");
            self.at = before;
        }
        Ok(value.map(|value| (whole(value), negated)))
    }

    fn value_in_selector(&mut self) -> Parsed<Expression> {
        let Some(value) = self.value()? else {
            self.expect("a selector or a value");
            return Ok(None);
        };
        let negated = if self.words(&["in"], true) {
            false
        } else if self.words(&["not", "in"], true) {
            true
        } else {
            self.space();
            self.expect("\"in\"");
            return Ok(None);
        };
        match self.path()? {
            Some(path) => Ok(Some(Expression::Match(Match { path, operator: Operator::Contains(value), negated }))),
            None => Err(Fault::new(self.at, format!("a selector is expected{}", self.found(self.at)))),
        }
    }

    /// A word without quotes (which may look like a selector), a number, or a string.
    fn value(&mut self) -> Parsed<Literal> {
        let byte = self.at;
        if let Some(path) = self.path()? {
            let text = path.parts.iter().map(|part| &part.text[..]).collect::<Vec<_>>().join(&b'.');
            return Ok(Some(Literal { byte, text }));
        }
        match self.number()? {
            Some(number) => Ok(Some(number)),
            None => self.string(),
        }
    }

    fn path(&mut self) -> Parsed<Path> {
        let byte = self.at;
        let Some(first) = self.identifier() else { return Ok(None) };
        let mut parts = vec![Literal { byte, text: first.as_bytes().to_vec() }];
        loop {
            let before = self.at;
            if self.literal(".") {
                let byte = self.at;
                if let Some(name) = self.identifier() {
                    parts.push(Literal { byte, text: name.as_bytes().to_vec() });
                    continue;
                }
                self.expect("the next part of the selector");
                self.at = before;
            } else if self.literal("[") {
                parts.push(self.index()?);
                continue;
            }
            return Ok(Some(Path { parts }));
        }
    }

    /// After the bracket.
    fn index(&mut self) -> Result<Literal, Fault> {
        self.space();
        let Some(key) = self.string()? else {
            return Err(Fault::new(self.at, "an index is a string in quotes, such as [\"a key\"]"));
        };
        self.space();
        if self.literal("]") {
            return Ok(key);
        }
        Err(Fault::new(self.at, "the index does not end: ] is expected"))
    }
}

/// Tokens.
impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// True if there was any.
    fn space(&mut self) -> bool {
        let trimmed = self.rest().trim_start_matches([' ', '\t', '\r', '\n']);
        let count = self.rest().len() - trimmed.len();
        self.at += count;
        count > 0
    }

    fn literal(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// With space around it, or without.
    fn symbol(&mut self, symbol: &str) -> bool {
        let before = self.at;
        self.space();
        if self.literal(symbol) {
            self.space();
            return true;
        }
        self.at = before;
        false
    }

    /// Words with space before each, and after the last one too if that is wanted.
    fn words(&mut self, words: &[&str], space_after: bool) -> bool {
        let before = self.at;
        if words.iter().all(|word| self.space() && self.literal(word)) && (!space_after || self.space()) {
            return true;
        }
        self.at = before;
        false
    }

    fn identifier(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        if !rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            return None;
        }
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        self.at += end;
        Some(&rest[..end])
    }

    /// `-1`, `80`, `0.5`; what other numbers there are must be in quotes.
    fn number(&mut self) -> Parsed<Literal> {
        let byte = self.at;
        let rest = self.rest();
        let unsigned = rest.strip_prefix('-').unwrap_or(rest);
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let whole = if unsigned.starts_with('0') { 1 } else { digits(unsigned) };
        if whole == 0 {
            return Ok(None);
        }
        let fraction = unsigned[whole..].strip_prefix('.').map_or(0, digits);
        let length = rest.len() - unsigned.len() + whole + if fraction > 0 { fraction + 1 } else { 0 };
        if rest[length..].starts_with(|next: char| !matches!(next, ' ' | '\t' | '\r' | '\n' | ')' | '}')) {
            return Err(Fault::new(byte, "is no number: put the value in quotes if it is a text"));
        }
        self.at += length;
        Ok(Some(Literal { byte, text: rest.as_bytes()[..length].to_vec() }))
    }

    /// Between double quotes, with Go's escapes; between back quotes, as it stands.
    fn string(&mut self) -> Parsed<Literal> {
        let byte = self.at;
        let Some(quote) = self.rest().chars().next().filter(|letter| matches!(letter, '"' | '`')) else {
            return Ok(None);
        };
        let inside = &self.rest()[1..];
        let Some(end) = inside.find(quote) else { return Err(Fault::new(byte, "the string does not end")) };
        let quoted = &inside[..end];
        let text = if quote == '`' { Some(quoted.replace('\r', "").into_bytes()) } else { unquote(quoted) };
        let wrong = "the string has an escape that is none: a backslash is \\\\, and ` quotes without escapes";
        let text = text.ok_or_else(|| Fault::new(byte, wrong))?;
        self.at += end + 2;
        Ok(Some(Literal { byte, text }))
    }
}

/// What is said of a text that does not match.
impl Parser<'_> {
    fn expect(&mut self, what: &'static str) {
        if self.at > self.furthest {
            self.furthest = self.at;
            self.expected.clear();
        }
        if self.at == self.furthest && !self.expected.contains(&what) {
            self.expected.push(what);
        }
    }

    fn disappointment(&self) -> Fault {
        let (last, others) = self.expected.split_last().expect("at least the end was expected");
        let before_last = if others.is_empty() { "" } else { " or " };
        let what = format!("expected {}{before_last}{last}{}", others.join(", "), self.found(self.furthest));
        Fault::new(self.furthest, what)
    }

    fn found(&self, byte: usize) -> String {
        match self.text[byte..].split_whitespace().next() {
            Some(word) => format!(", found {word:?}"),
            None => ", found the end".to_owned(),
        }
    }
}
