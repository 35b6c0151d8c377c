"""Clusters, as far as private endpoints need them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from answer_server import AnswerServer, Reply
from local_servers import Received
from support import GROUP_ID, Caller

from atlas_privatelink import ApiError, NotFound, ValidationError, WaitTimeout
from atlas_privatelink.models import Cluster, ClusterRegion, ConnectionStrings

VPC_ENDPOINTS = ("vpce-0aaaaaaaaaaaaaaa1", "vpce-0aaaaaaaaaaaaaaa2")
SRV = "mongodb+srv://cluster0-pl-0-xxxxx.mongodb.net"
STANDARD = "mongodb://cluster0-pl-0-xxxxx.mongodb.net:1024/?ssl=true"
PATH = f"/api/atlas/v2/groups/{GROUP_ID}/clusters"
MEDIA_TYPE = "application/vnd.atlas.2024-08-05+json"


def shard(*regions: dict[str, Any]) -> dict[str, Any]:
    return {"id": "68ca42577b9e1a3c5ab4d208", "zoneName": "Zone 1", "regionConfigs": list(regions)}


def region(provider: str, name: str, priority: int, *, nodes: int = 3, **more: Any) -> dict[str, Any]:
    specs = {"electableSpecs": {"instanceSize": "M30", "nodeCount": nodes, "diskIOPS": 3000}}
    return {"providerName": provider, "regionName": name, "priority": priority, **specs, **more}


def strings(*endpoints: tuple[str, str], **others: Any) -> dict[str, Any]:
    named = [{"endpointId": one, "providerName": "AWS", "region": where} for one, where in endpoints]
    return {"srvConnectionString": SRV, "connectionString": STANDARD, "type": "MONGOD", "endpoints": named, **others}


CLUSTER: dict[str, Any] = {
    "id": "68ca42577b9e1a3c5ab4d256",
    "name": "Cluster0",
    "clusterType": "SHARDED",
    "stateName": "IDLE",
    "paused": False,
    "mongoDBVersion": "8.0.13",
    "backupEnabled": True,
    "replicationSpecs": [
        shard(region("AWS", "US_EAST_1", 7), region("GCP", "SOUTH_AMERICA_EAST_1", 6, nodes=2)),
        shard(
            region("AWS", "US_EAST_1", 7, analyticsSpecs={"instanceSize": "M40", "nodeCount": 1}),
            region("GCP", "SOUTH_AMERICA_EAST_1", 6, nodes=2),
        ),
    ],
    "connectionStrings": {
        "standardSrv": "mongodb+srv://cluster0.xxxxx.mongodb.net",
        "privateEndpoint": [
            strings((VPC_ENDPOINTS[0], "US_EAST_1"), (VPC_ENDPOINTS[1], "EU_WEST_1")),
            strings((VPC_ENDPOINTS[0], "US_EAST_1"), srvConnectionString=None, connectionString=None),
        ],
    },
}


@pytest.fixture
def server() -> Iterator[AnswerServer]:
    with AnswerServer() as server:
        yield server


def as_json(body: Any, status: int = 200) -> Reply:
    return Reply(status, (("Content-Type", "application/json"),), json.dumps(body).encode())


def always(body: Any, status: int = 200) -> Callable[[Received], Reply]:
    return lambda request: as_json(body, status)


@pytest.mark.parametrize("api_version", [None, "v1.0", "v2"])
def test_one_cluster(server: AnswerServer, call: Caller, api_version: str | None) -> None:
    server.answer = always(CLUSTER)
    cluster = call(
        server, "dedicated.get_cluster", GROUP_ID, "Cluster0", options={"api_version": api_version, "timeout": 20}
    )
    assert isinstance(cluster, Cluster)
    assert (cluster.name, cluster.id, cluster.state, cluster.paused) == ("Cluster0", CLUSTER["id"], "IDLE", False)
    assert (cluster.cluster_type, cluster.mongo_db_version) == ("SHARDED", "8.0.13")
    assert cluster.regions == (
        ClusterRegion("AWS", "us-east-1", "US_EAST_1", priority=7, instance_size="M30", node_count=7),
        ClusterRegion(
            "GCP", "southamerica-east1", "SOUTH_AMERICA_EAST_1", priority=6, instance_size="M30", node_count=4
        ),
    )
    shared: dict[str, Any] = {"srv": SRV, "standard": STANDARD, "type": "MONGOD", "provider_name": "AWS"}
    assert cluster.connection_strings == (
        ConnectionStrings(VPC_ENDPOINTS[0], region="US_EAST_1", **shared),
        ConnectionStrings(VPC_ENDPOINTS[1], region="EU_WEST_1", **shared),
    )
    assert cluster.extra == {"backupEnabled": True}
    assert cluster.response is not None and cluster.response.status_code == 200
    (request,) = server.requests
    assert (request.method, request.target, request.headers["accept"]) == ("GET", f"{PATH}/Cluster0", MEDIA_TYPE)


def test_a_free_cluster_says_which_cloud_it_runs_on(server: AnswerServer, call: Caller) -> None:
    config = {
        "providerName": "TENANT",
        "backingProviderName": "AZURE",
        "regionName": "US_EAST_2",
        "priority": 7,
        "electableSpecs": {"instanceSize": "M0"},
    }
    server.answer = always({"name": "Free", "replicationSpecs": [shard(config)], "connectionStrings": {}})
    cluster = call(server, "dedicated.get_cluster", GROUP_ID, "Free")
    (found,) = cluster.regions
    assert (found.provider, found.backing_provider, found.cloud_provider) == ("TENANT", "AZURE", "AZURE")
    assert (found.region, found.instance_size, found.node_count) == ("eastus2", "M0", None)
    assert cluster.connection_strings == ()


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Cluster0", "stateName": "IDLE"},
        {"name": "Cluster0", "stateName": "THAWING", "paused": None, "replicationSpecs": None, "new": [1]},
        {"stateName": "IDLE", "replicationSpecs": [], "connectionStrings": None},
        {"name": "Cluster0", "replicationSpecs": [None, {}, {"regionConfigs": [3, {}, {"providerName": "AWS"}]}]},
        {"name": "Cluster0", "connectionStrings": {"privateEndpoint": [None, {}, {"srvConnectionString": SRV}]}},
        {"name": "Cluster0", "paused": "yes", "replicationSpecs": 7, "connectionStrings": "none"},
    ],
)
def test_what_is_missing_or_unknown_breaks_no_read(server: AnswerServer, call: Caller, body: dict[str, Any]) -> None:
    server.answer = always(body)
    cluster = call(server, "dedicated.get_cluster", GROUP_ID, "Cluster0")
    assert (cluster.name, cluster.paused) == ("Cluster0", False)
    assert (cluster.regions, cluster.connection_strings) == ((), ())
    assert cluster.state == body.get("stateName", "UNKNOWN")


def test_all_clusters_of_all_pages(server: AnswerServer, call: Caller) -> None:
    names = [f"Cluster{number}" for number in range(1001)]

    def page(request: Received) -> Reply:
        query = parse_qs(urlsplit(request.target).query)
        size, number = int(query["itemsPerPage"][0]), int(query["pageNum"][0])
        chosen = names[(number - 1) * size : number * size]
        return as_json({"results": [{**CLUSTER, "name": name} for name in chosen], "totalCount": len(names)})

    server.answer = page
    clusters = call(server, "dedicated.list_clusters", GROUP_ID)
    assert [cluster.name for cluster in clusters] == names
    assert {urlsplit(request.target).path for request in server.requests} == {PATH}
    assert {request.headers["accept"] for request in server.requests} == {MEDIA_TYPE}


def test_errors_keep_their_code(server: AnswerServer, call: Caller) -> None:
    server.answer = always({"error": 404, "errorCode": "CLUSTER_NOT_FOUND"}, 404)
    with pytest.raises(NotFound, match="CLUSTER_NOT_FOUND"):
        call(server, "dedicated.get_cluster", GROUP_ID, "Cluster0")
    server.answer = always({"error": 400, "errorCode": "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"}, 400)
    with pytest.raises(ApiError) as caught:
        call(server, "dedicated.get_cluster", GROUP_ID, "Flex0")
    assert caught.value.error_code == "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"
    server.requests.clear()
    with pytest.raises(ValidationError, match=r"^cluster_name must be"):
        call(server, "dedicated.get_cluster", GROUP_ID, "../x")
    assert server.requests == []


def test_a_connection_string_that_is_null_is_waited_for(server: AnswerServer, call: Caller) -> None:
    entries = [strings((VPC_ENDPOINTS[0], "US_EAST_1"), srvConnectionString=None, connectionString=None)]

    def answer(request: Received) -> Reply:
        if len(server.requests) == 2:
            entries.append(strings((VPC_ENDPOINTS[0], "US_EAST_1")))
        return as_json({**CLUSTER, "connectionStrings": {"privateEndpoint": entries}})

    server.answer = answer
    found = call(server, "dedicated.connection_string", GROUP_ID, "Cluster0", VPC_ENDPOINTS[0])
    assert found.srv == SRV and len(server.requests) == 2
    server.answer = always({**CLUSTER, "connectionStrings": {"privateEndpoint": entries[:1]}})
    with pytest.raises(WaitTimeout):
        call(server, "dedicated.connection_string", GROUP_ID, "Cluster0", VPC_ENDPOINTS[0], timeout=0.01)


def test_the_second_endpoint_of_an_entry_is_found(server: AnswerServer, call: Caller) -> None:
    server.answer = always(CLUSTER)
    for endpoint_id in VPC_ENDPOINTS:
        found = call(server, "dedicated.connection_string", GROUP_ID, "Cluster0", endpoint_id, timeout=20)
        assert (found.id, found.srv) == (endpoint_id, SRV)


def test_an_azure_id_is_found_in_another_case(server: AnswerServer, call: Caller) -> None:
    endpoint_id = "/subscriptions/S/resourceGroups/Mine/providers/Microsoft.Network/privateEndpoints/Pe"
    entry = strings((endpoint_id.lower().replace("resourcegroups", "resourceGroups"), "US_EAST_2"))
    server.answer = always({**CLUSTER, "connectionStrings": {"privateEndpoint": [entry]}})
    found = call(server, "dedicated.connection_string", GROUP_ID, "Cluster0", endpoint_id, timeout=20)
    assert found.srv == SRV
