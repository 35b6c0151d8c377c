"""Calls of Azure Resource Manager through the pipeline of Azure's SDK, and its failures as `CloudError`.

They are sent as they stand, and not by the SDK's operations: those hide whether a `PUT` has created or changed, repeat
on their own for minutes, and see one subscription each. The pipeline still does authentication, proxies and transport.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import CloudError, CloudPermissionDenied
from .azure_json import part, parts
from .base import sdk_module
from .calls import Abandoned, cloud_call, current_limit, pause, seconds_left

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

__all__ = ["BUSY", "Calls", "Reply"]

_CONNECT_SECONDS, _READ_SECONDS = 10.0, 60.0
# Azure asks for seconds to minutes; a longer wait is the caller's decision
_LONGEST_RETRY_AFTER = 300.0
_ATTEMPTS_IF_THROTTLED = 3
_FRESH_SERVICE_SECONDS = 120.0
_NETWORK_API = "2024-05-01"

BUSY = frozenset(
    (
        "AnotherOperationInProgress",
        "CanceledAndSupersededDueToAnotherOperation",
        "OperationPreempted",
        # somebody else has created or changed it since it was read
        "PreconditionFailed",
        "ReferencedResourceNotProvisioned",
        "RetryableError",
    )
)
"""Azure's words for: another operation is working on it."""
_TRANSIENT = BUSY | {
    "GatewayTimeout",
    "InternalServerError",
    "OperationTimedOut",
    "ServerTimeout",
    "ServiceUnavailable",
    "TooManyRequests",
}
# what Azure says while a service that Atlas has just named is not known everywhere
_UNKNOWN_SERVICE = frozenset(("Conflict", "ConflictError", "InvalidPrivateLinkServiceId", "PrivateLinkServiceNotFound"))
_UNKNOWN_RESOURCE = frozenset(("InvalidResourceReference", "LinkedInvalidPropertyId", "NotFound", "ResourceNotFound"))


@dataclass(frozen=True)
class Reply:
    """A successful answer."""

    status: int
    """200, 201, 202 or 204: for a `PUT`, 201 is creation."""
    body: dict[str, Any]
    """What was JSON; empty where there was none."""


class Calls:
    """Azure's client, which is created when it is needed, and what it is asked for.

    Args:
        client: A client that the caller has: it stays open.
        credential: The caller's credential; by default `DefaultAzureCredential()`.
        subscription: The subscription that a client is created for. Its calls may go to any.
    """

    def __init__(self, client: Any, credential: Any, subscription: str) -> None:
        self._client, self._credential, self._subscription = client, credential, subscription
        self._own: list[Any] = []
        self._lock = RLock()
        self._not_before: dict[tuple[str, str], float] = {}
        self._refused_first: dict[str, float] = {}

    def close(self) -> None:
        """Close what was created here."""
        with self._lock:
            own, self._own = self._own, []
            if own:
                self._client = None
        for opened in reversed(own):
            opened.close()

    def get(self, operation: str, path: str, *, api_version: str = _NETWORK_API) -> dict[str, Any] | None:
        """A resource; `None` where Azure has none.

        Raises:
            CloudError: Azure refuses, or does not answer.
        """
        reply = self.send(operation, "GET", path, api_version=api_version, missing_ok=True)
        return None if reply.status == 404 else reply.body

    def list(self, operation: str, path: str, *, api_version: str = _NETWORK_API) -> list[dict[str, Any]]:
        """All resources of a list, page by page.

        Raises:
            CloudError: Azure refuses, or does not answer.
        """
        body = self.send(operation, "GET", path, api_version=api_version).body
        found: list[dict[str, Any]] = parts(body, "value")
        while body.get("nextLink"):
            url = urlsplit(str(body["nextLink"]))
            # never to another host: the token goes with it
            body = self.send(operation, "GET", f"{url.path}?{url.query}", api_version=None).body
            found += parts(body, "value")
        return found

    def send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        api_version: str | None = _NETWORK_API,
        missing_ok: bool = False,
    ) -> Reply:
        """Send one request, once; what is throttled, a few times.

        Args:
            operation: Azure's name of it, such as `PrivateEndpoints.Get`.
            method: The method.
            path: The path, which begins with a resource id.
            body: What is sent as JSON.
            headers: Further headers.
            api_version: The version of the API; `None` where the path has it.
            missing_ok: Whether 404 is an answer, too.

        Raises:
            CloudError: Azure refuses, or does not answer.
        """
        quota = (path.split("/")[2].lower(), method)
        for attempts_left in reversed(range(_ATTEMPTS_IF_THROTTLED)):
            self._wait_for(quota)
            with cloud_call("Azure", operation, path):
                with _failures(operation):
                    response = self._sent(method, path, body, headers, api_version)
                if response.status_code == 404 and missing_ok:
                    return Reply(404, {})
                if response.status_code < 400:
                    return Reply(response.status_code, _json(operation, response))
                error = _refusal(operation, response)
                # what is throttled is not executed
                is_throttled = response.status_code == 429 and error.code not in BUSY
                self._keep_retry_after(quota, response, 1.0 if is_throttled else 0.0)
                if not (is_throttled and attempts_left):
                    raise error
        raise AssertionError

    def outlive_fresh_service(self, error: CloudError, target: str) -> CloudError:
        """The error, transient where Azure may not know the Private Link service yet.

        Args:
            error: What a `PUT` was refused with.
            target: The Private Link service.
        """
        of_service = error.code in _UNKNOWN_RESOURCE and "/privatelinkservices/" in str(error).lower()
        if error.code in _UNKNOWN_SERVICE or of_service:
            first = self._refused_first.setdefault(target, monotonic())
            error.is_transient = monotonic() - first < _FRESH_SERVICE_SECONDS
        return error

    def knows(self, target: str) -> None:
        """Azure has accepted a Private Link service."""
        self._refused_first.pop(target, None)

    def _sent(
        self, method: str, path: str, body: Any, headers: Mapping[str, str] | None, api_version: str | None
    ) -> Any:
        params = {} if api_version is None else {"api-version": api_version}
        request = _sdk("azure.core.rest").HttpRequest(method, path, params=params, json=body, headers=headers)
        client = self._api
        # azure-mgmt-network had it as a private method before 29
        send = getattr(client, "send_request", None) or client._send_request
        return send(
            request,
            connection_timeout=seconds_left(_CONNECT_SECONDS),
            read_timeout=seconds_left(_READ_SECONDS),
            # who repeats what, and for how long, is the caller's matter
            retry_total=0,
            raw_request_hook=_refuse_if_abandoned,
        )

    @property
    def _api(self) -> Any:
        with self._lock:
            if self._client is None:
                network = _sdk("azure.mgmt.network")
                if self._credential is None:
                    credential = _sdk("azure.identity").DefaultAzureCredential()
                    self._own.append(credential)
                else:
                    credential = self._credential
                self._client = network.NetworkManagementClient(credential, self._subscription)
                self._own.append(self._client)
            return self._client

    def _wait_for(self, quota: tuple[str, str]) -> None:
        while (left := self._not_before.get(quota, 0.0) - monotonic()) > 0:
            pause(left)

    def _keep_retry_after(self, quota: tuple[str, str], response: Any, otherwise: float) -> None:
        if response.status_code not in (429, 503):
            return
        try:
            seconds = float(response.headers.get("retry-after") or otherwise)
        except ValueError:
            # a date, which Azure does not send
            seconds = otherwise
        self._not_before[quota] = monotonic() + min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def _refuse_if_abandoned(_: object) -> None:
    """Right before a request is sent: the token may have taken its time."""
    limit = current_limit.get()
    if limit is not None and limit.is_over:
        raise Abandoned


@contextmanager
def _failures(operation: str) -> Generator[None]:
    """Turn every failure of Azure's SDK into a `CloudError`."""
    exceptions = _sdk("azure.core.exceptions")
    try:
        yield
    except exceptions.ClientAuthenticationError as error:
        text = f"Azure refused {operation}: {_one_line(error.message)}"
        raise CloudPermissionDenied(text, operation=operation) from error
    except exceptions.AzureError as error:
        # what the pipeline refuses to send has no cause
        is_refused = isinstance(error, exceptions.ServiceRequestError) and error.inner_exception is None
        text = f"Azure: {operation} failed: {_one_line(error.message)}"
        raise CloudError(text, operation=operation, is_transient=not is_refused) from error


def _json(operation: str, response: Any) -> dict[str, Any]:
    try:
        body = response.json() if response.content else None
    except ValueError as error:
        text = f"Azure: {operation} failed: the response is not JSON"
        raise CloudError(text, operation=operation, is_transient=True) from error
    return part(body)


def _refusal(operation: str, response: Any) -> CloudError:
    status: int = response.status_code
    code, said, inner = _said(response)
    text = f"Azure refused {operation}: {code or status}: {said or response.reason}"
    is_transient = status in (408, 429) or status >= 500 or bool({code, *inner} & _TRANSIENT)
    if status in (401, 403) and not is_transient:
        return CloudPermissionDenied(text, operation=operation, code=code or str(status))
    return CloudError(text, operation=operation, code=code or str(status), is_transient=is_transient)


def _said(response: Any) -> tuple[str | None, str, list[str]]:
    """Azure's word for an error, its text, and the words of the errors inside."""
    try:
        answer: Any = response.json()
    except ValueError:
        answer = None
    error, details = part(answer, "error"), parts(answer, "error", "details")
    texts = [str(error.get("message") or "")]
    texts += [f"({one.get('code')}: {one.get('message')})" for one in details if one.get("message")]
    code = error.get("code")
    return (str(code) if code else None), _one_line(" ".join(texts)), [str(one.get("code")) for one in details]


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def _sdk(module: str) -> Any:
    return sdk_module(module, extra="azure")
