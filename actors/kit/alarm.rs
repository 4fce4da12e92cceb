//! A message to an actor at a later time. Unlike a timer of actix it does not keep its actor alive.

use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Context, Handler, Message};
use tokio::task::JoinHandle;

use super::post::WeakPost;

/// Forgotten when dropped.
pub struct Alarm(JoinHandle<()>);

impl Alarm {
    /// To be called where actors run.
    pub fn after<A, M>(wait: Duration, post: &WeakPost<A>, message: M) -> Self
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Actor<Context = Context<A>> + Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        let post = post.clone();
        Self(actix_rt::spawn(async move {
            tokio::time::sleep(wait).await;
            post.tell(message);
        }))
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.abort();
    }
}
