//! The query of a request: what every endpoint understands in the same way.

use std::time::Duration;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use chancery::filter::{Filter, Table};
use chancery::model::{Datacenter, Index, Node, NodeName};

use super::HttpDoor;
use super::blocking::Blocking;
use super::reply::Failure;
use crate::doors::endpoints::Declared;

/// Would change the answer and cannot be answered: refused, since an answer without it would be a lie.
const NOT_HERE: [(&str, &str); 2] = [
    ("peer", "there are no peers: register what runs elsewhere at /v1/catalog/register"),
    ("sg", "there are no sameness groups: say where else a service runs in the Failover of a service-resolver"),
];

/// The parameters of a request, in the order given; one may be given several times.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Params {
    pairs: Vec<(String, String)>,
    waits: Waits,
    declared: Declared,
}

/// How long a blocking read may take, before jitter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waits {
    /// Without `wait`.
    pub default: Duration,
    /// Whatever `wait` says.
    pub max: Duration,
}

impl FromRequestParts<HttpDoor> for Params {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, door: &HttpDoor) -> Result<Self, Failure> {
        let Query(pairs) = Query::try_from_uri(&parts.uri)
            .map_err(|error| Failure::bad_request(format!("the query cannot be read: {error}")))?;
        let declared = parts.extensions.get().copied().unwrap_or(Declared(&[]));
        let params = Self { pairs, waits: door.waits(), declared };
        params.check(door.datacenter().as_str())?;
        let namespace = parts.headers.get("x-consul-namespace").and_then(|value| value.to_str().ok());
        only_default("X-Consul-Namespace", namespace)?;
        Ok(params)
    }
}

impl Params {
    /// The first value of a parameter; empty when it came without one.
    pub fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(self.declared.has(name), "the endpoint reads {name:?} and does not declare it");
        self.given(name)
    }

    fn given(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there and say something.
    pub fn require(&self, name: &str) -> Result<&str, Failure> {
        let text = self.get(name).filter(|value| !value.is_empty());
        text.ok_or_else(|| Failure::bad_request(format!("required query parameter '{name}' missing")))
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        debug_assert!(self.declared.has(name), "the endpoint reads {name:?} and does not declare it");
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// True for `?name`, `?name=1` and `?name=true`.
    pub fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.get(name) {
            None | Some("0" | "f" | "F" | "false" | "False" | "FALSE") => Ok(false),
            Some("" | "1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(true),
            Some(other) => Err(Failure::bad_request(format!("Invalid value for ?{name}: {other:?} is not a bool"))),
        }
    }

    /// `?cas=<ModifyIndex>`; 0: only if there is none yet.
    pub fn cas(&self) -> Result<Option<Index>, Failure> {
        Ok(self.number("cas")?.map(Index))
    }

    pub fn pretty(&self) -> bool {
        self.get("pretty").is_some_and(|value| value != "false" && value != "0")
    }

    /// What the client asked for; with one server all three are the same.
    pub fn consistency(&self) -> &'static str {
        if self.get("consistent").is_some() {
            "consistent"
        } else if self.get("stale").is_some() {
            "stale"
        } else {
            "leader"
        }
    }

    /// The client takes an answer out of memory. There are none but those, and they are never old.
    pub fn cached(&self) -> bool {
        self.get("cached").is_some()
    }

    /// `near=<node>`, or `near=_agent`. Nobody measures distances, so what is on the node comes first, and nothing else
    /// changes its place.
    pub fn nearest_first<T>(&self, agent: &NodeName, list: &mut [T], node: impl Fn(&T) -> &NodeName) {
        let Some(near) = self.get("near").filter(|near| !near.is_empty()) else { return };
        let near = if near == "_agent" { agent.as_str() } else { near };
        list.sort_by_key(|item| *node(item) != *near);
    }

    /// `index`, `wait`.
    pub fn blocking(&self) -> Result<Blocking, Failure> {
        let after = self.number("index")?.filter(|index| *index > 0).map(Index);
        Ok(Blocking { after, wait: self.wait()? })
    }

    /// How long a blocking read may take, before jitter.
    pub fn wait(&self) -> Result<Duration, Failure> {
        let Some(text) = self.get("wait").filter(|text| !text.is_empty()) else { return Ok(self.waits.default) };
        let wait = chancery::wire::duration::parse(text).ok_or_else(|| {
            Failure::bad_request(format!("Invalid wait time: {text:?} is not a duration such as 10s"))
        })?;
        Ok(if wait.is_zero() { self.waits.default } else { wait.min(self.waits.max) })
    }

    /// `filter`: what it says of a value, made before anybody waits. Without it everything is selected.
    pub fn filter<T>(
        &self,
        table: &'static Table<T>,
        datacenter: &Datacenter,
    ) -> Result<impl Fn(&T) -> bool + use<T>, Failure> {
        let text = self.get("filter").filter(|text| !text.is_empty());
        let filter = text.map(|text| Filter::new(text, table, datacenter)).transpose();
        let filter = filter.map_err(|error| Failure::bad_request(error.to_string()))?;
        Ok(move |value: &T| filter.as_ref().is_none_or(|filter| filter.selects(value)))
    }

    /// True if the node carries each `node-meta=key:value`.
    pub fn selects_node(&self, node: &Node) -> bool {
        self.all("node-meta").all(|pair| {
            let (key, value) = pair.split_once(':').unwrap_or((pair, ""));
            node.meta.get(key).is_some_and(|found| found == value)
        })
    }

    /// True if every `tag` is among these, in whatever case.
    pub fn selects_tags(&self, tags: &[String]) -> bool {
        self.all("tag").filter(|tag| !tag.is_empty()).all(|tag| tags.iter().any(|own| own.eq_ignore_ascii_case(tag)))
    }

    /// A whole number; absent counts as empty.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(text) = self.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let wrong = |_| Failure::bad_request(format!("Invalid {name}: {text:?} is not a whole number from 0"));
        text.parse().map(Some).map_err(wrong)
    }

    fn check(&self, own_datacenter: &str) -> Result<(), Failure> {
        for (name, why) in NOT_HERE {
            if self.given(name).is_some_and(|value| !value.is_empty()) {
                return Err(Failure::bad_request(format!("query parameter {name:?}: {why}")));
            }
        }
        if let Some(dc) = self.given("dc").filter(|dc| !dc.is_empty() && *dc != own_datacenter) {
            return Err(Failure::bad_request(format!(
                "No path to datacenter {dc:?}: this server knows its own, {own_datacenter:?}"
            )));
        }
        only_default("ns", self.given("ns"))?;
        only_default("partition", self.given("partition"))?;
        let has = |name| self.given(name).is_some();
        if has("stale") && has("consistent") {
            return Err(Failure::bad_request("Cannot specify ?stale with ?consistent, conflicting semantics."));
        }
        if let Some(age) = self.given("max_stale").filter(|age| chancery::wire::duration::parse(age).is_none()) {
            return Err(Failure::bad_request(format!(
                "Invalid max_stale value {age:?}: it is no duration such as 10s"
            )));
        }
        if has("cached") && has("consistent") {
            return Err(Failure::bad_request("Cannot specify ?cached with ?consistent, conflicting semantics."));
        }
        Ok(())
    }
}

fn only_default(name: &str, value: Option<&str>) -> Result<(), Failure> {
    match value {
        None | Some("" | "default") => Ok(()),
        Some(other) => Err(Failure::bad_request(format!(
            "{name} {other:?}: there are no namespaces and partitions but \"default\""
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doors::endpoints::{Kind, Parameter, Parameters};

    const ALL: Parameters = &[
        Parameter::new("index", Kind::Whole, ""),
        Parameter::new("wait", Kind::Duration, ""),
        Parameter::new("passing", Kind::Flag, ""),
        Parameter::new("tag", Kind::Texts, ""),
    ];

    fn params(pairs: &[(&str, &str)]) -> Params {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Params {
            pairs,
            waits: Waits { default: Duration::from_secs(300), max: Duration::from_secs(600) },
            declared: Declared(&[ALL]),
        }
    }

    #[test]
    fn a_wait_is_clamped_and_zero_means_the_default() {
        assert_eq!(params(&[]).wait(), Ok(Duration::from_secs(300)));
        assert_eq!(params(&[("wait", "0s")]).wait(), Ok(Duration::from_secs(300)));
        assert_eq!(params(&[("wait", "10s")]).wait(), Ok(Duration::from_secs(10)));
        assert_eq!(params(&[("wait", "24h")]).wait(), Ok(Duration::from_secs(600)));
        assert!(params(&[("wait", "soon")]).wait().is_err_and(|failure| failure.text.contains("wait")));
    }

    #[test]
    fn index_0_does_not_block() {
        assert_eq!(params(&[("index", "0")]).blocking().map(|blocking| blocking.after), Ok(None));
        assert_eq!(params(&[("index", "7")]).blocking().map(|blocking| blocking.after), Ok(Some(Index(7))));
        assert!(params(&[("index", "-1")]).blocking().is_err());
    }

    #[test]
    fn what_cannot_be_answered_is_refused_when_it_says_something() {
        assert!(params(&[("peer", "other")]).check("dc1").is_err());
        assert!(params(&[("max_stale", "soon")]).check("dc1").is_err());
        assert!(params(&[("dc", "dc2")]).check("dc1").is_err());
        assert!(params(&[("ns", "team")]).check("dc1").is_err());
        assert_eq!(params(&[("filter", ""), ("ns", ""), ("dc", "dc1"), ("peer", "")]).check("dc1"), Ok(()));
    }

    #[test]
    fn a_flag_counts_without_a_value() {
        assert_eq!(params(&[("passing", "")]).flag("passing"), Ok(true));
        assert_eq!(params(&[("passing", "false")]).flag("passing"), Ok(false));
        assert!(params(&[("passing", "maybe")]).flag("passing").is_err());
    }

    #[test]
    fn all_tags_must_be_there() {
        let tags = ["V1".to_owned(), "blue".to_owned()];
        assert!(params(&[("tag", "v1"), ("tag", "blue")]).selects_tags(&tags));
        assert!(!params(&[("tag", "v1"), ("tag", "green")]).selects_tags(&tags));
    }
}
