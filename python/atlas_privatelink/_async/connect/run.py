"""One run of `connect` or `disconnect`: until when, what is known so far, and who is told of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import monotonic

from ... import errors
from ...errors import AtlasError, CloudError, ValidationError, WaitTimeout
from ...models.connection import ConnectionProgress, StepTaken
from ..blocking import run_blocking, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any

    from ...clouds.base import Cloud
    from ...models import WaitProgress
    from ...models.connection import Action, CloudEndpoint, Connection, Step
    from ..client import AsyncClient

    Outcome = tuple[Action, str]
    StepWork = tuple[Step, Callable[[], Awaitable[Outcome]]]

__all__ = ["AsyncRun"]

_log = logging.getLogger("atlas_privatelink")

# what ends by itself, and says nothing about the endpoint
_OUTAGES = (errors.ConnectionError, errors.RateLimited, errors.ServerError, errors.UnexpectedResponse)


class AsyncRun:
    """One run of `connect` or `disconnect`.

    Args:
        atlas: The client.
        cloud: Your cloud.
        connection: What is known before the first step.
        timeout: Seconds in all.
        on_progress: Is told of every event.
        planning: Whether nothing is to be created, changed or deleted.
    """

    def __init__(
        self,
        atlas: AsyncClient,
        cloud: Cloud,
        connection: Connection,
        *,
        timeout: float,
        on_progress: Callable[[ConnectionProgress], object] | None,
        planning: bool = False,
    ) -> None:
        self.atlas, self.cloud, self.connection = atlas, cloud, connection
        self.timeout, self.on_progress, self.planning = timeout, on_progress, planning
        self.began = self.step_began = monotonic()
        self.cloud_status: str | None = None
        self.step: Step | None = None
        self.steps: tuple[Step, ...] = ()
        self.refused_event: BaseException | None = None
        self.networks = 1

    @property
    def deadline(self) -> float:
        """When it ends, by `time.monotonic()`."""
        return self.began + self.timeout

    def remaining(self) -> float:
        """Seconds that are left."""
        return max(self.deadline - monotonic(), 0.001)

    async def in_cloud(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a method of the cloud returns."""
        return await run_blocking(function, *arguments, deadline=self.deadline)

    async def look_again(self, endpoint_id: str, status: str) -> CloudEndpoint | None:
        """The cloud's endpoint now, in a wait for another status than the last known one.

        Raises:
            WaitTimeout: The cloud has not answered within the time limit.
        """
        try:
            endpoint: CloudEndpoint | None = await self.in_cloud(self.cloud.describe, endpoint_id)
        except WaitTimeout as error:
            raise WaitTimeout(f"{endpoint_id} is still {status} after {self.timeout:g} s: {error}") from error
        return endpoint

    async def pause(self, delay: float, what: str) -> float:
        """Waits between two looks, and returns how long to wait the next time.

        Raises:
            WaitTimeout: There is no time left for it.
        """
        if self.remaining() < delay:
            raise WaitTimeout(f"{what} after {self.timeout:g} s")
        await sleep(delay)
        return min(delay * 1.6, 5.0)

    def know(self, **fields: Any) -> None:
        """Keeps what has become known."""
        self.connection = replace(self.connection, **fields)

    async def through(self, steps: Sequence[StepWork]) -> None:
        """Runs the steps, one after the other."""
        self.announce(steps)
        try:
            for step, work in steps:
                await self.run(step, work)
        except BaseException as error:
            self.fail(error)
            raise

    def announce(self, steps: Sequence[StepWork]) -> None:
        """Says which steps there will be."""
        self.steps = tuple(step for step, _ in steps)

    async def run(self, step: Step, work: Callable[[], Awaitable[Outcome]]) -> None:
        """Runs one step."""
        self.step, self.step_began = step, monotonic()
        self.know(status=None)
        self.event(step, "begun")
        # a caller who cannot reach Atlas at all is told so at once
        action, detail = await self._through_outages(work, first=step is self.steps[0])
        elapsed = monotonic() - self.step_began
        # one that was begun again counts once
        before = (taken for taken in self.connection.steps if taken.step != step)
        self.know(steps=(*before, StepTaken(step, action, detail, elapsed)))
        self.event(step, "done", action=action, detail=detail)

    def fail(self, error: BaseException) -> None:
        """Puts what is known into an error, and reports it."""
        if isinstance(error, AtlasError):
            self.explain(error)
        if self.step is not None and error is not self.refused_event:
            self.event(self.step, "failed", trouble=str(error) or type(error).__name__)

    def explain(self, error: AtlasError) -> None:
        """Puts what is known into an error."""
        error.connection = self.connection
        known = self.connection.known()
        if known and not isinstance(error, ValidationError) and known not in str(error):
            error.args = (f"{error} [{self.connection.deployment_name}: {known}]", *error.args[1:])

    async def outlive(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """What a look before the first step returns, through throttling of the cloud."""
        return await self._through_outages(work, first=True)

    async def _through_outages(self, work: Callable[[], Awaitable[Any]], *, first: bool) -> Any:
        """A step's outcome. Each finds what it has done before, so it is begun again after an outage."""
        delay = 1.0
        while True:
            try:
                return await work()
            except (CloudError, *_OUTAGES) as error:
                is_lasting = not error.is_transient if isinstance(error, CloudError) else first
                if is_lasting or error is self.refused_event or self.remaining() < delay:
                    raise
                trouble = str(error)
            self.waiting(trouble=trouble, next_look=delay)
            await sleep(delay)
            delay = min(delay * 1.6, 30.0)

    def look(self, progress: WaitProgress) -> None:
        """Reports a look of a wait of Atlas's."""
        if progress.status is not None:
            self.know(status=str(progress.status))
        self.waiting(trouble=progress.trouble, next_look=progress.next_look)

    def waiting(self, **facts: Any) -> None:
        """Reports that the step goes on."""
        if self.step is not None:
            self.event(self.step, "waiting", **facts)

    def event(self, step: Step, state: Any, **facts: Any) -> None:
        """Reports an event, to the log and to the listener."""
        if _log.isEnabledFor(logging.DEBUG):
            words = " ".join(str(word) for word in facts.values() if word is not None)
            network, name = self.connection.network or self.cloud.provider, self.connection.deployment_name
            _log.debug("%s, %s: %s %s %s", name, network, step.description, state, words)
        if self.on_progress is None:
            return
        now = monotonic()
        event = ConnectionProgress(
            step=step,
            state=state,
            connection=self.connection,
            number=self.steps.index(step) + 1,
            count=len(self.steps),
            networks=self.networks,
            status=self.connection.status,
            cloud_status=self.cloud_status,
            elapsed=now - self.began,
            step_elapsed=now - self.step_began,
            **facts,
        )
        try:
            self.on_progress(event)
        except BaseException as error:
            self.refused_event = error
            raise
