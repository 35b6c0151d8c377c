"""Private link connections of Stream Processing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import Resource, Word, extra_fields


class StreamsState(Word):
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


@dataclass(frozen=True, slots=True)
class StreamsConnection(Resource):
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
    extra: Mapping[str, Any] = extra_fields()
    """What Atlas sent beyond that, by Atlas's names."""
