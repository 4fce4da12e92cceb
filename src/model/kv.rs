//! Keys and values: what scripts keep beside the mesh.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::names::{Index, KvKey};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct KvPair {
    pub key: KvKey,
    /// Whatever its owner makes of them.
    pub flags: u64,
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub value: Bytes,
    pub create_index: Index,
    pub modify_index: Index,
}

impl KvKey {
    /// The folder a key or prefix ends in: up to its last `/`, with it. Every key that begins with a prefix lies in the
    /// prefix's folder or below it.
    pub fn folder(&self) -> &str {
        self.as_str().rfind('/').map_or("", |at| &self.as_str()[..=at])
    }

    /// The folders that the key lies in, from the outermost, which is empty.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let ends = self.as_str().match_indices('/').map(|(at, _)| at + 1);
        std::iter::once(0).chain(ends).map(|end| &self.as_str()[..end])
    }
}

fn to_base64<S: Serializer>(value: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&base64::display::Base64Display::new(value, &BASE64_STANDARD))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
    BASE64_STANDARD.decode(text.as_bytes()).map(Bytes::from).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lies_in_each_of_its_folders() {
        let folders = |key: &str| KvKey::from(key).folders().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(folders("a/b/c"), ["", "a/", "a/b/"]);
        assert_eq!(folders("a/b/"), ["", "a/", "a/b/"]);
        assert_eq!(folders("a"), [""]);
        assert_eq!(folders("/a"), ["", "/"]);
    }

    #[test]
    fn what_begins_with_a_prefix_lies_in_the_prefixs_folder() {
        for (prefix, key) in [("a/b", "a/bc"), ("a/", "a/b/c"), ("", "a"), ("a/b/", "a/b/"), ("ü/ö", "ü/öä/x")] {
            assert!(key.starts_with(prefix));
            assert!(KvKey::from(key).folders().any(|folder| folder == KvKey::from(prefix).folder()), "{prefix} {key}");
        }
    }

    #[test]
    fn a_value_of_any_bytes_is_stored_and_comes_back() {
        let value = Bytes::from((0..=255).collect::<Vec<u8>>());
        let pair = KvPair { key: "a".into(), flags: u64::MAX, value, ..KvPair::default() };
        let stored = serde_json::to_string(&pair).unwrap();
        assert_eq!(serde_json::from_str::<KvPair>(&stored).unwrap(), pair);
        assert!(stored.len() < 500, "{stored}");
    }
}
