"""Everything that can go wrong, as one tree below `AtlasError`.

Every error pickles, carries what is already known, and holds no secret. `response` is the HTTP side of the call, as far
as it got.
"""

from __future__ import annotations

import builtins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .models import Check, Connection, Response

__all__ = [
    "AddressNotAllowed",
    "ApiError",
    "AtlasError",
    "AuthenticationError",
    "CloudError",
    "CloudPermissionDenied",
    "ConfigurationError",
    "Conflict",
    "ConnectManyFailed",
    "ConnectionError",
    "DriftError",
    "EndpointFailed",
    "Gone",
    "InstanceNotFound",
    "NotFound",
    "NotOwned",
    "NotSent",
    "NotServerless",
    "OutcomeUnknown",
    "PermissionDenied",
    "PreflightFailed",
    "RateLimited",
    "ServerError",
    "Timeout",
    "UnexpectedResponse",
    "ValidationError",
    "WaitTimeout",
]


class AtlasError(Exception):
    """Every error of this package."""

    response: Response | None
    """The HTTP side of the call; `None` where nothing was sent."""
    connection: Connection | None = None
    """What `connect` or `disconnect` had reached, with the ids on both sides."""

    def __init__(self, message: str, *, response: Response | None = None) -> None:
        super().__init__(message)
        self.response = response

    def __reduce__(self) -> tuple[Any, ...]:
        # not by calling the class: its keywords would be lost
        return (_restore, (type(self), self.args, self.__dict__))

    def _repr_html_(self) -> str:
        """A table for notebooks that show an error as a value."""
        from .models.base import html_table

        return html_table(type(self).__name__, {"message": str(self), **self.__dict__})


def _restore(cls: type[AtlasError], args: tuple[Any, ...], state: dict[str, Any]) -> AtlasError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(AtlasError):
    """The client cannot work as it was set up: no credentials, a certificate file that cannot be read."""


class ValidationError(AtlasError, ValueError):
    """An argument breaks one of Atlas's rules. Nothing was sent."""

    field: str
    """The argument's name."""

    def __init__(self, message: str, *, field: str, response: Response | None = None) -> None:
        super().__init__(message, response=response)
        self.field = field


class ConnectionError(AtlasError, builtins.ConnectionError):
    """Atlas did not answer."""


class NotSent(ConnectionError):
    """Atlas could not be reached: the request was certainly not executed, and can be repeated."""


class Timeout(ConnectionError, TimeoutError):
    """No answer within the time limit, to a request that was not sent or changes nothing."""


class OutcomeUnknown(ConnectionError):
    """A creation or change was sent and its outcome is unknown. The message says how to find out.

    Repeating the call with `if_exists="adopt"` and the same comment is safe.
    """

    candidates: tuple[Any, ...]
    """Endpoints that may be the one."""

    def __init__(self, message: str, *, candidates: tuple[Any, ...] = (), response: Response | None = None) -> None:
        super().__init__(message, response=response)
        self.candidates = candidates


class UnexpectedResponse(AtlasError):
    """Atlas answered with success, but not with what is documented. Only requests that change nothing end so,
    and those that were not sent because no access token could be had."""


class EndpointFailed(AtlasError):
    """What was waited for will not come: Atlas says FAILED, or it is being deleted, or is gone."""

    endpoint: Any
    """The last state seen, with its `error_message`; `None` where it was never seen."""

    def __init__(self, message: str, *, endpoint: Any = None, response: Response | None = None) -> None:
        super().__init__(message, response=response)
        self.endpoint = endpoint


class WaitTimeout(AtlasError, TimeoutError):
    """What was waited for did not come in time. It may still come: waiting again goes on from there."""

    endpoint: Any
    """The last state seen; `None` where it was never seen."""

    def __init__(self, message: str, *, endpoint: Any = None, response: Response | None = None) -> None:
        super().__init__(message, response=response)
        self.endpoint = endpoint


class ApiError(AtlasError):
    """Atlas answered with an error. The subclasses go by `error_code` first and by `status_code` second."""

    status_code: int
    """The HTTP status; with `envelope=True` the one inside."""
    error_code: str | None
    """Atlas's own word, such as `CLUSTER_NOT_FOUND`."""
    detail: str | None
    """What Atlas says went wrong."""
    reason: str | None
    """HTTP's phrase for the status, as Atlas sent it."""
    parameters: tuple[Any, ...]
    """The values that `detail` names."""
    endpoint: Any
    """The last state seen, where this ended a wait."""

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        error_code: str | None = None,
        detail: str | None = None,
        reason: str | None = None,
        parameters: tuple[Any, ...] = (),
        endpoint: Any = None,
        response: Response | None = None,
    ) -> None:
        super().__init__(message, response=response)
        self.status_code = status_code
        self.error_code = error_code
        self.detail = detail
        self.reason = reason
        self.parameters = parameters
        self.endpoint = endpoint


class AuthenticationError(ApiError):
    """401: a wrong key or secret, an access token that has expired, or one from outside the project's organisation."""


class PermissionDenied(ApiError):
    """403: the key lacks the role."""


class AddressNotAllowed(PermissionDenied):
    """403 `IP_ADDRESS_NOT_ON_ACCESS_LIST`: this machine's address is not on the key's access list."""


class NotFound(ApiError):
    """404: no such project, instance or endpoint."""


class InstanceNotFound(NotFound):
    """404 `SERVERLESS_INSTANCE_NOT_FOUND`: Atlas has no serverless instances any more; the text names the way on."""


class Conflict(ApiError):
    """409: it exists already, or something uses it; for stream processing also the 400s that say so."""


class Gone(ApiError):
    """410: Atlas has retired this operation."""


class NotServerless(ApiError):
    """400 `NOT_SERVERLESS_TENANT_CLUSTER`: the deployment of that name is not a serverless instance."""


class RateLimited(ApiError):
    """429: too many requests, and the time limit or `max_retries` left no room to wait."""

    retry_after: float | None
    """Seconds that Atlas asks to wait."""

    def __init__(self, message: str, *, retry_after: float | None = None, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.retry_after = retry_after


class ServerError(ApiError):
    """5xx: Atlas failed."""


class CloudError(AtlasError):
    """Your own cloud refused, or did not answer."""

    operation: str
    """The cloud's name of what was asked of it, such as `CreateVpcEndpoint`."""
    code: str | None
    """The cloud's word for the error, such as `VpcEndpointLimitExceeded`."""
    is_transient: bool
    """Whether it may go away by itself: throttling, an outage, a service that the cloud does not know yet."""

    def __init__(self, message: str, *, operation: str, code: str | None = None, is_transient: bool = False) -> None:
        super().__init__(message)
        self.operation = operation
        self.code = code
        self.is_transient = is_transient


class CloudPermissionDenied(CloudError):
    """Your own cloud knows no credentials of yours, or does not let you do this."""


class NotOwned(AtlasError):
    """An endpoint or endpoint service was not created by this package, or is not the one it was. It was not touched."""

    endpoint: Any
    """The endpoint as the cloud or Atlas shows it, with its tags."""

    def __init__(self, message: str, *, endpoint: Any = None) -> None:
        super().__init__(message)
        self.endpoint = endpoint


class PreflightFailed(AtlasError):
    """A check before the first creation failed. Nothing was created."""

    checks: tuple[Check, ...]
    """All checks, with those that failed."""

    def __init__(self, message: str, *, checks: tuple[Check, ...] = ()) -> None:
        super().__init__(message)
        self.checks = checks


class DriftError(AtlasError):
    """An existing endpoint differs from the arguments, and `on_drift="error"` was asked for. Nothing was changed."""

    endpoint: Any
    """The endpoint; its `drift` says what differs."""

    def __init__(self, message: str, *, endpoint: Any = None) -> None:
        super().__init__(message)
        self.endpoint = endpoint


class ConnectManyFailed(AtlasError):
    """Some of several networks could not be connected; the others were. Calling again goes on."""

    connections: tuple[Connection, ...]
    """What every network has reached, in the order of the arguments."""
    errors: tuple[AtlasError | None, ...]
    """The error of every network, in the same order; `None` for those that are connected."""

    def __init__(
        self,
        message: str,
        *,
        connections: tuple[Connection, ...] = (),
        errors: tuple[AtlasError | None, ...] = (),
    ) -> None:
        super().__init__(message)
        self.connections = connections
        self.errors = errors
