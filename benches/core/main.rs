//! The Rust core without Python, on the workload that `benches/clients` give the others:
//! `core BASE_URL PUBLIC_KEY PRIVATE_KEY CREATES IN_FLIGHT`. Prints one JSON object, as they do.
//!
//! `benches/run.py` builds and starts it. `cargo test` and `cargo bench` start it without arguments: it then does nothing.

use atlas_privatelink::api::operation::IfExists;
use atlas_privatelink::api::request::CommonQuery;
use atlas_privatelink::api::serverless::{self, Instance};
use atlas_privatelink::auth::ApiKey;
use atlas_privatelink::client::Client;
use atlas_privatelink::clock::Clock;
use atlas_privatelink::transport::{BaseUrl, Limits, Settings};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

// As the Python clients send them: see `benches/work.py`.
const GROUP_ID: &str = "5f7cac1adf5d6c6306f4b283";
const INSTANCE: &str = "Instance0";

/// What the tasks share.
struct Work {
    client: Client,
    instance: Instance,
    limits: Limits,
    creates: u64,
    begun: Cell<u64>,
    created: Cell<u64>,
    requests: Cell<u64>,
    errors: RefCell<BTreeMap<String, u64>>,
}

impl Work {
    /// One of those in flight: creates until enough have begun.
    async fn run(&self) {
        while self.begun.get() < self.creates {
            self.begun.set(self.begun.get() + 1);
            let comment = format!("benchmark {}", self.begun.get());
            let query = CommonQuery::default();
            let create = serverless::create(None, &self.instance, Some(&comment), IfExists::Create, query);
            let created = match create {
                Ok(create) => self.client.run(&create, &self.limits).await,
                Err(invalid) => Err(invalid.into()),
            };
            match created {
                Ok(reply) => {
                    self.created.set(self.created.get() + 1);
                    self.requests.set(self.requests.get() + u64::from(reply.facts.requests));
                }
                Err(error) => *self.errors.borrow_mut().entry(error.to_string()).or_default() += 1,
            }
        }
    }
}

/// User and system time of this process so far.
#[cfg(unix)]
fn cpu() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}

/// There is no cheap way, and the figure is a Unix one anyway.
#[cfg(not(unix))]
fn cpu() -> Duration {
    Duration::ZERO
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base_url, public_key, private_key, creates, in_flight] = arguments.as_slice() else {
        writeln!(std::io::stderr(), "usage: core BASE_URL PUBLIC_KEY PRIVATE_KEY CREATES IN_FLIGHT")?;
        return Ok(());
    };
    let in_flight: usize = in_flight.parse()?;
    let settings = Settings {
        base_url: BaseUrl::parse(base_url, false)?,
        connect_timeout: Duration::from_secs(10),
        max_connections: in_flight,
        ca_file: None,
        proxy: None,
        clock: Clock::default(),
    };
    // the extension module drives the core with the same kind of runtime
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let tasks = tokio::task::LocalSet::new();
    let (work, wall, spent) = tasks.block_on(&runtime, async {
        let work = Rc::new(Work {
            client: Client::new(settings, ApiKey::new(public_key, private_key)?)?,
            instance: Instance::new(GROUP_ID, INSTANCE)?,
            limits: Limits { timeout: Duration::from_secs(30), max_retries: 4 },
            creates: creates.parse()?,
            begun: Cell::default(),
            created: Cell::default(),
            requests: Cell::default(),
            errors: RefCell::default(),
        });
        let (begun, cpu_before) = (Instant::now(), cpu());
        let each = |work: &Rc<Work>| {
            let work = work.clone();
            tokio::task::spawn_local(async move { work.run().await })
        };
        for task in (0..in_flight).map(|_| each(&work)).collect::<Vec<_>>() {
            task.await?;
        }
        Ok::<_, Box<dyn Error>>((work, begun.elapsed(), cpu().saturating_sub(cpu_before)))
    })?;
    let result = serde_json::json!({
        "creates": work.creates,
        "created": work.created.get(),
        "requests": work.requests.get(),
        "wall": wall.as_secs_f64(),
        "cpu": spent.as_secs_f64(),
        "errors": *work.errors.borrow(),
    });
    writeln!(std::io::stdout(), "{result}")?;
    Ok(())
}
