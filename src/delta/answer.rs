//! What an answer of the client settles. An ACK makes what was sent the last good content. A NACK keeps the last good
//! content, and halves the response until the bad resource stands alone.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use super::entry::{Entry, Holding, Suspect};
use super::subscription::{InFlight, Item, Subscription};
use super::{Dialect, Nack, Nonce, Step, partial};
use crate::resource::{Resource, ResourceHash, ResourceType};

/// The most bytes of a client's text that are kept: Envoy prints whole resources.
const LONGEST_TEXT: usize = 2048;

/// A response was accepted.
#[derive(Clone, PartialEq, Debug)]
pub struct Acknowledgement {
    pub kind: ResourceType,
    pub nonce: Nonce,
    /// [`super::Push::version`]
    pub version: ResourceHash,
}

/// A response was refused.
#[derive(Clone, PartialEq, Debug)]
pub struct Rejection {
    pub kind: ResourceType,
    pub nonce: Nonce,
    /// [`super::Push::version`]
    pub version: ResourceHash,
    pub code: i32,
    /// In the client's words, cut at 2 KiB; of secrets nothing, as the text may hold one.
    pub message: String,
    /// What the response changed, with versions (`None`: a removal); of heartbeats nothing. With one alone, that one is to blame, and is not
    /// sent to this client again until it changes; of more, each may be, and they are sent again in halves.
    pub resources: Vec<(Arc<str>, Option<ResourceHash>)>,
}

impl Subscription {
    /// A nonce that waits for no answer (stale, of another type, answered before) says nothing. Returns what the client
    /// held before in place of what it has accepted now.
    pub(super) fn hear_answer(
        &mut self,
        kind: ResourceType,
        dialect: Dialect,
        nonce: Nonce,
        error: Option<Nack>,
        step: &mut Step,
    ) -> Vec<Holding> {
        let mut replaced = Vec::new();
        let Some(at) = self.in_flight.iter().position(|response| response.nonce == nonce) else { return replaced };
        let mut answered: Vec<InFlight> = match dialect {
            Dialect::Delta => vec![self.in_flight.remove(at)],
            // one answer stands for all that was sent before it
            Dialect::StateOfTheWorld => self.in_flight.drain(..=at).collect(),
        };
        if self.in_flight.is_empty() {
            // most streams are quiet most of the time: they keep no room for what may come
            self.in_flight = Vec::new();
        }
        let Some(version) = answered.last().map(|response| response.version) else { return replaced };
        match error {
            None => {
                answered.iter().for_each(|response| self.accept(response, &mut replaced));
                if let Some(newest) = answered.last().filter(|_| self.in_flight.is_empty()) {
                    self.trust_whole(&newest.whole);
                }
                self.last_accepted = Some((nonce, version));
                step.acknowledged.push(Acknowledgement { kind, nonce, version });
            }
            Some(nack) => {
                let taken = answered.last_mut().and_then(|refused| partial::accepted_part(refused, &nack.message));
                let told_apart = taken.is_some();
                taken.iter().for_each(|taken| self.accept(taken, &mut replaced));
                let resources = self.reject(&answered, dialect.is_full(kind), told_apart).into_iter().collect();
                let rejection = Rejection {
                    kind,
                    nonce,
                    version,
                    code: nack.code,
                    message: presentable(kind, nack.message),
                    resources,
                };
                self.rejections += 1;
                self.last_rejection = Some(Box::new(rejection.clone()));
                step.rejected.push(rejection);
            }
        }
        replaced
    }

    fn accept(&mut self, response: &InFlight, replaced: &mut Vec<Holding>) {
        let mut removed = false;
        for item in &response.items {
            let Ok(at) = self.position(&item.name) else { continue };
            if self.is_overtaken(at, response.nonce) {
                continue;
            }
            let entry = &mut self.entries[at];
            let before = mem::replace(&mut entry.good, Holding::of(item.target.as_ref()));
            if !before.is_nothing() && !before.is(item.target.as_ref()) {
                replaced.push(before);
            }
            removed |= item.target.is_none();
            if entry.nonce == response.nonce {
                entry.pending_since = None;
                entry.suspect = None;
            }
        }
        for resource in &response.whole {
            if let Some(entry) = self.find_mut(&resource.name) {
                entry.good = Holding::Resource(Arc::clone(resource));
            }
        }
        self.holds_unknown = false;
        if removed {
            self.drop_gone();
        }
    }

    /// Newer content of the name was accepted before the response was: clusters are answered when they are warm, and what is
    /// made of others at once.
    fn is_overtaken(&self, at: usize, nonce: Nonce) -> bool {
        let entry = &self.entries[at];
        entry.nonce > nonce && entry.suspect.is_none() && !self.is_in_flight(entry.nonce)
    }

    /// The client holds exactly this: what was refused before is not refused now.
    fn trust_whole(&mut self, whole: &[Arc<Resource>]) {
        for resource in whole {
            let Some(entry) = self.find_mut(&resource.name).filter(|entry| entry.is_unsure()) else { continue };
            if entry.suspect.as_ref().is_some_and(|suspect| suspect.is(Some(resource))) {
                entry.sent = Holding::Resource(Arc::clone(resource));
                entry.suspect = None;
            }
        }
    }

    /// Names that only the wildcard had brought need no record once the client has dropped them.
    pub(super) fn drop_gone(&mut self) {
        let in_flight = mem::take(&mut self.in_flight);
        let waits = |nonce: Nonce| in_flight.iter().any(|response| response.nonce == nonce);
        self.entries.retain(|entry| entry.named || entry.owed || entry.may_hold_something() || waits(entry.nonce));
        self.in_flight = in_flight;
    }

    /// What can be wrong with responses: what they changed, and what else was in them that was never accepted.
    fn blamed(&self, answered: &[InFlight], full: bool) -> BTreeMap<Arc<str>, Option<ResourceHash>> {
        let mut blamed = BTreeMap::new();
        for response in answered {
            for resource in &response.whole {
                if self.find(&resource.name).is_some_and(|entry| !entry.good.is(Some(resource))) {
                    blamed.insert(Arc::clone(&resource.name), Some(resource.version));
                }
            }
            for item in &response.items {
                blamed.insert(Arc::clone(&item.name), item.target.as_ref().map(|resource| resource.version));
            }
        }
        if full && blamed.values().any(Option::is_some) {
            // nobody can refuse that a name is absent
            blamed.retain(|_, version| version.is_some());
        }
        blamed
    }

    /// `told_apart`: the client has said which resources it means, and these are left in what was answered.
    fn reject(
        &mut self,
        answered: &[InFlight],
        full: bool,
        told_apart: bool,
    ) -> BTreeMap<Arc<str>, Option<ResourceHash>> {
        let blamed = self.blamed(answered, full);
        // Half of a full response would delete the other half for a client that named it all. Such a client (gRPC) takes
        // the good part of a response that it refuses, so there nothing is sent again.
        let indivisible = full && !self.wildcard;
        let limit = if blamed.len() == 1 || indivisible || told_apart { 0 } else { blamed.len().div_ceil(2) };
        for response in answered {
            for name in &response.heartbeats {
                // it holds something else than it should: all of it again, unless that is what it refuses
                let entry = self.find_mut(name).filter(|entry| !entry.is_unsure());
                entry.into_iter().for_each(|entry| entry.owed = true);
            }
            for item in &response.items {
                // of another nonce: newer content is on its way already
                let entry = self.find_mut(&item.name).filter(|entry| entry.nonce == response.nonce);
                let Some(entry) = entry else { continue };
                if blamed.contains_key(&item.name) {
                    entry.sent = Holding::Unknown;
                    entry.blame(item, limit);
                } else if !indivisible {
                    entry.sent = Holding::Unknown;
                }
            }
        }
        self.reconsider();
        blamed
    }
}

impl Entry {
    fn blame(&mut self, item: &Item, limit: usize) {
        let earlier: BTreeSet<Arc<str>> =
            self.suspect.iter().flat_map(|suspect| suspect.needs()).map(Arc::clone).collect();
        let earlier_needs = earlier.into_iter().collect();
        self.suspect = Some(Box::new(Suspect { target: item.target.clone(), limit, earlier_needs }));
    }
}

fn presentable(kind: ResourceType, mut text: String) -> String {
    if kind == ResourceType::Secret {
        return "the client refused a secret; its text is withheld".to_owned();
    }
    let end = (0..=LONGEST_TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::super::conversation::{Conversation, QUIET, incremental, kind};
    use super::super::{Nonce, Stream, SyncState};
    use super::*;

    fn state(stream: &Stream, letter: &str, name: &str) -> SyncState {
        let status = stream.status().into_iter().find(|of| of.kind == kind(letter)).unwrap();
        status.resources.iter().find(|resource| &*resource.name == name).unwrap().state
    }

    #[test]
    fn an_answer_that_was_overtaken_takes_nothing_back() {
        let mut talk = Conversation::settled(&["C x@1 x", "E x@1"]);
        assert_eq!(talk.view(&["C x@1 x", "C a@1 x", "E x@1"]), ["C +a@1"]);
        let (earlier, _) = talk.stream.of(ResourceType::Cluster).last_sent.unwrap();
        assert_eq!(talk.view(&["C x@1 x", "C a@2 a", "E x@1", "E a@1"]), ["C +a@2"]);
        talk.ack("C");
        talk.ack_nonce("C", earlier.0);
        // nothing is made of `x` any longer
        assert_eq!(talk.view(&["C a@2 a", "E a@1"]), ["C -x"]);
    }

    // row 59
    #[test]
    fn a_nack_keeps_the_last_good_version_and_is_followed_by_silence_until_the_content_changes() {
        let mut talk = Conversation::settled(&["L l@1"]);
        let good = talk.stream.of(ResourceType::Listener).find("l").unwrap().good.version();
        assert_eq!(talk.view(&["L l@2"]), ["L +l@2"]);
        assert_eq!(talk.nack("L"), QUIET);
        assert_eq!(talk.stream.of(ResourceType::Listener).find("l").unwrap().good.version(), good);
        assert!(talk.stream.settled());
        assert_eq!(talk.view(&["L l@2"]), QUIET);
        assert_eq!(talk.view(&["L l@3"]), ["L +l@3"]);
        talk.ack("L");
        assert_eq!(state(&talk.stream, "L", "l"), SyncState::Synced);
    }

    // row 59
    #[test]
    fn the_last_good_content_is_sent_again_as_the_refused_one_may_have_been_applied() {
        let mut talk = Conversation::settled(&["L l@1"]);
        talk.view(&["L l@2"]);
        talk.nack("L");
        assert_eq!(talk.view(&["L l@1"]), ["L +l@1"]);
    }

    // rows 60 and 66
    #[test]
    fn a_nack_counts_once_and_its_subscriptions_count_too() {
        let mut talk = Conversation::settled(&["E e@1", "E f@1"]);
        talk.unsubscribe("E", &["f"]);
        talk.view(&["E e@2", "E f@1"]);
        let nonce = talk.last.pushes[0].nonce;
        assert_eq!(talk.nack("E"), QUIET);
        assert_eq!(talk.request("E", incremental(&["f"], &[]), Some(nonce), Some("no")), ["E +f@1"]);
        for _ in 0..100 {
            assert_eq!(talk.nack_nonce("E", nonce.0), QUIET);
            assert!(talk.last.rejected.is_empty());
        }
        assert_eq!(talk.stream.of(ResourceType::Endpoint).rejections, 1);
    }

    // row 62
    #[test]
    fn a_refused_response_is_halved_until_the_bad_resource_stands_alone() {
        let mut talk = Conversation::over(&["L a@1", "L b@1", "L bad@1", "L c@1"]);
        assert_eq!(talk.subscribe("L", &[]), ["L +a@1 +b@1 +bad@1 +c@1"]);
        assert_eq!(talk.nack("L"), ["L +a@1 +b@1"]);
        assert_eq!(talk.ack("L"), ["L +bad@1 +c@1"]);
        assert_eq!(talk.nack("L"), ["L +bad@1"]);
        assert_eq!(talk.nack("L"), ["L +c@1"]);
        assert_eq!(talk.ack("L"), QUIET);
        assert!(talk.stream.settled());
        assert_eq!(state(&talk.stream, "L", "bad"), SyncState::Error);
        assert_eq!(state(&talk.stream, "L", "c"), SyncState::Synced);
        assert_eq!(talk.view(&["L a@2", "L b@1", "L bad@1", "L c@1"]), ["L +a@2"]);
        talk.ack("L");
        assert_eq!(talk.view(&["L a@2", "L b@1", "L bad@2", "L c@1"]), ["L +bad@2"]);
    }

    // row 62
    #[test]
    fn new_content_does_not_wait_for_the_trial_of_old() {
        let mut talk = Conversation::over(&["C a@1", "C b@1"]);
        talk.subscribe("C", &[]);
        assert_eq!(talk.nack("C"), ["C +a@1"]);
        assert_eq!(talk.view(&["C a@1", "C b@1", "C c@1"]), ["C +c@1"]);
        assert_eq!(talk.ack_nonce("C", 2), ["C +b@1"]);
    }

    // row 63
    #[test]
    fn what_a_refused_response_may_have_left_behind_is_removed() {
        let mut talk = Conversation::settled(&["L a@1"]);
        talk.view(&["L a@1", "L new@1"]);
        talk.nack("L");
        assert_eq!(talk.stream.orphans(), [(ResourceType::Listener, Arc::from("new"))]);
        let mut back = Conversation::over(&["L a@1"]);
        back.stream = Stream::with_orphans(Dialect::Delta, talk.stream.orphans());
        back.view(&["L a@1"]);
        assert_eq!(back.come_back("L", &[], &["a@1"]), ["L -new"]);
        back.ack("L");
        assert!(back.stream.orphans().is_empty());
        assert_eq!(talk.view(&["L a@1"]), ["L -new"]);
    }

    // row 58
    #[test]
    fn only_the_error_says_that_a_response_was_refused() {
        let mut talk = Conversation::over(&["C a@1"]);
        talk.subscribe("C", &[]);
        talk.nack("C");
        assert_eq!(talk.last.acknowledged, []);
        let [rejection] = &talk.last.rejected[..] else { panic!("one rejection") };
        assert_eq!((rejection.code, &*rejection.message), (13, "no"));
        assert_eq!(&*rejection.resources[0].0, "a");
    }

    // row 50
    #[test]
    fn a_nonce_of_another_type_settles_nothing() {
        let mut talk = Conversation::over(&["C a@1", "L l@1"]);
        talk.subscribe("C", &[]);
        talk.subscribe("L", &[]);
        assert_eq!(talk.ack_nonce("L", 1), QUIET);
        assert_eq!(talk.last.acknowledged, []);
        assert_eq!(state(&talk.stream, "C", "a"), SyncState::Stale);
    }

    // rows 51, 52 and 56
    #[test]
    fn in_state_of_the_world_an_ack_settles_earlier_responses_and_a_stale_one_only_its_names() {
        let mut talk = Conversation::world(&["C a@1"]);
        talk.names("C", &[]);
        talk.ack("C");
        assert_eq!(talk.view(&["C a@2"]), ["C +a@2"]);
        assert_eq!(talk.view(&["C a@3"]), QUIET);
        assert_eq!(talk.wait(), ["C +a@3"]);
        assert_eq!(talk.ack_nonce("C", 3), QUIET);
        assert!(talk.stream.settled());
        assert_eq!(talk.ack_nonce("C", 2), QUIET);
        assert_eq!(talk.last.acknowledged, []);
        let change = super::super::conversation::replace(&["*", "z"]);
        assert_eq!(talk.request("C", change, Some(Nonce(1)), None), ["C +a@3 !z"]);
    }

    // row 62
    #[test]
    fn in_state_of_the_world_each_half_comes_with_what_was_good_before() {
        let mut talk = Conversation::world(&["C good@1"]);
        talk.names("C", &[]);
        talk.ack("C");
        assert_eq!(talk.view(&["C bad@1", "C good@1", "C new@1"]), ["C +bad@1 +good@1 +new@1"]);
        assert_eq!(talk.nack("C"), ["C +bad@1 +good@1"]);
        assert_eq!(talk.nack("C"), ["C +good@1 +new@1"]);
        assert_eq!(talk.ack("C"), QUIET);
        assert!(talk.stream.settled());
    }

    // row 146
    #[test]
    fn in_state_of_the_world_nothing_that_was_named_is_left_out_after_a_nack() {
        let mut talk = Conversation::world(&["C bad@1", "C good@1"]);
        assert_eq!(talk.names("C", &["bad", "good"]), ["C +bad@1 +good@1"]);
        assert_eq!(talk.nack("C"), QUIET);
        assert_eq!(talk.view(&["C bad@2", "C good@1"]), ["C +bad@2 +good@1"]);
        talk.ack("C");
        assert_eq!(state(&talk.stream, "C", "good"), SyncState::Synced);
    }

    // row 61
    #[test]
    fn the_text_of_a_nack_is_cut_and_that_of_a_secret_withheld() {
        assert_eq!(presentable(ResourceType::Cluster, "é".repeat(5000)).len(), LONGEST_TEXT);
        assert!(!presentable(ResourceType::Secret, "PRIVATE KEY".to_owned()).contains("KEY"));
        assert_eq!(presentable(ResourceType::Cluster, "short".to_owned()), "short");
    }
}
