"""Private endpoints of serverless instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import Resource, Word, extra_fields


class EndpointStatus(Word):
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


@dataclass(frozen=True, slots=True)
class ServerlessEndpoint(Resource):
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
    extra: Mapping[str, Any] = extra_fields()
    """What Atlas sent beyond that, by Atlas's names."""
