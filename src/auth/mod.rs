//! Who we are: credentials, where they come from, HTTP Digest, and the access tokens of service accounts.

pub mod credentials;
pub mod digest;
mod profile;
pub mod service_account;

pub use credentials::{AccessToken, ApiKey, Credentials, ServiceAccount};
