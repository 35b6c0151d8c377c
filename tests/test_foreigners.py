"""Histories beside strangers, on every cloud: whatever happens, nothing foreign is touched.

More of them: `FOREIGN_HISTORIES=100000 python -m pytest tests/test_foreigners.py -k memory`.
"""

from __future__ import annotations

import pytest
from foreign_clouds import let_pauses_take_no_time
from foreign_worlds import WORLDS, open_world
from foreigners import histories
from hypothesis import seed
from hypothesis.stateful import run_state_machine_as_test

HISTORIES = 2000
# for several processors
PARTS = 4


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("world", WORLDS)
def test_nothing_foreign_is_touched(world: str, part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    let_pauses_take_no_time(monkeypatch)
    with open_world(world) as machine:
        run_state_machine_as_test(seed(part)(machine), settings=histories(HISTORIES // PARTS))
