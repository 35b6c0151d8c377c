"""A thousand waits at a time, on the emulator's driven clock: ours, and one GET per endpoint every 5 seconds.

`python -m benches.waiting` prints a table. Every request is a real one; only the time between them is skipped.
"""

from __future__ import annotations

import asyncio
import gc
import heapq
import json
import resource
import statistics
import sys
import time
import warnings
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection

from atlas_privatelink import AsyncClient
from atlas_privatelink.testing import AtlasEmulator
from benches.table import show

GROUP_ID, INSTANCE = "5f7cac1adf5d6c6306f4b283", "Instance0"
WAITS = 1_000
# they are begun one after the other within a minute, and are ready after a minute and a half
SPREAD_SECONDS, READY_SECONDS = 60.0, 90.0
POLL_SECONDS = 5.0


@dataclass
class Measured:
    """One way of waiting."""

    name: str
    requests: int
    refused: int
    lags: list[float]
    seconds: float
    kibibytes: float


async def made(emulator: AtlasEmulator, client: AsyncClient) -> dict[str, float]:
    """The endpoints, and when each is ready."""
    ready = {}
    for number in range(WAITS):
        endpoint = await client.create_endpoint(GROUP_ID, INSTANCE, comment=f"wait {number}")
        ready[endpoint.id] = emulator.now() + READY_SECONDS
        emulator.advance(SPREAD_SECONDS / WAITS)
    emulator.advance(600)  # for the rate limit to forget them, before the waits begin
    return {one: at + 600 for one, at in ready.items()}


def resident() -> float:
    """Memory of this process so far, in KiB."""
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def counted(emulator: AtlasEmulator) -> tuple[int, int]:
    """Answered polls, and those that were refused as too many."""
    answers = emulator.stats().answers
    return sum(count for (method, status), count in answers.items() if method == "GET" and status != 401), answers.get(
        ("GET", 429), 0
    )


def dated(date: str) -> float:
    """The time of an answer. `Date` counts whole seconds: half of one is what it lacks on average."""
    return parsedate_to_datetime(date).timestamp() + 0.5


async def ours() -> Measured:
    """`wait_for_endpoint` for each."""
    with AtlasEmulator(clock="driven", record=False, reservation_seconds=READY_SECONDS + 600) as emulator:
        async with emulator.async_client() as client:
            ready = await made(emulator, client)
            emulator.reset_stats()
            gc.collect()
            before, lags = resident(), []

            async def wait(endpoint_id: str) -> None:
                endpoint = await client.wait_for_endpoint(GROUP_ID, INSTANCE, endpoint_id, until="RESERVED")
                if endpoint is not None and endpoint.response is not None:
                    lags.append(dated(endpoint.response.headers["date"]) - ready[endpoint_id])

            begun = time.perf_counter()
            await asyncio.gather(*map(wait, ready))
            seconds = time.perf_counter() - begun
            return Measured("ours", *counted(emulator), lags, seconds, (resident() - before) / WAITS)


async def one_get_each() -> Measured:
    """What most tools do: a GET for each endpoint every 5 seconds, and again 5 seconds later where it is refused.

    Made with the plainest client there is: ours would keep the rate limit.
    """
    with AtlasEmulator(
        clock="driven", digest="open", record=False, reservation_seconds=READY_SECONDS + 600
    ) as emulator:
        async with emulator.async_client() as client:
            ready = await made(emulator, client)
        emulator.reset_stats()
        gc.collect()
        before, lags = resident(), []
        path = f"/api/atlas/v1.0/groups/{GROUP_ID}/privateEndpoint/serverless/instance/{INSTANCE}/endpoint/"
        connection = HTTPConnection("127.0.0.1", emulator.port)
        # each wait began on its own, so that their polls are spread over the 5 seconds
        polls = [(emulator.now() + POLL_SECONDS * n / WAITS, one) for n, one in enumerate(ready)]
        heapq.heapify(polls)
        begun = time.perf_counter()
        while polls:
            at, endpoint_id = heapq.heappop(polls)
            emulator.advance(max(0.0, at - emulator.now()))
            connection.request("GET", path + endpoint_id)
            response = connection.getresponse()
            body = json.loads(response.read())
            if body.get("status") == "RESERVED":
                lags.append(dated(response.headers["date"]) - ready[endpoint_id])
            else:
                heapq.heappush(polls, (at + POLL_SECONDS, endpoint_id))
        seconds = time.perf_counter() - begun
        connection.close()
        return Measured("one GET each, every 5 s", *counted(emulator), lags, seconds, (resident() - before) / WAITS)


def main() -> int:
    """Measures both, and prints a table."""
    warnings.simplefilter("ignore", DeprecationWarning)
    measured = [asyncio.run(ours()), asyncio.run(one_get_each())]
    rows = [
        [
            one.name,
            f"{one.requests:,}",
            f"{one.refused:,}",
            f"{statistics.mean(one.lags):.1f}",
            f"{max(one.lags):.1f}",
            f"{one.kibibytes:.1f}",
            f"{one.seconds:.1f}",
        ]
        for one in measured
    ]
    head = ["", "requests", "of them 429", "mean lag (s)", "longest lag (s)", "KiB per wait", "real time (s)"]
    show(f"{WAITS:,} waits for endpoints of one instance, ready within a minute and a half", head, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
