"""pycurl: one handle for one creation after the other, a `CurlMulti` of handles that are used again for many."""

import json
from io import BytesIO

import pycurl

from benches.work import TIMEOUT_SECONDS, Work


def run(work: Work) -> None:
    """Creates."""
    if work.in_flight == 1:
        sequential(work)
    else:
        concurrent(work)


class Handle:
    """An easy handle, and the answer it is reading. It keeps its connection and its nonce."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.curl = pycurl.Curl()
        self.curl.setopt(pycurl.URL, work.url)
        self.curl.setopt(pycurl.HTTPAUTH, pycurl.HTTPAUTH_DIGEST)
        self.curl.setopt(pycurl.USERNAME, work.public_key)
        self.curl.setopt(pycurl.PASSWORD, work.private_key)
        self.curl.setopt(pycurl.HTTPHEADER, ["Accept: application/json", "Content-Type: application/json"])
        self.curl.setopt(pycurl.TIMEOUT, int(TIMEOUT_SECONDS))
        self.curl.setopt(pycurl.NOSIGNAL, True)

    def begin(self, comment: str) -> None:
        """Prepares one creation."""
        self.curl.setopt(pycurl.POSTFIELDS, json.dumps({"comment": comment}))
        self.answer = BytesIO()
        self.curl.setopt(pycurl.WRITEDATA, self.answer)

    def finish(self) -> None:
        """Counts its answer."""
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        if status != 201:
            self.work.failed(f"HTTP {status}")
            return
        try:
            self.work.succeeded(json.loads(self.answer.getvalue())["_id"])
        except (ValueError, KeyError) as error:
            self.work.failed(error)


def sequential(work: Work) -> None:
    """One after the other."""
    handle = Handle(work)
    with work:
        for comment in work.comments():
            handle.begin(comment)
            try:
                handle.curl.perform()
            except pycurl.error as error:
                work.failed(error)
            else:
                handle.finish()
    handle.curl.close()


def concurrent(work: Work) -> None:
    """As in pycurl's `retriever-multi.py`."""
    multi = pycurl.CurlMulti()
    handles = [Handle(work) for _ in range(work.in_flight)]
    by_curl = {handle.curl: handle for handle in handles}
    comments = work.comments()
    running = 0

    def begin_next(handle: Handle) -> int:
        comment = next(comments, None)
        if comment is None:
            return 0
        handle.begin(comment)
        multi.add_handle(handle.curl)
        return 1

    with work:
        for handle in handles:
            running += begin_next(handle)
        while running:
            while multi.perform()[0] == pycurl.E_CALL_MULTI_PERFORM:
                pass
            left = 1
            while left:
                left, done, broken = multi.info_read()
                for curl, _, message in broken:
                    work.failed(message)
                    multi.remove_handle(curl)
                    running += begin_next(by_curl[curl]) - 1
                for curl in done:
                    by_curl[curl].finish()
                    multi.remove_handle(curl)
                    running += begin_next(by_curl[curl]) - 1
            multi.select(1.0)
    multi.close()
