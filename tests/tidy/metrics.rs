//! Every metric is in the list of `actors/metrics.rs`, and every one of the list is looked at by a dashboard or alert.

use std::collections::BTreeSet;

use chancery_actors::metrics::{Kind, LIST};
use chancery_tests::grafana::Expression;

use crate::source::Source;

pub(crate) struct Listed {
    histograms: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl Listed {
    pub(crate) fn new() -> Self {
        Self::of(LIST.iter().map(|(kind, name, _)| (*kind, *name)))
    }

    fn of<'a>(list: impl IntoIterator<Item = (Kind, &'a str)>) -> Self {
        let mut listed = Self { histograms: BTreeSet::new(), all: BTreeSet::new() };
        for (kind, name) in list {
            listed.all.insert(name.to_owned());
            if kind == Kind::Histogram {
                listed.histograms.insert(name.to_owned());
            }
        }
        listed
    }

    /// The metric that a word of a query belongs to: a histogram is read by its three series.
    fn metric<'a>(&'a self, word: &'a str) -> Option<&'a str> {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
        match base.and_then(|base| self.histograms.get(base)) {
            Some(histogram) => Some(histogram),
            None => self.all.get(word).map(String::as_str).filter(|name| !self.histograms.contains(*name)),
        }
    }

    /// Words of the source that are metrics by their looks, but not in the list.
    pub(crate) fn missing_in_list(&self, source: &Source) -> Vec<String> {
        let metrics = source.strings.iter().filter(|text| looks_like_a_metric(text));
        let unlisted = metrics.filter(|text| !self.all.contains(*text));
        unlisted.map(|text| format!("{}: `{text}` is not in the list of actors/metrics.rs", source.path)).collect()
    }

    /// Both directions between the list and the queries.
    pub(crate) fn against_queries(&self, expressions: &[Expression]) -> Vec<String> {
        let (mut used, mut wrong) = (BTreeSet::new(), Vec::new());
        for expression in expressions {
            for word in expression.metrics() {
                match self.metric(word) {
                    Some(metric) => _ = used.insert(metric),
                    None => {
                        wrong.push(format!("{} ({}): there is no metric `{word}`", expression.file, expression.title));
                    }
                }
            }
        }
        let unused = self.all.iter().filter(|metric| !used.contains(metric.as_str()));
        wrong.extend(unused.map(|metric| format!("`{metric}` is on no dashboard and in no alert")));
        wrong
    }
}

/// Our own crates are called that way too; they are names of log targets.
fn looks_like_a_metric(text: &str) -> bool {
    text.strip_prefix("chancery_").is_some_and(|rest| {
        !rest.is_empty()
            && rest != "actors"
            && rest != "tests"
            && rest.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Listed {
        Listed::of([(Kind::Gauge, "chancery_services"), (Kind::Histogram, "chancery_ripple_seconds")])
    }

    fn query(query: &str) -> Expression {
        Expression { file: "overview.json".into(), title: "t".into(), query: query.into() }
    }

    #[test]
    fn a_metric_of_the_code_must_be_listed() {
        let source = Source::new(
            "actors/a.rs",
            "gauge!(\"chancery_services\"); gauge!(\"chancery_servces\"); \"chancery_actors\"",
        );
        assert_eq!(
            listed().missing_in_list(&source),
            ["actors/a.rs: `chancery_servces` is not in the list of actors/metrics.rs"]
        );
    }

    #[test]
    fn a_metric_of_the_list_must_be_looked_at() {
        let seen = [query("chancery_services"), query("rate(chancery_ripple_seconds_bucket[5m])")];
        assert!(listed().against_queries(&seen).is_empty());
        assert_eq!(
            listed().against_queries(&seen[..1]),
            ["`chancery_ripple_seconds` is on no dashboard and in no alert"]
        );
    }

    #[test]
    fn a_query_must_name_what_there_is() {
        let wrong = listed().against_queries(&[
            query("chancery_services + chancery_gone"),
            query("chancery_ripple_seconds_count + chancery_ripple_seconds"),
        ]);
        assert_eq!(
            wrong,
            [
                "overview.json (t): there is no metric `chancery_gone`",
                "overview.json (t): there is no metric `chancery_ripple_seconds`"
            ]
        );
    }
}
