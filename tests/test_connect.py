"""`connect` and `disconnect` on AWS: what is made on both sides, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import itertools
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from cloud_sides import DEDICATED, DEPLOYMENTS, SERVERLESS, Sides, sides
from support import GROUP_ID

from atlas_privatelink import (
    AtlasError,
    CloudError,
    CloudPermissionDenied,
    ConfigurationError,
    Connection,
    ConnectionProgress,
    EndpointFailed,
    NotFound,
    OutcomeUnknown,
    ServerError,
    ValidationError,
    WaitTimeout,
    aws,
)

IDS = ["serverless", "dedicated"]
every_deployment = pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=IDS)
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


# few looks each, for tests that connect often
SOON: dict[str, Any] = {
    "clock": "driven",
    "record": False,
    "reservation_seconds": 3,
    "service_seconds": 3,
    "connection_seconds": 3,
    "connection_string_seconds": 3,
    "deletion_seconds": 3,
}


@pytest.fixture
def both() -> Iterator[Sides]:
    """A local Atlas whose time passes at once, and a local EC2."""
    with sides(clock="driven") as both:
        yield both


@pytest.fixture
def soon() -> Iterator[Sides]:
    """The same, where nothing takes long."""
    with sides(**SOON) as both:
        yield both


def whole(deployment: dict[str, Any]) -> dict[str, Any]:
    """What deletes the service, too, whoever has created it."""
    return {"delete_service": True} if "cluster_name" in deployment else {}


def actions(connection: Connection) -> list[str]:
    """What was done, step by step."""
    return [taken.action for taken in connection.steps]


@every_deployment
def test_from_nothing_to_a_connection_string(both: Sides, deployment: dict[str, Any]) -> None:
    events: list[ConnectionProgress] = []
    connection = both.connect(GROUP_ID, **deployment, on_progress=events.append)
    both.assert_connected_once(GROUP_ID, connection)
    assert actions(connection) == ["check", "create", "wait", "create", "tell", "wait", "wait"]
    assert connection.cloud_endpoint_origin == connection.endpoint_origin == "created"
    assert connection.service_origin == ("created" if "cluster_name" in deployment else None)
    assert connection.network == both.ec2.vpc_id()
    ends = [event.step for event in events if event.state == "done"]
    assert ends == [taken.step for taken in connection.steps]
    assert [(event.number, event.count) for event in events if event.state == "begun"] == [(n, 7) for n in range(1, 8)]
    assert events[-1].connection == connection
    # what AWS said while Atlas accepted it is over then
    last = [event for event in events if (event.step, event.state) == ("CONNECTION_STRING", "waiting")]
    assert {event.cloud_status for event in last} == {None}


@every_deployment
def test_again_it_adopts_all(both: Sides, deployment: dict[str, Any]) -> None:
    first = both.connect(GROUP_ID, **deployment)
    made = both.atlas.stats().endpoints_made
    again = both.connect(GROUP_ID, **deployment)
    assert actions(again) == ["check", "adopt", "skip", "adopt", "skip", "wait", "wait"]
    assert again.cloud_endpoint_origin == again.endpoint_origin == "adopted"
    assert again.bill == ()
    assert (again.srv, again.cloud_endpoint_id) == (first.srv, first.cloud_endpoint_id)
    assert both.atlas.stats().endpoints_made == made
    assert len(both.ec2.vpc_endpoints()) == 1


@every_deployment
def test_for_asyncio_too(both: Sides, deployment: dict[str, Any]) -> None:
    async def main() -> tuple[Connection, Connection]:
        async with both.atlas.async_client() as client:
            options = both.options(client) | deployment
            # two at the same moment, through one client
            first, second = await asyncio.gather(aws.aconnect(GROUP_ID, **options), aws.aconnect(GROUP_ID, **options))
            both.assert_connected_once(GROUP_ID, first)
            # one may have created the service, and the other one the VPC endpoint
            return second, await aws.adisconnect(GROUP_ID, **options, **whole(deployment))

    second, gone = asyncio.run(main())
    assert second.srv
    assert set(actions(gone)) == {"check", "delete"}
    assert both.of_atlas(GROUP_ID) == []
    assert both.ec2.vpc_endpoints() == []


@every_deployment
def test_a_plan_changes_nothing_and_says_what_will_be_done(both: Sides, deployment: dict[str, Any]) -> None:
    plan = both.connect(GROUP_ID, **deployment, plan=True)
    assert plan.planned
    assert actions(plan) == ["check", "create", "wait", "create", "tell", "wait", "wait"]
    assert both.ec2.vpc_id() in repr(plan.steps)
    assert plan.bill
    assert {request.method for request in both.atlas.requests()} == {"GET"}
    # creation is tried, without creating
    assert {call for call in both.ec2.calls if not call.startswith("Describe")} == {"CreateVpcEndpoint"}
    assert both.ec2.vpc_endpoints() == []
    both.connect(GROUP_ID, **deployment)
    plan = both.connect(GROUP_ID, **deployment, plan=True)
    assert actions(plan) == ["check", "adopt", "skip", "adopt", "skip", "wait", "wait"]
    (made,) = both.ec2.vpc_endpoints()
    assert made["id"] in repr(plan.steps)


@every_deployment
def test_the_vpc_endpoint_is_made_as_asked(both: Sides, deployment: dict[str, Any]) -> None:
    ec2 = both.ec2.client()
    subnets = both.ec2.subnet_ids()
    group = ec2.create_security_group(GroupName="mongo", Description="d", VpcId=both.ec2.vpc_id())["GroupId"]
    connection = both.connect(
        GROUP_ID,
        **deployment,
        vpc_id=None,
        # the last one is in a zone that the service does not have
        subnet_ids=[subnets[1], subnets[-1], subnets[0]],
        security_group_ids=[group],
        tags={"team": "orders", "Name": "mine"},
    )
    (shown,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[connection.cloud_endpoint_id])["VpcEndpoints"]
    assert shown["VpcEndpointType"] == "Interface"
    assert shown["PrivateDnsEnabled"] is False
    assert shown["SubnetIds"] == [subnets[1], subnets[0]]
    assert [one["GroupId"] for one in shown["Groups"]] == [group]
    tags = {tag["Key"]: tag["Value"] for tag in shown["Tags"]}
    assert (tags["Name"], tags["team"], tags["atlas-project-id"]) == ("mine", "orders", GROUP_ID)
    assert tags["atlas-privatelink"].startswith("v1-")
    assert connection.deployment_name not in "".join(tags.values()) or "instance_name" in deployment


def test_a_vpc_gives_one_subnet_in_each_zone_of_the_service(both: Sides) -> None:
    both.ec2.client().create_subnet(VpcId=both.ec2.vpc_id(), CidrBlock="172.31.128.0/20", AvailabilityZone="us-east-1a")
    both.connect(GROUP_ID, **DEDICATED)
    (made,) = both.ec2.vpc_endpoints()
    assert len(made["subnet_ids"]) == 3


def test_the_region_has_to_be_that_of_the_service(both: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (both.ec2.environment() | {"AWS_DEFAULT_REGION": "eu-west-1"}).items():
        monkeypatch.setenv(name, value)
    with both.atlas.client() as client:
        # the VPC is in us-east-1, as the service is, and boto3's own region is another one
        connection = aws.connect(GROUP_ID, **SERVERLESS, vpc_id=both.ec2.vpc_id(), atlas=client, region="us-east-1")
        assert connection.region == "us-east-1"
        with pytest.raises(ValidationError, match=r"vpc_id: .*eu-west-1"):
            aws.connect(GROUP_ID, **DEDICATED, vpc_id=both.ec2.vpc_id(), atlas=client)
        elsewhere = both.ec2.vpc_id("eu-west-1")
        with pytest.raises(ValidationError, match=r"region is eu-west-1, and Atlas's service .* is in us-east-1"):
            aws.connect(GROUP_ID, **SERVERLESS, vpc_id=elsewhere, atlas=client)


@every_deployment
@pytest.mark.parametrize("state", ["rejected", "failed", "expired", "deleted"])
def test_what_aws_ends_is_not_waited_for(both: Sides, deployment: dict[str, Any], state: str) -> None:
    def end(event: ConnectionProgress) -> None:
        if (event.step, event.state) == ("ACCEPT", "begun"):
            both.ec2.force_state(event.connection.cloud_endpoint_id or "", state)

    with pytest.raises(EndpointFailed) as failed:
        both.connect(GROUP_ID, **deployment, on_progress=end)
    error = failed.value
    assert error.connection is not None
    assert error.connection.cloud_endpoint_id
    assert f"{error.connection.cloud_endpoint_id} is {state}" in str(error)
    atlas_id = error.connection.endpoint_id or error.connection.endpoint_service_id
    assert atlas_id
    assert atlas_id in str(error)
    assert error.endpoint.status == state


@every_deployment
def test_what_atlas_fails_is_not_waited_for(both: Sides, deployment: dict[str, Any]) -> None:
    both.atlas.fail_next_endpoint("no capacity")
    with pytest.raises(EndpointFailed, match="no capacity") as failed:
        both.connect(GROUP_ID, **deployment)
    assert failed.value.connection is not None
    assert failed.value.connection.known() in str(failed.value)
    assert both.ec2.vpc_endpoints() == []


@every_deployment
def test_a_time_out_knows_both_sides_and_goes_on(both: Sides, deployment: dict[str, Any]) -> None:
    both.connect_until(("ACCEPT", "waiting"), GROUP_ID, **deployment)
    with pytest.raises(WaitTimeout) as waited:
        both.connect(GROUP_ID, **deployment, timeout=1)
    assert waited.value.connection is not None
    assert waited.value.connection.known() in str(waited.value)
    copy = pickle.loads(pickle.dumps(waited.value))
    assert copy.connection == waited.value.connection
    both.assert_connected_once(GROUP_ID, both.connect(GROUP_ID, **deployment))


ATLAS_FAULTS: list[tuple[Any, dict[str, Any]]] = [
    ("refuse", {"seconds": 0.05}),
    ("reset_before_handler", {}),
    ("reset_after_handler", {}),
    ("close_before_handler", {}),
    ("close_after_handler", {}),
    ("cut_body", {"bytes": 20}),
    ("delay", {"seconds": 0.01}),
    ("delay_after_handler", {"seconds": 0.01}),
    ("trickle", {"interval": 0.0001}),
    ("status", {"status": 500}),
    ("status", {"status": 503, "retry_after": "1"}),
    ("status", {"status": 502, "format": "html", "executed": True}),
    ("status", {"status": 429, "retry_after": "1"}),
    ("status", {"status": 403, "error_code": "USER_UNAUTHORIZED"}),
    ("empty_body", {}),
    ("not_json", {}),
    ("huge_body", {"bytes": 100_000}),
    ("wrong_json", {"shape": "array"}),
    ("wrong_json", {"shape": "no_id"}),
    ("redirect", {"location": "http://127.0.0.1:9/"}),
]


@every_deployment
@pytest.mark.parametrize("fault", ATLAS_FAULTS, ids=lambda fault: f"{fault[0]}-{'-'.join(map(str, fault[1].values()))}")
def test_every_fault_of_atlas_at_every_call(deployment: dict[str, Any], fault: tuple[Any, dict[str, Any]]) -> None:
    name, parameters = fault
    calls = [("GET", 0), ("GET", 1), ("GET", 4), ("POST", 0), ("POST", 1), ("PATCH", 0)]
    with sides(**SOON) as both:
        for number, (method, after) in enumerate(calls):
            if name == "refuse":
                # it comes over all at once
                both.atlas.fault("refuse", **parameters)
            else:
                both.atlas.fault(name, method=method, after=after, authenticated=True, **parameters)
            connection = until_it_succeeds(both, f"{number:024x}", deployment)
            both.assert_connected_once(f"{number:024x}", connection)
            both.atlas.heal()


def until_it_succeeds(both: Sides, group_id: str, deployment: dict[str, Any]) -> Connection:
    """`connect`, again after each failure, which has to know what had been reached."""
    reached: set[str] = set()
    for _ in range(4):
        events: list[ConnectionProgress] = []
        try:
            return both.connect(group_id, **deployment, on_progress=events.append)
        except AtlasError as error:
            known = error.connection
            assert known is not None
            if events:
                # what an event has told is not lost in the error
                assert known.known().startswith(events[-1].connection.known())
            reached |= {known.known()}
            assert "\n" not in str(error)
            both.atlas.heal()
    raise AssertionError(f"it never succeeds: {reached}")


class Outage:
    """Atlas answers nothing any more from the beginning of a step on, until `connect` or `disconnect` has said so."""

    def __init__(self, both: Sides, step: str, *, ends: bool = True) -> None:
        self.both, self.step, self.ends = both, step, ends
        self.troubles: list[ConnectionProgress] = []

    def __call__(self, event: ConnectionProgress) -> None:
        """An event of `on_progress`."""
        if (event.step, event.state) == (self.step, "begun"):
            self.both.atlas.fault("status", status=503, times=None)
        if event.trouble is not None:
            self.troubles.append(event)
            if self.ends:
                self.both.atlas.heal()


@every_deployment
@pytest.mark.parametrize("step", ["NAME_SERVICE", "TELL_ATLAS", "ACCEPT", "CONNECTION_STRING"])
def test_connect_outlives_an_outage_of_atlas(soon: Sides, deployment: dict[str, Any], step: str) -> None:
    outage = Outage(soon, step)
    soon.assert_connected_once(GROUP_ID, soon.connect(GROUP_ID, **deployment, on_progress=outage))
    assert {(event.step, event.state) for event in outage.troubles} == {(step, "waiting")}


@every_deployment
def test_disconnect_outlives_an_outage_of_atlas(soon: Sides, deployment: dict[str, Any]) -> None:
    for step in ["DELETE_ENDPOINT"] if deployment == SERVERLESS else ["DELETE_ENDPOINT", "DELETE_SERVICE"]:
        soon.connect(GROUP_ID, **deployment)
        outage = Outage(soon, step)
        soon.disconnect(GROUP_ID, **deployment, on_progress=outage)
        assert {(event.step, event.state) for event in outage.troubles} == {(step, "waiting")}
        assert soon.of_atlas(GROUP_ID) == []
        assert soon.ec2.vpc_endpoints() == []


@every_deployment
def test_who_cannot_reach_atlas_at_all_hears_of_it_at_once(soon: Sides, deployment: dict[str, Any]) -> None:
    outage = Outage(soon, "PREFLIGHT")
    with pytest.raises(ServerError):
        soon.connect(GROUP_ID, **deployment, on_progress=outage)
    assert [event.state for event in outage.troubles] == ["failed"]


@every_deployment
def test_an_outage_until_the_deadline_is_said_with_the_ids(soon: Sides, deployment: dict[str, Any]) -> None:
    soon.connect_until(("TELL_ATLAS", "begun"), GROUP_ID, **deployment)
    with pytest.raises((ServerError, OutcomeUnknown)) as caught:
        soon.connect(GROUP_ID, **deployment, timeout=3, on_progress=Outage(soon, "TELL_ATLAS", ends=False))
    (vpc_endpoint,) = soon.ec2.vpc_endpoints()
    assert f"cloud endpoint {vpc_endpoint['id']}" in str(caught.value)


EC2_FAULTS: list[dict[str, Any]] = [
    {"code": "InternalError", "status": 500},
    {"code": "InternalError", "status": 500, "executed": True},
    {"code": "RequestLimitExceeded", "status": 503},
    {"code": "UnauthorizedOperation", "status": 403, "message": "You are not authorized. Encoded authorization: x"},
    {"code": None},
    {"code": None, "executed": True},
]
EC2_ACTIONS = [
    "DescribeVpcs",
    "DescribeVpcEndpoints",
    "DescribeVpcEndpointServices",
    "DescribeSubnets",
    "CreateVpcEndpoint",
]
# what is not outlived
DENIED = "UnauthorizedOperation"


@every_deployment
@pytest.mark.parametrize("action", EC2_ACTIONS)
def test_every_fault_of_ec2_at_every_call(soon: Sides, deployment: dict[str, Any], action: str) -> None:
    both = soon
    for number, (fault, after) in enumerate(itertools.product(EC2_FAULTS, [0, 1, 3])):
        group_id = f"{number:024x}"
        both.ec2.calls.clear()
        both.ec2.fail(action, **fault, after=after)
        try:
            connection = both.connect(group_id, **deployment)
        except CloudError as error:
            assert error.operation == action
            assert isinstance(error, CloudPermissionDenied) == (fault["code"] == "UnauthorizedOperation")
            assert SECRET not in str(error)
            assert error.connection is not None
            name = error.connection.endpoint_service_name
            made = [one["id"] for one in both.ec2.vpc_endpoints() if one["service_name"] == name]
            assert [one for one in made if one in str(error)] == made
            assert error.connection.known() in str(error)
            connection = both.connect(group_id, **deployment)
        both.assert_connected_once(group_id, connection)
        both.ec2.forget_faults()


@every_deployment
@pytest.mark.parametrize("action", ["DescribeVpcs", "DescribeVpcEndpoints", "DeleteVpcEndpoints"])
def test_every_fault_of_ec2_while_disconnecting(soon: Sides, deployment: dict[str, Any], action: str) -> None:
    for fault, after in itertools.product(EC2_FAULTS, [0, 1]):
        soon.connect(GROUP_ID, **deployment)
        soon.ec2.fail(action, **fault, after=after)
        try:
            soon.disconnect(GROUP_ID, **deployment)
        except CloudError as error:
            assert error.operation == action
            soon.disconnect(GROUP_ID, **deployment)
        soon.ec2.forget_faults()
        assert soon.of_atlas(GROUP_ID) == []
        assert soon.ec2.vpc_endpoints() == []


@every_deployment
def test_a_new_vpc_endpoint_may_not_be_shown_at_once(deployment: dict[str, Any]) -> None:
    with sides(clock="driven") as both:
        both.ec2.shown_after = 3
        both.assert_connected_once(GROUP_ID, both.connect(GROUP_ID, **deployment))


def test_connected_disconnected_and_connected_again(both: Sides) -> None:
    # of another account, which keeps the service: EC2 remembers the client token of what is deleted by now
    first = both.connect(GROUP_ID, **DEDICATED)
    other = "vpce-0123456789abcdef0"
    with both.atlas.client() as client:
        client.dedicated.create_endpoint(GROUP_ID, "AWS", first.endpoint_service_id or "", other)
    for _ in range(3):
        gone = both.disconnect(GROUP_ID, **DEDICATED)
        assert actions(gone) == ["check", "delete", "skip", "delete"]
        again = both.connect(GROUP_ID, **DEDICATED)
        assert again.endpoint_service_name == first.endpoint_service_name
        assert again.cloud_endpoint_id != first.cloud_endpoint_id
        assert {other, again.cloud_endpoint_id} == set(both.known_to_atlas(GROUP_ID))


@every_deployment
def test_disconnect_stopped_at_every_event_goes_on(soon: Sides, deployment: dict[str, Any]) -> None:
    both = soon

    class Stop(BaseException):
        """As abrupt as a kill."""

    events: list[tuple[str, str]] = []
    both.connect(GROUP_ID, **deployment)
    both.disconnect(GROUP_ID, **deployment, on_progress=lambda event: events.append((event.step, event.state)))
    assert len(events) >= 6
    for stop_at in range(len(events)):
        both.connect(GROUP_ID, **deployment)
        count = itertools.count()

        def progress(_: ConnectionProgress, count: Iterator[int] = count, stop_at: int = stop_at) -> None:
            if next(count) == stop_at:
                raise Stop

        with pytest.raises(Stop):
            both.disconnect(GROUP_ID, **deployment, on_progress=progress)
        both.disconnect(GROUP_ID, **deployment)
        assert both.of_atlas(GROUP_ID) == []
        assert both.ec2.vpc_endpoints() == []
    assert set(actions(both.disconnect(GROUP_ID, **deployment))) == {"check", "skip"}


def test_disconnect_leaves_what_others_use(both: Sides) -> None:
    connection = both.connect(GROUP_ID, **DEDICATED)
    with both.atlas.client() as client:
        # of another account, which this one cannot see
        other = "vpce-0123456789abcdef0"
        client.dedicated.create_endpoint(GROUP_ID, "AWS", connection.endpoint_service_id or "", other)
        gone = both.disconnect(GROUP_ID, **DEDICATED)
    assert actions(gone) == ["check", "delete", "skip", "delete"]
    assert any(other in left for left in gone.left)
    assert both.known_to_atlas(GROUP_ID) == [other]


def test_a_connect_that_meets_its_own_deletion_waits_for_its_end(both: Sides) -> None:
    connection = both.connect(GROUP_ID, **DEDICATED)
    with both.atlas.client() as client:
        both.ec2.client().delete_vpc_endpoints(VpcEndpointIds=[connection.cloud_endpoint_id])
        service = connection.endpoint_service_id or ""
        client.dedicated.delete_endpoint(GROUP_ID, "AWS", service, connection.cloud_endpoint_id or "")
        client.dedicated.wait_for_endpoint(
            GROUP_ID, "AWS", service, connection.cloud_endpoint_id or "", until="DELETED"
        )
        # the service went with its last endpoint
        client.dedicated.wait_for_service(GROUP_ID, "AWS", service, until="DELETED")
    again = both.connect(GROUP_ID, **DEDICATED)
    assert again.endpoint_service_id != service
    both.assert_connected_once(GROUP_ID, again)


def test_a_vpc_endpoint_that_was_deleted_by_hand_is_named(both: Sides) -> None:
    connection = both.connect(GROUP_ID, **SERVERLESS)
    both.ec2.client().delete_vpc_endpoints(VpcEndpointIds=[connection.cloud_endpoint_id])
    with pytest.raises(EndpointFailed, match="disconnect, and connect again") as failed:
        both.connect(GROUP_ID, **SERVERLESS)
    assert connection.known() in str(failed.value)
    both.disconnect(GROUP_ID, **SERVERLESS)
    both.assert_connected_once(GROUP_ID, both.connect(GROUP_ID, **SERVERLESS))


def test_reservations_that_others_made_with_the_same_comment_stay(both: Sides) -> None:
    with both.atlas.client() as client:
        theirs = {client.create_endpoint(GROUP_ID, "Instance0", comment=comment).id for comment in ("mine", "other")}
    connection = both.connect(GROUP_ID, **SERVERLESS, comment="mine")
    assert connection.endpoint_id not in theirs
    both.disconnect(GROUP_ID, **SERVERLESS, comment="mine")
    assert {one["_id"] for one in both.atlas.endpoints() if one["status"] != "DELETING"} == theirs


@every_deployment
def test_without_boto3_any_callable_will_do(both: Sides, deployment: dict[str, Any]) -> None:
    asked: list[str] = []

    def make(service_name: str) -> str:
        asked.append(service_name)
        return "vpce-0123456789abcdef0"

    async def make_later(service_name: str) -> str:
        await asyncio.sleep(0)
        return make(service_name)

    region: dict[str, Any] = {"region": "us-east-1"} if "cluster_name" in deployment else {"comment": "by hand"}
    with both.atlas.client() as client:
        connection = aws.connect(GROUP_ID, **deployment, **region, vpc_endpoint=make, atlas=client)
        assert asked == [connection.endpoint_service_name]
        assert connection.cloud_endpoint_id == "vpce-0123456789abcdef0"
        assert connection.srv
        with pytest.raises(ValidationError, match="aconnect"):
            later: Any = make_later
            aws.connect("5" * 24, **deployment, **region, vpc_endpoint=later, atlas=client)
        with pytest.raises(ValidationError, match="vpc_endpoint must be"):
            aws.connect("6" * 24, **deployment, **region, vpc_endpoint=lambda name: name, atlas=client)

    async def main() -> Connection:
        async with both.atlas.async_client() as client:
            return await aws.aconnect("7" * 24, **deployment, **region, vpc_endpoint=make_later, atlas=client)

    # the same endpoint cannot be told to Atlas for two projects' services
    assert asyncio.run(main()).srv


BAD_INPUT: list[tuple[dict[str, Any], str]] = [
    ({}, "cluster_name"),
    ({"cluster_name": "Cluster0", "instance_name": "Instance0"}, "cluster_name"),
    ({"instance_name": "Instance0", "vpc_id": None}, "vpc_id"),
    ({"instance_name": "Instance0", "vpc_id": "eni-0123456789abcdef0"}, "vpc_id"),
    ({"instance_name": "Instance0", "vpc_id": "vpc-0123456789abcdef0"}, "vpc_id"),
    ({"instance_name": "Instance0", "subnet_ids": "subnet-0123456789abcdef0"}, "subnet_ids"),
    ({"instance_name": "Instance0", "subnet_ids": ["subnet-0123456789abcdef0"]}, "subnet_ids"),
    ({"instance_name": "Instance0", "security_group_ids": ["default"]}, "security_group_ids"),
    ({"instance_name": "Instance0", "comment": "x" * 80}, "comment"),
    (
        {
            "instance_name": "no spaces",
        },
        "instance_name",
    ),
    ({"instance_name": "Instance0", "timeout": 0}, "timeout"),
    ({"instance_name": "Instance0", "profile": "p"}, "profile"),
    ({"instance_name": "Instance0", "comment": "x" * 71}, "comment"),
    ({"instance_name": "Instance0", "region": "eu-west-1"}, "region"),
    ({"cluster_name": "Cluster0", "tags": {"Atlas-PrivateLink": "v1-0"}}, "tags"),
    ({"cluster_name": "Cluster0", "made_by": "no spaces"}, "made_by"),
    ({"cluster_name": "Cluster0", "on_drift": "ignore"}, "on_drift"),
    ({"cluster_name": "Cluster0", "vpc_endpoint": "vpce-0123456789abcdef0"}, "vpc_id"),
    ({"cluster_name": "Cluster0", "comment": "x"}, "comment"),
    ({"cluster_name": "Cluster0", "region": "eu-west-1"}, "region"),
]


@pytest.mark.parametrize(("options", "field"), BAD_INPUT, ids=lambda value: str(value)[:60])
def test_bad_input_is_refused_before_atlas_is_asked(both: Sides, options: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        both.connect(GROUP_ID, **options)
    assert refused.value.field == field
    assert field in str(refused.value)
    assert both.atlas.stats().requests == 0


def test_the_other_kind_of_client_is_refused(both: Sides) -> None:
    other: Any = both.atlas.async_client()
    with pytest.raises(ValidationError, match="atlas must be a client of the kind Client"):
        aws.connect(GROUP_ID, **SERVERLESS, **both.options(other))
    other = both.atlas.client()
    with pytest.raises(ValidationError, match="atlas must be a client of the kind AsyncClient"):
        asyncio.run(aws.aconnect(GROUP_ID, **SERVERLESS, **both.options(other)))


def test_no_zone_in_common_is_one_clear_error(both: Sides) -> None:
    elsewhere = both.ec2.subnet_ids()[-1]
    with pytest.raises(ValidationError, match=r"no subnet .* is in a zone of the service") as refused:
        both.connect(GROUP_ID, **DEDICATED, subnet_ids=[elsewhere])
    assert elsewhere in str(refused.value)
    assert "us-east-1a, us-east-1b, us-east-1c" in str(refused.value)


def test_a_wrong_name_is_not_found() -> None:
    with sides(clock="driven", instances=["Instance0"]) as both, pytest.raises(NotFound):
        both.connect(GROUP_ID, instance_name="Instance1")


def test_without_aws_credentials_the_error_says_so(both: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", both.ec2.endpoint_url)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with both.atlas.client() as client:
        cases: list[tuple[dict[str, Any], type[CloudError]]] = [
            ({}, CloudPermissionDenied),
            ({"profile": "nobody"}, CloudError),
        ]
        for options, error in cases:
            with pytest.raises(error, match=r"credentials|nobody"):
                aws.connect(
                    GROUP_ID, **SERVERLESS, vpc_id=both.ec2.vpc_id(), region="us-east-1", atlas=client, **options
                )
    assert both.atlas.stats().requests == 0


def test_boto3_is_asked_for_where_it_is_missing(both: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with (
        both.atlas.client() as client,
        pytest.raises(ConfigurationError, match=r"pip install 'atlas-privatelink\[aws\]'"),
    ):
        aws.connect(GROUP_ID, **SERVERLESS, vpc_id=both.ec2.vpc_id(), atlas=client)


def test_the_iam_policy_allows_what_is_called_and_no_more(both: Sides) -> None:
    for deployment in DEPLOYMENTS:
        both.connect(GROUP_ID, **deployment)
        both.connect(GROUP_ID, **deployment, vpc_id=None, subnet_ids=both.ec2.subnet_ids()[:1])
        both.disconnect(GROUP_ID, **deployment)
    statements = aws.iam_policy()["Statement"]
    allowed = {action.removeprefix("ec2:") for statement in statements for action in statement["Action"]}
    # the tags are part of the creation's call, and want a permission of their own
    assert allowed == {*both.ec2.calls, "CreateTags", "ModifyVpcEndpoint", "vpce:AllowMultiRegion"}


def test_the_iam_policy_can_be_narrowed() -> None:
    policy = aws.iam_policy(region="us-gov-west-1", account_id="123456789012")
    resources = [statement["Resource"] for statement in policy["Statement"] if statement["Resource"] != "*"]
    for arn in itertools.chain(*resources):
        assert arn.startswith("arn:aws-us-gov:ec2:us-gov-west-1:123456789012:")
    for options, field in (({"region": "mars"}, "region"), ({"account_id": "12"}, "account_id")):
        with pytest.raises(ValidationError) as refused:
            aws.iam_policy(**options)
        assert refused.value.field == field
