"""Private endpoints that Atlas makes towards your keys and the bucket of your backups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .base import Resource, Word, cloud_region, extra_fields


class StorageEndpointStatus(Word):
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
class StorageEndpoint(Resource):
    """One private endpoint that Atlas makes: `EncryptionAtRestEndpoint` or `BackupEndpoint`."""

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
    extra: Mapping[str, Any] = extra_fields()
    """What Atlas sent beyond that, by Atlas's names."""

    @property
    def region(self) -> str | None:
        """The region, by the cloud's own name."""
        return cloud_region(self.cloud_provider, self.region_name)


@dataclass(frozen=True, slots=True)
class EncryptionAtRestEndpoint(StorageEndpoint):
    """One private endpoint from Atlas to the key management service of a project."""


@dataclass(frozen=True, slots=True)
class BackupEndpoint(StorageEndpoint):
    """One private endpoint from Atlas to the bucket of a project's backups."""

    vpc_region_name: str | None = None
    """The region of the endpoint itself, where it is another one than the bucket's."""
