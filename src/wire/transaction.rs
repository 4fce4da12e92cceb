//! `/v1/txn`: up to [`MOST`] operations on keys, nodes, services, checks and config entries.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::answer::{self, CheckAnswer, NodeAnswer, NodeService};
use super::fields::{DecodeError, Fields, Result, Typing};
use super::kv::PairAnswer;
use super::registration::catalog;
use crate::catalog::{Act, Condition, Operation, Record, RecordKey, Registration, Write};
use crate::model::{CheckId, Datacenter, Index, KvKey, KvPair, NodeName, ServiceId};

/// Operations in one transaction.
pub const MOST: usize = 128;

const VERBS: &str = "get, set, cas, delete, delete-cas";
const KV_VERBS: &str = "get, get-tree, get-or-empty, set, cas, delete, delete-tree, delete-cas, check-index, \
                        check-not-exists";

/// The body, a list of operations.
///
/// # Errors
/// One for each operation that cannot be read, naming the field that breaks a rule, and the rule.
pub fn decode(body: &Value, datacenter: &Datacenter) -> std::result::Result<Vec<Operation>, Unread> {
    let Value::Array(items) = body else {
        return Err(Unread(vec![DecodeError::new("", "expected a list of operations")]));
    };
    let (mut operations, mut unread) = (Vec::with_capacity(items.len()), Vec::new());
    for (at, item) in items.iter().enumerate() {
        match Fields::new(item, "an operation", Typing::Strict).and_then(|fields| operation(fields, datacenter)) {
            Ok(operation) => operations.push(operation),
            Err(error) => unread.push(DecodeError { path: format!("[{at}].{}", error.path), ..error }),
        }
    }
    if unread.is_empty() { Ok(operations) } else { Err(Unread(unread)) }
}

/// The operations that could not be read, a line for each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread(pub Vec<DecodeError>);

impl std::fmt::Display for Unread {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<String> = self.0.iter().map(DecodeError::to_string).collect();
        out.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Unread {}

fn operation(mut fields: Fields<'_>, datacenter: &Datacenter) -> Result<Operation> {
    if fields.take("Session").is_some() {
        return Err(fields.error("Session", "this server has no sessions: use cas with the ModifyIndex"));
    }
    if fields.take("Intention").is_some() {
        return Err(fields.error("Intention", "is no longer an operation of Consul: write a service-intentions entry"));
    }
    let (kv, node) = (fields.object("KV", "an operation on a key")?, fields.object("Node", "an operation on a node")?);
    let service = fields.object("Service", "an operation on a service")?;
    let check = fields.object("Check", "an operation on a check")?;
    let config = fields.object("Config", "an operation on a config entry")?;
    fields.finish()?;
    match (kv, node, service, check, config) {
        (Some(fields), None, None, None, None) => on_key(fields),
        (None, Some(fields), None, None, None) => on_node(fields, datacenter),
        (None, None, Some(fields), None, None) => on_service(fields, datacenter),
        (None, None, None, Some(fields), None) => on_check(fields),
        (None, None, None, None, Some(fields)) => on_entry(fields),
        _ => Err(DecodeError::new("", "an operation is exactly one of KV, Node, Service, Check, Config")),
    }
}

fn on_key(mut fields: Fields<'_>) -> Result<Operation> {
    fields.default_tenancy()?;
    let (verb, key) = (fields.text("Verb")?, KvKey::from(fields.text("Key")?));
    let (flags, index) = (unsigned(&mut fields, "Flags")?, Index(unsigned(&mut fields, "Index")?));
    let value = bytes(&mut fields, "Value")?;
    let session = fields.text("Session")?;
    if matches!(verb.as_str(), "lock" | "unlock" | "check-session") || !session.is_empty() {
        return Err(fields.error("Verb", "this server has no sessions: use cas with the ModifyIndex"));
    }
    if key.is_empty() && !matches!(verb.as_str(), "get-tree" | "delete-tree") {
        return Err(fields.error("Key", "is required"));
    }
    let unknown = || fields.error("Verb", format!("{verb:?} is not one of {KV_VERBS}"));
    let record = RecordKey::Kv(key.clone());
    let put = |cas| {
        let pair = KvPair { key: key.clone(), flags, value, ..KvPair::default() };
        always(Act::Write(Box::new(Write::PutKv { pair, cas })))
    };
    let operation = match verb.as_str() {
        "set" => put(None),
        "cas" => put(Some(index)),
        "get" => always(Act::Read(record)),
        "get-or-empty" => always(Act::ReadOrEmpty(key)),
        "get-tree" => always(Act::ReadTree(key)),
        "delete" => always(Act::Delete(record)),
        "delete-tree" => always(Act::Write(Box::new(Write::DeleteKvTree(key)))),
        "delete-cas" => when(Condition::IndexOrAbsent(record.clone(), index), Act::Delete(record)),
        "check-index" => when(Condition::Index(record.clone(), index), Act::Read(record)),
        "check-not-exists" => when(Condition::Index(record, Index(0)), Act::Nothing),
        _ => return Err(unknown()),
    };
    fields.finish()?;
    Ok(operation)
}

fn on_node(mut fields: Fields<'_>, datacenter: &Datacenter) -> Result<Operation> {
    let verb = verb(&mut fields)?;
    let mut node = required(&mut fields, "Node")?;
    fields.finish()?;
    let index = modify_index(&mut node)?;
    let name = NodeName::from(node.text("Node")?);
    if name.is_empty() {
        return Err(node.error("Node", "is required"));
    }
    verb.operation(RecordKey::Node(name), index, || Ok(Write::RegisterNode(catalog::node(node, datacenter)?)))
}

fn on_service(mut fields: Fields<'_>, datacenter: &Datacenter) -> Result<Operation> {
    let verb = verb(&mut fields)?;
    let node = NodeName::from(fields.text("Node")?);
    if node.is_empty() {
        return Err(fields.error("Node", "is required: the node that the service is on"));
    }
    let mut service = required(&mut fields, "Service")?;
    fields.finish()?;
    let index = modify_index(&mut service)?;
    let (id, name) = (service.text("ID")?, service.text("Service")?);
    let id = ServiceId::from(if id.is_empty() { name } else { id });
    if id.is_empty() {
        return Err(service.error("ID", "is required"));
    }
    verb.operation(RecordKey::Service(node.clone(), id), index, || {
        let service = catalog::service(service, &node, datacenter)?;
        let (checks, sidecar) = (Vec::new(), None);
        let registration = Registration { service, checks, sidecar, replace_existing_checks: false };
        Ok(Write::RegisterService(Box::new(registration)))
    })
}

fn on_check(mut fields: Fields<'_>) -> Result<Operation> {
    let verb = verb(&mut fields)?;
    let mut check = required(&mut fields, "Check")?;
    fields.finish()?;
    let index = modify_index(&mut check)?;
    let (node, id, name) = (NodeName::from(check.text("Node")?), check.text("CheckID")?, check.text("Name")?);
    let id = CheckId::from(if id.is_empty() { name } else { id });
    for (field, empty) in [("Node", node.is_empty()), ("CheckID", id.is_empty())] {
        if empty {
            return Err(check.error(field, "is required"));
        }
    }
    verb.operation(RecordKey::Check(node, id), index, || Ok(Write::SetCheck(catalog::check(check, None)?)))
}

/// Entries are read as `PUT /v1/config` reads them, with weak typing.
fn on_entry(mut fields: Fields<'_>) -> Result<Operation> {
    let verb = verb(&mut fields)?;
    let entry = || fields.inside("Entry", "a config entry");
    let Some(mut named) = entry()? else { return Err(fields.error("Entry", "is required")) };
    let (key, index) = (super::entry::key(&mut named)?, modify_index(&mut named)?);
    let operation = verb.operation(RecordKey::Entry(key), index, || {
        let entry = entry()?.map(super::entry::fields).transpose()?;
        let entry = entry.unwrap_or_else(|| unreachable!("it was there a moment ago"));
        Ok(Write::PutEntry { entry, cas: None })
    });
    fields.take("Entry");
    fields.finish()?;
    operation
}

enum Verb {
    Get,
    Set,
    Cas,
    Delete,
    DeleteCas,
}

impl Verb {
    /// What is only read or removed is named by its key; nothing else of it is looked at.
    fn operation(&self, key: RecordKey, index: Index, write: impl FnOnce() -> Result<Write>) -> Result<Operation> {
        let condition = Condition::Index(key.clone(), index);
        Ok(match self {
            Self::Get => always(Act::Read(key)),
            Self::Set => always(Act::Write(Box::new(write()?))),
            Self::Cas => when(condition, Act::Write(Box::new(write()?))),
            Self::Delete => always(Act::Delete(key)),
            Self::DeleteCas => when(condition, Act::Delete(key)),
        })
    }
}

fn verb(fields: &mut Fields<'_>) -> Result<Verb> {
    let verb = fields.text("Verb")?;
    Ok(match verb.as_str() {
        "get" => Verb::Get,
        "set" => Verb::Set,
        "cas" => Verb::Cas,
        "delete" => Verb::Delete,
        "delete-cas" => Verb::DeleteCas,
        _ => return Err(fields.error("Verb", format!("{verb:?} is not one of {VERBS}"))),
    })
}

fn always(act: Act) -> Operation {
    Operation { condition: None, act }
}

fn when(condition: Condition, act: Act) -> Operation {
    Operation { condition: Some(condition), act }
}

fn required<'a>(fields: &mut Fields<'a>, field: &'static str) -> Result<Fields<'a>> {
    fields.object(field, "a record of the catalog")?.ok_or_else(|| fields.error(field, "is required"))
}

fn modify_index(fields: &mut Fields<'_>) -> Result<Index> {
    unsigned(fields, "ModifyIndex").map(Index)
}

/// 0 when absent.
fn unsigned(fields: &mut Fields<'_>, field: &'static str) -> Result<u64> {
    let Some(value) = fields.take(field) else { return Ok(0) };
    value.as_u64().ok_or_else(|| fields.error(field, "expected a whole number from 0 to 18446744073709551615"))
}

fn bytes(fields: &mut Fields<'_>, field: &'static str) -> Result<Bytes> {
    let text = fields.text(field)?;
    let wrong = |_| fields.error(field, "is not base64");
    BASE64_STANDARD.decode(text).map(Bytes::from).map_err(wrong)
}

#[derive(Serialize)]
enum RecordAnswer<'a> {
    #[serde(rename = "KV")]
    Kv(PairAnswer<'a>),
    Node(NodeAnswer<'a>),
    Service(NodeService<'a>),
    Check(CheckAnswer<'a>),
    Config(Value),
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Done<'a> {
    results: Vec<RecordAnswer<'a>>,
    errors: Option<()>,
}

/// Of a transaction that was done: what its operations gave, one after the other.
pub fn done<'a>(
    operations: &[Operation],
    results: &'a [Vec<Record>],
    datacenter: &'a Datacenter,
) -> impl Serialize + use<'a> {
    let mut answers = Vec::new();
    for (operation, records) in operations.iter().zip(results) {
        // who writes a value or compares its index knows it
        let with_value = operation.act.reads() && operation.condition.is_none();
        answers.extend(records.iter().filter_map(|record| match record {
            Record::Kv(pair) => Some(RecordAnswer::Kv(PairAnswer::new(pair, with_value))),
            Record::Node(node) => Some(RecordAnswer::Node(answer::node_answer(node, datacenter))),
            Record::Service(service) => Some(RecordAnswer::Service(answer::node_service(service))),
            Record::Check(check) => Some(RecordAnswer::Check(CheckAnswer::from(&**check))),
            Record::Entry(entry) => Some(RecordAnswer::Config(super::entry::encode(entry))),
            _ => None,
        }));
    }
    Done { results: answers, errors: None }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    op_index: usize,
    what: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NotDone {
    results: Option<()>,
    errors: Vec<Failure>,
}

/// Of a transaction that was not done: which operations could not be, and why.
pub fn not_done(failures: impl IntoIterator<Item = (usize, String)>) -> impl Serialize {
    let errors = failures.into_iter().map(|(op_index, what)| Failure { op_index, what }).collect();
    NotDone { results: None, errors }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(body: &Value) -> String {
        decode(body, &"dc1".into()).unwrap_err().to_string()
    }

    #[test]
    fn an_operation_is_read_as_clients_of_go_write_it() {
        let body = json!([
            { "KV": { "Verb": "set", "Key": "a", "Value": "cmVk", "Flags": u64::MAX, "Index": 0, "Session": "" }, "Node": null },
            { "KV": null, "Node": { "Verb": "cas", "Node": {
                "ID": "", "Node": "n9", "Address": "10.0.0.9", "Datacenter": "dc1", "TaggedAddresses": null,
                "Meta": null, "CreateIndex": 3, "ModifyIndex": 7,
            } } },
        ]);
        let operations = decode(&body, &"dc1".into()).unwrap();
        let pair = KvPair { key: "a".into(), flags: u64::MAX, value: "red".into(), ..KvPair::default() };
        assert_eq!(operations[0], always(Act::Write(Box::new(Write::PutKv { pair, cas: None }))));
        assert_eq!(operations[1].condition, Some(Condition::Index(RecordKey::Node("n9".into()), Index(7))));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        assert_eq!(refused(&json!({})), "expected a list of operations");
        assert_eq!(refused(&json!([{}])), "[0].: an operation is exactly one of KV, Node, Service, Check, Config");
        let kv = |kv: Value| refused(&json!([{ "KV": { "Verb": "get", "Key": "a" } }, { "KV": kv }]));
        assert!(kv(json!({ "Verb": "put", "Key": "a" })).starts_with("[1].KV.Verb: \"put\" is not one of get, "));
        assert_eq!(kv(json!({ "Verb": "get" })), "[1].KV.Key: is required");
        assert_eq!(kv(json!({ "Verb": "set", "Key": "a", "Value": "%" })), "[1].KV.Value: is not base64");
        assert!(kv(json!({ "Verb": "lock", "Key": "a" })).contains("no sessions"));
        assert!(kv(json!({ "Verb": "get", "Key": "a", "Keys": 1 })).contains("did you mean \"Key\"?"));
    }

    #[test]
    fn every_operation_that_cannot_be_read_is_named() {
        let entry = |entry: Value| json!({ "Config": { "Verb": "set", "Entry": entry } });
        let good = json!({ "Kind": "service-defaults", "Name": "web", "Protocol": "http" });
        let lines = refused(&json!([
            entry(json!({ "Kind": "service-splitter", "Name": "web", "Splits": [{ "Weight": 99 }] })),
            entry(good.clone()),
            entry(json!({ "Kind": "service-defaults", "Name": "web", "Protcol": "http" })),
            entry(json!({ "Kind": "service-defaults" })),
            { "Config": { "Verb": "put", "Entry": good } },
            { "Config": { "Verb": "set" } },
            { "Config": { "Verb": "get", "Entry": { "Kind": "service-default", "Name": "web" } } },
        ]));
        let lines: Vec<&str> = lines.lines().collect();
        let paths = [
            "[0].Config.Entry.Splits",
            "[2].Config.Entry",
            "[3].Config.Entry.Name",
            "[4].Config.Verb",
            "[5].Config.Entry",
            "[6].Config.Entry",
        ];
        assert_eq!(lines.len(), paths.len(), "{lines:#?}");
        for (line, path) in lines.iter().zip(paths) {
            assert!(line.starts_with(&format!("{path}: ")), "{line}");
        }
    }

    #[test]
    fn an_entry_is_named_by_kind_and_name_and_read_with_weak_typing() {
        let body = json!([
            { "Config": { "Verb": "cas", "Entry": { "kind": "service-defaults", "name": "web", "max_inbound_connections": "7", "ModifyIndex": 9 } } },
            { "Config": { "Verb": "delete", "Entry": { "Kind": "mesh" } } },
        ]);
        let operations = decode(&body, &"dc1".into()).unwrap();
        let key = |kind, name| RecordKey::Entry(crate::model::EntryKey::new(kind, name));
        let web = key(crate::model::EntryKind::ServiceDefaults, "web");
        assert_eq!(operations[0].condition, Some(Condition::Index(web, Index(9))));
        assert_eq!(operations[1], always(Act::Delete(key(crate::model::EntryKind::Mesh, "mesh"))));
    }

    #[test]
    fn a_check_with_a_definition_is_refused_since_nobody_would_run_it() {
        let check = |definition: Value| {
            let check = json!({ "Node": "n1", "CheckID": "c", "Status": "passing", "Definition": definition });
            decode(&json!([{ "Check": { "Verb": "set", "Check": check } }]), &"dc1".into())
        };
        check(json!({ "HTTP": "", "Interval": "0s", "Header": null })).unwrap();
        let error = check(json!({ "HTTP": "http://x", "Interval": "1s" })).unwrap_err().to_string();
        assert!(error.starts_with("[0].Check.Check.Definition: is for checks that an agent runs"), "{error}");
    }
}
