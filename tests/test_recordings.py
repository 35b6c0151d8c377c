"""What the real Atlas has been recorded to send."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from answer_server import AnswerServer, Reply
from expected import resource
from local_servers import Received
from support import GROUP_ID, INSTANCE, SHARED

from atlas_privatelink import (
    ApiError,
    AsyncClient,
    AuthenticationError,
    AwsEndpointService,
    AzureEndpointService,
    DataFederationEndpoint,
    GcpEndpointService,
    ServerlessEndpoint,
    ServiceStatus,
    StreamsConnection,
    WaitTimeout,
)

RECORDINGS = SHARED / "recordings"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"no recordings: {RECORDINGS} does not exist")

CLASSES = {
    401: "AuthenticationError",
    403: "PermissionDenied",
    404: "NotFound",
    409: "Conflict",
    410: "Gone",
    429: "RateLimited",
}


def recorded(name: str = "*") -> Iterator[dict[str, Any]]:
    for path in sorted(RECORDINGS.glob(f"{name}.jsonl")):
        with path.open() as lines:
            yield from map(json.loads, lines)


class Replay:
    """Plays recorded answers: the recorded challenge where there is no `Authorization`, else the next answer."""

    def __init__(self, challenge: bytes, answers: list[bytes]) -> None:
        self.challenge, self.answers = challenge, answers
        self.credentials: list[str] = []

    async def __aenter__(self) -> Replay:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    def client(self, **options: Any) -> AsyncClient:
        return AsyncClient("abcdefgh", "01234567", base_url=self.base_url, **options)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n"))
                }
                await reader.readexactly(int(fields.get("content-length", 0)))
                if "authorization" in fields:
                    self.credentials.append(fields["authorization"])
                    writer.write(self.answers.pop(0))
                else:
                    writer.write(self.challenge)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def as_http(record: dict[str, Any]) -> bytes:
    """The recorded answer's own bytes, but for what HTTP/1.1 needs."""
    body: bytes = record["body"].encode()
    lines = [f"HTTP/1.1 {record['status']} Recorded"]
    lines += [f"{name}: {value}" for name, value in record["headers"] if name.lower() != "content-length"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def challenges() -> list[dict[str, Any]]:
    return [r for r in recorded() if any(name.lower() == "www-authenticate" for name, _ in r["headers"])]


CREATED = {
    "status": 201,
    "headers": [["Content-Type", "application/json"]],
    "body": json.dumps({"_id": GROUP_ID, "status": "RESERVATION_REQUESTED"}),
}


def test_every_recorded_challenge_is_answered() -> None:
    async def main(record: dict[str, Any]) -> tuple[ServerlessEndpoint, str]:
        replay = Replay(as_http(record), [as_http(CREATED)])
        async with replay, replay.client() as client:
            return await client.create_endpoint(GROUP_ID, INSTANCE), replay.credentials[0]

    seen = 0
    for record in challenges():
        endpoint, credentials = asyncio.run(main(record))
        (challenge,) = {value for name, value in record["headers"] if name.lower() == "www-authenticate"}
        nonce = challenge.split('nonce="')[1].split('"')[0]
        assert endpoint.id == GROUP_ID
        assert f'nonce="{nonce}"' in credentials and 'realm="MMS Public API"' in credentials
        assert "nc=00000001" in credentials and "qop=auth" in credentials
        seen += 1
    assert seen >= 78


def test_every_recorded_error_becomes_the_right_exception() -> None:
    async def main(record: dict[str, Any]) -> BaseException:
        answer = as_http(record)
        replay = Replay(as_http(challenges()[0]), [answer])
        async with replay, replay.client(max_retries=0) as client:
            with pytest.raises(ApiError) as caught:
                await client.get_endpoint(GROUP_ID, INSTANCE, GROUP_ID)
            return caught.value

    seen = 0
    for record in recorded():
        if record["status"] < 400:
            continue
        error = asyncio.run(main(record))
        assert isinstance(error, ApiError)
        body = json.loads(record["body"]) if record["body"].strip() else {}
        headers = {name.lower(): value for name, value in record["headers"]}
        assert error.status_code == record["status"]
        assert error.error_code == (body.get("errorCode") or headers.get("x-error-code"))
        assert error.detail == body.get("detail") and error.reason == body.get("reason")
        assert list(error.parameters) == (body.get("parameters") or [])
        expected = CLASSES.get(error.status_code, "ServerError" if error.status_code >= 500 else "ApiError")
        assert type(error).__name__ == expected
        if isinstance(error, AuthenticationError):
            assert "Project Read Only" in str(error)
        assert error.response is not None and error.response.headers["server"] == headers["server"]
        seen += 1
    assert seen >= 140


# successes


@dataclass(frozen=True)
class Play:
    """A recorded success, and the call that it answers."""

    record: dict[str, Any]
    call: str
    arguments: dict[str, Any]
    expected: Any


def fields_of(record: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in record["headers"]}


def target_of(record: dict[str, Any]) -> list[str]:
    """The segments of the recorded path below the project, ids and all; the project is the first."""
    name = record["path"].rsplit("/", 1)[1]
    path = re.sub(r"^[A-Z]+_+|_\d+\.snaphost$", "", name)
    segments: list[str] = path.split("_groups_")[1].split("_")
    return segments


SERVICES = {"AWS": AwsEndpointService, "AZURE": AzureEndpointService, "GCP": GcpEndpointService}


def dedicated_play(record: dict[str, Any], group: str, rest: list[str], body: Any) -> tuple[str, dict[str, Any], Any]:
    method = record["method"]
    match rest:
        case ["regionalMode"]:
            named = {"enabled": body["enabled"]} if method == "PATCH" else {}
            call = "set_regional_mode" if method == "PATCH" else "get_regional_mode"
            return f"dedicated.{call}", {"group_id": group, **named}, body["enabled"]
        case ["endpointService"]:
            cloud = body["cloudProvider"]
            arguments = {"group_id": group, "provider": cloud, "region": body["regionName"]}
            return "dedicated.create_service", arguments, resource(SERVICES[cloud], body)
        case [cloud, "endpointService"]:
            services = [resource(SERVICES[cloud], one) for one in body]
            return "dedicated.list_services", {"group_id": group, "provider": cloud}, services
        case [cloud, "endpointService", service]:
            arguments = {"group_id": group, "provider": cloud, "service_id": service}
            if method == "DELETE":
                return "dedicated.delete_service", arguments, None
            return "dedicated.get_service", arguments, resource(SERVICES[cloud], body)
    pytest.fail(f"no call for {record['op']}")


def project_play(
    method: str, group: str, rest: list[str], body: Any, family: tuple[str, str, type[Any]]
) -> tuple[str, dict[str, Any], Any]:
    """Of the families with one collection in a project."""
    name, noun, model = family
    arguments: dict[str, Any] = {"group_id": group}
    if rest:
        arguments[f"{noun}_id"] = rest[0]
    if method == "DELETE":
        return f"{name}.delete_{noun}", arguments, None
    if method == "GET" and not rest:
        return f"{name}.list_{noun}s", arguments, [resource(model, one) for one in body["results"]]
    if method == "GET":
        return f"{name}.get_{noun}", arguments, resource(model, body)
    arguments["provider"] = body.get("provider", "AWS").upper()
    if model is DataFederationEndpoint:
        (body,) = body["results"]
        arguments |= {"endpoint_id": body["endpointId"], "provider": body["provider"]}
    return f"{name}.create_{noun}", arguments, resource(model, body)


FAMILIES: dict[str, tuple[str, str, type[Any]]] = {
    "privateNetworkSettings": ("data_federation", "endpoint", DataFederationEndpoint),
    "streams": ("stream_processing", "connection", StreamsConnection),
}
FILES = ["dedicated_endpointService", "regionalMode", "datafederation_privateNetworkSettings"]
FILES += ["streams_privateLinkConnections"]


def plays() -> Iterator[Play]:
    for name in FILES:
        for record in recorded(name):
            group, family, *rest = target_of(record)
            body = json.loads(record["body"] or "null")
            if family == "privateEndpoint":
                made = dedicated_play(record, group, rest, body)
            else:
                made = project_play(record["method"], group, rest[1:], body, FAMILIES[family])
            yield Play(record, *made)


def as_reply(record: dict[str, Any], body: bytes | None = None) -> Reply:
    """The recorded answer, byte for byte; another body changes nothing but its length."""
    if body is None:
        return Reply(record["status"], tuple(map(tuple, record["headers"])), record["body"].encode())
    headers = [(name, value) for name, value in record["headers"] if name.lower() != "content-length"]
    return Reply(record["status"], (*headers, ("Content-Length", str(len(body)))), body)


class Replaying:
    """One server and one client for many recordings."""

    def __init__(self, server: AnswerServer, protocol: str, ca_file: Path | None) -> None:
        self.server, self.protocol = server, protocol
        self.client = AsyncClient(
            server.public_key, server.private_key, base_url=server.base_url, ca_file=ca_file, max_retries=0
        )

    def __enter__(self) -> Replaying:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run(self.client.aclose())

    def answers(self, answer: Callable[[Received], Reply]) -> None:
        self.server.requests.clear()
        self.server.answer = answer

    def method(self, call: str) -> Any:
        found: Any = self.client
        for name in call.split("."):
            found = getattr(found, name)
        return found

    def call(self, call: str, **arguments: Any) -> Any:
        async def main() -> Any:
            return await self.method(call)(**arguments)

        return asyncio.run(main())


@pytest.fixture(scope="module", params=["HTTP/1.1", "HTTP/2.0"])
def replaying(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replaying]:
    if request.param == "HTTP/1.1":
        with AnswerServer() as server, Replaying(server, request.param, None) as replaying:
            yield replaying
        return
    authority = trustme.CA()
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca_file.write_bytes(authority.cert_pem.bytes())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    tls.set_alpn_protocols(["h2"])
    with AnswerServer(tls=tls) as server, Replaying(server, request.param, ca_file) as replaying:
        yield replaying


def test_every_recorded_success_becomes_its_model(replaying: Replaying, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    for play in plays():
        reply = as_reply(play.record)
        replaying.answers(lambda request, reply=reply: reply)  # type: ignore[misc]
        monkeypatch.setattr("atlas_privatelink._warnings._given", set())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = replaying.call(play.call, **play.arguments)
        told = [str(warning.message) for warning in caught]
        assert len(told) == ("deprecation" in fields_of(play.record)), told
        assert all(play.call in one and fields_of(play.record)["sunset"] in one for one in told)
        assert result == play.expected, play.record["op"]
        assert type(result) is type(play.expected)
        (sent,) = replaying.server.requests
        asked = sent.target.split("?")[0].removeprefix("/api/atlas/v2/groups/")
        assert sent.method == play.record["method"] and asked == "/".join(target_of(play.record))
        for one in result if isinstance(result, list) else [result]:
            if one is None or isinstance(one, bool):
                continue
            assert one.response.status_code == play.record["status"]
            assert one.response.http_version == replaying.protocol
            recorded_fields = fields_of(play.record)
            assert recorded_fields.items() <= dict(one.response.headers).items()
            assert one.response.java_method == recorded_fields["x-java-method"]
            limit = recorded_fields.get("ratelimit-limit")
            assert one.response.rate_limit.limit == (None if limit is None else int(limit))
        seen += 1
    assert seen == sum(1 for name in FILES for _ in recorded(name)) >= 290


def test_no_recorded_deployment_has_a_private_connection_string(replaying: Replaying) -> None:
    """None of them has a private endpoint: the wait ends with its time, and its answers are no trouble to it."""
    replies: dict[str, Reply] = {}
    waits: list[tuple[str, dict[str, Any]]] = []
    for name, call, argument in [
        ("serverless_instance", "connection_string", "instance_name"),
        ("v1.0_cluster_calls", "dedicated.connection_string", "cluster_name"),
    ]:
        for record in recorded(name):
            body = json.loads(record["body"])
            if "connectionStrings" not in body:
                continue
            replies[f"{body['groupId']}/{body['name']}"] = as_reply(record)
            waits.append((call, {"group_id": body["groupId"], argument: body["name"], "endpoint": "vpce-0"}))

    def answer(request: Received) -> Reply:
        group, _, deployment = request.target.split("/groups/")[1].split("/")
        return replies[f"{group}/{deployment}"]

    async def main() -> list[Any]:
        made = [replaying.method(call)(**arguments, timeout=0.2) for call, arguments in waits]
        return await asyncio.gather(*made, return_exceptions=True)

    replaying.answers(answer)
    outcomes = asyncio.run(main())
    assert len(outcomes) >= 70
    for outcome in outcomes:
        assert isinstance(outcome, WaitTimeout), outcome
        assert outcome.endpoint is None and outcome.response is not None and outcome.response.status_code in {200, 201}


# waiting


def histories() -> dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """What was recorded of each service, in the order of Atlas's own clock: the record, and the service in it."""
    found: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for record in recorded("dedicated_endpointService"):
        body = json.loads(record["body"])
        for service in body if isinstance(body, list) else [body]:
            if service:
                found.setdefault(service["id"], []).append((record, service))
    for history in found.values():
        history.sort(key=lambda seen: parsedate_to_datetime(fields_of(seen[0])["date"]))
    return found


def in_turn(states: list[Reply]) -> Callable[[], Reply]:
    """One after the other, and the last again and again."""
    left = iter(states[:-1])
    return lambda: next(left, states[-1])


# some of the recorded answers were, for a day, those of a deprecated version
@pytest.mark.filterwarnings("ignore:.*is deprecated, since Thu, 30 Apr 2026:DeprecationWarning")
def test_waiting_reaches_every_recorded_state(replaying: Replaying) -> None:
    looks: dict[str, Callable[[], Reply]] = {}
    waits: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for history in histories().values():
        group = target_of(history[0][0])[0]
        states = [service for _, service in history]
        if states[0]["status"] == "AVAILABLE":
            # its beginning was not recorded
            history.insert(0, (history[0][0], {**states[0], "status": "INITIATING"}))
        _, last = history[-1]
        path = f"{group}/privateEndpoint/{last['cloudProvider']}/endpointService"
        looks[path] = in_turn([as_reply(seen, json.dumps([service]).encode()) for seen, service in history])
        arguments = {"group_id": group, "provider": last["cloudProvider"], "service_id": last["id"]}
        waits.append((arguments, last))
    assert len(looks) == len(waits) >= 100

    async def main() -> list[Any]:
        made = [
            replaying.client.dedicated.wait_for_service(
                # those whose end was not recorded do not come
                **arguments,
                until="AVAILABLE",
                timeout=30.0 if last["status"] == "AVAILABLE" else 0.2,
            )
            for arguments, last in waits
        ]
        return await asyncio.gather(*made, return_exceptions=True)

    replaying.answers(lambda request: looks[request.target.split("/groups/")[1]]())
    reached = 0
    for (_, last), outcome in zip(waits, asyncio.run(main()), strict=True):
        expected = resource(SERVICES[last["cloudProvider"]], last)
        if last["status"] == "AVAILABLE":
            assert outcome == expected
            reached += 1
        else:
            assert isinstance(outcome, WaitTimeout) and outcome.endpoint == expected
            assert outcome.endpoint.status is ServiceStatus.INITIATING
    assert reached >= 80


def test_waiting_for_the_end_of_a_deletion(replaying: Replaying) -> None:
    deletions = [record for record in recorded("dedicated_endpointService") if record["method"] == "DELETE"]
    (gone, *_) = (record for record in recorded("errors_4xx_5xx_all_resources_sample") if record["status"] == 404)

    async def main(record: dict[str, Any]) -> tuple[Any, Any]:
        group, _, cloud, _, service = target_of(record)
        dedicated = replaying.client.dedicated
        deleted: Any = await dedicated.delete_service(group, cloud, service)  # type: ignore[func-returns-value,arg-type]
        ended = await dedicated.wait_for_service(group, cloud, service, until="DELETED")  # type: ignore[arg-type]
        return deleted, ended

    for record in deletions:
        assert (record["status"], record["body"]) == (202, "{}")
        replies = {"DELETE": as_reply(record), "GET": as_reply(gone)}
        replaying.answers(lambda request, replies=replies: replies[request.method])  # type: ignore[misc]
        assert asyncio.run(main(record)) == (None, None)
        assert [request.method for request in replaying.server.requests] == ["DELETE", "GET"]
    assert len(deletions) >= 20
