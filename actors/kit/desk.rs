//! Cards: what is known of every actor without asking it. An actor keeps its card true as it works; the admin door reads
//! the desk, so a stuck actor is visible because nobody has to ask it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use dashmap::DashMap;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CardId {
    pub kind: &'static str,
    pub key: String,
}

pub struct Card {
    pub id: CardId,
    queued: AtomicI64,
    handled: AtomicU64,
    busy_ns: AtomicU64,
    version: AtomicU64,
    restarts: AtomicU64,
    /// The message in hand, or the last one.
    message: Mutex<Message>,
    fail_next: AtomicBool,
    pinned: Instant,
}

#[derive(Clone, Copy)]
struct Message {
    name: &'static str,
    began: Instant,
    in_hand: bool,
}

/// A card as read at one moment.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct CardReading {
    pub kind: &'static str,
    pub key: String,
    /// Messages sent and not yet handled.
    pub mailbox: u64,
    pub handled: u64,
    pub last_message: &'static str,
    /// How long the message in hand has been in hand; `None` when idle.
    pub in_hand_ms: Option<u64>,
    /// Since the last message began.
    pub last_message_ms_ago: u64,
    pub busy_us: u64,
    /// What the actor counts as its version: a snapshot's, an index.
    pub version: u64,
    pub restarts: u64,
    pub age_ms: u64,
}

/// Sums of one kind, of actors that live and that have gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct KindTotals {
    pub actors: u64,
    pub mailbox: u64,
    pub handled: u64,
    pub busy_ns: u64,
    pub restarts: u64,
}

#[derive(Default)]
pub struct Desk {
    cards: DashMap<CardId, Arc<Card>>,
    gone: DashMap<&'static str, KindTotals>,
}

impl Desk {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A card for a new actor. One that is rebuilt under the same id carries on with a new card and its count of restarts.
    pub fn pin(self: &Arc<Self>, kind: &'static str, key: impl Into<String>, restarts: u32) -> Pinned {
        let now = Instant::now();
        let card = Arc::new(Card {
            id: CardId { kind, key: key.into() },
            queued: AtomicI64::new(0),
            handled: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
            version: AtomicU64::new(0),
            restarts: AtomicU64::new(restarts.into()),
            message: Mutex::new(Message { name: "", began: now, in_hand: false }),
            fail_next: AtomicBool::new(false),
            pinned: now,
        });
        if restarts > 0 {
            self.gone.entry(kind).or_default().restarts += 1;
        }
        self.cards.insert(card.id.clone(), Arc::clone(&card));
        Pinned { desk: Arc::clone(self), card }
    }

    pub fn get(&self, kind: &'static str, key: &str) -> Option<Arc<Card>> {
        self.cards.get(&CardId { kind, key: key.to_owned() }).map(|card| Arc::clone(&card))
    }

    /// All cards, sorted; `kind` and `key` narrow (a key by what it contains).
    pub fn read(&self, kind: Option<&str>, key: Option<&str>) -> Vec<CardReading> {
        let mut readings: Vec<CardReading> = self
            .cards
            .iter()
            .filter(|card| kind.is_none_or(|kind| card.id.kind == kind))
            .filter(|card| key.is_none_or(|key| card.id.key.contains(key)))
            .map(|card| card.read())
            .collect();
        readings.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
        readings
    }

    pub fn len(&self) -> usize {
        self.cards.len()
    }

    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.cards.iter().filter(|card| card.id.kind == kind).count()
    }

    pub fn totals(&self) -> BTreeMap<&'static str, KindTotals> {
        let mut totals: BTreeMap<&'static str, KindTotals> =
            self.gone.iter().map(|entry| (*entry.key(), *entry.value())).collect();
        for card in &self.cards {
            let sum = totals.entry(card.id.kind).or_default();
            sum.actors += 1;
            sum.mailbox += card.queued();
            sum.handled += card.handled.load(Ordering::Relaxed);
            sum.busy_ns += card.busy_ns.load(Ordering::Relaxed);
        }
        totals
    }
}

impl Card {
    pub(super) fn enqueue(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    fn queued(&self) -> u64 {
        u64::try_from(self.queued.load(Ordering::Relaxed)).unwrap_or(0)
    }

    pub fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    pub fn set_version(&self, version: u64) {
        self.version.store(version, Ordering::Relaxed);
    }

    /// A fault for tests: the actor panics at its next message.
    pub fn fail_next(&self) {
        self.fail_next.store(true, Ordering::SeqCst);
    }

    /// Takes [`Card::fail_next`] back.
    pub fn forgive(&self) {
        self.fail_next.store(false, Ordering::SeqCst);
    }

    /// Called first in each handler; what it returns is held to the end.
    pub fn turn(self: &Arc<Self>, message: &'static str) -> Turn {
        let began = Instant::now();
        *self.message.lock().unwrap_or_else(PoisonError::into_inner) = Message { name: message, began, in_hand: true };
        let turn = Turn { card: Arc::clone(self), began };
        assert!(!self.fail_next.swap(false, Ordering::Relaxed), "told to fail at {message}");
        turn
    }

    pub fn read(&self) -> CardReading {
        let message = *self.message.lock().unwrap_or_else(PoisonError::into_inner);
        let since = millis(message.began.elapsed());
        CardReading {
            kind: self.id.kind,
            key: self.id.key.clone(),
            mailbox: self.queued(),
            handled: self.handled(),
            last_message: message.name,
            in_hand_ms: message.in_hand.then_some(since),
            last_message_ms_ago: since,
            busy_us: self.busy_ns.load(Ordering::Relaxed) / 1000,
            version: self.version.load(Ordering::Relaxed),
            restarts: self.restarts.load(Ordering::Relaxed),
            age_ms: millis(self.pinned.elapsed()),
        }
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One message being handled.
pub struct Turn {
    card: Arc<Card>,
    began: Instant,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let busy = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.card.queued.fetch_sub(1, Ordering::Relaxed);
        self.card.handled.fetch_add(1, Ordering::Relaxed);
        self.card.busy_ns.fetch_add(busy, Ordering::Relaxed);
        self.card.message.lock().unwrap_or_else(PoisonError::into_inner).in_hand = false;
    }
}

/// The card on the desk for as long as the actor lives.
pub struct Pinned {
    desk: Arc<Desk>,
    card: Arc<Card>,
}

impl Pinned {
    pub fn card(&self) -> &Arc<Card> {
        &self.card
    }
}

impl std::ops::Deref for Pinned {
    type Target = Arc<Card>;

    fn deref(&self) -> &Arc<Card> {
        &self.card
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // a rebuilt actor may have pinned its own card under this id already
        self.desk.cards.remove_if(&self.card.id, |_, pinned| Arc::ptr_eq(pinned, &self.card));
        let mut gone = self.desk.gone.entry(self.card.id.kind).or_default();
        gone.handled += self.card.handled();
        gone.busy_ns += self.card.busy_ns.load(Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_there_exactly_as_long_as_its_actor() {
        let desk = Desk::new();
        let pinned = desk.pin("Proxy", "web", 0);
        pinned.enqueue();
        drop(pinned.turn("Ring"));
        let [reading] = &desk.read(Some("Proxy"), Some("we"))[..] else { panic!("one card") };
        assert_eq!((reading.handled, reading.mailbox, reading.last_message), (1, 0, "Ring"));
        drop(pinned);
        assert!(desk.is_empty());
        assert_eq!(desk.totals()["Proxy"], KindTotals { handled: 1, ..desk.totals()["Proxy"] });
    }

    #[test]
    fn the_card_of_a_rebuilt_actor_outlives_the_old_ones_end() {
        let desk = Desk::new();
        let old = desk.pin("Proxy", "web", 0);
        let new = desk.pin("Proxy", "web", 1);
        drop(old);
        assert_eq!(desk.len(), 1);
        assert_eq!(desk.totals()["Proxy"].restarts, 1);
        drop(new);
    }
}
