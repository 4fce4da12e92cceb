//! Where a stream's views come from: what is published for its sidecar, or for the listeners that its gRPC program asks
//! for.

use std::collections::BTreeSet;
use std::sync::Arc;

use chancery::delta::{Change, Request};
use chancery::model::{EnvoyVersion, GrpcNode, GrpcSubscriber, ProxyId, SidecarNode};
use chancery::resource::{ResourceType, View};

use crate::kit::{Doorbell, Hearing, Ripples};
use crate::proxy_registry::Proxies;

/// Who is at the other end of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Client {
    Sidecar(SidecarNode),
    Grpc(Arc<GrpcNode>),
}

impl Client {
    pub fn id(&self) -> &ProxyId {
        match self {
            Self::Sidecar(node) => &node.id,
            Self::Grpc(node) => &node.id,
        }
    }

    pub fn envoy(&self) -> Option<EnvoyVersion> {
        match self {
            Self::Sidecar(node) => node.envoy,
            Self::Grpc(_) => None,
        }
    }
}

impl From<ProxyId> for Client {
    fn from(id: ProxyId) -> Self {
        Self::Sidecar(id.into())
    }
}

/// What is published, for all clients.
#[derive(Clone)]
pub struct Publications {
    pub sidecars: Proxies,
    pub programs: Proxies<GrpcSubscriber>,
}

impl Publications {
    /// Everything that the client shall hold, whichever kind it is of and over however many streams.
    pub fn view(&self, client: &SidecarNode) -> Option<Arc<View>> {
        if let Some(view) = self.sidecars.board.read(client).and_then(|published| published.view) {
            return Some(view);
        }
        let of_program =
            self.programs.snapshots.keys().into_iter().filter(|subscriber| subscriber.node.id == client.id);
        let views: Vec<Arc<View>> =
            of_program.filter_map(|subscriber| self.programs.board.read(&subscriber)?.view).collect();
        (!views.is_empty()).then(|| Arc::new(View::new(views.iter().flat_map(|view| view.all()).cloned())))
    }
}

/// The views of one stream.
pub(crate) enum Views {
    Sidecar {
        sidecars: Proxies,
        node: SidecarNode,
        doorbell: Arc<Doorbell<SidecarNode>>,
        _hearing: Hearing<SidecarNode>,
    },
    Grpc(GrpcViews),
}

/// Those of a gRPC program: a proxyless client says by the listeners it asks for what it shall have at all.
pub(crate) struct GrpcViews {
    programs: Proxies<GrpcSubscriber>,
    subscriber: GrpcSubscriber,
    doorbell: Arc<Doorbell<GrpcSubscriber>>,
    /// `None` until it has asked for listeners: what it asks for before, when it comes back, follows from them too.
    hearing: Option<Hearing<GrpcSubscriber>>,
}

/// What a request does to the views that follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outlook {
    Same,
    /// Another view will come; this one holds more than is asked for.
    Narrower,
    /// Another view will come; this one lacks some of what is asked for.
    Wider,
}

impl Views {
    /// `notify` sends the notice that there is another view.
    pub fn new(client: Client, publications: &Publications, notify: impl Fn() + Send + Sync + 'static) -> Self {
        match client {
            Client::Sidecar(node) => {
                let sidecars = publications.sidecars.clone();
                let doorbell = Doorbell::new(notify);
                let hearing = sidecars.listen(node.clone(), &doorbell);
                Self::Sidecar { sidecars, node, doorbell, _hearing: hearing }
            }
            Client::Grpc(node) => Self::Grpc(GrpcViews {
                programs: publications.programs.clone(),
                subscriber: GrpcSubscriber::new(node),
                doorbell: Doorbell::new(notify),
                hearing: None,
            }),
        }
    }

    /// The changes that were rung; read the newest view after this.
    pub fn take(&self) -> Ripples {
        match self {
            Self::Sidecar { doorbell, .. } => doorbell.take().ripples,
            Self::Grpc(views) => views.doorbell.take().ripples,
        }
    }

    pub fn newest(&self) -> Option<Arc<View>> {
        match self {
            Self::Sidecar { sidecars, node, .. } => sidecars.board.read(node)?.view,
            Self::Grpc(views) => views.programs.board.read(&views.subscriber)?.view,
        }
    }

    /// To be told of each request before the protocol is.
    pub fn hear(&mut self, request: &Request) -> Outlook {
        match self {
            Self::Grpc(views) if request.kind == Ok(ResourceType::Listener) => views.ask(&request.change),
            _ => Outlook::Same,
        }
    }
}

impl GrpcViews {
    fn ask(&mut self, change: &Change) -> Outlook {
        let before = &self.subscriber.listeners;
        let wanted = names_after(change, before);
        if self.hearing.is_some() && wanted == **before {
            return Outlook::Same;
        }
        let wider = self.hearing.is_none() || !wanted.is_subset(before);
        self.subscriber.listeners = Arc::new(wanted);
        // the old one is dropped after the new one stands
        self.hearing = Some(self.programs.listen(self.subscriber.clone(), &self.doorbell));
        if wider { Outlook::Wider } else { Outlook::Narrower }
    }
}

fn names_after(change: &Change, before: &BTreeSet<String>) -> BTreeSet<String> {
    match change {
        Change::Replace { names, .. } => names.iter().cloned().collect(),
        Change::Incremental { subscribe, unsubscribe, .. } => {
            let kept = before.iter().filter(|name| !unsubscribe.contains(name));
            kept.chain(subscribe).cloned().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_either_dialect() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let before: BTreeSet<String> = names(&["a", "b"]).into_iter().collect();
        let replace = Change::Replace { names: names(&["b", "c"]), version: String::new() };
        assert_eq!(names_after(&replace, &before), names(&["b", "c"]).into_iter().collect());
        let incremental =
            Change::Incremental { subscribe: names(&["c"]), unsubscribe: names(&["a", "z"]), held: Vec::new() };
        assert_eq!(names_after(&incremental, &before), names(&["b", "c"]).into_iter().collect());
    }
}
