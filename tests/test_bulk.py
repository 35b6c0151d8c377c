"""Many calls at a time, and Atlas's rate limit."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from support import GROUP_ID, INSTANCE

from atlas_privatelink import BulkOutcome, ConfigurationError, ValidationError
from atlas_privatelink.testing import AtlasEmulator


def items(count: int) -> Iterator[dict[str, Any]]:
    return ({"group_id": GROUP_ID, "instance_name": INSTANCE, "comment": f"number {n}"} for n in range(count))


def run(emulator: AtlasEmulator, kind: str, operation: str, given: Any, **kw: Any) -> list[BulkOutcome[Any]]:
    """All outcomes, with either client."""
    if kind == "sync":
        with emulator.client() as client:
            return list(client.bulk(operation, given, **kw))

    async def main() -> list[BulkOutcome[Any]]:
        async with emulator.async_client() as client:
            return [outcome async for outcome in client.bulk(operation, given, **kw)]

    return asyncio.run(main())


@pytest.fixture(params=["async", "sync"])
def kind(request: pytest.FixtureRequest) -> str:
    """The test runs once with each client."""
    return str(request.param)


def test_each_is_made_once_and_told(atlas: AtlasEmulator, kind: str) -> None:
    atlas.fault("delay", seconds=0.005, method="POST", times=None)
    outcomes = run(atlas, kind, "create_endpoint", items(200), concurrency=20)
    assert len(outcomes) == 200 and atlas.stats().endpoints_made == 200
    assert {outcome.unwrap().comment for outcome in outcomes} == {f"number {n}" for n in range(200)}
    assert all(outcome.result.comment == outcome.arguments["comment"] for outcome in outcomes if outcome.result)
    assert 1 < atlas.stats().max_in_flight <= 20


def test_what_fails_stops_nobody_else(atlas: AtlasEmulator, kind: str) -> None:
    given: list[Any] = [*items(5), {"group_id": GROUP_ID}, {"group_id": "x", "instance_name": "y"}, 7, *items(5)]
    given[2] = {**given[2], "colour": "red"}
    outcomes = run(atlas, kind, "create_endpoint", given, concurrency=4)
    assert len(outcomes) == 13 and atlas.stats().endpoints_made == 9
    errors = sorted(str(outcome.error) for outcome in outcomes if outcome.error)
    assert errors[0] == 'create_endpoint() has no argument "colour"'
    assert errors[1] == 'create_endpoint() is missing the argument "instance_name"'
    assert errors[2].startswith("group_id must be 24 hexadecimal digits")
    assert errors[3].startswith("items must be mappings")
    (invalid,) = [outcome for outcome in outcomes if getattr(outcome.error, "field", "") == "group_id"]
    with pytest.raises(ValidationError):
        invalid.unwrap()


@pytest.mark.parametrize("concurrency", [0, -1, 1025, True, "4", 2.0])
def test_a_wrong_concurrency(atlas: AtlasEmulator, kind: str, concurrency: Any) -> None:
    with pytest.raises(ValidationError, match="concurrency must be from 1 to 1024"):
        run(atlas, kind, "create_endpoint", items(1), concurrency=concurrency)
    assert atlas.requests() == []


def test_an_unknown_operation_is_the_error_of_each(atlas: AtlasEmulator, kind: str) -> None:
    (outcome,) = run(atlas, kind, "make_endpoint", items(1))
    assert isinstance(outcome.error, LookupError) and "make_endpoint" in str(outcome.error)


def test_a_closed_client_is_the_error_of_each(atlas: AtlasEmulator) -> None:
    client = atlas.client()
    client.close()
    assert [type(outcome.error) for outcome in client.create_endpoints(items(3))] == [ConfigurationError] * 3


def test_items_are_taken_as_calls_come_free(atlas: AtlasEmulator) -> None:
    taken = 0

    async def endless() -> AsyncIterator[dict[str, Any]]:
        nonlocal taken
        while True:
            taken += 1
            yield {"group_id": GROUP_ID, "instance_name": INSTANCE}

    async def main() -> None:
        async with atlas.async_client() as client:
            seen = 0
            outcomes = client.create_endpoints(endless(), concurrency=8)
            async for _ in outcomes:
                seen += 1
                if seen == 50:
                    break
            assert taken <= 58
            await outcomes.aclose()  # type: ignore[attr-defined]
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_leaving_early_drops_what_is_in_flight(atlas: AtlasEmulator) -> None:
    with atlas.client() as client:
        outcomes = client.create_endpoints(items(1000), concurrency=8)
        for _ in range(20):
            next(outcomes)
        outcomes.close()  # type: ignore[attr-defined]
    assert atlas.stats().endpoints_made <= 28


def test_leaving_early_closes_what_is_not_answered(atlas: AtlasEmulator) -> None:
    """Were they not dropped, this would not end: the server takes longer than anybody waits."""
    atlas.fault("delay", seconds=86_000, method="POST", authenticated=True, after=1, times=None)
    with atlas.client(timeout=86_000) as client:
        outcomes = client.create_endpoints(items(1000), concurrency=8)
        assert next(outcomes).error is None
        while atlas.stats().requests < 9:  # the challenge, the one that was answered, and 7 that are not
            pass
        outcomes.close()  # type: ignore[attr-defined]
    finished = 0
    while finished < 9:
        finished += len(atlas.take_finished_requests())


def test_ten_thousand_cost_the_memory_of_a_few(kind: str) -> None:
    """What a run holds at most does not grow with its length."""

    def peak(count: int) -> int:
        with AtlasEmulator(capacity=100_000, record=False) as emulator:
            tracemalloc.start()
            consume(emulator, kind, count)
            gc.collect()
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

    consume_once = peak(500)
    assert peak(10_000) < 2 * consume_once + 200_000


def consume(emulator: AtlasEmulator, kind: str, count: int) -> None:
    if kind == "sync":
        with emulator.client() as client:
            for outcome in client.create_endpoints(items(count)):
                assert outcome.error is None
        return

    async def main() -> None:
        async with emulator.async_client() as client:
            async for outcome in client.create_endpoints(items(count)):
                assert outcome.error is None

    asyncio.run(main())


def test_ten_thousand_calls_stay_under_the_rate_limit(kind: str) -> None:
    """Within 5 % of what the bucket allows, and with at most one 429 per refill."""
    with AtlasEmulator(clock="driven", record=False) as emulator:
        with emulator.client() as client:
            endpoint = client.create_endpoint(GROUP_ID, INSTANCE)
        emulator.reset_stats()
        given = {"group_id": GROUP_ID, "instance_name": INSTANCE, "endpoint_id": endpoint.id}
        outcomes = run(emulator, kind, "get_endpoint", (given for _ in range(10_000)), concurrency=64)
        dates = [outcome.unwrap().response.headers["date"] for outcome in (outcomes[0], outcomes[-1])]
        begun, ended = (parsedate_to_datetime(date).timestamp() for date in dates)
        bound = (10_000 - 4_000) / 2_000 * 60
        assert bound - 2 <= ended - begun <= 1.05 * bound
        assert emulator.stats().answers.get(("GET", 429), 0) <= bound / 60
        assert {outcome.error for outcome in outcomes} == {None}
