//! One name on one stream: what the client was sent under it, what it accepted, what it refused.

use std::sync::Arc;
use std::time::Duration;

use super::Nonce;
use crate::resource::{Resource, ResourceHash};

/// What a client holds under a name, as far as it can be known.
#[derive(Clone, Debug, Default)]
pub(super) enum Holding {
    #[default]
    Nothing,
    Resource(Arc<Resource>),
    /// By its own word, from an earlier stream.
    Version(ResourceHash),
    /// Something of an earlier stream that was not ours, or parts of a response it refused.
    Unknown,
}

impl Holding {
    pub fn is(&self, target: Option<&Arc<Resource>>) -> bool {
        match (self, target) {
            (Self::Nothing, None) => true,
            (Self::Resource(held), Some(target)) => held.version == target.version,
            (Self::Version(held), Some(target)) => *held == target.version,
            _ => false,
        }
    }

    pub fn of(target: Option<&Arc<Resource>>) -> Self {
        target.map_or(Self::Nothing, |resource| Self::Resource(Arc::clone(resource)))
    }

    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    pub fn version(&self) -> Option<ResourceHash> {
        match self {
            Self::Resource(resource) => Some(resource.version),
            Self::Version(version) => Some(*version),
            Self::Nothing | Self::Unknown => None,
        }
    }

    pub fn resource(&self) -> Option<&Arc<Resource>> {
        if let Self::Resource(resource) = self { Some(resource) } else { None }
    }
}

/// Content that was in a response the client refused.
#[derive(Clone, Debug)]
pub(super) struct Suspect {
    /// `None`: a removal.
    pub target: Option<Arc<Resource>>,
    /// The most items a response with it may have; 0: it was refused alone, so it is not sent again.
    pub limit: usize,
    /// What contents that were refused before it refer to: the client may hold one of those.
    pub earlier_needs: Vec<Arc<str>>,
}

impl Suspect {
    /// Everything that refused contents refer to.
    pub fn needs(&self) -> impl Iterator<Item = &Arc<str>> {
        self.target.iter().flat_map(|resource| &resource.needs).chain(&self.earlier_needs)
    }

    pub fn is(&self, target: Option<&Arc<Resource>>) -> bool {
        self.target.as_ref().map(|resource| resource.version) == target.map(|resource| resource.version)
    }
}

/// A client's own spelling of a name.
#[derive(Clone, Debug)]
pub(super) struct Spelling(pub Arc<str>);

/// A name that is subscribed to, by itself or by the wildcard.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: Arc<str>,
    /// Subscribed to by itself.
    pub named: bool,
    /// Subscribed to by a glob or an alias.
    pub collected: bool,
    /// As the client spells the name, if differently.
    pub spelling: Option<Box<Spelling>>,
    /// To be sent even if the client seems to hold it.
    pub owed: bool,
    /// What was sent last; `Nothing` after a removal or before anything.
    pub sent: Holding,
    /// What the client accepted last.
    pub good: Holding,
    /// The response that `sent` went out in; 0: none on this stream.
    pub nonce: Nonce,
    /// Since when the client has content before it that it has not accepted.
    pub pending_since: Option<Duration>,
    pub suspect: Option<Box<Suspect>>,
}

impl Entry {
    pub fn new(name: Arc<str>) -> Self {
        Self {
            name,
            named: false,
            collected: false,
            spelling: None,
            owed: false,
            sent: Holding::Nothing,
            good: Holding::Nothing,
            nonce: Nonce::default(),
            pending_since: None,
            suspect: None,
        }
    }

    pub fn hold_unknown(&mut self) {
        self.sent = Holding::Unknown;
        self.good = Holding::Unknown;
    }

    /// Held by the client's own word alone.
    pub fn is_claimed(&self) -> bool {
        matches!(self.sent, Holding::Version(_))
    }

    /// Refused alone, so not to be sent again.
    pub fn is_quarantined(&self, target: Option<&Arc<Resource>>) -> bool {
        self.suspect.as_ref().is_some_and(|suspect| suspect.limit == 0 && suspect.is(target))
    }

    /// How many items a response with `target` may have, if a response with it was refused before.
    pub fn limit(&self, target: Option<&Arc<Resource>>) -> Option<usize> {
        self.suspect.as_ref().filter(|suspect| suspect.is(target)).map(|suspect| suspect.limit.max(1))
    }

    pub fn may_hold_something(&self) -> bool {
        !(self.sent.is_nothing() && self.good.is_nothing())
    }

    /// The client may have taken this from a response that it refused.
    pub fn is_unsure(&self) -> bool {
        matches!(self.sent, Holding::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Stream, subscription::Subscription};
    use super::*;

    // row 17, of ten thousand streams with ten resources each
    #[test]
    fn an_idle_stream_costs_a_few_kilobytes() {
        assert!(size_of::<Entry>() <= 96, "{}", size_of::<Entry>());
        assert!(size_of::<Subscription>() <= 256, "{}", size_of::<Subscription>());
        assert!(size_of::<Stream>() + 10 * size_of::<Entry>() <= 2560, "{}", size_of::<Stream>());
    }
}
