"""What a resource in Atlas's JSON is among the models, said independently of the library's own tables."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from atlas_privatelink import ConnectionStatus, ForwardingRule
from atlas_privatelink import models as atlas_models

# Atlas's names that are not the attribute's in another spelling
RENAMED: Mapping[str, Mapping[str, str]] = {
    "ServerlessEndpoint": {"_id": "id"},
    "AwsEndpoint": {"interfaceEndpointId": "id", "connectionStatus": "status"},
    "AzureEndpoint": {"privateEndpointResourceId": "id"},
    "GcpEndpointGroup": {"endpointGroupName": "id"},
    "DataFederationEndpoint": {"endpointId": "id"},
    "StreamsConnection": {"_id": "id", "state": "status"},
    "ConnectionStrings": {
        "endpointId": "id",
        "srvConnectionString": "srv",
        "connectionString": "standard",
        "srvShardOptimizedConnectionString": "srv_shard_optimized",
    },
}
# what the models know nothing of
UNKNOWN = frozenset({"links"})


def attribute(model: type[Any], name: str) -> str:
    """The attribute that a field of Atlas's is found on."""
    renamed = RENAMED.get(model.__name__, {}).get(name)
    return renamed or re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def status_type(model: type[Any]) -> type[Any]:
    """The type of a model's status."""
    (found,) = (field.type for field in dataclasses.fields(model) if field.name == "status")
    named: type[Any] = getattr(atlas_models, str(found))
    return named


def _value(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    if all(isinstance(item, dict) for item in value) and value:
        return tuple(
            ForwardingRule(
                rule.get("endpointName"),
                rule.get("ipAddress"),
                None if rule.get("status") is None else ConnectionStatus(rule["status"]),
            )
            for rule in value
        )
    return tuple(value)


def resource(model: type[Any], answer: Mapping[str, Any], **otherwise: Any) -> Any:
    """The resource of that answer; what it does not name is `otherwise`, or the model's default."""
    known = {attribute(model, name): _value(value) for name, value in answer.items() if name not in UNKNOWN}
    extra = {name: value for name, value in answer.items() if name in UNKNOWN}
    fields = {**otherwise, **{name: value for name, value in known.items() if value is not None}}
    if "status" in {field.name for field in dataclasses.fields(model)}:
        fields["status"] = status_type(model)(fields.get("status", "UNKNOWN"))
    return model(**fields, extra=extra)
