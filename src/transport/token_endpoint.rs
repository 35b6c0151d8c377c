//! The token endpoint of a service account: `POST /api/oauth/token` and `POST /api/oauth/revoke` (RFC 6749, RFC 7009).

use crate::auth::ServiceAccount;
use crate::auth::service_account::{self, Account, Drive, Failed, Grant, Token};
use crate::transport::exchange::{Before, Exchanger, Outgoing, Received, Trouble};
use crate::transport::facts::{FailureKind, Progress};
use crate::transport::{Answer, Facts, Failure, Settings, retry};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;
use url::form_urlencoded::Serializer;

const TOKEN: &str = "/api/oauth/token";
const REVOKE: &str = "/api/oauth/revoke";
/// On an open connection. Whoever waits for a silent one would rather try another.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Closing a client must not take long.
const REVOCATION_LIMIT: Duration = Duration::from_secs(3);

/// The tokens of all accounts, for all clients that are made with it. Clones are the same store.
pub type Tokens = service_account::Tokens<TokenFailure>;

/// Why a token could not be fetched, for each of those who waited for it.
#[derive(Clone)]
pub struct TokenFailure(Result<Received, Trouble>);

impl TokenFailure {
    pub(super) fn into_outcome(self) -> Result<Received, Trouble> {
        self.0
    }
}

/// One account's way to its token.
pub(super) struct TokenSource {
    endpoint: TokenEndpoint,
    account: Arc<Account<TokenFailure>>,
    drive: Drive,
}

impl TokenSource {
    pub(super) fn new(
        account: ServiceAccount,
        tokens: &Tokens,
        exchanger: &Exchanger,
        settings: &Settings,
    ) -> Result<Self, String> {
        Ok(Self {
            account: tokens.account(&settings.base_url.to_string(), &account),
            drive: tokens.drive(),
            endpoint: TokenEndpoint::new(account, exchanger, settings)?,
        })
    }

    /// A token that is good now, and not the `refused` one.
    pub(super) async fn token(
        &self,
        refused: Option<&Arc<Token>>,
        progress: &Progress,
    ) -> Result<Arc<Token>, TokenFailure> {
        let fetch = || {
            progress.begin_request();
            self.endpoint.clone().fetch()
        };
        progress.await_token(true);
        let token = self.account.token(refused, progress.attempts() > 1, self.drive, fetch).await;
        progress.await_token(false);
        token
    }

    /// Whether [`Self::revoke`] would send anything.
    pub(super) fn has_token(&self) -> bool {
        self.account.has_token()
    }

    /// Revokes the token, if there is one, for all who use it.
    pub(super) async fn revoke(&self) -> Option<Result<Answer, Failure>> {
        let token = self.account.take()?;
        Some(self.endpoint.revoke(&token).await)
    }
}

#[derive(Clone)]
struct TokenEndpoint {
    exchanger: Exchanger,
    token_url: Url,
    revocation_url: Url,
    account: ServiceAccount,
    authorization: HeaderValue,
    fetch_limit: Duration,
}

impl TokenEndpoint {
    fn new(account: ServiceAccount, exchanger: &Exchanger, settings: &Settings) -> Result<Self, String> {
        let pair = format!("{}:{}", account.client_id(), account.client_secret());
        let mut authorization = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair)))
            .map_err(|_| "client_id and client_secret cannot travel in a header".to_owned())?;
        authorization.set_sensitive(true);
        Ok(Self {
            exchanger: exchanger.clone(),
            token_url: settings.base_url.join(TOKEN),
            revocation_url: settings.base_url.join(REVOKE),
            account,
            authorization,
            fetch_limit: settings.connect_timeout + ANSWER_LIMIT,
        })
    }

    async fn fetch(self) -> Result<Grant, Failed<TokenFailure>> {
        let before = Before { operation: "oauth_token", method: Method::POST, url: self.token_url.clone() };
        let what = "the access token could not be fetched";
        let failed = |outcome, wait| Failed { failure: TokenFailure(outcome), wait };
        let form = Bytes::from_static(b"grant_type=client_credentials");
        let answered = self.post(&self.token_url, form, self.fetch_limit).await;
        let mut received = answered.map_err(|trouble| failed(Err(trouble.of(before.clone(), what)), None))?;
        received.before = Some(Box::new(before.clone()));
        if received.status.is_success() {
            return Grant::parse(&received.body).map_err(|why| {
                failed(Err(received.unreadable(format!("the token endpoint {why}")).of(before, what)), None)
            });
        }
        // what an error repeats of a request must not end in a log
        let secret = self.account.client_secret().as_bytes();
        let encoded = self.authorization.as_bytes().strip_prefix(b"Basic ").unwrap_or(secret);
        if [secret, encoded].iter().any(|secret| contains(&received.body, secret)) {
            received.body = Bytes::new();
        }
        let wait = retry::asked(&received);
        Err(failed(Ok(received), wait))
    }

    async fn revoke(&self, token: &Token) -> Result<Answer, Failure> {
        let begun = Instant::now();
        let form = Serializer::new(String::new())
            .append_pair("token", token.access_token().as_str())
            .append_pair("token_type_hint", "access_token")
            .finish();
        let outcome = self.post(&self.revocation_url, form.into(), REVOCATION_LIMIT).await;
        let facts = Facts {
            operation: "revoke_token",
            method: Method::POST,
            url: self.revocation_url.to_string(),
            status: None,
            version: None,
            headers: HeaderMap::new(),
            attempts: 1,
            requests: 1,
            elapsed: begun.elapsed(),
        };
        match outcome {
            Ok(received) => Ok(received.into_answer(facts, true, false)),
            Err(trouble) => Err(trouble.into_failure(facts, true)),
        }
    }

    async fn post(&self, url: &Url, form: Bytes, limit: Duration) -> Result<Received, Trouble> {
        let outgoing = Outgoing {
            method: &Method::POST,
            media_type: "application/json",
            body: Some(form),
            body_type: "application/x-www-form-urlencoded",
            authorization: Some(self.authorization.clone()),
        };
        // of its own: what was sent here is not the caller's request
        let progress = Progress::default();
        let exchange = async { Received::read(self.exchanger.send(url, outgoing, &progress).await?).await };
        tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", limit.as_secs_f64());
            Err(Trouble::new(FailureKind::Lost, message))
        })
    }
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && body.windows(part.len()).any(|window| window == part)
}
