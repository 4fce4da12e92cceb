//! gRPC programs without a proxy, as the actors see them: scripted streams in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chancery::catalog::Write;
use chancery::delta::{Dialect, Request};
use chancery::model::{GrpcNode, ProxyId};
use chancery::resource::ResourceType;
use chancery_actors::views::Client;
use chancery_actors::xds_stream::OpenStream;
use chancery_tests::ads::inner_name;
use chancery_tests::world::{NODE, World, in_virtual_time};
use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use prost::Message as _;
use serde_json::json;

const CLUSTER: &str = "echo.default.dc1.internal.11111111-2222-3333-4444-555555555555.consul";

/// A program's stream, which accepts whatever comes.
struct Program {
    stream: OpenStream,
    names: BTreeMap<ResourceType, Vec<String>>,
}

impl Program {
    fn connect(world: &World, asks: bool) -> Self {
        let id = ProxyId { node: NODE.into(), service: "caller".into() };
        let node = GrpcNode { id, asks, misses_returns: false, locality: None, certificates: None };
        let dialect = Dialect::StateOfTheWorld;
        let opened = world.house.streams.open(Client::Grpc(Arc::new(node)), dialect, "gRPC scripted".to_owned());
        Self { stream: opened.expect("the house takes streams"), names: BTreeMap::new() }
    }

    async fn ask(&mut self, kind: ResourceType, names: &[&str]) {
        self.names.insert(kind, names.iter().map(|&name| name.to_owned()).collect());
        self.say(kind, String::new(), String::new()).await;
    }

    async fn say(&self, kind: ResourceType, version: String, nonce: String) {
        let request = DiscoveryRequest {
            type_url: kind.type_url().to_owned(),
            resource_names: self.names[&kind].clone(),
            version_info: version,
            response_nonce: nonce,
            ..Default::default()
        };
        self.stream.requests.send(Request::from_state_of_the_world(request)).await;
    }

    /// What has come, each response as its type and the names in it.
    async fn hear(&mut self, world: &World) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            world.settle().await;
            let Ok(message) = self.stream.messages.try_recv() else { return heard };
            let bytes = message.pieces.concat();
            let response = DiscoveryResponse::decode(&bytes[5..]).expect("a response");
            let kind = ResourceType::from_type_url(&response.type_url).expect("a type of ours");
            let names = response.resources.iter().map(inner_name);
            heard.push([kind.to_string()].into_iter().chain(names).collect::<Vec<_>>().join(" "));
            self.say(kind, response.version_info, response.nonce).await;
        }
    }

    /// Asks for listeners, and for all that follows from one service.
    async fn start(&mut self, world: &World) {
        self.ask(ResourceType::Listener, &["echo"]).await;
        assert_eq!(self.hear(world).await, ["listener echo"]);
        self.ask(ResourceType::Route, &["echo"]).await;
        assert_eq!(self.hear(world).await, ["route echo"]);
        self.ask(ResourceType::Cluster, &[CLUSTER]).await;
        assert_eq!(self.hear(world).await, [format!("cluster {CLUSTER}")]);
        self.ask(ResourceType::Endpoint, &[CLUSTER]).await;
        assert_eq!(self.hear(world).await, [format!("endpoint {CLUSTER}")]);
    }
}

async fn register(world: &World, service: &str) {
    world.register(&json!({ "Name": service, "Port": 80 })).await.expect("a good registration");
}

async fn deregister(world: &World, service: &str) {
    let gone = Write::DeregisterService { node: NODE.into(), id: service.into() };
    world.commit(gone).await.expect("it was registered");
}

// rows 141 and 146
#[test]
fn a_name_that_is_added_leaves_nothing_out() {
    in_virtual_time(async || {
        let world = World::new().await;
        for service in ["echo", "shop"] {
            register(&world, service).await;
        }
        let mut program = Program::connect(&world, true);
        program.start(&world).await;
        program.ask(ResourceType::Listener, &["echo", "shop"]).await;
        assert_eq!(program.hear(&world).await, ["listener echo shop"]);
        program.ask(ResourceType::Listener, &["shop"]).await;
        assert_eq!(program.hear(&world).await, [""; 0]);
        program.ask(ResourceType::Listener, &["echo", "shop"]).await;
        assert_eq!(program.hear(&world).await, ["listener echo shop"]);
    });
}

#[test]
fn what_a_returning_program_asks_before_its_listeners_is_answered_with_them() {
    in_virtual_time(async || {
        let world = World::new().await;
        register(&world, "echo").await;
        let mut program = Program::connect(&world, true);
        for kind in [ResourceType::Endpoint, ResourceType::Cluster] {
            program.ask(kind, &[CLUSTER]).await;
        }
        program.ask(ResourceType::Route, &["echo"]).await;
        assert_eq!(program.hear(&world).await, [""; 0]);
        program.ask(ResourceType::Listener, &["echo"]).await;
        let mut heard = program.hear(&world).await;
        heard.sort();
        let cluster = format!("cluster {CLUSTER}");
        assert_eq!(heard, [cluster, format!("endpoint {CLUSTER}"), "listener echo".into(), "route echo".into()]);
    });
}

#[test]
fn a_service_that_goes_is_left_out_and_is_there_again_when_it_returns() {
    in_virtual_time(async || {
        let world = World::new().await;
        register(&world, "echo").await;
        let mut program = Program::connect(&world, true);
        program.start(&world).await;
        deregister(&world, "echo").await;
        assert_eq!(program.hear(&world).await, ["listener"]);
        program.ask(ResourceType::Route, &[]).await;
        program.ask(ResourceType::Cluster, &[]).await;
        program.ask(ResourceType::Endpoint, &[]).await;
        program.hear(&world).await;
        register(&world, "echo").await;
        assert_eq!(program.hear(&world).await, ["listener echo"]);
    });
}

#[test]
fn only_new_endpoints_follow_from_another_instance() {
    in_virtual_time(async || {
        let world = World::new().await;
        register(&world, "echo").await;
        let mut program = Program::connect(&world, true);
        program.start(&world).await;
        let other = json!({ "Name": "echo", "ID": "echo2", "Port": 81 });
        world.register(&other).await.expect("a good registration");
        assert_eq!(program.hear(&world).await, [format!("endpoint {CLUSTER}")]);
        register(&world, "unrelated").await;
        assert_eq!(program.hear(&world).await, [""; 0]);
    });
}

#[test]
fn a_program_that_does_not_ask_is_served_once_it_is_registered_as_native() {
    in_virtual_time(async || {
        let world = World::new().await;
        register(&world, "echo").await;
        let mut program = Program::connect(&world, false);
        program.ask(ResourceType::Listener, &["echo"]).await;
        assert_eq!(program.hear(&world).await, [""; 0]);
        register(&world, "caller").await;
        assert_eq!(program.hear(&world).await, [""; 0]);
        let native = json!({ "Name": "caller", "Port": 80, "Connect": { "Native": true } });
        world.register(&native).await.expect("a good registration");
        assert_eq!(program.hear(&world).await, ["listener echo"]);
    });
}

// row 148
#[test]
fn several_streams_of_one_program_each_get_what_they_name() {
    in_virtual_time(async || {
        let world = World::new().await;
        for service in ["echo", "shop"] {
            register(&world, service).await;
        }
        let (mut one, mut other) = (Program::connect(&world, true), Program::connect(&world, true));
        one.ask(ResourceType::Listener, &["echo"]).await;
        other.ask(ResourceType::Listener, &["shop"]).await;
        assert_eq!(one.hear(&world).await, ["listener echo"]);
        assert_eq!(other.hear(&world).await, ["listener shop"]);
        let id = ProxyId { node: NODE.into(), service: "caller".into() };
        let view = world.house.streams.publications().view(&id.into()).expect("it is served");
        assert_eq!(view.list(ResourceType::Listener).len(), 2);
    });
}

#[test]
fn programs_leave_nothing_behind() {
    in_virtual_time(async || {
        let world = World::new().await;
        register(&world, "echo").await;
        let mut program = Program::connect(&world, true);
        program.start(&world).await;
        program.ask(ResourceType::Listener, &["echo", "echo:80"]).await;
        program.hear(&world).await;
        assert_eq!(world.actors("GrpcState"), 2, "the one it had asked for lingers");
        drop(program);
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.settle().await;
        assert_eq!(world.actors("GrpcState") + world.actors("XdsStream"), 0);
        assert!(world.house.streams.publications().programs.board.is_empty());
        assert_eq!(world.actors("SourceWatch"), 0);
    });
}
