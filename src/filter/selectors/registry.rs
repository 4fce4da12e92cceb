//! Nodes, instances and checks.

use std::sync::LazyLock;

use crate::filter::table::{Keyed, Many, One, Selector, Table};
use crate::model::{Check, Instance, Member, Node, Proxy, Service, ServiceKind, TaggedAddress, Upstream, Weights};

/// Of `/v1/catalog/nodes`.
pub static NODE: Table<Node> = Table(&[
    Selector::text("ID", |node| &node.id),
    Selector::text("Node", |node| node.name.as_str()),
    Selector::text("Address", |node| &node.address),
    Selector::datacenter(),
    Selector::text_map("TaggedAddresses", |node| &node.tagged_addresses),
    Selector::text_map("Meta", |node| &node.meta),
    Selector::text("PeerName", |_| ""),
]);

/// Of `/v1/health/service/:name` and `/v1/health/connect/:name`, and of subsets.
pub static INSTANCE: Table<Instance> = Table(&[
    Selector::part("Node", &One { table: &NODE, get: |instance: &Instance| &*instance.node }),
    Selector::part("Service", &One { table: &SERVICE, get: |instance: &Instance| &*instance.service }),
    Selector::part(
        "Checks",
        &Many { table: &CHECK, get: |instance: &Instance| instance.checks.iter().map(|check| &**check).collect() },
    ),
]);

/// Of `/v1/agent/services`, `/v1/catalog/node/:node` and `/v1/catalog/node-services/:node`.
pub static SERVICE: Table<Service> = Table(&[
    Selector::text("Kind", |service| kind(service)),
    Selector::text("ID", |service| service.id.as_str()),
    Selector::text("Service", |service| service.name.as_str()),
    Selector::texts("Tags", |service| &service.tags),
    Selector::text("Address", |service| &service.address),
    Selector::part(
        "TaggedAddresses",
        &Keyed { table: &TAGGED_ADDRESS, get: |service: &Service| &service.tagged_addresses },
    ),
    Selector::text_map("Meta", |service| &service.meta),
    Selector::number("Port", |service| service.port.into()),
    Selector::text("SocketPath", |service| &service.socket_path),
    Selector::part("Weights", &One { table: &WEIGHTS, get: |service: &Service| &service.weights }),
    Selector::flag("EnableTagOverride", |service| service.enable_tag_override),
    Selector::part("Proxy", &One { table: &PROXY, get: proxy }),
    Selector::part("Connect", &One { table: &CONNECT, get: |service: &Service| service }),
    Selector::text("PeerName", |_| ""),
]);

/// Of `/v1/catalog/service/:name`, `/v1/catalog/connect/:name` and `/v1/catalog/services`: a node and an instance in one.
pub static CATALOG_SERVICE: Table<Instance> = Table(&[
    Selector::text("ID", |instance| &instance.node.id),
    Selector::text("Node", |instance| instance.node.name.as_str()),
    Selector::text("Address", |instance| &instance.node.address),
    Selector::datacenter(),
    Selector::text_map("TaggedAddresses", |instance| &instance.node.tagged_addresses),
    Selector::text_map("NodeMeta", |instance| &instance.node.meta),
    Selector::text("ServiceKind", |instance| kind(&instance.service)),
    Selector::text("ServiceID", |instance| instance.service.id.as_str()),
    Selector::text("ServiceName", |instance| instance.service.name.as_str()),
    Selector::texts("ServiceTags", |instance| &instance.service.tags),
    Selector::text("ServiceAddress", |instance| &instance.service.address),
    Selector::part(
        "ServiceTaggedAddresses",
        &Keyed { table: &TAGGED_ADDRESS, get: |instance: &Instance| &instance.service.tagged_addresses },
    ),
    Selector::part("ServiceWeights", &One { table: &WEIGHTS, get: |instance: &Instance| &instance.service.weights }),
    Selector::text_map("ServiceMeta", |instance| &instance.service.meta),
    Selector::number("ServicePort", |instance| instance.service.port.into()),
    Selector::text("ServiceSocketPath", |instance| &instance.service.socket_path),
    Selector::flag("ServiceEnableTagOverride", |instance| instance.service.enable_tag_override),
    Selector::part("ServiceProxy", &One { table: &PROXY, get: |instance: &Instance| proxy(&instance.service) }),
    Selector::part("ServiceConnect", &One { table: &CONNECT, get: |instance: &Instance| &*instance.service }),
    Selector::text("PeerName", |_| ""),
]);

/// Of `/v1/agent/members`.
pub static MEMBER: Table<Member> = Table(&[
    Selector::text("Name", |member| &member.name),
    Selector::text("Addr", |member| &member.address),
    Selector::number("Port", |member| member.port.into()),
    Selector::text_map("Tags", |member| &member.tags),
]);

/// Of `/v1/agent/checks` and the lists of checks under `/v1/health`.
pub static CHECK: Table<Check> = Table(&[
    Selector::text("Node", |check| check.node.as_str()),
    Selector::text("CheckID", |check| check.id.as_str()),
    Selector::text("Name", |check| &check.name),
    Selector::text("Status", |check| check.status.as_str()),
    Selector::text("Notes", |check| &check.notes),
    Selector::text("Output", |check| &check.output),
    Selector::text("ServiceID", |check| check.service_id.as_str()),
    Selector::text("ServiceName", |check| check.service_name.as_str()),
    Selector::texts("ServiceTags", |check| &check.service_tags),
    Selector::text("Type", |check| check.kind()),
    Selector::text("PeerName", |_| ""),
]);

static TAGGED_ADDRESS: Table<TaggedAddress> = Table(&[
    Selector::text("Address", |tagged| &tagged.address),
    Selector::number("Port", |tagged| tagged.port.into()),
]);

static WEIGHTS: Table<Weights> = Table(&[
    Selector::number("Passing", |weights| weights.passing.into()),
    Selector::number("Warning", |weights| weights.warning.into()),
]);

static CONNECT: Table<Service> = Table(&[Selector::flag("Native", |service| service.connect_native)]);

static PROXY: Table<Proxy> = Table(&[
    Selector::text("DestinationServiceName", |proxy| proxy.destination_name.as_str()),
    Selector::text("DestinationServiceID", |proxy| proxy.destination_id.as_str()),
    Selector::text("LocalServiceAddress", |proxy| &proxy.local_address),
    Selector::number("LocalServicePort", |proxy| proxy.local_port.into()),
    Selector::text("LocalServiceSocketPath", |proxy| &proxy.local_socket_path),
    Selector::text("Mode", |_| ""),
    Selector::part("TransparentProxy", &One { table: &TRANSPARENT_PROXY, get: |_: &Proxy| &() }),
    Selector::part("MeshGateway", &One { table: &MESH_GATEWAY, get: |_: &Proxy| &() }),
    Selector::part("Upstreams", &Many { table: &UPSTREAM, get: |proxy: &Proxy| proxy.upstreams.iter().collect() }),
]);

static UPSTREAM: Table<Upstream> = Table(&[
    Selector::text("DestinationType", |_| "service"),
    Selector::text("DestinationNamespace", |_| ""),
    Selector::text("DestinationName", |upstream| upstream.destination_name.as_str()),
    Selector::text("Datacenter", |upstream| &upstream.datacenter),
    Selector::text("LocalBindAddress", |upstream| &upstream.local_bind_address),
    Selector::number("LocalBindPort", |upstream| upstream.local_bind_port.into()),
    Selector::text("LocalBindSocketPath", |upstream| &upstream.local_bind_socket_path),
    Selector::text("LocalBindSocketMode", |upstream| &upstream.local_bind_socket_mode),
    Selector::part("MeshGateway", &One { table: &MESH_GATEWAY, get: |_: &Upstream| &() }),
]);

static MESH_GATEWAY: Table<()> = Table(&[Selector::text("Mode", |()| "")]);

static TRANSPARENT_PROXY: Table<()> = Table(&[Selector::number("OutboundListenerPort", |()| 0)]);

fn kind(service: &Service) -> &str {
    match service.kind {
        ServiceKind::Typical => "",
        ServiceKind::ConnectProxy => "connect-proxy",
    }
}

/// Of a service that is no proxy, one in which nothing is set.
fn proxy(service: &Service) -> &Proxy {
    static NONE: LazyLock<Proxy> = LazyLock::new(Proxy::default);
    service.proxy.as_ref().unwrap_or(&NONE)
}
