"""Your own cloud's half of a private endpoint: what `connect` asks of it.

`aws`, `azure` and `gcp` have one each. Any object with the methods of `Cloud` will do in their place, and for AWS any
callable that turns a service name into a VPC endpoint's id (`EndpointFrom`).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Protocol, cast

from .errors import ConfigurationError, ValidationError
from .models.connection import CloudEndpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from typing import Literal

__all__ = ["Cloud", "CloudEndpoint", "EndpointFrom", "ServiceToReach", "sdk_module"]


@dataclass(frozen=True, slots=True)
class ServiceToReach:
    """What a private endpoint in your cloud is to lead to."""

    name: str
    """AWS: the service name (`com.amazonaws.vpce.…`). Azure: the Private Link service's resource id. Google Cloud:
    the first of the `attachments`."""
    group_id: str
    """The Atlas project."""
    deployment_name: str
    """The cluster or the serverless instance."""
    attachments: tuple[str, ...] = ()
    """Google Cloud: the service attachments, each of which wants a forwarding rule of its own."""

    @property
    def tags(self) -> dict[str, str]:
        """What tells whoever finds the endpoint what it is for."""
        return {
            "Name": f"atlas-{self.deployment_name}",
            "atlas-project-id": self.group_id,
            "atlas-deployment": self.deployment_name,
            "created-by": "atlas-privatelink",
        }


class Cloud(Protocol):
    """Your own cloud's half. The methods may block; `aconnect` calls them on a thread.

    Every failure of the cloud is to be a `CloudError`.
    """

    @property
    def provider(self) -> Literal["AWS", "AZURE", "GCP"]:
        """Atlas's name of the cloud."""
        ...

    @property
    def network(self) -> str:
        """Where in the cloud its endpoints are, for people to read; known after `check`."""
        ...

    def check(self) -> None:
        """Look at what was given, before Atlas is asked for anything.

        Raises:
            ValidationError: An argument breaks a rule. CloudError: the cloud refuses to show what it names.
        """
        ...

    def adopt(self, service: ServiceToReach) -> CloudEndpoint | None:
        """The endpoint that leads to the service already, if there is one that is alive."""
        ...

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Create an endpoint to the service. Called twice, or by two at a time, it still creates one."""
        ...

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The endpoint as it is now; `None` where there is none, or it is not shown any more."""
        ...

    def delete(self, endpoint_id: str) -> None:
        """Begin to delete the endpoint; one that is gone already is no error."""
        ...

    def planned(self, service: ServiceToReach | None) -> str:
        """What `create` would create, in words; `None` where the service has no name yet."""
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


class EndpointFrom:
    """AWS's half by a callable that turns a service name into the id of a VPC endpoint for it.

    Called again with the same name, it has to return the same endpoint. What it made is neither watched nor deleted
    here.
    """

    provider: Literal["AWS"] = "AWS"
    network = "callable"

    def __init__(self, function: Callable[[str], str | Awaitable[str]]) -> None:
        if not callable(function):
            raise ValidationError("vpc_endpoint must be callable, with a service name", field="vpc_endpoint")
        self._function = function

    def check(self) -> None:
        """Nothing is known before it is called."""

    def adopt(self, service: ServiceToReach) -> CloudEndpoint | None:
        """None: it is the callable's own business."""
        return None

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Calls it; what it returns may be awaitable, if it is called for `aconnect`."""
        returned = self._function(service.name)
        return cast("CloudEndpoint", _EndpointLater(returned)) if isawaitable(returned) else _endpoint(returned)

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """It is taken to be there."""
        return _endpoint(endpoint_id)

    def delete(self, endpoint_id: str) -> None:
        """Whoever made it deletes it."""

    def planned(self, service: ServiceToReach | None) -> str:
        """What would be called."""
        return f"call {getattr(self._function, '__name__', self._function)!s} for a VPC endpoint"


class _EndpointLater:
    """An endpoint whose id has to be awaited."""

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self._awaitable = awaitable

    def __await__(self) -> Generator[Any, None, CloudEndpoint]:
        return _endpoint((yield from self._awaitable.__await__()))

    def close(self) -> None:
        """Nobody awaits it."""
        getattr(self._awaitable, "close", bool)()


def _endpoint(returned: object) -> CloudEndpoint:
    if not isinstance(returned, str) or not returned.startswith("vpce-"):
        rule = f"vpc_endpoint must return a VPC endpoint's id (vpce-…), and returned {returned!r}"
        raise ValidationError(rule, field="vpc_endpoint")
    return CloudEndpoint(returned, "unknown", "pending")
