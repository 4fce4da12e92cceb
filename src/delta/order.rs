//! Make before break. What is referred to is sent first and accepted before what refers to it goes out; what nothing
//! refers to any longer goes last.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, Holding};
use super::subscription::{InFlight, Subscription};
use super::{ACK_TIMEOUT, Dialect};
use crate::resource::{Resource, ResourceType, View, find};

pub(super) type Subscriptions = [Subscription; ResourceType::ALL.len()];

/// The most responses of a type that a client may leave unanswered while its state still changes. Envoy answers a
/// cluster update only when the clusters are warm, so there a second one must be able to follow. Not so where each
/// response holds everything: what the client makes of one that follows a refused one could not be told.
fn window(kind: ResourceType, dialect: Dialect) -> usize {
    if kind == ResourceType::Cluster && dialect == Dialect::Delta { 4 } else { 1 }
}

/// The most responses of a type that a client may leave unanswered, whatever it asks.
const MOST_IN_FLIGHT: usize = 16;

/// Whether something may go out now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gate {
    Open,
    /// Only an answer of the client opens it, or this moment.
    Closed(Option<Duration>),
}

/// What room a client leaves for more responses of a type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Room {
    Any,
    /// For what it asked for itself; for anything else from this moment.
    Owed(Duration),
    None,
}

pub(super) fn room(kind: ResourceType, dialect: Dialect, subscription: &Subscription, now: Duration) -> Room {
    let in_flight = &subscription.in_flight;
    if in_flight.len() >= MOST_IN_FLIGHT {
        return Room::None;
    }
    let counts = |response: &&InFlight| !response.is_heartbeat() && now < response.sent_at + ACK_TIMEOUT;
    if in_flight.iter().filter(counts).count() < window(kind, dialect) {
        return Room::Any;
    }
    let oldest = in_flight.iter().filter(counts).map(|response| response.sent_at).min();
    oldest.map_or(Room::Any, |sent_at| Room::Owed(sent_at + ACK_TIMEOUT))
}

/// The order that one type keeps with the others in one step.
pub(super) struct Order<'a> {
    pub subscriptions: &'a Subscriptions,
    pub view: &'a View,
    pub now: Duration,
    pub removals_from: Duration,
    pub draining: &'a [(Holding, Duration)],
    pub dialect: Dialect,
}

impl<'a> Order<'a> {
    /// A listener or route waits until the client has accepted every cluster it leans on, or has had its time to; so does
    /// a cluster that is made of others, which is at work at once and must not be empty then.
    pub fn upsert(&self, resource: &Resource) -> Gate {
        let accepted = |cluster: &Arc<str>| self.accepted(cluster);
        match resource.kind {
            ResourceType::Listener | ResourceType::Route => {
                resource.needs.iter().map(accepted).fold(Gate::Open, closer)
            }
            ResourceType::Cluster => resource.members().map(accepted).fold(Gate::Open, closer),
            ResourceType::Secret | ResourceType::Endpoint => Gate::Open,
        }
    }

    fn accepted(&self, name: &str) -> Gate {
        let clusters = &self.subscriptions[ResourceType::Cluster as usize];
        // what the client will not be sent cannot be waited for
        let Some(target) = self.view.get(ResourceType::Cluster, name) else { return Gate::Open };
        let Some(cluster) = clusters.find(name) else {
            return if clusters.wildcard { Gate::Closed(None) } else { Gate::Open };
        };
        let answered = !clusters.is_in_flight(cluster.nonce);
        if answered && cluster.sent.is(Some(target)) {
            // of an earlier stream the client names what it was sent, be it warm or not
            let claimed = cluster.nonce.0 == 0;
            return if claimed { self.warmed(target) } else { Gate::Open };
        }
        // it will not get the new one, but has the old one
        if cluster.is_quarantined(Some(target)) && !cluster.good.is_nothing() {
            return Gate::Open;
        }
        match cluster.pending_since.map(|since| since + ACK_TIMEOUT) {
            Some(until) if until <= self.now => Gate::Open,
            until => Gate::Closed(until),
        }
    }

    /// Whether a cluster of an earlier stream has its endpoints, or has had its time to get them.
    fn warmed(&self, cluster: &Resource) -> Gate {
        let endpoints = &self.subscriptions[ResourceType::Endpoint as usize];
        let of = |name: &Arc<str>| {
            let until = match endpoints.find(name) {
                Some(entry) if !entry.owed && !entry.is_unsure() && entry.pending_since.is_none() => return Gate::Open,
                Some(Entry { pending_since: Some(since), .. }) => *since + ACK_TIMEOUT,
                // it is about to ask for them
                _ => self.removals_from,
            };
            if until <= self.now { Gate::Open } else { Gate::Closed(Some(until)) }
        };
        cluster.needs.iter().map(of).fold(Gate::Open, closer)
    }

    /// Endpoints that have left the view, and that a cluster on its way to the client still waits for. To be told that
    /// there are none would put it to work without any, in the place of one that works.
    pub fn late_endpoints(&self, entry: &'a Entry) -> Option<&'a Arc<Resource>> {
        let clusters = &self.subscriptions[ResourceType::Cluster as usize];
        let waits = |response: &&InFlight| {
            let changed = response.items.iter().filter_map(|item| item.target.as_ref());
            changed.chain(&response.whole).any(|cluster| cluster.needs.contains(&entry.name))
        };
        let waiting: Vec<&InFlight> = clusters.in_flight.iter().filter(waits).collect();
        let of = |response: &&'a InFlight| response.endpoints.as_ref().and_then(|list| find(list, &entry.name));
        waiting.iter().rev().find_map(of).or(entry.sent.resource().filter(|_| !waiting.is_empty()))
    }

    /// Of the names of a type, those that must stay because something the client may hold still refers to them.
    pub fn leaners(&self, kind: ResourceType) -> Leaners<'a> {
        let mut leaners = Leaners::default();
        match kind {
            ResourceType::Cluster => {
                leaners.from = Some(self.removals_from).filter(|from| *from > self.now);
                leaners.add(self, ResourceType::Listener);
                leaners.add(self, ResourceType::Route);
                leaners.add_draining(self);
                leaners.add_members(self);
            }
            ResourceType::Endpoint => leaners.add(self, ResourceType::Cluster),
            ResourceType::Secret | ResourceType::Listener | ResourceType::Route => {}
        }
        leaners
    }
}

fn closer(one: Gate, other: Gate) -> Gate {
    match (one, other) {
        (Gate::Open, gate) | (gate, Gate::Open) => gate,
        // both must open: the later moment, if each has one
        (Gate::Closed(one), Gate::Closed(other)) => Gate::Closed(one.zip(other).map(|(one, other)| one.max(other))),
    }
}

/// Everything that resources the client may hold refer to.
#[derive(Default)]
pub(super) struct Leaners<'a> {
    names: HashSet<&'a str>,
    /// It may hold resources whose needs are not known.
    unknown: bool,
    /// Of names that only older connections lead to, the moment at which those have gone.
    lingering: HashMap<&'a str, Duration>,
    /// Nothing is removed before this moment.
    from: Option<Duration>,
}

impl<'a> Leaners<'a> {
    pub fn removal(&self, entry: &Entry) -> Gate {
        if !entry.may_hold_something() {
            return Gate::Open;
        }
        if self.unknown || self.names.contains(&*entry.name) {
            return Gate::Closed(None);
        }
        let until = self.from.max(self.lingering.get(&*entry.name).copied());
        until.map_or(Gate::Open, |until| Gate::Closed(Some(until)))
    }

    fn add(&mut self, order: &Order<'a>, kind: ResourceType) {
        let subscription = &order.subscriptions[kind as usize];
        self.unknown |= subscription.holds_unknown;
        for entry in &subscription.entries {
            self.add_holding(order, kind, entry, &entry.good);
            // after a refusal the client holds either
            let refused = entry.suspect.iter().flat_map(|suspect| suspect.needs());
            self.names.extend(refused.map(|name| &**name));
        }
        for item in subscription.in_flight.iter().flat_map(|response| &response.items) {
            self.names.extend(item.target.iter().flat_map(|resource| resource.needs.iter().map(|name| &**name)));
        }
    }

    fn add_draining(&mut self, order: &Order<'a>) {
        for (holding, until) in order.draining.iter().filter(|(_, until)| *until > order.now) {
            match holding.resource() {
                None => self.from = self.from.max(Some(*until)),
                Some(listener) => self.linger(listener.needs.iter(), *until, order.now),
            }
        }
    }

    /// What clusters are made of stays as long as they do: until newer content was accepted, or has had its time to be.
    fn add_members(&mut self, order: &Order<'a>) {
        let clusters = &order.subscriptions[ResourceType::Cluster as usize];
        for entry in &clusters.entries {
            let refused = entry.suspect.iter().filter_map(|suspect| suspect.target.as_ref());
            let held = entry.good.resource().into_iter().chain(refused).flat_map(|cluster| cluster.members());
            let is_to_go = order.view.get(ResourceType::Cluster, &entry.name).is_none();
            let lingers = self.lingering.get(&*entry.name).copied().filter(|_| is_to_go);
            let sent = entry.sent.resource().into_iter().flat_map(|cluster| cluster.members());
            match (lingers, entry.pending_since) {
                (Some(until), _) => self.linger(held.chain(sent), until, order.now),
                (None, Some(since)) => {
                    self.linger(held, since + ACK_TIMEOUT, order.now);
                    self.names.extend(sent.map(|name| &**name));
                }
                (None, None) => self.names.extend(held.chain(sent).map(|name| &**name)),
            }
        }
        for response in &clusters.in_flight {
            let sent = response.items.iter().filter_map(|item| item.target.as_ref());
            self.linger(sent.flat_map(|cluster| cluster.members()), response.sent_at + ACK_TIMEOUT, order.now);
        }
    }

    fn linger(&mut self, names: impl Iterator<Item = &'a Arc<str>>, until: Duration, now: Duration) {
        for name in names.filter(|_| until > now) {
            let known = self.lingering.entry(name).or_insert(until);
            *known = until.max(*known);
        }
    }

    fn add_holding(&mut self, order: &Order<'a>, kind: ResourceType, entry: &Entry, holding: &'a Holding) {
        match holding {
            Holding::Nothing => {}
            Holding::Resource(resource) => self.names.extend(resource.needs.iter().map(|name| &**name)),
            // what is equal to the view's needs nothing that the view has not
            Holding::Version(_) => self.unknown |= !holding.is(order.view.get(kind, &entry.name)),
            Holding::Unknown => self.unknown = true,
        }
    }
}

/// Envoy waits for the endpoints of a cluster that it was sent, changed or not, and does not ask for them again.
pub(super) fn owe_endpoints(subscriptions: &mut Subscriptions, sent: &[Arc<Resource>]) {
    let clusters = &subscriptions[ResourceType::Cluster as usize];
    // what it is made of warms by itself
    let is_member = |cluster: &Resource, name: &str| *cluster.name != *name && clusters.find(name).is_some();
    let names = sent.iter().flat_map(|cluster| cluster.needs.iter().filter(|name| !is_member(cluster, name)));
    let names: Vec<Arc<str>> = names.cloned().collect();
    let endpoints = &mut subscriptions[ResourceType::Endpoint as usize];
    for name in names {
        if let Some(entry) = endpoints.find_mut(&name) {
            entry.owed = true;
            endpoints.reconsider();
        }
    }
}

/// The same for a client that says it holds the endpoints, after its clusters were sent on this stream.
pub(super) fn owe_endpoints_of_sent_clusters(subscriptions: &mut Subscriptions) {
    let clusters = &subscriptions[ResourceType::Cluster as usize];
    let sent = clusters.entries.iter().filter(|cluster| cluster.nonce.0 != 0);
    let sent: Vec<Arc<Resource>> = sent.filter_map(|cluster| cluster.sent.resource().cloned()).collect();
    owe_endpoints(subscriptions, &sent);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::conversation::{Conversation, QUIET};
    use super::super::{DRAIN_TIME, Dialect, RECONNECT_GRACE, Stream};
    use crate::resource::ResourceType;

    const START: [&str; 4] = ["C a@1 a", "E a@1", "L l@1 a", "R r@1 a"];

    // rows 99 and 102
    #[test]
    fn endpoints_do_not_wait_for_the_ack_of_their_cluster_but_listeners_and_routes_do() {
        let mut talk = Conversation::settled(&START);
        assert_eq!(talk.view(&["C a@2 a", "E a@2", "L l@2 a", "R r@2 a"]), ["C +a@2", "E +a@2"]);
        assert_eq!(talk.ack("E"), QUIET);
        assert_eq!(talk.ack("C"), ["L +l@2", "R +r@2"]);
    }

    // row 104
    #[test]
    fn a_listener_goes_out_when_its_clusters_have_had_their_time() {
        let mut talk = Conversation::settled(&START);
        talk.view(&["C a@2 a", "E a@1", "L l@2 a", "R r@1 a"]);
        assert_eq!(talk.last.due, Some(super::ACK_TIMEOUT));
        assert_eq!(talk.wait(), ["L +l@2"]);
    }

    #[test]
    fn a_cluster_made_of_others_goes_out_when_those_were_accepted() {
        let mut talk = Conversation::settled(&["C a@1 a", "E a@1", "L l@1 a", "R r@1 a"]);
        let step = talk.view(&["C a@2 x y", "C x@1 x", "C y@1 y", "E x@1", "E y@1", "L l@1 a", "R r@1 a"]);
        assert!(step.iter().all(|sent| !sent.contains("a@2")), "{step:?}");
        assert!(talk.ack("C").iter().any(|sent| sent.contains("a@2")), "it waits for nothing else");
    }

    #[test]
    fn what_a_cluster_is_made_of_stays_until_it_is_another_or_gone() {
        let endpoints = ["E x@1", "E y@1"];
        let with = |clusters: &[&'static str]| -> Vec<&'static str> { [clusters, &endpoints, &["L l@1 a"]].concat() };
        let mut talk = Conversation::settled(&with(&["C x@1 x", "C y@1 y"]));
        assert_eq!(talk.view(&with(&["C x@1 x", "C y@1 y", "C a@xy x y"])), ["C +a@xy"]);
        talk.ack("C");
        // nothing else changes: neither the listener nor a route knows what the cluster is made of
        assert_eq!(talk.view(&with(&["C x@1 x", "C a@x x"])), ["C +a@x"]);
        assert_eq!(talk.ack("C"), ["C -y"]);
        talk.ack("C");
        assert!(talk.stream.settled());
    }

    // Envoy would put the cluster to work without endpoints, in the place of the one that is made of others and works
    #[test]
    fn endpoints_that_left_the_view_are_there_for_a_cluster_that_was_sent_with_them() {
        let made = ["C x@1 x", "C a@x x", "E x@1", "L l@1 a"];
        let mut talk = Conversation::settled(&["C x@1 x", "E x@1"]);
        talk.view(&made);
        assert_eq!(talk.ack("C"), ["L +l@1"]);
        talk.ack("L");
        assert_eq!(talk.view(&["C a@1 a", "C x@1 x", "E a@1", "E x@1", "L l@1 a"]), ["C +a@1"]);
        let (plain, _) = talk.stream.of(ResourceType::Cluster).last_sent.unwrap();
        assert_eq!(talk.view(&made), ["C +a@x"]);
        assert_eq!(talk.subscribe("E", &["a"]), ["E +a@1"]);
        talk.ack("E");
        assert_eq!(talk.ack_nonce("C", plain.0), QUIET);
        assert_eq!(talk.ack("C"), ["E -a"], "they go with their cluster");
        talk.ack("E");
        assert!(talk.stream.settled());
    }

    #[test]
    fn what_a_cluster_is_made_of_lingers_with_it() {
        let mut talk = Conversation::settled(&["C x@1 x", "C b@1 b", "E x@1", "E b@1"]);
        let start = ["C x@1 x", "C a@x x", "C b@1 b", "E x@1", "E b@1", "L l@1 a"];
        assert_eq!(talk.view(&start), ["C +a@x"]);
        assert_eq!(talk.ack("C"), ["L +l@1"]);
        talk.ack("L");
        assert_eq!(talk.view(&["C b@1 b", "E b@1", "L l@2 b"]), ["L +l@2"]);
        assert_eq!(talk.ack("L"), QUIET);
        assert!(talk.stream.settled(), "nobody waits for what lingers");
        assert_eq!(talk.wait(), ["C -a"]);
        assert_eq!(talk.ack("C"), ["C -x"]);
    }

    // row 104
    #[test]
    fn a_listener_that_leans_on_nothing_new_goes_out_at_once() {
        let mut talk = Conversation::settled(&START);
        let step = talk.view(&["C a@1 a", "C b@1", "E a@1", "L l@2 a", "L m@1 b", "R r@1 a"]);
        assert_eq!(step, ["C +b@1", "L +l@2"]);
        talk.ack("L");
        assert_eq!(talk.ack("C"), ["L +m@1"]);
    }

    // row 104
    #[test]
    fn a_listener_does_not_wait_for_clusters_that_the_client_does_not_get() {
        let mut talk = Conversation::over(&["L l@1 static", "C a@1", "R r@1 a"]);
        talk.subscribe("C", &["other"]);
        assert_eq!(talk.subscribe("L", &["l"]), ["L +l@1"]);
        assert_eq!(talk.subscribe("R", &["r"]), ["R +r@1"]);
    }

    // row 101
    #[test]
    fn endpoints_follow_a_changed_cluster_although_they_are_unchanged() {
        let mut talk = Conversation::settled(&["C a@1 a", "C b@1 b", "E a@1", "E b@1"]);
        assert_eq!(talk.view(&["C a@2 a", "C b@1 b", "E a@1", "E b@1"]), ["C +a@2", "E +a@1"]);
    }

    // row 103
    #[test]
    fn endpoints_of_a_new_cluster_wait_for_their_subscription() {
        let mut talk = Conversation::settled(&START);
        let grown = ["C a@1 a", "C b@1 b", "E a@1", "E b@1", "L l@1 a", "R r@1 a"];
        assert_eq!(talk.view(&grown), ["C +b@1"]);
        assert_eq!(talk.subscribe("E", &["b"]), ["E +b@1"]);
    }

    // rows 95 and 96
    #[test]
    fn a_returning_client_gets_equal_endpoints_if_their_cluster_changed() {
        let mut talk = Conversation::over(&["C a@2 a", "C b@1 b", "E a@1", "E b@1"]);
        assert_eq!(talk.come_back("C", &[], &["a@1", "b@1"]), ["C +a@2"]);
        assert_eq!(talk.come_back("E", &["a", "b"], &["a@1", "b@1"]), ["E +a@1"]);
    }

    // rows 71 and 109
    #[test]
    fn a_second_cluster_update_follows_one_that_is_still_warming() {
        let mut talk = Conversation::settled(&["C a@1"]);
        assert_eq!(talk.view(&["C a@2"]), ["C +a@2"]);
        assert_eq!(talk.view(&["C a@3"]), ["C +a@3"]);
        assert_eq!(talk.view(&["C a@4"]), ["C +a@4"]);
        assert_eq!(talk.view(&["C a@5"]), ["C +a@5"]);
        assert_eq!(talk.view(&["C a@6"]), QUIET);
        assert_eq!(talk.view(&["C a@7"]), QUIET);
        assert_eq!(talk.ack_nonce("C", 3), ["C +a@7"]);
    }

    // rows 68 and 71
    #[test]
    fn while_a_response_is_unanswered_newer_state_only_replaces_older() {
        let mut talk = Conversation::settled(&["E e@1"]);
        assert_eq!(talk.view(&["E e@2"]), ["E +e@2"]);
        for content in 3..1000 {
            assert_eq!(talk.view(&[&format!("E e@{content}")]), QUIET);
        }
        assert_eq!(talk.ack("E"), ["E +e@999"]);
    }

    // row 71
    #[test]
    fn a_client_that_does_not_answer_is_sent_newer_state_after_a_while() {
        let mut talk = Conversation::settled(&["E e@1"]);
        talk.view(&["E e@2"]);
        talk.view(&["E e@3"]);
        assert_eq!(talk.wait(), ["E +e@3"]);
        assert_eq!(talk.now, super::ACK_TIMEOUT);
    }

    // row 103
    #[test]
    fn what_a_client_asks_for_does_not_wait_for_its_answers() {
        let mut talk = Conversation::over(&["E e@1", "E f@1"]);
        assert_eq!(talk.subscribe("E", &["e"]), ["E +e@1"]);
        assert_eq!(talk.subscribe("E", &["f"]), ["E +f@1"]);
    }

    #[test]
    fn a_client_that_asks_and_never_answers_is_not_sent_without_end() {
        let mut talk = Conversation::over(&["E e@1"]);
        let sent: usize = (0..100).map(|_| talk.subscribe("E", &["e"]).len()).sum();
        assert_eq!(sent, super::MOST_IN_FLIGHT);
        assert_eq!(talk.ack("E"), ["E +e@1"]);
    }

    // row 100
    #[test]
    fn a_cluster_goes_after_nothing_refers_to_it_any_longer() {
        let mut talk = Conversation::settled(&["C a@1 a", "C b@1 b", "E a@1", "E b@1", "L l@1 a", "R r@1 a"]);
        assert_eq!(talk.view(&["C b@1 b", "E b@1", "L l@2 b", "R r@2 b"]), ["L +l@2", "R +r@2"]);
        assert_eq!(talk.ack("L"), QUIET);
        assert_eq!(talk.ack("R"), QUIET);
        assert_eq!(talk.wait(), ["C -a"]);
        assert_eq!(talk.ack("C"), ["E -a"]);
    }

    // row 100
    #[test]
    fn a_cluster_stays_until_the_connections_of_its_old_listener_have_gone_and_nobody_waits_for_that() {
        let mut talk = Conversation::settled(&["C a@1", "C b@1", "L l@1 a"]);
        assert_eq!(talk.view(&["C b@1", "L l@2 b"]), ["L +l@2"]);
        talk.now += Duration::from_secs(1);
        assert_eq!(talk.ack("L"), QUIET);
        assert!(talk.stream.settled() && !talk.stream.has_unsent());
        assert_eq!(talk.last.due, Some(Duration::from_secs(1) + DRAIN_TIME));
        assert_eq!(talk.wait(), ["C -a"]);
        assert!(!talk.stream.settled());
        talk.ack("C");
        assert!(talk.stream.settled());
    }

    // row 100
    #[test]
    fn a_cluster_that_lingers_and_is_wanted_again_was_never_away() {
        let mut talk = Conversation::settled(&["C a@1", "C b@1", "L l@1 a"]);
        talk.view(&["C b@1", "L l@2 b"]);
        talk.ack("L");
        assert_eq!(talk.view(&["C a@1", "C b@1", "L l@1 a"]), ["L +l@1"]);
        talk.now += DRAIN_TIME;
        assert_eq!(talk.ack("L"), QUIET);
        assert_eq!(talk.step(super::super::Event::Due), QUIET);
    }

    // rows 93 and 104: Envoy names what it was sent, be it warm or not
    #[test]
    fn a_returning_clients_cluster_is_not_leaned_on_before_it_has_its_endpoints() {
        let mut talk = Conversation::over(&["C a@1 a", "E a@1", "L l@2 a"]);
        talk.come_back("C", &[], &["a@1"]);
        assert_eq!(talk.come_back("L", &[], &["l@1"]), QUIET);
        assert_eq!(talk.last.due, Some(RECONNECT_GRACE));
        assert_eq!(talk.come_back("E", &["a"], &[]), ["E +a@1"]);
        assert_eq!(talk.ack("E"), ["L +l@2"]);
    }

    // rows 93 and 104: they were under way when the stream ended, and its cluster may still wait for them
    #[test]
    fn a_returning_client_is_sent_the_endpoints_that_it_had_not_answered_whatever_it_says_it_holds() {
        let mut talk = Conversation::new(Dialect::Delta);
        talk.stream = Stream::with_orphans(Dialect::Delta, vec![(ResourceType::Endpoint, "a".into())]);
        talk.view(&["C a@1 a", "E a@2", "L l@2 a"]);
        talk.come_back("C", &[], &["a@1"]);
        assert_eq!(talk.come_back("L", &[], &["l@1"]), QUIET);
        assert_eq!(talk.come_back("E", &["a"], &["a@2"]), ["E +a@2"]);
        assert_eq!(talk.ack("E"), ["L +l@2"]);
    }

    // rows 93 and 104
    #[test]
    fn a_returning_client_that_does_not_ask_for_endpoints_gets_its_listeners_after_a_while() {
        let mut talk = Conversation::over(&["C a@1 a", "E a@1", "L l@2 a"]);
        talk.come_back("C", &[], &["a@1"]);
        assert_eq!(talk.come_back("L", &[], &["l@1"]), QUIET);
        assert_eq!(talk.wait(), ["L +l@2"]);
    }

    // row 100
    #[test]
    fn a_cluster_stays_with_a_client_that_refused_the_listener_without_it() {
        let mut talk = Conversation::settled(&["C a@1", "C b@1", "L l@1 a"]);
        assert_eq!(talk.view(&["C b@1", "L l@2 b"]), ["L +l@2"]);
        assert_eq!(talk.nack("L"), QUIET);
        assert_eq!(talk.view(&["C b@1", "L l@3 b"]), ["L +l@3"]);
        assert_eq!(talk.ack("L"), QUIET);
        assert_eq!(talk.wait(), ["C -a"]);
    }

    // rows 93 and 100
    #[test]
    fn after_a_reconnect_clusters_go_when_everything_had_time_to_be_subscribed() {
        let mut talk = Conversation::over(&["C b@1", "L l@2 b", "R r@1 b"]);
        assert_eq!(talk.come_back("C", &[], &["a@1", "b@1"]), QUIET);
        assert_eq!(talk.last.due, Some(RECONNECT_GRACE));
        assert_eq!(talk.come_back("L", &[], &["l@1"]), ["L +l@2"]);
        assert_eq!(talk.ack("L"), QUIET);
        assert_eq!(talk.wait(), ["C -a"]);
    }

    // row 107
    #[test]
    fn clusters_are_answered_before_endpoints_when_both_were_asked_before_the_view() {
        let mut talk = Conversation::new(Dialect::Delta);
        talk.subscribe("L", &[]);
        talk.subscribe("E", &["a"]);
        talk.subscribe("C", &[]);
        assert_eq!(talk.view(&START), ["C +a@1", "E +a@1"]);
        assert_eq!(talk.ack("C"), ["L +l@1"]);
    }

    // row 114
    #[test]
    fn a_renewed_secret_moves_nothing_else() {
        let mut talk = Conversation::settled(&START);
        talk.view(&["S s@1", "C a@1 a", "E a@1", "L l@1 a", "R r@1 a"]);
        assert_eq!(talk.subscribe("S", &["s"]), ["S +s@1"]);
        talk.ack("S");
        assert_eq!(talk.view(&["S s@2", "C a@1 a", "E a@1", "L l@1 a", "R r@1 a"]), ["S +s@2"]);
    }
}
