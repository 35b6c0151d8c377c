//! Creating a resource exactly once, although Atlas knows no idempotency token.
//!
//! The transport repeats a creation only where it was certainly not accepted. Where the outcome is unknown (the
//! connection was lost after sending, an answer of 5xx, a time-out, a success without an id) the only way is to look,
//! and to adopt what was made since and bears our marks, if nobody else can own it.

use crate::api::comparable_id;
use crate::api::operation::{Create, IfExists, Marks, Second, Watch};
use crate::api::request::{Expected, Received};
use crate::api::resource::{Resource, Stage};
use crate::client::{ApiErrorKind, Client, Error, Reply, furthest, understand};
use crate::transport::{Answer, Facts, Limits};
use crate::wait::Target;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// This part of a call's time is kept for looking.
pub(super) const LOOKING_SHARE: f64 = 0.25;
/// Between one look and the next: what Atlas has begun may take a moment to be listed.
pub(super) const PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(500), Duration::from_millis(1500)];
/// Before Atlas is asked again for what it has just deleted.
const PAUSE_AFTER_DELETION: Duration = Duration::from_secs(1);
/// `Date` and ObjectIds count whole seconds, and Atlas's machines agree about as well.
const CLOCK_TOLERANCE_SECONDS: f64 = 2.0;

/// Where they are listed, and what they are recognised by.
type Key = (String, Marks);

/// The creations of this client that are in flight, by what they look like from outside.
#[derive(Default)]
pub(super) struct Creations(Mutex<HashMap<Key, Group>>);

/// Creations that cannot be told apart from outside.
#[derive(Default)]
struct Group {
    in_flight: usize,
    /// Ids that were handed out while any of them was in flight.
    owned: Vec<String>,
    /// Adoptions of the same marks go one after the other.
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

    /// Whether another creation in flight could have made the same resource.
    fn has_company(&self) -> bool {
        self.creations.groups().get(&self.key).is_some_and(|group| group.in_flight > 1)
    }

    fn is_owned(&self, resource: &Resource) -> bool {
        self.creations.groups().get(&self.key).is_some_and(|group| group.owned.iter().any(|id| same(id, &resource.id)))
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
    /// Makes a resource, at most once.
    pub(super) async fn create(&self, create: &Create, limits: &Limits) -> Result<Reply<Received>, Error> {
        let deadline = self.clock().now() + limits.timeout;
        let (in_flight, adopting) = self.creations.begin((create.look.target.clone(), create.marks.clone()));
        let created = match (create.if_exists, create.second) {
            (IfExists::Create, _) => self.make(create, limits, deadline, &in_flight).await,
            (IfExists::Adopt, Second::Made) => {
                let turn = tokio::time::timeout(limits.timeout, self.clock().idle(adopting.lock()));
                let Ok(_turn) = turn.await else {
                    let why = "other adoptions of the same comment took all of its time";
                    return Err(Error::never_begun(create.request.operation, why));
                };
                match Box::pin(self.existing(create, limits, deadline)).await? {
                    Some(reply) => Ok(reply),
                    None => self.make(create, limits, deadline, &in_flight).await,
                }
            }
            (IfExists::Adopt, Second::Refused) => match self.make(create, limits, deadline, &in_flight).await {
                Err(error) if error.is(ApiErrorKind::Conflict) => {
                    Box::pin(self.adopt_or_replace(create, limits, deadline, &in_flight, error)).await
                }
                made => made,
            },
        };
        if let Ok(Reply { value: Received::One(resource), .. }) = &created {
            in_flight.own(&resource.id);
        }
        created
    }

    async fn make(
        &self,
        create: &Create,
        limits: &Limits,
        deadline: Duration,
        in_flight: &InFlight<'_>,
    ) -> Result<Reply<Received>, Error> {
        let request = &create.request;
        let left = deadline.saturating_sub(self.clock().now());
        let shortened = Limits { timeout: left.mul_f64(1.0 - LOOKING_SHARE), ..*limits };
        let since = self.transport.server_time();
        let begun = self.clock().now();
        let cause = match self.transport.send(request, &shortened).await {
            Err(failure) if failure.sent => Error::connection(request, failure),
            Err(failure) => return Err(Error::connection(request, failure)),
            Ok(answer) => {
                let sent = answer.sent;
                match made(create, answer) {
                    Err(error) if sent && error.leaves_outcome_unknown() => error,
                    certain => return certain,
                }
            }
        };
        // boxed, as everything rare: the future of the common way stays small
        Box::pin(self.look(create, limits, deadline, in_flight, Unsettled { cause, since, begun })).await
    }

    /// Adopts what stands in the way of a creation; if that is being deleted, waits until it is gone, and creates again.
    async fn adopt_or_replace(
        &self,
        create: &Create,
        limits: &Limits,
        deadline: Duration,
        in_flight: &InFlight<'_>,
        mut conflict: Error,
    ) -> Result<Reply<Received>, Error> {
        let mut refused_by_nothing = false;
        loop {
            let (alike, facts) = self.alike(create, limits, deadline).await?;
            let leaving = alike.iter().find(|resource| resource.stage() == Stage::Deleting).map(|one| one.id.clone());
            let gone = alike.iter().all(|resource| resource.stage() == Stage::Deleted);
            if let Some(resource) = furthest(alike.into_iter()) {
                return Ok(Reply { value: Received::One(resource), facts });
            }
            match leaving {
                Some(id) => self.until_deleted(create, id, limits, deadline).await?,
                // it went between the refusal and the look
                None if gone && !refused_by_nothing => refused_by_nothing = true,
                None => return Err(conflict),
            }
            if self.clock().now() + PAUSE_AFTER_DELETION >= deadline {
                return Err(conflict);
            }
            self.clock().sleep(PAUSE_AFTER_DELETION).await;
            match self.make(create, limits, deadline, in_flight).await {
                Err(error) if error.is(ApiErrorKind::Conflict) => conflict = error,
                made => return made,
            }
        }
    }

    async fn until_deleted(
        &self,
        create: &Create,
        id: String,
        limits: &Limits,
        deadline: Duration,
    ) -> Result<(), Error> {
        let watch = Watch { look: create.look.clone(), id, noun: create.noun(), exists: true };
        let timeout = deadline.saturating_sub(self.clock().now());
        let mut waiting = self.wait(watch, Target::Deleted, timeout, *limits);
        waiting.finish_at_work().await.map(drop).map_err(|error| error.while_replacing(create))
    }

    /// Looks for what a creation made whose outcome is unknown.
    async fn look(
        &self,
        create: &Create,
        limits: &Limits,
        deadline: Duration,
        in_flight: &InFlight<'_>,
        mut unsettled: Unsettled,
    ) -> Result<Reply<Received>, Error> {
        let mut candidates = Vec::new();
        let mut looked = None;
        for pause in PAUSES {
            if self.clock().now() + pause >= deadline {
                break;
            }
            self.clock().sleep(pause).await;
            let facts = match Box::pin(self.alike(create, limits, deadline)).await {
                Ok((alike, facts)) => {
                    candidates = alike;
                    facts
                }
                Err(error) => {
                    looked = Some(Err(error));
                    continue;
                }
            };
            looked = Some(Ok(()));
            // a bearer token needs no challenge: the creation may have been the first request, and this the first answer
            unsettled.since = unsettled.since.or_else(|| {
                let elapsed = self.clock().now().saturating_sub(unsettled.begun);
                self.transport.server_time().map(|now| now - elapsed.as_secs_f64())
            });
            candidates.retain(|resource| unsettled.may_be(resource, create) && !in_flight.is_owned(resource));
            match (candidates.as_slice(), create.second) {
                ([], _) => continue,
                ([_, ..], Second::Refused) => {}
                // nothing shows that it is ours
                (_, Second::Made) if !create.is_recognisable() => break,
                ([_], Second::Made) if !in_flight.has_company() => {}
                (_, Second::Made) => break,
            }
            if let Some(resource) = candidates.pop() {
                return Ok(Reply { value: Received::One(resource), facts });
            }
        }
        let left = deadline.saturating_sub(self.clock().now());
        if create.second == Second::Refused && !left.is_zero() {
            // another one would be refused, so asking again can do no harm
            let limits = Limits { timeout: left, ..*limits };
            match self.transport.send(&create.request, &limits).await {
                Ok(answer) => match made(create, answer) {
                    Err(error) if error.is(ApiErrorKind::Conflict) && create.if_exists == IfExists::Create => {
                        let alike = self.alike(create, &limits, deadline).await;
                        let ours = alike.ok().and_then(|(alike, facts)| {
                            let ours = alike.into_iter().find(|resource| unsettled.may_be(resource, create))?;
                            Some(Reply { value: Received::One(ours), facts })
                        });
                        return ours.ok_or(error);
                    }
                    Err(error) if error.leaves_outcome_unknown() => {}
                    certain => return certain,
                },
                Err(failure) => looked = Some(Err(Error::connection(&create.request, failure))),
            }
        }
        Err(Error::creation_unknown(&unsettled.cause, create, candidates, looked))
    }

    /// The resource to adopt.
    async fn existing(
        &self,
        create: &Create,
        limits: &Limits,
        deadline: Duration,
    ) -> Result<Option<Reply<Received>>, Error> {
        let (alike, facts) = self.alike(create, limits, deadline).await?;
        Ok(furthest(alike.into_iter()).map(|resource| Reply { value: Received::One(resource), facts }))
    }

    /// What bears the marks of a creation.
    async fn alike(
        &self,
        create: &Create,
        limits: &Limits,
        deadline: Duration,
    ) -> Result<(Vec<Resource>, Facts), Error> {
        let timeout = deadline.saturating_sub(self.clock().now());
        match self.read(&create.look, &Limits { timeout, ..*limits }).await {
            Ok(Reply { value: Received::Many(mut listed), facts }) => {
                listed.retain(|resource| create.marks.are_on(resource));
                Ok((listed, facts))
            }
            Ok(Reply { value: Received::One(resource), facts }) => Ok((vec![resource], facts)),
            Ok(Reply { facts, .. }) => Ok((Vec::new(), facts)),
            // asked for by its id
            Err(Error::Api(error)) if error.kind == ApiErrorKind::NotFound && create.look.id.is_some() => {
                Ok((Vec::new(), error.facts))
            }
            Err(error) => Err(error),
        }
    }
}

impl Create {
    /// What people call the resource.
    pub(super) fn noun(&self) -> &'static str {
        match self.request.expected {
            Expected::One(model) | Expected::Many(model) => model.noun,
            _ => "resource",
        }
    }

    /// Whether its marks are worth something.
    fn is_recognisable(&self) -> bool {
        self.marks.0.iter().any(|(_, value)| !value.is_null())
    }
}

/// What a creation was answered; of a whole list, the one that is meant.
fn made(create: &Create, answer: Answer) -> Result<Reply<Received>, Error> {
    let Reply { value, facts } = understand(&create.request, answer)?;
    let value = match (value, create.request.expected) {
        (Received::Many(listed), Expected::Many(model)) => {
            match listed
                .into_iter()
                .find(|resource| create.request.id.as_deref().is_some_and(|id| same(id, &resource.id)))
            {
                Some(resource) => Received::One(resource),
                None => {
                    let message = format!("the answer does not list the {}", model.noun);
                    return Err(Error::unexpected(&create.request, message, facts));
                }
            }
        }
        (value, _) => value,
    };
    Ok(Reply { value, facts })
}

fn same(one: &str, other: &str) -> bool {
    comparable_id(one) == comparable_id(other)
}

/// A creation that was sent and not answered.
struct Unsettled {
    cause: Error,
    /// The server's clock when it was sent, as far as known.
    since: Option<f64>,
    begun: Duration,
}

impl Unsettled {
    /// Whether a resource was made late enough to be the one, and is not one that is being deleted. An id that the
    /// caller chose tells no time, and needs not.
    fn may_be(&self, resource: &Resource, create: &Create) -> bool {
        if resource.stage() == Stage::Deleting {
            return false;
        }
        match (self.since, resource.created_at()) {
            (Some(since), Some(created)) => created as f64 >= since - CLOCK_TOLERANCE_SECONDS,
            (_, None) => create.second == Second::Refused,
            (None, _) => false,
        }
    }
}
