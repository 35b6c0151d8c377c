//! MongoDB Atlas private endpoints: one call that is safe to repeat.
//!
//! The map of the crate. Arrows run one way: `python → client → {wait, transport} → {auth, api}`,
//! and `emulator → api` only, so that the client and the emulator never share code that could be wrong in both.
//!
//! | module | what lives there |
//! |---|---|
//! | [`api`] | Atlas's vocabulary: one file for each family of endpoints, requests, answers, error codes. Pure data. |
//! | [`auth`] | who we are: credentials, HTTP Digest, access tokens |
//! | [`transport`] | one HTTP exchange done right: TLS, proxies, time limits, retries, rate limits, what was and was not sent |
//! | [`wait`] | waiting as a state machine that reads no clock and sends nothing |
//! | [`client`] | the verbs: read, find, create exactly once, update, delete, wait; it knows no family |
//! | [`clock`] | the time that pauses go by: the system's, or one that is driven |
//! | [`emulator`] | a faithful local Atlas (feature `emulator`) |
//! | `python` | the extension module `_core` (feature `python`); nothing else knows pyo3 |

pub mod api;
pub mod auth;
pub mod client;
pub mod clock;
#[cfg(feature = "emulator")]
pub mod emulator;
#[cfg(feature = "python")]
mod python;
pub mod transport;
pub mod wait;
