//! The whole state is replaced by an older one. What is the same keeps its indexes; what differs, and what is gone, gets
//! the index of the restore, so that no index goes backwards and nobody who waits misses it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Applied;
use super::refusal::Refusal;
use super::stamp::{Stamped, stamp};
use crate::catalog::record::{Change, Record, RecordKey};
use crate::catalog::tables::Tables;
use crate::catalog::write::Outcome;
use crate::model::{Index, NodeName};

/// `keep` is the node of this agent: what it says of itself stays when the older state knows nothing of it.
pub(super) fn restore(tables: &Tables, records: &[Record], keep: &NodeName, index: Index) -> Result<Applied, Refusal> {
    let known: BTreeMap<RecordKey, Record> = tables.records().map(|record| (record.key(), record)).collect();
    let mut wanted: BTreeMap<RecordKey, Record> = BTreeMap::new();
    for record in records {
        if wanted.insert(record.key(), record.clone()).is_some() {
            return Err(Refusal::Snapshot(format!("has two records of {}", record.key())));
        }
    }
    let own_node = wanted.contains_key(&RecordKey::Node(keep.clone()));
    let authority = wanted.contains_key(&RecordKey::Authority);
    let stays = |key: &RecordKey| match key {
        RecordKey::Authority => !authority,
        RecordKey::Node(node) => !own_node && node == keep,
        RecordKey::Service(node, id) => !own_node && node == keep && id.as_str() == "consul",
        RecordKey::Check(node, id) => !own_node && node == keep && id.as_str() == "serfHealth",
        _ => false,
    };
    for (key, record) in known.iter().filter(|(key, _)| stays(key)) {
        wanted.insert(key.clone(), record.clone());
    }
    whole(&wanted)?;
    let mut changes = Vec::new();
    for (key, record) in &mut wanted {
        if restamp(record, known.get(key), index) {
            changes.push(Change::Put(record.clone()));
        }
    }
    changes.extend(known.into_keys().filter(|key| !wanted.contains_key(key)).map(Change::Delete));
    let settings = tables.settings().clone();
    let tables = Tables::load(settings, index, wanted.into_values().collect());
    let (places, outcome, results) = (BTreeSet::new(), Outcome::Applied, Vec::new());
    Ok(Applied { tables, places, everywhere: true, changes, outcome, results })
}

/// What a record hangs on must be there.
fn whole(records: &BTreeMap<RecordKey, Record>) -> Result<(), Refusal> {
    let lacks = |key: &RecordKey, needed: RecordKey| {
        let there = records.contains_key(&needed);
        if there { Ok(()) } else { Err(Refusal::Snapshot(format!("has {key} without {needed}"))) }
    };
    for (key, record) in records {
        match record {
            Record::Service(service) => lacks(key, RecordKey::Node(service.node.clone()))?,
            Record::Check(check) => {
                lacks(key, RecordKey::Node(check.node.clone()))?;
                if !check.service_id.is_empty() {
                    lacks(key, RecordKey::Service(check.node.clone(), check.service_id.clone()))?;
                }
            }
            Record::Authority(authority) if authority.roots.active().is_none() => {
                return Err(Refusal::Snapshot("has an authority without an active root".to_owned()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// False if the record says nothing new.
fn restamp(record: &mut Record, known: Option<&Record>, index: Index) -> bool {
    match (record, known) {
        (Record::Node(new), Some(Record::Node(old))) => put(new, Some(old), index),
        (Record::Node(new), _) => put(new, None, index),
        (Record::Service(new), Some(Record::Service(old))) => put(new, Some(old), index),
        (Record::Service(new), _) => put(new, None, index),
        (Record::Check(new), Some(Record::Check(old))) => put(new, Some(old), index),
        (Record::Check(new), _) => put(new, None, index),
        (Record::Entry(new), Some(Record::Entry(old))) => put(new, Some(old), index),
        (Record::Entry(new), _) => put(new, None, index),
        (Record::Leaf(new), Some(Record::Leaf(old))) => put(new, Some(old), index),
        (Record::Leaf(new), _) => put(new, None, index),
        (Record::VirtualIp(new), Some(Record::VirtualIp(old))) => put(new, Some(old), index),
        (Record::VirtualIp(new), _) => put(new, None, index),
        (Record::Kv(new), Some(Record::Kv(old))) => put(new, Some(old), index),
        (Record::Kv(new), _) => put(new, None, index),
        (Record::Authority(new), known) => {
            let old = known.and_then(|record| if let Record::Authority(old) = record { Some(old) } else { None });
            for root in &mut Arc::make_mut(new).roots.roots {
                let known = old.iter().flat_map(|old| &old.roots.roots).find(|known| known.id == root.id);
                stamp(root, known, index);
            }
            put(new, old, index)
        }
        (new @ Record::LastVirtualIp(_), known) => known != Some(new),
    }
}

fn put<T: Stamped + Clone>(new: &mut Arc<T>, old: Option<&Arc<T>>, index: Index) -> bool {
    stamp(Arc::make_mut(new), old.map(|old| &**old), index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::fixture::{World, register_with_sidecar, service_defaults};
    use crate::catalog::{Write, archive};
    use crate::fact::look;
    use crate::model::topic::Topic;
    use crate::model::{KvPair, Protocol};

    fn set(key: &str, value: &'static str) -> Write {
        let pair = KvPair { key: key.into(), value: value.into(), ..KvPair::default() };
        Write::PutKv { pair, cas: None }
    }

    fn restore_to(world: &World) -> Write {
        let bytes = archive::save(&world.tables).expect("it can be saved");
        Write::Restore { records: archive::read(&bytes).expect("it can be read"), keep: "n1".into() }
    }

    #[test]
    fn a_restored_state_is_the_one_that_was_saved_and_no_index_goes_backwards() {
        let mut world = World::with_nodes();
        world.write(register_with_sidecar("web"));
        world.write(set("same", "x"));
        world.write(set("changed", "x"));
        let saved = world.tables.clone();
        let restore = restore_to(&world);
        world.write(set("changed", "y"));
        world.write(set("new", "y"));
        world.write(Write::DeregisterService { node: "n1".into(), id: "web".into() });
        world.write(Write::PutEntry { entry: service_defaults("web", Protocol::Http), cas: None });
        let before = world.tables.clone();
        let applied = world.write(restore);
        assert!(applied.everywhere);
        let index = world.tables.index();
        assert!(index > before.index());
        let pair = |key: &str| crate::catalog::query::kv(&world.tables, &key.into());
        let (same, changed) = (pair("same").expect("a value"), pair("changed").expect("a value"));
        assert!(same.modify_index < index && changed.modify_index == index && changed.value == "x");
        assert_eq!(pair("new"), None);
        for topic in [Topic::Nodes, Topic::Services, Topic::Service("web".into()), Topic::KvTree("".into())] {
            let (old, now) = (look(&before, &topic), look(&world.tables, &topic));
            assert!(now.index >= old.index, "{topic}");
        }
        assert_eq!(look(&saved, &Topic::Services).fact, look(&world.tables, &Topic::Services).fact);
        // and a store that kept the changes has the same
        assert_eq!(archive::save(&world.reloaded()).unwrap(), archive::save(&world.tables).unwrap());
    }

    #[test]
    fn a_state_that_lacks_something_is_refused() {
        let mut world = World::with_nodes();
        world.write(register_with_sidecar("web"));
        let Write::Restore { mut records, keep } = restore_to(&world) else { panic!("a restore") };
        records.retain(|record| !matches!(record, Record::Node(node) if node.name.as_str() == "n1"));
        let refused = world.refuse(Write::Restore { records, keep: NodeName::from("n2") }).to_string();
        assert!(refused.contains("without node \"n1\""), "{refused}");
        assert_eq!(keep.as_str(), "n1");
    }

    #[test]
    fn bytes_that_are_not_a_whole_snapshot_are_refused() {
        let bytes = archive::save(&World::with_nodes().tables).unwrap();
        let message = |bytes: &[u8]| archive::read(bytes).unwrap_err().to_string();
        assert!(message(b"\x1f\x8b\x08 of Consul\n").contains("is not a snapshot"));
        assert!(message(&bytes[..bytes.len() - 3]).contains("damaged"));
        assert!(message(b"").contains("is not a snapshot"));
    }
}
