//! `AliasCheck`: one per alias check. It mirrors the health of another instance, or of a node, as soon as that changes.
//!
//! | message | what happens |
//! |---|---|
//! | [`Ring`] | something changed where the target is: look again, tell the catalog when the answer is another one |
//! | (it was not kept) | tell it again in a moment |
//! | [`Leave`] | the check is gone, or is another one now |

use std::sync::Arc;
use std::time::Duration;

use actix::fut::WrapFuture as _;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext, Context, Handler, Message};

use chancery::catalog::{Tables, query};
use chancery::model::{Check, CheckId, NodeName, Place, ServiceId, Status};

use crate::kit::{Doorbell, ExitGuard, Hearing, Leave as LeaveChild, Pinned, Post, WeakPost};
use crate::metrics;

use super::prober::Found;
use super::{CheckParts, output};

/// When to try again after the catalog did not keep what was found.
const RETRY: Duration = Duration::from_secs(1);

/// Whose health is mirrored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mirrored {
    pub node: NodeName,
    /// Empty: the node itself.
    pub service: ServiceId,
}

pub struct AliasCheck {
    parts: Arc<CheckParts>,
    card: Pinned,
    id: CheckId,
    target: Mirrored,
    output_limit: usize,
    doorbell: Arc<Doorbell<Place>>,
    hearing: Option<(Place, Hearing<Place>)>,
    /// What the catalog was told last.
    told: Option<Found>,
    post: WeakPost<Self>,
    _exit: ExitGuard,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Ring;

#[derive(Message)]
#[rtype(result = "()")]
struct Leave;

impl Mirrored {
    /// Where a change of its health rings. An instance that is known is heard by its name, because a node rings for
    /// everything on it; one that is not yet known can only be waited for at its node.
    fn place(&self, tables: &Tables) -> Place {
        match query::service(tables, &self.node, &self.service) {
            Some(service) => Place::Service(service.name.clone()),
            None => Place::Node(self.node.clone()),
        }
    }

    /// The worst of the target's checks and its node's. A target without checks is healthy, one that is not there is
    /// not.
    pub fn health(&self, tables: &Tables) -> Found {
        let Mirrored { node, service } = self;
        if query::node(tables, node).is_none() {
            return Found::critical(format!("Node {node} could not be found"));
        }
        let mut checks = query::checks_of_service(tables, node, &ServiceId::default());
        if !service.is_empty() {
            if query::service(tables, node, service).is_none() {
                return Found::critical(format!("Service {service} could not be found on node {node}"));
            }
            checks.extend(query::checks_of_service(tables, node, service));
        }
        worst(&checks)
    }
}

/// Of several that are equally bad, the first speaks.
fn worst(checks: &[Arc<Check>]) -> Found {
    let worst = checks.iter().rev().max_by_key(|check| check.status);
    let (status, output) = match worst {
        None => (Status::Passing, "No checks found.".to_owned()),
        Some(check) if check.status == Status::Passing => (Status::Passing, "All checks passing.".to_owned()),
        Some(check) => (check.status, format!("Aliased check {:?} failing: {}", check.name, check.output)),
    };
    Found { status, output }
}

impl AliasCheck {
    pub fn start(
        parts: &Arc<CheckParts>,
        check: &Check,
        target: Mirrored,
        restarts: u32,
        exit: ExitGuard,
    ) -> LeaveChild {
        let (parts, id) = (Arc::clone(parts), check.id.clone());
        let of_check = check.definition.as_ref().map_or(0, |definition| definition.output_max_size);
        let output_limit = output::limit(of_check, parts.settings.load().output_max_bytes);
        let card = parts.desk.pin("AliasCheck", id.to_string(), restarts);
        let on_card = Arc::clone(card.card());
        let addr = parts.cells.clone().start(&id.clone(), move |ctx: &mut Context<Self>| {
            let post = Post::new(ctx.address(), card.card());
            let (bell, post) = (post.downgrade(), post.downgrade());
            let doorbell = Doorbell::new(move || bell.tell(Ring));
            Self { parts, card, id, target, output_limit, doorbell, hearing: None, told: None, post, _exit: exit }
        });
        let post = Post::new(addr, &on_card);
        Box::new(move || post.tell(Leave))
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        let found = self.hear();
        if self.told.as_ref() == Some(&found) {
            return;
        }
        metrics::check_run("alias", found.status.as_str());
        let kept = self.parts.keep(&self.id, found.status, found.output.clone());
        self.told = Some(found);
        ctx.spawn(kept.into_actor(self).map(|kept, check, ctx| {
            if !kept {
                check.told = None;
                ctx.run_later(RETRY, |check, _| check.post.tell(Ring));
            }
        }));
    }

    /// Hears where the target is now, and reads its health after that.
    fn hear(&mut self) -> Found {
        loop {
            let tables = self.parts.catalog.tables();
            let place = self.target.place(&tables);
            if self.hearing.as_ref().is_some_and(|(heard, _)| *heard == place) {
                let found = self.target.health(&tables);
                return Found { output: output::bounded(found.output, self.output_limit), ..found };
            }
            // what changed before this is read in the next round
            self.hearing = Some((place.clone(), self.parts.places.listen(place, &self.doorbell)));
        }
    }
}

impl Actor for AliasCheck {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.look(ctx);
    }
}

impl Handler<Ring> for AliasCheck {
    type Result = ();

    fn handle(&mut self, _: Ring, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Ring");
        self.doorbell.take();
        self.look(ctx);
    }
}

impl Handler<Leave> for AliasCheck {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Leave");
        ctx.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixtures::check;

    fn checks(statuses: &[Status]) -> Vec<Arc<Check>> {
        let named = ["a", "b", "c"].into_iter().zip(statuses);
        named
            .map(|(id, status)| Check { status: *status, output: format!("out {id}"), ..check(id, "web", None) })
            .map(Arc::new)
            .collect()
    }

    #[test]
    fn the_worst_check_speaks_for_all() {
        use Status::{Critical, Passing, Warning};
        for (statuses, status, output) in [
            (&[][..], Passing, "No checks found."),
            (&[Passing, Passing], Passing, "All checks passing."),
            (&[Passing, Warning], Warning, "Aliased check \"b\" failing: out b"),
            (&[Warning, Critical, Critical], Critical, "Aliased check \"b\" failing: out b"),
        ] {
            assert_eq!(worst(&checks(statuses)), Found { status, output: output.to_owned() });
        }
    }
}
