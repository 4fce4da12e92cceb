//! An expression and the table of what it will be asked of, held against each other: names become rows, values what they
//! are compared with. What does not fit is refused here, so that nothing can go wrong later.

use regex::bytes::Regex;

use super::error::Fault;
use super::expression::{Each, Expression, Literal, Match, Names, Operator, Path};
use super::table::{Rows, Shape};
use super::{literal, pattern};

#[derive(Clone)]
pub(super) enum Bound {
    Or(Vec<Bound>),
    And(Vec<Bound>),
    Not(Box<Bound>),
    Match { reach: Reach, test: Test, negated: bool },
    Each { all: bool, over: Reach, inner: Box<Bound> },
}

/// The way to a value.
#[derive(Clone)]
pub(super) struct Reach {
    pub(super) from: From,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Copy)]
pub(super) enum From {
    /// What the filter is asked about.
    Item,
    /// What an `any` or `all` around goes through: keys and values in turn, outermost first.
    Local(usize),
}

#[derive(Clone)]
pub(super) enum Step {
    Row(usize),
    Key(Vec<u8>),
}

#[derive(Clone)]
pub(super) enum Test {
    Text(Vec<u8>),
    Flag(bool),
    Number(i64),
    /// A part of a text, an element of a list, a key of a map.
    Contains(Vec<u8>),
    Matches(Regex),
    Empty,
}

/// The names that are known at a place of the expression.
struct Scope<'s> {
    item: &'static dyn Rows,
    /// In the order of [`From::Local`]; without a name when nobody needs it.
    locals: Vec<(Option<&'s str>, Shape)>,
}

pub(super) fn bind(expression: &Expression, item: &'static dyn Rows) -> Result<Bound, Fault> {
    Scope { item, locals: Vec::new() }.bind(expression)
}

impl<'s> Scope<'s> {
    fn bind(&mut self, expression: &'s Expression) -> Result<Bound, Fault> {
        Ok(match expression {
            Expression::Or(operands) => Bound::Or(self.all(operands)?),
            Expression::And(operands) => Bound::And(self.all(operands)?),
            Expression::Not(operand) => Bound::Not(Box::new(self.bind(operand)?)),
            Expression::Match(matching) => self.matching(matching)?,
            Expression::Each(each) => self.each(each)?,
        })
    }

    fn all(&mut self, operands: &'s [Expression]) -> Result<Vec<Bound>, Fault> {
        operands.iter().map(|operand| self.bind(operand)).collect()
    }

    fn matching(&self, matching: &Match) -> Result<Bound, Fault> {
        let (reach, shape) = self.resolve(&matching.path)?;
        let test = test(&matching.path, shape, &matching.operator)?;
        Ok(Bound::Match { reach, test, negated: matching.negated })
    }

    fn each(&mut self, each: &'s Each) -> Result<Bound, Fault> {
        let (over, shape) = self.resolve(&each.over)?;
        let fault = |what: String| Fault::new(each.over.byte(), format!("{:?} {what}", each.over.shown()));
        if self.leads_through_a_list(&over) {
            return Err(fault("leads through a list: go through that one first".to_owned()));
        }
        let (key, value) = match shape {
            Shape::Texts => (Shape::Number, Shape::Text),
            Shape::TextMap => (Shape::Text, Shape::Text),
            Shape::Records(rows) => (Shape::Number, Shape::Record(rows)),
            Shape::RecordMap(rows) => (Shape::Text, Shape::Record(rows)),
            Shape::Text | Shape::Flag | Shape::Number | Shape::Record(_) => {
                return Err(fault(format!("is {}: only a list or a map can be gone through", described(shape))));
            }
        };
        let of_map = matches!(shape, Shape::TextMap | Shape::RecordMap(_));
        let (key_name, value_name) = match &each.names {
            Names::Default(name) if of_map => (Some(name.as_str()), None),
            Names::Default(name) => (None, Some(name.as_str())),
            Names::Both { key, value } => (key.as_deref(), value.as_deref()),
        };
        if key_name.is_some() && key_name == value_name {
            return Err(fault("needs two names, one for the key and one for the value".to_owned()));
        }
        self.locals.extend([(key_name, key), (value_name, value)]);
        let inner = self.bind(&each.inner);
        self.locals.truncate(self.locals.len() - 2);
        Ok(Bound::Each { all: each.all, over, inner: Box::new(inner?) })
    }

    fn resolve(&self, path: &Path) -> Result<(Reach, Shape), Fault> {
        let (first, rest) = path.parts.split_first().expect("a path is never empty");
        let local = self.locals.iter().rposition(|(name, _)| name.is_some_and(|name| name.as_bytes() == first.text));
        let (from, mut steps, mut shape) = match local {
            Some(at) => (From::Local(at), Vec::new(), self.locals[at].1),
            None => {
                let row = row(self.item, first, "here")?;
                (From::Item, vec![Step::Row(row)], self.item.shape(row))
            }
        };
        for (at, part) in rest.iter().enumerate() {
            let (step, next) = match shape {
                Shape::Record(rows) | Shape::Records(rows) => {
                    let inside = format!("inside {:?}", Path { parts: path.parts[..=at].to_vec() }.shown());
                    let row = row(rows, part, &inside)?;
                    (Step::Row(row), rows.shape(row))
                }
                Shape::TextMap => (Step::Key(part.text.clone()), Shape::Text),
                Shape::RecordMap(rows) => (Step::Key(part.text.clone()), Shape::Record(rows)),
                Shape::Text | Shape::Flag | Shape::Number | Shape::Texts => {
                    let before = Path { parts: path.parts[..=at].to_vec() }.shown();
                    let what = format!("{before:?} is {}: there is nothing to select inside it", described(shape));
                    return Err(Fault::new(part.byte, what));
                }
            };
            steps.push(step);
            shape = next;
        }
        Ok((Reach { from, steps }, shape))
    }

    fn leads_through_a_list(&self, reach: &Reach) -> bool {
        let mut shape = match reach.from {
            From::Item => Shape::Record(self.item),
            From::Local(at) => self.locals[at].1,
        };
        reach.steps.iter().any(|step| {
            let through = matches!(shape, Shape::Records(_));
            shape = match (shape, step) {
                (Shape::Record(rows) | Shape::Records(rows), Step::Row(row)) => rows.shape(*row),
                (Shape::RecordMap(rows), _) => Shape::Record(rows),
                _ => Shape::Text,
            };
            through
        })
    }
}

fn row(rows: &'static dyn Rows, name: &Literal, place: &str) -> Result<usize, Fault> {
    let names = rows.names();
    names.iter().position(|known| known.as_bytes() == name.text).ok_or_else(|| {
        let wrong = String::from_utf8_lossy(&name.text);
        Fault::new(name.byte, format!("there is no selector {wrong:?} {place}; there are {}", names.join(", ")))
    })
}

fn test(path: &Path, shape: Shape, operator: &Operator) -> Result<Test, Fault> {
    let no_value = |value: &Literal, wanted| {
        let text = String::from_utf8_lossy(&value.text).into_owned();
        Fault::new(value.byte, format!("{text:?} is no {wanted}, which {:?} is", path.shown()))
    };
    match (operator, shape) {
        (Operator::Equal(value), Shape::Text) => Ok(Test::Text(value.text.clone())),
        (Operator::Equal(value), Shape::Flag) => {
            literal::flag(&value.text).map(Test::Flag).ok_or_else(|| no_value(value, "true or false"))
        }
        (Operator::Equal(value), Shape::Number) => {
            literal::whole(&value.text).map(Test::Number).ok_or_else(|| no_value(value, "whole number"))
        }
        (Operator::Matches(value), Shape::Text) => {
            let pattern = std::str::from_utf8(&value.text).map_err(|_| "it is no text".to_owned());
            let regex = pattern.and_then(pattern::compile);
            regex.map(Test::Matches).map_err(|what| Fault::new(value.byte, format!("is no regular expression: {what}")))
        }
        (Operator::Contains(value), Shape::Text | Shape::Texts | Shape::TextMap | Shape::RecordMap(_)) => {
            Ok(Test::Contains(value.text.clone()))
        }
        (Operator::Empty, Shape::Texts | Shape::TextMap | Shape::Records(_) | Shape::RecordMap(_)) => Ok(Test::Empty),
        _ => {
            let what = format!("{:?} is {}, which takes {}", path.shown(), described(shape), operators(shape));
            Err(Fault::new(path.byte(), what))
        }
    }
}

fn described(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "a text",
        Shape::Flag => "true or false",
        Shape::Number => "a number",
        Shape::Texts | Shape::Records(_) => "a list",
        Shape::TextMap | Shape::RecordMap(_) => "a map",
        Shape::Record(_) => "a group of selectors",
    }
}

fn operators(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "==, !=, in, contains, matches",
        Shape::Flag | Shape::Number => "== and !=",
        Shape::Texts | Shape::TextMap | Shape::RecordMap(_) => "in, contains, is empty",
        Shape::Records(_) => "is empty, or a selector inside it",
        Shape::Record(_) => "no operator, only a selector inside it",
    }
}
