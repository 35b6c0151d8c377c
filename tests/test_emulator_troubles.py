"""What the emulator does to endpoints and services on request, and what it knows of the clouds."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from emulator_wire import AZURE_ID, BODIES, GROUP, V2, VPCE, Wire

from atlas_privatelink.testing import AtlasEmulator

STATUS = {"AWS": "connectionStatus", "AZURE": "status", "GCP": "status"}


@pytest.fixture
def atlas() -> Iterator[AtlasEmulator]:
    with AtlasEmulator(digest="open", clock="driven") as emulator:
        yield emulator


@pytest.fixture
def wire(atlas: AtlasEmulator) -> Iterator[Wire]:
    wire = Wire(atlas)
    yield wire
    wire.close()


def id_of(service: str) -> str:
    return service.rpartition("/")[2]


# Statuses on request


@pytest.mark.parametrize("cloud", ["AWS", "AZURE", "GCP"])
def test_an_endpoint_says_what_it_is_told_to(atlas: AtlasEmulator, wire: Wire, cloud: str) -> None:
    service = wire.service(cloud)
    endpoint = wire.endpoint(service, cloud)
    atlas.advance(150)

    def told() -> tuple[Any, ...]:
        one = wire("GET", endpoint).json
        return one[STATUS[cloud]], one["errorMessage"], one["deleteRequested"]

    def shows_a_string() -> bool:
        return "privateEndpoint" in wire("GET", f"{V2}/clusters/Main").json["connectionStrings"]

    name = BODIES[cloud][0]
    assert told() == ("AVAILABLE", None, False) and shows_a_string()
    atlas.set_endpoint_status(id_of(service), name, "FAILED", "No capacity.")
    assert told() == ("FAILED", "No capacity.", False) and not shows_a_string()
    assert wire("POST", f"{service}/endpoint", BODIES[cloud][1]).code == (409, "PRIVATE_ENDPOINT_ALREADY_EXISTS")
    atlas.set_endpoint_status(id_of(service), name, "DELETING", delete_requested=True)
    assert told() == ("DELETING", None, True)
    assert wire("POST", f"{service}/endpoint", BODIES[cloud][1]).status == 409
    atlas.set_endpoint_status(id_of(service), name, None, delete_requested=True)
    assert told() == ("AVAILABLE", None, True) and shows_a_string()
    atlas.set_endpoint_status(id_of(service), name, None)
    assert told() == ("AVAILABLE", None, False)
    atlas.set_endpoint_status(id_of(service), name, "A_NEW_WORD")
    assert told()[0] == "A_NEW_WORD"
    assert wire("DELETE", endpoint).status == 202
    assert told() == ("DELETING", None, True)
    atlas.advance(30)
    assert wire("GET", endpoint).status == 404


def test_every_rule_of_gcp_says_it_too(atlas: AtlasEmulator, wire: Wire) -> None:
    service = wire.service("GCP")
    endpoint = wire.endpoint(service, "GCP")
    atlas.set_endpoint_status(id_of(service), "group-1", "FAILED")
    assert {rule["status"] for rule in wire("GET", endpoint).json["endpoints"]} == {"FAILED"}


def test_a_service_says_what_it_is_told_to(atlas: AtlasEmulator, wire: Wire) -> None:
    service = wire.service()
    atlas.set_service_status(id_of(service), "FAILED", "Gone wrong.")
    for one in (wire("GET", service).json, wire("GET", service.rpartition("/")[0]).json[0]):
        assert (one["status"], one["errorMessage"], one["endpointServiceName"]) == ("FAILED", "Gone wrong.", None)
    assert wire("POST", f"{service}/endpoint", BODIES["AWS"][1]).code == (400, "ENDPOINT_SERVICE_NOT_AVAILABLE")
    again = {"providerName": "AWS", "region": "US_EAST_1"}
    assert wire("POST", f"{V2}/privateEndpoint/endpointService", again).status == 409
    atlas.set_service_status(id_of(service), "WAITING_FOR_USER")
    one = wire("GET", service).json
    assert (one["status"], one["errorMessage"]) == ("WAITING_FOR_USER", None)
    assert one["endpointServiceName"].startswith("com.amazonaws.vpce.us-east-1.vpce-svc-")
    atlas.set_service_status(id_of(service), None)
    assert wire("GET", service).json["status"] == "AVAILABLE"
    atlas.set_service_status(id_of(service), "FAILED")
    assert wire("DELETE", service).status == 202
    assert wire("GET", service).json["status"] == "DELETING"


def test_what_does_not_exist_says_nothing(atlas: AtlasEmulator, wire: Wire) -> None:
    service = id_of(wire.service())
    with pytest.raises(ValueError, match=f'endpoint_id must be an endpoint\'s on "{service}", got "{VPCE}"'):
        atlas.set_endpoint_status(service, VPCE, "FAILED")
    with pytest.raises(ValueError, match=f'service_id must be an endpoint service\'s, got "{VPCE}"'):
        atlas.set_service_status(VPCE, "FAILED")


# Ids of Azure


@pytest.mark.parametrize("case", ["as_given", "lower"])
def test_the_case_of_azure_s_ids(case: Any) -> None:
    with AtlasEmulator(digest="open", clock="driven", azure_id_case=case) as atlas:
        wire = Wire(atlas)
        service = wire.service("AZURE", "eastus2")
        wire.endpoint(service, "AZURE")
        expected = AZURE_ID.lower() if case == "lower" else AZURE_ID
        assert expected != AZURE_ID.upper()
        for spelling in (AZURE_ID, AZURE_ID.lower(), AZURE_ID.upper()):
            one = wire("GET", f"{service}/endpoint/{quote(spelling, safe='')}")
            assert one.json["privateEndpointResourceId"] == expected
            again = wire("POST", f"{service}/endpoint", BODIES["AZURE"][1] | {"id": spelling})
            assert again.code == (409, "PRIVATE_ENDPOINT_ALREADY_EXISTS")
        assert wire("GET", service).json["privateEndpoints"] == [expected]
        atlas.advance(150)
        [entry] = wire("GET", f"{V2}/clusters/Main").json["connectionStrings"]["privateEndpoint"]
        assert entry["endpoints"][0]["endpointId"] == expected
        wire.close()


def test_ids_of_aws_have_one_case(wire: Wire) -> None:
    service = wire.service()
    wire.endpoint(service)
    assert wire("GET", f"{service}/endpoint/{VPCE.upper()}").status == 404


# What the clouds have


@pytest.mark.parametrize(("cloud", "word"), [("AWS", "REJECTED"), ("AZURE", "FAILED"), ("GCP", "FAILED")])
def test_an_endpoint_that_the_cloud_does_not_have(atlas: AtlasEmulator, wire: Wire, cloud: str, word: str) -> None:
    service = wire.service(cloud)
    atlas.set_cloud_endpoints(["vpce-0123456789abcdef7", *(f"rule-{n}" for n in range(5))])
    atlas.fail_next_endpoint("kept for the next")
    endpoint = wire.endpoint(service, cloud)
    atlas.advance(89)
    assert wire("GET", endpoint).json[STATUS[cloud]] not in {word, "AVAILABLE"}
    atlas.advance(1)
    one = wire("GET", endpoint).json
    lost = "rule-5" if cloud == "GCP" else BODIES[cloud][0]
    assert (one[STATUS[cloud]], one["errorMessage"]) == (
        word,
        f"No private endpoint {lost} leads to this endpoint service.",
    )
    # it does not come by itself, and does not go by itself
    atlas.set_cloud_endpoints(None)
    assert wire("GET", endpoint).json[STATUS[cloud]] == word
    assert wire("POST", f"{service}/endpoint", BODIES[cloud][1]).status == 409
    # what was to go wrong with the next one still does
    other = wire("GET", wire.service("AWS", "us-west-2")).json
    assert (other["status"], other["errorMessage"]) == ("FAILED", "kept for the next")


@pytest.mark.parametrize("cloud", ["AWS", "AZURE", "GCP"])
def test_an_endpoint_that_the_cloud_has(atlas: AtlasEmulator, wire: Wire, cloud: str) -> None:
    atlas.set_cloud_endpoints((VPCE, AZURE_ID.upper(), *(f"rule-{n}" for n in range(6))))
    endpoint = wire.endpoint(wire.service(cloud), cloud)
    atlas.advance(90)
    assert wire("GET", endpoint).json[STATUS[cloud]] == "AVAILABLE"


def test_a_port_mapped_endpoint_is_its_rule(atlas: AtlasEmulator, wire: Wire) -> None:
    atlas.set_cloud_endpoints(["rule-1"])
    service = wire.service("GCP", portMappingEnabled=True)
    rules = [{"endpointName": name, "ipAddress": "10.0.0.9"} for name in ("rule-1", "rule-2")]
    endpoints = [wire.endpoint(service, "GCP", endpoints=[rule]) for rule in rules]
    atlas.advance(90)
    assert [wire("GET", endpoint).json["status"] for endpoint in endpoints] == ["AVAILABLE", "FAILED"]


def test_an_instance_s_endpoint_that_the_cloud_does_not_have(atlas: AtlasEmulator, wire: Wire) -> None:
    path = f"{V2}/privateEndpoint/serverless/instance/Main/endpoint"
    one, other = (wire("POST", path, {}).json["_id"] for _ in range(2))
    atlas.advance(90)
    atlas.set_cloud_endpoints([VPCE])
    for endpoint, cloud_id in ((one, VPCE), (other, "vpce-0123456789abcdef1")):
        assert (
            wire("PATCH", f"{path}/{endpoint}", {"providerName": "AWS", "cloudProviderEndpointId": cloud_id}).status
            == 200
        )
    atlas.advance(90)
    assert [wire("GET", f"{path}/{endpoint}").json["status"] for endpoint in (one, other)] == ["AVAILABLE", "FAILED"]


def test_a_string_is_no_list_of_ids(atlas: AtlasEmulator) -> None:
    with pytest.raises(ValueError, match=f"ids must be a list of ids or a callable, got '{VPCE}'"):
        atlas.set_cloud_endpoints(VPCE)


def test_the_cloud_can_be_asked() -> None:
    known: list[str] | None = []
    calls = 0

    def cloud() -> list[str] | None:
        nonlocal calls
        calls += 1
        # it may ask the emulator itself
        assert emulator.endpoint_services()[0]["groupId"] == GROUP
        return known

    emulator = AtlasEmulator(digest="open", clock="driven", last_endpoint_deletes_service=False)
    with emulator as atlas:
        wire = Wire(atlas)
        service = wire.service()
        atlas.set_cloud_endpoints(cloud)
        for ids, word in (([], "REJECTED"), ([VPCE], "AVAILABLE"), (None, "AVAILABLE")):
            known = ids
            before = calls
            endpoint = wire.endpoint(service)
            atlas.advance(90)
            assert wire("GET", endpoint).json["connectionStatus"] == word
            assert calls == before + 1
            wire("DELETE", endpoint)
            atlas.advance(30)
        wire.close()


def test_a_cloud_that_fails_when_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)

    def cloud() -> list[str]:
        raise OSError("unreachable")

    with AtlasEmulator(digest="open", clock="driven", cloud_endpoints=[]) as atlas:
        wire = Wire(atlas)
        service = wire.service()
        atlas.set_cloud_endpoints(cloud)
        endpoint = wire.endpoint(service)
        assert [str(one.exc_value) for one in seen] == ["unreachable"]
        atlas.advance(90)
        assert wire("GET", endpoint).json["connectionStatus"] == "REJECTED"
        wire.close()


def test_the_constructor_takes_them_too() -> None:
    nothing: list[Any] = [[], list]
    for given in nothing:
        with AtlasEmulator(digest="open", clock="driven", cloud_endpoints=given) as atlas:
            wire = Wire(atlas)
            endpoint = wire.endpoint(wire.service())
            atlas.advance(90)
            assert wire("GET", endpoint).json["connectionStatus"] == "REJECTED"
            wire.close()


# Names in two regions, limits by the minute, regions of others


def test_google_s_names_are_good_in_one_region(wire: Wire) -> None:
    wire.endpoint(wire.service("GCP", "us-central1"), "GCP")
    wire.endpoint(wire.service("GCP", "us-east1"), "GCP")
    services = [wire.service("AWS", region) for region in ("us-east-1", "us-west-2")]
    wire.endpoint(services[0])
    assert wire("POST", f"{services[1]}/endpoint", {"id": VPCE}).status == 409


def test_a_limit_by_the_minute(atlas: AtlasEmulator, wire: Wire) -> None:
    path = f"{V2}/privateEndpoint/endpointService"
    atlas.fault("rate_limited", limit=10, minutes=2, retry_after=7, method="POST")
    refused = wire("POST", f"{path}?pretty=false", {"providerName": "AWS", "region": "us-east-1"})
    assert refused.code == (429, "RATE_LIMITED")
    assert refused.json["parameters"] == [path, 10, 2]
    assert re.search(r"limited to 10 requests every 2 minutes", refused.json["detail"])
    assert refused.headers["Retry-After"] == "7"
    assert wire("GET", f"{V2}/privateEndpoint/AWS/endpointService").json == []
    atlas.fault("rate_limited")
    refused = wire("GET", path.replace("endpointService", "regionalMode"))
    assert refused.json["parameters"][1:] == [100, 1] and "Retry-After" not in refused.headers


def test_a_service_for_other_regions(wire: Wire) -> None:
    service = wire.service("AWS", supportedRemoteRegions=["eu-west-1"])
    assert wire("GET", service).json["supportedRemoteRegions"] == ["EU_WEST_1"]
    update = f"{V2}/privateEndpoint/endpointService/{id_of(service)}"
    body = {"cloudProvider": "AWS", "supportedRemoteRegions": ["eu-west-1", "US_WEST_2"]}
    assert wire("PATCH", update, body).json["supportedRemoteRegions"] == ["EU_WEST_1", "US_WEST_2"]
    assert wire("GET", service.rpartition("/")[0]).json[0]["supportedRemoteRegions"] == ["EU_WEST_1", "US_WEST_2"]
