//! What a query may say.

/// Parameters that go together.
pub type Parameters = &'static [Parameter];

#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Text,
    /// May be given several times.
    Texts,
    /// On when it is there, unless its value says `false`.
    Flag,
    /// From 0.
    Whole,
    /// Such as `10s`.
    Duration,
    /// One of these.
    Word(&'static [&'static str]),
    /// An expression of the filter language.
    Filter,
}

impl Parameter {
    pub const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, about }
    }
}

/// What an endpoint declared. A handler that reads a parameter beyond that is found by the tests that ask it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Declared(pub &'static [Parameters]);

impl PartialEq for Parameter {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Parameter {}

impl Declared {
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().copied().flatten().any(|parameter| parameter.name == name)
    }
}

/// What several families understand in the same way.
pub mod common {
    use super::{Kind, Parameter, Parameters};

    /// Of every endpoint that answers to a query.
    pub const SCOPE: Parameters = &[
        Parameter::new("dc", Kind::Text, "The datacenter: this one's name, or it is refused."),
        Parameter::new("ns", Kind::Word(&["default"]), "The namespace: there is one."),
        Parameter::new("partition", Kind::Word(&["default"]), "The partition: there is one."),
    ];
    /// Of answers in JSON.
    pub const PRETTY: Parameters = &[Parameter::new("pretty", Kind::Flag, "JSON for people, on several lines.")];
    /// Of answers about the state. There is one server, so that all of them are the same.
    pub const STATE: Parameters = &[
        Parameter::new("stale", Kind::Flag, "Any server may answer. Not with `consistent`."),
        Parameter::new("consistent", Kind::Flag, "The leader answers, and makes sure that it is one."),
        Parameter::new("max_stale", Kind::Duration, "How old a stale answer may be; none is."),
        Parameter::new(
            "cached",
            Kind::Flag,
            "Out of memory: with the headers `X-Cache` and `Age`. Not with `consistent`.",
        ),
    ];
    /// Of answers that can be waited for.
    pub const BLOCKING: Parameters = &[
        Parameter::new("index", Kind::Whole, "Wait until `X-Consul-Index` is above this."),
        Parameter::new("wait", Kind::Duration, "No longer than this (5m, at most 10m), and up to a sixteenth more."),
    ];
    pub const FILTER: Parameters =
        &[Parameter::new("filter", Kind::Filter, "Only what this expression selects, such as `Node == \"n1\"`.")];
    pub const NODES: Parameters =
        &[Parameter::new("node-meta", Kind::Texts, "Only nodes with this pair, as `key:value`.")];
    pub const NEAR: Parameters =
        &[Parameter::new("near", Kind::Text, "What is on this node comes first; `_agent` is the agent's own.")];
    pub const MERGE: Parameters = &[Parameter::new(
        "merge-central-config",
        Kind::Flag,
        "Proxies with what `proxy-defaults` and `service-defaults` say put under their own settings.",
    )];
    pub const PEERS: Parameters = &[
        Parameter::new("peer", Kind::Text, "There are no peers: refused."),
        Parameter::new("sg", Kind::Text, "There are no sameness groups: refused."),
    ];
    pub const CAS: Parameters =
        &[Parameter::new("cas", Kind::Whole, "Only if `ModifyIndex` is this; 0: only if there is none yet.")];
    pub const CAS_DELETE: Parameters =
        &[Parameter::new("cas", Kind::Whole, "Only if `ModifyIndex` is this; 0 would delete nothing and is refused.")];
}
