"""Endpoints and services that somebody else has deleted, or that are dead in Atlas or in the cloud, on all three
clouds: the next run mends what is ours, and names what is not. The docstrings say what was wrong before."""

from __future__ import annotations

import connect_sides
import pytest
from connect_sides import (
    AwsSide,
    Side,
    actions,
    assert_connected_once,
    assert_nothing_is_left,
    on_aws,
    on_serverless_clouds,
)

from atlas_privatelink import CloudError, Connection, ConnectionProgress, EndpointFailed, NotOwned

side, atlas_options, region = connect_sides.fixtures


# what strangers delete


def test_a_service_that_goes_with_its_last_endpoint_begins_the_connection_again(side: Side) -> None:
    """Another network's `disconnect` takes the service along between creating and registering: `connect` ended in
    `NotFound`, and its endpoint was never found again."""
    side.connect(at=1)
    gone: list[Connection] = []

    def meanwhile(event: ConnectionProgress) -> None:
        if (event.step, event.state) == ("TELL_ATLAS", "begun") and not gone:
            with side.atlas.client() as client:
                given = {**side.options(1), "cluster_name": "Cluster0", "atlas": client}
                gone.append(side.door.disconnect(side.group_id, **given))

    connection = side.connect(on_progress=meanwhile)
    assert connection.endpoint_service_id != gone[0].endpoint_service_id
    assert_connected_once(side, connection)
    side.disconnect()
    assert_nothing_is_left(side)


def test_keeping_the_service_is_refused_where_atlas_deletes_it(side: Side) -> None:
    """It was claimed to be kept, and Atlas deleted it with its last endpoint."""
    side.connect()
    before = side.endpoints()
    for plan in (True, False):
        with pytest.raises(NotOwned, match="delete_service=False was asked for"):
            side.disconnect(delete_service=False, plan=plan)
    assert side.endpoints() == before
    other = side.connect(at=1)
    side.disconnect(delete_service=False)
    assert side.registered() == [other.cloud_endpoint_id]


@pytest.mark.parametrize("way_on", ["connect", "disconnect"])
def test_our_endpoint_whose_service_is_gone_is_found_by_its_mark(side: Side, way_on: str) -> None:
    """Nothing was looked for where the service was gone: a dead end, billed for ever."""
    first = side.connect()
    side.unregister(first.endpoint_service_id or "", first.cloud_endpoint_id or "")
    assert side.services() == []
    assert side.ids() == [first.cloud_endpoint_id]
    if way_on == "connect":
        plan = side.connect(plan=True)
        assert "replace" in actions(plan)
        connection = side.connect()
        assert_connected_once(side, connection)
        assert connection.endpoint_service_id != first.endpoint_service_id
    gone = side.disconnect()
    assert [one.kind for one in gone.deletions][-1] == "cloud endpoint"
    assert_nothing_is_left(side)


def test_a_dead_cloud_endpoint_whose_registration_is_left_is_said(side: Side) -> None:
    """Somebody deleted the cloud's endpoint first: `disconnect` said "skip", exit code 0, and Atlas listed it for
    ever. Whose it was cannot be seen any more, so that it is named, with the way on."""
    connection = side.connect()
    endpoint_id = connection.cloud_endpoint_id or ""
    side.vanish(endpoint_id)
    plan, gone = side.disconnect(plan=True), side.disconnect()
    for one in (plan, gone):
        assert any(endpoint_id in left and "delete_endpoint" in left for left in one.left)
    assert side.registered() == [endpoint_id]
    side.unregister(connection.endpoint_service_id or "", endpoint_id)
    assert_connected_once(side, side.connect())


@on_aws
def test_ec2s_words_for_an_endpoint_that_is_gone(side: AwsSide) -> None:
    """`InvalidVpcEndpointId.NotFound` ended `disconnect`."""
    for code in ("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound"):
        endpoint_id = side.connect().cloud_endpoint_id or ""

        def meanwhile(event: ConnectionProgress, code: str = code, endpoint_id: str = endpoint_id) -> None:
            if (event.step, event.state) == ("DELETE_CLOUD_ENDPOINT", "begun"):
                side.local.fail_deletion(endpoint_id, code)
                side.vanish(endpoint_id)

        side.disconnect(on_progress=meanwhile)
        assert_nothing_is_left(side)


@on_aws
def test_a_deletion_that_ec2_refuses_is_an_error(side: AwsSide) -> None:
    """`DeleteVpcEndpoints` answers 200, with what it did not delete in `Unsuccessful`: that was success."""
    endpoint_id = side.connect().cloud_endpoint_id or ""
    side.local.fail_deletion(endpoint_id, "OperationNotPermitted", "no")
    with pytest.raises(CloudError, match="OperationNotPermitted") as refused:
        side.disconnect()
    assert endpoint_id in str(refused.value)
    side.disconnect()
    assert_nothing_is_left(side)


# endpoints that are dead in Atlas, or in the cloud


@pytest.mark.parametrize("status", ["REJECTED", "FAILED"])
@pytest.mark.parametrize("beside_others", [True, False], ids=["beside others", "the last one"])
def test_a_registration_that_is_dead_is_mended_by_the_next_run(side: Side, status: str, beside_others: bool) -> None:
    """Registering it again is 409: a bare `Conflict`, for ever."""
    if beside_others:
        side.connect(at=1)
    first = side.connect()
    ids = (first.endpoint_service_id or "", first.cloud_endpoint_id or "")
    side.atlas.set_endpoint_status(*ids, status, "not found")
    plan = side.connect(plan=True)
    assert "replace" in actions(plan)
    again = side.connect()
    assert again.srv
    assert side.connect().steps[4].action == "skip"
    assert len(side.ids()) == len(side.registered()) == 1 + beside_others


def test_an_endpoint_that_ends_says_what_to_do(side: Side) -> None:
    """The first error said nothing of a way on."""

    def reject(event: ConnectionProgress) -> None:
        if (event.step, event.state) == ("ACCEPT", "begun"):
            ids = (event.connection.endpoint_service_id or "", event.connection.cloud_endpoint_id or "")
            side.atlas.set_endpoint_status(*ids, "REJECTED" if side.name == "aws" else "FAILED", "not found")

    with pytest.raises(EndpointFailed, match="Connect again to register it anew") as failed:
        side.connect(on_progress=reject)
    assert failed.value.connection is not None
    assert failed.value.connection.known() in str(failed.value)
    assert side.connect().srv


def test_the_registration_of_somebody_elses_endpoint_is_not_deleted(side: Side) -> None:
    """Only what is ours may be mended."""
    service = side.create_service()
    theirs = side.stranger(service)
    side.register(service, theirs)
    side.atlas.set_endpoint_status(service.id, theirs, "FAILED", "not found")
    before = side.endpoints()
    if side.name == "azure":
        # there, it is rejected in the cloud, too: for good, so that one of ours comes beside it
        assert side.connect().cloud_endpoint_origin == "created"
    else:
        with pytest.raises(NotOwned, match="was not created by this package"):
            side.connect()
        assert side.ids() == [theirs]
    assert theirs in side.registered()
    assert side.endpoints()[theirs] == before[theirs]


def test_an_endpoint_that_the_cloud_has_rejected_is_replaced(side: Side) -> None:
    """It was adopted, or stood in the way."""
    first = side.connect()
    before = side.endpoints()
    side.reject(first.cloud_endpoint_id or "")
    plan = side.connect(plan=True)
    assert "replace" in actions(plan)
    assert side.endpoints() == before
    again = side.connect()
    assert again.cloud_endpoint_origin == "created"
    assert_connected_once(side, again)
    side.disconnect()
    assert_nothing_is_left(side)


@pytest.mark.parametrize("way", ["deleting", "deleteRequested"])
def test_an_endpoint_that_is_being_deleted_is_registered_again(side: Side, way: str) -> None:
    """It was adopted, and waited for until the time was up; or registering it was a `Conflict`."""
    side.connect(at=1)
    first = side.connect()
    ids = (first.endpoint_service_id or "", first.cloud_endpoint_id or "")
    if way == "deleteRequested":
        side.atlas.set_endpoint_status(*ids, None, delete_requested=True)
        side.unregister(*ids, wait=False)
        side.atlas.set_endpoint_status(*ids, "AVAILABLE", delete_requested=True)
    else:
        side.unregister(*ids, wait=False)
    again = side.connect()
    assert again.srv
    assert again.endpoint_service_id == first.endpoint_service_id
    assert first.cloud_endpoint_id in side.registered()
    assert len(side.ids()) == 2


@on_serverless_clouds
def test_a_serverless_endpoint_whose_clouds_half_is_gone_is_named(side: Side) -> None:
    """The same for serverless instances."""
    given = {"instance_name": "Instance0"}
    connection = side.connect(**given)
    side.vanish(connection.cloud_endpoint_id or "")
    with pytest.raises(EndpointFailed, match="and connect again") as failed:
        side.connect(**given)
    assert connection.known() in str(failed.value)
    gone = side.disconnect(**given)
    remaining = [one for one in side.atlas.endpoints() if one["status"] != "DELETING"]
    # never success with leftovers that are not said
    assert not remaining or any(str(connection.endpoint_id) in left for left in gone.left)
