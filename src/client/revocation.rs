//! Giving back a service account's access token.

use crate::client::{Client, Error, Lost};

/// The access token is revoked, or there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked;

impl Client {
    /// Whether this client's service account has an access token now.
    pub fn has_token(&self) -> bool {
        self.transport.has_token()
    }

    /// Revokes the service account's access token (RFC 7009). Other clients that share it fetch a new one by themselves.
    ///
    /// # Errors
    /// [`Error::Connection`] where the server did not answer, [`Error::Unexpected`] where it refused. The token is not
    /// used again either way.
    pub async fn revoke_token(&self) -> Result<Revoked, Error> {
        let lost = |message: String, facts| Lost {
            message: format!("revoke_token: {message}"),
            facts: Some(facts),
            may_pass: false,
        };
        match self.transport.revoke_token().await {
            None => Ok(Revoked),
            Some(Ok(answer)) if answer.status.is_success() => Ok(Revoked),
            Some(Ok(answer)) => {
                Err(Error::Unexpected(lost(format!("HTTP {}", answer.status.as_u16()), Box::new(answer.facts))))
            }
            Some(Err(failure)) => Err(Error::Connection(lost(failure.message, Box::new(failure.facts)))),
        }
    }
}
