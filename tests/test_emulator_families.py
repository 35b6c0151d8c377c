"""The emulator's other families, its service account and its versions, as any HTTP client sees them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from openapi import BESIDE, FAMILIES, FOLDER, Json, Operation, operation_of, operations
from support import GROUP_ID

from atlas_privatelink.testing import AtlasEmulator

VPC_ENDPOINT = "vpce-0123456789abcdef0"
AZURE_ENDPOINT = (
    "/subscriptions/4e133d35-e734-4380-a565-c0945535da37/resourceGroups/privatelink/providers"
    "/Microsoft.Network/privateEndpoints/mine"
)
ROOT = f"/groups/{GROUP_ID}"
SERVERLESS = f"{ROOT}/privateEndpoint/serverless/instance/Instance0/endpoint"


class Raw:
    """Requests with an access token, and what came of them."""

    def __init__(self, emulator: AtlasEmulator) -> None:
        self.emulator = emulator
        self.documented = False
        self.connection = HTTPConnection("127.0.0.1", emulator.port)
        self.answers: list[tuple[str, str, int, Any, str]] = []
        self.bearer = self.token()[1].get("access_token", "")

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def send(
        self, method: str, target: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, Any, dict[str, str]]:
        self.connection.request(method, target, body, headers)
        response = self.connection.getresponse()
        content = response.read()
        told = {name.lower(): value for name, value in response.getheaders()}
        return response.status, json.loads(content) if content else None, told

    def token(self, secret: str | None = None, grant: str = "client_credentials") -> tuple[int, Any, dict[str, str]]:
        known = f"{self.emulator.client_id}:{secret or self.emulator.client_secret}"
        basic = {"authorization": f"Basic {base64.b64encode(known.encode()).decode()}"}
        return self.send("POST", "/api/oauth/token", f"grant_type={grant}", basic)

    def __call__(self, method: str, path: str, body: Json | None = None, version: str = "v2", **headers: str) -> Any:
        target = f"/api/atlas/{version}{path}"
        given = {"authorization": f"Bearer {self.bearer}", "content-type": "application/json", **headers}
        status, content, told = self.send(method, target, None if body is None else json.dumps(body), given)
        self.answers.append((method, target, status, content, told.get("content-type", "")))
        return content


@pytest.fixture(params=["recorded", "documented"])
def raw(request: pytest.FixtureRequest) -> Iterator[Raw]:
    """An emulator with the recorded codes, and one with the documented ones."""
    options: dict[str, Any] = {"clock": "driven", "last_endpoint_deletes_service": False}
    with AtlasEmulator(status_codes=request.param, **options) as emulator, Raw(emulator) as raw:
        raw.documented = request.param == "documented"
        yield raw


def everything(raw: Raw) -> None:
    """Every operation, in an order that works."""
    made = raw("POST", SERVERLESS, {"comment": "x"}, "v1.0")
    raw("GET", SERVERLESS)
    raw.emulator.advance(90)
    raw("GET", f"{SERVERLESS}/{made['_id']}")
    raw("PATCH", f"{SERVERLESS}/{made['_id']}", {"providerName": "AWS", "cloudProviderEndpointId": VPC_ENDPOINT})
    raw.emulator.advance(200)
    raw("GET", f"{ROOT}/serverless/Instance0")
    raw("DELETE", f"{SERVERLESS}/{made['_id']}", version="v1.0")
    raw("DELETE", f"{SERVERLESS}/{raw('POST', SERVERLESS, {})['_id']}")
    bodies: dict[str, Json] = {
        "AWS": {"id": VPC_ENDPOINT},
        "AZURE": {"id": AZURE_ENDPOINT, "privateEndpointIPAddress": "10.0.0.1"},
        "GCP": {
            "endpointGroupName": "mine",
            "gcpProjectId": "p-0123456789abcdefghijklmn",
            "endpoints": [{"endpointName": f"mine-{n}", "ipAddress": f"10.0.0.{n}"} for n in range(6)],
        },
    }
    regions = {"AWS": "us-east-1", "AZURE": "US_EAST_2", "GCP": "CENTRAL_US"}
    for number, (cloud, body) in enumerate(bodies.items()):
        version = ("v1.0", "v2", "v2")[number]
        services = f"{ROOT}/privateEndpoint/{cloud}/endpointService"
        given = {"providerName": cloud, "region": regions[cloud]}
        service = raw("POST", f"{ROOT}/privateEndpoint/endpointService", given, version)
        raw.emulator.advance(100)
        raw("GET", services)
        raw.emulator.advance(200)
        raw("GET", f"{services}/{service['id']}", version=version)
        if cloud == "AWS":
            change = {"cloudProvider": "AWS", "supportedRemoteRegions": ["US_WEST_2"]}
            raw("PATCH", f"{ROOT}/privateEndpoint/endpointService/{service['id']}", change)
        raw("POST", f"{services}/{service['id']}/endpoint", body)
        raw.emulator.advance(50)
        one = f"{services}/{service['id']}/endpoint/{next(iter(body.values())).replace('/', '%2F')}"
        raw("GET", one)
        raw("DELETE", one, version=version)
        raw("GET", one)
        raw.emulator.advance(50)
        raw("DELETE", f"{services}/{service['id']}")
        raw("GET", f"{services}/{service['id']}")
    raw("GET", f"{ROOT}/privateEndpoint/regionalMode")
    raw("PATCH", f"{ROOT}/privateEndpoint/regionalMode", {"enabled": True}, "v1.0")
    raw("PATCH", f"{ROOT}/privateEndpoint/regionalMode", {"enabled": False})
    lake = f"{ROOT}/privateNetworkSettings/endpointIds"
    raw("POST", lake, {"endpointId": VPC_ENDPOINT, "comment": "x"})
    raw("GET", lake)
    raw("GET", f"{lake}/{VPC_ENDPOINT}")
    raw("DELETE", f"{lake}/{VPC_ENDPOINT}")
    streams = f"{ROOT}/streams/privateLinkConnections"
    stream = raw("POST", streams, {"provider": "AWS", "vendor": "MSK", "arn": "arn:aws:kafka:x"})
    raw("GET", streams)
    raw("PATCH", f"{streams}/{stream['_id']}", {"dnsDomain": "a.net"})
    raw("GET", f"{streams}/{stream['_id']}")
    raw("DELETE", f"{streams}/{stream['_id']}")
    for family in ("encryptionAtRest/AWS", "encryptionAtRest/AZURE", "backup/AWS"):
        endpoints = f"{ROOT}/{family}/privateEndpoints"
        made = raw("POST", endpoints, {"regionName": "US_EAST_2"})
        for _ in range(3):
            raw("GET", f"{endpoints}/{made['id']}")
            raw.emulator.advance(45)
        raw("GET", endpoints)
        raw("DELETE", f"{endpoints}/{made['id']}")


def without_null(value: Any) -> Any:
    """Atlas sends null where the specification has nothing."""
    if isinstance(value, dict):
        return {name: without_null(field) for name, field in value.items() if field is not None}
    return [without_null(item) for item in value] if isinstance(value, list) else value


# the pattern wants a host before them, and recorded answers have none
RECORDED_OTHERWISE = "$.serviceAttachmentNames"


def problems_of_an_answer(operation: Operation, content: Any) -> list[str]:
    items = {"array": content, "page": content.get("results") if isinstance(content, dict) else None}
    found = []
    for item in items.get(operation.listing or "", [content]):
        shapes = operation.shapes()
        if len(shapes) > 1 and shapes[0].discriminator:
            shapes = [shape for shape in shapes if shape.branch == item.get(shape.discriminator)]
        judged = [operation.specification.problems(shape, "answer", without_null(item)) for shape in shapes]
        fewest = min(range(len(judged)), key=[len(problems) for problems in judged].__getitem__)
        found += judged[fewest]
    return [problem for problem in found if not problem.startswith(RECORDED_OTHERWISE)]


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no specification: {FOLDER} does not exist")
def test_every_answer_is_one_that_the_specification_allows(raw: Raw) -> None:
    everything(raw)
    known = operations(FAMILIES) + operations(BESIDE)
    seen = set()
    for method, target, status, content, media_type in raw.answers:
        if status >= 400:
            continue
        operation, _ = operation_of(known, method, target)
        seen.add((operation.version, operation.operation_id))
        if content not in (None, {}):
            assert media_type.removesuffix(";charset=utf-8") == operation.answer[0]
            assert problems_of_an_answer(operation, content) == [], f"{method} {target}: {content}"
    families = {(operation.version, operation.operation_id) for operation in operations(FAMILIES)}
    assert {one for one in families if one[0] == "v2"} <= seen


def test_codes_that_were_recorded_and_codes_that_are_documented(raw: Raw) -> None:
    everything(raw)
    assert all(status < 300 for _, _, status, _, _ in raw.answers)
    known = operations(FAMILIES) + operations(BESIDE) if FOLDER.is_dir() else []
    for method, target, status, content, _ in raw.answers:
        if raw.documented and known:
            operation, _ = operation_of(known, method, target)
            assert status == operation.status, f"{method} {target}"
        elif not raw.documented and "endpointService" in target and method != "GET":
            assert status == {"POST": 201, "PATCH": 200, "DELETE": 202}[method]
            assert content == {} or method != "DELETE"


def test_an_access_token_and_its_end(raw: Raw) -> None:
    assert raw.token(secret="wrong")[:2] == (
        401,
        {"error": "invalid_client", "error_description": "The client ID or secret is not valid."},
    )
    assert raw.token(grant="password")[1]["error"] == "unsupported_grant_type"
    status, granted, _ = raw.token()
    assert (status, granted["token_type"], granted["expires_in"]) == (200, "Bearer", 3600)
    basic = base64.b64encode(f"{raw.emulator.client_id}:{raw.emulator.client_secret}".encode()).decode()
    form = f"token={granted['access_token']}&token_type_hint=access_token"
    assert raw.send("POST", "/api/oauth/revoke", form, {"authorization": f"Basic {basic}"})[0] == 200
    raw("GET", SERVERLESS)
    other = {"authorization": f"Bearer {granted['access_token']}"}
    assert raw.send("GET", f"/api/atlas/v2{SERVERLESS}", None, other)[0] == 401
    raw.emulator.advance(3600)
    raw("GET", SERVERLESS)
    assert [status for _, _, status, _, _ in raw.answers] == [200, 401]
    for _ in range(11):
        last = raw.token()
    assert (last[0], last[1]["errorCode"]) == (429, "RATE_LIMITED") and int(last[2]["retry-after"]) >= 1
    shown = repr(raw.emulator.requests())
    assert not any(secret in shown for secret in (granted["access_token"], raw.emulator.client_secret, basic))


def test_versions_that_there_are_not(raw: Raw) -> None:
    for date, status in [("2022-12-31", 406), ("soon", 406), ("2023-01-01", 200), ("2030-01-01", 200)]:
        raw("GET", SERVERLESS, accept=f"application/vnd.atlas.{date}+json")
        assert raw.answers[-1][2] == status
    raw("GET", f"{ROOT}/backup/AWS/privateEndpoints", version="v1.0")
    assert raw.answers[-1][2] == 404


def test_a_reservation_that_nobody_connects_expires() -> None:
    with AtlasEmulator(clock="driven", reservation_expiry_seconds=600) as emulator, Raw(emulator) as raw:
        made = raw("POST", SERVERLESS, {})
        emulator.advance(90)
        assert raw("GET", f"{SERVERLESS}/{made['_id']}")["status"] == "RESERVED"
        emulator.advance(599)
        assert raw("GET", f"{SERVERLESS}/{made['_id']}")["status"] == "RESERVED"
        emulator.advance(1)
        assert raw("GET", f"{SERVERLESS}/{made['_id']}")["errorCode"] == "TENANT_PRIVATE_ENDPOINT_NOT_FOUND"


def test_rate_limits_are_told_unless_switched_off() -> None:
    for told in (True, False):
        with (
            AtlasEmulator(clock="driven", rate_limit_headers=told, capacity=1, refill=1) as emulator,
            Raw(emulator) as raw,
        ):
            given = {"authorization": f"Bearer {raw.bearer}"}
            for status in (200, 429):
                answered, content, headers = raw.send("GET", f"/api/atlas/v2{SERVERLESS}", None, given)
                assert answered == status
                assert ("ratelimit-limit" in headers, "ratelimit-remaining" in headers) == (told, told)
            assert ("retry-after" in headers) is told
            assert content["parameters"][1:] == ["60", "1", "1", "60"]


def test_unknown_deployments() -> None:
    with AtlasEmulator(clock="driven", clusters=["One"], instances=["Two"]) as emulator, Raw(emulator) as raw:
        assert raw("GET", f"{ROOT}/clusters/One")["connectionStrings"].keys() == {"standardSrv"}
        assert raw("GET", f"{ROOT}/clusters/Two")["errorCode"] == "CLUSTER_NOT_FOUND"
        assert raw("GET", f"{ROOT}/serverless/One")["errorCode"] == "SERVERLESS_INSTANCE_NOT_FOUND"
