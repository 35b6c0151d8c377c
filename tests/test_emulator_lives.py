"""The lives and refusals of the emulator's families, its connection strings and tokens, over plain HTTP."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from emulator_wire import AZURE_ID, BODIES, GROUP, SECONDS, V1, V2, VPCE, Answer, Wire

from atlas_privatelink.testing import AtlasEmulator

# what else the deletion of the last endpoint does has tests of its own
KEEP: Any = {"last_endpoint_deletes_service": False}


@pytest.fixture
def atlas() -> Iterator[AtlasEmulator]:
    with AtlasEmulator(digest="open", clock="driven", **KEEP) as emulator:
        yield emulator


@pytest.fixture
def wire(atlas: AtlasEmulator) -> Iterator[Wire]:
    wire = Wire(atlas)
    yield wire
    wire.connection.close()


# Dedicated clusters


@pytest.mark.parametrize("root", [V1, V2])
@pytest.mark.parametrize("cloud", ["AWS", "AZURE", "GCP"])
def test_the_life_of_a_service(atlas: AtlasEmulator, wire: Wire, cloud: str, root: str) -> None:
    made = wire("POST", f"{root}/privateEndpoint/endpointService", {"providerName": cloud, "region": "us-west-2"})
    assert (made.status, made.json["status"], made.json["regionName"]) == (201, "INITIATING", "US_WEST_2")
    named = {
        "AWS": {"endpointServiceName", "interfaceEndpoints", "supportedRemoteRegions"},
        "AZURE": {"privateLinkServiceName", "privateLinkServiceResourceId", "privateEndpoints"},
        "GCP": {"serviceAttachmentNames", "endpointGroupNames", "portMappingEnabled"},
    }[cloud]
    assert made.json.keys() == {"cloudProvider", "errorMessage", "id", "regionName", "status"} | named
    path = f"{root}/privateEndpoint/{cloud}/endpointService/{made.json['id']}"
    atlas.advance(SECONDS[cloud] - 1)
    assert wire("GET", path).json["status"] == "INITIATING"
    atlas.advance(1)
    ready = wire("GET", path).json
    assert (ready["status"], ready["errorMessage"]) == ("AVAILABLE", None)
    assert wire("GET", path.rpartition("/")[0]).json == [ready]
    gone = wire("DELETE", path)
    assert (gone.status, gone.json) == (202, {})
    assert wire("GET", path).json["status"] == "DELETING"
    atlas.advance(30)
    assert wire("GET", path).code == wire("DELETE", path).code == (404, "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND")
    assert wire("GET", path.rpartition("/")[0]).json == []


def test_what_a_service_is_called_and_when(atlas: AtlasEmulator, wire: Wire) -> None:
    aws = wire.service("AWS", "eu-central-1", ready=False)
    assert wire("GET", aws).json["endpointServiceName"] is None
    gcp = wire.service("GCP", "EUROPE_WEST_2", ready=False)
    atlas.advance(200)
    assert wire("GET", aws).json["endpointServiceName"].startswith("com.amazonaws.vpce.eu-central-1.vpce-svc-")
    half = wire("GET", gcp).json
    assert half["status"] == "INITIATING" and 0 < len(half["serviceAttachmentNames"]) < 6
    atlas.advance(81)
    assert len(wire("GET", gcp).json["serviceAttachmentNames"]) == 6
    azure = wire("GET", wire.service("AZURE")).json
    assert azure["privateLinkServiceName"] == f"pls_{azure['id']}"
    assert azure["privateLinkServiceResourceId"].endswith(f"/privateLinkServices/pls_{azure['id']}")


def test_one_service_for_each_region(atlas: AtlasEmulator, wire: Wire) -> None:
    first = wire.service("AWS", "us-east-1")
    body = {"providerName": "AWS", "region": "US_EAST_1"}
    again = wire("POST", f"{V1}/privateEndpoint/endpointService", body)
    assert again.code == (409, "PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION")
    wire.service("AZURE", "US_EAST_1")
    wire.service("AWS", "US_WEST_1")
    wire("DELETE", first)
    assert wire("POST", f"{V2}/privateEndpoint/endpointService", body).status == 409
    atlas.advance(30)
    assert wire("POST", f"{V2}/privateEndpoint/endpointService", body).status == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"region": "US_EAST_1", "providerName": "AWS", "colour": 1}, "INVALID_ATTRIBUTE"),
        ({"region": 1, "providerName": "AWS"}, "INVALID_ATTRIBUTE"),
        ({"providerName": "AWS"}, "MISSING_ATTRIBUTE"),
        ({"region": "US_EAST_1"}, "MISSING_ATTRIBUTE"),
        ({"region": "US_EAST_1", "providerName": "IBM"}, "INVALID_CLOUD_PROVIDER"),
        ({"region": "US_EAST_1", "providerName": "AWS", "supportedRemoteRegions": "US_WEST_1"}, "INVALID_ATTRIBUTE"),
        ({"region": "US_EAST_1", "providerName": "GCP", "portMappingEnabled": "yes"}, "INVALID_ATTRIBUTE"),
        ("{", "MALFORMED_JSON"),
    ],
)
def test_services_that_cannot_be(atlas: AtlasEmulator, wire: Wire, body: object, code: str) -> None:
    atlas.fail_next_endpoint("kept for the next")
    assert wire("POST", f"{V2}/privateEndpoint/endpointService", body).code == (400, code)
    assert atlas.stats().endpoints_made == 0
    # what was to go wrong waits for something that is really made
    path = f"{V2}/privateEndpoint/serverless/instance/Instance0/endpoint"
    made = wire("POST", path, {}).json["_id"]
    atlas.advance(90)
    assert wire("GET", f"{path}/{made}").json["status"] == "FAILED"


def test_a_cloud_that_does_not_exist(wire: Wire) -> None:
    assert wire("GET", f"{V2}/privateEndpoint/IBM/endpointService").code == (400, "INVALID_CLOUD_PROVIDER")


def test_remote_regions(wire: Wire) -> None:
    path = wire.service("AWS")
    update = f"{V2}/privateEndpoint/endpointService/{path.rpartition('/')[2]}"
    changed = wire("PATCH", update, {"cloudProvider": "AWS", "supportedRemoteRegions": ["us-west-1"]})
    assert (changed.status, changed.json["supportedRemoteRegions"]) == (200, ["US_WEST_1"])
    assert wire("PATCH", update, {"supportedRemoteRegions": []}).code == (400, "MISSING_ATTRIBUTE")
    assert wire("PATCH", update, {"cloudProvider": "AWS", "supportedRemoteRegions": 1}).code[1] == "INVALID_ATTRIBUTE"
    assert wire("PATCH", update, {"cloudProvider": "AWS"}).json["supportedRemoteRegions"] == ["US_WEST_1"]


LIVES = {
    "AWS": ("connectionStatus", ["PENDING_ACCEPTANCE", "PENDING", "AVAILABLE"], "interfaceEndpoints"),
    "AZURE": ("status", ["INITIATING", "INITIATING", "AVAILABLE"], "privateEndpoints"),
    "GCP": ("status", ["INITIATING", "VERIFIED", "AVAILABLE"], "endpointGroupNames"),
}


@pytest.mark.parametrize("root", [V1, V2])
@pytest.mark.parametrize("cloud", ["AWS", "AZURE", "GCP"])
def test_the_life_of_an_endpoint(atlas: AtlasEmulator, wire: Wire, cloud: str, root: str) -> None:
    service = wire.service(cloud, root=root)
    endpoint, body = BODIES[cloud]
    name, life, listed = LIVES[cloud]
    made = wire("POST", f"{service}/endpoint", body | {"cloudProvider": cloud})
    assert made.status in {200, 201}
    assert (made.json["deleteRequested"], made.json["errorMessage"]) == (False, None)
    path = f"{service}/endpoint/{quote(endpoint, safe='')}"
    seen = []
    for _ in life:
        seen.append(wire("GET", path).json[name])
        atlas.advance(45)
    assert seen == life
    assert wire("GET", service).json[listed] == [endpoint]
    assert wire("POST", f"{service}/endpoint", body).status == 409
    assert wire("DELETE", service).status == 409
    assert wire("DELETE", path).status in {202, 204}
    going = wire("GET", path).json
    assert (going[name], going["deleteRequested"]) == ("DELETING", True)
    atlas.advance(30)
    assert wire("GET", path).status == wire("DELETE", path).status == 404
    assert wire("GET", service).json[listed] == []
    assert wire("DELETE", service).status == 202


def test_each_rule_of_gcp_has_a_status(atlas: AtlasEmulator, wire: Wire) -> None:
    service = wire.service("GCP")
    rules = [wire("POST", f"{service}/endpoint", BODIES["GCP"][1]).json["endpoints"]]
    atlas.advance(90)
    rules.append(wire("GET", f"{service}/endpoint/group-1").json["endpoints"])
    given = BODIES["GCP"][1]["endpoints"]
    assert rules == [[rule | {"status": status} for rule in given] for status in ("INITIATING", "AVAILABLE")]


def test_endpoints_that_cannot_be(atlas: AtlasEmulator, wire: Wire) -> None:
    early = wire.service("AWS", ready=False)
    assert wire("POST", f"{early}/endpoint", {"id": VPCE}).status == 400
    atlas.advance(169)
    for body, code in [
        ({}, "MISSING_ATTRIBUTE"),
        ({"id": "subnet-1"}, "INVALID_ATTRIBUTE"),
        ({"id": VPCE, "colour": 1}, "INVALID_ATTRIBUTE"),
        ({"id": VPCE, "privateEndpointIPAddress": "10.0.0.4"}, "INVALID_ATTRIBUTE"),
        ({"id": VPCE, "cloudProvider": "GCP"}, "INVALID_ATTRIBUTE"),
    ]:
        assert wire("POST", f"{early}/endpoint", body).code == (400, code), body
    azure = wire.service("AZURE")
    for body in (
        {"id": AZURE_ID, "privateEndpointIPAddress": "10.0.0"},
        {"id": VPCE, "privateEndpointIPAddress": "::1"},
    ):
        assert wire("POST", f"{azure}/endpoint", body).code == (400, "INVALID_ATTRIBUTE"), body
    unknown = early.rpartition("/")[0] + "/5f7cac1adf5d6c6306f4b299"
    for answer in (wire("POST", f"{unknown}/endpoint", {"id": VPCE}), wire("GET", f"{unknown}/endpoint/{VPCE}")):
        assert answer.code == (404, "PRIVATE_ENDPOINT_SERVICE_NOT_FOUND")
    assert wire("GET", f"{early}/endpoint/{VPCE}").code == (404, "PRIVATE_ENDPOINT_NOT_FOUND")


@pytest.mark.parametrize(("cloud", "word"), [("AWS", "REJECTED"), ("AZURE", "FAILED"), ("GCP", "FAILED")])
def test_what_fails_on_request(atlas: AtlasEmulator, wire: Wire, cloud: str, word: str) -> None:
    atlas.fail_next_endpoint("No capacity.")
    failed = wire("GET", wire.service(cloud, "US_WEST_1")).json
    assert (failed["status"], failed["errorMessage"]) == ("FAILED", "No capacity.")
    service = wire.service(cloud)
    endpoint, body = BODIES[cloud]
    atlas.fail_next_endpoint("Not yours.")
    wire("POST", f"{service}/endpoint", body)
    atlas.advance(90)
    found = wire("GET", f"{service}/endpoint/{quote(endpoint, safe='')}").json
    assert (found[LIVES[cloud][0]], found["errorMessage"]) == (word, "Not yours.")


def test_the_time_of_all_services_can_be_one() -> None:
    with AtlasEmulator(digest="open", clock="driven", service_seconds=5) as atlas:
        wire = Wire(atlas)
        paths = [wire.service(cloud, ready=False) for cloud in SECONDS]
        atlas.advance(5)
        assert [wire("GET", path).json["status"] for path in paths] == ["AVAILABLE"] * 3
        wire.connection.close()


@pytest.mark.parametrize("root", [V1, V2])
def test_regional_mode(wire: Wire, root: str) -> None:
    path = f"{root}/privateEndpoint/regionalMode"
    assert wire("GET", path).json == {"enabled": False}
    changed = wire("PATCH", path, {"enabled": True})
    assert (changed.status, changed.json) == (202, {"enabled": True})
    assert wire("GET", path).json == {"enabled": True}
    assert wire("GET", path.replace(GROUP, GROUP[::-1])).json == {"enabled": False}
    for body in ({}, {"enabled": "yes"}, {"enabled": True, "colour": 1}):
        assert wire("PATCH", path, body).status == 400, body


def test_documented_status_codes() -> None:
    with AtlasEmulator(digest="open", clock="driven", status_codes="documented", service_seconds=0, **KEEP) as atlas:
        wire = Wire(atlas)
        body = {"providerName": "AWS", "region": "US_EAST_1"}
        made = wire("POST", f"{V2}/privateEndpoint/endpointService", body)
        service = f"{V2}/privateEndpoint/AWS/endpointService/{made.json['id']}"
        endpoint = wire("POST", f"{service}/endpoint", {"id": VPCE})
        gone = wire("DELETE", f"{service}/endpoint/{VPCE}")
        mode = wire("PATCH", f"{V2}/privateEndpoint/regionalMode", {"enabled": True})
        atlas.advance(30)
        assert [a.status for a in (made, endpoint, gone, mode, wire("DELETE", service))] == [200, 200, 204, 200, 204]
        wire.connection.close()


# The other families


def test_data_federation_answers_with_the_whole_list(atlas: AtlasEmulator, wire: Wire) -> None:
    path = f"{V2}/privateNetworkSettings/endpointIds"
    wire("POST", path, {"endpointId": VPCE, "comment": "one"})
    second = wire("POST", path, {"endpointId": VPCE[:-1] + "1", "provider": "AWS", "type": "DATA_LAKE"})
    assert (second.status, second.json["totalCount"]) == (201, 2)
    first = {"comment": "one", "endpointId": VPCE, "provider": "AWS", "status": "OK", "type": "DATA_LAKE"}
    assert second.json["results"][0] == first
    updated = wire("POST", path, {"endpointId": VPCE, "comment": "two"})
    assert updated.status == 201
    assert [entry.get("comment") for entry in updated.json["results"]] == ["two", None]
    assert atlas.stats().endpoints_made == 2
    assert wire("GET", f"{path}/{VPCE}").json == first | {"comment": "two"}
    assert wire("DELETE", f"{path}/{VPCE}").status == 204
    atlas.advance(30)
    assert wire("GET", f"{path}/{VPCE}").status == 404
    assert wire("POST", path, {"comment": "no id"}).code == (400, "MISSING_ATTRIBUTE")
    assert wire("POST", path, {"endpointId": "subnet-1"}).code == (400, "INVALID_ATTRIBUTE")


def test_streams(atlas: AtlasEmulator, wire: Wire) -> None:
    path = f"{V2}/streams/privateLinkConnections"
    body = {"provider": "AWS", "region": "US_EAST_1", "dnsDomain": "old.example.com", "vendor": "CONFLUENT"}
    made = wire("POST", path, body)
    assert (made.status, made.headers["Content-Type"]) == (200, "application/vnd.atlas.2023-02-01+json;charset=utf-8")
    one = f"{path}/{made.json['_id']}"
    states = []
    for seconds in (20, 70, 0):
        states.append(wire("GET", one).json["state"])
        atlas.advance(seconds)
    assert states == ["IDLE", "WORKING", "DONE"]
    assert "errorMessage" not in wire("GET", one).json
    assert wire("PATCH", one, {"dnsDomain": "new.example.com"}).json["dnsDomain"] == "new.example.com"
    assert wire("PATCH", one, {"vendor": "x"}).status == wire("PATCH", one, {"dnsDomain": 1}).status == 400
    gone = wire("DELETE", one)
    assert (gone.status, gone.json) == (202, {})
    atlas.advance(30)
    assert wire("GET", one).status == 404
    for bad in ({"provider": 1}, {"provider": "AWS", "dnsSubDomain": "a"}, {}):
        assert wire("POST", path, bad).status == 400, bad
    wire("POST", path, {"provider": "GCP", "gcpConnectionIds": ["1"]})
    assert wire("GET", path).json["results"][0]["vendor"] == "GENERIC"


@pytest.mark.parametrize(
    ("family", "status"), [("encryptionAtRest/AWS", 202), ("encryptionAtRest/AZURE", 202), ("backup/AWS", 201)]
)
def test_storage_families(atlas: AtlasEmulator, wire: Wire, family: str, status: int) -> None:
    path = f"{V2}/{family}/privateEndpoints"
    made = wire("POST", path, {"regionName": "US_EAST_1"})
    assert (made.status, made.json["cloudProvider"]) == (status, family.partition("/")[2])
    one = f"{path}/{made.json['id']}"
    states = []
    for seconds in (45, 45, 0):
        states.append(wire("GET", one).json["status"])
        atlas.advance(seconds)
    assert states == ["INITIATING", "PENDING_ACCEPTANCE", "ACTIVE"]
    assert wire("GET", path).json["results"] == [wire("GET", one).json]
    assert wire("DELETE", one).status == 204
    atlas.advance(30)
    assert wire("GET", one).status == 404
    assert wire("POST", path, {}).code == (400, "MISSING_ATTRIBUTE")
    for bad in ({"regionName": 1}, {"regionName": "US_EAST_1", "cloudProvider": "GCP"}):
        assert wire("POST", path, bad).code == (400, "INVALID_ATTRIBUTE"), bad


def test_families_keep_to_their_cloud(wire: Wire) -> None:
    made = wire("POST", f"{V2}/encryptionAtRest/AWS/privateEndpoints", {"regionName": "US_EAST_1"}).json
    other = f"{V2}/encryptionAtRest/AZURE/privateEndpoints"
    assert wire("GET", other).json["totalCount"] == 0
    assert wire("GET", f"{other}/{made['id']}").status == 404
    assert wire("GET", f"{V2}/backup/AZURE/privateEndpoints").code == (400, "INVALID_CLOUD_PROVIDER")
    assert wire("GET", f"{V1}/encryptionAtRest/AWS/privateEndpoints").code == (404, "RESOURCE_NOT_FOUND")


def test_lists_really_have_pages(wire: Wire) -> None:
    path = f"{V2}/encryptionAtRest/AWS/privateEndpoints"
    ids = [wire("POST", path, {"regionName": "US_EAST_1"}).json["id"] for _ in range(102)]

    def page(query: str) -> list[str]:
        answer = wire("GET", f"{path}?{query}").json
        assert answer["totalCount"] == 102
        return [one["id"] for one in answer["results"]]

    assert page("") == ids[:100]
    assert page("pageNum=2") == ids[100:]
    assert page("itemsPerPage=500") == ids
    assert page("itemsPerPage=40&pageNum=3") == ids[80:]
    assert page("itemsPerPage=40&pageNum=4") == []


# Deployments


@pytest.mark.parametrize("root", [V1, V2])
def test_the_connection_string_of_an_instance(atlas: AtlasEmulator, wire: Wire, root: str) -> None:
    path = f"{root}/privateEndpoint/serverless/instance/Main/endpoint"
    made = wire("POST", path, {}).json["_id"]
    atlas.advance(90)
    wire("PATCH", f"{path}/{made}", {"providerName": "AWS", "cloudProviderEndpointId": VPCE})
    atlas.advance(149)
    before = wire("GET", f"{root}/serverless/Main").json["connectionStrings"]
    assert before.keys() == {"standardSrv"}
    atlas.advance(1)
    after = wire("GET", f"{root}/serverless/Main").json["connectionStrings"]["privateEndpoint"]
    assert after == [
        {
            "srvConnectionString": "mongodb+srv://main-pe-0.xxxxx.mongodb.net",
            "type": "MONGOS",
            "endpoints": [{"endpointId": VPCE, "providerName": "AWS", "region": "US_EAST_1"}],
        }
    ]
    assert "privateEndpoint" not in wire("GET", f"{root}/serverless/Other").json["connectionStrings"]


def test_the_connection_string_of_a_cluster(atlas: AtlasEmulator, wire: Wire) -> None:
    service = wire.service("AZURE", "US_EAST_2")
    wire("POST", f"{service}/endpoint", BODIES["AZURE"][1])
    atlas.advance(150)
    newer = wire("GET", f"{V2}/clusters/Cluster0", Accept="application/vnd.atlas.2024-08-05+json")
    [entry] = newer.json["connectionStrings"]["privateEndpoint"]
    assert entry["srvConnectionString"] == "mongodb+srv://cluster0-pl-0-xxxxx.mongodb.net"
    assert entry["connectionString"].startswith("mongodb://")
    assert (entry["srvShardOptimizedConnectionString"], entry["type"]) == (None, "MONGOD")
    assert entry["endpoints"] == [{"endpointId": AZURE_ID, "providerName": "AZURE", "region": "US_EAST_2"}]
    assert wire("GET", f"{V1}/clusters/Cluster0").json["connectionStrings"]["privateEndpoint"] == [entry]


def test_deployments_that_do_not_exist() -> None:
    with AtlasEmulator(digest="open", clusters=["Cluster0"], instances=["Main"]) as atlas:
        wire = Wire(atlas)
        assert wire("GET", f"{V2}/clusters/Cluster0").status == wire("GET", f"{V2}/serverless/Main").status == 200
        assert wire("GET", f"{V2}/clusters/Other").code == (404, "CLUSTER_NOT_FOUND")
        assert wire("GET", f"{V2}/serverless/Other").code == (404, "SERVERLESS_INSTANCE_NOT_FOUND")
        atlas.retire("not_serverless")
        assert wire("GET", f"{V2}/serverless/Main").code == (400, "NOT_SERVERLESS_TENANT_CLUSTER")
        wire.connection.close()


# Service accounts


FORM = "application/x-www-form-urlencoded"


class Account:
    """The service account of an emulator that demands credentials."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def ask(self, what: str, form: str, *, secret: str | None = None) -> Answer:
        known = f"{self.wire.atlas.client_id}:{secret or self.wire.atlas.client_secret}"
        basic = "Basic " + base64.b64encode(known.encode()).decode()
        return self.wire("POST", f"/api/oauth/{what}", form, Content_Type=FORM, Authorization=basic)

    def token(self) -> str:
        answer = self.ask("token", "grant_type=client_credentials")
        assert answer.status == 200, answer.text
        return str(answer.json["access_token"])

    def use(self, token: str, method: str = "GET") -> Answer:
        return self.wire(method, f"{V2}/privateEndpoint/regionalMode", Authorization=f"Bearer {token}")


@contextmanager
def accounts(**options: Any) -> Iterator[tuple[AtlasEmulator, Account]]:
    with AtlasEmulator(clock="driven", **options) as atlas:
        wire = Wire(atlas)
        yield atlas, Account(wire)
        wire.connection.close()


def test_a_token_opens_what_a_key_does() -> None:
    with accounts(token_seconds=100) as (atlas, account):
        answer = account.ask("token", "grant_type=client_credentials")
        assert answer.json.keys() == {"access_token", "expires_in", "token_type"}
        assert (answer.json["expires_in"], answer.json["token_type"]) == (100, "Bearer")
        token = answer.json["access_token"]
        assert account.use(token).status == 200
        atlas.advance(99)
        assert account.use(token).status == 200
        atlas.advance(1)
        late = account.use(token)
        assert late.status == 401 and late.json["error"] == 401
        assert late.headers["WWW-Authenticate"].startswith("Bearer ")
        token = account.token()
        atlas.expire_tokens()
        assert account.use(token).status == account.use("unknown").status == 401
        assert atlas.stats().tokens_issued == 2


def test_revoked_tokens() -> None:
    with accounts() as (_, account):
        one, two = account.token(), account.token()
        for _ in range(2):
            assert account.ask("revoke", f"token={one}&token_type_hint=access_token").status == 200
        assert (account.use(one).status, account.use(two).status) == (401, 200)


def test_who_gets_no_token() -> None:
    with accounts() as (atlas, account):
        wrong = account.ask("token", "grant_type=client_credentials", secret="wrong")
        assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")
        assert isinstance(wrong.json["error_description"], str)
        nobody = account.wire("POST", "/api/oauth/token", "grant_type=client_credentials", Content_Type=FORM)
        assert (nobody.status, nobody.json["error"]) == (401, "invalid_client")
        other = account.ask("token", "grant_type=password")
        assert (other.status, other.json["error"]) == (400, "unsupported_grant_type")
        assert account.wire("GET", "/api/oauth/token").status == 405
        assert atlas.stats().tokens_issued == 0


def test_too_many_token_requests() -> None:
    with accounts(token_requests_per_minute=2) as (atlas, account):
        account.token()
        account.token()
        over = account.ask("token", "grant_type=client_credentials")
        assert over.code == (429, "RATE_LIMITED") and over.json["error"] == 429
        atlas.advance(float(over.headers["Retry-After"]))
        account.token()


def test_a_hundred_tokens_live() -> None:
    with accounts(token_requests_per_minute=1000) as (_, account):
        tokens = [account.token() for _ in range(101)]
        assert [account.use(token).status for token in tokens[:2]] == [401, 200]


def test_no_secret_is_kept() -> None:
    with accounts() as (atlas, account):
        token = account.token()
        account.use(token)
        account.ask("revoke", f"token={token}")
        kept = repr(atlas.requests())
        assert [request.headers["authorization"] for request in atlas.requests()] == ["Basic", "Bearer", "Basic"]
        assert token not in kept and atlas.client_secret not in kept and "grant_type" not in kept
        assert base64.b64encode(f"{atlas.client_id}:{atlas.client_secret}".encode()).decode() not in kept


# Fidelity


def test_every_family_tells_its_project_s_rate_limit() -> None:
    with AtlasEmulator(digest="open", clock="driven", capacity=4, refill=60) as atlas:
        wire = Wire(atlas)
        paths = ["privateEndpoint/regionalMode", "clusters/C", "streams/privateLinkConnections", "serverless/S"]
        left = [wire("GET", f"{V2}/{path}").headers["RateLimit-Remaining"] for path in paths]
        assert left == ["3", "2", "1", "0"]
        over = wire("GET", f"{V1}/privateEndpoint/AWS/endpointService")
        assert over.code == (429, "RATE_LIMITED_TOKEN_BUCKET")
        assert (over.headers["RateLimit-Limit"], over.headers["Retry-After"]) == ("4", "1")
        other = wire("GET", f"{V2}/privateEndpoint/regionalMode".replace(GROUP, GROUP[::-1]))
        assert other.headers["RateLimit-Remaining"] == "3"
        wire.connection.close()
    with AtlasEmulator(digest="open", rate_limit_headers=False, capacity=1, refill=1) as atlas:
        wire = Wire(atlas)
        for status in (200, 429):
            answer = wire("GET", f"{V2}/clusters/C")
            assert answer.status == status
            assert not {"RateLimit-Limit", "RateLimit-Remaining", "Retry-After"} & set(answer.headers)
        wire.connection.close()


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        ("privateEndpoint/regionalMode", "application/vnd.atlas.2023-01-01+json", 200),
        ("privateEndpoint/regionalMode", "application/vnd.atlas.2025-03-12+json", 200),
        ("privateEndpoint/regionalMode", "*/*", 200),
        ("privateEndpoint/regionalMode", "application/vnd.atlas.2022-12-31+json", 406),
        ("privateEndpoint/regionalMode", "application/vnd.atlas.2023-99-01+json", 406),
        ("privateEndpoint/regionalMode", "application/vnd.atlas.yesterday+json", 406),
        ("backup/AWS/privateEndpoints", "application/vnd.atlas.2024-11-13+json", 200),
        ("backup/AWS/privateEndpoints", "application/vnd.atlas.2023-01-01+json", 406),
        ("streams/privateLinkConnections", "application/vnd.atlas.2023-01-01+json", 406),
        ("streams/privateLinkConnections", "application/vnd.atlas.2023-01-01+json, application/json", 200),
    ],
)
def test_versions(wire: Wire, path: str, accept: str, status: int) -> None:
    answer = wire("GET", f"{V2}/{path}", Accept=accept)
    assert answer.status == status
    assert status != 406 or answer.code == (406, "INVALID_VERSION_DATE")


def test_a_reservation_nobody_connects() -> None:
    with AtlasEmulator(digest="open", clock="driven", reservation_expiry_seconds=100) as atlas:
        wire = Wire(atlas)
        path = f"{V2}/privateEndpoint/serverless/instance/Main/endpoint"
        lost, kept = (wire("POST", path, {}).json["_id"] for _ in range(2))
        atlas.advance(90)
        wire("PATCH", f"{path}/{kept}", {"providerName": "AWS", "cloudProviderEndpointId": VPCE})
        atlas.advance(100)
        assert wire("GET", f"{path}/{lost}").code == (404, "TENANT_PRIVATE_ENDPOINT_NOT_FOUND")
        assert wire("GET", f"{path}/{kept}").json["status"] == "AVAILABLE"
        wire.connection.close()


def test_deprecation(atlas: AtlasEmulator, wire: Wire) -> None:
    path = f"{V2}/privateEndpoint/serverless/instance/Main/endpoint"
    dates = {"deprecation": "Wed, 19 Feb 2025 00:00:00 GMT", "sunset": "Thu, 22 Jan 2026 00:00:00 GMT"}
    atlas.deprecate(**dates)
    answer = wire("GET", path)
    assert {name: answer.headers[name] for name in dates} == dates
    other = wire("GET", f"{V2}/privateEndpoint/AWS/endpointService")
    assert not set(dates) & {name.lower() for name in other.headers}
    atlas.deprecate()
    assert not set(dates) & {name.lower() for name in wire("GET", path).headers}
    with pytest.raises(ValueError, match="sunset must be an HTTP date"):
        atlas.deprecate(sunset="2026-01-22")
