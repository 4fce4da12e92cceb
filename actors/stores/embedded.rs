//! The store of one process on one disk: a single redb file, `chancery.redb`, in the data directory. It holds the key of
//! the certificate authority, so nobody but its owner may read it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chancery::catalog::{Change, Record, RecordKey};
use chancery::model::Index;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{Loaded, Store, StoreError};

const FILE: &str = "chancery.redb";

/// Of the records below; raised when an older chancery could not read what a newer one writes.
const FORMAT: u64 = 1;

/// `format` and `index`.
const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");
/// Records as JSON, under their keys as JSON.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");

/// Keys and JSON, in the order of the keys.
type Rows = Vec<(String, Vec<u8>)>;

/// Clones share the open file.
#[derive(Clone)]
pub struct Embedded(Arc<Disk>);

struct Disk {
    database: Database,
    path: PathBuf,
}

impl Embedded {
    /// Opens the store in the directory; makes both if they do not exist, the directory with mode 0700, the file with
    /// mode 0600. Blocks on the disk. Refused while another process has it open, and when a newer chancery wrote it.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let file = prepare(directory, &path)
            .map_err(|source| StoreError::Directory { path: directory.to_owned(), source: Arc::new(source) })?;
        let database = FileBackend::new(file).and_then(|file| Database::builder().create_with_backend(file));
        let database = database.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                StoreError::InUse(directory.to_owned())
            }
            other => StoreError::Open { path: path.clone(), source: Arc::new(other.into()) },
        })?;
        let disk = Disk { database, path };
        disk.settle_format()?;
        Ok(Self(Arc::new(disk)))
    }

    /// Runs on a thread that may block.
    fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, StoreError>> {
        let disk = Arc::clone(&self.0);
        async move {
            let path = disk.path.clone();
            let done = tokio::task::spawn_blocking(move || work(&disk)).await;
            done.unwrap_or_else(|broken| Err(StoreError::BrokenOff { path, reason: broken.to_string() }))
        }
        .boxed()
    }
}

impl Store for Embedded {
    fn load(&self) -> BoxFuture<'static, Result<Loaded, StoreError>> {
        self.on_disk(Disk::load)
    }

    fn commit(&self, index: Index, changes: Vec<Change>) -> BoxFuture<'static, Result<(), StoreError>> {
        self.on_disk(move |disk| disk.commit(index, &changes))
    }
}

impl Disk {
    /// A new file gets this program's format; one of another format is left alone.
    fn settle_format(&self) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut facts = transaction.open_table(FACTS)?;
            let found = facts.get("format")?.map(|format| format.value());
            if let Some(found) = found.filter(|found| *found != FORMAT) {
                return Ok(Err(StoreError::Format { path: self.path.clone(), found, known: FORMAT }));
            }
            facts.insert("format", FORMAT)?;
            // both tables exist from here on, which spares every reader the question
            transaction.open_table(RECORDS)?;
            Ok(Ok(()))
        })
    }

    fn load(&self) -> Result<Loaded, StoreError> {
        let (index, rows) = self.rows().map_err(|error| self.unreadable(error))?;
        let mut records = Vec::with_capacity(rows.len());
        for (key, json) in rows {
            records.push(serde_json::from_slice::<Record>(&json).map_err(|source| StoreError::Record {
                path: self.path.clone(),
                key,
                source: Arc::new(source),
            })?);
        }
        records.sort_by_cached_key(Record::key);
        Ok(Loaded { index, records })
    }

    fn rows(&self) -> Result<(Index, Rows), redb::Error> {
        let transaction = self.database.begin_read()?;
        let index = last_index(&transaction.open_table(FACTS)?)?;
        let mut rows = Vec::new();
        for row in transaction.open_table(RECORDS)?.iter()? {
            let (key, json) = row?;
            rows.push((key.value().to_owned(), json.value().to_owned()));
        }
        Ok((index, rows))
    }

    fn commit(&self, index: Index, changes: &[Change]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(changes.len());
        for change in changes {
            rows.push(match change {
                Change::Put(record) => (self.key(&record.key())?, Some(self.json(record)?)),
                Change::Delete(key) => (self.key(key)?, None),
            });
        }
        self.write(|transaction| {
            let mut facts = transaction.open_table(FACTS)?;
            let last = last_index(&facts)?;
            if index <= last {
                return Ok(Err(StoreError::OutOfOrder { index, last }));
            }
            facts.insert("index", index.0)?;
            let mut records = transaction.open_table(RECORDS)?;
            for (key, json) in &rows {
                match json {
                    Some(json) => drop(records.insert(key.as_str(), json.as_slice())?),
                    None => drop(records.remove(key.as_str())?),
                }
            }
            Ok(Ok(()))
        })
    }

    /// One transaction, durable when this returns; given up if `work` fails, on the disk (outer) or by its own judgement
    /// (inner).
    fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<Result<T, StoreError>, redb::Error>,
    ) -> Result<T, StoreError> {
        let run = || {
            let transaction = self.database.begin_write()?;
            let done = work(&transaction)?;
            if done.is_ok() {
                transaction.commit()?;
            }
            Ok(done)
        };
        let failed = |source| StoreError::Write { path: self.path.clone(), source: Arc::new(source) };
        run().map_err(failed)?
    }

    fn key(&self, key: &RecordKey) -> Result<String, StoreError> {
        serde_json::to_string(key).map_err(|source| self.unwritable(key, source))
    }

    fn json(&self, record: &Record) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(record).map_err(|source| self.unwritable(&record.key(), source))
    }

    fn unwritable(&self, key: &RecordKey, source: serde_json::Error) -> StoreError {
        StoreError::Encode { path: self.path.clone(), key: format!("{key:?}"), source: Arc::new(source) }
    }

    fn unreadable(&self, source: redb::Error) -> StoreError {
        StoreError::Read { path: self.path.clone(), source: Arc::new(source) }
    }
}

fn last_index(facts: &impl ReadableTable<&'static str, u64>) -> Result<Index, redb::StorageError> {
    Ok(Index(facts.get("index")?.map_or(0, |index| index.value())))
}

/// The directory exists, the file is open and its owner's alone.
fn prepare(directory: &Path, path: &Path) -> Result<File, std::io::Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    // a file that was there already may be open to others
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    // the file's name must last as its content does
    File::open(directory)?.sync_all()?;
    Ok(file)
}
