//! What is asked, again and again.

use clap::Args;
use serde_json::Value;

use crate::doors::cli::api::percent_encoded;
use crate::doors::cli::given::expression;

/// The flags that say what to watch; which are needed depends on the type.
#[derive(Args, Default)]
pub(super) struct Watched {
    /// The key, for `key`
    #[arg(long)]
    key: Option<String>,
    /// The prefix, for `keyprefix`
    #[arg(long)]
    prefix: Option<String>,
    /// The service, for `service` and `checks`; for `connect_leaf` and `agent_service` too
    #[arg(long)]
    service: Option<String>,
    /// Only instances with this tag, for `service`; may be repeated
    #[arg(long)]
    tag: Vec<String>,
    /// Only instances whose checks pass, for `service`
    #[arg(long)]
    passingonly: bool,
    /// Only checks in this state, for `checks`
    #[arg(long)]
    state: Option<String>,
    /// The name of an event: events are not supported
    #[arg(long, hide = true)]
    name: Option<String>,
    /// Only what this expression is true for
    #[arg(long, value_name = "EXPRESSION", value_parser = expression)]
    filter: Option<String>,
}

pub(super) struct Plan {
    pub path: String,
    fixed: Vec<(&'static str, String)>,
    /// A key is one item of a list.
    first_only: bool,
    index: u64,
    hash: Option<String>,
}

impl Plan {
    pub fn new(kind: &str, watched: &Watched) -> Result<Self, String> {
        watched.check(kind)?;
        let need = |value: &Option<String>, flag: &str| {
            value.clone().filter(|value| !value.is_empty()).ok_or_else(|| format!("-type={kind} needs -{flag}"))
        };
        let mut fixed = Vec::new();
        let key = |key: &str| {
            let key = key.strip_prefix('/').unwrap_or(key);
            format!("/v1/kv/{}", key.split('/').map(percent_encoded).collect::<Vec<_>>().join("/"))
        };
        let path = match kind {
            "key" => key(&need(&watched.key, "key")?),
            "keyprefix" => {
                fixed.push(("recurse", String::new()));
                key(&need(&watched.prefix, "prefix")?)
            }
            "services" => "/v1/catalog/services".to_owned(),
            "nodes" => "/v1/catalog/nodes".to_owned(),
            "service" => {
                fixed.extend(watched.tag.iter().map(|tag| ("tag", tag.clone())));
                fixed.extend(watched.passingonly.then(|| ("passing", "1".to_owned())));
                format!("/v1/health/service/{}", percent_encoded(&need(&watched.service, "service")?))
            }
            "checks" => match (&watched.service, &watched.state) {
                (Some(_), Some(_)) => return Err("-type=checks takes -service or -state, not both".to_owned()),
                (Some(service), None) => format!("/v1/health/checks/{}", percent_encoded(service)),
                (None, state) => {
                    format!("/v1/health/state/{}", percent_encoded(state.as_deref().unwrap_or("any")))
                }
            },
            "connect_roots" => "/v1/agent/connect/ca/roots".to_owned(),
            "connect_leaf" => {
                format!("/v1/agent/connect/ca/leaf/{}", percent_encoded(&need(&watched.service, "service")?))
            }
            "agent_service" => {
                format!("/v1/agent/service/{}", percent_encoded(&need(&watched.service, "service")?))
            }
            "event" => {
                return Err(
                    "events are not supported: watch a key (-type=key), or a service (-type=service)".to_owned()
                );
            }
            other => {
                return Err(format!(
                    "-type={other}: expected key, keyprefix, services, nodes, service, checks, connect_roots, connect_leaf \
                     or agent_service"
                ));
            }
        };
        fixed.extend(watched.filter.iter().map(|filter| ("filter", filter.clone())));
        Ok(Self { path, fixed, first_only: kind == "key", index: 0, hash: None })
    }

    pub fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = self.fixed.clone();
        match &self.hash {
            Some(hash) => query.push(("hash", hash.clone())),
            None if self.index > 0 => query.push(("index", self.index.to_string())),
            None => {}
        }
        query
    }

    /// Notes how far an answer has come, and says what to call that; nothing if the answer does not say.
    pub fn seen(&mut self, index: Option<u64>, hash: Option<String>) -> Option<u64> {
        match (hash, index) {
            (Some(hash), index) => {
                self.hash = Some(hash);
                Some(index.unwrap_or(0))
            }
            (None, Some(index)) => {
                // an index that goes backwards is of another state: begin again
                self.index = if index < self.index { 0 } else { index };
                Some(index)
            }
            (None, None) => None,
        }
    }

    pub fn news(&self, value: Value) -> Value {
        match value {
            Value::Array(mut items) if self.first_only && !items.is_empty() => items.remove(0),
            other => other,
        }
    }
}

impl Watched {
    /// A flag that the type has no use for would be taken for a restriction.
    fn check(&self, kind: &str) -> Result<(), String> {
        let uses: &[&str] = match kind {
            "key" => &["key"],
            "keyprefix" => &["prefix"],
            "service" => &["service", "tag", "passingonly", "filter"],
            "checks" => &["service", "state", "filter"],
            "services" | "nodes" => &["filter"],
            "connect_leaf" | "agent_service" => &["service"],
            "connect_roots" => &[],
            _ => return Ok(()),
        };
        let given = [
            ("key", self.key.is_some()),
            ("prefix", self.prefix.is_some()),
            ("service", self.service.is_some()),
            ("tag", !self.tag.is_empty()),
            ("passingonly", self.passingonly),
            ("state", self.state.is_some()),
            ("name", self.name.is_some()),
            ("filter", self.filter.is_some()),
        ];
        match given.into_iter().find(|(flag, given)| *given && !uses.contains(flag)) {
            Some((flag, _)) => Err(format!("-{flag} says nothing about -type={kind}")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Plan, Watched};

    fn told(kind: &str, watched: &Watched) -> String {
        Plan::new(kind, watched).err().expect("it is refused")
    }

    #[test]
    fn each_type_asks_its_own_endpoint() {
        let web = || Watched { service: Some("web".to_owned()), ..Watched::default() };
        for (kind, watched, path) in [
            ("nodes", Watched::default(), "/v1/catalog/nodes"),
            ("service", web(), "/v1/health/service/web"),
            ("checks", web(), "/v1/health/checks/web"),
            ("checks", Watched::default(), "/v1/health/state/any"),
            ("connect_leaf", web(), "/v1/agent/connect/ca/leaf/web"),
            ("key", Watched { key: Some("/a/b c".to_owned()), ..Watched::default() }, "/v1/kv/a/b%20c"),
        ] {
            assert_eq!(Plan::new(kind, &watched).expect(kind).path, path);
        }
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        assert_eq!(told("service", &Watched::default()), "-type=service needs -service");
        let key = Watched { key: Some("a".to_owned()), ..Watched::default() };
        assert_eq!(told("nodes", &key), "-key says nothing about -type=nodes");
        assert!(told("event", &Watched::default()).contains("events are not supported"));
        assert!(told("nods", &Watched::default()).starts_with("-type=nods: expected key,"));
    }

    #[test]
    fn the_next_question_begins_where_the_answer_ended() {
        let mut plan = Plan::new("nodes", &Watched::default()).expect("it is a type");
        assert_eq!(plan.query(), []);
        assert_eq!(plan.seen(Some(7), None), Some(7));
        assert_eq!(plan.query(), [("index", "7".to_owned())]);
        assert_eq!(plan.seen(Some(3), None), Some(3));
        assert_eq!(plan.query(), [], "an index that goes backwards begins again");
        plan.seen(None, Some("abc".to_owned()));
        assert_eq!(plan.query(), [("hash", "abc".to_owned())]);
        assert_eq!(plan.seen(None, None), None);
    }

    #[test]
    fn a_key_is_the_only_item_of_its_list() {
        let watched = Watched { key: Some("a".to_owned()), ..Watched::default() };
        let plan = Plan::new("key", &watched).expect("it is a type");
        assert_eq!(plan.news(json!([{ "Key": "a" }])), json!({ "Key": "a" }));
    }
}
