"""Waiting: on the emulator's driven clock, where minutes take milliseconds."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import GROUP_ID, INSTANCE, Caller, DrivenCaller

from atlas_privatelink import (
    ApiError,
    AsyncClient,
    AtlasError,
    Client,
    EndpointFailed,
    Gone,
    ServerlessEndpoint,
    ValidationError,
    WaitProgress,
    WaitTimeout,
)
from atlas_privatelink.testing import AtlasEmulator

VPC_ENDPOINT = "vpce-0123456789abcdef0"


@pytest.fixture
def driven() -> Iterator[AtlasEmulator]:
    """A local Atlas whose clock its own clients drive."""
    with AtlasEmulator(clock="driven") as emulator:
        yield emulator


class Waiter(DrivenCaller):
    """Makes an endpoint, and waits for it."""

    def create(self) -> str:
        endpoint: ServerlessEndpoint = self("create_endpoint", GROUP_ID, INSTANCE, comment="mine")
        return endpoint.id

    def wait(self, endpoint_id: str, **kw: Any) -> Any:
        return self("wait_for_endpoint", GROUP_ID, INSTANCE, endpoint_id, **kw)


@pytest.fixture
def waiter(driven: AtlasEmulator, call: Caller) -> Waiter:
    """The test runs once with each client."""
    return Waiter(driven, call.kind)


def test_from_nothing_to_available_and_back(waiter: Waiter) -> None:
    endpoint_id = waiter.create()
    reserved = waiter.wait(endpoint_id, until="RESERVED")
    assert (reserved.id, reserved.status) == (endpoint_id, "RESERVED")
    assert reserved.endpoint_service_name.startswith("com.amazonaws.vpce.")
    assert reserved.response.status_code == 200
    waiter("update_endpoint", GROUP_ID, INSTANCE, endpoint_id, cloud_provider_endpoint_id=VPC_ENDPOINT)
    available = waiter.wait(endpoint_id)
    assert (available.status, available.cloud_provider_endpoint_id) == ("AVAILABLE", VPC_ENDPOINT)
    assert waiter.wait(endpoint_id, until="RESERVED").status == "AVAILABLE"
    waiter("delete_endpoint", GROUP_ID, INSTANCE, endpoint_id)
    assert waiter.wait(endpoint_id, until="DELETED") is None
    assert waiter.wait(endpoint_id, until="DELETED") is None


def test_what_atlas_fails_is_told_with_its_reason(waiter: Waiter) -> None:
    waiter.emulator.fail_next_endpoint("No capacity in this region.")
    endpoint_id = waiter.create()
    with pytest.raises(EndpointFailed, match=rf"{endpoint_id} will not become AVAILABLE.*No capacity") as caught:
        waiter.wait(endpoint_id)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.endpoint.id, error.endpoint.status) == (endpoint_id, "FAILED")
    assert error.endpoint.error_message == "No capacity in this region."


def test_a_time_out_tells_the_last_state(waiter: Waiter) -> None:
    endpoint_id = waiter.create()
    with pytest.raises(WaitTimeout, match="is not RESERVED after 60 s: it was RESERVATION_REQUESTED") as caught:
        waiter.wait(endpoint_id, until="RESERVED", timeout=60)
    assert isinstance(caught.value, TimeoutError) and isinstance(caught.value, AtlasError)
    assert (caught.value.endpoint.id, caught.value.endpoint.status) == (endpoint_id, "RESERVATION_REQUESTED")
    assert waiter.wait(endpoint_id, until="RESERVED", timeout=60).status == "RESERVED"


def test_what_is_deleted_meanwhile(waiter: Waiter) -> None:
    endpoint_id = waiter.create()
    waiter("delete_endpoint", GROUP_ID, INSTANCE, endpoint_id)
    with pytest.raises(EndpointFailed, match="it is being deleted") as caught:
        waiter.wait(endpoint_id)
    assert caught.value.endpoint.status == "DELETING"


def test_what_never_was(waiter: Waiter) -> None:
    with pytest.raises(EndpointFailed, match=f"there is no endpoint {'0' * 24}") as caught:
        waiter.wait("0" * 24)
    assert caught.value.endpoint is None


def test_what_was_seen_and_is_gone(driven: AtlasEmulator) -> None:
    with driven.client() as client:
        made = client.create_endpoint(GROUP_ID, INSTANCE)

        def remove(progress: WaitProgress) -> None:
            if progress.looks == 1:
                client.delete_endpoint(GROUP_ID, INSTANCE, made.id)
                driven.advance(3600)

        with pytest.raises(EndpointFailed, match="deleted meanwhile") as caught:
            client.wait_for_endpoint(GROUP_ID, INSTANCE, made.id, on_progress=remove)
    assert caught.value.endpoint.id == made.id


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"until": "READY"}, "until"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": float("nan")}, "timeout"),
        ({"timeout": 366 * 86400}, "timeout"),
        ({"endpoint_id": VPC_ENDPOINT}, "endpoint_id"),
        ({"instance_name": "a/b"}, "instance_name"),
        ({"group_id": "x"}, "group_id"),
    ],
)
def test_bad_arguments_send_nothing(waiter: Waiter, arguments: dict[str, Any], field: str) -> None:
    given = {"group_id": GROUP_ID, "instance_name": INSTANCE, "endpoint_id": "0" * 24, **arguments}
    with pytest.raises(ValidationError) as caught:
        waiter("wait_for_endpoint", **given)
    assert caught.value.field == field and str(caught.value).startswith(field)
    assert waiter.emulator.requests() == []


def test_progress_is_told_on_the_waiters_own_thread(waiter: Waiter) -> None:
    endpoint_id = waiter.create()
    told: list[tuple[WaitProgress, threading.Thread]] = []
    waiter.wait(endpoint_id, until="RESERVED", on_progress=lambda p: told.append((p, threading.current_thread())))
    assert {thread for _, thread in told} == {threading.main_thread()}
    looks = [progress for progress, _ in told]
    assert [progress.looks for progress in looks] == list(range(1, len(looks) + 1))
    assert [progress.changed for progress in looks] == [True] + [False] * (len(looks) - 1)
    assert all(progress.status == "RESERVATION_REQUESTED" and progress.endpoint.id == endpoint_id for progress in looks)
    assert all(0 < progress.next_look <= 5 for progress in looks)
    assert 80 <= looks[-1].elapsed <= 90


def test_a_failing_callback_ends_the_wait(waiter: Waiter) -> None:
    def fail(_: WaitProgress) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        waiter.wait(waiter.create(), on_progress=fail)


FAULTS: dict[str, dict[str, Any]] = {
    "reset_before_handler": {},
    "reset_after_handler": {},
    "close_before_handler": {},
    "close_after_handler": {},
    "cut_body": {"bytes": 5},
    "delay": {"seconds": 0.01},
    "delay_after_handler": {"seconds": 0.01},
    "trickle": {"interval": 0.0001},
    "status-500": {"status": 500},
    "status-502": {"status": 502, "format": "html"},
    "status-503": {"status": 503, "retry_after": 20},
    "status-504": {"status": 504, "format": "empty"},
    "status-429": {"status": 429, "retry_after": 30},
    "status-429-without-a-word": {"status": 429, "format": "empty"},
    "status-408": {"status": 408},
    "empty_body": {},
    "not_json": {},
    "huge_body": {"bytes": 17_000_000, "format": "text"},
    "wrong_json-array": {"shape": "array"},
    "wrong_json-object": {"shape": "object"},
    "wrong_json-no_id": {"shape": "no_id"},
    "refuse": {"drop_connections": True},
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_every_fault_at_every_other_look_is_survived(waiter: Waiter, fault: str) -> None:
    endpoint_id = waiter.create()
    troubles: list[str] = []
    name: Any = fault.partition("-")[0]
    conditions: dict[str, Any] = {} if name == "refuse" else {"method": "GET", "authenticated": True}

    def break_the_next(progress: WaitProgress) -> None:
        assert progress.endpoint is not None and progress.endpoint.id == endpoint_id
        waiter.emulator.heal()
        if progress.looks % 2:
            waiter.emulator.fault(name, **conditions, **FAULTS[fault])
        if progress.trouble is not None:
            troubles.append(progress.trouble)

    reserved = waiter.wait(endpoint_id, until="RESERVED", on_progress=break_the_next)
    assert (reserved.id, reserved.status) == (endpoint_id, "RESERVED")
    harmless = name in {"delay", "delay_after_handler", "trickle", "huge_body"} or fault == "wrong_json-array"
    assert len(troubles) > 1 or harmless
    assert waiter.emulator.stats().endpoints_made == 1


def test_what_the_server_asks_for_is_heeded(waiter: Waiter) -> None:
    endpoint_id = waiter.create()
    waiter.emulator.fault("status", status=503, retry_after=600, method="GET", authenticated=True)
    told: list[WaitProgress] = []
    waiter.wait(endpoint_id, until="RESERVED", on_progress=told.append)
    assert [progress.trouble is not None for progress in told] == [True]
    assert told[0].next_look >= 600


def test_a_refusal_ends_the_wait_and_tells_the_last_state(waiter: Waiter) -> None:
    endpoint_id = waiter.create()
    with pytest.raises(Gone, match=r"dedicated\.create_service") as caught:
        waiter.wait(endpoint_id, on_progress=lambda _: waiter.emulator.retire("version_gone"))
    assert (caught.value.endpoint.id, caught.value.endpoint.status) == (endpoint_id, "RESERVATION_REQUESTED")
    waiter.emulator.retire(None)
    with pytest.raises(ApiError, match="redirects are not followed") as redirected:
        redirect: dict[str, Any] = {"location": "https://example.com/", "method": "GET", "authenticated": True}
        waiter.wait(endpoint_id, on_progress=lambda _: waiter.emulator.fault("redirect", **redirect))
    assert redirected.value.endpoint.id == endpoint_id


def test_a_thousand_waits_share_their_looks(driven: AtlasEmulator) -> None:
    async def main() -> None:
        async with driven.async_client() as client:
            made = [client.create_endpoint(GROUP_ID, INSTANCE, comment=f"number {n}") for n in range(1000)]
            ids = [endpoint.id for endpoint in await asyncio.gather(*made)]
            driven.reset_stats()
            waits = [client.wait_for_endpoint(GROUP_ID, INSTANCE, one, until="RESERVED") for one in ids]
            reserved = await asyncio.gather(*waits)
            assert [endpoint and endpoint.id for endpoint in reserved] == ids
            assert {endpoint and endpoint.status for endpoint in reserved} == {"RESERVED"}

    asyncio.run(main())
    # one alone takes about 24
    assert driven.stats().answers["GET", 200] < 60


def test_a_look_begun_before_the_wait_does_not_count(driven: AtlasEmulator) -> None:
    """What was listed before a creation does not show that it is gone."""

    async def main() -> None:
        async with driven.async_client() as client:
            first = await client.create_endpoint(GROUP_ID, INSTANCE)
            waiting = asyncio.create_task(client.wait_for_endpoint(GROUP_ID, INSTANCE, first.id, until="RESERVED"))
            driven.fault("delay_after_handler", seconds=0.1, method="GET", authenticated=True)
            await asyncio.sleep(0.02)  # the list was made, and is not here yet
            second = await client.create_endpoint(GROUP_ID, INSTANCE)
            with pytest.raises(WaitTimeout) as caught:
                await client.wait_for_endpoint(GROUP_ID, INSTANCE, second.id, until="DELETED", timeout=20)
            assert caught.value.endpoint.id == second.id
            await waiting

    asyncio.run(main())


def test_whoever_looks_may_give_up(atlas: AtlasEmulator) -> None:
    """The one whose request serves all is cancelled: the others look themselves."""

    async def main() -> None:
        async with AsyncClient(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
            made = await client.create_endpoint(GROUP_ID, INSTANCE)
            atlas.fault("delay", seconds=30, method="GET", authenticated=True)
            waits = [
                asyncio.create_task(client.wait_for_endpoint(GROUP_ID, INSTANCE, made.id, until="RESERVED"))
                for _ in range(5)
            ]
            await asyncio.sleep(0.1)  # for one of them to look, and the others to wait for it
            waits[0].cancel()
            atlas.advance(100)
            reserved = await asyncio.gather(*waits[1:])
            assert {endpoint and endpoint.status for endpoint in reserved} == {"RESERVED"}
            await asyncio.wait(waits[:1])
            assert waits[0].cancelled()

    asyncio.run(main())


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_blocking_wait_notices_a_signal(atlas: AtlasEmulator) -> None:
    with Client(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
        made = client.create_endpoint(GROUP_ID, INSTANCE)
        interrupt = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            client.wait_for_endpoint(GROUP_ID, INSTANCE, made.id)
        interrupt.join()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_awaited_wait_notices_a_signal(atlas: AtlasEmulator) -> None:
    async def main() -> None:
        async with AsyncClient(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
            made = await client.create_endpoint(GROUP_ID, INSTANCE)
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            await client.wait_for_endpoint(GROUP_ID, INSTANCE, made.id)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())


def lost_patch(emulator: AtlasEmulator, name: Any, **parameters: Any) -> None:
    emulator.fault(name, method="PATCH", authenticated=True, **parameters)


@pytest.mark.parametrize(
    ("fault", "patches"),
    [
        (lambda e: lost_patch(e, "reset_after_handler"), 1),
        (lambda e: lost_patch(e, "close_after_handler"), 1),
        (lambda e: lost_patch(e, "status", status=504, executed=True), 1),
        (lambda e: lost_patch(e, "empty_body"), 1),
        (lambda e: lost_patch(e, "reset_before_handler"), 2),
        (lambda e: lost_patch(e, "status", status=500), 2),
        (lambda e: lost_patch(e, "status", status=503, retry_after=1), 2),
    ],
)
def test_a_change_comes_about_whatever_happens(
    waiter: Waiter, fault: Callable[[AtlasEmulator], None], patches: int
) -> None:
    endpoint_id = waiter.create()
    waiter.wait(endpoint_id, until="RESERVED")
    fault(waiter.emulator)
    changed = waiter("update_endpoint", GROUP_ID, INSTANCE, endpoint_id, cloud_provider_endpoint_id=VPC_ENDPOINT)
    assert (changed.id, changed.status) == (endpoint_id, "INITIATING")
    assert changed.cloud_provider_endpoint_id == VPC_ENDPOINT
    sent = [r for r in waiter.emulator.requests() if r.method == "PATCH" and r.authorization]
    assert len(sent) == patches


def test_a_refused_change_is_an_error(waiter: Waiter) -> None:
    endpoint_id = waiter.create()
    with pytest.raises(ApiError, match="TENANT_PRIVATE_ENDPOINT_PROVIDER_UPDATE_INVALID"):
        waiter("update_endpoint", GROUP_ID, INSTANCE, endpoint_id, cloud_provider_endpoint_id=VPC_ENDPOINT)
    changed = waiter("update_endpoint", GROUP_ID, INSTANCE, endpoint_id, comment="other", provider_name="AWS")
    assert changed.comment == "other"


@pytest.mark.parametrize("fault", ["reset_after_handler", "close_after_handler"])
def test_a_deletion_that_is_repeated_is_a_deletion(waiter: Waiter, fault: Any) -> None:
    endpoint_id = waiter.create()
    waiter.emulator.fault(fault, method="DELETE", authenticated=True)
    waiter("delete_endpoint", GROUP_ID, INSTANCE, endpoint_id)
    assert waiter.wait(endpoint_id, until="DELETED") is None
    with pytest.raises(ApiError, match="TENANT_PRIVATE_ENDPOINT_NOT_FOUND"):
        waiter("delete_endpoint", GROUP_ID, INSTANCE, endpoint_id)


@pytest.mark.parametrize("fault", ["reset_after_handler", "close_after_handler"])
def test_what_an_earlier_try_has_removed_for_good_is_removed(call: Caller, fault: Any) -> None:
    """The try that is answered gets a 404."""
    with AtlasEmulator(clock="driven", deletion_seconds=0) as emulator:
        waiter = Waiter(emulator, call.kind)
        endpoint_id = waiter.create()
        emulator.fault(fault, method="DELETE", authenticated=True)
        waiter("delete_endpoint", GROUP_ID, INSTANCE, endpoint_id)
        assert emulator.stats().answers["DELETE", 404] == 1


def test_an_endpoint_is_found_by_its_comment(waiter: Waiter) -> None:
    assert waiter("find_endpoint", GROUP_ID, INSTANCE, comment="mine") is None
    older, _newer = waiter.create(), waiter.create()
    assert waiter("find_endpoint", GROUP_ID, INSTANCE, comment="mine").id == older
    waiter("delete_endpoint", GROUP_ID, INSTANCE, older)
    assert waiter("find_endpoint", GROUP_ID, INSTANCE, comment="mine").id == _newer
