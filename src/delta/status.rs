//! The stream as operators see it, in the words of the client status discovery service.

use std::sync::Arc;

use super::entry::Entry;
use super::{Nonce, Rejection, Stream};
use crate::resource::{Resource, ResourceHash, ResourceType};

/// How far a resource has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncState {
    /// The client has accepted the newest content.
    Synced,
    /// The newest content waits for its turn.
    NotSent,
    /// The newest content was sent and not answered.
    Stale,
    /// The client has refused the newest content.
    Error,
}

impl SyncState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "SYNCED",
            Self::NotSent => "NOT_SENT",
            Self::Stale => "STALE",
            Self::Error => "ERROR",
        }
    }
}

/// One type on a stream.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeStatus {
    pub kind: ResourceType,
    pub wildcard: bool,
    /// The names subscribed to by themselves.
    pub names: Vec<Arc<str>>,
    /// The last response and its [`super::Push::version`].
    pub sent: Option<(Nonce, ResourceHash)>,
    pub accepted: Option<(Nonce, ResourceHash)>,
    /// Responses that were not answered yet.
    pub in_flight: usize,
    pub rejections: u64,
    pub last_rejection: Option<Rejection>,
    /// Sorted by name.
    pub resources: Vec<ResourceStatus>,
}

/// One name that a client is subscribed to. A version is absent where there is no resource, or none of ours.
#[derive(Clone, PartialEq, Debug)]
pub struct ResourceStatus {
    pub name: Arc<str>,
    pub state: SyncState,
    /// In the newest view.
    pub wanted: Option<ResourceHash>,
    pub accepted: Option<ResourceHash>,
}

impl Stream {
    /// The types that the client has asked for.
    pub fn status(&self) -> Vec<TypeStatus> {
        ResourceType::ALL.into_iter().filter(|kind| self.of(*kind).started).map(|kind| self.type_status(kind)).collect()
    }

    fn type_status(&self, kind: ResourceType) -> TypeStatus {
        let subscription = self.of(kind);
        let target = |name: &str| self.view.as_ref().and_then(|view| view.get(kind, name));
        let named = subscription.entries.iter().filter(|entry| entry.named);
        let mut resources: Vec<ResourceStatus> = subscription
            .entries
            .iter()
            .map(|entry| ResourceStatus {
                name: Arc::clone(&entry.name),
                state: self.state(kind, entry, target(&entry.name)),
                wanted: target(&entry.name).map(|resource| resource.version),
                accepted: entry.good.version(),
            })
            .collect();
        if let Some(view) = self.view.as_ref().filter(|_| subscription.wildcard) {
            let unheard = view.list(kind).iter().filter(|resource| subscription.find(&resource.name).is_none());
            resources.extend(unheard.map(|resource| ResourceStatus {
                name: Arc::clone(&resource.name),
                state: SyncState::NotSent,
                wanted: Some(resource.version),
                accepted: None,
            }));
            resources.sort_by(|a, b| a.name.cmp(&b.name));
        }
        TypeStatus {
            kind,
            wildcard: subscription.wildcard,
            names: named.map(|entry| Arc::clone(&entry.name)).collect(),
            sent: subscription.last_sent,
            accepted: subscription.last_accepted,
            in_flight: subscription.in_flight.len(),
            rejections: subscription.rejections,
            last_rejection: subscription.last_rejection.as_deref().cloned(),
            resources,
        }
    }

    fn state(&self, kind: ResourceType, entry: &Entry, target: Option<&Arc<Resource>>) -> SyncState {
        if self.view.is_none() {
            SyncState::NotSent
        } else if target.is_none() && !self.dialect.can_remove(kind) {
            SyncState::Synced
        } else if entry.suspect.as_ref().is_some_and(|suspect| suspect.is(target)) {
            SyncState::Error
        } else if entry.owed || !entry.sent.is(target) {
            SyncState::NotSent
        } else if self.of(kind).is_in_flight(entry.nonce) {
            SyncState::Stale
        } else {
            SyncState::Synced
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conversation::{Conversation, kind};

    // row 139
    #[test]
    fn a_resource_goes_through_all_four_states() {
        let mut talk = Conversation::settled(&["C a@1", "L bad@1", "L gated@1", "L stale@1", "L synced@1"]);
        talk.view(&["C a@1", "L bad@2", "L gated@1", "L stale@1", "L synced@1"]);
        talk.nack("L");
        talk.view(&["C a@2", "L bad@2", "L gated@2 a", "L new@1 a", "L stale@2", "L synced@1"]);
        let status = talk.stream.status();
        let listeners = status.iter().find(|of| of.kind == kind("L")).unwrap();
        let states: Vec<_> = listeners.resources.iter().map(|of| (&*of.name, of.state.as_str())).collect();
        let expected =
            [("bad", "ERROR"), ("gated", "NOT_SENT"), ("new", "NOT_SENT"), ("stale", "STALE"), ("synced", "SYNCED")];
        assert_eq!(states, expected);
        assert!(listeners.wildcard);
        assert_eq!((listeners.in_flight, listeners.rejections), (1, 1));
        assert_eq!(listeners.last_rejection.as_ref().unwrap().message, "no");
        assert_ne!(listeners.resources[0].accepted, listeners.resources[0].wanted);
    }
}
