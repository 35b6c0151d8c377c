"""The worlds that histories beside strangers take place in: each is a local Atlas with a cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from foreign_aws import AwsGround
from foreign_azure import AzureGround
from foreign_gcp import GcpGround
from foreign_memory import MemoryGround
from foreigners import CLUSTERS, SOON, ForeignersWorld, machine

from atlas_privatelink.testing import AtlasEmulator

__all__ = ["WORLDS", "open_world"]


class _World(NamedTuple):
    provider: str
    region: str
    ground: Callable[[AtlasEmulator], Any]
    service: Mapping[str, bool] = {}


WORLDS = {
    "memory": _World("AWS", MemoryGround.region, lambda atlas: MemoryGround()),
    "aws": _World("AWS", AwsGround.region, AwsGround),
    "azure": _World("AZURE", AzureGround.region, AzureGround),
    "gcp": _World("GCP", GcpGround.region, GcpGround, {"port_mapping_enabled": True}),
}


@contextmanager
def open_world(name: str) -> Iterator[type[ForeignersWorld]]:
    """The histories of one of the `WORLDS`, with a cluster of each name that they connect."""
    provider, region, ground_of, service = WORLDS[name]
    clusters = [{"name": cluster, "provider": provider, "regions": [region]} for cluster in CLUSTERS]
    with AtlasEmulator(**SOON, clusters=clusters, rules=False) as atlas, closing(ground_of(atlas)) as ground:
        yield machine(ground, atlas, provider, dict(service))
