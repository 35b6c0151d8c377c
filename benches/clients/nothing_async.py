"""No client at all, but an event loop."""

from benches.work import Work


async def run(work: Work) -> None:
    """Creates nothing."""
