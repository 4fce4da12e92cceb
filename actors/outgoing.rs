//! What goes to a client, and how far it has read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chancery::delta::Message;
use tokio::sync::{Notify, mpsc};

/// Responses that may wait for the client to read them.
const MOST_UNREAD: usize = 64;

/// What a stream and its door know together of how the client reads.
#[derive(Default)]
pub struct Reading {
    in_hand: AtomicBool,
    given_up: Notify,
}

impl Reading {
    /// The door holds a message that the client has no room for yet.
    pub fn set_in_hand(&self, in_hand: bool) {
        self.in_hand.store(in_hand, Ordering::Relaxed);
    }

    /// Returns when the client has tried the stream's patience for too long: nothing that is sent would reach it, so
    /// only its connection can be closed.
    pub async fn given_up(&self) {
        self.given_up.notified().await;
    }
}

/// The stream's end.
pub(crate) struct Outgoing {
    messages: mpsc::Sender<Message>,
    sent: usize,
    reading: Arc<Reading>,
}

/// Why a message could not be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unsent {
    /// The client leaves too much unread.
    Full,
    /// The client has gone.
    Gone,
}

/// The stream's end, the door's, and what both know.
pub(crate) fn outgoing() -> (Outgoing, mpsc::Receiver<Message>, Arc<Reading>) {
    let (messages, door) = mpsc::channel(MOST_UNREAD);
    let reading: Arc<Reading> = Arc::default();
    (Outgoing { messages, sent: 0, reading: Arc::clone(&reading) }, door, reading)
}

impl Outgoing {
    pub fn send(&mut self, message: Message) -> Result<(), Unsent> {
        self.messages.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Unsent::Full,
            mpsc::error::TrySendError::Closed(_) => Unsent::Gone,
        })?;
        self.sent += 1;
        Ok(())
    }

    /// Messages that the client has not made room for.
    pub fn unread(&self) -> usize {
        let queued = self.messages.max_capacity() - self.messages.capacity();
        queued + usize::from(self.reading.in_hand.load(Ordering::Relaxed))
    }

    /// Messages that have left.
    pub fn read(&self) -> usize {
        self.sent.saturating_sub(self.unread())
    }

    pub fn give_up(&self) {
        self.reading.given_up.notify_one();
    }
}
