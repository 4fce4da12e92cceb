//! Tokens to a value and the lines of its keys.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::scan::{Placed, Token, tokens};
use super::{SyntaxError, place};

type Lines = BTreeMap<String, usize>;

/// Deeper nesting is no configuration but an attack on the stack.
const DEEPEST: usize = 100;
/// Each label nests too.
const MOST_LABELS: usize = 3;

pub fn document(text: &str) -> Result<(Value, Lines), SyntaxError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, lines: Lines::new() };
    // a file may be one object in braces, as JSON is
    let braced = parser.eat('{');
    let members = parser.members("", if braced { &Token::Sign('}') } else { &Token::End })?;
    if parser.peek().token != Token::End {
        return Err(parser.unexpected("the end of the file"));
    }
    Ok((Value::Object(members), parser.lines))
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    depth: usize,
    lines: Lines,
}

impl Parser {
    fn peek(&self) -> &Placed {
        // the scanner always ends with `End`, which `next` never passes
        &self.tokens[self.at]
    }

    fn next(&mut self) -> Placed {
        let placed = self.peek().clone();
        if placed.token != Token::End {
            self.at += 1;
        }
        placed
    }

    fn eat(&mut self, sign: char) -> bool {
        let found = self.peek().token == Token::Sign(sign);
        if found {
            self.at += 1;
        }
        found
    }

    fn unexpected(&self, expected: &str) -> SyntaxError {
        let Placed { token, line, column } = self.peek();
        let message = format!("expected {expected}, found {}", token.shown());
        SyntaxError { line: *line, column: *column, message }
    }

    /// Up to and including the closing token. Members may be set apart by commas, new lines or nothing.
    fn members(&mut self, path: &str, close: &Token) -> Result<Map<String, Value>, SyntaxError> {
        let mut members = Map::new();
        loop {
            if self.peek().token == *close {
                self.next();
                return Ok(members);
            }
            self.member(path, &mut members)?;
            self.eat(',');
        }
    }

    /// `key = value`, or `key "label" … { … }`: each label is one more object around the block.
    fn member(&mut self, path: &str, members: &mut Map<String, Value>) -> Result<(), SyntaxError> {
        let line = self.peek().line;
        let Some(key) = self.key() else { return Err(self.unexpected("a key")) };
        let again = members.get(&key).map(|earlier| earlier.as_array().map_or(1, Vec::len));
        if self.eat('=') || self.eat(':') {
            let path = numbered(path, &key, again.filter(|_| self.peek().token == Token::Sign('{')));
            self.lines.insert(place(&path), line);
            let value = self.value(&path)?;
            add(members, key, value);
            return Ok(());
        }
        let mut path = numbered(path, &key, again);
        self.lines.insert(place(&path), line);
        let mut labels = Vec::new();
        while let Some(label) = self.key() {
            path = format!("{path}.{label}");
            self.lines.insert(place(&path), line);
            labels.push(label);
            if labels.len() > MOST_LABELS {
                return Err(self.unexpected("fewer labels"));
            }
        }
        if self.peek().token != Token::Sign('{') {
            return Err(self.unexpected("'=' or '{'"));
        }
        let block = self.value(&path)?;
        let around = |inner, label| Value::Object(Map::from_iter([(label, inner)]));
        add(members, key, labels.into_iter().rev().fold(block, around));
        Ok(())
    }

    fn key(&mut self) -> Option<String> {
        let (Token::Word(key) | Token::Text(key)) = &self.peek().token else { return None };
        let key = key.clone();
        self.next();
        Some(key)
    }

    fn value(&mut self, path: &str) -> Result<Value, SyntaxError> {
        if self.depth == DEEPEST {
            return Err(self.unexpected("less nesting"));
        }
        self.depth += 1;
        let value = self.value_inside(path);
        self.depth -= 1;
        value
    }

    fn value_inside(&mut self, path: &str) -> Result<Value, SyntaxError> {
        let value = match &self.peek().token {
            Token::Text(text) => Value::String(text.clone()),
            Token::Whole(number) => Value::from(*number),
            Token::Fraction(number) => Value::from(*number),
            Token::Word(word) => match word.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                _ => return Err(self.unexpected("a value")),
            },
            Token::Sign('{') => {
                self.next();
                return Ok(Value::Object(self.members(path, &Token::Sign('}'))?));
            }
            Token::Sign('[') => {
                self.next();
                return self.list(path);
            }
            Token::Sign(_) | Token::End => return Err(self.unexpected("a value")),
        };
        self.next();
        Ok(value)
    }

    /// A comma may follow the last element.
    fn list(&mut self, path: &str) -> Result<Value, SyntaxError> {
        let mut items = Vec::new();
        while !self.eat(']') {
            let path = format!("{path}[{}]", items.len());
            self.lines.insert(place(&path), self.peek().line);
            items.push(self.value(&path)?);
            if !self.eat(',') && self.peek().token != Token::Sign(']') {
                return Err(self.unexpected("',' or ']'"));
            }
        }
        Ok(Value::Array(items))
    }
}

/// The path of a key that stands here for another time, when it does.
fn numbered(path: &str, key: &str, again: Option<usize>) -> String {
    let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    again.map_or_else(|| path.clone(), |again| format!("{path}[{again}]"))
}

/// An object for a key that has objects already joins them in a list; any other value replaces.
fn add(members: &mut Map<String, Value>, key: String, value: Value) {
    match (members.get_mut(&key), &value) {
        (Some(earlier @ Value::Object(_)), Value::Object(_)) => *earlier = Value::Array(vec![earlier.take(), value]),
        (Some(Value::Array(list)), Value::Object(_)) => list.push(value),
        _ => drop(members.insert(key, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        document(text).unwrap().0
    }

    #[test]
    fn a_block_an_object_and_a_list_are_read() {
        let text = r#"
            Kind = "service-intentions"
            Name = "db"
            Sources = [
              { Name = "web", Action = "allow", },
              { Name = "api"
                Action = "deny" },
            ]
            redirect { service = "x" }
            limits = { max = 5, "quoted" : true }
            upstreams = [{ config { protocol = "http" } }],
        "#;
        let expected = json!({
            "Kind": "service-intentions",
            "Name": "db",
            "Sources": [{ "Name": "web", "Action": "allow" }, { "Name": "api", "Action": "deny" }],
            "redirect": { "service": "x" },
            "limits": { "max": 5, "quoted": true },
            "upstreams": [{ "config": { "protocol": "http" } }],
        });
        assert_eq!(read(text), expected);
    }

    #[test]
    fn blocks_of_one_name_join_in_a_list() {
        assert_eq!(
            read("service { name = \"a\" }\nservice { name = \"b\" }\nservice { name = \"c\" }"),
            json!({ "service": [{ "name": "a" }, { "name": "b" }, { "name": "c" }] })
        );
        assert_eq!(read("a = 1\na = 2"), json!({ "a": 2 }));
    }

    #[test]
    fn labels_are_objects_around_a_block() {
        assert_eq!(
            read(r#"service "web" "v1" { port = 1 } "service" "db" {}"#),
            json!({ "service": [{ "web": { "v1": { "port": 1 } } }, { "db": {} }] })
        );
    }

    #[test]
    fn what_is_wrong_is_refused_with_line_and_column() {
        for (text, expected) in [
            ("a = ", "line 1, column 5: expected a value, found the end of the file"),
            ("a = 1\nb", "line 2, column 2: expected '=' or '{', found the end of the file"),
            ("a {\n  b = 1\n", "line 3, column 1: expected a key, found the end of the file"),
            ("a = [1 2]", "line 1, column 8: expected ',' or ']', found the number 2"),
            ("a = \"x\n", "line 1, column 5: the text is not closed on its line"),
            ("a = \"\\q\"", "line 1, column 7: the escape after \\ is not known"),
            ("a = <<EOF\nx\n", "line 1, column 5: no line holds the \"EOF\" that ends the text"),
            ("a = <<\n", "line 1, column 5: << needs a word and a new line"),
            ("/* a", "line 1, column 1: the comment is not closed"),
            ("a = yes", "line 1, column 5: expected a value, found \"yes\""),
            ("a = 1x", "line 1, column 5: \"1x\" is no number"),
            ("a = @", "line 1, column 5: '@' does not belong here"),
            ("{ a = 1 } b", "line 1, column 11: expected the end of the file, found \"b\""),
            ("a \"b\" c d e {}", "line 1, column 13: expected fewer labels, found '{'"),
            ("= 1", "line 1, column 1: expected a key, found '='"),
        ] {
            assert_eq!(document(text).unwrap_err().to_string(), expected, "{text}");
        }
        let deep = format!("a = {}", "[".repeat(1000));
        assert_eq!(document(&deep).unwrap_err().to_string(), "line 1, column 105: expected less nesting, found '['");
    }
}
