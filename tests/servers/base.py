"""What the servers have in common: a child process, its two ports, and what it counted."""

from __future__ import annotations

import http.client
import json
import os
import selectors
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

HOST = "127.0.0.1"
REALM = "MMS Public API"
# Where this package is imported from, so that a child in Python finds it too.
_IMPORT_ROOT = Path(__file__).resolve().parents[__name__.count(".")]
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_CONTROL_SECONDS = 30.0


class ServerError(Exception):
    """A server did not start, or did not answer as it should."""


@dataclass(frozen=True)
class Stats:
    """What a server saw since it started or was last reset."""

    requests: int
    """Requests received, the refused ones included."""
    statuses: dict[int, int]
    """How often each HTTP status was answered."""
    connections: int
    """Connections opened. Apache counts one when its first request is answered, and so none that stayed silent."""
    max_in_flight: int
    """The most requests that were waiting for their answer at once. To Apache a refusal takes no time."""
    nonce_counts: dict[str, list[int]]
    """For each nonce, in the order of arrival, the counts (`nc`) that came with it."""
    created: int
    """Endpoints created."""


class DigestServer(ABC):
    """A real server in a child process; a context manager that starts and stops it.

    The child ends when its standard input does, so that it does not outlive this process however this one ends. (A
    fork of this process that does not exec holds that pipe too, and the child then waits for it as well.)
    """

    def __init__(self, *, public_key: str = "pubkey", private_key: str = "private-key") -> None:
        self.public_key = public_key
        self.private_key = private_key
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._control_port = 0

    @classmethod
    @abstractmethod
    def available(cls) -> str | None:
        """None, or a sentence that says what is missing on this machine."""

    @abstractmethod
    def _command(self, port: int) -> list[str]:
        """The child's command line; port 0 means any."""

    @abstractmethod
    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Make the child end now."""

    @property
    def base_url(self) -> str:
        if self._process is None:
            message = "the server is not running"
            raise ServerError(message)
        return f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Start on a free port."""
        missing = self.available()
        if missing is not None:
            raise ServerError(missing)
        self._spawn(0)

    def stop(self) -> None:
        """End the server without a goodbye: connections drop where they are. Harmless when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        self._end(process)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdin.close()
        process.stdout.close()

    def restart(self) -> None:
        """Kill the server and start it on the same port. Connections, nonces, counts and endpoints are gone."""
        port = self._port
        self.stop()
        self._spawn(port)

    def stats(self) -> Stats:
        """What was counted. Complete for every request whose answer has been read."""
        counted = json.loads(self._control("GET", "/stats"))
        # JSON has only strings for keys.
        statuses = {int(status): count for status, count in counted.pop("statuses").items()}
        return Stats(statuses=statuses, **counted)

    def reset(self) -> None:
        """Count from zero again, and forget the endpoints. Connections and nonces live on."""
        self._control("POST", "/reset")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self, port: int) -> None:
        with tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen(
                self._command(port),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                cwd=_IMPORT_ROOT,
                # A Ctrl-C in the terminal is for the tests, which may still want to read the counts.
                start_new_session=True,
            )
            self._process = process
            assert process.stdout is not None
            ports = _first_line(process.stdout).split()
            if len(ports) != 2:
                self.stop()
                complaints.seek(0)
                message = f"{type(self).__name__} did not start: {complaints.read().decode(errors='replace').strip()}"
                raise ServerError(message)
        self._port, self._control_port = int(ports[0]), int(ports[1])

    def _control(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection(HOST, self._control_port, timeout=_CONTROL_SECONDS)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            message = f"{method} {path}: {error!r}"
            raise ServerError(message) from error
        finally:
            connection.close()
        if response.status not in (200, 204):
            message = f"{method} {path}: {response.status} {body.decode(errors='replace')}"
            raise ServerError(message)
        return body


def _first_line(pipe: IO[bytes]) -> bytes:
    """The line that a child writes when it is ready; empty when it ends or takes too long instead."""
    line = b""
    deadline = time.monotonic() + _START_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        # An unbuffered child writes the line in pieces.
        while not line.endswith(b"\n"):
            if not selector.select(deadline - time.monotonic()):
                return b""
            piece = os.read(pipe.fileno(), 512)
            if not piece:
                return b""
            line += piece
    return line
