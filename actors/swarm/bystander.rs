//! Somebody who writes and reads a service that no Envoy has to do with, again and again: how long the server lets others
//! wait while it is busy.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::{Instant, sleep_until};

use super::SwarmError;
use super::api::{Api, ApiConnection};
use super::mesh::Mesh;

pub struct Bystander {
    mesh: Mesh,
    writer: ApiConnection,
    reader: ApiConnection,
    /// What the reader has seen.
    index: u64,
    port: u16,
    pub waits: Waits,
}

/// Between two writes; one that is due while the one before it waits has begun to wait too.
const PACE: Duration = Duration::from_millis(2);

/// From when each write was due: until it was answered, and until a read that waited for it was.
#[derive(Default, Debug)]
pub struct Waits {
    pub written: Vec<Duration>,
    pub read: Vec<Duration>,
}

impl Bystander {
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn begin(api: &Api, mesh: Mesh) -> Result<Self, SwarmError> {
        let (writer, reader) = (api.connect().await?, api.connect().await?);
        let mut bystander = Self { mesh, writer, reader, index: 0, port: 1, waits: Waits::default() };
        bystander.writer.call(&bystander.mesh.bystander_call(bystander.port)).await?;
        bystander.index = bystander.read().await?;
        Ok(bystander)
    }

    /// Writes and reads at a pace, until it is over; what is under way then is waited for.
    ///
    /// # Errors
    /// When the server refuses, or an answer is missing.
    pub async fn work(&mut self, is_over: impl Fn() -> bool) -> Result<(), SwarmError> {
        let mut due = Instant::now();
        while !is_over() {
            due += PACE;
            sleep_until(due).await;
            self.port = self.port % 60_000 + 1;
            let write = self.mesh.bystander_call(self.port);
            let read = self.mesh.bystander_read(self.index);
            // the read is on its way first
            let (answer, written) = tokio::join!(async { (self.reader.answer(&read).await, due.elapsed()) }, async {
                self.writer.call(&write).await.map(|_| due.elapsed())
            },);
            self.waits.written.push(written?);
            self.waits.read.push(answer.1);
            self.index = index_of(answer.0?.headers())?;
        }
        Ok(())
    }

    /// # Errors
    /// When the server refuses.
    pub async fn end(mut self) -> Result<(), SwarmError> {
        self.writer.call(&self.mesh.bystander_end()).await.map(|_| ())
    }

    async fn read(&mut self) -> Result<u64, SwarmError> {
        index_of(self.reader.answer(&self.mesh.bystander_read(0)).await?.headers())
    }
}

fn index_of(headers: &HeaderMap) -> Result<u64, SwarmError> {
    let index = headers.get("x-consul-index").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    index.ok_or_else(|| SwarmError::Usage("the server's answers have no X-Consul-Index".to_owned()))
}
