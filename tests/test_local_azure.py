"""The local Azure: by Azure's own SDK over a socket, and together with the local Atlas."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from support import GROUP_ID

from atlas_privatelink import (
    CloudError,
    ConfigurationError,
    NotOwned,
    PermissionDenied,
    PreflightFailed,
    Step,
    ValidationError,
    azure,
)
from atlas_privatelink.clouds import azure_creation
from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing.azure import LocalAzure

pytest.importorskip("azure.mgmt.network", reason="the extra azure is not installed")

TARGET = (
    "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg_1/providers/Microsoft.Network"
    "/privateLinkServices/pls_1"
)
OTHER_SUBSCRIPTION = "99999999-2222-4333-8444-555555555555"
PUT, DELETE = "PrivateEndpoints.CreateOrUpdate", "PrivateEndpoints.Delete"


def wanted(local: LocalAzure, **changes: Any) -> dict[str, Any]:
    """A private endpoint, as the SDK is told of it."""
    connection = {"name": "one", "properties": {"privateLinkServiceId": TARGET}}
    properties = {"subnet": {"id": local.subnet_id()}, "manualPrivateLinkServiceConnections": [connection]}
    return {"location": "eastus2", "tags": {"owner": "orders"}, "properties": properties, **changes}


# by the SDK's own operations


@pytest.fixture
def local() -> Iterator[LocalAzure]:
    with LocalAzure() as local:
        yield local


@pytest.mark.parametrize("in_process", [True, False])
def test_the_sdk_s_own_operations(local: LocalAzure, in_process: bool) -> None:
    client = local.client(in_process=in_process)
    subnet = client.subnets.get("rg-orders", "vnet-orders", "backend")
    assert (subnet.id, subnet.address_prefix) == (local.subnet_id("backend"), "10.0.1.0/24")
    begun = client.private_endpoints.begin_create_or_update("rg-orders", "one", wanted(local), polling=False).result()
    assert begun.provisioning_state == "Updating"
    names = [one.name for one in client.private_endpoints.list("rg-orders")]
    assert names == [one.name for one in client.private_endpoints.list_by_subscription()] == ["one"]
    endpoint = client.private_endpoints.get("rg-orders", "one")
    while endpoint.provisioning_state != "Succeeded":
        endpoint = client.private_endpoints.get("rg-orders", "one")
    [interface] = endpoint.network_interfaces
    shown = client.network_interfaces.get("rg-orders", interface.id.rpartition("/")[2])
    assert [one.private_ip_address for one in shown.ip_configurations] == ["10.0.0.4"]
    [subnets] = [one.subnets for one in [client.virtual_networks.get("rg-orders", "vnet-orders")]]
    assert [[one.id for one in subnet.private_endpoints or ()] for subnet in subnets] == [[endpoint.id], []]
    assert [len(subnet.ip_configurations) for subnet in subnets] == [1, 0]
    client.private_endpoints.begin_delete("rg-orders", "one").result()
    assert local.endpoints() == []
    assert local.created() == [endpoint.id]
    again = client.private_endpoints.begin_create_or_update("rg-orders", "one", wanted(local)).result()
    assert (again.id, again.provisioning_state) == (endpoint.id, "Succeeded")
    local.page_size = 1
    client.private_endpoints.begin_create_or_update("rg-orders", "two", wanted(local), polling=False)
    assert {one.name for one in client.private_endpoints.list("rg-orders")} == {"one", "two"}


def test_its_rules(local: LocalAzure) -> None:
    from azure.core.exceptions import HttpResponseError

    client = local.client()

    def refused(name: str = "one", **changes: Any) -> str:
        with pytest.raises(HttpResponseError) as caught:
            client.private_endpoints.begin_create_or_update("rg-orders", name, wanted(local, **changes), polling=False)
        return str(getattr(caught.value.error, "code", None))

    client.private_endpoints.begin_create_or_update("rg-orders", "one", wanted(local), polling=False)
    assert refused() == "AnotherOperationInProgress"
    assert refused("two", location="westeurope") == "InvalidResourceLocation"
    properties = wanted(local)["properties"]
    assert refused("two", properties={**properties, "subnet": {"id": f"{local.subnet_id()}x"}}) == (
        "InvalidResourceReference"
    )
    local.force_state(local.created()[0], "Succeeded")
    assert refused(properties={**properties, "subnet": {"id": local.subnet_id("backend")}}) == "InvalidRequestFormat"
    other = {"name": "one", "properties": {"privateLinkServiceId": f"{TARGET}2"}}
    assert refused(properties={**properties, "manualPrivateLinkServiceConnections": [other]}) == (
        "CannotChangePrivateLinkConnectionOnPrivateEndpoint"
    )
    assert len(local.created()) == 1


def test_it_has_to_be_started_for_sockets() -> None:
    local = LocalAzure()
    with pytest.raises(RuntimeError, match="not started"):
        local.client()
    assert list(local.client(in_process=True).private_endpoints.list("rg-orders")) == []
    with local:
        local.start()
        assert list(local.client().private_endpoints.list("rg-orders")) == []
    local.stop()


def test_states_that_do_not_exist(local: LocalAzure) -> None:
    endpoint_id = local.add_private_endpoint("one", TARGET)
    with pytest.raises(ValueError, match="Rejected"):
        local.force_state(endpoint_id, "REJECTED")
    with pytest.raises(KeyError):
        local.force_state(endpoint_id + "2", "Rejected")
    with pytest.raises(ValueError, match="at least 1"):
        local.throttle_every(0)


def test_without_the_sdk(local: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "azure.mgmt.network", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'atlas-privatelink\[azure\]'"):
        local.client()


# together with the local Atlas


@pytest.fixture
def emulator() -> Iterator[AtlasEmulator]:
    with AtlasEmulator(clock="driven") as emulator:
        yield emulator


@pytest.fixture
def world(emulator: AtlasEmulator) -> Iterator[LocalAzure]:
    with LocalAzure(emulator) as local:
        yield local


@pytest.fixture
def options(world: LocalAzure, emulator: AtlasEmulator) -> Iterator[dict[str, Any]]:
    """The arguments of `connect` and `disconnect` for a dedicated cluster."""
    with emulator.client() as atlas:
        yield {
            "cluster_name": "Cluster0",
            "region": "eastus2",
            "subnet_id": world.subnet_id(),
            "client": world.client(),
            "atlas": atlas,
        }


def actions(connection: Any) -> dict[Step, str]:
    return {taken.step: taken.action for taken in connection.steps}


def test_from_nothing_to_a_connection_string_and_back(
    world: LocalAzure, emulator: AtlasEmulator, options: dict[str, Any]
) -> None:
    plan = azure.connect(GROUP_ID, **options, plan=True)
    assert (plan.planned, world.created()) == (True, [])
    connection = azure.connect(GROUP_ID, **options)
    assert connection.srv is not None
    [endpoint] = world.endpoints()
    assert (connection.cloud_endpoint_id, endpoint["connection"]) == (endpoint["id"], "Approved")
    assert (connection.cloud_endpoint_origin, connection.service_origin) == ("created", "created")
    told = [one for one in emulator.requests() if one.method == "POST" and one.target.endswith("/endpoint")]
    assert '"10.0.0.4"' in told[0].body
    again = azure.connect(GROUP_ID, **options)
    assert (again.srv, again.cloud_endpoint_origin) == (connection.srv, "adopted")
    assert world.calls.count(PUT) == 1
    gone = azure.disconnect(GROUP_ID, **options)
    assert [one.kind for one in gone.deletions] == ["endpoint", "endpoint service", "cloud endpoint"]
    assert (world.endpoints(), emulator.endpoint_services()) == ([], [])
    assert azure.disconnect(GROUP_ID, **options).deletions == ()


@pytest.mark.parametrize("region", ["EastUS2", "US_EAST_2", "eastus2"])
def test_regions_are_one_in_any_spelling(
    world: LocalAzure, emulator: AtlasEmulator, options: dict[str, Any], region: str
) -> None:
    azure.connect(GROUP_ID, **options)
    again = azure.connect(GROUP_ID, **{**options, "region": region})
    assert (again.cloud_endpoint_origin, len(emulator.endpoint_services())) == ("adopted", 1)
    azure.disconnect(GROUP_ID, **{**options, "region": region})
    assert (world.endpoints(), emulator.endpoint_services()) == ([], [])


def test_another_resource_group_and_subnet_are_the_same_connection(world: LocalAzure, options: dict[str, Any]) -> None:
    world.add_resource_group("rg-apps")
    first = azure.connect(GROUP_ID, **options)
    changes = {"resource_group": "rg-apps", "subnet_id": world.subnet_id("backend").upper()}
    again = azure.connect(GROUP_ID, **{**options, **changes})
    assert again.cloud_endpoint_id == first.cloud_endpoint_id
    assert again.drift == ("subnet is default, not BACKEND", "resource group is rg-orders, not rg-apps")
    azure.disconnect(GROUP_ID, **{**options, "resource_group": "rg-apps"})
    assert (world.endpoints(), len(world.created())) == ([], 1)


def test_an_endpoint_in_another_subscription(world: LocalAzure, options: dict[str, Any]) -> None:
    world.add_resource_group("rg-apps", subscription_id=OTHER_SUBSCRIPTION)
    options |= {"subscription_id": OTHER_SUBSCRIPTION, "resource_group": "rg-apps"}
    connection = azure.connect(GROUP_ID, **options)
    assert str(connection.cloud_endpoint_id).startswith(f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/rg-apps/")
    assert connection.srv is not None
    azure.disconnect(GROUP_ID, **options)
    assert world.endpoints() == []


def test_ids_in_any_case(world: LocalAzure, options: dict[str, Any]) -> None:
    world.changes_id_case = True
    assert azure.connect(GROUP_ID, **options).srv is not None
    assert azure.connect(GROUP_ID, **options).cloud_endpoint_origin == "adopted"
    azure.disconnect(GROUP_ID, **options)
    assert (world.endpoints(), len(world.created())) == ([], 1)


def test_the_same_for_asyncio(world: LocalAzure, emulator: AtlasEmulator, options: dict[str, Any]) -> None:
    async def main() -> None:
        async with emulator.async_client() as atlas:
            both = await asyncio.gather(*(azure.aconnect(GROUP_ID, **{**options, "atlas": atlas}) for _ in range(2)))
            assert both[0].srv == both[1].srv is not None
            assert [one.cloud_endpoint_origin for one in both].count("created") == len(world.created()) == 1
            # one of them may have created the service, and the other the private endpoint
            await azure.adisconnect(GROUP_ID, **{**options, "atlas": atlas}, delete_service=True)
            assert world.endpoints() == []

    asyncio.run(main())


def test_the_same_for_a_serverless_instance() -> None:
    emulator = AtlasEmulator(clock="driven", provider="AZURE")
    with emulator, LocalAzure(emulator) as world, emulator.client() as atlas:
        options: dict[str, Any] = {"instance_name": "Instance0", "subnet_id": world.subnet_id()}
        options |= {"client": world.client(), "atlas": atlas}
        connection = azure.connect(GROUP_ID, **options)
        assert connection.srv is not None
        [endpoint] = emulator.endpoints(GROUP_ID)
        assert endpoint["privateEndpointIpAddress"] == "10.0.0.4"
        assert endpoint["cloudProviderEndpointId"] == connection.cloud_endpoint_id
        azure.disconnect(GROUP_ID, **options)
        assert (world.endpoints(), emulator.endpoints(GROUP_ID)) == ([], [])


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_answer_is_outlived(world: LocalAzure, options: dict[str, Any], executed: bool) -> None:
    world.fail(PUT, code=None, executed=executed)
    assert azure.connect(GROUP_ID, **options).srv is not None
    assert len(world.created()) == 1


def test_a_service_that_azure_does_not_know_yet_is_outlived(world: LocalAzure, options: dict[str, Any]) -> None:
    world.refuse_new_services(2)
    assert azure.connect(GROUP_ID, **options).srv is not None
    assert world.calls.count(PUT) == 3


def test_throttling_is_outlived(world: LocalAzure, options: dict[str, Any]) -> None:
    world.throttle_every(4, retry_after=0.01)
    assert azure.connect(GROUP_ID, **options).srv is not None
    azure.disconnect(GROUP_ID, **options)
    assert (world.endpoints(), len(world.created())) == ([], 1)


def test_killed_in_the_middle_and_run_again(
    world: LocalAzure, emulator: AtlasEmulator, options: dict[str, Any]
) -> None:
    world.fail(PUT, code="AuthorizationFailed", status=403, executed=True)
    with pytest.raises(CloudError) as caught:
        azure.connect(GROUP_ID, **options)
    assert caught.value.connection is not None
    assert f"endpoint service {caught.value.connection.endpoint_service_id}" in str(caught.value)
    assert azure.connect(GROUP_ID, **options).srv is not None
    assert (len(world.created()), len(emulator.endpoint_services())) == (1, 1)
    azure.disconnect(GROUP_ID, **options)
    assert (world.endpoints(), emulator.endpoint_services()) == ([], [])


def test_what_was_rejected_is_replaced(world: LocalAzure, options: dict[str, Any]) -> None:
    first = azure.connect(GROUP_ID, **options)
    world.force_state(world.created()[0], "Rejected", "not for you")
    again = azure.connect(GROUP_ID, **options)
    assert (again.srv, again.cloud_endpoint_origin) == (first.srv, "created")
    assert (len(world.endpoints()), len(world.created())) == (1, 2)


@pytest.mark.parametrize("state", ["Rejected", "Failed", "Disconnected"])
def test_disconnect_finds_what_has_failed(
    world: LocalAzure, emulator: AtlasEmulator, options: dict[str, Any], state: str
) -> None:
    azure.connect(GROUP_ID, **options)
    world.force_state(world.created()[0], state)
    azure.disconnect(GROUP_ID, **options)
    assert (world.endpoints(), emulator.endpoint_services()) == ([], [])


def test_endpoints_of_others_are_used_and_not_deleted(world: LocalAzure, options: dict[str, Any]) -> None:
    atlas = options["atlas"]
    service = atlas.dedicated.create_service(GROUP_ID, "AZURE", "eastus2")
    service = atlas.dedicated.wait_for_service(GROUP_ID, "AZURE", service.id)
    theirs = world.add_private_endpoint(
        "terraform",
        service.private_link_service_resource_id,
        resource_group="rg-other",
        tags={"created-by": "terraform"},
    )
    before = world.endpoints()[0]["tags"]
    connection = azure.connect(GROUP_ID, **options)
    assert (connection.srv is not None, connection.cloud_endpoint_id) == (True, theirs)
    assert (connection.cloud_endpoint_origin, PUT in world.calls) == ("adopted", False)
    with pytest.raises(NotOwned, match="created-by=terraform"):
        azure.disconnect(GROUP_ID, **options)
    assert [one["tags"] for one in world.endpoints()] == [before]
    assert DELETE not in world.calls


def test_a_disconnect_that_was_stopped_goes_on(
    world: LocalAzure, emulator: AtlasEmulator, options: dict[str, Any]
) -> None:
    azure.connect(GROUP_ID, **options)
    emulator.fault("status", method="DELETE", path_contains="/endpoint/", authenticated=True, status=403)
    with pytest.raises(PermissionDenied):
        azure.disconnect(GROUP_ID, **options)
    world.fail(DELETE, code="AuthorizationFailed", status=403)
    with pytest.raises(CloudError):
        azure.disconnect(GROUP_ID, **options)
    # the mark goes last, so whoever comes next still sees whose it is
    assert len(world.endpoints()) == 1
    azure.disconnect(GROUP_ID, **options)
    assert (world.endpoints(), emulator.endpoint_services()) == ([], [])


def test_a_policy_that_strips_tags_leaves_nothing_unsaid(
    world: LocalAzure, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_creation, "_READ_PAUSE", 0.0)
    world.strip_tags()
    with pytest.raises(CloudError, match="Azure Policy") as caught:
        azure.connect(GROUP_ID, **options)
    assert world.created()[0] in str(caught.value)
    assert len(world.created()) == 1


def test_what_rules_it_out_is_noticed_before_anything_is_created(
    world: LocalAzure, emulator: AtlasEmulator, options: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError) as caught:
        azure.connect(GROUP_ID, **{**options, "subnet_id": options["subnet_id"] + "-missing"})
    assert caught.value.field == "subnet_id"
    world.deny("Microsoft.Network/privateEndpoints/write")
    with pytest.raises(PreflightFailed, match=r"Microsoft\.Network/privateEndpoints/write"):
        azure.connect(GROUP_ID, **options)
    assert (world.created(), emulator.endpoint_services()) == ([], [])


def test_progress_tells_both_sides(options: dict[str, Any]) -> None:
    seen: list[Any] = []
    azure.connect(GROUP_ID, **options, on_progress=seen.append)
    assert {event.step for event in seen} >= {Step.RESERVE, Step.CREATE_CLOUD_ENDPOINT, Step.ACCEPT}
    assert any(event.cloud_status == "Updating" for event in seen)
