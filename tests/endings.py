"""Ways in which a program that used the library can end: `python tests/endings.py WAY` (see `test_exit.py`).

The environment says where the server is. Each way prints `done` once it has done its work.
"""

from __future__ import annotations

import asyncio
import sys
import threading

from atlas_privatelink import AsyncClient, Client

GROUP_ID = "5f7cac1adf5d6c6306f4b283"


async def create(client: AsyncClient, count: int) -> None:
    await asyncio.gather(*[client.create_endpoint(GROUP_ID, "Instance0", comment=f"{i}") for i in range(count)])


def after_one_call() -> None:
    async def main() -> None:
        async with AsyncClient() as client:
            await create(client, 1)

    asyncio.run(main())
    print("done", flush=True)


def after_200_calls() -> None:
    async def main() -> None:
        client = AsyncClient()
        for _ in range(4):
            await create(client, 50)

    asyncio.run(main())
    print("done", flush=True)


def with_100_in_flight() -> None:
    async def main() -> None:
        client = AsyncClient(max_connections=100)
        await create(client, 1)
        tasks = [asyncio.ensure_future(create(client, 1)) for _ in range(100)]
        await asyncio.sleep(0.005)
        print("done", len(tasks), flush=True)

    asyncio.run(main())


def loop_in_a_daemon_thread() -> None:
    ready = threading.Event()

    async def forever() -> None:
        client = AsyncClient()
        while True:
            await create(client, 8)
            ready.set()

    threading.Thread(target=asyncio.run, args=(forever(),), daemon=True).start()
    ready.wait(10)
    print("done", flush=True)


def blocking_calls_in_daemon_threads() -> None:
    ready = threading.Barrier(5)

    def forever() -> None:
        client = Client()
        client.create_endpoint(GROUP_ID, "Instance0")
        ready.wait(10)
        while True:
            client.create_endpoint(GROUP_ID, "Instance0")

    for _ in range(4):
        threading.Thread(target=forever, daemon=True).start()
    ready.wait(10)
    print("done", flush=True)


def sys_exit_in_a_task() -> None:
    async def main() -> None:
        client = AsyncClient()
        others = [asyncio.ensure_future(create(client, 1)) for _ in range(20)]
        await create(client, 1)
        print("done", len(others), flush=True)
        sys.exit(3)

    asyncio.run(main())


def loop_never_closed() -> None:
    loop = asyncio.new_event_loop()
    client = AsyncClient()
    loop.run_until_complete(create(client, 20))
    loop.call_soon(lambda: None)
    print("done", flush=True)


WAYS = {
    way.__name__: way
    for way in (
        after_one_call,
        after_200_calls,
        with_100_in_flight,
        loop_in_a_daemon_thread,
        blocking_calls_in_daemon_threads,
        sys_exit_in_a_task,
        loop_never_closed,
    )
}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
