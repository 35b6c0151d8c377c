"""A small Atlas without authentication, and what it speaks: SCGI to Apache, HTTP/1.1 to the tests."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple

_PATH = re.compile(r"(?:/.*)?(/groups/[^/]+/privateEndpoint/serverless/instance/[^/]+/endpoint)(?:/([^/]+))?")


class Answer(NamedTuple):
    """An HTTP answer; its body goes out as JSON, None as no body."""

    status: int
    body: object = None
    allow: str | None = None


Handler = Callable[[str, str, bytes], Awaitable[Answer]]
"""Takes a method, a path without its query, and a body."""


class Endpoints:
    """Serverless private endpoints: create, list and return one."""

    def __init__(self) -> None:
        self.created = 0
        self._collections: dict[str, dict[str, dict[str, Any]]] = {}
        self._process = secrets.token_hex(5)
        self._serial = 0

    def clear(self) -> None:
        self.created = 0
        self._collections.clear()

    async def handle(self, method: str, path: str, body: bytes) -> Answer:
        match = _PATH.fullmatch(path)
        if match is None:
            return _refusal(404, "RESOURCE_NOT_FOUND")
        collection, one = match.groups()
        if method == "POST" and one is None:
            return self._create(collection, body)
        if method != "GET":
            return Answer(405, allow="GET, POST" if one is None else "GET")
        endpoints = self._collections.get(collection, {})
        if one is None:
            return Answer(200, list(endpoints.values()))
        if one in endpoints:
            return Answer(200, endpoints[one])
        return _refusal(404, "TENANT_PRIVATE_ENDPOINT_NOT_FOUND")

    def _create(self, collection: str, body: bytes) -> Answer:
        try:
            comment = json.loads(body).get("comment")
        except (ValueError, AttributeError):
            return _refusal(400, "INVALID_JSON")
        if not isinstance(comment, str | None):
            return _refusal(400, "INVALID_JSON")
        self.created += 1
        self._serial += 1
        # Laid out as an ObjectId: seconds, a value of this process, a serial number.
        identifier = f"{int(time.time()):08x}{self._process}{self._serial & 0xFFFFFF:06x}"
        endpoint = {
            "_id": identifier,
            "cloudProviderEndpointId": None,
            "comment": comment,
            "endpointServiceName": None,
            "errorMessage": None,
            "status": "RESERVATION_REQUESTED",
        }
        self._collections.setdefault(collection, {})[identifier] = endpoint
        return Answer(201, endpoint)


async def serve_scgi(handler: Handler, host: str) -> int:
    """Answer Apache's requests, one for each connection, until the process ends; return the port."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            length = int((await reader.readuntil(b":"))[:-1])
            # A comma follows the last value's zero byte.
            fields = (await reader.readexactly(length + 1)).decode("latin-1").split("\0")
            variables = dict(zip(fields[::2], fields[1::2], strict=False))
            body = await reader.readexactly(int(variables["CONTENT_LENGTH"]))
            path = variables["REQUEST_URI"].partition("?")[0]
            writer.write(_encoded("Status:", await handler(variables["REQUEST_METHOD"], path, body)))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            # Apache has lost its own client.
            pass
        finally:
            writer.close()

    return await _listen(converse, host)


async def serve_http(handler: Handler, host: str) -> int:
    """Answer bodiless requests, one for each connection, until the process ends; return the port."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, path, _ = head.decode("latin-1").split(" ", 2)
            writer.write(_encoded("HTTP/1.1", await handler(method, path, b"")))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            # The other side did not wait.
            pass
        finally:
            writer.close()

    return await _listen(converse, host)


async def _listen(converse: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], host: str) -> int:
    server = await asyncio.start_server(converse, host, 0, backlog=256)
    port: int = server.sockets[0].getsockname()[1]
    return port


def _encoded(status_prefix: str, answer: Answer) -> bytes:
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    lines = [f"{status_prefix} {answer.status} {HTTPStatus(answer.status).phrase}", f"Content-Length: {len(body)}"]
    if body:
        lines.append("Content-Type: application/json")
    if answer.allow is not None:
        lines.append(f"Allow: {answer.allow}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _refusal(status: int, code: str) -> Answer:
    reason = HTTPStatus(status).phrase
    return Answer(
        status, {"detail": f"{reason}.", "error": status, "errorCode": code, "parameters": [], "reason": reason}
    )
