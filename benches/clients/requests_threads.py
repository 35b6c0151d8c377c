"""requests with a `Session` for each thread, as it is not promised to be safe to share."""

from collections.abc import Callable

import requests
from requests.auth import HTTPDigestAuth

from benches.work import TIMEOUT_SECONDS, Work


def run(work: Work) -> None:
    """Creates."""

    def prepare() -> Callable[[str], object]:
        session = requests.Session()
        session.auth = HTTPDigestAuth(work.public_key, work.private_key)

        def create(comment: str) -> object:
            response = session.post(work.url, json={"comment": comment}, timeout=TIMEOUT_SECONDS)
            response.raise_for_status()
            return response.json()["_id"]

        return create

    work.run_in_threads(prepare)
