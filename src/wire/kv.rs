//! Keys and values as `/v1/kv` shows them.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Serialize;

use crate::model::{Index, KvPair};

/// A value is base64, and `null` when it is empty.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PairAnswer<'a> {
    /// There are no sessions, so nothing was ever locked.
    lock_index: u64,
    key: &'a str,
    flags: u64,
    value: Option<String>,
    create_index: Index,
    modify_index: Index,
}

impl<'a> PairAnswer<'a> {
    pub(super) fn new(pair: &'a KvPair, with_value: bool) -> Self {
        let shown = with_value && !pair.value.is_empty();
        Self {
            lock_index: 0,
            key: pair.key.as_str(),
            flags: pair.flags,
            value: shown.then(|| BASE64_STANDARD.encode(&pair.value)),
            create_index: pair.create_index,
            modify_index: pair.modify_index,
        }
    }
}

/// An element of what `GET /v1/kv/:key` answers.
pub fn encode(pair: &KvPair) -> impl Serialize + '_ {
    PairAnswer::new(pair, true)
}

/// As `?keys` answers: the keys; with a separator each one only up to its first one after the prefix, every such part once.
pub fn keys<'a>(pairs: impl Iterator<Item = &'a KvPair>, prefix: &str, separator: &str) -> Vec<&'a str> {
    let mut keys: Vec<&str> = Vec::new();
    for pair in pairs {
        let key = pair.key.as_str();
        let end =
            if separator.is_empty() { None } else { key.get(prefix.len()..).and_then(|rest| rest.find(separator)) };
        let shown = end.map_or(key, |at| &key[..prefix.len() + at + separator.len()]);
        // they come sorted, so equal ones are neighbours
        if keys.last() != Some(&shown) {
            keys.push(shown);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, value: &'static [u8]) -> KvPair {
        let (create_index, modify_index) = (Index(3), Index(4));
        KvPair { key: key.into(), flags: 42, value: value.into(), create_index, modify_index }
    }

    #[test]
    fn a_pair_is_shown_as_consul_shows_it() {
        let shown = |pair: &KvPair| serde_json::to_string(&encode(pair)).unwrap();
        assert_eq!(
            shown(&pair("a/b", &[0xff, 0, b'x'])),
            r#"{"LockIndex":0,"Key":"a/b","Flags":42,"Value":"/wB4","CreateIndex":3,"ModifyIndex":4}"#
        );
        assert!(shown(&pair("a", b"")).contains(r#""Value":null"#));
    }

    #[test]
    fn keys_are_cut_at_the_first_separator_after_the_prefix() {
        let pairs: Vec<KvPair> = ["a", "a/b", "a/b/c", "a/d", "ab", "b/c"].map(|key| pair(key, b"")).into();
        let shown = |prefix: &str, separator| {
            keys(pairs.iter().filter(|pair| pair.key.as_str().starts_with(prefix)), prefix, separator)
        };
        assert_eq!(shown("", ""), ["a", "a/b", "a/b/c", "a/d", "ab", "b/c"]);
        assert_eq!(shown("", "/"), ["a", "a/", "ab", "b/"]);
        assert_eq!(shown("a/", "/"), ["a/b", "a/b/", "a/d"]);
        assert_eq!(shown("a", "/"), ["a", "a/", "ab"]);
    }
}
