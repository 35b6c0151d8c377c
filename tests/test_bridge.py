"""The bridge to asyncio: loops, threads, cancellation, signals, and what an import does."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import inspect
import os
import selectors
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from support import GROUP_ID, INSTANCE

import atlas_privatelink
from atlas_privatelink import AsyncClient, Client, ConfigurationError, ServerlessEndpoint
from atlas_privatelink._core import Core
from atlas_privatelink.testing import AtlasEmulator

Key = dict[str, Any]


@pytest.fixture
def key(atlas: AtlasEmulator) -> Key:
    return {"public_key": atlas.public_key, "private_key": atlas.private_key, "base_url": atlas.base_url}


async def create(client: AsyncClient, count: int = 1) -> list[ServerlessEndpoint]:
    return await asyncio.gather(*[client.create_endpoint(GROUP_ID, INSTANCE) for _ in range(count)])


def wait_for_requests(atlas: AtlasEmulator, count: int) -> None:
    while atlas.stats().requests < count:
        time.sleep(0.01)


class NoReaderLoop(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, as Windows' proactor loop."""

    @property
    def add_reader(self) -> Any:  # the loop's own self-pipe goes through _add_reader
        def refuse(*_: Any) -> None:
            raise NotImplementedError

        return refuse


def loops() -> list[Any]:
    found = [
        pytest.param(asyncio.new_event_loop, id="asyncio"),
        pytest.param(lambda: asyncio.SelectorEventLoop(selectors.SelectSelector()), id="select"),
        pytest.param(NoReaderLoop, id="pump"),
    ]
    if importlib.util.find_spec("uvloop"):
        found.append(pytest.param(importlib.import_module("uvloop").new_event_loop, id="uvloop"))
    return found


@pytest.mark.parametrize("new_loop", loops())
def test_every_kind_of_loop(new_loop: Callable[[], asyncio.AbstractEventLoop], key: Key, atlas: AtlasEmulator) -> None:
    for _ in range(3):
        loop = new_loop()
        try:
            assert len(loop.run_until_complete(create(AsyncClient(**key), 20))) == 20
        finally:
            loop.close()
    assert atlas.stats().endpoints_made == 60


def test_one_client_many_loops_in_many_threads(key: Key, atlas: AtlasEmulator) -> None:
    client = AsyncClient(**key)
    found: list[str] = []

    def work() -> None:
        for _ in range(3):
            found.extend(endpoint.id for endpoint in asyncio.run(create(client, 10)))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 180 == atlas.stats().endpoints_made


def test_many_loops_leave_no_descriptors_behind(key: Key) -> None:
    client = AsyncClient(**key)
    asyncio.run(create(client))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    if before is None:
        pytest.skip("no /proc/self/fd to count in")
    for _ in range(50):
        asyncio.run(create(client))
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_cancelling_drops_the_request(key: Key, atlas: AtlasEmulator) -> None:
    atlas.fault("delay", method="POST", seconds=30)

    async def main() -> None:
        async with AsyncClient(**key) as client:
            task = asyncio.ensure_future(client.create_endpoint(GROUP_ID, INSTANCE))
            await asyncio.to_thread(wait_for_requests, atlas, 2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            with pytest.raises(asyncio.TimeoutError):
                atlas.fault("delay", method="POST", seconds=30)
                await asyncio.wait_for(client.create_endpoint(GROUP_ID, INSTANCE), 0.2)
            # the client is as good as new
            assert len(await create(client, 5)) == 5

    asyncio.run(main())


def test_a_task_cancelled_before_it_ran_sends_nothing(key: Key, atlas: AtlasEmulator) -> None:
    async def main() -> None:
        async with AsyncClient(**key) as client:
            task = asyncio.ensure_future(client.create_endpoint(GROUP_ID, INSTANCE))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert atlas.stats().requests == 0


def test_cancelling_among_many_gives_each_its_own_answer(key: Key) -> None:
    async def main() -> None:
        async with AsyncClient(**key) as client:

            async def one(number: int) -> tuple[int, ServerlessEndpoint]:
                return number, await client.create_endpoint(GROUP_ID, INSTANCE, comment=f"n{number}")

            tasks = [asyncio.ensure_future(one(number)) for number in range(200)]
            await asyncio.sleep(0.01)
            for task in tasks[::3]:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if not isinstance(outcome, BaseException):
                    assert outcome[1].comment == f"n{outcome[0]}"

    asyncio.run(main())


def test_coroutines_behave_like_coroutines(key: Key) -> None:
    client = AsyncClient(**key)
    assert inspect.iscoroutinefunction(client.create_endpoint)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _ = client.create_endpoint(GROUP_ID, INSTANCE)
        del _
        gc.collect()
    assert any("never awaited" in str(warning.message) for warning in caught)
    # bad arguments are told where the call is awaited, as for any coroutine function
    coroutine = client.create_endpoint("x", INSTANCE)
    with pytest.raises(atlas_privatelink.ValidationError) as told:
        asyncio.run(_await(coroutine))
    assert "create_endpoint" in [entry.name for entry in told.traceback]


async def _await(coroutine: Any) -> Any:
    return await coroutine


def test_the_core_class_itself_is_awaitable_once(key: Key) -> None:
    core = Core(
        **key,
        client_id=None,
        client_secret=None,
        access_token=None,
        profile=None,
        api_version=None,
        timeout=10,
        connect_timeout=10,
        max_retries=0,
        max_connections=4,
        ca_file=None,
        proxy=None,
        allow_insecure=False,
        revoke_token_on_close=False,
    )

    async def main() -> None:
        call = core.call("create_endpoint", {"group_id": GROUP_ID, "instance_name": INSTANCE})
        assert isinstance(await call, ServerlessEndpoint)
        with pytest.raises(RuntimeError, match="only once"):
            await call

    asyncio.run(main())


def test_a_blocking_call_inside_a_running_loop(key: Key) -> None:
    async def main() -> ServerlessEndpoint:
        with Client(**key) as client:
            return client.create_endpoint(GROUP_ID, INSTANCE)

    assert asyncio.run(main()).id


def test_blocking_calls_need_no_thread(key: Key) -> None:
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("no /proc/self/task to count in")
    code = """
        import os, sys
        from atlas_privatelink import Client
        with Client() as client:
            client.create_endpoint("5f7cac1adf5d6c6306f4b283", "Instance0")
            print(len(os.listdir("/proc/self/task")), "asyncio" in sys.modules)
    """
    assert _run(code, key).stdout.split() == ["1", "False"]


def test_an_import_does_nothing(key: Key) -> None:
    code = """
        import os, sys
        count = lambda: (len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")))
        before = count() if os.path.isdir("/proc/self/fd") else None
        import atlas_privatelink
        if before: assert count() == before, (before, count())
        assert "asyncio" not in sys.modules and "logging" not in sys.modules
        roots = {name.split(".")[0] for name in sys.modules}
        assert roots - set(sys.stdlib_module_names) <= {"atlas_privatelink", "__main__", "sitecustomize"}, roots
        print("nothing")
    """
    assert _run(code, key, "-I", "-S").stdout == "nothing\n"


def _environment(key: Key) -> dict[str, str]:
    names = {"public_key": "PUBLIC_API_KEY", "private_key": "PRIVATE_API_KEY", "base_url": "BASE_URL"}
    return {**os.environ, **{f"MONGODB_ATLAS_{names[name]}": value for name, value in key.items()}}


def _run(code: str, key: Key, *flags: str) -> subprocess.CompletedProcess[str]:
    package = os.path.dirname(os.path.dirname(atlas_privatelink.__file__))
    code = f"import sys; sys.path.insert(0, {package!r})\n" + textwrap.dedent(code)
    ended = subprocess.run(
        [sys.executable, *flags, "-c", code], env=_environment(key), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
def test_a_blocking_call_notices_signals(key: Key, atlas: AtlasEmulator) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    atlas.fault("delay", method="POST", seconds=30)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Client(**key) as client:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            began = time.monotonic()
            with pytest.raises(Interrupted):
                client.create_endpoint(GROUP_ID, INSTANCE)
            # the request would have taken 30 s
            assert time.monotonic() - began < 15
            assert client.create_endpoint(GROUP_ID, INSTANCE).id
    finally:
        signal.signal(signal.SIGALRM, before)


def test_blocking_calls_from_many_threads(key: Key, atlas: AtlasEmulator) -> None:
    found: list[str] = []
    with Client(**key) as client:

        def work() -> None:
            found.extend(client.create_endpoint(GROUP_ID, INSTANCE).id for _ in range(10))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(found)) == 80 == atlas.stats().endpoints_made


def test_closing_is_final_and_may_be_repeated(key: Key) -> None:
    client = Client(**key)
    with client:
        client.create_endpoint(GROUP_ID, INSTANCE)
        other = client.with_options(timeout=5)
    client.close()
    for closed in (client, other):
        with pytest.raises(ConfigurationError, match="closed"):
            closed.create_endpoint(GROUP_ID, INSTANCE)

    async def main() -> None:
        async with AsyncClient(**key) as asynchronous:
            await create(asynchronous)
        await asynchronous.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await create(asynchronous)

    asyncio.run(main())


def test_options_share_connections_and_nonces(key: Key, atlas: AtlasEmulator) -> None:
    with Client(**key) as client:
        client.create_endpoint(GROUP_ID, INSTANCE)
        client.with_options(timeout=5, max_retries=0, api_version="v2").create_endpoint(GROUP_ID, INSTANCE)
    stats = atlas.stats()
    assert (stats.requests, stats.connections, stats.nonces_issued) == (3, 1, 1)
    assert "/api/atlas/v2/" in atlas.requests()[-1].target
