"""The emulator's clusters, instances and projects, and which private connection strings a cluster shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from emulator_wire import AZURE_ID, BODIES, GROUP, V1, V2, VPCE, Wire

from atlas_privatelink.testing import AtlasEmulator

OTHER = "5f7cac1adf5d6c6306f4b284"
FIRST = "application/vnd.atlas.2023-01-01+json"
SECOND = "application/vnd.atlas.2023-02-01+json"
THIRD = "application/vnd.atlas.2024-08-05+json"


@contextmanager
def emulator(clusters: Any = None, **options: Any) -> Iterator[tuple[AtlasEmulator, Wire]]:
    with AtlasEmulator(digest="open", clock="driven", clusters=clusters, **options) as atlas:
        wire = Wire(atlas)
        yield atlas, wire
        wire.close()


def names(wire: Wire, path: str) -> list[str]:
    page = wire("GET", path)
    assert page.status == 200, page.text
    assert page.json["totalCount"] >= len(page.json["results"])
    return [one["name"] for one in page.json["results"]]


# Descriptions


def test_a_described_cluster() -> None:
    described = {"name": "Main", "provider": "AWS", "regions": ["us-east-1", "EU_WEST_1"], "instance_size": "M30"}
    with emulator([described]) as (_, wire):
        [listed] = wire("GET", f"{V2}/clusters").json["results"]
        one = wire("GET", f"{V2}/clusters/Main").json
        assert one == listed
        assert (one["name"], one["groupId"], len(one["id"])) == ("Main", GROUP, 24)
        assert (one["clusterType"], one["paused"], one["stateName"]) == ("REPLICASET", False, "IDLE")
        assert one["mongoDBVersion"] and one["connectionStrings"].keys() == {"standardSrv"}
        [spec] = one["replicationSpecs"]
        found = [
            (config["providerName"], config["regionName"], config["priority"], config["electableSpecs"]["instanceSize"])
            for config in spec["regionConfigs"]
        ]
        assert found == [("AWS", "US_EAST_1", 7, "M30"), ("AWS", "EU_WEST_1", 6, "M30")]
        assert sum(config["electableSpecs"]["nodeCount"] for config in spec["regionConfigs"]) % 2 == 1


@pytest.mark.parametrize(
    ("root", "accept", "answered", "configs"),
    [
        (V1, "application/json", "application/json", "regionsConfig"),
        (V2, FIRST, FIRST, "regionsConfig"),
        (V2, SECOND, SECOND, "regionConfigs"),
        (V2, "application/vnd.atlas.2024-01-01+json", SECOND, "regionConfigs"),
        (V2, THIRD, THIRD, "regionConfigs"),
        (V2, "application/vnd.atlas.2026-01-01+json", THIRD, "regionConfigs"),
    ],
)
def test_the_shape_of_each_version(root: str, accept: str, answered: str, configs: str) -> None:
    described = {"name": "Main", "regions": ["US_EAST_1"]}
    with emulator([described]) as (_, wire):
        for path in ("clusters/Main", "clusters"):
            answer = wire("GET", f"{root}/{path}", Accept=accept)
            assert answer.headers["Content-Type"].removesuffix(";charset=utf-8") == answered
            one = answer.json["results"][0] if path == "clusters" else answer.json
            assert one["replicationSpecs"][0].keys() == {"id", "zoneName", configs}
            assert ("providerSettings" in one) is (configs == "regionsConfig")
            assert one["stateName"] == "IDLE"


def test_types_sizes_and_clouds() -> None:
    clusters: list[dict[str, Any]] = [
        {"name": "Sharded", "provider": "AZURE", "regions": ["eastus2"], "cluster_type": "SHARDED"},
        {"name": "Global", "provider": "GCP", "regions": ["us-central1", "europe-west3"], "cluster_type": "GEOSHARDED"},
        {"name": "Free", "provider": "TENANT", "backing_provider": "AZURE", "regions": ["westeurope"]},
        {"name": "AlsoFree", "instance_size": "M0", "regions": ["US_EAST_1"]},
        {"name": "Clouds", "regions": ["US_EAST_1", {"provider": "AZURE", "region": "eastus"}], "paused": True},
        {"name": "New", "regions": ["US_EAST_1"], "state": "CREATING"},
    ]
    with emulator(clusters) as (_, wire):
        assert names(wire, f"{V2}/clusters") == [one["name"] for one in clusters]

        def regions(name: str) -> list[list[tuple[str, str]]]:
            specs = wire("GET", f"{V2}/clusters/{name}").json["replicationSpecs"]
            return [[(one["providerName"], one["regionName"]) for one in spec["regionConfigs"]] for spec in specs]

        assert regions("Sharded") == [[("AZURE", "US_EAST_2")]] * 2
        assert regions("Global") == [[("GCP", "CENTRAL_US")], [("GCP", "EUROPE_WEST_3")]]
        assert regions("Clouds") == [[("AWS", "US_EAST_1"), ("AZURE", "US_EAST")]]
        for name, backing, region in (("Free", "AZURE", "EUROPE_WEST"), ("AlsoFree", "AWS", "US_EAST_1")):
            [config] = wire("GET", f"{V2}/clusters/{name}").json["replicationSpecs"][0]["regionConfigs"]
            assert (config["providerName"], config["backingProviderName"]) == ("TENANT", backing)
            assert (config["regionName"], config["electableSpecs"]) == (region, {"instanceSize": "M0"})
        assert wire("GET", f"{V2}/clusters/Clouds").json["paused"] is True
        new = wire("GET", f"{V2}/clusters/New").json
        assert (new["stateName"], new["connectionStrings"]) == ("CREATING", {})


def test_flex_clusters_are_not_in_the_cluster_api() -> None:
    flex = {"name": "Flex", "provider": "TENANT", "regions": ["US_EAST_1"], "instance_size": "FLEX"}
    with emulator([flex, "Main"]) as (_, wire):
        assert names(wire, f"{V2}/clusters") == ["Main"]
        refused = wire("GET", f"{V2}/clusters/Flex")
        assert refused.code == (400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API")
        assert refused.json["parameters"] == ["Flex"]


@pytest.mark.parametrize(
    ("clusters", "message"),
    [
        ("Main", r'clusters must be a list of names and mappings, got "Main"'),
        ([1], r"clusters must be a list of names and mappings, got \[1\]"),
        ([{"regions": ["US_EAST_1"]}], r"name is missing"),
        ([{"name": "Main"}], r"regions must be a list of one region or more, got null"),
        ([{"name": "Main", "regions": []}], r"regions must be a list of one region or more, got \[\]"),
        ([{"name": "Main", "regions": [1]}], r"regions must hold names of regions, got 1"),
        ([{"name": "Main", "regions": [{"provider": "AWS"}]}], r"region is missing"),
        ([{"name": "Main", "regions": ["x"], "provider": "IBM"}], r'provider must be one of "AWS", .*, got "IBM"'),
        (
            [{"name": "Main", "regions": ["x"], "colour": 1}],
            r'a cluster takes no "colour"; there are "name", .*"paused"',
        ),
        ([{"name": "Main", "regions": ["x"], "backing_provider": "AWS"}], r"backing_provider must be left out"),
        (
            [{"name": "Main", "regions": ["x"], "provider": "TENANT", "instance_size": "M10"}],
            r"provider must be the cloud",
        ),
        ([{"name": "Main", "regions": ["x"], "paused": "yes"}], r"paused must be True or False"),
        ([{"name": "Main", "regions": ["x"], "cluster_type": "SHARD"}], r'cluster_type must be one of "REPLICASET"'),
    ],
)
def test_descriptions_that_break_a_rule(clusters: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AtlasEmulator(clusters=clusters).start()
    with AtlasEmulator() as atlas, pytest.raises(ValueError, match=message):
        atlas.set_clusters(clusters)


# Names alone


def test_lists_show_the_names_that_were_asked_for() -> None:
    with emulator() as (_, wire):
        assert names(wire, f"{V2}/clusters") == names(wire, f"{V2}/serverless") == []
        assert wire("GET", f"{V2}/clusters/Two").json.keys() == {"connectionStrings", "groupId", "name", "stateName"}
        wire("GET", f"{V1}/clusters/One")
        wire("GET", f"{V2.replace(GROUP, OTHER)}/clusters/Three")
        assert names(wire, f"{V1}/clusters") == names(wire, f"{V2}/clusters") == ["One", "Two"]
        wire("GET", f"{V2}/serverless/Four")
        wire("POST", f"{V2}/privateEndpoint/serverless/instance/Five/endpoint", {})
        assert names(wire, f"{V1}/serverless") == ["Five", "Four"]
        [five, _] = wire("GET", f"{V2}/serverless").json["results"]
        assert five == wire("GET", f"{V2}/serverless/Five").json


def test_names_that_are_known() -> None:
    with emulator(["One", "Two"], instances=["Three"]) as (_, wire):
        assert wire("GET", f"{V2}/clusters/Three").code == (404, "CLUSTER_NOT_FOUND")
        assert names(wire, f"{V2}/clusters") == ["One", "Two"]
        assert names(wire, f"{V2}/clusters?itemsPerPage=1&pageNum=2") == ["Two"]
        assert "replicationSpecs" not in wire("GET", f"{V2}/clusters/One").json
        assert names(wire, f"{V2}/serverless") == ["Three"]
        wire.atlas.retire("not_serverless")
        assert names(wire, f"{V2}/serverless") == []
        wire.atlas.retire("version_gone")
        assert wire("GET", f"{V2}/serverless").code == (410, "VERSION_GONE")


def test_clusters_of_one_project() -> None:
    here = {"name": "Here", "regions": ["US_EAST_1"], "group": GROUP}
    with emulator([here, "Both"]) as (_, wire):
        assert names(wire, f"{V2}/clusters") == ["Here", "Both"]
        there = V2.replace(GROUP, OTHER)
        assert names(wire, f"{there}/clusters") == ["Both"]
        assert wire("GET", f"{there}/clusters/Here").code == (404, "CLUSTER_NOT_FOUND")


def test_clusters_change_while_it_runs() -> None:
    with emulator(["One"]) as (atlas, wire):
        atlas.set_clusters([{"name": "Two", "regions": ("US_EAST_1",)}])
        assert names(wire, f"{V2}/clusters") == ["Two"]
        assert wire("GET", f"{V2}/clusters/One").code == (404, "CLUSTER_NOT_FOUND")
        atlas.set_clusters(None)
        assert wire("GET", f"{V2}/clusters/One").status == 200


# Projects


def test_projects() -> None:
    groups = [{"id": GROUP, "name": "My project"}, OTHER]
    with emulator(groups=groups) as (_, wire):
        for version in ("v1.0", "v2"):
            root = f"/api/atlas/{version}/groups"
            page = wire("GET", root).json
            assert page["totalCount"] == 2 and page["results"][0].keys() >= {"id", "name", "orgId"}
            assert [one["id"] for one in page["results"]] == [GROUP, OTHER]
            assert [one["id"] for one in wire("GET", f"{root}?pageNum=2&itemsPerPage=1").json["results"]] == [OTHER]
            assert wire("GET", f"{root}/byName/My%20project").json == page["results"][0]
            assert wire("GET", f"{root}/byName/{page['results'][1]['name']}").json["id"] == OTHER
            assert wire("GET", f"{root}/byName/Nobody").code == (404, "GROUP_NOT_FOUND")
            assert wire("POST", root, {}).status == 405
        assert wire("GET", f"{V2.replace(GROUP, OTHER[::-1])}/clusters").code == (404, "GROUP_NOT_FOUND")
    described = {"name": "Main", "regions": ["US_EAST_1"], "group": OTHER}
    with emulator([described]) as (_, wire):
        wire("GET", f"{V2}/privateEndpoint/regionalMode")
        assert [one["id"] for one in wire("GET", "/api/atlas/v2/groups").json["results"]] == [GROUP, OTHER]


# Connection strings


def strings(wire: Wire, name: str) -> list[list[str]]:
    """The ids of the endpoints behind each private connection string."""
    found = wire("GET", f"{V2}/clusters/{name}").json["connectionStrings"].get("privateEndpoint", [])
    assert found == [
        one
        for cluster in wire("GET", f"{V2}/clusters").json["results"]
        if cluster["name"] == name
        for one in cluster["connectionStrings"].get("privateEndpoint", [])
    ]
    hosts = [one["srvConnectionString"] for one in found]
    assert len(set(hosts)) == len(hosts)
    return [[endpoint["endpointId"] for endpoint in one["endpoints"]] for one in found]


def test_a_cluster_shows_strings_for_its_own_regions_alone() -> None:
    clusters = [
        {"name": "East", "regions": ["US_EAST_1"]},
        {"name": "West", "regions": ["US_WEST_2"]},
        {"name": "Azure", "provider": "AZURE", "regions": ["US_WEST_2"]},
        {"name": "Free", "regions": ["US_EAST_1"], "instance_size": "M0"},
        "Unknown",
    ]
    with emulator(clusters) as (atlas, wire):
        wire.endpoint(wire.service("AWS", "us-east-1"))
        atlas.advance(149)
        assert strings(wire, "East") == strings(wire, "Unknown") == []
        atlas.advance(1)
        assert strings(wire, "East") == strings(wire, "Unknown") == [[VPCE]]
        wire.endpoint(wire.service("AZURE", "westus2"), "AZURE")
        atlas.advance(150)
        assert (strings(wire, "West"), strings(wire, "Azure"), strings(wire, "Free")) == ([], [[AZURE_ID]], [])
        assert strings(wire, "Unknown") == [[VPCE], [AZURE_ID]]


def test_every_region_of_a_cluster_needs_an_endpoint() -> None:
    regions = ["US_EAST_1", {"provider": "AZURE", "region": "eastus2"}]
    with emulator([{"name": "Main", "regions": regions}]) as (atlas, wire):
        first = wire.endpoint(wire.service("AWS", "us-east-1"))
        atlas.advance(1000)
        assert strings(wire, "Main") == []
        wire.endpoint(wire.service("AZURE", "eastus2"), "AZURE")
        atlas.advance(149)
        assert strings(wire, "Main") == []
        atlas.advance(1)
        assert strings(wire, "Main") == [[VPCE, AZURE_ID]]
        wire("DELETE", first)
        assert strings(wire, "Main") == []


def test_several_endpoints_of_one_region() -> None:
    other = "vpce-0123456789abcdef1"
    with emulator([{"name": "Main", "regions": ["US_EAST_1"]}]) as (atlas, wire):
        service = wire.service("AWS", "us-east-1")
        for endpoint in (VPCE, other):
            wire.endpoint(service, endpoint=endpoint)
        atlas.advance(150)
        assert strings(wire, "Main") == [[VPCE], [other]]


def test_sharded_clusters_and_regional_mode() -> None:
    described = {"name": "Main", "regions": ["US_EAST_1", "US_WEST_2"], "cluster_type": "SHARDED"}
    with emulator([described]) as (atlas, wire):
        other = "vpce-0123456789abcdef1"
        wire.endpoint(wire.service("AWS", "us-east-1"))
        wire.endpoint(wire.service("AWS", "us-west-2"), endpoint=other)
        atlas.advance(150)
        assert strings(wire, "Main") == [[VPCE, other]]
        [entry] = wire("GET", f"{V2}/clusters/Main").json["connectionStrings"]["privateEndpoint"]
        assert entry["type"] == "MONGOS" and "replicaSet" not in entry["connectionString"]
        assert entry["srvShardOptimizedConnectionString"].startswith("mongodb+srv://main-pl-0-lb")
        assert wire("PATCH", f"{V2}/privateEndpoint/regionalMode", {"enabled": True}).status == 202
        assert strings(wire, "Main") == [[VPCE], [other]]


# Google Cloud


def port_mapped(wire: Wire, **options: Any) -> str:
    return wire.service("GCP", "us-central1", portMappingEnabled=True, **options)


RULE = {"endpointName": "rule-1", "ipAddress": "10.0.0.9"}


def test_a_port_mapped_service_and_its_endpoint() -> None:
    with emulator(last_endpoint_deletes_service=False) as (atlas, wire):
        service = port_mapped(wire, ready=False)
        assert wire("GET", service).json["serviceAttachmentNames"] == []
        atlas.advance(150)
        early = wire("GET", service).json
        assert (early["status"], len(early["serviceAttachmentNames"])) == ("INITIATING", 1)
        atlas.advance(131)
        ready = wire("GET", service).json
        assert (ready["status"], ready["portMappingEnabled"], ready["regionName"]) == ("AVAILABLE", True, "CENTRAL_US")
        assert ready["serviceAttachmentNames"] == early["serviceAttachmentNames"]
        assert "/regions/us-central1/" in ready["serviceAttachmentNames"][0]
        body = BODIES["GCP"][1] | {"endpointGroupName": "ignored"}
        for rules in ([], [RULE, RULE | {"endpointName": "rule-2"}], [{"endpointName": "rule-1"}]):
            assert wire("POST", f"{service}/endpoint", body | {"endpoints": rules}).code == (400, "INVALID_ATTRIBUTE")
        nameless = {name: value for name, value in body.items() if name != "endpointGroupName"}
        refused = wire("POST", f"{service}/endpoint", nameless | {"endpoints": [RULE]})
        assert refused.code == (400, "MISSING_ATTRIBUTE")
        made = wire("POST", f"{service}/endpoint", body | {"endpoints": [RULE]}).json
        assert (made["endpointGroupName"], made["portMappingEnabled"]) == ("rule-1", True)
        assert wire("GET", f"{service}/endpoint/ignored").code == (404, "PRIVATE_ENDPOINT_NOT_FOUND")
        atlas.advance(90)
        one = wire("GET", f"{service}/endpoint/rule-1").json
        assert (one["status"], one["endpoints"]) == ("AVAILABLE", [RULE | {"status": "AVAILABLE"}])
        assert wire("GET", service).json["endpointGroupNames"] == ["rule-1"]
        assert wire("POST", f"{service}/endpoint", body | {"endpoints": [RULE]}).status == 409
        assert wire("DELETE", f"{service}/endpoint/rule-1").status == 202
        atlas.advance(30)
        assert wire("GET", f"{service}/endpoint/rule-1").status == 404


def test_a_legacy_endpoint_names_a_rule_for_each_attachment() -> None:
    with emulator() as (_, wire):
        service = wire.service("GCP", "us-central1")
        rules: list[dict[str, str]] = BODIES["GCP"][1]["endpoints"]
        assert len(rules) == len(wire("GET", service).json["serviceAttachmentNames"])
        wrongs: list[list[dict[str, str]]] = [rules[:5], [], [*rules, RULE], [{}] * 6, [RULE | {"ipAddress": "x"}] * 6]
        for wrong in wrongs:
            refused = wire("POST", f"{service}/endpoint", BODIES["GCP"][1] | {"endpoints": wrong})
            assert refused.code == (400, "INVALID_ATTRIBUTE"), wrong
        assert wire("GET", service).json["endpointGroupNames"] == []


def test_both_kinds_of_one_region_side_by_side() -> None:
    described = {"name": "Main", "provider": "GCP", "regions": ["CENTRAL_US"]}
    with emulator([described]) as (atlas, wire):
        legacy = wire.service("GCP", "CENTRAL_US", ready=False)
        new = port_mapped(wire)
        for flag in (True, False):
            body = {"providerName": "GCP", "region": "us-central1", "portMappingEnabled": flag}
            again = wire("POST", f"{V2}/privateEndpoint/endpointService", body)
            assert again.code == (409, "PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION")
        listed = wire("GET", legacy.rpartition("/")[0]).json
        assert [one["portMappingEnabled"] for one in listed] == [False, True]
        wire.endpoint(legacy, "GCP")
        wire.endpoint(new, "GCP", endpoints=[RULE])
        atlas.advance(150)
        assert strings(wire, "Main") == [["group-1"], ["rule-1"]]


def test_only_google_has_port_mapping() -> None:
    with emulator() as (_, wire):
        body = {"providerName": "AWS", "region": "us-east-1", "portMappingEnabled": True}
        assert wire("POST", f"{V2}/privateEndpoint/endpointService", body).code == (400, "INVALID_ATTRIBUTE")


@pytest.mark.parametrize(
    ("cloud", "given", "atlas", "own"),
    [
        ("AWS", "eu-central-1", "EU_CENTRAL_1", "eu-central-1"),
        ("GCP", "us-east1", "EASTERN_US", "us-east1"),
        ("GCP", "US_EAST_4", "US_EAST_4", "us-east4"),
        ("GCP", "europe-west10", "EUROPE_WEST_10", "europe-west10"),
        ("GCP", "northamerica-northeast2", "NORTH_AMERICA_NORTHEAST_2", "northamerica-northeast2"),
        ("GCP", "SOUTH_AMERICA_WEST_1", "SOUTH_AMERICA_WEST_1", "southamerica-west1"),
        ("GCP", "me-central1", "MIDDLE_EAST_CENTRAL_1", "me-central1"),
        ("AZURE", "westeurope", "EUROPE_WEST", None),
    ],
)
def test_names_of_regions(cloud: str, given: str, atlas: str, own: str | None) -> None:
    with emulator() as (_, wire):
        service = wire("GET", wire.service(cloud, given)).json
        assert service["regionName"] == atlas
        name = service.get("endpointServiceName") or str(service.get("serviceAttachmentNames"))
        assert own is None or f"{own}/" in name or f".{own}." in name
        body = {"providerName": cloud, "region": atlas}
        assert wire("POST", f"{V2}/privateEndpoint/endpointService", body).status == 409
