//! Atlas's vocabulary: requests, answers, statuses, error codes, versions. Pure data, no input or output.

pub mod envelope;
pub mod error;
pub mod error_code;
pub mod request;
pub mod serverless;
pub mod validate;
pub mod version;

pub use error::ErrorBody;
pub use request::Request;
pub use validate::Invalid;
pub use version::ApiVersion;
