//! What the decoders ask for, held against the page that says what becomes of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Document, Format, Typing, bodies, entry, registration};

thread_local! {
    static ASKED: RefCell<BTreeMap<&'static str, BTreeSet<&'static str>>> = const { RefCell::new(BTreeMap::new()) };
}

/// A field was asked for in an object of that name, whether it is there or not.
pub(super) fn asked(what: &'static str, field: &'static str) {
    ASKED.with_borrow_mut(|asked| asked.entry(what).or_default().insert(field));
}

/// There is an object of that name.
pub(super) fn leads_to(what: &'static str) {
    ASKED.with_borrow_mut(|asked| _ = asked.entry(what).or_default());
}

const PAGE: &str = include_str!("../../docs/config-entries.md");
const REFUSED: [&str; 2] = [include_str!("entry/refused.txt"), include_str!("registration/refused.txt")];

/// Entries that lead to the objects of extensions.
const EXTENDED: [&str; 7] = [
    include_str!("../../tests/golden/sidecar/extension-authz-local-grpc/given.hcl"),
    include_str!("../../tests/golden/sidecar/extension-authz-local-http/given.hcl"),
    include_str!("../../tests/golden/sidecar/extension-authz-upstream/given.hcl"),
    include_str!("../../tests/golden/sidecar/extension-otel/given.hcl"),
    include_str!("../../tests/golden/sidecar/extension-property-cluster/given.hcl"),
    include_str!("../../tests/golden/sidecar/extension-wasm-remote/given.hcl"),
    include_str!("../../tests/golden/sidecar/extension-wasm-tcp/given.hcl"),
];

/// Objects of registrations that are on the page too.
const OF_REGISTRATIONS: [&str; 3] = ["a proxy", "an upstream", "the configuration of an upstream"];

const EVERYWHERE: &str = "every entry";

type Objects = BTreeMap<String, BTreeSet<String>>;

/// What decoders ask for, by the names of objects.
fn asked_for() -> Objects {
    let taken = || ASKED.with_borrow_mut(std::mem::take);
    taken();
    for text in [include_str!("entry/shown.txt"), REFUSED[0]] {
        bodies(text).iter().for_each(|(body, _)| drop(entry::decode(body)));
    }
    let local = json!({ "PluginConfig": { "VmConfig": { "Code": { "Local": { "Filename": "f" } } } } });
    let wasm = json!([{ "Name": "builtin/wasm", "Arguments": local }]);
    drop(entry::decode(&json!({ "Kind": "service-defaults", "Name": "a", "EnvoyExtensions": wasm })));
    for text in EXTENDED {
        let document = Document::read(text, Format::Hcl).unwrap();
        let entries = document.value["config_entries"]["bootstrap"].as_array().unwrap();
        entries.iter().for_each(|body| _ = entry::decode(body).unwrap());
    }
    let mut asked = taken();
    for (body, _) in bodies(REFUSED[1]) {
        drop(registration::service(&body, Typing::Strict, &"n1".into()));
    }
    asked.extend(taken().into_iter().filter(|(what, _)| OF_REGISTRATIONS.contains(what)));
    let owned = |fields: BTreeSet<&str>| fields.into_iter().map(str::to_owned).collect();
    asked.into_iter().map(|(what, fields)| (what.to_owned(), owned(fields))).collect()
}

/// A table of the page: the objects it is for, and its rows.
struct Table {
    objects: Vec<String>,
    rows: Vec<Vec<&'static str>>,
}

fn tables() -> Vec<Table> {
    let parts = PAGE.split("<!-- object: ").skip(1);
    let table = |part: &'static str| {
        let (objects, rest) = part.split_once(" -->").unwrap();
        let rows = rest.trim_start().lines().take_while(|line| line.starts_with('|')).skip(2);
        let row = |row: &'static str| row.trim_matches('|').split(" | ").map(str::trim).collect();
        Table { objects: objects.split("; ").map(str::to_owned).collect(), rows: rows.map(row).collect() }
    };
    parts.map(table).collect()
}

/// The words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_field_is_on_the_page_and_what_is_on_the_page_is_a_field() {
    let (mut asked, tables) = (asked_for(), tables());
    let fields = |table: &Table| -> BTreeSet<String> {
        table.rows.iter().flat_map(|row| quoted(row[0])).map(str::to_owned).collect()
    };
    let everywhere = tables.iter().find(|table| table.objects == [EVERYWHERE]).map(fields).unwrap();
    // there only to find out which kind it is
    asked.remove("a config entry");
    let mut wrong = Vec::new();
    for (what, fields) in &asked {
        if fields.is_empty() {
            wrong.push(format!("no example leads to {what:?}"));
        }
        if !tables.iter().any(|table| table.objects.contains(what)) {
            wrong.push(format!("no table is for {what:?}: {fields:?}"));
        }
    }
    for table in tables.iter().filter(|table| table.objects != [EVERYWHERE]) {
        let said = fields(table);
        let all: BTreeSet<String> =
            table.objects.iter().filter_map(|what| asked.get(what)).flatten().cloned().collect();
        wrong.extend(said.difference(&all).map(|field| format!("{field} is no field of {:?}", table.objects)));
        for field in all.difference(&said).filter(|field| !everywhere.contains(*field)) {
            wrong.push(format!("{field} of {:?} is not on the page", table.objects));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn refusals_are_on_the_page_as_they_are_told() {
    let told: BTreeSet<&str> = REFUSED.iter().flat_map(|text| bodies(text)).map(|(_, told)| told).collect();
    let mut found = 0;
    for row in tables().iter().flat_map(|table| &table.rows).filter(|row| row[1].contains("efused")) {
        for text in quoted(row[1]).filter(|text| text.contains(": ")) {
            assert!(told.contains(text), "nobody is told {text:?}");
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
}

/// Names of tests are sentences, those of scenarios end in `.http`; the others are folders, which are there (`tests/tidy`).
fn is_golden(shown: &str) -> bool {
    !shown.contains(['_', '.'])
}

#[test]
fn each_field_of_ours_has_a_golden_folder_and_a_refusal() {
    let told: Vec<&str> = REFUSED.iter().flat_map(|text| bodies(text)).map(|(_, told)| told).collect();
    let names =
        |told: &&str, field: &str| told.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word == field);
    let (mut found, mut wrong) = (0, Vec::new());
    for row in tables().iter().flat_map(|table| &table.rows).filter(|row| row[0].contains('◆')) {
        if !quoted(row[2]).any(is_golden) {
            wrong.push(format!("no golden folder shows {}", row[0]));
        }
        for field in quoted(row[0]) {
            found += 1;
            if !told.iter().any(|told| names(told, field)) {
                wrong.push(format!("no refusal names {field}"));
            }
        }
    }
    assert!(wrong.is_empty() && found > 30, "{found} fields\n{}", wrong.join("\n"));
}
