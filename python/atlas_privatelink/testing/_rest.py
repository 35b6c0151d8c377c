"""A local server of a REST API that speaks JSON: on a loopback port, or in the process without sockets."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Answer", "Asked", "LoopbackServer", "adapter"]


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    body: Any


@dataclass(frozen=True)
class Answer:
    """The answer to it."""

    status: int
    body: Any = None
    """What is sent as JSON; bytes are sent as they are."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def content(self) -> bytes:
        """What is sent."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


def _asked(method: str, url: str, headers: Mapping[str, str], text: bytes | str | None) -> Asked:
    parts = urlsplit(url)
    by_name = {name.lower(): value for name, value in headers.items()}
    return Asked(method, parts.path, dict(parse_qsl(parts.query)), by_name, json.loads(text) if text else None)


class LoopbackServer:
    """Answers on a free loopback port, with threads of its own.

    Args:
        answer: The answer to a request; `None` drops the connection.
    """

    def __init__(self, answer: Callable[[Asked], Answer | None]) -> None:
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"answer": staticmethod(answer)})
        )
        self._server.daemon_threads = True
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Stop for good."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # an answer goes out in two writes, which must not wait for each other
    disable_nagle_algorithm = True
    answer: Callable[[Asked], Answer | None]

    def _serve(self) -> None:
        text = self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = self.answer(_asked(self.command, self.path, dict(self.headers.items()), text))
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = answer.content
        self.send_response(answer.status)
        for name, value in {"content-type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def adapter(answer: Callable[[Asked], Answer | None]) -> Any:
    """An adapter for a `requests.Session` that answers without sockets, for tests with many calls.

    Args:
        answer: The answer to a request; `None` drops the connection.
    """
    import requests
    from requests.adapters import BaseAdapter

    class InProcess(BaseAdapter):
        """Hands requests to a function."""

        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            """Answers at once."""
            given = answer(_asked(request.method, request.url, request.headers, request.body))
            if given is None:
                raise requests.exceptions.ConnectionError("the connection was dropped")
            response = requests.Response()
            response.status_code, response.url, response.request = given.status, request.url, request
            response.headers.update({"content-type": "application/json", **given.headers})
            response._content = given.content
            response.encoding = "utf-8"
            return response

        def close(self) -> None:
            """Nothing to close."""

    return InProcess()
