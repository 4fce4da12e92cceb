//! A service that is a function at AWS. What stands for AWS has its name, in a network namespace, and a certificate that
//! says so; whether the real one takes the signatures is not seen here.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use chancery_tests::agent::Agent;
use chancery_tests::app::App;
use chancery_tests::certificates::Certificates;
use chancery_tests::envoy::Envoy;
use chancery_tests::http::Client;
use chancery_tests::namespace::Namespace;
use chancery_tests::ports::free_port;
use chancery_tests::setup;
use chancery_tests::wait::eventually;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(15);
const HOST: &str = "lambda.us-west-2.amazonaws.com";
/// Of a region whose name its certificate does not have.
const OTHER_HOST: &str = "lambda.us-east-1.amazonaws.com";

/// An Envoy that has keys of AWS, and finds AWS on its own machine.
fn with_keys(agent: &Agent) -> PathBuf {
    let hosts = agent.write_file("hosts", &format!("127.0.0.1 localhost {HOST} {OTHER_HOST}\n"));
    let envoy = setup::envoy().expect("an Envoy to run");
    let script = format!(
        "#!/bin/sh\nexport AWS_ACCESS_KEY_ID=the-key AWS_SECRET_ACCESS_KEY=the-secret\nexec unshare --mount sh -c \
         'mount --bind {} /etc/hosts && exec \"$@\"' sh {} \"$@\"\n",
        hosts.display(),
        envoy.display(),
    );
    let file = agent.write_file("envoy-with-keys", &script);
    std::fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("it is our file");
    file
}

/// Takes calls at the port of HTTPS, and leads those of each function to what stands for it.
async fn aws(certificates: &Certificates, functions: &[(&str, &App)]) -> Envoy {
    let file = |name: &str| json!({ "filename": certificates.file(name) });
    let route = |(name, _): &(&str, &App)| {
        let path = format!("/2015-03-31/functions/arn:aws:lambda:us-west-2:1:function:{name}/invocations");
        json!({ "match": { "path": path }, "route": { "cluster": name } })
    };
    let cluster = |(name, app): &(&str, &App)| {
        let there = json!({ "socket_address": { "address": "127.0.0.1", "port_value": app.port } });
        let endpoints = json!([{ "lb_endpoints": [{ "endpoint": { "address": there } }] }]);
        json!({ "name": name, "load_assignment": { "cluster_name": name, "endpoints": endpoints } })
    };
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "aws",
        "http_filters": [{ "name": "router", "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }],
        "route_config": { "virtual_hosts": [{ "name": "aws", "domains": [HOST], "routes": functions.iter().map(route).collect::<Vec<_>>() }] },
    });
    let tls = json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": { "tls_certificates": [{
            "certificate_chain": file("dc1-server-consul-1.pem"), "private_key": file("dc1-server-consul-1-key.pem"),
        }] },
    });
    let mut bootstrap = json!({ "static_resources": {
        "listeners": [{
            "name": "public_listener",
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": 443 } },
            "filter_chains": [{
                "filters": [{ "name": "http", "typed_config": manager }],
                "transport_socket": { "name": "tls", "typed_config": tls },
            }],
        }],
        "clusters": functions.iter().map(cluster).collect::<Vec<_>>(),
    } });
    let folder = certificates.file("");
    Envoy::alone(&folder, "aws", &mut bootstrap).await
}

/// A service that is the function of its name there.
async fn function(agent: &Agent, name: &str, region: &str, arguments: Value) {
    let mut arguments = arguments;
    arguments["ARN"] = format!("arn:aws:lambda:{region}:1:function:{name}").into();
    let extension = json!({ "Name": "builtin/aws/lambda", "Arguments": arguments });
    let entry = json!({ "Kind": "service-defaults", "Name": name, "Protocol": "http", "EnvoyExtensions": [extension] });
    agent.put("/v1/config", entry).await;
}

#[tokio::test]
async fn a_service_that_is_a_function_is_called_with_signed_requests_and_only_at_aws() {
    if !setup::has_envoy("functions at AWS") {
        return;
    }
    if let Some(missing) = Namespace::missing() {
        return setup::skip("functions at AWS", missing);
    }
    let _namespace = Namespace::enter();
    let certificates = Certificates::new();
    certificates.make(&["tls", "cert", "create", "-server", "-additional-dnsname", HOST]);
    let told = App::http_of("told", r#"{"statusCode":201,"headers":{"x-made-by":"a function"},"body":"done"}"#).await;
    let (raw, api) = (App::http("raw").await, App::http("api").await);
    let _aws = aws(&certificates, &[("told", &told), ("raw", &raw)]).await;

    let agent = Agent::dev().await;
    let trusted = certificates.authority().display().to_string();
    function(&agent, "told", "us-west-2", json!({ "TrustedCA": trusted })).await;
    function(&agent, "raw", "us-west-2", json!({ "TrustedCA": trusted, "PayloadPassthrough": true })).await;
    function(&agent, "elsewhere", "us-east-1", json!({ "TrustedCA": trusted })).await;
    agent.put("/v1/config", json!({ "Kind": "service-defaults", "Name": "api", "Protocol": "http" })).await;
    let names = ["told", "raw", "elsewhere", "api"];
    let ports = names.map(|_| free_port());
    let upstream = |(name, port)| json!({ "DestinationName": name, "LocalBindPort": port });
    let upstreams: Vec<Value> = names.into_iter().zip(ports).map(upstream).collect();
    let sidecar = json!({ "SidecarService": { "Proxy": { "Upstreams": upstreams } } });
    agent.put("/v1/agent/service/register", json!({ "Name": "web", "Port": 1, "Connect": sidecar })).await;
    let of_api = json!({ "Name": "api", "Port": api.port, "Connect": { "SidecarService": {} } });
    agent.put("/v1/agent/service/register", of_api).await;
    let envoy = Envoy::sidecar_by(&with_keys(&agent), &agent, "web").await;
    let _of_api = Envoy::sidecar_for(&agent, "api").await;
    let [told_at, raw_at, elsewhere_at, api_at] = ports.map(|port| Client::new(format!("127.0.0.1:{port}")));

    let answer = eventually("the function to be called", PATIENCE, async || {
        told_at.get("/resize?by=2").await.ok().filter(|answer| answer.status == 201)
    });
    assert_eq!(answer.await.text(), "done");
    let answer = raw_at.get("/as/it/is").await.expect("an answer").json();
    assert_eq!(answer["app"], "raw");
    let signature = answer["headers"]["authorization"].as_str().expect("the request is signed");
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=the-key/"), "{signature}");
    assert!(signature.contains("/us-west-2/lambda/aws4_request"), "{signature}");
    assert_eq!(answer["headers"]["host"], HOST);

    // whoever answers there is not AWS of that region
    assert_eq!(elsewhere_at.get("/").await.expect("an answer").status, 503);
    let failed = envoy.stats("^cluster.elsewhere.*ssl.fail_verify_san$").await;
    assert!(failed.values().sum::<u64>() > 0, "{failed:?}");

    // a function among instances: what goes to them is neither signed nor told otherwise
    eventually("the instance to be called", PATIENCE, async || {
        api_at.get("/").await.ok().filter(|answer| answer.status == 200).map(drop)
    })
    .await;
    let splits = json!([{ "Weight": 50 }, { "Weight": 50, "Service": "told" }]);
    agent.put("/v1/config", json!({ "Kind": "service-splitter", "Name": "api", "Splits": splits })).await;
    let mut seen = [false; 2];
    eventually("both to be called", PATIENCE, async || {
        let answer = api_at.get("/").await.ok()?;
        match answer.status.as_u16() {
            201 => seen[1] = true,
            200 => {
                let answer = answer.json();
                assert_eq!((&answer["app"], &answer["headers"]["authorization"]), (&json!("api"), &Value::Null));
                seen[0] = true;
            }
            other => panic!("{other}: {}", answer.text()),
        }
        seen.iter().all(|seen| *seen).then_some(())
    })
    .await;
    envoy.assert_no_rejections().await;
}
