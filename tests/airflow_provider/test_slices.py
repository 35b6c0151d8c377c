"""A deferred task's slices: what an earlier one has done is not done again, and nothing is left half done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from cloud_sides import Sides
from executed import executed, in_slices

from atlas_privatelink import ServerError, WaitTimeout
from atlas_privatelink.airflow import AtlasConnectOperator, AtlasDisconnectOperator
from atlas_privatelink.airflow._versions import AirflowFailException
from atlas_privatelink.airflow.operators import connection

pytestmark = pytest.mark.usefixtures("airflow_home")

KINDS = [
    {"cluster_name": "Cluster0", "instance_name": ""},
    # as of templates that were rendered without a value
    {"cluster_name": "", "instance_name": "Instance0", "comment": ""},
]


@pytest.fixture
def place(both: Sides, group_id: str) -> dict[str, Any]:
    """Where everything is."""
    return {"group_id": group_id, "region": "us-east-1", "vpc_id": both.ec2.vpc_id(), "deferrable": True}


@pytest.fixture
def at_short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deferred task comes back soon to look at AWS, and at an Atlas that was away."""
    monkeypatch.setattr(connection, "_CLOUD_DELETION_SECONDS", 0.1)
    monkeypatch.setattr(connection, "_OUTAGE_SECONDS", 0.1)


def actions(result: dict[str, Any]) -> dict[str, str]:
    """What the last slice did, by step."""
    return {one["step"]: one["action"] for one in result["steps"]}


@pytest.mark.parametrize("kind", KINDS, ids=["dedicated", "serverless"])
def test_what_an_earlier_slice_has_created_counts_as_created(
    both: Sides, place: dict[str, Any], kind: dict[str, Any]
) -> None:
    result, pushed, deferrals = in_slices(lambda: AtlasConnectOperator(task_id="connect", **place, **kind))
    assert deferrals >= 2
    assert actions(result)["PREFLIGHT"] == "skip"
    assert result["cloud_endpoint_origin"] == "created"
    assert result["service_origin"] == ("created" if kind["cluster_name"] else None)
    assert pushed["srv"] == result["srv"]
    assert [one["id"] for one in both.ec2.vpc_endpoints()] == [result["cloud_endpoint_id"]]
    _, _, deferrals = in_slices(lambda: AtlasDisconnectOperator(task_id="disconnect", **place, **kind))
    assert deferrals >= 1
    assert both.of_atlas(place["group_id"]) == []
    assert both.ec2.vpc_endpoints() == []


def test_a_service_that_vanishes_while_the_task_is_deferred_is_created_again(
    both: Sides, place: dict[str, Any]
) -> None:
    group_id = place["group_id"]

    def delete_the_service(number: int) -> None:
        if number == 1:
            ((service_id, _, _),) = both.of_atlas(group_id)
            with both.atlas.client() as atlas:
                atlas.dedicated.delete_service(group_id, "AWS", service_id)

    ends = {**place, "cluster_name": "Cluster0"}
    result, pushed, _ = in_slices(lambda: AtlasConnectOperator(task_id="connect", **ends), meanwhile=delete_the_service)
    ((service_id, status, _),) = both.of_atlas(group_id)
    assert (service_id, status) == (result["endpoint_service_id"], "AVAILABLE")
    assert pushed["endpoint_service_id"] == service_id
    # the second one is this task's, too
    assert result["service_origin"] == "created"
    in_slices(lambda: AtlasDisconnectOperator(task_id="disconnect", **ends))
    assert both.of_atlas(group_id) == []


def test_a_service_that_took_the_place_of_this_task_s_is_somebody_else_s(both: Sides, place: dict[str, Any]) -> None:
    group_id = place["group_id"]

    def replace_the_service(number: int) -> None:
        if number == 1:
            ((service_id, _, _),) = both.of_atlas(group_id)
            with both.atlas.client() as atlas:
                atlas.dedicated.delete_service(group_id, "AWS", service_id)
                atlas.dedicated.wait_for_service(group_id, "AWS", service_id, until="DELETED", timeout=30)
                atlas.dedicated.create_service(group_id, "AWS", "us-east-1")

    ends = {**place, "cluster_name": "Cluster0"}
    result, _, _ = in_slices(lambda: AtlasConnectOperator(task_id="connect", **ends), meanwhile=replace_the_service)
    assert (result["service_origin"], result["cloud_endpoint_origin"]) == ("adopted", "created")
    with pytest.raises(AirflowFailException, match="did not create the service"):
        in_slices(lambda: AtlasDisconnectOperator(task_id="disconnect", **ends))
    assert both.known_to_atlas(group_id) == [result["cloud_endpoint_id"]]


@pytest.mark.usefixtures("at_short_intervals")
@pytest.mark.parametrize("kind", KINDS, ids=["dedicated", "serverless"])
def test_a_deferred_disconnect_comes_back_for_the_vpc_endpoint(
    both: Sides, place: dict[str, Any], kind: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    executed(AtlasConnectOperator(task_id="connect", **{**place, "deferrable": False}, **kind))
    monkeypatch.setattr(both.ec2.rules, "deleting_looks", 6)
    states: list[list[str]] = []

    def look(number: int) -> None:
        states.append([one["state"] for one in both.ec2.vpc_endpoints()])

    in_slices(lambda: AtlasDisconnectOperator(task_id="disconnect", **place, **kind), meanwhile=look)
    # it was deferred while Atlas was deleting, and again while AWS was
    assert states[0] == ["available"]
    assert states[-1] == []
    assert both.of_atlas(place["group_id"]) == []
    assert both.ec2.vpc_endpoints() == []


@pytest.mark.usefixtures("at_short_intervals")
def test_where_atlas_wants_the_vpc_endpoint_to_go_first_its_side_is_deleted_all_the_same(
    both: Sides, place: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {**place, "cluster_name": "Cluster0"}
    executed(AtlasConnectOperator(task_id="connect", **{**ends, "deferrable": False}))
    monkeypatch.setattr(both.ec2.rules, "deleting_looks", 3)
    both.atlas.fault("status", method="DELETE", path_contains="/endpoint/", authenticated=True, status=409)
    in_slices(lambda: AtlasDisconnectOperator(task_id="disconnect", **ends))
    assert both.ec2.vpc_endpoints() == []
    assert both.of_atlas(place["group_id"]) == []


@pytest.mark.usefixtures("at_short_intervals")
@pytest.mark.parametrize("kind", KINDS, ids=["dedicated", "serverless"])
def test_a_task_that_comes_back_while_atlas_is_away_is_deferred_again(
    both: Sides, place: dict[str, Any], kind: dict[str, Any]
) -> None:
    def with_an_outage(operator: type[Any]) -> Any:
        slices = count(1)

        def make() -> Any:
            if next(slices) == 2:
                # more than the client repeats
                both.atlas.fault("status", status=503, times=6)
            return operator(task_id="task", **place, **kind)

        return in_slices(make)[0]

    result = with_an_outage(AtlasConnectOperator)
    assert result["cloud_endpoint_origin"] == "created"
    assert [one["id"] for one in both.ec2.vpc_endpoints()] == [result["cloud_endpoint_id"]]
    with_an_outage(AtlasDisconnectOperator)
    assert both.of_atlas(place["group_id"]) == []
    assert both.ec2.vpc_endpoints() == []


def test_what_only_a_person_can_mend_fails_for_good_and_an_outage_does_not(both: Sides, place: dict[str, Any]) -> None:
    ends = {**place, "cluster_name": "Typo", "deferrable": False}
    both.atlas.set_clusters(["Cluster0"])
    with pytest.raises(AirflowFailException, match=r"PreflightFailed: nothing was created: .*no cluster 'Typo'"):
        executed(AtlasConnectOperator(task_id="connect", **ends))
    with pytest.raises(AirflowFailException, match="PreflightFailed: nothing was deleted"):
        executed(AtlasDisconnectOperator(task_id="disconnect", **ends))
    both.atlas.fault("status", status=503, times=None)
    with pytest.raises(ServerError):
        executed(AtlasConnectOperator(task_id="connect", **{**ends, "cluster_name": "Cluster0"}))
    both.atlas.heal()
    assert both.of_atlas(place["group_id"]) == []
    assert both.ec2.vpc_endpoints() == []


def connecting(sides: Sides, group_id: str, **options: Any) -> Callable[[], AtlasConnectOperator]:
    """Makes the operator of a dedicated connection anew."""
    ends: dict[str, Any] = {"group_id": group_id, "cluster_name": "Cluster0", "vpc_id": sides.ec2.vpc_id()}
    return lambda: AtlasConnectOperator(task_id="connect", deferrable=True, region="us-east-1", **ends, **options)


def test_a_deferred_task_whose_time_is_up_says_what_it_has_created(idle: Sides, group_id: str) -> None:
    """It named no id, and only the time of its last slice."""
    connect = connecting(idle, group_id, timeout=2)
    with pytest.raises(WaitTimeout, match=r"this try has taken [2-9] s; project .*endpoint service id") as raised:
        in_slices(connect)
    ((service_id, _, _),) = idle.of_atlas(group_id)
    assert service_id in str(raised.value)


@pytest.mark.parametrize("asked", [False, True])
def test_the_execution_timeout_counts_while_a_task_is_deferred(idle: Sides, group_id: str, *, asked: bool) -> None:
    """It did not, and what was to be deleted on a kill was not."""
    limits: dict[str, Any] = {"execution_timeout": timedelta(seconds=2), "delete_on_kill": asked}
    with pytest.raises(WaitTimeout):
        in_slices(connecting(idle, group_id, **limits))
    assert (idle.of_atlas(group_id) == []) == asked


def test_a_task_gives_its_worker_back_while_aws_refuses_for_now(
    both: Sides, group_id: str, at_short_intervals: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It held it until AWS answered again."""
    # not for a minute in boto3 itself
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    def meanwhile(number: int) -> None:
        if number == 1:
            both.ec2.throttle(1, action="CreateVpcEndpoint")
        if number == 4:
            both.ec2.forget_faults()

    result, _, deferrals = in_slices(connecting(both, group_id), meanwhile=meanwhile)
    assert deferrals >= 5
    assert result["cloud_endpoint_origin"] == "created"
    assert len(both.ec2.vpc_endpoints()) == 1
