"""The servers are what they are taken for, and count right: a client of the tests' own talks to each."""

from __future__ import annotations

import hashlib
import http.client
import itertools
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import FrozenInstanceError
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from servers import ApacheServer, DigestServer, JettyServer, ServerError

pytest_plugins = ["servers.fixtures"]

COLLECTION = "/api/atlas/v1.0/groups/5f7cac1adf5d6c6306f4b283/privateEndpoint/serverless/instance/Instance0/endpoint"
BOTH = pytest.mark.parametrize("name", ["jetty", "apache"])


class Reply:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def challenge(self) -> dict[str, str]:
        return _parameters(self.headers["WWW-Authenticate"])

    @property
    def stale(self) -> bool:
        return self.challenge.get("stale") == "true"

    def json(self) -> object:
        return json.loads(self.body)


class Connection:
    """One connection to a server, and digests made by hand on it."""

    def __init__(self, server: DigestServer) -> None:
        self._server = server
        host = urlsplit(server.base_url)
        assert host.hostname is not None
        self.http = http.client.HTTPConnection(host.hostname, host.port, timeout=20)

    def challenge(self) -> dict[str, str]:
        reply = self.send("GET")
        assert reply.status == 401
        return reply.challenge

    def send(
        self,
        method: str = "POST",
        path: str = COLLECTION,
        *,
        challenge: dict[str, str] | None = None,
        count: int = 1,
        body: str = "{}",
        private_key: str | None = None,
    ) -> Reply:
        headers = {"Content-Type": "application/json"}
        if challenge is not None:
            headers["Authorization"] = self._authorization(method, path, challenge, count, private_key)
        self.http.request(method, path, body.encode() if method == "POST" else None, headers)
        return Reply(self.http.getresponse())

    def _authorization(
        self, method: str, path: str, challenge: dict[str, str], count: int, private_key: str | None
    ) -> str:
        user, key = self._server.public_key, private_key or self._server.private_key
        realm, nonce, nc, cnonce = challenge["realm"], challenge["nonce"], f"{count:08x}", secrets.token_hex(8)
        secret = _md5(f"{user}:{realm}:{key}")
        response = _md5(f"{secret}:{nonce}:{nc}:{cnonce}:auth:{_md5(f'{method}:{path}')}")
        opaque = f', opaque="{challenge["opaque"]}"' if "opaque" in challenge else ""
        return (
            f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{path}", algorithm=MD5, '
            f'cnonce="{cnonce}", nc={nc}, qop=auth, response="{response}"{opaque}'
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def _parameters(header: str) -> dict[str, str]:
    return {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', header)}


@contextmanager
def connected(server: DigestServer) -> Iterator[Connection]:
    connection = Connection(server)
    try:
        yield connection
    finally:
        connection.http.close()


def _server(name: str, request: pytest.FixtureRequest) -> DigestServer:
    server: DigestServer = request.getfixturevalue(name)
    return server


# Both kinds


@BOTH
def test_creation_is_challenged_answered_and_counted(name: str, request: pytest.FixtureRequest) -> None:
    server = _server(name, request)
    with connected(server) as connection:
        challenge = connection.challenge()
        assert challenge["realm"] == "MMS Public API"
        assert challenge["algorithm"] == "MD5"
        assert challenge["qop"] == "auth"
        reply = connection.send(challenge=challenge, body='{"comment": "exämple"}')
    assert reply.status == 201
    assert reply.headers["Content-Type"] == "application/json"
    endpoint = reply.json()
    assert isinstance(endpoint, dict)
    identifier = endpoint.pop("_id")
    assert re.fullmatch("[0-9a-f]{24}", identifier)
    assert abs(int(identifier[:8], 16) - time.time()) < 60
    assert endpoint == {
        "cloudProviderEndpointId": None,
        "comment": "exämple",
        "endpointServiceName": None,
        "errorMessage": None,
        "status": "RESERVATION_REQUESTED",
    }
    stats = server.stats()
    assert stats.requests == 2
    assert stats.statuses == {401: 1, 201: 1}
    assert stats.connections == 1
    assert stats.max_in_flight == 1
    assert stats.nonce_counts == {challenge["nonce"]: [1]}
    assert stats.created == 1
    with pytest.raises(FrozenInstanceError):
        stats.created = 0  # type: ignore[misc]


@BOTH
def test_endpoints_are_listed_and_returned(name: str, request: pytest.FixtureRequest) -> None:
    counts = itertools.count(1)
    with connected(_server(name, request)) as connection:
        challenge = connection.challenge()
        made = [
            connection.send(challenge=challenge, count=next(counts), body=body).json()
            for body in ("{}", '{"comment": null}', '{"comment": "c"}')
        ]
        assert isinstance(made[0], dict)
        assert made[0]["comment"] is None
        one = f"{COLLECTION}/{made[0]['_id']}"
        assert connection.send("GET", COLLECTION, challenge=challenge, count=next(counts)).json() == made
        assert connection.send("GET", one, challenge=challenge, count=next(counts)).json() == made[0]
        assert connection.send("GET", f"{COLLECTION}/{'0' * 24}", challenge=challenge, count=next(counts)).status == 404
        assert (
            connection.send("GET", "/api/atlas/v1.0/elsewhere", challenge=challenge, count=next(counts)).status == 404
        )
        assert connection.send("PUT", one, challenge=challenge, count=next(counts)).status == 405
        other = COLLECTION.replace("Instance0", "Instance1")
        assert connection.send("GET", other, challenge=challenge, count=next(counts)).json() == []
        for malformed in ("", "[]", "{", '{"comment": 1}'):
            assert connection.send(challenge=challenge, count=next(counts), body=malformed).status == 400


@BOTH
def test_wrong_key_creates_nothing(name: str, request: pytest.FixtureRequest) -> None:
    server = _server(name, request)
    with connected(server) as connection:
        assert connection.send().status == 401
        reply = connection.send(challenge=connection.challenge(), private_key="wrong")
    assert reply.status == 401
    assert not reply.stale
    assert server.stats().created == 0


@BOTH
def test_connections_are_counted_once_each(name: str, request: pytest.FixtureRequest) -> None:
    server = _server(name, request)
    for _ in range(3):
        with connected(server) as connection:
            connection.challenge()
            connection.challenge()
    stats = server.stats()
    assert stats.connections == 3
    assert stats.requests == 6
    assert stats.max_in_flight == 1


@BOTH
def test_counts_are_complete_as_soon_as_an_answer_is_read(name: str, request: pytest.FixtureRequest) -> None:
    server = _server(name, request)
    with connected(server) as connection:
        for sent in range(1, 101):
            connection.challenge()
            assert server.stats().requests == sent


@BOTH
def test_reset_forgets_counts_and_endpoints_but_no_nonce(name: str, request: pytest.FixtureRequest) -> None:
    server = _server(name, request)
    with connected(server) as connection:
        challenge = connection.challenge()
        connection.send(challenge=challenge)
        server.reset()
        stats = server.stats()
        assert (stats.requests, stats.connections, stats.created) == (0, 0, 0)
        assert (stats.statuses, stats.nonce_counts) == ({}, {})
        assert connection.send("GET", challenge=challenge, count=2).json() == []


@BOTH
def test_restart_drops_connections_and_nonces_and_keeps_the_port(name: str, request: pytest.FixtureRequest) -> None:
    server = _server(name, request)
    before = server.base_url
    with connected(server) as connection:
        challenge = connection.challenge()
        server.restart()
        assert server.base_url == before
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            connection.send(challenge=challenge)
    with connected(server) as connection:
        reply = connection.send(challenge=challenge)
        assert reply.status == 401
        assert reply.stale
    assert server.stats().created == 0


# Jetty


def test_jetty_challenges_as_atlas_does(jetty: JettyServer) -> None:
    with connected(jetty) as connection:
        header = connection.send("GET").headers["WWW-Authenticate"]
    pattern = 'Digest realm="MMS Public API", domain="", nonce="[^"]{32}", algorithm=MD5, qop="auth", stale=false'
    assert re.fullmatch(pattern, header)


def test_jetty_takes_any_order_but_nothing_twice(jetty: JettyServer) -> None:
    with connected(jetty) as connection:
        challenge = connection.challenge()
        assert [connection.send(challenge=challenge, count=count).status for count in (3, 1, 2)] == [201, 201, 201]
        again = connection.send(challenge=challenge, count=1)
    assert again.status == 401
    assert not again.stale
    assert jetty.stats().nonce_counts == {challenge["nonce"]: [3, 1, 2, 1]}


def test_jetty_takes_fifty_counts_at_once(jetty: JettyServer) -> None:
    with connected(jetty) as connection:
        challenge = connection.challenge()
    # longer than a busy machine takes to send them all
    jetty.set_delay_ms(3000)
    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(lambda count: _create(jetty, challenge, count), range(1, 51)))
    assert statuses == [201] * 50
    stats = jetty.stats()
    assert stats.max_in_flight == 50
    assert stats.created == 50
    assert sorted(stats.nonce_counts[challenge["nonce"]]) == list(range(1, 51))


def test_jetty_delays_refusals_too(jetty: JettyServer) -> None:
    jetty.set_delay_ms(200)
    begin = time.monotonic()
    with connected(jetty) as connection:
        connection.challenge()
    assert time.monotonic() - begin >= 0.2


def test_jetty_forgets_nonces_on_an_open_connection(jetty: JettyServer) -> None:
    with connected(jetty) as connection:
        challenge = connection.challenge()
        jetty.forget_nonces()
        reply = connection.send(challenge=challenge)
        assert reply.status == 401
        assert reply.stale
        assert connection.send(challenge=reply.challenge).status == 201
    assert jetty.stats().connections == 1


def test_jetty_retires_nonces_by_age_and_by_count(jetty: JettyServer) -> None:
    del jetty  # Only for its skip.
    with JettyServer(max_nonce_age_ms=400, max_nonce_count=3) as server, connected(server) as connection:
        challenge = connection.challenge()
        statuses = [connection.send(challenge=challenge, count=count).status for count in (1, 2, 3)]
        assert statuses == [201, 201, 401]
        challenge = connection.challenge()
        assert connection.send(challenge=challenge).status == 201
        time.sleep(0.5)
        reply = connection.send(challenge=challenge, count=2)
        assert reply.status == 401
        assert reply.stale


def test_jetty_quits_when_told(jetty: JettyServer) -> None:
    del jetty  # Only for its skip.
    with JettyServer() as server:
        with pytest.raises(ServerError):
            server._control("GET", "/quit")
        assert server._process is not None
        server._process.wait(5)


# Apache


def test_apache_takes_any_order(apache: ApacheServer) -> None:
    with connected(apache) as connection:
        challenge = connection.challenge()
        counts = [3, 1, 2, 1]
        assert [connection.send(challenge=challenge, count=count).status for count in counts] == [201] * 4
    assert apache.stats().nonce_counts == {challenge["nonce"]: counts}


@pytest.mark.parametrize("late", [1, 2])
def test_strict_apache_refuses_a_count_that_does_not_rise(apache_strict: ApacheServer, late: int) -> None:
    with connected(apache_strict) as connection:
        challenge = connection.challenge()
        assert [connection.send(challenge=challenge, count=count).status for count in (1, 2)] == [201, 201]
        refused = connection.send(challenge=challenge, count=late)
        assert refused.status == 401
        assert not refused.stale
        fresh = refused.challenge
        assert [connection.send(challenge=fresh, count=count).status for count in (1, 2)] == [201, 201]
    stats = apache_strict.stats()
    assert stats.created == 4
    assert stats.nonce_counts == {challenge["nonce"]: [1, 2, late], fresh["nonce"]: [1, 2]}


def test_strict_apache_takes_a_gap_only_since_its_rewrite(apache_strict: ApacheServer) -> None:
    with connected(apache_strict) as connection:
        challenge = connection.challenge()
        assert connection.send(challenge=challenge, count=1).status == 201
        skipping = connection.send(challenge=challenge, count=3)
    version = re.match(r"Apache/(\d+)\.(\d+)\.(\d+)", skipping.headers["Server"])
    assert version is not None
    if tuple(map(int, version.groups())) >= (2, 4, 69):
        assert skipping.status == 201
    else:
        assert skipping.status == 401
        assert not skipping.stale


def test_strict_apache_counts_across_connections(apache_strict: ApacheServer) -> None:
    with connected(apache_strict) as connection:
        challenge = connection.challenge()
    assert [_create(apache_strict, challenge, count) for count in range(1, 33)] == [201] * 32


def test_apache_with_nonces_for_one_request_names_the_next(apache: ApacheServer) -> None:
    del apache  # Only for its skip.
    with ApacheServer(lifetime=0) as server, connected(server) as connection:
        challenge = connection.challenge()
        first = connection.send(challenge=challenge)
        assert first.status == 201
        following = challenge | {"nonce": _parameters(first.headers["Authentication-Info"])["nextnonce"]}
        assert following != challenge
        assert connection.send(challenge=following).status == 201
        assert connection.send(challenge=challenge, count=2).status == 401


def test_apache_sees_requests_side_by_side(apache: ApacheServer) -> None:
    with connected(apache) as connection:
        challenge = connection.challenge()
    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(lambda count: _create(apache, challenge, count), range(1, 201)))
    assert statuses == [201] * 200
    stats = apache.stats()
    assert stats.created == 200
    assert 1 < stats.max_in_flight <= 32


# Around them


def test_available_names_the_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_args, **_options: None)
    assert JettyServer.available() == "Debian package default-jdk-headless is missing"
    assert ApacheServer.available() == "Debian package apache2 is missing"
    with pytest.raises(ServerError, match="default-jdk-headless"):
        JettyServer().start()


@BOTH
def test_a_failed_start_says_why(name: str, request: pytest.FixtureRequest) -> None:
    running = _server(name, request)
    port = urlsplit(running.base_url).port
    assert port is not None
    second = type(running)()
    with pytest.raises(ServerError, match=r"[Bb]ind"):
        second._spawn(port)
    with pytest.raises(ServerError, match="not running"):
        _ = second.base_url


@BOTH
def test_nothing_outlives_killed_tests(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    kind = type(_server(name, request)).__name__
    program = f"import servers, time; s = servers.{kind}(); s.start(); print(s.base_url, flush=True); time.sleep(60)"
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parent)}
    tmp_path.chmod(0o755)
    tests = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert tests.stdout is not None
    with tests.stdout:
        address = urlsplit(tests.stdout.readline().strip())
        descendants = _descendants(tests.pid)
        assert descendants
        tests.send_signal(signal.SIGKILL)
        tests.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(map(_runs, descendants)):
        time.sleep(0.05)
    assert not any(map(_runs, descendants))
    assert not list(tmp_path.iterdir())
    assert address.hostname is not None
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(address.hostname, address.port).connect()


def _create(server: DigestServer, challenge: dict[str, str], count: int) -> int:
    with connected(server) as connection:
        return connection.send(challenge=challenge, count=count).status


def _descendants(pid: int) -> list[int]:
    children = [
        int(child) for tasks in Path(f"/proc/{pid}/task").glob("*/children") for child in tasks.read_text().split()
    ]
    return children + [grandchild for child in children for grandchild in _descendants(child)]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
