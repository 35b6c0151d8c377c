"""Whoever ends a `connect` is not held up by an SDK, and nothing is sent after that."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from memory_cloud import MemoryCloud, MemoryWorld
from support import GROUP_ID, REPOSITORY

import atlas_privatelink
from atlas_privatelink import WaitTimeout
from atlas_privatelink.clouds.calls import Abandoned, cloud_call
from atlas_privatelink.testing import AtlasEmulator

# ends by itself only long after every time limit of the tests
FOR_EVER = 600


class StuckCloud(MemoryCloud):
    """A cloud whose calls do not come back before they are let go, and then go on to their next request."""

    def __init__(self, world: MemoryWorld, stuck_in: str) -> None:
        super().__init__(world)
        self.stuck_in = stuck_in
        self.is_stuck, self.let_go, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.sent_after = 0

    def in_region(self, region: str) -> StuckCloud:
        """The same."""
        return self

    def _call(self, name: str) -> None:
        super()._call(name)
        if name != self.stuck_in:
            return
        self.is_stuck.set()
        self.let_go.wait(FOR_EVER)
        try:
            with cloud_call("memory", name):
                self.sent_after += 1
        except Abandoned:
            raise
        finally:
            self.ended.set()


@pytest.fixture
def atlas() -> Iterator[AtlasEmulator]:
    """A local Atlas whose time passes at once."""
    with AtlasEmulator(clock="driven", service_seconds=0.1, connection_seconds=0.1) as atlas:
        yield atlas


STEPS = ["check", "find_ours", "preflight", "create", "describe"]


@pytest.mark.parametrize("stuck_in", STEPS)
def test_a_cancelled_task_ends_and_sends_nothing_more(atlas: AtlasEmulator, stuck_in: str) -> None:
    cloud = StuckCloud(MemoryWorld(), stuck_in)

    async def main() -> None:
        async with atlas.async_client() as client:
            options: dict[str, Any] = {"cloud": cloud, "cluster_name": "Cluster0", "atlas": client}
            task = asyncio.create_task(atlas_privatelink.aconnect(GROUP_ID, **options))
            await asyncio.to_thread(cloud.is_stuck.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    # would wait for the pool's threads if one of them was stuck
    asyncio.run(main())
    assert not cloud.ended.is_set()
    cloud.let_go.set()
    assert cloud.ended.wait(FOR_EVER)
    assert cloud.sent_after == 0


@pytest.mark.parametrize("stuck_in", STEPS)
def test_a_time_limit_ends_it_and_sends_nothing_more(atlas: AtlasEmulator, stuck_in: str) -> None:
    cloud = StuckCloud(MemoryWorld(), stuck_in)
    with atlas.client() as client, pytest.raises(WaitTimeout):
        atlas_privatelink.connect(GROUP_ID, cloud=cloud, cluster_name="Cluster0", atlas=client, timeout=2)
    assert not cloud.ended.is_set()
    cloud.let_go.set()
    assert cloud.ended.wait(FOR_EVER)
    assert cloud.sent_after == 0


PROGRAM = """
import asyncio, sys
from test_connect_cancel import GROUP_ID, MemoryWorld, StuckCloud
import atlas_privatelink
from atlas_privatelink import AsyncClient, Client

class Told(StuckCloud):
    def _call(self, name):
        if name == self.stuck_in:
            print("stuck", flush=True)
        super()._call(name)

cloud = Told(MemoryWorld(), "preflight")
options = dict(cloud=cloud, cluster_name="Cluster0")
async def main():
    async with AsyncClient() as client:
        await atlas_privatelink.aconnect(GROUP_ID, atlas=client, **options)
try:
    if sys.argv[1] == "async":
        asyncio.run(main())
    else:
        atlas_privatelink.connect(GROUP_ID, **options)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_ctrl_c_ends_it_whatever_the_sdk_is_doing(atlas: AtlasEmulator, kind: str) -> None:
    environment = {**os.environ, **atlas.environment(), "PYTHONPATH": str(REPOSITORY / "tests")}
    words = [sys.executable, "-c", textwrap.dedent(PROGRAM), kind]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stuck\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert process.wait(FOR_EVER) == 0
