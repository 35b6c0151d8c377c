"""`Client`, one for all threads."""

from atlas_privatelink import Client
from benches.work import GROUP_ID, INSTANCE, TIMEOUT_SECONDS, Work


def run(work: Work) -> None:
    """Creates."""
    with Client(
        work.public_key,
        work.private_key,
        base_url=work.base_url,
        timeout=TIMEOUT_SECONDS,
        max_connections=work.in_flight,
    ) as client:

        def create(comment: str) -> str:
            return client.create_endpoint(GROUP_ID, INSTANCE, comment=comment).id

        work.run_in_threads(lambda: create)
