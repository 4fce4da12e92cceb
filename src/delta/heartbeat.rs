//! Resources with a time to live: the client drops them unless it is told often enough that they still stand. Each is
//! confirmed at half its time: in delta by a heartbeat, which is its name, time and version without the body; in state
//! of the world, where Envoy takes a response of heartbeats alone for the end of everything, by sending it again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, Holding};
use super::order::{self, Room};
use super::subscription::Subscription;
use super::{Dialect, Step, Stream};
use crate::resource::{Resource, ResourceType, View};

/// When the client is to be told next that resources stand, by name.
pub(super) type Heartbeats = BTreeMap<Arc<str>, Duration>;

impl Stream {
    /// State of the world: what is due is sent again as a change would be; of listeners and clusters that is all. Before
    /// the pushes of a type.
    pub(super) fn owe_lasting(&mut self, kind: ResourceType, view: &View, now: Duration, step: &mut Step) {
        let subscription = &mut self.subscriptions[kind as usize];
        if !self.accepts_wrapped || !subscription.may_have_heartbeats(kind, view) {
            return;
        }
        for resource in subscription.take_due(view.list(kind), now) {
            if let Some(entry) = subscription.find_mut(&resource.name).filter(|entry| !entry.is_unsure()) {
                entry.owed = true;
                subscription.reconsider();
            }
        }
        step.due = step.due.into_iter().chain(subscription.heartbeats.values().copied()).min();
    }

    /// Confirms what is due, and says when the next is. After the pushes of a type, which confirm what they hold.
    pub(super) fn send_heartbeats(&mut self, kind: ResourceType, view: &View, now: Duration, step: &mut Step) {
        let dialect = self.dialect;
        let subscription = self.of_mut(kind);
        if dialect == Dialect::StateOfTheWorld || !subscription.may_have_heartbeats(kind, view) {
            return;
        }
        // after so much silence its next answer is awaited
        if order::room(kind, dialect, subscription, now) == Room::None {
            return;
        }
        let due = subscription.take_due(view.list(kind), now);
        if !due.is_empty() {
            self.send_heartbeat(kind, view, &due, now, step);
        }
        step.due = step.due.into_iter().chain(self.of(kind).heartbeats.values().copied()).min();
    }
}

impl Subscription {
    fn may_have_heartbeats(&self, kind: ResourceType, view: &View) -> bool {
        view.has_special(kind) || !self.heartbeats.is_empty()
    }

    /// What went out counts as confirmed.
    pub(super) fn note_heartbeats<'a>(&mut self, sent: impl Iterator<Item = &'a Arc<Resource>>, now: Duration) {
        for resource in sent {
            if let Some(ttl) = resource.ttl() {
                self.heartbeats.insert(Arc::clone(&resource.name), now + ttl / 2);
            }
        }
    }

    /// Of all that the client holds for a limited time, what must be confirmed now; the rest gets its moment. What it
    /// holds from an earlier stream is due at once, as nobody knows how much of its time is left.
    fn take_due(&mut self, list: &[Arc<Resource>], now: Duration) -> Vec<Arc<Resource>> {
        let mut due = Vec::new();
        let mut next = Heartbeats::new();
        for entry in &self.entries {
            let Some((resource, ttl)) = entry.lasting(list) else { continue };
            // of a removal before what it refused, say: then it does not hold what was good
            let is_answered =
                |name: &Arc<str>| !self.in_flight.iter().flat_map(|of| &of.items).any(|item| item.name == *name);
            if entry.is_unsure() && !is_answered(&entry.name) {
                continue;
            }
            let moment = self.heartbeats.get(&entry.name).copied().unwrap_or(now);
            next.insert(Arc::clone(&entry.name), if moment <= now { now + ttl / 2 } else { moment });
            if moment <= now {
                due.push(Arc::clone(resource));
            }
        }
        self.heartbeats = next;
        due
    }
}

impl Entry {
    /// What the client holds under this name, if for a limited time. After a refusal that is what was good before.
    fn lasting<'a>(&'a self, list: &'a [Arc<Resource>]) -> Option<(&'a Arc<Resource>, Duration)> {
        let holding = if self.is_unsure() { &self.good } else { &self.sent };
        let resource = match holding {
            Holding::Resource(resource) => resource,
            Holding::Version(_) => {
                let at = list.binary_search_by(|resource| resource.name.cmp(&self.name)).ok()?;
                Some(&list[at]).filter(|target| holding.is(Some(target)))?
            }
            Holding::Nothing | Holding::Unknown => return None,
        };
        Some((resource, resource.ttl()?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::conversation::{Conversation, QUIET};
    use super::super::{Event, Nonce};
    use super::*;

    const HALF: Duration = Duration::from_secs(30);

    // rows 122 and 123
    #[test]
    fn what_lasts_for_a_time_is_confirmed_at_half_of_it_with_its_last_version_and_no_body() {
        let mut talk = Conversation::over(&["C a@1~60", "C b@1"]);
        assert_eq!(talk.subscribe("C", &[]), ["C +a@1 +b@1"]);
        let version = talk.last.pushes[0].upserts[0].version.to_string();
        assert_eq!(talk.ack("C"), QUIET);
        for beat in 1..5 {
            assert_eq!(talk.last.due, Some(HALF * beat));
            assert_eq!(talk.wait(), ["C ~a"]);
            let heartbeat = &talk.last.pushes[0].bodiless[0];
            assert_eq!((&*heartbeat.version, heartbeat.ttl.unwrap().seconds), (&*version, 60));
            assert!(heartbeat.resource.is_none());
            assert!(talk.stream.settled());
            assert_eq!(talk.ack("C"), QUIET);
        }
    }

    // row 122
    #[test]
    fn new_content_is_a_confirmation_and_waits_for_none() {
        let mut talk = Conversation::settled(&["L l@1~60", "L m@1~40"]);
        talk.now = Duration::from_secs(10);
        assert_eq!(talk.view(&["L l@2~60", "L m@1~40"]), ["L +l@2"]);
        talk.ack("L");
        assert_eq!(talk.wait(), ["L ~m"]);
        assert_eq!(talk.now, Duration::from_secs(20));
        assert_eq!(talk.view(&["L l@3~60", "L m@1~40"]), ["L +l@3"]);
        assert_eq!(talk.last.due, Some(Duration::from_secs(40)));
    }

    // row 122
    #[test]
    fn what_is_gone_or_not_subscribed_to_is_not_confirmed() {
        let mut talk = Conversation::settled(&["E e@1~60", "E f@1~60", "E g@1~60"]);
        assert_eq!(talk.view(&["E e@1~60", "E f@1~60"]), ["E -g"]);
        talk.ack("E");
        talk.unsubscribe("E", &["f"]);
        assert_eq!(talk.wait(), ["E ~e"]);
        talk.ack("E");
        talk.unsubscribe("E", &["e"]);
        assert_eq!(talk.last.due, None);
    }

    // row 122
    #[test]
    fn what_a_client_comes_back_with_is_confirmed_at_once() {
        let mut talk = Conversation::over(&["C a@1"]);
        let lasting = super::super::conversation::view(&["C a@1~60"]);
        let version = lasting.get(ResourceType::Cluster, "a").unwrap().version.to_string();
        talk.step(Event::View(&lasting));
        let held = vec![("a".to_owned(), version)];
        let change = super::super::Change::Incremental { subscribe: vec![], unsubscribe: vec![], held };
        assert_eq!(talk.request("C", change, None, None), ["C ~a"]);
        assert_eq!(talk.wait(), ["C ~a"]);
        assert_eq!(talk.now, HALF);
    }

    // row 123
    #[test]
    fn after_a_nack_the_version_that_was_good_is_confirmed() {
        let mut talk = Conversation::settled(&["C a@1~60"]);
        let good = talk.stream.of(ResourceType::Cluster).find("a").unwrap().good.version().unwrap();
        assert_eq!(talk.view(&["C a@2~60"]), ["C +a@2"]);
        assert_eq!(talk.nack("C"), QUIET);
        assert_eq!(talk.wait(), ["C ~a"]);
        assert_eq!(talk.last.pushes[0].bodiless[0].version, good.to_string());
    }

    // row 123
    #[test]
    fn a_refused_heartbeat_is_followed_by_the_whole_resource() {
        let mut talk = Conversation::settled(&["C a@1~60"]);
        assert_eq!(talk.wait(), ["C ~a"]);
        assert_eq!(talk.nack("C"), ["C +a@1"]);
        assert_eq!(talk.last.rejected[0].resources, []);
        assert_eq!(talk.ack("C"), QUIET);
        assert!(talk.stream.settled());
    }

    // rows 124 and 125
    #[test]
    fn in_state_of_the_world_what_lasts_for_a_time_is_sent_again_in_its_wrapper() {
        let mut talk = Conversation::world(&["C a@1~60", "C b@1", "E e@1~40", "E f@1"]);
        talk.stream = Stream::new(Dialect::StateOfTheWorld).accepting_wrapped(true);
        talk.view(&["C a@1~60", "C b@1", "E e@1~40", "E f@1"]);
        assert_eq!(talk.names("C", &[]), ["C +a@1 +b@1"]);
        assert_eq!(talk.names("E", &["e", "f"]), ["E +e@1 +f@1"]);
        assert!(talk.last.pushes[0].wrapped && talk.last.pushes[0].bodiless.is_empty());
        talk.ack("C");
        talk.ack("E");
        assert_eq!((talk.wait(), talk.now), (vec!["E +e@1".to_owned()], Duration::from_secs(20)));
        talk.ack("E");
        assert_eq!((talk.wait(), talk.now), (vec!["C +a@1 +b@1".to_owned()], HALF));
        talk.ack("C");
        assert!(talk.stream.settled());
        assert_eq!(talk.wait(), ["E +e@1"]);
    }

    // row 124
    #[test]
    fn a_client_that_may_not_know_wrappers_gets_none_and_keeps_what_it_holds() {
        let mut talk = Conversation::world(&["C a@1~60"]);
        assert_eq!(talk.names("C", &[]), ["C +a@1"]);
        assert!(!talk.last.pushes[0].wrapped);
        talk.ack("C");
        assert_eq!(talk.last.due, None);
    }

    // row 123
    #[test]
    fn what_a_refusal_left_open_is_not_confirmed_before_earlier_answers_have_come() {
        let mut talk = Conversation::settled(&["C a@1~60"]);
        assert_eq!(talk.view(&[]), ["C -a"]);
        let removal = talk.last.pushes[0].nonce;
        assert_eq!(talk.view(&["C a@2"]), ["C +a@2"]);
        // the client holds neither, as its answer to the removal will show
        assert_eq!(talk.nack("C"), QUIET);
        assert_eq!(talk.last.due, None);
        assert_eq!(talk.ack_nonce("C", removal.0), QUIET);
        assert_eq!(talk.last.due, None);
    }

    // row 126
    #[test]
    fn without_its_time_to_live_a_resource_is_sent_again_and_confirmed_no_more() {
        let mut talk = Conversation::settled(&["C a@1~60"]);
        assert_eq!(talk.view(&["C a@1"]), ["C +a@1"]);
        assert_eq!(talk.last.pushes[0].upserts[0].head().ttl, None);
        talk.ack("C");
        assert_eq!(talk.last.due, None);
    }

    #[test]
    fn a_client_that_answers_nothing_is_not_sent_heartbeats_without_end() {
        let mut talk = Conversation::settled(&["C a@1~60"]);
        let sent: usize = (1..100)
            .map(|beat| {
                talk.now = HALF * beat;
                talk.step(Event::Due).len()
            })
            .sum();
        assert!(sent < 20, "{sent}");
        assert_eq!(talk.last.due, None);
        assert_eq!(talk.ack_nonce("C", Nonce(sent as u64).0), ["C ~a"]);
    }
}
