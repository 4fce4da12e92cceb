//! What the agent is told as a process.

use std::time::Duration;

use chancery_tests::agent::Agent;
use chancery_tests::wait::eventually;
use hyper::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::connection::Connection;

const PATIENCE: Duration = Duration::from_secs(10);

/// Reads until the text has come.
async fn until(stream: &mut TcpStream, text: &str) -> String {
    let (mut told, mut piece) = (String::new(), [0; 4096]);
    let reading = async {
        while !told.contains(text) {
            let length = stream.read(&mut piece).await.expect("the stream goes on");
            assert!(length > 0, "it ended: {told}");
            told.push_str(&String::from_utf8_lossy(&piece[..length]));
        }
    };
    assert!(timeout(PATIENCE, reading).await.is_ok(), "{text} did not come");
    told
}

#[tokio::test]
async fn the_log_is_told_as_it_is_written() {
    let agent = Agent::dev().await;
    let mut stream = TcpStream::connect(("127.0.0.1", agent.http_port)).await.expect("the agent listens");
    let request = "GET /v1/agent/monitor?loglevel=info&logjson HTTP/1.1\r\nHost: agent\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("the request goes out");
    let head = until(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("application/json"), "{head}");
    let mut connection = Connection::open(agent.http_port).await;
    connection.put("/v1/agent/reload", "").await;
    let told = until(&mut stream, "the configuration was read again").await;
    assert!(told.contains(r#""@level":"info""#), "{told}");
}

#[tokio::test]
async fn an_agent_that_is_told_to_leave_answers_and_ends() {
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    connection.put("/v1/agent/leave", "").await;
    eventually("nobody listens any more", PATIENCE, async || {
        TcpStream::connect(("127.0.0.1", agent.http_port)).await.is_err().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_configuration_that_is_wrong_is_said_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("services.hcl");
    std::fs::write(&file, r#"service { name = "web" port = 80 }"#).expect("a file");
    let agent = Agent::start(&["-dev", "-config-file", &file.to_string_lossy()]).await;
    let mut connection = Connection::open(agent.http_port).await;
    std::fs::write(&file, r#"service { name = "web" prt = 81 }"#).expect("a file");
    let reply = connection.send(Method::PUT, "/v1/agent/reload", "").await;
    assert_eq!(reply.status, 500, "{}", reply.body);
    assert!(reply.body.contains("prt"), "{}", reply.body);
    assert!(connection.get("/v1/agent/services").await.body.contains(r#""Port":80"#));
    std::fs::write(&file, r#"service { name = "web" port = 81 }"#).expect("a file");
    connection.put("/v1/agent/reload", "").await;
    assert!(connection.get("/v1/agent/services").await.body.contains(r#""Port":81"#));
}
