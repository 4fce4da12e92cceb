//! The rules of the house that no compiler checks. Each rule is shown to fail by the tests beside it; here they are held
//! against the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chancery_tests::{grafana, setup};

use crate::source::Source;

mod imports;
mod metrics;
mod paths;
mod sizes;
mod source;

/// The product: `src/` and `actors/`.
fn product() -> Vec<Source> {
    sources(&["src", "actors"])
}

fn everything() -> Vec<Source> {
    sources(&["src", "actors", "tests", "benches"])
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let mut texts = BTreeMap::new();
    for folder in folders {
        collect(&setup::root().join(folder), &mut texts);
    }
    assert!(texts.len() > 20, "only {} sources were found", texts.len());
    let tests: BTreeSet<String> = texts.iter().flat_map(|(path, text)| Source::test_files(path, text)).collect();
    let product = texts.iter().filter(|(path, _)| !tests.contains(*path));
    product.map(|(path, text)| Source::new(path, text)).collect()
}

fn collect(folder: &Path, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(setup::root()).unwrap_or(&path).to_string_lossy().into_owned();
            texts.insert(name, fs::read_to_string(&path).expect("a source can be read"));
        }
    }
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} against the rules:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_room_uses_only_what_it_may() {
    assert_none(&product().iter().flat_map(imports::check).collect::<Vec<_>>());
}

#[test]
fn no_file_is_too_large() {
    assert_none(&everything().iter().flat_map(sizes::file_size).collect::<Vec<_>>());
}

#[test]
fn no_function_is_too_long() {
    assert_none(&everything().iter().flat_map(sizes::function_sizes).collect::<Vec<_>>());
}

#[test]
fn every_name_says_something() {
    assert_none(&everything().iter().flat_map(sizes::name).collect::<Vec<_>>());
}

/// It ignores the capacity of a mailbox and its depth would not be counted.
#[test]
fn plain_do_send_stays_in_the_kit() {
    let outside = |source: &Source| !source.path.starts_with("actors/kit/") && source.code().contains("do_send(");
    let wrong: Vec<String> = product().into_iter().filter(outside).map(|source| source.path).collect();
    assert_none(&wrong);
}

/// What is routed past it would be in no description of the API.
#[test]
fn http_is_routed_by_the_table_of_endpoints() {
    let outside = |source: &Source| {
        let door = ["actors/doors/http/", "actors/doors/admin/"].iter().any(|door| source.path.starts_with(door));
        door && source.code().contains(".route(")
    };
    let wrong: Vec<String> = product().into_iter().filter(outside).map(|source| source.path).collect();
    assert_none(&wrong);
}

#[test]
fn every_metric_is_listed() {
    let listed = metrics::Listed::new();
    assert_none(&product().iter().flat_map(|source| listed.missing_in_list(source)).collect::<Vec<_>>());
}

#[test]
fn every_metric_is_looked_at_and_every_query_names_one_that_is() {
    assert_none(&metrics::Listed::new().against_queries(&grafana::expressions()));
}

/// What `docs/config-entries.md` says shows a field: folders of goldens, scenarios, and tests by their names.
#[test]
fn what_shows_a_field_exists() {
    let root = setup::root();
    let page = fs::read_to_string(root.join("docs/config-entries.md")).expect("the page is there");
    let tests: String = ["src", "actors", "tests"].iter().flat_map(|folder| texts(folder)).collect();
    let exists = |name: &str| match name.strip_suffix(".http") {
        Some(_) => root.join("tests/compat/scenarios").join(name).exists(),
        None => root.join("tests/golden/sidecar").join(name).exists() || tests.contains(&format!("fn {name}()")),
    };
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let shows = rows.filter_map(|row| row.trim_end_matches('|').rsplit_once(" | ")).map(|(_, last)| last);
    let named: BTreeSet<&str> = shows.flat_map(|last| last.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 100, "{named:?}");
    assert_none(&named.into_iter().filter(|name| !exists(name)).map(str::to_owned).collect::<Vec<_>>());
}

fn texts(folder: &str) -> Vec<String> {
    let mut texts = BTreeMap::new();
    collect(&setup::root().join(folder), &mut texts);
    texts.into_values().collect()
}
