"""How soon a call gives up, a blocking one at a signal, an awaited one when cancelled: `python -m benches.latency`."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import suppress
from typing import Any

from atlas_privatelink import AsyncClient, Client, aconnect, connect
from atlas_privatelink.clouds.own import OwnEndpoint
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


class StuckCloud(OwnEndpoint):
    """A cloud whose SDK does not come back."""

    def __init__(self) -> None:
        super().__init__("vpce-0123456789abcdef0")
        self.is_stuck = threading.Event()

    def check(self) -> None:
        """Blocks."""
        self.is_stuck.set()
        threading.Event().wait()


def connects_at_signals(atlas: AtlasEmulator) -> list[float]:
    """Seconds from SIGINT to the end of a blocking `connect` while an SDK is stuck."""
    seconds = []
    with Client(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
        for _ in range(RUNS):
            cloud, sent = StuckCloud(), [0.0]

            def interrupt(cloud: StuckCloud = cloud, sent: list[float] = sent) -> None:
                cloud.is_stuck.wait()
                sent[0] = time.perf_counter()
                os.kill(os.getpid(), signal.SIGINT)

            threading.Thread(target=interrupt).start()
            try:
                connect(GROUP_ID, cloud=cloud, instance_name=INSTANCE, atlas=client)
            except KeyboardInterrupt:
                seconds.append(time.perf_counter() - sent[0])
    return seconds


def connects_cancelled(atlas: AtlasEmulator) -> list[float]:
    """Seconds from `cancel` to the end of the event loop while an SDK is stuck."""
    seconds = []
    for _ in range(RUNS):
        cancelled = 0.0

        async def main() -> None:
            nonlocal cancelled
            cloud = StuckCloud()
            async with AsyncClient(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
                options: dict[str, Any] = {"cloud": cloud, "instance_name": INSTANCE, "atlas": client}
                task = asyncio.ensure_future(aconnect(GROUP_ID, **options))
                await asyncio.to_thread(cloud.is_stuck.wait)
                cancelled = time.perf_counter()
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

        asyncio.run(main())
        seconds.append(time.perf_counter() - cancelled)
    return seconds


def main() -> None:
    """Measures all."""
    with AtlasEmulator() as atlas:
        measured = {
            "signal, blocking": signals(atlas),
            "cancel, awaited": asyncio.run(cancellations(atlas)),
            "signal, blocking connect, SDK stuck": connects_at_signals(atlas),
            "cancel and end of the loop, aconnect, SDK stuck": connects_cancelled(atlas),
        }
    rows = [[name, f"{len(seconds)} of {RUNS}", Spread.of(seconds).show(1e3, 1)] for name, seconds in measured.items()]
    show("How soon a call gives up", ["", "gave up", "after, ms"], rows)


if __name__ == "__main__":
    main()
