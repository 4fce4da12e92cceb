//! Does each store keep its promise? One contract, held by every adapter.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use chancery::catalog::{AuthorityState, Change, Record, RecordKey};
use chancery::model::entry::{EntryBody, ServiceDefaults};
use chancery::model::{Entry, EntryKey, EntryKind, Index, KvPair, Node, Roots, Secret};
use chancery_actors::stores::{Embedded, Loaded, Memory, Store, StoreError};

/// A kind of store, and how to come back to what one of them kept.
trait Adapter {
    type Kept: Store;

    fn open(&self) -> Self::Kept;
}

impl Adapter for Memory {
    type Kept = Memory;

    fn open(&self) -> Memory {
        self.clone()
    }
}

struct Directory(tempfile::TempDir);

impl Adapter for Directory {
    type Kept = Embedded;

    fn open(&self) -> Embedded {
        Embedded::open(self.0.path()).expect("an unused directory opens")
    }
}

fn directory() -> Directory {
    Directory(tempfile::tempdir().expect("a temporary directory"))
}

/// The same test for every adapter.
macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Memory::new()).await;
            })*
        }

        mod embedded {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::directory()).await;
            })*
        }
    };
}

contract!(
    a_new_store_is_empty,
    what_was_committed_is_loaded,
    a_record_under_the_same_key_replaces_the_older_one,
    changes_are_made_in_their_order,
    a_deleted_record_is_gone_and_its_index_stays,
    a_commit_without_changes_keeps_the_index,
    a_failed_commit_leaves_nothing,
    what_was_committed_is_there_after_opening_again,
    names_that_look_like_separators_stay_apart,
    values_are_any_bytes,
);

fn node(name: &str, address: &str) -> Record {
    Record::Node(Arc::new(Node { name: name.into(), address: address.to_owned(), ..Node::default() }))
}

fn entry(name: &str) -> Record {
    Record::Entry(Arc::new(Entry {
        name: name.to_owned(),
        meta: BTreeMap::from([("owner".to_owned(), "payments".to_owned())]),
        body: EntryBody::ServiceDefaults(ServiceDefaults::default()),
        create_index: Index(3),
        modify_index: Index(4),
    }))
}

fn kv(key: &str, value: &'static [u8]) -> Record {
    let (create_index, modify_index) = (Index(3), Index(4));
    Record::Kv(Arc::new(KvPair { key: key.into(), flags: u64::MAX, value: value.into(), create_index, modify_index }))
}

fn authority() -> Record {
    Record::Authority(Arc::new(AuthorityState::new(
        Roots { trust_domain: "11111111-2222.consul".into(), roots: vec![] },
        Secret::new("a key".to_owned()),
    )))
}

async fn put(store: &impl Store, index: u64, records: Vec<Record>) {
    let changes = records.into_iter().map(Change::Put).collect();
    store.commit(Index(index), changes).await.expect("the commit succeeds");
}

async fn load(store: &impl Store) -> Loaded {
    store.load().await.expect("the store loads")
}

async fn a_new_store_is_empty(adapter: impl Adapter) {
    assert_eq!(load(&adapter.open()).await, Loaded { index: Index(0), records: vec![] });
}

async fn what_was_committed_is_loaded(adapter: impl Adapter) {
    let store = adapter.open();
    put(&store, 1, vec![authority(), entry("web"), node("a", "10.0.0.1")]).await;
    put(&store, 7, vec![entry("api")]).await;
    let loaded = load(&store).await;
    assert_eq!(loaded.index, Index(7));
    assert_eq!(loaded.records, [node("a", "10.0.0.1"), entry("api"), entry("web"), authority()]);
}

async fn a_record_under_the_same_key_replaces_the_older_one(adapter: impl Adapter) {
    let store = adapter.open();
    put(&store, 1, vec![node("a", "10.0.0.1")]).await;
    put(&store, 2, vec![node("a", "10.0.0.2")]).await;
    assert_eq!(load(&store).await.records, [node("a", "10.0.0.2")]);
}

async fn changes_are_made_in_their_order(adapter: impl Adapter) {
    let store = adapter.open();
    let a = RecordKey::Node("a".into());
    let changes = vec![
        Change::Put(node("a", "10.0.0.1")),
        Change::Delete(a.clone()),
        Change::Put(node("b", "10.0.0.2")),
        Change::Delete(RecordKey::Node("b".into())),
        Change::Put(node("b", "10.0.0.3")),
    ];
    store.commit(Index(1), changes).await.expect("the commit succeeds");
    assert_eq!(load(&store).await.records, [node("b", "10.0.0.3")]);
}

async fn a_deleted_record_is_gone_and_its_index_stays(adapter: impl Adapter) {
    let store = adapter.open();
    put(&store, 1, vec![entry("web"), entry("api")]).await;
    let key = RecordKey::Entry(EntryKey::new(EntryKind::ServiceDefaults, "web"));
    let absent = RecordKey::Node("nowhere".into());
    store.commit(Index(2), vec![Change::Delete(key), Change::Delete(absent)]).await.expect("the commit succeeds");
    assert_eq!(load(&store).await, Loaded { index: Index(2), records: vec![entry("api")] });
}

async fn a_commit_without_changes_keeps_the_index(adapter: impl Adapter) {
    let store = adapter.open();
    put(&store, 5, vec![]).await;
    assert_eq!(load(&store).await, Loaded { index: Index(5), records: vec![] });
}

async fn a_failed_commit_leaves_nothing(adapter: impl Adapter) {
    let store = adapter.open();
    put(&store, 5, vec![node("a", "10.0.0.1")]).await;
    for index in [4, 5] {
        let changes = vec![Change::Put(node("b", "10.0.0.2")), Change::Delete(RecordKey::Node("a".into()))];
        let refused = store.commit(Index(index), changes).await.expect_err("an older index is refused");
        assert!(matches!(refused, StoreError::OutOfOrder { last: Index(5), .. }), "{refused}");
    }
    drop(store);
    let expected = Loaded { index: Index(5), records: vec![node("a", "10.0.0.1")] };
    assert_eq!(load(&adapter.open()).await, expected);
}

async fn what_was_committed_is_there_after_opening_again(adapter: impl Adapter) {
    let store = adapter.open();
    put(&store, 1, vec![authority(), node("a", "10.0.0.1")]).await;
    drop(store);
    let store = adapter.open();
    assert_eq!(load(&store).await.records, [node("a", "10.0.0.1"), authority()]);
    put(&store, 2, vec![entry("web")]).await;
    drop(store);
    assert_eq!(load(&adapter.open()).await.index, Index(2));
}

async fn names_that_look_like_separators_stay_apart(adapter: impl Adapter) {
    let store = adapter.open();
    let records: Vec<_> = ["", "\"", "\\", "a\",\"b", "a/b", "ü", "\0"].map(|name| node(name, "10.0.0.1")).into();
    put(&store, 1, records.clone()).await;
    assert_eq!(load(&store).await.records.len(), records.len());
}

async fn values_are_any_bytes(adapter: impl Adapter) {
    let store = adapter.open();
    let records = [kv("", b""), kv("a", b"\0\xff\"\n"), kv("a/", b"folder"), kv("a/b", b"ok")];
    put(&store, 1, records.to_vec()).await;
    store.commit(Index(2), vec![Change::Delete(RecordKey::Kv("a/".into()))]).await.expect("the commit succeeds");
    drop(store);
    let [empty, binary, _, text] = records;
    assert_eq!(load(&adapter.open()).await.records, [empty, binary, text]);
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("the path exists").permissions().mode() & 0o777
}

#[test]
fn nobody_but_its_owner_may_read_the_embedded_store() {
    let parent = directory();
    let data = parent.0.path().join("data");
    drop(Embedded::open(&data).expect("a new directory is made"));
    assert_eq!((mode(&data), mode(&data.join("chancery.redb"))), (0o700, 0o600));

    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(data.join("chancery.redb"), open).expect("the mode changes");
    drop(Embedded::open(&data).expect("it opens again"));
    assert_eq!(mode(&data.join("chancery.redb")), 0o600);
}

#[tokio::test]
async fn a_second_process_on_the_same_directory_is_refused() {
    let directory = directory();
    let store = directory.open();
    let Err(refused) = Embedded::open(directory.0.path()) else { panic!("opened twice") };
    assert!(matches!(refused, StoreError::InUse(_)), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("is already in use by another chancery"), "{text}");
    assert!(text.contains(&directory.0.path().display().to_string()), "{text}");
    put(&store, 1, vec![node("a", "10.0.0.1")]).await;
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = directory();
    let file = directory.0.path().join("file");
    std::fs::write(&file, "").expect("the file is written");
    let Err(refused) = Embedded::open(&file.join("data")) else { panic!("made a directory in a file") };
    assert!(refused.to_string().contains(&file.join("data").display().to_string()), "{refused}");
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let directory = directory();
    let file = directory.0.path().join("chancery.redb");
    std::fs::write(&file, "a letter").expect("the file is written");
    let Err(refused) = Embedded::open(directory.0.path()) else { panic!("opened a letter") };
    assert!(matches!(refused, StoreError::Open { .. }), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).expect("it can be read"), "a letter");
}

#[test]
fn a_store_of_another_format_is_refused_and_left_alone() {
    let directory = directory();
    drop(directory.open());
    let path = directory.0.path().join("chancery.redb");
    let facts: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("facts");
    let database = redb::Database::open(&path).expect("the store opens as what it is");
    let transaction = database.begin_write().expect("it can be written");
    transaction.open_table(facts).expect("facts").insert("format", 99).expect("a format of tomorrow");
    transaction.commit().expect("the commit succeeds");
    drop(database);
    for _ in 0..2 {
        let Err(refused) = Embedded::open(directory.0.path()) else { panic!("opened tomorrow's format") };
        assert!(matches!(refused, StoreError::Format { found: 99, known: 1, .. }), "{refused}");
    }
}
