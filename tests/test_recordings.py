"""What the real Atlas has been recorded to send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from support import GROUP_ID, INSTANCE, SHARED

from atlas_privatelink import ApiError, AsyncClient, AuthenticationError, ServerlessEndpoint

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


def recorded() -> Iterator[dict[str, Any]]:
    for path in sorted(RECORDINGS.glob("*.jsonl")):
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
