"""The class `AtlasEmulator`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from atlas_privatelink import AsyncClient, Client, _core

from .records import DigestMode, FaultName, RecordedRequest, Stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["AtlasEmulator"]

AnyClient = TypeVar("AnyClient", AsyncClient, Client)


class AtlasEmulator:
    """A local Atlas. Start it with `with` or `start()`.

    Args:
        public_key: public half of the API key of a project owner.
        private_key: its private half.
        host: the loopback address to listen on.
        port: the port to listen on; 0 lets the system choose.
        digest: how it challenges, and how strict it is about a nonce's count. "jetty" is what Atlas does: each count
            once, in any order. "rising" wants greater counts, "exact" wants 1, 2, 3, …, "one-time" gives out the next
            nonce with each answer. "misprint" prints `op="auth"` for `qop="auth"`, "two-challenges" offers Basic in the
            same header, "header-twice" sends the challenge twice, "sha-256" and "sha-256-and-md5" offer SHA-256,
            "no-qop" is RFC 2069, "open" asks for nothing.
        clock: "real", or "driven" for one that only `advance()` moves.
        speed: seconds of the emulator per second of real time.
        reservation_seconds: from RESERVATION_REQUESTED to RESERVED.
        connection_seconds: from INITIATING to AVAILABLE.
        deletion_seconds: from DELETING to gone.
        service_seconds: from an endpoint service's creation to AVAILABLE; None for what has been recorded: 169 on AWS,
            60 on Azure, 281 on GCP.
        connection_string_seconds: from an endpoint's AVAILABLE to its connection string.
        reservation_expiry_seconds: how long a reservation waits to be connected.
        status_codes: "recorded", or "documented" where successes have been recorded with other codes than documented.
        rate_limit_headers: whether answers tell the rate limit.
        clusters: the only clusters that exist, by name or described (see `set_clusters`); None accepts any name.
        cloud_endpoints: the only private endpoints that the clouds have, or a callable that returns them (see
            `set_cloud_endpoints`); None accepts any id.
        azure_id_case: "lower" answers with the ids of private endpoints in Azure in lower case, whatever case they
            were given in. They can be asked for in any case.
        last_endpoint_deletes_service: whether deleting the last endpoint of an endpoint service deletes the service,
            as Atlas does.
        rules: whether the rules of a project are enforced. Without regional mode, it has one private endpoint in each
            region or several in a single one, counted over all clouds; otherwise 409
            `PRIVATE_ENDPOINT_REGIONAL_LIMIT_EXCEEDED`. No endpoint is made in a region where a paused cluster has
            nodes: 409 `PRIVATE_ENDPOINT_CLUSTER_PAUSED`. Regional mode cannot be enabled while there is a replica set:
            409 `CANNOT_ENABLE_REGIONAL_MODE_WITH_REPLICA_SETS`. None enforces them in projects that have a described
            cluster. (Atlas's own codes for the three are not known.)
        client_id: the id of a service account.
        client_secret: its secret.
        token_seconds: how long an access token is good.
        token_requests_per_minute: how many access tokens can be asked for.
        capacity: requests that a project's token bucket holds.
        refill: requests that flow into it per minute.
        max_nonce_count: requests that a nonce is good for.
        nonce_seconds: how long a nonce is good.
        instances: the only instances that exist; None accepts any name.
        groups: the only projects that exist, by id or as `{"id": …, "name": …}`; None accepts any id.
        provider: the cloud of the instances, "AWS" or "AZURE".
        record: whether requests and nonce counts are kept; switch it off to measure.

    Raises:
        ValueError: `start()` found an argument that breaks its rule; the message names both.
    """

    def __init__(
        self,
        *,
        public_key: str = "abcdefgh",
        private_key: str = "01234567-89ab-cdef-0123-456789abcdef",
        host: str = "127.0.0.1",
        port: int = 0,
        digest: DigestMode = "jetty",
        clock: Literal["real", "driven"] = "real",
        speed: float = 1.0,
        reservation_seconds: float = 90,
        connection_seconds: float = 90,
        deletion_seconds: float = 30,
        service_seconds: float | None = None,
        connection_string_seconds: float = 60,
        reservation_expiry_seconds: float = 86_400,
        status_codes: Literal["recorded", "documented"] = "recorded",
        rate_limit_headers: bool = True,
        clusters: Sequence[str | Mapping[str, object]] | None = None,
        cloud_endpoints: Iterable[str] | Callable[[], Iterable[str] | None] | None = None,
        azure_id_case: Literal["as_given", "lower"] = "as_given",
        last_endpoint_deletes_service: bool = True,
        rules: bool | None = None,
        client_id: str = "mdb_sa_id_0123456789abcdef01234567",
        client_secret: str = "mdb_sa_sk_0123456789abcdef0123456789abcdef",
        token_seconds: float = 3600,
        token_requests_per_minute: int = 10,
        capacity: int = 4000,
        refill: int = 2000,
        max_nonce_count: int = 1024,
        nonce_seconds: float = 60,
        instances: Sequence[str] | None = None,
        groups: Sequence[str | Mapping[str, str]] | None = None,
        provider: Literal["AWS", "AZURE"] = "AWS",
        record: bool = True,
    ) -> None:
        self._options = _to_json(
            {
                "public_key": public_key,
                "private_key": private_key,
                "host": host,
                "port": port,
                "digest": digest,
                "clock": clock,
                "speed": speed,
                "reservation_seconds": reservation_seconds,
                "connection_seconds": connection_seconds,
                "deletion_seconds": deletion_seconds,
                "service_seconds": service_seconds,
                "connection_string_seconds": connection_string_seconds,
                "reservation_expiry_seconds": reservation_expiry_seconds,
                "status_codes": status_codes,
                "rate_limit_headers": rate_limit_headers,
                "clusters": clusters,
                "azure_id_case": azure_id_case,
                "last_endpoint_deletes_service": last_endpoint_deletes_service,
                "rules": rules,
                "client_id": client_id,
                "client_secret": client_secret,
                "token_seconds": token_seconds,
                "token_requests_per_minute": token_requests_per_minute,
                "capacity": capacity,
                "refill": refill,
                "max_nonce_count": max_nonce_count,
                "nonce_seconds": nonce_seconds,
                "instances": instances,
                "groups": groups,
                "provider": provider,
                "record": record,
            }
        )
        self.public_key = public_key
        self.private_key = private_key
        self.client_id = client_id
        self.client_secret = client_secret
        self._digest = digest
        self._clock = clock
        self._cloud_endpoints = cloud_endpoints
        self._core: _core.Emulator | None = None

    def start(self) -> Self:
        """Begin to listen; returns when it does. Does nothing if it was started before."""
        if self._core is None:
            self._core = _core.Emulator(self._options)
            self.set_cloud_endpoints(self._cloud_endpoints)
        return self

    def stop(self) -> None:
        """Stop for good; what it knows can still be read. Does nothing if it was stopped before, or in a fork."""
        if self._core is not None:
            self._core.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        where = "not started" if self._core is None else self._core.base_url
        return f"<AtlasEmulator {where} digest={self._digest!r} public_key={self.public_key!r}>"

    @property
    def _running(self) -> _core.Emulator:
        if self._core is None:
            raise RuntimeError("the emulator is not started: use it in a with statement, or call start()")
        return self._core

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._running.port

    @property
    def base_url(self) -> str:
        """The part of every URL before `/api/atlas/…`."""
        return self._running.base_url

    def environment(self) -> dict[str, str]:
        """The variables that point a client here."""
        return {
            "MONGODB_ATLAS_BASE_URL": self.base_url,
            "MONGODB_ATLAS_PUBLIC_API_KEY": self.public_key,
            "MONGODB_ATLAS_PRIVATE_API_KEY": self.private_key,
        }

    def client(self, **options: Any) -> Client:
        """A blocking client of this emulator, with the options of `Client`.

        With `clock="driven"`, its pauses and waits take no time: they move the emulator's clock instead.
        """
        return self._driven_by(Client(self.public_key, self.private_key, base_url=self.base_url, **options))

    def async_client(self, **options: Any) -> AsyncClient:
        """An asynchronous client of this emulator, with the options of `AsyncClient`.

        With `clock="driven"`, its pauses and waits take no time: the emulator's clock jumps to the next moment at which
        something is to be done, whenever all of this client's calls wait.
        """
        return self._driven_by(AsyncClient(self.public_key, self.private_key, base_url=self.base_url, **options))

    def _driven_by(self, client: AnyClient) -> AnyClient:
        if self._clock == "driven":
            return client._of(client._core.driving(self._running))
        return client

    def now(self) -> float:
        """The time on its clock, in seconds since 1970."""
        return self._running.now()

    def advance(self, seconds: float) -> None:
        """Move the clock forward: endpoints live on, nonces age, buckets fill."""
        self._running.advance(seconds)

    def set_clusters(self, clusters: Sequence[str | Mapping[str, object]] | None) -> None:
        """Replace the clusters. Endpoints stay.

        A name is a cluster of which nothing else is known: it is in every project, its answer has no
        `replicationSpecs`, and it has a private connection string for every endpoint of its project. A mapping
        describes a cluster: it has private connection strings for endpoints in its own regions alone, and none before
        each of its regions has an endpoint that is AVAILABLE.

        | key | value |
        |---|---|
        | `name` | its name |
        | `group` | the id of its project (every project) |
        | `provider` | "AWS" (default), "AZURE", "GCP", or "TENANT" for free and Flex clusters |
        | `backing_provider` | the cloud of a "TENANT" ("AWS") |
        | `regions` | its regions by Atlas's names or the cloud's own, highest priority first; one in another cloud is \
`{"provider": "AZURE", "region": "eastus2"}` |
        | `instance_size` | "M10" (default), …; "M0" is a free cluster, "FLEX" a Flex cluster |
        | `cluster_type` | "REPLICASET" (default), "SHARDED" or "GEOSHARDED" |
        | `paused` | whether it is paused (False) |
        | `state` | its `stateName` ("IDLE") |

        Free clusters have no private connection strings; Flex clusters are not in the list of clusters, and asking for
        one is 400 `CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API`.

        Args:
            clusters: names and mappings; None accepts any name, and lists those that were asked for.

        Raises:
            ValueError: a mapping that breaks these rules.
        """
        self._running.set_clusters(json.dumps(clusters, default=_listed))

    def set_cloud_endpoints(self, ids: Iterable[str] | Callable[[], Iterable[str] | None] | None) -> None:
        """Tell it which private endpoints the clouds have.

        Registering another one succeeds at first, and ends after the time of a connection: as REJECTED on AWS, as
        FAILED on Azure, on GCP and with serverless instances. Endpoints that are registered already stay as they are.

        Args:
            ids: ids of VPC endpoints, resource ids on Azure (in any case), names of forwarding rules on GCP; or a
                callable that returns them. It is called in another thread before each request that may register an
                endpoint; what it raises goes to `sys.unraisablehook`, and the ids of before stay. None, or a callable
                that returns it, accepts any id.

        Raises:
            ValueError: a string, which would be read as one id for each of its letters.
        """
        if isinstance(ids, str):
            raise ValueError(f"ids must be a list of ids or a callable, got {ids!r}")
        self._running.set_cloud_endpoints(ids if ids is None or callable(ids) else list(ids))

    def set_endpoint_status(
        self,
        service_id: str,
        endpoint_id: str,
        status: str | None,
        error_message: str | None = None,
        *,
        delete_requested: bool | None = None,
    ) -> None:
        """Let an endpoint of an endpoint service answer with another status than its own.

        Args:
            service_id: the id of the endpoint service, in any project.
            endpoint_id: what the endpoint is addressed by.
            status: such as "REJECTED", "FAILED" or "DELETING"; any other word, too. None returns it to its own life,
                as its deletion does.
            error_message: its `errorMessage`, beside a status.
            delete_requested: its `deleteRequested`, where that is not its own: True on an endpoint that is AVAILABLE.

        Raises:
            ValueError: there is no such endpoint.
        """
        self._running.force(service_id, endpoint_id, status, error_message, delete_requested)

    def set_service_status(self, service_id: str, status: str | None, error_message: str | None = None) -> None:
        """Let an endpoint service answer with another status than its own, such as "FAILED" or "WAITING_FOR_USER".

        Args:
            service_id: the id of the endpoint service, in any project.
            status: any word; None returns it to its own life, as its deletion does.
            error_message: its `errorMessage`, beside a status.

        Raises:
            ValueError: there is no such endpoint service.
        """
        self._running.force(service_id, None, status, error_message, None)

    def restart(self) -> None:
        """Do what a restart of the server does: forget all nonces, close all connections, listen again.

        The port, the keys and the endpoints stay.
        """
        self._running.restart()

    def heal(self) -> None:
        """Forget all faults, and listen again after the fault "refuse"."""
        self._running.heal()

    def fault(
        self,
        name: FaultName,
        *,
        method: str | None = None,
        path_contains: str | None = None,
        authenticated: bool | None = None,
        times: int | None = 1,
        after: int = 0,
        **parameters: object,
    ) -> None:
        """Arm a fault. Those armed wait in order; each request takes at most one, the first that matches.

        Delays are in real time. "Executed" means that the request was treated as without the fault, authentication
        included: `authenticated=True` keeps faults away from requests that will only be challenged.

        | name | what happens | parameters |
        |---|---|---|
        | `refuse` | connections are refused, at once, for all | `seconds` (until `heal()` or `restart()`), \
`drop_connections` (False) |
        | `reset_before_handler` | TCP reset, not executed | |
        | `reset_after_handler` | executed, then TCP reset | |
        | `close_before_handler` | connection closed without an answer, not executed | |
        | `close_after_handler` | executed, then closed without an answer | |
        | `cut_body` | executed; the answer breaks off | `bytes` that are sent |
        | `delay` | waits, then is executed, even if the client is gone | `seconds` |
        | `delay_after_handler` | executed, then the answer waits | `seconds` |
        | `trickle` | executed; the answer's body comes byte by byte | `interval` in seconds |
        | `status` | another answer | `status`, `retry_after` (none; seconds or a date), `format` ("json", "html", \
"empty"), `error_code`, `executed` (False) |
        | `rate_limited` | 429 `RATE_LIMITED` with the parameters path, limit and minutes, not executed | \
`limit` (100), `minutes` (1), `retry_after` (none; seconds or a date) |
        | `empty_body` | executed, the right status, no body | |
        | `not_json` | executed, the right status, HTML | |
        | `huge_body` | executed, the right status, padding | `bytes`, `format` ("json", "text") |
        | `wrong_json` | executed, the right status, another shape | `shape` ("array", "object", "no_id") |
        | `redirect` | sent elsewhere, not executed | `location`, `status` (302) |

        Args:
            name: the kind of fault.
            method: only requests with this method.
            path_contains: only requests with this in their path or query.
            authenticated: only requests with (True) or without (False) an `Authorization` header.
            times: how many requests it takes; None for all until `heal()`.
            after: how many matching requests pass first.
            **parameters: see the table.

        Raises:
            ValueError: a name or parameter that does not exist or breaks its rule.
        """
        given: dict[str, object] = {
            "method": method,
            "path_contains": path_contains,
            "authenticated": authenticated,
            "times": None if times == 1 else times,
            "always": True if times is None else None,
            "after": after or None,
        }
        for parameter in parameters.keys() & given.keys():
            raise ValueError(f"{name} takes no {parameter!r}")
        chosen = {key: value for key, value in given.items() if value is not None}
        self._running.fault(name, _to_json(chosen | parameters))

    def add_key(
        self, public_key: str, private_key: str, *, role: Literal["owner", "read_only", "outsider"] = "owner"
    ) -> None:
        """Accept one more API key.

        A "read_only" key gets 403 `USER_UNAUTHORIZED` for changes. An "outsider" belongs to another organisation and
        gets 401 `NOT_IN_GROUP`, with a challenge, as Atlas does it.
        """
        self._running.add_key(public_key, private_key, role)

    def allow_address(self, allowed: bool) -> None:
        """Whether callers are on the access list; otherwise they get 403 `IP_ADDRESS_NOT_ON_ACCESS_LIST`."""
        self._running.allow_address(allowed)

    def retire(self, how: Literal["version_gone", "not_serverless"] | None = "version_gone") -> None:
        """Retire serverless private endpoints: 410 `VERSION_GONE`, or 400 `NOT_SERVERLESS_TENANT_CLUSTER`.

        None brings them back.
        """
        self._running.retire(how)

    def fail_next_endpoint(self, message: str = "The endpoint service could not be created.") -> None:
        """Let the next endpoint or endpoint service made fail with this `errorMessage`, when it would be ready."""
        self._running.fail_next_endpoint(message)

    def expire_tokens(self) -> None:
        """End the life of all access tokens."""
        self._running.expire_tokens()

    def deprecate(self, *, deprecation: str | None = None, sunset: str | None = None) -> None:
        """Let the operations of serverless instances send `Deprecation` and `Sunset`, by HTTP dates."""
        self._running.deprecate(deprecation, sunset)

    def endpoints(self, group_id: str | None = None, instance_name: str | None = None) -> list[dict[str, Any]]:
        """The endpoints of serverless instances there are, as Atlas v2 sends them, oldest first within an instance."""
        endpoints: list[dict[str, Any]] = json.loads(self._running.endpoints(group_id, instance_name))
        return endpoints

    def endpoint_services(self) -> list[dict[str, Any]]:
        """The endpoint services of dedicated clusters there are, as Atlas sends them, and `groupId` and `endpoints`."""
        services: list[dict[str, Any]] = json.loads(self._running.endpoint_services())
        return services

    def stats(self) -> Stats:
        """What happened since the start or the last `reset_stats()`."""
        counts = json.loads(self._running.stats())
        counts["answers"] = {(method, status): count for method, status, count in counts["answers"]}
        return Stats(**counts)

    def requests(self) -> list[RecordedRequest]:
        """The requests since the start or the last `reset_stats()`, in the order of arrival."""
        return [RecordedRequest._from_json(fields) for fields in json.loads(self._running.requests())]

    def take_finished_requests(self) -> list[RecordedRequest]:
        """Remove the requests that were answered or given up from `requests()`, and return them."""
        return [RecordedRequest._from_json(fields) for fields in json.loads(self._running.take_finished_requests())]

    def reset_stats(self) -> None:
        """Forget the counts and the requests."""
        self._running.reset_stats()


def _to_json(options: dict[str, object]) -> str:
    """What JSON cannot hold goes as text, and is refused with the option's name."""
    known = {
        name: repr(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in options.items()
    }
    return json.dumps(known, default=_listed)


def _listed(value: object) -> object:
    """Any sequence and any mapping are JSON, too."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    if isinstance(value, Sequence):
        return list(cast("Sequence[object]", value))
    return repr(value)
