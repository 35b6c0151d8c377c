"""What AwsCloud checks without creating anything, which subnets it chooses, the bill, and the policy."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
from aws_here import REMOTE, Here, begin, check_named, world
from support import GROUP_ID

from atlas_privatelink.clouds.aws_policy import iam_policy
from atlas_privatelink.errors import CloudError, ValidationError

pytest.importorskip("moto", reason="the extra demo is not installed")

ANYWHERE = [{"CidrIp": "10.0.0.0/8"}]


@pytest.fixture(scope="module")
def shared() -> Iterator[Here]:
    """A local EC2 for all tests."""
    with world() as here:
        yield here


@pytest.fixture
def here(shared: Here, monkeypatch: pytest.MonkeyPatch) -> Here:
    """A local EC2 without VPC endpoints."""
    return begin(shared, monkeypatch)


def states(here: Here, *, named: bool = True, **options: Any) -> dict[str, str]:
    """Each check's state."""
    checks = here.cloud(**options).preflight(here.service if named else None)
    return {check.name: check.state for check in checks}


@pytest.mark.parametrize("named", [False, True])
def test_nothing_is_created_by_checks(here: Here, named: bool) -> None:
    found = states(here, named=named)
    assert found == {
        "DNS resolution": "ok",
        "subnets": "ok",
        "security groups": "warning",
        "permission to create": "ok",
    }
    assert here.ids() == []
    # not even a client token is used up
    here.set(tokens="mismatch")
    states(here)
    cloud, notes = here.cloud(), list[str]()
    cloud.on_note = notes.append
    assert cloud.create(here.service).origin == "created"
    assert notes == []


def test_what_exists_needs_no_creation(here: Here) -> None:
    made = here.cloud().create(here.service)
    here.ec2.deny("CreateVpcEndpoint", "DescribeSubnets")
    checks = here.cloud().preflight(here.service)
    assert [check.state for check in checks] == ["ok", "ok"]
    assert made.id in checks[-1].detail


def test_dns_support(here: Here) -> None:
    vpc_id = here.ec2.add_vpc(dns_support=False)
    check = check_named(here.cloud(vpc_id=vpc_id).preflight(here.service), "DNS resolution")
    assert check.state == "warning"
    assert "enableDnsSupport" in check.detail


# permissions


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("DescribeVpcAttribute", "DNS resolution"),
        ("DescribeVpcEndpoints", "VPC endpoints"),
        ("DescribeSubnets", "subnets"),
        ("DescribeVpcEndpointServices", "zones of the service"),
        ("DescribeSecurityGroups", "security groups"),
    ],
)
def test_a_missing_permission_is_a_warning_that_names_it(here: Here, action: str, name: str) -> None:
    here.ec2.deny(action)
    check = check_named(here.cloud().preflight(here.service), name)
    assert check.state == "warning"
    assert f"ec2:{action}" in check.detail


@pytest.mark.parametrize("action", ["CreateVpcEndpoint", "CreateTags"])
def test_creation_is_tried(here: Here, action: str) -> None:
    here.ec2.deny(action)
    certain = check_named(here.cloud().preflight(here.service), "permission to create")
    assert certain.state == "failure"
    assert f"ec2:{action}" in certain.detail
    # a policy may be for Atlas's services only, whose names are not known yet
    uncertain = check_named(here.cloud().preflight(None), "permission to create")
    assert uncertain.state == "warning"
    assert f"ec2:{action}" in uncertain.detail


def test_creation_is_tried_across_regions(here: Here) -> None:
    options = {"vpc_id": here.ec2.vpc_id(REMOTE), "vpc_region": REMOTE, "client": here.remote_client}
    assert states(here, **options)["permission to create"] == "ok"
    here.ec2.deny("vpce:AllowMultiRegion")
    check = check_named(here.cloud(**options).preflight(here.service), "permission to create")
    assert check.state == "failure"
    assert "vpce:AllowMultiRegion" in check.detail


def test_a_quota_is_a_failure_where_ec2_says_so(here: Here) -> None:
    here.ec2.fail("CreateVpcEndpoint", code="VpcEndpointLimitExceeded", status=400)
    assert states(here)["permission to create"] == "failure"
    here.ec2.fail("CreateVpcEndpoint", code="InvalidParameter", status=400)
    assert states(here)["permission to create"] == "warning"


def test_a_service_that_is_not_known_yet_is_no_failure(here: Here) -> None:
    here.set(service_known_after=10)
    assert set(states(here).values()) <= {"ok", "warning"}


def test_an_outage_is_no_finding(here: Here) -> None:
    here.ec2.throttle(1)
    with pytest.raises(CloudError) as failed:
        here.cloud().preflight(here.service)
    assert failed.value.is_transient


# subnets


def test_a_full_subnet_and_one_with_ipv6_only_are_passed_over(here: Here) -> None:
    vpc_id = here.ec2.add_vpc()
    a, b, c = here.ec2.subnet_ids(vpc_id=vpc_id)
    here.ec2.exhaust_subnet(a)
    here.ec2.exhaust_subnet(b)
    here.ec2.add_subnet("b", vpc_id=vpc_id, ipv6_native=True)
    other = here.ec2.add_subnet("a", vpc_id=vpc_id)
    for options in ({"vpc_id": vpc_id}, {"subnet_ids": [a, b, c, other]}):
        check = check_named(here.cloud(**options).preflight(here.service), "subnets")
        assert check.state == "warning"
        assert "us-east-1b" in check.detail
        assert f"{b} has no free address" in check.detail
        cloud = here.cloud(**options)
        cloud.delete(cloud.create(here.service))
    made = here.cloud(vpc_id=vpc_id).create(here.service)
    (shown,) = here.ec2.vpc_endpoints()
    assert shown["id"] == made.id
    assert sorted(shown["subnet_ids"]) == sorted([other, c])
    assert "2 availability zones" in here.cloud(vpc_id=vpc_id).bill(here.service)[0]


def test_no_subnet_fits(here: Here) -> None:
    vpc_id = here.ec2.add_vpc()
    for subnet_id in here.ec2.subnet_ids(vpc_id=vpc_id):
        here.ec2.exhaust_subnet(subnet_id)
    for named in (True, False):
        assert states(here, named=named, vpc_id=vpc_id)["subnets"] == "failure"
    with pytest.raises(ValidationError, match="has no free address") as refused:
        here.cloud(vpc_id=vpc_id).create(here.service)
    assert refused.value.field == "vpc_id"
    elsewhere = [one for one in here.ec2.subnet_ids() if _zone(here, one) not in "abc"]
    with pytest.raises(ValidationError, match="zone of the service") as refused:
        here.cloud(subnet_ids=elsewhere).create(here.service)
    assert refused.value.field == "subnet_ids"
    assert states(here, subnet_ids=elsewhere)["subnets"] == "failure"
    assert states(here, subnet_ids=elsewhere, named=False)["subnets"] == "ok"
    assert here.ids() == []


def _zone(here: Here, subnet_id: str) -> str:
    (subnet,) = here.client.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
    zone: str = subnet["AvailabilityZone"]
    return zone[-1]


def test_the_first_subnet_of_each_zone_is_taken(here: Here) -> None:
    vpc_id = here.ec2.add_vpc()
    one, two, *_ = here.ec2.subnet_ids(vpc_id=vpc_id)
    second = here.ec2.add_subnet("a", vpc_id=vpc_id)
    here.cloud(subnet_ids=[second, one, two]).create(here.service)
    (shown,) = here.ec2.vpc_endpoints()
    assert shown["subnet_ids"] == [second, two]


# security groups


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ([{"IpProtocol": "tcp", "FromPort": 1024, "ToPort": 65535, "IpRanges": ANYWHERE}], "ok"),
        ([{"IpProtocol": "-1", "IpRanges": ANYWHERE}], "ok"),
        (
            [
                {"IpProtocol": "tcp", "FromPort": 1000, "ToPort": 29999, "IpRanges": ANYWHERE},
                {"IpProtocol": "tcp", "FromPort": 30000, "ToPort": 65535, "IpRanges": ANYWHERE},
            ],
            "ok",
        ),
        (
            [
                {"IpProtocol": "tcp", "FromPort": 1000, "ToPort": 29999, "IpRanges": ANYWHERE},
                {"IpProtocol": "tcp", "FromPort": 30001, "ToPort": 65535, "IpRanges": ANYWHERE},
            ],
            "warning",
        ),
        (
            [
                {"IpProtocol": "tcp", "FromPort": 1024, "ToPort": 65535, "IpRanges": ANYWHERE},
                {"IpProtocol": "tcp", "FromPort": 27017, "ToPort": 27017, "IpRanges": ANYWHERE},
            ],
            "ok",
        ),
        ([{"IpProtocol": "udp", "FromPort": 1024, "ToPort": 65535, "IpRanges": ANYWHERE}], "warning"),
        ([{"IpProtocol": "tcp", "FromPort": 27017, "ToPort": 27017, "IpRanges": ANYWHERE}], "warning"),
        (
            [{"IpProtocol": "tcp", "FromPort": 1024, "ToPort": 65535, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}],
            "warning",
        ),
        ([], "warning"),
    ],
)
def test_ports_of_security_groups(
    here: Here, rules: list[dict[str, Any]], state: str, request: pytest.FixtureRequest
) -> None:
    group = here.group(request.node.name, *rules)
    check = check_named(here.cloud(security_group_ids=[group]).preflight(here.service), "security groups")
    assert check.state == state
    assert group in check.detail
    if state == "warning":
        assert "1024" in check.detail


def test_groups_that_let_only_each_other_in(here: Here) -> None:
    default = check_named(here.cloud().preflight(here.service), "security groups")
    assert (default.state, "default" in default.detail) == ("warning", True)
    assert "only from its own members" in default.detail
    clients, nodes = here.group("clients"), here.group("nodes")
    rule = {"IpProtocol": "tcp", "FromPort": 1024, "ToPort": 65535, "UserIdGroupPairs": [{"GroupId": clients}]}
    here.client.authorize_security_group_ingress(GroupId=nodes, IpPermissions=[rule])
    assert states(here, security_group_ids=[nodes])["security groups"] == "ok"


def test_groups_that_do_not_exist_or_are_of_another_vpc(here: Here) -> None:
    unknown = "sg-00000000000000000"
    of_other = here.group("elsewhere", vpc_id=here.ec2.add_vpc())
    for group in (unknown, of_other):
        check = check_named(here.cloud(security_group_ids=[group]).preflight(here.service), "security groups")
        assert check.state == "failure"
        assert group in check.detail


# the bill


def test_the_bill_has_units_and_no_prices(here: Here) -> None:
    (line,) = here.cloud(subnet_ids=here.ec2.subnet_ids()[:1]).bill(here.service)
    assert line == ("AWS: 1 interface endpoint in 1 availability zone, per hour and zone in any state, plus traffic")
    assert "in 3 availability zones," in here.cloud().bill(here.service)[0]
    assert "in up to 6 availability zones," in here.cloud().bill(None)[0]
    here.ec2.deny("DescribeSubnets")
    assert "in each availability zone," in here.cloud().bill(here.service)[0]


# the policy


def test_the_policy_allows_what_is_called_and_no_more(here: Here) -> None:
    cloud = here.cloud(subnet_ids=here.ec2.subnet_ids()[:1])
    cloud.check()
    cloud.preflight(here.service)
    made = cloud.create(here.service)
    wider = here.cloud(
        subnet_ids=here.ec2.subnet_ids()[:2], security_group_ids=[here.group("policy")], tags={"team": "blue"}
    )
    here.cloud().check()
    wider.preflight(here.service)
    (found,) = wider.find(here.service)
    assert len(wider.update(found, here.service)) == 3
    wider.find_ours(GROUP_ID)
    wider.delete(made)
    called = {f"ec2:{name}" for name in here.ec2.calls} - {
        "ec2:CreateSecurityGroup",
    }
    actions = {action for statement in iam_policy()["Statement"] for action in statement["Action"]}
    assert actions == called | {"vpce:AllowMultiRegion"}


def test_the_policy_lets_only_ours_be_changed(here: Here) -> None:
    tags = here.tags(here.cloud().create(here.service).id)
    guarded = {"ec2:DeleteVpcEndpoints", "ec2:ModifyVpcEndpoint", "ec2:CreateTags"}
    seen: set[str] = set()
    for statement in iam_policy()["Statement"]:
        of_endpoints = statement["Resource"] == ["arn:aws:ec2:*:*:vpc-endpoint/*"]
        if of_endpoints and guarded & set(statement["Action"]) and statement["Sid"] != "Tag":
            (key, pattern), *_ = statement["Condition"]["StringLike"].items()
            assert fnmatchcase(tags[key.removeprefix("aws:ResourceTag/")], pattern)
            seen.update(statement["Action"])
    assert seen == guarded


@pytest.mark.parametrize(
    ("region", "prefix"),
    [
        ("US_EAST_1", "arn:aws:ec2:us-east-1:123456789012:"),
        ("us-gov-west-1", "arn:aws-us-gov:ec2:us-gov-west-1:123456789012:"),
        ("cn-north-1", "arn:aws-cn:ec2:cn-north-1:123456789012:"),
    ],
)
def test_the_policy_can_be_narrowed(region: str, prefix: str) -> None:
    statements = iam_policy(region=region, account_id="123456789012")["Statement"]
    assert all(arn.startswith(prefix) for one in statements if one["Resource"] != "*" for arn in one["Resource"])
    assert statements[0]["Condition"] == {"StringEquals": {"aws:RequestedRegion": prefix.split(":")[3]}}


@pytest.mark.parametrize(("options", "field"), [({"account_id": "1"}, "account_id"), ({"region": "x"}, "region")])
def test_the_policy_checks_its_arguments(options: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        iam_policy(**options)
    assert refused.value.field == field
