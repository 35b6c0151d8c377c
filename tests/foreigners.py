"""A foreigner's world: histories in which several runs of ours and strangers share a project and a network.

Strangers create, tag, reject and delete endpoints on both sides at random moments, also between two calls of a run of
ours; runs are killed, throttled, and nested into each other. After every step nothing foreign has been touched.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import atlas_privatelink
from atlas_privatelink import AtlasError, Client, Connection, ConnectionProgress, NotFound
from atlas_privatelink.clouds.base import Cloud
from atlas_privatelink.testing import AtlasEmulator

SOON: dict[str, Any] = {
    "clock": "driven",
    "record": False,
    "service_seconds": 2,
    "connection_seconds": 2,
    "connection_string_seconds": 2,
    "deletion_seconds": 2,
    "capacity": 1_000_000,
    "refill": 1_000_000,
}
REGION = "us-east-1"
NETWORKS = (0, 1)
CLUSTERS = ("Cluster0", "Cluster1")
PROJECTS = (0, 1)


@dataclass(frozen=True)
class Seen:
    """An endpoint in the cloud as it really is, deleted ones left out."""

    id: str
    tags: tuple[tuple[str, str], ...]
    is_marked: bool
    """Whether it carries a mark that belongs to it."""
    identity: tuple[str, ...] = ()
    """Project, service and network of that mark."""
    is_dead: bool = False
    """Whether the cloud has rejected or failed it."""


class Ground(Protocol):
    """A cloud that histories take place in, with the methods of strangers."""

    region: str
    moments: int
    """About how many moments a run has: before and after its requests to the cloud, and its events."""

    def begin(self, variant: int) -> None:
        """Begins a history: nothing is there.

        Args:
            variant: 0, 1 or 2, for a cloud that may behave in one way or another.
        """
        ...

    def cloud(self, network: int) -> Cloud:
        """Our side, as `connect` gets it, in one of the networks."""
        ...

    def hook(self, function: Callable[[], None]) -> None:
        """Calls a function before and after every request of ours to the cloud."""
        ...

    def seen(self) -> Sequence[Seen]:
        """Every endpoint in all networks."""
        ...

    def stranger_creates(self, network: int, service: dict[str, Any], tags: dict[str, str]) -> str | None:
        """A stranger creates an endpoint to a service of Atlas's, with tags; `None` where that is not possible."""
        ...

    def stranger_deletes(self, endpoint_id: str) -> None:
        """A stranger deletes an endpoint."""
        ...

    def stranger_tags(self, endpoint_id: str, tags: dict[str, str]) -> None:
        """A stranger changes the tags of an endpoint."""
        ...

    def rejects(self, endpoint_id: str) -> None:
        """The cloud shows an endpoint as rejected."""
        ...

    def lag(self, lists: int) -> None:
        """New endpoints are not shown by so many lists."""
        ...

    def throttle(self) -> None:
        """The next request of ours is throttled."""
        ...

    def heal(self) -> None:
        """No request of ours is throttled any more."""
        ...

    def register(self, atlas: Client, group_id: str, service_id: str, endpoint_id: str) -> None:
        """A stranger registers an endpoint with Atlas."""
        ...


class Killed(BaseException):
    """As abrupt as SIGKILL: the run is not heard of again."""


@dataclass
class Foreign:
    """What strangers have made and not changed since."""

    endpoints: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    registrations: set[tuple[str, str, str]] = field(default_factory=set)
    services: set[tuple[str, str]] = field(default_factory=set)


def _nothing() -> None:
    """As long as nobody wants anything to happen."""


Chaos = list[tuple[int, str, int]]
"""At which moment of a run what happens, and to which of the things that there are."""

STRANGE = ("create", "delete", "tag", "reject", "register", "unregister", "create_service", "delete_service")
HAPPENINGS = (*STRANGE, "kill", "kill", "throttle", "connect", "disconnect", "advance")
chaos = st.lists(st.tuples(st.integers(0, 79), st.sampled_from(HAPPENINGS), st.integers(0, 5)), max_size=4)

_projects = itertools.count(1)


class ForeignersWorld(RuleBasedStateMachine):
    """One history."""

    ground: Ground
    atlas: AtlasEmulator

    @initialize(lag=st.integers(0, 2), variant=st.integers(0, 2))
    def begin(self, lag: int, variant: int) -> None:
        """Nothing is there; new endpoints are shown late."""
        number = next(_projects)
        self.groups = [f"{os.getpid():012x}{number:010x}{project:02x}" for project in PROJECTS]
        self.ground.begin(variant)
        self.ground.lag(lag)
        self.client = self.atlas.client()
        self.foreign = Foreign()
        self.ours: set[str] = set()
        self.identities: set[tuple[int, int]] = set()
        self.depth = 0
        self.happen: Callable[[], None] = _nothing

    def teardown(self) -> None:
        """All runs have finished: what is left is found again, is one for each identity, and can be removed."""
        if not hasattr(self, "client"):
            return
        self.ground.hook(_nothing)
        self.ground.lag(0)
        self.ground.heal()
        try:
            for project, network in sorted(self.identities):
                self._finish(project, network)
        finally:
            self._tidy()
            self.client.close()

    def _tidy(self) -> None:
        """Atlas is there for the next history, too, and gets no slower."""
        for group in self.groups:
            for service in self._services(group):
                where = {"group_id": group, "provider": self._provider, "service_id": service["id"]}
                with suppress(AtlasError):
                    for endpoint_id in self._registered(service):
                        self.client.dedicated.delete_endpoint(**where, endpoint_id=endpoint_id)
                    self.client.dedicated.delete_service(**where)
        self.atlas.advance(10)

    def _finish(self, project: int, network: int) -> None:
        # a stranger may stand in its way; what counts is what is there
        with suppress(AtlasError):
            self._run("connect", project, network, CLUSTERS[0], [])
        self.nothing_foreign_was_touched()
        group = self.groups[project]
        ours = [one for one in self.ground.seen() if one.is_marked and one.identity[0] == group]
        alive = [one.identity for one in ours if not one.is_dead]
        assert len(alive) == len(set(alive)), f"two endpoints of ours for one identity: {ours}"
        cloud = self.ground.cloud(network)
        cloud.check()
        found = {one.id for one in cloud.find_ours(group) if one.phase != "deleting"}
        there = {one.id for one in ours if one.identity[2] == cloud.network}
        assert found == there, f"not found again: {there - found}, or found too much: {found - there}"
        # as asked for: a service of a stranger may go with its last endpoint
        self.foreign.services = {one for one in self.foreign.services if one[0] != group}
        try:
            gone = self._run("disconnect", project, network, CLUSTERS[0], [], delete_service=True)
        except AtlasError:
            return
        assert gone is not None
        self.nothing_foreign_was_touched()
        remains = [one for one in self.ground.seen() if one.is_marked and one.identity[::2] == (group, cloud.network)]
        assert not remains, f"disconnect has left {remains}; it said {gone}"

    # our own runs

    @rule(
        project=st.sampled_from(PROJECTS),
        network=st.sampled_from(NETWORKS),
        cluster=st.sampled_from(CLUSTERS),
        chaos=chaos,
    )
    def connects(self, project: int, network: int, cluster: str, chaos: Chaos) -> None:
        """A run of ours connects, with whatever happens on the way."""
        self._try("connect", project, network, cluster, chaos)

    @rule(
        project=st.sampled_from(PROJECTS),
        network=st.sampled_from(NETWORKS),
        cluster=st.sampled_from(CLUSTERS),
        chaos=chaos,
    )
    def disconnects(self, project: int, network: int, cluster: str, chaos: Chaos) -> None:
        """A run of ours disconnects, with whatever happens on the way."""
        self._try("disconnect", project, network, cluster, chaos)

    @rule(
        name=st.sampled_from(("connect", "disconnect")),
        project=st.sampled_from(PROJECTS),
        network=st.sampled_from(NETWORKS),
    )
    def a_plan_names_what_is_done(self, name: str, project: int, network: int) -> None:
        """A plan names exactly what its execution does, or is refused by the same error."""
        results: list[Any] = []
        # what a list does not show yet, no plan can name
        self.ground.lag(0)
        for plan in (True, False):
            before = self._ids()
            try:
                done = self._run(name, project, network, CLUSTERS[0], [], plan=plan)
                assert done is not None
                results.append(([(one.step, one.action) for one in done.steps], done.deletions))
            except AtlasError as error:
                results.append(type(error))
            if plan:
                assert self._ids() == before, "a plan has changed something"
        # what only shows in the doing, such as an endpoint that a stranger has let fail in Atlas, may end it
        if not isinstance(results[1], type) or isinstance(results[0], type):
            assert results[0] == results[1]

    def _ids(self) -> tuple[list[str], list[str]]:
        services = [one["id"] for group in self.groups for one in self._services(group)]
        return sorted(one.id for one in self.ground.seen()), services

    def _try(self, *args: Any, **options: Any) -> None:
        # every error is right, as long as nothing foreign is touched
        with suppress(AtlasError, Killed):
            self._run(*args, **options)

    def _run(
        self, name: str, project: int, network: int, cluster: str, chaos: Chaos, **options: Any
    ) -> Connection | None:
        self.identities.add((project, network))
        due = sorted((moment % self.ground.moments, what, which) for moment, what, which in chaos)
        count = itertools.count()

        def happen() -> None:
            now = next(count)
            while due and due[0][0] <= now:
                _, what, which = due.pop(0)
                self._happens(what, which, project, network)

        def progress(event: ConnectionProgress) -> None:
            happen()

        before = {one.id for one in self.ground.seen()}
        # one run within another: what happens to the outer one goes on in between
        outer = self.happen
        if chaos:
            self.happen = happen
            self.ground.hook(happen)
        call = getattr(atlas_privatelink, name)
        try:
            made: Connection = call(
                self.groups[project],
                cloud=self.ground.cloud(network),
                cluster_name=cluster,
                region=self.ground.region,
                atlas=self.client,
                timeout=3600,
                on_progress=progress,
                **options,
            )
        finally:
            self.happen = outer
            self.ground.hook(outer)
            self.ours |= {one.id for one in self.ground.seen()} - before - set(self.foreign.endpoints)
        return made

    def _happens(self, what: str, which: int, project: int, network: int) -> None:
        if what == "kill":
            raise Killed
        if what == "throttle":
            self.ground.throttle()
        elif what == "advance":
            self.atlas.advance(3)
        elif what in ("connect", "disconnect"):
            if self.depth < 2:
                self.depth += 1
                if which < 4:
                    # otherwise another run for the same
                    project, network = which % 2, which // 2
                try:
                    self._try(what, project, network, CLUSTERS[which % 2], [])
                finally:
                    self.depth -= 1
        else:
            self._stranger(what, which, project, network)

    # strangers

    @rule(
        what=st.sampled_from(STRANGE),
        which=st.integers(0, 5),
        project=st.sampled_from(PROJECTS),
        network=st.sampled_from(NETWORKS),
    )
    def a_stranger(self, what: str, which: int, project: int, network: int) -> None:
        """A stranger does something between two runs."""
        self._stranger(what, which, project, network)

    @rule(seconds=st.sampled_from((1, 3, 10)))
    def time_passes(self, seconds: int) -> None:
        """Atlas goes on."""
        self.atlas.advance(seconds)

    def _services(self, group: str) -> list[dict[str, Any]]:
        services = [one for one in self.atlas.endpoint_services() if one["groupId"] == group]
        return [one for one in services if one["status"] != "DELETING"]

    def _stranger(self, what: str, which: int, project: int, network: int) -> None:
        group = self.groups[project]
        services = self._services(group)
        named = [one for one in services if one["status"] == "AVAILABLE"]
        theirs = sorted(self.foreign.endpoints)
        everything = sorted(one.id for one in self.ground.seen())
        if what == "create" and named:
            tags = {"created-by": "terraform"}
            marked = [one for one in self.ground.seen() if one.is_marked]
            if which % 3 == 0 and marked:
                # a mark that was copied to an endpoint of another network
                source = marked[which % len(marked)]
                tags |= dict(source.tags)
                network = self._another_network(source)
            made = self.ground.stranger_creates(network, named[which % len(named)], tags)
            if made is not None:
                self._now_foreign(made)
        elif what == "delete" and everything:
            doomed = everything[which % len(everything)]
            self.ground.stranger_deletes(doomed)
            self.foreign.endpoints.pop(doomed, None)
        elif what == "tag" and everything:
            changed = everything[which % len(everything)]
            self.ground.stranger_tags(changed, {"team": "orders", "Name": f"theirs-{which}"})
            if changed in self.foreign.endpoints:
                self._now_foreign(changed)
        elif what == "reject" and everything:
            self.ground.rejects(everything[which % len(everything)])
        elif what == "register" and named and theirs:
            service = named[which % len(named)]
            self._register(group, service["id"], theirs[which % len(theirs)])
        elif services or what == "create_service":
            self._stranger_in_atlas(what, which, group, services)

    def _stranger_in_atlas(self, what: str, which: int, group: str, services: list[dict[str, Any]]) -> None:
        dedicated = self.client.dedicated
        with suppress(AtlasError):
            if what == "create_service":
                made = dedicated.create_service(group, self._provider, self.ground.region, **self._kind)
                self.foreign.services.add((group, made.id))
            elif what == "delete_service":
                doomed = services[which % len(services)]["id"]
                dedicated.delete_service(group, self._provider, doomed)
                self._forget_service(group, doomed)
            elif what == "unregister":
                self._unregister(group, services[which % len(services)], which)

    _provider: Any = "AWS"
    _kind: Mapping[str, Any] = MappingProxyType({})

    def _another_network(self, source: Seen) -> int:
        clouds = [self.ground.cloud(network) for network in NETWORKS]
        return next(number for number, cloud in enumerate(clouds) if cloud.network != source.identity[2])

    def _now_foreign(self, endpoint_id: str) -> None:
        for one in self.ground.seen():
            if one.id == endpoint_id:
                self.foreign.endpoints[endpoint_id] = one.tags

    def _register(self, group: str, service_id: str, endpoint_id: str) -> None:
        try:
            self.ground.register(self.client, group, service_id, endpoint_id)
            self.foreign.registrations.add((group, service_id, endpoint_id))
        except AtlasError:
            return

    def _unregister(self, group: str, service: dict[str, Any], which: int) -> None:
        registered = self._registered(service)
        if not registered:
            return
        doomed = registered[which % len(registered)]
        try:
            self.client.dedicated.delete_endpoint(group, self._provider, service["id"], doomed)
        except (NotFound, AtlasError):
            return
        self.foreign.registrations.discard((group, service["id"], doomed))
        if all(one["id"] != service["id"] for one in self._services(group)):
            # Atlas deletes the service with its last endpoint, also where others are being deleted still
            self._forget_service(group, service["id"])

    @staticmethod
    def _registered(service: dict[str, Any]) -> list[str]:
        for name in ("interfaceEndpoints", "privateEndpoints", "endpointGroupNames"):
            if service.get(name):
                return list(service[name])
        return []

    def _forget_service(self, group: str, service_id: str) -> None:
        self.foreign.services.discard((group, service_id))
        self.foreign.registrations = {one for one in self.foreign.registrations if one[1] != service_id}

    # what is always so

    @invariant()
    def nothing_foreign_was_touched(self) -> None:
        """Nothing foreign was modified or deleted, on either side, and no mark is on something that we did not make."""
        if not hasattr(self, "client"):
            return
        seen = {one.id: one for one in self.ground.seen()}
        for endpoint_id, tags in self.foreign.endpoints.items():
            assert endpoint_id in seen, f"{endpoint_id}, which a stranger has created, was deleted"
            assert seen[endpoint_id].tags == tags, f"the tags of {endpoint_id} were changed"
            assert not seen[endpoint_id].is_marked, f"{endpoint_id} counts as ours"
        services = {(group, one["id"]): one for group in self.groups for one in self._services(group)}
        for where in self.foreign.services:
            assert where in services, f"service {where}, which a stranger has created, was deleted"
        for group, service_id, endpoint_id in self.foreign.registrations:
            known = self._registered(services.get((group, service_id), {}))
            ids = {one.lower() for one in known}
            assert endpoint_id.lower() in ids, f"the registration of {endpoint_id} was deleted"


def histories(default: int) -> settings:
    """How many histories, and how they are drawn: `FOREIGN_HISTORIES` asks for more."""
    return settings(
        max_examples=int(os.environ.get("FOREIGN_HISTORIES", default)),
        stateful_step_count=8,
        deadline=None,
        # to make a failing history shorter takes minutes: `FOREIGN_SHRINK=1` does
        phases=tuple(Phase) if "FOREIGN_SHRINK" in os.environ else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


def machine(ground: Ground, atlas: AtlasEmulator, provider: str, kind: dict[str, Any]) -> type[ForeignersWorld]:
    """The histories of a cloud."""
    names = {"ground": ground, "atlas": atlas, "_provider": provider, "_kind": kind}
    return type(f"{provider.title()}ForeignersWorld", (ForeignersWorld,), names)


__all__ = ["SOON", "ForeignersWorld", "Ground", "Iterator", "Seen", "histories", "machine", "precondition"]
