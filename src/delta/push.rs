//! Carries a plan out: makes the responses and notes what went out in them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use xxhash_rust::xxh3::Xxh3;

use super::entry::{Entry, Holding};
use super::order::{self, Order};
use super::plan::Plan;
use super::subscription::{InFlight, Item, Subscription, Unsent};
use super::{Change, Dialect, ORDER, Push, Request, Step, Stream, Wrapper};
use crate::resource::{Resource, ResourceHash, ResourceType, View};

/// Of types that may be split, the most bytes of resources in one response: gRPC clients refuse messages over 4 MiB.
const LARGEST_RESPONSE: usize = 3 << 20;

/// Not made here, and yet one of the types of which an empty first request means all.
const SCOPED_ROUTES: &str = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration";

/// Asked for when a request comes for a host that its route does not know. Envoy lets the request hang if the answer is
/// a removal; of a virtual host without a body it makes a 404 at once.
const VIRTUAL_HOSTS: &str = "type.googleapis.com/envoy.config.route.v3.VirtualHost";

impl Stream {
    /// Sends what differs and may go out now, type by type.
    pub(super) fn push(&mut self, now: Duration, step: &mut Step) {
        let Some(view) = self.view.clone() else { return };
        for kind in ORDER {
            let subscription = self.of_mut(kind);
            if !subscription.started {
                continue;
            }
            self.owe_lasting(kind, &view, now, step);
            let subscription = self.of_mut(kind);
            if subscription.has_unsent() {
                subscription.expand(kind, &view);
                subscription.settle_claim(view.list(kind));
                self.send_difference(kind, &view, now, step);
            }
            self.send_heartbeats(kind, &view, now, step);
        }
    }

    fn send_difference(&mut self, kind: ResourceType, view: &View, now: Duration, step: &mut Step) {
        let order = Order {
            dialect: self.dialect,
            subscriptions: &self.subscriptions,
            view,
            now,
            removals_from: self.removals_from,
            draining: &self.draining,
        };
        let plan = Plan::new(kind, &order);
        step.due = step.due.into_iter().chain(plan.due).min();
        self.carry_out(kind, view, plan, now, step);
    }

    fn carry_out(&mut self, kind: ResourceType, view: &View, plan: Plan, now: Duration, step: &mut Step) {
        let subscription = self.of_mut(kind);
        subscription.unsent = if plan.withheld || plan.lingers { Unsent::Anything } else { Unsent::Nothing };
        subscription.only_lingers = plan.lingers && !plan.withheld;
        if plan.empty_answer {
            self.send(kind, view, Vec::new(), false, now, step);
        }
        for items in responses(kind, plan.items) {
            self.send(kind, view, items, false, now, step);
        }
        if !plan.trial.is_empty() {
            self.send(kind, view, plan.trial, true, now, step);
        }
    }

    fn send(&mut self, kind: ResourceType, view: &View, items: Vec<Item>, trial: bool, now: Duration, step: &mut Step) {
        let (nonce, dialect, wrapped) = (self.next_nonce(), self.dialect, self.accepts_wrapped);
        let subscription = self.of_mut(kind);
        let missing = if dialect == Dialect::StateOfTheWorld { subscription.missing(&items) } else { Vec::new() };
        subscription.record(&items, nonce, now);
        let mut changed: Vec<Arc<Resource>> = items.iter().filter_map(|item| item.target.clone()).collect();
        let whole = if dialect.is_full(kind) { subscription.whole() } else { Vec::new() };
        subscription.note_heartbeats(changed.iter().chain(&whole), now);
        let version = match dialect {
            Dialect::Delta => view.version,
            Dialect::StateOfTheWorld if dialect.is_full(kind) => version_of(&whole),
            Dialect::StateOfTheWorld => version_of(view.list(kind)),
        };
        let removed = items.iter().filter(|item| item.target.is_none() && dialect == Dialect::Delta);
        let push = Push {
            dialect,
            kind: Some(kind),
            type_url: Cow::Borrowed(kind.type_url()),
            nonce,
            version,
            removals: removed.map(|item| subscription.spelled(&item.name)).collect(),
            missing: missing.iter().map(|name| subscription.spelled(name)).collect(),
            wrapped,
            bodiless: Vec::new(),
            upserts: if dialect.is_full(kind) { &whole } else { &changed }
                .iter()
                .map(|resource| subscription.respelled(resource))
                .collect(),
        };
        // with the response before it refused, these would be changes too
        changed.extend(whole.iter().filter(|resource| subscription.is_unsettled(resource)).cloned());
        subscription.last_sent = Some((nonce, version));
        subscription.answer_owed = false;
        subscription.in_flight.push(InFlight {
            nonce,
            version,
            sent_at: now,
            items,
            whole,
            trial,
            heartbeats: Vec::new(),
            endpoints: (kind == ResourceType::Cluster).then(|| Arc::clone(view.list(ResourceType::Endpoint))),
        });
        if kind == ResourceType::Cluster {
            order::owe_endpoints(&mut self.subscriptions, &changed);
        }
        step.pushes.push(push);
    }

    /// Tells that these still stand.
    pub(super) fn send_heartbeat(
        &mut self,
        kind: ResourceType,
        view: &View,
        resources: &[Arc<Resource>],
        now: Duration,
        step: &mut Step,
    ) {
        let (nonce, version) = (self.next_nonce(), view.version);
        let subscription = self.of_mut(kind);
        let head = |resource: &Arc<Resource>| Wrapper {
            name: subscription.spelled(&resource.name).to_string(),
            ..resource.head()
        };
        let bodiless = resources.iter().map(head).collect();
        subscription.last_sent = Some((nonce, version));
        subscription.in_flight.push(InFlight {
            nonce,
            version,
            sent_at: now,
            items: Vec::new(),
            whole: Vec::new(),
            trial: false,
            heartbeats: resources.iter().map(|resource| Arc::clone(&resource.name)).collect(),
            endpoints: None,
        });
        step.pushes.push(Push {
            dialect: self.dialect,
            kind: Some(kind),
            type_url: Cow::Borrowed(kind.type_url()),
            nonce,
            version,
            upserts: Vec::new(),
            wrapped: false,
            bodiless,
            removals: Vec::new(),
            missing: Vec::new(),
        });
    }

    /// A type that is not served has no resources: whoever names some learns that at once, nobody else hears anything.
    pub(super) fn answer_unknown(&mut self, type_url: String, request: Request) -> Option<Push> {
        let subscribe = match request.change {
            Change::Incremental { subscribe, .. } => subscribe,
            // who asks for all of them learns that there are none; for a name that is missing there is no word
            Change::Replace { names, .. } if names.is_empty() && type_url == SCOPED_ROUTES => names,
            Change::Replace { .. } => return None,
        };
        if type_url.is_empty() || (subscribe.is_empty() && request.nonce.is_some()) {
            return None;
        }
        let mut names: BTreeSet<String> = subscribe.into_iter().filter(|name| !matches!(&**name, "" | "*")).collect();
        let hosts = if type_url == VIRTUAL_HOSTS { mem::take(&mut names) } else { BTreeSet::new() };
        let no_host = |name: String| Wrapper { aliases: vec![name.clone()], name, ..Wrapper::default() };
        Some(Push {
            dialect: self.dialect,
            kind: None,
            type_url: Cow::Owned(type_url),
            nonce: self.next_nonce(),
            version: self.view_version().unwrap_or(ResourceHash(0)),
            upserts: Vec::new(),
            wrapped: false,
            bodiless: hosts.into_iter().map(no_host).collect(),
            removals: names.into_iter().map(Arc::from).collect(),
            missing: Vec::new(),
        })
    }
}

impl Entry {
    /// What a full response says of this name: the content sent last or, where it was refused, the last good one. For
    /// whoever named it there is no way back: an absent name means a deleted resource.
    fn current(&self, wildcard: bool) -> Option<&Arc<Resource>> {
        match (&self.sent, &self.suspect) {
            (Holding::Unknown, Some(suspect)) if !wildcard => suspect.target.as_ref(),
            (Holding::Unknown, _) => self.good.resource(),
            (sent, _) => sent.resource(),
        }
    }
}

impl Subscription {
    /// Everything that a full response holds.
    fn whole(&self) -> Vec<Arc<Resource>> {
        self.entries.iter().filter_map(|entry| entry.current(self.wildcard)).cloned().collect()
    }

    /// Of names that are subscribed to by themselves, those without a resource.
    fn missing(&self, items: &[Item]) -> Vec<Arc<str>> {
        let absent = items.iter().filter(|item| item.target.is_none()).map(|item| &item.name);
        absent.filter(|name| self.find(name).is_some_and(|entry| entry.named)).cloned().collect()
    }

    /// The client may hold something else in its place.
    fn is_unsettled(&self, resource: &Arc<Resource>) -> bool {
        self.find(&resource.name).is_some_and(|entry| entry.is_unsure() || !entry.good.is(Some(resource)))
    }

    fn record(&mut self, items: &[Item], nonce: super::Nonce, now: Duration) {
        let new = items.iter().filter(|item| self.position(&item.name).is_err());
        let new = new.map(|item| Entry::new(Arc::clone(&item.name))).collect();
        self.add(new);
        for item in items {
            let Some(entry) = self.find_mut(&item.name) else { continue };
            // shares the name with the resource, if the client named it first
            entry.name = Arc::clone(&item.name);
            entry.sent = Holding::of(item.target.as_ref());
            entry.nonce = nonce;
            entry.owed = false;
            let expired = entry.pending_since.is_some_and(|since| since + super::ACK_TIMEOUT <= now);
            if expired || entry.pending_since.is_none() {
                entry.pending_since = Some(now);
            }
        }
    }

    /// State of the world: a client that comes back with the version of all of `list` holds all of it.
    fn settle_claim(&mut self, list: &[Arc<Resource>]) {
        let Some(claimed) = mem::take(&mut self.claimed) else { return };
        if version_of(list) != claimed {
            return;
        }
        self.ensure(list.iter().map(|resource| &*resource.name));
        for resource in list {
            // what it took from a refused response is not in its claim
            if let Some(entry) = self.find_mut(&resource.name).filter(|entry| !entry.is_unsure()) {
                entry.name = Arc::clone(&resource.name);
                entry.sent = Holding::Resource(Arc::clone(resource));
                entry.good = entry.sent.clone();
            }
        }
        self.answer_owed = false;
        self.holds_unknown = false;
    }
}

/// Hash of names and versions.
fn version_of(resources: &[Arc<Resource>]) -> ResourceHash {
    let mut hash = Xxh3::new();
    for resource in resources {
        hash.update(resource.name.as_bytes());
        hash.update(&resource.version.0.to_be_bytes());
    }
    ResourceHash(hash.digest())
}

/// Cuts what is too large for one response. Clusters and listeners stay together: Envoy goes on to the next type after
/// their first response.
fn responses(kind: ResourceType, items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut responses: Vec<Vec<Item>> = Vec::new();
    let mut room = 0;
    for item in items {
        let len = item.target.as_ref().map_or(item.name.len(), |resource| resource.delta_chunk().len());
        match responses.last_mut() {
            Some(last) if kind.has_wildcard() || len <= room => {
                room = room.saturating_sub(len);
                last.push(item);
            }
            _ => {
                room = LARGEST_RESPONSE.saturating_sub(len);
                responses.push(vec![item]);
            }
        }
    }
    responses
}
