//! Writes of keys and values.

use super::draft::Draft;
use super::refusal::Refusal;
use super::{not_empty, outcome};
use crate::catalog::write::Outcome;
use crate::model::{Index, KvKey, KvPair};

/// Bytes of a key: each of its folders is told of a change.
const LONGEST_KEY: usize = 1024;

impl Draft {
    pub(super) fn put_kv_if(&mut self, pair: &KvPair, cas: Option<Index>) -> Result<Outcome, Refusal> {
        not_empty(pair.key.as_str(), "key")?;
        if pair.key.as_str().len() > LONGEST_KEY {
            return Err(Refusal::LongKey { key: pair.key.clone(), longest: LONGEST_KEY });
        }
        let found = self.tables.kv.get(&pair.key).map(|known| known.modify_index).unwrap_or_default();
        if cas.is_some_and(|expected| expected != found) {
            return Ok(Outcome::CasFailed);
        }
        Ok(outcome(self.put_kv(pair.clone())))
    }

    pub(super) fn delete_kv_if(&mut self, key: &KvKey, cas: Option<Index>) -> Outcome {
        let known = self.tables.kv.get(key).map(|known| known.modify_index);
        if let (Some(expected), Some(found)) = (cas, known)
            && expected != found
        {
            return Outcome::CasFailed;
        }
        outcome(self.remove_kv(key))
    }

    pub(super) fn delete_kv_tree(&mut self, prefix: &KvKey) -> bool {
        let keys: Vec<KvKey> = self.tables.kv.under(prefix).map(|pair| pair.key.clone()).collect();
        for key in &keys {
            self.remove_kv(key);
        }
        !keys.is_empty()
    }
}
