//! HTTP Digest (RFC 7616) with nonces that survive concurrency.
//!
//! Nothing here does input or output: [`challenge`] reads what a server asks, [`nonce`] answers it through diqwest,
//! [`nonces`] decides which nonce a request may use. The exchange itself is `transport`'s.

pub mod challenge;
pub mod nonce;
pub mod nonces;
