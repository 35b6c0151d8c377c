"""Private endpoints of dedicated clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import Resource, Word, cloud_region, extra_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Exchange


class ServiceStatus(Word):
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


class ConnectionStatus(Word):
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


@dataclass(frozen=True, slots=True)
class EndpointService(Resource):
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
    extra: Mapping[str, Any] = extra_fields()
    """What Atlas sent beyond that, by Atlas's names."""

    @property
    def region(self) -> str | None:
        """The region, by the cloud's own name (`us-east-1`)."""
        return cloud_region(self.cloud_provider, self.region_name)


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
class DedicatedEndpoint(Resource):
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
    extra: Mapping[str, Any] = extra_fields()
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
