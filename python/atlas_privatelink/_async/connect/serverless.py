"""Atlas's side of a serverless instance: each endpoint has a service of its own, and a comment to find it by."""

from __future__ import annotations

from ...clouds.base import ServiceToReach
from ...clouds.ownership import identity_digest
from ...errors import (
    ApiError,
    EndpointFailed,
    Gone,
    InstanceNotFound,
    NotFound,
    NotServerless,
    ValidationError,
)
from ..calls import reached
from .side import AsyncAtlasSide, ServiceVanished, same_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any

    from ...models import ConnectionStrings, ServerlessEndpoint
    from ...models.connection import Check, CloudEndpoint
    from .run import AsyncRun, Outcome

__all__ = ["AsyncServerlessSide"]

# in which several calls that began at the same moment agree on one reservation
_ROUNDS_OF_AGREEMENT = 5
_LONGEST_COMMENT = 79


class AsyncServerlessSide(AsyncAtlasSide):
    """Atlas's side of a serverless instance.

    Args:
        run: The run that it belongs to.
        comment: What the user wants to read in Atlas; with the network it makes the comment of a reservation.
        made_by: Who creates it in which run.
    """

    def __init__(self, run: AsyncRun, *, comment: str | None = None, made_by: str | None = None) -> None:
        super().__init__(run)
        self.comment, self.made_by = comment, made_by
        self.endpoint: ServerlessEndpoint | None = None
        self._vanishing: set[str] = set()

    @property
    def _where(self) -> dict[str, Any]:
        return {"group_id": self.run.connection.group_id, "instance_name": self.run.connection.instance_name or ""}

    def check_arguments(self) -> None:
        """Refuses what breaks a rule of Atlas's, before anything is sent."""
        core = self.run.atlas._core
        core.call("create_endpoint", {**self._where, "comment": self.comment}).check()
        if self.comment is not None and len(self.comment) + len(self._suffix()) > _LONGEST_COMMENT:
            most = _LONGEST_COMMENT - len(self._suffix())
            rule = f"comment must have at most {most} characters: what tells the network is added"
            raise ValidationError(rule, field="comment")

    def _suffix(self) -> str:
        return f" {identity_digest(self._network)[:8]}"

    @property
    def _network(self) -> str:
        return self.run.cloud.network

    def own_comment(self) -> str:
        """The comment of a reservation for this network: two networks never share one."""
        if self.comment is not None:
            return f"{self.comment}{self._suffix()}"
        comment = f"atlas-privatelink {self._network}"
        if len(comment) <= _LONGEST_COMMENT:
            return comment
        return f"atlas-privatelink {identity_digest(self._network)}"

    async def look(self) -> None:
        """Looks for the endpoint that leads to this network, or is reserved for it."""
        endpoints = [one for one in await self._alive() if one.id not in self._vanishing]
        connected = [one for one in endpoints if await self._is_in_this_network(one)]
        self.endpoint = None
        self._choose(connected or self._reserved(endpoints))

    async def _alive(self) -> list[ServerlessEndpoint]:
        endpoints = await self.run.atlas.list_endpoints(**self._where)
        return [one for one in endpoints if one.status not in ("FAILED", "DELETING")]

    async def _is_in_this_network(self, endpoint: ServerlessEndpoint) -> bool:
        known = endpoint.cloud_provider_endpoint_id
        if known is None:
            return False
        if endpoint.comment == self.own_comment():
            return True
        shown: CloudEndpoint | None = await self.run.in_cloud(self.run.cloud.describe, known)
        return shown is not None and shown.network == self._network

    def _reserved(self, endpoints: Sequence[ServerlessEndpoint]) -> list[ServerlessEndpoint]:
        comment = self.own_comment()
        return [one for one in endpoints if one.cloud_provider_endpoint_id is None and one.comment == comment]

    def _choose(self, endpoints: Sequence[ServerlessEndpoint]) -> None:
        # all who look choose the same one: the oldest
        chosen = min(endpoints, key=lambda one: (one.cloud_provider_endpoint_id is None, one.id), default=None)
        if chosen is not None:
            self._know(chosen)

    def _know(self, endpoint: ServerlessEndpoint) -> None:
        self.endpoint = endpoint
        region = self.run.connection.region
        name = endpoint.endpoint_service_name
        if name is not None and name.startswith("com.amazonaws.vpce."):
            region = name.split(".")[3]
        self.run.know(
            endpoint_id=endpoint.id,
            # on Azure, the name alone leads nowhere
            endpoint_service_name=endpoint.private_link_service_resource_id or name,
            cloud_endpoint_id=endpoint.cloud_provider_endpoint_id or self.run.connection.cloud_endpoint_id,
            status=str(endpoint.status),
            region=region,
        )

    async def checks(self, *, creating: bool, removed: int = 0) -> list[Check]:
        """Nothing: whether there is the instance was seen when its endpoints were listed."""
        return []

    def bill(self) -> str:
        """What Atlas bills by the hour."""
        return f"MongoDB: 1 private endpoint of {self.run.connection.instance_name}, plus traffic"

    def reach(self) -> ServiceToReach | None:
        """What the cloud's endpoint leads to."""
        endpoint, connection = self.endpoint, self.run.connection
        name = None if endpoint is None else connection.endpoint_service_name
        if endpoint is None or name is None:
            return None
        return ServiceToReach(
            name,
            connection.group_id,
            f"{self._marked_instance}{endpoint.id}",
            region=connection.region,
            made_by=self.made_by,
        )

    @property
    def _marked_instance(self) -> str:
        return f"serverless/{self.run.connection.instance_name}/"

    def is_of_this_kind(self, service_id: str) -> bool:
        """Whether a mark is of this instance."""
        return service_id.startswith(self._marked_instance)

    async def is_live(self, service_id: str) -> bool:
        """Whether Atlas still has the endpoint that a mark names."""
        endpoint_id = service_id.removeprefix(self._marked_instance)
        endpoints = await self.all_endpoints()
        return any(one.id == endpoint_id and one.status not in ("FAILED", "DELETING") for one in endpoints)

    def told(self) -> str | None:
        """The endpoint of the cloud that Atlas was told of."""
        return None if self.endpoint is None else self.endpoint.cloud_provider_endpoint_id

    def knows(self, endpoint_id: str) -> bool:
        """Whether Atlas was told of that endpoint of the cloud."""
        return same_id(self.told(), endpoint_id)

    def registered(self) -> Sequence[str]:
        """The cloud's endpoint that Atlas was told of."""
        known = self.told()
        return () if known is None else (known,)

    async def reserve(self) -> Outcome:
        """Creates or adopts the endpoint."""
        run = self.run
        await self.look()
        if self.endpoint is not None:
            run.know(endpoint_origin=run.connection.endpoint_origin or "adopted")
            return "adopt", f"endpoint {self.endpoint.id} ({self.endpoint.status})"
        comment = self.own_comment()
        if run.planning:
            return "create", f"a private endpoint of {run.connection.instance_name} with the comment {comment!r}"
        made = await run.atlas.create_endpoint(**self._where, comment=comment, if_exists="create")
        created = made.response is not None and made.response.method == "POST"
        self._know(made)
        run.know(endpoint_origin="created" if created else "adopted")
        return "create", f"endpoint {made.id} ({made.status})"

    async def name_service(self) -> Outcome:
        """Waits until the endpoint is RESERVED, and agrees on one with all who reserve for this network."""
        run, reach = self.run, self.reach()
        if self.told() is not None and reach is not None:
            return "skip", reach.name
        if run.planning:
            return ("wait", "until Atlas has named its service") if reach is None else ("skip", reach.name)
        for _ in range(_ROUNDS_OF_AGREEMENT):
            before = run.connection.endpoint_id
            try:
                await self._until_reserved()
            except EndpointFailed:
                # another call has taken it for one too many
                self.endpoint = None
                await self.look()
                if self.endpoint is None or run.connection.endpoint_id == before:
                    raise
                run.know(endpoint_origin="adopted")
                continue
            ours = self._reserved(await self._alive())
            self._choose(ours)
            if run.connection.endpoint_id == before:
                await self._delete_all_but_one(ours)
                break
            run.know(endpoint_origin="adopted")
        return "wait", run.connection.endpoint_service_name or ""

    async def _until_reserved(self) -> None:
        endpoint = await self.run.atlas.wait_for_endpoint(
            **self._where,
            endpoint_id=self.run.connection.endpoint_id or "",
            until="RESERVED",
            timeout=self.run.remaining(),
            on_progress=self.run.look,
        )
        if endpoint is not None:
            self._know(endpoint)

    async def _delete_all_but_one(self, ours: Sequence[ServerlessEndpoint]) -> None:
        for one in ours:
            if one.id != self.run.connection.endpoint_id:
                try:
                    await self.run.atlas.delete_endpoint(**self._where, endpoint_id=one.id)
                except NotFound:
                    continue  # another has done so

    async def register(self, endpoint: CloudEndpoint) -> Outcome:
        """Updates the endpoint."""
        run = self.run
        if self.knows(endpoint.id):
            return "skip", f"Atlas knows {endpoint.id}"
        if run.planning:
            return "tell", endpoint.id
        endpoint_id = run.connection.endpoint_id or ""
        try:
            made = await run.atlas.update_endpoint(
                **self._where,
                endpoint_id=endpoint_id,
                cloud_provider_endpoint_id=endpoint.id,
                private_endpoint_ip_address=endpoint.private_endpoint_ip_address,
            )
        except NotFound as error:
            raise ServiceVanished(str(error)) from error
        except ApiError:
            # another call may have told it the same a moment ago
            made = await run.atlas.get_endpoint(**self._where, endpoint_id=endpoint_id)
            if not same_id(made.cloud_provider_endpoint_id, endpoint.id):
                raise
        self._know(made)
        return "tell", endpoint.id

    def foresee_unregister(self, endpoint: CloudEndpoint, *, why: str) -> None:
        """For a plan: Atlas's endpoint is not there any more."""
        if self.endpoint is not None:
            self._vanishing.add(self.endpoint.id)
        self._forget()

    def _forget(self) -> None:
        self.endpoint = None
        self.run.know(endpoint_id=None, endpoint_service_name=None, cloud_endpoint_id=None, endpoint_origin=None)

    async def unregister(self, endpoint: CloudEndpoint, *, why: str) -> None:
        """Deletes the endpoint, with which its service goes.

        Raises:
            ServiceVanished: Always: the connection begins again with another reservation.
        """
        if self.endpoint is not None:
            await self.delete(self.endpoint.id)
        self._forget()
        raise ServiceVanished(f"{endpoint.id} was removed from Atlas because {why}")

    async def accept(self, watch: Callable[[], Awaitable[object]]) -> Outcome:
        """Waits until the endpoint is AVAILABLE."""
        run = self.run
        endpoint: ServerlessEndpoint = await reached(
            run.atlas._core,
            "wait_for_endpoint",
            {**self._where, "endpoint_id": run.connection.endpoint_id},
            until="AVAILABLE",
            timeout=run.remaining(),
            on_progress=run.look,
            watch=watch,
        )
        self._know(endpoint)
        return "wait", str(endpoint.status)

    async def connection_strings(self, endpoint_id: str) -> ConnectionStrings:
        """Waits for the instance's connection strings."""
        return await self.run.atlas.connection_string(
            **self._where, endpoint=endpoint_id, timeout=self.run.remaining(), on_progress=self.run.look
        )

    # for `disconnect`

    async def all_endpoints(self) -> list[ServerlessEndpoint]:
        """Every endpoint of the instance, dead ones too; none where Atlas has no such instance any more."""
        try:
            return await self.run.atlas.list_endpoints(**self._where)
        except (Gone, InstanceNotFound, NotServerless):
            return []

    async def delete(self, endpoint_id: str) -> None:
        """Deletes an endpoint, and waits until it is gone."""
        try:
            await self.run.atlas.delete_endpoint(**self._where, endpoint_id=endpoint_id)
        except NotFound:
            return  # another has done so
        except ApiError as error:
            if error.status_code != 409:
                raise  # being deleted already is what is wanted
        await self.run.atlas.wait_for_endpoint(
            **self._where,
            endpoint_id=endpoint_id,
            until="DELETED",
            timeout=self.run.remaining(),
            on_progress=self.run.look,
        )
