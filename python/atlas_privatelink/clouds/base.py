"""What `connect` asks of your cloud: the protocol that AWS, Azure, Google Cloud and your own objects implement."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import ConfigurationError
from ..models.connection import Check, CloudEndpoint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

__all__ = ["Check", "Cloud", "CloudEndpoint", "ServiceToReach", "sdk_module"]


@dataclass(frozen=True, slots=True)
class ServiceToReach:
    """What a private endpoint in your cloud leads to, as Atlas names it, and for whom."""

    name: str
    """AWS: the service name (`com.amazonaws.vpce.…`). Azure: the Private Link service's resource id. Google Cloud:
    the first of the `attachments`."""
    group_id: str
    """The Atlas project."""
    service_id: str
    """Atlas's id of the endpoint service; for serverless instances of the endpoint."""
    region: str | None = None
    """The region of the service, by the cloud's own name."""
    attachments: tuple[str, ...] = ()
    """Google Cloud: the service attachments. One for a port-mapped service; otherwise each wants a forwarding rule of
    its own."""
    port_mapped: bool = False
    """Google Cloud: whether one forwarding rule reaches all nodes."""
    created: bool = False
    """Whether this connection has created the endpoint service; it is written into the mark."""
    made_by: str | None = None
    """Who creates it in which run, by the caller's own words; it is written into the mark."""


class Cloud(Protocol):
    """Your own cloud's side of a private endpoint.

    The methods may block: they are called on a thread. Every failure of the cloud has to be a `CloudError`; those that
    may go away by themselves (throttling, outages, a service that the cloud does not know yet) with `is_transient`.
    """

    @property
    def provider(self) -> Literal["AWS", "AZURE", "GCP"]:
        """Atlas's name of the cloud."""
        ...

    @property
    def network(self) -> str:
        """The canonical id of the network that the endpoint serves; known after `check`. With a name that the caller
        has given to the endpoint, if there is one: it is part of the identity."""
        ...

    @property
    def network_region(self) -> str | None:
        """The region of the network, by the cloud's own name, where endpoints are regional; known after `check`."""
        ...

    def check(self) -> None:
        """Look up what the arguments name, before Atlas is asked for anything.

        Raises:
            ValidationError: An argument breaks a rule, or names nothing that exists.
            CloudError: The cloud refuses to show what it names.
        """
        ...

    def preflight(self, service: ServiceToReach | None) -> Sequence[Check]:
        """Check whether an endpoint can be created, without creating anything.

        A check whose permission is missing is a warning that names the permission.

        Args:
            service: What the endpoint will lead to; `None` where Atlas has not named it yet.
        """
        ...

    def bill(self, service: ServiceToReach | None) -> Sequence[str]:
        """What the cloud bills by the hour for the endpoint that `create` would create, in words, without prices."""
        ...

    def find(self, service: ServiceToReach) -> Sequence[CloudEndpoint]:
        """Every endpoint that leads from this network to the service, whoever made it and whatever its state, oldest
        first. Endpoints that are deleted and only remembered are left out."""
        ...

    def find_ours(self, group_id: str) -> Sequence[CloudEndpoint]:
        """Every endpoint in this network that carries our mark for an Atlas project, whatever it leads to."""
        ...

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Create an endpoint to the service, with our mark. Called twice, or by two callers at once, it still creates
        one; `origin` of the result says whether this call has created it."""
        ...

    def update(self, endpoint: CloudEndpoint, service: ServiceToReach) -> Sequence[str]:
        """Change an endpoint of ours to what the arguments ask for, and describe each change. Never deletes, never
        writes a mark. What cannot be changed is left, and stays in `drift`."""
        ...

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The endpoint as it is now; `None` where there is none, or it is not shown any more."""
        ...

    def delete(self, endpoint: CloudEndpoint) -> None:
        """Begin to delete an endpoint that `find`, `find_ours` or `describe` has returned, if it still is that one: its
        identity and, if it was ours, its mark are compared once more. One that is gone already is no error.

        Raises:
            NotOwned: It is not the same any more.
        """
        ...

    def planned(self, service: ServiceToReach | None) -> str:
        """What `create` would create, in words; `None` where Atlas has not named the service yet."""
        ...

    def planned_id(self, service: ServiceToReach) -> str | None:
        """The id that `create` would give to the endpoint; `None` where the cloud chooses it."""
        ...


def sdk_module(name: str, *, extra: str, otherwise: str | None = None) -> Any:
    """A module of a cloud's SDK, which comes with an extra of this package.

    Args:
        name: The module.
        extra: The extra.
        otherwise: What can be done instead of installing it.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        ways = filter(None, (f"pip install 'atlas-privatelink[{extra}]'", otherwise))
        raise ConfigurationError(f"{name} is not installed: {', or '.join(ways)}") from error
