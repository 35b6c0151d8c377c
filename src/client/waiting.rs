//! Waiting for a resource, together with everybody else who waits for one in the same list.
//!
//! Whoever's turn it is looks, and all see what was seen. So a thousand waits take as many requests as the most
//! impatient of them would alone. Nobody looks in the background: when all give up, it ends.

use crate::api::operation::Watch;
use crate::api::request::Received;
use crate::api::resource::Resource;
use crate::api::{Request, comparable_id};
use crate::client::{ApiErrorKind, Client, Error, Reply};
use crate::clock::Clock;
use crate::transport::{Facts, Limits};
use crate::wait::{Sight, Step, Target, Wait};
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;

/// The last look at the end of the time gets a moment of its own.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// What is being looked at, by where it is.
#[derive(Default)]
pub(super) struct Looks(Mutex<HashMap<String, Weak<Shared>>>);

struct Shared {
    /// Looks begun so far.
    begun: AtomicU64,
    /// One look at a time.
    looking: tokio::sync::Mutex<()>,
    newest: watch::Sender<Option<Arc<Snapshot>>>,
}

/// What one look showed.
struct Snapshot {
    /// Which look it was, counted from 1.
    number: u64,
    outcome: Result<Reply<HashMap<String, Resource>>, Error>,
}

impl Looks {
    fn at(&self, target: &str) -> Arc<Shared> {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = looks.get(target).and_then(Weak::upgrade) {
            return shared;
        }
        looks.retain(|_, shared| shared.strong_count() > 0);
        let shared = Arc::new(Shared {
            begun: AtomicU64::new(0),
            looking: tokio::sync::Mutex::default(),
            newest: watch::Sender::new(None),
        });
        looks.insert(target.to_owned(), Arc::downgrade(&shared));
        shared
    }
}

/// One who waits.
pub struct Waiting {
    client: Client,
    watch: Watch,
    target: Target,
    limits: Limits,
    shared: Arc<Shared>,
    wait: Wait,
    /// The last look that is no news: at first, the last that began before this wait.
    seen: u64,
    /// When to look next.
    due: Duration,
    looks: u32,
    trouble: Option<String>,
}

/// How far a wait is.
pub enum Progress {
    /// A look showed that it has to go on.
    Look(Box<Look>),
    /// The target is reached.
    Reached(Box<Reply<Received>>),
}

/// What a look showed of a wait that has to go on.
#[derive(Debug)]
pub struct Look {
    /// The last state seen.
    pub resource: Option<Resource>,
    /// Whether it is another one than before.
    pub changed: bool,
    /// Why this look showed nothing.
    pub trouble: Option<String>,
    /// Looks so far.
    pub looks: u32,
    /// Time so far.
    pub elapsed: Duration,
    /// Time until the next look, at most.
    pub next_look: Duration,
}

impl Waiting {
    pub(super) fn new(client: Client, watch: Watch, target: Target, timeout: Duration, limits: Limits) -> Self {
        let now = client.clock().now();
        let shared = client.looks.at(&watch.look.target);
        Self {
            seen: shared.begun.load(Ordering::Acquire),
            shared,
            wait: Wait::new(target, watch.exists, now, timeout),
            // the wait's own pace decides when to look again
            limits: Limits { max_retries: 0, ..limits },
            client,
            watch,
            target,
            due: now,
            looks: 0,
            trouble: None,
        }
    }

    /// Returns after the next look.
    ///
    /// # Errors
    /// The target cannot be reached any more, time is up, or Atlas refuses to show the resource.
    pub async fn look(&mut self) -> Result<Progress, Error> {
        let clock = self.client.clock().clone();
        let _at_work = clock.enter();
        self.next_look(&clock).await
    }

    async fn next_look(&mut self, clock: &Clock) -> Result<Progress, Error> {
        let snapshot = self.next_snapshot().await;
        self.seen = snapshot.number;
        self.looks += 1;
        self.trouble = None;
        let now = clock.now();
        let (sight, facts) = self.sight(&snapshot)?;
        match self.wait.see(sight, now) {
            Step::Wait { until, changed } => {
                self.due = until;
                Ok(Progress::Look(Box::new(Look {
                    resource: self.wait.last().cloned(),
                    changed,
                    trouble: self.trouble.clone(),
                    looks: self.looks,
                    elapsed: self.wait.elapsed(now),
                    next_look: until.saturating_sub(now),
                })))
            }
            Step::Reached(resource) => {
                let facts = facts.cloned().ok_or_else(|| Error::Configuration("reached without a look".to_owned()))?;
                let value = Received::Maybe(resource);
                Ok(Progress::Reached(Box::new(Reply { value, facts })))
            }
            Step::Failed(failure) => {
                let resource = self.wait.last().cloned();
                Err(Error::wait_failed(&self.watch, self.target, failure, resource, facts.cloned()))
            }
            Step::TimedOut => {
                let (resource, trouble) = (self.wait.last().cloned(), self.trouble.as_deref());
                let elapsed = self.wait.elapsed(now);
                Err(Error::wait_timed_out(&self.watch, self.target, elapsed, resource, trouble, facts.cloned()))
            }
        }
    }

    /// Returns at the end.
    ///
    /// # Errors
    /// See [`Waiting::look`].
    pub async fn finish(&mut self) -> Result<Reply<Received>, Error> {
        let clock = self.client.clock().clone();
        let _at_work = clock.enter();
        self.finish_at_work().await
    }

    /// The same within a call that is noted as being at work.
    pub(super) async fn finish_at_work(&mut self) -> Result<Reply<Received>, Error> {
        let clock = self.client.clock().clone();
        loop {
            if let Progress::Reached(reply) = self.next_look(&clock).await? {
                return Ok(*reply);
            }
        }
    }

    fn sight<'a>(&mut self, snapshot: &'a Snapshot) -> Result<(Sight, Option<&'a Facts>), Error> {
        match &snapshot.outcome {
            Ok(reply) => {
                let sight =
                    reply.value.get(&key(&self.watch.look, &self.watch.id)).cloned().map_or(Sight::Absent, Sight::Seen);
                Ok((sight, Some(&reply.facts)))
            }
            Err(Error::Api(error))
                if error.kind.is_absence() && (self.watch.look.id.is_some() || self.target == Target::Deleted) =>
            {
                Ok((Sight::Absent, Some(&error.facts)))
            }
            Err(error) if error.may_pass() => {
                self.trouble = Some(error.to_string());
                Ok((Sight::Trouble(error.retry_after()), error.facts()))
            }
            Err(error) => Err(error.clone().during_wait(self.wait.last())),
        }
    }

    /// A snapshot that was not seen yet: somebody else's, or one's own when it is due.
    async fn next_snapshot(&self) -> Arc<Snapshot> {
        let clock = self.client.clock();
        let mut newest = self.shared.newest.subscribe();
        loop {
            if let Some(snapshot) = self.unseen(&newest.borrow_and_update()) {
                return snapshot;
            }
            let pause = self.due.saturating_sub(clock.now());
            if pause.is_zero() {
                break;
            }
            let (mut sleep, mut changed) = (pin!(clock.sleep(pause)), pin!(newest.changed()));
            poll_fn(|cx| match (changed.as_mut().poll(cx), sleep.as_mut().poll(cx)) {
                (Poll::Pending, Poll::Pending) => Poll::Pending,
                _ => Poll::Ready(()),
            })
            .await;
        }
        let _turn = clock.idle(self.shared.looking.lock()).await;
        if let Some(snapshot) = self.unseen(&self.shared.newest.borrow()) {
            return snapshot;
        }
        let snapshot = Arc::new(self.take_snapshot().await);
        self.shared.newest.send_replace(Some(snapshot.clone()));
        snapshot
    }

    fn unseen(&self, newest: &Option<Arc<Snapshot>>) -> Option<Arc<Snapshot>> {
        newest.as_ref().filter(|snapshot| snapshot.number > self.seen).cloned()
    }

    async fn take_snapshot(&self) -> Snapshot {
        let number = self.shared.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let left = self.wait.deadline().saturating_sub(self.client.clock().now()).max(LAST_LOOK);
        let limits = Limits { timeout: self.limits.timeout.min(left), ..self.limits };
        let outcome = self.client.read(&self.watch.look, &limits).await.map(|Reply { value, facts }| {
            let found = match value {
                Received::Many(resources) => resources,
                Received::One(resource) | Received::Maybe(Some(resource)) => vec![resource],
                Received::Maybe(None) | Received::Flag(_) | Received::Nothing => Vec::new(),
            };
            let look = &self.watch.look;
            let value = found.into_iter().map(|resource| (key(look, &resource.id), resource)).collect();
            Reply { value, facts }
        });
        Snapshot { number, outcome }
    }
}

/// What a resource of a look is found by. Where a look is about one resource, it shows that one, whatever it says its id
/// is: Atlas addresses a port-mapped endpoint by the name of its rule.
fn key(look: &Request, id: &str) -> String {
    comparable_id(look.id.as_deref().unwrap_or(id)).into_owned()
}

impl ApiErrorKind {
    fn is_absence(self) -> bool {
        matches!(self, Self::NotFound | Self::InstanceNotFound)
    }
}
