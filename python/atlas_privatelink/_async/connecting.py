"""From nothing to a private connection string, and back: both halves of a private endpoint, whatever the cloud.

Nothing is stored: what was done before is found on both sides, so that a `connect` that was killed anywhere goes on
when it is called again. See `docs/decisions/connect.md`.
"""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from .. import errors
from .._core import cloud_region
from ..cloud import ServiceToReach
from ..errors import ApiError, AtlasError, CloudError, EndpointFailed, NotFound, ValidationError, WaitTimeout
from ..models.connection import Connection, ConnectionProgress, Step, StepTaken
from .blocking import run_blocking, sleep
from .calls import notebook_table, reached
from .client import AsyncClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from ..cloud import Cloud
    from ..models import ConnectionStrings, EndpointService, ServerlessEndpoint, WaitProgress
    from ..models.connection import Action, CloudEndpoint

    Outcome = tuple[Action, str]

__all__ = ["connected", "disconnected"]

# a cloud that has just made an endpoint may not show it yet
_MISSES_ALLOWED = 3
# what ends by itself, and says nothing about the endpoint
_OUTAGES = (errors.ConnectionError, errors.RateLimited, errors.ServerError, errors.UnexpectedResponse)
# in which several calls that began at the same moment agree on one reservation
_ROUNDS_OF_AGREEMENT = 5


async def connected(
    atlas: AsyncClient | None, cloud: Cloud, group_id: str, *, plan: bool, **options: Any
) -> Connection:
    """What `connect` returns, on any cloud."""
    client = atlas or AsyncClient()
    try:
        connecting = _connecting(client, cloud, group_id, **options)
        return await (connecting.plan() if plan else connecting.connect())
    finally:
        if atlas is None:
            await client.aclose()


async def disconnected(
    atlas: AsyncClient | None, cloud: Cloud, group_id: str, *, keep_service: bool, **options: Any
) -> Connection:
    """What `disconnect` returns, on any cloud."""
    client = atlas or AsyncClient()
    try:
        return await _connecting(client, cloud, group_id, **options).disconnect(keep_service=keep_service)
    finally:
        if atlas is None:
            await client.aclose()


def _connecting(
    atlas: AsyncClient,
    cloud: Cloud,
    group_id: str,
    *,
    cluster_name: str | None,
    instance_name: str | None,
    region: str | None,
    comment: str | None,
    timeout: float,
    on_progress: Callable[[ConnectionProgress], object] | None,
) -> AsyncConnecting:
    _check_kind(atlas)
    if (cluster_name is None) == (instance_name is None):
        rule = "give either cluster_name (a dedicated cluster) or instance_name (a serverless instance)"
        raise ValidationError(rule, field="cluster_name")
    kind = AsyncServerlessConnecting if cluster_name is None else AsyncDedicatedConnecting
    connection = Connection(group_id, cluster_name, instance_name, cloud.provider, region)
    on_progress = on_progress or notebook_table("", {"deployment": connection.deployment_name})
    return kind(atlas, cloud, connection, comment=comment, timeout=timeout, on_progress=on_progress)


def _check_kind(atlas: object) -> None:
    if not isinstance(atlas, AsyncClient):
        raise ValidationError(f"atlas must be a client of the kind AsyncClient, got {atlas!r}", field="atlas")


class AsyncConnecting:
    """One `connect` or `disconnect`: what is known so far, and who is told of it."""

    steps: tuple[Step, ...] = ()

    def __init__(
        self,
        atlas: AsyncClient,
        cloud: Cloud,
        connection: Connection,
        *,
        comment: str | None,
        timeout: float,
        on_progress: Callable[[ConnectionProgress], object] | None,
    ) -> None:
        self.atlas, self.cloud, self.connection = atlas, cloud, connection
        self.comment, self.timeout, self.on_progress = comment, timeout, on_progress
        self.began = self.step_began = monotonic()
        self.cloud_endpoint: CloudEndpoint | None = None
        self.misses = 0
        self.step: Step | None = None
        self.refused_event: BaseException | None = None
        self.keep_service = False
        self.check_arguments()

    # what serverless instances and dedicated clusters do each in their own way

    def check_arguments(self) -> None:
        """Refuses what breaks a rule of Atlas's, before anything is sent."""
        raise NotImplementedError

    async def find(self) -> bool:
        """Looks for what Atlas has of it already, and says whether there is anything."""
        raise NotImplementedError

    async def reserve(self) -> Outcome:
        """Creates or adopts it in Atlas."""
        raise NotImplementedError

    async def name_service(self) -> Outcome:
        """Waits until the cloud's endpoint can be created."""
        raise NotImplementedError

    def service(self) -> ServiceToReach | None:
        """What the cloud's endpoint is to lead to, once Atlas has named it."""
        raise NotImplementedError

    def told(self) -> str | None:
        """The endpoint of the cloud that Atlas was told of, where it says which one is ours."""
        raise NotImplementedError

    def knows(self, endpoint_id: str) -> bool:
        """Whether Atlas was told of that endpoint of the cloud."""
        raise NotImplementedError

    def reservation(self) -> str:
        """What `reserve` is about, in words."""
        raise NotImplementedError

    async def tell_atlas(self) -> Outcome:
        """Tells Atlas of the cloud's endpoint."""
        raise NotImplementedError

    async def accept(self) -> Outcome:
        """Waits until Atlas has accepted it."""
        raise NotImplementedError

    async def read_connection_strings(self) -> ConnectionStrings:
        """Waits for the connection strings."""
        raise NotImplementedError

    async def endpoints_to_delete(self) -> list[str]:
        """The cloud's endpoints to delete."""
        raise NotImplementedError

    async def delete_endpoint(self) -> Outcome:
        """Deletes the endpoint in Atlas."""
        raise NotImplementedError

    # what they have in common

    async def connect(self) -> Connection:
        """Does what is not done yet."""
        return await self._through(
            (Step.RESERVE, self.reserve),
            (Step.NAME_SERVICE, self.name_service),
            (Step.CREATE_CLOUD_ENDPOINT, self.create_cloud_endpoint),
            (Step.TELL_ATLAS, self.tell_atlas),
            (Step.ACCEPT, self.accept),
            (Step.CONNECTION_STRING, self.await_connection_strings),
        )

    async def disconnect(self, *, keep_service: bool) -> Connection:
        """Undoes what is there, in the order that works."""
        self.keep_service = keep_service
        connection = await self._through(
            (Step.DELETE_CLOUD_ENDPOINT, self.delete_cloud_endpoint),
            (Step.DELETE_ENDPOINT, self.delete_endpoint),
            *self.further_deletions(),
        )
        # what Atlas said last was of something that is gone
        return replace(connection, status=None)

    def further_deletions(self) -> tuple[tuple[Step, Callable[[], Awaitable[Outcome]]], ...]:
        """What there is to delete beside the endpoints."""
        return ()

    async def plan(self) -> Connection:
        """What `connect` would do."""
        try:
            await run_blocking(self.cloud.check)
            steps = await self._planned()
        except AtlasError as error:
            self._say_what_is_known(error)
            raise
        return replace(self.connection, steps=tuple(steps), planned=True)

    async def _planned(self) -> list[StepTaken]:
        found = await self.find()
        service = self.service()
        steps = [StepTaken(Step.RESERVE, "adopt" if found else "create", self.reservation())]
        if service is None:
            steps.append(StepTaken(Step.NAME_SERVICE, "wait", "until Atlas has named its service"))
        else:
            steps.append(StepTaken(Step.NAME_SERVICE, "skip", service.name))
        known = self.told()
        there = None
        if service is not None:
            there = await run_blocking(self.cloud.describe, known) if known else None
            there = there or await run_blocking(self.cloud.adopt, service)
        if there is None:
            steps.append(StepTaken(Step.CREATE_CLOUD_ENDPOINT, "create", self.cloud.planned(service)))
        else:
            steps.append(StepTaken(Step.CREATE_CLOUD_ENDPOINT, "adopt", f"{there.id} ({there.status})"))
        if there is not None and self.knows(there.id):
            steps.append(StepTaken(Step.TELL_ATLAS, "skip", f"Atlas knows {there.id}"))
        else:
            steps.append(StepTaken(Step.TELL_ATLAS, "tell", "the id of the cloud's endpoint"))
        steps.append(StepTaken(Step.ACCEPT, "wait", "until it is AVAILABLE"))
        steps.append(StepTaken(Step.CONNECTION_STRING, "wait", f"for {self.connection.deployment_name}'s string"))
        return steps

    async def create_cloud_endpoint(self) -> Outcome:
        """Creates or adopts the cloud's endpoint, and waits until Atlas can be told of it."""
        service, known = self.service(), self.told()
        if service is None:
            raise EndpointFailed("Atlas has named no service to create an endpoint for")
        action: Action = "adopt"
        if known is not None:
            endpoint = await run_blocking(self.cloud.describe, known)
            if endpoint is None or not endpoint.is_alive:
                state = "not there any more" if endpoint is None else endpoint.status
                why = f"Atlas was told of {known}, which is {state}: disconnect, and connect again"
                raise EndpointFailed(why, endpoint=endpoint)
        else:
            endpoint = await run_blocking(self.cloud.adopt, service)
        if endpoint is None:
            action = "create"
            endpoint = await run_blocking(self.cloud.create, service)
        self._know_cloud_endpoint(endpoint)
        await self._until_created(endpoint)
        return action, f"{endpoint.id}"

    async def _until_created(self, endpoint: CloudEndpoint) -> None:
        delay = 0.1
        while endpoint.phase == "creating":
            self._waiting(next_look=delay)
            delay = await self._pause(delay, f"{endpoint.id} is still {endpoint.status}")
            await self.watch_cloud_endpoint()
            endpoint = self.cloud_endpoint or endpoint

    async def watch_cloud_endpoint(self) -> None:
        """Looks at the cloud's endpoint, and raises `EndpointFailed` where waiting for it is in vain."""
        known = self.connection.cloud_endpoint_id or ""
        try:
            endpoint = await run_blocking(self.cloud.describe, known)
        except CloudError as error:
            # what is waited for comes from elsewhere
            self._waiting(trouble=str(error))
            return
        self.misses = self.misses + 1 if endpoint is None else 0
        if self.misses > _MISSES_ALLOWED:
            raise EndpointFailed(f"{known} is not there any more")
        if endpoint is None:
            return
        self._know_cloud_endpoint(endpoint)
        if not endpoint.is_alive:
            why = f": {endpoint.error_message}" if endpoint.error_message else ""
            raise EndpointFailed(f"{endpoint.id} is {endpoint.status}{why}", endpoint=endpoint)

    async def await_connection_strings(self) -> Outcome:
        """Waits for the connection strings."""
        # nobody looks at the cloud any more, and how it looked while Atlas accepted it is no news
        self.cloud_endpoint = None
        strings = await self.read_connection_strings()
        self._know(connection_strings=strings, status="AVAILABLE")
        return "wait", strings.srv or strings.standard or ""

    async def delete_cloud_endpoint(self) -> Outcome:
        """Deletes the cloud's endpoints, and waits until they are gone."""
        await self.find()
        doomed = await self.endpoints_to_delete()
        for endpoint_id in doomed:
            self._know(cloud_endpoint_id=endpoint_id)
            await run_blocking(self.cloud.delete, endpoint_id)
        delay = 0.1
        for endpoint_id in doomed:
            while (endpoint := await run_blocking(self.cloud.describe, endpoint_id)) and endpoint.phase != "gone":
                self._know_cloud_endpoint(endpoint)
                self._waiting(next_look=delay)
                delay = await self._pause(delay, f"{endpoint_id} is still {endpoint.status}")
        return ("delete", ", ".join(doomed)) if doomed else ("skip", "there is none")

    async def _through(self, *steps: tuple[Step, Callable[[], Awaitable[Outcome]]]) -> Connection:
        self.steps = tuple(step for step, _ in steps)
        try:
            await run_blocking(self.cloud.check)
            for step, work in steps:
                self.step, self.step_began = step, monotonic()
                self._know(status=None)
                self._event(step, "begun")
                # who cannot reach Atlas at all is to hear of it at once
                first = step is self.steps[0]
                action, detail = await (work() if first else self._through_outages(work))
                taken = StepTaken(step, action, detail, monotonic() - self.step_began)
                self._know(steps=(*self.connection.steps, taken))
                self._event(step, "done", action=action, detail=detail)
        except BaseException as error:
            if isinstance(error, AtlasError):
                self._say_what_is_known(error)
            if self.step is not None and error is not self.refused_event:
                self._event(self.step, "failed", trouble=str(error) or type(error).__name__)
            raise
        return self.connection

    async def _through_outages(self, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """A step's outcome. Each finds what it has done before, so it is begun again after an outage of Atlas."""
        delay = 1.0
        while True:
            try:
                return await work()
            except _OUTAGES as error:
                if error is self.refused_event or self.remaining() < delay:
                    raise
                self._waiting(trouble=str(error), next_look=delay)
            await sleep(delay)
            delay = min(delay * 1.6, 30.0)

    def _say_what_is_known(self, error: AtlasError) -> None:
        error.connection = self.connection
        known = self.connection.known()
        if known and not isinstance(error, ValidationError):
            error.args = (f"{error} [{self.connection.deployment_name}: {known}]", *error.args[1:])

    def _know(self, **fields: Any) -> None:
        self.connection = replace(self.connection, **fields)

    def _know_cloud_endpoint(self, endpoint: CloudEndpoint) -> None:
        self.cloud_endpoint = endpoint
        self._know(cloud_endpoint_id=endpoint.id)

    def remaining(self) -> float:
        """Seconds that are left."""
        return max(self.timeout - (monotonic() - self.began), 0.001)

    async def _pause(self, delay: float, what: str) -> float:
        if self.remaining() < delay:
            raise WaitTimeout(f"{what} after {self.timeout:g} s", endpoint=self.cloud_endpoint)
        await sleep(delay)
        return min(delay * 1.6, 5.0)

    def look(self, progress: WaitProgress) -> None:
        """Reports a look of a wait of Atlas's."""
        if progress.status is not None:
            self._know(status=str(progress.status))
        self._waiting(trouble=progress.trouble, next_look=progress.next_look)

    def _waiting(self, **facts: Any) -> None:
        if self.step is not None:
            self._event(self.step, "waiting", **facts)

    def _event(self, step: Step, state: Any, **facts: Any) -> None:
        if self.on_progress is None:
            return
        now = monotonic()
        event = ConnectionProgress(
            step=step,
            state=state,
            connection=self.connection,
            number=self.steps.index(step) + 1,
            count=len(self.steps),
            status=self.connection.status,
            cloud_status=None if self.cloud_endpoint is None else self.cloud_endpoint.status,
            elapsed=now - self.began,
            step_elapsed=now - self.step_began,
            **facts,
        )
        try:
            self.on_progress(event)
        except BaseException as error:
            self.refused_event = error
            raise


class AsyncServerlessConnecting(AsyncConnecting):
    """For a serverless instance: the endpoint's comment tells which one it is."""

    endpoint: ServerlessEndpoint | None = None

    def check_arguments(self) -> None:
        """Refuses what breaks a rule of Atlas's."""
        core = self.atlas._core
        core.call("create_endpoint", {**self.where(), "comment": self.comment}).check()
        arguments = {**self.where(), "endpoint_id": "vpce-0"}
        wait = core.wait("connection_string", arguments, until="AVAILABLE", timeout=self.timeout, reports=False)
        wait.step().check()

    def where(self) -> dict[str, Any]:
        """The instance, as arguments."""
        return {"group_id": self.connection.group_id, "instance_name": self.connection.instance_name or ""}

    def mark(self) -> str:
        """The comment that makes an endpoint ours."""
        if self.comment is not None:
            return self.comment
        comment = f"atlas-privatelink {self.cloud.network}"
        if len(comment) < 80:
            return comment
        from hashlib import sha256

        return f"atlas-privatelink {sha256(self.cloud.network.encode()).hexdigest()[:16]}"

    async def find(self) -> bool:
        """Looks for the endpoint that bears our comment."""
        self._choose(await self._ours())
        return self.endpoint is not None

    async def _ours(self) -> list[ServerlessEndpoint]:
        endpoints = await self.atlas.list_endpoints(**self.where())
        return [one for one in endpoints if one.comment == self.mark() and one.status not in ("FAILED", "DELETING")]

    def _choose(self, endpoints: list[ServerlessEndpoint]) -> None:
        # all who look choose the same one: what is connected stays, and of those that are not, the oldest
        chosen = min(endpoints, key=lambda one: (one.cloud_provider_endpoint_id is None, one.id), default=None)
        if chosen is not None:
            self._know_endpoint(chosen)

    def _know_endpoint(self, endpoint: ServerlessEndpoint) -> None:
        self.endpoint = endpoint
        region = self.connection.region
        name = endpoint.endpoint_service_name
        if name is not None and name.startswith("com.amazonaws.vpce."):
            region = name.split(".")[3]
        self._know(
            endpoint_id=endpoint.id,
            # on Azure, the name alone leads nowhere
            endpoint_service_name=endpoint.private_link_service_resource_id or name,
            cloud_endpoint_id=endpoint.cloud_provider_endpoint_id or self.connection.cloud_endpoint_id,
            status=str(endpoint.status),
            region=region,
        )

    def reservation(self) -> str:
        """The endpoint, in words."""
        if self.endpoint is None:
            return f"a private endpoint of {self.connection.instance_name} with the comment {self.mark()!r}"
        return f"endpoint {self.endpoint.id} ({self.endpoint.status})"

    async def reserve(self) -> Outcome:
        """Creates or adopts the endpoint."""
        if await self.find():
            return "adopt", self.reservation()
        self._know_endpoint(await self.atlas.create_endpoint(**self.where(), comment=self.mark(), if_exists="adopt"))
        return "create", self.reservation()

    async def name_service(self) -> Outcome:
        """Waits until the endpoint is RESERVED, and agrees on one with all who reserve at the same moment."""
        for _ in range(_ROUNDS_OF_AGREEMENT):
            before = self.connection.endpoint_id
            try:
                await self._until_reserved()
            except EndpointFailed:
                # another call has taken it for one too many
                if not await self.find() or self.connection.endpoint_id == before:
                    raise
                continue
            ours = await self._ours()
            self._choose(ours)
            if self.connection.endpoint_id == before:
                await self._delete_all_but_one(ours)
                break
        return "wait", self.connection.endpoint_service_name or ""

    async def _until_reserved(self) -> None:
        endpoint_id = self.connection.endpoint_id or ""
        endpoint = await self.atlas.wait_for_endpoint(
            **self.where(),
            endpoint_id=endpoint_id,
            until="RESERVED",
            timeout=self.remaining(),
            on_progress=self.look,
        )
        if endpoint is not None:
            self._know_endpoint(endpoint)

    async def _delete_all_but_one(self, ours: list[ServerlessEndpoint]) -> None:
        for one in ours:
            if one.id != self.connection.endpoint_id and one.cloud_provider_endpoint_id is None:
                try:
                    await self.atlas.delete_endpoint(**self.where(), endpoint_id=one.id)
                except NotFound:
                    continue  # another has done so

    def service(self) -> ServiceToReach | None:
        """What the cloud's endpoint is to lead to."""
        name, connection = self.connection.endpoint_service_name, self.connection
        return None if name is None else ServiceToReach(name, connection.group_id, connection.deployment_name)

    def told(self) -> str | None:
        """The endpoint of the cloud that Atlas was told of."""
        return None if self.endpoint is None else self.endpoint.cloud_provider_endpoint_id

    def knows(self, endpoint_id: str) -> bool:
        """Whether Atlas was told of that endpoint of the cloud."""
        return self.told() == endpoint_id

    async def tell_atlas(self) -> Outcome:
        """Updates the endpoint."""
        made = self.cloud_endpoint
        if made is None or self.endpoint is None:
            raise EndpointFailed("there is nothing to tell Atlas of")
        if self.knows(made.id):
            return "skip", f"Atlas knows {made.id}"
        endpoint_id = self.endpoint.id
        try:
            endpoint = await self.atlas.update_endpoint(
                **self.where(),
                endpoint_id=endpoint_id,
                cloud_provider_endpoint_id=made.id,
                private_endpoint_ip_address=made.private_endpoint_ip_address,
            )
        except ApiError:
            # another call may have told it the same a moment ago
            endpoint = await self.atlas.get_endpoint(**self.where(), endpoint_id=endpoint_id)
            if endpoint.cloud_provider_endpoint_id != made.id:
                raise
        self._know_endpoint(endpoint)
        return "tell", made.id

    async def accept(self) -> Outcome:
        """Waits until the endpoint is AVAILABLE, with an eye on the cloud."""
        endpoint: ServerlessEndpoint = await reached(
            self.atlas._core,
            "wait_for_endpoint",
            {**self.where(), "endpoint_id": self.connection.endpoint_id},
            until="AVAILABLE",
            timeout=self.remaining(),
            on_progress=self.look,
            watch=self.watch_cloud_endpoint,
        )
        self._know_endpoint(endpoint)
        return "wait", str(endpoint.status)

    async def read_connection_strings(self) -> ConnectionStrings:
        """Waits for the instance's connection strings."""
        return await self.atlas.connection_string(
            **self.where(),
            endpoint=self.connection.cloud_endpoint_id or "",
            timeout=self.remaining(),
            on_progress=self.look,
        )

    async def endpoints_to_delete(self) -> list[str]:
        """The one that Atlas was told of, or was to be told of."""
        known, service = self.told(), self.service()
        if known is not None:
            return [known]
        unknown = None if service is None else await run_blocking(self.cloud.adopt, service)
        return [] if unknown is None else [unknown.id]

    async def delete_endpoint(self) -> Outcome:
        """Deletes all endpoints that bear our comment, and waits until they are gone."""
        endpoints = await self.atlas.list_endpoints(**self.where())
        ours = [one for one in endpoints if one.comment == self.mark()]
        for one in ours:
            self._know(endpoint_id=one.id)
            if one.status != "DELETING":
                try:
                    await self.atlas.delete_endpoint(**self.where(), endpoint_id=one.id)
                except NotFound:
                    continue  # another has done so
        for one in ours:
            await self.atlas.wait_for_endpoint(
                **self.where(),
                endpoint_id=one.id,
                until="DELETED",
                timeout=self.remaining(),
                on_progress=self.look,
            )
        return ("delete", ", ".join(one.id for one in ours)) if ours else ("skip", "there is none")


class AsyncDedicatedConnecting(AsyncConnecting):
    """For a dedicated cluster: a project has one endpoint service per region, which all its clusters share."""

    endpoint_service: EndpointService | None = None
    doomed: list[str]

    def check_arguments(self) -> None:
        """Refuses what breaks a rule of Atlas's."""
        if self.connection.region is None:
            raise ValidationError("region is needed for a dedicated cluster", field="region")
        if self.comment is not None:
            raise ValidationError("comment goes with instance_name: dedicated clusters have none", field="comment")
        core = self.atlas._core
        core.call("dedicated.create_service", {**self.where(), "region": self.connection.region}).check()
        arguments = {
            "group_id": self.connection.group_id,
            "cluster_name": self.connection.cluster_name,
            "endpoint_id": "vpce-0",
        }
        operation = "dedicated.connection_string"
        wait = core.wait(operation, arguments, until="AVAILABLE", timeout=self.timeout, reports=False)
        wait.step().check()

    def where(self) -> dict[str, Any]:
        """The project and the cloud, as arguments."""
        return {"group_id": self.connection.group_id, "provider": self.cloud.provider}

    async def find(self) -> bool:
        """Looks for the region's endpoint service."""
        for service in await self._services():
            if service.status != "DELETING":
                self._know_service(service)
        return self.endpoint_service is not None

    async def _services(self) -> list[EndpointService]:
        region = cloud_region(self.cloud.provider, self.connection.region or "")
        services = await self.atlas.dedicated.list_services(**self.where())
        return [service for service in services if service.region == region]

    async def _until_deleted(self, service_id: str) -> None:
        await self.atlas.dedicated.wait_for_service(
            **self.where(), service_id=service_id, until="DELETED", timeout=self.remaining(), on_progress=self.look
        )

    def _know_service(self, service: EndpointService) -> None:
        self.endpoint_service = service
        self._know(endpoint_service_id=service.id, status=str(service.status), region=service.region)
        reach = self.service()
        if reach is not None:
            self._know(endpoint_service_name=reach.name)

    def reservation(self) -> str:
        """The service, in words."""
        if self.endpoint_service is None:
            return f"an endpoint service in {self.connection.region}"
        return f"endpoint service {self.endpoint_service.id} ({self.endpoint_service.status})"

    async def reserve(self) -> Outcome:
        """Creates or adopts the endpoint service."""
        if await self.find():
            return "adopt", self.reservation()
        for service in await self._services():
            if service.status == "DELETING":
                await self._until_deleted(service.id)
        region = self.connection.region or ""
        self._know_service(await self.atlas.dedicated.create_service(**self.where(), region=region, if_exists="adopt"))
        return "create", self.reservation()

    async def name_service(self) -> Outcome:
        """Waits until the service is ready for an endpoint."""
        service = await self.atlas.dedicated.wait_for_service(
            **self._service_of_ours(),
            timeout=self.remaining(),
            on_progress=self.look,
        )
        if service is not None:
            self._know_service(service)
        return "wait", self.connection.endpoint_service_name or ""

    def service(self) -> ServiceToReach | None:
        """What the cloud's endpoint is to lead to."""
        known: Any = self.endpoint_service
        if known is None or known.status not in ("AVAILABLE", "WAITING_FOR_USER"):
            return None
        attachments: tuple[str, ...] = getattr(known, "service_attachment_names", ())
        name = getattr(known, "endpoint_service_name", None) or getattr(
            known, "private_link_service_resource_id", attachments[0] if attachments else None
        )
        if name is None:
            return None
        return ServiceToReach(name, self.connection.group_id, self.connection.deployment_name, attachments)

    def _endpoints_known(self) -> tuple[str, ...]:
        for name in ("interface_endpoints", "private_endpoints", "endpoint_group_names"):
            known: tuple[str, ...] = getattr(self.endpoint_service, name, ())
            if known:
                return known
        return ()

    def told(self) -> str | None:
        """Nothing: Atlas does not say which of the endpoints it knows is in which network."""
        return None

    def knows(self, endpoint_id: str) -> bool:
        """Whether Atlas was told of that endpoint of the cloud."""
        return endpoint_id in self._endpoints_known()

    async def tell_atlas(self) -> Outcome:
        """Creates the endpoint in Atlas."""
        made = self.cloud_endpoint
        if made is None:
            raise EndpointFailed("there is nothing to tell Atlas of")
        await self.atlas.dedicated.create_endpoint(
            **self._service_of_ours(),
            endpoint_id=made.id,
            if_exists="adopt",
            private_endpoint_ip_address=made.private_endpoint_ip_address,
            gcp_project_id=made.gcp_project_id,
            endpoints=made.endpoints or None,
        )
        return ("skip", f"Atlas knows {made.id}") if self.knows(made.id) else ("tell", made.id)

    async def accept(self) -> Outcome:
        """Waits until the endpoint is AVAILABLE, with an eye on the cloud."""
        endpoint = await reached(
            self.atlas._core,
            "dedicated.wait_for_endpoint",
            {**self._service_of_ours(), "endpoint_id": self.connection.cloud_endpoint_id},
            until="AVAILABLE",
            timeout=self.remaining(),
            on_progress=self.look,
            watch=self.watch_cloud_endpoint,
        )
        self._know(status=str(endpoint.status))
        return "wait", str(endpoint.status)

    def _service_of_ours(self) -> dict[str, Any]:
        return {**self.where(), "service_id": self.connection.endpoint_service_id or ""}

    async def read_connection_strings(self) -> ConnectionStrings:
        """Waits for the cluster's connection strings."""
        return await self.atlas.dedicated.connection_string(
            self.connection.group_id,
            self.connection.cluster_name or "",
            self.connection.cloud_endpoint_id or "",
            timeout=self.remaining(),
            on_progress=self.look,
        )

    def further_deletions(self) -> tuple[tuple[Step, Callable[[], Awaitable[Outcome]]], ...]:
        """The endpoint service."""
        return ((Step.DELETE_SERVICE, self.delete_service),)

    async def endpoints_to_delete(self) -> list[str]:
        """The one in our network, and those that Atlas still knows and the cloud shows as deleted."""
        service = self.service()
        ours = None if service is None else await run_blocking(self.cloud.adopt, service)
        doomed = [] if ours is None else [ours.id]
        for known in self._endpoints_known():
            if known not in doomed:
                endpoint = await run_blocking(self.cloud.describe, known)
                if endpoint is not None and not endpoint.is_alive:
                    doomed.append(known)
        self.doomed = doomed
        return doomed

    async def delete_endpoint(self) -> Outcome:
        """Deletes the endpoints in Atlas, and waits until they are gone."""
        deleted = [known for known in self._endpoints_known() if known in self.doomed]
        for endpoint_id in deleted:
            try:
                await self.atlas.dedicated.delete_endpoint(**self._service_of_ours(), endpoint_id=endpoint_id)
            except NotFound:
                continue  # another has done so
            await self.atlas.dedicated.wait_for_endpoint(
                **self._service_of_ours(),
                endpoint_id=endpoint_id,
                until="DELETED",
                timeout=self.remaining(),
                on_progress=self.look,
            )
        return ("delete", ", ".join(deleted)) if deleted else ("skip", "there is none")

    async def delete_service(self) -> Outcome:
        """Deletes the endpoint service, where nothing else uses it."""
        others = [known for known in self._endpoints_known() if known not in self.doomed]
        deleted: list[str] = []
        for service in await self._services():
            if self.keep_service:
                return "skip", f"{service.id} is kept"
            if others:
                return "skip", f"{service.id} serves {', '.join(others)}"
            try:
                if service.status != "DELETING":
                    await self.atlas.dedicated.delete_service(**self.where(), service_id=service.id)
            except NotFound:
                continue  # another has done so
            await self._until_deleted(service.id)
            deleted.append(service.id)
        return ("delete", ", ".join(deleted)) if deleted else ("skip", "there is none")
