"""What goes wrong on the way, on all three clouds: throttling, clouds that hang, services that a cloud does not know
yet, lists that lag, and kills. Each docstring that begins with a number says what was wrong before."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import connect_sides
import pytest
from connect_sides import SIDES, AzureSide, GcpSide, Side, actions, assert_connected_once, assert_nothing_is_left

from atlas_privatelink import (
    ConnectionProgress,
    PermissionDenied,
    WaitTimeout,
)

side, atlas_options, region = connect_sides.fixtures

STEPS = ("RESERVE", "NAME_SERVICE", "CREATE_CLOUD_ENDPOINT", "TELL_ATLAS", "ACCEPT", "CONNECTION_STRING")
DELETIONS = ("DELETE_ENDPOINT", "DELETE_SERVICE", "DELETE_CLOUD_ENDPOINT")


# 17: throttling


@pytest.mark.parametrize("operation", ["list", "create", "delete"])
@pytest.mark.parametrize("times", [1, 7])
def test_throttling_is_outlived(side: Side, operation: str, times: int) -> None:
    """17. Outages of Atlas were outlived, and one throttled call of a cloud ended `connect` and `disconnect`."""
    troubles: list[ConnectionProgress] = []

    def watch(event: ConnectionProgress) -> None:
        if event.trouble is not None:
            troubles.append(event)

    if operation != "delete":
        side.throttle(operation, times)
    connection = side.connect(on_progress=watch)
    assert_connected_once(side, connection)
    assert (connection.cloud_endpoint_origin, connection.service_origin) == ("created", "created")
    side.throttle(operation, times)
    side.disconnect(on_progress=watch)
    assert_nothing_is_left(side)
    # whoever waits for longer is told why
    assert troubles or times == 1


def break_connection(side: Any, operation: str, *, executed: bool) -> None:
    """The next answer is lost."""
    if isinstance(side, GcpSide):
        side.local.fail(side.operations[operation], reason=None, executed=executed)
    else:
        side.local.fail(side.operations[operation], code=None, executed=executed)


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("operation", ["list", "create", "delete"])
def test_a_lost_answer_is_outlived(side: Side, operation: str, executed: bool) -> None:
    """17. It ended the call; the next one made what had been made before."""
    break_connection(side, operation, executed=executed)
    connection = side.connect(made_by="dag/run/task")
    assert_connected_once(side, connection)
    # what the lost answer would have said is known by the mark
    assert connection.cloud_endpoint_origin == "created"
    side.disconnect()
    assert_nothing_is_left(side)


# 14: time


def stick(side: Any) -> tuple[threading.Event, threading.Event]:
    """Lets the cloud's first request hang; whether it does, and what lets it go."""
    is_stuck, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        is_stuck.set()
        let_go.wait(60)

    if isinstance(side, GcpSide):
        side.local.interfere("forwardingRules.list", hang)
    elif isinstance(side, AzureSide):
        original = side.local._answer

        def answer(asked: Any) -> Any:
            hang()
            return original(asked)

        side.local._answer = answer  # type: ignore[method-assign]
    else:
        side.ec2.meta.events.register("before-call.ec2", lambda **_: hang())
    return is_stuck, let_go


def test_the_time_limit_bounds_the_clouds_calls(side: Side) -> None:
    """14. `timeout` did not bound them: `azure.connect(timeout=3)` blocked for up to ten minutes."""
    is_stuck, let_go = stick(side)
    try:
        with pytest.raises(WaitTimeout):
            side.connect(timeout=1.0)
        # it has ended although the cloud still hangs
        assert is_stuck.is_set()
        assert not let_go.is_set()
    finally:
        let_go.set()
    assert_nothing_is_left(side)


@pytest.mark.parametrize("side", [one for one in SIDES if one.endswith("async")], indirect=True)
def test_a_cancelled_task_does_not_wait_for_the_cloud(side: Side) -> None:
    """14. Ctrl-C on `aconnect` waited for boto3's thread."""
    is_stuck, let_go = stick(side)

    async def main() -> None:
        async with side.atlas.async_client() as client:
            given = {**side.options(), "cluster_name": "Cluster0", "atlas": client}
            task = asyncio.ensure_future(side.door.aconnect(side.group_id, **given))
            await asyncio.to_thread(is_stuck.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not let_go.is_set()

    try:
        asyncio.run(main())
    finally:
        let_go.set()
    assert_nothing_is_left(side)


# the first minute of a service


def test_a_service_that_the_cloud_does_not_know_yet_is_waited_for(side: Side) -> None:
    """`InvalidServiceName`, `InvalidPrivateLinkServiceId`: the cloud learns of a new service after Atlas's word."""
    troubles: list[str] = []
    side.refuse_new_service(3)
    connection = side.connect(on_progress=lambda event: troubles.append(event.trouble or ""))
    assert_connected_once(side, connection)
    assert any(troubles)


@connect_sides.on_azure
@pytest.mark.parametrize("code", ["InvalidPrivateLinkServiceId", "ConflictError"])
def test_azures_words_for_it(side: Any, code: str) -> None:
    """Both of them."""
    side.local.refuse_new_services(3, code=code, status=409 if code == "ConflictError" else 400)
    assert_connected_once(side, side.connect())


@pytest.mark.parametrize("lists", [1, 3])
def test_lists_that_lag_make_no_second_endpoint(side: Side, lists: int) -> None:
    """16. What a cloud has just made is not in its lists yet."""
    side.lag(lists)
    first = side.connect()
    again = side.connect()
    assert again.cloud_endpoint_id == first.cloud_endpoint_id
    side.lag(0)
    assert_connected_once(side, side.connect())
    side.disconnect()
    assert_nothing_is_left(side)


# killed, and begun again


@pytest.mark.parametrize("step", STEPS)
def test_a_connect_that_was_killed_goes_on(side: Side, step: str) -> None:
    """Nothing is stored: what was done is found on both sides."""
    known = side.connect_until(step)
    connection = side.connect()
    assert_connected_once(side, connection)
    if known.endpoint_service_id is not None:
        assert connection.endpoint_service_id == known.endpoint_service_id
    # by a run that was killed before it had created anything in the cloud, the service is nobody's
    owns_service = step in ("TELL_ATLAS", "ACCEPT", "CONNECTION_STRING", "RESERVE")
    side.disconnect(**({} if owns_service else {"delete_service": True}))
    assert_nothing_is_left(side)


@pytest.mark.parametrize("state", ["begun", "done"])
@pytest.mark.parametrize("step", DELETIONS)
def test_a_disconnect_that_was_killed_goes_on(side: Side, step: str, state: str) -> None:
    """The mark is on the cloud's endpoint, which therefore goes last: the next run knows what is ours."""

    class Killed(BaseException):
        """As abrupt as SIGKILL."""

    def kill(event: ConnectionProgress) -> None:
        if (event.step, event.state) == (step, state):
            raise Killed

    side.connect()
    with pytest.raises(Killed):
        side.disconnect(on_progress=kill)
    side.disconnect()
    assert_nothing_is_left(side)
    assert side.disconnect().deletions == ()


def test_a_disconnect_that_atlas_refuses_goes_on(side: Side) -> None:
    side.connect()
    side.atlas.fault("status", method="DELETE", path_contains="/endpoint/", authenticated=True, status=403)
    with pytest.raises(PermissionDenied):
        side.disconnect()
    assert len(side.ids()) == len(side.registered()) == 1
    side.disconnect()
    assert_nothing_is_left(side)


def test_where_atlas_wants_the_clouds_endpoint_to_go_first(side: Side) -> None:
    """Terraform's order, where Atlas refuses ours."""
    side.connect()
    side.atlas.fault("status", method="DELETE", path_contains="/endpoint/", authenticated=True, status=409)
    gone = side.disconnect()
    assert actions(gone) == ["check", "skip", "skip", "delete"]
    assert_nothing_is_left(side)
