//! Where truth is kept. A store knows records under keys and the index of the last commit; what they mean is the
//! catalog's. `tests/stores.rs` holds every store to one contract.

mod embedded;
mod memory;

use std::path::PathBuf;
use std::sync::Arc;

use chancery::catalog::{Change, Record};
use chancery::model::Index;
use futures_util::future::BoxFuture;
use thiserror::Error;

pub use embedded::Embedded;
pub use memory::Memory;

pub trait Store: Send + Sync + 'static {
    /// Everything that was committed.
    fn load(&self) -> BoxFuture<'static, Result<Loaded, StoreError>>;

    /// Makes the changes, in their order, and `index` lasting: all of it, or nothing. The index must be greater than
    /// that of the last commit. After an error it is unknown whether the commit lasts: load again.
    fn commit(&self, index: Index, changes: Vec<Change>) -> BoxFuture<'static, Result<(), StoreError>>;
}

/// What a store holds. Of an empty one: index 0, no record.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Loaded {
    pub index: Index,
    /// In the order of their keys.
    pub records: Vec<Record>,
}

/// Every text names the file or directory it is about.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    #[error("{} is already in use by another chancery: stop that one, or give this one a -data-dir of its own", .0.display())]
    InUse(PathBuf),
    #[error("cannot use {} as data directory: {source}", path.display())]
    Directory { path: PathBuf, source: Arc<std::io::Error> },
    #[error("cannot open the store {}: {source}", path.display())]
    Open { path: PathBuf, source: Arc<redb::Error> },
    #[error(
        "the store {} has format {found}, this chancery knows format {known}: use the version that wrote it",
        path.display()
    )]
    Format { path: PathBuf, found: u64, known: u64 },
    #[error("cannot read the store {}: {source}", path.display())]
    Read { path: PathBuf, source: Arc<redb::Error> },
    #[error("the store {} holds a record that cannot be read, {key}: {source}", path.display())]
    Record { path: PathBuf, key: String, source: Arc<serde_json::Error> },
    #[error("cannot write to the store {}: {source}", path.display())]
    Write { path: PathBuf, source: Arc<redb::Error> },
    #[error("a record of {key} cannot be written to the store {}: {source}", path.display())]
    Encode { path: PathBuf, key: String, source: Arc<serde_json::Error> },
    #[error("commit {index} comes after commit {last}: nothing was written, load the store again")]
    OutOfOrder { index: Index, last: Index },
    #[error("work on the store {} was broken off: {reason}", path.display())]
    BrokenOff { path: PathBuf, reason: String },
}
