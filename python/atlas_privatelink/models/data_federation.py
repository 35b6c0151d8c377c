"""Private endpoints of Data Federation and Online Archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import Resource, Word, extra_fields


class DataFederationStatus(Word):
    """The state of a private endpoint of Data Federation."""

    PENDING = "PENDING"
    """Being approved."""
    OK = "OK"
    """Usable."""
    FAILED = "FAILED"
    """It will not come; `error_message` says why."""
    DELETING = "DELETING"
    """On its way out."""


@dataclass(frozen=True, slots=True)
class DataFederationEndpoint(Resource):
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
    extra: Mapping[str, Any] = extra_fields()
    """What Atlas sent beyond that, by Atlas's names."""
