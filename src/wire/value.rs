//! JSON values, as far as messages and weak types go.

use serde_json::Value;

/// The text of a refusal that a later version lifts.
pub fn unsupported(what: &str) -> String {
    format!("{what} is not supported by this version of chancery")
}

/// Empty all the way down, or nothing but the given words.
pub fn asks_nothing(value: &Value, words: &[&str]) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || words.contains(&text.as_str()),
        Value::Array(items) => items.iter().all(|item| asks_nothing(item, words)),
        Value::Object(members) => members.values().all(|value| asks_nothing(value, words)),
    }
}

/// Go's clients may write a whole number with a fraction of zero.
pub(super) fn whole(value: &Value) -> Option<i64> {
    let exact = |number: f64| number.fract() == 0.0 && number.abs() < 9e15;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
    value.as_i64().or_else(|| value.as_f64().filter(|&number| exact(number)).map(|number| number as i64))
}

/// A value as messages name it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {text:?}"),
        Value::Array(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
