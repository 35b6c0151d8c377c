//! A faithful local Atlas: for tests, benchmarks and demonstrations without an account.
//!
//! It listens on a loopback address, on a thread of its own, and does by a clock of its own what Atlas does: HTTP
//! Digest with nonces that expire, the lives of serverless private endpoints, token buckets, error bodies. Beyond
//! that it fails on request, at exact points of a request's way ([`fault`]).
//!
//! It shares nothing with the client but the vocabulary in [`crate::api`], so that no mistake can hide in both.
//!
//! | module | its one idea |
//! |---|---|
//! | [`config`] | what an emulator is started with |
//! | `server`, `wire`, `spoil` | connections, their bad ends, and the answers of faults |
//! | `state`, `route`, `answer` | a request through authentication, roles, rate limit and operation |
//! | [`clusters`], `regions` | the clusters there are, and the names of their regions |
//! | `digest`, `nonce` | HTTP Digest from the server's side |
//! | `serverless` | the endpoints of serverless instances and their lives |
//! | `families`, `resource` | all other families: a row of facts for each kind, one store for all |
//! | `deployment` | instances and clusters as Atlas sends them, and their connection strings |
//! | `oauth` | service accounts |
//! | `bucket`, `clock`, `random` | the token bucket, the clock, ids |
//! | [`fault`], [`stats`] | what should go wrong, what happened |

mod answer;
mod bucket;
mod clock;
pub mod clusters;
pub mod config;
mod deployment;
mod digest;
mod families;
pub mod fault;
mod fields;
mod nonce;
mod oauth;
mod random;
mod regions;
mod resource;
mod route;
mod server;
mod serverless;
mod spoil;
mod state;
pub mod stats;
mod wire;

pub use clusters::Cluster;
pub use config::Config;
pub use fault::Fault;
pub use resource::Forced;
pub use state::{Retirement, Role, Unknown};
pub use stats::{RecordedRequest, Stats};

use crate::api::Invalid;
use serde_json::Value;
use server::{Door, Order, Shared};
use state::State;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// A running emulator. Dropping it stops it.
///
/// A child made by `fork` inherits a copy that nothing runs behind: there, [`Emulator::stop`] and dropping do
/// nothing, and the other methods must not be called ([`Emulator::is_inherited`] tells).
pub struct Emulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    process: u32,
    running: Mutex<Option<Running>>,
}

struct Running {
    commands: UnboundedSender<server::Command>,
    thread: JoinHandle<()>,
}

impl Emulator {
    /// Starts one; on return it is listening.
    ///
    /// # Errors
    /// The port is taken, or the system has no thread or socket to give.
    pub fn start(config: Config) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let wanted = SocketAddr::new(config.host, config.port);
        let (door, listener) = {
            let _inside = runtime.enter();
            Door::open(wanted)?
        };
        let address = door.address();
        let shared = Arc::new(Shared::new(State::new(config)));
        let (commands, orders) = unbounded_channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("atlas-emulator".to_owned()).spawn(move || {
            runtime.block_on(server::run(served, door, listener, orders));
            // a cloud that is still being asked is not waited for
            runtime.shutdown_background();
        })?;
        let running = Mutex::new(Some(Running { commands, thread }));
        Ok(Self { shared, address, process: std::process::id(), running })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The part of every URL before `/api/atlas/…`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether this is a forked child's copy.
    pub fn is_inherited(&self) -> bool {
        self.process != std::process::id()
    }

    /// Puts other clusters in the place of those there are; `None` accepts any name. Endpoints stay.
    ///
    /// # Errors
    /// What is neither a name nor the description of a cluster.
    pub fn set_clusters(&self, clusters: &Value) -> Result<(), Invalid> {
        let clusters = match clusters {
            Value::Null => None,
            given => Some(Cluster::list_from_json(given)?),
        };
        self.shared.state().clusters.set(clusters);
        Ok(())
    }

    /// The only private endpoints that the clouds have; `None` for any. Registering another one ends in `REJECTED` on
    /// AWS and in `FAILED` elsewhere.
    pub fn set_cloud_endpoints(&self, ids: Option<Vec<String>>) {
        let mut state = self.shared.state();
        state.cloud_endpoints = ids;
        state.cloud = None;
    }

    /// Asks for the private endpoints that the clouds have, before each request that may register one: `None` for any,
    /// and those of before where nobody can tell. It is called on threads of its own and may call this emulator.
    pub fn ask_cloud(&self, cloud: impl Fn() -> Result<Option<Vec<String>>, Unknown> + Send + Sync + 'static) {
        self.shared.state().cloud = Some(Arc::new(cloud));
    }

    /// Lets an endpoint, or the service itself where none is named, say something else than its own life; `None` goes
    /// back to that. Its deletion does so, too.
    ///
    /// # Errors
    /// There is no such endpoint or service.
    pub fn force(&self, service_id: &str, endpoint_id: Option<&str>, forced: Option<Forced>) -> Result<(), Invalid> {
        if self.shared.state().force(service_id, endpoint_id, forced) {
            return Ok(());
        }
        Err(match endpoint_id {
            None => Invalid::new("service_id", format!("must be an endpoint service's, got {service_id:?}")),
            Some(id) => Invalid::new("endpoint_id", format!("must be an endpoint's on {service_id:?}, got {id:?}")),
        })
    }

    /// Its clock: the time since 1970.
    pub fn now(&self) -> Duration {
        self.shared.state().clock.now()
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.shared.state().clock.advance(by);
    }

    /// Forgets all nonces and closes all connections, as a restart of the server would; the port, the keys and the
    /// endpoints stay. Ends a [`fault::Request::Refuse`].
    ///
    /// # Errors
    /// It cannot listen again: the system took the port away, or has no socket to give.
    pub fn restart(&self) -> io::Result<()> {
        self.order(Order::Restart)
    }

    /// Forgets all faults, and listens again if it was told to refuse.
    ///
    /// # Errors
    /// It cannot listen again: the system took the port away, or has no socket to give.
    pub fn heal(&self) -> io::Result<()> {
        self.order(Order::Heal)
    }

    /// Arms a fault, or begins to refuse connections.
    pub fn fault(&self, fault: fault::Request) {
        match fault {
            fault::Request::Armed(fault) => self.shared.state().faults.arm(fault),
            fault::Request::Refuse { duration, drop_connections } => {
                // Closing cannot fail.
                let _ = self.order(Order::Refuse { duration, drop_connections });
            }
        }
    }

    /// Accepts another key.
    ///
    /// # Errors
    /// A half of the key that no header could carry.
    pub fn add_key(&self, public_key: &str, private_key: &str, role: Role) -> Result<(), Invalid> {
        let public_key = config::key("public_key", public_key)?;
        let private_key = config::key("private_key", private_key)?;
        self.shared.state().add_key(public_key, &private_key, role);
        Ok(())
    }

    /// Whether requests come from an address on the access list.
    pub fn allow_address(&self, allowed: bool) {
        self.shared.state().address_allowed = allowed;
    }

    /// Retires serverless private endpoints, or brings them back.
    pub fn retire(&self, retirement: Option<Retirement>) {
        self.shared.state().retired = retirement;
    }

    /// The next endpoint or endpoint service made will fail with this message, at the time when it would be ready.
    pub fn fail_next_endpoint(&self, message: &str) {
        self.shared.state().doom_next(message);
    }

    /// Ends the life of all access tokens.
    pub fn expire_tokens(&self) {
        self.shared.state().account.expire_all();
    }

    /// Lets the operations of serverless instances say that they are deprecated, by HTTP dates.
    ///
    /// # Errors
    /// Something that is no HTTP date.
    pub fn deprecate(&self, deprecation: Option<&str>, sunset: Option<&str>) -> Result<(), Invalid> {
        let date = |field, text: Option<&str>| match text {
            Some(text) if httpdate::parse_http_date(text).is_err() => {
                Err(Invalid::new(field, format!("must be an HTTP date, got {text:?}")))
            }
            text => Ok(text.map(str::to_owned)),
        };
        self.shared.state().deprecated = [date("deprecation", deprecation)?, date("sunset", sunset)?];
        Ok(())
    }

    /// What happened since the start or the last reset.
    pub fn stats(&self) -> Stats {
        let max_in_flight = self.shared.max_in_flight.load(Ordering::Relaxed);
        Stats { max_in_flight, ..self.shared.state().stats.clone() }
    }

    /// The requests since the start or the last reset, in the order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.state().requests()
    }

    /// Takes those requests out that have been answered or given up.
    pub fn take_finished_requests(&self) -> Vec<RecordedRequest> {
        self.shared.state().take_finished()
    }

    /// Begins to count anew.
    pub fn reset_stats(&self) {
        let mut state = self.shared.state();
        state.reset_stats();
        self.shared.max_in_flight.store(0, Ordering::Relaxed);
    }

    /// The endpoints as v2 sends them, oldest first within an instance.
    pub fn endpoints(&self, group_id: Option<&str>, instance_name: Option<&str>) -> Vec<Value> {
        self.shared.state().export_endpoints(group_id, instance_name)
    }

    /// The endpoint services of dedicated clusters, each with its project's id and its endpoints.
    pub fn endpoint_services(&self) -> Vec<Value> {
        self.shared.state().export_services()
    }

    /// Stops it. What it knows can still be read.
    pub fn stop(&self) {
        if self.is_inherited() {
            return;
        }
        // Stopping cannot fail.
        let _ = self.order(Order::Stop);
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { thread, .. }) = running {
            // Only a panic over there makes this an error, and it has been printed.
            let _ = thread.join();
        }
    }

    /// Has the server's thread do something and waits until it is done; nothing happens when it has ended.
    fn order(&self, order: Order) -> io::Result<()> {
        let (done, wait) = mpsc::sync_channel(1);
        let sent = match &*self.running.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(running) => running.commands.send((order, done)).is_ok(),
            None => false,
        };
        // Where nothing comes back, the thread has ended in the meantime.
        if sent { wait.recv().unwrap_or(Ok(())) } else { Ok(()) }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if self.is_inherited() {
            // Its locks may be held for ever by a thread that the child does not have.
            std::mem::forget(self.running.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        } else {
            self.stop();
        }
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("address", &self.address).finish_non_exhaustive()
    }
}
