"""What Atlas answers, as frozen dataclasses.

They are the real thing: `dataclasses.asdict`, `fields`, `replace`, pattern matching, copying and pickling all work.
Each family has a file of its own, which is loaded when it is needed.
"""

from __future__ import annotations

from .base import RateLimit, Response, WaitProgress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .cluster import Cluster, ClusterRegion
    from .connection import Check, CloudEndpoint, Connection, ConnectionProgress, Deletion, Step, StepTaken
    from .data_federation import DataFederationEndpoint, DataFederationStatus
    from .dedicated import (
        AwsEndpoint,
        AwsEndpointService,
        AzureEndpoint,
        AzureEndpointService,
        ConnectionStatus,
        DedicatedEndpoint,
        EndpointService,
        ForwardingRule,
        GcpEndpointGroup,
        GcpEndpointService,
        ServiceStatus,
    )
    from .deployment import ConnectionStrings
    from .serverless import EndpointStatus, ServerlessEndpoint
    from .storage import BackupEndpoint, EncryptionAtRestEndpoint, StorageEndpointStatus
    from .stream_processing import StreamsConnection, StreamsState

__all__ = [
    "AwsEndpoint",
    "AwsEndpointService",
    "AzureEndpoint",
    "AzureEndpointService",
    "BackupEndpoint",
    "Check",
    "CloudEndpoint",
    "Cluster",
    "ClusterRegion",
    "Connection",
    "ConnectionProgress",
    "ConnectionStatus",
    "ConnectionStrings",
    "DataFederationEndpoint",
    "DataFederationStatus",
    "DedicatedEndpoint",
    "Deletion",
    "EncryptionAtRestEndpoint",
    "EndpointService",
    "EndpointStatus",
    "ForwardingRule",
    "GcpEndpointGroup",
    "GcpEndpointService",
    "RateLimit",
    "Response",
    "ServerlessEndpoint",
    "ServiceStatus",
    "Step",
    "StepTaken",
    "StorageEndpointStatus",
    "StreamsConnection",
    "StreamsState",
    "WaitProgress",
]

_HOMES = {
    "AwsEndpoint": "dedicated",
    "AwsEndpointService": "dedicated",
    "AzureEndpoint": "dedicated",
    "AzureEndpointService": "dedicated",
    "BackupEndpoint": "storage",
    "Check": "connection",
    "CloudEndpoint": "connection",
    "Cluster": "cluster",
    "ClusterRegion": "cluster",
    "Connection": "connection",
    "ConnectionProgress": "connection",
    "ConnectionStatus": "dedicated",
    "ConnectionStrings": "deployment",
    "DataFederationEndpoint": "data_federation",
    "DataFederationStatus": "data_federation",
    "Deletion": "connection",
    "DedicatedEndpoint": "dedicated",
    "EncryptionAtRestEndpoint": "storage",
    "EndpointService": "dedicated",
    "EndpointStatus": "serverless",
    "ForwardingRule": "dedicated",
    "GcpEndpointGroup": "dedicated",
    "GcpEndpointService": "dedicated",
    "ServerlessEndpoint": "serverless",
    "ServiceStatus": "dedicated",
    "Step": "connection",
    "StepTaken": "connection",
    "StorageEndpointStatus": "storage",
    "StreamsConnection": "stream_processing",
    "StreamsState": "stream_processing",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
