//! The table as pages for people, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Endpoint, Family, Kind, Parameters, common};

/// Explained once, at the beginning of the index.
const EVERYWHERE: [(&str, Parameters); 4] =
    [("scope", common::SCOPE), ("form", common::PRETTY), ("state", common::STATE), ("waiting", common::BLOCKING)];

/// Name and text of each page, with the index as `README`.
pub fn pages<'a>(families: impl IntoIterator<Item = &'a Family>) -> BTreeMap<String, String> {
    let mut of_page: BTreeMap<&str, Vec<&Family>> = BTreeMap::new();
    for family in families {
        of_page.entry(family.page).or_default().push(family);
    }
    let mut pages: BTreeMap<String, String> =
        of_page.iter().map(|(name, families)| ((*name).to_owned(), page(name, families))).collect();
    pages.insert("README".to_owned(), index(&of_page));
    pages
}

fn index(of_page: &BTreeMap<&str, Vec<&Family>>) -> String {
    let mut text = String::from(
        "# The HTTP API\n\nSpelled as Consul spells it; `GET /v1/openapi.json` says the same to programs. These pages are \
         made from the table that the router is made from.\n\n| page | endpoints |\n|---|---|\n",
    );
    for (name, families) in of_page {
        let abouts: Vec<&str> = families.iter().map(|family| family.about).collect();
        _ = writeln!(text, "| [{name}]({name}.md) | {} |", abouts.join(" "));
    }
    text.push_str(
        "\nAn error is plain text that says what to do, with the status 400 for what cannot be understood, 404, 405 with \
         `Allow`, 413, 501 for what is not served, with what to use instead. `OPTIONS` answers with `Allow` and does \
         nothing. Answers of 1400 bytes and more are packed for who accepts gzip. A token (`?token=`, `X-Consul-Token`) is \
         no use and no harm: there are none.\n\n## What many endpoints understand\n\nThe pages name the group.\n",
    );
    for (group, parameters) in EVERYWHERE {
        _ = write!(text, "\n**{group}**\n\n{}", table(parameters));
    }
    text
}

fn page(name: &str, families: &[&Family]) -> String {
    let mut text = format!("# {name}\n");
    for family in families {
        _ = write!(text, "\n{}\n", family.about);
        for endpoint in &family.endpoints {
            text.push_str(&section(endpoint));
        }
        if !family.instead.is_empty() {
            text.push_str("\n| not served | what it says |\n|---|---|\n");
        }
        for instead in &family.instead {
            _ = writeln!(text, "| `{}` | {} |", instead.path, instead.why);
        }
    }
    text
}

fn section(endpoint: &Endpoint) -> String {
    let mut text = format!("\n### {} {}\n\n{}\n", endpoint.method, endpoint.path, endpoint.about);
    if let Some(body) = endpoint.body {
        _ = write!(text, "\nThe body: {body}\n");
    }
    let group =
        |parameters: &Parameters| EVERYWHERE.iter().find(|(_, group)| group == parameters).map(|(name, _)| *name);
    let groups: Vec<&str> = endpoint.parameters.iter().filter_map(group).collect();
    let own: String =
        endpoint.parameters.iter().filter(|one| group(one).is_none()).map(|parameters| rows(parameters)).collect();
    if !own.is_empty() {
        _ = write!(text, "\n{HEAD}{own}");
    }
    if !groups.is_empty() {
        let groups: Vec<String> =
            groups.iter().map(|group| format!("[{group}](README.md#what-many-endpoints-understand)")).collect();
        _ = write!(text, "\nAlso: {}.\n", groups.join(", "));
    }
    text
}

const HEAD: &str = "| parameter | value | |\n|---|---|---|\n";

fn table(parameters: Parameters) -> String {
    format!("{HEAD}{}", rows(parameters))
}

fn rows(parameters: Parameters) -> String {
    let mut text = String::new();
    for parameter in parameters {
        let kind = match parameter.kind {
            Kind::Text => "text".to_owned(),
            Kind::Texts => "text, may be repeated".to_owned(),
            Kind::Flag => "flag".to_owned(),
            Kind::Whole => "whole number".to_owned(),
            Kind::Duration => "duration".to_owned(),
            Kind::Word(words) => words.join(", "),
            Kind::Filter => "expression".to_owned(),
        };
        _ = writeln!(text, "| `{}` | {kind} | {} |", parameter.name, parameter.about);
    }
    text
}
