"""Atlas's side of a connection: what serverless instances and dedicated clusters each do in their own way."""

from __future__ import annotations

from ...errors import AtlasError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ...clouds.base import ServiceToReach
    from ...models import ConnectionStrings
    from ...models.connection import Check, CloudEndpoint
    from .run import AsyncRun, Outcome

__all__ = ["AsyncAtlasSide", "ServiceVanished", "same_id"]


class ServiceVanished(AtlasError):
    """The endpoint service was deleted while it was being connected: the connection has to begin again."""


def same_id(one: str | None, other: str | None) -> bool:
    """Whether two ids of a cloud are one. Azure and Atlas answer Azure's in any case; no cloud has two that differ in
    nothing else."""
    return one is not None and other is not None and one.strip("/").lower() == other.strip("/").lower()


class AsyncAtlasSide:
    """What Atlas has of a connection, and how it is created and deleted there.

    Args:
        run: The run that it belongs to.
    """

    def __init__(self, run: AsyncRun) -> None:
        self.run = run

    async def look(self) -> None:
        """Reads what Atlas has."""
        raise NotImplementedError

    async def checks(self, *, creating: bool, removed: int = 0) -> list[Check]:
        """Checks in Atlas whether the connection can be created, before anything is.

        Args:
            creating: Whether Atlas does not know an endpoint of this network yet.
            removed: How many registrations of dead endpoints are going to be removed.
        """
        raise NotImplementedError

    def bill(self) -> str:
        """What Atlas bills by the hour, in words."""
        raise NotImplementedError

    def reach(self) -> ServiceToReach | None:
        """What the cloud's endpoint leads to, once Atlas has named it."""
        raise NotImplementedError

    def told(self) -> str | None:
        """The cloud's endpoint that Atlas was told of, where it says which one is ours."""
        raise NotImplementedError

    def knows(self, endpoint_id: str) -> bool:
        """Whether Atlas was told of that endpoint of the cloud."""
        raise NotImplementedError

    async def is_live(self, service_id: str) -> bool:
        """Whether Atlas still has what a mark names as its endpoint service."""
        raise NotImplementedError

    def is_of_this_kind(self, service_id: str) -> bool:
        """Whether a mark is of this kind of deployment (serverless: of this instance)."""
        raise NotImplementedError

    async def reserve(self) -> Outcome:
        """Creates or adopts what names the service."""
        raise NotImplementedError

    async def name_service(self) -> Outcome:
        """Waits until the cloud's endpoint can be created."""
        raise NotImplementedError

    async def check_still_there(self) -> None:
        """Looks whether the service is still the one that was named.

        Raises:
            ServiceVanished: It is not.
        """

    async def register(self, endpoint: CloudEndpoint) -> Outcome:
        """Registers the cloud's endpoint with Atlas.

        Raises:
            ServiceVanished: There is nothing to register it with any more.
        """
        raise NotImplementedError

    def takes_along(self, endpoint: CloudEndpoint) -> str:
        """What Atlas deletes with the registration of an endpoint, in words: nothing, or the service."""
        return ""

    async def why_unregister(self, endpoint: CloudEndpoint) -> str | None:
        """Why the registration of an endpoint of ours has to be deleted before it can be used; `None` if it has not."""
        return None

    def foresee_unregister(self, endpoint: CloudEndpoint, *, why: str) -> None:
        """For a plan: what Atlas deletes with the registration of an endpoint is not there any more."""
        raise NotImplementedError

    async def unregister(self, endpoint: CloudEndpoint, *, why: str) -> None:
        """Removes the registration of an endpoint of ours that is dead.

        Raises:
            ServiceVanished: Atlas has deleted the service with it.
        """
        raise NotImplementedError

    async def accept(self, watch: Callable[[], Awaitable[object]]) -> Outcome:
        """Waits until Atlas has accepted it, and watches the cloud meanwhile."""
        raise NotImplementedError

    async def missing_regions(self) -> tuple[str, ...]:
        """The deployment's other regions that have no endpoint yet: before they have one, there is no private
        connection string."""
        return ()

    async def connection_strings(self, endpoint_id: str) -> ConnectionStrings:
        """Waits for the connection strings."""
        raise NotImplementedError

    # for `disconnect`

    def registered(self) -> Sequence[str]:
        """The cloud's endpoints that Atlas was told of."""
        raise NotImplementedError
