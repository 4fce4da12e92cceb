//! The members of an object that goes out, in the order in which they are put. What says nothing is left out, as Go's
//! `omitempty` does.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::duration;

#[derive(Default)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Whatever it says.
    pub fn always(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn when(self, says: bool, name: &str, value: impl FnOnce() -> Value) -> Self {
        if says { self.always(name, value()) } else { self }
    }

    pub fn text(self, name: &str, text: &str) -> Self {
        self.when(!text.is_empty(), name, || text.into())
    }

    pub fn flag(self, name: &str, flag: bool) -> Self {
        self.when(flag, name, || flag.into())
    }

    pub fn number(self, name: &str, number: impl Into<u64>) -> Self {
        let number = number.into();
        self.when(number != 0, name, || number.into())
    }

    pub fn optional<T: Into<Value>>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.always(name, value),
            None => self,
        }
    }

    pub fn duration(self, name: &str, duration: Option<Duration>) -> Self {
        self.optional(name, duration.map(duration::show))
    }

    pub fn milliseconds(self, name: &str, duration: Option<Duration>) -> Self {
        self.optional(name, duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
    }

    pub fn texts(self, name: &str, texts: &[impl AsRef<str>]) -> Self {
        self.when(!texts.is_empty(), name, || texts.iter().map(AsRef::as_ref).collect::<Vec<_>>().into())
    }

    pub fn text_map(self, name: &str, texts: &BTreeMap<String, String>) -> Self {
        let members = texts.iter().fold(Self::default(), |members, (name, text)| members.always(name, text.as_str()));
        self.object(name, members)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Left out when it is empty.
    pub fn object(self, name: &str, members: Self) -> Self {
        self.when(!members.is_empty(), name, || members.into())
    }

    /// Left out when there is none.
    pub fn objects(self, name: &str, objects: impl Iterator<Item = Self>) -> Self {
        let objects: Vec<Value> = objects.map(Value::from).collect();
        self.when(!objects.is_empty(), name, || objects.into())
    }
}

impl From<Members> for Value {
    fn from(members: Members) -> Self {
        Self::Object(members.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_left_out() {
        let empty = Members::default()
            .text("A", "")
            .flag("B", false)
            .number("C", 0u32)
            .duration("D", None)
            .texts("E", &[""; 0])
            .text_map("F", &BTreeMap::new())
            .object("G", Members::default())
            .objects("H", std::iter::empty());
        assert_eq!(Value::from(empty), serde_json::json!({}));
    }

    #[test]
    fn members_stand_in_the_order_in_which_they_were_put() {
        let members = Members::default().number("B", 2u32).text("A", "1").duration("C", Some(Duration::from_secs(90)));
        assert_eq!(Value::from(members).to_string(), r#"{"B":2,"A":"1","C":"1m30s"}"#);
    }
}
