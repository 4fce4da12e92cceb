//! A push as bytes: a small head, then the resources as they were encoded once for everybody.

use bytes::{BufMut, Bytes, BytesMut};
use envoy_types::pb::envoy::config::core::v3::ControlPlane;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryResponse, DiscoveryResponse, ResourceError, ResourceName,
};
use envoy_types::pb::google::rpc::Status;
use prost::Message as _;

use super::{Dialect, Push};
use crate::resource::{Resource, ResourceType};

/// The size from which bytes are worth a frame of their own: HTTP/2's default frame. Smaller ones are copied together,
/// because a frame for each costs far more than the copy.
const PIECE: usize = 16 << 10;

/// gRPC's prefix of a message: one byte for compression, four for the length.
const PREFIX: usize = 5;

/// A response as it goes over the wire: a gRPC message with its five-byte prefix, in pieces of 16 KiB or more (smaller
/// at the end and in front of a resource that is a piece by itself).
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    pub pieces: Vec<Bytes>,
}

impl Message {
    /// Bytes of all pieces.
    pub fn wire_len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

/// Puts the response together. `identifier` names this control plane to the client.
///
/// # Panics
/// With more than 4 GiB of resources, which gRPC cannot carry.
pub fn message(push: &Push, identifier: &str) -> Message {
    let head = head(push, identifier);
    let is_wrapped = |resource: &Resource| push.wrapped && resource.ttl().is_some();
    let chunk_len = |resource: &Resource| match push.dialect {
        Dialect::Delta => resource.delta_chunk().len(),
        Dialect::StateOfTheWorld if is_wrapped(resource) => resource.wrapped_chunk().len(),
        Dialect::StateOfTheWorld => resource.any_chunk().len(),
    };
    let len = head.len() + push.upserts.iter().map(|resource| chunk_len(resource)).sum::<usize>();
    let mut out =
        Pieces { done: Vec::new(), open: BytesMut::with_capacity((PREFIX + len).min(PIECE)), left: PREFIX + len };
    out.open.put_u8(0);
    out.open.put_u32(u32::try_from(len).expect("a gRPC message is below 4 GiB"));
    out.put(&Bytes::from(head));
    for resource in &push.upserts {
        match push.dialect {
            Dialect::Delta => out.put(resource.delta_chunk()),
            Dialect::StateOfTheWorld if is_wrapped(resource) => out.put(&resource.wrapped_chunk()),
            Dialect::StateOfTheWorld => out.put(&resource.delta_chunk().slice_ref(resource.any_chunk())),
        }
    }
    out.close();
    Message { pieces: out.done }
}

fn head(push: &Push, identifier: &str) -> Vec<u8> {
    let control_plane = Some(ControlPlane { identifier: identifier.to_owned() });
    let (type_url, nonce, version) = (push.type_url.to_string(), push.nonce.to_string(), push.version.to_string());
    match push.dialect {
        Dialect::Delta => DeltaDiscoveryResponse {
            system_version_info: version,
            type_url,
            resources: push.bodiless.clone(),
            removed_resources: push.removals.iter().map(ToString::to_string).collect(),
            nonce,
            control_plane,
            ..Default::default()
        }
        .encode_to_vec(),
        Dialect::StateOfTheWorld => {
            let resource_errors = push.missing.iter().map(|name| not_found(push, name)).collect();
            DiscoveryResponse {
                version_info: version,
                type_url,
                nonce,
                control_plane,
                resource_errors,
                ..Default::default()
            }
            .encode_to_vec()
        }
    }
}

/// So that the client need not wait for what will not come. Clients that do not know the field step over it.
fn not_found(push: &Push, name: &str) -> ResourceError {
    const NOT_FOUND: i32 = 5;
    let word = push.kind.map_or("resource", ResourceType::as_str);
    let message = format!("there is no {word} {name:?} for this client; it is sent as soon as there is one");
    ResourceError {
        resource_name: Some(ResourceName { name: name.to_owned(), ..Default::default() }),
        error_detail: Some(Status { code: NOT_FOUND, message, details: Vec::new() }),
    }
}

struct Pieces {
    done: Vec<Bytes>,
    open: BytesMut,
    /// Bytes still to come, those of `open` included.
    left: usize,
}

impl Pieces {
    fn put(&mut self, bytes: &Bytes) {
        if bytes.len() < PIECE {
            self.open.put_slice(bytes);
            if self.open.len() >= PIECE {
                self.close();
            }
            return;
        }
        self.close();
        self.left -= bytes.len();
        self.done.push(bytes.clone());
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.left -= self.open.len();
            let next = BytesMut::with_capacity(self.left.min(PIECE));
            self.done.push(std::mem::replace(&mut self.open, next).freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;

    use super::super::Nonce;
    use super::super::conversation::resource;
    use super::*;
    use crate::resource::ResourceHash;

    fn push(dialect: Dialect, sizes: &[usize]) -> Push {
        let upserts = sizes.iter().enumerate();
        let upserts =
            upserts.map(|(at, size)| resource(ResourceType::Cluster, &format!("c{at}"), &"x".repeat(*size), &[]));
        Push {
            dialect,
            kind: Some(ResourceType::Cluster),
            type_url: Cow::Borrowed(ResourceType::Cluster.type_url()),
            nonce: Nonce(7),
            version: ResourceHash(9),
            upserts: upserts.collect(),
            wrapped: false,
            bodiless: Vec::new(),
            removals: if dialect == Dialect::Delta { vec![Arc::from("gone")] } else { vec![] },
            missing: if dialect == Dialect::Delta { vec![] } else { vec![Arc::from("gone")] },
        }
    }

    fn payload(message: &Message) -> Vec<u8> {
        let wire = message.pieces.concat();
        assert_eq!(wire.len(), message.wire_len());
        assert_eq!(wire[0], 0);
        assert_eq!(u32::from_be_bytes(wire[1..PREFIX].try_into().unwrap()) as usize, wire.len() - PREFIX);
        wire[PREFIX..].to_vec()
    }

    // rows 85, 87 and 128
    #[test]
    fn a_delta_response_decodes_to_what_was_pushed() {
        let push = push(Dialect::Delta, &[1, 20_000, 3]);
        let response = DeltaDiscoveryResponse::decode(&*payload(&message(&push, "chancery-1"))).unwrap();
        assert_eq!(response.system_version_info, push.version.to_string());
        assert_eq!(response.type_url, ResourceType::Cluster.type_url());
        assert_eq!(response.nonce, "7");
        assert_eq!(response.removed_resources, ["gone"]);
        assert_eq!(response.control_plane.unwrap().identifier, "chancery-1");
        let names: Vec<&str> = response.resources.iter().map(|resource| &*resource.name).collect();
        assert_eq!(names, ["c0", "c1", "c2"]);
        assert_eq!(response.resources[1].resource, Some(push.upserts[1].any().unwrap()));
    }

    // rows 41, 7 and 129
    #[test]
    fn a_state_of_the_world_response_holds_the_same_bytes() {
        let push = push(Dialect::StateOfTheWorld, &[1, 20_000, 3]);
        let response = DiscoveryResponse::decode(&*payload(&message(&push, "chancery-1"))).unwrap();
        assert_eq!(response.version_info, push.version.to_string());
        assert_eq!(response.nonce, "7");
        assert_eq!(response.control_plane.unwrap().identifier, "chancery-1");
        let bodies: Vec<_> = push.upserts.iter().map(|resource| resource.any().unwrap()).collect();
        assert_eq!(response.resources, bodies);
        assert!(response.resources.iter().all(|any| any.type_url == response.type_url));
        let [error] = &response.resource_errors[..] else { panic!("one error") };
        assert_eq!(error.resource_name.as_ref().map(|name| name.name.as_str()), Some("gone"));
        assert_eq!(error.error_detail.as_ref().map(|status| status.code), Some(5));
    }

    // row 124
    #[test]
    fn only_what_has_a_time_to_live_is_wrapped() {
        let lasting = Arc::into_inner(resource(ResourceType::Cluster, "c", "1", &[])).unwrap();
        let lasting = Arc::new(lasting.with_ttl(std::time::Duration::from_secs(9)));
        let mut push = push(Dialect::StateOfTheWorld, &[1]);
        push.upserts.push(lasting);
        let urls = |push: &Push| {
            let response = DiscoveryResponse::decode(&*payload(&message(push, "x"))).unwrap();
            response.resources.into_iter().map(|any| any.type_url).collect::<Vec<_>>()
        };
        let plain = ResourceType::Cluster.type_url();
        assert_eq!(urls(&push), [plain, plain]);
        push.wrapped = true;
        assert_eq!(urls(&push), [plain, "type.googleapis.com/envoy.service.discovery.v3.Resource"]);
    }

    // row 122
    #[test]
    fn a_heartbeat_is_a_resource_without_a_body() {
        let mut push = push(Dialect::Delta, &[]);
        let lasting = Arc::into_inner(resource(ResourceType::Cluster, "c", "1", &[])).unwrap();
        push.bodiless = vec![lasting.with_ttl(std::time::Duration::from_secs(9)).head()];
        let response = DeltaDiscoveryResponse::decode(&*payload(&message(&push, "x"))).unwrap();
        assert_eq!(response.resources, push.bodiless);
    }

    #[test]
    fn small_resources_share_a_piece_and_large_ones_are_not_copied() {
        let small = message(&push(Dialect::Delta, &[10; 1000]), "x");
        assert!(small.pieces.len() <= small.wire_len() / PIECE + 1);
        let push = push(Dialect::Delta, &[10, 50_000, 10]);
        let large = message(&push, "x");
        assert_eq!(large.pieces.len(), 3);
        assert_eq!(large.pieces[1].as_ptr(), push.upserts[1].delta_chunk().as_ptr());
    }
}
