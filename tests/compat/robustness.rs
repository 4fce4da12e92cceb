//! What clients do to a server.

use chancery_tests::agent::Agent;
use hyper::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::connection::Connection;

#[tokio::test]
async fn requests_may_be_sent_without_waiting_for_answers() {
    let agent = Agent::dev().await;
    let mut stream = TcpStream::connect(("127.0.0.1", agent.http_port)).await.expect("the agent listens");
    let mut requests = String::new();
    for i in 0..20 {
        let body = format!(r#"{{"Name": "s{i}", "Port": 80}}"#);
        requests.push_str(&format!(
            "PUT /v1/agent/service/register HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }
    requests.push_str("GET /v1/agent/services HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(requests.as_bytes()).await.expect("the requests go out");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.expect("the answers come");
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 21, "{answers}");
    for i in 0..20 {
        assert!(answers.contains(&format!(r#""s{i}":"#)), "s{i} is missing in the list");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_server_lives() {
    let agent = Agent::dev().await;
    let mut connection = Connection::open(agent.http_port).await;
    let body = format!(r#"{{"Name": "web", "Meta": {{"x": "{}"}}}}"#, "y".repeat(4 << 20));
    let reply = connection.send(Method::PUT, "/v1/agent/service/register", body).await;
    assert_eq!(reply.status, 413, "{}", reply.body);
    let mut connection = Connection::open(agent.http_port).await;
    let reply = connection.get("/v1/agent/services").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "{}"));
}

#[tokio::test]
async fn what_is_not_http_does_not_hurt() {
    let agent = Agent::dev().await;
    for garbage in
        ["\r\n\r\n", "GET\r\n\r\n", "\0\0\0\0", "PUT /v1/config HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n{"]
    {
        let mut stream = TcpStream::connect(("127.0.0.1", agent.http_port)).await.expect("the agent listens");
        stream.write_all(garbage.as_bytes()).await.expect("it goes out");
    }
    let mut connection = Connection::open(agent.http_port).await;
    assert_eq!(connection.get("/v1/status/leader").await.status, 200);
    let mut deep = "[".repeat(100_000);
    deep.insert_str(0, r#"{"Name": "web", "Proxy": "#);
    let reply = connection.send(Method::PUT, "/v1/agent/service/register", deep).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
}

#[tokio::test]
async fn a_read_sees_the_write_before_it() {
    let agent = Agent::dev().await;
    let mut writer = Connection::open(agent.http_port).await;
    let mut reader = Connection::open(agent.http_port).await;
    for port in 1..200_u16 {
        let body = format!(r#"{{"Name": "web", "Port": {port}}}"#);
        assert_eq!(writer.send(Method::PUT, "/v1/agent/service/register", body).await.status, 200);
        let read = reader.get("/v1/catalog/service/web").await.body;
        assert!(read.contains(&format!(r#""ServicePort":{port},"#)), "{port}: {read}");
    }
}
