"""`disconnect`: a list of what is ours, shown first, and then exactly that list deleted.

Atlas's endpoint goes first, then its service, and the cloud's endpoint last: it carries the only mark, so a run that
was killed anywhere is finished by the next one.
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from ...errors import Conflict, NotOwned
from ...models.connection import Deletion, Step
from ..blocking import value_of
from .cloud_endpoints import is_of, orphans, until_gone
from .dedicated import AsyncDedicatedSide
from .serverless import AsyncServerlessSide
from .side import same_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...models import Connection, ServerlessEndpoint
    from ...models.connection import CloudEndpoint
    from .opening import AsyncOpening
    from .run import Outcome, StepWork

__all__ = ["AsyncDisconnecting"]


class AsyncDisconnecting:
    """One `disconnect` of one network.

    Args:
        opening: The arguments that `connect` has, too.
        delete_service: Whether the endpoint service is deleted; `None` for "if this package created it".
        delete_adopted: Whether endpoints in this network that this package did not create are deleted, too.
        confirm: Is shown what will be deleted, and says whether to go on.
    """

    def __init__(
        self,
        opening: AsyncOpening,
        *,
        delete_service: bool | None,
        delete_adopted: bool,
        confirm: Callable[[Connection], object] | None,
    ) -> None:
        self.opening, self.run, self.side = opening, opening.run, opening.side
        self.delete_service, self.delete_adopted, self.confirm = delete_service, delete_adopted, confirm
        self.doomed: list[CloudEndpoint] = []
        self.in_atlas: list[str] = []
        self.service_doomed = False
        self.is_refused = False
        self._is_service_ours = False
        self._left: list[str] = []
        self._postponed = False

    def steps(self) -> tuple[StepWork, ...]:
        """The steps, in their order."""
        delete = (Step.DELETE_ENDPOINT, self.delete_endpoints)
        last = (Step.DELETE_CLOUD_ENDPOINT, self.delete_cloud_endpoints)
        if isinstance(self.side, AsyncServerlessSide):
            return ((Step.PREFLIGHT, self.preflight), delete, last)
        return ((Step.PREFLIGHT, self.preflight), delete, (Step.DELETE_SERVICE, self.delete_endpoint_service), last)

    async def disconnect(self) -> Connection:
        """Deletes what is ours, or says what it would delete."""
        run = self.run
        await run.through(self.steps())
        # what Atlas said last was of something that is gone
        return replace(run.connection, status=None, planned=run.planning or self.is_refused)

    # step 0: the list

    async def preflight(self) -> Outcome:
        """Makes the list of what is deleted, and has it confirmed."""
        run = self.run
        await self.opening.prepare()
        rules = self.opening.rules
        if rules.has_failed:
            raise await self.opening.refusal()
        self._left, self.service_doomed = [], False
        if isinstance(self.side, AsyncServerlessSide):
            await self._list_serverless(self.side)
        elif isinstance(self.side, AsyncDedicatedSide):
            await self._list_dedicated(self.side)
        deletions = self._deletions()
        clusters = await rules.clusters_through([one.id for one in self.doomed] + self.in_atlas) if deletions else ()
        if isinstance(self.side, AsyncServerlessSide) and self.in_atlas:
            clusters = (run.connection.deployment_name,)
        run.know(deletions=deletions, clusters=clusters, left=tuple(self._left))
        if self.doomed:
            run.know(cloud_endpoint_id=self.doomed[0].id)
        if run.planning or not deletions or self.confirm is None:
            return "check", f"{len(deletions)} to delete"
        asked = monotonic()
        answer = await value_of(self.confirm(replace(run.connection, planned=True)))
        # whoever reads the list takes no time from the deletions
        run.began += monotonic() - asked
        if not answer:
            self.is_refused = True
            return "skip", "not confirmed"
        return "check", f"{len(deletions)} to delete, confirmed"

    async def _ours(self) -> Sequence[CloudEndpoint]:
        run = self.run
        found: Sequence[CloudEndpoint] = await run.in_cloud(run.cloud.find_ours, run.connection.group_id)
        return found

    def _of_those_found(self, found: Sequence[CloudEndpoint]) -> list[CloudEndpoint]:
        """What may be deleted of what leads from this network to the service."""
        # one of ours with a name of its own is another connection
        ours = [one for one in found if is_of(self.run.cloud, one)]
        foreign = [one for one in found if not one.is_ours]
        if self.delete_adopted:
            return [*ours, *foreign]
        if foreign and not ours:
            named = "; ".join(_described(one) for one in foreign)
            way = "to delete it all the same, pass delete_adopted=True (--delete-adopted)"
            raise NotOwned(f"nothing was deleted: {named}; {way}", endpoint=foreign[0])
        self._left += [_described(one) for one in foreign]
        return ours

    def _is_begun(self, endpoint: CloudEndpoint) -> bool:
        service_id = self.run.connection.endpoint_service_id
        return service_id is not None and endpoint.service_id == service_id and endpoint.phase != "gone"

    async def _list_dedicated(self, side: AsyncDedicatedSide) -> None:
        run = self.run
        ours = await self._ours()
        dead = await orphans(side, ours, deleting=True)
        await side.look()
        service = side.reach()
        found = [] if service is None else list(await run.in_cloud(run.cloud.find, service))
        # what an interrupted creation has left does not lead anywhere yet
        known = {one.id.lower() for one in found}
        found += [one for one in ours if self._is_begun(one) and one.id.lower() not in known]
        doomed = self._of_those_found(found)
        registered = list(side.registered())
        self.in_atlas = [known for known in registered if any(same_id(known, one.id) for one in doomed)]
        others = [known for known in registered if known not in self.in_atlas]
        self.doomed = [*doomed, *dead]
        if side.service is None:
            return
        is_ours = any(one.service_created and one.service_id == side.service.id for one in doomed)
        self._is_service_ours = is_ours
        is_last = bool(self.in_atlas) and not await side.serves_others(*self.in_atlas)
        name = f"endpoint service {side.service.id}"
        if is_last:
            if self.delete_service is False or (self.delete_service is None and not is_ours):
                is_asked = self.delete_service is False
                why = "delete_service=False was asked for" if is_asked else "this connection did not create the service"
                rule = f"{', '.join(self.in_atlas)} is the last endpoint of {name}, and Atlas deletes a service with it"
                way = "to delete both, pass delete_service=True (--delete-service)"
                raise NotOwned(f"{rule}; {why}. Nothing was deleted; {way}", endpoint=side.service)
            self.service_doomed = True
        elif not others:
            self.service_doomed = is_ours if self.delete_service is None else self.delete_service
            if not self.service_doomed:
                why = "delete_service=False was asked for" if is_ours else "this connection did not create it"
                way = "to delete it, pass delete_service=True (--delete-service)"
                self._left.append(f"{name}: has no endpoint, and {why}; {way}")
        elif not self.doomed:
            # of another account, of another name, or gone in the cloud: nobody can see from here
            way = "if no cloud has it any more, delete it with `atlas.dedicated.delete_endpoint`"
            self._left += [
                f"{known}: registered with {name}, and not created for {run.cloud.network} by this package; {way}"
                for known in others
            ]
        else:
            way = "; this connection created it: disconnect the last one with delete_service=True" if is_ours else ""
            self._left.append(f"{name}: serves {', '.join(others)}{way}")

    async def _list_serverless(self, side: AsyncServerlessSide) -> None:
        run = self.run
        doomed: list[CloudEndpoint] = await orphans(side, await self._ours(), deleting=True)
        self.in_atlas = []
        shown: dict[str, tuple[CloudEndpoint, ServerlessEndpoint]] = {}
        for endpoint in await side.all_endpoints():
            told = endpoint.cloud_provider_endpoint_id
            is_own_comment = endpoint.comment == side.own_comment()
            if told is None:
                if is_own_comment:
                    self.in_atlas.append(endpoint.id)
                    doomed += await self._unregistered(f"serverless/{run.connection.instance_name}/{endpoint.id}")
                continue
            seen: CloudEndpoint | None = await run.in_cloud(run.cloud.describe, told)
            if seen is not None and seen.network == run.cloud.network:
                shown[seen.id] = seen, endpoint
            elif is_own_comment:
                way = "if the cloud has it no more, delete it with `atlas.delete_endpoint`"
                self._left.append(f"{endpoint.id}: registered with {told}, which is not seen; {way}")
        for one in self._of_those_found([seen for seen, _ in shown.values()]):
            endpoint = shown[one.id][1]
            self.in_atlas.append(endpoint.id)
            run.know(endpoint_id=endpoint.id, endpoint_service_name=endpoint.endpoint_service_name)
            if one.phase != "gone":
                doomed.append(one)
        self.doomed = list({one.id: one for one in doomed}.values())

    async def _unregistered(self, service_id: str) -> list[CloudEndpoint]:
        """What a run has created for a reservation, and was killed before it told Atlas."""
        ours = await self.run.in_cloud(self.run.cloud.find_ours, self.run.connection.group_id)
        return [one for one in ours if one.service_id == service_id and one.phase != "gone"]

    def _deletions(self) -> tuple[Deletion, ...]:
        run, found = self.run, list[Deletion]()
        name = run.connection.instance_name
        of = f"of {name}" if name is not None else f"of endpoint service {run.connection.endpoint_service_id}"
        for known in self.in_atlas:
            is_ours = any(one.is_ours for one in self.doomed if name is not None or same_id(one.id, known))
            found.append(Deletion("endpoint", known, f"in Atlas, {of}", is_ours or not self.doomed))
        if self.service_doomed:
            service_id = run.connection.endpoint_service_id or ""
            detail = f"in Atlas, {run.connection.cloud_provider} {run.connection.region}"
            found.append(Deletion("endpoint service", service_id, detail, self._is_service_ours))
        found += [Deletion("cloud endpoint", one.id, _described(one), one.is_ours) for one in self.doomed]
        return tuple(found)

    # the deletions

    async def delete_endpoints(self) -> Outcome:
        """Deletes Atlas's endpoints."""
        if not self.in_atlas:
            return "skip", "there is none"
        if self._is_only_shown:
            return "delete", ", ".join(self.in_atlas)
        await self._check_again()
        try:
            await self._delete_in_atlas()
        except Conflict as refused:
            # Atlas wants the cloud's endpoint to go first
            self._postponed = True
            return "skip", f"Atlas refuses as long as the cloud's endpoint is there: {refused}"
        return "delete", ", ".join(self.in_atlas)

    async def _check_again(self) -> None:
        """Looks once more, right before the first deletion: the list may have been read for long.

        Raises:
            NotOwned: Something is not what it was, or a service that is not on the list would go, too.
        """
        run, side = self.run, self.side
        for one in self.doomed:
            now: CloudEndpoint | None = await run.in_cloud(run.cloud.describe, one.id)
            if one.is_ours and now is not None and now.phase != "gone" and not now.is_ours:
                raise NotOwned(f"nothing was deleted: {one.id} has lost its mark", endpoint=now)
        if not isinstance(side, AsyncDedicatedSide) or self.service_doomed:
            return
        service_id = run.connection.endpoint_service_id
        await side.look()
        is_there = side.service is not None and side.service.id == service_id and bool(side.registered())
        if is_there and not await side.serves_others(*self.in_atlas):
            rule = f"{', '.join(self.in_atlas)} is the last endpoint of endpoint service {service_id} by now"
            way = "to delete both, pass delete_service=True (--delete-service)"
            raise NotOwned(f"nothing was deleted: {rule}, and Atlas deletes a service with it; {way}")
        run.know(endpoint_service_id=service_id)

    async def _delete_in_atlas(self) -> None:
        for known in self.in_atlas:
            if isinstance(self.side, AsyncDedicatedSide):
                await self.side.delete_endpoint(known)
            elif isinstance(self.side, AsyncServerlessSide):
                self.run.know(endpoint_id=known)
                await self.side.delete(known)

    async def delete_endpoint_service(self) -> Outcome:
        """Deletes the endpoint service, where it is on the list and nothing else has come to use it."""
        if self._postponed and self.service_doomed:
            return "skip", "after the cloud's endpoint"
        return await self._delete_service()

    async def _delete_service(self) -> Outcome:
        side, service_id = self.side, self.run.connection.endpoint_service_id
        if not self.service_doomed or not isinstance(side, AsyncDedicatedSide):
            return "skip", "there is none" if side.registered() == () and service_id is None else f"{service_id} stays"
        if self._is_only_shown:
            return "delete", service_id or ""
        if not await side.delete_service():
            others = ", ".join(side.registered())
            self.run.know(left=(*self.run.connection.left, f"endpoint service {service_id}: in use again by {others}"))
            return "skip", f"{service_id} is in use again by {others}"
        return "delete", service_id or ""

    async def delete_cloud_endpoints(self) -> Outcome:
        """Deletes the cloud's endpoints, and waits until they are gone."""
        run = self.run
        if not self.doomed:
            return "skip", "there is none"
        named = ", ".join(one.id for one in self.doomed)
        if self._is_only_shown:
            return "delete", named
        for one in self.doomed:
            run.know(cloud_endpoint_id=one.id)
            if one.phase != "deleting":
                await run.in_cloud(run.cloud.delete, one)
        for one in self.doomed:
            await until_gone(run, one)
        if self._postponed:
            before = run.connection.left
            # if this fails, no mark says any more whose they are
            remain = [f"{known}: still registered with Atlas; delete it there" for known in self.in_atlas]
            run.know(left=(*before, *remain))
            await self._delete_in_atlas()
            await self._delete_service()
            run.know(left=before)
            self._postponed = False
        return "delete", named

    @property
    def _is_only_shown(self) -> bool:
        return self.run.planning or self.is_refused


def _described(endpoint: CloudEndpoint) -> str:
    tags = ", ".join(f"{key}={value}" for key, value in endpoint.tags)
    by = "" if endpoint.made_by is None else f" ({endpoint.made_by})"
    whose = f"created by this package{by}" if endpoint.is_ours else "not created by this package"
    return f"{endpoint.id} ({endpoint.status}; {whose}; tags: {tags or 'none'})"
