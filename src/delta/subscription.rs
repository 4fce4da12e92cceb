//! One type on one stream: which names the client wants, and what it holds under each.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, Holding, Spelling};
use super::heartbeat::Heartbeats;
use super::{Change, Nonce, Rejection};
use crate::resource::{Resource, ResourceHash, ResourceList, ResourceType, name};

/// The name that stands for all.
const WILDCARD: &str = "*";

/// What went out under one name; `None`: its removal.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub name: Arc<str>,
    pub target: Option<Arc<Resource>>,
}

/// A response that was not answered yet.
#[derive(Debug)]
pub(super) struct InFlight {
    pub nonce: Nonce,
    /// [`super::Push::version`]
    pub version: ResourceHash,
    pub sent_at: Duration,
    /// What it changed, which is what can be wrong with it.
    pub items: Vec<Item>,
    /// State of the world, listeners and clusters: all that was in it.
    pub whole: Vec<Arc<Resource>>,
    /// A part of a refused response, sent again.
    pub trial: bool,
    /// What it confirmed, if that was all.
    pub heartbeats: Vec<Arc<str>>,
    /// With clusters: the endpoints of the view it was made from, for a client that asks for them late.
    pub endpoints: Option<ResourceList>,
}

impl InFlight {
    /// It changes nothing, so nothing waits for its answer.
    pub fn is_heartbeat(&self) -> bool {
        !self.heartbeats.is_empty()
    }
}

/// What of a type may differ from the view and not have been sent.
#[derive(Clone, Default, Debug)]
pub(super) enum Unsent {
    #[default]
    Nothing,
    /// All that this list says was considered and went out; what the view's list says otherwise was not.
    Since(ResourceList),
    Anything,
}

/// One type on one stream. Every entry is subscribed to; sorted by name.
#[derive(Default, Debug)]
pub(super) struct Subscription {
    /// The client has asked for this type.
    pub started: bool,
    pub wildcard: bool,
    /// State of the world: a name was given once, so an empty list no longer means everything.
    named_once: bool,
    /// A name was asked for that may have several spellings, or stand for others.
    pub has_addresses: bool,
    pub entries: Vec<Entry>,
    pub in_flight: Vec<InFlight>,
    pub unsent: Unsent,
    /// All that was not sent are removals that nobody waits for.
    pub only_lingers: bool,
    /// The client waits for a response, be it empty.
    pub answer_owed: bool,
    /// State of the world: the version of all it held before.
    pub claimed: Option<ResourceHash>,
    /// State of the world: it holds everything of an earlier stream, and none of that is known.
    pub holds_unknown: bool,
    pub heartbeats: Heartbeats,
    pub last_sent: Option<(Nonce, ResourceHash)>,
    pub last_accepted: Option<(Nonce, ResourceHash)>,
    pub last_rejection: Option<Box<Rejection>>,
    pub rejections: u64,
}

impl Subscription {
    /// Nothing is left to send or to be answered.
    pub fn is_settled(&self) -> bool {
        let waits = self.has_unsent() && !self.only_lingers || self.answer_owed;
        !self.started || !waits && self.in_flight.iter().all(InFlight::is_heartbeat)
    }

    pub fn has_unsent(&self) -> bool {
        !matches!(self.unsent, Unsent::Nothing)
    }

    /// Each name has to be considered.
    pub fn reconsider(&mut self) {
        self.unsent = Unsent::Anything;
    }

    /// The view has another list than this one, which it had before.
    pub fn list_replaced(&mut self, before: Option<&ResourceList>) {
        self.unsent = match (mem::take(&mut self.unsent), before) {
            (Unsent::Nothing, Some(before)) => Unsent::Since(Arc::clone(before)),
            (Unsent::Since(earlier), Some(_)) => Unsent::Since(earlier),
            _ => Unsent::Anything,
        };
    }

    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.position(name).ok().map(|at| &self.entries[at])
    }

    pub fn find_mut(&mut self, name: &str) -> Option<&mut Entry> {
        self.position(name).ok().map(|at| &mut self.entries[at])
    }

    pub fn position(&self, name: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| (*entry.name).cmp(name))
    }

    /// `nonce` was sent and not answered.
    pub fn is_in_flight(&self, nonce: Nonce) -> bool {
        self.in_flight.iter().any(|response| response.nonce == nonce)
    }

    /// The names under which it is not known what the client holds, and the client may be wrong about it too: after a
    /// response that it refused, Envoy has some of its changes and none of its versions; of what a glob has brought it
    /// never lists any.
    pub fn unsure(&self) -> impl Iterator<Item = &Arc<str>> {
        let unlisted = |entry: &&Entry| entry.is_unsure() || entry.collected && entry.may_hold_something();
        let refused = self.entries.iter().filter(unlisted).map(|entry| &entry.name);
        let unanswered = self.in_flight.iter().flat_map(|response| &response.items);
        refused.chain(unanswered.map(|item| &item.name))
    }

    /// Makes entries for names that have none; one sort for all of them.
    pub fn ensure<N: AsRef<str> + Ord>(&mut self, names: impl IntoIterator<Item = N>) {
        let missing: BTreeSet<N> = names.into_iter().filter(|name| self.position(name.as_ref()).is_err()).collect();
        self.add(missing.into_iter().map(|name| Entry::new(name.as_ref().into())).collect());
    }

    /// Adds entries whose names have none yet.
    pub fn add(&mut self, entries: Vec<Entry>) {
        if !entries.is_empty() {
            self.entries.reserve_exact(entries.len());
            self.entries.extend(entries);
            self.entries.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }

    pub fn change(&mut self, kind: ResourceType, change: Change) {
        let first = !mem::replace(&mut self.started, true);
        match change {
            Change::Incremental { subscribe, unsubscribe, held } => {
                if first || !subscribe.is_empty() || !unsubscribe.is_empty() {
                    self.reconsider();
                }
                self.subscribe(kind, first, &subscribe);
                self.unsubscribe(&unsubscribe);
                if first {
                    self.trust(&held);
                }
            }
            Change::Replace { names, version } => self.replace(kind, first, &names, &version),
        }
    }

    fn subscribe(&mut self, kind: ResourceType, first: bool, names: &[String]) {
        let all = names.iter().any(|name| name == WILDCARD) && may_have_all(kind);
        if all || (first && names.is_empty() && kind.has_wildcard()) {
            if !first {
                // whoever asks again may have dropped everything
                self.entries.iter_mut().for_each(|entry| entry.owed = true);
            }
            self.wildcard = true;
            self.answer_owed = true;
        }
        self.ensure(real(names));
        self.note_spellings(names);
        for name in real(names) {
            if let Some(entry) = self.find_mut(&name) {
                entry.named = true;
                entry.owed = true;
            }
        }
    }

    /// Answers go out in the client's own spelling, the last if there were several.
    fn note_spellings(&mut self, names: &[String]) {
        for own in names.iter().filter(|own| name::is_address(own)) {
            self.has_addresses = true;
            if let Some(entry) = self.find_mut(&name::canonical(own)) {
                let differs = *entry.name != **own;
                entry.spelling = differs.then(|| Box::new(Spelling(own.as_str().into())));
            }
        }
    }

    fn unsubscribe(&mut self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        if names.iter().any(|name| name == WILDCARD) {
            self.wildcard = false;
            self.answer_owed = false;
        }
        let wildcard = self.wildcard;
        for name in real(names) {
            if let Some(entry) = self.find_mut(&name) {
                // still subscribed to by the wildcard: the client must learn what it now holds
                entry.owed |= wildcard && entry.named;
                entry.named = false;
            }
        }
        self.forget_unsubscribed();
    }

    /// The client drops what it unsubscribes from, so nothing is known of it any longer.
    fn forget_unsubscribed(&mut self) {
        self.release_members();
        if !self.wildcard {
            self.entries.retain(|entry| entry.named || entry.collected);
        }
    }

    /// What the client says it holds needs no answer if it is still so.
    fn trust(&mut self, held: &[(String, String)]) {
        if self.wildcard {
            self.ensure(held.iter().map(|(name, _)| name::canonical(name)));
        }
        for (name, version) in held {
            if let Some(entry) = self.find_mut(&name::canonical(name)) {
                let holding = ResourceHash::parse(version).map_or(Holding::Unknown, Holding::Version);
                entry.sent = holding.clone();
                entry.good = holding;
                entry.owed = false;
                self.answer_owed = false;
            }
        }
    }

    fn replace(&mut self, kind: ResourceType, first: bool, names: &[String], version: &str) {
        let was_wildcard = self.wildcard;
        self.named_once |= !names.is_empty();
        self.wildcard = if names.is_empty() {
            kind.has_wildcard() && !self.named_once
        } else {
            may_have_all(kind) && names.iter().any(|name| name == WILDCARD)
        };
        self.answer_owed |= self.wildcard && !was_wildcard;
        let wanted: BTreeSet<Cow<'_, str>> = real(names).collect();
        self.ensure(wanted.iter());
        self.note_spellings(names);
        for entry in &mut self.entries {
            let named = wanted.contains(&*entry.name);
            entry.owed |= named && !entry.named;
            entry.named = named;
        }
        if self.answer_owed || self.entries.iter().any(|entry| entry.owed) {
            self.reconsider();
        }
        self.forget_unsubscribed();
        if first && !version.is_empty() {
            self.entries.iter_mut().for_each(Entry::hold_unknown);
            self.holds_unknown = self.wildcard;
            self.claimed = ResourceHash::parse(version).filter(|_| self.wildcard && wanted.is_empty());
        }
    }
}

/// Secrets are for those who name them.
pub(super) fn may_have_all(kind: ResourceType) -> bool {
    kind != ResourceType::Secret
}

/// Names of resources in canonical form: not the wildcard, and not the empty string, which never exists.
fn real(names: &[String]) -> impl Iterator<Item = Cow<'_, str>> {
    names.iter().filter(|name| !name.is_empty() && *name != WILDCARD).map(|name| name::canonical(name))
}

#[cfg(test)]
mod tests;
