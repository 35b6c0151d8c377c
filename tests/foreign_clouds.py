"""What the grounds on local clouds have in common: time that only pauses take, and faults of the clouds."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from atlas_privatelink._sync import blocking
from atlas_privatelink._sync.connect import connecting, run
from atlas_privatelink.clouds import aws_calls, aws_creation, azure_calls, azure_creation, calls, gcp_calls

_WITH_CLOCKS = (run, blocking, calls, aws_calls, aws_creation, azure_calls, azure_creation, gcp_calls)


def let_pauses_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses end at once, and count all the same: whoever looks again for a minute does so.

    Clouds are called without a thread for each call, as nothing here blocks.
    """
    paused = 0.0

    def pause(seconds: float) -> None:
        nonlocal paused
        paused += seconds

    def call(function: Callable[..., Any], *arguments: Any, deadline: float) -> Any:
        return function(*arguments)

    monkeypatch.setattr(run, "run_blocking", call)
    for module in (run, connecting):
        monkeypatch.setattr(module, "sleep", pause)
    monkeypatch.setattr(calls.CallLimit, "pause", lambda limit, seconds: pause(seconds))
    for module in _WITH_CLOCKS:
        monkeypatch.setattr(module, "monotonic", lambda: monotonic() + paused)


class CloudGround:
    """What happens around the requests of our runs."""

    def __init__(self) -> None:
        self._happen: Callable[[], None] = _nothing
        self._faults = 0

    def hook(self, function: Callable[[], None]) -> None:
        """Around every request."""
        self._happen = function

    def around(self, *_: object, **__: object) -> None:
        """Right before and after a request of ours."""
        self._happen()

    def throttle(self) -> None:
        """A request is throttled; the answer to one gets lost; or a cloud is out of order for a while, in turn."""
        self._faults += 1
        if self._faults % 3 == 1:
            self.fail(executed=False, times=1)
        elif self._faults % 3 == 2:
            self.fail(executed=True, times=1)
        else:
            # for longer than the cloud's own repetitions
            self.fail(executed=False, times=6)

    def fail(self, *, executed: bool, times: int) -> None:
        """Lets requests of ours be throttled, or their answers get lost."""
        raise NotImplementedError


def _nothing() -> None:
    """As long as nobody wants anything to happen."""
