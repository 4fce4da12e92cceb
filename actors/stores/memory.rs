//! A store that lasts as long as the process: for `-dev` and tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chancery::catalog::{Change, Record, RecordKey};
use chancery::model::Index;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::{Loaded, Store, StoreError};

/// Clones share what is kept.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    index: Index,
    records: BTreeMap<RecordKey, Record>,
}

impl Memory {
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        // nothing between taking and giving back the lock can panic halfway
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for Memory {
    fn load(&self) -> BoxFuture<'static, Result<Loaded, StoreError>> {
        let loaded = self.with(|kept| Loaded { index: kept.index, records: kept.records.values().cloned().collect() });
        ready(Ok(loaded)).boxed()
    }

    fn commit(&self, index: Index, changes: Vec<Change>) -> BoxFuture<'static, Result<(), StoreError>> {
        let done = self.with(|kept| {
            if index <= kept.index {
                return Err(StoreError::OutOfOrder { index, last: kept.index });
            }
            for change in changes {
                match change {
                    Change::Put(record) => drop(kept.records.insert(record.key(), record)),
                    Change::Delete(key) => drop(kept.records.remove(&key)),
                }
            }
            kept.index = index;
            Ok(())
        });
        ready(done).boxed()
    }
}
