"""httpx with one `AsyncClient` that keeps as many idle connections as there are requests in flight.

It opens fewer connections than with its default limits, and computes more: its pool looks at all connections again for
each one that is idle. Neither is better on every network.
"""

from collections.abc import Coroutine

import httpx

from benches.clients import httpx_tasks
from benches.work import Work


def run(work: Work) -> Coroutine[object, object, None]:
    """Creates."""
    limits = httpx.Limits(max_connections=work.in_flight, max_keepalive_connections=work.in_flight)
    return httpx_tasks.run(work, limits)
