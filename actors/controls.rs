//! What a running agent can be told from outside, beside its signals.

use tokio::sync::{mpsc, oneshot};

/// Told to the agent's own loop.
pub enum Order {
    /// Read the configuration again, and say how that went.
    Reload(oneshot::Sender<Result<(), String>>),
    /// Send the clients away and end.
    Leave,
}

#[derive(Clone)]
pub struct Controls(mpsc::Sender<Order>);

impl Controls {
    /// Orders wait in a short queue; who finds it full waits.
    pub fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, heard) = mpsc::channel(4);
        (Self(orders), heard)
    }

    /// # Errors
    /// What is wrong with the new configuration, or that the agent ends.
    pub async fn reload(&self) -> Result<(), String> {
        let (told, answer) = oneshot::channel();
        let ending = || "the agent is ending".to_owned();
        self.0.send(Order::Reload(told)).await.map_err(|_| ending())?;
        answer.await.map_err(|_| ending())?
    }

    /// Returns when it has been heard, not when it is done.
    pub async fn leave(&self) {
        // who has left already leaves
        _ = self.0.send(Order::Leave).await;
    }
}
