"""The child process that runs Apache: its folder, the backend behind it, its log, and its end.

When both ports listen, one line "port control-port" goes to standard output. The process ends when its standard input
does, and takes Apache and the folder with it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import hashlib
import os
import pwd
import re
import shutil
import signal
import socket
import string
import sys
import tempfile
from collections import Counter
from pathlib import Path

from .atlas_backend import Answer, Endpoints, serve_http, serve_scgi
from .base import HOST, REALM

_START_SECONDS = 20.0
_SETTLE_SECONDS = 2.0
_PORT_ATTEMPTS = 3
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)

# Apache writes the header's quotes as \".
_NONCE = re.compile(r'\bnonce=\\"([^"\\]*)\\"')
_COUNT = re.compile(r'\bnc=(?:\\")?([0-9a-fA-F]{8})\b')
_SCOREBOARD = re.compile(r"^Scoreboard: (\S+)", re.MULTILINE)


class StartError(Exception):
    """Apache ended before it listened."""


class Apache:
    """One Apache, from its configuration to its end."""

    def __init__(self, root: Path, options: argparse.Namespace, backend_port: int) -> None:
        self._root = root
        self._options = options
        self._backend_port = backend_port
        self._log = root / "access.log"
        self._counted_from = 0
        self._status_port = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> int:
        """Start and return the port."""
        attempts = 1 if self._options.port else _PORT_ATTEMPTS
        while True:
            attempts -= 1
            port = self._options.port or _free_port()
            try:
                await self._start_on(port)
            except StartError:
                # Somebody else may have taken a port since it was found free.
                if attempts == 0:
                    raise
            else:
                return port

    async def stop(self) -> None:
        """Kill every process of it at once: to a client this has to look like a killed server."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            _collect_children()

    async def settle(self) -> None:
        """Wait until every request that was answered is in the log as well.

        One that is still waiting for its own body holds this up for a while only.
        """
        deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
        # Workers that write, log or close; one of them answers this very question.
        while sum(map((await self._scoreboard()).count, "WLC")) > 1:
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.002)

    def reset(self) -> None:
        self._counted_from = self._log.stat().st_size

    def stats(self) -> dict[str, object]:
        """What the log says, in the terms of `Stats`."""
        with self._log.open("rb") as log:
            log.seek(self._counted_from)
            lines = log.read().decode("latin-1").splitlines()
        statuses: Counter[int] = Counter()
        connections = 0
        arrivals: list[tuple[int, str]] = []
        changes: list[tuple[int, int]] = []
        for line in lines:
            status, earlier_on_connection, begin, first_byte, authorization = line.split(" ", 4)
            statuses[int(status)] += 1
            # Of a connection's requests exactly one is its first. A remote port says less: it is used again.
            connections += earlier_on_connection == "0"
            arrivals.append((int(begin), authorization))
            waited = int(first_byte) if first_byte.isdigit() else 0
            changes += [(int(begin), 1), (int(begin) + max(waited, 1), -1)]
        # The log is in the order of the answers.
        nonce_counts: dict[str, list[int]] = {}
        for _, authorization in sorted(arrivals, key=lambda arrival: arrival[0]):
            nonce, count = _NONCE.search(authorization), _COUNT.search(authorization)
            if nonce and count:
                nonce_counts.setdefault(nonce[1], []).append(int(count[1], 16))
        in_flight = max_in_flight = 0
        for _, change in sorted(changes):
            in_flight += change
            max_in_flight = max(max_in_flight, in_flight)
        return {
            "requests": len(lines),
            "statuses": dict(statuses),
            "connections": connections,
            "max_in_flight": max_in_flight,
            "nonce_counts": nonce_counts,
        }

    async def _start_on(self, port: int) -> None:
        self._status_port = _free_port()
        configuration = self._configure(port)
        self._process = await asyncio.create_subprocess_exec(
            self._options.executable,
            "-DFOREGROUND",
            "-f",
            str(configuration),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while True:
            try:
                await self._scoreboard()
            except ConnectionError:
                if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                    await self.stop()
                    assert self._process.stderr is not None
                    said = (await self._process.stderr.read()).decode(errors="replace")
                    error_log = self._root / "error.log"
                    logged = error_log.read_text(errors="replace") if error_log.exists() else ""
                    raise StartError(said + logged) from None
                await asyncio.sleep(0.01)
            else:
                return

    def _configure(self, port: int) -> Path:
        options = self._options
        secret = hashlib.md5(f"{options.public_key}:{REALM}:{options.private_key}".encode()).hexdigest()
        (self._root / "users").write_text(f"{options.public_key}:{REALM}:{secret}\n")
        template = string.Template(Path(__file__).with_name("apache.conf.in").read_text())
        configuration = self._root / "apache.conf"
        configuration.write_text(
            template.substitute(
                root=self._root,
                host=HOST,
                realm=REALM,
                identity=_identity(),
                modules=options.modules,
                port=port,
                status_port=self._status_port,
                backend_port=self._backend_port,
                nc_check=options.nc_check,
                lifetime=options.lifetime,
            )
        )
        return configuration

    async def _scoreboard(self) -> str:
        reader, writer = await asyncio.open_connection(HOST, self._status_port)
        try:
            writer.write(b"GET /?auto HTTP/1.0\r\n\r\n")
            answer = (await reader.read()).decode("latin-1")
        finally:
            writer.close()
        found = _SCOREBOARD.search(answer)
        if found is None:
            message = f"Apache's status is unreadable: {answer!r}"
            raise ConnectionError(message)
        return found[1]


def _end_with_parent() -> None:
    """In Apache's first process, before it is Apache: a supervisor that is killed takes it along."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _collect_children() -> None:
    """Wait for the killed workers, which have become this process's own: a container may have nobody else to do it."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _identity() -> str:
    """Whom Apache's workers run as; without root there is no choice."""
    if os.geteuid() != 0:
        return ""
    for name in ("www-data", "nobody"):
        with contextlib.suppress(KeyError):
            return f"User {name}\nGroup #{pwd.getpwnam(name).pw_gid}"
    message = "Apache does not run its workers as root, and there is neither www-data nor nobody"
    raise StartError(message)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def _standard_input_ends() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def _supervise(root: Path, options: argparse.Namespace) -> None:
    endpoints = Endpoints()
    apache = Apache(root, options, await serve_scgi(endpoints.handle, HOST))

    async def control(method: str, path: str, _body: bytes) -> Answer:
        if (method, path) == ("GET", "/stats"):
            await apache.settle()
            return Answer(200, {**apache.stats(), "created": endpoints.created})
        if (method, path) == ("POST", "/reset"):
            await apache.settle()
            apache.reset()
            endpoints.clear()
            return Answer(204)
        return Answer(404)

    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        port = await apache.start()
        print(port, await serve_http(control, HOST), flush=True)
        await _standard_input_ends()
    finally:
        await apache.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executable", required=True)
    parser.add_argument("--modules", required=True)
    parser.add_argument("--port", type=int, required=True, help="0 for any")
    parser.add_argument("--public-key", required=True)
    parser.add_argument("--private-key", required=True)
    parser.add_argument("--nc-check", choices=["On", "Off"], required=True)
    parser.add_argument("--lifetime", type=int, required=True)
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="apache-digest-"))
    try:
        # Workers that are not root read the users here.
        root.chmod(0o711)
        asyncio.run(_supervise(root, options))
    except StartError as error:
        sys.exit(str(error))
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
