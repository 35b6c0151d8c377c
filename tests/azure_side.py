"""What the tests of Azure's side have in common: a local Azure without sockets, and clouds that it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import GROUP_ID

from atlas_privatelink.clouds import azure_creation
from atlas_privatelink.clouds.azure import AzureCloud
from atlas_privatelink.clouds.base import ServiceToReach
from atlas_privatelink.models.connection import CloudEndpoint
from atlas_privatelink.testing.azure import LocalAzure

SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"
OTHER_SUBSCRIPTION = "99999999-2222-4333-8444-555555555555"
TARGET = (
    "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg_1/providers/Microsoft.Network"
    "/privateLinkServices/pls_1"
)
SERVICE = ServiceToReach(TARGET, GROUP_ID, "64f000000000000000000b01", "eastus2", created=True, made_by="dag/run-1")
ANOTHER = ServiceToReach(f"{TARGET}2", GROUP_ID, "64f000000000000000000b02", "eastus2")
PUT, GET, DELETE = "PrivateEndpoints.CreateOrUpdate", "PrivateEndpoints.Get", "PrivateEndpoints.Delete"
NETWORK = (
    f"/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-orders/providers/microsoft.network/virtualnetworks/vnet-orders"
)

Make = Callable[..., AzureCloud]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses take no time."""
    monkeypatch.setattr(azure_creation, "_DELETION_PAUSE", 0.0)
    monkeypatch.setattr(azure_creation, "_READ_PAUSE", 0.0)


@pytest.fixture
def local(quick: None) -> LocalAzure:
    """A local Azure that is called without sockets."""
    return LocalAzure()


@pytest.fixture
def make(local: LocalAzure) -> Make:
    """Makes clouds that `local` is."""

    def cloud(subnet_id: str | None = None, **options: Any) -> AzureCloud:
        return local.cloud(subnet_id, in_process=True, **options)

    return cloud


@pytest.fixture
def cloud(make: Make) -> AzureCloud:
    """The usual one."""
    return make()


def created(cloud: AzureCloud, service: ServiceToReach = SERVICE) -> CloudEndpoint:
    """An endpoint that waits for approval, as this call of `create` has found it."""
    begun = endpoint = cloud.create(service)
    while endpoint.phase == "creating":
        endpoint = there(cloud, begun)
    return endpoint


def there(cloud: AzureCloud, endpoint: CloudEndpoint) -> CloudEndpoint:
    """The endpoint as it is now."""
    now = cloud.describe(endpoint.id)
    assert now is not None
    return now


def gone(cloud: AzureCloud, endpoint: CloudEndpoint) -> None:
    """Returns when the endpoint is gone."""
    while cloud.describe(endpoint.id) is not None:
        pass


def failures(checks: Any) -> dict[str, str]:
    """What rules `connect` out, by the names of the checks."""
    return {check.name: check.detail for check in checks if check.state == "failure"}


def warnings(checks: Any) -> dict[str, str]:
    """What does not, and is said."""
    return {check.name: check.detail for check in checks if check.state == "warning"}
