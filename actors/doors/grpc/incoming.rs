//! The messages of a client, as bytes. tonic's own decoder keeps a buffer of the largest message for the life of a
//! stream (61 kB after Envoy's node); this one keeps nothing between messages.

use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tonic::Status;

/// gRPC's prefix of a message: one byte for compression, four for the length.
const PREFIX: usize = 5;

pub(super) struct Incoming {
    body: Body,
    read: BytesMut,
    max_message: usize,
}

impl Incoming {
    pub fn new(body: Body, max_message: usize) -> Self {
        Self { body, read: BytesMut::new(), max_message }
    }

    /// The next message; `None` when the client has said its last. May be dropped while it waits and called again.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            let Some(frame) = self.body.frame().await else {
                return if self.read.is_empty() { Ok(None) } else { Err(Status::internal("a message was cut off")) };
            };
            let frame = frame.map_err(|error| Status::from_error(error.into_inner()))?;
            if let Ok(data) = frame.into_data() {
                self.keep(data);
            }
        }
    }

    fn keep(&mut self, data: Bytes) {
        if !self.read.is_empty() {
            return self.read.extend_from_slice(&data);
        }
        // a message in one frame, as most are, is not copied
        self.read = data.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared));
    }

    fn take(&mut self) -> Result<Option<Bytes>, Status> {
        let Some((&[compressed, l0, l1, l2, l3], _)) = self.read.split_first_chunk::<PREFIX>() else { return Ok(None) };
        if compressed != 0 {
            return Err(Status::unimplemented("compressed messages are not supported; send them as they are"));
        }
        let len = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
        if len > self.max_message {
            let text = format!("a message of {len} bytes is larger than the {} that are taken", self.max_message);
            return Err(Status::resource_exhausted(text));
        }
        if self.read.len() < PREFIX + len {
            return Ok(None);
        }
        self.read.advance(PREFIX);
        let message = self.read.split_to(len).freeze();
        if self.read.is_empty() {
            // lets go of the buffer, which the message shares
            self.read = BytesMut::new();
        }
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{Full, StreamBody};
    use tokio_stream::iter;

    fn incoming(frames: &[&[u8]]) -> Incoming {
        let frames: Vec<_> =
            frames.iter().map(|data| Ok::<_, Status>(http_body::Frame::data(Bytes::copy_from_slice(data)))).collect();
        Incoming::new(Body::new(StreamBody::new(iter(frames))), 100)
    }

    async fn messages(mut incoming: Incoming) -> Vec<Bytes> {
        let mut messages = Vec::new();
        while let Some(message) = incoming.next().await.unwrap() {
            assert!(!incoming.read.is_empty() || incoming.read.capacity() == 0, "the buffer is kept");
            messages.push(message);
        }
        messages
    }

    #[tokio::test]
    async fn messages_come_whole_however_they_are_cut() {
        let wire = b"\0\0\0\0\x03abc\0\0\0\0\0\0\0\0\0\x02de";
        let expected = [&b"abc"[..], b"", b"de"];
        assert_eq!(messages(incoming(&[wire])).await, expected);
        let bytes: Vec<&[u8]> = wire.chunks(1).collect();
        assert_eq!(messages(incoming(&bytes)).await, expected);
        assert_eq!(messages(incoming(&[&wire[..6], &wire[6..15], &wire[15..]])).await, expected);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error() {
        let code = async |wire: &'static [u8]| {
            let mut incoming = Incoming::new(Body::new(Full::from(wire)), 100);
            incoming.next().await.unwrap_err().code()
        };
        assert_eq!(code(b"\x01\0\0\0\x03abc").await, tonic::Code::Unimplemented);
        assert_eq!(code(b"\0\0\0\0\x65").await, tonic::Code::ResourceExhausted);
        assert_eq!(code(b"\0\0\0\0\x03ab").await, tonic::Code::Internal);
    }
}
