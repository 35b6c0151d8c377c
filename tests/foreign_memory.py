"""Histories beside strangers in a cloud in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from foreigners import Seen
from memory_cloud import MemoryCloud, MemoryWorld, throttled

from atlas_privatelink import Client
from atlas_privatelink.clouds.ownership import Mark


class MemoryGround:
    """Histories in a cloud in memory."""

    region = "us-east-1"
    moments = 40

    def close(self) -> None:
        """Nothing is to be closed."""

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
