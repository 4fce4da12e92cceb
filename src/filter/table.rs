//! What an expression may ask of a value: a table of selectors for each kind of value, a row for each name.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The selectors of a `T`, in the order in which messages name them.
pub struct Table<T: 'static>(pub &'static [Selector<T>]);

/// A name, and how to get at what it stands for.
pub struct Selector<T: 'static> {
    name: &'static str,
    reads: Reads<T>,
}

enum Reads<T: 'static> {
    Text(fn(&T) -> &str),
    Made(fn(&T) -> String),
    Flag(fn(&T) -> bool),
    Number(fn(&T) -> i64),
    Texts(fn(&T) -> &[String]),
    TextMap(fn(&T) -> &BTreeMap<String, String>),
    /// The same for every value: the filter knows it.
    Datacenter,
    Part(&'static dyn Part<T>),
}

/// One value, or several, with selectors of their own.
pub trait Part<T: 'static>: Sync {
    fn shape(&self) -> Shape;
    fn datum<'a>(&self, value: &'a T) -> Datum<'a>;
}

/// Inside a value, another.
pub struct One<T: 'static, U: 'static> {
    pub table: &'static Table<U>,
    pub get: fn(&T) -> &U,
}

/// Several, in order. A selector that leads through them asks whether it holds for any.
pub struct Many<T: 'static, U: 'static> {
    pub table: &'static Table<U>,
    pub get: fn(&T) -> Vec<&U>,
}

/// Several, by key.
pub struct Keyed<T: 'static, U: 'static> {
    pub table: &'static Table<U>,
    pub get: fn(&T) -> &BTreeMap<String, U>,
}

impl<T: 'static> Selector<T> {
    pub const fn text(name: &'static str, get: fn(&T) -> &str) -> Self {
        Self { name, reads: Reads::Text(get) }
    }

    /// A text that no value holds: it is made of what it holds.
    pub const fn made(name: &'static str, make: fn(&T) -> String) -> Self {
        Self { name, reads: Reads::Made(make) }
    }

    pub const fn flag(name: &'static str, get: fn(&T) -> bool) -> Self {
        Self { name, reads: Reads::Flag(get) }
    }

    pub const fn number(name: &'static str, get: fn(&T) -> i64) -> Self {
        Self { name, reads: Reads::Number(get) }
    }

    pub const fn texts(name: &'static str, get: fn(&T) -> &[String]) -> Self {
        Self { name, reads: Reads::Texts(get) }
    }

    pub const fn text_map(name: &'static str, get: fn(&T) -> &BTreeMap<String, String>) -> Self {
        Self { name, reads: Reads::TextMap(get) }
    }

    pub const fn datacenter() -> Self {
        Self { name: "Datacenter", reads: Reads::Datacenter }
    }

    pub const fn part(name: &'static str, part: &'static dyn Part<T>) -> Self {
        Self { name, reads: Reads::Part(part) }
    }

    fn shape(&self) -> Shape {
        match &self.reads {
            Reads::Text(_) | Reads::Made(_) | Reads::Datacenter => Shape::Text,
            Reads::Flag(_) => Shape::Flag,
            Reads::Number(_) => Shape::Number,
            Reads::Texts(_) => Shape::Texts,
            Reads::TextMap(_) => Shape::TextMap,
            Reads::Part(part) => part.shape(),
        }
    }

    fn datum<'a>(&self, value: &'a T, datacenter: &'a str) -> Datum<'a> {
        match &self.reads {
            Reads::Text(get) => Datum::Text(get(value).into()),
            Reads::Made(make) => Datum::Text(make(value).into()),
            Reads::Flag(get) => Datum::Flag(get(value)),
            Reads::Number(get) => Datum::Number(get(value)),
            Reads::Texts(get) => Datum::Texts(get(value)),
            Reads::TextMap(get) => Datum::TextMap(get(value)),
            Reads::Datacenter => Datum::Text(datacenter.into()),
            Reads::Part(part) => part.datum(value),
        }
    }
}

/// What is known of a value before there is one.
#[derive(Clone, Copy)]
pub enum Shape {
    Text,
    Flag,
    Number,
    Texts,
    TextMap,
    Record(&'static dyn Rows),
    Records(&'static dyn Rows),
    RecordMap(&'static dyn Rows),
}

/// A value as an expression sees it.
#[derive(Clone)]
pub enum Datum<'a> {
    Text(Cow<'a, str>),
    Flag(bool),
    Number(i64),
    Texts(&'a [String]),
    TextMap(&'a BTreeMap<String, String>),
    Record(Record<'a>),
    Records(Vec<Record<'a>>),
    RecordMap(BTreeMap<&'a str, Record<'a>>),
}

/// A value with the table of its selectors.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    value: &'a dyn Any,
    rows: &'static dyn Rows,
}

impl<'a> Record<'a> {
    pub fn new<T>(value: &'a T, table: &'static Table<T>) -> Self {
        Self { value, rows: table }
    }

    /// What the selector in that row stands for.
    pub fn read(&self, row: usize, datacenter: &'a str) -> Datum<'a> {
        self.rows.datum(row, self.value, datacenter)
    }
}

/// A [`Table`], whatever it is a table of.
pub trait Rows: Sync {
    fn names(&self) -> Vec<&'static str>;
    fn shape(&self, row: usize) -> Shape;
    fn datum<'a>(&self, row: usize, value: &'a dyn Any, datacenter: &'a str) -> Datum<'a>;
}

impl<T: 'static> Rows for Table<T> {
    fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|selector| selector.name).collect()
    }

    fn shape(&self, row: usize) -> Shape {
        self.0[row].shape()
    }

    fn datum<'a>(&self, row: usize, value: &'a dyn Any, datacenter: &'a str) -> Datum<'a> {
        let value = value.downcast_ref().expect("a record is made of a value and the table of its own kind");
        self.0[row].datum(value, datacenter)
    }
}

impl<T: 'static, U: 'static> Part<T> for One<T, U> {
    fn shape(&self) -> Shape {
        Shape::Record(self.table)
    }

    fn datum<'a>(&self, value: &'a T) -> Datum<'a> {
        Datum::Record(Record::new((self.get)(value), self.table))
    }
}

impl<T: 'static, U: 'static> Part<T> for Many<T, U> {
    fn shape(&self) -> Shape {
        Shape::Records(self.table)
    }

    fn datum<'a>(&self, value: &'a T) -> Datum<'a> {
        let values = (self.get)(value).into_iter();
        Datum::Records(values.map(|value| Record::new(value, self.table)).collect())
    }
}

impl<T: 'static, U: 'static> Part<T> for Keyed<T, U> {
    fn shape(&self) -> Shape {
        Shape::RecordMap(self.table)
    }

    fn datum<'a>(&self, value: &'a T) -> Datum<'a> {
        let values = (self.get)(value).iter();
        Datum::RecordMap(values.map(|(key, value)| (key.as_str(), Record::new(value, self.table))).collect())
    }
}
