//! Which nonce a request may use.
//!
//! Servers differ. Jetty, and so Atlas, takes the counts of one nonce in any order: there, all requests in flight can
//! share it. Others refuse a count out of order, and refuse it with the very words that a wrong key gets. So an origin
//! begins *shared*, unless its challenge shows state per client; the first refusal that only order explains puts it
//! into *lanes* for good: a nonce is then in at most one request at a time, borrowed and put back, and as many exist as
//! requests are in flight.
//!
//! Nothing is lost while learning: a refused request was not executed, and is answered again on the nonce of its own
//! refusal. Only the refusal of a nonce that nobody else has used means a wrong key.

use crate::auth::ApiKey;
use crate::auth::digest::challenge::DigestChallenge;
use crate::auth::digest::nonce::Nonce;
use http::header::HeaderValue;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedMutexGuard;

enum Mode {
    /// All requests in flight use this nonce, once there is one.
    Shared(Option<Arc<Nonce>>),
    /// The idle nonces, newest last.
    Lanes(Vec<Arc<Nonce>>),
}

/// The nonces of one origin for one key.
pub struct Nonces {
    key: ApiKey,
    mode: Mutex<Mode>,
    /// While shared, one request asks for the first nonce and the others wait for it.
    asking: Arc<tokio::sync::Mutex<()>>,
}

/// How a request begins.
pub enum Start {
    /// With an answer on a known nonce.
    Answer(Ticket),
    /// By asking for a challenge, which then goes to [`Nonces::challenged`].
    Ask(Asking),
}

/// The right to ask for a first nonce; whoever drops it unused lets the next request ask.
pub struct Asking {
    _turn: Option<OwnedMutexGuard<()>>,
}

/// The right to answer once on a nonce.
pub struct Ticket {
    nonce: Arc<Nonce>,
    /// Nobody else can be using this nonce while the ticket lives.
    exclusive: bool,
    /// A refusal on the way here had no other explanation than the order of counts.
    order_matters: bool,
    refusals: u32,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.nonce.leave();
    }
}

impl Ticket {
    fn new(nonce: Arc<Nonce>, exclusive: bool) -> Self {
        nonce.enter();
        Self { nonce, exclusive, order_matters: false, refusals: 0 }
    }
}

impl Nonces {
    /// No nonce is known yet.
    pub fn new(key: ApiKey) -> Self {
        Self { key, mode: Mutex::new(Mode::Shared(None)), asking: Arc::default() }
    }

    fn mode(&self) -> MutexGuard<'_, Mode> {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A known nonce where there is one.
    fn known(&self) -> Option<Ticket> {
        match &mut *self.mode() {
            Mode::Shared(nonce) => {
                nonce.take_if(|nonce| nonce.is_worn());
                Some(Ticket::new(nonce.clone()?, false))
            }
            Mode::Lanes(idle) => {
                idle.retain(|nonce| !nonce.is_worn());
                Some(Ticket::new(idle.pop()?, true))
            }
        }
    }

    /// Begins a request. Call it once the request can really be sent: a nonce ages while it waits.
    pub async fn start(&self) -> Start {
        if let Some(ticket) = self.known() {
            return Start::Answer(ticket);
        }
        if matches!(&*self.mode(), Mode::Lanes(_)) {
            return Start::Ask(Asking { _turn: None });
        }
        let turn = self.asking.clone().lock_owned().await;
        match self.known() {
            Some(ticket) => Start::Answer(ticket),
            None if matches!(&*self.mode(), Mode::Shared(_)) => Start::Ask(Asking { _turn: Some(turn) }),
            None => Start::Ask(Asking { _turn: None }),
        }
    }

    /// The challenge that was asked for.
    ///
    /// # Errors
    /// A sentence, where the challenge cannot be worked with.
    pub fn challenged(&self, asking: Asking, challenge: DigestChallenge) -> Result<Ticket, String> {
        let shareable = challenge.is_reusable() && !challenge.is_stateful();
        let nonce = Arc::new(Nonce::new(challenge, &self.key)?);
        let mut mode = self.mode();
        let exclusive = match &mut *mode {
            Mode::Shared(shared) if shareable => {
                *shared = Some(nonce.clone());
                false
            }
            // each request in flight will need a challenge of its own: they must not queue for each other's
            Mode::Shared(_) => {
                *mode = Mode::Lanes(Vec::new());
                true
            }
            Mode::Lanes(_) => true,
        };
        drop(mode);
        drop(asking);
        Ok(Ticket::new(nonce, exclusive))
    }

    /// The value of `Authorization`.
    ///
    /// # Errors
    /// A sentence, where the challenge cannot be worked with.
    pub fn authorization(
        &self,
        ticket: &Ticket,
        method: &http::Method,
        uri: &str,
        body: &[u8],
    ) -> Result<HeaderValue, String> {
        ticket.nonce.authorization(&self.key, method, uri, body)
    }

    /// Whether a refusal with this new challenge means that the key is wrong: the nonce was good, nobody else had it.
    pub fn is_verdict(&self, ticket: &Ticket, challenge: &DigestChallenge) -> bool {
        !challenge.is_stale() && ticket.nonce.was_used_once()
    }

    /// The answer was refused, but not for the key. The next try, on the refusal's own nonce or a newer shared one.
    ///
    /// # Errors
    /// A sentence, where the challenge cannot be worked with.
    pub fn refused(&self, ticket: Ticket, challenge: DigestChallenge) -> Result<Ticket, String> {
        let stale = challenge.is_stale();
        let own = Arc::new(Nonce::new(challenge, &self.key)?);
        let refusals = ticket.refusals + 1;
        let order_matters = ticket.order_matters || (ticket.nonce.has_overlapped() && (!stale || refusals > 1));
        let mut next = match &mut *self.mode() {
            Mode::Shared(shared) if stale && refusals == 1 => match shared {
                // it expired under many: the first to hear brings the new one, the others follow
                Some(current) if !Arc::ptr_eq(current, &ticket.nonce) => Ticket::new(current.clone(), false),
                _ if own.challenge().is_reusable() => {
                    *shared = Some(own.clone());
                    Ticket::new(own, false)
                }
                _ => Ticket::new(own, true),
            },
            Mode::Shared(_) | Mode::Lanes(_) => Ticket::new(own, true),
        };
        next.order_matters = order_matters;
        next.refusals = refusals;
        Ok(next)
    }

    /// The answer was accepted: what is learnt from it, and where its nonce goes.
    pub fn accepted(&self, ticket: Ticket, next_nonce: Option<String>) {
        let announced = next_nonce
            .and_then(|nonce| Nonce::new(ticket.nonce.challenge().with_nonce(nonce), &self.key).ok())
            .map(Arc::new);
        let mut mode = self.mode();
        if ticket.order_matters && matches!(&*mode, Mode::Shared(_)) {
            *mode = Mode::Lanes(Vec::new());
        }
        let reusable = ticket.nonce.challenge().is_reusable();
        match &mut *mode {
            Mode::Lanes(idle) if ticket.exclusive && reusable => {
                idle.push(announced.unwrap_or_else(|| ticket.nonce.clone()));
            }
            Mode::Lanes(_) => {}
            Mode::Shared(shared) => {
                let mine = shared.as_ref().is_none_or(|current| Arc::ptr_eq(current, &ticket.nonce));
                match announced {
                    Some(announced) if mine => *shared = Some(announced),
                    // a refused nonce of a server that does take any order: the newer one replaces it
                    _ if ticket.exclusive && reusable => *shared = Some(ticket.nonce.clone()),
                    _ => {}
                }
            }
        }
    }
}
