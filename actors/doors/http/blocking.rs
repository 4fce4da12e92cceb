//! Blocking reads. Each is a listener of its topic's `SourceWatch`, as a proxy is; a client that goes away drops it, and
//! so does the server when it drains.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _, select_all};

use chancery::model::{Index, Topic};

use super::HttpDoor;
use super::params::Params;
use super::reply::Failure;
use crate::watch_registry::Answer;

/// What a request says about waiting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blocking {
    /// Wait for an index above this; `None`: answer at once.
    pub after: Option<Index>,
    pub wait: Duration,
}

impl HttpDoor {
    /// The topic's answer: at once, or when the index or the time that the request names has passed.
    pub async fn read(&self, params: &Params, topic: Topic) -> Result<Answer, Failure> {
        let blocking = params.blocking()?;
        let reading = self.watches().read(topic.clone(), blocking.after, with_jitter(blocking.wait));
        tokio::select! {
            answer = reading => Ok(answer),
            () = self.closed() => Ok(self.watches().read(topic, None, Duration::ZERO).await),
        }
    }

    /// The same, where others have a part in the answer too: its index is that of the newest of them.
    pub async fn read_with(&self, params: &Params, topic: Topic, others: &[Topic]) -> Result<Answer, Failure> {
        let blocking = params.blocking()?;
        let topics: Vec<Topic> = others.iter().cloned().chain([topic.clone()]).collect();
        let newest = || topics.iter().map(|topic| self.watches().look(topic).index).max().unwrap_or_default();
        let now = newest();
        if let Some(after) = blocking.after.filter(|after| now <= *after && *after <= self.tables().index()) {
            self.wait_until(topics.clone(), blocking.wait, || newest() > after).await;
        }
        let answer = self.watches().look(&topic);
        Ok(Answer { index: newest(), ..answer })
    }

    /// Waits for an answer that will do, no longer than `wait`; what stands otherwise.
    pub async fn wait(&self, topic: Topic, wait: Duration, will_do: impl Fn(&Answer) -> bool) -> Answer {
        tokio::select! {
            answer = self.watches().wait(topic.clone(), with_jitter(wait), will_do) => answer,
            () = self.closed() => self.watches().read(topic, None, Duration::ZERO).await,
        }
    }

    /// Waits until `done` holds, asking again whenever the answer of one of the topics has changed; no longer than `wait`.
    pub async fn wait_until(&self, topics: Vec<Topic>, wait: Duration, done: impl Fn() -> bool + Sync) {
        let wait = with_jitter(wait);
        let done = &done;
        let waits: Vec<BoxFuture<'_, Answer>> =
            topics.into_iter().map(|topic| self.watches().wait(topic, wait, move |_| done()).boxed()).collect();
        if waits.is_empty() {
            return;
        }
        tokio::select! {
            _ = select_all(waits) => {}
            () = self.closed() => {}
        }
    }
}

/// Up to a sixteenth more, so that clients that came together do not all come back together.
fn with_jitter(wait: Duration) -> Duration {
    let draw = uuid::Uuid::new_v4().as_fields().0;
    wait + (wait / 16).mul_f64(f64::from(draw) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_adds_at_most_a_sixteenth() {
        let wait = Duration::from_secs(16);
        for _ in 0..100 {
            let jittered = with_jitter(wait);
            assert!(jittered >= wait && jittered <= Duration::from_secs(17), "{jittered:?}");
        }
    }
}
