"""What Atlas's error codes mean beyond their status."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from answer_server import AnswerServer, Reply
from local_servers import Received
from support import GROUP_ID, INSTANCE, Caller

from atlas_privatelink import Conflict, RateLimited


def refusal(status: int, code: str, *parameters: object) -> Reply:
    body = {"error": status, "errorCode": code, "parameters": parameters}
    return Reply(status, (("Content-Type", "application/json"),), json.dumps(body).encode())


@pytest.fixture
def server() -> Iterator[AnswerServer]:
    with AnswerServer() as server:
        yield server


def test_a_plain_rate_limit_names_requests_and_not_seconds(server: AnswerServer, call: Caller) -> None:
    def answer(request: Received) -> Reply:
        if len(server.requests) == 1:
            return refusal(429, "RATE_LIMITED", "/api/atlas/v1.0/groups", 100, 1)
        return Reply(200, body=b"[]")

    server.answer = answer
    assert call(server, "list_endpoints", GROUP_ID, INSTANCE) == []
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("code", "parameters", "asked"),
    [("RATE_LIMITED", ("/x", 100, 1), None), ("RATE_LIMITED_TOKEN_BUCKET", ("/x", 100, 4000, 2000, 60), 100.0)],
)
def test_how_long_atlas_asks_to_wait(
    server: AnswerServer, call: Caller, code: str, parameters: tuple[object, ...], asked: float | None
) -> None:
    server.answer = lambda request: refusal(429, code, *parameters)
    with pytest.raises(RateLimited) as caught:
        call(server, "list_endpoints", GROUP_ID, INSTANCE, options={"max_retries": 0})
    assert caught.value.retry_after == asked


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("create_connection", ("AWS",), "STREAM_PRIVATE_LINK_ALREADY_EXISTS"),
        ("delete_connection", ("64f000000000000000000b01",), "STREAM_PRIVATE_LINK_IN_USE"),
    ],
)
def test_stream_processing_says_conflict_with_400(
    server: AnswerServer, call: Caller, method: str, arguments: tuple[str, ...], code: str
) -> None:
    server.answer = lambda request: refusal(400, code)
    with pytest.raises(Conflict) as caught:
        call(server, f"stream_processing.{method}", GROUP_ID, *arguments)
    assert (caught.value.status_code, caught.value.error_code) == (400, code)
