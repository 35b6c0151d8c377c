"""The local Google Compute: its rules are those of the real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from support import GROUP_ID

from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing.gcp import LocalGcp

TARGET = "projects/p-abcdefgh/regions/us-central1/serviceAttachments/sa-0"
PLACE = "/compute/v1/projects/orders-1234/regions/us-central1"


@pytest.fixture
def google() -> Iterator[LocalGcp]:
    """One that knows a service attachment."""
    with LocalGcp() as google:
        google.add_attachment(TARGET)
        yield google


def ask(google: LocalGcp, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One request over HTTP, as any other tool than Google's SDK would send it."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{google.endpoint_url}{path}", data, {"content-type": "application/json"}, method=method)
    try:
        with urlopen(request) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)["error"]


def insert(google: LocalGcp, kind: str, body: Any, request_id: str | None = None) -> tuple[int, Any]:
    """An insertion that is waited for, and its first answer."""
    query = "" if request_id is None else f"?requestId={request_id}"
    status, answer = ask(google, "POST", f"{PLACE}/{kind}{query}", body)
    google.finish_operations()
    return status, answer


def address(google: LocalGcp, name: str = "orders", **changes: Any) -> dict[str, Any]:
    """The body of an address."""
    return {"name": name, "addressType": "INTERNAL", "subnetwork": google.subnetwork, **changes}


def rule(google: LocalGcp, name: str = "orders", **changes: Any) -> dict[str, Any]:
    """The body of a forwarding rule for the address of its name."""
    place = PLACE.removeprefix("/compute/v1/")
    return {
        "name": name,
        "IPAddress": f"{place}/addresses/{name}",
        "network": google.network,
        "target": TARGET,
        "loadBalancingScheme": "",
        **changes,
    }


def test_an_operation_takes_a_while(google: LocalGcp) -> None:
    google.operations_take = 2
    _, operation = ask(google, "POST", f"{PLACE}/addresses", address(google))
    assert operation["status"] == "RUNNING"
    assert "address" not in google.addresses()["orders"]
    where = f"{PLACE}/operations/{operation['name']}"
    assert [ask(google, "GET", where)[1]["status"] for _ in range(2)] == ["RUNNING", "DONE"]
    assert google.addresses()["orders"]["address"] == "10.0.0.2"
    assert ask(google, "GET", f"{PLACE}/operations/operation-1")[0] == 404


def test_names_are_taken_once(google: LocalGcp) -> None:
    assert insert(google, "addresses", address(google))[0] == 200
    status, error = insert(google, "addresses", address(google))
    assert (status, error["errors"][0]["reason"]) == (409, "alreadyExists")


def test_a_request_id_is_answered_with_its_operation(google: LocalGcp) -> None:
    request_id = str(uuid4())
    _, first = insert(google, "addresses", address(google), request_id)
    _, again = insert(google, "addresses", address(google), request_id)
    assert (again["name"], again["status"]) == (first["name"], "DONE")
    assert google.created == ["addresses/orders"]
    assert insert(google, "addresses", address(google, "other"), request_id)[0] == 400
    assert insert(google, "addresses", address(google, "other"), "no-uuid")[0] == 400
    # also when what it created is gone
    google.remove("orders")
    assert insert(google, "addresses", address(google), request_id)[1]["name"] == first["name"]
    assert google.addresses() == {}


def test_numeric_ids_are_never_used_again(google: LocalGcp) -> None:
    ids = set[str]()
    for _ in range(3):
        insert(google, "addresses", address(google))
        ids.add(google.addresses()["orders"]["id"])
        google.remove("orders")
    assert len(ids) == 3
    assert all(one.isdecimal() for one in ids)


@pytest.mark.parametrize("kind", ["addresses", "forwardingRules"])
def test_labels_cannot_be_created_but_set(google: LocalGcp, kind: str) -> None:
    body = address(google) if kind == "addresses" else rule(google)
    if kind == "forwardingRules":
        insert(google, "addresses", address(google))
    assert insert(google, kind, {**body, "labels": {"team": "orders"}})[0] == 400
    insert(google, kind, body)
    _, shown = ask(google, "GET", f"{PLACE}/{kind}/orders")
    labels = {"labels": {"team": "orders"}, "labelFingerprint": shown["labelFingerprint"]}
    assert ask(google, "POST", f"{PLACE}/{kind}/orders/setLabels", labels)[0] == 200
    _, shown = ask(google, "GET", f"{PLACE}/{kind}/orders")
    assert shown["labels"] == {"team": "orders"}
    status, error = ask(google, "POST", f"{PLACE}/{kind}/orders/setLabels", labels)
    assert (status, error["errors"][0]["reason"]) == (412, "conditionNotMet")


def test_addresses_keep_their_description_and_rules_do_not(google: LocalGcp) -> None:
    insert(google, "addresses", address(google, description="for orders"))
    insert(google, "forwardingRules", rule(google, description="for orders"))
    assert google.addresses()["orders"]["description"] == "for orders"
    assert "description" not in google.forwarding_rules()["orders"]
    assert insert(google, "addresses", address(google, "long", description="x" * 2049))[0] == 400


def test_an_address_serves_one_rule_and_is_kept_by_it(google: LocalGcp) -> None:
    insert(google, "addresses", address(google))
    insert(google, "forwardingRules", rule(google))
    where = google.addresses()["orders"]
    second = rule(google, "second", IPAddress=where["selfLink"])
    status, error = insert(google, "forwardingRules", second)
    assert (status, error["errors"][0]["reason"]) == (400, "resourceInUseByAnotherResource")
    status, error = ask(google, "DELETE", f"{PLACE}/addresses/orders")
    assert (status, error["errors"][0]["reason"]) == (400, "resourceInUseByAnotherResource")
    assert ask(google, "DELETE", f"{PLACE}/forwardingRules/orders")[0] == 200
    status, error = ask(google, "DELETE", f"{PLACE}/forwardingRules/orders")
    google.finish_operations()
    assert ask(google, "DELETE", f"{PLACE}/addresses/orders")[0] == 200
    google.finish_operations()
    assert google.addresses() == google.forwarding_rules() == {}
    assert ask(google, "DELETE", f"{PLACE}/addresses/orders")[0] == 404


def test_a_deletion_holds_its_name_until_it_is_done(google: LocalGcp) -> None:
    google.operations_take = 100
    insert(google, "addresses", address(google))
    assert ask(google, "DELETE", f"{PLACE}/addresses/orders")[0] == 200
    status, error = ask(google, "DELETE", f"{PLACE}/addresses/orders")
    assert (status, error["errors"][0]["reason"]) == (400, "resourceNotReady")
    assert insert(google, "addresses", address(google))[0] == 409
    assert insert(google, "addresses", address(google))[0] == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"loadBalancingScheme": "INTERNAL"}, 400),
        ({"target": TARGET.replace("sa-0", "sa-9")}, 404),
        ({"network": "projects/orders-1234/global/networks/missing"}, 404),
        ({"IPAddress": "projects/orders-1234/regions/us-central1/addresses/missing"}, 404),
        ({"name": "Orders"}, 400),
    ],
)
def test_a_rule_has_to_make_sense(google: LocalGcp, changes: dict[str, Any], status: int) -> None:
    insert(google, "addresses", address(google))
    assert insert(google, "forwardingRules", rule(google, **changes))[0] == status
    assert google.forwarding_rules() == {}


def test_a_rules_address_is_of_its_network(google: LocalGcp) -> None:
    other = google.add_network("other")
    insert(google, "addresses", address(google))
    assert insert(google, "forwardingRules", rule(google, network=other))[0] == 400


def test_addresses_are_those_of_the_subnetwork(google: LocalGcp) -> None:
    subnetwork = google.add_subnetwork("small", ip_cidr_range="10.7.0.0/29")
    assert insert(google, "addresses", address(google, "out", subnetwork=subnetwork, address="10.9.0.9"))[0] == 400
    insert(google, "addresses", address(google, "third", subnetwork=subnetwork, address="10.7.0.3"))
    assert insert(google, "addresses", address(google, "again", subnetwork=subnetwork, address="10.7.0.3"))[0] == 409
    for name in ("a", "b", "c"):
        insert(google, "addresses", address(google, name, subnetwork=subnetwork))
    assert sorted(one["address"] for one in google.addresses().values()) == [f"10.7.0.{n}" for n in (2, 3, 4, 5)]
    status, error = insert(google, "addresses", address(google, "more", subnetwork=subnetwork))
    assert (status, error["errors"][0]["reason"]) == (403, "IP_SPACE_EXHAUSTED")


def test_lists_have_pages_and_filters(google: LocalGcp) -> None:
    with LocalGcp(page=2, operations_take=0) as paged:
        for n in range(5):
            insert(paged, "addresses", address(paged, f"orders-{n}"))
        insert(paged, "addresses", address(paged, "other"))
        names, token = list[str](), ""
        while True:
            query = urlencode({"filter": "name eq orders-[0-9]+", "pageToken": token or "0"})
            _, page = ask(paged, "GET", f"{PLACE}/addresses?{query}")
            assert len(page["items"]) <= 2
            names += [one["name"] for one in page["items"]]
            token = page.get("nextPageToken", "")
            if not token:
                break
        assert names == [f"orders-{n}" for n in range(5)]
        assert ask(paged, "GET", f"{PLACE}/addresses?filter=nonsense")[0] == 400


def test_lists_can_lag(google: LocalGcp) -> None:
    with LocalGcp(listed_after=2, operations_take=0) as lagging:
        insert(lagging, "addresses", address(lagging))
        assert ask(lagging, "GET", f"{PLACE}/addresses/orders")[0] == 200
        listed = [ask(lagging, "GET", f"{PLACE}/addresses")[1]["items"] for _ in range(3)]
        assert [len(items) for items in listed] == [0, 0, 1]


def test_what_a_policy_makes_of_descriptions(google: LocalGcp) -> None:
    google.change_descriptions("managed")
    insert(google, "addresses", address(google, description="for orders"))
    assert google.addresses()["orders"]["description"] == "managed"


def test_an_operation_can_fail(google: LocalGcp) -> None:
    google.fail_operation("orders", "QUOTA_EXCEEDED")
    _, operation = insert(google, "addresses", address(google))
    _, ended = ask(google, "GET", f"{PLACE}/operations/{operation['name']}")
    assert ended["error"]["errors"][0]["code"] == "QUOTA_EXCEEDED"
    assert google.addresses() == {}
    assert insert(google, "addresses", address(google))[0] == 200


def test_faults(google: LocalGcp) -> None:
    google.fail("addresses.insert", reason="rateLimitExceeded", status=403, after=1, times=2)
    statuses = [insert(google, "addresses", address(google, f"a-{n}"))[0] for n in range(4)]
    assert statuses == [200, 403, 403, 200]
    google.fail("addresses.insert", executed=True)
    assert insert(google, "addresses", address(google, "done"))[0] == 503
    assert "done" in google.addresses()
    google.fail("addresses.insert", reason=None)
    with pytest.raises(OSError, match=r".+"):
        insert(google, "addresses", address(google, "dropped"))
    google.fail()
    google.forget_faults()
    assert ask(google, "GET", f"{PLACE}/addresses")[0] == 200
    assert google.calls.count("addresses.insert") == 6


def test_permissions(google: LocalGcp) -> None:
    asked = {"permissions": ["compute.subnetworks.use", "compute.subnetworks.get"]}
    where = f"{PLACE}/subnetworks/db/testIamPermissions"
    assert ask(google, "POST", where, asked) == (200, asked)
    google.denied |= {"compute.subnetworks.use", "compute.addresses.createInternal"}
    assert ask(google, "POST", where, asked) == (200, {"permissions": ["compute.subnetworks.get"]})
    status, error = insert(google, "addresses", address(google))
    assert (status, error["errors"][0]["reason"]) == (403, "forbidden")
    assert "compute.addresses.createInternal" in error["message"]


def test_quotas(google: LocalGcp) -> None:
    google.quotas["INTERNAL_ADDRESSES"] = 1
    insert(google, "addresses", address(google))
    status, error = insert(google, "addresses", address(google, "second"))
    assert (status, error["errors"][0]["reason"]) == (403, "quotaExceeded")
    _, region = ask(google, "GET", PLACE)
    assert {"metric": "INTERNAL_ADDRESSES", "limit": 1, "usage": 1.0} in region["quotas"]


def test_networks_and_subnetworks(google: LocalGcp) -> None:
    assert ask(google, "GET", "/compute/v1/projects/orders-1234/global/networks/vpc")[1]["name"] == "vpc"
    assert ask(google, "GET", "/compute/v1/projects/orders-1234/global/networks/missing")[0] == 404
    _, subnetwork = ask(google, "GET", f"{PLACE}/subnetworks/db")
    assert subnetwork["network"].endswith(google.network)
    assert ask(google, "GET", f"{PLACE}/subnetworks/missing")[0] == 404
    assert ask(google, "GET", "/elsewhere")[0] == 404


def test_states_of_a_rule(google: LocalGcp) -> None:
    def state() -> Any:
        return google.forwarding_rules()["my-psc"]["pscConnectionStatus"]

    google.add_rule("my-psc", TARGET)
    assert state() == "PENDING"
    google.accept()
    assert state() == "ACCEPTED"
    google.force_state("my-psc", "NEEDS_ATTENTION")
    assert state() == "NEEDS_ATTENTION"
    google.force_state("my-psc", None)
    assert state() == "PENDING"
    with pytest.raises(ValueError, match="already exists"):
        google.add_rule("my-psc", TARGET)


def test_what_atlas_says_counts() -> None:
    with AtlasEmulator(clock="driven") as emulator, emulator.client() as atlas, LocalGcp(emulator) as google:
        service: Any = atlas.dedicated.create_service(GROUP_ID, "GCP", "us-central1")
        service = atlas.dedicated.wait_for_service(GROUP_ID, "GCP", service.id)
        for i, attachment in enumerate(service.service_attachment_names):
            google.add_rule(f"psc-{i}", attachment)

        def states() -> set[Any]:
            return {one["pscConnectionStatus"] for one in google.forwarding_rules().values()}

        assert states() == {"PENDING"}
        endpoints = [(name, one["IPAddress"]) for name, one in google.forwarding_rules().items()]
        where: dict[str, Any] = {"gcp_project_id": google.project, "endpoints": endpoints}
        atlas.dedicated.create_endpoint(GROUP_ID, "GCP", service.id, "psc", **where)
        assert states() == {"ACCEPTED"}
        atlas.dedicated.delete_endpoint(GROUP_ID, "GCP", service.id, "psc")
        emulator.advance(3600)
        if atlas.dedicated.list_services(GROUP_ID, "GCP"):
            atlas.dedicated.delete_service(GROUP_ID, "GCP", service.id)
            emulator.advance(3600)
        assert states() == {"CLOSED"}


def test_in_process_and_over_sockets_it_is_the_same(google: LocalGcp) -> None:
    compute = pytest.importorskip("google.cloud.compute_v1", reason="the extra gcp is not installed")
    where = {"project": google.project, "region": google.region}
    for client in (google.client("AddressesClient"), compute.AddressesClient(**google.options())):
        google.add_address("orders")
        assert [one.name for one in client.list(where)] == ["orders"]
        google.fail("addresses.list", reason=None)
        with pytest.raises(OSError, match=r".+"):
            client.list(where, retry=None)
        google.remove("orders")
        client.transport.close()


def test_it_is_thread_safe(google: LocalGcp) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(insert(google, "addresses", address(google))[0]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, *[409] * 7]


def test_it_has_to_be_started() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        _ = LocalGcp().endpoint_url
