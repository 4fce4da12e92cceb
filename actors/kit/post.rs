//! Sending. An address with the card of its actor, so that the depth of a mailbox is known; the only place that uses
//! actix's `do_send`. Mailboxes stay bounded by what is sent, not by their capacity (which `do_send` ignores): notices
//! are at most one per doorbell, and commands are awaited by whoever asked.

use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context, Handler, Message, WeakAddr};
use arc_swap::ArcSwapOption;

use super::desk::Card;

pub struct Post<A: Actor> {
    addr: Addr<A>,
    card: Arc<Card>,
}

impl<A: Actor> Clone for Post<A> {
    fn clone(&self) -> Self {
        Self { addr: self.addr.clone(), card: Arc::clone(&self.card) }
    }
}

impl<A: Actor<Context = Context<A>>> Post<A> {
    pub fn new(addr: Addr<A>, card: &Arc<Card>) -> Self {
        Self { addr, card: Arc::clone(card) }
    }

    /// Queues a message; to an actor that has ended it goes nowhere.
    pub fn tell<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.card.enqueue();
        self.addr.do_send(message);
    }

    pub fn connected(&self) -> bool {
        self.addr.connected()
    }

    pub fn downgrade(&self) -> WeakPost<A> {
        WeakPost { addr: self.addr.downgrade(), card: Arc::clone(&self.card) }
    }
}

/// A post that does not keep its actor alive.
pub struct WeakPost<A: Actor> {
    addr: WeakAddr<A>,
    card: Arc<Card>,
}

impl<A: Actor> Clone for WeakPost<A> {
    fn clone(&self) -> Self {
        Self { addr: self.addr.clone(), card: Arc::clone(&self.card) }
    }
}

impl<A: Actor<Context = Context<A>>> WeakPost<A> {
    pub fn new(addr: WeakAddr<A>, card: &Arc<Card>) -> Self {
        Self { addr, card: Arc::clone(card) }
    }

    pub fn tell<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        if let Some(addr) = self.addr.upgrade() {
            self.card.enqueue();
            addr.do_send(message);
        }
    }
}

/// Where an actor that there is one of can be reached, also after it has been rebuilt.
pub struct Seat<A: Actor> {
    post: Arc<ArcSwapOption<Post<A>>>,
}

impl<A: Actor> Clone for Seat<A> {
    fn clone(&self) -> Self {
        Self { post: Arc::clone(&self.post) }
    }
}

impl<A: Actor> Default for Seat<A> {
    fn default() -> Self {
        Self { post: Arc::default() }
    }
}

impl<A: Actor<Context = Context<A>>> Seat<A> {
    pub fn take(&self, post: Post<A>) {
        self.post.store(Some(Arc::new(post)));
    }

    /// Empties the seat: what is sent from now on goes nowhere, and the actor ends when its work is done.
    pub fn leave(&self) {
        self.post.store(None);
    }

    pub fn tell<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        if let Some(post) = &*self.post.load() {
            post.tell(message);
        }
    }
}
