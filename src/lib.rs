//! MongoDB Atlas private endpoints: one call that is safe to repeat.
//!
//! The map of the crate. Arrows run one way: `python → client → transport → {auth, api}`, and
//! `emulator → api` only, so that the client and the emulator never share code that could be wrong in both.
//!
//! | module | what lives there |
//! |---|---|
//! | [`api`] | Atlas's vocabulary: requests, answers, statuses, error codes, versions. Pure data. |
//! | [`auth`] | who we are: credentials, HTTP Digest, access tokens |
//! | [`transport`] | one HTTP exchange done right: TLS, proxies, time limits, retries, what was and was not sent |
//! | [`client`] | the verbs: builds a request from `api`, sends it through `transport`, says what it means |
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
