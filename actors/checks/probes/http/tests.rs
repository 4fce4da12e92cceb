use std::collections::BTreeMap;

use axum::Router;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::routing::any;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use chancery::model::check::TlsProbe;

use super::*;
use crate::checks::probes::fixtures::Certified;

async fn echo(method: Method, headers: HeaderMap, body: String) -> String {
    let header = |name: &str| headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
    format!("{method} {} {} {body}", header("x-team"), header("authorization"))
}

/// `/status/<code>`, `/redirect/<code>/<path>`, `/loop`, and `/echo`.
async fn serve() -> String {
    let router = Router::new()
        .route("/echo", any(echo))
        .route("/long", any(|| async { "x".repeat(100_000) }))
        .route("/loop", any(|| async { (StatusCode::FOUND, [(LOCATION, "/loop")]) }))
        .route(
            "/away/{port}",
            any(async |uri: Uri| {
                let port = uri.path().trim_start_matches("/away/").to_owned();
                (StatusCode::FOUND, [(LOCATION, format!("http://127.0.0.1:{port}/echo"))])
            }),
        )
        .fallback(async |uri: Uri| {
            let mut parts = uri.path().split('/').skip(1);
            let (what, code) = (parts.next().unwrap(), parts.next().unwrap().parse().unwrap());
            let location = if what == "redirect" { "/echo" } else { "" };
            (StatusCode::from_u16(code).unwrap(), [(LOCATION, location)], "said")
        });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address.to_string()
}

fn get(address: &str, path: &str) -> HttpProbe {
    HttpProbe { url: format!("http://{address}{path}"), ..HttpProbe::default() }
}

async fn answer(probe: &HttpProbe) -> Result<(Status, String), String> {
    ask(probe, 4096, &Dialler::default()).await.map_err(|error| error.to_string())
}

fn said(status: Status, text: &str) -> Result<(Status, String), String> {
    Ok((status, text.to_owned()))
}

#[tokio::test]
async fn the_status_code_decides() {
    let address = serve().await;
    for (code, status, text) in [
        (200, Status::Passing, "200 OK Output: said"),
        (204, Status::Passing, "204 No Content Output: "),
        (429, Status::Warning, "429 Too Many Requests Output: said"),
        (404, Status::Critical, "404 Not Found Output: said"),
        (500, Status::Critical, "500 Internal Server Error Output: said"),
        (304, Status::Critical, "304 Not Modified Output: "),
    ] {
        assert_eq!(answer(&get(&address, &format!("/status/{code}"))).await, said(status, text));
    }
}

#[tokio::test]
async fn method_headers_and_body_are_sent() {
    let address = serve().await;
    let probe = HttpProbe {
        method: "PUT".to_owned(),
        header: BTreeMap::from([("X-Team".to_owned(), vec!["mesh".to_owned()])]),
        body: "are you well?".to_owned(),
        ..get(&address, "/echo")
    };
    assert_eq!(answer(&probe).await, said(Status::Passing, "200 OK Output: PUT mesh - are you well?"));
}

#[tokio::test]
async fn of_a_long_answer_the_beginning_is_kept() {
    let address = serve().await;
    let (_, output) = ask(&get(&address, "/long"), 10, &Dialler::default()).await.unwrap();
    assert_eq!(output, "200 OK Output: xxxxxxxxxx");
}

#[tokio::test]
async fn redirects_are_followed_as_browsers_do() {
    let address = serve().await;
    let post = |path| HttpProbe { method: "POST".to_owned(), body: "b".to_owned(), ..get(&address, path) };
    assert_eq!(answer(&post("/redirect/302")).await, said(Status::Passing, "200 OK Output: GET - - "));
    assert_eq!(answer(&post("/redirect/307")).await, said(Status::Passing, "200 OK Output: POST - - b"));
    let disabled = HttpProbe { disable_redirects: true, ..get(&address, "/redirect/302") };
    assert_eq!(answer(&disabled).await, said(Status::Critical, "302 Found Output: said"));
    assert_eq!(answer(&get(&address, "/loop")).await, Err("stopped after 10 redirects".to_owned()));
}

#[tokio::test]
async fn another_host_does_not_see_the_credentials() {
    let (here, there) = (serve().await, serve().await);
    let port = there.rsplit(':').next().unwrap();
    let header = BTreeMap::from([("Authorization".to_owned(), vec!["secret".to_owned()])]);
    let away = HttpProbe { header: header.clone(), ..get(&here, &format!("/away/{port}")) };
    assert_eq!(answer(&away).await, said(Status::Passing, "200 OK Output: GET - - "));
    let same = HttpProbe { header, ..get(&here, "/redirect/302") };
    assert_eq!(answer(&same).await, said(Status::Passing, "200 OK Output: GET - secret "));
}

#[tokio::test]
async fn what_cannot_be_asked_says_why() {
    for (url, error) in [
        ("ftp://web/", "the URL must be http://host or https://host, without user or password"),
        ("/health", "the URL must be http://host or https://host, without user or password"),
        ("http://user:word@web/", "the URL must be http://host or https://host, without user or password"),
    ] {
        let probe = HttpProbe { url: url.to_owned(), ..HttpProbe::default() };
        assert_eq!(answer(&probe).await, Err(error.to_owned()));
    }
    let probe = HttpProbe { method: "GE T".to_owned(), ..get("127.0.0.1:1", "/") };
    assert!(answer(&probe).await.unwrap_err().starts_with("the method, or a header, is not valid"));
}

#[tokio::test]
async fn a_certificate_is_verified_unless_told_otherwise() {
    let certified = Certified::new(&["web.internal"]);
    for protocol in ["http/1.1", "h2"] {
        let address = serve_tls(&certified, protocol).await;
        let ask = async |tls: TlsProbe, dialler: &Dialler| {
            let probe = HttpProbe { url: format!("https://{address}/"), tls, ..HttpProbe::default() };
            ask(&probe, 4096, dialler).await.map_err(|error| error.to_string())
        };
        let named = || TlsProbe { server_name: "web.internal".to_owned(), skip_verify: false };
        let trusting = certified.dialler();
        let well = said(Status::Passing, &format!("200 OK Output: {protocol} web.internal {address}"));
        assert_eq!(ask(named(), &trusting).await, well);
        // a name that is not in it, and somebody nobody vouches for
        let error = ask(TlsProbe::default(), &trusting).await.unwrap_err();
        assert!(error.contains("certificate not valid for name \"127.0.0.1\""), "{error}");
        let error = ask(named(), &Dialler::default()).await.unwrap_err();
        assert!(error.starts_with("TLS failed: invalid peer certificate"), "{error}");
        let anybody = TlsProbe { skip_verify: true, ..named() };
        assert_eq!(ask(anybody, &Dialler::default()).await, well);
    }
}

/// Says over what it was asked, with what server name, and as which host.
async fn serve_tls(certified: &Certified, protocol: &str) -> String {
    let acceptor = certified.acceptor(&[protocol]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let session = stream.get_ref().1;
            let spoken = String::from_utf8(session.alpn_protocol().unwrap_or_default().to_vec()).unwrap();
            let name = session.server_name().unwrap_or_default().to_owned();
            let service = service_fn(move |request: Request<Incoming>| {
                let host = request.uri().authority().map(ToString::to_string);
                let host = host.unwrap_or_else(|| request.headers()[HOST].to_str().unwrap().to_owned());
                let text = format!("{spoken} {name} {host}");
                async move { Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(text)))) }
            });
            let serving = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            tokio::spawn(async move { _ = serving.serve_connection(TokioIo::new(stream), service).await });
        }
    });
    address.to_string()
}
