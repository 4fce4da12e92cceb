//! Ports, unix sockets, TLS: how the agent is reached, and what holds for whoever reaches it.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use chancery_tests::agent::Agent;
use chancery_tests::certificates::Certificates;
use chancery_tests::ports::free_port;
use chancery_tests::setup::chancery;
use chancery_tests::wait::eventually;
use hyper::Method;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::connection::{Connection, Reply};

const PATIENCE: Duration = Duration::from_secs(10);

/// The members, as the command line of another process sees them.
fn members(environment: &[(&str, &Path)], address: &str) -> (i32, String) {
    let mut command = Command::new(chancery());
    command.arg("members").env("CONSUL_HTTP_ADDR", address);
    for (name, value) in environment {
        command.env(name, value);
    }
    let output = command.output().expect("the program runs");
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    (output.status.code().unwrap_or(-1), text)
}

#[tokio::test]
async fn https_is_spoken_with_who_trusts_its_authority() {
    let (certificates, port) = (Certificates::new(), free_port());
    let settings = certificates.settings("");
    let agent = Agent::start(&["-dev", "-https-port", &port.to_string(), "-hcl", &settings]).await;
    let address = format!("https://localhost:{port}");
    let (code, text) = members(&[("CONSUL_CACERT", &certificates.authority())], &address);
    assert!(code == 0 && text.contains("n1"), "{text}");
    let (code, text) = members(
        &[("CONSUL_CACERT", &certificates.authority()), ("CONSUL_HTTP_SSL", Path::new("true"))],
        &format!("localhost:{port}"),
    );
    assert!(code == 0 && text.contains("n1"), "{text}");
    let (code, text) = members(&[], &address);
    assert!(code == 1 && text.contains("UnknownIssuer"), "{text}");
    let (code, text) = members(&[("CONSUL_HTTP_SSL_VERIFY", Path::new("false"))], &address);
    assert!(code == 0 && text.contains("n1"), "{text}");
    assert!(agent.log().contains("HTTPS is listening"));
}

#[tokio::test]
async fn a_client_without_a_certificate_is_sent_away_where_one_is_asked_for() {
    let (certificates, port) = (Certificates::new(), free_port());
    let settings = certificates.settings("verify_incoming = true");
    let _agent = Agent::start(&["-dev", "-https-port", &port.to_string(), "-hcl", &settings]).await;
    let (address, authority) = (format!("https://localhost:{port}"), certificates.authority());
    let (code, text) = members(&[("CONSUL_CACERT", &authority)], &address);
    assert_eq!(code, 1, "{text}");
    let (cert, key) = (certificates.file("dc1-cli-consul-0.pem"), certificates.file("dc1-cli-consul-0-key.pem"));
    let with_one: [(&str, &Path); 3] =
        [("CONSUL_CACERT", &authority), ("CONSUL_CLIENT_CERT", &cert), ("CONSUL_CLIENT_KEY", &key)];
    let (code, text) = members(&with_one, &address);
    assert!(code == 0 && text.contains("n1"), "{text}");
    let others = Certificates::new();
    let (cert, key) = (others.file("dc1-cli-consul-0.pem"), others.file("dc1-cli-consul-0-key.pem"));
    let foreign: [(&str, &Path); 3] =
        [("CONSUL_CACERT", &authority), ("CONSUL_CLIENT_CERT", &cert), ("CONSUL_CLIENT_KEY", &key)];
    let (code, text) = members(&foreign, &address);
    assert_eq!(code, 1, "{text}");
}

/// The first bytes that the door of xDS says through TLS; an error when it sends the client away.
async fn first_words_of_xds(port: u16, trusted: &Path, own: Option<[PathBuf; 2]>) -> io::Result<[u8; 9]> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).expect("a certificate")).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions").with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some([certificate, key]) => {
            let chain = vec![CertificateDer::from_pem_file(certificate).expect("a certificate")];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_file(key).expect("a key")).expect("a pair")
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
    let mut head = [0; 9];
    timeout(PATIENCE, stream.read_exact(&mut head)).await.expect("an answer or an end")?;
    Ok(head)
}

#[tokio::test]
async fn xds_is_spoken_with_nobody_who_shows_no_certificate_where_one_is_asked_for() {
    let (certificates, port) = (Certificates::new(), free_port());
    let settings = certificates.settings("verify_incoming = true");
    let _agent = Agent::start(&["-dev", "-grpc-tls-port", &port.to_string(), "-hcl", &settings]).await;
    let authority = certificates.authority();
    let head = first_words_of_xds(port, &authority, Some(certificates.client())).await.expect("it is let in");
    assert_eq!(head[3], 4, "settings of HTTP/2: {head:?}");
    let sent_away = first_words_of_xds(port, &authority, None).await.expect_err("it shows nothing").to_string();
    assert!(sent_away.contains("CertificateRequired"), "{sent_away}");
    let others = Certificates::new();
    let sent_away =
        first_words_of_xds(port, &authority, Some(others.client())).await.map_err(|error| error.to_string());
    assert!(sent_away.is_err(), "a certificate of another authority: {sent_away:?}");
}

#[tokio::test]
async fn a_client_that_is_slow_at_its_handshake_holds_up_nobody() {
    let (certificates, port) = (Certificates::new(), free_port());
    let settings = format!("{} limits {{ https_handshake_timeout = \"500ms\" }}", certificates.settings(""));
    let _agent = Agent::start(&["-dev", "-https-port", &port.to_string(), "-hcl", &settings]).await;
    let mut silent = TcpStream::connect(("127.0.0.1", port)).await.expect("the agent listens");
    let (code, text) = members(&[("CONSUL_CACERT", &certificates.authority())], &format!("https://localhost:{port}"));
    assert_eq!(code, 0, "{text}");
    let mut nothing = Vec::new();
    let ended = timeout(PATIENCE, silent.read_to_end(&mut nothing)).await;
    assert!(ended.is_ok() && nothing.is_empty(), "it is sent away after its time: {nothing:?}");
}

#[tokio::test]
async fn a_certificate_that_is_replaced_is_shown_after_a_reload_and_a_broken_one_is_not() {
    let (certificates, port) = (Certificates::new(), free_port());
    let settings = certificates.settings("");
    let agent = Agent::start(&["-dev", "-https-port", &port.to_string(), "-hcl", &settings]).await;
    let address = format!("https://localhost:{port}");
    let mut connection = Connection::open(agent.http_port).await;
    let cert = certificates.file("dc1-server-consul-0.pem");
    let key = certificates.file("dc1-server-consul-0-key.pem");
    std::fs::write(&cert, "rubbish").expect("a file");
    let reply = connection.send(Method::PUT, "/v1/agent/reload", "").await;
    assert!(reply.status == 500 && reply.body.contains("there is no certificate in it"), "{}", reply.body);
    assert_eq!(members(&[("CONSUL_CACERT", &certificates.authority())], &address).0, 0, "what was shown stays");
    let others = Certificates::new();
    std::fs::copy(others.file("dc1-server-consul-0.pem"), &cert).expect("a file");
    std::fs::copy(others.file("dc1-server-consul-0-key.pem"), &key).expect("a file");
    connection.put("/v1/agent/reload", "").await;
    assert_eq!(members(&[("CONSUL_CACERT", &certificates.authority())], &address).0, 1);
    assert_eq!(members(&[("CONSUL_CACERT", &others.authority())], &address).0, 0);
}

#[tokio::test]
async fn an_agent_whose_certificate_cannot_be_used_does_not_start_and_says_why() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("cert.pem");
    std::fs::write(&file, "not a certificate").expect("a file");
    let settings = format!(r#"tls {{ https {{ cert_file = "{0}" key_file = "{0}" }} }}"#, file.display());
    let mut command = Command::new(chancery());
    command.args(["agent", "-dev", "-http-port=-1", "-grpc-port=-1", "-https-port"]);
    let output = command.arg(free_port().to_string()).args(["-hcl", &settings]).output().expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let expected = format!("==> {} cannot be used for TLS: there is no certificate in it", file.display());
    assert!(told.contains(&expected), "{told}");
}

#[tokio::test]
async fn a_unix_socket_is_as_good_as_a_port_and_goes_with_the_agent() {
    let folder = TempDir::new().expect("a folder");
    let socket = folder.path().join("http.sock");
    let settings = format!(
        r#"addresses {{ http = "127.0.0.1 unix://{}" }} unix_sockets {{ mode = "0600" }} http_config {{ allow_write_http_from = ["10.0.0.0/8"] }}"#,
        socket.display()
    );
    let mut agent = Agent::start(&["-dev", "-hcl", &settings]).await;
    // the listener on the port may answer before that on the socket is there
    eventually("a socket of that mode", PATIENCE, async || {
        let mode = std::fs::metadata(&socket).ok()?.permissions().mode();
        (mode & 0o777 == 0o600).then_some(())
    })
    .await;
    let (code, text) = members(&[], &format!("unix://{}", socket.display()));
    assert!(code == 0 && text.contains("n1"), "{text}");
    let mut stream = UnixStream::connect(&socket).await.expect("the agent listens");
    let request = "PUT /v1/kv/a HTTP/1.1\r\nHost: agent\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1";
    stream.write_all(request.as_bytes()).await.expect("the request goes out");
    let mut told = String::new();
    stream.read_to_string(&mut told).await.expect("an answer");
    assert!(told.starts_with("HTTP/1.1 200"), "who is on the machine may write: {told}");
    agent.terminate();
    assert!(!socket.exists(), "nobody listens there any more");
}

#[tokio::test]
async fn a_socket_that_a_killed_agent_left_is_taken_over() {
    let folder = TempDir::new().expect("a folder");
    let socket = folder.path().join("http.sock");
    let settings = format!(r#"addresses {{ http = "127.0.0.1 unix://{}" }}"#, socket.display());
    let mut agent = Agent::start(&["-dev", "-hcl", &settings]).await;
    // the listener on the port may answer before that on the socket is there
    eventually("the socket", PATIENCE, async || socket.exists().then_some(())).await;
    agent.kill();
    assert!(socket.exists());
    agent.restart().await;
    eventually("the socket to be taken over", PATIENCE, async || {
        (members(&[], &format!("unix://{}", socket.display())).0 == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_agent_of_ipv6_is_reached_and_says_so() {
    let settings = r#"addresses { http = "127.0.0.1 ::1" } advertise_addr = "fd00::5""#;
    let agent = Agent::start(&["-dev", "-hcl", settings]).await;
    let text = eventually("an answer over IPv6", PATIENCE, async || {
        let (code, text) = members(&[], &format!("[::1]:{}", agent.http_port));
        (code == 0).then_some(text)
    })
    .await;
    assert!(text.contains("[fd00::5]:8301"), "{text}");
    let node = &agent.http.json("/v1/catalog/nodes").await[0];
    assert_eq!(node["Address"], "fd00::5");
    assert_eq!(node["TaggedAddresses"]["lan_ipv6"], "fd00::5");
    assert!(node["TaggedAddresses"].get("lan_ipv4").is_none(), "{node}");
    assert_eq!(agent.http.json("/v1/status/leader").await, "[fd00::5]:8300");
}

fn told(reply: &Reply, header: &str) -> Option<String> {
    reply.header(header).map(str::to_owned)
}

#[tokio::test]
async fn headers_that_are_configured_stand_on_every_answer() {
    let settings =
        r#"http_config { response_headers { "Access-Control-Allow-Origin" = "*" "X-Consul-KnownLeader" = "maybe" } }"#;
    let agent = Agent::start(&["-dev", "-hcl", settings]).await;
    let mut connection = Connection::open(agent.http_port).await;
    for (method, path, status) in [
        (Method::GET, "/v1/catalog/services", 200),
        (Method::OPTIONS, "/v1/catalog/services", 200),
        (Method::PUT, "/v1/catalog/services", 405),
        (Method::GET, "/v1/nothing", 404),
        (Method::GET, "/admin/actors", 200),
    ] {
        let reply = connection.send(method.clone(), path, "").await;
        assert_eq!(reply.status, status, "{method} {path}");
        assert_eq!(told(&reply, "access-control-allow-origin").as_deref(), Some("*"), "{method} {path}");
    }
    let reply = connection.get("/v1/catalog/services").await;
    assert_eq!(
        reply.headers.get_all("x-consul-knownleader").iter().count(),
        1,
        "it takes the place of the agent's own"
    );
}

#[tokio::test]
async fn what_is_blocked_is_refused_and_writes_come_only_from_where_they_may() {
    let settings =
        r#"http_config { block_endpoints = ["/v1/snapshot", "/admin"] allow_write_http_from = ["10.0.0.0/8"] }"#;
    let agent = Agent::start(&["-dev", "-hcl", settings]).await;
    let mut connection = Connection::open(agent.http_port).await;
    for path in ["/v1/snapshot", "/admin/", "/admin/actors"] {
        let reply = connection.get(path).await;
        assert!(reply.status == 403 && reply.body.contains("block_endpoints"), "{path}: {}", reply.body);
    }
    let index = connection.get("/v1/catalog/services").await.index();
    for (method, path) in [(Method::PUT, "/v1/kv/a"), (Method::DELETE, "/v1/kv/a"), (Method::PUT, "/v1/agent/leave")] {
        let reply = connection.send(method, path, "").await;
        assert!(reply.status == 403 && reply.body.contains("allow_write_http_from"), "{path}: {}", reply.body);
    }
    assert_eq!(connection.send(Method::OPTIONS, "/v1/kv/a", "").await.status, 200);
    assert_eq!(connection.get("/v1/catalog/services").await.index(), index, "nothing was written");
}

#[tokio::test]
async fn a_client_has_no_more_connections_than_it_may_until_it_gives_some_back() {
    let agent = Agent::start(&["-dev", "-hcl", "limits { http_max_conns_per_client = 3 }"]).await;
    let port = agent.http_port;
    let mut held = Vec::new();
    eventually("three connections, once those of the start are gone", PATIENCE, async || {
        held.clear();
        for _ in 0..3 {
            let mut connection = Connection::open(port).await;
            if connection.try_get("/v1/status/leader").await? != 200 {
                return None;
            }
            held.push(connection);
        }
        Some(())
    })
    .await;
    let mut fourth = TcpStream::connect(("127.0.0.1", port)).await.expect("the agent listens");
    let mut told = String::new();
    fourth.read_to_string(&mut told).await.expect("an answer");
    assert!(told.starts_with("HTTP/1.1 429"), "{told}");
    held.pop();
    eventually("room for another", PATIENCE, async || {
        let mut connection = Connection::open(port).await;
        (connection.try_get("/v1/status/leader").await? == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_blocking_query_that_does_not_say_takes_as_long_as_configured() {
    let agent = Agent::start(&["-dev", "-default-query-time", "100ms", "-max-query-time", "200ms"]).await;
    let mut connection = Connection::open(agent.http_port).await;
    let index = connection.get("/v1/catalog/services").await.index();
    for wait in ["", "&wait=10m"] {
        let path = format!("/v1/catalog/services?index={index}{wait}");
        let answered = timeout(PATIENCE, connection.get(&path)).await;
        assert_eq!(answered.map(|reply| reply.status), Ok(200), "{path}");
    }
}

#[tokio::test]
async fn how_much_a_value_and_a_transaction_may_be_is_configured() {
    let agent = Agent::start(&["-dev", "-hcl", "limits { kv_max_value_size = 10, txn_max_req_len = 100 }"]).await;
    let mut connection = Connection::open(agent.http_port).await;
    connection.put("/v1/kv/a", "0123456789").await;
    let reply = connection.send(Method::PUT, "/v1/kv/a", "0123456789a").await;
    assert!(reply.status == 413 && reply.body.contains("10 bytes"), "{} {}", reply.status, reply.body);
    let long = format!("[{}]", " ".repeat(100));
    let reply = connection.send(Method::PUT, "/v1/txn", long).await;
    assert!(reply.status == 413 && reply.body.contains("100 bytes"), "{} {}", reply.status, reply.body);
    assert_eq!(connection.get("/v1/kv/a?raw").await.body, "0123456789");
}
