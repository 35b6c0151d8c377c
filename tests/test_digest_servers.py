"""HTTP Digest against servers that this project did not write."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from servers import ApacheServer, JettyServer, Stats
from servers.base import DigestServer
from support import GROUP_ID, INSTANCE, Caller

from atlas_privatelink import AsyncClient, AuthenticationError, ServerlessEndpoint
from atlas_privatelink.testing import AtlasEmulator, DigestMode

SERVERS = ["jetty", "apache", "apache_strict"]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> DigestServer:
    """The test runs once with each server."""
    found: DigestServer = request.getfixturevalue(request.param)
    return found


def new_client(server: DigestServer, **kw: Any) -> AsyncClient:
    return AsyncClient(server.public_key, server.private_key, base_url=server.base_url, **kw)


async def sequentially(client: AsyncClient, count: int) -> None:
    for number in range(count):
        await client.create_endpoint(GROUP_ID, INSTANCE, comment=f"comment {number}")


async def concurrently(client: AsyncClient, count: int) -> None:
    calls = [client.create_endpoint(GROUP_ID, INSTANCE, comment=f"comment {number}") for number in range(count)]
    endpoints = await asyncio.gather(*calls)
    assert len({endpoint.id for endpoint in endpoints}) == count


async def cold_and_warm(server: DigestServer) -> tuple[Stats, Stats]:
    async with new_client(server) as client:
        await concurrently(client, 50)
        cold = server.stats()
        server.reset()
        await concurrently(client, 50)
        return cold, server.stats()


def test_ten_creates_cost_eleven_requests_on_one_connection(server: DigestServer) -> None:
    async def main() -> None:
        async with new_client(server) as client:
            await sequentially(client, 10)

    asyncio.run(main())
    stats = server.stats()
    assert (stats.requests, stats.connections, stats.created) == (11, 1, 10)
    assert list(stats.nonce_counts.values()) == [list(range(1, 11))]


def test_jetty_takes_fifty_at_once_on_one_nonce(jetty: JettyServer) -> None:
    jetty.set_delay_ms(1000)
    cold, warm = asyncio.run(cold_and_warm(jetty))
    assert (cold.created, warm.created) == (50, 50)
    assert cold.requests <= 58 and warm.requests == 50
    assert cold.max_in_flight == 50 and warm.max_in_flight == 50
    (counts,) = cold.nonce_counts.values()
    assert sorted(counts) == list(range(1, 51))


def test_apache_takes_fifty_at_once_on_one_nonce(apache: ApacheServer) -> None:
    cold, warm = asyncio.run(cold_and_warm(apache))
    assert (cold.created, warm.created) == (50, 50)
    assert cold.requests <= 58 and warm.requests == 50


def test_strict_apache_loses_nothing(apache_strict: ApacheServer) -> None:
    cold, warm = asyncio.run(cold_and_warm(apache_strict))
    assert (cold.created, warm.created) == (50, 50)
    assert cold.requests <= 120 and warm.requests <= 75
    for counts in [*cold.nonce_counts.values(), *warm.nonce_counts.values()]:
        assert counts == list(range(counts[0], counts[0] + len(counts)))


@pytest.mark.parametrize("digest", ["rising", "exact"])
def test_order_is_learnt_without_losing_anything(digest: DigestMode) -> None:
    """A server that shows no state per client, yet wants counts in order."""
    with AtlasEmulator(digest=digest) as atlas:

        async def main() -> list[int]:
            options: dict[str, Any] = {
                "public_key": atlas.public_key,
                "private_key": atlas.private_key,
                "base_url": atlas.base_url,
            }
            async with AsyncClient(**options) as client:
                requests = []
                for _ in range(6):
                    # overtaken by those behind them: their counts come too late
                    atlas.fault("delay", method="POST", authenticated=True, seconds=0.2, times=20, after=5)
                    atlas.reset_stats()
                    await concurrently(client, 50)
                    requests.append(atlas.stats().requests)
                return requests

        cold, *warm = asyncio.run(main())
        assert len(atlas.endpoints()) == 300
        assert 51 < cold <= 120, "the server refused some"
        # once and for all, each of the fifty in flight may need a nonce of its own
        assert sum(warm) <= 50 * len(warm) + 50


def test_a_restarted_server_costs_two(call: Caller, server: DigestServer) -> None:
    def create(client: Any) -> Any:
        return client.create_endpoint(GROUP_ID, INSTANCE)

    if call.kind == "sync":
        from atlas_privatelink import Client

        with Client(server.public_key, server.private_key, base_url=server.base_url) as client:
            create(client)
            server.restart()
            create(client)
    else:

        async def main() -> None:
            async with new_client(server) as client:
                await create(client)
                await asyncio.to_thread(server.restart)
                await create(client)

        asyncio.run(main())
    stats = server.stats()
    assert (stats.requests, stats.created) == (2, 1)


def test_a_stale_nonce_costs_two(jetty: JettyServer) -> None:
    async def main() -> None:
        async with new_client(jetty) as client:
            await sequentially(client, 2)
            jetty.forget_nonces()
            jetty.reset()
            await sequentially(client, 1)

    asyncio.run(main())
    assert jetty.stats().requests == 2


def test_nonces_that_run_out_under_load_lose_nothing() -> None:
    if reason := JettyServer.available():
        pytest.skip(reason)
    with JettyServer(max_nonce_count=40) as server:

        async def main() -> None:
            async with new_client(server) as client:
                for _ in range(4):
                    await concurrently(client, 50)

        asyncio.run(main())
        assert server.stats().created == 200


def test_one_time_nonces_lose_nothing() -> None:
    if reason := ApacheServer.available():
        pytest.skip(reason)
    with ApacheServer(lifetime=0) as server:

        async def main() -> Stats:
            async with new_client(server) as client:
                await sequentially(client, 5)
                alone = server.stats()
                await concurrently(client, 50)
                server.reset()
                await concurrently(client, 50)
                return alone

        alone = asyncio.run(main())
        assert (alone.requests, alone.created) == (6, 5), "nextnonce saves the challenge"
        stats = server.stats()
        assert stats.created == 50 and stats.requests <= 75


def test_a_wrong_key_costs_two_and_says_so(call: Caller, server: DigestServer) -> None:
    with pytest.raises(AuthenticationError, match="wrong key") as caught:
        call.create(server, options={"private_key": "not-it"})
    assert caught.value.status_code == 401
    assert "not-it" not in str(caught.value)
    assert server.stats().requests == 2


def test_fifty_wrong_keys_at_once_do_not_loop(server: DigestServer) -> None:
    async def main() -> list[ServerlessEndpoint | BaseException]:
        async with AsyncClient(server.public_key, "not-it", base_url=server.base_url) as client:
            calls = [client.create_endpoint(GROUP_ID, INSTANCE) for _ in range(50)]
            return await asyncio.gather(*calls, return_exceptions=True)

    assert {type(outcome) for outcome in asyncio.run(main())} == {AuthenticationError}
    stats = server.stats()
    assert stats.created == 0 and stats.requests <= 200
