//! One reader for every object that comes in: finds a key in any spelling, checks its type, remembers where it is, and
//! refuses what nobody asked for.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use super::decode_error::join;
use super::value::{shown, whole};
use super::{duration, spelling};
use crate::model::Opaque;

pub use super::decode_error::DecodeError;
pub use super::value::{asks_nothing, unsupported};

pub type Result<T> = std::result::Result<T, DecodeError>;

/// How exact types must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Typing {
    /// Each value has the type of its field.
    Strict,
    /// As in files and config entries: numbers for text and the reverse, an object for a list of one and the reverse.
    Weak,
}

struct Member<'a> {
    key: &'a str,
    value: &'a Value,
    taken: bool,
}

/// The members of one object, taken one by one. [`Fields::finish`] refuses what is left over.
pub struct Fields<'a> {
    path: String,
    what: &'static str,
    typing: Typing,
    members: Vec<Member<'a>>,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The whole of a document; `what` is its name in messages, such as `service-defaults`.
    ///
    /// # Errors
    /// When it is not an object.
    pub fn new(value: &'a Value, what: &'static str, typing: Typing) -> Result<Self> {
        Self::at(String::new(), value, what, typing)
    }

    fn at(path: String, value: &'a Value, what: &'static str, typing: Typing) -> Result<Self> {
        let object = match value {
            Value::Object(object) => object,
            Value::Array(list) if typing == Typing::Weak && list.len() == 1 && list[0].is_object() => {
                list[0].as_object().unwrap_or_else(|| unreachable!("asked in the guard"))
            }
            other => return Err(DecodeError::new(path, format!("expected an object, got {}", shown(other)))),
        };
        let members = object.iter().map(|(key, value)| Member { key, value, taken: false }).collect();
        Ok(Self { path, what, typing, members, asked: Vec::new() })
    }

    /// An error about one of its fields.
    pub fn error(&self, field: &str, message: impl Into<String>) -> DecodeError {
        DecodeError::new(join(&self.path, field), message)
    }

    /// Once it is known what the object is.
    pub fn rename(&mut self, what: &'static str) {
        self.what = what;
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn typing(&self) -> Typing {
        self.typing
    }

    /// The value of a field in any spelling; `null` counts as absent. Of several spellings the last wins.
    pub fn take(&mut self, field: &'static str) -> Option<&'a Value> {
        self.asked.push(field);
        #[cfg(test)]
        super::documented::asked(self.what, field);
        let wanted = spelling::normal(field);
        let mut found = None;
        for member in &mut self.members {
            if spelling::normal(member.key) == wanted {
                member.taken = true;
                found = Some(member.value);
            }
        }
        found.filter(|value| !value.is_null())
    }

    /// The value that [`Self::take`] would take.
    pub(super) fn peek(&self, field: &str) -> Option<&'a Value> {
        let wanted = spelling::normal(field);
        let found = self.members.iter().rfind(|member| spelling::normal(member.key) == wanted);
        found.map(|member| member.value).filter(|value| !value.is_null())
    }

    /// Empty when absent.
    ///
    /// # Errors
    /// When it is not text (or, with weak typing, a number or a truth value).
    pub fn text(&mut self, field: &'static str) -> Result<String> {
        Ok(self.optional_text(field)?.unwrap_or_default())
    }

    /// # Errors
    /// As [`Self::text`].
    pub fn optional_text(&mut self, field: &'static str) -> Result<Option<String>> {
        let value = self.take(field);
        value.map(|value| self.as_text(field, value)).transpose()
    }

    /// False when absent.
    ///
    /// # Errors
    /// When it is not `true` or `false`.
    pub fn flag(&mut self, field: &'static str) -> Result<bool> {
        Ok(self.optional_flag(field)?.unwrap_or(false))
    }

    /// # Errors
    /// As [`Self::flag`].
    pub fn optional_flag(&mut self, field: &'static str) -> Result<Option<bool>> {
        let Some(value) = self.take(field) else { return Ok(None) };
        let weak = || match value {
            Value::String(text) => match text.as_str() {
                "true" | "1" | "t" | "T" | "TRUE" | "True" => Some(true),
                "false" | "0" | "f" | "F" | "FALSE" | "False" | "" => Some(false),
                _ => None,
            },
            Value::Number(number) => Some(number.as_f64() != Some(0.0)),
            _ => None,
        };
        let read = value.as_bool().or_else(|| if self.typing == Typing::Weak { weak() } else { None });
        read.map(Some).ok_or_else(|| self.mismatch(field, "true or false", value))
    }

    /// `None` when absent.
    ///
    /// # Errors
    /// When it is not a whole number in the range.
    pub fn whole(&mut self, field: &'static str, range: RangeInclusive<i64>) -> Result<Option<i64>> {
        let Some(value) = self.take(field) else { return Ok(None) };
        let weak = || match value {
            Value::String(text) if text.is_empty() => Some(0),
            Value::String(text) => text.trim().parse().ok(),
            Value::Bool(flag) => Some(i64::from(*flag)),
            _ => None,
        };
        let read = whole(value).or_else(|| if self.typing == Typing::Weak { weak() } else { None });
        let number = read.ok_or_else(|| self.mismatch(field, "a whole number", value))?;
        if range.contains(&number) {
            return Ok(Some(number));
        }
        let (least, most) = range.into_inner();
        Err(self.error(field, format!("expected a whole number from {least} to {most}, got {number}")))
    }

    /// 0 when absent.
    ///
    /// # Errors
    /// When it is not a whole number from 0 to 65535.
    pub fn port(&mut self, field: &'static str) -> Result<u16> {
        let number = self.whole(field, 0..=i64::from(u16::MAX))?.unwrap_or(0);
        Ok(u16::try_from(number).unwrap_or_default())
    }

    /// 0 when absent.
    ///
    /// # Errors
    /// When it is not a whole number from 0 to 4294967295.
    pub fn count(&mut self, field: &'static str) -> Result<u32> {
        let number = self.whole(field, 0..=i64::from(u32::MAX))?.unwrap_or(0);
        Ok(u32::try_from(number).unwrap_or_default())
    }

    /// Zero when absent or empty.
    ///
    /// # Errors
    /// When it is neither text such as `10s` nor a number of nanoseconds, or negative.
    pub fn duration(&mut self, field: &'static str) -> Result<Duration> {
        let Some(value) = self.take(field) else { return Ok(Duration::ZERO) };
        let read = match value {
            Value::String(text) if text.is_empty() => Some(Duration::ZERO),
            Value::String(text) => duration::parse(text),
            _ => whole(value).and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos),
        };
        read.ok_or_else(|| self.mismatch(field, "a duration such as \"10s\"", value))
    }

    /// Empty when absent.
    ///
    /// # Errors
    /// When it is not a list of text.
    pub fn texts(&mut self, field: &'static str) -> Result<Vec<String>> {
        Ok(self.optional_texts(field)?.unwrap_or_default())
    }

    /// # Errors
    /// As [`Self::texts`].
    pub fn optional_texts(&mut self, field: &'static str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.take(field) else { return Ok(None) };
        self.as_texts(field, value).map(Some)
    }

    /// Names to text, empty when absent.
    ///
    /// # Errors
    /// When it is not an object whose members are text.
    pub fn text_map(&mut self, field: &'static str) -> Result<BTreeMap<String, String>> {
        self.map(field, Self::as_text)
    }

    /// Names to lists of text, empty when absent.
    ///
    /// # Errors
    /// When it is not an object whose members are lists of text.
    pub fn texts_map(&mut self, field: &'static str) -> Result<BTreeMap<String, Vec<String>>> {
        self.map(field, Self::as_texts)
    }

    /// Names to objects, empty when absent.
    ///
    /// # Errors
    /// When it is not an object of objects.
    pub fn object_map(&mut self, field: &'static str, what: &'static str) -> Result<BTreeMap<String, Fields<'a>>> {
        #[cfg(test)]
        super::documented::leads_to(what);
        self.map(field, |fields, field, value| Fields::at(join(&fields.path, field), value, what, fields.typing))
    }

    /// An object that passes through as it is, its keys sorted so that equal ones are written equally.
    ///
    /// # Errors
    /// When it is not an object.
    pub fn opaque(&mut self, field: &'static str) -> Result<Opaque> {
        let Some(value) = self.take(field) else { return Ok(Opaque::new()) };
        let mut opaque = self.as_object(field, value)?.clone();
        opaque.values_mut().for_each(Value::sort_all_objects);
        opaque.sort_keys();
        Ok(opaque)
    }

    /// # Errors
    /// When it is not an object.
    pub fn object(&mut self, field: &'static str, what: &'static str) -> Result<Option<Fields<'a>>> {
        #[cfg(test)]
        super::documented::leads_to(what);
        let Some(value) = self.take(field) else { return Ok(None) };
        Self::at(join(&self.path, field), value, what, self.typing).map(Some)
    }

    /// The same for an object that somebody else takes too, read with weak typing.
    ///
    /// # Errors
    /// When it is not an object.
    pub(super) fn inside(&self, field: &str, what: &'static str) -> Result<Option<Fields<'a>>> {
        let Some(value) = self.peek(field) else { return Ok(None) };
        Self::at(join(&self.path, field), value, what, Typing::Weak).map(Some)
    }

    /// `None` when absent: an absent list and an empty one may differ.
    ///
    /// # Errors
    /// When it is not a list of objects.
    pub fn objects(&mut self, field: &'static str, what: &'static str) -> Result<Option<Vec<Fields<'a>>>> {
        #[cfg(test)]
        super::documented::leads_to(what);
        let Some(value) = self.take(field) else { return Ok(None) };
        let items = match value {
            Value::Array(items) => items.as_slice(),
            Value::Object(_) if self.typing == Typing::Weak => std::slice::from_ref(value),
            other => return Err(self.mismatch(field, "a list of objects", other)),
        };
        let item = |(at, item)| Self::at(format!("{}[{at}]", join(&self.path, field)), item, what, self.typing);
        items.iter().enumerate().map(item).collect::<Result<_>>().map(Some)
    }

    /// Fields that are computed: clients send back what they read, and it changes nothing.
    pub fn computed(&mut self, fields: &[&'static str]) {
        for field in fields {
            self.take(field);
        }
    }

    /// Fields of a capability that does not exist yet: only a value that asks for nothing is accepted.
    ///
    /// # Errors
    /// When one of them asks for something.
    pub fn unsupported(&mut self, fields: &[&'static str]) -> Result<()> {
        fields.iter().try_for_each(|field| self.only(field, &[]))
    }

    /// A field that has no use beside the others: only a value that asks for nothing is accepted.
    ///
    /// # Errors
    /// With the message that says why, when it asks for something.
    pub fn empty(&mut self, field: &'static str, why: impl FnOnce() -> String) -> Result<()> {
        match self.take(field) {
            Some(value) if !asks_nothing(value, &[]) => Err(self.error(field, why())),
            _ => Ok(()),
        }
    }

    /// A field whose value must be empty or one of the words that mean the same as empty.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn only(&mut self, field: &'static str, words: &[&str]) -> Result<()> {
        match self.take(field) {
            Some(value) if !asks_nothing(value, words) => Err(self.error(field, unsupported(&shown(value)))),
            _ => Ok(()),
        }
    }

    /// Namespaces, partitions and peers: there is only the default one.
    ///
    /// # Errors
    /// When another one is named.
    pub fn default_tenancy(&mut self) -> Result<()> {
        self.only("Namespace", &["default"])?;
        self.only("Partition", &["default"])?;
        self.only("PeerName", &["local"])
    }

    /// # Errors
    /// When a member was not asked for: the message names it and the known field nearest to it.
    pub fn finish(self) -> Result<()> {
        self.leftovers().into_iter().next().map_or(Ok(()), Err)
    }

    /// One error for each member that was not asked for.
    pub fn leftovers(&self) -> Vec<DecodeError> {
        let left = self.members.iter().filter(|member| !member.taken);
        left.map(|member| {
            let hint = spelling::nearest(member.key, self.asked.iter().copied());
            let hint = hint.map(|known| format!("; did you mean {known:?}?")).unwrap_or_default();
            let message = format!("unknown field {:?} in {}{hint}", member.key, self.what);
            DecodeError { path: self.path.clone(), message, unknown: Some(member.key.to_owned()) }
        })
        .collect()
    }

    fn map<T>(
        &mut self,
        field: &'static str,
        read: impl Fn(&Self, &str, &'a Value) -> Result<T>,
    ) -> Result<BTreeMap<String, T>> {
        let Some(value) = self.take(field) else { return Ok(BTreeMap::new()) };
        let object = self.as_object(field, value)?;
        let member = |(name, value)| Ok((String::clone(name), read(self, &join(field, name), value)?));
        object.iter().map(member).collect()
    }

    fn as_object(&self, field: &str, value: &'a Value) -> Result<&'a Opaque> {
        match value {
            Value::Object(object) => Ok(object),
            Value::Array(list) if self.typing == Typing::Weak && list.len() == 1 => self.as_object(field, &list[0]),
            other => Err(self.mismatch(field, "an object", other)),
        }
    }

    fn as_text(&self, field: &str, value: &Value) -> Result<String> {
        match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) if self.typing == Typing::Weak => Ok(number.to_string()),
            Value::Bool(flag) if self.typing == Typing::Weak => Ok(flag.to_string()),
            other => Err(self.mismatch(field, "text", other)),
        }
    }

    fn as_texts(&self, field: &str, value: &Value) -> Result<Vec<String>> {
        match value {
            Value::Array(items) => {
                let item = |(at, item)| self.as_text(&format!("{field}[{at}]"), item);
                items.iter().enumerate().map(item).collect()
            }
            Value::Object(_) => Err(self.mismatch(field, "a list of text", value)),
            other if self.typing == Typing::Weak => Ok(vec![self.as_text(field, other)?]),
            other => Err(self.mismatch(field, "a list of text", other)),
        }
    }

    fn mismatch(&self, field: &str, expected: &str, value: &Value) -> DecodeError {
        self.error(field, format!("expected {expected}, got {}", shown(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: &Value, typing: Typing) -> Fields<'_> {
        Fields::new(value, "a test", typing).unwrap()
    }

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_field_is_found_in_any_spelling() {
        let value = json!({ "check_id": "a", "TTL": "10s", "socketpath": null });
        let mut fields = fields(&value, Typing::Strict);
        assert_eq!(fields.text("CheckID").unwrap(), "a");
        assert_eq!(fields.duration("TTL").unwrap(), Duration::from_secs(10));
        assert_eq!(fields.optional_text("SocketPath").unwrap(), None);
        assert_eq!(fields.port("Port").unwrap(), 0);
        fields.finish().unwrap();
    }

    #[test]
    fn a_wrong_type_is_refused_with_its_path() {
        let value = json!({ "List": [{}, { "Port": "x", "Tags": [1], "Meta": { "a": true }, "Wait": "5", "On": 1 }] });
        let mut root = fields(&value, Typing::Strict);
        let mut items = root.objects("List", "an item").unwrap().unwrap();
        let item = &mut items[1];
        assert_eq!(message(item.port("Port")), "List[1].Port: expected a whole number, got the text \"x\"");
        assert_eq!(message(item.texts("Tags")), "List[1].Tags[0]: expected text, got the number 1");
        assert_eq!(message(item.text_map("Meta")), "List[1].Meta.a: expected text, got true");
        let expected = "List[1].Wait: expected a duration such as \"10s\", got the text \"5\"";
        assert_eq!(message(item.duration("Wait")), expected);
        assert_eq!(message(item.flag("On")), "List[1].On: expected true or false, got the number 1");
        assert_eq!(message(root.object("List", "x").map(|_| ())), "List: expected an object, got a list");
        let refused = Fields::new(&json!(3), "x", Typing::Weak).map(|_| ());
        assert_eq!(message(refused), "expected an object, got the number 3");
    }

    #[test]
    fn a_number_out_of_range_names_the_range() {
        let value = json!({ "Port": 70000, "Count": -1, "Half": 0.5, "Whole": 5.0 });
        let mut fields = fields(&value, Typing::Strict);
        assert_eq!(message(fields.port("Port")), "Port: expected a whole number from 0 to 65535, got 70000");
        assert_eq!(message(fields.count("Count")), "Count: expected a whole number from 0 to 4294967295, got -1");
        assert_eq!(message(fields.port("Half")), "Half: expected a whole number, got the number 0.5");
        assert_eq!(fields.port("Whole").unwrap(), 5);
    }

    #[test]
    fn weak_typing_takes_numbers_for_text_and_an_object_for_a_list() {
        let value = json!([{ "port": "80", "name": 5, "on": "true", "tags": "a", "items": { "x": 1 }, "one": [{}] }]);
        let mut fields = fields(&value, Typing::Weak);
        assert_eq!(fields.port("Port").unwrap(), 80);
        assert_eq!(fields.text("Name").unwrap(), "5");
        assert!(fields.flag("On").unwrap());
        assert_eq!(fields.texts("Tags").unwrap(), ["a"]);
        assert_eq!(fields.objects("Items", "x").unwrap().unwrap().len(), 1);
        assert!(fields.object("One", "x").unwrap().is_some());
        fields.finish().unwrap();
    }

    #[test]
    fn a_leftover_is_refused_and_its_neighbour_named() {
        let value = json!({ "Prt": "http" });
        let mut left = fields(&value, Typing::Strict);
        left.text("Port").unwrap();
        let error = left.finish().unwrap_err();
        assert_eq!(error.to_string(), "unknown field \"Prt\" in a test; did you mean \"Port\"?");
        assert_eq!(error.location(), "Prt");
    }

    #[test]
    fn what_is_not_supported_may_be_sent_empty() {
        let value = json!({ "Expose": {}, "Mode": "", "Deep": { "A": [], "B": { "C": false, "D": 0 } }, "Kind": "x" });
        let mut fields = fields(&value, Typing::Strict);
        fields.unsupported(&["Expose", "Mode", "Deep", "Absent"]).unwrap();
        let refused = message(fields.unsupported(&["Kind"]));
        assert_eq!(refused, "Kind: the text \"x\" is not supported by this version of chancery");
        fields.only("Kind", &["x"]).unwrap();
    }
}
