//! The filters and access logs that extensions add, as JSON of Envoy's messages.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::callees::{Called, Clusters};
use super::place;
use crate::model::extension::{
    AuthzService, Callee, ExtAuthz, GrpcCallee, HttpAuthz, LocalRateLimit, Location, Lua, OtelAccessLogging, Retry,
    TextMatch, TextMatchKind, Wasm, WasmCode,
};

/// Envoy demands a time for calls over HTTP.
const CALL_TIMEOUT: Duration = Duration::from_secs(1);
/// Code may be large.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

/// Nothing, where requests are not seen.
pub(super) fn lua(listener: &mut Value, lua: &Lua) -> Result<(), String> {
    let filter = json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": { "inline_string": lua.script },
        },
    });
    into_managers(listener, &Location::Last, &filter).map(drop)
}

/// Nothing, where requests are not seen. It stands behind the authorisation: who may not call uses nothing up.
pub(super) fn local_rate_limit(listener: &mut Value, limit: &LocalRateLimit) -> Result<(), String> {
    const NAME: &str = "envoy.filters.http.local_ratelimit";
    let counted =
        |manager: &Value| manager["http_filters"].as_array().is_some_and(|all| all.iter().any(|of| of["name"] == NAME));
    if place::managers(listener).iter().any(|manager| counted(manager)) {
        return Err(
            "requests are counted already, by RateLimits of service-defaults: leave one of the two out".to_owned()
        );
    }
    let share = |percent: u32| json!({ "default_value": { "numerator": percent, "denominator": "HUNDRED" } });
    let filter = json!({
        "name": NAME,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
            "stat_prefix": "rate_limit",
            "token_bucket": {
                "max_tokens": limit.max_tokens,
                "tokens_per_fill": limit.tokens_per_fill,
                "fill_interval": format!("{}s", limit.fill_interval.as_secs()),
            },
            "filter_enabled": share(limit.enabled),
            "filter_enforced": share(limit.enforced),
        },
    });
    into_managers(listener, &Location::Last, &filter).map(drop)
}

/// How many there are.
fn into_managers(listener: &mut Value, location: &Location, filter: &Value) -> Result<usize, String> {
    let managers = place::managers(listener);
    let count = managers.len();
    for manager in managers {
        let filters = manager["http_filters"].as_array_mut().ok_or("the listener has no filters for requests")?;
        place::insert(filters, location, filter.clone())?;
    }
    Ok(count)
}

fn into_chains(listener: &mut Value, location: &Location, filter: &Value) -> Result<usize, String> {
    let chains = place::opaque_chains(listener);
    let count = chains.len();
    for filters in chains {
        place::insert(filters, location, filter.clone())?;
    }
    Ok(count)
}

/// Every chain of the listener is asked about: a service that can only be asked over HTTP cannot be asked about connections.
pub(super) fn ext_authz(
    listener: &mut Value,
    authz: &ExtAuthz,
    required: bool,
    clusters: &Clusters,
) -> Result<Option<Called>, String> {
    let callee = match &authz.service {
        AuthzService::Grpc(service) => &service.callee,
        AuthzService::Http(http) => &http.callee,
    };
    let called = clusters.authz(callee)?;
    let mut count = into_managers(listener, &authz.location, &http_authz(authz, required, &called.cluster))?;
    if let AuthzService::Grpc(service) = &authz.service {
        count += into_chains(listener, &authz.location, &network_authz(authz, service, required, &called.cluster))?;
    } else if !place::opaque_chains(listener).is_empty() {
        return Err(
            "of connections that are not looked into only a GrpcService can be asked: set the protocol of the \
                    service to http"
                .to_owned(),
        );
    }
    Ok((count > 0).then_some(called))
}

fn http_authz(authz: &ExtAuthz, required: bool, cluster: &str) -> Value {
    let mut config =
        common_authz(authz, required, "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz");
    match &authz.service {
        AuthzService::Grpc(service) => config.insert("grpc_service".to_owned(), grpc(service, cluster)),
        AuthzService::Http(http) => {
            put(&mut config, "allowed_headers", matches(&http.allowed_headers));
            config.insert("http_service".to_owned(), http_service(http, cluster))
        }
    };
    let body = authz.request_body.map(|body| {
        json!({
            "max_request_bytes": body.max_bytes,
            "allow_partial_message": body.allow_partial,
            "pack_as_bytes": body.as_bytes,
        })
    });
    put(&mut config, "with_request_body", body);
    put(&mut config, "status_on_error", authz.status_on_error.map(|code| json!({ "code": code })));
    put(&mut config, "stat_prefix", text(&authz.stat_prefix));
    config.insert("clear_route_cache".to_owned(), authz.clear_route_cache.into());
    let namespaces = &authz.metadata_context_namespaces;
    put(&mut config, "metadata_context_namespaces", (!namespaces.is_empty()).then(|| json!(namespaces)));
    json!({ "name": "envoy.filters.http.ext_authz", "typed_config": config })
}

fn network_authz(authz: &ExtAuthz, service: &GrpcCallee, required: bool, cluster: &str) -> Value {
    let mut config =
        common_authz(authz, required, "type.googleapis.com/envoy.extensions.filters.network.ext_authz.v3.ExtAuthz");
    config.insert("grpc_service".to_owned(), grpc(service, cluster));
    let prefix = if authz.stat_prefix.is_empty() { "ext_authz" } else { &authz.stat_prefix };
    config.insert("stat_prefix".to_owned(), prefix.into());
    json!({ "name": "envoy.filters.network.ext_authz", "typed_config": config })
}

/// When the service cannot be asked nobody passes, unless the extension is not required.
fn common_authz(authz: &ExtAuthz, required: bool, of: &str) -> Map<String, Value> {
    let mut config = Map::new();
    config.insert("@type".to_owned(), of.into());
    config.insert("transport_api_version".to_owned(), "V3".into());
    config.insert("failure_mode_allow".to_owned(), (!required).into());
    config.insert("include_peer_certificate".to_owned(), authz.include_peer_certificate.into());
    put(&mut config, "bootstrap_metadata_labels_key", text(&authz.bootstrap_metadata_labels_key));
    config
}

fn http_service(http: &HttpAuthz, cluster: &str) -> Value {
    let mut service = Map::new();
    service.insert("server_uri".to_owned(), server(&http.callee, cluster));
    put(&mut service, "path_prefix", text(&http.path_prefix));
    let added: Vec<Value> =
        http.headers_to_add.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    put(&mut service, "authorization_request", (!added.is_empty()).then(|| json!({ "headers_to_add": added })));
    let mut response = Map::new();
    put(&mut response, "allowed_upstream_headers", matches(&http.upstream_headers));
    put(&mut response, "allowed_upstream_headers_to_append", matches(&http.upstream_headers_to_append));
    put(&mut response, "allowed_client_headers", matches(&http.client_headers));
    put(&mut response, "allowed_client_headers_on_success", matches(&http.client_headers_on_success));
    put(&mut response, "dynamic_metadata_from_headers", matches(&http.metadata_from_headers));
    put(&mut service, "authorization_response", (!response.is_empty()).then_some(Value::Object(response)));
    Value::Object(service)
}

fn server(callee: &Callee, cluster: &str) -> Value {
    let host =
        if callee.service.is_empty() { format!("127.0.0.1:{}", callee.port) } else { callee.service.to_string() };
    let timeout = callee.timeout.unwrap_or(CALL_TIMEOUT);
    json!({ "uri": format!("http://{host}"), "cluster": cluster, "timeout": seconds(timeout) })
}

fn grpc(service: &GrpcCallee, cluster: &str) -> Value {
    let mut envoy_grpc = Map::new();
    envoy_grpc.insert("cluster_name".to_owned(), cluster.into());
    put(&mut envoy_grpc, "authority", text(&service.authority));
    let mut config = Map::new();
    config.insert("envoy_grpc".to_owned(), Value::Object(envoy_grpc));
    put(&mut config, "timeout", service.callee.timeout.map(seconds).map(Value::from));
    let metadata: Vec<Value> =
        service.initial_metadata.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    put(&mut config, "initial_metadata", (!metadata.is_empty()).then(|| metadata.into()));
    Value::Object(config)
}

fn matches(matches: &[TextMatch]) -> Option<Value> {
    let one = |one: &TextMatch| {
        let mut matcher = Map::new();
        match one.kind {
            TextMatchKind::Exact => matcher.insert("exact".to_owned(), one.text.as_str().into()),
            TextMatchKind::Prefix => matcher.insert("prefix".to_owned(), one.text.as_str().into()),
            TextMatchKind::Suffix => matcher.insert("suffix".to_owned(), one.text.as_str().into()),
            TextMatchKind::Contains => matcher.insert("contains".to_owned(), one.text.as_str().into()),
            TextMatchKind::Regex => matcher.insert("safe_regex".to_owned(), json!({ "regex": one.text })),
        };
        put(&mut matcher, "ignore_case", one.ignore_case.then_some(Value::Bool(true)));
        Value::Object(matcher)
    };
    (!matches.is_empty()).then(|| json!({ "patterns": matches.iter().map(one).collect::<Vec<_>>() }))
}

/// Nothing, where requests are not seen.
pub(super) fn otel(
    listener: &mut Value,
    logging: &OtelAccessLogging,
    clusters: &Clusters,
) -> Result<Option<Called>, String> {
    let managers = place::managers(listener);
    if managers.is_empty() {
        return Ok(None);
    }
    let called = clusters.logging(&logging.service.callee)?;
    let mut service = grpc(&logging.service, &called.cluster);
    if let Some(policy) = logging.retry {
        service["retry_policy"] = retry(policy);
    }
    let mut config = Map::new();
    config.insert(
        "@type".to_owned(),
        "type.googleapis.com/envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig".into(),
    );
    config.insert("log_name".to_owned(), logging.log_name.as_str().into());
    config.insert("grpc_service".to_owned(), service);
    put(&mut config, "buffer_flush_interval", logging.flush_interval.map(seconds).map(Value::from));
    put(&mut config, "buffer_size_bytes", logging.buffer_bytes.map(Value::from));
    let objects = &logging.filter_state_objects;
    put(&mut config, "filter_state_objects_to_log", (!objects.is_empty()).then(|| json!(objects)));
    put(&mut config, "body", (!logging.body.is_null()).then(|| any_value(&logging.body)));
    put(&mut config, "attributes", key_values(&logging.attributes));
    put(&mut config, "resource_attributes", key_values(&logging.resource_attributes));
    let log = json!({ "name": "envoy.access_loggers.open_telemetry", "typed_config": config });
    for manager in managers {
        let logs = manager.as_object_mut().ok_or("the listener has no connection manager")?;
        let logs = logs.entry("access_log").or_insert_with(|| json!([]));
        logs.as_array_mut().ok_or("the access logs are no list")?.push(log.clone());
    }
    Ok(Some(called))
}

/// In the words of OpenTelemetry. Envoy fills in texts, and takes nothing else that is not a list or an object.
fn any_value(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "string_value": "" }),
        Value::Bool(_) | Value::Number(_) => json!({ "string_value": value.to_string() }),
        Value::String(text) => json!({ "string_value": text }),
        Value::Array(items) => json!({ "array_value": { "values": items.iter().map(any_value).collect::<Vec<_>>() } }),
        Value::Object(members) => json!({ "kvlist_value": { "values": pairs(members) } }),
    }
}

fn key_values(members: &Map<String, Value>) -> Option<Value> {
    (!members.is_empty()).then(|| json!({ "values": pairs(members) }))
}

fn pairs(members: &Map<String, Value>) -> Vec<Value> {
    members.iter().map(|(key, value)| json!({ "key": key, "value": any_value(value) })).collect()
}

/// Nothing, where the listener does not speak the protocol.
pub(super) fn wasm(
    listener: &mut Value,
    wasm: &Wasm,
    required: bool,
    clusters: &Clusters,
) -> Result<Option<Called>, String> {
    let called = match &wasm.code {
        WasmCode::File(_) => None,
        WasmCode::Remote { callee, .. } => Some(clusters.service(callee)?),
    };
    let layer = if wasm.tcp { "network" } else { "http" };
    let filter = json!({
        "name": format!("envoy.filters.{layer}.wasm"),
        "typed_config": {
            "@type": format!("type.googleapis.com/envoy.extensions.filters.{layer}.wasm.v3.Wasm"),
            "config": plugin(wasm, required, called.as_ref().map_or("", |called| &called.cluster)),
        },
    });
    let place = if wasm.tcp { into_chains } else { into_managers };
    let count = place(listener, &Location::Last, &filter)?;
    Ok(called.filter(|_| count > 0))
}

fn plugin(wasm: &Wasm, required: bool, cluster: &str) -> Value {
    let configuration = |text: &str| {
        (!text.is_empty()).then(|| json!({ "@type": "type.googleapis.com/google.protobuf.StringValue", "value": text }))
    };
    let mut vm = Map::new();
    put(&mut vm, "vm_id", text(&wasm.vm_id));
    vm.insert("runtime".to_owned(), format!("envoy.wasm.runtime.{}", wasm.runtime.as_str()).into());
    put(&mut vm, "configuration", configuration(&wasm.vm_configuration));
    let mut variables = Map::new();
    put(&mut variables, "host_env_keys", (!wasm.host_variables.is_empty()).then(|| json!(wasm.host_variables)));
    put(&mut variables, "key_values", (!wasm.variables.is_empty()).then(|| json!(wasm.variables)));
    put(&mut vm, "environment_variables", (!variables.is_empty()).then_some(Value::Object(variables)));
    vm.insert("code".to_owned(), code(&wasm.code, cluster));
    let allowed: Map<String, Value> =
        wasm.allowed_capabilities.iter().map(|capability| (capability.clone(), json!({}))).collect();
    let restrictions = (!allowed.is_empty()).then(|| json!({ "allowed_capabilities": allowed }));
    put(&mut vm, "capability_restriction_config", restrictions);
    let mut plugin = Map::new();
    put(&mut plugin, "name", text(&wasm.name));
    put(&mut plugin, "root_id", text(&wasm.root_id));
    plugin.insert("failure_policy".to_owned(), if required { "FAIL_CLOSED" } else { "FAIL_OPEN" }.into());
    put(&mut plugin, "configuration", configuration(&wasm.configuration));
    plugin.insert("vm_config".to_owned(), Value::Object(vm));
    Value::Object(plugin)
}

fn code(code: &WasmCode, cluster: &str) -> Value {
    match code {
        WasmCode::File(file) => json!({ "local": { "filename": file } }),
        WasmCode::Remote { callee, uri, sha256, retry: policy } => {
            let timeout = seconds(callee.timeout.unwrap_or(FETCH_TIMEOUT));
            let mut remote = Map::new();
            remote.insert("http_uri".to_owned(), json!({ "uri": uri, "cluster": cluster, "timeout": timeout }));
            remote.insert("sha256".to_owned(), sha256.as_str().into());
            put(&mut remote, "retry_policy", policy.map(retry));
            json!({ "remote": remote })
        }
    }
}

fn retry(retry: Retry) -> Value {
    let mut policy = Map::new();
    put(&mut policy, "num_retries", retry.times.map(Value::from));
    if let Some(base) = retry.base_interval {
        let mut back_off = Map::new();
        back_off.insert("base_interval".to_owned(), seconds(base).into());
        put(&mut back_off, "max_interval", retry.max_interval.map(seconds).map(Value::from));
        policy.insert("retry_back_off".to_owned(), Value::Object(back_off));
    }
    Value::Object(policy)
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
}

fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| text.into())
}

/// As protobuf's JSON writes a duration.
fn seconds(duration: Duration) -> String {
    match duration.subsec_nanos() {
        0 => format!("{}s", duration.as_secs()),
        nanos => format!("{}.{nanos:09}s", duration.as_secs()),
    }
}
