//! The verbs: each sends the requests of an operation through `transport`, and says what the answers mean. They know
//! no family of endpoints; `api` does.

mod creation;
mod destination;
mod error;
mod revocation;
mod update;
mod waiting;

pub use destination::destination;
pub use error::{ApiError, ApiErrorKind, Error, Lost, OutcomeUnknown, Unreached};
pub use revocation::Revoked;
pub use waiting::{Look, Progress, Waiting};

use crate::api::operation::{Operation, Watch};
use crate::api::request::{CommonQuery, PAGE_SIZE, Received};
use crate::api::resource::Resource;
use crate::api::{ApiVersion, Request};
use crate::auth::Credentials;
use crate::clock::Clock;
use crate::transport::{Answer, Facts, Limits, Settings, Tokens, Transport};
use crate::wait::Target;
use creation::Creations;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;
use waiting::Looks;

/// A client of the Administration API. Clones share connections, nonces, and what is known of creations in flight and
/// of resources that are waited for.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    creations: Arc<Creations>,
    looks: Arc<Looks>,
}

/// What a call may take, and how it speaks to the API.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// `None`: v1.0 for the origin, as its page says, and v2 for everything else.
    pub api_version: Option<ApiVersion>,
    /// `pretty` and `envelope`.
    pub query: CommonQuery,
    /// Time and repetition.
    pub limits: Limits,
}

/// A value with the HTTP side of how it was had.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    /// What Atlas answered.
    pub value: T,
    /// The HTTP side.
    pub facts: Facts,
}

impl Client {
    /// A client. Nothing is opened yet.
    ///
    /// # Errors
    /// A certificate file or proxy that cannot be used.
    pub fn new(settings: Settings, credentials: impl Into<Credentials>) -> Result<Self, Error> {
        Self::with_tokens(settings, credentials, &Tokens::default())
    }

    /// A client of a service account that shares the account's access token with all clients made with these `tokens`.
    ///
    /// # Errors
    /// A certificate file or proxy that cannot be used.
    pub fn with_tokens(
        settings: Settings,
        credentials: impl Into<Credentials>,
        tokens: &Tokens,
    ) -> Result<Self, Error> {
        let transport = Transport::new(settings, credentials.into(), tokens).map_err(Error::Configuration)?;
        Ok(Self { transport: Arc::new(transport), creations: Arc::default(), looks: Arc::default() })
    }

    /// Does what an operation says.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::OutcomeUnknown`] where something may have been made or changed.
    pub async fn run(&self, operation: &Operation, limits: &Limits) -> Result<Reply<Received>, Error> {
        let _at_work = self.clock().enter();
        match operation {
            Operation::Read(request) => self.read(request, limits).await,
            Operation::Create(create) => self.create(create, limits).await,
            // boxed, as everything rarer: the future of the common ways stays small
            Operation::Update(update) => Box::pin(self.update(update, limits)).await,
            Operation::Delete(request) => Box::pin(self.delete(request, limits)).await,
            Operation::Find(request, marks) => {
                let Reply { value, facts } = Box::pin(self.read(request, limits)).await?;
                let Received::Many(listed) = value else { return Ok(Reply { value, facts }) };
                let found = furthest(listed.into_iter().filter(|resource| marks.are_on(resource)));
                Ok(Reply { value: Received::Maybe(found), facts })
            }
        }
    }

    /// Begins to wait until a resource reaches a target. Nothing is sent yet.
    pub fn wait(&self, watch: Watch, target: Target, timeout: Duration, limits: Limits) -> Waiting {
        Waiting::new(self.clone(), watch, target, timeout, limits)
    }

    /// What pauses go by.
    pub fn clock(&self) -> &Clock {
        self.transport.clock()
    }

    /// Sends a request that changes nothing, and reads its answer; page by page where it comes in pages.
    async fn read(&self, request: &Request, limits: &Limits) -> Result<Reply<Received>, Error> {
        if !request.paginated {
            return understand(request, self.send(request, limits).await?);
        }
        let deadline = self.clock().now() + limits.timeout;
        let mut all: Vec<Resource> = Vec::new();
        let mut number = 1;
        loop {
            let timeout = deadline.saturating_sub(self.clock().now());
            let page = request.page(number);
            let reply = understand(request, self.send(&page, &Limits { timeout, ..*limits }).await?)?;
            let Received::Many(mut found) = reply.value else { return Ok(reply) };
            let full = found.len() >= PAGE_SIZE;
            // a server that knows no pages sends the first again
            let repeated = found.first().zip(all.first()).is_some_and(|(one, other)| one.id == other.id);
            if !repeated {
                all.append(&mut found);
            }
            if !full || repeated {
                return Ok(Reply { value: Received::Many(all), facts: reply.facts });
            }
            number += 1;
        }
    }

    /// Removes a resource. One that an earlier try has removed is removed.
    async fn delete(&self, request: &Request, limits: &Limits) -> Result<Reply<Received>, Error> {
        let answer = self.send(request, limits).await?;
        if answer.status == StatusCode::NOT_FOUND && answer.repeated {
            return Ok(Reply { value: Received::Nothing, facts: answer.facts });
        }
        understand(request, answer)
    }

    async fn send(&self, request: &Request, limits: &Limits) -> Result<Answer, Error> {
        self.transport.send(request, limits).await.map_err(|failure| Error::connection(request, failure))
    }
}

/// What an answer says.
fn understand(request: &Request, answer: Answer) -> Result<Reply<Received>, Error> {
    if !answer.status.is_success() {
        return Err(Error::api(request, answer));
    }
    match request.read(&answer.body) {
        Ok(value) => Ok(Reply { value, facts: answer.facts }),
        Err(message) => Err(Error::unexpected(request, message, answer.facts)),
    }
}

/// Of those that are of use, the one that got furthest: the older one, where two got equally far, so that every caller
/// picks the same.
fn furthest(resources: impl Iterator<Item = Resource>) -> Option<Resource> {
    use crate::api::resource::Stage::{Deleted, Deleting, Failed};
    let of_use = resources.filter(|resource| !matches!(resource.stage(), Failed | Deleting | Deleted));
    of_use.max_by(|one, other| one.stage().cmp(&other.stage()).then_with(|| other.id.cmp(&one.id)))
}
