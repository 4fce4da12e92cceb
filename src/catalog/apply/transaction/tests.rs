use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::catalog::apply::apply;
use crate::catalog::fixture::{World, check, entry, node, put, register, service, service_defaults};
use crate::catalog::tables::Tables;
use crate::catalog::{Applied, query};
use crate::model::entry::service_resolver::Subset;
use crate::model::entry::service_router::{RouteDestination, ServiceRoute};
use crate::model::entry::{EntryBody, ServiceResolver, ServiceRouter};
use crate::model::topic::Place;
use crate::model::{Check, Entry, EntryKey, EntryKind, KvKey, Protocol, Service, Status};

fn act(act: Act) -> Operation {
    Operation { condition: None, act }
}

fn write(write: Write) -> Operation {
    act(Act::Write(Box::new(write)))
}

fn pair(key: &str, value: &'static str) -> KvPair {
    KvPair { key: key.into(), value: value.into(), ..KvPair::default() }
}

fn set(key: &str, value: &'static str) -> Operation {
    write(Write::PutKv { pair: pair(key, value), cas: None })
}

fn at(index: u64, key: &str, act: Act) -> Operation {
    Operation { condition: Some(Condition::Index(RecordKey::Kv(key.into()), Index(index))), act }
}

fn read(key: &str) -> Act {
    Act::Read(RecordKey::Kv(key.into()))
}

fn values(records: &[Record]) -> Vec<(&str, &[u8])> {
    let pairs = records.iter().map(|record| match record {
        Record::Kv(pair) => (pair.key.as_str(), &pair.value[..]),
        other => panic!("a value, not {other:?}"),
    });
    pairs.collect()
}

#[test]
fn a_step_sees_what_those_before_it_did_and_all_have_one_index() {
    let mut world = World::with_nodes();
    let tree = || act(Act::ReadTree("a/".into()));
    let applied = world.write(Write::Transaction(vec![
        set("a/1", "x"),
        set("a/2", "y"),
        tree(),
        write(Write::DeleteKvTree("a/1".into())),
        tree(),
        act(Act::ReadOrEmpty("a/1".into())),
        write(register(service("web"))),
        write(Write::PutEntry { entry: service_defaults("web", Protocol::Http), cas: None }),
        act(Act::Nothing),
    ]));
    let results: Vec<_> = applied.results.iter().map(Vec::as_slice).collect();
    assert_eq!(values(results[2]), [("a/1", &b"x"[..]), ("a/2", b"y")]);
    assert_eq!(values(results[4]), [("a/2", &b"y"[..])]);
    assert_eq!(values(results[5]), [("a/1", &b""[..])]);
    assert!(results[3].is_empty() && results[8].is_empty());
    let written = [&results[0][0], &results[6][0], &results[7][0]].map(Record::modify_index);
    assert_eq!(written, [world.tables.index(); 3]);
    for place in [Place::Kv("a/2".into()), Place::KvFolder("a/".into()), Place::Service("web".into())] {
        assert!(applied.places.contains(&place), "{place:?}");
        assert_eq!(world.tables.index_of(&place), world.tables.index(), "{place:?}");
    }
}

#[test]
fn when_steps_fail_nothing_is_done_and_each_is_named() {
    let mut world = World::with_nodes();
    world.write(Write::PutKv { pair: pair("a", "1"), cas: None });
    let index = world.tables.index();
    let refusal = world.refuse(Write::Transaction(vec![
        set("b", "2"),
        at(7, "a", read("a")),
        act(read("nowhere")),
        write(Write::PutKv { pair: pair("a", "2"), cas: Some(Index(0)) }),
        write(register(Service { node: "n9".into(), ..service("web") })),
        at(0, "a", Act::Nothing),
        at(index.0, "a", read("a")),
    ]));
    assert_eq!(refusal.status(), 409);
    let Refusal::Transaction(failures) = refusal else { panic!("{refusal}") };
    let named: Vec<_> = failures.iter().map(|failed| (failed.position, failed.refusal.to_string())).collect();
    let expected = [
        (1, "key \"a\": index is stale: 7 was expected, it is 3"),
        (2, "key \"nowhere\" doesn't exist"),
        (3, "key \"a\": index is stale: 0 was expected, it is 3"),
        (4, "Unknown node \"n9\": register the node before what runs on it"),
        (5, "key \"a\": index is stale: 0 was expected, it is 3"),
    ];
    assert_eq!(named, expected.map(|(position, text)| (position, text.to_owned())));
    assert_eq!(world.tables.index(), index);
    assert_eq!(query::kv(&world.tables, &"b".into()), None);
}

#[test]
fn several_entries_are_written_at_once_or_not_at_all() {
    let mut world = World::new();
    let web = |name: &str| service_defaults(name, Protocol::Http);
    let put = |entry: Entry| write(put(entry));
    let key = |name: &str| RecordKey::Entry(EntryKey::new(EntryKind::ServiceDefaults, name));
    let nameless = world.refuse(Write::Transaction(vec![put(web("a")), put(web(""))]));
    assert!(matches!(&nameless, Refusal::Transaction(failures) if failures[0].position == 1), "{nameless}");
    assert!(query::entries(&world.tables, EntryKind::ServiceDefaults).is_empty());

    let applied = world.write(Write::Transaction(vec![put(web("a")), put(web("b"))]));
    let indexes: Vec<_> = applied.results.iter().map(|records| records[0].modify_index()).collect();
    assert_eq!(indexes, [Index(1), Index(1)]);

    let unchanged = Operation { condition: Some(Condition::Index(key("a"), Index(1))), act: Act::Delete(key("b")) };
    world.write(Write::Transaction(vec![unchanged]));
    assert_eq!(query::entries(&world.tables, EntryKind::ServiceDefaults).len(), 1);
}

fn router(name: &str, subset: &str) -> Entry {
    let destination = RouteDestination { subset: subset.to_owned(), ..Default::default() };
    let route = ServiceRoute { destination, ..Default::default() };
    entry(name, EntryBody::ServiceRouter(ServiceRouter { routes: vec![route] }))
}

fn resolver(name: &str, subset: &str) -> Entry {
    let subsets = [(subset.to_owned(), Subset::default())].into();
    entry(name, EntryBody::ServiceResolver(ServiceResolver { subsets, ..Default::default() }))
}

#[test]
fn entries_that_lean_on_each_other_are_written_in_any_order_and_each_alone_is_refused() {
    let of = |subset| {
        [put(service_defaults("web", Protocol::Http)), put(router("web", subset)), put(resolver("web", subset))]
    };
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let together = |subset| {
            let writes = of(subset);
            Write::Transaction(order.map(|at| write(writes[at].clone())).into())
        };
        let mut world = World::new();
        world.refuse(of("v1")[1].clone());
        let applied = world.write(together("v1"));
        assert!(applied.results.iter().all(|records| records[0].modify_index() == Index(1)));
        assert_eq!(world.tables.together(), Index(1));

        let [_, router, resolver] = of("v2");
        for alone in [router, resolver] {
            let refusal = world.refuse(alone);
            assert!(matches!(refusal, Refusal::Chain(_)), "{refusal}");
        }
        world.write(together("v2"));

        let delete = |kind| act(Act::Delete(RecordKey::Entry(EntryKey::new(kind, "web"))));
        world.refuse(Write::Transaction(vec![delete(EntryKind::ServiceResolver)]));
        world.refuse(Write::Transaction(vec![delete(EntryKind::ServiceDefaults)]));
        world.write(Write::Transaction(EntryKind::all().map(delete).collect()));
    }
}

#[test]
fn each_entry_that_does_not_go_with_the_others_is_named_under_its_step_and_once() {
    let mut world = World::new();
    world.write(Write::Transaction(vec![
        write(put(service_defaults("api", Protocol::Http))),
        write(put(resolver("api", "v1"))),
        write(put(router("shop", "v1"))),
        write(put(service_defaults("shop", Protocol::Http))),
        write(put(resolver("shop", "v1"))),
    ]));
    let index = world.tables.index();
    let refusal = world.refuse(Write::Transaction(vec![
        set("a", "b"),
        write(put(router("tcp", ""))),
        write(put(resolver("web", "v1"))),
        write(put(service_defaults("web", Protocol::Http))),
        write(put(router("web", "v2"))),
        // takes away what the router of shop leads to
        write(put(resolver("shop", "v2"))),
    ]));
    let Refusal::Transaction(failures) = refusal else { panic!("{refusal}") };
    let named: Vec<_> = failures.iter().map(|failed| (failed.position, failed.refusal.to_string())).collect();
    let [(1, tcp), (_, web), (5, shop)] = &named[..] else { panic!("{named:#?}") };
    assert!(tcp.starts_with("discovery chain \"tcp\": service-router/tcp does not permit the protocol tcp"), "{tcp}");
    assert!(web.starts_with("discovery chain \"web\": service \"web\" has no subset \"v2\""), "{web}");
    assert!(shop.starts_with("discovery chain \"shop\": service \"shop\" has no subset \"v1\""), "{shop}");
    assert_eq!(world.tables.index(), index);
    assert_eq!(query::kv(&world.tables, &"a".into()), None);
}

#[test]
fn reading_takes_no_index_and_answers() {
    let mut world = World::new();
    world.write(Write::PutKv { pair: pair("a", "1"), cas: None });
    let steps = vec![act(read("a")), act(Act::ReadOrEmpty("b".into())), act(Act::ReadTree("c".into()))];
    assert!(steps.iter().all(|step| step.act.reads()));
    let applied = world.try_write(&Write::Transaction(steps)).expect("it reads");
    assert_eq!((applied.outcome, world.tables.index()), (Outcome::Unchanged, Index(1)));
    assert_eq!(applied.results.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 0]);
}

#[test]
fn a_node_goes_with_everything_on_it() {
    let mut world = World::with_nodes();
    world.write(register(service("web")));
    world.write(Write::RegisterCheck(check("c", "web")));
    world.write(Write::RegisterCheck(check("n", "")));
    let applied = world.write(Write::Transaction(vec![
        act(Act::Delete(RecordKey::Node("n1".into()))),
        act(Act::Delete(RecordKey::Node("n1".into()))),
    ]));
    for place in [Place::Nodes, Place::Node("n1".into()), Place::Service("web".into()), Place::ServiceNames] {
        assert!(applied.places.contains(&place), "{place:?}");
    }
    assert_eq!(query::on_node(&world.tables, &"n1".into()), (vec![], vec![]));
    assert_eq!(world.records.len(), 1, "the other node: {:?}", world.records);
    assert!(matches!(world.refuse(Write::DeregisterNode("n1".into())), Refusal::UnknownNode(_)));
}

#[test]
fn who_keeps_a_check_says_how_it_is() {
    let mut world = World::with_nodes();
    world.write(Write::RegisterCheck(check("c", "")));
    let critical = Check { status: Status::Critical, output: "gone".to_owned(), ..check("c", "") };
    world.write(Write::SetCheck(critical));
    let status = |world: &World| query::check(&world.tables, &"n1".into(), &"c".into()).expect("there").status;
    assert_eq!(status(&world), Status::Critical);
    world.idle(Write::RegisterCheck(Check { output: String::new(), ..check("c", "") }));
    assert_eq!(status(&world), Status::Critical, "what the agent found stays known");
}

/// The same in the most naive way: one map, copied before each transaction.
#[derive(Clone, Default)]
struct Naive(BTreeMap<String, (String, Index, Index)>);

impl Naive {
    /// The keys and values that each step gives; `None` when one fails.
    fn run(&mut self, steps: &[Operation], index: Index) -> Option<Vec<Vec<(String, String)>>> {
        let mut draft = self.clone();
        let results = steps.iter().map(|step| draft.step(step, index)).collect::<Option<_>>()?;
        *self = draft;
        Some(results)
    }

    fn index(&self, key: &RecordKey) -> Index {
        let RecordKey::Kv(key) = key else { panic!("only keys") };
        self.0.get(key.as_str()).map_or(Index(0), |(.., modified)| *modified)
    }

    fn step(&mut self, step: &Operation, index: Index) -> Option<Vec<(String, String)>> {
        match &step.condition {
            Some(Condition::Index(key, expected)) if self.index(key) != *expected => return None,
            Some(Condition::IndexOrAbsent(key, expected)) if ![*expected, Index(0)].contains(&self.index(key)) => {
                return None;
            }
            _ => {}
        }
        let under = |draft: &Self, prefix: &KvKey| -> Vec<(String, String)> {
            let all = draft.0.iter().filter(|(key, _)| key.starts_with(prefix.as_str()));
            all.map(|(key, (value, ..))| (key.clone(), value.clone())).collect()
        };
        match &step.act {
            Act::Nothing => Some(vec![]),
            Act::Write(write) => match &**write {
                Write::PutKv { pair, .. } => {
                    let (key, value) = (pair.key.to_string(), String::from_utf8(pair.value.to_vec()).expect("text"));
                    let old = self.0.get(&key).cloned();
                    match old {
                        Some((same, ..)) if same == value => {}
                        old => {
                            let created = old.map_or(index, |(_, created, _)| created);
                            self.0.insert(key.clone(), (value.clone(), created, index));
                        }
                    }
                    Some(vec![(key, value)])
                }
                Write::DeleteKvTree(prefix) => {
                    for (key, _) in under(self, prefix) {
                        self.0.remove(&key);
                    }
                    Some(vec![])
                }
                other => panic!("{other:?} is no write of keys and values"),
            },
            Act::Delete(RecordKey::Kv(key)) => {
                self.0.remove(key.as_str());
                Some(vec![])
            }
            Act::Read(RecordKey::Kv(key)) => {
                let (value, ..) = self.0.get(key.as_str())?;
                Some(vec![(key.to_string(), value.clone())])
            }
            Act::ReadOrEmpty(key) => {
                let value = self.0.get(key.as_str()).map(|(value, ..)| value.clone()).unwrap_or_default();
                Some(vec![(key.to_string(), value)])
            }
            Act::ReadTree(prefix) => Some(under(self, prefix)),
            other => panic!("{other:?} is no verb of keys and values"),
        }
    }

    fn content(&self) -> Vec<(String, String, Index, Index)> {
        let rows = self.0.iter();
        rows.map(|(key, (value, created, modified))| (key.clone(), value.clone(), *created, *modified)).collect()
    }
}

fn content(tables: &Tables) -> Vec<(String, String, Index, Index)> {
    let text = |pair: &KvPair| String::from_utf8(pair.value.to_vec()).expect("text");
    let pairs = query::kv_tree(tables, &"".into()).into_iter();
    pairs.map(|pair| (pair.key.to_string(), text(&pair), pair.create_index, pair.modify_index)).collect()
}

fn a_step() -> impl Strategy<Value = Operation> {
    let key = || select(&["a", "a/", "a/b", "a/c", "b"][..]).prop_map(KvKey::from);
    let record = || key().prop_map(RecordKey::Kv);
    let act = prop_oneof![
        1 => Just(Act::Nothing),
        6 => (key(), select(&["x", "y", ""][..])).prop_map(|(key, value)| {
            let pair = KvPair { key, value: value.into(), ..KvPair::default() };
            Act::Write(Box::new(Write::PutKv { pair, cas: None }))
        }),
        1 => key().prop_map(|key| Act::Write(Box::new(Write::DeleteKvTree(key)))),
        2 => record().prop_map(Act::Delete),
        2 => record().prop_map(Act::Read),
        1 => key().prop_map(Act::ReadOrEmpty),
        1 => key().prop_map(Act::ReadTree),
    ];
    let index = || (0..12_u64).prop_map(Index);
    let condition = prop_oneof![
        6 => Just(None),
        1 => (record(), index()).prop_map(|(key, index)| Some(Condition::Index(key, index))),
        1 => (record(), index()).prop_map(|(key, index)| Some(Condition::IndexOrAbsent(key, index))),
    ];
    (condition, act).prop_map(|(condition, act)| Operation { condition, act })
}

/// Writes of what is registered, one at a time.
fn a_registration() -> impl Strategy<Value = Write> {
    let name = || select(&["a", "b"][..]);
    let on = || select(&["n1", "n2", "n3"][..]);
    prop_oneof![
        on().prop_map(|name| Write::RegisterNode(node(name))),
        (on(), name()).prop_map(|(on, name)| register(Service { node: on.into(), ..service(name) })),
        (on(), name()).prop_map(|(on, name)| Write::SetCheck(Check { node: on.into(), ..check("c", name) })),
        (on(), name()).prop_map(|(node, id)| Write::DeregisterService { node: node.into(), id: id.into() }),
        on().prop_map(|name| Write::DeregisterNode(name.into())),
        name().prop_map(|name| Write::PutEntry { entry: service_defaults(name, Protocol::Http), cas: None }),
    ]
}

/// What is there, whenever it came.
fn names(tables: &Tables) -> Vec<String> {
    let mut names: Vec<String> = query::nodes(tables).iter().map(|node| node.name.to_string()).collect();
    for node in query::nodes(tables) {
        let (services, checks) = query::on_node(tables, &node.name);
        names.extend(services.iter().map(|service| format!("{} {}", service.node, service.id)));
        names.extend(checks.iter().map(|check| format!("{} {} {}", check.node, check.id, check.service_id)));
    }
    names.extend(query::entries(tables, EntryKind::ServiceDefaults).iter().map(|entry| entry.name.clone()));
    names
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn transactions_over_keys_do_what_the_naive_model_does(transactions in vec(vec(a_step(), 0..6), 1..12)) {
        let mut world = World::new();
        let mut naive = Naive::default();
        for steps in transactions {
            let index = world.tables.index().next();
            let expected = naive.run(&steps, index);
            let done = world.try_write(&Write::Transaction(steps));
            let texts = |applied: &Applied| -> Vec<Vec<(String, String)>> {
                let text = |(key, value): (&str, &[u8])| (key.to_owned(), String::from_utf8_lossy(value).into_owned());
                applied.results.iter().map(|records| values(records).into_iter().map(text).collect()).collect()
            };
            prop_assert_eq!(done.as_ref().ok().map(texts), expected);
            prop_assert_eq!(content(&world.tables), naive.content());
        }
    }

    #[test]
    fn a_transaction_does_what_its_writes_do_one_by_one_or_nothing(writes in vec(a_registration(), 0..6)) {
        let world = World::with_nodes();
        let one_by_one = writes.iter().try_fold(world.tables.clone(), |tables, write| {
            apply(&tables, write, tables.index().next()).map(|applied| applied.tables)
        });
        let steps = writes.into_iter().map(write).collect();
        let at_once = apply(&world.tables, &Write::Transaction(steps), world.tables.index().next());
        match (one_by_one, at_once) {
            (Ok(expected), Ok(applied)) => prop_assert_eq!(names(&applied.tables), names(&expected)),
            (Err(first), Err(Refusal::Transaction(failures))) => prop_assert_eq!(&failures[0].refusal, &first),
            (expected, found) => prop_assert!(false, "{expected:?} {found:?}"),
        }
    }
}
