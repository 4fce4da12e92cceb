use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::families;
use crate::doors::endpoints::pages;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/api")
}

fn found() -> BTreeMap<String, String> {
    let files = fs::read_dir(folder()).into_iter().flatten().map(|file| file.unwrap().path());
    let name = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    files.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn the_pages_under_docs_say_what_the_router_serves() {
    let pages = pages(&families());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(folder()).unwrap();
        for name in found().keys().filter(|name| !pages.contains_key(*name)) {
            fs::remove_file(folder().join(format!("{name}.md"))).unwrap();
        }
        for (name, text) in &pages {
            fs::write(folder().join(format!("{name}.md")), text).unwrap();
        }
    }
    let found = found();
    let stale: Vec<&String> =
        pages.iter().filter(|(name, text)| found.get(*name) != Some(text)).map(|(name, _)| name).collect();
    assert!(
        stale.is_empty() && found.len() == pages.len(),
        "docs/api is not what the router serves ({stale:?}): UPDATE_DOCS=1 cargo test -p chancery-actors pages_under_docs writes it"
    );
}

#[test]
fn every_endpoint_is_described_once_and_says_what_it_does() {
    let mut seen = BTreeMap::new();
    for family in families() {
        assert!(family.about.ends_with('.'), "{}", family.name);
        for endpoint in &family.endpoints {
            let key = (endpoint.path.clone(), endpoint.method.to_string());
            assert!(endpoint.about.ends_with('.'), "{key:?}");
            for parameter in endpoint.query() {
                assert!(parameter.about.ends_with('.'), "{key:?} {}", parameter.name);
            }
            let names: Vec<&str> = endpoint.query().map(|parameter| parameter.name).collect();
            let mut once = names.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), names.len(), "{key:?} declares a parameter twice");
            assert_eq!(seen.insert(key.clone(), ()), None, "{key:?} is there twice");
        }
    }
}

/// What the page for who comes from Consul says: its rows, as cells.
fn compatibility() -> Vec<Vec<&'static str>> {
    let page = include_str!("../../../docs/consul-compatibility.md");
    let api = page.split("\n## ").find(|part| part.starts_with("HTTP API\n")).unwrap();
    let rows = api.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect()).collect()
}

#[test]
fn the_page_for_who_comes_from_consul_has_every_endpoint_and_the_words_of_each_refusal() {
    let families = families();
    let served = families.iter().filter(|family| family.page != "admin").flat_map(|family| &family.endpoints);
    let served = served.map(|endpoint| (format!("{} {}", endpoint.method, endpoint.path), "done".to_owned()));
    let refused = families.iter().flat_map(|family| &family.instead);
    let refused = refused.map(|instead| (instead.path.clone(), instead.why.to_owned()));
    let expected: BTreeMap<String, String> = served.chain(refused).collect();
    let found: BTreeMap<String, String> =
        compatibility().iter().map(|cells| (cells[0].to_owned(), cells[1].to_owned())).collect();
    assert_eq!(found, expected, "docs/consul-compatibility.md");
}
