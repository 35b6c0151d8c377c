"""What `compare.py` starts: `python -m benches.bridge.program BRIDGE WAY`.

BRIDGE is the module whose `AsyncClient` is used; WAY is how the program ends, or another function below. The
environment says where the server is. Each way prints `done` once it has done its work.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

GROUP_ID = "5f7cac1adf5d6c6306f4b283"
HANG_SECONDS = 10


class Client(Protocol):
    """What both bridges have in common."""

    def create_endpoint(self, group_id: str, instance_name: str, *, comment: str) -> Awaitable[object]:
        """Create one endpoint."""


def connect(max_connections: int = 64) -> Client:
    """A client over the bridge that the command line names."""
    client: Client = importlib.import_module(sys.argv[1]).AsyncClient(
        os.environ["MONGODB_ATLAS_PUBLIC_API_KEY"],
        os.environ["MONGODB_ATLAS_PRIVATE_API_KEY"],
        base_url=os.environ["MONGODB_ATLAS_BASE_URL"],
        max_connections=max_connections,
    )
    return client


async def create(client: Client, count: int) -> None:
    """So many at once."""
    await asyncio.gather(*[client.create_endpoint(GROUP_ID, "Instance0", comment=f"{i}") for i in range(count)])


def one_call() -> None:
    """One call, then the end."""

    async def main() -> None:
        await create(connect(), 1)

    asyncio.run(main())
    print("done", flush=True)


def calls_200() -> None:
    """Many calls, all answered, then the end."""

    async def main() -> None:
        client = connect()
        for _ in range(4):
            await create(client, 50)

    asyncio.run(main())
    print("done", flush=True)


def in_flight_100() -> None:
    """The end comes before the answers."""

    async def main() -> None:
        client = connect(max_connections=100)
        await create(client, 1)
        tasks = [asyncio.ensure_future(create(client, 1)) for _ in range(100)]
        await asyncio.sleep(0.005)
        print("done", len(tasks), flush=True)

    asyncio.run(main())


def daemon_thread() -> None:
    """The end comes while a loop in a daemon thread goes on."""
    ready = threading.Event()

    async def forever() -> None:
        client = connect()
        while True:
            await create(client, 8)
            ready.set()

    threading.Thread(target=lambda: asyncio.run(forever()), daemon=True).start()
    ready.wait(HANG_SECONDS)
    print("done", flush=True)


def sys_exit() -> None:
    """A task ends the program while others wait."""

    async def main() -> None:
        client = connect()
        others = [asyncio.ensure_future(create(client, 1)) for _ in range(20)]
        await create(client, 1)
        print("done", len(others), flush=True)
        sys.exit(3)

    asyncio.run(main())


def fork() -> None:
    """The parent has used the client; a forked child uses it too. The child's end is the program's."""
    client = connect()

    async def main() -> None:
        await create(client, 1)

    asyncio.run(main())
    child = os.fork()
    if child == 0:
        signal.alarm(HANG_SECONDS)
        try:
            asyncio.run(main())
        finally:
            # Not through the interpreter's exit, which is not the question here.
            os._exit(0 if sys.exc_info()[0] is None else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print("hang" if code == -signal.SIGALRM else f"exit code {code}" if code else "done", flush=True)
    os._exit(0)


def speed() -> None:
    """Creates, many in flight, and prints what it took."""
    creates, in_flight = int(sys.argv[3]), int(sys.argv[4])

    async def main() -> None:
        client = connect(max_connections=in_flight)
        await create(client, in_flight)  # connections are open and a nonce is known from here on
        numbers = iter(range(creates))

        async def task() -> None:
            for number in numbers:
                await client.create_endpoint(GROUP_ID, "Instance0", comment=f"{number}")

        before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        await asyncio.gather(*[task() for _ in range(in_flight)])
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(json.dumps({"per_second": creates / wall, "cpu": cpu / creates}), flush=True)

    asyncio.run(main())
    # Not through the interpreter's exit, which is not the question here.
    os._exit(0)


WAYS: dict[str, Callable[[], None]] = {
    way.__name__: way for way in (one_call, calls_200, in_flight_100, daemon_thread, sys_exit)
}
EXPECTED_CODES = {"sys_exit": 3}

if __name__ == "__main__":
    {**WAYS, "fork": fork, "speed": speed}[sys.argv[2]]()
