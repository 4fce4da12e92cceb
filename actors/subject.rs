//! Whom a [`ProxyState`](crate::proxy_state::ProxyState) gathers facts for, by kind: what it is known by, what it needs,
//! what it is sent.

use std::collections::BTreeSet;

use chancery::fact::Fact;
use chancery::generate::{self, Generated, Sidecar};
use chancery::model::{GrpcSubscriber, SidecarNode, Topic};
use chancery::snapshot::{Facts, grpc};

use crate::kit::registry::Key;

pub trait Subject: Unpin + 'static {
    type Key: Key;

    /// The kind of its actor and of that one's parent, on their cards.
    const KINDS: (&'static str, &'static str);

    fn new(key: Self::Key) -> Self;

    fn key(&self) -> &Self::Key;

    /// The topics to watch now.
    fn needs(&self) -> BTreeSet<Topic>;

    /// Whether another answer to it may change what is needed.
    fn steers(topic: &Topic) -> bool;

    fn learn(&mut self, topic: &Topic, fact: &Fact);

    /// What a topic had answered is needed no longer.
    fn forget(&mut self, topic: &Topic);

    /// What it is sent, or the topics that have not answered.
    fn generate(&mut self) -> Result<Generated, Vec<Topic>>;
}

/// An Envoy beside its application.
pub struct SidecarSubject {
    facts: Facts,
    sidecar: Sidecar,
}

impl Subject for SidecarSubject {
    type Key = SidecarNode;

    const KINDS: (&'static str, &'static str) = ("ProxyState", "ProxyRegistry");

    fn new(node: SidecarNode) -> Self {
        Self { facts: Facts::new(node), sidecar: Sidecar::default() }
    }

    fn key(&self) -> &SidecarNode {
        &self.facts.node
    }

    fn needs(&self) -> BTreeSet<Topic> {
        self.facts.needs()
    }

    fn steers(topic: &Topic) -> bool {
        Facts::steers(topic)
    }

    fn learn(&mut self, topic: &Topic, fact: &Fact) {
        self.facts.learn(topic, fact);
    }

    fn forget(&mut self, topic: &Topic) {
        self.facts.forget(topic);
    }

    fn generate(&mut self) -> Result<Generated, Vec<Topic>> {
        self.facts.complete().map(|snapshot| self.sidecar.generate(&snapshot))
    }
}

/// A gRPC program without a proxy, with the listeners it asks for.
pub struct GrpcSubject(grpc::Facts);

impl Subject for GrpcSubject {
    type Key = GrpcSubscriber;

    const KINDS: (&'static str, &'static str) = ("GrpcState", "GrpcRegistry");

    fn new(subscriber: GrpcSubscriber) -> Self {
        Self(grpc::Facts::new(subscriber))
    }

    fn key(&self) -> &GrpcSubscriber {
        &self.0.subscriber
    }

    fn needs(&self) -> BTreeSet<Topic> {
        self.0.needs()
    }

    fn steers(topic: &Topic) -> bool {
        grpc::Facts::steers(topic)
    }

    fn learn(&mut self, topic: &Topic, fact: &Fact) {
        self.0.learn(topic, fact);
    }

    fn forget(&mut self, topic: &Topic) {
        self.0.forget(topic);
    }

    fn generate(&mut self) -> Result<Generated, Vec<Topic>> {
        self.0.complete().map(|snapshot| generate::grpc(&snapshot))
    }
}
