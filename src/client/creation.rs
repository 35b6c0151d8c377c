//! Creating an endpoint exactly once, although Atlas knows no idempotency token.
//!
//! The transport repeats a creation only where it was certainly not accepted. Where the outcome is unknown (the
//! connection was lost after sending, an answer of 5xx, a time-out, a success without an id) the only way is to look:
//! list, and adopt the endpoint that was made since and bears our comment, if nobody else can own it.

use crate::api::request::CommonQuery;
use crate::api::serverless::{self, Endpoint, Instance};
use crate::client::{Client, CreateEndpoint, Error, IfExists, Options, Reply, understand};
use crate::transport::Limits;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// This part of a call's time is kept for looking.
const LOOKING_SHARE: f64 = 0.25;
/// Between one look and the next: what Atlas has begun may take a moment to be listed.
const PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(500), Duration::from_millis(1500)];
/// `Date` and ObjectIds count whole seconds, and Atlas's machines agree about as well.
const CLOCK_TOLERANCE_SECONDS: f64 = 2.0;

type Key = (Instance, Option<String>);

/// The creations of this client that are in flight, by what their endpoints look like from outside.
#[derive(Default)]
pub(super) struct Creations(Mutex<HashMap<Key, Group>>);

/// Creations that cannot be told apart from outside.
#[derive(Default)]
struct Group {
    in_flight: usize,
    /// Ids that were handed out while any of them was in flight.
    owned: Vec<String>,
    /// Adoptions of the same comment go one after the other.
    adopting: Arc<tokio::sync::Mutex<()>>,
}

/// One creation in flight.
struct InFlight<'a> {
    creations: &'a Creations,
    key: Key,
}

impl Creations {
    fn groups(&self) -> MutexGuard<'_, HashMap<Key, Group>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, key: Key) -> (InFlight<'_>, Arc<tokio::sync::Mutex<()>>) {
        let mut groups = self.groups();
        let group = groups.entry(key.clone()).or_default();
        group.in_flight += 1;
        (InFlight { creations: self, key }, group.adopting.clone())
    }
}

impl InFlight<'_> {
    fn own(&self, id: &str) {
        if let Some(group) = self.creations.groups().get_mut(&self.key) {
            group.owned.push(id.to_owned());
        }
    }

    /// Whether another creation in flight could have made the same endpoint.
    fn has_company(&self) -> bool {
        self.creations.groups().get(&self.key).is_some_and(|group| group.in_flight > 1)
    }

    fn is_owned(&self, endpoint: &Endpoint) -> bool {
        self.creations.groups().get(&self.key).is_some_and(|group| group.owned.contains(&endpoint.id))
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut groups = self.creations.groups();
        if let Some(group) = groups.get_mut(&self.key) {
            group.in_flight -= 1;
            if group.in_flight == 0 {
                groups.remove(&self.key);
            }
        }
    }
}

impl Client {
    /// "Create One Private Endpoint for One Serverless Instance", at most once.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::OutcomeUnknown`] where an endpoint may have been made.
    pub async fn create_endpoint(&self, create: &CreateEndpoint, options: &Options) -> Result<Reply<Endpoint>, Error> {
        let deadline = Instant::now() + options.limits.timeout;
        let (in_flight, adopting) = self.creations.begin((create.instance.clone(), create.comment.clone()));
        let created = match create.if_exists {
            IfExists::Create => self.create(create, options, deadline, &in_flight).await,
            IfExists::Adopt => {
                let Ok(_turn) = tokio::time::timeout_at(deadline, adopting.lock()).await else {
                    let why = "other adoptions of the same comment took all of its time";
                    return Err(Error::never_begun("create_endpoint", why));
                };
                match Box::pin(self.existing(create, options, deadline)).await? {
                    Some(reply) => Ok(reply),
                    None => self.create(create, options, deadline, &in_flight).await,
                }
            }
        };
        if let Ok(reply) = &created {
            in_flight.own(&reply.value.id);
        }
        created
    }

    async fn create(
        &self,
        create: &CreateEndpoint,
        options: &Options,
        deadline: Instant,
        in_flight: &InFlight<'_>,
    ) -> Result<Reply<Endpoint>, Error> {
        let version = options.api_version.unwrap_or_default();
        let request = serverless::create(version, &create.instance, create.comment.as_deref(), create.query)?;
        let left = deadline.saturating_duration_since(Instant::now());
        let limits = Limits { timeout: left.mul_f64(1.0 - LOOKING_SHARE), ..options.limits };
        let since = self.transport.server_time();
        let begun = Instant::now();
        let cause = match self.transport.send(&request, &limits).await {
            Err(failure) if failure.sent => Error::connection(&request, failure),
            Err(failure) => return Err(Error::connection(&request, failure)),
            Ok(answer) => {
                let sent = answer.sent;
                match understand(&request, answer, Endpoint::from_json) {
                    Err(error) if sent && error.leaves_outcome_unknown() => error,
                    certain => return certain,
                }
            }
        };
        // boxed, as everything rare: the future of the common way stays small
        Box::pin(self.look(create, options, deadline, in_flight, Unsettled { cause, since, begun })).await
    }

    /// Looks for the endpoint of a creation whose outcome is unknown.
    async fn look(
        &self,
        create: &CreateEndpoint,
        options: &Options,
        deadline: Instant,
        in_flight: &InFlight<'_>,
        mut unsettled: Unsettled,
    ) -> Result<Reply<Endpoint>, Error> {
        let mut candidates = Vec::new();
        let mut looked = None;
        for pause in PAUSES {
            if Instant::now() + pause >= deadline {
                break;
            }
            tokio::time::sleep(pause).await;
            let listed = self.list_until(deadline, &create.instance, options).await;
            let facts = match listed {
                Ok(listed) => {
                    candidates = listed.value;
                    listed.facts
                }
                Err(error) => {
                    looked = Some(Err(error));
                    continue;
                }
            };
            looked = Some(Ok(()));
            // a bearer token needs no challenge: the creation may have been the first request, and this the first answer
            unsettled.since = unsettled
                .since
                .or_else(|| self.transport.server_time().map(|now| now - unsettled.begun.elapsed().as_secs_f64()));
            candidates.retain(|endpoint| {
                endpoint.comment == create.comment && unsettled.may_be(endpoint) && !in_flight.is_owned(endpoint)
            });
            if create.comment.is_none() && !candidates.is_empty() {
                break;
            }
            match candidates.as_slice() {
                [] => continue,
                [_] if !in_flight.has_company() => {
                    if let Some(value) = candidates.pop() {
                        return Ok(Reply { value, facts });
                    }
                }
                _ => break,
            }
        }
        let comment = create.comment.as_deref();
        Err(Error::outcome_unknown(&unsettled.cause, &create.instance, comment, candidates, looked))
    }

    /// The endpoint to adopt: of those that bear the comment and are of use, the one that got furthest.
    async fn existing(
        &self,
        create: &CreateEndpoint,
        options: &Options,
        deadline: Instant,
    ) -> Result<Option<Reply<Endpoint>>, Error> {
        use serverless::status::{AVAILABLE, DELETING, FAILED, INITIATING, RESERVATION_REQUESTED, RESERVED};
        let listed = self.list_until(deadline, &create.instance, options).await?;
        let progress = |endpoint: &Endpoint| match endpoint.status.as_deref() {
            Some(AVAILABLE) => Some(4),
            Some(INITIATING) => Some(3),
            Some(RESERVED) => Some(2),
            Some(RESERVATION_REQUESTED) => Some(1),
            Some(FAILED | DELETING) => None,
            _ => Some(0),
        };
        let best = listed
            .value
            .into_iter()
            .filter(|endpoint| endpoint.comment == create.comment)
            .filter_map(|endpoint| Some((progress(&endpoint)?, endpoint)))
            // the older one, where two got equally far: every caller then adopts the same
            .max_by(|(a, one), (b, other)| a.cmp(b).then_with(|| other.id.cmp(&one.id)));
        Ok(best.map(|(_, value)| Reply { value, facts: listed.facts }))
    }

    async fn list_until(
        &self,
        deadline: Instant,
        instance: &Instance,
        options: &Options,
    ) -> Result<Reply<Vec<Endpoint>>, Error> {
        let timeout = deadline.saturating_duration_since(Instant::now());
        let options = Options { limits: Limits { timeout, ..options.limits }, ..*options };
        self.list_endpoints(instance, CommonQuery::default(), &options).await
    }
}

/// A creation that was sent and not answered.
struct Unsettled {
    cause: Error,
    /// The server's clock when it was sent, as far as known.
    since: Option<f64>,
    begun: Instant,
}

impl Unsettled {
    /// Whether an endpoint was made late enough to be the one.
    fn may_be(&self, endpoint: &Endpoint) -> bool {
        match (self.since, endpoint.created_at()) {
            (Some(since), Some(created)) => created as f64 >= since - CLOCK_TOLERANCE_SECONDS,
            _ => false,
        }
    }
}
