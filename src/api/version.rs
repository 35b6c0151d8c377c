//! The two versions of the Administration API that know private endpoints.

use crate::api::Invalid;

/// A version of the Atlas Administration API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApiVersion {
    /// `/api/atlas/v1.0`, plain JSON: the version of the original page.
    #[default]
    V1_0,
    /// `/api/atlas/v2` with the resource version of 2023-01-01.
    V2,
}

impl ApiVersion {
    /// The path prefix, without a trailing slash.
    pub fn prefix(self) -> &'static str {
        match self {
            ApiVersion::V1_0 => "/api/atlas/v1.0",
            ApiVersion::V2 => "/api/atlas/v2",
        }
    }

    /// The media type of requests and answers.
    pub fn media_type(self) -> &'static str {
        match self {
            ApiVersion::V1_0 => "application/json",
            ApiVersion::V2 => "application/vnd.atlas.2023-01-01+json",
        }
    }

    /// The version of what exists in v2 only.
    ///
    /// # Errors
    /// Another was asked for.
    pub fn v2_only(asked: Option<Self>) -> Result<Self, Invalid> {
        match asked {
            None | Some(Self::V2) => Ok(Self::V2),
            Some(Self::V1_0) => {
                Err(Invalid::new("api_version", "must be \"v2\" or left out: version 1.0 has no such operation"))
            }
        }
    }

    /// The version that users write as `"v1.0"` or `"v2"`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "v1.0" => Some(ApiVersion::V1_0),
            "v2" => Some(ApiVersion::V2),
            _ => None,
        }
    }
}
