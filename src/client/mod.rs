//! The verbs: each builds a request from `api`, sends it through `transport`, and says what the answer means.

mod creation;
mod error;
mod revocation;

pub use error::{ApiError, ApiErrorKind, Error, Lost, OutcomeUnknown};
pub use revocation::Revoked;

use crate::api::request::CommonQuery;
use crate::api::serverless::{self, Endpoint, Instance};
use crate::api::{ApiVersion, Request};
use crate::auth::Credentials;
use crate::transport::{Answer, Facts, Limits, Settings, Tokens, Transport};
use creation::Creations;
use serde_json::Value;
use std::sync::Arc;

/// A client of the Administration API. Clones share connections, nonces and what is known of creations in flight.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    creations: Arc<Creations>,
}

/// What a call may take, and which version of the API it speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// `None`: v1.0 for the origin, as its page says.
    pub api_version: Option<ApiVersion>,
    /// Time and repetition.
    pub limits: Limits,
}

/// A value with the HTTP side of how it was had.
#[derive(Debug)]
pub struct Reply<T> {
    /// What Atlas answered.
    pub value: T,
    /// The HTTP side.
    pub facts: Facts,
}

/// What to do where an endpoint may exist already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfExists {
    /// Create another one.
    #[default]
    Create,
    /// Return the one that bears the same comment.
    Adopt,
}

/// What [`Client::create_endpoint`] is to create.
#[derive(Debug, Clone)]
pub struct CreateEndpoint {
    /// The instance that gets the endpoint.
    pub instance: Instance,
    /// The one handle that an endpoint has: see [`IfExists`].
    pub comment: Option<String>,
    /// What to do where there is one.
    pub if_exists: IfExists,
    /// `pretty` and `envelope`.
    pub query: CommonQuery,
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
        Ok(Self { transport: Arc::new(transport), creations: Arc::default() })
    }

    /// "Return All Private Endpoints for One Serverless Instance".
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list_endpoints(
        &self,
        instance: &Instance,
        query: CommonQuery,
        options: &Options,
    ) -> Result<Reply<Vec<Endpoint>>, Error> {
        let request = serverless::list(options.api_version.unwrap_or_default(), instance, query);
        self.read(&request, &options.limits, Endpoint::list_from_json).await
    }

    /// "Return One Private Endpoint for One Serverless Instance".
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get_endpoint(
        &self,
        instance: &Instance,
        endpoint_id: &str,
        query: CommonQuery,
        options: &Options,
    ) -> Result<Reply<Endpoint>, Error> {
        let request = serverless::get(options.api_version.unwrap_or_default(), instance, endpoint_id, query)?;
        self.read(&request, &options.limits, Endpoint::from_json).await
    }

    /// Sends a request that may be repeated, and reads its answer.
    async fn read<T>(
        &self,
        request: &Request,
        limits: &Limits,
        parse: impl FnOnce(Value) -> Result<T, String>,
    ) -> Result<Reply<T>, Error> {
        let answer =
            self.transport.send(request, limits).await.map_err(|failure| Error::connection(request, failure))?;
        understand(request, answer, parse)
    }
}

/// What an answer says.
fn understand<T>(
    request: &Request,
    answer: Answer,
    parse: impl FnOnce(Value) -> Result<T, String>,
) -> Result<Reply<T>, Error> {
    let json = serde_json::from_slice::<Value>(&answer.body);
    if !answer.status.is_success() {
        return Err(Error::api(request, &json.unwrap_or_default(), answer));
    }
    let facts = answer.facts;
    let value = match json {
        Ok(value) => parse(value),
        Err(_) if answer.body.is_empty() => Err("the answer is empty".to_owned()),
        Err(error) => Err(format!("the answer is not JSON: {error}")),
    };
    match value {
        Ok(value) => Ok(Reply { value, facts }),
        Err(message) => Err(Error::unexpected(request, message, facts)),
    }
}
