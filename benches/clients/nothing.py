"""No client at all: what the benchmark's own script costs."""

from benches.work import Work


def run(work: Work) -> None:
    """Creates nothing."""
