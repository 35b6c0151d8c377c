"""What a task deletes, and what it leaves because it is somebody else's."""

from __future__ import annotations

from typing import Any

import pytest
from cloud_sides import DEPLOYMENTS, Sides
from executed import executed

from atlas_privatelink import NotOwned
from atlas_privatelink.airflow import AtlasConnectOperator, AtlasDisconnectOperator
from atlas_privatelink.airflow._versions import AirflowFailException, AirflowSkipException
from atlas_privatelink.airflow.remains import Remains

pytestmark = pytest.mark.usefixtures("airflow_home")


@pytest.fixture
def ends(both: Sides, group_id: str) -> dict[str, Any]:
    """What a connect is between."""
    return {"group_id": group_id, "cluster_name": "Cluster0", "region": "us-east-1", "vpc_id": both.ec2.vpc_id()}


def connected(ends: dict[str, Any], **options: Any) -> dict[str, Any]:
    """What a connect of one run returns."""
    result: dict[str, Any] = executed(AtlasConnectOperator(task_id="connect", **ends), **options)[0]
    return result


def disconnected(ends: dict[str, Any], **options: Any) -> Any:
    """What a disconnect returns."""
    return executed(AtlasDisconnectOperator(task_id="disconnect", **ends, **options))[0]


def service_of_others(both: Sides, group_id: str) -> str:
    """An endpoint service that somebody else has created, ready for endpoints."""
    with both.atlas.client() as atlas:
        service = atlas.dedicated.create_service(group_id, "AWS", "us-east-1")
        atlas.dedicated.wait_for_service(group_id, "AWS", service.id, timeout=30)
    return service.id


def vpc_endpoint_of_others(both: Sides, group_id: str, *, vpc_id: str | None = None) -> str:
    """A VPC endpoint that somebody else has created without this package and registered with Atlas."""
    ((service_id, _, name),) = both.of_atlas(group_id)
    vpc_id = vpc_id or both.ec2.vpc_id()
    subnets = both.ec2.subnet_ids(vpc_id=vpc_id)[:1]
    wanted = {"VpcEndpointType": "Interface", "VpcId": vpc_id, "ServiceName": name, "SubnetIds": subnets}
    vpc_endpoint_id: str = both.client.create_vpc_endpoint(**wanted)["VpcEndpoint"]["VpcEndpointId"]
    with both.atlas.client() as atlas:
        atlas.dedicated.create_endpoint(group_id, "AWS", service_id, vpc_endpoint_id)
    return vpc_endpoint_id


def test_each_try_of_a_task_knows_what_an_earlier_one_has_created(ends: dict[str, Any]) -> None:
    first = connected(ends)
    assert first["cloud_endpoint_origin"] == "created"
    # a try that was killed has left no word but the mark on the VPC endpoint
    assert connected(ends, try_number=2)["cloud_endpoint_origin"] == "created"
    assert connected(ends, run_id="another run")["cloud_endpoint_origin"] == "adopted"


def test_nothing_of_others_is_deleted(both: Sides, group_id: str, ends: dict[str, Any]) -> None:
    service_of_others(both, group_id)
    theirs = vpc_endpoint_of_others(both, group_id)
    assert connected(ends)["cloud_endpoint_id"] == theirs
    with pytest.raises(AirflowFailException, match=rf"NotOwned: nothing was deleted: {theirs} .*delete_adopted=True"):
        disconnected(ends)
    assert both.known_to_atlas(group_id) == [theirs]
    assert [one["id"] for one in both.ec2.vpc_endpoints()] == [theirs]


def test_a_service_that_was_there_is_deleted_only_if_asked(both: Sides, group_id: str, ends: dict[str, Any]) -> None:
    # as after a try that was killed before it had created the VPC endpoint
    service_id = service_of_others(both, group_id)
    result = connected(ends)
    assert (result["service_origin"], result["cloud_endpoint_origin"]) == ("adopted", "created")
    with pytest.raises(AirflowFailException, match=rf"{service_id}.*Nothing was deleted.*delete_service=True"):
        disconnected(ends, only_created_by=result)
    assert both.known_to_atlas(group_id) == [result["cloud_endpoint_id"]]
    assert len(both.ec2.vpc_endpoints()) == 1
    disconnected(ends, only_created_by=result, delete_service=True)
    assert both.of_atlas(group_id) == []
    assert both.ec2.vpc_endpoints() == []


def test_a_teardown_of_what_was_adopted_is_skipped(both: Sides, group_id: str, ends: dict[str, Any]) -> None:
    connected(ends, run_id="production")
    adopted = connected(ends)
    with pytest.raises(AirflowSkipException, match=f"did not create {adopted['cloud_endpoint_id']}"):
        disconnected(ends, only_created_by=adopted)
    # as after a task that has returned nothing
    with pytest.raises(AirflowSkipException, match="created no VPC endpoint"):
        disconnected(ends, only_created_by=None)
    with pytest.raises(AirflowFailException, match="only_created_by must be the output of an AtlasConnectOperator"):
        disconnected(ends, only_created_by="{'cloud_endpoint_origin': 'created'}")
    assert both.known_to_atlas(group_id) == [adopted["cloud_endpoint_id"]]
    assert len(both.ec2.vpc_endpoints()) == 1


def test_a_teardown_leaves_what_has_taken_the_place_of_its_own(
    both: Sides, group_id: str, ends: dict[str, Any]
) -> None:
    own = connected(ends)
    disconnected(ends)
    other = connected(ends, run_id="another run")
    with pytest.raises(AirflowFailException, match=rf"NotOwned: refuses to delete .*{other['cloud_endpoint_id']}"):
        disconnected(ends, only_created_by=own)
    assert both.known_to_atlas(group_id) == [other["cloud_endpoint_id"]]
    disconnected(ends, only_created_by=other)
    # and once more, as a teardown that is tried again
    disconnected(ends, only_created_by=other)
    assert both.of_atlas(group_id) == []


# what a task that is stopped deletes with `delete_on_kill`


def left_by(result: dict[str, Any], ends: dict[str, Any], *made: str) -> Remains:
    """What a task that was stopped now would leave."""
    names = ("endpoint_service_id", "endpoint_id", "endpoint_service_name", "cloud_endpoint_id")
    return Remains(**ends, **{name: result[name] for name in names}, made=made)


def test_stopped_it_leaves_the_last_endpoint_of_a_service_that_was_there(
    both: Sides, group_id: str, ends: dict[str, Any]
) -> None:
    service_id = service_of_others(both, group_id)
    result = connected(ends)
    remains = left_by(result, ends, "cloud_endpoint_id")
    with both.atlas.client() as atlas:
        with pytest.raises(NotOwned, match=f"last endpoint of endpoint service {service_id}.*Nothing was deleted"):
            remains.delete(atlas, both.client)
        assert both.known_to_atlas(group_id) == [result["cloud_endpoint_id"]]
        assert len(both.ec2.vpc_endpoints()) == 1
        theirs = vpc_endpoint_of_others(both, group_id, vpc_id=both.ec2.add_vpc())
        own = result["cloud_endpoint_id"]
        assert remains.delete(atlas, both.client) == [f"{own} in Atlas", own]
        atlas.dedicated.wait_for_endpoint(group_id, "AWS", service_id, own, until="DELETED", timeout=30)
    assert both.known_to_atlas(group_id) == [theirs]
    assert [one["id"] for one in both.ec2.vpc_endpoints()] == [theirs]


@pytest.mark.parametrize("kind", DEPLOYMENTS, ids=["serverless", "dedicated"])
def test_stopped_before_atlas_was_told_it_deletes_both_sides(both: Sides, group_id: str, kind: dict[str, Any]) -> None:
    place: dict[str, Any] = {"group_id": group_id, "region": "us-east-1", "vpc_id": both.ec2.vpc_id()}
    seen: dict[str, Any] = {}
    connect = AtlasConnectOperator(task_id="connect", **place, **kind)
    progress = connect._progress

    class Stopped(Exception):
        """Not an error of anything."""

    def stop(event: Any) -> None:
        progress(event)
        if (event.step, event.state) == ("CREATE_CLOUD_ENDPOINT", "done"):
            seen["remains"] = connect._remains
            raise Stopped

    connect._progress = stop  # type: ignore[method-assign]
    with pytest.raises(Stopped):
        executed(connect)
    assert (both.known_to_atlas(group_id), len(both.ec2.vpc_endpoints())) == ([], 1)
    with both.atlas.client() as atlas:
        assert len(seen["remains"].delete(atlas, both.client)) == 2
    assert both.of_atlas(group_id) == []
    assert both.ec2.vpc_endpoints() == []


def test_stopped_it_leaves_a_vpc_endpoint_that_has_lost_its_mark(
    both: Sides, group_id: str, ends: dict[str, Any]
) -> None:
    result = connected(ends)
    own = result["cloud_endpoint_id"]
    both.client.delete_tags(Resources=[own], Tags=[{"Key": "atlas-privatelink"}])
    with both.atlas.client() as atlas:
        assert left_by(result, ends, "cloud_endpoint_id", "endpoint_service_id").delete(atlas, both.client) == []
    assert both.known_to_atlas(group_id) == [own]
    assert [one["id"] for one in both.ec2.vpc_endpoints()] == [own]


def test_what_has_taken_the_place_of_something_created_was_not_created() -> None:
    remains = Remains("0" * 24).knowing(endpoint_service_id="a", made=["endpoint_service_id"])
    assert remains.knowing(endpoint_service_id="a", cloud_endpoint_id="b").made == ("endpoint_service_id",)
    assert remains.knowing(endpoint_service_id="c").made == ()
    assert remains.knowing(endpoint_service_id="c", made=["endpoint_service_id"]).made == ("endpoint_service_id",)
