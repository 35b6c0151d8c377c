//! Who asks, as a transport proves it; and the exchange with a bearer token (RFC 6750).

use crate::api::Request;
use crate::auth::digest::nonces::Nonces;
use crate::auth::{AccessToken, Credentials};
use crate::transport::exchange::{Exchanger, Outgoing, Received, Trouble, drain};
use crate::transport::facts::Progress;
use crate::transport::token_endpoint::{TokenSource, Tokens};
use crate::transport::{Answer, Failure, Settings, Transport};
use http::{HeaderValue, StatusCode};
use url::Url;

pub(super) enum Authentication {
    Digest(Nonces),
    Bearer(Bearer),
}

pub(super) enum Bearer {
    /// A token that is somebody else's to renew.
    Given(HeaderValue),
    ServiceAccount(Box<TokenSource>),
}

impl Authentication {
    pub(super) fn new(
        credentials: Credentials,
        tokens: &Tokens,
        exchanger: &Exchanger,
        settings: &Settings,
    ) -> Result<Self, String> {
        Ok(match credentials {
            Credentials::ApiKey(key) => Self::Digest(Nonces::new(key)),
            Credentials::AccessToken(token) => Self::Bearer(Bearer::Given(authorization(&token)?)),
            Credentials::ServiceAccount(account) => {
                let source = TokenSource::new(account, tokens, exchanger, settings)?;
                Self::Bearer(Bearer::ServiceAccount(Box::new(source)))
            }
        })
    }

    fn token_source(&self) -> Option<&TokenSource> {
        match self {
            Self::Bearer(Bearer::ServiceAccount(source)) => Some(source),
            _ => None,
        }
    }
}

fn authorization(token: &AccessToken) -> Result<HeaderValue, String> {
    let value = HeaderValue::try_from(format!("Bearer {}", token.as_str()));
    let mut value = value.map_err(|_| "the access token cannot travel in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

impl Transport {
    /// One exchange with a bearer token. Of a service account, a refused one is replaced, once per call: a request that
    /// got a 401 was not executed, so that even a creation may be sent again.
    pub(super) async fn attempt_bearer(
        &self,
        bearer: &Bearer,
        request: &Request,
        url: &Url,
        progress: &Progress,
    ) -> Result<Received, Trouble> {
        let source = match bearer {
            Bearer::Given(authorization) => {
                let outgoing = Outgoing::of(request, Some(authorization.clone()));
                let response = self.exchange(url, outgoing, progress).await?;
                if response.status() == StatusCode::UNAUTHORIZED {
                    progress.refused();
                }
                return Received::read(response).await.map(|received| noted(received, bearer, request));
            }
            Bearer::ServiceAccount(source) => source,
        };
        let mut refused = None;
        loop {
            let token = match source.token(refused.as_ref(), progress).await {
                Ok(token) => token,
                Err(failure) => return failure.into_outcome(),
            };
            let authorization = authorization(token.access_token()).map_err(Trouble::internal)?;
            let mut response = self.exchange(url, Outgoing::of(request, Some(authorization)), progress).await?;
            if response.status() != StatusCode::UNAUTHORIZED {
                token.accept();
                return Received::read(response).await.map(|received| noted(received, bearer, request));
            }
            progress.refused();
            if token.is_verdict() || !progress.may_replace_token() {
                return Received::read(response).await.map(|received| noted(received, bearer, request));
            }
            drain(&mut response).await;
            refused = Some(token);
        }
    }

    /// Whether there is an access token that [`Self::revoke_token`] would revoke.
    pub fn has_token(&self) -> bool {
        self.authentication.token_source().is_some_and(TokenSource::has_token)
    }

    /// Revokes the access token of a service account, for all clients that share it. `None` where there is none.
    pub async fn revoke_token(&self) -> Option<Result<Answer, Failure>> {
        self.authentication.token_source()?.revoke().await
    }
}

/// Says of a refusal what Atlas does not.
fn noted(received: Received, bearer: &Bearer, request: &Request) -> Received {
    let why = match (received.status, bearer) {
        (StatusCode::UNAUTHORIZED, Bearer::Given(_)) => {
            "the access token may have expired: it is not renewed".to_owned()
        }
        (StatusCode::UNAUTHORIZED, Bearer::ServiceAccount(_)) => format!(
            "a new access token was refused too; this operation needs the {} role, and Atlas answers 401 to a service \
             account from outside the project's organisation",
            request.role()
        ),
        (StatusCode::FORBIDDEN, Bearer::ServiceAccount(_)) => format!(
            "this operation needs the {} role; Atlas answers 403 to an address outside the service account's access list",
            request.role()
        ),
        _ => return received,
    };
    received.with_note(why)
}
