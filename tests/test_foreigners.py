"""Histories beside strangers, on every cloud: whatever happens, nothing foreign is touched.

More of them: `FOREIGN_HISTORIES=100000 python -m pytest tests/test_foreigners.py -k memory`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pytest
from foreign_aws import AwsGround
from foreign_azure import AzureGround
from foreign_clouds import let_pauses_take_no_time
from foreign_gcp import GcpGround
from foreigners import CLUSTERS, SOON, Ground, Seen, histories, machine
from hypothesis import seed
from hypothesis.stateful import run_state_machine_as_test
from memory_cloud import MemoryCloud, MemoryWorld, throttled

from atlas_privatelink import Client
from atlas_privatelink.clouds.ownership import Mark
from atlas_privatelink.testing import AtlasEmulator

HISTORIES = 60
# each on a processor of its own
PARTS = 2


class MemoryGround:
    """Histories in a cloud in memory."""

    region = "us-east-1"
    moments = 40

    def begin(self, variant: int) -> None:
        """Nothing is there."""
        self.world = MemoryWorld()
        self._throttled = False

    def cloud(self, network: int) -> MemoryCloud:
        """One of the networks."""
        return MemoryCloud(self.world, f"vpc-{network}")

    def hook(self, function: Callable[[], None]) -> None:
        """Around every call."""

        def happen(when: str, name: str) -> None:
            function()
            if self._throttled and when == "before":
                self._throttled = False
                raise throttled(name)

        self.world.hook = happen

    def seen(self) -> Sequence[Seen]:
        """What there is."""
        return [self._seen(one) for one in self.world.alive()]

    def _seen(self, thing: Any) -> Seen:
        mark = Mark.read(thing.tags)
        is_marked = mark is not None and mark.belongs_to(thing.network, thing.target)
        identity = () if mark is None else (mark.group_id, mark.service_id, thing.network)
        return Seen(thing.id, tuple(sorted(thing.tags.items())), is_marked, identity, thing.state == "rejected")

    def stranger_creates(self, network: int, service: dict[str, Any], tags: dict[str, str]) -> str | None:
        """With whatever tags."""
        return self.world.add(f"vpc-{network}", service["endpointServiceName"], tags, "stranger").id

    def stranger_deletes(self, endpoint_id: str) -> None:
        """Whatever it is."""
        self.world.delete(endpoint_id, "stranger")

    def stranger_tags(self, endpoint_id: str, tags: dict[str, str]) -> None:
        """Whatever it is."""
        self.world.things[endpoint_id].tags |= tags

    def rejects(self, endpoint_id: str) -> None:
        """Whatever it is."""
        self.world.things[endpoint_id].state = "rejected"

    def lag(self, lists: int) -> None:
        """From now on."""
        self.world.lag = lists
        for one in self.world.things.values():
            one.unseen = min(one.unseen, lists)

    def throttle(self) -> None:
        """Once."""
        self._throttled = True

    def heal(self) -> None:
        """Nothing is throttled."""
        self._throttled = False

    def register(self, atlas: Client, group_id: str, service_id: str, endpoint_id: str) -> None:
        """As a stranger."""
        atlas.dedicated.create_endpoint(group_id, "AWS", service_id, endpoint_id)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at these clouds goes on by itself: a pause would only take time."""
    let_pauses_take_no_time(monkeypatch)


@contextmanager
def local_atlas(provider: str, region: str) -> Iterator[AtlasEmulator]:
    """With a cluster of each name that histories connect."""
    clusters = [{"name": name, "provider": provider, "regions": [region]} for name in CLUSTERS]
    with AtlasEmulator(**SOON, clusters=clusters, rules=False) as atlas:
        yield atlas


def take_place(part: int, ground: Ground, atlas: AtlasEmulator, provider: str, **kind: bool) -> None:
    """Lets the histories of one part take place."""
    world = seed(part)(machine(ground, atlas, provider, kind))
    run_state_machine_as_test(world, settings=histories(HISTORIES // PARTS))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_memory(part: int) -> None:
    with local_atlas("AWS", MemoryGround.region) as atlas:
        take_place(part, MemoryGround(), atlas, "AWS")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_aws(part: int) -> None:
    with local_atlas("AWS", AwsGround.region) as atlas, closing(AwsGround(atlas)) as ground:
        take_place(part, ground, atlas, "AWS")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_azure(part: int) -> None:
    with local_atlas("AZURE", AzureGround.region) as atlas, closing(AzureGround(atlas)) as ground:
        take_place(part, ground, atlas, "AZURE")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_gcp(part: int) -> None:
    with local_atlas("GCP", GcpGround.region) as atlas, closing(GcpGround(atlas)) as ground:
        take_place(part, ground, atlas, "GCP", port_mapping_enabled=True)
