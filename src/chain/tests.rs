use std::time::Duration;

use super::fixture::{World, elsewhere, failover, mirror, redirect, route, subsets};
use super::*;
use crate::model::EntryKind;
use crate::model::entry::{EntryBody, ProxyDefaults, ServiceDefaults, ServiceResolver};
use crate::model::topic::ChainKey;

/// `route /a -> splitter:web…`, one line for each step of a node.
fn shown(chain: &Chain) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, node) in &chain.nodes {
        match &node.step {
            Step::Router(routes) => {
                for route in routes {
                    let copies = route.mirror.as_ref().map(|to| format!(", copies {to}")).unwrap_or_default();
                    lines.push(format!("{id} {:?} -> {}{copies}", route.matches.path, route.next));
                }
            }
            Step::Splitter(splits) => {
                lines.extend(splits.iter().map(|split| format!("{id} {} -> {}", split.weight.0, split.next)));
            }
            Step::Resolver(resolver) if resolver.failover.is_empty() => lines.push(id.clone()),
            Step::Resolver(resolver) => lines.push(format!("{id} else {}", resolver.failover.join(", "))),
        }
    }
    let short = |line: String| line.replace(".default.default", "").replace(".dc1", "");
    lines.into_iter().map(short).collect()
}

#[test]
fn without_entries_a_chain_is_the_service_itself() {
    let chain = World::default().chain("backend");
    assert!(chain.default);
    let resolver = chain.sole_resolver().unwrap();
    assert_eq!(chain.cluster_name(resolver), "backend.default.dc1.internal.11111111-2222.consul");
    let target = &chain.targets["backend.default.default.dc1"];
    assert_eq!(target.spiffe_id, "spiffe://11111111-2222.consul/ns/default/dc/dc1/svc/backend");
    assert_eq!(target.connect_timeout, Duration::from_secs(5));
}

#[test]
fn an_override_in_effect_marks_the_cluster_name() {
    let of = |key: ChainKey| {
        let chain = World::default().compile(&key).chain.unwrap();
        chain.cluster_name(chain.sole_resolver().unwrap())
    };
    let plain = ChainKey::plain("backend".into());
    assert!(of(ChainKey { protocol: Some(Protocol::Http), ..plain.clone() }).starts_with("1a47f6e1~backend.default."));
    let of_nothing =
        ChainKey { protocol: Some(Protocol::Tcp), connect_timeout: Some(DEFAULT_CONNECT_TIMEOUT), ..plain.clone() };
    assert_eq!(of(of_nothing), of(plain));
}

#[test]
fn a_router_leads_to_splitters_and_resolvers_and_at_last_to_the_service_itself() {
    let world = World::http(&["web", "api"])
        .resolver("api", subsets(&["v1", "v2"]))
        .router("web", &[("/api", "api"), ("/old", "api/v1")])
        .splitter("api", &[(9000, "api/v1"), (1000, "api/v2")]);
    let expected = [
        "resolver:v1.api",
        "resolver:v2.api",
        "resolver:web",
        r#"router:web Some(Prefix("/api")) -> splitter:api"#,
        r#"router:web Some(Prefix("/old")) -> resolver:v1.api"#,
        r#"router:web Some(Prefix("/")) -> resolver:web"#,
        "splitter:api 9000 -> resolver:v1.api",
        "splitter:api 1000 -> resolver:v2.api",
    ];
    assert_eq!(shown(&world.chain("web")), expected);
}

#[test]
fn splitters_behind_splitters_become_one() {
    let world = World::http(&["web", "next", "other"])
        .splitter("web", &[(5000, "web"), (5000, "next")])
        .splitter("next", &[(3333, "next"), (6667, "other")]);
    let expected = [
        "resolver:next",
        "resolver:other",
        "resolver:web",
        "splitter:web 5000 -> resolver:web",
        "splitter:web 1667 -> resolver:next",
        "splitter:web 3333 -> resolver:other",
    ];
    assert_eq!(shown(&world.chain("web")), expected);
}

#[test]
fn a_redirect_leads_on_and_the_resolver_there_has_the_say() {
    let there = ServiceResolver { connect_timeout: Some(Duration::from_secs(2)), ..subsets(&["v1"]) };
    let there = ServiceResolver { default_subset: "v1".to_owned(), ..there };
    let world = World::default().resolver("web", redirect("next")).resolver("next", there);
    let chain = world.chain("web");
    assert_eq!(shown(&chain), ["resolver:v1.next"]);
    assert!(!chain.default);
    assert_eq!(chain.sole_resolver().unwrap().connect_timeout, Duration::from_secs(2));
}

#[test]
fn failover_is_that_of_the_subset_or_of_every_subset() {
    let mut resolver = failover("*", &["spare", "/v2", "spare"]);
    resolver.failover.extend(failover("v2", &["/v1"]).failover);
    resolver.subsets = subsets(&["v1", "v2"]).subsets;
    let world = World::http(&["web", "spare"])
        .resolver("web", resolver)
        .resolver("spare", failover("*", &["web"]))
        .router("web", &[("/1", "web/v1"), ("/2", "web/v2"), ("/", "web")]);
    let chain = world.chain("web");
    let resolvers: Vec<String> = shown(&chain).into_iter().filter(|line| line.starts_with("resolver")).collect();
    let expected =
        ["resolver:v1.web else spare, v2.web", "resolver:v2.web else v1.web", "resolver:web else spare, v2.web"];
    assert_eq!(resolvers, expected);
    let Step::Resolver(of) = chain.step("resolver:web.default.default.dc1") else { panic!("a resolver") };
    let members: Vec<String> = of.members(&chain).map(|of| of.cluster.replace(".11111111-2222.consul", "")).collect();
    let base = "web.default.dc1.internal";
    assert_eq!(members, [0, 1, 2].map(|at| format!("failover-target~{at}~{base}")));
}

#[test]
fn what_makes_no_chain_is_said() {
    let external = |body: ServiceResolver| {
        let sni = ServiceDefaults { external_sni: "db.example".to_owned(), ..Default::default() };
        World::default().with("web", EntryBody::ServiceDefaults(sni)).resolver("web", body)
    };
    let far = ServiceResolver {
        redirect: Some(crate::model::entry::service_resolver::Redirect {
            datacenter: "far".to_owned(),
            ..elsewhere("web")
        }),
        ..Default::default()
    };
    let default = ServiceResolver { default_subset: "v1".to_owned(), ..subsets(&["v1"]) };
    let cases = [
        (
            World::http(&["web"]).router("web", &[("/", "db")]),
            "inconsistent protocols: it speaks http, and \"db\", where it leads, speaks tcp; give both the same Protocol \
             in service-defaults",
        ),
        (
            World::default().splitter("web", &[(10_000, "web")]),
            "service-splitter/web does not permit the protocol tcp: routing and splitting need requests to be seen; give \
             the service the Protocol http, http2 or grpc in service-defaults first",
        ),
        (
            World::http(&["web", "a", "b"])
                .splitter("web", &[(10_000, "a")])
                .splitter("a", &[(10_000, "b")])
                .splitter("b", &[(10_000, "a")]),
            "circular reference of splitters: a -> b -> a",
        ),
        (
            World::default().resolver("web", redirect("a")).resolver("a", redirect("web")),
            "circular resolver redirect: web -> a -> web",
        ),
        (
            World::default().resolver("web", redirect("a/v9")),
            "service \"a\" has no subset \"v9\": define it in its service-resolver",
        ),
        (
            external(subsets(&["v1"])),
            "service \"web\" has an ExternalSNI, and its service-resolver cannot have Subsets",
        ),
        (
            external(failover("*", &["a"])),
            "service \"web\" has an ExternalSNI, and its service-resolver cannot have a Failover",
        ),
        (
            external(redirect("a")),
            "service \"web\" has an ExternalSNI, and its service-resolver cannot have a Redirect",
        ),
        (
            World::default().function("web", Protocol::Tcp),
            "service \"web\" is a function (builtin/aws/lambda), which is called over http, and would be called over tcp: give \
             it the Protocol http in its service-defaults, and its upstreams no other",
        ),
        (
            World::default().function("web", Protocol::Http).resolver("web", default),
            "service \"web\" is a function (builtin/aws/lambda), which has no instances for a subset \"v1\"",
        ),
        (
            World::default().resolver("web", far),
            "service-resolver/web leads to datacenter \"far\"; this one is \"dc1\", and others are not supported by this \
             version of chancery",
        ),
    ];
    for (world, expected) in cases {
        assert_eq!(world.error("web"), format!("discovery chain \"web\": {expected}"));
    }
}

#[test]
fn where_a_downstream_does_not_speak_http_nothing_is_routed() {
    let world = World::http(&["web"]).splitter("web", &[(10_000, "web")]);
    let key = ChainKey { protocol: Some(Protocol::Tcp), ..ChainKey::plain("web".into()) };
    let chain = world.compile(&key).chain.unwrap();
    assert_eq!(shown(&chain), ["resolver:web"]);
    assert_eq!(chain.protocol, Protocol::Tcp);
}

#[test]
fn what_was_looked_for_and_not_found_counts_as_read() {
    let read = World::default().compile(&ChainKey::plain("web".into())).read;
    let read: Vec<String> = read.iter().map(ToString::to_string).collect();
    let expected = [
        "proxy-defaults/global",
        "service-defaults/web",
        "service-resolver/web",
        "service-router/web",
        "service-splitter/web",
    ];
    assert_eq!(read, expected);
}

#[test]
fn splitters_that_go_too_deep_or_too_wide_are_refused() {
    let name = |at: usize| format!("s{at}");
    let names: Vec<String> = (0..100).map(name).collect();
    let mut deep = World::http(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for at in 0..99 {
        deep = deep.splitter(&name(at), &[(10_000, &name(at + 1))]);
    }
    assert_eq!(deep.error("s0"), "discovery chain \"s0\": more than 64 splitters lead to one another");
    assert!(deep.compile(&ChainKey::plain("s50".into())).chain.is_ok());
}

#[test]
fn by_locality_a_failover_has_a_cluster_for_each_target_in_each_region() {
    let by = |policy: Option<FailoverPolicy>, of_all: Option<FailoverPolicy>| {
        let mut resolver = failover("*", &["other"]);
        resolver.failover.get_mut("*").unwrap().policy = policy;
        let defaults = ProxyDefaults { failover_policy: of_all, ..Default::default() };
        let chain =
            World::default().with("global", EntryBody::ProxyDefaults(defaults)).resolver("web", resolver).chain("web");
        let members = chain.sole_resolver().unwrap().members(&chain);
        let short = |of: Member<'_>| {
            let at = of.cluster.split('~').nth(1).unwrap_or_default().to_owned();
            format!("{at} {} {:?}", of.target.service, of.within)
        };
        members.map(short).collect::<Vec<_>>()
    };
    let mode = |mode, regions: &[&str]| {
        Some(FailoverPolicy { mode, regions: regions.iter().map(|region| (*region).to_owned()).collect() })
    };
    assert_eq!(by(None, None), ["0 web Anywhere", "1 other Anywhere"]);
    let by_locality = mode(FailoverMode::OrderByLocality, &["r2"]);
    let divided = [
        "0 web Own",
        "1 other Own",
        "2 web Region(\"r2\")",
        "3 other Region(\"r2\")",
        "4 web Beyond([\"r2\"])",
        "5 other Beyond([\"r2\"])",
    ];
    assert_eq!(by(by_locality.clone(), None), divided);
    assert_eq!(by(None, by_locality.clone()), divided, "as proxy-defaults says");
    assert_eq!(by(mode(FailoverMode::Sequential, &[]), by_locality).len(), 2, "unless the resolver says otherwise");
}

#[test]
fn priority_by_locality_is_that_of_the_resolver_else_of_all() {
    let of = |own: Option<Prioritize>, of_all: Option<Prioritize>| {
        let defaults = ProxyDefaults { prioritize_by_locality: of_all, ..Default::default() };
        let resolver = ServiceResolver { prioritize_by_locality: own, ..Default::default() };
        let world = World::default().with("global", EntryBody::ProxyDefaults(defaults)).resolver("web", resolver);
        world.chain("web").targets["web.default.default.dc1"].prioritize_by_locality
    };
    assert_eq!(of(None, Some(Prioritize::Failover)), Some(Prioritize::Failover));
    assert_eq!(of(Some(Prioritize::None), Some(Prioritize::Failover)), Some(Prioritize::None));
    assert_eq!(of(Some(Prioritize::Failover), None), Some(Prioritize::Failover));
    assert_eq!(of(None, None), None);
}

#[test]
fn what_holds_for_all_is_among_the_entries_that_made_a_chain_what_it_is() {
    let defaults = ProxyDefaults { prioritize_by_locality: Some(Prioritize::Failover), ..Default::default() };
    let chain = World::default().with("global", EntryBody::ProxyDefaults(defaults)).chain("web");
    assert!(chain.default, "calls go where they went");
    let causes = explain(&chain);
    assert!(
        causes.iter().all(|cause| cause.entries == [EntryKey::new(EntryKind::ProxyDefaults, "global")]),
        "{causes:?}"
    );
}

#[test]
fn every_instance_is_in_one_of_the_parts_of_a_failover_by_locality() {
    let at = |region: &str| Locality { region: region.to_owned(), zone: "a".to_owned() };
    let regions = ["r1".to_owned(), "r2".to_owned()];
    let parts = [Within::Own, Within::Region("r1"), Within::Region("r2"), Within::Beyond(&regions)];
    for own in [None, Some(at("r1")), Some(at("r3"))] {
        for instance in [None, Some(at("r1")), Some(at("r2")), Some(at("r3")), Some(at("r4"))] {
            let of: Vec<_> = parts.iter().filter(|part| part.has(own.as_ref(), instance.as_ref())).collect();
            assert_eq!(of.len(), 1, "{own:?} {instance:?}: {of:?}");
            let near = own.is_some() && own == instance;
            assert_eq!(of[0] == &Within::Own, near);
        }
    }
}

#[test]
fn each_piece_is_explained_by_the_entries_that_put_it_there() {
    let world = World::http(&["web", "api"])
        .resolver("api", subsets(&["v1", "v2"]))
        .router("web", &[("/api", "api")])
        .splitter("api", &[(9000, "api/v1"), (1000, "api/v2")]);
    let causes: Vec<String> = explain(&world.chain("web"))
        .iter()
        .map(|cause| {
            let entries: Vec<String> = cause.entries.iter().map(ToString::to_string).collect();
            format!("{} {}: {}", cause.piece, cause.name, entries.join(", "))
        })
        .collect();
    let via = "service-resolver/api, service-router/web, service-splitter/api";
    let expected = [
        format!("route 0 prefix /api: {via}"),
        "route 1 prefix /: service-router/web".to_owned(),
        format!("split 0 90.00 % of splitter:api.default.default: {via}"),
        format!("split 1 10.00 % of splitter:api.default.default: {via}"),
        format!("cluster v1.api.default.dc1.internal.11111111-2222.consul: {via}"),
        format!("cluster v2.api.default.dc1.internal.11111111-2222.consul: {via}"),
        "cluster web.default.dc1.internal.11111111-2222.consul: service-router/web".to_owned(),
        format!("target v1.api.default.default.dc1: {via}"),
        format!("target v2.api.default.default.dc1: {via}"),
        "target web.default.default.dc1: service-router/web".to_owned(),
    ];
    assert_eq!(causes, expected);
}

/// `web` of which a route sends copies somewhere.
fn mirrored(world: World, to: &str, copies: &str) -> World {
    let mut route = route("/", to);
    route.destination.mirror = Some(mirror(copies));
    world.routes("web", vec![route])
}

#[test]
fn copies_of_requests_go_to_a_resolver_past_routers_and_splitters() {
    let world = World::http(&["web", "api", "old"])
        .resolver("api", subsets(&["v1", "v2"]))
        .splitter("api", &[(9000, "api/v1"), (1000, "api/v2")])
        .router("api", &[("/old", "old")])
        .resolver("old", failover("*", &["api/v1"]));
    let chain = mirrored(world.clone(), "web", "api").chain("web");
    assert_eq!(chain.routes()[0].mirror.as_deref(), Some("resolver:api.default.default.dc1"));
    assert!(chain.targets.contains_key("api.default.default.dc1"));
    // of the service that the requests go to, another subset; and what stands in there stands in for copies too
    let chain = mirrored(world.clone(), "api", "/v2").chain("web");
    assert_eq!(chain.routes()[0].mirror.as_deref(), Some("resolver:v2.api.default.default.dc1"));
    let chain = mirrored(world, "web", "old").chain("web");
    let expected = [
        "resolver:old else v1.api",
        "resolver:web",
        "router:web Some(Prefix(\"/\")) -> resolver:web, copies resolver:old",
        "router:web Some(Prefix(\"/\")) -> resolver:web",
    ];
    assert_eq!(shown(&chain), expected);
}

#[test]
fn where_copies_go_is_a_part_of_the_chain_like_where_requests_go() {
    let world = World::http(&["web"]).speaks("db", Protocol::Tcp);
    let refused = mirrored(world.clone(), "web", "db").error("web");
    assert!(refused.contains("inconsistent protocols: it speaks http, and \"db\""), "{refused}");
    let refused = mirrored(world.clone(), "web", "/v9").error("web");
    assert!(refused.contains("service \"web\" has no subset \"v9\""), "{refused}");
    let read = mirrored(world, "web", "db").compile(&ChainKey::plain("web".into())).read;
    assert!(read.contains(&EntryKey::new(EntryKind::ServiceDefaults, "db")));
}

#[test]
fn a_status_of_grpc_is_for_those_who_speak_it() {
    let of = |protocol| {
        let mut route = route("/", "web");
        let (share, status) = (Weight::WHOLE, crate::model::fault::AbortStatus::Grpc(14));
        route.destination.fault.abort = Some(crate::model::fault::Abort { share, status });
        World::default().speaks("web", protocol).routes("web", vec![route])
    };
    assert_eq!(of(Protocol::Grpc).chain("web").routes().len(), 2);
    let expected = "discovery chain \"web\": service-router/web aborts with a GRPCStatus, and the service speaks http2: \
                    give it the Protocol grpc, or say HTTPStatus";
    assert_eq!(of(Protocol::Http2).error("web"), expected);
    assert!(of(Protocol::Tcp).error("web").contains("does not permit the protocol tcp"));
}

#[test]
fn copies_and_faults_are_explained_beside_their_route() {
    let mut faulty = route("/a", "web");
    faulty.destination.mirror = Some(mirror("api"));
    faulty.destination.fault = crate::model::Fault {
        delay: Some(crate::model::fault::Delay { share: Weight(1_250), duration: Duration::from_millis(1500) }),
        abort: None,
    };
    let chain = World::http(&["web", "api"]).routes("web", vec![faulty]).chain("web");
    let causes: Vec<String> = explain(&chain)
        .iter()
        .map(|cause| format!("{} {} -> {}", cause.piece, cause.name, cause.leads_to.join(", ")))
        .collect();
    let expected = [
        "route 0 prefix /a -> resolver:web.default.default.dc1",
        "mirror 0 prefix /a: 50.00 % of its requests -> resolver:api.default.default.dc1",
        "fault 0 prefix /a: 12.50 % wait 1.5s -> ",
        "route 1 prefix / -> resolver:web.default.default.dc1",
    ];
    assert_eq!(causes[..4], expected);
}

#[test]
fn a_function_is_called_instead_of_instances_and_the_entry_that_makes_it_one_is_told() {
    let world = World::http(&["web"]).function("f", Protocol::Http).splitter("web", &[(9_000, "web"), (1_000, "f")]);
    let chain = world.chain("web");
    let functions: Vec<&str> = chain
        .targets
        .values()
        .filter(|target| target.function.is_some())
        .map(|target| target.service.as_str())
        .collect();
    assert_eq!(functions, ["f"]);
    let causes = explain(&chain);
    let target =
        causes.iter().find(|cause| cause.piece == "target" && cause.name.starts_with("f.")).expect("it is told");
    assert!(target.entries.contains(&EntryKey::new(EntryKind::ServiceDefaults, "f")));
    assert!(world.chain("f").default, "it is called as others are");
    let key = ChainKey { protocol: Some(Protocol::Tcp), ..ChainKey::plain("f".into()) };
    assert!(world.compile(&key).chain.is_err(), "what is not seen as requests cannot be signed");
}
