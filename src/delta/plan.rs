//! What of one type differs from what the client was sent, and how much of it goes out now.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use super::entry::Entry;
use super::order::{Gate, Leaners, Order, Room, room};
use super::subscription::{Item, Subscription, Unsent};
use crate::resource::{Resource, ResourceType, find};

/// The responses that one type needs now: at most one of content without blame, and one trial of suspects.
#[derive(Default, Debug)]
pub(super) struct Plan {
    pub items: Vec<Item>,
    pub trial: Vec<Item>,
    /// The client waits for a response, and there is nothing to put into one.
    pub empty_answer: bool,
    /// Something differs that may not go out yet.
    pub withheld: bool,
    /// Something that is no longer needed has not gone yet; nobody waits for that.
    pub lingers: bool,
    /// The moment at which that may change without a word of the client.
    pub due: Option<Duration>,
}

impl Plan {
    pub fn new(kind: ResourceType, order: &Order<'_>) -> Self {
        let subscription = &order.subscriptions[kind as usize];
        let mut planner = Planner {
            room: room(kind, order.dialect, subscription, order.now),
            trial_in_flight: subscription.in_flight.iter().any(|response| response.trial),
            leaners: None,
            suspects: Vec::new(),
            plan: Self::default(),
            kind,
            order,
        };
        let list = order.view.list(kind);
        // with other names for a resource, an entry may differ though its own name does not
        let by_name = !subscription.has_addresses && !order.view.has_special(kind);
        match &subscription.unsent {
            Unsent::Since(before) if by_name => {
                walk_difference(subscription, before, list, |entry, target| planner.consider(entry, target));
            }
            _ => walk(subscription, list, |entry, target| planner.consider(entry, target)),
        }
        planner.choose_trial();
        planner.answer_at_least(subscription);
        planner.plan
    }

    fn withhold(&mut self, until: Option<Duration>) {
        self.withheld = true;
        self.wake(until);
    }

    fn linger(&mut self, until: Option<Duration>) {
        self.lingers = true;
        self.wake(until);
    }

    fn wake(&mut self, until: Option<Duration>) {
        self.due = match (self.due, until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

struct Planner<'a> {
    kind: ResourceType,
    order: &'a Order<'a>,
    room: Room,
    trial_in_flight: bool,
    leaners: Option<Leaners<'a>>,
    /// With the size of response that each allows.
    suspects: Vec<(usize, Item)>,
    plan: Plan,
}

impl<'a> Planner<'a> {
    fn consider(&mut self, entry: Option<&'a Entry>, mut target: Option<&'a Arc<Resource>>) {
        let owed = entry.is_some_and(|entry| entry.owed);
        if let Some(entry) = entry.filter(|_| owed && target.is_none() && self.kind == ResourceType::Endpoint) {
            target = self.order.late_endpoints(entry);
            // they go when their cluster has gone
            if target.is_some() {
                self.plan.linger(None);
            }
        }
        let settled = entry.is_some_and(|entry| entry.sent.is(target) || entry.is_quarantined(target));
        // what it asked for and is not there can be told, the end of what it has cannot
        let is_end = target.is_none() && entry.is_some_and(Entry::may_hold_something);
        let untold = target.is_none() && (is_end || !owed) && !self.order.dialect.can_remove(self.kind);
        if settled && !owed || untold {
            return;
        }
        match self.gate(entry, target) {
            Gate::Open => {}
            // what holds the end of endpoints is their cluster, which is told itself
            Gate::Closed(until) if target.is_none() && (until.is_some() || self.kind == ResourceType::Endpoint) => {
                return self.plan.linger(until);
            }
            Gate::Closed(until) => return self.plan.withhold(until),
        }
        match self.room {
            Room::Any => {}
            Room::Owed(_) if owed => {}
            Room::Owed(until) => return self.plan.withhold(Some(until)),
            Room::None => return self.plan.withhold(None),
        }
        let Some(name) = target.map(|resource| &resource.name).or(entry.map(|entry| &entry.name)) else { return };
        let item = Item { name: Arc::clone(name), target: target.cloned() };
        match entry.and_then(|entry| entry.limit(target)) {
            None => self.plan.items.push(item),
            Some(limit) => self.suspects.push((limit, item)),
        }
    }

    fn gate(&mut self, entry: Option<&Entry>, target: Option<&Arc<Resource>>) -> Gate {
        match (entry, target) {
            (_, Some(resource)) => self.order.upsert(resource),
            (Some(entry), None) => self.leaners.get_or_insert_with(|| self.order.leaners(self.kind)).removal(entry),
            (None, None) => Gate::Open,
        }
    }

    /// Of the suspects as many as each of them allows; one trial at a time, so that each answer is about one.
    fn choose_trial(&mut self) {
        // a full response at a time: the trial would hold the other's changes too
        let waits = self.trial_in_flight || self.order.dialect.is_full(self.kind) && !self.plan.items.is_empty();
        let mut most = usize::MAX;
        for (limit, item) in std::mem::take(&mut self.suspects) {
            if waits || self.plan.trial.len() >= most.min(limit) {
                self.plan.withhold(None);
                continue;
            }
            most = most.min(limit);
            self.plan.trial.push(item);
        }
    }

    fn answer_at_least(&mut self, subscription: &Subscription) {
        let plan = &mut self.plan;
        if !subscription.answer_owed || plan.withheld || !plan.items.is_empty() || !plan.trial.is_empty() {
            return;
        }
        match self.room {
            Room::None => plan.withhold(None),
            Room::Any | Room::Owed(_) => plan.empty_answer = true,
        }
    }
}

/// Every name of a subscription with what the client knows of it and what it shall hold.
fn walk<'a>(
    subscription: &'a Subscription,
    list: &'a [Arc<Resource>],
    mut visit: impl FnMut(Option<&'a Entry>, Option<&'a Arc<Resource>>),
) {
    if !subscription.wildcard {
        for entry in &subscription.entries {
            visit(Some(entry), find(list, &entry.name));
        }
        return;
    }
    pairs(&subscription.entries, list, |entry, target| entry.name.cmp(&target.name), visit);
}

/// The same for the names under which two lists say something else. Lists of one proxy share what has not changed, so most
/// of them is passed over without a look at a name.
fn walk_difference<'a>(
    subscription: &'a Subscription,
    before: &'a [Arc<Resource>],
    list: &'a [Arc<Resource>],
    mut visit: impl FnMut(Option<&'a Entry>, Option<&'a Arc<Resource>>),
) {
    let order = |old: &Arc<Resource>, new: &Arc<Resource>| {
        if Arc::ptr_eq(old, new) { Ordering::Equal } else { old.name.cmp(&new.name) }
    };
    pairs(before, list, order, |old, new| {
        let Some(name) = new.or(old).map(|resource| &resource.name) else { return };
        if old.zip(new).is_some_and(|(old, new)| Arc::ptr_eq(old, new) || old == new) {
            return;
        }
        let entry = subscription.find(name);
        if entry.is_some() || subscription.wildcard && new.is_some() {
            visit(entry, new);
        }
    });
}

/// Goes through two sorted lists together; what is in both comes once.
fn pairs<'a, A, B>(
    left: &'a [A],
    right: &'a [B],
    order: impl Fn(&A, &B) -> Ordering,
    mut visit: impl FnMut(Option<&'a A>, Option<&'a B>),
) {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => order(one, other),
        };
        let one = if order.is_le() { left.next() } else { None };
        let other = if order.is_ge() { right.next() } else { None };
        visit(one, other);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Nonce;
    use super::super::conversation::{Conversation, QUIET};

    // row 67
    #[test]
    fn equal_content_is_not_sent_again() {
        let mut talk = Conversation::settled(&["C a@1", "E e@1"]);
        assert_eq!(talk.view(&["C a@1", "E e@1"]), QUIET);
        assert!(talk.stream.settled());
    }

    // rows 42 and 70
    #[test]
    fn a_bare_ack_gets_no_answer() {
        let mut talk = Conversation::over(&["C a@1"]);
        talk.subscribe("C", &[]);
        assert_eq!(talk.ack("C"), QUIET);
        assert_eq!(talk.ack("C"), QUIET);
    }

    // row 83
    #[test]
    fn a_deletion_is_told_once() {
        let mut talk = Conversation::settled(&["L a@1", "L b@1"]);
        assert_eq!(talk.view(&["L b@1"]), ["L -a"]);
        talk.ack("L");
        assert_eq!(talk.view(&["L b@2"]), ["L +b@2"]);
        assert!(talk.stream.of(super::ResourceType::Listener).find("a").is_none());
    }

    // row 84
    #[test]
    fn of_a_deletion_and_a_return_only_the_end_is_told() {
        let mut talk = Conversation::settled(&["L a@1", "L b@1"]);
        assert_eq!(talk.view(&["L a@1", "L b@2"]), ["L +b@2"]);
        assert_eq!(talk.view(&["L b@2"]), QUIET);
        assert_eq!(talk.view(&["L a@2", "L b@2"]), QUIET);
        assert_eq!(talk.ack("L"), ["L +a@2"]);
    }

    // row 88
    #[test]
    fn only_what_changed_is_sent() {
        let names: Vec<String> = (0..10_000).map(|number| format!("C c{number:05}@1")).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut talk = Conversation::settled(&names);
        names[5_000] = "C c05000@2";
        assert_eq!(talk.view(&names), ["C +c05000@2"]);
    }

    // row 89
    #[test]
    fn the_first_wildcard_of_an_empty_world_gets_an_empty_answer() {
        let mut talk = Conversation::over(&[]);
        assert_eq!(talk.subscribe("C", &[]), ["C"]);
        assert_eq!(talk.ack("C"), QUIET);
        let mut talk = Conversation::world(&[]);
        assert_eq!(talk.names("L", &[]), ["L"]);
        assert_eq!(talk.ack("L"), QUIET);
    }

    // row 49
    #[test]
    fn nonces_are_unique_over_all_types() {
        let mut talk = Conversation::over(&["C a@1", "E e@1"]);
        talk.subscribe("C", &[]);
        let first = talk.last.pushes[0].nonce;
        talk.subscribe("E", &["e"]);
        assert_eq!((first, talk.last.pushes[0].nonce), (Nonce(1), Nonce(2)));
    }

    // row 150
    #[test]
    fn endpoints_are_split_and_clusters_are_not() {
        let big = "x".repeat(1 << 20);
        let resources: Vec<String> =
            (0..5).flat_map(|number| ["C", "E"].map(|kind| format!("{kind} n{number}@{big}"))).collect();
        let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
        let mut talk = Conversation::over(&resources);
        assert_eq!(talk.subscribe("C", &[]).len(), 1);
        assert_eq!(talk.subscribe("E", &["n0", "n1", "n2", "n3", "n4"]).len(), 3);
        assert_eq!(talk.last.pushes.iter().map(|push| push.upserts.len()).sum::<usize>(), 5);
    }
}
