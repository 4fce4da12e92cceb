//! The expressions of the dashboards and alert rules under `grafana/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::setup;

/// One query, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expression {
    pub file: String,
    /// Of the panel, or the alert's name.
    pub title: String,
    pub query: String,
}

pub fn folder() -> PathBuf {
    setup::root().join("grafana")
}

pub fn rules_file() -> PathBuf {
    folder().join("alerts/chancery.rules.yml")
}

/// Those of all dashboards and alert rules.
///
/// # Panics
/// When a file cannot be read.
pub fn expressions() -> Vec<Expression> {
    let mut dashboards: Vec<PathBuf> = fs::read_dir(folder().join("dashboards"))
        .expect("the folder of the dashboards")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    dashboards.sort();
    let mut all: Vec<Expression> = dashboards.iter().flat_map(|path| of_dashboard(path)).collect();
    all.extend(of_rules(&rules_file()));
    all
}

fn of_dashboard(path: &Path) -> Vec<Expression> {
    let text = fs::read_to_string(path).expect("a dashboard");
    let dashboard: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = file_name(path);
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().into_iter().flatten() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.extend(target["expr"].as_str().map(|query| Expression {
                file: file.clone(),
                title: panel["title"].as_str().unwrap_or_default().to_owned(),
                query: query.to_owned(),
            }));
        }
    }
    found
}

/// Reads the two keys that matter, each on a line of its own; a query that goes over lines would not be found, so it
/// is refused.
fn of_rules(path: &Path) -> Vec<Expression> {
    let text = fs::read_to_string(path).expect("the alert rules");
    let file = file_name(path);
    let mut found = Vec::new();
    let mut title = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- alert:") {
            name.trim().clone_into(&mut title);
        } else if let Some(query) = line.strip_prefix("expr:") {
            let query = query.trim();
            assert!(
                !query.is_empty() && !query.starts_with(['|', '>']),
                "{file}: write the query of {title} on one line"
            );
            found.push(Expression { file: file.clone(), title: title.clone(), query: query.to_owned() });
        }
    }
    found
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Expression {
    /// The metrics it reads: every word that starts as ours do.
    pub fn metrics(&self) -> Vec<&str> {
        self.query
            .split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
            .filter(|word| word.starts_with("chancery_"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_found_inside_a_query() {
        let expression = Expression {
            file: String::new(),
            title: String::new(),
            query: "sum(rate(chancery_a_total{x=\"1\"}[5m])) / chancery_b".into(),
        };
        assert_eq!(expression.metrics(), ["chancery_a_total", "chancery_b"]);
    }
}
