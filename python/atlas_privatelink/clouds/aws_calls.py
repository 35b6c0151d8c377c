"""Calls of boto3: its session, the credentials of a role, clients by region, and failures as `CloudError`."""

from __future__ import annotations

from functools import partial
from itertools import count
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import CloudError, CloudPermissionDenied
from .base import sdk_module
from .calls import Abandoned, cloud_call, current_limit, pause

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["MISMATCH", "NOT_FOUND", "UNKNOWN_SERVICE", "Calls", "refused"]

NOT_FOUND = frozenset(("InvalidVpcEndpoint.NotFound", "InvalidVpcEndpointId.NotFound"))
"""EC2's words for a VPC endpoint that does not exist, or is not shown yet or any more."""
UNKNOWN_SERVICE = frozenset(("InvalidServiceName", "InvalidVpcEndpointServiceId.NotFound"))
"""EC2's words for a service that does not exist, or is not known yet."""
MISMATCH = "IdempotentParameterMismatch"
"""EC2's word for a client token that was used with other parameters."""

_CONNECT_SECONDS, _READ_SECONDS = 10.0, 60.0
# what passes by itself is sent again a few times here; after that the engine begins the whole step again
_TRIES = 4
_FIRST_PAUSE = 0.25
_FRESH_SERVICE_SECONDS = 120.0
_ROLE_SESSION = "atlas-privatelink"

_DENIED = frozenset(
    (
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    )
)
_TRANSIENT = frozenset(
    (
        "ConcurrentTagAccess",
        "InternalError",
        "InternalFailure",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "Unavailable",
    )
)


def _sdk(module: str) -> Any:
    return sdk_module(module, extra="aws", otherwise="give vpc_endpoint=")


class Calls:
    """boto3's clients, which are created when they are needed, and what they are asked for.

    Args:
        session: The caller's `boto3.Session`.
        client: The caller's client of EC2.
        profile: A profile of AWS's configuration files.
        role_arn: A role to assume with the session's or the profile's credentials.
        external_id: What the role's trust policy wants to hear.
    """

    def __init__(
        self, session: Any, client: Any, profile: str | None, role_arn: str | None, external_id: str | None
    ) -> None:
        self._given, self._client, self._profile = session, client, profile
        self._role_arn, self._external_id = role_arn, external_id
        self._base: Any = None
        self._clients: dict[str, Any] = {}
        self._lock = RLock()
        self._refused_first: dict[str, float] = {}

    def close(self) -> None:
        """Close the clients that were created here."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    @property
    def client_region(self) -> str | None:
        """The region of the caller's client."""
        return None if self._client is None else str(self._client.meta.region_name)

    def own_region(self) -> str | None:
        """The region of the caller's client, session or profile.

        Raises:
            CloudError: There is no such profile.
        """
        if self._client is not None:
            return self.client_region
        configured: str | None = self._session().region_name
        return configured

    def _session(self) -> Any:
        if self._given is not None:
            return self._given
        with self._lock:
            if self._base is None:
                boto3, exceptions = _sdk("boto3"), _sdk("botocore.exceptions")
                try:
                    self._base = boto3.Session(profile_name=self._profile)
                except exceptions.BotoCoreError as error:
                    text = f"AWS: {_one_line(error)}"
                    raise CloudError(text, operation="Session", code=type(error).__name__) from error
            return self._base

    def ec2(self, region: str) -> Any:
        """A client of EC2."""
        if self._client is not None:
            return self._client
        with self._lock:
            if region not in self._clients:
                exceptions = _sdk("botocore.exceptions")
                try:
                    session = self._session() if self._role_arn is None else self._session_of_role(region)
                    client = session.client("ec2", region_name=region, config=_config())
                except (exceptions.BotoCoreError, ValueError) as error:
                    raise _failure("client", error) from error
                client.meta.events.register("before-send.ec2", _refuse_if_abandoned)
                self._clients[region] = client
            return self._clients[region]

    def _session_of_role(self, region: str) -> Any:
        """A session whose credentials are those of the role, and are renewed before they expire."""
        base, credentials = self._session(), _sdk("botocore.credentials")
        source = base.get_credentials()
        if source is None:
            raise _sdk("botocore.exceptions").NoCredentialsError
        wanted = {"RoleSessionName": _ROLE_SESSION}
        if self._external_id is not None:
            wanted["ExternalId"] = self._external_id
        # the regional STS, which is there when the global one is not
        creator = partial(base.client, region_name=region, config=_config())
        fetcher = credentials.AssumeRoleCredentialFetcher(creator, source, self._role_arn, extra_args=wanted)
        renewed = credentials.DeferredRefreshableCredentials(partial(self._assume, fetcher), "assume-role")
        profile = base.profile_name if base.profile_name in base.available_profiles else None
        core = _sdk("botocore.session").Session(profile=profile)
        core.register_component("credential_provider", credentials.CredentialResolver([_Provider(renewed)]))
        return _sdk("boto3").Session(botocore_session=core)

    def _assume(self, fetcher: Any) -> Any:
        with cloud_call("AWS", "AssumeRole", str(self._role_arn)):
            return fetcher.fetch_credentials()

    def call(self, region: str, method: str, about: str = "", **parameters: Any) -> dict[str, Any]:
        """Send one request, and again what fails in passing.

        Args:
            region: The region.
            method: The client's method.
            about: What it is about, for the log.
            **parameters: The request's parameters.

        Raises:
            CloudError: EC2 or STS refused it, or did not answer.
        """
        for attempt in count():
            try:
                return self._call(region, method, about, parameters)
            except CloudError as error:
                if not error.is_transient or attempt + 1 >= _TRIES:
                    raise
            pause(_FIRST_PAUSE * 2**attempt)
        raise AssertionError

    def _call(self, region: str, method: str, about: str, parameters: dict[str, Any]) -> dict[str, Any]:
        ec2 = self.ec2(region)
        operation = str(ec2.meta.method_to_api_mapping[method])
        exceptions, parsers = _sdk("botocore.exceptions"), _sdk("botocore.parsers")
        try:
            with cloud_call("AWS", operation, f"{region} {about}".rstrip()):
                answer: dict[str, Any] = getattr(ec2, method)(**parameters)
                return answer
        except exceptions.ClientError as error:
            # STS refuses, while the request to EC2 is signed
            raise _refusal(error.operation_name or operation, region, error) from error
        except (exceptions.BotoCoreError, parsers.ResponseParserError) as error:
            raise _failure(operation, error) from error

    def pages(self, region: str, method: str, key: str, about: str = "", **parameters: Any) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.call(region, method, about, **parameters)
            found += page.get(key) or []
            if not page.get("NextToken"):
                return found
            parameters["NextToken"] = page["NextToken"]

    def outlive_fresh_service(self, error: CloudError, service_name: str) -> CloudError:
        """The error, transient where EC2 may not know the service yet.

        Args:
            error: What a request for the service was refused with.
            service_name: The service.
        """
        if error.code in UNKNOWN_SERVICE:
            first = self._refused_first.setdefault(service_name, monotonic())
            error.is_transient = monotonic() - first < _FRESH_SERVICE_SECONDS
            if not error.is_transient:
                self.knows(service_name)
        return error

    def knows(self, service_name: str) -> None:
        """EC2 knows the service, or is not waited for any more."""
        self._refused_first.pop(service_name, None)


class _Provider:
    """Where a session finds its credentials."""

    METHOD = CANONICAL_NAME = "assume-role"

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def load(self) -> Any:
        """The credentials."""
        return self._credentials


def _config() -> Any:
    # what is sent again, and for how long, is decided here and not in the SDK, which cannot be interrupted
    retries = {"mode": "standard", "total_max_attempts": 1}
    return _sdk("botocore.config").Config(retries=retries, connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS)


def _refuse_if_abandoned(**_: object) -> None:
    """Right before a request is sent: credentials may have taken their time."""
    limit = current_limit.get()
    if limit is not None and limit.is_over:
        raise Abandoned


def _refusal(operation: str, region: str, error: Any) -> CloudError:
    told: dict[str, str] = error.response.get("Error", {})
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return refused(f"{operation} in {region}", operation, told.get("Code"), told.get("Message", ""), status)


def refused(what: str, operation: str, code: str | None, message: str, status: int = 0) -> CloudError:
    """An error that AWS answered with, as one of ours.

    Args:
        what: What was refused, in words.
        operation: AWS's name of it.
        code: AWS's word for the error.
        message: What AWS says; the encoded rest, which only its own tools can read, is left out.
        status: The HTTP status.
    """
    said, _, _ = message.partition(" Encoded authorization")
    text = f"AWS refused {what}: {code or status or 'no reason'}: {_one_line(said)}"
    is_transient = code in _TRANSIENT or status in (408, 429) or status >= 500
    if not is_transient and (code in _DENIED or status in (401, 403)):
        if operation != "AssumeRole":
            text += " (`atlas-privatelink iam-policy` prints the permissions that are needed)"
        return CloudPermissionDenied(text, operation=operation, code=code)
    return CloudError(text, operation=operation, code=code, is_transient=is_transient)


# what cannot succeed the next time either, though it is an error of the connection
_LASTING = frozenset(("SSLError", "ParamValidationError"))
_CONNECTION: Collection[str] = ("HTTPClientError", "ConnectionError", "ResponseParserError")
_CREDENTIALS = ("Credential", "Token", "SSO")


def _failure(operation: str, error: Any) -> CloudError:
    code = type(error).__name__
    text = f"AWS: {operation} failed: {_one_line(error)}"
    if any(word in code for word in _CREDENTIALS):
        return CloudPermissionDenied(text, operation=operation, code=code)
    bases = {base.__name__ for base in type(error).__mro__}
    is_transient = code not in _LASTING and not bases.isdisjoint(_CONNECTION)
    return CloudError(text, operation=operation, code=code, is_transient=is_transient)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
