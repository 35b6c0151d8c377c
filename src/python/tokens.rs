//! The access tokens of service accounts, which all clients of a process share.

use crate::auth::service_account::Drive;
use crate::python::per_process::PerProcess;
use crate::transport::Tokens;
use std::convert::Infallible;

static TOKENS: PerProcess<Tokens> = PerProcess::new();

/// For clients whose requests run where `drive` says. A forked child begins without any: its parent may be using the
/// tokens, and holding their locks.
pub(super) fn tokens(drive: Drive) -> Tokens {
    let shared = TOKENS.get_or_try_init(|| Ok::<_, Infallible>(Tokens::default()));
    shared.unwrap_or_else(|never| match never {}).map_or_else(Tokens::default, Tokens::clone).driven(drive)
}
