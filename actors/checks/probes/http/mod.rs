//! One HTTP request of a health check: a connection of its own each time, so that what is tested is what a new client
//! would meet.

mod location;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, COOKIE, HOST, LOCATION, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::{InvalidUri, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use chancery::model::Status;
use chancery::model::check::HttpProbe;

use self::location::resolve;
use super::beside;
use super::dialler::{DialError, Dialler};
use super::trust::Alpn;

/// Applications know health checks by it, and keep them out of their logs.
const USER_AGENT_OF_CONSUL: HeaderValue = HeaderValue::from_static("Consul Health Check");

const MAX_REDIRECTS: usize = 10;

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("the URL is not valid: {0}")]
    Url(#[from] InvalidUri),
    #[error("the URL must be http://host or https://host, without user or password")]
    UnsupportedUrl,
    #[error("the method, or a header, is not valid: {0}")]
    Request(#[from] http::Error),
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("it redirects to {0:?}, which is not a valid URL")]
    Location(String),
    #[error("stopped after {MAX_REDIRECTS} redirects")]
    TooManyRedirects,
}

/// The method that is used; `GET` if none is given.
pub fn method(probe: &HttpProbe) -> &str {
    if probe.method.is_empty() { "GET" } else { &probe.method }
}

/// The status, and the response in words with as much of its body as `limit` bytes are.
pub async fn ask(probe: &HttpProbe, limit: usize, dialler: &Dialler) -> Result<(Status, String), AskError> {
    let mut step = Step::first(probe)?;
    for _ in 0..=MAX_REDIRECTS {
        match step.send(probe, limit, dialler).await? {
            Next::Answer(answer) => return Ok(answer),
            Next::Redirect(code, location) => step.follow(code, &location)?,
        }
    }
    Err(AskError::TooManyRedirects)
}

/// 2xx passes, 429 (too many requests) warns, all else is critical.
fn judge(code: StatusCode) -> Status {
    if code.is_success() {
        Status::Passing
    } else if code == StatusCode::TOO_MANY_REQUESTS {
        Status::Warning
    } else {
        Status::Critical
    }
}

/// One request on the way along redirects.
struct Step {
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

enum Next {
    Answer((Status, String)),
    Redirect(StatusCode, String),
}

impl Step {
    fn first(probe: &HttpProbe) -> Result<Self, AskError> {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, USER_AGENT_OF_CONSUL);
        headers.insert(ACCEPT, HeaderValue::from_static("text/plain, text/*, */*"));
        for (name, values) in &probe.header {
            let name: HeaderName = name.parse().map_err(http::Error::from)?;
            headers.remove(&name);
            for value in values {
                headers.append(&name, value.parse().map_err(http::Error::from)?);
            }
        }
        Ok(Self {
            uri: probe.url.parse()?,
            method: method(probe).parse().map_err(http::Error::from)?,
            headers,
            body: Bytes::copy_from_slice(probe.body.as_bytes()),
        })
    }

    async fn send(&self, probe: &HttpProbe, limit: usize, dialler: &Dialler) -> Result<Next, AskError> {
        let authority = self.uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some(scheme), Some(authority)) = (self.uri.scheme(), authority) else {
            return Err(AskError::UnsupportedUrl);
        };
        let secure = *scheme == Scheme::HTTPS;
        if !secure && *scheme != Scheme::HTTP {
            return Err(AskError::UnsupportedUrl);
        }
        // an IPv6 address stands in brackets in a URL, and nowhere else
        let host = authority.host().trim_matches(['[', ']']);
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = dialler.connect(host, port).await?;
        if !secure {
            return self.http1(stream, probe, limit).await;
        }
        let stream = dialler.secure(stream, host, &probe.tls, Alpn::Http).await?;
        match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => self.http2(stream, probe, limit).await,
            _ => self.http1(stream, probe, limit).await,
        }
    }

    async fn http1<S>(&self, stream: S, probe: &HttpProbe, limit: usize) -> Result<Next, AskError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut request = self.request()?;
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse()?;
        if !self.headers.contains_key(HOST) {
            let authority = self.uri.authority().map_or("", |authority| authority.as_str());
            request.headers_mut().insert(HOST, authority.parse().map_err(http::Error::from)?);
        }
        beside(connection, async { next(sender.send_request(request).await?, probe, limit).await }).await
    }

    async fn http2<S>(&self, stream: S, probe: &HttpProbe, limit: usize) -> Result<Next, AskError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        let mut request = self.request()?;
        // in HTTP/2 the host is a part of the URL
        if let Some(host) = request.headers_mut().remove(HOST) {
            let mut parts = self.uri.clone().into_parts();
            parts.authority = Some(host.as_bytes().try_into()?);
            *request.uri_mut() = Uri::from_parts(parts).map_err(http::Error::from)?;
        }
        beside(connection, async { next(sender.send_request(request).await?, probe, limit).await }).await
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, http::Error> {
        let request = Request::builder().method(&self.method).uri(self.uri.clone());
        let mut request = request.body(Full::new(self.body.clone()))?;
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }

    /// Turns to where the response leads. What another host must not see stays behind.
    fn follow(&mut self, code: StatusCode, location: &str) -> Result<(), AskError> {
        let uri = resolve(&self.uri, location).ok_or_else(|| AskError::Location(location.to_owned()))?;
        if uri.authority() != self.uri.authority() {
            for secret in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, HOST] {
                self.headers.remove(secret);
            }
        }
        let keeps = matches!(code, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        if !keeps && self.method != Method::HEAD {
            self.method = Method::GET;
            self.body = Bytes::new();
        }
        self.uri = uri;
        Ok(())
    }
}

async fn next(response: Response<Incoming>, probe: &HttpProbe, limit: usize) -> Result<Next, AskError> {
    let location = response.headers().get(LOCATION).map(|at| String::from_utf8_lossy(at.as_bytes()).into_owned());
    match location {
        Some(location) if follows(response.status()) && !probe.disable_redirects => {
            Ok(Next::Redirect(response.status(), location))
        }
        _ => Ok(Next::Answer(read(response, limit).await?)),
    }
}

fn follows(code: StatusCode) -> bool {
    matches!(
        code,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    )
}

async fn read(response: Response<Incoming>, limit: usize) -> Result<(Status, String), AskError> {
    let code = response.status();
    let mut body = response.into_body();
    let mut read = Vec::new();
    // the rest of a long body is of no interest; the connection ends with it
    while read.len() < limit
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            read.extend_from_slice(&data[..data.len().min(limit - read.len())]);
        }
    }
    Ok((judge(code), format!("{code} Output: {}", String::from_utf8_lossy(&read))))
}

#[cfg(test)]
mod tests;
