"""What goes over the wire, and by which way: TLS, proxies, limits, connections; and what the package leaves alone."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gc
import gzip
import json
import logging
import re
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from local_servers import Proxy, RawAtlas, Received, TlsFront, reply
from support import GROUP_ID, INSTANCE, Caller, HasKey

from atlas_privatelink import (
    ApiError,
    AsyncClient,
    AtlasError,
    Client,
    NotSent,
    ServerlessEndpoint,
    Timeout,
    UnexpectedResponse,
    __version__,
)
from atlas_privatelink.testing import AtlasEmulator

JSON = "content-type: application/json"
CHALLENGE = 'www-authenticate: Digest realm="MMS Public API", domain="", nonce="abc", algorithm=MD5, qop="auth"'
NAME = "atlas.test"
"""Resolves nowhere: only a proxy gets there."""
H2, HTTP1 = "h2", "http/1.1"


def list_endpoints(call: Caller, server: HasKey, **options: Any) -> Any:
    return call(server, "list_endpoints", GROUP_ID, INSTANCE, options={"timeout": 20.0, **options})


def refusal(call: Caller, server: HasKey, **options: Any) -> NotSent:
    """The error of a call that cannot be sent; retries are allowed, and not one of them was made."""
    with pytest.raises(NotSent) as caught:
        list_endpoints(call, server, **options)
    response = caught.value.response
    assert response is not None
    assert (response.attempts, response.requests, response.status_code) == (1, 1, None)
    with pytest.raises(NotSent, match="nothing was created"):
        call.create(server, options=options)
    return caught.value


def eventually(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


# --- TLS -------------------------------------------------------------------------------------------------------------


class Authority:
    """A private CA, its certificate in a file, and servers that bear its signature."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.pem = self._ca.cert_pem.bytes()
        self.file = folder / "ca.pem"
        self.file.write_bytes(self.pem)

    def context(self, *names: str, protocols: tuple[str, ...] = (H2, HTTP1), expired: bool = False) -> ssl.SSLContext:
        ended = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
        names = names or ("127.0.0.1", "localhost", NAME)
        certificate = self._ca.issue_cert(*names, not_after=ended) if expired else self._ca.issue_cert(*names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA that signed nothing here."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture
def front(atlas: AtlasEmulator, authority: Authority) -> Iterator[TlsFront]:
    """TLS in front of the local Atlas."""
    with TlsFront(atlas.base_url, authority.context()) as front:
        yield front


def hashed_folder(authority: Authority, folder: Path) -> Path:
    """As `openssl rehash` makes it."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(authority.file)]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    folder.mkdir()
    (folder / f"{name}.0").symlink_to(authority.file)
    (folder / "README").write_text("not a certificate")
    (folder / "gone.0").symlink_to("/no/such")
    return folder


@pytest.mark.parametrize(
    "source", ["ca_file", "ca_file as text", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"]
)
def test_a_private_authority(
    call: Caller,
    *,
    atlas: AtlasEmulator,
    front: TlsFront,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    options: dict[str, Any] = {}
    if source == "SSL_CERT_DIR":
        monkeypatch.setenv(source, str(hashed_folder(authority, tmp_path / "certificates")))
    elif source == "ca_file":
        options["ca_file"] = authority.file
    elif source == "ca_file as text":
        options["ca_file"] = str(authority.file)
    else:
        monkeypatch.setenv(source, str(authority.file))
    assert list_endpoints(call, atlas, base_url=front.base_url, **options) == []
    assert atlas.stats().connections == 1


def test_the_argument_decides(
    call: Caller,
    *,
    atlas: AtlasEmulator,
    front: TlsFront,
    authority: Authority,
    stranger: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(stranger.file))
    assert list_endpoints(call, atlas, base_url=front.base_url, ca_file=authority.file) == []
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(authority.file))
    refusal(call, atlas, base_url=front.base_url, ca_file=stranger.file)


@pytest.mark.parametrize("source", ["ca_file", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_broken_certificate_beside_good_ones_is_left_out(
    call: Caller,
    *,
    atlas: AtlasEmulator,
    front: TlsFront,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(b"# a comment\n" + broken + authority.pem + broken)
    options: dict[str, Any] = {"ca_file": bundle} if source == "ca_file" else {}
    if not options:
        monkeypatch.setenv(source, str(bundle))
    assert list_endpoints(call, atlas, base_url=front.base_url, **options) == []


@pytest.mark.parametrize("source", ["the system", "ca_file", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_an_unknown_authority_is_not_trusted(
    call: Caller,
    *,
    atlas: AtlasEmulator,
    front: TlsFront,
    stranger: Authority,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    options: dict[str, Any] = {"ca_file": stranger.file} if source == "ca_file" else {}
    if source.isupper():
        monkeypatch.setenv(source, str(stranger.file))
    error = refusal(call, atlas, base_url=front.base_url, **options)
    assert "certificate" in str(error) and "UnknownIssuer" in str(error)
    assert atlas.stats().requests == 0


def test_a_certificate_of_another_name(call: Caller, atlas: AtlasEmulator, authority: Authority) -> None:
    with TlsFront(atlas.base_url, authority.context("elsewhere.test")) as front:
        error = refusal(call, atlas, base_url=front.base_url, ca_file=authority.file)
    assert "certificate not valid for name" in str(error) and "elsewhere.test" in str(error)
    assert atlas.stats().requests == 0


def test_a_certificate_of_yesterday(call: Caller, atlas: AtlasEmulator, authority: Authority) -> None:
    with TlsFront(atlas.base_url, authority.context(expired=True)) as front:
        error = refusal(call, atlas, base_url=front.base_url, ca_file=authority.file)
    assert "certificate expired" in str(error)
    assert atlas.stats().requests == 0


def test_a_server_that_speaks_no_tls(call: Caller, authority: Authority) -> None:
    with RawAtlas(b"220 mail.example ESMTP\r\n") as server:
        server_url = server.base_url.replace("http:", "https:")

        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail.example ESMTP\r\n")
            await reader.read()

        server.handle = greet  # type: ignore[method-assign]
        error = refusal(call, server, base_url=server_url, ca_file=authority.file)
    assert "no connection" in str(error)


# --- HTTP/2 and HTTP/1.1 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "version"),
    [
        ((H2, HTTP1), "HTTP/2.0"),
        ((HTTP1, H2), "HTTP/1.1"),
        ((H2,), "HTTP/2.0"),
        ((HTTP1,), "HTTP/1.1"),
        ((), "HTTP/1.1"),
    ],
    ids=["both", "both-http1-first", "h2", "http1", "none"],
)
def test_the_version_is_agreed_on(
    call: Caller, atlas: AtlasEmulator, authority: Authority, offered: tuple[str, ...], version: str
) -> None:
    with TlsFront(atlas.base_url, authority.context(protocols=offered)) as front:
        made = call.create(atlas, options={"base_url": front.base_url, "ca_file": authority.file}, comment="mine")
    assert made.response is not None and made.response.http_version == version
    assert front.protocols == [{"HTTP/2.0": H2, "HTTP/1.1": HTTP1 if offered else None}[version]]


@pytest.mark.parametrize("protocol", [H2, HTTP1])
def test_many_at_once_over_tls(atlas: AtlasEmulator, authority: Authority, protocol: str) -> None:
    count = 40

    async def main(base_url: str) -> list[ServerlessEndpoint]:
        options: Any = {"base_url": base_url, "ca_file": authority.file}
        async with AsyncClient(atlas.public_key, atlas.private_key, **options) as client:
            await client.list_endpoints(GROUP_ID, INSTANCE)
            atlas.fault("delay", method="POST", times=None, seconds=1)
            made = [client.create_endpoint(GROUP_ID, INSTANCE, comment=f"mine {i}") for i in range(count)]
            return await asyncio.gather(*made)

    with TlsFront(atlas.base_url, authority.context(protocols=(protocol,))) as front:
        made = asyncio.run(main(front.base_url))
        assert set(front.protocols) == {protocol}
    assert {endpoint.comment for endpoint in made} == {f"mine {i}" for i in range(count)}
    assert atlas.stats().endpoints_made == count
    assert atlas.stats().max_in_flight > count // 2
    # one connection carries them all, or one each
    assert front.connections == 1 if protocol == H2 else count // 2 < front.connections <= count + 1


# --- proxies ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def tunnel(front: TlsFront) -> Iterator[Proxy]:
    """A proxy that leads to the local Atlas behind TLS."""
    with Proxy(front.base_url) as proxy:
        yield proxy


@pytest.fixture
def forwarder(atlas: AtlasEmulator) -> Iterator[Proxy]:
    """A proxy that leads to the local Atlas."""
    with Proxy(atlas.base_url) as proxy:
        yield proxy


@pytest.mark.parametrize("source", ["proxy", "HTTPS_PROXY", "https_proxy"])
def test_a_proxy_for_https(
    call: Caller,
    *,
    atlas: AtlasEmulator,
    tunnel: Proxy,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    options: dict[str, Any] = {"base_url": f"https://{NAME}", "ca_file": authority.file}
    if source == "proxy":
        options["proxy"] = tunnel.base_url
    else:
        monkeypatch.setenv(source, tunnel.base_url)
    made = call.create(atlas, options=options)
    assert made.response is not None and made.response.url.startswith(f"https://{NAME}/api/atlas/")
    assert [(request.method, request.target) for request in tunnel.requests] == [("CONNECT", f"{NAME}:443")]
    assert "authorization" not in tunnel.requests[0].headers
    assert "proxy-authorization" not in tunnel.requests[0].headers
    assert atlas.stats().endpoints_made == 1


@pytest.mark.parametrize("source", ["proxy", "HTTP_PROXY", "http_proxy"])
def test_a_proxy_for_http(
    call: Caller, atlas: AtlasEmulator, forwarder: Proxy, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    options: dict[str, Any] = {"base_url": f"http://{NAME}", "allow_insecure": True}
    if source == "proxy":
        options["proxy"] = forwarder.base_url
    else:
        monkeypatch.setenv(source, forwarder.base_url)
    call.create(atlas, options=options)
    assert {request.target.split("/api/")[0] for request in forwarder.requests} == {f"http://{NAME}"}
    assert atlas.stats().endpoints_made == 1


@pytest.mark.parametrize("way", ["tunnel", "forward"])
def test_a_proxy_with_a_password(
    call: Caller, *, atlas: AtlasEmulator, tunnel: Proxy, forwarder: Proxy, authority: Authority, way: str
) -> None:
    proxy, scheme = (tunnel, "https") if way == "tunnel" else (forwarder, "http")
    options: dict[str, Any] = {"base_url": f"{scheme}://{NAME}", "ca_file": authority.file, "allow_insecure": True}
    url = proxy.base_url.replace("//", "//user:hush5ecret@")
    assert list_endpoints(call, atlas, **options, proxy=url) == []
    # base64 of user:hush5ecret
    assert {request.headers["proxy-authorization"] for request in proxy.requests} == {"Basic dXNlcjpodXNoNWVjcmV0"}
    for request in atlas.requests():
        assert "proxy-authorization" not in request.headers or way == "forward"


def test_the_proxy_argument_is_for_loopback_too(call: Caller, atlas: AtlasEmulator, forwarder: Proxy) -> None:
    assert list_endpoints(call, atlas, proxy=forwarder.base_url) == []
    assert len(forwarder.requests) == atlas.stats().requests > 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_not_proxied_by_the_environment(
    call: Caller, atlas: AtlasEmulator, forwarder: Proxy, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, forwarder.base_url)
    assert list_endpoints(call, atlas, base_url=f"http://{host}:{atlas.port}") == []
    assert forwarder.connections == 0


@pytest.mark.skipif(sys.platform == "win32", reason="0.0.0.0 does not lead to this machine there")
@pytest.mark.parametrize(
    ("no_proxy", "proxied"), [(None, True), ("", True), ("other.example", True), ("x,0.0.0.0", False)]
)
def test_no_proxy(
    call: Caller,
    *,
    atlas: AtlasEmulator,
    forwarder: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    no_proxy: str | None,
    proxied: bool,
) -> None:
    """0.0.0.0 is an address that leads to this machine without being its loopback."""
    monkeypatch.setenv("HTTP_PROXY", forwarder.base_url)
    if no_proxy is not None:
        monkeypatch.setenv("NO_PROXY", no_proxy)
    assert list_endpoints(call, atlas, base_url=f"http://0.0.0.0:{atlas.port}", allow_insecure=True) == []
    assert (forwarder.connections > 0) is proxied


@pytest.mark.parametrize("no_proxy", [NAME, f".{NAME}", "test", "*"])
def test_no_proxy_by_name(
    call: Caller, atlas: AtlasEmulator, forwarder: Proxy, monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", forwarder.base_url)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    with pytest.raises((NotSent, Timeout)):
        list_endpoints(call, atlas, base_url=f"https://{NAME}", timeout=5.0, max_retries=0)
    assert forwarder.connections == 0


REFUSALS = {
    "407": (reply(407, "no", 'proxy-authenticate: Basic realm="gate"'), "proxy authorization required"),
    "403": (reply(403, "<html>no</html>"), "unsuccessful"),
    "502": (reply(502, "no"), "unsuccessful"),
    "not-http": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "unsuccessful"),
}


@pytest.mark.parametrize("answer", list(REFUSALS))
@pytest.mark.parametrize("source", ["proxy", "HTTPS_PROXY"])
def test_a_proxy_that_refuses(
    call: Caller, atlas: AtlasEmulator, monkeypatch: pytest.MonkeyPatch, source: str, answer: str
) -> None:
    refused, words = REFUSALS[answer]
    options: dict[str, Any] = {"base_url": f"https://{NAME}"}
    with Proxy(atlas.base_url, refusal=refused) as proxy:
        url = proxy.base_url.replace("//", "//user:hush5ecret@")
        if source == "proxy":
            options["proxy"] = url
        else:
            monkeypatch.setenv(source, url)
        error = refusal(call, atlas, **options)
    assert re.search(f"no connection through the proxy: .*{words}", str(error))
    assert "hush5ecret" not in repr(error) + repr(vars(error))
    assert atlas.stats().requests == 0


@pytest.mark.parametrize("source", ["proxy", "HTTPS_PROXY"])
def test_a_proxy_that_is_not_there(
    call: Caller, atlas: AtlasEmulator, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://user:hush5ecret@127.0.0.1:{unused.getsockname()[1]}"
        options: dict[str, Any] = {"base_url": f"https://{NAME}"}
        if source == "proxy":
            options["proxy"] = url
        else:
            monkeypatch.setenv(source, url)
        error = refusal(call, atlas, **options)
    assert re.search("no connection through the proxy: .*refused", str(error))
    assert "hush5ecret" not in repr(error) + repr(vars(error))


# --- what is sent and what is read -----------------------------------------------------------------------------------


def challenged(answer: Callable[[Received], bytes]) -> Callable[[Received], bytes]:
    """The answer to whoever answers the challenge."""

    def challenge_first(request: Received) -> bytes:
        return answer(request) if "authorization" in request.headers else reply(401, "{}", JSON, CHALLENGE)

    return challenge_first


@pytest.mark.parametrize("version", ["v1.0", "v2"])
def test_the_headers(call: Caller, version: str) -> None:
    made = reply(201, json.dumps({"_id": GROUP_ID, "status": "RESERVATION_REQUESTED"}), JSON)
    with RawAtlas(challenged(lambda request: made)) as server:
        call.create(server, options={"api_version": version}, comment="mine")
    probe, request = server.requests
    media_type = {"v1.0": "application/json", "v2": "application/vnd.atlas.2023-01-01+json"}[version]
    assert (probe.method, probe.body, request.method) == ("GET", b"", "POST")
    assert probe.target == request.target
    assert request.headers["user-agent"] == f"atlas-privatelink/{__version__}"
    assert request.headers["accept"] == request.headers["content-type"] == media_type
    assert request.headers["accept-encoding"] == "gzip"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert set(request.headers) == {
        *("accept", "accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent")
    }
    assert json.loads(request.body) == {"comment": "mine"}


def test_a_path_before_the_api_is_kept_and_signed(call: Caller) -> None:
    with RawAtlas(challenged(lambda request: reply(200, "[]", JSON))) as server:
        assert list_endpoints(call, server, base_url=f"{server.base_url}/gate/atlas/") == []
    signed = server.requests[-1]
    assert signed.target.startswith("/gate/atlas/api/atlas/v1.0/groups/")
    assert f'uri="{signed.target}"' in signed.headers["authorization"]


def test_gzip_is_decoded(call: Caller) -> None:
    listed = [{"_id": GROUP_ID, "status": "AVAILABLE", "comment": "ä" * 70}] * 500
    body = gzip.compress(json.dumps(listed).encode())
    with RawAtlas(challenged(lambda request: reply(200, body, JSON, "content-encoding: gzip"))) as server:
        endpoints = list_endpoints(call, server)
    assert server.requests[-1].headers["accept-encoding"] == "gzip"
    assert len(endpoints) == 500 and endpoints[-1].comment == "ä" * 70


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_an_answer_without_end_is_not_read_to_its_end(call: Caller, coding: str) -> None:
    body = b"[" + b" " * 100_000_000 + b"]"
    headers = [JSON, *(["content-encoding: gzip"] if coding == "gzip" else [])]
    answer = reply(200, gzip.compress(body, 1) if coding == "gzip" else body, *headers)
    with (
        RawAtlas(challenged(lambda request: answer)) as server,
        pytest.raises(UnexpectedResponse, match="larger than 16777216 bytes") as caught,
    ):
        list_endpoints(call, server)
    assert caught.value.response is not None and caught.value.response.attempts == 1


def test_an_error_without_end_is_an_error_all_the_same(call: Caller) -> None:
    answer = reply(400, b"x" * 50_000_000, "x-error-code: BAD_NEWS")
    with RawAtlas(challenged(lambda request: answer)) as server, pytest.raises(ApiError, match="BAD_NEWS") as caught:
        list_endpoints(call, server)
    assert caught.value.status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(call: Caller, atlas: AtlasEmulator, method: str, status: int) -> None:
    with RawAtlas(reply(200, "[]", JSON)) as elsewhere:
        location = f"{elsewhere.base_url}/api/atlas/v1.0/x"
        atlas.fault("redirect", method=method, authenticated=True, location=location, status=status)
        with pytest.raises(ApiError, match=f"redirects are not followed.*{re.escape(location)}") as caught:
            list_endpoints(call, atlas) if method == "GET" else call.create(atlas)
    assert caught.value.status_code == status
    assert elsewhere.connections == 0
    assert atlas.stats().endpoints_made == 0


def test_cookies_are_not_kept_and_secrets_not_shown(call: Caller) -> None:
    secret = ["set-cookie: session=hush5ecret", 'authentication-info: nextnonce="hush5ecret", rspauth="hush5ecret"']
    made = reply(201, json.dumps({"_id": GROUP_ID, "status": "RESERVED"}), JSON, *secret, "x-java-method: M")
    with RawAtlas(challenged(lambda request: made if request.method == "POST" else reply(200, "[]", JSON))) as server:
        endpoint = call.create(server, comment="mine", if_exists="adopt")
    assert [request.method for request in server.requests] == ["GET", "GET", "POST"]
    assert not any("cookie" in request.headers for request in server.requests)
    assert endpoint.response is not None and endpoint.response.headers["x-java-method"] == "M"
    assert "hush5ecret" not in repr(dict(endpoint.response.headers))


# --- limits ----------------------------------------------------------------------------------------------------------


def test_the_time_limit_includes_the_body(call: Caller, atlas: AtlasEmulator) -> None:
    made = call.create(atlas)
    atlas.fault("trickle", interval=0.5, authenticated=True)
    begun = time.monotonic()
    with pytest.raises(Timeout, match=r"no answer within 0\.6 s"):
        call(atlas, "get_endpoint", GROUP_ID, INSTANCE, made.id, options={"timeout": 0.6})
    # the whole body would take minutes
    assert 0.5 < time.monotonic() - begun < 15


def test_the_time_limit_includes_waiting_for_a_connection(atlas: AtlasEmulator) -> None:
    atlas.fault("delay", times=None, seconds=30)

    async def main() -> None:
        options: Any = {"base_url": atlas.base_url, "max_connections": 1}
        async with AsyncClient(atlas.public_key, atlas.private_key, **options) as client:
            holder = asyncio.ensure_future(client.list_endpoints(GROUP_ID, INSTANCE))
            assert await asyncio.to_thread(eventually, lambda: atlas.stats().requests == 1)
            for method in (
                client.with_options(timeout=0.2).list_endpoints,
                client.with_options(timeout=0.2).create_endpoint,
            ):
                with pytest.raises(Timeout, match=r"no answer within 0\.\d+ s: no connection came free"):
                    await method(GROUP_ID, INSTANCE)
            holder.cancel()

    asyncio.run(main())
    assert atlas.stats().requests == 1


@pytest.mark.parametrize("way", ["http1", "h2"])
def test_max_connections_bounds_the_requests_in_flight(
    atlas: AtlasEmulator, front: TlsFront, authority: Authority, way: str
) -> None:
    atlas.fault("delay", times=None, seconds=0.05)
    base_url = front.base_url if way == "h2" else atlas.base_url

    async def main() -> None:
        options: Any = {"base_url": base_url, "ca_file": authority.file, "max_connections": 3}
        async with AsyncClient(atlas.public_key, atlas.private_key, **options) as client:
            await asyncio.gather(*[client.list_endpoints(GROUP_ID, INSTANCE) for _ in range(20)])

    asyncio.run(main())
    assert 2 <= atlas.stats().max_in_flight <= 3
    assert atlas.stats().connections <= 3


def test_max_connections_bounds_threads_too(atlas: AtlasEmulator) -> None:
    atlas.fault("delay", times=None, seconds=0.05)
    failed: list[Exception] = []
    options: Any = {"base_url": atlas.base_url, "max_connections": 2}
    with Client(atlas.public_key, atlas.private_key, **options) as client:

        def work() -> None:
            try:
                client.list_endpoints(GROUP_ID, INSTANCE)
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failed
    assert atlas.stats().max_in_flight <= 2
    assert atlas.stats().answers[("GET", 200)] == 8


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port where connecting takes for ever: its queue is full."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        probe = stack.enter_context(socket.socket())
        probe.settimeout(0.5)
        try:
            probe.connect(listening.getsockname())
        except TimeoutError:
            pass
        else:
            pytest.skip("this system has no end of a queue")
        yield listening.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_limit_for_connecting(call: Caller, atlas: AtlasEmulator, black_hole: int, scheme: str) -> None:
    options = {"base_url": f"{scheme}://127.0.0.1:{black_hole}", "connect_timeout": 0.2, "max_retries": 0}
    begun = time.monotonic()
    error = refusal(call, atlas, **options)
    assert "no connection" in str(error)
    assert time.monotonic() - begun < 15


def test_connecting_is_tried_again(call: Caller, atlas: AtlasEmulator, black_hole: int) -> None:
    options = {"base_url": f"http://127.0.0.1:{black_hole}", "connect_timeout": 0.1, "max_retries": 1}
    with pytest.raises(NotSent) as caught:
        list_endpoints(call, atlas, **options)
    assert caught.value.response is not None and caught.value.response.attempts == 2


def test_the_time_limit_ends_connecting(call: Caller, atlas: AtlasEmulator, black_hole: int) -> None:
    with pytest.raises(Timeout, match="nothing was created"):
        call.create(atlas, options={"base_url": f"http://127.0.0.1:{black_hole}", "timeout": 0.4})


# --- connections -----------------------------------------------------------------------------------------------------


def test_one_connection_serves_calls_in_turn(call: Caller) -> None:
    answers = iter([reply(200, "[]", JSON), reply(404, "{}", JSON), reply(200, "[]", JSON), reply(400, "<p>", "x: y")])
    with RawAtlas(challenged(lambda request: next(answers))) as server:

        async def main() -> None:
            async with AsyncClient(server.public_key, server.private_key, base_url=server.base_url) as client:
                for _ in range(4):
                    with contextlib.suppress(ApiError):
                        await client.list_endpoints(GROUP_ID, INSTANCE)

        def blocking() -> None:
            with Client(server.public_key, server.private_key, base_url=server.base_url) as client:
                for _ in range(4):
                    with contextlib.suppress(ApiError):
                        client.list_endpoints(GROUP_ID, INSTANCE)

        asyncio.run(main()) if call.kind == "async" else blocking()
        assert len(server.requests) == 5
        assert server.connections == 1


def test_a_connection_that_the_server_closed_is_not_used_again(call: Caller) -> None:
    with RawAtlas(reply(200, "[]", JSON, "x-note: connection: close")) as server:

        async def main() -> None:
            async with AsyncClient(server.public_key, server.private_key, base_url=server.base_url) as client:
                for _ in range(3):
                    found = await client.list_endpoints(GROUP_ID, INSTANCE)
                    assert found == []
                    assert eventually(lambda: server.open_connections == 0)

        def blocking() -> None:
            with Client(server.public_key, server.private_key, base_url=server.base_url) as client:
                for _ in range(3):
                    assert client.list_endpoints(GROUP_ID, INSTANCE) == []
                    assert eventually(lambda: server.open_connections == 0)

        asyncio.run(main()) if call.kind == "async" else blocking()
        assert server.connections == 3


@pytest.mark.parametrize("end", ["close", "garbage collection"])
@pytest.mark.parametrize("way", ["http1", "h2"])
def test_connections_end_with_the_client(
    call: Caller, atlas: AtlasEmulator, authority: Authority, end: str, way: str
) -> None:
    protocol = (H2,) if way == "h2" else (HTTP1,)
    with TlsFront(atlas.base_url, authority.context(protocols=protocol)) as front:
        settings: dict[str, Any] = {
            "public_key": atlas.public_key,
            "private_key": atlas.private_key,
            "base_url": front.base_url,
            "ca_file": authority.file,
        }

        async def main() -> None:
            client = AsyncClient(**settings)
            await client.list_endpoints(GROUP_ID, INSTANCE)
            assert front.open_connections == 1
            if end == "close":
                await client.aclose()
                assert eventually(lambda: front.open_connections == 0)

        def blocking() -> None:
            client = Client(**settings)
            client.list_endpoints(GROUP_ID, INSTANCE)
            assert front.open_connections == 1
            if end == "close":
                client.close()
                assert eventually(lambda: front.open_connections == 0)

        asyncio.run(main()) if call.kind == "async" else blocking()
        gc.collect()
        assert eventually(lambda: front.open_connections == 0)


def test_a_client_with_other_limits_shares_the_connection(call: Caller) -> None:
    with RawAtlas(challenged(lambda request: reply(200, "[]", JSON))) as server:

        async def main() -> None:
            async with AsyncClient(server.public_key, server.private_key, base_url=server.base_url) as client:
                await client.list_endpoints(GROUP_ID, INSTANCE)
                await client.with_options(timeout=5).list_endpoints(GROUP_ID, INSTANCE)

        def blocking() -> None:
            with Client(server.public_key, server.private_key, base_url=server.base_url) as client:
                client.list_endpoints(GROUP_ID, INSTANCE)
                client.with_options(timeout=5).list_endpoints(GROUP_ID, INSTANCE)

        asyncio.run(main()) if call.kind == "async" else blocking()
        assert server.connections == 1
        assert len(server.requests) == 3


# --- what the package leaves alone -----------------------------------------------------------------------------------


def isolated(program: str) -> Any:
    """The JSON that a program prints which is run without the environment's and the user's additions."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_importing_has_no_side_effects() -> None:
    found = isolated(
        """
        import json, os, sys, threading

        def around():
            kernel = "/proc/self/"
            if not os.path.isdir(kernel):
                return [threading.active_count()]
            return [sorted(os.listdir(kernel + "fd")), len(os.listdir(kernel + "task")), threading.active_count()]

        modules, before = set(sys.modules), around()
        import atlas_privatelink
        imported = set(sys.modules) - modules
        after = around()
        clients = [kind("public", "private") for kind in (atlas_privatelink.AsyncClient, atlas_privatelink.Client)]
        configured = around()
        own = {"atlas_privatelink"}
        print(json.dumps({
            "before": before, "after": after, "configured": configured,
            "asyncio": "asyncio" in imported,
            "foreign": sorted(name for name in imported
                              if name.partition(".")[0] not in {*sys.stdlib_module_names, *own}),
        }))
        """
    )
    assert found["after"] == found["before"]
    assert found["configured"] == found["before"]
    assert not found["asyncio"]
    assert found["foreign"] == []


def test_no_representation_shows_the_key(call: Caller, atlas: AtlasEmulator) -> None:
    for client_class in (AsyncClient, Client):
        client = client_class(atlas.public_key, atlas.private_key, base_url=atlas.base_url)
        twin = client.with_options(timeout=1)
        for thing in (client, twin, client._core):
            for text in (repr(thing), str(thing), f"{thing}"):
                assert atlas.private_key not in text
        assert atlas.public_key in repr(client) and atlas.base_url in repr(twin)
    endpoint = call.create(atlas)
    assert atlas.private_key not in repr(endpoint) + repr(endpoint.response) + repr(dict(endpoint.response.headers))


def test_log_lines(call: Caller, atlas: AtlasEmulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    call.create(atlas, comment="mine")
    with pytest.raises(ApiError):
        call(atlas, "get_endpoint", GROUP_ID, INSTANCE, "0" * 24)
    with pytest.raises(ApiError):
        list_endpoints(call, atlas, private_key="hush5ecret")
    with pytest.raises(AtlasError):  # nothing is exchanged
        call(atlas, "list_endpoints", GROUP_ID, "", options={"private_key": "hush5ecret"})
    lines = [record.getMessage() for record in caplog.records if record.name == "atlas_privatelink"]
    assert len(lines) == 3
    url = re.escape(f"{atlas.base_url}/api/atlas/v1.0/groups/{GROUP_ID}/")
    assert re.match(rf"create_endpoint: ok \(POST {url}\S+, HTTP 201, attempts: 1, requests: 2, [0-9.]+ s\)$", lines[0])
    assert re.match(rf"get_endpoint: NotFound \(GET {url}\S+, HTTP 404, ", lines[1])
    assert re.match(rf"list_endpoints: AuthenticationError \(GET {url}\S+, HTTP 401, ", lines[2])
    for record in caplog.records:
        text = record.getMessage() + repr(record.args)
        assert not any(word in text for word in (atlas.private_key, "hush5ecret", "nonce", "response="))


def test_nothing_is_logged_unasked(
    call: Caller, atlas: AtlasEmulator, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    call.create(atlas)
    with pytest.raises(ApiError):
        call(atlas, "get_endpoint", GROUP_ID, INSTANCE, "0" * 24)
    assert [record for record in caplog.records if record.name != "asyncio"] == []
    assert capfd.readouterr() == ("", "")
