//! The HTTP server: a thread with its own runtime, which accepts, serves, and misbehaves when asked to.

use super::fault::Effect;
use super::route::Query;
use super::spoil::{other_answer, rate_limited, spoil};
use super::state::{Incoming, Reply, State};
use super::wire::{Control, Pace, ReplyBody, Wire};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use socket2::{Domain, SockRef, Socket, Type};
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// More than any request of the API needs.
const MAX_REQUEST_BODY: usize = 1 << 20;

/// What the server's thread and its owner both see.
pub(crate) struct Shared {
    state: Mutex<State>,
    in_flight: AtomicU64,
    pub(crate) max_in_flight: AtomicU64,
    connections: Mutex<HashMap<u64, AbortHandle>>,
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            in_flight: AtomicU64::new(0),
            max_in_flight: AtomicU64::new(0),
            connections: Mutex::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<u64, AbortHandle>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something the owner wants done on the server's thread.
pub(crate) enum Order {
    Refuse { duration: Option<Duration>, drop_connections: bool },
    Heal,
    Restart,
    Stop,
}

/// An order, and where to say that it is done or why it could not be.
pub(crate) type Command = (Order, std::sync::mpsc::SyncSender<io::Result<()>>);

/// The port, and a way to listen on it again.
pub(crate) struct Door {
    address: SocketAddr,
    /// Bound and never listening: it keeps the port from being given to anybody else while the listener is closed.
    _keeper: Option<Socket>,
}

impl Door {
    /// Takes a port, and begins to listen on it.
    pub(crate) fn open(wanted: SocketAddr) -> io::Result<(Self, TcpListener)> {
        let socket = bind(wanted)?;
        let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let keeper = bind(address).ok();
        Ok((Self { address, _keeper: keeper }, listen(socket)?))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens again, unless it does.
    fn reopen(&self, listener: &mut Option<TcpListener>) -> io::Result<()> {
        if listener.is_none() {
            *listener = Some(listen(bind(self.address)?)?);
        }
        Ok(())
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // On Windows the option would let others take the port over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(socket: Socket) -> io::Result<TcpListener> {
    socket.listen(1024)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// Closes a listener even where a forked child still holds a copy of it.
fn close(listener: TcpListener) {
    let _ = SockRef::from(&listener).shutdown(Shutdown::Both);
}

enum Event {
    Accepted(io::Result<(TcpStream, SocketAddr)>),
    Ordered(Option<Command>),
    TimeToReopen,
}

/// Runs until it is told to stop, or until its owner is gone.
pub(crate) async fn run(
    shared: Arc<Shared>,
    door: Door,
    listener: TcpListener,
    mut commands: UnboundedReceiver<Command>,
) {
    let mut listener = Some(listener);
    let mut reopen_at: Option<Instant> = None;
    let mut next_connection = 0;
    loop {
        let mut timer = pin!(tokio::time::sleep_until(reopen_at.unwrap_or_else(Instant::now)));
        let event = poll_fn(|cx| {
            if let Poll::Ready(command) = commands.poll_recv(cx) {
                return Poll::Ready(Event::Ordered(command));
            }
            if reopen_at.is_some() && timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::TimeToReopen);
            }
            match &listener {
                Some(listener) => listener.poll_accept(cx).map(Event::Accepted),
                None => Poll::Pending,
            }
        })
        .await;
        match event {
            Event::Accepted(Ok((stream, peer))) => {
                shared.state().stats.connections += 1;
                next_connection += 1;
                spawn_connection(&shared, next_connection, stream, peer.ip());
            }
            // Out of file descriptors, or a peer that left at once: the next one may have more luck.
            Event::Accepted(Err(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
            Event::TimeToReopen => {
                let again = Duration::from_millis(50);
                reopen_at = door.reopen(&mut listener).err().map(|_| Instant::now() + again);
            }
            Event::Ordered(None) => break,
            Event::Ordered(Some((order, done))) => {
                let outcome = match order {
                    Order::Stop => {
                        listener.take().into_iter().for_each(close);
                        close_connections(&shared).await;
                        let _ = done.send(Ok(()));
                        break;
                    }
                    Order::Refuse { duration, drop_connections } => {
                        listener.take().into_iter().for_each(close);
                        reopen_at = duration.map(|duration| Instant::now() + duration);
                        if drop_connections {
                            close_connections(&shared).await;
                        }
                        Ok(())
                    }
                    Order::Heal => {
                        shared.state().faults.clear();
                        reopen_at = None;
                        door.reopen(&mut listener)
                    }
                    Order::Restart => {
                        listener.take().into_iter().for_each(close);
                        close_connections(&shared).await;
                        shared.state().restart();
                        reopen_at = None;
                        door.reopen(&mut listener)
                    }
                };
                // The owner may have stopped waiting.
                let _ = done.send(outcome);
            }
        }
    }
}

/// Returns when every socket is closed.
async fn close_connections(shared: &Shared) {
    for connection in shared.connections().values() {
        connection.abort();
    }
    while !shared.connections().is_empty() {
        tokio::task::yield_now().await;
    }
}

fn spawn_connection(shared: &Arc<Shared>, number: u64, stream: TcpStream, peer: IpAddr) {
    // Small answers should not wait for an acknowledgement; a server that cannot have that is only slower.
    let _ = stream.set_nodelay(true);
    let listed = Listed { shared: Arc::clone(shared), number };
    let task = tokio::spawn(async move {
        let control = Arc::new(Control::default());
        let io = TokioIo::new(Wire::new(stream, Arc::clone(&control)));
        let service = service_fn(|request| serve(Arc::clone(&listed.shared), Arc::clone(&control), peer, request));
        // How a connection ended is for the client to say.
        let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(io, service).await;
    });
    shared.connections().insert(number, task.abort_handle());
}

/// Takes a connection off the list when its task has ended, in whatever way.
struct Listed {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.shared.connections().remove(&self.number);
    }
}

/// A request that is being answered.
struct InFlight(Arc<Shared>);

impl InFlight {
    fn new(shared: &Arc<Shared>) -> Self {
        let now = shared.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        shared.max_in_flight.fetch_max(now, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Learns which private endpoints the clouds have, before a request that may register one.
async fn ask_cloud(shared: &Shared, method: &Method) {
    if !matches!(method.as_str(), "POST" | "PATCH") {
        return;
    }
    let Some(cloud) = shared.state().cloud.clone() else { return };
    if let Ok(Ok(ids)) = tokio::task::spawn_blocking(move || cloud()).await {
        shared.state().cloud_endpoints = ids;
    }
}

/// Notes how a request ended, also when its client went away in the middle.
struct Exchange {
    shared: Arc<Shared>,
    number: u64,
    method: Method,
    status: Option<StatusCode>,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.shared.state().finished(self.number, &self.method, self.status);
    }
}

/// The connection ends without an answer.
#[derive(Debug)]
struct Unanswered;

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this request is not answered")
    }
}

impl std::error::Error for Unanswered {}

async fn serve(
    shared: Arc<Shared>,
    control: Arc<Control>,
    peer: IpAddr,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<ReplyBody<InFlight>>, Unanswered> {
    let guard = InFlight::new(&shared);
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BODY).collect().await.map_err(|_| Unanswered)?.to_bytes();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let absolute = head.uri.scheme().map(|_| head.uri.to_string());
    let incoming = Incoming { method: head.method, target, absolute, headers: head.headers, body, peer };

    ask_cloud(&shared, &incoming.method).await;
    let (number, effect, generation) = {
        let mut state = shared.state();
        let authenticated = incoming.headers.contains_key(header::AUTHORIZATION);
        let effect = state.faults.take(&incoming.method, &incoming.target, authenticated);
        (state.arrived(&incoming), effect, state.generation)
    };
    let method = incoming.method.clone();
    let mut exchange = Exchange { shared: Arc::clone(&shared), number, method, status: None };
    let mut pace = Pace::Whole;
    let reply = match effect {
        None => shared.state().respond(&incoming),
        Some(Effect::ResetBeforeHandler) => {
            control.reset();
            return Err(Unanswered);
        }
        Some(Effect::CloseBeforeHandler) => {
            control.close();
            return Err(Unanswered);
        }
        Some(Effect::Delay(time)) => {
            // A task of its own: like a real server's, it goes on when the client does not wait.
            let later = async move {
                tokio::time::sleep(time).await;
                let mut state = shared.state();
                (state.generation == generation).then(|| state.respond(&incoming))
            };
            tokio::spawn(later).await.ok().flatten().ok_or(Unanswered)?
        }
        Some(Effect::Redirect { location, status }) => {
            let mut headers = shared.state().date_only();
            headers.extend(HeaderValue::from_str(&location).ok().map(|location| (header::LOCATION, location)));
            Reply { status, headers, body: Bytes::new() }
        }
        Some(Effect::Status { status, retry_after, format, error_code, executed }) => {
            if executed {
                shared.state().respond(&incoming);
            }
            let mut reply = other_answer(status, format, error_code.as_deref());
            reply.headers.extend(shared.state().date_only());
            let retry_after = retry_after.and_then(|value| HeaderValue::from_str(&value).ok());
            reply.headers.extend(retry_after.map(|value| (header::RETRY_AFTER, value)));
            reply
        }
        Some(Effect::RateLimited { limit, minutes, retry_after }) => {
            let mut reply = rate_limited(Query::parse(&incoming.target).path, limit, minutes);
            reply.headers.extend(shared.state().date_only());
            let retry_after = retry_after.and_then(|value| HeaderValue::from_str(&value).ok());
            reply.headers.extend(retry_after.map(|value| (header::RETRY_AFTER, value)));
            reply
        }
        Some(effect) => {
            let mut reply = shared.state().respond(&incoming);
            match effect {
                Effect::ResetAfterHandler => {
                    control.reset();
                    return Err(Unanswered);
                }
                Effect::CloseAfterHandler => {
                    control.close();
                    return Err(Unanswered);
                }
                Effect::CutBody(bytes) => pace = Pace::Cut(bytes),
                Effect::Trickle(interval) => pace = Pace::Trickle(interval),
                Effect::DelayAfterHandler(time) => tokio::time::sleep(time).await,
                effect => spoil(&mut reply, &effect),
            }
            reply
        }
    };

    exchange.status = Some(reply.status);
    let mut response = Response::new(ReplyBody::new(reply.body, pace, control, guard));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    Ok(response)
}
