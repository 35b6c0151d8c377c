//! The `errorCode` words that the client or the emulator gives a meaning to. Any other word is kept as it is.

/// 400: the deployment of that name is not a serverless instance.
pub const NOT_SERVERLESS_TENANT_CLUSTER: &str = "NOT_SERVERLESS_TENANT_CLUSTER";
/// 404: no serverless instance of that name.
pub const SERVERLESS_INSTANCE_NOT_FOUND: &str = "SERVERLESS_INSTANCE_NOT_FOUND";
/// 404 (and 400 in practice): no such private endpoint.
pub const TENANT_PRIVATE_ENDPOINT_NOT_FOUND: &str = "TENANT_PRIVATE_ENDPOINT_NOT_FOUND";
/// 400: `cloudProviderEndpointId` can only be set while the endpoint is `RESERVED`.
pub const TENANT_PRIVATE_ENDPOINT_PROVIDER_UPDATE_INVALID: &str = "TENANT_PRIVATE_ENDPOINT_PROVIDER_UPDATE_INVALID";
/// 404: no such endpoint service.
pub const PRIVATE_ENDPOINT_SERVICE_NOT_FOUND: &str = "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND";
/// 409: one endpoint service per project, cloud and region.
pub const PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION: &str =
    "PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION";
/// 400: the same connection of stream processing exists.
pub const STREAM_PRIVATE_LINK_ALREADY_EXISTS: &str = "STREAM_PRIVATE_LINK_ALREADY_EXISTS";
/// 400: a stream processor uses the connection.
pub const STREAM_PRIVATE_LINK_IN_USE: &str = "STREAM_PRIVATE_LINK_IN_USE";
/// 404: no cluster of that name.
pub const CLUSTER_NOT_FOUND: &str = "CLUSTER_NOT_FOUND";
/// 404: no project of that id, or none that this key can see.
pub const GROUP_NOT_FOUND: &str = "GROUP_NOT_FOUND";
/// 400: a field that the operation does not know, or a value of the wrong type.
pub const INVALID_ATTRIBUTE: &str = "INVALID_ATTRIBUTE";
/// 400: the body is not JSON.
pub const MALFORMED_JSON: &str = "MALFORMED_JSON";
/// 401 or 403: the key lacks the role.
pub const USER_UNAUTHORIZED: &str = "USER_UNAUTHORIZED";
/// 401: the key does not belong to the project's organisation.
pub const NOT_IN_GROUP: &str = "NOT_IN_GROUP";
/// 403: the caller's address is not on the key's access list.
pub const IP_ADDRESS_NOT_ON_ACCESS_LIST: &str = "IP_ADDRESS_NOT_ON_ACCESS_LIST";
/// 410: this version of the operation is gone.
pub const VERSION_GONE: &str = "VERSION_GONE";
/// 429: too many requests; the parameters are path, limit, and the minutes that the limit is for.
pub const RATE_LIMITED: &str = "RATE_LIMITED";
/// 429: too many requests, by token bucket; the parameters are path, retry seconds, capacity, refill, per seconds.
pub const RATE_LIMITED_TOKEN_BUCKET: &str = "RATE_LIMITED_TOKEN_BUCKET";
/// 404: no such resource (a path that the API does not have).
pub const RESOURCE_NOT_FOUND: &str = "RESOURCE_NOT_FOUND";
/// 4xx or 5xx: anything else.
pub const UNEXPECTED_ERROR: &str = "UNEXPECTED_ERROR";
/// The token endpoint does not know the client, or its secret is wrong (RFC 6749 section 5.2).
pub const INVALID_CLIENT: &str = "invalid_client";
/// The client may not use this grant (RFC 6749 section 5.2).
pub const UNAUTHORIZED_CLIENT: &str = "unauthorized_client";
