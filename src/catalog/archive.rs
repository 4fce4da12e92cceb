//! The whole state as bytes that can be kept elsewhere: one line that says what it is, then one line for each record. It
//! holds private keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use super::record::Record;
use super::tables::Tables;
use crate::model::{Index, KvKey};

const FORMAT: &str = "chancery-snapshot";
const VERSION: u64 = 1;

#[derive(Serialize, Deserialize)]
struct Heading {
    format: String,
    version: u64,
    index: Index,
    records: usize,
    /// Of all that follows, hex.
    hash: String,
}

#[derive(Debug, Error)]
pub enum ArchiveError {
    #[error("is not a snapshot of chancery; one of Consul cannot be read: register services and write entries anew")]
    Foreign,
    #[error("is a snapshot of version {0}, this chancery reads version {VERSION}: use the version that saved it")]
    Version(u64),
    #[error("is damaged: its content is not what was saved")]
    Damaged,
    #[error("holds a record that cannot be read, line {line}: {source}")]
    Record { line: usize, source: serde_json::Error },
}

/// Equal tables give equal bytes.
///
/// # Errors
/// When a record cannot be written as JSON.
pub fn save(tables: &Tables) -> serde_json::Result<Vec<u8>> {
    let (mut body, mut records) = (Vec::new(), 0);
    for record in tables.records() {
        serde_json::to_writer(&mut body, &record)?;
        body.push(b'\n');
        records += 1;
    }
    let hash = hash(&body);
    let heading = Heading { format: FORMAT.to_owned(), version: VERSION, index: tables.index(), records, hash };
    let mut bytes = serde_json::to_vec(&heading)?;
    bytes.push(b'\n');
    bytes.extend(body);
    Ok(bytes)
}

/// What a snapshot holds.
#[derive(Debug)]
pub struct Contents {
    pub version: u64,
    pub index: Index,
    /// Of all records, hex.
    pub hash: String,
    /// Of each kind of records: how many there are, and their bytes.
    pub kinds: BTreeMap<&'static str, (usize, usize)>,
    /// Of each key of the key-value store: the bytes of its record.
    pub keys: BTreeMap<KvKey, usize>,
}

/// # Errors
/// As [`read`].
pub fn inspect(bytes: &[u8]) -> Result<Contents, ArchiveError> {
    decode(bytes).map(|(contents, _)| contents)
}

/// What a snapshot holds, and all of it.
///
/// # Errors
/// As [`read`].
pub fn decode(bytes: &[u8]) -> Result<(Contents, Vec<Record>), ArchiveError> {
    let (heading, body) = open(bytes)?;
    let records = whole(&heading, body)?;
    let (mut kinds, mut keys) = (BTreeMap::new(), BTreeMap::new());
    for (record, line) in records.iter().zip(lines(body)) {
        let (count, bytes) = kinds.entry(record.kind()).or_insert((0, 0));
        *count += 1;
        *bytes += line.len() + 1;
        if let Record::Kv(pair) = record {
            keys.insert(pair.key.clone(), line.len() + 1);
        }
    }
    let Heading { version, index, hash, .. } = heading;
    Ok((Contents { version, index, hash, kinds, keys }, records))
}

/// # Errors
/// When the bytes are not what [`save`] made, all of it.
pub fn read(bytes: &[u8]) -> Result<Vec<Record>, ArchiveError> {
    let (heading, body) = open(bytes)?;
    whole(&heading, body)
}

fn whole(heading: &Heading, body: &[u8]) -> Result<Vec<Record>, ArchiveError> {
    let records = records(body)?;
    if records.len() == heading.records { Ok(records) } else { Err(ArchiveError::Damaged) }
}

/// The heading, and what follows it as it was saved.
fn open(bytes: &[u8]) -> Result<(Heading, &[u8]), ArchiveError> {
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(ArchiveError::Foreign)?;
    let (heading, body) = (&bytes[..end], &bytes[end + 1..]);
    let heading: Heading = serde_json::from_slice(heading).map_err(|_| ArchiveError::Foreign)?;
    if heading.format != FORMAT {
        return Err(ArchiveError::Foreign);
    }
    if heading.version != VERSION {
        return Err(ArchiveError::Version(heading.version));
    }
    if heading.hash != hash(body) {
        return Err(ArchiveError::Damaged);
    }
    Ok((heading, body))
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn records(body: &[u8]) -> Result<Vec<Record>, ArchiveError> {
    let record =
        |(at, line)| serde_json::from_slice(line).map_err(|source| ArchiveError::Record { line: at + 2, source });
    lines(body).enumerate().map(record).collect()
}

fn hash(body: &[u8]) -> String {
    format!("{:016x}", xxh3_64(body))
}
