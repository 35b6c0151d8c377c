"""Azure's half of a private endpoint, with Azure's own SDK against a local server of its REST API."""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
import trustme
from servers.azure_network import GROUP, SUBNET_ID, SUBSCRIPTION, TOKEN, AzureNetwork, refusal
from support import GROUP_ID

from atlas_privatelink import (
    CloudEndpoint,
    CloudError,
    CloudPermissionDenied,
    ConfigurationError,
    PermissionDenied,
    Step,
    ValidationError,
    azure,
)
from atlas_privatelink.azure import AzureCloud
from atlas_privatelink.cloud import ServiceToReach
from atlas_privatelink.testing import AtlasEmulator

network = pytest.importorskip("azure.mgmt.network", reason="the extra azure is not installed")

# as Atlas and its emulator name them
_OF_ATLAS = re.compile(r"/subscriptions/0{8}-.*/resourceGroups/.*/Microsoft\.Network/privateLinkServices/\w[\w-]*")
SERVICE_ID = (
    "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/rg_1/providers/Microsoft.Network"
    "/privateLinkServices/pls_1"
)
SERVICE = ServiceToReach(SERVICE_ID, GROUP_ID, "Cluster0")


class Credential:
    """Knows one token."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """The token, good for an hour."""
        from azure.core.credentials import AccessToken

        return AccessToken(self.token, int(time.time()) + 3600)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[AzureNetwork]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with AzureNetwork(tls=tls, knows=lambda service: _OF_ATLAS.fullmatch(service) is not None) as server:
        yield server


Connect = Callable[..., Any]


@pytest.fixture
def client_of(server: AzureNetwork, authority: trustme.CA, tmp_path: Path) -> Iterator[Connect]:
    """Makes clients of the server."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    made: list[Any] = []

    def client(token: str = TOKEN, **options: Any) -> Any:
        options = {"retry_total": 0, "connection_verify": str(file), **options}
        made.append(network.NetworkManagementClient(Credential(token), SUBSCRIPTION, server.base_url, **options))
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def cloud(client_of: Connect) -> AzureCloud:
    return AzureCloud(SUBNET_ID, client=client_of())


def created(cloud: AzureCloud, service: ServiceToReach = SERVICE) -> CloudEndpoint:
    """An endpoint that waits for approval."""
    begun = endpoint = cloud.create(service)
    while endpoint.phase == "creating":
        now = cloud.describe(begun.id)
        assert now is not None
        endpoint = now
    return endpoint


def test_an_endpoint_lives(server: AzureNetwork, cloud: AzureCloud) -> None:
    begun = cloud.create(SERVICE)
    assert (begun.phase, begun.status) == ("creating", "Updating")
    assert begun.id.startswith(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/")
    pending = created(cloud)
    assert (pending.phase, pending.status, pending.private_endpoint_ip_address) == ("pending", "Pending", "10.0.0.4")
    [name] = server.created
    server.decide(name, "Approved")
    available = cloud.describe(begun.id)
    assert available is not None
    assert (available.phase, available.status) == ("available", "Approved")
    cloud.delete(begun.id)
    leaving = cloud.describe(begun.id)
    assert leaving is not None
    assert (leaving.phase, leaving.is_alive) == ("deleting", False)
    cloud.delete(begun.id)
    while cloud.describe(begun.id):
        pass
    cloud.delete(begun.id)
    assert server.endpoints == {}


def test_without_an_address_it_is_still_being_created(server: AzureNetwork, cloud: AzureCloud) -> None:
    server.assigns_addresses = False
    begun = cloud.create(SERVICE)
    shown = [cloud.describe(begun.id) for _ in range(3)]
    assert [one and one.phase for one in shown] == ["creating"] * 3
    server.assigns_addresses = True
    assert created(cloud).private_endpoint_ip_address == "10.0.0.4"


def test_it_is_told_apart_by_its_tags(server: AzureNetwork, client_of: Connect) -> None:
    AzureCloud(SUBNET_ID, client=client_of(), tags={"owner": "orders"}).create(SERVICE)
    [endpoint] = server.endpoints.values()
    assert endpoint["tags"]["atlas-project-id"] == GROUP_ID
    assert endpoint["tags"]["owner"] == "orders"


@pytest.mark.parametrize(
    ("decision", "phase"), [("Rejected", "failed"), ("Disconnected", "failed"), ("Pending", "pending")]
)
def test_what_the_owner_of_the_service_decides(
    server: AzureNetwork, cloud: AzureCloud, decision: str, phase: str
) -> None:
    endpoint = created(cloud)
    server.decide(server.created[0], decision, "not for you")
    shown = cloud.describe(endpoint.id)
    assert shown is not None
    assert (shown.phase, shown.status) == (phase, decision)
    assert (shown.error_message == "not for you") == (phase == "failed")


def test_created_once_however_often(server: AzureNetwork, cloud: AzureCloud) -> None:
    ids = {cloud.create(SERVICE).id, cloud.create(SERVICE).id, created(cloud).id, created(cloud).id}
    assert len(ids) == len(server.created) == 1
    assert server.count("PUT", "privateEndpoints") == 1


def test_created_once_from_many_threads(server: AzureNetwork, client_of: Connect) -> None:
    clouds = [AzureCloud(SUBNET_ID, client=client_of()) for _ in range(8)]
    ids: list[str] = []
    barrier = threading.Barrier(len(clouds))

    def create(cloud: AzureCloud) -> None:
        barrier.wait()
        ids.append(cloud.create(SERVICE).id)

    threads = [threading.Thread(target=create, args=(cloud,)) for cloud in clouds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == len(clouds)
    assert len(set(ids)) == len(server.created) == 1


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_answer_and_another_try(server: AzureNetwork, cloud: AzureCloud, executed: bool) -> None:
    server.cut("PUT", "privateEndpoints", executed=executed)
    with pytest.raises(CloudError, match=r"^Azure: PrivateEndpoints\.CreateOrUpdate failed: ") as caught:
        cloud.create(SERVICE)
    assert not isinstance(caught.value, CloudPermissionDenied)
    assert "\n" not in str(caught.value)
    assert len(server.created) == executed
    assert created(cloud).phase == "pending"
    assert len(server.created) == 1


def test_a_lost_answer_that_the_sdk_repeats(server: AzureNetwork, client_of: Connect) -> None:
    server.cut("PUT", "privateEndpoints", executed=True)
    cloud = AzureCloud(SUBNET_ID, client=client_of(retry_total=2, retry_backoff_factor=0.01))
    assert created(cloud).phase == "pending"
    assert len(server.created) == 1


def test_a_failed_one_is_tried_again(server: AzureNetwork, cloud: AzureCloud) -> None:
    endpoint = created(cloud)
    server.fail(server.created[0])
    shown = cloud.describe(endpoint.id)
    assert shown is not None
    assert (shown.phase, shown.status) == ("failed", "Failed")
    assert cloud.adopt(SERVICE) is None
    assert created(cloud).phase == "pending"
    assert len(server.created) == 1


def test_one_that_is_leaving_is_waited_for(
    server: AzureNetwork, cloud: AzureCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure, "_DELETION_PAUSE", 0.0)
    endpoint = created(cloud)
    cloud.delete(endpoint.id)
    assert cloud.adopt(SERVICE) is None
    assert created(cloud).phase == "pending"
    assert len(server.created) == 2


def test_one_that_was_rejected_is_not_passed_off_as_new(server: AzureNetwork, cloud: AzureCloud) -> None:
    endpoint = created(cloud)
    server.decide(server.created[0], "Rejected", "not for you")
    assert cloud.adopt(SERVICE) is None
    with pytest.raises(CloudError, match=r"is Rejected \(not for you\): delete it, and connect again") as caught:
        cloud.create(SERVICE)
    assert endpoint.id in str(caught.value)


def test_adopt_finds_by_name_and_by_what_it_leads_to(server: AzureNetwork, client_of: Connect) -> None:
    assert AzureCloud(SUBNET_ID, client=client_of()).adopt(SERVICE) is None
    made = created(AzureCloud(SUBNET_ID, client=client_of(), name="by-hand"))
    # Azure does not tell ids apart by case
    cloud = AzureCloud(SUBNET_ID.upper(), client=client_of(), resource_group=GROUP)
    found = cloud.adopt(ServiceToReach(SERVICE_ID.lower(), GROUP_ID, "Cluster0"))
    assert found == made
    assert cloud.adopt(ServiceToReach(SERVICE_ID + "2", GROUP_ID, "Cluster0")) is None
    named = AzureCloud(SUBNET_ID, client=client_of(), name="by-hand")
    assert named.adopt(SERVICE) == made
    assert len(server.created) == 1


def test_what_bears_the_name_and_leads_elsewhere_is_left_alone(server: AzureNetwork, client_of: Connect) -> None:
    cloud = AzureCloud(SUBNET_ID, client=client_of(), name="mine")
    created(cloud)
    with pytest.raises(CloudError, match="exists and leads elsewhere"):
        cloud.create(ServiceToReach(SERVICE_ID + "2", GROUP_ID, "Cluster0"))
    assert server.count("PUT", "privateEndpoints") == 1


def test_another_subscription_s_endpoint_of_the_same_name_is_left_alone(
    server: AzureNetwork, cloud: AzureCloud
) -> None:
    endpoint = created(cloud)
    elsewhere = endpoint.id.replace(SUBSCRIPTION, "99999999-2222-4333-8444-555555555555")
    assert cloud.describe(elsewhere) is None
    cloud.delete(elsewhere)
    assert server.count("DELETE", "privateEndpoints") == 0


def test_refusals_are_one_clear_line(server: AzureNetwork, cloud: AzureCloud) -> None:
    unknown = ServiceToReach("/subscriptions/1/x", GROUP_ID, "Cluster0")
    with pytest.raises(CloudError) as caught:
        cloud.create(unknown)
    text = "Azure refused PrivateEndpoints.CreateOrUpdate: PrivateLinkServiceNotFound: Private link service"
    assert str(caught.value).startswith(text)
    assert (caught.value.operation, caught.value.code) == (
        "PrivateEndpoints.CreateOrUpdate",
        "PrivateLinkServiceNotFound",
    )
    server.refuse("GET", "privateEndpoints", refusal(403, "AuthorizationFailed", "The client\ndoes not have it."))
    with pytest.raises(CloudPermissionDenied) as denied:
        cloud.describe(SUBNET_ID.split("virtualNetworks")[0] + "privateEndpoints/one")
    expected = "Azure refused PrivateEndpoints.Get: AuthorizationFailed: The client does not have it."
    assert str(denied.value) == expected
    assert denied.value.code == "AuthorizationFailed"


def test_wrong_credentials(client_of: Connect) -> None:
    cloud = AzureCloud(SUBNET_ID, client=client_of("a-wrong-token"))
    with pytest.raises(CloudPermissionDenied, match="InvalidAuthenticationToken") as caught:
        cloud.check()
    assert "a-wrong-token" not in f"{caught.value!r} {caught.value} {cloud!r}"


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, cloud: AzureCloud) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    def no_token(*_: object, **__: object) -> None:
        raise ClientAuthenticationError("DefaultAzureCredential failed:\n\tEnvironmentCredential: none")

    monkeypatch.setattr(Credential, "get_token", no_token)
    with pytest.raises(CloudPermissionDenied, match=r"^Azure refused Subnets\.Get: DefaultAzureCredential failed: Env"):
        cloud.check()


def test_what_is_given_is_checked(server: AzureNetwork, cloud: AzureCloud, client_of: Connect) -> None:
    cloud.check()
    for subnet_id, resource_group, field in [
        (SUBNET_ID.replace("/default", "/missing"), None, "subnet_id"),
        (SUBNET_ID.replace(GROUP, "rg-missing"), None, "subnet_id"),
        (SUBNET_ID, "rg-missing", "resource_group"),
    ]:
        with pytest.raises(ValidationError, match="missing") as caught:
            AzureCloud(subnet_id, client=client_of(), resource_group=resource_group).check()
        assert caught.value.field == field
    server.refuse("GET", "/subnets/", refusal(403, "AuthorizationFailed", "no"))
    with pytest.raises(CloudPermissionDenied):
        cloud.check()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"subnet_id": "default"}, "subnet_id"),
        ({"subnet_id": SUBNET_ID.rpartition("/subnets")[0]}, "subnet_id"),
        ({"name": "-mine"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"resource_group": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"}, "resource_group"),
        ({"client": object(), "credential": object()}, "client"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(options: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=field) as caught:
        AzureCloud(**{"subnet_id": SUBNET_ID} | options)
    assert caught.value.field == field


def test_an_endpoint_s_id_is_a_resource_id(cloud: AzureCloud) -> None:
    with pytest.raises(ValidationError, match="endpoint_id"):
        cloud.describe("vpce-0123456789abcdef0")


def test_what_is_planned(cloud: AzureCloud) -> None:
    assert cloud.planned(None) == "a private endpoint in subnet default of vnet-orders"
    assert cloud.planned(SERVICE).endswith(f"in subnet default of vnet-orders, leading to {SERVICE_ID}")


def test_the_sdk_is_loaded_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = "import sys, atlas_privatelink.azure; sys.exit('azure' in sys.modules)"
    run([sys.executable, "-c", loaded], check=True)
    monkeypatch.setitem(sys.modules, "azure.mgmt.network", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'atlas-privatelink\[azure\]'"):
        AzureCloud(SUBNET_ID, credential=Credential()).check()


def test_a_client_of_its_own_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Client:
        def __init__(self, credential: object, subscription: str, **options: Any) -> None:
            assert subscription == SUBSCRIPTION

        def close(self) -> None:
            closed.append("client")

    monkeypatch.setattr(network, "NetworkManagementClient", Client)
    with AzureCloud(SUBNET_ID, credential=Credential()) as cloud:
        assert cloud._api is cloud._api
    assert closed == ["client"]


ARGUMENTS: dict[str, Any] = {"cluster_name": "Cluster0", "region": "eastus2", "subnet_id": SUBNET_ID}


def test_from_nothing_to_a_connection_string_and_back(server: AzureNetwork, client_of: Connect) -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        options: dict[str, Any] = {**ARGUMENTS, "client": client_of(), "atlas": atlas}
        plan = azure.connect(GROUP_ID, **options, plan=True)
        assert plan.planned
        assert server.created == []
        connection = azure.connect(GROUP_ID, **options)
        assert connection.srv is not None
        assert connection.cloud_endpoint_id == next(iter(server.endpoints.values()))["id"]
        again = azure.connect(GROUP_ID, **options)
        assert again.srv == connection.srv
        assert len(server.created) == 1
        told = [one for one in emulator.requests() if one.method == "POST" and one.target.endswith("/endpoint")]
        assert '"10.0.0.4"' in told[0].body
        gone = azure.disconnect(GROUP_ID, **options)
        assert [taken.action for taken in gone.steps] == ["delete", "delete", "delete"]
        assert server.endpoints == {}
        assert [taken.action for taken in azure.disconnect(GROUP_ID, **options).steps] == ["skip", "skip", "skip"]


def test_the_same_for_asyncio(server: AzureNetwork, client_of: Connect) -> None:
    async def main() -> None:
        with AtlasEmulator(clock="driven") as emulator:
            async with emulator.async_client() as atlas:
                options: dict[str, Any] = {**ARGUMENTS, "client": client_of(), "atlas": atlas}
                both = await asyncio.gather(*(azure.aconnect(GROUP_ID, **options) for _ in range(2)))
                assert both[0].srv == both[1].srv is not None
                assert len(server.created) == 1
                await azure.adisconnect(GROUP_ID, **options)
                assert server.endpoints == {}

    asyncio.run(main())


def test_the_same_for_a_serverless_instance(server: AzureNetwork, client_of: Connect) -> None:
    with AtlasEmulator(clock="driven", provider="AZURE") as emulator, emulator.client() as atlas:
        options: dict[str, Any] = {"instance_name": "Instance0", "subnet_id": SUBNET_ID}
        options |= {"client": client_of(), "atlas": atlas}
        connection = azure.connect(GROUP_ID, **options)
        assert connection.srv is not None
        [endpoint] = emulator.endpoints(GROUP_ID)
        assert endpoint["privateEndpointIpAddress"] == "10.0.0.4"
        assert endpoint["cloudProviderEndpointId"] == connection.cloud_endpoint_id
        azure.disconnect(GROUP_ID, **options)
        assert (server.endpoints, emulator.endpoints(GROUP_ID)) == ({}, [])


def test_killed_in_the_middle_and_run_again(server: AzureNetwork, client_of: Connect) -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        options: dict[str, Any] = {**ARGUMENTS, "client": client_of(), "atlas": atlas}
        server.cut("PUT", "privateEndpoints", executed=True)
        with pytest.raises(CloudError) as caught:
            azure.connect(GROUP_ID, **options)
        assert caught.value.connection is not None
        assert f"endpoint service {caught.value.connection.endpoint_service_id}" in str(caught.value)
        assert azure.connect(GROUP_ID, **options).srv is not None
        assert len(server.created) == 1
        assert len(atlas.dedicated.list_services(GROUP_ID, "AZURE")) == 1


@pytest.mark.parametrize("keep_service", [True, False])
def test_disconnect_finds_what_was_rejected(server: AzureNetwork, client_of: Connect, keep_service: bool) -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        options: dict[str, Any] = {**ARGUMENTS, "client": client_of(), "atlas": atlas}
        server.cut("PUT", "privateEndpoints", executed=True)
        with pytest.raises(CloudError):
            azure.connect(GROUP_ID, **options)
        server.decide(server.created[0], "Rejected", "not for you")
        with pytest.raises(CloudError, match="is Rejected"):
            azure.connect(GROUP_ID, **options)
        gone = azure.disconnect(GROUP_ID, **options, keep_service=keep_service)
        assert [taken.action for taken in gone.steps] == ["delete", "skip", "skip" if keep_service else "delete"]
        assert server.endpoints == {}
        assert azure.connect(GROUP_ID, **options).srv is not None


def test_a_disconnect_that_was_stopped_goes_on(server: AzureNetwork, client_of: Connect) -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        options: dict[str, Any] = {**ARGUMENTS, "client": client_of(), "atlas": atlas}
        connection = azure.connect(GROUP_ID, **options)
        emulator.fault("status", method="DELETE", path_contains="/endpoint/", authenticated=True, status=403)
        with pytest.raises(PermissionDenied):
            azure.disconnect(GROUP_ID, **options)
        assert server.endpoints == {}
        gone = azure.disconnect(GROUP_ID, **options)
        assert gone.steps[1].detail == connection.cloud_endpoint_id
        assert [taken.action for taken in gone.steps[1:]] == ["delete", "delete"]
        assert atlas.dedicated.list_services(GROUP_ID, "AZURE") == []


def test_an_unknown_subnet_is_noticed_before_anything_is_created(server: AzureNetwork, client_of: Connect) -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        options: dict[str, Any] = {**ARGUMENTS, "client": client_of(), "atlas": atlas}
        options["subnet_id"] += "-missing"
        with pytest.raises(ValidationError) as caught:
            azure.connect(GROUP_ID, **options)
        assert caught.value.field == "subnet_id"
        assert (emulator.requests(), server.created) == ([], [])


def test_progress_tells_both_sides(server: AzureNetwork, client_of: Connect) -> None:
    seen: list[Any] = []
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        azure.connect(GROUP_ID, **ARGUMENTS, client=client_of(), atlas=atlas, on_progress=seen.append)
    assert {event.step for event in seen} >= {Step.RESERVE, Step.CREATE_CLOUD_ENDPOINT, Step.ACCEPT}
    assert any(event.cloud_status == "Updating" for event in seen)
