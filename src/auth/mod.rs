//! Who we are: credentials, where they come from, and HTTP Digest.

pub mod credentials;
pub mod digest;
mod profile;

pub use credentials::ApiKey;
