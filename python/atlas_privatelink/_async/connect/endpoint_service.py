"""The endpoint service of a project's region, which all its clusters share: created, adopted, replaced, deleted."""

from __future__ import annotations

from ..._core import cloud_region
from ...clouds.base import ServiceToReach
from ...errors import Conflict, EndpointFailed, NotFound
from .side import AsyncAtlasSide, ServiceVanished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ...models import EndpointService
    from .rules import AsyncProjectRules
    from .run import AsyncRun, Outcome

__all__ = ["AsyncEndpointServiceSide"]

_USABLE = ("AVAILABLE", "WAITING_FOR_USER")


class AsyncEndpointServiceSide(AsyncAtlasSide):
    """The endpoint service of a dedicated cluster.

    Args:
        run: The run that it belongs to; its connection has a region.
        rules: The project's rules, and the cluster.
        replace_failed: Delete an endpoint service that is FAILED and has no endpoints, and create another.
        created_services: Endpoint services that the same work has created.
        made_by: Who creates it in which run.
    """

    def __init__(
        self,
        run: AsyncRun,
        rules: AsyncProjectRules,
        *,
        replace_failed: bool = False,
        created_services: set[str] | None = None,
        made_by: str | None = None,
    ) -> None:
        super().__init__(run)
        self.rules, self.replace_failed, self.made_by = rules, replace_failed, made_by
        self.created_services = set[str]() if created_services is None else created_services
        self.is_created_beside = False
        self.service: EndpointService | None = None
        self.services: list[EndpointService] = []
        self._vanishing: set[str] = set()

    @property
    def service_created(self) -> bool:
        """Whether the same work has created the service."""
        return self.service is not None and self.service.id in self.created_services

    @property
    def _where(self) -> dict[str, Any]:
        return {"group_id": self.run.connection.group_id, "provider": self.run.cloud.provider}

    @property
    def _service(self) -> dict[str, Any]:
        return {**self._where, "service_id": self.run.connection.endpoint_service_id or ""}

    async def look(self) -> None:
        """Reads the region's endpoint services."""
        self.services = await self._services()
        self.service = None
        for service in self.services:
            if service.status != "DELETING" and service.id not in self._vanishing:
                self._know(service)
        if self.service is None:
            self._forget()

    async def _services(self) -> list[EndpointService]:
        run = self.run
        region = cloud_region(run.cloud.provider, run.connection.region or "")
        services = await run.atlas.dedicated.list_services(**self._where)
        here = [service for service in services if service.region == region]
        port_mapping = getattr(run.cloud, "port_mapping", None)
        if port_mapping is None:
            return here
        # Google Cloud: both kinds can stand side by side in a region
        return [one for one in here if bool(getattr(one, "port_mapping_enabled", None)) == port_mapping]

    def _know(self, service: EndpointService) -> None:
        self.service = service
        self.run.know(endpoint_service_id=service.id, status=str(service.status), region=service.region)
        reach = self.reach()
        if reach is not None:
            self.run.know(endpoint_service_name=reach.name)

    def _forget(self) -> None:
        self.service = None
        self.run.know(endpoint_service_id=None, endpoint_service_name=None, service_origin=None)

    def reach(self) -> ServiceToReach | None:
        """What the cloud's endpoint leads to."""
        known: Any = self.service
        # one that has failed may have been usable before: what leads to it has to be found
        if known is None or known.status == "INITIATING" or self._is_replaced(known):
            return None
        attachments: tuple[str, ...] = getattr(known, "service_attachment_names", ())
        name = getattr(known, "endpoint_service_name", None) or getattr(
            known, "private_link_service_resource_id", attachments[0] if attachments else None
        )
        if name is None:
            return None
        return ServiceToReach(
            name,
            self.run.connection.group_id,
            known.id,
            region=known.region,
            attachments=attachments,
            port_mapped=bool(getattr(known, "port_mapping_enabled", None)),
            created=self.service_created,
            made_by=self.made_by,
        )

    def _is_replaced(self, service: EndpointService) -> bool:
        return self.replace_failed and service.status == "FAILED" and not self.registered()

    def registered(self) -> Sequence[str]:
        """The cloud's endpoints that Atlas was told of."""
        for name in ("interface_endpoints", "private_endpoints", "endpoint_group_names"):
            known: tuple[str, ...] = getattr(self.service, name, ())
            if known:
                return known
        return ()

    def is_of_this_kind(self, service_id: str) -> bool:
        """Whether a mark names an endpoint service."""
        return "/" not in service_id

    async def is_live(self, service_id: str) -> bool:
        """Whether Atlas still has an endpoint service, and is not deleting it."""
        try:
            service = await self.run.atlas.dedicated.get_service(**self._where, service_id=service_id)
        except NotFound as error:
            # of a project that was mistyped, Atlas says 404, too
            if error.error_code in (None, "GROUP_NOT_FOUND", "RESOURCE_NOT_FOUND"):
                raise
            return False
        return service.status != "DELETING" and not self._is_replaced(service)

    def _remote_region(self) -> str | None:
        network_region = self.run.cloud.network_region
        is_remote = self.run.cloud.provider == "AWS" and network_region not in (None, self.run.connection.region)
        return network_region if is_remote else None

    async def reserve(self) -> Outcome:
        """Creates or adopts the endpoint service."""
        run = self.run
        await self.look()
        service = self.service
        if service is not None and self._is_replaced(service):
            detail = f"endpoint service {service.id} (FAILED)"
            if run.planning:
                return "replace", detail
            await run.atlas.dedicated.delete_service(**self._where, service_id=service.id)
            await self.until_service_deleted(service.id)
            self._forget()
            await self._create()
            return "replace", f"{detail}, now {self._named()}"
        if service is not None:
            if self.run.connection.service_origin is None:
                run.know(service_origin="created" if self.service_created else "adopted")
            return await self._reach_from_remote_region(service)
        if run.planning and self.is_created_beside:
            return "adopt", f"the endpoint service in {run.connection.region} that the same call creates"
        if run.planning:
            return "create", f"an endpoint service in {run.connection.region}"
        for deleted in self.services:
            await self.until_service_deleted(deleted.id)
        origin = await self._create()
        return ("create" if origin == "created" else "adopt"), self._named()

    async def _reach_from_remote_region(self, service: EndpointService) -> Outcome:
        remote = self._remote_region()
        known: tuple[str, ...] = getattr(service, "supported_remote_regions", ())
        there = [cloud_region("AWS", one) for one in known]
        if remote is None or remote in there:
            return "adopt", self._named()
        if not self.run.planning:
            update = self.run.atlas.dedicated.update_service
            service = await update(self.run.connection.group_id, service.id, supported_remote_regions=[*there, remote])
            self._know(service)
        return "update", f"{self._named()}, to accept endpoints from {remote}"

    async def _create(self) -> str:
        run, remote = self.run, self._remote_region()
        service = await run.atlas.dedicated.create_service(
            **self._where,
            region=run.connection.region or "",
            if_exists="adopt",
            supported_remote_regions=None if remote is None else [remote],
            port_mapping_enabled=getattr(run.cloud, "port_mapping", None) or None,
        )
        self._know(service)
        created = self.service_created or (service.response is not None and service.response.method == "POST")
        if created:
            self.created_services.add(service.id)
        run.know(service_origin="created" if created else "adopted")
        return "created" if created else "adopted"

    def _named(self) -> str:
        return "no endpoint service" if self.service is None else f"endpoint service {self.service.id}"

    async def name_service(self) -> Outcome:
        """Waits until the service is ready for an endpoint."""
        run, reach = self.run, self.reach()
        if reach is not None and self.service is not None and self.service.status in _USABLE:
            return "skip", reach.name
        if run.planning:
            return "wait", "until Atlas has named its service"
        try:
            service = await run.atlas.dedicated.wait_for_service(
                **self._service, timeout=run.remaining(), on_progress=run.look
            )
        except NotFound as error:
            raise ServiceVanished(str(error)) from error
        except EndpointFailed as error:
            if getattr(error.endpoint, "status", None) == "DELETING":
                raise ServiceVanished(str(error)) from error
            raise
        if service is not None:
            self._know(service)
        return "wait", run.connection.endpoint_service_name or ""

    async def check_still_there(self) -> None:
        """Looks whether the service is still the one that was named.

        Raises:
            ServiceVanished: It is gone, or another one has taken its place.
        """
        before = self.run.connection.endpoint_service_id
        await self.look()
        if before is not None and (self.service is None or self.service.id != before):
            raise ServiceVanished(f"endpoint service {before} is gone")

    async def until_service_deleted(self, service_id: str) -> None:
        """Waits until a service is gone."""
        await self.run.atlas.dedicated.wait_for_service(
            **self._where,
            service_id=service_id,
            until="DELETED",
            timeout=self.run.remaining(),
            on_progress=self.run.look,
        )

    async def delete_service(self) -> bool:
        """Deletes the endpoint service if it is still there and nothing uses it, and waits until it is gone.

        Returns:
            Whether it is gone.
        """
        doomed = self.run.connection.endpoint_service_id or ""
        services = [one for one in await self._services() if one.id == doomed]
        for service in services:
            self.service = service
            if self.registered():
                return False
            if service.status != "DELETING":
                try:
                    await self.run.atlas.dedicated.delete_service(**self._where, service_id=doomed)
                except NotFound:
                    continue  # Atlas has deleted it with its last endpoint
                except Conflict:
                    return False
            await self.until_service_deleted(doomed)
        return True
