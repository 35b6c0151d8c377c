"""How soon a call gives up, a blocking one at a signal, an awaited one when cancelled: `python -m benches.latency`."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

from atlas_privatelink import AsyncClient, Client
from atlas_privatelink.testing import AtlasEmulator
from benches.table import Spread, show
from benches.work import GROUP_ID, INSTANCE

RUNS = 20
ANSWER_SECONDS = 5
IN_FLIGHT_SECONDS = 0.1


def signals(atlas: AtlasEmulator) -> list[float]:
    """Seconds from SIGINT to KeyboardInterrupt, each from another moment between two looks."""
    seconds = []
    with Client(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
        for run in range(RUNS):
            atlas.fault("delay", method="POST", authenticated=True, seconds=ANSWER_SECONDS)
            sent = [0.0]

            def interrupt(sent: list[float] = sent) -> None:
                sent[0] = time.perf_counter()
                os.kill(os.getpid(), signal.SIGINT)

            threading.Timer(IN_FLIGHT_SECONDS + run * 0.0025, interrupt).start()
            try:
                client.create_endpoint(GROUP_ID, INSTANCE)
            except KeyboardInterrupt:
                seconds.append(time.perf_counter() - sent[0])
    return seconds


async def cancellations(atlas: AtlasEmulator) -> list[float]:
    """Seconds from `cancel` to CancelledError."""
    seconds = []
    async with AsyncClient(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
        for _ in range(RUNS):
            atlas.fault("delay", method="POST", authenticated=True, seconds=ANSWER_SECONDS)
            task = asyncio.ensure_future(client.create_endpoint(GROUP_ID, INSTANCE))
            await asyncio.sleep(IN_FLIGHT_SECONDS)
            begun = time.perf_counter()
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                seconds.append(time.perf_counter() - begun)
    return seconds


def main() -> None:
    """Measures both."""
    with AtlasEmulator() as atlas:
        measured = {"signal, blocking": signals(atlas), "cancel, awaited": asyncio.run(cancellations(atlas))}
    rows = [[name, f"{len(seconds)} of {RUNS}", Spread.of(seconds).show(1e3, 1)] for name, seconds in measured.items()]
    show("How soon a call gives up", ["", "gave up", "after, ms"], rows)


if __name__ == "__main__":
    main()
