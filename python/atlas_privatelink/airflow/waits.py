"""What a task waits for, as plain values that survive a change of process."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, NoReturn

    from .. import AsyncClient, Client

__all__ = [
    "GRACE_SECONDS",
    "NotYet",
    "Wait",
    "deadline_of",
    "event_of",
    "has_vanished",
    "not_in_vain",
    "outages",
    "plain",
    "result_of",
    "time_left",
]

# a triggerer that is back within this time after the deadline still says what it saw last
GRACE_SECONDS = 120.0


@dataclass(frozen=True)
class Wait:
    """A method of the client that waits, and its arguments."""

    operation: str
    """Its name, such as `"wait_for_endpoint"` or `"dedicated.wait_for_service"`."""
    arguments: Mapping[str, str]
    """Its arguments by name, all but `timeout` and `on_progress`."""

    @classmethod
    def for_endpoint(cls, group_id: str, instance_name: str, endpoint_id: str, *, until: str) -> Wait:
        """For a serverless instance's endpoint."""
        arguments = {"group_id": group_id, "instance_name": instance_name, "endpoint_id": endpoint_id, "until": until}
        return cls("wait_for_endpoint", arguments)

    @classmethod
    def for_service(cls, group_id: str, provider: str, service_id: str, *, until: str) -> Wait:
        """For an endpoint service."""
        arguments = {"group_id": group_id, "provider": provider, "service_id": service_id, "until": until}
        return cls("dedicated.wait_for_service", arguments)

    @classmethod
    def for_dedicated_endpoint(
        cls, group_id: str, provider: str, service_id: str, endpoint_id: str, *, until: str
    ) -> Wait:
        """For a private endpoint to an endpoint service."""
        arguments = {"group_id": group_id, "provider": provider, "service_id": service_id}
        return cls("dedicated.wait_for_endpoint", {**arguments, "endpoint_id": endpoint_id, "until": until})

    def on(
        self,
        client: Client | AsyncClient,
        *,
        timeout: float,
        on_progress: Callable[[Any], object] | None = None,
    ) -> Any:
        """What the method returns: an awaitable, where the client is asynchronous."""
        return attrgetter(self.operation)(client)(**self.arguments, timeout=timeout, on_progress=on_progress)

    def look(self, client: Client, *, timeout: float) -> Any:
        """What is waited for, if one look shows that it is there.

        Raises:
            NotYet: It is not; `seen` is what was.
            AtlasError: As the method does.
        """
        return self.on(client, timeout=timeout, on_progress=_not_yet)


class NotYet(Exception):
    """One look did not show what is waited for."""

    def __init__(self, seen: Any) -> None:
        super().__init__(f"the status is {getattr(seen, 'status', 'not known')}")
        self.seen = seen


def _not_yet(progress: Any) -> NoReturn:
    raise NotYet(progress.endpoint)


def plain(value: Any) -> Any:
    """A result as values that JSON has: what goes to XCom, and through a trigger's event."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    # words are a kind of text, and XCom wants none but text itself
    return str(value) if isinstance(value, str) else value


def deadline_of(client: Client, timeout: float) -> float:
    """The moment at which a task that begins now has waited long enough, in seconds since the epoch.

    Raises:
        ValidationError, TypeError: No wait can take that time.
    """
    # how long a wait may be is the client's rule
    anything = {"group_id": "0" * 24, "instance_name": "any", "endpoint_id": "0" * 24}
    wait = client._core.wait("wait_for_endpoint", anything, until="RESERVED", timeout=timeout, reports=False)
    wait.step().check()
    return time.time() + timeout


def time_left(deadline: float) -> float:
    """Seconds until a moment, given in seconds since the epoch; never so few that not even one look is possible."""
    return max(deadline - time.time(), 1.0)


def event_of(outcome: str, *, error: Exception | None = None, **known: Any) -> dict[str, Any]:
    """A trigger's event: how the wait ended (`reached`, `again`, `failed`, `timeout` or `error`), and all it knew."""
    said = None if error is None else {"type": type(error).__name__, "message": str(error)}
    return {"outcome": outcome, "error": said, **known}


def result_of(event: Mapping[str, Any]) -> Any:
    """What a trigger's event brings.

    Raises:
        EndpointFailed, WaitTimeout: It will not come, or has not come yet; `endpoint` is the last state seen.
        AirflowFailException: Trying again would be in vain. AirflowException: Any other trouble.
    """
    from .. import errors
    from ._versions import AirflowException, AirflowFailException

    error = event["error"]
    if error is None:
        return event["result"]
    if event["outcome"] == "failed":
        raise errors.EndpointFailed(error["message"], endpoint=event["result"])
    if event["outcome"] == "timeout":
        raise errors.WaitTimeout(error["message"], endpoint=event["result"])
    kind = getattr(errors, error["type"], None)
    in_vain = isinstance(kind, type) and issubclass(kind, _final_errors())
    raise (AirflowFailException if in_vain else AirflowException)(f"{error['type']}: {error['message']}")


def has_vanished(event: Mapping[str, Any]) -> bool:
    """Whether a trigger's event says that what was waited for is not there any more, or is being deleted.

    For `disconnect` that is what it wants: Atlas deletes a service with its last endpoint. `connect` looks for itself,
    and begins again where it can.
    """
    from .. import errors

    error = event["error"]
    if error is None:
        return False
    if event["outcome"] == "failed":
        seen = event["result"]
        return not isinstance(seen, dict) or seen.get("status") not in ("FAILED", "REJECTED")
    kind = getattr(errors, error["type"], None)
    return isinstance(kind, type) and issubclass(kind, errors.NotFound)


def _final_errors() -> tuple[type[Exception], ...]:
    """The errors after which another try of a task would only end the same way."""
    from ..errors import (
        ConfigurationError,
        DriftError,
        Gone,
        InstanceNotFound,
        NotOwned,
        NotServerless,
        PreflightFailed,
        ValidationError,
    )

    of_connect = (DriftError, NotOwned, PreflightFailed)
    return (ConfigurationError, Gone, InstanceNotFound, NotServerless, TypeError, ValidationError, *of_connect)


def outages() -> tuple[type[Exception], ...]:
    """The errors that end by themselves, and say nothing about what is being connected."""
    from ..errors import ConnectionError, RateLimited, ServerError, UnexpectedResponse

    return (ConnectionError, RateLimited, ServerError, UnexpectedResponse)


@contextmanager
def not_in_vain(*more: type[Exception]) -> Iterator[None]:
    """Fails a task for good where another try would only end the same way, or with one of these errors."""
    from ._versions import AirflowFailException

    try:
        yield
    except (*_final_errors(), *more) as error:
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error
