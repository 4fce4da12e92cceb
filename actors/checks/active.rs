//! `ActiveCheck`: one per check that asks. It asks the instance every interval, once at a time, and tells the catalog
//! when what it found is news.
//!
//! | message | what happens |
//! |---|---|
//! | `RunDue` | ask |
//! | (the answer comes) | judge it by the thresholds; have the catalog keep it; wait for the next run |
//! | [`Leave`] | the check is gone, or is another one now |

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Duration;

use actix::fut::WrapFuture as _;
use actix::{Actor, ActorContext as _, ActorFutureExt as _, AsyncContext, Context, Handler, Message};

use chancery::model::{Check, CheckDefinition, CheckId, NodeName, Target};

use crate::kit::{ExitGuard, Leave as LeaveChild, Pinned, Post, WeakPost};
use crate::metrics;

use super::CheckParts;
use super::prober::{Found, Question};
use super::steady::{News, Steady};
use super::thresholds::Thresholds;

/// Nobody is asked more often than this.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

pub struct ActiveCheck {
    parts: Arc<CheckParts>,
    card: Pinned,
    id: CheckId,
    kind: &'static str,
    question: Arc<Question>,
    interval: Duration,
    first_after: Duration,
    thresholds: Thresholds,
    steady: Steady,
    post: WeakPost<Self>,
    _exit: ExitGuard,
}

#[derive(Message)]
#[rtype(result = "()")]
struct RunDue;

#[derive(Message)]
#[rtype(result = "()")]
struct Leave;

/// How long after its start a check runs first: somewhere within its interval, so that thousands of checks that start
/// together do not run together. Drawn from the name, so a restart draws the same.
fn first_after(node: &NodeName, id: &CheckId, interval: Duration) -> Duration {
    let drawn = BuildHasherDefault::<DefaultHasher>::default().hash_one((node, id));
    let interval_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(drawn % interval_ms)
}

impl ActiveCheck {
    pub fn start(
        parts: &Arc<CheckParts>,
        check: &Check,
        definition: &CheckDefinition,
        target: Target,
        restarts: u32,
        exit: ExitGuard,
    ) -> LeaveChild {
        let (parts, id, kind) = (Arc::clone(parts), check.id.clone(), definition.probe.kind());
        let interval = definition.interval.max(MIN_INTERVAL);
        let first_after = first_after(&check.node, &id, interval);
        let question = Question::new(target, definition, parts.settings.load().output_max_bytes);
        let (question, thresholds, steady) = (Arc::new(question), Thresholds::of(definition), Steady::default());
        let card = parts.desk.pin("ActiveCheck", id.to_string(), restarts);
        let on_card = Arc::clone(card.card());
        let addr = parts.cells.clone().start(&check.id, move |ctx: &mut Context<Self>| {
            let post = Post::new(ctx.address(), card.card()).downgrade();
            Self { parts, card, id, kind, question, interval, first_after, thresholds, steady, post, _exit: exit }
        });
        let post = Post::new(addr, &on_card);
        Box::new(move || post.tell(Leave))
    }

    fn run_after(&self, wait: Duration, ctx: &mut Context<Self>) {
        ctx.run_later(wait, |check, _| check.post.tell(RunDue));
    }

    fn found(&mut self, found: Found, ctx: &mut Context<Self>) {
        metrics::check_run(self.kind, found.status.as_str());
        if let Some(status) = self.thresholds.judge(found.status)
            && self.parts.weigh(&mut self.steady, &self.id, status, &found.output) == News::Now
        {
            let kept = self.parts.keep(&self.id, status, found.output);
            // if it was not kept, the next run finds it to be news again
            ctx.spawn(kept.into_actor(self).map(|_, _, _| ()));
        }
        self.run_after(self.interval, ctx);
    }
}

impl Actor for ActiveCheck {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.run_after(self.first_after, ctx);
    }
}

impl Handler<RunDue> for ActiveCheck {
    type Result = ();

    fn handle(&mut self, _: RunDue, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("RunDue");
        // one that was let in by an earlier configuration, or came with a snapshot
        if let Err(why) = self.parts.settings.load().scripts.runs(&self.question.target) {
            self.found(Found::critical(why.to_string()), ctx);
            return;
        }
        let answer = self.parts.prober.ask(Arc::clone(&self.question));
        ctx.spawn(answer.into_actor(self).map(|found, check, ctx| check.found(found, ctx)));
    }
}

impl Handler<Leave> for ActiveCheck {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Context<Self>) {
        let _turn = self.card.turn("Leave");
        ctx.stop();
    }
}
