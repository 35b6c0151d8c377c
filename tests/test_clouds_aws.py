"""AwsCloud: whose endpoint it is, what is deleted and changed, and failures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aws_here import Here, begin, ids_of, world
from support import GROUP_ID

from atlas_privatelink.errors import CloudError, CloudPermissionDenied, NotOwned, ValidationError

pytest.importorskip("moto", reason="the extra demo is not installed")

OTHER_ACCOUNT = "210987654321"
SECRET = "a-very-external-id"


@pytest.fixture(scope="module")
def shared() -> Iterator[Here]:
    """A local EC2 for all tests."""
    with world() as here:
        yield here


@pytest.fixture
def here(shared: Here, monkeypatch: pytest.MonkeyPatch) -> Here:
    """A local EC2 without VPC endpoints."""
    return begin(shared, monkeypatch)


# whose it is


def test_finding_is_not_owning(here: Here) -> None:
    cloud = here.cloud()
    foreign = here.stranger({"created-by": "terraform"})
    here.stranger(vpc_id=here.ec2.add_vpc())
    assert ids_of(cloud.find(here.service)) == [foreign]
    (found,) = cloud.find(here.service)
    assert (found.is_ours, found.service_id, found.tags) == (False, None, (("created-by", "terraform"),))
    assert cloud.find_ours(GROUP_ID) == []


def test_a_copied_mark_is_not_ownership(here: Here) -> None:
    made = here.cloud().create(here.service)
    tags, other_vpc = here.tags(made.id), here.ec2.add_vpc()
    in_other_vpc = here.stranger(tags, vpc_id=other_vpc)
    to_other_service = here.stranger(tags | {"atlas-endpoint-service-id": here.other_service.service_id})
    of_other_name = here.stranger(tags | {"atlas-endpoint-name": "blue"})
    assert [one.id for one in here.cloud().find_ours(GROUP_ID)] == [made.id]
    assert here.cloud(vpc_id=other_vpc).find_ours(GROUP_ID) == []
    assert here.cloud(name="blue").find_ours(GROUP_ID) == []
    for copy in (in_other_vpc, to_other_service, of_other_name):
        shown = here.cloud().describe(copy)
        assert shown is not None
        assert not shown.is_ours


def test_lists_are_paged_and_sorted_by_age(here: Here) -> None:
    here.set(page_size=1)
    strangers = [here.stranger({"n": str(number)}) for number in range(3)]
    found = here.cloud().find(here.service)
    assert sorted(ids_of(found)) == sorted(strangers)
    assert [one.created_at for one in found] == sorted(one.created_at for one in found)
    assert all(one.created_at for one in found)


def test_what_is_deleted_is_not_found(here: Here) -> None:
    here.set(deleting_looks=1)
    cloud = here.cloud()
    made = cloud.create(here.service)
    here.set(lists_lag=5)
    cloud.delete(made)
    # the list still shows it as it was
    assert [one.phase for one in cloud.find(here.service)] == ["deleting"]
    assert cloud.find(here.service) == cloud.find_ours(GROUP_ID) == []
    gone = cloud.describe(made.id)
    assert gone is not None
    assert gone.phase == "gone"
    here.set(deleted_looks=0)
    assert cloud.describe(made.id) is None


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("pendingAcceptance", "pending"),
        ("Pending", "pending"),
        ("available", "available"),
        ("partial", "available"),
        ("rejected", "failed"),
        ("Expired", "failed"),
        ("somethingNew", "pending"),
    ],
)
def test_states(here: Here, state: str, phase: str) -> None:
    made = here.cloud().create(here.service)
    here.ec2.force_state(made.id, state)
    (found,) = here.cloud().find(here.service)
    assert (found.status, found.phase) == (state, phase)


def test_describe_shows_any_vpcs_endpoint_as_its_own(here: Here) -> None:
    other = here.ec2.add_vpc()
    made = here.cloud(vpc_id=other).create(here.service)
    shown = here.cloud(tags={"team": "blue"}).describe(made.id)
    assert shown is not None
    assert (shown.network, shown.is_ours, shown.drift) == (other, True, ())
    for unknown in ("vpce-00000000000000000", "", "vpce-", "not-an-id"):
        assert here.cloud().describe(unknown) is None


def test_the_vpc_is_that_of_the_subnets(here: Here) -> None:
    vpc_id = here.ec2.add_vpc()
    subnets = here.ec2.subnet_ids(vpc_id=vpc_id)
    cloud = here.cloud(subnet_ids=subnets)
    cloud.check()
    assert cloud.network == vpc_id
    made = cloud.create(here.service)
    assert here.cloud(vpc_id=vpc_id).create(here.service).id == made.id
    with pytest.raises(ValidationError, match="one VPC") as refused:
        here.cloud(subnet_ids=[*subnets, *here.ec2.subnet_ids()]).check()
    assert refused.value.field == "subnet_ids"


def test_somebody_elses_endpoint_of_that_name_is_found(here: Here) -> None:
    foreign = here.stranger({"Name": "blue"})
    here.stranger({"Name": "red"})
    (found,) = here.cloud(name="blue").find(here.service)
    assert (found.id, found.is_ours, found.network) == (foreign, False, f"{here.vpc_id} blue")


def test_people_may_rename_what_is_ours(here: Here) -> None:
    cloud = here.cloud(name="blue")
    made = cloud.create(here.service)
    here.client.create_tags(Resources=[made.id], Tags=[{"Key": "Name", "Value": "renamed"}])
    assert ids_of(cloud.find(here.service)) == ids_of(cloud.find_ours(GROUP_ID)) == [made.id]


# deletion


def test_what_lost_its_mark_is_not_deleted(here: Here) -> None:
    cloud = here.cloud()
    made = cloud.create(here.service)
    here.client.delete_tags(Resources=[made.id], Tags=[{"Key": "atlas-privatelink"}])
    with pytest.raises(NotOwned, match=made.id) as refused:
        cloud.delete(made)
    assert refused.value.endpoint.id == made.id
    assert here.ids() == [made.id]
    # as somebody else's it may be deleted, if that is what was asked for
    (found,) = cloud.find(here.service)
    cloud.delete(found)
    assert here.ids() == []


def test_what_is_gone_is_no_error(here: Here) -> None:
    cloud = here.cloud()
    made = cloud.create(here.service)
    cloud.delete(made)
    cloud.delete(made)
    here.set(deleted_looks=0)
    cloud.delete(made)
    here.ec2.fail("DeleteVpcEndpoints", code="InvalidVpcEndpointId.NotFound", status=400)
    cloud.delete(made)


def test_what_is_not_shown_yet_is_deleted(here: Here) -> None:
    here.set(shown_after=10**6)
    cloud = here.cloud(list_lag=0.01)
    cloud.delete(cloud.create(here.service))
    assert here.ids() == []


def test_lagging_tags_are_no_lost_mark(here: Here) -> None:
    cloud = here.cloud()
    made = cloud.create(here.service)
    here.ec2._world.region(here.ec2.account_id, "us-east-1").endpoints[made.id].tags_lag.looks = 2
    cloud.delete(made)
    assert here.ids() == []


@pytest.mark.parametrize(
    ("code", "kind", "is_transient"),
    [
        ("InternalError", CloudError, True),
        ("UnauthorizedOperation", CloudPermissionDenied, False),
        ("DependencyViolation", CloudError, False),
        ("InvalidVpcEndpoint.NotFound", None, False),
        ("InvalidVpcEndpointId.NotFound", None, False),
    ],
)
def test_every_unsuccessful_deletion_counts(here: Here, code: str, kind: Any, is_transient: bool) -> None:
    cloud = here.cloud()
    made = cloud.create(here.service)
    here.ec2.fail_deletion(made.id, code, "No.")
    if kind is None:
        cloud.delete(made)
        return
    with pytest.raises(kind, match=f"{made.id}.*{code}") as failed:
        cloud.delete(made)
    assert (failed.value.operation, failed.value.code) == ("DeleteVpcEndpoints", code)
    assert failed.value.is_transient == is_transient
    cloud.delete(made)
    assert here.ids() == []


# differences


def test_what_was_not_asked_for_never_differs(here: Here) -> None:
    group = here.group("any")
    made = here.stranger({"team": "red"}, SecurityGroupIds=[group])
    (found,) = here.cloud().find(here.service)
    assert (found.id, found.drift) == (made, ())


def test_drift_says_what_is_and_what_was_asked_for(here: Here) -> None:
    have, want = here.group("have"), here.group("want")
    one, two, *_ = here.ec2.subnet_ids()
    here.stranger({"team": "red"}, SecurityGroupIds=[have], SubnetIds=[one])
    cloud = here.cloud(security_group_ids=[want], subnet_ids=[two], tags={"team": "blue", "cost": "7"})
    (found,) = cloud.find(here.service)
    assert found.drift == (
        f"security groups are {have}, not {want}",
        f"subnets are {one}, not {two}",
        "tag team is 'red', not 'blue'",
        "tag cost is missing",
    )
    (missing,) = here.cloud(subnet_ids=[one, two]).find(here.service)
    assert missing.drift == (f"subnets are {one}: none in us-east-1b",)


def test_zones_without_the_service_are_no_drift(here: Here) -> None:
    cloud = here.cloud(subnet_ids=here.ec2.subnet_ids())
    assert cloud.create(here.service).drift == ()
    assert [one.drift for one in cloud.find(here.service)] == [()]


def test_update_changes_what_is_ours(here: Here) -> None:
    one, two, *_ = here.ec2.subnet_ids()
    made = here.cloud(subnet_ids=[one]).create(here.service)
    group = here.group("mongo-update")
    cloud = here.cloud(subnet_ids=[one, two], security_group_ids=[group], tags={"team": "blue"})
    (found,) = cloud.find(here.service)
    assert len(found.drift) == 3
    changes = cloud.update(found, here.service)
    assert changes == [f"added {two}", f"set the security groups to {group}", "set tag team to 'blue'"]
    (changed,) = cloud.find(here.service)
    assert (changed.id, changed.drift, changed.is_ours) == (made.id, (), True)
    (shown,) = here.ec2.vpc_endpoints()
    assert (shown["subnet_ids"], shown["security_group_ids"]) == ([one, two], [group])
    assert cloud.update(changed, here.service) == []


def test_update_takes_no_subnet_away(here: Here) -> None:
    one, two, *_ = here.ec2.subnet_ids()
    here.cloud(subnet_ids=[one]).create(here.service)
    cloud = here.cloud(subnet_ids=[two])
    (found,) = cloud.find(here.service)
    assert cloud.update(found, here.service) == []
    (after,) = cloud.find(here.service)
    assert after.drift == found.drift == (f"subnets are {one}, not {two}",)


def test_update_leaves_alone_what_is_not_ours(here: Here) -> None:
    here.stranger({"team": "red"})
    cloud = here.cloud(tags={"team": "blue"})
    (found,) = cloud.find(here.service)
    with pytest.raises(NotOwned):
        cloud.update(found, here.service)
    # nor what says of itself that it was
    with pytest.raises(NotOwned):
        cloud.update(replace(found, is_ours=True), here.service)
    assert here.tags(found.id) == {"team": "red"}


# failures


def test_throttling_is_outlived(here: Here) -> None:
    here.ec2.throttle(2)
    cloud = here.cloud()
    made = cloud.create(here.service)
    assert ids_of(cloud.find(here.service)) == [made.id]
    cloud.delete(made)
    here.ec2.throttle(1)
    with pytest.raises(CloudError, match="RequestLimitExceeded") as failed:
        cloud.find(here.service)
    assert failed.value.is_transient


@pytest.mark.parametrize(
    ("fault", "kind", "is_transient"),
    [
        ({"code": None}, CloudError, True),
        ({"code": "Unavailable", "status": 503}, CloudError, True),
        ({"code": "Whatever", "status": 502}, CloudError, True),
        ({"code": "UnauthorizedOperation", "status": 403}, CloudPermissionDenied, False),
        ({"code": "AuthFailure", "status": 401}, CloudPermissionDenied, False),
        ({"code": "RequestExpired", "status": 400}, CloudPermissionDenied, False),
        ({"code": "InvalidParameterValue", "status": 400}, CloudError, False),
    ],
)
def test_failures(here: Here, fault: dict[str, Any], kind: type[CloudError], is_transient: bool) -> None:
    here.ec2.fail("DescribeVpcs", times=10, **fault)
    with pytest.raises(CloudError, match="DescribeVpcs") as failed:
        here.cloud().check()
    assert (type(failed.value), failed.value.is_transient) == (kind, is_transient)
    # what may pass is tried again; a refusal is not
    assert (here.ec2.calls.count("DescribeVpcs") > 1) == is_transient


def test_encoded_authorization_messages_are_cut(here: Here) -> None:
    message = "You are not authorized. Encoded authorization failure message: AbCd"
    here.ec2.fail("DescribeVpcs", code="UnauthorizedOperation", status=403, message=message)
    with pytest.raises(CloudPermissionDenied) as denied:
        here.cloud().check()
    assert "AbCd" not in str(denied.value)
    assert "iam-policy" in str(denied.value)


def test_what_does_not_exist_is_an_invalid_argument(here: Here) -> None:
    for options, field in (
        ({"vpc_id": "vpc-00000000000000000"}, "vpc_id"),
        ({"subnet_ids": ["subnet-00000000000000000"]}, "subnet_ids"),
    ):
        with pytest.raises(ValidationError) as refused:
            here.cloud(**options).check()
        assert refused.value.field == field


def test_a_plan_says_what_would_be_created(here: Here) -> None:
    assert here.cloud().planned(None) == f"a VPC endpoint in {here.vpc_id}, in the zones that the service will support"
    planned = here.cloud().planned(here.service)
    made = here.cloud().create(here.service)
    (shown,) = here.ec2.vpc_endpoints()
    assert made.id not in planned
    assert all(subnet_id in planned for subnet_id in shown["subnet_ids"])
    assert here.service.name in planned
