"""Google Cloud's half of a private endpoint, with Google's own SDK against a local server of its Compute API."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from subprocess import run
from typing import Any

import pytest
from servers.gcp_compute import NETWORK, PROJECT, REGION, SUBNETWORK, GcpCompute, refusal
from support import GROUP_ID

from atlas_privatelink import (
    CloudError,
    CloudPermissionDenied,
    ConfigurationError,
    PermissionDenied,
    Step,
    ValidationError,
    gcp,
)
from atlas_privatelink.cloud import ServiceToReach
from atlas_privatelink.gcp import GcpCloud
from atlas_privatelink.testing import AtlasEmulator

compute = pytest.importorskip("google.cloud.compute_v1", reason="the extra gcp is not installed")

# as Atlas and its emulator name them
_OF_ATLAS = re.compile(r"projects/p-\w+/regions/[a-z0-9-]+/serviceAttachments/[\w-]+")
# not in their numbers' order, as Atlas lists them
ATTACHMENTS = tuple(f"projects/p-abcdefgh/regions/{REGION}/serviceAttachments/sa-{n}" for n in (2, 0, 10, 1, 4, 3))
SERVICE = ServiceToReach(ATTACHMENTS[0], GROUP_ID, "Cluster0", ATTACHMENTS)

Make = Callable[..., GcpCloud]


@pytest.fixture
def server() -> Iterator[GcpCompute]:
    with GcpCompute(knows=lambda attachment: _OF_ATLAS.fullmatch(attachment) is not None) as server:
        yield server


@pytest.fixture
def options(server: GcpCompute) -> dict[str, Any]:
    """What leads Google's SDK to the server."""
    anonymous: Any = import_module("google.auth.credentials").AnonymousCredentials
    return {"credentials": anonymous(), "client_options": {"api_endpoint": server.base_url}}


@pytest.fixture
def make(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes clouds that the server is."""
    monkeypatch.setattr(gcp, "_PAUSE", 0.0)
    made: list[GcpCloud] = []

    def cloud(**changes: Any) -> GcpCloud:
        arguments: dict[str, Any] = {
            "project": PROJECT,
            "region": REGION,
            "network": "vpc",
            "subnetwork": "db",
            **options,
            **changes,
        }
        made.append(GcpCloud(**arguments))
        return made[-1]

    yield cloud
    for one in made:
        one.close()


def names(server: GcpCompute) -> list[str]:
    """The names of all rules and addresses, each once if they are the same."""
    assert sorted(server.rules) == sorted(server.addresses)
    return sorted(server.rules)


def test_a_group_lives(server: GcpCompute, make: Make) -> None:
    cloud = make()
    endpoint = cloud.create(SERVICE)
    assert (endpoint.phase, endpoint.status, endpoint.gcp_project_id) == ("pending", "PENDING", PROJECT)
    assert names(server) == [f"{endpoint.id}-{i}" for i in range(6)]
    # by number, 10 is the last; the order is Atlas's
    assert [name for name, _ in endpoint.endpoints] == [f"{endpoint.id}-{i}" for i in (2, 0, 5, 1, 4, 3)]
    for (name, address), target in zip(endpoint.endpoints, ATTACHMENTS, strict=True):
        assert server.addresses[name]["address"] == server.rules[name]["IPAddress"] == address
        assert server.rules[name]["target"].endswith(target)
    server.decide("ACCEPTED", *list(server.rules)[:-1])
    assert cloud.describe(endpoint.id) == endpoint
    server.decide("ACCEPTED")
    available = cloud.describe(endpoint.id)
    assert available is not None
    assert (available.phase, available.status, available.endpoints) == ("available", "ACCEPTED", endpoint.endpoints)
    cloud.delete(endpoint.id)
    assert cloud.describe(endpoint.id) is None
    cloud.delete(endpoint.id)
    assert names(server) == []


@pytest.mark.parametrize("status", ["REJECTED", "CLOSED", "NEEDS_ATTENTION"])
def test_one_rule_that_fails_fails_the_group(server: GcpCompute, make: Make, status: str) -> None:
    cloud = make()
    endpoint = cloud.create(SERVICE)
    server.decide("ACCEPTED")
    server.decide(status, f"{endpoint.id}-3")
    shown = cloud.describe(endpoint.id)
    assert shown is not None
    assert (shown.phase, shown.status, shown.error_message) == ("failed", status, f"{endpoint.id}-3: {status}")
    assert cloud.adopt(SERVICE) is None
    with pytest.raises(CloudError, match=f"{endpoint.id}-3 is {status}: delete it, and connect again"):
        cloud.create(SERVICE)


def test_created_once_however_often(server: GcpCompute, make: Make) -> None:
    other_order = ServiceToReach(ATTACHMENTS[3], GROUP_ID, "Cluster0", tuple(sorted(ATTACHMENTS)))
    endpoints = [cloud.create(service) for service in (SERVICE, other_order) for cloud in (make(), make())]
    assert len({endpoint.id for endpoint in endpoints}) == 1
    assert len(server.created) == 12
    assert server.count("POST", "forwardingRules") == server.count("POST", "addresses") == 6


def test_created_once_from_many_threads(server: GcpCompute, make: Make) -> None:
    clouds, shown = [make() for _ in range(4)], list[Any]()
    barrier = threading.Barrier(len(clouds))

    def create(cloud: GcpCloud) -> None:
        barrier.wait()
        shown.append(cloud.create(SERVICE))

    threads = [threading.Thread(target=create, args=(cloud,)) for cloud in clouds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shown) == len(clouds)
    assert len({endpoint.id for endpoint in shown}) == 1
    assert len(server.created) == len(set(server.created)) == 12


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("kind", ["addresses", "forwardingRules", "operations"])
@pytest.mark.parametrize("skip", [0, 3])
def test_killed_anywhere_and_run_again(server: GcpCompute, make: Make, kind: str, skip: int, executed: bool) -> None:
    server.cut("POST", kind, executed=executed, skip=skip)
    first = make()
    with pytest.raises(CloudError, match=r"^Google: \w+\.\w+ failed: ") as caught:
        first.create(SERVICE)
    assert not isinstance(caught.value, CloudPermissionDenied)
    assert "\n" not in str(caught.value)
    again = make()
    assert again.adopt(SERVICE) is None
    if server.created:
        half = make().describe(first.name_for(SERVICE))
        assert half is None or half.phase == "creating"
    endpoint = again.create(SERVICE)
    assert (endpoint.phase, len(endpoint.endpoints)) == ("pending", 6)
    assert len(server.created) == len(set(server.created)) == 12


@pytest.mark.parametrize("skip", [0, 3])
@pytest.mark.parametrize("kind", ["addresses", "forwardingRules"])
def test_a_deletion_that_was_killed_goes_on(server: GcpCompute, make: Make, kind: str, skip: int) -> None:
    endpoint = make().create(SERVICE)
    server.cut("DELETE", kind, executed=True, skip=skip)
    with pytest.raises(CloudError):
        make().delete(endpoint.id)
    cloud = make()
    # whoever waits until it is gone is told that something is left
    assert cloud.describe(endpoint.id) is not None
    cloud.delete(endpoint.id)
    assert cloud.describe(endpoint.id) is None
    assert names(server) == []


def test_what_was_deleted_can_be_made_again(server: GcpCompute, make: Make) -> None:
    for _ in range(2):
        endpoint = make().create(SERVICE)
        assert (endpoint.phase, len(names(server))) == ("pending", 6)
        make().delete(endpoint.id)
        assert names(server) == []


def test_what_an_operation_ends_with_is_told(server: GcpCompute, make: Make) -> None:
    cloud = make(name="orders")
    server.problems["orders-3"] = "QUOTA_EXCEEDED"
    with pytest.raises(CloudError) as caught:
        cloud.create(SERVICE)
    assert str(caught.value) == "Google refused addresses.insert: QUOTA_EXCEEDED: It failed: QUOTA_EXCEEDED"
    assert (caught.value.operation, caught.value.code) == ("addresses.insert", "QUOTA_EXCEEDED")
    assert len(cloud.create(SERVICE).endpoints) == 6


def test_adopt_finds_what_leads_to_the_service(server: GcpCompute, make: Make) -> None:
    assert make().adopt(SERVICE) is None
    made = make(name="by-hand").create(SERVICE)
    found = make().adopt(SERVICE)
    assert found == made
    assert make().adopt(ServiceToReach(ATTACHMENTS[0], GROUP_ID, "Cluster0", (*ATTACHMENTS, "projects/p/x"))) is None
    cloud = make(network=NETWORK.replace("vpc", "other"))
    assert cloud.adopt(SERVICE) is None
    assert len(server.created) == 12


def test_without_a_service_a_group_is_what_is_there(make: Make) -> None:
    made = make().create(SERVICE)
    shown = make().describe(made.id)
    assert shown is not None
    assert (shown.phase, sorted(shown.endpoints)) == ("pending", sorted(made.endpoints))
    assert make().describe("another") is None
    assert make().describe("A name of somebody else's") is None


def test_what_is_no_part_of_the_group_stays(server: GcpCompute, make: Make) -> None:
    made = make(name="orders").create(SERVICE)
    address = {"name": "orders-77", "addressType": "INTERNAL", "address": "10.0.9.9", "description": "the printer"}
    server.addresses["orders-77"] = address
    server.rules["orders-78"] = {"name": "orders-78", "target": "projects/p/regions/r/targetInstances/printer"}
    cloud = make()
    assert cloud.describe("orders") is not None
    assert make(name="orders").adopt(SERVICE) == made
    cloud.delete("orders")
    assert cloud.describe("orders") is None
    assert (list(server.addresses), list(server.rules)) == (["orders-77"], ["orders-78"])


def test_a_rule_of_the_name_that_leads_elsewhere_is_left_alone(server: GcpCompute, make: Make) -> None:
    make(name="orders").create(SERVICE)
    elsewhere = tuple(attachment.replace("p-abcdefgh", "p-zzzzzzzz") for attachment in ATTACHMENTS)
    with pytest.raises(CloudError, match="orders-0 exists and leads elsewhere") as caught:
        make(name="orders").create(ServiceToReach(elsewhere[0], GROUP_ID, "Cluster0", elsewhere))
    assert caught.value.code == "alreadyExists"
    assert len(server.created) == 12


def test_labels_come_after_the_rules(server: GcpCompute, make: Make) -> None:
    labels = {"team": "orders"}
    make(labels=labels).create(SERVICE)
    assert all(rule["labels"] == labels for rule in server.rules.values())
    make(labels=labels).create(SERVICE)
    assert sum(one.path.endswith("setLabels") for one in server.asked) == 6


def test_clients_that_are_given_are_used(server: GcpCompute, options: dict[str, Any]) -> None:
    kinds = {
        "addresses": compute.AddressesClient,
        "forwarding_rules": compute.ForwardingRulesClient,
        "region_operations": compute.RegionOperationsClient,
        "subnetworks": compute.SubnetworksClient,
    }
    clients = {name: kind(**options) for name, kind in kinds.items()}
    with GcpCloud(PROJECT, REGION, NETWORK, f"https://www.googleapis.com/compute/v1/{SUBNETWORK}", **clients) as cloud:
        cloud.check()
        endpoint = cloud.create(SERVICE)
    again = GcpCloud(PROJECT, REGION, NETWORK, SUBNETWORK, **clients)
    again.delete(endpoint.id)
    assert names(server) == []
    for client in clients.values():
        client.transport.close()


def test_refusals_are_one_clear_line(server: GcpCompute, make: Make) -> None:
    cloud = make()
    unknown = ServiceToReach("projects/x/regions/y/serviceAttachments/z", GROUP_ID, "Cluster0")
    with pytest.raises(CloudError) as caught:
        cloud.create(unknown)
    assert str(caught.value).startswith("Google refused forwardingRules.insert: notFound: ")
    assert (caught.value.operation, caught.value.code) == ("forwardingRules.insert", "notFound")
    server.refuse("GET", "forwardingRules", refusal(403, "forbidden", "Required permission:\ncompute.list"))
    with pytest.raises(
        CloudPermissionDenied,
        match=r"^Google refused forwardingRules\.list: forbidden: Required permission: compute\.list$",
    ):
        cloud.adopt(SERVICE)
    server.refuse("GET", "forwardingRules", refusal(401, "authError", "Invalid Credentials"))
    # the SDK tries to refresh them first
    with pytest.raises(CloudPermissionDenied, match="Anonymous credentials cannot be refreshed"):
        cloud.adopt(SERVICE)
    # Google says 403 to this as well
    server.refuse("POST", "addresses", refusal(403, "quotaExceeded", "Quota 'INTERNAL_ADDRESSES' exceeded."))
    with pytest.raises(CloudError, match="quotaExceeded") as quota:
        cloud.create(SERVICE)
    assert not isinstance(quota.value, CloudPermissionDenied)


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(CloudPermissionDenied, match=r"^Google: authentication failed: .*missing\.json") as caught:
        GcpCloud(PROJECT, REGION, "vpc", "db").check()
    assert caught.value.code == "DefaultCredentialsError"
    assert "\n" not in str(caught.value)


def test_what_is_given_is_checked(server: GcpCompute, make: Make) -> None:
    make().check()
    for changes, field in [({"subnetwork": "missing"}, "subnetwork"), ({"network": "other"}, "network")]:
        with pytest.raises(ValidationError, match=field) as caught:
            make(**changes).check()
        assert caught.value.field == field
    server.refuse("GET", "subnetworks", refusal(403, "forbidden", "no"))
    with pytest.raises(CloudPermissionDenied):
        make().check()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"project": "12"}, "project"),
        ({"region": "us-central"}, "region"),
        ({"network": "global/networks/vpc"}, "network"),
        ({"subnetwork": "Db"}, "subnetwork"),
        ({"subnetwork": SUBNETWORK.replace(REGION, "us-east4")}, "subnetwork"),
        ({"name": "x" * 60}, "name"),
        ({"labels": {"Team": "orders"}}, "labels"),
        ({"labels": {"team": "Orders"}}, "labels"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(make: Make, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=field) as caught:
        make(**changes)
    assert caught.value.field == field


def test_what_is_planned(make: Make) -> None:
    where = f"in {NETWORK} {SUBNETWORK}"
    assert make().planned(None) == f"a forwarding rule {where} for each service attachment"
    assert make(name="orders").planned(SERVICE) == f"6 forwarding rules orders-… {where}"


def test_the_sdk_is_loaded_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = "import sys, atlas_privatelink.gcp; sys.exit('google' in sys.modules)"
    run([sys.executable, "-c", loaded], check=True)
    monkeypatch.setitem(sys.modules, "google.cloud.compute_v1", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'atlas-privatelink\[gcp\]'"):
        GcpCloud(PROJECT, REGION, "vpc", "db").check()


@pytest.fixture
def arguments(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Of `connect` and `disconnect`."""
    monkeypatch.setattr(gcp, "_PAUSE", 0.0)
    where: dict[str, Any] = {"project": PROJECT, "region": REGION, "network": "vpc", "subnetwork": "db"}
    return {"cluster_name": "Cluster0", **where, **options}


def test_from_nothing_to_a_connection_string_and_back(server: GcpCompute, arguments: dict[str, Any]) -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        plan = gcp.connect(GROUP_ID, **arguments, atlas=atlas, plan=True)
        assert plan.planned
        assert server.created == []
        connection = gcp.connect(GROUP_ID, **arguments, atlas=atlas)
        assert connection.srv is not None
        assert names(server) == [f"{connection.cloud_endpoint_id}-{i}" for i in range(6)]
        again = gcp.connect(GROUP_ID, **arguments, atlas=atlas)
        assert again.srv == connection.srv
        assert len(server.created) == 12
        told = [one for one in emulator.requests() if one.method == "POST" and one.target.endswith("/endpoint")]
        assert f'"{PROJECT}"' in told[0].body
        assert all(rule["IPAddress"] in told[0].body for rule in server.rules.values())
        gone = gcp.disconnect(GROUP_ID, **arguments, atlas=atlas)
        assert [taken.action for taken in gone.steps] == ["delete", "delete", "delete"]
        assert names(server) == []
        last = gcp.disconnect(GROUP_ID, **arguments, atlas=atlas)
        assert [taken.action for taken in last.steps] == ["skip", "skip", "skip"]


def test_the_same_for_asyncio(server: GcpCompute, arguments: dict[str, Any]) -> None:
    async def main() -> None:
        with AtlasEmulator(clock="driven") as emulator:
            async with emulator.async_client() as atlas:
                both = await asyncio.gather(*(gcp.aconnect(GROUP_ID, **arguments, atlas=atlas) for _ in range(2)))
                assert both[0].srv == both[1].srv is not None
                assert len(server.created) == 12
                await gcp.adisconnect(GROUP_ID, **arguments, atlas=atlas)
                assert names(server) == []

    asyncio.run(main())


def test_a_connect_that_was_killed_goes_on(server: GcpCompute, arguments: dict[str, Any]) -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        server.cut("POST", "forwardingRules", executed=True, skip=2)
        with pytest.raises(CloudError) as caught:
            gcp.connect(GROUP_ID, **arguments, atlas=atlas)
        assert caught.value.connection is not None
        assert f"endpoint service {caught.value.connection.endpoint_service_id}" in str(caught.value)
        assert gcp.connect(GROUP_ID, **arguments, atlas=atlas).srv is not None
        assert len(server.created) == 12
        assert len(atlas.dedicated.list_services(GROUP_ID, "GCP")) == 1


@pytest.mark.parametrize("kind", ["addresses", "forwardingRules"])
def test_disconnect_finds_what_connect_was_killed_at(server: GcpCompute, arguments: dict[str, Any], kind: str) -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        server.cut("POST", kind, executed=True, skip=2)
        with pytest.raises(CloudError):
            gcp.connect(GROUP_ID, **arguments, atlas=atlas)
        assert server.addresses
        gone = gcp.disconnect(GROUP_ID, **arguments, atlas=atlas)
        assert [taken.action for taken in gone.steps] == ["delete", "skip", "delete"]
        assert names(server) == []


def test_disconnect_leaves_what_bears_the_name_and_leads_elsewhere(
    server: GcpCompute, make: Make, arguments: dict[str, Any]
) -> None:
    make(name="orders").create(SERVICE)
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        service = atlas.dedicated.create_service(GROUP_ID, "GCP", REGION)
        atlas.dedicated.wait_for_service(GROUP_ID, "GCP", service.id)
        gcp.disconnect(GROUP_ID, **arguments, name="orders", atlas=atlas)
    assert len(names(server)) == 6


def test_a_disconnect_that_was_stopped_goes_on(server: GcpCompute, arguments: dict[str, Any]) -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        connection = gcp.connect(GROUP_ID, **arguments, atlas=atlas)
        emulator.fault("status", method="DELETE", path_contains="/endpoint/", authenticated=True, status=403)
        with pytest.raises(PermissionDenied):
            gcp.disconnect(GROUP_ID, **arguments, atlas=atlas)
        assert names(server) == []
        gone = gcp.disconnect(GROUP_ID, **arguments, atlas=atlas)
        assert gone.steps[1].detail == connection.cloud_endpoint_id
        assert [taken.action for taken in gone.steps[1:]] == ["delete", "delete"]
        assert atlas.dedicated.list_services(GROUP_ID, "GCP") == []


def test_an_unknown_subnetwork_is_noticed_before_anything_is_created(
    server: GcpCompute, arguments: dict[str, Any]
) -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        with pytest.raises(ValidationError) as caught:
            gcp.connect(GROUP_ID, **{**arguments, "subnetwork": "missing"}, atlas=atlas)
        assert caught.value.field == "subnetwork"
        assert (emulator.requests(), server.created) == ([], [])


def test_progress_tells_both_sides(arguments: dict[str, Any]) -> None:
    seen: list[Any] = []
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas:
        gcp.connect(GROUP_ID, **arguments, atlas=atlas, on_progress=seen.append)
    assert {event.step for event in seen} >= {Step.RESERVE, Step.CREATE_CLOUD_ENDPOINT, Step.ACCEPT}
    assert any(event.cloud_status == "PENDING" for event in seen)
