"""`AsyncClient`."""

from atlas_privatelink import AsyncClient
from benches.work import GROUP_ID, INSTANCE, TIMEOUT_SECONDS, Work


async def run(work: Work) -> None:
    """Creates."""
    async with AsyncClient(
        work.public_key,
        work.private_key,
        base_url=work.base_url,
        timeout=TIMEOUT_SECONDS,
        max_connections=work.in_flight,
    ) as client:

        async def create(comment: str) -> str:
            endpoint = await client.create_endpoint(GROUP_ID, INSTANCE, comment=comment)
            return endpoint.id

        await work.run_in_tasks(create)
