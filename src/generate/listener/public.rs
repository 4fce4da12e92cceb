//! The public listener: mutual TLS, then who may call, then the application.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::http_protocol_options::HeadersWithUnderscoresAction;
use envoy_types::pb::envoy::config::core::v3::{Address, HttpProtocolOptions, TrafficDirection};
use envoy_types::pb::envoy::config::listener::v3::{
    Filter, FilterChain, FilterChainMatch, Listener, ListenerFilter, listener_filter,
};
use envoy_types::pb::envoy::extensions::filters::http::header_to_metadata::v3::{self as header_to_metadata, config};
use envoy_types::pb::envoy::extensions::filters::listener::original_dst::v3::OriginalDst;
use envoy_types::pb::envoy::extensions::filters::network::connection_limit::v3::ConnectionLimit;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    ForwardClientCertDetails, PathWithEscapedSlashesAction, RouteSpecifier, SetCurrentClientCertDetails,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter,
};
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatchAndSubstitute, RegexMatcher};
use envoy_types::pb::google::protobuf::{BoolValue, UInt32Value, UInt64Value};
use envoy_types::util::pack_any;

use super::connection_manager::{OneRoute, Routes, connection_manager, http_filter, packed_filter};
use super::{exact_balance, hatch, network_filter, packed_network_filter, tcp_proxy};
use crate::generate::cluster::{self, LOCAL_APP};
use crate::generate::rbac::{self, Sees};
use crate::generate::telemetry::{self, Telemetry};
use crate::generate::{Reason, address, jwt, rate_limit, sharing_key, tls, yes};
use crate::model::entry::Mesh;
use crate::model::entry::jwt_provider::KeySet;
use crate::model::entry::mesh::{EscapedSlashes, RequestNormalization, Underscores};
use crate::model::intention::Intentions;
use crate::model::{Bind, Protocol, ProxyConfig, TrustDomain};
use crate::resource::{Resource, ResourceType, Shared};

/// The stat prefix, and the name of the route.
const PUBLIC_LISTENER: &str = "public_listener";

/// What the listener is made of beside the intentions.
#[derive(Clone, Copy)]
pub(in crate::generate) struct Inbound<'a> {
    pub proxy: &'a ProxyConfig,
    pub trust_domain: &'a TrustDomain,
    pub mesh: &'a Mesh,
}

pub(in crate::generate) fn name(bind: &Bind) -> String {
    format!("{PUBLIC_LISTENER}:{}", address::text(bind))
}

/// The intentions keep the listener: a proxy that is generated again because something else changed finds it there.
pub(in crate::generate) fn public(
    bind: &Bind,
    inbound: Inbound<'_>,
    intentions: &Shared<Intentions>,
) -> Result<Arc<Resource>, Reason> {
    let json = &inbound.proxy.inbound.listener_json;
    if !json.is_empty() {
        return hatch::public(json, bind, inbound, intentions);
    }
    let address = address::listen(bind)?;
    let Inbound { proxy, trust_domain, mesh } = inbound;
    let limits = (proxy.max_inbound_connections, proxy.balance_inbound_connections);
    let timeouts = (proxy.local_app.request_timeout, proxy.local_app.idle_timeout);
    let mesh = (&mesh.incoming, mesh.sanitize_forwarded_client_cert, mesh.request_normalization);
    let app = &proxy.local_app.address;
    let inbound_of = (&proxy.telemetry, limits, timeouts, &proxy.inbound, proxy.inbound.permissive.then_some(app));
    let key = sharing_key((PUBLIC_LISTENER, bind, proxy.protocol, inbound_of, trust_domain, mesh));
    Ok(intentions.resource(key, || {
        let name = name(bind);
        let message = listener(&name, address, inbound, intentions);
        Resource::new(ResourceType::Listener, name, needs(inbound, intentions), &message)
    }))
}

/// The application, and where keys are fetched.
pub(super) fn needs(inbound: Inbound<'_>, intentions: &Intentions) -> Vec<Arc<str>> {
    let sees_requests = inbound.proxy.sees_requests();
    let remote =
        jwt::used(intentions).filter(|(_, provider)| sees_requests && matches!(provider.keys, KeySet::Remote(_)));
    std::iter::once(LOCAL_APP.into()).chain(remote.map(|(name, _)| cluster::jwks_name(name).into())).collect()
}

fn listener(name: &str, address: Address, inbound: Inbound<'_>, intentions: &Intentions) -> Listener {
    let proxy = inbound.proxy;
    let telemetry = &Telemetry::of(&proxy.telemetry);
    let chain = FilterChain {
        filters: filters(inbound, intentions, telemetry),
        transport_socket: Some(tls::accept(&inbound.mesh.incoming, proxy.protocol)),
        ..Default::default()
    };
    let permissive = permissive_port(proxy);
    let mut listener = Listener {
        name: name.to_owned(),
        address: Some(address),
        listener_filters: permissive.iter().map(|_| original_destination()).collect(),
        filter_chains: permissive.map(|port| plain(port, telemetry)).into_iter().chain([chain]).collect(),
        traffic_direction: TrafficDirection::Inbound.into(),
        connection_balance_config: proxy.balance_inbound_connections.then(exact_balance),
        ..Default::default()
    };
    telemetry.of_listener(&mut listener);
    listener
}

/// What was asked of the listener and makes no sense in it; without it the listener is served.
pub(in crate::generate) fn left_out(proxy: &ProxyConfig) -> impl Iterator<Item = Reason> {
    let permissive = (proxy.inbound.permissive && permissive_port(proxy).is_none()).then_some(Reason::PermissivePort);
    let unseen = !proxy.inbound.rate_limits.is_empty() && !proxy.protocol.is_http_like();
    let problems = [permissive, unseen.then_some(Reason::NoRequestsToLimit), telemetry::problem(&proxy.telemetry)];
    problems.into_iter().flatten()
}

/// The application's own port, at which callers without a certificate are let in.
fn permissive_port(proxy: &ProxyConfig) -> Option<u16> {
    match proxy.local_app.address {
        Bind::Address { port, .. } if proxy.inbound.permissive && port != 0 && port != proxy.bind_port => Some(port),
        _ => None,
    }
}

/// Connections that were meant for the port, and were led to this listener, go to the application as they are.
fn plain(port: u16, telemetry: &Telemetry) -> FilterChain {
    FilterChain {
        filter_chain_match: Some(FilterChainMatch {
            destination_port: Some(UInt32Value { value: port.into() }),
            ..Default::default()
        }),
        filters: vec![tcp_proxy("permissive_public_listener", LOCAL_APP, telemetry)],
        ..Default::default()
    }
}

/// Finds out what a connection that was led here was meant for.
fn original_destination() -> ListenerFilter {
    ListenerFilter {
        name: "envoy.filters.listener.original_dst".to_owned(),
        config_type: Some(listener_filter::ConfigType::TypedConfig(pack_any(OriginalDst {}))),
        ..Default::default()
    }
}

fn filters(inbound: Inbound<'_>, intentions: &Intentions, telemetry: &Telemetry) -> Vec<Filter> {
    let proxy = inbound.proxy;
    let limit = (proxy.max_inbound_connections > 0).then(|| connection_limit(proxy.max_inbound_connections));
    if !proxy.protocol.is_http_like() {
        let rbac = network_authorisation(inbound, intentions);
        let proxy = tcp_proxy(PUBLIC_LISTENER, LOCAL_APP, telemetry);
        return std::iter::once(rbac).chain(limit).chain([proxy]).collect();
    }
    limit.into_iter().chain([http(inbound, intentions, telemetry)]).collect()
}

fn http(inbound: Inbound<'_>, intentions: &Intentions, telemetry: &Telemetry) -> Filter {
    let proxy = inbound.proxy;
    let route = Routes::One(OneRoute {
        name: PUBLIC_LISTENER,
        virtual_host: PUBLIC_LISTENER,
        cluster: LOCAL_APP,
        timeout: proxy.local_app.request_timeout,
        idle_timeout: proxy.local_app.idle_timeout,
    });
    // an application that speaks gRPC is not told who calls by header
    let tells_caller = proxy.protocol != Protocol::Grpc && !inbound.mesh.sanitize_forwarded_client_cert;
    let mut filters = authorisation(inbound, intentions);
    filters.extend(rate_limit::filter(&proxy.inbound.rate_limits, proxy.protocol));
    if tells_caller {
        filters.push(http_filter("envoy.filters.http.header_to_metadata", caller_to_metadata()));
    }
    let mut manager = connection_manager(PUBLIC_LISTENER, proxy.protocol, filters, &route);
    if let Some(RouteSpecifier::RouteConfig(routes)) = &mut manager.route_specifier {
        rate_limit::divide(routes, &proxy.inbound.rate_limits, proxy.protocol);
    }
    manager.max_request_headers_kb = proxy.inbound.max_request_headers_kb.map(|value| UInt32Value { value });
    telemetry.of_requests(&mut manager);
    normalize(&mut manager, inbound.mesh.request_normalization);
    if tells_caller {
        manager.forward_client_cert_details = ForwardClientCertDetails::AppendForward.into();
        manager.set_current_client_cert_details = Some(SetCurrentClientCertDetails {
            subject: Some(yes()),
            cert: true,
            chain: true,
            dns: true,
            uri: true,
            ..Default::default()
        });
    }
    network_filter("envoy.filters.network.http_connection_manager", manager)
}

/// The intentions, for who sees connections alone.
pub(super) fn network_authorisation(inbound: Inbound<'_>, intentions: &Intentions) -> Filter {
    let rules = rbac::rules(intentions, inbound.trust_domain, Sees::Connections);
    packed_network_filter("envoy.filters.network.rbac", rules.network_filter())
}

/// The intentions, and before them what proves tokens if they ask for any.
pub(super) fn authorisation(inbound: Inbound<'_>, intentions: &Intentions) -> Vec<HttpFilter> {
    let rules = rbac::rules(intentions, inbound.trust_domain, Sees::Tokens);
    let rbac = packed_filter("envoy.filters.http.rbac", rules.http_filter());
    jwt::filter(intentions).into_iter().chain([rbac]).collect()
}

/// Rules and applications see one spelling of a path, so that none slips by as another.
pub(super) fn normalize(manager: &mut HttpConnectionManager, normalization: RequestNormalization) {
    manager.normalize_path = Some(BoolValue { value: !normalization.insecure_disable_path_normalization });
    manager.merge_slashes = normalization.merge_slashes;
    let slashes = normalization.escaped_slashes.map_or_else(Default::default, |slashes| match slashes {
        EscapedSlashes::ImplementationSpecificDefault => PathWithEscapedSlashesAction::ImplementationSpecificDefault,
        EscapedSlashes::KeepUnchanged => PathWithEscapedSlashesAction::KeepUnchanged,
        EscapedSlashes::RejectRequest => PathWithEscapedSlashesAction::RejectRequest,
        EscapedSlashes::UnescapeAndRedirect => PathWithEscapedSlashesAction::UnescapeAndRedirect,
        EscapedSlashes::UnescapeAndForward => PathWithEscapedSlashesAction::UnescapeAndForward,
    });
    manager.path_with_escaped_slashes_action = slashes.into();
    manager.common_http_protocol_options = normalization.underscores.map(|underscores| {
        let action = match underscores {
            Underscores::Allow => HeadersWithUnderscoresAction::Allow,
            Underscores::RejectRequest => HeadersWithUnderscoresAction::RejectRequest,
            Underscores::DropHeader => HeadersWithUnderscoresAction::DropHeader,
        };
        HttpProtocolOptions { headers_with_underscores_action: action.into(), ..Default::default() }
    });
}

fn connection_limit(most: u32) -> Filter {
    let limit = ConnectionLimit {
        stat_prefix: "inbound_connection_limit".to_owned(),
        max_connections: Some(UInt64Value { value: most.into() }),
        ..Default::default()
    };
    network_filter("envoy.filters.network.connection_limit", limit)
}

/// Puts the parts of the caller's identity where other filters can read them: metadata namespace `consul`.
///
/// Each hop appends to the header, so the last URI in it, which the greedy start finds, is that of the direct caller.
fn caller_to_metadata() -> header_to_metadata::Config {
    const IDENTITY: &str = ".*URI=spiffe://([^/]+)(?:/ap/([^/]+))?/ns/([^/]+)/dc/([^/]+)/svc/([^/;,]+).*";
    let rule = |(part, key): (usize, &str)| config::Rule {
        header: "x-forwarded-client-cert".to_owned(),
        on_header_present: Some(config::KeyValuePair {
            metadata_namespace: "consul".to_owned(),
            key: key.to_owned(),
            regex_value_rewrite: Some(RegexMatchAndSubstitute {
                pattern: Some(RegexMatcher { regex: IDENTITY.to_owned(), ..Default::default() }),
                substitution: format!("\\{part}"),
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let parts = [(1, "trust-domain"), (2, "partition"), (3, "namespace"), (4, "datacenter"), (5, "service")];
    header_to_metadata::Config { request_rules: parts.into_iter().map(rule).collect(), ..Default::default() }
}
