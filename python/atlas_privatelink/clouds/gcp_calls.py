"""Calls of Google's SDK: its clients, its operations, and its failures as `CloudError`."""

from __future__ import annotations

import re
from contextlib import contextmanager
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import CloudError, CloudPermissionDenied
from .base import sdk_module
from .calls import cloud_call, pause, seconds_left

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

__all__ = ["EXISTS", "IN_USE", "Calls", "OperationFailed", "Pauses", "sdk"]

_REQUEST_SECONDS = 60.0
# for callers without a limit of their own
_OPERATION_SECONDS = 300.0
# an operation takes Google some seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0

EXISTS = frozenset(("alreadyExists", "RESOURCE_ALREADY_EXISTS"))
"""Google's words for a name that is taken."""
IN_USE = frozenset(
    (
        "resourceInUseByAnotherResource",
        "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE",
        "IP_IN_USE_BY_ANOTHER_RESOURCE",
    )
)
"""Google's words for an address that a forwarding rule has."""

# Google sends 403 for rate limits, too
_RATE_LIMITS = frozenset(("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"))
_QUOTAS = frozenset(("quotaExceeded", "dailyLimitExceeded", "QUOTA_EXCEEDED"))
_TRANSIENT = _RATE_LIMITS | {
    "backendError",
    "internalError",
    "resourceNotReady",
    # another change of the same labels came first
    "conditionNotMet",
    "RESOURCE_NOT_READY",
    "RESOURCE_OPERATION_RATE_EXCEEDED",
    "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED",
    "INTERNAL_ERROR",
    "SERVICE_UNAVAILABLE",
}
_FRESH_SERVICE_SECONDS = 120.0
_UNKNOWN_SERVICE = frozenset(("notFound", "invalid", "RESOURCE_NOT_FOUND"))


def sdk(module: str) -> Any:
    """A module of Google's SDK."""
    return sdk_module(module, extra="gcp")


class OperationFailed(CloudError):
    """Google began it, and it failed: sent again with the same request id, it would be the same failure."""


class Pauses:
    """Growing pauses of something that has to come about.

    Args:
        operation: What is waited for, by Google's name.
        most: After how many seconds it is given up, where the caller has no limit.
    """

    def __init__(self, operation: str, most: float = _OPERATION_SECONDS) -> None:
        self._operation, self._most, self._until = operation, most, monotonic() + most
        self._next = _FIRST_PAUSE

    def pause(self) -> None:
        """The next pause.

        Raises:
            CloudError: It takes too long.
        """
        if monotonic() > self._until:
            text = f"Google: {self._operation} is not done after {self._most:g} s; run it again to resume"
            raise CloudError(text, operation=self._operation, is_transient=True)
        pause(self._next)
        self._next = min(self._next * 1.5, _LONGEST_PAUSE)


class Calls:
    """Google's clients, which are created when they are needed, and what they are asked for.

    Args:
        given: Clients that the caller has, by class name.
        credentials: The caller's credentials; by default the Application Default Credentials.
        client_options: Options of the clients that are created here.
    """

    def __init__(self, given: Mapping[str, Any], credentials: Any, client_options: Any) -> None:
        self._given = dict(given)
        self._credentials, self._client_options = credentials, client_options
        self._own: dict[str, Any] = {}
        self._lock = RLock()
        self._refused_first: dict[str, float] = {}

    def close(self) -> None:
        """Close the clients that were created here."""
        with self._lock:
            for client in self._own.values():
                client.transport.close()
            self._own.clear()

    def client(self, kind: str) -> Any:
        """A client, by class name."""
        if self._given.get(kind) is not None:
            return self._given[kind]
        with self._lock:
            if kind not in self._own:
                create = getattr(sdk("google.cloud.compute_v1"), kind)
                with _failures("authentication"):
                    self._own[kind] = create(credentials=self._credentials, client_options=self._client_options)
            return self._own[kind]

    def call(self, operation: str, kind: str, method: str, request: Mapping[str, Any]) -> Any:
        """Send one request.

        Args:
            operation: Google's name of it, such as `addresses.insert`.
            kind: The client's class.
            method: The client's method.
            request: Its fields.

        Raises:
            CloudError: Google refused it, or did not answer.
        """
        send = getattr(self.client(kind), method)
        about = " ".join(str(value) for value in request.values() if isinstance(value, str))
        with _failures(operation), cloud_call("Google", operation, about):
            # the SDK would repeat some requests for ten minutes: who waits, and for how long, is the caller's matter
            return send(dict(request), retry=None, timeout=seconds_left(_REQUEST_SECONDS))

    def get(self, operation: str, kind: str, request: Mapping[str, Any]) -> Any:
        """A resource; `None` where Google has none."""
        try:
            return self.call(operation, kind, "get", request)
        except CloudError as error:
            if error.code == "notFound":
                return None
            raise

    def list(self, operation: str, kind: str, request: Mapping[str, Any]) -> list[Any]:
        """All resources of a list, page by page."""
        client, found, token = self.client(kind), list[Any](), ""
        while True:
            # one page at a time, so that each request has its own time
            with _failures(operation), cloud_call("Google", operation, str(request.get("filter", ""))):
                pager = client.list(
                    {**request, "page_token": token}, retry=None, timeout=seconds_left(_REQUEST_SECONDS)
                )
                page = next(iter(pager.pages))
            found.extend(page.items)
            token = page.next_page_token
            if not token:
                return found

    def finish(self, operation: str, begun: Any, place: Mapping[str, Any]) -> None:
        """Wait for an operation.

        Args:
            operation: What has begun it, by Google's name.
            begun: The operation as its begin was answered; `None` where there is nothing to wait for.
            place: Its project and region.

        Raises:
            OperationFailed: It has failed.
            CloudError: Google does not say how it ended.
        """
        now, pauses = begun, Pauses(operation)
        while now is not None and now.status.name != "DONE":
            pauses.pause()
            now = self.get("regionOperations.get", "RegionOperationsClient", {**place, "operation": begun.name})
        if now is not None and now.error.errors:
            problem = now.error.errors[0]
            text = f"Google refused {operation}: {problem.code}: {_one_line(problem.message)}"
            is_transient = problem.code in _TRANSIENT
            raise OperationFailed(text, operation=operation, code=problem.code, is_transient=is_transient)

    def outlive_fresh_service(self, error: CloudError, target: str) -> CloudError:
        """The error, transient where Google may not know the service attachment yet.

        Args:
            error: What `forwardingRules.insert` was refused with.
            target: The service attachment.
        """
        if error.code not in _UNKNOWN_SERVICE or "/serviceAttachments/" not in str(error):
            return error
        first = self._refused_first.setdefault(target, monotonic())
        error.is_transient = monotonic() - first < _FRESH_SERVICE_SECONDS
        return error


@contextmanager
def _failures(operation: str) -> Generator[None]:
    """Turn every failure of Google's SDK into a `CloudError`."""
    core, auth = sdk("google.api_core.exceptions"), sdk("google.auth.exceptions")
    transport = sdk("requests.exceptions")
    try:
        yield
    except core.GoogleAPICallError as error:
        raise _refusal(operation, error) from error
    except auth.GoogleAuthError as error:
        text = f"Google: {operation} failed: {_one_line(error.args[0] if error.args else error)}"
        if isinstance(error, auth.TransportError) or getattr(error, "retryable", False):
            raise CloudError(text, operation=operation, is_transient=True) from error
        raise CloudPermissionDenied(text, operation=operation, code=type(error).__name__) from error
    except sdk("google.protobuf.json_format").Error as error:
        text = f"Google: {operation} failed: the response is not what the SDK expects: {_one_line(error)}"
        raise CloudError(text, operation=operation, is_transient=True) from error
    except (core.GoogleAPIError, transport.RequestException) as error:
        text = f"Google: {operation} failed: {_one_line(error)}"
        # an invalid URL or header stays as it is
        is_transient = not isinstance(error, ValueError)
        raise CloudError(text, operation=operation, is_transient=is_transient) from error


def _refusal(operation: str, error: Any) -> CloudError:
    code, status = _reason(error), int(error.code or 0)
    # without the method and the URL that the SDK puts before it
    said = re.sub(r"^[A-Z]+ https?://\S+: ", "", _one_line(error.message))
    text = f"Google refused {operation}: {code}: {said}"
    is_transient = status in (408, 429) or status >= 500 or code in _TRANSIENT
    if status in (401, 403) and not is_transient and code not in _QUOTAS:
        return CloudPermissionDenied(text, operation=operation, code=code)
    return CloudError(text, operation=operation, code=code, is_transient=is_transient)


def _reason(error: Any) -> str:
    """Google's word for an error, such as `alreadyExists`; else its status."""
    for one in error.errors:
        # over HTTP they are what was JSON
        read: Callable[[str], Any] | None = getattr(one, "get", None)
        if read is not None and read("reason"):
            return str(read("reason"))
    return "notFound" if error.code == 404 else str(error.reason or int(error.code or 0))


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
