//! Reading a proxy's free-form configuration. Numbers may be written as text and the reverse; a value that cannot be
//! read counts as absent, and a key that nobody knows is left alone.

use std::time::Duration;

use serde_json::Value;

use crate::model::{Opaque, Protocol};

pub(super) fn text(config: &Opaque, key: &str) -> Option<String> {
    match config.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        _ => None,
    }
}

/// A whole number; of a fraction, its whole part.
pub(super) fn number(config: &Opaque, key: &str) -> Option<i64> {
    match config.get(key)? {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(whole)),
        Value::String(text) => text.parse().ok(),
        Value::Bool(flag) => Some(i64::from(*flag)),
        _ => None,
    }
}

/// Milliseconds; negative ones count as absent.
pub(super) fn milliseconds(config: &Opaque, key: &str) -> Option<Duration> {
    number(config, key).and_then(|number| u64::try_from(number).ok()).map(Duration::from_millis)
}

/// An unknown word is tcp.
pub(super) fn protocol(config: &Opaque) -> Option<Protocol> {
    text(config, "protocol").map(|word| Protocol::parse(&word).unwrap_or_default())
}

#[expect(clippy::cast_possible_truncation, reason = "the whole part is what is wanted; the cast saturates")]
fn whole(number: f64) -> i64 {
    number as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Opaque {
        serde_json::from_str(json).expect("a JSON object")
    }

    #[test]
    fn a_number_may_be_written_as_text() {
        let config = config(r#"{"a": 7, "b": "7", "c": 7.9, "d": true, "e": "seven", "f": [7], "g": null}"#);
        let read = |key| number(&config, key);
        assert_eq!((read("a"), read("b"), read("c"), read("d")), (Some(7), Some(7), Some(7), Some(1)));
        assert_eq!((read("e"), read("f"), read("g"), read("h")), (None, None, None, None));
    }

    #[test]
    fn text_may_be_written_as_a_number() {
        let config = config(r#"{"a": "x", "b": 7, "c": "", "d": {}}"#);
        let read = |key| text(&config, key);
        assert_eq!((read("a"), read("b")), (Some("x".to_owned()), Some("7".to_owned())));
        assert_eq!((read("c"), read("d")), (None, None));
    }

    #[test]
    fn negative_milliseconds_count_as_absent() {
        let config = config(r#"{"a": -1, "b": 0, "c": "250"}"#);
        assert_eq!(milliseconds(&config, "a"), None);
        assert_eq!(milliseconds(&config, "b"), Some(Duration::ZERO));
        assert_eq!(milliseconds(&config, "c"), Some(Duration::from_millis(250)));
    }

    #[test]
    fn an_unknown_protocol_is_tcp_and_an_empty_one_is_absent() {
        assert_eq!(protocol(&config(r#"{"protocol": "HTTP2"}"#)), Some(Protocol::Http2));
        assert_eq!(protocol(&config(r#"{"protocol": "thrift"}"#)), Some(Protocol::Tcp));
        assert_eq!(protocol(&config(r#"{"protocol": ""}"#)), None);
    }
}
