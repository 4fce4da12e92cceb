//! `TtlCheck`: one per TTL check. The application reports; when it has been silent for too long the check is critical.
//!
//! | message | what happens |
//! |---|---|
//! | [`Reported`] | the clock starts anew; what is news goes on to the catalog from here, so never before an older expiry |
//! | `ExpiryDue` | silent for the whole TTL: critical. Reported since: wait for what is left |
//! | (the expiry was not kept) | try again |
//! | [`Leave`] | the check is gone, or is another one now |

use std::sync::Arc;
use std::time::Duration;

use actix::fut::WrapFuture as _;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext, Context, Handler, Message, SpawnHandle};
use tokio::time::Instant;

use chancery::catalog::{Outcome, Write};
use chancery::model::{Check, CheckId, Status};

use crate::catalog::{Commit, Committed};
use crate::kit::{ExitGuard, Pinned, Post, WeakPost};
use crate::metrics;

use super::CheckParts;
use super::steady::{News, Steady};

/// How the output of a check begins that has expired.
const EXPIRED: &str = "TTL expired";

/// When to try again after the catalog did not keep an expiry.
const RETRY: Duration = Duration::from_secs(10);

pub struct TtlCheck {
    parts: Arc<CheckParts>,
    card: Pinned,
    id: CheckId,
    ttl: Duration,
    deadline: Instant,
    steady: Steady,
    /// Runs until the deadline as it was once; a report moves the deadline and leaves the timer alone.
    timer: Option<(Instant, SpawnHandle)>,
    post: WeakPost<Self>,
    _exit: ExitGuard,
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct Reported(pub Commit);

#[derive(Message)]
#[rtype(result = "()")]
struct ExpiryDue;

#[derive(Message)]
#[rtype(result = "()")]
pub struct Leave;

impl TtlCheck {
    /// Starts the check, which runs until it is told to leave. The full TTL begins.
    pub fn start(parts: &Arc<CheckParts>, id: &CheckId, ttl: Duration, restarts: u32, exit: ExitGuard) -> Post<Self> {
        let (parts, id) = (Arc::clone(parts), id.clone());
        let card = parts.desk.pin("TtlCheck", id.to_string(), restarts);
        let on_card = Arc::clone(card.card());
        let addr = parts.cells.clone().start(&id.clone(), move |ctx: &mut Context<Self>| {
            let post = Post::new(ctx.address(), card.card()).downgrade();
            let (deadline, steady) = (Instant::now() + ttl, Steady::default());
            Self { parts, card, id, ttl, deadline, steady, timer: None, post, _exit: exit }
        });
        Post::new(addr, &on_card)
    }

    /// Sets the timer, unless it is over before that anyway.
    fn look_at(&mut self, when: Instant, ctx: &mut Context<Self>) {
        if let Some((earlier, timer)) = self.timer {
            if earlier <= when {
                return;
            }
            ctx.cancel_future(timer);
        }
        let wait = when.saturating_duration_since(Instant::now());
        self.timer = Some((when, ctx.run_later(wait, |check, _| check.post.tell(ExpiryDue))));
    }

    fn expire(&mut self, ctx: &mut Context<Self>) {
        self.timer = None;
        if Instant::now() < self.deadline {
            self.look_at(self.deadline, ctx);
            return;
        }
        let Some(known) = self.parts.known(&self.id).filter(|known| !is_expired(known)) else { return };
        tracing::info!(check = %self.id, "TTL expired");
        metrics::check_run("ttl", Status::Critical.as_str());
        self.steady.tell(Status::Critical);
        self.parts.newest.clear(&self.id);
        let output = format!("{EXPIRED} (last output before timeout follows): {}", known.output);
        let kept = self.parts.keep(&self.id, Status::Critical, output);
        ctx.spawn(kept.into_actor(self).map(|kept, check, ctx| {
            if !kept {
                check.look_at(Instant::now() + RETRY, ctx);
            }
        }));
    }
}

fn is_expired(check: &Check) -> bool {
    check.status == Status::Critical && check.output.starts_with(EXPIRED)
}

impl Actor for TtlCheck {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.look_at(self.deadline, ctx);
    }
}

impl Handler<Reported> for TtlCheck {
    type Result = ();

    fn handle(&mut self, Reported(commit): Reported, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Reported");
        self.deadline = Instant::now() + self.ttl;
        self.look_at(self.deadline, ctx);
        match &commit.write {
            Write::UpdateCheck { status, output, .. }
                if self.parts.weigh(&mut self.steady, &self.id, *status, output) == News::Later =>
            {
                let (index, outcome, results) = (self.parts.catalog.tables().index(), Outcome::Unchanged, Vec::new());
                _ = commit.reply.send(Ok(Committed { index, outcome, results }));
            }
            _ => self.parts.catalog.seat.tell(commit),
        }
    }
}

impl Handler<ExpiryDue> for TtlCheck {
    type Result = ();

    fn handle(&mut self, _: ExpiryDue, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("ExpiryDue");
        self.expire(ctx);
    }
}

impl Handler<Leave> for TtlCheck {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Leave");
        ctx.stop();
    }
}
