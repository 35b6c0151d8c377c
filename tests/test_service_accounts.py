"""Service accounts and access tokens: one token for all who need one, and no creation lost or doubled on its way."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
import pickle
import re
import threading
import time
import traceback
import uuid
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from local_servers import RawAtlas, Received, read_request, reply
from support import GROUP_ID, INSTANCE, Caller
from test_fork import in_child

from atlas_privatelink import (
    AsyncClient,
    AtlasError,
    AuthenticationError,
    Client,
    ConfigurationError,
    NotSent,
    PermissionDenied,
    RateLimited,
    ServerError,
    Timeout,
    UnexpectedResponse,
)

JSON = "content-type: application/json"
TOKEN, REVOKE = "/api/oauth/token", "/api/oauth/revoke"
RESET = None
"""Instead of an answer: the connection is closed without one."""


class Authority(RawAtlas):
    """Atlas with a token endpoint, and nothing but endpoints of one instance behind it."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.client_id = "mdb_sa_id_0123456789abcdef01234567"
        # of its own: the process keeps tokens by account and URL, and ports come back
        self.client_secret = f"mdb_sa_sk_{uuid.uuid4().hex}"
        self.issued: list[str] = []
        self.valid: set[str] = set()
        self.expires_in: float | None = 3600
        self.delay = 0.0
        """Seconds that the token endpoint takes."""
        self.faults: list[bytes | None] = []
        """What the token endpoint answers first, once each."""
        self.api_faults: list[bytes | None] = []
        """What the API does to requests with a good token, after executing them."""
        self.endpoints: list[dict[str, Any]] = []

    @property
    def account(self) -> dict[str, Any]:
        return {"client_id": self.client_id, "client_secret": self.client_secret, "base_url": self.base_url}

    def issue(self) -> str:
        token = f"eyJ{uuid.uuid4().hex}.{len(self.issued)}_-"
        self.issued.append(token)
        self.valid.add(token)
        return token

    def sent(self, path: str) -> list[Received]:
        """The requests to a path that contains this."""
        return [request for request in self.requests if path in request.target]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            self.requests.append(request)
            if request.target.endswith(TOKEN):
                await asyncio.sleep(self.delay)
            answer = self.respond(request)
            if answer is None:
                return
            writer.write(answer)
            await writer.drain()

    def respond(self, request: Received) -> bytes | None:
        kind, _, credentials = request.headers.get("authorization", "").partition(" ")
        if request.target.endswith((TOKEN, REVOKE)):
            form = parse_qs(request.body.decode(), strict_parsing=True)
            pair = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
            if self.faults:
                return self.faults.pop(0)
            if (kind, credentials) != ("Basic", pair):
                body = {"error": "invalid_client", "error_description": "Invalid client credentials"}
                return reply(401, json.dumps(body), JSON)
            if request.target.endswith(REVOKE):
                self.valid.discard(form["token"][0])
                return reply(200)
            assert form == {"grant_type": ["client_credentials"]}
            grant = {"access_token": self.issue(), "expires_in": self.expires_in, "token_type": "Bearer"}
            return reply(200, json.dumps(grant), JSON)
        if kind != "Bearer" or credentials not in self.valid:
            return reply(401, '{"error": 401, "detail": "You are not authorized for this resource."}', JSON)
        if request.method == "POST":
            made = {
                "_id": f"{int(time.time()):08x}{len(self.endpoints):016x}",
                "status": "RESERVATION_REQUESTED",
                "comment": json.loads(request.body).get("comment"),
            }
            self.endpoints.append(made)
            answer = reply(201, json.dumps(made), JSON)
        else:
            answer = reply(200, json.dumps(self.endpoints), JSON)
        return self.api_faults.pop(0) if self.api_faults else answer


@pytest.fixture
def server() -> Iterator[Authority]:
    with Authority() as server:
        yield server


def ask(
    call: Caller, server: Authority, method: str = "list_endpoints", *, comment: str | None = None, **kw: Any
) -> Any:
    """One call on a new client, by default with the account."""
    settings = {"public_key": None, "private_key": None, **server.account, **kw}
    arguments = {} if comment is None else {"comment": comment}
    return call(server, method, GROUP_ID, INSTANCE, options=settings, **arguments)


def with_token(token: str, **kw: Any) -> dict[str, Any]:
    return {"client_id": None, "client_secret": None, "access_token": token, **kw}


# --- one token -------------------------------------------------------------------------------------------------------


def test_many_calls_of_many_clients_fetch_one_token(server: Authority) -> None:
    server.delay = 0.3

    async def coroutines() -> None:
        async with AsyncClient(**server.account) as one, AsyncClient(**server.account) as other:
            calls = [client.create_endpoint(GROUP_ID, INSTANCE) for client in (one, other) for _ in range(15)]
            await asyncio.gather(*calls)

    with Client(**server.account) as blocking, ThreadPoolExecutor(21) as pool:
        futures: list[Any] = [pool.submit(blocking.create_endpoint, GROUP_ID, INSTANCE) for _ in range(20)]
        futures.append(pool.submit(asyncio.run, coroutines()))
        for future in futures:
            future.result()
    assert len(server.issued) == 1 and len(server.endpoints) == 50
    # neither a challenge was asked for, nor anything sent twice
    assert len(server.requests) == 51


def test_what_is_sent(call: Caller, server: Authority) -> None:
    endpoint = ask(call, server, "create_endpoint", comment="mine", base_url=f"{server.base_url}/gate")
    token, create = server.requests
    assert (token.method, token.target) == ("POST", f"/gate{TOKEN}")
    assert token.headers["content-type"] == "application/x-www-form-urlencoded"
    assert token.headers["accept"] == "application/json"
    assert (create.method, create.headers["authorization"]) == ("POST", f"Bearer {server.issued[0]}")
    assert create.headers["content-type"] == "application/json"
    assert (endpoint.response.attempts, endpoint.response.requests) == (1, 2)


def test_clients_in_turn_share_a_token(call: Caller, server: Authority) -> None:
    for _ in range(3):
        ask(call, server)
    assert len(server.issued) == 1
    with pytest.raises(AuthenticationError):
        ask(call, server, client_secret="another")
    ask(call, server)
    assert len(server.issued) == 1


def test_a_token_is_renewed_before_it_expires(call: Caller, server: Authority) -> None:
    server.expires_in = 3
    ask(call, server)
    time.sleep(2.75)
    ask(call, server)
    assert len(server.issued) == 2
    assert [request.headers["authorization"] for request in server.sent("/groups/")] == [
        f"Bearer {token}" for token in server.issued
    ]


def test_a_token_whose_life_is_not_told(call: Caller, server: Authority) -> None:
    server.expires_in = None
    for _ in range(2):
        ask(call, server)
    assert len(server.issued) == 1


def test_a_token_without_a_life_is_used_for_the_call_that_fetched_it(call: Caller, server: Authority) -> None:
    server.expires_in = 0
    for _ in range(2):
        ask(call, server)
    assert len(server.issued) == 2


# --- refused tokens --------------------------------------------------------------------------------------------------


def test_a_token_that_ends_early_is_replaced_once_and_every_creation_happens_once(server: Authority) -> None:
    async def main() -> None:
        async with AsyncClient(**server.account) as client:
            await client.list_endpoints(GROUP_ID, INSTANCE)
            server.valid.clear()
            made = await asyncio.gather(
                *[client.create_endpoint(GROUP_ID, INSTANCE, comment=f"number {n}") for n in range(20)]
            )
            assert len({endpoint.id for endpoint in made}) == 20

    asyncio.run(main())
    assert len(server.issued) == 2
    assert sorted(made["comment"] for made in server.endpoints) == sorted(f"number {n}" for n in range(20))


def test_a_creation_survives_the_end_of_its_token(call: Caller, server: Authority) -> None:
    ask(call, server)
    server.valid.clear()
    endpoint = ask(call, server, "create_endpoint", comment="mine", max_retries=0)
    assert [made["_id"] for made in server.endpoints] == [endpoint.id]
    assert len(server.issued) == 2


def test_an_account_that_is_refused_does_not_use_up_tokens(call: Caller) -> None:
    """A project of another organisation: no token is good enough."""

    class Stranger(Authority):
        def respond(self, request: Received) -> bytes | None:
            answer = super().respond(request)
            return reply(401, "{}", JSON) if "/groups/" in request.target else answer

    with Stranger() as stranger:
        for _ in range(4):
            with pytest.raises(
                AuthenticationError, match=r"refused too; .*Project Read Only.*outside the project"
            ) as e:
                ask(call, stranger)
            assert e.value.status_code == 401 and e.value.response is not None
        assert len(stranger.issued) == 2


def test_a_refusal_for_the_address_names_the_account(call: Caller, server: Authority) -> None:
    server.api_faults = [reply(403, '{"errorCode": "USER_UNAUTHORIZED"}', JSON)]
    with pytest.raises(PermissionDenied, match="address outside the service account's access list"):
        ask(call, server)


# --- the token endpoint fails ----------------------------------------------------------------------------------------

RATE_LIMIT = '{"error": 429, "errorCode": "RATE_LIMITED", "detail": "Too many.", "reason": "Too Many Requests"}'


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(reply(429, RATE_LIMIT, JSON, "retry-after: 0"), id="429"),
        pytest.param(reply(503, "<html>"), id="503"),
        pytest.param(reply(500, "{}", JSON), id="500"),
        pytest.param(RESET, id="reset"),
    ],
)
def test_a_fault_that_passes_is_not_seen(call: Caller, server: Authority, fault: bytes | None) -> None:
    server.faults = [fault, fault]
    endpoint = ask(call, server, "create_endpoint")
    assert [made["_id"] for made in server.endpoints] == [endpoint.id]
    assert endpoint.response.attempts == 3


def test_retry_after_is_heeded_by_all(server: Authority) -> None:
    server.faults = [reply(429, RATE_LIMIT, JSON, "retry-after: 1")]

    async def main() -> float:
        begun = time.monotonic()
        async with AsyncClient(**server.account) as client:
            await asyncio.gather(*[client.list_endpoints(GROUP_ID, INSTANCE) for _ in range(20)])
        return time.monotonic() - begun

    assert asyncio.run(main()) >= 1
    assert len(server.sent(TOKEN)) == 2


def test_a_fault_that_lasts_costs_one_request_a_round(server: Authority) -> None:
    server.faults = [reply(503, "<html>")] * 100

    async def main() -> list[Any]:
        async with AsyncClient(**server.account, max_retries=2) as client:
            calls = [client.create_endpoint(GROUP_ID, INSTANCE) for _ in range(30)]
            return await asyncio.gather(*calls, return_exceptions=True)

    outcomes = asyncio.run(main())
    assert {type(outcome) for outcome in outcomes} == {ServerError}
    assert "oauth_token: HTTP 503" in str(outcomes[0]) and "create_endpoint was not sent" in str(outcomes[0])
    assert len(server.sent(TOKEN)) == 3
    assert server.endpoints == []


def test_rate_limited(call: Caller, server: Authority) -> None:
    server.faults = [reply(429, RATE_LIMIT, JSON, "retry-after: 60")] * 2
    for _ in range(2):
        with pytest.raises(
            RateLimited, match=r"^oauth_token: HTTP 429 RATE_LIMITED.*create_endpoint was not sent"
        ) as e:
            ask(call, server, "create_endpoint", timeout=5)
        assert e.value.retry_after == 60 and e.value.error_code == "RATE_LIMITED"
        assert e.value.response is not None and e.value.response.url == server.base_url + TOKEN
    # nobody asks before the time that the server said
    assert len(server.requests) == 1


def test_a_token_endpoint_that_is_not_there(call: Caller) -> None:
    with Authority() as gone:
        settings = gone.account
    for method in ("create_endpoint", "list_endpoints"):
        with pytest.raises(NotSent, match="the access token could not be fetched: no connection") as e:
            ask(call, gone, method, base_url=settings["base_url"], max_retries=1)
        assert ("nothing was created" in str(e.value)) == (method == "create_endpoint")


def test_a_token_endpoint_that_loses_connections(call: Caller, server: Authority) -> None:
    server.faults = [RESET] * 9
    with pytest.raises(NotSent, match=r"could not be fetched: the connection was lost.*nothing was created"):
        ask(call, server, "create_endpoint", max_retries=0)
    assert server.endpoints == []


def test_a_token_endpoint_that_is_silent(call: Caller, server: Authority) -> None:
    server.delay = 30
    with pytest.raises(Timeout, match="the access token was not fetched in time; nothing was created"):
        ask(call, server, "create_endpoint", timeout=0.5)


@pytest.mark.parametrize("body", ["", "{}", "[]", "<html>", '{"access_token": ""}', '{"access_token": "a\\nb: c"}'])
def test_a_grant_without_a_token(call: Caller, server: Authority, body: str) -> None:
    server.faults = [reply(200, body, JSON)]
    with pytest.raises(UnexpectedResponse, match=r"access token could not be fetched.*nothing was created") as e:
        ask(call, server, "create_endpoint")
    assert e.value.response is not None and e.value.response.url == server.base_url + TOKEN
    assert server.endpoints == []


def test_a_redirect_is_not_followed(call: Caller, server: Authority) -> None:
    server.faults = [reply(302, "", "location: http://192.0.2.1/")]
    with pytest.raises(AtlasError, match="redirects are not followed with credentials"):
        ask(call, server)
    assert len(server.requests) == 1


def test_a_wrong_secret(call: Caller, server: Authority) -> None:
    wrong = "mdb_sa_sk_hush5ecret"
    echo = {"error": "invalid_client", "error_description": f"No client has the secret {wrong}"}
    server.faults = [reply(401, json.dumps(echo), JSON)]
    for rule in ("HTTP 401", "HTTP 401 invalid_client: Invalid client credentials"):
        with pytest.raises(AuthenticationError, match=f"^oauth_token: {rule}.*client_id and client_secret were") as e:
            ask(call, server, "create_endpoint", client_secret=wrong)
        assert wrong not in "".join(traceback.format_exception(e.value)) + repr(vars(e.value))
        assert e.value.status_code == 401
    assert len(server.requests) == 2


def test_a_wrong_secret_by_400(call: Caller, server: Authority) -> None:
    server.faults = [reply(400, '{"error": "invalid_client"}', JSON)]
    with pytest.raises(AuthenticationError) as e:
        ask(call, server)
    assert (e.value.status_code, e.value.error_code) == (400, "invalid_client")


# --- callers that go away --------------------------------------------------------------------------------------------


def test_a_cancelled_caller_leaves_its_fetch_to_the_others(server: Authority) -> None:
    server.delay = 0.5

    async def main() -> None:
        async with AsyncClient(**server.account) as client:
            first = asyncio.ensure_future(client.create_endpoint(GROUP_ID, INSTANCE, comment="first"))
            await asyncio.sleep(0.1)
            others = [asyncio.ensure_future(client.create_endpoint(GROUP_ID, INSTANCE)) for _ in range(5)]
            await asyncio.sleep(0.1)
            first.cancel()
            await asyncio.gather(*others)
            with pytest.raises(asyncio.CancelledError):
                await first

    asyncio.run(main())
    assert len(server.issued) == 1
    assert [made["comment"] for made in server.endpoints] == [None] * 5


def test_a_blocking_caller_out_of_time_leaves_the_turn_to_the_others(server: Authority) -> None:
    server.delay = 0.6
    with Client(**server.account) as client, ThreadPoolExecutor(8) as pool:
        hasty = pool.submit(client.with_options(timeout=0.3).list_endpoints, GROUP_ID, INSTANCE)
        time.sleep(0.1)
        others = [pool.submit(client.list_endpoints, GROUP_ID, INSTANCE) for _ in range(5)]

        async def coroutine() -> None:
            async with AsyncClient(**server.account) as other:
                await other.list_endpoints(GROUP_ID, INSTANCE)

        asyncio.run(coroutine())
        with pytest.raises(Timeout):
            hasty.result()
        for other in others:
            other.result()
    assert len(server.sent(TOKEN)) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("delay", [0.0, 0.5])
def test_a_forked_child_fetches_its_own(server: Authority, delay: float) -> None:
    """With `delay`, the fork comes while the parent's fetch is in flight."""
    server.delay = delay

    def with_coroutines() -> None:
        async def main() -> None:
            async with AsyncClient(**server.account) as client:
                await client.create_endpoint(GROUP_ID, INSTANCE)

        asyncio.run(main())

    def child() -> None:
        with_coroutines()
        with Client(**server.account) as client:
            client.create_endpoint(GROUP_ID, INSTANCE)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forks with threads are the point
        parent = threading.Thread(target=with_coroutines)
        parent.start()
        time.sleep(0.2)
        if not delay:
            parent.join()
        code = in_child(child)
        parent.join()
        with_coroutines()
    assert code == 0
    assert len(server.issued) == 2 and len(server.endpoints) == 4


# --- closing ---------------------------------------------------------------------------------------------------------


def test_a_token_is_revoked_on_close(call: Caller, server: Authority) -> None:
    ask(call, server, revoke_token_on_close=True)
    (revocation,) = server.sent(REVOKE)
    assert parse_qs(revocation.body.decode()) == {"token": server.issued, "token_type_hint": ["access_token"]}
    assert revocation.headers["authorization"].startswith("Basic ")
    assert server.valid == set()
    ask(call, server)
    assert len(server.issued) == 2 and len(server.sent(REVOKE)) == 1


def test_others_go_on_after_a_revocation(server: Authority) -> None:
    async def main() -> None:
        async with AsyncClient(**server.account) as other:
            async with AsyncClient(**server.account, revoke_token_on_close=True) as client:
                await asyncio.gather(*[c.create_endpoint(GROUP_ID, INSTANCE) for c in (client, other)])
            await other.create_endpoint(GROUP_ID, INSTANCE)
            await client.aclose()

    asyncio.run(main())
    assert len(server.issued) == 2 and len(server.endpoints) == 3 and len(server.sent(REVOKE)) == 1


def test_a_client_that_was_not_used_revokes_nothing(server: Authority) -> None:
    with Client(**server.account) as client:
        client.list_endpoints(GROUP_ID, INSTANCE)
        Client(**server.account, revoke_token_on_close=True).close()
    assert server.sent(REVOKE) == []


@pytest.mark.parametrize("fault", [RESET, reply(500), reply(401, '{"error": "invalid_client"}', JSON)])
def test_a_revocation_that_fails_is_no_error(
    call: Caller, fault: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "atlas_privatelink")

    class Failing(Authority):
        def respond(self, request: Received) -> bytes | None:
            return fault if request.target == REVOKE else super().respond(request)

    with Failing() as failing:
        ask(call, failing, revoke_token_on_close=True)
        assert len(failing.sent(REVOKE)) == 1
    assert re.match(r"revoke_token: (ConnectionError|UnexpectedResponse) \(POST ", caplog.messages[-1])


def test_an_access_token_is_not_revoked(call: Caller, server: Authority) -> None:
    ask(call, server, **with_token(server.issue(), revoke_token_on_close=True))
    assert server.sent("/oauth/") == []


# --- access tokens ---------------------------------------------------------------------------------------------------


def test_an_access_token(call: Caller, server: Authority) -> None:
    token = server.issue()
    ask(call, server, "create_endpoint", **with_token(token))
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {token}"


def test_an_access_token_that_has_expired(call: Caller, server: Authority) -> None:
    with pytest.raises(AuthenticationError, match="the access token may have expired: it is not renewed") as e:
        ask(call, server, "create_endpoint", **with_token("eyJold"))
    assert "eyJold" not in repr(vars(e.value)) + str(e.value)
    assert len(server.requests) == 1


def test_a_creation_that_was_the_first_request_of_all_is_found(call: Caller) -> None:
    """Nothing had told the server's clock before the connection broke."""

    class Dated(Authority):
        def respond(self, request: Received) -> bytes | None:
            answer = super().respond(request)
            date = time.strftime("date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime()).encode()
            return answer and answer.replace(b"\r\n", b"\r\n" + date + b"\r\n", 1)

    with Dated() as server:
        server.api_faults = [RESET]
        endpoint = ask(call, server, "create_endpoint", comment="mine", **with_token(server.issue()))
        assert [made["_id"] for made in server.endpoints] == [endpoint.id]


# --- where they come from --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["MONGODB_ATLAS_", "MCLI_"])
def test_the_environment(call: Caller, server: Authority, monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    nothing: dict[str, Any] = {"client_id": None, "client_secret": None}
    monkeypatch.setenv(f"{prefix}BASE_URL", server.base_url)
    monkeypatch.setenv(f"{prefix}PUBLIC_API_KEY", "abcdefgh")
    monkeypatch.setenv(f"{prefix}PRIVATE_API_KEY", "unused")
    monkeypatch.setenv(f"{prefix}CLIENT_ID", server.client_id)
    monkeypatch.setenv(f"{prefix}CLIENT_SECRET", server.client_secret)
    ask(call, server, **nothing)
    assert len(server.issued) == 1
    token = server.issue()
    monkeypatch.setenv(f"{prefix}ACCESS_TOKEN", token)
    ask(call, server, **nothing)
    assert server.requests[-1].headers["authorization"] == f"Bearer {token}"
    assert len(server.sent(TOKEN)) == 1


def test_a_profile(call: Caller, server: Authority) -> None:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "atlascli" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        f'[prod]\nauth_type = "service_account"\nclient_id = "{server.client_id}"\n'
        f'client_secret = "{server.client_secret}"\nbase_url = "{server.base_url}"\npublic_api_key = "half"\n'
    )
    ask(call, server, profile="prod", client_id=None, client_secret=None, base_url=None)
    assert len(server.issued) == 1
    assert f"client_id='{server.client_id}' (from profile 'prod' of " in repr(Client(profile="prod"))


@pytest.mark.parametrize("kind", [AsyncClient, Client])
@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"client_id": "a"}, "^client_secret is missing: client_id was given without it$"),
        ({"client_secret": "hush"}, "^client_id is missing: client_secret was given without it$"),
        (
            {"public_key": "a", "private_key": "hush", "client_id": "b", "client_secret": "hush"},
            "^give either public_key and private_key or client_id and client_secret, not both$",
        ),
        (
            {"client_id": "a", "client_secret": "hush", "access_token": "hush"},
            "client_secret or access_token, not both$",
        ),
        ({"access_token": "hush", "profile": "prod"}, "^give either access_token or profile, not both$"),
        ({"access_token": "hush\r\nx: y"}, "^access_token must be printable ASCII"),
        ({"client_id": "a", "client_secret": "hush\n"}, "^client_secret must not have white space around it$"),
        ({"client_id": "a:b", "client_secret": "hush"}, "^client_id must not contain a colon"),
        ({"client_id": "", "client_secret": "hush"}, "^client_id must not be empty$"),
        ({"access_token": "hush\u00e9"}, "^access_token must be printable ASCII"),
    ],
)
def test_halves_and_mixtures(kind: Callable[..., Any], given: dict[str, str], rule: str) -> None:
    with pytest.raises(ConfigurationError, match=rule) as e:
        kind(**given)
    assert "hush" not in str(e.value) + repr(e.value)


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_no_secret_is_shown(call: Caller, server: Authority, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    ready = server.issue()
    for kind in (AsyncClient, Client):
        account = kind(**server.account)
        token = kind(access_token=ready, base_url=server.base_url)
        assert f"client_id='{server.client_id}' (from the arguments)" in repr(account)
        assert "access_token=… (from the arguments)" in repr(token)
        for client in (account, token, account.with_options(timeout=1)):
            shown += [repr(client), str(client), repr(client._core)]
            with contextlib.suppress(TypeError):
                shown.append(repr(pickle.dumps(client)))
    endpoint = ask(call, server, "create_endpoint", revoke_token_on_close=True)
    shown += [repr(endpoint), repr(endpoint.response), repr(pickle.dumps(endpoint.response))]
    refusals = [reply(429, "{}", JSON), reply(200, "{}", JSON), reply(401, "{}", JSON), RESET]
    for number, fault in enumerate([*refusals, reply(404, "{}", JSON)]):
        # of the API only the last
        (server.faults if number < len(refusals) else server.api_faults).append(fault)
        with pytest.raises(AtlasError) as e:
            ask(call, server, max_retries=0, base_url=f"{server.base_url}/{number}")
        again = pickle.loads(pickle.dumps(e.value))
        assert (str(again), vars(again)) == (str(e.value), vars(e.value))
        shown += [repr(pickle.dumps(e.value)), repr(vars(e.value)), *traceback.format_exception(e.value)]
    shown += [record.getMessage() + repr(record.args) for record in caplog.records]
    secrets = [server.client_secret, *server.issued, "Bearer ey", "Basic "]
    assert len(server.issued) == 3
    for text in shown:
        assert not any(secret in text for secret in secrets), text
