# Derived from `_async` by `make twins`: do not edit.
"""Atlas's side of a dedicated cluster: its endpoint service, and the registration of the cloud's endpoint with it."""

from __future__ import annotations

from ...errors import ApiError, EndpointFailed, NotFound, NotOwned
from ...models.connection import Check
from ..calls import reached
from .endpoint_service import EndpointServiceSide
from .side import ServiceVanished, same_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...models import ConnectionStrings, DedicatedEndpoint
    from ...models.connection import CloudEndpoint
    from .run import Outcome

__all__ = ["DedicatedSide"]

_FINAL = ("REJECTED", "FAILED")


class DedicatedSide(EndpointServiceSide):
    """Atlas's side of a dedicated cluster; takes what `EndpointServiceSide` takes."""

    def checks(self, *, creating: bool, removed: int = 0) -> list[Check]:
        """Checks the cluster, the service and the project's rules."""
        found = self.rules.checks(self.run.connection.region or "", creating=creating, removed=removed)
        service = self.service
        if service is not None and service.status == "FAILED":
            why = f"endpoint service {service.id} is FAILED: {service.error_message or 'Atlas gives no reason'}"
            if not self.replace_failed:
                way = "pass replace_failed=True (--replace-failed) to delete it and create another"
                found.append(Check("endpoint service", "failure", f"{why}; {way}"))
            elif self.registered():
                others = ", ".join(self.registered())
                found.append(Check("endpoint service", "failure", f"{why}; it still has the endpoints {others}"))
            else:
                found.append(Check("endpoint service", "warning", f"{why}; it is replaced, as requested"))
        return found

    def bill(self) -> str:
        """What Atlas bills by the hour."""
        return f"MongoDB: 1 private endpoint in {self.run.connection.region}, per hour, plus traffic"

    def told(self) -> str | None:
        """Nothing: Atlas does not say which of the endpoints it knows is in which network."""
        return None

    def knows(self, endpoint_id: str) -> bool:
        """Whether Atlas was told of that endpoint of the cloud."""
        return any(same_id(endpoint_id, known) for known in self.registered())

    def why_unregister(self, endpoint: CloudEndpoint) -> str | None:
        """Why the registration of an endpoint of ours has to be deleted before it can be used; `None` if it has not."""
        known = self.registration(endpoint.id)
        if known is None or known.status not in _FINAL or not endpoint.is_ours:
            return None
        return f"it is {known.status} in Atlas"

    def registration(self, endpoint_id: str) -> DedicatedEndpoint | None:
        """Atlas's endpoint for the cloud's; `None` where there is none."""
        if not self.knows(endpoint_id):
            return None
        try:
            return self.run.atlas.dedicated.get_endpoint(**self._service, endpoint_id=endpoint_id)
        except NotFound:
            return None

    def serves_others(self, *endpoint_ids: str) -> bool:
        """Whether the service keeps an endpoint without those given: otherwise Atlas deletes it, too.

        One that Atlas is deleting is still shown, and does not keep it.
        """
        for known in self.registered():
            if not any(same_id(known, one) for one in endpoint_ids):
                other = self.registration(known)
                if other is not None and other.status != "DELETING" and not other.delete_requested:
                    return True
        return False

    def register(self, endpoint: CloudEndpoint) -> Outcome:
        """Creates the endpoint in Atlas."""
        run = self.run
        known = self.registration(endpoint.id)
        action = "tell"
        if known is not None and (known.status == "DELETING" or known.delete_requested):
            if run.planning:
                return "replace", f"{endpoint.id}, which Atlas is deleting"
            self.until_deleted(endpoint.id)
            now: CloudEndpoint | None = run.in_cloud(run.cloud.describe, endpoint.id)
            if now is not None and now.is_ours and not now.is_alive:
                # Azure's are of no use any more once Atlas has removed them
                raise ServiceVanished(f"{endpoint.id} is {now.status} since Atlas has removed it")
            action = "replace"
        elif known is not None and known.status in _FINAL:
            if run.planning:
                return "replace", f"{endpoint.id}, which is {known.status} in Atlas{self.takes_along(endpoint)}"
            if not endpoint.is_ours:
                why = f"{endpoint.id} is {known.status} in Atlas, and was not created by this package"
                way = "delete its registration in Atlas (`atlas.dedicated.delete_endpoint`) and connect again"
                raise NotOwned(f"{why}: {way}", endpoint=endpoint)
            self.unregister(endpoint, why=f"it is {known.status} in Atlas")
            action = "replace"
        elif known is not None:
            run.know(endpoint_origin=run.connection.endpoint_origin or "adopted")
            return "skip", f"Atlas knows {endpoint.id}"
        if run.planning:
            return "tell", endpoint.id
        try:
            made = run.atlas.dedicated.create_endpoint(
                **self._service,
                endpoint_id=endpoint.id,
                if_exists="adopt",
                private_endpoint_ip_address=endpoint.private_endpoint_ip_address,
                gcp_project_id=endpoint.gcp_project_id,
                endpoints=endpoint.endpoints or None,
            )
        except ApiError as error:
            if isinstance(error, NotFound) or error.status_code in (400, 409):
                # refused because the service is gone, or going?
                self.check_still_there()
            raise
        created = made.response is not None and made.response.method == "POST"
        run.know(endpoint_origin="created" if created else "adopted")
        self.look()
        return ("replace" if action == "replace" else "tell"), endpoint.id

    def takes_along(self, endpoint: CloudEndpoint) -> str:
        """What Atlas deletes with the registration of an endpoint, in words: nothing, or the service."""
        is_last = all(same_id(one, endpoint.id) for one in self.registered())
        return f", and {self._named()} with it" if is_last and self.knows(endpoint.id) else ""

    def check_unregister(self, endpoint: CloudEndpoint, *, why: str, is_last: bool) -> None:
        """Refuses to delete the registration of the last endpoint of a service that is not ours."""
        service_id = self.run.connection.endpoint_service_id
        is_service_ours = self.service_created or (endpoint.service_created and endpoint.service_id == service_id)
        if is_last and not is_service_ours:
            rule = f"{endpoint.id} has to be deleted in Atlas because {why}; it is the last endpoint of {self._named()}"
            why_not = "Atlas deletes the service with it, and no mark says that this package created it"
            way = "delete the endpoint in Atlas yourself (`atlas.dedicated.delete_endpoint`), and connect again"
            raise NotOwned(f"{rule}. {why_not}: {way}", endpoint=endpoint)

    def foresee_unregister(self, endpoint: CloudEndpoint, *, why: str) -> None:
        """For a plan: what Atlas deletes with the registration of an endpoint is not there any more."""
        is_last = bool(self.takes_along(endpoint))
        self.check_unregister(endpoint, why=why, is_last=is_last)
        if self.service is not None and is_last:
            self._vanishing.add(self.service.id)
            self._forget()

    def unregister(self, endpoint: CloudEndpoint, *, why: str) -> None:
        """Deletes the endpoint in Atlas."""
        service_id = self.run.connection.endpoint_service_id
        is_last = self.knows(endpoint.id) and not self.serves_others(endpoint.id)
        self.check_unregister(endpoint, why=why, is_last=is_last)
        self.delete_endpoint(endpoint.id)
        self.look()
        if self.service is None or self.service.id != service_id:
            self._forget()
            raise ServiceVanished(f"Atlas has deleted endpoint service {service_id} with its last endpoint")

    def until_deleted(self, endpoint_id: str) -> None:
        """Waits until an endpoint is gone in Atlas."""
        try:
            self.run.atlas.dedicated.wait_for_endpoint(
                **self._service,
                endpoint_id=endpoint_id,
                until="DELETED",
                timeout=self.run.remaining(),
                on_progress=self.run.look,
            )
        except NotFound:
            return  # with its service

    def accept(self, watch: Callable[[], object]) -> Outcome:
        """Waits until the endpoint is AVAILABLE."""
        run = self.run
        try:
            endpoint = reached(
                run.atlas._core,
                "dedicated.wait_for_endpoint",
                {**self._service, "endpoint_id": run.connection.cloud_endpoint_id},
                until="AVAILABLE",
                timeout=run.remaining(),
                on_progress=run.look,
                watch=watch,
            )
        except EndpointFailed as error:
            seen = error.endpoint
            if isinstance(seen, type(None)) or getattr(seen, "status", None) not in _FINAL:
                raise
            way = "Connect again to register it anew; if that does not help, disconnect first"
            why = f"{str(error).rstrip('.')}. {way}"
            raise EndpointFailed(why, endpoint=seen, response=error.response) from error
        run.know(status=str(endpoint.status))
        return "wait", str(endpoint.status)

    def missing_regions(self) -> tuple[str, ...]:
        """The cluster's other regions without an endpoint."""
        return self.rules.regions_without_endpoint(self.run.connection.region or "")

    def connection_strings(self, endpoint_id: str) -> ConnectionStrings:
        """Waits for the cluster's connection strings."""
        return self.run.atlas.dedicated.connection_string(
            self.run.connection.group_id,
            self.run.connection.cluster_name or "",
            endpoint_id,
            timeout=self.run.remaining(),
            on_progress=self.run.look,
        )

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Deletes an endpoint in Atlas, and waits until it is gone.

        Raises:
            Conflict: Atlas refuses as long as the cloud's endpoint is there.
        """
        try:
            self.run.atlas.dedicated.delete_endpoint(**self._service, endpoint_id=endpoint_id)
        except NotFound:
            return  # somebody else has done so
        self.until_deleted(endpoint_id)
