"""httpx with one `Client` for all threads, as its documentation recommends, and its default limits."""

import httpx

from benches.work import TIMEOUT_SECONDS, Work


def run(work: Work) -> None:
    """Creates."""
    digest = httpx.DigestAuth(work.public_key, work.private_key)
    with httpx.Client(auth=digest, timeout=TIMEOUT_SECONDS) as client:

        def create(comment: str) -> object:
            response = client.post(work.url, json={"comment": comment})
            response.raise_for_status()
            return response.json()["_id"]

        work.run_in_threads(lambda: create)
