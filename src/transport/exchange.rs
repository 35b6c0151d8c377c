//! One HTTP message out, one in.

use crate::api::{Request, envelope};
use crate::transport::facts::{Answer, Facts, Failure, FailureKind, Progress};
use crate::transport::{Settings, trust};
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use url::Url;

/// A larger answer is not read to its end: the longest real list of endpoints is far below it.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// As much of a refused answer is read so that its connection can be used again.
const MAX_DRAINED_BYTES: usize = 64 * 1024;
/// A connection on which nothing comes for so long is given up, however long the call may still take: Atlas's own front
/// answers 504 sooner.
const SILENCE: Duration = Duration::from_secs(60);
/// Idle connections are closed before the load balancers of this world close them (60 s and more).
const IDLE: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(super) struct Exchanger {
    client: reqwest::Client,
}

/// What goes out.
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a Method,
    pub(super) media_type: &'static str,
    pub(super) body: Option<Bytes>,
    pub(super) body_type: &'static str,
    pub(super) authorization: Option<HeaderValue>,
}

impl<'a> Outgoing<'a> {
    pub(super) fn of(request: &'a Request, authorization: Option<HeaderValue>) -> Self {
        Self {
            method: &request.method,
            media_type: request.media_type,
            body: request.body.clone(),
            body_type: request.media_type,
            authorization,
        }
    }
}

impl Exchanger {
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("atlas-privatelink/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            .read_timeout(SILENCE)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(settings.max_connections)
            .tcp_keepalive(IDLE)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            // repeating is decided by `retry`, which knows what was sent
            .retry(reqwest::retry::never())
            .referer(false);
        match &settings.proxy {
            Some(proxy) => {
                let proxy = reqwest::Proxy::all(proxy).map_err(|_| "proxy is not a proxy's URL".to_owned())?;
                builder = builder.proxy(proxy);
            }
            // a proxy elsewhere cannot reach this machine's own loopback
            None if settings.base_url.is_loopback() => builder = builder.no_proxy(),
            None => {}
        }
        // reading the system's certificates takes milliseconds and megabytes
        if settings.base_url.is_https() || settings.proxy.is_some() {
            builder = trust::configure(builder, settings.ca_file.as_deref())?;
        } else {
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| format!("the HTTP client cannot be set up: {}", chain(&error)))?;
        Ok(Self { client })
    }

    pub(super) async fn send(
        &self,
        url: &Url,
        outgoing: Outgoing<'_>,
        progress: &Progress,
    ) -> Result<reqwest::Response, Trouble> {
        let mut request = reqwest::Request::new(outgoing.method.clone(), url.clone());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(outgoing.media_type));
        if let Some(authorization) = outgoing.authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        if let Some(bytes) = outgoing.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(outgoing.body_type));
            let body = TrackedBody { bytes: Some(bytes), handed_over: progress.sent_flag() };
            *request.body_mut() = Some(reqwest::Body::wrap(body));
        }
        progress.begin_request();
        self.client.execute(request).await.map_err(Trouble::from)
    }
}

/// A body that notes when the connection takes it. A request whose body was never taken is not a whole request, so no
/// server can have executed it.
struct TrackedBody {
    bytes: Option<Bytes>,
    handed_over: Arc<AtomicBool>,
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = self.bytes.take();
        if bytes.is_some() {
            self.handed_over.store(true, Ordering::Release);
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// The request that was exchanged, where it was not the caller's own but one that had to go before it.
#[derive(Clone)]
pub(super) struct Before {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) url: Url,
}

impl Before {
    fn facts(self, facts: Facts) -> Facts {
        Facts { method: self.method, url: self.url.to_string(), ..facts }
    }
}

/// An answer that was read to its end.
#[derive(Clone)]
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    version: Version,
    note: Option<String>,
    pub(super) before: Option<Box<Before>>,
}

impl Received {
    pub(super) async fn read(mut response: reqwest::Response) -> Result<Self, Trouble> {
        let (status, version) = (response.status(), response.version());
        let headers = std::mem::take(response.headers_mut());
        let broken = |trouble: Trouble| trouble.while_reading(status, version, headers.clone());
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER_BYTES => body.extend_from_slice(&chunk),
                // a broken body must not hide what the status says
                Ok(Some(_)) | Err(_) if !status.is_success() => break,
                Ok(Some(_)) => {
                    let message = format!("the answer is larger than {MAX_ANSWER_BYTES} bytes");
                    return Err(broken(Trouble::new(FailureKind::Unreadable, message)));
                }
                Ok(None) => break,
                Err(error) => return Err(broken(error.into())),
            }
        }
        Ok(Self { status, headers, body: body.freeze(), version, note: None, before: None })
    }

    /// Takes the answer out of its envelope: the status that counts is the one inside.
    pub(super) fn opened(mut self) -> Self {
        if let Ok(body) = serde_json::from_slice(&self.body)
            && let (status, content) = envelope::open(self.status.as_u16(), body)
            && (self.status.is_success() || !content.is_null())
        {
            self.status = StatusCode::from_u16(status).unwrap_or(self.status);
            self.body = if content.is_null() { Bytes::new() } else { content.to_string().into() };
        }
        self
    }

    pub(super) fn with_note(self, note: String) -> Self {
        Self { note: Some(note), ..self }
    }

    /// Whether it answers the request itself, and not one that had to go before it.
    pub(super) fn is_to_the_request(&self) -> bool {
        self.before.is_none()
    }

    /// What it is where it cannot be understood.
    pub(super) fn unreadable(self, message: String) -> Trouble {
        let trouble = Trouble::new(FailureKind::Unreadable, message);
        Trouble { before: self.before, ..trouble.while_reading(self.status, self.version, self.headers) }
    }

    pub(super) fn into_answer(self, facts: Facts, sent: bool, repeated: bool) -> Answer {
        let operation = self.before.as_ref().map(|before| before.operation);
        let facts = Facts { status: Some(self.status), version: Some(self.version), headers: self.headers, ..facts };
        let facts = match self.before {
            Some(before) => before.facts(facts),
            None => facts,
        };
        Answer { status: self.status, body: self.body, sent, repeated, note: self.note, operation, facts }
    }
}

/// Reads a refused answer, so that its connection can be used for the next try at once.
pub(super) async fn drain(response: &mut reqwest::Response) {
    let mut left = MAX_DRAINED_BYTES;
    while let Ok(Some(chunk)) = response.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
    // hyper puts a connection back into the pool from a task of its own, which has to run first, or the next try opens a
    // second connection
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
}

/// Why an exchange did not end in an answer.
#[derive(Clone)]
pub(super) struct Trouble {
    pub(super) kind: FailureKind,
    message: String,
    /// What had come of the answer.
    answer: Option<Box<(StatusCode, Version, HeaderMap)>>,
    before: Option<Box<Before>>,
}

impl Trouble {
    pub(super) fn new(kind: FailureKind, message: String) -> Self {
        Self { kind, message, answer: None, before: None }
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Refused, message.into())
    }

    /// The same, of a request that had to go before the caller's own.
    pub(super) fn of(self, before: Before, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), before: Some(Box::new(before)), ..self }
    }

    fn while_reading(self, status: StatusCode, version: Version, headers: HeaderMap) -> Self {
        Self { answer: Some(Box::new((status, version, headers))), ..self }
    }

    pub(super) fn into_failure(self, facts: Facts, sent: bool) -> Failure {
        let facts = match self.answer {
            Some(answer) => {
                let (status, version, headers) = *answer;
                Facts { status: Some(status), version: Some(version), headers, ..facts }
            }
            None => facts,
        };
        let facts = match self.before {
            Some(before) => before.facts(facts),
            None => facts,
        };
        Failure { kind: self.kind, sent, message: self.message, facts }
    }
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let (kind, what) = if error.is_connect() && is_permanent(&error) {
            let through = sources(&error).any(|source| source.to_string().contains("tunnel"));
            (FailureKind::Refused, if through { "no connection through the proxy" } else { "no connection" })
        } else if error.is_connect() {
            (FailureKind::Connect, "no connection")
        } else if error.is_timeout() {
            (FailureKind::Timeout, "no answer in time")
        } else if error.is_decode() && !is_broken_connection(&error) {
            (FailureKind::Unreadable, "the answer cannot be read")
        } else {
            (FailureKind::Lost, "the connection was lost")
        };
        Self::new(kind, format!("{what}: {}", chain(&error)))
    }
}

/// A certificate that is not trusted today will not be in a second; the same goes for a proxy that wants a password,
/// and for a port that does not speak TLS.
fn is_permanent(error: &dyn Error) -> bool {
    sources(error).any(|source| {
        let text = source.to_string();
        ["certificate", "tunnel", "HandshakeFailure", "corrupt message"].iter().any(|word| text.contains(word))
    })
}

/// Rather than bytes that arrived whole and do not decompress.
fn is_broken_connection(error: &dyn Error) -> bool {
    sources(error).any(|source| {
        let io = source.downcast_ref::<std::io::Error>();
        source.is::<hyper::Error>() || io.is_some_and(|io| io.kind() != std::io::ErrorKind::InvalidData)
    })
}

fn sources(error: &dyn Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |source| (*source).source())
}

/// The innermost words of an error: what its wrappers add says only that something went wrong.
fn chain(error: &dyn Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for source in sources(error) {
        let text = source.to_string();
        // hyper's word for what the caller of this says better
        if !text.starts_with("client error (") && !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    if parts.is_empty() { error.to_string() } else { parts.join(": ") }
}
