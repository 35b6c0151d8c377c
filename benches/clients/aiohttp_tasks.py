"""aiohttp with its own digest middleware, as its documentation shows it."""

import aiohttp

from benches.work import TIMEOUT_SECONDS, Work


async def run(work: Work) -> None:
    """Creates."""
    digest = aiohttp.DigestAuthMiddleware(work.public_key, work.private_key)
    connector = aiohttp.TCPConnector(limit=work.in_flight)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, middlewares=(digest,)) as session:

        async def create(comment: str) -> object:
            async with session.post(work.url, json={"comment": comment}) as response:
                response.raise_for_status()
                return (await response.json())["_id"]

        await work.run_in_tasks(create)
