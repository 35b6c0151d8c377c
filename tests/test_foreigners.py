"""Histories beside strangers, on every cloud: whatever happens, nothing foreign is touched.

More of them: `FOREIGN_HISTORIES=100000 python -m pytest tests/test_foreigners.py -k memory`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from foreigners import SOON, Seen, histories, machine
from hypothesis import seed
from hypothesis.stateful import run_state_machine_as_test
from memory_cloud import MemoryCloud, MemoryWorld, throttled

from atlas_privatelink import Client
from atlas_privatelink._sync.connect import connecting, run
from atlas_privatelink.clouds.ownership import Mark
from atlas_privatelink.testing import AtlasEmulator

CLUSTERS = [{"name": name, "provider": "AWS", "regions": ["us-east-1"]} for name in ("Cluster0", "Cluster1")]
# each on a processor of its own
PARTS = 2


class MemoryGround:
    """Histories in a cloud in memory."""

    region = "us-east-1"

    def begin(self) -> None:
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

    def register(self, atlas: Client, group_id: str, service_id: str, endpoint_id: str) -> None:
        """As a stranger."""
        atlas.dedicated.create_endpoint(group_id, "AWS", service_id, endpoint_id)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at these clouds goes on by itself: a pause would only take time."""
    for module in (run, connecting):
        monkeypatch.setattr(module, "sleep", lambda seconds: None)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_memory(part: int) -> None:
    with AtlasEmulator(**SOON, clusters=CLUSTERS, rules=False) as atlas:
        world = seed(part)(machine(MemoryGround(), atlas, "AWS", {}))
        run_state_machine_as_test(world, settings=histories(500))
