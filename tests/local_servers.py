"""Small servers of the tests' own: answers that no decent server gives, TLS in front of another server, a proxy."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

from typing_extensions import Self

CHUNK = 65536


class Server:
    """Listens on a loopback port from a thread of its own while the with block lasts."""

    scheme = "http"

    def __init__(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.port = 0
        self.connections = 0
        """Connections accepted, their TLS handshake included."""
        self.open_connections = 0
        self._tls = tls
        self._listens = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        raise NotImplementedError

    @property
    def base_url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listens.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            self.connections += 1
            self.open_connections += 1
            # a task of asyncio's server that ends cancelled is reported as an error by some versions
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await self.handle(reader, writer)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()
            self.open_connections -= 1
            tasks.discard(task)

        server = await asyncio.start_server(connected, self.host, self.port, ssl=self._tls, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        self._listens.set()
        await self._stop.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True)
class Received:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


Answer = Callable[[Received], bytes | None]


def reply(status: int | str, body: bytes | str = b"", *headers: str | bytes) -> bytes:
    """An answer with these headers; its length is added, unless the headers say how long it is."""
    body = body.encode() if isinstance(body, str) else body
    lines = [header if isinstance(header, bytes) else header.encode("latin-1") for header in headers]
    if not any(line.lower().startswith((b"content-length:", b"transfer-encoding:")) for line in lines):
        lines.append(b"content-length: %d" % len(body))
    status_line = f"HTTP/1.1 {status}" if isinstance(status, str) else f"HTTP/1.1 {status} -"
    return b"\r\n".join([status_line.encode(), *lines, b"", body])


async def read_request(reader: asyncio.StreamReader) -> Received | None:
    """The next request of an HTTP/1.1 connection; None at its end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, target, _ = first.split(" ")
    return Received(method, target, headers, body)


class RawAtlas(Server):
    """Answers with given bytes. Where the answer is None, the connection is closed without one."""

    public_key = "abcdefgh"
    private_key = "01234567-89ab-cdef-0123-456789abcdef"

    def __init__(self, answer: Answer | bytes) -> None:
        super().__init__()
        self.requests: list[Received] = []
        self._answer: Answer = (lambda request: answer) if isinstance(answer, bytes) else answer

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            self.requests.append(request)
            answer = self._answer(request)
            if answer is None:
                return
            writer.write(answer)
            await writer.drain()
            if b"connection: close" in answer:
                return


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes from one to the other, to their end."""
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()


async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    """Both directions between a connection and a server, until either ends."""
    far_reader, far_writer = await asyncio.open_connection(host, port)
    try:
        ways = [asyncio.ensure_future(pipe(reader, far_writer)), asyncio.ensure_future(pipe(far_reader, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    finally:
        far_writer.close()
        with contextlib.suppress(OSError):
            await far_writer.wait_closed()


class TlsFront(Server):
    """TLS in front of a server that does not speak it; `protocols` is what it chose by ALPN."""

    scheme = "https"

    def __init__(self, behind: str, tls: ssl.SSLContext, *, host: str = "127.0.0.1") -> None:
        super().__init__(host=host, tls=tls)
        self._behind = urlsplit(behind)
        self.protocols: list[str | None] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.protocols.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await join(reader, writer, str(self._behind.hostname), self._behind.port or 0)


class Proxy(Server):
    """An HTTP proxy that notes what it was asked for. Every name leads to `behind`; `refusal` is its only answer."""

    def __init__(self, behind: str, *, refusal: bytes | None = None) -> None:
        super().__init__()
        self._behind = urlsplit(behind)
        self._refusal = refusal
        self.requests: list[Received] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = str(self._behind.hostname), self._behind.port or 0
        while request := await read_request(reader):
            self.requests.append(request)
            if self._refusal is not None:
                writer.write(self._refusal)
                await writer.drain()
            elif request.method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await join(reader, writer, *behind)
                return
            else:
                await self._forward(request, writer, *behind)

    @staticmethod
    async def _forward(request: Received, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        url = urlsplit(request.target)
        target = url.path + (f"?{url.query}" if url.query else "")
        headers = {**request.headers, "connection": "close"}
        lines = [
            f"{request.method} {target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
            "",
            "",
        ]
        far_reader, far_writer = await asyncio.open_connection(host, port)
        far_writer.write("\r\n".join(lines).encode("latin-1") + request.body)
        answer = await far_reader.read()
        far_writer.close()
        await far_writer.wait_closed()
        writer.write(answer)
        await writer.drain()
        writer.close()
