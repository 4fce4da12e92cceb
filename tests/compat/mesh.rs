//! What depends on the trust domain of the mesh, and an agent that has none.

use chancery_tests::agent::Agent;
use hyper::Method;

use crate::connection::Connection;

#[tokio::test]
async fn without_a_mesh_what_needs_one_is_refused_and_the_rest_is_served() {
    let agent = Agent::start(&["-dev", "-hcl", "connect { enabled = false }"]).await;
    let mut connection = Connection::open(agent.http_port).await;
    for (method, path) in [
        (Method::GET, "/v1/connect/ca/roots"),
        (Method::GET, "/v1/connect/ca/configuration"),
        (Method::GET, "/v1/agent/connect/ca/roots"),
        (Method::GET, "/v1/agent/connect/ca/leaf/web"),
        (Method::GET, "/v1/discovery-chain/web"),
    ] {
        let reply = connection.send(method.clone(), path, "").await;
        assert_eq!(reply.status, 500, "{method} {path}: {}", reply.body);
        assert!(reply.body.starts_with("Connect must be enabled in order to use this endpoint"), "{}", reply.body);
    }
    let configuration = r#"{"Provider": "consul", "Config": {"LeafCertTTL": "24h"}}"#;
    let reply = connection.send(Method::PUT, "/v1/connect/ca/configuration", configuration).await;
    assert_eq!(reply.status, 500, "{}", reply.body);
    let before = connection.get("/v1/catalog/services").await.index();
    for body in [
        r#"{"Name": "web", "Port": 80, "Connect": {"SidecarService": {}}}"#,
        r#"{"Name": "web", "Port": 80, "Connect": {"Native": true}}"#,
        r#"{"Name": "web-proxy", "Kind": "connect-proxy", "Port": 81, "Proxy": {"DestinationServiceName": "web"}}"#,
    ] {
        let reply = connection.send(Method::PUT, "/v1/agent/service/register", body).await;
        assert!(reply.status == 400 && reply.body.contains("connect.enabled is false"), "{body}: {}", reply.body);
    }
    let far = r#"{"Node": "far", "Address": "10.0.0.9", "Service": {"Service": "p", "Kind": "connect-proxy", "Port": 1, "Proxy": {"DestinationServiceName": "web"}}}"#;
    let reply = connection.send(Method::PUT, "/v1/catalog/register", far).await;
    assert!(reply.status == 400 && reply.body.contains("connect.enabled is false"), "{}", reply.body);
    assert_eq!(connection.get("/v1/catalog/services").await.index(), before, "nothing was written");
    connection.put("/v1/agent/service/register", r#"{"Name": "web", "Port": 80}"#).await;
    connection.put("/v1/kv/a", "1").await;
    assert_eq!(connection.get("/v1/health/service/web?passing").await.status, 200);
    let own = agent.http.json("/v1/agent/self").await;
    assert_eq!((&own["DebugConfig"]["ConnectEnabled"], &own["xDS"]["Port"]), (&false.into(), &(-1).into()));
    assert!(!agent.log().contains("gRPC is listening"));
}

#[tokio::test]
async fn a_native_program_is_told_whom_it_may_let_in() {
    let domain = "11111111-2222-3333-4444-555555555555";
    let settings = format!(r#"connect {{ ca_config {{ cluster_id = "{domain}" }} }}"#);
    let agent = Agent::start(&["-dev", "-hcl", &settings]).await;
    let mut connection = Connection::open(agent.http_port).await;
    connection.put("/v1/connect/intentions/exact?source=web&destination=db", r#"{"Action": "deny"}"#).await;
    for (caller, expected) in [
        ("web", r#""Authorized":false,"Reason":"Matched L4 intention: default/web => default/db (ID: "#),
        ("shop", r#""Authorized":true,"Reason":"Default behavior: no intention bears on this call"#),
    ] {
        let uri = format!("spiffe://{domain}.consul/ns/default/dc/dc1/svc/{caller}");
        let body = format!(r#"{{"Target": "db", "ClientCertURI": "{uri}", "ClientCertSerial": "01"}}"#);
        let reply = connection.send(Method::POST, "/v1/agent/connect/authorize", body).await;
        assert!(reply.status == 200 && reply.body.contains(expected), "{caller}: {} {}", reply.status, reply.body);
    }
}
