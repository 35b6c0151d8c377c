"""A server that answers as told, in HTTP/1.1 or, over TLS, in HTTP/2; it wants digest credentials first."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded
from local_servers import CHUNK, Received, Server, read_request


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def has(self, name: str) -> bool:
        """Whether it has such a header."""
        return any(name == known.lower() for known, _ in self.headers)


CHALLENGE = Reply(
    401,
    (
        (
            "WWW-Authenticate",
            'Digest realm="MMS Public API", domain="", nonce="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", algorithm=MD5, '
            'qop="auth", stale=false',
        ),
        ("Content-Length", "0"),
    ),
)


class AnswerServer(Server):
    """Challenges what has no credentials; `answer` tells what the others get."""

    public_key = "abcdefgh"
    private_key = "01234567-89ab-cdef-0123-456789abcdef"

    def __init__(self, answer: Callable[[Received], Reply] | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.scheme = "http" if tls is None else "https"
        self.answer = answer
        self.requests: list[Received] = []
        """Those with credentials."""

    def _reply(self, request: Received) -> Reply:
        if "authorization" not in request.headers:
            return CHALLENGE
        self.requests.append(request)
        try:
            assert self.answer is not None
            return self.answer(request)
        except Exception as error:
            # a test that goes wrong here says so, and its client does not wait for an answer
            return Reply(400, body=json.dumps({"error": 400, "detail": f"no answer: {error!r}"}).encode())

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = writer.get_extra_info("ssl_object")
        if session is not None and session.selected_alpn_protocol() == "h2":
            await self._http2(reader, writer)
            return
        while request := await read_request(reader):
            reply = self._reply(request)
            lines = [f"HTTP/1.1 {reply.status} -", *(f"{name}: {value}" for name, value in reply.headers)]
            if not reply.has("content-length") and reply.status != 204:
                lines.append(f"content-length: {len(reply.body)}")
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body)
            await writer.drain()

    async def _http2(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        heads: dict[int, dict[str, str]] = {}
        bodies: dict[int, bytes] = {}
        while chunk := await reader.read(CHUNK):
            for event in connection.receive_data(chunk):
                self._event(connection, event, heads, bodies)
            writer.write(connection.data_to_send())
            await writer.drain()

    def _event(
        self, connection: H2Connection, event: Event, heads: dict[int, dict[str, str]], bodies: dict[int, bytes]
    ) -> None:
        match event:
            case RequestReceived(stream_id=int(stream), headers=list(headers)):
                heads[stream] = {str(name): str(value) for name, value in headers}
                bodies[stream] = b""
            case DataReceived(stream_id=int(stream), data=bytes(data), flow_controlled_length=int(length)):
                bodies[stream] += data
                connection.acknowledge_received_data(length, stream)
            case StreamEnded(stream_id=int(stream)):
                head = heads.pop(stream)
                reply = self._reply(Received(head[":method"], head[":path"], head, bodies.pop(stream)))
                fields = [(":status", str(reply.status)), *((name.lower(), value) for name, value in reply.headers)]
                connection.send_headers(stream, fields, end_stream=not reply.body)
                if reply.body:
                    # every answer fits into the first window of HTTP/2
                    connection.send_data(stream, reply.body, end_stream=True)
            case _:
                pass
