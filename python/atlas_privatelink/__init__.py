"""MongoDB Atlas private endpoints in one `await`.

>>> from atlas_privatelink import AsyncClient
>>> async with AsyncClient() as atlas:
...     endpoint = await atlas.create_endpoint(GROUP_ID, "Instance0", comment="example comment")

`AsyncClient` and its blocking twin `Client` are where to begin. Results are frozen dataclasses (`models`), everything
that can go wrong is an `AtlasError` (`errors`), and `testing` has a local Atlas to try it all on.
"""

from __future__ import annotations

from .errors import (
    AddressNotAllowed,
    ApiError,
    AtlasError,
    AuthenticationError,
    CloudError,
    CloudPermissionDenied,
    ConfigurationError,
    Conflict,
    ConnectionError,
    ConnectManyFailed,
    DriftError,
    EndpointFailed,
    Gone,
    InstanceNotFound,
    NotFound,
    NotOwned,
    NotSent,
    NotServerless,
    OutcomeUnknown,
    PermissionDenied,
    PreflightFailed,
    RateLimited,
    ServerError,
    Timeout,
    UnexpectedResponse,
    ValidationError,
    WaitTimeout,
)
from .listeners import register as _register_listener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._async.client import AsyncClient
    from ._async.connect import aconnect, aconnect_many, adisconnect
    from ._core import __version__
    from ._sync.client import Client
    from ._sync.connect import connect, connect_many, disconnect
    from .bulk import BulkOutcome
    from .models import (
        AwsEndpoint,
        AwsEndpointService,
        AzureEndpoint,
        AzureEndpointService,
        BackupEndpoint,
        Check,
        CloudEndpoint,
        Cluster,
        ClusterRegion,
        Connection,
        ConnectionProgress,
        ConnectionStatus,
        ConnectionStrings,
        DataFederationEndpoint,
        DataFederationStatus,
        DedicatedEndpoint,
        Deletion,
        EncryptionAtRestEndpoint,
        EndpointService,
        EndpointStatus,
        ForwardingRule,
        GcpEndpointGroup,
        GcpEndpointService,
        RateLimit,
        Response,
        ServerlessEndpoint,
        ServiceStatus,
        Step,
        StepTaken,
        StorageEndpointStatus,
        StreamsConnection,
        StreamsState,
        WaitProgress,
    )
    from .notebook import LiveTable

__all__ = [
    "AddressNotAllowed",
    "ApiError",
    "AsyncClient",
    "AtlasError",
    "AuthenticationError",
    "AwsEndpoint",
    "AwsEndpointService",
    "AzureEndpoint",
    "AzureEndpointService",
    "BackupEndpoint",
    "BulkOutcome",
    "Check",
    "Client",
    "CloudEndpoint",
    "CloudError",
    "CloudPermissionDenied",
    "Cluster",
    "ClusterRegion",
    "ConfigurationError",
    "Conflict",
    "ConnectManyFailed",
    "Connection",
    "ConnectionError",
    "ConnectionProgress",
    "ConnectionStatus",
    "ConnectionStrings",
    "DataFederationEndpoint",
    "DataFederationStatus",
    "DedicatedEndpoint",
    "Deletion",
    "DriftError",
    "EncryptionAtRestEndpoint",
    "EndpointFailed",
    "EndpointService",
    "EndpointStatus",
    "ForwardingRule",
    "GcpEndpointGroup",
    "GcpEndpointService",
    "Gone",
    "InstanceNotFound",
    "NotFound",
    "NotOwned",
    "NotSent",
    "NotServerless",
    "OutcomeUnknown",
    "PermissionDenied",
    "PreflightFailed",
    "RateLimit",
    "RateLimited",
    "Response",
    "ServerError",
    "ServerlessEndpoint",
    "ServiceStatus",
    "Step",
    "StepTaken",
    "StorageEndpointStatus",
    "StreamsConnection",
    "StreamsState",
    "Timeout",
    "UnexpectedResponse",
    "ValidationError",
    "WaitProgress",
    "WaitTimeout",
    "__version__",
    "aconnect",
    "aconnect_many",
    "adisconnect",
    "connect",
    "connect_many",
    "disconnect",
]

# where what `__getattr__` brings is at home
_LATER = {
    "AsyncClient": "_async.client",
    "aconnect": "_async.connect",
    "aconnect_many": "_async.connect",
    "adisconnect": "_async.connect",
    "connect": "_sync.connect",
    "connect_many": "_sync.connect",
    "disconnect": "_sync.connect",
    "AwsEndpoint": "models",
    "AwsEndpointService": "models",
    "AzureEndpoint": "models",
    "AzureEndpointService": "models",
    "BackupEndpoint": "models",
    "BulkOutcome": "bulk",
    "Client": "_sync.client",
    "Check": "models",
    "CloudEndpoint": "models",
    "Cluster": "models",
    "ClusterRegion": "models",
    "Connection": "models",
    "ConnectionProgress": "models",
    "ConnectionStatus": "models",
    "ConnectionStrings": "models",
    "DataFederationEndpoint": "models",
    "DataFederationStatus": "models",
    "DedicatedEndpoint": "models",
    "Deletion": "models",
    "EncryptionAtRestEndpoint": "models",
    "EndpointService": "models",
    "EndpointStatus": "models",
    "ForwardingRule": "models",
    "GcpEndpointGroup": "models",
    "GcpEndpointService": "models",
    "RateLimit": "models",
    "Response": "models",
    "ServerlessEndpoint": "models",
    "ServiceStatus": "models",
    "Step": "models",
    "StepTaken": "models",
    "StorageEndpointStatus": "models",
    "StreamsConnection": "models",
    "StreamsState": "models",
    "WaitProgress": "models",
    "__version__": "_core",
}


def __getattr__(name: str) -> object:
    # what makes no call, such as a DAG that is parsed, need not wait for `dataclasses` and the extension module, nor
    # fail where that is missing
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_LATER[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


def _live_table(title: str) -> LiveTable | None:
    from .notebook import live_table

    return live_table(title)


# notebooks show waits and `connect` by themselves
_register_listener("IPython", _live_table)
