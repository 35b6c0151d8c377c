//! Changing a resource or setting. A change says what shall be, so it may be repeated; but Atlas refuses some changes a
//! second time, and then only looking shows that the first one counted.

use crate::api::operation::{Effect, Update};
use crate::api::request::Received;
use crate::client::creation::{LOOKING_SHARE, PAUSES};
use crate::client::{Client, Error, Reply, understand};
use crate::transport::Limits;
use std::time::Duration;

impl Client {
    pub(super) async fn update(&self, update: &Update, limits: &Limits) -> Result<Reply<Received>, Error> {
        let request = &update.request;
        let deadline = self.clock().now() + limits.timeout;
        let mut unsettled = None;
        for pause in PAUSES {
            if self.clock().now() + pause >= deadline {
                break;
            }
            self.clock().sleep(pause).await;
            let left = deadline.saturating_sub(self.clock().now());
            let shortened = Limits { timeout: left.mul_f64(1.0 - LOOKING_SHARE), ..*limits };
            let refusal = match self.transport.send(request, &shortened).await {
                Err(failure) if failure.sent || unsettled.is_some() => {
                    unsettled = Some(Error::connection(request, failure));
                    None
                }
                Err(failure) => return Err(Error::connection(request, failure)),
                Ok(answer) => {
                    let sent = answer.sent;
                    match understand(request, answer) {
                        Err(error) if sent && error.leaves_outcome_unknown() => {
                            unsettled = Some(error);
                            None
                        }
                        Err(error) if unsettled.is_some() => Some(error),
                        certain => return certain,
                    }
                }
            };
            match (self.changed(update, limits, deadline).await, refusal) {
                (Some(reply), _) => return Ok(reply),
                (None, Some(refusal)) => return Err(refusal),
                (None, None) => {}
            }
        }
        match unsettled {
            Some(cause) => Err(Error::update_unknown(&cause, request)),
            None => Err(Error::never_begun(request.operation, "its time was up")),
        }
    }

    /// The resource, if the change has come about.
    async fn changed(&self, update: &Update, limits: &Limits, deadline: Duration) -> Option<Reply<Received>> {
        let timeout = deadline.saturating_sub(self.clock().now());
        let reply = self.read(&update.look, &Limits { timeout, ..*limits }).await.ok()?;
        let changed = match (&reply.value, &update.effect) {
            (Received::One(resource), Effect::Marks(marks)) => marks.are_on(resource),
            (Received::Flag(flag), Effect::Flag(wanted)) => flag == wanted,
            _ => false,
        };
        changed.then_some(reply)
    }
}
