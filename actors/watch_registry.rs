//! `WatchRegistry`: the parent of all `SourceWatch`es, and how everybody else listens to topics ([`Watches`]).
//!
//! It is a [`Registry`] keyed by topic: a watch lives while anybody listens to its topic.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use chancery::catalog::Tables;
use chancery::fact::{Fact, look};
use chancery::model::{Index, Topic};

use crate::kit::registry::Start;
use crate::kit::{Bell, Board, Cells, Desk, Doorbell, Hearing, Post, Reconcile, Registry, RegistryParts, Seat};
use crate::metrics;
use crate::source_watch::{Leave, Posted, SourceWatch, WatchParts};

pub use crate::source_watch::Answer;

pub type WatchRegistry = Registry<Topic>;

/// How the others listen to topics and read their answers.
#[derive(Clone)]
pub struct Watches {
    pub topics: Arc<Bell<Topic>>,
    pub board: Arc<Board<Topic, Posted>>,
    pub published: Arc<ArcSwap<Tables>>,
}

impl Watches {
    /// The bell of topics, whose edges wake the registry in its seat.
    pub fn new(seat: &Seat<WatchRegistry>, published: &Arc<ArcSwap<Tables>>) -> Self {
        let seat = seat.clone();
        Self {
            topics: Bell::with_edges(move |topic: &Topic| seat.tell(Reconcile(topic.clone()))),
            board: Arc::default(),
            published: Arc::clone(published),
        }
    }

    /// Starts the registry in its seat.
    pub fn start(parts: Arc<WatchParts>, seat: Seat<WatchRegistry>, desk: &Arc<Desk>, cells: &Cells) {
        let (desk_of_children, cells_of_children) = (Arc::clone(desk), cells.clone());
        let board = Arc::clone(&parts.board);
        let bell = Arc::clone(&parts.topics);
        let start: Start<Topic> = Arc::new(move |topic, restarts, exit| {
            let (parts, desk, topic) = (Arc::clone(&parts), Arc::clone(&desk_of_children), topic.clone());
            let card = desk.pin("SourceWatch", topic.to_string(), restarts);
            let on_card = Arc::clone(card.card());
            let addr =
                cells_of_children.start(&topic.clone(), move |ctx| SourceWatch::new(parts, topic, card, exit, ctx));
            let post = Post::new(addr, &on_card);
            Box::new(move || post.tell(Leave))
        });
        Registry::start(
            &Arc::new(RegistryParts {
                kind: "WatchRegistry",
                bell,
                seat,
                start,
                gone: Box::new(move |topic| board.clear(topic)),
                linger: Duration::ZERO,
                desk: Arc::clone(desk),
                cells: cells.clone(),
                launched: AtomicU64::new(0),
            }),
            0,
        );
    }

    pub fn listen(&self, topic: Topic, doorbell: &Arc<Doorbell<Topic>>) -> Hearing<Topic> {
        self.topics.listen(topic, doorbell)
    }

    /// What is posted. It is never of before entries that were published together with others: one that is, is looked
    /// for again at once, for everybody, and its watch tells the others when it comes to it.
    pub fn known(&self, topic: &Topic) -> Option<Fact> {
        let (posted, tables) = (self.board.read(topic)?, self.published.load());
        if posted.may_be_torn(&tables) {
            return self.board.amend(topic, |posted| posted.catch_up(&tables, topic)).map(|posted| posted.answer.fact);
        }
        Some(posted.answer.fact)
    }

    /// The answer now (`after` is `None`), or as soon as its index passes `after`, or what stands when `wait` is over.
    ///
    /// An `after` from the future (the state was reset since) is answered at once, so that the client starts anew.
    pub async fn read(&self, topic: Topic, after: Option<Index>, wait: Duration) -> Answer {
        let now = self.look(&topic);
        let Some(after) = after.filter(|after| now.index <= *after && *after <= self.published.load().index()) else {
            return now;
        };
        self.wait(topic, wait, |answer| answer.index > after).await
    }

    /// Waits for an answer that will do; what stands when `wait` is over otherwise.
    pub async fn wait(&self, topic: Topic, wait: Duration, will_do: impl Fn(&Answer) -> bool) -> Answer {
        let _counted = metrics::blocking_read();
        let deadline = Instant::now() + wait;
        let rung = Arc::new(Notify::new());
        let notify = Arc::clone(&rung);
        let doorbell = Doorbell::new(move || notify.notify_one());
        let _hearing = self.listen(topic.clone(), &doorbell);
        loop {
            doorbell.take();
            let answer = self.look(&topic);
            if will_do(&answer) || timeout_at(deadline, rung.notified()).await.is_err() {
                return answer;
            }
        }
    }

    /// The answer now.
    pub fn look(&self, topic: &Topic) -> Answer {
        let found = look(&self.published.load(), topic);
        Answer { fact: found.fact, index: found.index }
    }
}
