"""Bring your own endpoint: one that somebody else creates and deletes, by its id or by a function that returns it."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, cast

from ..errors import NotOwned, ValidationError
from ..models.connection import Check, CloudEndpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Sequence
    from typing import Literal

    from .base import ServiceToReach

__all__ = ["OwnEndpoint"]


class OwnEndpoint:
    """A VPC endpoint on AWS that is created elsewhere. It is registered with Atlas, and never deleted.

    Args:
        vpc_endpoint: The id of a VPC endpoint (`vpce-…`), or a function that takes the service name and returns the id
            of a VPC endpoint for it. Called again with the same name, it has to return the same id.

    Raises:
        ValidationError: It is neither.
    """

    provider: Literal["AWS"] = "AWS"
    network_region: str | None = None

    def __init__(self, vpc_endpoint: str | Callable[[str], str | Awaitable[str]]) -> None:
        if isinstance(vpc_endpoint, str):
            _endpoint(vpc_endpoint)
        elif not callable(vpc_endpoint):
            rule = "vpc_endpoint must be the id of a VPC endpoint, or a function that takes a service name"
            raise ValidationError(rule, field="vpc_endpoint")
        self._given = vpc_endpoint

    def __repr__(self) -> str:
        return f"<OwnEndpoint {self._named}>"

    @property
    def _named(self) -> str:
        if isinstance(self._given, str):
            return self._given
        name = getattr(self._given, "__qualname__", None)
        return str(name or type(self._given).__name__)

    @property
    def is_known(self) -> bool:
        """Whether the id was given, and not a function."""
        return isinstance(self._given, str)

    @property
    def network(self) -> str:
        """The id of the endpoint, which stands for its network here; for a function, its name."""
        return self._named

    def check(self) -> None:
        """Nothing can be looked up without credentials of AWS."""

    def preflight(self, service: ServiceToReach | None) -> Sequence[Check]:
        """Nothing: no credentials of AWS are used."""
        return (Check("VPC endpoint", "warning", f"{self._named} is not checked: give vpc_id to have AWS asked"),)

    def bill(self, service: ServiceToReach | None) -> Sequence[str]:
        """What the owner of the endpoint pays."""
        return ("AWS: whoever owns the VPC endpoint pays for it",)

    def find(self, service: ServiceToReach) -> Sequence[CloudEndpoint]:
        """The endpoint, where its id is known."""
        return (_endpoint(self._given),) if isinstance(self._given, str) else ()

    def find_ours(self, group_id: str) -> Sequence[CloudEndpoint]:
        """None: it is never ours."""
        return ()

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Call the function; what it returns may be awaitable in `aconnect`."""
        if isinstance(self._given, str):
            return _endpoint(self._given)
        returned = self._given(service.name)
        return cast("CloudEndpoint", _EndpointLater(returned)) if isawaitable(returned) else _endpoint(returned)

    def update(self, endpoint: CloudEndpoint, service: ServiceToReach) -> Sequence[str]:
        """Nothing: it is never ours."""
        return ()

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The endpoint, as far as it is known without asking AWS."""
        return _endpoint(endpoint_id)

    def delete(self, endpoint: CloudEndpoint) -> None:
        """Refuse: whoever has created it deletes it.

        Raises:
            NotOwned: Always.
        """
        raise NotOwned(f"{endpoint.id} was brought by you: delete it where it was created", endpoint=endpoint)

    def planned_id(self, service: ServiceToReach) -> None:
        """Nothing is created here."""

    def planned(self, service: ServiceToReach | None) -> str:
        """What would be used."""
        if isinstance(self._given, str):
            return f"VPC endpoint {self._given}"
        return f"a VPC endpoint from {self._named}()"


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
        rule = f"vpc_endpoint must be a VPC endpoint's id (vpce-…), got {returned!r}"
        raise ValidationError(rule, field="vpc_endpoint")
    return CloudEndpoint(returned, "unknown", "pending", network=returned)
