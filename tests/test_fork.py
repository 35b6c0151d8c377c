"""A forked child neither hangs nor disturbs its parent."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import GROUP_ID, INSTANCE

from atlas_privatelink import AsyncClient, Client
from atlas_privatelink.testing import AtlasEmulator

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

CHILD_SECONDS = 30


@pytest.fixture
def key(atlas: AtlasEmulator) -> Iterator[dict[str, Any]]:
    with warnings.catch_warnings():
        # Python warns of forks with threads: they are the point here
        warnings.simplefilter("ignore", DeprecationWarning)
        yield {"public_key": atlas.public_key, "private_key": atlas.private_key, "base_url": atlas.base_url}


def in_child(work: Callable[[], object]) -> int:
    """Forks; the child's exit code: 0 if `work` returned, -14 if it hung."""
    import signal

    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(CHILD_SECONDS)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def create_async(client: AsyncClient, count: int = 1) -> None:
    async def main() -> None:
        await asyncio.gather(*[client.create_endpoint(GROUP_ID, INSTANCE) for _ in range(count)])

    asyncio.run(main())


def test_child_and_grandchild_of_a_used_async_client(atlas: AtlasEmulator, key: dict[str, Any]) -> None:
    client = AsyncClient(**key)
    create_async(client, 10)

    def child() -> None:
        create_async(client, 5)
        assert in_child(lambda: create_async(client, 5)) == 0

    for _ in range(5):
        assert in_child(child) == 0
    create_async(client, 5)
    assert atlas.stats().endpoints_made == 10 + 5 * 10 + 5


def test_child_and_grandchild_of_a_used_sync_client(atlas: AtlasEmulator, key: dict[str, Any]) -> None:
    with Client(**key) as client:

        def child() -> None:
            client.create_endpoint(GROUP_ID, INSTANCE)
            assert in_child(lambda: client.create_endpoint(GROUP_ID, INSTANCE)) == 0

        client.create_endpoint(GROUP_ID, INSTANCE)
        for _ in range(5):
            assert in_child(child) == 0
        client.create_endpoint(GROUP_ID, INSTANCE)
    assert atlas.stats().endpoints_made == 1 + 5 * 2 + 1


def test_a_fork_with_an_await_in_flight(atlas: AtlasEmulator, key: dict[str, Any]) -> None:
    atlas.fault("delay", method="POST", authenticated=True, seconds=0.5)

    async def main() -> int:
        async with AsyncClient(**key) as client:
            pending = asyncio.ensure_future(client.create_endpoint(GROUP_ID, INSTANCE, comment="parent's"))
            await asyncio.sleep(0.2)
            code = in_child(lambda: create_async(client))
            assert (await pending).comment == "parent's"
            return code

    assert asyncio.run(main()) == 0
    assert atlas.stats().endpoints_made == 2


def test_forks_under_load(atlas: AtlasEmulator, key: dict[str, Any]) -> None:
    async def main() -> list[int]:
        async with AsyncClient(**key) as client:
            calls = asyncio.gather(*[client.create_endpoint(GROUP_ID, INSTANCE) for _ in range(400)])
            codes = []
            while not calls.done():
                codes.append(in_child(lambda: create_async(client)))
                await asyncio.sleep(0.01)
            assert len({endpoint.id for endpoint in await calls}) == 400
            return codes

    codes = asyncio.run(main())
    assert codes and set(codes) == {0}
    assert atlas.stats().endpoints_made == 400 + len(codes)


def _create_in_pool(key: dict[str, Any]) -> str:
    with Client(**key) as client:
        one = client.create_endpoint(GROUP_ID, INSTANCE).id
    create_async(AsyncClient(**key))
    return one


def test_a_multiprocessing_pool(atlas: AtlasEmulator, key: dict[str, Any]) -> None:
    create_async(AsyncClient(**key))
    with Client(**key) as client:
        client.create_endpoint(GROUP_ID, INSTANCE)
        with multiprocessing.get_context("fork").Pool(4) as pool:
            ids = pool.map_async(_create_in_pool, [key] * 20).get(CHILD_SECONDS)
        client.create_endpoint(GROUP_ID, INSTANCE)
    assert len(set(ids)) == 20
    assert atlas.stats().endpoints_made == 2 + 40 + 1
