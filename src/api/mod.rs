//! Atlas's vocabulary: requests, answers, statuses, error codes, versions. Pure data, no input or output.
//!
//! Each family of private endpoints has one file: its models, with what the words of their status mean, and its
//! operations. The client knows none of them.

pub mod backup;
pub mod collection;
pub mod data_federation;
pub mod dedicated;
pub mod deployment;
pub mod encryption_at_rest;
pub mod envelope;
pub mod error;
pub mod error_code;
pub mod operation;
pub mod provider;
pub mod region;
pub mod request;
pub mod resource;
pub mod serverless;
pub mod stream_processing;
pub mod validate;
pub mod version;

pub use error::ErrorBody;
pub use operation::Operation;
pub use provider::{CloudProvider, comparable_id};
pub use region::Region;
pub use request::Request;
pub use resource::Resource;
pub use validate::Invalid;
pub use version::ApiVersion;
