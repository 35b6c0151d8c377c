"""One call makes at most one endpoint, and the caller learns its id or what is unknown, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from support import GROUP_ID, INSTANCE, Caller

from atlas_privatelink import (
    ApiError,
    AsyncClient,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    ServerlessEndpoint,
    Timeout,
)
from atlas_privatelink.testing import AtlasEmulator

Arm = Callable[[AtlasEmulator], None]


def fault(name: str, *, first_leg: bool = False, **parameters: Any) -> Arm:
    """Arms a fault for the creation itself, or for the request that asks for its challenge."""

    def arm(atlas: AtlasEmulator) -> None:
        method = "GET" if first_leg else "POST"
        atlas.fault(name, method=method, authenticated=not first_leg, **parameters)  # type: ignore[arg-type]

    arm.__name__ = " ".join([name, *(f"{k}={v}" for k, v in parameters.items()), *(["first leg"] if first_leg else [])])
    return arm


def status(code: int, **parameters: Any) -> Arm:
    return fault("status", status=code, **parameters)


def run(call: Caller, atlas: AtlasEmulator, **kw: Any) -> ServerlessEndpoint | Exception:
    try:
        endpoint: ServerlessEndpoint = call.create(atlas, options={"timeout": 8.0}, **kw)
    except Exception as error:
        return error
    return endpoint


EXECUTED = [
    fault("reset_after_handler"),
    fault("close_after_handler"),
    fault("cut_body", bytes=0),
    fault("cut_body", bytes=20),
    fault("empty_body"),
    fault("not_json"),
    fault("wrong_json", shape="array"),
    fault("wrong_json", shape="object"),
    fault("wrong_json", shape="no_id"),
    fault("huge_body", bytes=20_000_000),
    fault("huge_body", bytes=20_000_000, format="text"),
    *[status(code, executed=True, format=form) for code in (500, 502, 503, 504) for form in ("json", "html", "empty")],
]


@pytest.mark.parametrize("arm", EXECUTED, ids=lambda arm: arm.__name__)
def test_an_executed_creation_is_found_by_its_comment(call: Caller, atlas: AtlasEmulator, arm: Arm) -> None:
    arm(atlas)
    endpoint = run(call, atlas, comment="mine")
    assert isinstance(endpoint, ServerlessEndpoint), endpoint
    assert [made["_id"] for made in atlas.endpoints()] == [endpoint.id]
    assert atlas.stats().endpoints_made == 1


@pytest.mark.parametrize("arm", EXECUTED, ids=lambda arm: arm.__name__)
def test_without_a_comment_the_candidate_is_in_the_error(call: Caller, atlas: AtlasEmulator, arm: Arm) -> None:
    arm(atlas)
    error = run(call, atlas)
    assert isinstance(error, OutcomeUnknown), error
    assert [made["_id"] for made in atlas.endpoints()] == [candidate.id for candidate in error.candidates]
    assert "list_endpoints" in str(error)
    assert atlas.stats().endpoints_made == 1


@pytest.mark.parametrize(
    "arm",
    [
        fault("reset_before_handler"),
        fault("close_before_handler"),
        *[status(code, format=form) for code in (500, 502, 503, 504) for form in ("json", "html")],
    ],
    ids=lambda arm: arm.__name__,
)
def test_a_lost_creation_is_not_repeated(call: Caller, atlas: AtlasEmulator, arm: Arm) -> None:
    arm(atlas)
    error = run(call, atlas, comment="mine")
    assert isinstance(error, OutcomeUnknown), error
    assert error.candidates == ()
    assert 'if_exists="adopt"' in str(error) and "'mine'" in str(error).replace('"', "'")
    assert atlas.stats().endpoints_made == 0


@pytest.mark.parametrize(
    "arm",
    [
        status(429),
        status(429, retry_after=1),
        status(429, retry_after=0, times=2),
        status(503, retry_after=1),
        fault("trickle", interval=0.002),
        fault("delay", seconds=0.2),
        fault("delay_after_handler", seconds=0.2),
        fault("huge_body", bytes=1_000_000),
        *[
            fault(name, first_leg=True)
            for name in ("reset_before_handler", "reset_after_handler", "close_before_handler", "close_after_handler")
        ],
        fault("cut_body", first_leg=True, bytes=3),
        *[fault("status", first_leg=True, status=code, format="html") for code in (429, 502, 503, 504)],
        fault("status", first_leg=True, status=404),
        fault("status", first_leg=True, status=200, format="empty"),
    ],
    ids=lambda arm: arm.__name__,
)
def test_what_was_not_accepted_is_repeated(call: Caller, atlas: AtlasEmulator, arm: Arm) -> None:
    arm(atlas)
    endpoint = run(call, atlas, comment="mine")
    assert isinstance(endpoint, ServerlessEndpoint), endpoint
    assert [made["_id"] for made in atlas.endpoints()] == [endpoint.id]
    assert atlas.stats().endpoints_made == 1


def test_an_answer_that_comes_too_late(call: Caller, atlas: AtlasEmulator) -> None:
    fault("delay_after_handler", seconds=20)(atlas)
    endpoint = call.create(atlas, options={"timeout": 2.0}, comment="mine")
    assert [made["_id"] for made in atlas.endpoints()] == [endpoint.id]


def test_an_execution_that_comes_too_late(call: Caller, atlas: AtlasEmulator) -> None:
    fault("delay", seconds=20)(atlas)
    with pytest.raises(OutcomeUnknown, match="may still appear"):
        call.create(atlas, options={"timeout": 1.0}, comment="mine")
    assert atlas.stats().endpoints_made == 0


def test_nobody_there(call: Caller, atlas: AtlasEmulator) -> None:
    atlas.fault("refuse", drop_connections=True)
    with pytest.raises(NotSent, match="nothing was created"):
        call.create(atlas, options={"max_retries": 1})
    atlas.heal()
    assert atlas.stats().endpoints_made == 0


def test_nobody_there_for_a_moment(call: Caller, atlas: AtlasEmulator) -> None:
    atlas.fault("refuse", seconds=0.4)
    endpoint = call.create(atlas)
    assert [made["_id"] for made in atlas.endpoints()] == [endpoint.id]


def test_time_is_up_before_anything_is_sent(call: Caller, atlas: AtlasEmulator) -> None:
    fault("delay", first_leg=True, seconds=20)(atlas)
    with pytest.raises(Timeout, match="nothing was created") as caught:
        call.create(atlas, options={"timeout": 0.5}, comment="mine")
    assert isinstance(caught.value, TimeoutError)
    assert atlas.stats().endpoints_made == 0


def test_a_limit_that_outlasts_the_time(call: Caller, atlas: AtlasEmulator) -> None:
    status(429, retry_after=600, times=None)(atlas)
    with pytest.raises(RateLimited) as caught:
        call.create(atlas, options={"timeout": 5.0})
    assert caught.value.retry_after == 600
    assert atlas.stats().answers[("POST", 429)] == 1


def test_redirects_are_not_followed(call: Caller, atlas: AtlasEmulator) -> None:
    fault("redirect", location="http://127.0.0.1:9/else")(atlas)
    with pytest.raises(ApiError, match="redirects are not followed") as caught:
        call.create(atlas)
    assert caught.value.status_code == 302
    assert atlas.stats().endpoints_made == 0


def test_an_older_endpoint_with_the_same_comment_is_not_taken_for_the_new_one(call: Caller) -> None:
    with AtlasEmulator(clock="driven") as atlas:
        old = call.create(atlas, comment="mine")
        atlas.advance(30)
        fault("reset_before_handler")(atlas)
        error = run(call, atlas, comment="mine")
        assert isinstance(error, OutcomeUnknown) and error.candidates == ()
        fault("reset_after_handler")(atlas)
        new = run(call, atlas, comment="mine")
        assert isinstance(new, ServerlessEndpoint) and new.id != old.id


def test_adopting_returns_what_is_there(call: Caller, atlas: AtlasEmulator) -> None:
    first = call.create(atlas, comment="mine")
    again = call.create(atlas, comment="mine", if_exists="adopt")
    other = call.create(atlas, comment="another", if_exists="adopt")
    assert again == first
    assert other.id != first.id
    assert atlas.stats().endpoints_made == 2


def test_what_failed_is_not_adopted(call: Caller) -> None:
    with AtlasEmulator(clock="driven", reservation_seconds=10) as atlas:
        atlas.fail_next_endpoint("no capacity")
        failed = call.create(atlas, comment="mine")
        atlas.advance(20)
        shown = call(atlas, "get_endpoint", GROUP_ID, INSTANCE, failed.id)
        assert (shown.status, shown.error_message) == ("FAILED", "no capacity")
        assert call.create(atlas, comment="mine", if_exists="adopt").id != failed.id


def test_fifty_adoptions_at_once_make_one_endpoint(atlas: AtlasEmulator) -> None:
    async def main() -> set[str]:
        async with AsyncClient(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
            made = [client.create_endpoint(GROUP_ID, INSTANCE, comment="mine", if_exists="adopt") for _ in range(50)]
            return {endpoint.id for endpoint in await asyncio.gather(*made)}

    assert len(asyncio.run(main())) == 1
    assert atlas.stats().endpoints_made == 1


def test_two_creations_of_the_same_comment_never_share_an_endpoint(atlas: AtlasEmulator) -> None:
    """One is executed and answered, the other lost: the second must not take the first one's endpoint for its own."""

    async def main() -> list[Any]:
        async with AsyncClient(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
            await client.list_endpoints(GROUP_ID, INSTANCE)
            fault("delay_after_handler", seconds=1)(atlas)
            fault("reset_before_handler")(atlas)
            one = asyncio.ensure_future(client.create_endpoint(GROUP_ID, INSTANCE, comment="mine"))
            await asyncio.sleep(0.2)
            other = asyncio.ensure_future(client.create_endpoint(GROUP_ID, INSTANCE, comment="mine"))
            return list(await asyncio.gather(one, other, return_exceptions=True))

    one, other = asyncio.run(main())
    assert isinstance(one, ServerlessEndpoint)
    assert isinstance(other, OutcomeUnknown)
    assert atlas.stats().endpoints_made == 1


@pytest.mark.parametrize("arm", EXECUTED[:3], ids=lambda arm: arm.__name__)
def test_the_response_tells_what_it_took(call: Caller, atlas: AtlasEmulator, arm: Arm) -> None:
    arm(atlas)
    endpoint = call.create(atlas, comment="mine")
    assert endpoint.response is not None
    assert endpoint.response.url.startswith(atlas.base_url)
