//! Reflection and health, as a debugging session uses them.

use std::collections::BTreeSet;

use prost::Message as _;
use tokio_stream::iter;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::stage::on_stage;

async fn ask(channel: Channel, request: MessageRequest) -> Result<MessageResponse, Status> {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let mut client = ServerReflectionClient::new(channel);
    let mut answers = client.server_reflection_info(iter([request])).await.expect("it is served").into_inner();
    let answer = answers.message().await?.expect("an answer");
    Ok(answer.message_response.expect("it says something"))
}

#[test]
fn reflection_lists_the_services() {
    on_stage(async |stage| {
        let answer = ask(stage.connection(), MessageRequest::ListServices(String::new())).await;
        let Ok(MessageResponse::ListServicesResponse(list)) = answer else { panic!("{answer:?}") };
        let names: BTreeSet<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
        for name in [
            "envoy.service.discovery.v3.AggregatedDiscoveryService",
            "envoy.service.cluster.v3.ClusterDiscoveryService",
            "envoy.service.endpoint.v3.EndpointDiscoveryService",
            "envoy.service.listener.v3.ListenerDiscoveryService",
            "envoy.service.route.v3.RouteDiscoveryService",
            "envoy.service.route.v3.ScopedRoutesDiscoveryService",
            "envoy.service.route.v3.VirtualHostDiscoveryService",
            "envoy.service.secret.v3.SecretDiscoveryService",
            "envoy.service.extension.v3.ExtensionConfigDiscoveryService",
            "envoy.service.runtime.v3.RuntimeDiscoveryService",
            "envoy.service.load_stats.v3.LoadReportingService",
            "envoy.service.status.v3.ClientStatusDiscoveryService",
            "grpc.health.v1.Health",
        ] {
            assert!(names.contains(name), "{name} is not among {names:?}");
        }
    });
}

/// The files that a tool needs to show a message, or to encode one.
#[test]
fn reflection_describes_services_and_messages() {
    on_stage(async |stage| {
        for symbol in [
            "envoy.service.discovery.v3.AggregatedDiscoveryService",
            "envoy.service.discovery.v3.DeltaDiscoveryRequest",
            "envoy.service.status.v3.ClientStatusDiscoveryService",
            "envoy.config.cluster.v3.Cluster",
        ] {
            let answer = ask(stage.connection(), MessageRequest::FileContainingSymbol(symbol.to_owned())).await;
            let Ok(MessageResponse::FileDescriptorResponse(files)) = answer else { panic!("{symbol}: {answer:?}") };
            let (package, name) = symbol.rsplit_once('.').expect("a package");
            let described = files.file_descriptor_proto.iter().any(|file| {
                let file = file_of(file);
                file.package == package && file.names().any(|known| known == name)
            });
            assert!(described, "{symbol} is not described");
        }
        let answer = ask(stage.connection(), MessageRequest::FileContainingSymbol("made.up.Message".to_owned())).await;
        assert!(answer.is_err_and(|status| status.code() == Code::NotFound));
    });
}

/// What is read of a `google.protobuf.FileDescriptorProto`.
#[derive(Clone, PartialEq, prost::Message)]
struct File {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "4")]
    messages: Vec<Named>,
    #[prost(message, repeated, tag = "6")]
    services: Vec<Named>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

impl File {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().chain(&self.services).map(|named| named.name.as_str())
    }
}

fn file_of(bytes: &[u8]) -> File {
    File::decode(bytes).expect("a file")
}
