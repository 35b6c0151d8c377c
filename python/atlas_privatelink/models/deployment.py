"""The connection strings of deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import Resource, extra_fields


@dataclass(frozen=True, slots=True)
class ConnectionStrings(Resource):
    """The connection strings that lead through one private endpoint."""

    id: str
    """The cloud provider's id of the endpoint."""
    srv: str | None = None
    """`mongodb+srv://…`: the one to use (`srvConnectionString`)."""
    standard: str | None = None
    """`mongodb://…`, for drivers that cannot resolve SRV records (`connectionString`)."""
    srv_shard_optimized: str | None = None
    """For sharded clusters, past the routers of other regions (`srvShardOptimizedConnectionString`)."""
    type: str | None = None
    """`MONGOD` or `MONGOS`."""
    provider_name: str | None = None
    """The cloud of the endpoint."""
    region: str | None = None
    """The region of the endpoint, by Atlas's name."""
    extra: Mapping[str, Any] = extra_fields()
    """What Atlas sent beyond that, by Atlas's names."""

    @classmethod
    def _of(cls, fields: Mapping[str, Any]) -> ConnectionStrings:
        """Those of one endpoint of a cluster."""
        fields = dict(fields)
        values = [fields.pop(name, None) for name in _NAMES]
        return cls._received((*(value if isinstance(value, str) else None for value in values), fields), None)


_NAMES = (
    "endpointId",
    "srvConnectionString",
    "connectionString",
    "srvShardOptimizedConnectionString",
    "type",
    "providerName",
    "region",
)
