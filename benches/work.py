"""The workload that every client gets, and what is measured of it, in the process of that client.

This file stays light: what it imports counts into the peak memory of a script with one call.
"""

from __future__ import annotations

import resource
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import TracebackType

# The core's benchmark (`core/main.rs`) sends the same.
GROUP_ID = "5f7cac1adf5d6c6306f4b283"
INSTANCE = "Instance0"
PATH = f"/api/atlas/v1.0/groups/{GROUP_ID}/privateEndpoint/serverless/instance/{INSTANCE}/endpoint"
TIMEOUT_SECONDS = 30.0


class Work:
    """So many creations, so many of them in flight; counts what comes of them."""

    def __init__(self, base_url: str, public_key: str, private_key: str, creates: int, in_flight: int) -> None:
        self.base_url = base_url
        self.public_key = public_key
        self.private_key = private_key
        self.creates = creates
        self.in_flight = in_flight
        self.created = 0
        self.errors: dict[str, int] = {}
        self.wall = 0.0
        self.cpu = 0.0

    @property
    def url(self) -> str:
        """Where to POST, for clients that do not know Atlas."""
        return self.base_url + PATH

    def comments(self) -> Iterator[str]:
        """One for each creation. A list's iterator, which threads may share."""
        return iter([f"benchmark {number}" for number in range(1, self.creates + 1)])

    def succeeded(self, endpoint_id: object) -> None:
        """A creation came back with its id."""
        if not isinstance(endpoint_id, str) or not endpoint_id:
            message = f"no id in the answer: {endpoint_id!r}"
            raise ValueError(message)
        self.created += 1

    def failed(self, error: object) -> None:
        """A creation came back with anything else."""
        text = f"{type(error).__name__}: {error}" if isinstance(error, Exception) else str(error)
        self.errors[text] = self.errors.get(text, 0) + 1

    def __enter__(self) -> Work:
        self._cpu_before = _cpu()
        self._begun = time.perf_counter()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.wall = time.perf_counter() - self._begun
        self.cpu = _cpu() - self._cpu_before

    async def run_in_tasks(self, create: Callable[[str], Awaitable[object]]) -> None:
        """Await `create(comment)`, which returns the id, from as many tasks as are to be in flight."""
        import asyncio

        comments = self.comments()

        async def task() -> None:
            for comment in comments:
                try:
                    self.succeeded(await create(comment))
                except Exception as error:
                    self.failed(error)

        with self:
            await asyncio.gather(*[task() for _ in range(self.in_flight)])

    def run_in_threads(self, prepare: Callable[[], Callable[[str], object]]) -> None:
        """Call what `prepare` returns, which it does once in each thread, from as many threads."""
        comments = self.comments()
        outcomes: list[object] = []

        def thread() -> None:
            create = prepare()
            for comment in comments:
                try:
                    outcomes.append(create(comment))
                except Exception as error:
                    outcomes.append(error)

        with self:
            if self.in_flight == 1:
                thread()
            else:
                import threading

                threads = [threading.Thread(target=thread) for _ in range(self.in_flight)]
                for each in threads:
                    each.start()
                for each in threads:
                    each.join()
        # Counted here, since `+=` is not safe in threads.
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                self.failed(outcome)
            else:
                self.succeeded(outcome)


def _cpu() -> float:
    """User and system time of this process so far, all of its threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
