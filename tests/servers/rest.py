"""What the local servers of Azure's and Google Cloud's REST APIs have in common: JSON, faults, and a record."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import Self


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    body: Any


@dataclass(frozen=True)
class Answer:
    """What is answered to it."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Fault:
    method: str
    path_contains: str
    times: int
    skip: int
    executed: bool
    answer: Answer | None


class RestServer:
    """Listens on a loopback port, with threads of its own, while the with block lasts. One request at a time changes
    its state.

    Args:
        tls: Makes it speak https.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.lock = threading.RLock()
        self.asked: list[Asked] = []
        """What came in, in its order."""
        self._faults: list[_Fault] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"rest": self}))
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.base_url = f"{'http' if tls is None else 'https'}://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def handle(self, asked: Asked) -> Answer:
        """The answer to a request."""
        raise NotImplementedError

    def cut(self, method: str, path_contains: str, *, executed: bool, times: int = 1, skip: int = 0) -> None:
        """Drops the connection in place of an answer, after the request was executed or instead of that."""
        self._faults.append(_Fault(method, path_contains.lower(), times, skip, executed, None))

    def refuse(self, method: str, path_contains: str, answer: Answer, *, times: int = 1) -> None:
        """Gives another answer, and does not execute the request."""
        self._faults.append(_Fault(method, path_contains.lower(), times, 0, False, answer))

    def count(self, method: str, path_contains: str) -> int:
        """How many such requests came in."""
        return sum(one.method == method and path_contains.lower() in one.path.lower() for one in self.asked)

    def answer(self, asked: Asked) -> Answer | None:
        """The answer to a request, faults included; none if the connection is to be dropped."""
        with self.lock:
            self.asked.append(asked)
            fault = self._fault(asked)
            if fault is None:
                return self.handle(asked)
            if fault.executed:
                self.handle(asked)
            return fault.answer

    def _fault(self, asked: Asked) -> _Fault | None:
        for fault in self._faults:
            if fault.method == asked.method and fault.path_contains in asked.path.lower():
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
                return fault
        return None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    """Finds what it serves at `rest`."""

    rest: ClassVar[RestServer]
    protocol_version = "HTTP/1.1"
    # an answer goes out in two writes, which must not wait for each other
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        text = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(
            self.command, parts.path, dict(parse_qsl(parts.query)), headers, json.loads(text) if text else None
        )
        answer = self.rest.answer(asked)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in {"content-type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests read `asked`."""
