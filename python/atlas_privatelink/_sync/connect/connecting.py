# Derived from `_async` by `make twins`: do not edit.
"""The steps of `connect`: each decides from what is there, and does it unless the run is a plan.

So a plan and a connection can never disagree: they are the same code.
"""

from __future__ import annotations

from dataclasses import replace

from ...errors import CloudError, DriftError, EndpointFailed, PreflightFailed, ValidationError
from ...models.connection import Step
from ..blocking import sleep
from .cloud_endpoints import is_of, orphans, registered_but_gone, until_gone
from .side import ServiceVanished, same_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from ...clouds.base import ServiceToReach
    from ...models import Connection
    from ...models.connection import CloudEndpoint
    from .opening import Opening
    from .run import Outcome, Run, StepWork
    from .side import AtlasSide

    OnDrift = Literal["warn", "error", "update"]

__all__ = ["Connecting"]

# a cloud that has just made an endpoint may not show it yet
_MISSES_ALLOWED = 3
# a service that vanishes each time is not for us
_BEGINNINGS_ALLOWED = 4


class Connecting:
    """One `connect` to one network.

    Args:
        opening: The arguments, checked.
        on_drift: What to do where an existing endpoint differs from the arguments.
        resume: What an earlier part of the same work has reached: its checks are not done again.
    """

    def __init__(self, opening: Opening, *, on_drift: OnDrift = "warn", resume: Connection | None = None) -> None:
        if on_drift not in ("warn", "error", "update"):
            rule = f'on_drift must be "warn", "error" or "update", got {on_drift!r}'
            raise ValidationError(rule, field="on_drift")
        self.opening, self.on_drift, self.resume = opening, on_drift, resume
        self.run: Run = opening.run
        self.side: AtlasSide = opening.side
        self.endpoint: CloudEndpoint | None = None
        self.orphans: Sequence[CloudEndpoint] = ()
        self.replaced: list[CloudEndpoint] = []
        self.known: CloudEndpoint | None = None
        self._is_surveyed = False
        self._removed = 0
        self._misses = 0
        self._beginnings = 0
        self._created: set[str] = set()
        if resume is not None and resume.cloud_endpoint_origin == "created" and resume.cloud_endpoint_id is not None:
            self._created.add(resume.cloud_endpoint_id)

    def steps(self) -> tuple[StepWork, ...]:
        """The steps, in their order."""
        return (
            (Step.PREFLIGHT, self.preflight),
            (Step.RESERVE, self.side.reserve),
            (Step.NAME_SERVICE, self.side.name_service),
            (Step.CREATE_CLOUD_ENDPOINT, self.create_cloud_endpoint),
            (Step.TELL_ATLAS, self.register),
            (Step.ACCEPT, self.accept),
            (Step.CONNECTION_STRING, self.await_connection_strings),
        )

    def connect(self) -> Connection:
        """Does what is not done yet, or says what it would do."""
        run = self.run
        run.announce(self.steps())
        try:
            for step, _ in self.steps():
                self.step(step)
        except BaseException as error:
            run.fail(error)
            raise
        return self.finished()

    def finished(self) -> Connection:
        """What was reached, or would be."""
        return replace(self.run.connection, planned=self.run.planning)

    def step(self, step: Step) -> None:
        """Runs one step, and begins again where the endpoint service has vanished before it was used."""
        by_name = dict(self.steps())
        try:
            self.run.run(step, by_name[step])
        except ServiceVanished as vanished:
            self._begin_again(step, vanished)

    def _begin_again(self, until: Step, why: ServiceVanished) -> None:
        while True:
            self._beginnings += 1
            if self._beginnings >= _BEGINNINGS_ALLOWED:
                raise EndpointFailed(f"{why}, {self._beginnings} times") from why
            self.run.waiting(trouble=f"begins again: {why}")
            self._delete_own_unregistered(str(why))
            self.run.know(cloud_endpoint_id=None, cloud_endpoint_origin=None)
            try:
                for step, work in self.steps()[1:]:
                    self.run.run(step, work)
                    if step is until:
                        return
            except ServiceVanished as again:
                why = again

    def _delete_own_unregistered(self, why: str) -> None:
        """The endpoint that leads nowhere any more, if it is ours: it is billed."""
        endpoint, self.endpoint = self.endpoint, None
        if endpoint is not None and is_of(self.run.cloud, endpoint):
            self.run.waiting(trouble=f"deletes {endpoint.id}: {why}")
            self.delete_in_cloud(endpoint)
            self.replaced.append(endpoint)

    # step 0

    def survey(self) -> None:
        """Looks at both sides."""
        run, side = self.run, self.side
        self.opening.prepare()
        # first what carries our mark, then what Atlas has: a service that a mark names was there before the mark
        ours = run.in_cloud(run.cloud.find_ours, run.connection.group_id)
        side.look()
        service = side.reach()
        self.orphans = orphans(side, ours)
        self.known = self._existing(service)
        dead = self._dead_of_ours(service) if self.known is None and service is not None else []
        self._removed = sum(side.knows(one.id) for one in dead)
        if run.planning and service is not None:
            self.known = self._foresee(self.known, dead)
        self._is_surveyed = True

    @property
    def is_registering(self) -> bool:
        """Whether Atlas does not know an endpoint of this network yet."""
        return self.known is None or not self.side.knows(self.known.id)

    def preflight(self) -> Outcome:
        """Checks whether what is missing can be created."""
        run, side = self.run, self.side
        if not self._is_surveyed:
            self.survey()
        self._is_surveyed = False
        service, creating = side.reach(), self.known is None
        if self.resume is not None:
            return "skip", "checked before"
        checks = side.checks(creating=self.is_registering, removed=self._removed)
        if creating:
            checks += run.in_cloud(run.cloud.preflight, service)
        run.know(checks=tuple(checks))
        if creating:
            run.know(bill=(side.bill(), *run.in_cloud(run.cloud.bill, service)))
        failures = [check for check in checks if check.state == "failure"]
        if failures:
            text = "; ".join(f"{check.name}: {check.detail}" for check in failures)
            raise PreflightFailed(f"nothing was created: {text}", checks=tuple(checks))
        warnings = [f"{check.name}: {check.detail}" for check in checks if check.state == "warning"]
        return "check", "; ".join(warnings) or "all checks passed"

    def _foresee(self, known: CloudEndpoint | None, dead: list[CloudEndpoint]) -> CloudEndpoint | None:
        """What there will be once what is dead is removed: a plan says what comes after that."""
        side = self.side
        for one in dead:
            if side.knows(one.id):
                side.foresee_unregister(one, why=f"it is {one.status}")
        why = None if known is None else side.why_unregister(known)
        if known is not None and why is not None and side.takes_along(known):
            side.foresee_unregister(known, why=why)
            dead, known = [known], None
        self.replaced += [] if side.reach() is not None else dead
        return known

    def _existing(self, service: ServiceToReach | None) -> CloudEndpoint | None:
        """The endpoint of this network that can be used, whoever made it."""
        run, told = self.run, self.side.told()
        if told is not None:
            endpoint: CloudEndpoint | None = run.in_cloud(run.cloud.describe, told)
            if endpoint is None or not endpoint.is_alive:
                state = "is not there any more" if endpoint is None else f"is {endpoint.status}"
                way = "disconnect"
                if endpoint is None:
                    way = f"delete endpoint {run.connection.endpoint_id} in Atlas (`delete_endpoint`)"
                why = f"Atlas has {told} registered, but it {state}: {way}, and connect again"
                raise EndpointFailed(why, endpoint=endpoint)
            return endpoint
        return None if service is None else self._chosen(run.in_cloud(run.cloud.find, service))

    def _chosen(self, found: Sequence[CloudEndpoint]) -> CloudEndpoint | None:
        alive = [one for one in found if one.is_alive]
        # what Atlas knows stays, then what is ours, then what is oldest; everybody who looks chooses the same one
        return min(
            alive,
            key=lambda one: (not self.side.knows(one.id), not one.is_ours, one.created_at, one.id.lower()),
            default=None,
        )

    # the cloud's endpoint

    def create_cloud_endpoint(self) -> Outcome:
        """Creates or adopts the cloud's endpoint, and waits until Atlas can be told of it."""
        if not self.run.planning:
            # a cloud refuses for long what it does not know yet, and for ever what it does not know any more
            self.side.check_still_there()
        action, detail = self._create_or_adopt()
        beside = ", ".join(f"{one.id} ({one.status})" for one in self.orphans)
        if action in ("create", "replace") or not beside:
            return action, detail
        for one in self.orphans if not self.run.planning else ():
            self.delete_in_cloud(one)
        return action, f"{detail}; deletes {beside}, whose endpoint service is gone"

    def _create_or_adopt(self) -> Outcome:
        run, service = self.run, self.side.reach()
        if service is None:
            if not run.planning:
                raise EndpointFailed("Atlas has named no service to create an endpoint for")
            return self._to_create(run.cloud.planned(None), [*self.replaced, *self.orphans])
        existing = self._existing(service)
        if existing is not None:
            return self._adopt(existing, service)
        dead = self._dead_of_ours(service)
        if run.planning:
            detail = run.in_cloud(run.cloud.planned, service)
            return self._to_create(detail, [*self.replaced, *dead, *self.orphans])
        for one in dead:
            self._remove_dead(one)
        for one in self.orphans:
            self.delete_in_cloud(one)
            self.replaced.append(one)
        self.orphans = ()
        endpoint: CloudEndpoint = run.in_cloud(run.cloud.create, service)
        created = endpoint.origin == "created"
        if created:
            self._created.add(endpoint.id)
        self._know(endpoint, "created" if created or endpoint.id in self._created else "adopted")
        self._until_created(endpoint)
        if self.replaced:
            return "replace", f"{', '.join(one.id for one in self.replaced)} by {endpoint.id}"
        return ("create" if created else "adopt"), endpoint.id

    @staticmethod
    def _to_create(detail: str, replaced: Sequence[CloudEndpoint]) -> Outcome:
        if not replaced:
            return "create", detail
        return "replace", f"{', '.join(f'{one.id} ({one.status})' for one in replaced)}; creates {detail}"

    def _adopt(self, endpoint: CloudEndpoint, service: ServiceToReach) -> Outcome:
        run = self.run
        by_this_run = endpoint.id in self._created or (
            service.made_by is not None and endpoint.is_ours and endpoint.made_by == service.made_by
        )
        self._know(endpoint, "created" if by_this_run else "adopted")
        whose = "" if endpoint.is_ours else ", which this package did not create"
        detail = f"{endpoint.id}{whose}"
        if endpoint.drift:
            differs = "; ".join(endpoint.drift)
            if self.on_drift == "error":
                raise DriftError(f"{endpoint.id} differs from the arguments: {differs}", endpoint=endpoint)
            if self.on_drift == "update" and endpoint.is_ours:
                if run.planning:
                    return "update", f"{detail} ({differs})"
                changes = run.in_cloud(run.cloud.update, endpoint, service)
                endpoint = run.in_cloud(run.cloud.describe, endpoint.id) or endpoint
                self._know(endpoint, run.connection.cloud_endpoint_origin or "adopted")
                remains = f"; still {'; '.join(endpoint.drift)}" if endpoint.drift else ""
                return "update", f"{detail} ({'; '.join(changes) or 'nothing could be changed'}{remains})"
            detail = f"{detail} ({differs})"
        if not run.planning:
            self._until_created(endpoint)
        return "adopt", detail

    def _know(self, endpoint: CloudEndpoint, origin: Literal["created", "adopted"] | None = None) -> None:
        self.endpoint = endpoint
        self.run.cloud_status = endpoint.status
        self.run.know(cloud_endpoint_id=endpoint.id, drift=endpoint.drift)
        if origin is not None:
            self.run.know(cloud_endpoint_origin=origin)

    def _dead_of_ours(self, service: ServiceToReach) -> list[CloudEndpoint]:
        run = self.run
        found = run.in_cloud(run.cloud.find, service)
        dead = [one for one in found if is_of(run.cloud, one) and one.phase == "failed"]
        gone = registered_but_gone(run, self.side, service)
        return dead if gone is None else [*dead, gone]

    def _remove_dead(self, endpoint: CloudEndpoint) -> None:
        if self.side.knows(endpoint.id):
            self.endpoint = endpoint
            self.side.unregister(endpoint, why=f"it is {endpoint.status}")
        if endpoint.phase != "gone":
            self.delete_in_cloud(endpoint)
        self.replaced.append(endpoint)

    def delete_in_cloud(self, endpoint: CloudEndpoint) -> None:
        """Deletes an endpoint of ours in the cloud, and waits until it is gone."""
        run = self.run
        run.in_cloud(run.cloud.delete, endpoint)
        until_gone(run, endpoint)

    def _until_created(self, endpoint: CloudEndpoint) -> None:
        delay = 0.1
        while endpoint.phase == "creating":
            self.run.waiting(next_look=delay)
            delay = self.run.pause(delay, f"{endpoint.id} is still {endpoint.status}")
            self.watch()
            endpoint = self.endpoint or endpoint

    def watch(self) -> None:
        """Looks at the cloud's endpoint, and raises `EndpointFailed` where waiting for it is in vain."""
        known = self.run.connection.cloud_endpoint_id or ""
        try:
            endpoint = self.run.in_cloud(self.run.cloud.describe, known)
        except CloudError as error:
            # what is waited for comes from Atlas
            self.run.waiting(trouble=str(error))
            return
        self._misses = self._misses + 1 if endpoint is None else 0
        if self._misses > _MISSES_ALLOWED:
            raise EndpointFailed(f"{known} is not there any more")
        if endpoint is None:
            return
        self._know(endpoint)
        if not endpoint.is_alive:
            why = f": {endpoint.error_message}" if endpoint.error_message else ""
            raise EndpointFailed(f"{endpoint.id} is {endpoint.status}{why}", endpoint=endpoint)

    # Atlas's endpoint

    def register(self) -> Outcome:
        """Registers the cloud's endpoint with Atlas."""
        run = self.run
        if self.endpoint is None:
            if run.planning:
                return "tell", "the id of the cloud's endpoint"
            raise EndpointFailed("there is nothing to register with Atlas")
        if not run.planning:
            self._agree_on_one()
            self._until_discoverable()
        return self.side.register(self.endpoint)

    def _agree_on_one(self) -> None:
        """Looks once more before Atlas is told: of several, one stays, and each run deletes what it created itself."""
        run, service, endpoint = self.run, self.side.reach(), self.endpoint
        if service is None or endpoint is None or self.side.told() is not None or self.side.knows(endpoint.id):
            return
        self.side.check_still_there()
        if self.side.reach() is None:
            raise ServiceVanished("the endpoint service is gone")
        found = run.in_cloud(run.cloud.find, service)
        chosen = self._chosen(found)
        if chosen is None or same_id(chosen.id, endpoint.id):
            return
        if endpoint.id in self._created and endpoint.is_ours:
            run.waiting(trouble=f"deletes {endpoint.id}: {chosen.id} was there before")
            self.delete_in_cloud(endpoint)
            self._created.discard(endpoint.id)
        self._know(chosen, "adopted")

    def _until_discoverable(self) -> None:
        """An endpoint in another region than its service's is found by Atlas after a while only."""
        seconds: float = getattr(self.run.cloud, "registration_delay", 0.0)
        endpoint = self.endpoint
        if seconds and endpoint is not None and not self.side.knows(endpoint.id):
            self.run.waiting(trouble=f"Atlas needs {seconds:g} s to discover an endpoint of another region")
            sleep(min(seconds, self.run.remaining()))

    def accept(self) -> Outcome:
        """Waits until Atlas has accepted it, and watches the cloud meanwhile."""
        if self.run.planning:
            return "wait", "until it is AVAILABLE"
        return self.side.accept(self.watch)

    def await_connection_strings(self) -> Outcome:
        """Waits for the connection strings, where the deployment will have some."""
        run = self.run
        missing = self.side.missing_regions()
        name = run.connection.deployment_name
        if missing:
            others = ", ".join(missing)
            return "skip", f"{name} gets private connection strings only when {others} has an endpoint, too"
        if run.planning:
            return "wait", f"for {name}'s string"
        # nobody looks at the cloud any more, and how it looked while Atlas accepted it is no news
        run.cloud_status = None
        strings = self.side.connection_strings(run.connection.cloud_endpoint_id or "")
        run.know(connection_strings=strings, status="AVAILABLE")
        return "wait", strings.srv or strings.standard or ""
