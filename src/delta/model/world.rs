//! Random worlds: a few clusters with their endpoints, and the listeners and routes that refer to them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::conversation::resource;
use crate::resource::ResourceType::{Cluster, Endpoint, Listener, Route};
use crate::resource::{Resource, ResourceType, View};

pub(super) const CLUSTERS: [&str; 4] = ["a", "b", "c", "d"];
const REFERRERS: [&str; 3] = ["x", "y", "z"];

/// Contents by name; 0: absent, 4: a content the client refuses. Listeners and routes refer to clusters by bits.
#[derive(Clone)]
pub(super) struct World {
    clusters: [u8; CLUSTERS.len()],
    endpoints: [u8; CLUSTERS.len()],
    /// Of which of the first two the others are made, by bits; of none: they have endpoints.
    members: [u8; CLUSTERS.len()],
    listeners: [(u8, u8); REFERRERS.len()],
    routes: [(u8, u8); REFERRERS.len()],
}

/// The content that lasts for a time.
const LASTING: &str = "2";
const TTL: Duration = Duration::from_secs(20);

/// The content that a client refuses.
pub(super) const BAD: &str = "4";

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let World { clusters, endpoints, members, listeners, routes } = self;
        write!(out, "C{clusters:?} E{endpoints:?} M{members:?} L{listeners:?} R{routes:?}")
    }
}

impl World {
    pub fn view(&self) -> Arc<View> {
        let mut resources = Vec::new();
        for (at, name) in CLUSTERS.iter().enumerate() {
            if self.clusters[at] == 0 {
                continue;
            }
            let content = self.clusters[at].to_string();
            let members = self.members_of(at);
            if members.is_empty() {
                resources.push(lasting(Cluster, name, &content, &[name]));
                resources.push(lasting(Endpoint, name, &self.endpoints[at].to_string(), &[]));
            } else {
                let content = if content == BAD { content } else { format!("{content}{members:?}") };
                resources.push(lasting(Cluster, name, &content, &members));
            }
        }
        // a listener refers to the route of its own name
        let mut routes = self.routes;
        for (route, listener) in routes.iter_mut().zip(&self.listeners) {
            route.0 = if listener.0 > 0 { route.0.max(1) } else { 0 };
        }
        for (kind, referrers) in [(Listener, &self.listeners), (Route, &routes)] {
            for (name, (content, bits)) in REFERRERS.iter().zip(referrers) {
                let needs = CLUSTERS.iter().enumerate();
                let needs = needs.filter(|(at, _)| bits & (1 << at) != 0 && self.clusters[*at] > 0);
                let needs: Vec<&str> = needs.map(|(_, name)| *name).collect();
                if *content > 0 {
                    // what it refers to is a part of its content, as it is of a real listener
                    let content =
                        if content.to_string() == BAD { BAD.to_owned() } else { format!("{content}{needs:?}") };
                    resources.push(lasting(kind, name, &content, &needs));
                }
            }
        }
        Arc::new(View::new(resources))
    }

    fn members_of(&self, at: usize) -> Vec<&'static str> {
        let is_member = |member: &usize| at > 1 && self.members[at] & (1 << member) != 0 && self.clusters[*member] > 0;
        (0..2).filter(is_member).map(|member| CLUSTERS[member]).collect()
    }

    /// Something of it is refused by the client.
    pub fn is_refused(&self) -> bool {
        let referrers = self.listeners.iter().chain(&self.routes).map(|(content, _)| content);
        self.clusters.iter().chain(referrers).any(|content| content.to_string() == BAD)
    }

    /// The same without anything that the client refuses.
    pub fn repaired(&self) -> Self {
        let good = |content: u8| if content.to_string() == BAD { 5 } else { content };
        Self {
            clusters: self.clusters.map(good),
            endpoints: self.endpoints.map(good),
            members: self.members,
            listeners: self.listeners.map(|(content, bits)| (good(content), bits)),
            routes: self.routes.map(|(content, bits)| (good(content), bits)),
        }
    }
}

fn lasting(kind: ResourceType, name: &str, content: &str, needs: &[&str]) -> Arc<Resource> {
    let resource = resource(kind, name, content, needs);
    if !content.starts_with(LASTING) {
        return resource;
    }
    Arc::new(Arc::into_inner(resource).expect("nobody else has it").with_ttl(TTL))
}

pub(super) fn worlds() -> impl Strategy<Value = World> {
    let contents = || prop::array::uniform4(prop_oneof![3 => Just(0u8), 12 => 1..4u8, 1 => Just(4)]);
    let endpoints = prop::array::uniform4(1..4u8);
    let referrers = || prop::array::uniform3((prop_oneof![3 => Just(0u8), 12 => 1..4u8, 1 => Just(4)], 0..16u8));
    let members = prop::array::uniform4(prop_oneof![2 => Just(0u8), 1 => 1..4u8]);
    (contents(), endpoints, members, referrers(), referrers()).prop_map(
        |(clusters, endpoints, members, listeners, routes)| World { clusters, endpoints, members, listeners, routes },
    )
}
