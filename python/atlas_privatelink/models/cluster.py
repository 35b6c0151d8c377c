"""Clusters, as far as private endpoints need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import Resource, cloud_region, extra_fields
from .deployment import ConnectionStrings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Exchange


@dataclass(frozen=True, slots=True)
class ClusterRegion:
    """One region of a cluster, over all its shards and zones."""

    provider: str
    """`AWS`, `AZURE` or `GCP`; `TENANT` for a free or Flex cluster; `UNKNOWN` if Atlas does not say."""
    region: str
    """The cloud's own name of the region (`us-east-1`)."""
    atlas_region: str
    """Atlas's name of the region (`US_EAST_1`)."""
    backing_provider: str | None = None
    """The cloud that a `TENANT` cluster runs on."""
    priority: int | None = None
    """The election priority of its nodes, from 7 (preferred) to 0 (never primary)."""
    instance_size: str | None = None
    """The tier, such as `M0` or `M30`."""
    node_count: int | None = None
    """Electable, read-only and analytics nodes together; `None` if Atlas does not say."""

    @property
    def cloud_provider(self) -> str:
        """The cloud that the nodes run on: `backing_provider` if there is one, else `provider`."""
        return self.backing_provider or self.provider


@dataclass(frozen=True, slots=True)
class Cluster(Resource):
    """One cluster of a project."""

    name: str
    """The cluster's name."""
    state: str
    """`IDLE`, `CREATING`, `UPDATING`, `DELETING`, `REPAIRING` (`stateName`); `UNKNOWN` if Atlas does not say."""
    id: str | None = None
    """Atlas's own id, 24 hexadecimal digits."""
    cluster_type: str | None = None
    """`REPLICASET`, `SHARDED` or `GEOSHARDED`."""
    paused: bool = False
    """Whether the cluster is paused."""
    mongo_db_version: str | None = None
    """The version of MongoDB that it runs."""
    regions: tuple[ClusterRegion, ...] = ()
    """The regions that it has nodes in."""
    connection_strings: tuple[ConnectionStrings, ...] = ()
    """The private connection strings: one for each endpoint that Atlas lists with a string. Strings that are not ready
    are left out."""
    extra: Mapping[str, Any] = extra_fields()
    """What Atlas sent beyond that, by Atlas's names."""

    @classmethod
    def _received(cls, values: tuple[Any, ...], exchange: Exchange | None) -> Self:
        name, state, cluster_id, cluster_type, paused, version, regions, strings, extra = values
        made = (tuple(map(_region, regions)), tuple(map(ConnectionStrings._of, strings)))
        received = (name, state, cluster_id, cluster_type, bool(paused), version, *made, extra)
        return super(Cluster, cls)._received(received, exchange)


def _region(fields: Mapping[str, Any]) -> ClusterRegion:
    provider, backing = fields["provider"], fields["backingProvider"]
    atlas_region = fields["name"]
    return ClusterRegion(
        provider=provider or "UNKNOWN",
        region=cloud_region(backing or provider, atlas_region) or atlas_region,
        atlas_region=atlas_region,
        backing_provider=backing,
        priority=fields["priority"],
        instance_size=fields["instanceSize"],
        node_count=fields["nodeCount"],
    )
