"""What Atlas answers, as frozen dataclasses.

They are the real thing: `dataclasses.asdict`, `fields`, `replace`, pattern matching, copying and pickling all work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from typing_extensions import Self

    from ._core import Exchange

__all__ = [
    "AwsEndpoint",
    "AwsEndpointService",
    "AzureEndpoint",
    "AzureEndpointService",
    "BackupEndpoint",
    "ConnectionStatus",
    "ConnectionStrings",
    "DataFederationEndpoint",
    "DataFederationStatus",
    "DedicatedEndpoint",
    "EncryptionAtRestEndpoint",
    "EndpointService",
    "EndpointStatus",
    "ForwardingRule",
    "GcpEndpointGroup",
    "GcpEndpointService",
    "RateLimit",
    "Response",
    "ServerlessEndpoint",
    "ServiceStatus",
    "StorageEndpointStatus",
    "StreamsConnection",
    "StreamsState",
    "WaitProgress",
]


class _Word(str, Enum):
    """A word of Atlas's. One that Atlas adds later becomes a value of the type too, equal to its text."""

    __str__ = str.__str__

    def __format__(self, format_spec: str) -> str:
        return str.__format__(self, format_spec)

    @classmethod
    def _missing_(cls, value: object) -> _Word | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member


class EndpointStatus(_Word):
    """The state of a private endpoint of a serverless instance.

    A word that Atlas adds later becomes a value of this type too, equal to its text. An endpoint that Atlas sent
    without a status has the value `"UNKNOWN"`.
    """

    RESERVATION_REQUESTED = "RESERVATION_REQUESTED"
    """Atlas prepares its endpoint service, which has no name yet. One to two minutes is usual."""
    RESERVED = "RESERVED"
    """`endpoint_service_name` is set: create the VPC endpoint now, and tell Atlas its id."""
    INITIATING = "INITIATING"
    """Atlas knows the VPC endpoint and connects it."""
    AVAILABLE = "AVAILABLE"
    """Usable."""
    FAILED = "FAILED"
    """It will not come; `error_message` says why."""
    DELETING = "DELETING"
    """On its way out."""


class ServiceStatus(_Word):
    """The state of an endpoint service of dedicated clusters."""

    INITIATING = "INITIATING"
    """Atlas makes it. One to five minutes are usual."""
    WAITING_FOR_USER = "WAITING_FOR_USER"
    """Ready for the private endpoint in your own account."""
    AVAILABLE = "AVAILABLE"
    """Ready, too."""
    FAILED = "FAILED"
    """It will not come; `error_message` says why."""
    DELETING = "DELETING"
    """On its way out."""


class ConnectionStatus(_Word):
    """The state of a private endpoint of dedicated clusters, on any cloud."""

    NONE = "NONE"
    """AWS: Atlas knows of it, and has not found it yet."""
    INITIATING = "INITIATING"
    """Azure and GCP: Atlas connects it."""
    PENDING_ACCEPTANCE = "PENDING_ACCEPTANCE"
    """AWS: Atlas has found it and not accepted it yet."""
    PENDING = "PENDING"
    """AWS: accepted, and being connected."""
    VERIFIED = "VERIFIED"
    """GCP: found, and being connected."""
    AVAILABLE = "AVAILABLE"
    """Usable."""
    REJECTED = "REJECTED"
    """AWS: it will not come; `error_message` may say why."""
    FAILED = "FAILED"
    """It will not come; `error_message` says why."""
    DELETING = "DELETING"
    """On its way out."""
    DELETED = "DELETED"
    """GCP: gone."""


class DataFederationStatus(_Word):
    """The state of a private endpoint of Data Federation."""

    PENDING = "PENDING"
    """Being approved."""
    OK = "OK"
    """Usable."""
    FAILED = "FAILED"
    """It will not come; `error_message` says why."""
    DELETING = "DELETING"
    """On its way out."""


class StreamsState(_Word):
    """The state of a private link connection of Stream Processing."""

    IDLE = "IDLE"
    """Not begun."""
    WORKING = "WORKING"
    """Being made."""
    DONE = "DONE"
    """Usable."""
    FAILED = "FAILED"
    """It will not come; `error_message` says why."""
    DELETE_REQUESTED = "DELETE_REQUESTED"
    """On its way out."""
    DELETING = "DELETING"
    """On its way out."""
    DELETED = "DELETED"
    """Gone."""


class StorageEndpointStatus(_Word):
    """The state of a private endpoint that Atlas makes towards your keys or your backups' bucket."""

    INITIATING = "INITIATING"
    """Atlas makes it."""
    PENDING_ACCEPTANCE = "PENDING_ACCEPTANCE"
    """Accept it now, in your own account."""
    ACTIVE = "ACTIVE"
    """Usable."""
    FAILED = "FAILED"
    """It will not come; `error_message` says why."""
    PENDING_RECREATION = "PENDING_RECREATION"
    """It was rejected or removed on your side, and Atlas will make another."""
    DELETING = "DELETING"
    """On its way out."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What Atlas said of its rate limit."""

    limit: int | None
    """Requests that the token bucket holds (`RateLimit-Limit`)."""
    remaining: int | None
    """Requests that were left in it (`RateLimit-Remaining`)."""
    retry_after: str | None
    """When to come back (`Retry-After`): seconds, or an HTTP date."""


@dataclass(frozen=True, slots=True)
class Response:
    """The HTTP side of a call: what MongoDB's support asks for."""

    status_code: int | None
    """The last answer's status; `None` where no answer came."""
    method: str
    """The request's method."""
    url: str
    """The request's URL."""
    headers: Mapping[str, str] = field(repr=False)
    """The last answer's headers, names in lower case (`x-java-method`, `x-mongodb-service-version`, `ratelimit-…`)."""
    http_version: str | None
    """The last answer's protocol, such as `HTTP/2.0`."""
    attempts: int
    """How often the request was tried."""
    requests: int
    """HTTP requests sent in all; those that fetched or refreshed a digest challenge are counted too."""
    elapsed: float
    """Seconds from the call's begin to its end."""

    @property
    def java_method(self) -> str | None:
        """What served the request at Atlas (`X-Java-Method`); worth giving to MongoDB's support."""
        return self.headers.get("x-java-method")

    @property
    def service_version(self) -> str | None:
        """The version of Atlas that served it (`X-MongoDB-Service-Version`)."""
        return self.headers.get("x-mongodb-service-version")

    @property
    def rate_limit(self) -> RateLimit:
        """What Atlas said of its rate limit."""
        numbers = (self.headers.get(f"ratelimit-{name}", "") for name in ("limit", "remaining"))
        limit, remaining = (int(number) if number.isdecimal() else None for number in numbers)
        return RateLimit(limit, remaining, self.headers.get("retry-after"))


class _Answered:
    """Keeps the `response` out of the dataclass: it is not compared, shown, copied or pickled."""

    __slots__ = ("_exchange",)
    _exchange: Exchange | None

    @property
    def response(self) -> Response | None:
        """The HTTP side of the call that this came from; `None` for a copy or after unpickling."""
        exchange: Exchange | None = getattr(self, "_exchange", None)
        return None if exchange is None else Response(*exchange.fields())


def _nothing() -> dict[str, Any]:
    return {}


class _Resource(_Answered):
    """What the dataclasses of all families have in common."""

    __slots__ = ()
    _status_type: type[_Word] | None = None

    @classmethod
    def _received(cls, values: tuple[Any, ...], exchange: Exchange | None) -> Self:
        *fields, extra = values
        if cls._status_type is not None:
            fields[1] = cls._status_type(fields[1])
        make: Any = cls
        resource: Self = make(*fields, extra=extra)
        object.__setattr__(resource, "_exchange", exchange)
        return resource

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        dataclass_type: Any = type(self)
        rows = {f.name: getattr(self, f.name) for f in dataclass_fields(dataclass_type)}
        return html_table(dataclass_type.__name__, rows)


def _extra() -> Any:
    return field(default_factory=_nothing, hash=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class ServerlessEndpoint(_Resource):
    """One private endpoint of one serverless instance."""

    _status_type = EndpointStatus

    id: str
    """Atlas's own id (`_id`), 24 hexadecimal digits; not the cloud provider's `vpce-…`."""
    status: EndpointStatus
    """How far it has come."""
    comment: str | None = None
    """The comment that it was created or updated with."""
    endpoint_service_name: str | None = None
    """The PrivateLink service to create a VPC endpoint for; `None` until the status is `RESERVED`."""
    cloud_provider_endpoint_id: str | None = None
    """The VPC endpoint (AWS) or private endpoint's resource (Azure) that Atlas was told of."""
    error_message: str | None = None
    """What went wrong, where the status is `FAILED`."""
    provider_name: str | None = None
    """`AWS` or `AZURE`; old answers leave it out."""
    private_endpoint_ip_address: str | None = None
    """Azure only."""
    private_link_service_resource_id: str | None = None
    """Azure only: the service to create a private endpoint for."""
    extra: Mapping[str, Any] = _extra()
    """What Atlas sent beyond that, by Atlas's names."""


@dataclass(frozen=True, slots=True)
class EndpointService(_Resource):
    """One endpoint service of dedicated clusters: `AwsEndpointService`, `AzureEndpointService` or
    `GcpEndpointService`."""

    _status_type = ServiceStatus

    id: str
    """Atlas's own id, 24 hexadecimal digits."""
    status: ServiceStatus
    """How far it has come."""
    cloud_provider: str | None = None
    """`AWS`, `AZURE` or `GCP`."""
    region_name: str | None = None
    """The region, by Atlas's name (`US_EAST_1`)."""
    error_message: str | None = None
    """What went wrong, where the status is `FAILED`."""
    extra: Mapping[str, Any] = _extra()
    """What Atlas sent beyond that, by Atlas's names."""

    @property
    def region(self) -> str | None:
        """The region, by the cloud's own name (`us-east-1`)."""
        return _cloud_region(self.cloud_provider, self.region_name)


@dataclass(frozen=True, slots=True)
class AwsEndpointService(EndpointService):
    """An endpoint service on AWS."""

    endpoint_service_name: str | None = None
    """The PrivateLink service to create a VPC endpoint for (`com.amazonaws.vpce.us-east-1.vpce-svc-…`)."""
    interface_endpoints: tuple[str, ...] = ()
    """The VPC endpoints that Atlas was told of."""
    supported_remote_regions: tuple[str, ...] = ()
    """Other regions whose VPC endpoints it accepts."""


@dataclass(frozen=True, slots=True)
class AzureEndpointService(EndpointService):
    """An endpoint service on Azure."""

    private_link_service_name: str | None = None
    """The name of the Private Link service."""
    private_link_service_resource_id: str | None = None
    """The Private Link service to create a private endpoint for."""
    private_endpoints: tuple[str, ...] = ()
    """The private endpoints that Atlas was told of, by their resource ids."""


@dataclass(frozen=True, slots=True)
class GcpEndpointService(EndpointService):
    """An endpoint service on Google Cloud."""

    endpoint_group_names: tuple[str, ...] = ()
    """The endpoint groups that Atlas was told of."""
    service_attachment_names: tuple[str, ...] = ()
    """The attachments to create forwarding rules for. They fill up while the status is `INITIATING`."""
    port_mapping_enabled: bool | None = None
    """Whether one forwarding rule serves all nodes."""


@dataclass(frozen=True, slots=True)
class DedicatedEndpoint(_Resource):
    """One private endpoint of dedicated clusters: `AwsEndpoint`, `AzureEndpoint` or `GcpEndpointGroup`."""

    _status_type = ConnectionStatus

    id: str
    """The cloud provider's own id: `vpce-…`, an Azure resource id, the name of a GCP endpoint group."""
    status: ConnectionStatus
    """How far it has come (`connectionStatus` on AWS)."""
    cloud_provider: str | None = None
    """`AWS`, `AZURE` or `GCP`."""
    error_message: str | None = None
    """What went wrong."""
    delete_requested: bool | None = None
    """Whether it is to be deleted."""
    extra: Mapping[str, Any] = _extra()
    """What Atlas sent beyond that, by Atlas's names."""


@dataclass(frozen=True, slots=True)
class AwsEndpoint(DedicatedEndpoint):
    """A VPC endpoint on AWS."""


@dataclass(frozen=True, slots=True)
class AzureEndpoint(DedicatedEndpoint):
    """A private endpoint on Azure."""

    private_endpoint_connection_name: str | None = None
    """The name of its connection to the Private Link service."""
    private_endpoint_ip_address: str | None = None
    """Its address."""


@dataclass(frozen=True, slots=True)
class ForwardingRule:
    """One forwarding rule of a GCP endpoint group."""

    name: str | None
    """Its name (`endpointName`)."""
    ip_address: str | None
    """Its address."""
    status: ConnectionStatus | None = None
    """How far it has come."""


@dataclass(frozen=True, slots=True)
class GcpEndpointGroup(DedicatedEndpoint):
    """A group of forwarding rules on Google Cloud."""

    gcp_project_id: str | None = None
    """The Google Cloud project that it lives in."""
    endpoints: tuple[ForwardingRule, ...] = ()
    """Its forwarding rules."""
    port_mapping_enabled: bool | None = None
    """Whether one forwarding rule serves all nodes."""

    @classmethod
    def _received(cls, values: tuple[Any, ...], exchange: Exchange | None) -> Self:
        *before, rules, port_mapping, extra = values
        return super(GcpEndpointGroup, cls)._received((*before, _rules(rules), port_mapping, extra), exchange)


def _rules(rules: tuple[dict[str, Any], ...]) -> tuple[ForwardingRule, ...]:
    def rule(fields: dict[str, Any]) -> ForwardingRule:
        status = fields.get("status")
        return ForwardingRule(
            fields.get("endpointName"), fields.get("ipAddress"), None if status is None else ConnectionStatus(status)
        )

    return tuple(map(rule, rules))


@dataclass(frozen=True, slots=True)
class DataFederationEndpoint(_Resource):
    """One private endpoint of Data Federation and Online Archive."""

    _status_type = DataFederationStatus

    id: str
    """The cloud provider's own id (`endpointId`)."""
    status: DataFederationStatus
    """How far it has come."""
    comment: str | None = None
    """What people call it."""
    provider: str | None = None
    """`AWS` or `AZURE`."""
    region: str | None = None
    """The region of the VPC endpoint, by Atlas's name."""
    error_message: str | None = None
    """What went wrong, where the status is `FAILED`."""
    type: str | None = None
    """`DATA_LAKE`."""
    customer_endpoint_dns_name: str | None = None
    """AWS: the VPC endpoint's DNS name."""
    customer_endpoint_ip_address: str | None = None
    """Azure: the private endpoint's address."""
    azure_link_id: str | None = None
    """Azure: what identifies the connection."""
    extra: Mapping[str, Any] = _extra()
    """What Atlas sent beyond that, by Atlas's names."""


@dataclass(frozen=True, slots=True)
class StreamsConnection(_Resource):
    """One private link connection of Stream Processing."""

    _status_type = StreamsState

    id: str
    """Atlas's own id (`_id`), 24 hexadecimal digits."""
    status: StreamsState
    """How far it has come (`state`)."""
    provider: str | None = None
    """`AWS`, `AZURE` or `GCP`; not always in capitals."""
    region: str | None = None
    """The region of the target, by Atlas's name."""
    vendor: str | None = None
    """The vendor of the target."""
    error_message: str | None = None
    """What went wrong, where the state is `FAILED`."""
    service_endpoint_id: str | None = None
    """The endpoint service or namespace that it leads to."""
    interface_endpoint_id: str | None = None
    """The endpoint that Atlas made for it."""
    interface_endpoint_name: str | None = None
    """The name of that endpoint."""
    provider_account_id: str | None = None
    """Atlas's account on the cloud, to be allowed by the target."""
    dns_domain: str | None = None
    """The target's domain."""
    dns_sub_domain: tuple[str, ...] = ()
    """Its subdomains."""
    arn: str | None = None
    """AWS MSK: the cluster."""
    authentication_scheme: str | None = None
    """`TLS`, `SASL_SCRAM` or `IAM`."""
    azure_resource_ids: tuple[str, ...] = ()
    """Azure Confluent: one resource per availability zone."""
    gcp_connection_ids: tuple[str, ...] = ()
    """GCP: the Private Service Connect connections."""
    gcp_service_attachment_uris: tuple[str, ...] = ()
    """GCP Confluent: one attachment per availability zone."""
    extra: Mapping[str, Any] = _extra()
    """What Atlas sent beyond that, by Atlas's names."""


@dataclass(frozen=True, slots=True)
class EncryptionAtRestEndpoint(_Resource):
    """One private endpoint from Atlas to the key management service of a project."""

    _status_type = StorageEndpointStatus

    id: str
    """Atlas's own id, 24 hexadecimal digits."""
    status: StorageEndpointStatus
    """How far it has come."""
    cloud_provider: str | None = None
    """`AWS` or `AZURE`."""
    region_name: str | None = None
    """The region, by Atlas's name."""
    error_message: str | None = None
    """What went wrong, where the status is `FAILED`."""
    private_endpoint_connection_name: str | None = None
    """What to accept in your own account."""
    extra: Mapping[str, Any] = _extra()
    """What Atlas sent beyond that, by Atlas's names."""

    @property
    def region(self) -> str | None:
        """The region, by the cloud's own name."""
        return _cloud_region(self.cloud_provider, self.region_name)


@dataclass(frozen=True, slots=True)
class BackupEndpoint(EncryptionAtRestEndpoint):
    """One private endpoint from Atlas to the bucket of a project's backups."""

    vpc_region_name: str | None = None
    """The region of the endpoint itself, where it is another one than the bucket's."""


@dataclass(frozen=True, slots=True)
class ConnectionStrings(_Resource):
    """The connection strings that lead through one private endpoint."""

    id: str
    """The cloud provider's id of the endpoint."""
    srv: str | None = None
    """`mongodb+srv://…`: the one to use (`srvConnectionString`)."""
    standard: str | None = None
    """`mongodb://…`, for drivers that cannot resolve SRV records (`connectionString`)."""
    srv_shard_optimized: str | None = None
    """For sharded clusters, past the routers of other regions (`srvShardOptimizedConnectionString`)."""
    type: str | None = None
    """`MONGOD` or `MONGOS`."""
    provider_name: str | None = None
    """The cloud of the endpoint."""
    region: str | None = None
    """The region of the endpoint, by Atlas's name."""
    extra: Mapping[str, Any] = _extra()
    """What Atlas sent beyond that, by Atlas's names."""


@dataclass(frozen=True, slots=True)
class WaitProgress:
    """What a look showed of a wait that goes on."""

    endpoint: Any
    """The last state seen, as `get_…` returns it; `None` where nothing was seen so far."""
    changed: bool
    """Whether it is another state than before."""
    trouble: str | None
    """Why this look showed nothing, if it did not; the wait goes on all the same."""
    looks: int
    """Looks so far."""
    elapsed: float
    """Seconds so far."""
    next_look: float
    """Seconds until the next look, at most."""

    @property
    def status(self) -> str | None:
        """The last status seen."""
        return getattr(self.endpoint, "status", None)


def _cloud_region(provider: str | None, region_name: str | None) -> str | None:
    from ._core import cloud_region

    return None if region_name is None else cloud_region(provider or "", region_name)


def html_table(title: str, rows: Mapping[str, object]) -> str:
    """A small table of names and values, escaped, with empty values left out; readable on light and dark pages."""
    from html import escape

    style = "text-align:left;vertical-align:top;padding:.15em .8em;background:transparent;color:inherit"
    body = "".join(
        f'<tr><th scope="row" style="{style};font-weight:600">{escape(name)}</th>'
        f'<td style="{style};overflow-wrap:anywhere">{escape(str(value))}</td></tr>'
        for name, value in rows.items()
        if value not in (None, {}, ())
    )
    return (
        '<table style="border-collapse:collapse;color:inherit;background:transparent">'
        f'<caption style="text-align:left;padding:.15em .8em;color:inherit">{escape(title)}</caption>'
        f"<tbody>{body}</tbody></table>"
    )
