"""The rules of a project that decide whether an endpoint can be made, and what goes with the last one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from emulator_wire import AZURE_ID, BODIES, V2, VPCE, Wire

from atlas_privatelink.testing import AtlasEmulator

EAST = {"name": "East", "regions": ["US_EAST_1"]}
OTHER = "vpce-0123456789abcdef1"
REGIONAL_MODE = f"{V2}/privateEndpoint/regionalMode"
LIMIT = (409, "PRIVATE_ENDPOINT_REGIONAL_LIMIT_EXCEEDED")
PAUSED = (409, "PRIVATE_ENDPOINT_CLUSTER_PAUSED")


@contextmanager
def emulator(clusters: Any = None, **options: Any) -> Iterator[tuple[AtlasEmulator, Wire]]:
    with AtlasEmulator(digest="open", clock="driven", clusters=clusters, **options) as atlas:
        wire = Wire(atlas)
        yield atlas, wire
        wire.close()


# The last endpoint


@pytest.mark.parametrize("cloud", ["AWS", "AZURE", "GCP"])
@pytest.mark.parametrize("state", ["new", "available", "failed"])
def test_the_last_endpoint_takes_the_service_along(cloud: str, state: str) -> None:
    with emulator() as (atlas, wire):
        service = wire.service(cloud)
        if state == "failed":
            atlas.fail_next_endpoint()
        endpoint = wire.endpoint(service, cloud)
        atlas.advance(0 if state == "new" else 90)
        assert wire("DELETE", endpoint).status == 202
        assert wire("GET", service).json["status"] == "DELETING"
        assert wire("POST", f"{service}/endpoint", BODIES[cloud][1]).code == (400, "ENDPOINT_SERVICE_NOT_AVAILABLE")
        assert wire("DELETE", service).status == 202
        atlas.advance(30)
        assert wire("GET", service).code == (404, "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND")
        assert wire("GET", endpoint).code == (404, "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND")


def test_any_other_endpoint_leaves_the_service() -> None:
    with emulator() as (atlas, wire):
        service = wire.service()
        first, second = wire.endpoint(service), wire.endpoint(service, endpoint=OTHER)
        wire("DELETE", first)
        assert wire("GET", service).json["status"] == "AVAILABLE"
        atlas.advance(30)
        assert wire("GET", service).json["interfaceEndpoints"] == [OTHER]
        wire("DELETE", second)
        assert wire("GET", service).json["status"] == "DELETING"


def test_a_service_that_stays() -> None:
    with emulator(last_endpoint_deletes_service=False) as (atlas, wire):
        service = wire.service()
        wire("DELETE", wire.endpoint(service))
        assert wire("DELETE", service).code == (409, "CANNOT_DELETE_ENDPOINT_SERVICE_WITH_ENDPOINTS")
        atlas.advance(30)
        assert wire("GET", service).json["status"] == "AVAILABLE"
        assert wire("DELETE", service).status == 202


# One in each region, or several in one


def add(wire: Wire, service: str, cloud: str = "AWS", endpoint: str | None = None) -> Any:
    usual, body = BODIES[cloud]
    name = "endpointGroupName" if cloud == "GCP" else "id"
    return wire("POST", f"{service}/endpoint", body | {name: endpoint or usual})


def test_one_endpoint_in_each_region_or_several_in_one() -> None:
    with emulator([EAST]) as (atlas, wire):
        east, azure = wire.service("AWS", "us-east-1"), wire.service("AZURE", "eastus")
        first = wire.endpoint(east)
        assert add(wire, azure, "AZURE").status == 201
        assert add(wire, east, endpoint=OTHER).code == LIMIT
        wire("DELETE", first)
        atlas.advance(30)
        east = wire.service("AWS", "us-east-1")
        assert add(wire, east).status == 201
        wire("DELETE", f"{azure}/endpoint/{AZURE_ID.replace('/', '%2F')}")
        # now there are as many as anybody likes, and none elsewhere
        for number in range(2, 5):
            assert add(wire, east, endpoint=f"{OTHER}{number}").status == 201
        assert add(wire, wire.service("AWS", "us-west-2"), endpoint=OTHER).code == LIMIT


def test_a_second_endpoint_of_one_region_bars_the_others() -> None:
    with emulator([EAST]) as (_, wire):
        east = wire.service("AWS", "us-east-1")
        wire.endpoint(east)
        wire.endpoint(east, endpoint=OTHER)
        assert add(wire, wire.service("GCP", "CENTRAL_US"), "GCP").code == LIMIT


def test_other_projects_and_projects_without_descriptions_do_not_count() -> None:
    with emulator(["East"]) as (_, wire):
        for region in ("us-east-1", "us-west-2"):
            service = wire.service("AWS", region)
            for number in range(2):
                assert add(wire, service, endpoint=f"vpce-{region.encode().hex()}{number}").status == 201
    elsewhere = EAST | {"group": "5f7cac1adf5d6c6306f4b284"}
    for clusters, rules, status in ((["East"], True, 409), ([EAST], False, 201), ([elsewhere], None, 201)):
        with emulator(clusters, rules=rules) as (_, wire):
            wire.endpoint(wire.service("AWS", "us-west-2"))
            east = wire.service("AWS", "us-east-1")
            wire.endpoint(east, endpoint=f"{OTHER}1")
            assert add(wire, east, endpoint=OTHER).status == status


def test_regional_mode_lifts_the_limit_and_wants_sharded_clusters() -> None:
    sharded = EAST | {"name": "Sharded", "cluster_type": "SHARDED"}
    free = EAST | {"name": "Free", "instance_size": "M0"}
    with emulator([EAST, sharded, free]) as (atlas, wire):
        refused = wire("PATCH", REGIONAL_MODE, {"enabled": True})
        assert refused.code == (409, "CANNOT_ENABLE_REGIONAL_MODE_WITH_REPLICA_SETS")
        assert refused.json["parameters"] == ["East"]
        assert wire("GET", REGIONAL_MODE).json == {"enabled": False}
        assert wire("PATCH", REGIONAL_MODE, {"enabled": False}).status == 202
        atlas.set_clusters([sharded, free])
        assert wire("PATCH", REGIONAL_MODE, {"enabled": True}).status == 202
        for region in ("us-east-1", "us-west-2"):
            service = wire.service("AWS", region)
            for number in range(2):
                assert add(wire, service, endpoint=f"vpce-{region.encode().hex()}{number}").status == 201
        assert wire("PATCH", REGIONAL_MODE, {"enabled": False}).code == LIMIT
        assert wire("GET", REGIONAL_MODE).json == {"enabled": True}


# Paused clusters


def test_no_endpoint_beside_a_paused_cluster() -> None:
    paused = {"name": "Sleeping", "regions": ["US_WEST_2", "US_EAST_1"], "paused": True}
    with emulator([EAST, paused]) as (atlas, wire):
        east = wire.service("AWS", "us-east-1")
        refused = add(wire, east)
        assert refused.code == PAUSED and refused.json["parameters"] == ["US_EAST_1", "Sleeping"]
        assert wire("GET", east).json["interfaceEndpoints"] == []
        assert add(wire, wire.service("AWS", "eu-west-1"), endpoint=OTHER).status == 201
        # Azure's region of the same name is another one
        assert add(wire, wire.service("AZURE", "US_WEST_2"), "AZURE").status == 201
        atlas.set_clusters([EAST, paused | {"paused": False}])
        assert add(wire, east).status == 201
    with emulator([EAST, paused], rules=False) as (_, wire):
        assert add(wire, wire.service("AWS", "us-east-1")).status == 201


def test_regional_mode_does_not_wake_clusters() -> None:
    paused = EAST | {"cluster_type": "SHARDED", "paused": True}
    with emulator([paused]) as (_, wire):
        assert wire("PATCH", REGIONAL_MODE, {"enabled": True}).status == 202
        assert add(wire, wire.service("AWS", "us-east-1"), endpoint=VPCE).code == PAUSED
