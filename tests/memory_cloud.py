"""A cloud in memory with the methods of `Cloud`, for tests of the engine: what strangers do in it, what is slow, what
is killed, and who has touched what."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from atlas_privatelink.clouds.base import Check, CloudEndpoint, ServiceToReach
from atlas_privatelink.clouds.ownership import Mark
from atlas_privatelink.errors import CloudError, NotOwned

ACTOR: ContextVar[str] = ContextVar("actor", default="us")


@dataclass
class Thing:
    """An endpoint in the cloud."""

    id: str
    network: str
    target: str
    tags: dict[str, str]
    creator: str
    number: int
    state: str = "pendingAcceptance"
    unseen: int = 0
    """How many more lists do not show it yet."""


@dataclass
class MemoryWorld:
    """All endpoints of a cloud, whoever has made them."""

    things: dict[str, Thing] = field(default_factory=dict)
    lag: int = 0
    """How many lists do not show a new endpoint."""
    log: list[tuple[str, str, str]] = field(default_factory=list)
    """Actor, verb and id of everything that was changed."""
    hook: Callable[[str, str], object] = lambda *_: None
    """Is called before and after every call of a cloud: it may do anything, or raise."""
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def add(self, network: str, target: str, tags: dict[str, str], creator: str) -> Thing:
        """Makes an endpoint."""
        number = next(self._numbers)
        thing = Thing(f"vpce-{number:017x}", network, target, dict(tags), creator, number, unseen=self.lag)
        self.things[thing.id] = thing
        self.log.append((creator, "create", thing.id))
        return thing

    def delete(self, endpoint_id: str, actor: str) -> None:
        """Deletes an endpoint."""
        self.things[endpoint_id].state = "deleted"
        self.log.append((actor, "delete", endpoint_id))

    def alive(self) -> list[Thing]:
        """Those that are not deleted."""
        return [one for one in self.things.values() if one.state not in ("deleting", "deleted")]


_PHASES: dict[str, Literal["pending", "available", "deleting", "gone", "failed"]] = {
    "pendingAcceptance": "pending",
    "available": "available",
    "deleting": "deleting",
    "deleted": "gone",
    "rejected": "failed",
    "failed": "failed",
}


class MemoryCloud:
    """One network of such a world."""

    provider: Literal["AWS"] = "AWS"

    def __init__(self, world: MemoryWorld, network: str = "vpc-a", *, region: str | None = "us-east-1") -> None:
        self.world, self.network, self.region = world, network, region
        self.network_region = region
        self.checks: list[Check] = []
        self.calls: list[str] = []

    def in_region(self, region: str) -> MemoryCloud:
        """The same in a region."""
        copy = MemoryCloud(self.world, self.network, region=region)
        copy.checks, copy.calls = self.checks, self.calls
        return copy

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.world.hook("before", name)

    def check(self) -> None:
        """Nothing."""
        self._call("check")

    def preflight(self, service: ServiceToReach | None) -> Sequence[Check]:
        """What the test has put there."""
        self._call("preflight")
        return self.checks

    def bill(self, service: ServiceToReach | None) -> Sequence[str]:
        """One line."""
        return ("memory: 1 endpoint",)

    def find(self, service: ServiceToReach) -> Sequence[CloudEndpoint]:
        """All that lead from here to the service."""
        self._call("find")
        return [self._shown(one) for one in self._listed() if one.target == service.name]

    def find_ours(self, group_id: str) -> Sequence[CloudEndpoint]:
        """All with our mark."""
        self._call("find_ours")
        shown = [self._shown(one) for one in self._listed()]
        return [one for one in shown if one.is_ours and dict(one.tags)["atlas-project-id"] == group_id]

    def _listed(self) -> list[Thing]:
        seen: list[Thing] = []
        for one in self.world.things.values():
            if one.network == self.network and one.state != "deleted":
                if one.unseen > 0:
                    one.unseen -= 1
                else:
                    seen.append(one)
        return seen

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Makes one, unless there is one of ours for this identity, which it also sees where lists do not."""
        self._call("create")
        mark = Mark.of(service, self.network, service.name)
        for one in self.world.alive():
            found = Mark.read(one.tags)
            if found is not None and found.digest == mark.digest and one.creator == "us" and one.state != "rejected":
                return replace(self._shown(one), origin="adopted")
        made = self.world.add(self.network, service.name, mark.tags(), ACTOR.get())
        self.world.hook("after", "create")
        return replace(self._shown(made), origin="created")

    def update(self, endpoint: CloudEndpoint, service: ServiceToReach) -> Sequence[str]:
        """Nothing."""
        return ()

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """As it is now."""
        self._call("describe")
        thing = self.world.things.get(endpoint_id)
        return None if thing is None else self._shown(thing)

    def delete(self, endpoint: CloudEndpoint) -> None:
        """Deletes it if it still is what it was."""
        self._call("delete")
        thing = self.world.things.get(endpoint.id)
        if thing is None or thing.state == "deleted":
            return
        if endpoint.is_ours and not self._shown(thing).is_ours:
            raise NotOwned(f"{endpoint.id} is not ours any more", endpoint=endpoint)
        self.world.delete(endpoint.id, ACTOR.get())
        self.world.hook("after", "delete")

    def planned_id(self, service: ServiceToReach) -> None:
        """The cloud chooses it."""

    def planned(self, service: ServiceToReach | None) -> str:
        """In words."""
        return f"an endpoint in {self.network}"

    def _shown(self, thing: Thing) -> CloudEndpoint:
        mark = Mark.read(thing.tags)
        is_ours = mark is not None and mark.belongs_to(thing.network, thing.target)
        return CloudEndpoint(
            thing.id,
            thing.state,
            _PHASES[thing.state],
            network=thing.network,
            leads_to=thing.target,
            is_ours=is_ours,
            service_id=mark.service_id if mark is not None and is_ours else None,
            service_created=mark is not None and is_ours and mark.service_created,
            made_by=mark.made_by if mark is not None and is_ours else None,
            tags=tuple(thing.tags.items()),
            created_at=f"{thing.number:09}",
        )


def throttled(operation: str) -> CloudError:
    """What a cloud says when it is asked too often."""
    return CloudError(f"throttled {operation}", operation=operation, code="Throttling", is_transient=True)
