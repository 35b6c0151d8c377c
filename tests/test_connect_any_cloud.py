"""The engine behind `connect` and `disconnect` on a cloud of the caller's own: whose things it touches, what it checks
first, and what becomes of it when Atlas or a stranger gets in its way."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from memory_cloud import MemoryCloud, MemoryWorld, throttled
from support import GROUP_ID

import atlas_privatelink
from atlas_privatelink import (
    Connection,
    ConnectionProgress,
    ConnectManyFailed,
    EndpointFailed,
    NotOwned,
    PreflightFailed,
    ValidationError,
    WaitTimeout,
)
from atlas_privatelink.clouds.base import Check
from atlas_privatelink.testing import AtlasEmulator

SOON: dict[str, Any] = {
    "clock": "driven",
    "reservation_seconds": 3,
    "service_seconds": 3,
    "connection_seconds": 3,
    "connection_string_seconds": 3,
    "deletion_seconds": 3,
}
CLUSTER = {"name": "Cluster0", "provider": "AWS", "regions": ["us-east-1"]}


class Both:
    """A local Atlas, and a cloud in memory."""

    def __init__(self, atlas: AtlasEmulator, kind: str) -> None:
        self.atlas, self.kind = atlas, kind
        self.world = MemoryWorld()
        self.cloud = MemoryCloud(self.world)

    def call(self, name: str, *args: Any, **options: Any) -> Any:
        """`connect`, `disconnect` or `connect_many`, blocking or for asyncio."""
        if self.kind == "sync":
            with self.atlas.client() as client:
                return getattr(atlas_privatelink, name)(GROUP_ID, *args, atlas=client, **options)

        async def main() -> Any:
            async with self.atlas.async_client() as client:
                return await getattr(atlas_privatelink, f"a{name}")(GROUP_ID, *args, atlas=client, **options)

        return asyncio.run(main())

    def connect(self, **options: Any) -> Connection:
        """Connects the cloud to Cluster0, or what else is said."""
        connection: Connection = self.call("connect", **{"cloud": self.cloud, "cluster_name": "Cluster0", **options})
        return connection

    def disconnect(self, **options: Any) -> Connection:
        """Disconnects it."""
        given = {"cloud": self.cloud, "cluster_name": "Cluster0", **options}
        connection: Connection = self.call("disconnect", **given)
        return connection

    def services(self) -> list[dict[str, Any]]:
        """Atlas's endpoint services."""
        return [one for one in self.atlas.endpoint_services() if one["status"] != "DELETING"]

    def registered(self) -> list[str]:
        """The endpoints that Atlas was told of."""
        return [known for one in self.services() for known in one.get("interfaceEndpoints", ())]


@pytest.fixture(params=["sync", "async"])
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    """Both sides, for both clients."""
    with AtlasEmulator(**SOON, clusters=[CLUSTER]) as atlas:
        yield Both(atlas, request.param)


def actions(connection: Connection) -> list[str]:
    """What was done, step by step."""
    return [taken.action for taken in connection.steps]


def test_any_object_with_the_methods_is_a_cloud(both: Both) -> None:
    connection = both.connect()
    assert connection.srv
    assert connection.region == "us-east-1"
    assert (connection.service_origin, connection.endpoint_origin, connection.cloud_endpoint_origin) == ("created",) * 3
    again = both.connect()
    assert (again.service_origin, again.endpoint_origin, again.cloud_endpoint_origin) == ("adopted",) * 3
    gone = both.disconnect()
    assert [(one.kind, one.id) for one in gone.deletions] == [
        ("endpoint", connection.cloud_endpoint_id),
        ("endpoint service", connection.endpoint_service_id),
        ("cloud endpoint", connection.cloud_endpoint_id),
    ]
    assert gone.clusters == ("Cluster0",)
    assert both.services() == []
    assert both.world.alive() == []


def test_the_region_is_the_clusters_by_default(both: Both) -> None:
    both.cloud.region = both.cloud.network_region = None
    assert both.connect().region == "us-east-1"
    both.atlas.set_clusters([{**CLUSTER, "regions": ["us-east-1", "eu-west-1"]}])
    with pytest.raises(ValidationError, match=r"region is needed: Cluster0 has us-east-1, eu-west-1") as refused:
        both.connect()
    assert refused.value.field == "region"


def test_an_endpoint_that_somebody_else_made_is_used_and_never_deleted(both: Both) -> None:
    both.connect()
    (ours,) = both.world.alive()
    ours.creator, ours.tags = "terraform", {"created-by": "terraform"}
    again = both.connect()
    assert again.cloud_endpoint_id == ours.id
    assert "did not create" in next(taken.detail for taken in again.steps if taken.step == "CREATE_CLOUD_ENDPOINT")
    for plan in (True, False):
        with pytest.raises(NotOwned, match="created-by=terraform") as refused:
            both.disconnect(plan=plan)
        assert "delete_adopted=True" in str(refused.value)
        assert refused.value.endpoint.id == ours.id
    assert both.world.alive() == [ours]
    assert both.registered() == [ours.id]
    gone = both.disconnect(delete_adopted=True, delete_service=True)
    assert [one.id for one in gone.deletions if one.kind == "cloud endpoint"] == [ours.id]
    assert both.world.alive() == []


def test_a_copied_mark_is_not_ownership(both: Both) -> None:
    connection = both.connect()
    (ours,) = both.world.alive()
    copies = [
        both.world.add("vpc-b", ours.target, ours.tags, "stranger"),
        both.world.add("vpc-a", "com.amazonaws.vpce.us-east-1.vpce-svc-other", ours.tags, "stranger"),
    ]
    gone = both.disconnect()
    assert gone.cloud_endpoint_id == connection.cloud_endpoint_id
    assert both.world.alive() == copies


def test_a_cluster_that_does_not_exist_disconnects_nothing(both: Both) -> None:
    both.connect()
    for function in (both.connect, both.disconnect):
        with pytest.raises(PreflightFailed, match=r"no cluster 'Typo'; its clusters: Cluster0"):
            function(cluster_name="Typo")
    assert len(both.world.alive()) == 1
    both.atlas.set_clusters([])
    both.disconnect(cluster_name=None, region="us-east-1")
    assert both.world.alive() == []


WRONG_CLUSTERS: list[tuple[dict[str, Any], str]] = [
    ({"regions": ["eu-west-1"]}, "no node in us-east-1; on AWS it is in eu-west-1"),
    ({"provider": "AZURE", "regions": ["US_EAST_2"]}, "is on AZURE, not on AWS"),
    ({"provider": "TENANT", "backing_provider": "AWS", "instance_size": "M0"}, "free or shared"),
    ({"instance_size": "FLEX"}, "Flex"),
    ({"paused": True}, "paused"),
]


@pytest.mark.parametrize(("changes", "why"), WRONG_CLUSTERS)
@pytest.mark.parametrize("plan", [True, False], ids=["plan", "connect"])
def test_a_cluster_that_cannot_be_connected_is_refused_first(
    both: Both, changes: dict[str, Any], why: str, plan: bool
) -> None:
    both.atlas.set_clusters([{**CLUSTER, **changes}])
    with pytest.raises(PreflightFailed, match=why) as refused:
        both.connect(region="us-east-1", plan=plan)
    assert any(check.state == "failure" for check in refused.value.checks)
    assert both.services() == []
    assert both.world.log == []


def test_another_paused_cluster_of_the_region_is_named(both: Both) -> None:
    both.atlas.set_clusters([CLUSTER, {**CLUSTER, "name": "Sleeping", "paused": True}])
    with pytest.raises(PreflightFailed, match="Sleeping is paused"):
        both.connect()
    assert both.services() == []


def test_one_endpoint_per_region_is_checked_first(both: Both) -> None:
    regions = [{**CLUSTER, "cluster_type": "SHARDED"}, {**CLUSTER, "name": "Other", "regions": ["eu-west-1"]}]
    both.atlas.set_clusters(regions)
    both.connect()
    both.connect(cluster_name="Other", cloud=MemoryCloud(both.world, "vpc-b", region="eu-west-1"))
    with pytest.raises(PreflightFailed, match="one private endpoint per region"):
        both.connect(cloud=MemoryCloud(both.world, "vpc-c"))
    assert len(both.world.alive()) == 2


def test_a_multi_region_cluster_says_what_is_missing_and_does_not_wait(both: Both) -> None:
    both.atlas.set_clusters([{**CLUSTER, "regions": ["us-east-1", "eu-west-1"]}])
    first = both.connect(region="us-east-1")
    assert first.srv is None
    assert first.steps[-1].action == "skip"
    assert "AWS eu-west-1" in first.steps[-1].detail
    second = both.connect(cloud=MemoryCloud(both.world, "vpc-b", region="eu-west-1"))
    assert second.srv
    assert both.connect(region="us-east-1").srv


def test_a_failed_check_of_the_cloud_creates_nothing(both: Both) -> None:
    both.cloud.checks.append(Check("subnets", "failure", "no free addresses"))
    with pytest.raises(PreflightFailed, match="subnets: no free addresses"):
        both.connect()
    assert (both.services(), both.world.log) == ([], [])


def test_a_warning_goes_on_and_is_told(both: Both) -> None:
    both.cloud.checks.append(Check("quota", "warning", "not checked: needs ec2:DescribeQuotas"))
    connection = both.connect()
    assert connection.srv
    assert "needs ec2:DescribeQuotas" in connection.steps[0].detail
    assert Check("quota", "warning", "not checked: needs ec2:DescribeQuotas") in connection.checks


def test_plan_and_connection_are_the_same_steps(both: Both) -> None:
    for _ in range(2):
        plan, done = both.connect(plan=True), both.connect()
        assert [(one.step, one.action) for one in plan.steps] == [(one.step, one.action) for one in done.steps]
    plan, done = both.disconnect(plan=True), both.disconnect()
    assert [(one.step, one.action) for one in plan.steps] == [(one.step, one.action) for one in done.steps]
    assert plan.deletions == done.deletions


def test_exactly_what_was_shown_is_deleted_once_it_is_confirmed(both: Both) -> None:
    both.connect()
    shown: list[Connection] = []

    def refuse(plan: Connection) -> bool:
        shown.append(plan)
        return False

    refused = both.disconnect(confirm=refuse)
    assert refused.planned
    assert len(both.world.alive()) == 1
    assert both.registered()

    def accept(plan: Connection) -> bool:
        # of another one that comes in the meantime, nobody was asked
        both.world.add("vpc-a", plan.endpoint_service_name or "", both.world.alive()[0].tags, "stranger")
        shown.append(plan)
        return True

    gone = both.disconnect(confirm=accept)
    assert not gone.planned
    assert shown[0].deletions == shown[1].deletions == gone.deletions
    assert [one.creator for one in both.world.alive()] == ["stranger"]


def test_the_last_endpoint_takes_the_service_only_if_it_is_ours_or_asked_for(both: Both) -> None:
    with both.atlas.client() as client:
        client.dedicated.create_service(GROUP_ID, "AWS", "us-east-1")
    connection = both.connect()
    assert connection.service_origin == "adopted"
    with pytest.raises(NotOwned, match="did not create the service") as refused:
        both.disconnect()
    assert "delete_service=True" in str(refused.value)
    assert both.registered() == [connection.cloud_endpoint_id]
    both.disconnect(delete_service=True)
    assert (both.services(), both.world.alive()) == ([], [])
    both.connect()
    with pytest.raises(NotOwned, match="delete_service=False"):
        both.disconnect(delete_service=False)


def test_a_service_that_others_use_stays(both: Both) -> None:
    both.connect()
    other = MemoryCloud(both.world, "vpc-b")
    both.connect(cloud=other)
    gone = both.disconnect()
    (service,) = both.services()
    assert any(service["id"] in left for left in gone.left)
    assert [one.network for one in both.world.alive()] == ["vpc-b"]


def test_a_service_that_vanishes_before_it_is_used_begins_the_connection_again(both: Both) -> None:
    vanished: list[str] = []

    def vanish(event: ConnectionProgress) -> None:
        if (event.step, event.state) == ("TELL_ATLAS", "begun") and not vanished:
            vanished.append(event.connection.endpoint_service_id or "")
            with both.atlas.client() as client:
                service_id = event.connection.endpoint_service_id or ""
                client.dedicated.delete_service(GROUP_ID, "AWS", service_id)
                client.dedicated.wait_for_service(GROUP_ID, "AWS", service_id, until="DELETED")

    connection = both.connect(on_progress=vanish)
    assert connection.srv
    (alive,) = both.world.alive()
    assert alive.id == connection.cloud_endpoint_id
    assert both.registered() == [alive.id]


def test_our_endpoint_whose_service_is_gone_is_replaced_or_removed(both: Both) -> None:
    for end in (both.connect, both.disconnect):
        connection = both.connect()
        with both.atlas.client() as client:
            service = {"group_id": GROUP_ID, "provider": "AWS", "service_id": connection.endpoint_service_id}
            client.dedicated.delete_endpoint(**service, endpoint_id=connection.cloud_endpoint_id)  # type: ignore[arg-type]
            client.dedicated.wait_for_service(**service, until="DELETED")  # type: ignore[arg-type]
        end()
        alive = [one.id for one in both.world.alive()]
        assert connection.cloud_endpoint_id not in alive
        assert alive == both.registered()
        both.disconnect()
        assert both.world.alive() == []


def test_a_rejected_registration_is_mended_by_the_next_run(both: Both) -> None:
    connection = both.connect()
    service_id, endpoint_id = connection.endpoint_service_id or "", connection.cloud_endpoint_id or ""
    both.atlas.set_endpoint_status(service_id, endpoint_id, "REJECTED", "not found")
    again = both.connect()
    assert again.srv
    assert len(both.world.alive()) == 1
    assert both.registered() == [again.cloud_endpoint_id]


def test_an_endpoint_that_is_being_deleted_is_registered_again(both: Both) -> None:
    other = MemoryCloud(both.world, "vpc-b")
    both.connect(cloud=other)
    connection = both.connect()
    with both.atlas.client() as client:
        service_id, endpoint_id = connection.endpoint_service_id or "", connection.cloud_endpoint_id or ""
        client.dedicated.delete_endpoint(GROUP_ID, "AWS", service_id, endpoint_id)
    again = both.connect()
    assert again.srv
    assert again.endpoint_service_id == service_id
    assert endpoint_id in both.registered()


def test_a_rejected_endpoint_of_the_cloud_is_replaced(both: Both) -> None:
    first = both.connect()
    both.world.things[first.cloud_endpoint_id or ""].state = "rejected"
    plan = both.connect(plan=True)
    assert "replace" in actions(plan)
    again = both.connect()
    assert again.cloud_endpoint_id != first.cloud_endpoint_id
    assert [one.id for one in both.world.alive()] == [again.cloud_endpoint_id]


def test_a_failed_service_is_replaced_on_request_only(both: Both) -> None:
    both.atlas.fail_next_endpoint("no capacity")
    with pytest.raises(EndpointFailed, match="no capacity"):
        both.connect()
    (failed,) = both.services()
    for plan in (True, False):
        with pytest.raises(PreflightFailed, match="replace_failed=True"):
            both.connect(plan=plan)
    connection = both.connect(replace_failed=True)
    assert connection.srv
    assert connection.endpoint_service_id != failed["id"]


def test_what_nobody_sees_any_more_is_left_and_said(both: Both) -> None:
    connection = both.connect()
    both.world.things.clear()
    gone = both.disconnect()
    assert gone.deletions == ()
    assert any((connection.cloud_endpoint_id or "") in left for left in gone.left)
    assert both.registered() == [connection.cloud_endpoint_id]


@pytest.mark.parametrize("name", ["find", "create", "describe", "preflight", "find_ours"])
def test_a_throttled_cloud_is_outlived(both: Both, name: str) -> None:
    troubles: list[str] = []

    def throttle(when: str, called: str) -> None:
        if (when, called) == ("before", name) and not troubles:
            troubles.append(called)
            raise throttled(name)

    both.world.hook = throttle
    assert both.connect().srv
    troubles.clear()
    both.disconnect()
    assert both.world.alive() == []


def test_the_time_limit_bounds_the_cloud_too(both: Both) -> None:
    gone = threading.Event()

    def block(when: str, called: str) -> None:
        if called == "find_ours":
            gone.wait(30)

    both.world.hook = block
    began = time.monotonic()
    try:
        with pytest.raises(WaitTimeout):
            both.connect(timeout=0.5)
    finally:
        gone.set()
    assert time.monotonic() - began < 15


def test_a_look_that_the_time_limit_ends_says_what_was_waited_for(both: Both) -> None:
    """It said only that the cloud had not answered, where the last look before it ended in time."""
    endpoint_id = both.connect().cloud_endpoint_id or ""
    endpoint = both.world.things[endpoint_id]
    gone = threading.Event()

    def never_gone(when: str, called: str) -> None:
        if (when, called) == ("after", "delete"):
            endpoint.state = "deleting"
        if called == "describe" and endpoint.state == "deleting":
            gone.wait(30)

    both.world.hook = never_gone
    try:
        with pytest.raises(WaitTimeout, match=f"{endpoint_id} is still .* after 5 s: .* has not answered"):
            both.disconnect(timeout=5)
    finally:
        gone.set()


def test_two_runs_at_once_create_one_and_say_who_did(both: Both) -> None:
    inner: list[Connection] = []

    def meanwhile(event: ConnectionProgress) -> None:
        if (event.step, event.state) == ("CREATE_CLOUD_ENDPOINT", "begun") and not inner:
            # by the blocking client: this is called on the loop's thread
            with both.atlas.client() as client:
                inner.append(
                    atlas_privatelink.connect(GROUP_ID, cloud=both.cloud, cluster_name="Cluster0", atlas=client)
                )

    outer = both.connect(on_progress=meanwhile)
    assert len(both.world.alive()) == 1
    assert (inner[0].cloud_endpoint_origin, outer.cloud_endpoint_origin) == ("created", "adopted")
    assert (inner[0].service_origin, outer.service_origin) == ("adopted", "created")


def test_the_same_run_resumed_says_created(both: Both) -> None:
    first = both.connect(made_by="dag/run/task")
    again = both.connect(made_by="dag/run/task")
    other = both.connect(made_by="dag/other/task")
    assert again.cloud_endpoint_id == first.cloud_endpoint_id == other.cloud_endpoint_id
    assert (again.cloud_endpoint_origin, other.cloud_endpoint_origin) == ("created", "adopted")
    resumed = both.connect(resume=first)
    assert resumed.cloud_endpoint_origin == resumed.service_origin == "created"


def test_several_networks_in_one_call(both: Both) -> None:
    clouds = [MemoryCloud(both.world, f"vpc-{letter}") for letter in "abc"]
    networks: set[tuple[str | None, int]] = set()
    made: tuple[Connection, ...] = both.call(
        "connect_many",
        clouds,
        cluster_name="Cluster0",
        on_progress=lambda event: networks.add((event.connection.network, event.networks)),
    )
    assert [one.network for one in made] == ["vpc-a", "vpc-b", "vpc-c"]
    assert all(one.srv for one in made)
    assert networks == {("vpc-a", 3), ("vpc-b", 3), ("vpc-c", 3)}
    assert len(both.services()) == 1
    # whichever is disconnected last may take the service along: the same call has created it for all
    for cloud in clouds:
        both.disconnect(cloud=cloud)
    assert (both.services(), both.world.alive()) == ([], [])


def test_several_networks_are_checked_as_a_whole(both: Both) -> None:
    clouds = [MemoryCloud(both.world, f"vpc-{letter}") for letter in "ab"]
    clouds[1].checks.append(Check("subnets", "failure", "no free addresses"))
    with pytest.raises(PreflightFailed, match=r"vpc-b: .*no free addresses"):
        both.call("connect_many", clouds, cluster_name="Cluster0")
    assert (both.services(), both.world.log) == ([], [])
    with pytest.raises(ValidationError, match="vpc-a twice"):
        both.call("connect_many", [clouds[0], clouds[0]], cluster_name="Cluster0")


def test_one_network_that_fails_stops_no_other(both: Both) -> None:
    clouds = [MemoryCloud(both.world, f"vpc-{letter}") for letter in "ab"]

    def reject(event: ConnectionProgress) -> None:
        if (event.step, event.state, event.connection.network) == ("ACCEPT", "begun", "vpc-a"):
            both.world.things[event.connection.cloud_endpoint_id or ""].state = "rejected"

    with pytest.raises(ConnectManyFailed, match="1 of 2 networks") as failed:
        both.call("connect_many", clouds, cluster_name="Cluster0", on_progress=reject)
    assert isinstance(failed.value.errors[0], EndpointFailed)
    assert failed.value.errors[1] is None
    assert failed.value.connections[1].srv


def test_a_postponed_deletion_is_not_forgotten_in_an_outage(both: Both) -> None:
    connection = both.connect()
    path = f"/endpoint/{connection.cloud_endpoint_id}"
    # Atlas wants the cloud's endpoint to go first, and then cannot be reached for a moment
    refusal: dict[str, Any] = {"status": 409, "error_code": "PRIVATE_ENDPOINT_IN_USE"}
    both.atlas.fault("status", method="DELETE", path_contains=path, authenticated=True, **refusal)
    both.atlas.fault("status", method="DELETE", path_contains=path, authenticated=True, status=500)
    gone = both.disconnect()
    assert len(gone.deletions) == 3
    assert (both.services(), both.world.alive()) == ([], [])


def test_what_became_the_last_endpoint_meanwhile_is_not_deleted(both: Both) -> None:
    with both.atlas.client() as client:
        service_id = client.dedicated.create_service(GROUP_ID, "AWS", "us-east-1").id
        client.dedicated.wait_for_service(GROUP_ID, "AWS", service_id)
        other = "vpce-0123456789abcdef0"
        client.dedicated.create_endpoint(GROUP_ID, "AWS", service_id, other)
    connection = both.connect()

    def meanwhile(plan: Connection) -> bool:
        with both.atlas.client() as client:
            client.dedicated.delete_endpoint(GROUP_ID, "AWS", service_id, other)
            client.dedicated.wait_for_endpoint(GROUP_ID, "AWS", service_id, other, until="DELETED")
        return True

    with pytest.raises(NotOwned, match=r"last endpoint of endpoint service .* by now"):
        both.disconnect(confirm=meanwhile)
    assert both.registered() == [connection.cloud_endpoint_id]
    assert len(both.world.alive()) == 1


def test_what_lost_its_mark_meanwhile_is_not_deleted(both: Both) -> None:
    connection = both.connect()

    def meanwhile(plan: Connection) -> bool:
        both.world.alive()[0].tags.clear()
        return True

    with pytest.raises(NotOwned, match="has lost its mark"):
        both.disconnect(confirm=meanwhile)
    assert both.registered() == [connection.cloud_endpoint_id]
    assert len(both.world.alive()) == 1


BAD_FLAGS: list[tuple[str, dict[str, Any], str]] = [
    ("disconnect", {"delete_service": 0}, "delete_service"),
    ("disconnect", {"delete_service": "no"}, "delete_service"),
    ("disconnect", {"delete_adopted": "false"}, "delete_adopted"),
    ("disconnect", {"confirm": "yes"}, "confirm"),
    ("disconnect", {"plan": 1}, "plan"),
    ("connect", {"replace_failed": "no"}, "replace_failed"),
    ("connect", {"on_progress": "print"}, "on_progress"),
    ("connect", {"resume": {"a": 1}}, "resume"),
    ("connect", {"resume": Connection(GROUP_ID, "Another")}, "resume"),
    ("connect", {"resume": Connection("5" * 24, "Cluster0")}, "resume"),
]


@pytest.mark.parametrize(("name", "options", "field"), BAD_FLAGS, ids=str)
def test_a_flag_is_true_or_false(both: Both, name: str, options: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        getattr(both, name)(**options)
    assert refused.value.field == field
    assert field in str(refused.value)
    assert (both.atlas.stats().requests, both.cloud.calls) == (0, [])


def test_a_resumed_run_does_not_claim_another_service(both: Both) -> None:
    first = both.connect()
    both.disconnect()
    with both.atlas.client() as client:
        client.dedicated.create_service(GROUP_ID, "AWS", "us-east-1")
    again = both.connect(resume=first)
    assert again.service_origin == "adopted"
    with pytest.raises(NotOwned, match="did not create the service"):
        both.disconnect()


def replace_service(both: Both, event: ConnectionProgress) -> None:
    """Somebody deletes the service of a connection, and another one takes its place."""
    with both.atlas.client() as client:
        client.dedicated.delete_service(GROUP_ID, "AWS", event.connection.endpoint_service_id or "")
        client.dedicated.wait_for_service(GROUP_ID, "AWS", event.connection.endpoint_service_id or "", until="DELETED")
        service = client.dedicated.create_service(GROUP_ID, "AWS", "us-east-1")
        client.dedicated.wait_for_service(GROUP_ID, "AWS", service.id)


@pytest.mark.parametrize("step", ["CREATE_CLOUD_ENDPOINT", "TELL_ATLAS"])
def test_an_endpoint_is_registered_with_the_service_that_it_leads_to(both: Both, step: str) -> None:
    replaced: list[str] = []

    def meanwhile(event: ConnectionProgress) -> None:
        if (event.step, event.state) == (step, "begun") and not replaced:
            replaced.append(step)
            replace_service(both, event)

    connection = both.connect(on_progress=meanwhile)
    (service,) = both.services()
    (alive,) = both.world.alive()
    assert alive.target == service["endpointServiceName"] == connection.endpoint_service_name
    assert both.registered() == [alive.id]


def test_several_networks_can_be_connected_again(both: Both) -> None:
    both.atlas.set_clusters([{**CLUSTER, "regions": ["us-east-1", "eu-west-1"]}])
    clouds = [MemoryCloud(both.world, "vpc-a"), MemoryCloud(both.world, "vpc-b", region="eu-west-1")]
    plan = both.call("connect_many", clouds, cluster_name="Cluster0", plan=True)
    first = both.call("connect_many", clouds, cluster_name="Cluster0")
    assert [[one.action for one in made.steps] for made in plan] == [
        [one.action for one in made.steps] for made in first
    ]
    both.disconnect(cloud=clouds[1])
    again = both.call("connect_many", clouds, cluster_name="Cluster0")
    assert all(one.srv for one in (*first, *again))
    assert len(both.world.alive()) == 2


def test_a_network_whose_service_is_replaced_takes_the_others_along(both: Both) -> None:
    clouds = [MemoryCloud(both.world, f"vpc-{letter}") for letter in "ab"]
    first = both.connect(cloud=clouds[0])
    both.world.things[first.cloud_endpoint_id or ""].state = "rejected"
    made = both.call("connect_many", clouds, cluster_name="Cluster0")
    assert all(one.srv for one in made)
    assert len({one.endpoint_service_id for one in made}) == 1
    assert sorted(both.registered()) == sorted(one.id for one in both.world.alive())


def test_a_dead_endpoint_does_not_count_against_the_limit(both: Both) -> None:
    both.atlas.set_clusters([CLUSTER, {**CLUSTER, "name": "Other", "regions": ["eu-west-1"]}])
    both.connect(cluster_name="Other", cloud=MemoryCloud(both.world, "vpc-b", region="eu-west-1"))
    first = both.connect()
    both.world.things[first.cloud_endpoint_id or ""].state = "rejected"
    assert both.connect(plan=True).planned
    assert both.connect().srv


def test_orphans_beside_what_is_adopted_are_told_and_deleted(both: Both) -> None:
    first = both.connect()
    with both.atlas.client() as client:
        service_id = first.endpoint_service_id or ""
        client.dedicated.delete_endpoint(GROUP_ID, "AWS", service_id, first.cloud_endpoint_id or "")
        client.dedicated.wait_for_service(GROUP_ID, "AWS", service_id, until="DELETED")
        service = client.dedicated.create_service(GROUP_ID, "AWS", "us-east-1")
        named = client.dedicated.wait_for_service(GROUP_ID, "AWS", service.id)
    target = getattr(named, "endpoint_service_name", "")
    theirs = both.world.add("vpc-a", target, {"created-by": "terraform"}, "terraform")
    for plan in (True, False):
        step = both.connect(plan=plan).steps[3]
        assert (step.action, theirs.id in step.detail) == ("adopt", True)
        assert f"deletes {first.cloud_endpoint_id}" in step.detail
    assert both.world.alive() == [theirs]


def test_a_serverless_instance_that_atlas_retired_is_disconnected(both: Both) -> None:
    options: dict[str, Any] = {"cluster_name": None, "instance_name": "Instance0"}
    both.connect(**options)
    both.atlas.retire("version_gone")
    both.disconnect(**options)
    assert both.world.alive() == []
