//! An expression as it was written, before anybody knows what it will be asked of.

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Expression {
    Or(Vec<Expression>),
    And(Vec<Expression>),
    Not(Box<Expression>),
    Match(Match),
    Each(Box<Each>),
}

/// `Meta.version != "2"`
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Match {
    pub(super) path: Path,
    pub(super) operator: Operator,
    pub(super) negated: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Operator {
    Equal(Literal),
    /// `value in selector`, `selector contains value`.
    Contains(Literal),
    Matches(Literal),
    Empty,
}

/// `any Checks as check { check.Status == "critical" }`
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Each {
    /// All must hold, and of nothing all do; else one must.
    pub(super) all: bool,
    pub(super) over: Path,
    pub(super) names: Names,
    pub(super) inner: Expression,
}

/// What the parts of a collection are called while it is gone through.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Names {
    /// The value of a list, the key of a map.
    Default(String),
    /// Key or index, and value; `_` for one that nobody needs.
    Both { key: Option<String>, value: Option<String> },
}

/// `Service.Meta["a b"]`
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Path {
    /// Never empty.
    pub(super) parts: Vec<Literal>,
}

impl Path {
    pub(super) fn byte(&self) -> usize {
        self.parts[0].byte
    }

    /// With dots, whatever it was written with.
    pub(super) fn shown(&self) -> String {
        self.parts.iter().map(|part| String::from_utf8_lossy(&part.text)).collect::<Vec<_>>().join(".")
    }
}

/// A piece of text, and where it stands. An escape may have made it anything but text, so it is kept as bytes.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Literal {
    pub(super) byte: usize,
    pub(super) text: Vec<u8>,
}
