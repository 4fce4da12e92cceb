//! Every way to ask, at real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::server::conn::http2::Builder;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tonic_health::server::health_reporter;

use chancery::model::check::{HttpProbe, TlsProbe};

use super::fixtures::Certified;
use super::*;

async fn ask_with(probes: &Probes, target: Target, timeout: Duration) -> Found {
    probes.ask(Arc::new(Question { target, timeout, output_limit: 4096 })).await
}

async fn ask(target: Target) -> Found {
    ask_with(&Probes::default(), target, Duration::from_secs(10)).await
}

fn passing(output: String) -> Found {
    Found { status: Status::Passing, output }
}

fn plain(address: &impl ToString) -> SocketProbe {
    SocketProbe { address: address.to_string(), tls: None }
}

fn secure(address: &impl ToString, server_name: &str) -> SocketProbe {
    let tls = TlsProbe { server_name: server_name.to_owned(), skip_verify: false };
    SocketProbe { address: address.to_string(), tls: Some(tls) }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_port_that_accepts_passes_and_one_that_is_closed_is_critical() {
    let (listener, address) = listener().await;
    let open = ask(Target::Tcp(plain(&address))).await;
    assert_eq!(open, passing(format!("TCP connect {address}: Success")));
    let by_name = format!("localhost:{}", address.port());
    assert_eq!(ask(Target::Tcp(plain(&by_name))).await.status, Status::Passing);
    drop(listener);
    let closed = ask(Target::Tcp(plain(&address))).await;
    assert_eq!(closed.status, Status::Critical);
    let expected = format!("TCP connect {address}: cannot connect: Connection refused");
    assert!(closed.output.starts_with(&expected), "{}", closed.output);
    let nobody = ask(Target::Tcp(plain(&"no-such-host.invalid:1"))).await;
    assert!(nobody.output.starts_with("TCP connect no-such-host.invalid:1: cannot connect: "), "{}", nobody.output);
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_critical() {
    let (_silent, address) = listener().await;
    let url = format!("http://{address}/");
    for (target, title) in [
        (Target::Http(HttpProbe { url: url.clone(), ..HttpProbe::default() }), format!("HTTP GET {url}")),
        (Target::Tcp(secure(&address, "web")), format!("TCP connect {address}")),
        (Target::Grpc { server: plain(&address), service: "a".to_owned() }, format!("gRPC check {address}/a")),
        (Target::H2Ping(plain(&address)), format!("HTTP2 ping {address}")),
    ] {
        let found = ask_with(&Probes::default(), target, Duration::from_millis(30)).await;
        assert_eq!(found, Found::critical(format!("{title}: no answer within 30ms")));
    }
}

#[tokio::test]
async fn a_port_may_have_to_make_tls() {
    let certified = Certified::new(&["web.internal"]);
    let (listener, address) = listener().await;
    let acceptor = certified.acceptor(&[]);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                _ = stream.read(&mut [0; 1]).await;
            }
        }
    });
    let trusting = Probes { dialler: certified.dialler() };
    let ask =
        async |name: &str| ask_with(&trusting, Target::Tcp(secure(&address, name)), Duration::from_secs(10)).await;
    assert_eq!(ask("web.internal").await, passing(format!("TCP connect {address}: Success")));
    let other = ask("other.internal").await;
    assert!(
        other.status == Status::Critical && other.output.contains("TLS failed: invalid peer certificate"),
        "{other:?}"
    );
}

#[tokio::test]
async fn a_datagram_is_bad_only_when_its_host_says_so() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let silent = ask_with(&Probes::default(), Target::Udp(address.to_string()), Duration::from_millis(30)).await;
    assert_eq!(silent, passing(format!("UDP connect {address}: Success (no answer, and no error)")));
    let asking = tokio::spawn(ask(Target::Udp(address.to_string())));
    let mut datagram = [0; 16];
    for _ in 0..2 {
        let (size, from) = server.recv_from(&mut datagram).await.unwrap();
        assert_eq!(size, 0);
        _ = server.send_to(b"here", from).await;
    }
    assert_eq!(asking.await.unwrap(), passing(format!("UDP connect {address}: Success")));
    drop(server);
    let closed = ask(Target::Udp(address.to_string())).await;
    assert_eq!(closed.status, Status::Critical);
    assert!(closed.output.starts_with(&format!("UDP connect {address}: Connection refused")), "{}", closed.output);
}

/// A gRPC server that knows `good`, `bad` and itself; with TLS if certified.
async fn grpc_server(certified: Option<&Certified>) -> SocketAddr {
    let (reporter, service) = health_reporter();
    reporter.set_service_status("good", tonic_health::ServingStatus::Serving).await;
    reporter.set_service_status("bad", tonic_health::ServingStatus::NotServing).await;
    let (listener, address) = listener().await;
    let service = TowerToHyperService::new(tonic::service::Routes::new(service).into_axum_router());
    let acceptor = certified.map(|certified| certified.acceptor(&["h2"]));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (service, acceptor) = (service.clone(), acceptor.clone());
            tokio::spawn(async move {
                let serving = Builder::new(TokioExecutor::new());
                match acceptor {
                    None => _ = serving.serve_connection(TokioIo::new(stream), service).await,
                    // a handshake that fails ends that connection alone
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            _ = serving.serve_connection(TokioIo::new(stream), service).await;
                        }
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_grpc_server_says_how_it_and_its_services_are() {
    let certified = Certified::new(&["web.internal"]);
    let trusting = Probes { dialler: certified.dialler() };
    let (open, closed) = (grpc_server(None).await, grpc_server(Some(&certified)).await);
    for server in [plain(&open), secure(&closed, "web.internal")] {
        let at = server.address.clone();
        let ask = async |service: &str| {
            let target = Target::Grpc { server: server.clone(), service: service.to_owned() };
            ask_with(&trusting, target, Duration::from_secs(10)).await
        };
        assert_eq!(ask("").await, passing(format!("gRPC check {at}: success")));
        assert_eq!(ask("good").await, passing(format!("gRPC check {at}/good: success")));
        assert_eq!(ask("bad").await, Found::critical(format!("gRPC check {at}/bad: it says NOT_SERVING")));
        let unknown = ask("unknown").await;
        assert_eq!(unknown.status, Status::Critical);
        assert!(unknown.output.starts_with(&format!("gRPC check {at}/unknown: it answered NotFound: ")), "{unknown:?}");
    }
    let wrong = Target::Grpc { server: secure(&closed, "other"), service: String::new() };
    let wrong = ask_with(&trusting, wrong, Duration::from_secs(10)).await;
    assert!(wrong.output.contains("TLS failed: invalid peer certificate"), "{wrong:?}");
}

#[tokio::test]
async fn a_server_of_http_2_answers_a_ping() {
    let certified = Certified::new(&["web.internal"]);
    let trusting = Probes { dialler: certified.dialler() };
    let (open, closed) = (grpc_server(None).await, grpc_server(Some(&certified)).await);
    for (probe, address) in [(plain(&open), open), (secure(&closed, "web.internal"), closed)] {
        let found = ask_with(&trusting, Target::H2Ping(probe), Duration::from_secs(10)).await;
        assert_eq!(found, passing(format!("HTTP2 ping {address}: HTTP2 ping was successful")));
    }
}

#[tokio::test]
async fn what_does_not_speak_http_2_is_critical() {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _): (TcpStream, _) = listener.accept().await.unwrap();
            _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    for target in [Target::H2Ping(plain(&address)), Target::Grpc { server: plain(&address), service: String::new() }] {
        let found = ask(target).await;
        assert!(found.status == Status::Critical && !found.output.contains("no answer"), "{found:?}");
    }
}
