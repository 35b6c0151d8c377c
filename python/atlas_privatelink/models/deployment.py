"""The connection strings of deployments."""

from __future__ import annotations

from dataclasses import dataclass

from .base import Resource, extra_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


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
