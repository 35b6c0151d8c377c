"""httpx with one `AsyncClient` and its default limits, which keep no more than 20 idle connections."""

import httpx

from benches.work import TIMEOUT_SECONDS, Work

DEFAULT_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)


async def run(work: Work, limits: httpx.Limits = DEFAULT_LIMITS) -> None:
    """Creates."""
    digest = httpx.DigestAuth(work.public_key, work.private_key)
    async with httpx.AsyncClient(auth=digest, limits=limits, timeout=TIMEOUT_SECONDS) as client:

        async def create(comment: str) -> object:
            response = await client.post(work.url, json={"comment": comment})
            response.raise_for_status()
            return response.json()["_id"]

        await work.run_in_tasks(create)
