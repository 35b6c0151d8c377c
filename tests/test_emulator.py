"""The emulator against an independent client: http.client, sockets and hashlib."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from importlib.metadata import entry_points
from typing import Any, ClassVar

import pytest

from atlas_privatelink.testing import AtlasEmulator

pytest_plugins = ["pytester"]

GROUP = "5f7cac1adf5d6c6306f4b283"
ROOT = f"/groups/{GROUP}/privateEndpoint/serverless/instance/Instance0/endpoint"
V1 = f"/api/atlas/v1.0{ROOT}"
V2 = f"/api/atlas/v2{ROOT}"
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
UNAUTHORIZED = (
    '{\n  "error" : 401,\n  "reason" : "Unauthorized",\n  "detail" : "You are not authorized for this resource."\n}'
)


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def challenges(self) -> list[str]:
        return self.headers.get_all("WWW-Authenticate", [])

    @property
    def nonce(self) -> str:
        found = re.search(r'nonce="([^"]*)"', self.challenges[-1])
        assert found
        return found[1]

    @property
    def stale(self) -> bool:
        return "stale=true" in self.challenges[-1]


class Wire:
    """One connection, and a digest client that does exactly what it is told."""

    opened: ClassVar[list[http.client.HTTPConnection]] = []

    def __init__(self, atlas: AtlasEmulator, *, key: str | None = None, secret: str | None = None) -> None:
        self.key = key or atlas.public_key
        self.secret = secret or atlas.private_key
        self.connection = http.client.HTTPConnection("127.0.0.1", atlas.port, timeout=10)
        self.opened.append(self.connection)

    def send(self, method: str, target: str, body: object = None, **headers: str) -> Answer:
        data: bytes | None = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.request(method, target, data, {**JSON, **headers})
        return Answer(self.connection.getresponse())

    def authorization(
        self,
        method: str,
        target: str,
        nonce: str,
        count: int | str | None = 1,
        *,
        algorithm: str = "MD5",
        uri: str | None = None,
        secret: str | None = None,
        more: str = "",
    ) -> str:
        hash_of = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm]

        def digest(*parts: str) -> str:
            return hash_of(":".join(parts).encode()).hexdigest()

        uri = target if uri is None else uri
        a1 = digest(self.key, "MMS Public API", secret or self.secret)
        a2 = digest(method, uri)
        fields = f'Digest username="{self.key}", realm="MMS Public API", nonce="{nonce}", uri="{uri}", '
        if count is None:
            return f'{fields}response="{digest(a1, nonce, a2)}"{more}'
        nc = count if isinstance(count, str) else f"{count:08x}"
        response = digest(a1, nonce, nc, "c0ffee", "auth", a2)
        return f'{fields}algorithm={algorithm}, qop=auth, nc={nc}, cnonce="c0ffee", response="{response}"{more}'

    def answer(self, method: str, target: str, nonce: str, count: int | str | None = 1, **how: Any) -> Answer:
        body: object = {} if method == "POST" else None
        return self.send(method, target, body, Authorization=self.authorization(method, target, nonce, count, **how))

    def call(self, method: str, target: str, body: object = None, **headers: str) -> Answer:
        """With a nonce of its own."""
        nonce = self.send("GET", target).nonce
        authorization = self.authorization(method, target, nonce)
        return self.send(method, target, body, Authorization=authorization, **headers)


@pytest.fixture(autouse=True)
def closed_connections() -> Iterator[None]:
    yield
    while Wire.opened:
        Wire.opened.pop().close()


@pytest.fixture
def atlas() -> Iterator[AtlasEmulator]:
    with AtlasEmulator(clock="driven") as emulator:
        yield emulator


@pytest.fixture
def wire(atlas: AtlasEmulator) -> Wire:
    return Wire(atlas)


def open_emulator(**options: Any) -> AtlasEmulator:
    return AtlasEmulator(digest="open", clock="driven", **options)


# Digest


def test_the_challenge_is_that_of_atlas(wire: Wire) -> None:
    answer = wire.send("POST", V1, {"comment": "x"})
    assert answer.status == 401
    assert answer.text == UNAUTHORIZED
    assert answer.headers["Content-Type"] == "application/json"
    pattern = (
        r'Digest realm="MMS Public API", domain="", nonce="[A-Za-z0-9+/]{32}", algorithm=MD5, qop="auth", stale=false'
    )
    assert len(answer.challenges) == 1 and re.fullmatch(pattern, answer.challenges[0])


def test_a_right_key_gets_in_and_a_wrong_one_does_not(atlas: AtlasEmulator, wire: Wire) -> None:
    nonce = wire.send("GET", V1).nonce
    assert wire.answer("GET", V1, nonce, 1).status == 200
    wrong = wire.answer("GET", V1, nonce, 2, secret="wrong")
    assert (wrong.status, wrong.stale) == (401, False)
    stranger = Wire(atlas, key="stranger").answer("GET", V1, nonce, 3)
    assert (stranger.status, stranger.stale) == (401, False)
    assert atlas.stats().refused == 2


@pytest.mark.parametrize(
    ("mode", "counts", "expected"),
    [
        ("jetty", [2, 1, 4, 4, 3], "ooo-o"),
        ("rising", [2, 1, 4, 4, 5], "o-o-o"),
        ("exact", [2, 1, 3, 2, 3], "-o-oo"),
        ("one-time", [1, 2, 1], "oss"),
        ("misprint", [1, 2], "oo"),
        ("header-twice", [1, 2], "oo"),
        ("two-challenges", [1, 2], "oo"),
    ],
)
def test_which_counts_each_mode_takes(mode: Any, counts: list[int], expected: str) -> None:
    with AtlasEmulator(digest=mode) as atlas:
        wire = Wire(atlas)
        nonce = wire.send("GET", V1).nonce
        answers = [wire.answer("GET", V1, nonce, count) for count in counts]
        got = "".join("o" if a.status == 200 else "s" if a.stale else "-" for a in answers)
        assert got == expected
        assert atlas.stats().nonce_counts[nonce] == counts


def test_a_nonce_ends_by_age_and_by_count() -> None:
    with AtlasEmulator(clock="driven", max_nonce_count=3) as atlas:
        wire = Wire(atlas)
        nonce = wire.send("GET", V1).nonce
        assert wire.answer("GET", V1, nonce, 3).status == 200
        over = wire.answer("GET", V1, nonce, 4)
        assert (over.status, over.stale) == (401, True)
        atlas.advance(60)
        assert wire.answer("GET", V1, nonce, 1).status == 200
        atlas.advance(0.001)
        old = wire.answer("GET", V1, nonce, 2)
        assert (old.status, old.stale) == (401, True)
        assert wire.answer("GET", V1, old.nonce, 1).status == 200


def test_the_next_nonce_comes_with_the_answer() -> None:
    with AtlasEmulator(digest="one-time") as atlas:
        wire = Wire(atlas)
        nonce = wire.send("GET", V1).nonce
        for _ in range(3):
            answer = wire.answer("POST", V1, nonce)
            assert answer.status == 201
            found = re.fullmatch(r'nextnonce="(.{32})"', answer.headers["Authentication-Info"])
            assert found and found[1] != nonce
            nonce = found[1]


def test_the_odd_challenges() -> None:
    def challenges(mode: Any) -> list[str]:
        with AtlasEmulator(digest=mode) as atlas:
            return Wire(atlas).send("GET", V1).challenges

    [misprint] = challenges("misprint")
    assert ' op="auth"' in misprint and " qop=" not in misprint
    [two] = challenges("two-challenges")
    assert re.match(r'Basic realm="[^"]*", Digest realm=', two)
    first, second = challenges("header-twice")
    assert first == second
    [sha] = challenges("sha-256")
    assert "algorithm=SHA-256," in sha
    assert [c.split("algorithm=")[1].split(",")[0] for c in challenges("sha-256-and-md5")] == ["SHA-256", "MD5"]
    [old] = challenges("no-qop")
    assert "qop" not in old
    assert challenges("open") == []


@pytest.mark.parametrize(
    ("mode", "algorithm", "count", "status"),
    [
        ("jetty", "SHA-256", 1, 401),
        ("sha-256", "SHA-256", 1, 200),
        ("sha-256", "MD5", 1, 401),
        ("sha-256-and-md5", "SHA-256", 1, 200),
        ("sha-256-and-md5", "MD5", 1, 200),
        ("no-qop", "MD5", None, 200),
        ("no-qop", "MD5", 1, 401),
        ("jetty", "MD5", None, 401),
        ("misprint", "MD5", None, 401),
    ],
)
def test_only_what_was_offered_is_accepted(mode: Any, algorithm: str, count: int | None, status: int) -> None:
    with AtlasEmulator(digest=mode) as atlas:
        wire = Wire(atlas)
        nonce = wire.send("GET", V1).nonce
        assert wire.answer("GET", V1, nonce, count, algorithm=algorithm).status == status


@pytest.mark.parametrize(
    ("how", "detail"),
    [
        ({"uri": V1.replace("v1.0", "v2")}, "uri is"),
        ({"uri": V1 + "?pretty=true"}, "uri is"),
        ({"count": "1"}, "8 lower-case hexadecimal digits"),
        ({"count": "0000000A"}, "8 lower-case hexadecimal digits"),
        ({"more": ", qop=auth"}, "twice"),
        ({"more": ', opaque="'}, "does not end"),
        ({"more": ", userhash=true"}, "userhash"),
    ],
)
def test_improper_credentials_are_400(wire: Wire, how: dict[str, Any], detail: str) -> None:
    nonce = wire.send("GET", V1).nonce
    answer = wire.answer("GET", V1, nonce, **how)
    assert answer.status == 400
    assert detail in answer.json["detail"]


def test_commas_and_escapes_in_quotes(wire: Wire) -> None:
    target = V1 + "?x=a,%20b=c"
    nonce = wire.send("GET", target).nonce
    assert wire.answer("GET", target, nonce, more=r', opaque="a, nc=00000009, \" \\"').status == 200


def test_other_schemes_and_two_headers(wire: Wire) -> None:
    assert wire.send("GET", V1, Authorization="Basic YWJjOmRlZg==").status == 401
    assert wire.send("GET", V1, Authorization="Digest").status == 401
    header = wire.authorization("GET", V1, wire.send("GET", V1).nonce)
    wire.connection.putrequest("GET", V1)
    wire.connection.putheader("Authorization", header)
    wire.connection.putheader("Authorization", header)
    wire.connection.endheaders()
    assert Answer(wire.connection.getresponse()).status == 400


def test_the_scheme_is_read_without_regard_to_case(wire: Wire) -> None:
    header = wire.authorization("GET", V1, wire.send("GET", V1).nonce)
    assert wire.send("GET", V1, Authorization=header.replace("Digest", "dIGEST")).status == 200


# Who may


def test_roles(atlas: AtlasEmulator) -> None:
    atlas.add_key("reader", "r-secret", role="read_only")
    atlas.add_key("other", "o-secret", role="outsider")
    reader = Wire(atlas, key="reader", secret="r-secret")
    assert reader.call("GET", V1).status == 200
    for method, target in [("POST", V1), ("PATCH", f"{V1}/{GROUP}"), ("DELETE", f"{V1}/{GROUP}")]:
        refused = reader.call(method, target, {})
        assert (refused.status, refused.json["errorCode"]) == (403, "USER_UNAUTHORIZED")
    outside = Wire(atlas, key="other", secret="o-secret").call("GET", V1)
    assert (outside.status, outside.json["errorCode"], outside.stale) == (401, "NOT_IN_GROUP", False)
    assert Wire(atlas).answer("GET", V1, outside.nonce).status == 200
    assert atlas.endpoints() == []


def test_an_address_off_the_access_list(atlas: AtlasEmulator, wire: Wire) -> None:
    atlas.allow_address(False)
    refused = wire.call("GET", V1)
    assert (refused.status, refused.json["errorCode"]) == (403, "IP_ADDRESS_NOT_ON_ACCESS_LIST")
    assert refused.json["parameters"] == ["127.0.0.1"] and "127.0.0.1" in refused.json["detail"]
    atlas.allow_address(True)
    assert wire.call("GET", V1).status == 200


def test_the_token_bucket_of_a_project() -> None:
    with open_emulator(capacity=2, refill=60) as atlas:
        wire = Wire(atlas)
        first = wire.send("GET", V1)
        assert (first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == ("2", "1")
        assert wire.send("GET", V1).status == 200
        over = wire.send("POST", V1, {})
        assert over.status == 429
        assert over.json["errorCode"] == over.headers["X-Error-Code"] == "RATE_LIMITED_TOKEN_BUCKET"
        assert over.json["parameters"] == [V1, "1", "2", "60", "60"]
        assert over.headers["Retry-After"] == "1"
        assert wire.send("GET", V1.replace(GROUP, "0" * 24)).status == 200
        atlas.advance(1)
        assert wire.send("GET", V1).status == 200
        assert atlas.endpoints() == []


# The API


def test_the_life_of_an_endpoint(atlas: AtlasEmulator, wire: Wire) -> None:
    made = wire.call("POST", V1, {"comment": "example comment"})
    assert made.status == 201
    assert made.headers["Content-Type"] == "application/json"
    assert made.headers["X-Java-Method"] and made.headers["X-MongoDB-Service-Version"]
    endpoint = made.json
    born = int(endpoint["_id"][:8], 16)
    assert born == int(parsedate_to_datetime(made.headers["Date"]).timestamp())
    assert endpoint == {
        "_id": endpoint["_id"],
        "cloudProviderEndpointId": None,
        "comment": "example comment",
        "endpointServiceName": None,
        "errorMessage": None,
        "status": "RESERVATION_REQUESTED",
    }
    one = f"{V1}/{endpoint['_id']}"
    patch = {"providerName": "AWS", "cloudProviderEndpointId": "vpce-0123456789abcdef0"}
    early = wire.call("PATCH", one, patch)
    assert (early.status, early.json["errorCode"]) == (400, "TENANT_PRIVATE_ENDPOINT_PROVIDER_UPDATE_INVALID")
    atlas.advance(89)
    assert wire.call("GET", one).json["status"] == "RESERVATION_REQUESTED"
    atlas.advance(1)
    reserved = wire.call("GET", one).json
    assert reserved["status"] == "RESERVED"
    assert re.fullmatch(r"com\.amazonaws\.vpce\.us-east-1\.vpce-svc-[0-9a-f]{17}", reserved["endpointServiceName"])
    patched = wire.call("PATCH", one, patch)
    assert (patched.status, patched.json["status"]) == (200, "INITIATING")
    atlas.advance(90)
    available = wire.call("GET", one).json
    assert (available["status"], available["cloudProviderEndpointId"]) == ("AVAILABLE", "vpce-0123456789abcdef0")
    commented = wire.call("PATCH", one, {"providerName": "AWS", "comment": "other"}).json
    assert (commented["comment"], commented["status"]) == ("other", "AVAILABLE")
    assert wire.call("GET", V1).json == [commented] == [_without_provider(atlas.endpoints()[0])]
    deleted = wire.call("DELETE", one)
    assert (deleted.status, deleted.text) == (204, "")
    assert wire.call("GET", one).json["status"] == "DELETING"
    atlas.advance(30)
    gone = wire.call("GET", one)
    assert (gone.status, gone.json["errorCode"]) == (404, "TENANT_PRIVATE_ENDPOINT_NOT_FOUND")
    assert wire.call("GET", V1).json == []
    assert atlas.stats().endpoints_made == 1


def _without_provider(endpoint: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in endpoint.items() if name != "providerName"}


def test_a_running_clock() -> None:
    with AtlasEmulator(digest="open", speed=1000) as atlas:
        made = Wire(atlas).send("POST", V1, {}).json
        assert made["status"] == "RESERVATION_REQUESTED"
        deadline = time.monotonic() + 5
        while atlas.endpoints()[0]["status"] != "RESERVED" and time.monotonic() < deadline:
            time.sleep(0.01)
        assert atlas.endpoints()[0]["status"] == "RESERVED"


def test_an_endpoint_that_fails() -> None:
    with open_emulator() as atlas:
        atlas.fail_next_endpoint("No capacity.")
        wire = Wire(atlas)
        for _ in range(2):
            wire.send("POST", V1, {})
        atlas.advance(90)
        first, second = atlas.endpoints()
        assert (first["status"], first["errorMessage"]) == ("FAILED", "No capacity.")
        assert (second["status"], second["errorMessage"]) == ("RESERVED", None)


def test_azure() -> None:
    with open_emulator(provider="AZURE") as atlas:
        wire = Wire(atlas)
        one = f"{V2}/{wire.send('POST', V2, {}).json['_id']}"
        atlas.advance(90)
        assert re.fullmatch("pls_[0-9a-f]{24}", wire.send("GET", one).json["endpointServiceName"])
        resource = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/pe"
        half = {"providerName": "AZURE", "cloudProviderEndpointId": resource}
        assert wire.send("PATCH", one, half).status == 400
        assert wire.send("PATCH", one, {**half, "privateEndpointIpAddress": "10.0.0.300"}).status == 400
        patched = wire.send("PATCH", one, {**half, "privateEndpointIpAddress": "10.0.0.4"}).json
        assert (patched["status"], patched["privateEndpointIpAddress"]) == ("INITIATING", "10.0.0.4")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MALFORMED_JSON"),
        (b"{", "MALFORMED_JSON"),
        (b"[]", "MALFORMED_JSON"),
        ({"color": "red"}, "INVALID_ATTRIBUTE"),
        ({"comment": 7}, "INVALID_ATTRIBUTE"),
        ({"comment": "é" * 80}, "INVALID_ATTRIBUTE"),
    ],
)
def test_bad_bodies(body: object, code: str) -> None:
    with open_emulator() as atlas:
        for target in (V1, V2):
            refused = Wire(atlas).send("POST", target, body)
            assert refused.status == 400
            error = refused.json
            assert set(error) - {"badRequestDetail"} == {"detail", "error", "errorCode", "parameters", "reason"}
            assert (error["error"], error["errorCode"], error["reason"]) == (400, code, "Bad Request")
            assert ("badRequestDetail" in error) == (target == V2 and code == "INVALID_ATTRIBUTE")
        assert atlas.endpoints() == []


def test_the_longest_comment_and_none() -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)
        assert wire.send("POST", V1, {"comment": "é" * 79}).json["comment"] == "é" * 79
        assert wire.send("POST", V1, {}).json["comment"] is None
        assert wire.send("POST", V1, {"comment": ""}).json["comment"] == ""
        assert wire.send("POST", V1, {}, **{"Content-Type": "text/plain"}).status == 415


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MISSING_ATTRIBUTE"),
        ({"comment": "only"}, "MISSING_ATTRIBUTE"),
        ({"providerName": "GCP"}, "INVALID_ATTRIBUTE"),
        ({"providerName": "AWS", "cloudProviderEndpointId": "eni-1"}, "INVALID_ATTRIBUTE"),
        ({"providerName": "AWS", "privateEndpointIpAddress": "10.0.0.4"}, "INVALID_ATTRIBUTE"),
        ({"providerName": "AWS", "status": "AVAILABLE"}, "INVALID_ATTRIBUTE"),
    ],
)
def test_bad_updates(body: object, code: str) -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)
        made = wire.send("POST", V1, {}).json
        atlas.advance(90)
        refused = wire.send("PATCH", f"{V1}/{made['_id']}", body)
        assert (refused.status, refused.json["errorCode"]) == (400, code)
        assert atlas.endpoints()[0]["status"] == "RESERVED"


def test_envelope_and_pretty() -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)
        for target, inner in ((V1, "envelope"), (V2, "content")):
            made = wire.send("POST", f"{target}?envelope=true&pretty=true", {})
            assert made.status == 200
            assert made.json["status"] == 201
            assert made.text.startswith("{\n  ")
            id = made.json[inner]["_id"]
            listed = wire.send("GET", f"{target}?envelope=true")
            assert listed.status == 200 and "\n" not in listed.text
            assert id in [endpoint["_id"] for endpoint in listed.json[inner]]
            assert wire.send("DELETE", f"{target}/{id}?envelope=true").json["status"] == 204
            missing = wire.send("GET", f"{target}/{'0' * 24}?envelope=true")
            assert (missing.status, missing.json["status"]) == (200, 404)
            assert missing.json[inner]["errorCode"] == "TENANT_PRIVATE_ENDPOINT_NOT_FOUND"
            assert wire.send("GET", f"{target}?envelope=false&pretty=0").json[-1]["_id"] == id


def test_the_second_version_has_its_own_type_and_field() -> None:
    with open_emulator() as atlas:
        made = Wire(atlas).send("POST", V2, {})
        assert made.headers["Content-Type"] == "application/vnd.atlas.2023-01-01+json;charset=utf-8"
        assert made.json["providerName"] == "AWS"


def test_other_paths_and_methods() -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)
        for path in ("/", "/api/atlas/v2/orgs", V1 + "/" + GROUP + "/more"):
            assert wire.send("GET", path).json["errorCode"] == "RESOURCE_NOT_FOUND"
        refused = wire.send("PUT", V1, {})
        assert (refused.status, refused.text, refused.headers["Allow"]) == (405, "", "POST,GET,OPTIONS")
        assert wire.send("POST", f"{V1}/{GROUP}", {}).headers["Allow"] == "DELETE,GET,PATCH,OPTIONS"
        assert wire.send("OPTIONS", V1).status == 200
        assert wire.send("GET", V1.replace(GROUP, "nonsense")).json["errorCode"] == "INVALID_GROUP_ID"


def test_projects_and_instances_that_exist() -> None:
    with open_emulator(groups=[GROUP], instances=["Instance0"]) as atlas:
        wire = Wire(atlas)
        assert wire.send("POST", V1, {}).status == 201
        no_group = wire.send("POST", V1.replace(GROUP, "0" * 24), {})
        assert (no_group.status, no_group.json["errorCode"]) == (404, "GROUP_NOT_FOUND")
        no_instance = wire.send("POST", V1.replace("Instance0", "Instance1"), {})
        assert (no_instance.status, no_instance.json["errorCode"]) == (404, "SERVERLESS_INSTANCE_NOT_FOUND")


def test_retirement() -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)
        atlas.retire()
        gone = wire.send("POST", V2, {})
        assert (gone.status, gone.json["errorCode"]) == (410, "VERSION_GONE")
        atlas.retire("not_serverless")
        dedicated = wire.send("POST", V2, {})
        assert (dedicated.status, dedicated.json["errorCode"]) == (400, "NOT_SERVERLESS_TENANT_CLUSTER")
        atlas.retire(None)
        assert wire.send("POST", V2, {}).status == 201


def test_endpoints_of_one_instance() -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)
        ids = [wire.send("POST", V1, {}).json["_id"] for _ in range(20)]
        assert ids == sorted(ids)
        wire.send("POST", V1.replace("Instance0", "Instance1"), {})
        assert [e["_id"] for e in atlas.endpoints(GROUP, "Instance0")] == ids
        assert [e["_id"] for e in wire.send("GET", V1).json] == ids
        assert len(atlas.endpoints()) == len(atlas.endpoints(GROUP)) == 21
        assert atlas.endpoints("0" * 24) == []


# Faults

NO_ANSWER = (ConnectionResetError, http.client.RemoteDisconnected)


@pytest.mark.parametrize(
    ("name", "error", "made"),
    [
        ("reset_before_handler", ConnectionResetError, 0),
        ("reset_after_handler", ConnectionResetError, 1),
        ("close_before_handler", http.client.RemoteDisconnected, 0),
        ("close_after_handler", http.client.RemoteDisconnected, 1),
    ],
)
def test_connections_that_end_without_an_answer(name: Any, error: type[Exception], made: int) -> None:
    with open_emulator() as atlas:
        atlas.fault(name, method="POST")
        wire = Wire(atlas)
        assert wire.send("GET", V1).status == 200
        with pytest.raises(error) as caught:
            wire.send("POST", V1, {})
        # RemoteDisconnected is a ConnectionResetError too, and means a FIN.
        assert caught.type is error
        assert len(atlas.endpoints()) == atlas.stats().endpoints_made == made
        assert atlas.requests()[-1].status is None
        wire.connection.close()
        assert wire.send("POST", V1, {}).status == 201


@pytest.mark.parametrize("size", [0, 10, 100])
def test_a_body_that_breaks_off(size: int) -> None:
    with open_emulator() as atlas:
        atlas.fault("cut_body", bytes=size)
        wire = Wire(atlas)
        with pytest.raises(http.client.IncompleteRead) as caught:
            wire.send("POST", V1, {})
        assert len(caught.value.partial) == size
        assert caught.value.expected and caught.value.expected > 50
        assert atlas.stats().endpoints_made == 1


def test_a_long_body_that_breaks_off_late() -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)
        for _ in range(1500):
            wire.send("POST", V1, {"comment": "x" * 79})
        whole = len(wire.send("GET", V1).text)
        atlas.fault("cut_body", bytes=whole - 1)
        with pytest.raises(http.client.IncompleteRead) as caught:
            wire.send("GET", V1)
        assert (len(caught.value.partial), caught.value.expected) == (whole - 1, 1)


def test_delays() -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)
        atlas.fault("delay", seconds=0.2)
        atlas.fault("delay_after_handler", seconds=0.2)
        for made_early in (0, 1):
            atlas.reset_stats()
            thread = threading.Thread(target=wire.send, args=("POST", V1, {}))
            begun = time.monotonic()
            thread.start()
            while not atlas.requests():
                time.sleep(0.002)
            time.sleep(0.02)
            assert atlas.stats().endpoints_made == made_early
            assert atlas.requests()[0].status is None
            thread.join()
            assert time.monotonic() - begun >= 0.2
            assert atlas.stats().endpoints_made == 1


def test_a_delayed_request_is_executed_without_its_client_but_not_after_a_restart() -> None:
    with open_emulator() as atlas:
        for restart, made in ((False, 1), (True, 1)):
            atlas.fault("delay", seconds=0.1)
            atlas.reset_stats()
            wire = Wire(atlas)
            wire.connection.request("POST", V1, b"{}", JSON)
            while atlas.stats().requests == 0:
                time.sleep(0.002)
            wire.connection.close()
            if restart:
                atlas.restart()
            time.sleep(0.2)
            assert len(atlas.endpoints()) == made


def test_a_body_byte_by_byte() -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)
        atlas.fault("trickle", interval=0.005)
        begun = time.monotonic()
        assert wire.send("GET", V1).text == "[]"
        assert time.monotonic() - begun >= 0.01


def test_other_statuses() -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)
        atlas.fault("status", status=429, retry_after=7)
        limited = wire.send("POST", V1, {})
        assert (limited.status, limited.json["errorCode"], limited.headers["Retry-After"]) == (429, "RATE_LIMITED", "7")
        atlas.fault("status", status=503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT", format="html")
        proxy = wire.send("POST", V1, {})
        assert proxy.headers["Content-Type"] == "text/html" and proxy.text.startswith("<html>")
        assert proxy.headers["Retry-After"].endswith("GMT")
        atlas.fault("status", status=400, error_code="ATLAS_GENERAL_ERROR")
        assert wire.send("POST", V1, {}).json["errorCode"] == "ATLAS_GENERAL_ERROR"
        assert atlas.endpoints() == []
        atlas.fault("status", status=504, format="empty", executed=True)
        gateway = wire.send("POST", V1, {})
        assert (gateway.status, gateway.text) == (504, "")
        assert len(atlas.endpoints()) == 1


def test_spoilt_bodies() -> None:
    with open_emulator() as atlas:
        wire = Wire(atlas)

        def spoilt(name: Any, **parameters: object) -> Answer:
            atlas.fault(name, **parameters)  # type: ignore[arg-type]
            answer = wire.send("POST", V1, {})
            assert answer.status == 201
            return answer

        assert spoilt("empty_body").text == ""
        assert spoilt("not_json").text.startswith("<html>")
        huge = spoilt("huge_body", bytes=1_000_000).json
        assert len(huge["padding"]) == 1_000_000 and huge["_id"]
        assert spoilt("huge_body", bytes=1000, format="text").text == "x" * 1000
        assert spoilt("wrong_json").json == []
        assert spoilt("wrong_json", shape="object").json == {"unexpected": True}
        no_id = spoilt("wrong_json", shape="no_id").json
        assert "_id" not in no_id and no_id["status"] == "RESERVATION_REQUESTED"
        assert len(atlas.endpoints()) == 7


def test_a_redirect(wire: Wire, atlas: AtlasEmulator) -> None:
    atlas.fault("redirect", location="http://127.0.0.1:1/elsewhere")
    answer = wire.send("GET", V1)
    assert (answer.status, answer.headers["Location"]) == (302, "http://127.0.0.1:1/elsewhere")
    assert atlas.stats().challenges == 0


@pytest.mark.parametrize("end", ["heal", "restart", "time"])
def test_refused_connections(end: str) -> None:
    with open_emulator() as atlas:
        old = Wire(atlas)
        assert old.send("GET", V1).status == 200
        if end == "time":
            atlas.fault("refuse", seconds=0.3)
        else:
            atlas.fault("refuse", drop_connections=end == "heal")
        for _ in range(1 if end == "time" else 3):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", atlas.port), timeout=5)
        if end == "heal":
            with pytest.raises(NO_ANSWER):
                old.send("GET", V1)
            atlas.heal()
        else:
            assert old.send("GET", V1).status == 200
            if end == "restart":
                atlas.restart()
        deadline = time.monotonic() + 5
        while True:
            try:
                socket.create_connection(("127.0.0.1", atlas.port), timeout=5).close()
                break
            except ConnectionRefusedError:
                assert end == "time" and time.monotonic() < deadline
                time.sleep(0.01)


def test_who_a_fault_waits_for(atlas: AtlasEmulator, wire: Wire) -> None:
    atlas.fault("status", status=500, authenticated=True, method="post", path_contains="Instance0", after=1, times=2)
    statuses = [wire.call("POST", V1, {}).status for _ in range(4)]
    assert statuses == [201, 500, 500, 201]
    atlas.fault("status", status=502, times=None, authenticated=False)
    assert [wire.send("GET", V1).status for _ in range(3)] == [502] * 3
    atlas.heal()
    assert wire.send("GET", V1).status == 401


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("explode", {}, r'name must be one of "refuse", .*, got "explode"'),
        ("delay", {"secs": 1}, r"seconds is needed"),
        ("delay", {"seconds": 1, "secs": 1}, r'delay takes no "secs"; there are .*"seconds"'),
        ("delay", {"seconds": float("nan")}, "seconds must be a number from 0"),
        ("refuse", {"method": "GET"}, 'refuse takes no "method"'),
        ("status", {"status": 1000}, "status must be an integer from 200 to 599, got 1000"),
        ("status", {"status": 500, "format": "xml"}, 'format must be one of "json", "html", "empty", got "xml"'),
        ("empty_body", {"times": 0}, "times must be an integer from 1"),
    ],
)
def test_faults_that_do_not_exist(atlas: AtlasEmulator, name: Any, parameters: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        atlas.fault(name, **parameters)


# The class


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"port": 70000}, "port must be an integer from 0 to 65535, got 70000"),
        ({"port": "80"}, 'port must be an integer from 0 to 65535, got "80"'),
        ({"host": "0.0.0.0"}, "host must be a loopback address"),
        ({"speed": float("inf")}, 'speed must be a number from .*, got "inf"'),
        ({"digest": "md5"}, 'digest must be one of "jetty"'),
        ({"clock": "driven", "speed": 2}, "speed must be left out"),
        ({"instances": "Instance0"}, "instances must be a list of strings"),
        ({"reservation_seconds": -1}, "reservation_seconds must be a number from 0"),
        ({"private_key": ""}, "private_key must be printable ASCII"),
        ({"capacity": object()}, "capacity must be an integer"),
    ],
)
def test_arguments_that_break_their_rule(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AtlasEmulator(**options).start()


def test_what_it_says_about_itself() -> None:
    atlas = AtlasEmulator(private_key="very-secret")
    assert repr(atlas) == "<AtlasEmulator not started digest='jetty' public_key='abcdefgh'>"
    with pytest.raises(RuntimeError, match="not started"):
        _ = atlas.base_url
    with atlas:
        assert "very-secret" not in repr(atlas) and atlas.base_url in repr(atlas)
        assert atlas.base_url == f"http://127.0.0.1:{atlas.port}"
        assert atlas.environment() == {
            "MONGODB_ATLAS_BASE_URL": atlas.base_url,
            "MONGODB_ATLAS_PUBLIC_API_KEY": "abcdefgh",
            "MONGODB_ATLAS_PRIVATE_API_KEY": "very-secret",
        }


def test_stop_is_quick_and_can_be_repeated() -> None:
    atlas = AtlasEmulator(digest="open").start()
    wire = Wire(atlas)
    wire.send("POST", V1, {})
    atlas.fault("delay", seconds=60)
    wire.connection.request("GET", V1)
    while atlas.stats().requests < 2:
        time.sleep(0.002)
    begun = time.monotonic()
    atlas.stop()
    atlas.stop()
    assert time.monotonic() - begun < 1
    with pytest.raises(NO_ANSWER):
        wire.connection.getresponse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", atlas.port), timeout=5)
    assert len(atlas.endpoints()) == 1
    atlas.restart()
    atlas.heal()
    again = AtlasEmulator(port=atlas.port)
    with again:
        assert again.port == atlas.port


def test_a_taken_port() -> None:
    with AtlasEmulator() as atlas, pytest.raises(OSError):
        AtlasEmulator(port=atlas.port).start()


def test_a_restart_forgets_nonces_and_keeps_endpoints(atlas: AtlasEmulator, wire: Wire) -> None:
    nonce = wire.send("GET", V1).nonce
    assert wire.answer("POST", V1, nonce, 1).status == 201
    port = atlas.port
    atlas.restart()
    assert atlas.port == port
    with pytest.raises(NO_ANSWER):
        wire.send("GET", V1)
    wire.connection.close()
    stale = wire.answer("GET", V1, nonce, 2)
    assert (stale.status, stale.stale) == (401, True)
    assert len(wire.answer("GET", V1, stale.nonce).json) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_hang() -> None:
    with AtlasEmulator(digest="open") as atlas:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                try:
                    atlas.stats()
                except RuntimeError:
                    code = 0
                atlas.stop()
                core, atlas._core = atlas._core, None
                del core
            finally:
                os._exit(code)
        deadline = time.monotonic() + 10
        done = (0, 0)
        while done[0] == 0 and time.monotonic() < deadline:
            done = os.waitpid(child, os.WNOHANG)
            time.sleep(0.01)
        assert done == (child, 0)
        assert Wire(atlas).send("GET", V1).status == 200


def test_what_is_recorded(atlas: AtlasEmulator, wire: Wire) -> None:
    wire.call("POST", V1 + "?pretty=true", {"comment": "é"})
    first, second = atlas.requests()
    assert (first.method, first.target, first.status, first.authorization) == ("GET", V1 + "?pretty=true", 401, None)
    assert (second.method, second.status, json.loads(second.body)) == ("POST", 201, {"comment": "é"})
    assert second.headers["content-type"] == "application/json"
    kept = second.authorization
    assert kept and (kept.username, kept.uri, kept.algorithm, kept.qop, kept.nc) == (
        "abcdefgh",
        second.target,
        "MD5",
        "auth",
        1,
    )
    assert second.headers["authorization"] == (
        f'Digest nonce="{kept.nonce}", uri="{kept.uri}", algorithm=MD5, qop=auth, nc=00000001'
    )
    stats = atlas.stats()
    assert stats.requests == 2
    assert stats.answers == {("GET", 401): 1, ("POST", 201): 1}
    assert (stats.challenges, stats.connections, stats.nonces_issued, stats.endpoints_made) == (1, 1, 1, 1)
    assert (stats.max_in_flight, stats.refused) == (1, 0)
    assert stats.nonce_counts == {kept.nonce: [1]}
    assert [request.status for request in atlas.take_finished_requests()] == [401, 201]
    assert atlas.requests() == []
    atlas.reset_stats()
    assert atlas.stats().requests == 0


def test_nothing_is_kept_without_record() -> None:
    with AtlasEmulator(record=False) as atlas:
        assert Wire(atlas).call("POST", V1, {}).status == 201
        assert atlas.requests() == []
        assert (atlas.stats().requests, atlas.stats().nonce_counts) == (2, {})


def test_requests_in_flight_at_once() -> None:
    with open_emulator() as atlas:
        atlas.fault("delay", seconds=0.4, times=8)
        threads = [threading.Thread(target=Wire(atlas).send, args=("POST", V1, {})) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert atlas.stats().max_in_flight == 8
        assert atlas.stats().connections == 8


def test_http_2_with_prior_knowledge() -> None:
    with open_emulator() as atlas, socket.create_connection(("127.0.0.1", atlas.port), timeout=5) as raw:
        raw.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        header = raw.recv(9)
        assert header[3] == 4  # SETTINGS


# The command and the plugin


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "atlas_privatelink", "emulator", "--speed", "10", "--digest", "open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        url = process.stdout.readline().strip()
        lines = [process.stdout.readline() for _ in range(3)]
        assert lines[0] == f"export MONGODB_ATLAS_BASE_URL={url}\n"
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        connection.request("POST", V1, b"{}", JSON)
        assert connection.getresponse().status == 201
        connection.close()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", f"POST {V1} 201\n")


def test_the_command_refuses_what_the_emulator_does() -> None:
    command = [sys.executable, "-m", "atlas_privatelink", "emulator", "--host", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("atlas-privatelink: error: host must be a loopback address")


def test_the_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.atlas_emulator(clock="driven", public_key="marked")
        def test_marked(atlas_emulator):
            assert atlas_emulator.public_key == "marked"
            assert atlas_emulator.port

        def test_plain(atlas_emulator):
            assert atlas_emulator.public_key == "abcdefgh"
        """
    )
    plugin = "atlas_privatelink.testing.plugin"
    installed = any(point.value == plugin for point in entry_points(group="pytest11"))
    result = pytester.runpytest("--strict-markers", *(() if installed else ("-p", plugin)))
    result.assert_outcomes(passed=2)


def test_the_plugin_is_light() -> None:
    code = (
        "import pytest, sys; before = set(sys.modules); import atlas_privatelink.testing.plugin;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "['atlas_privatelink']\n"
