"""The local EC2, as boto3 sees it: harsh where the real one is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError
from support import GROUP_ID

from atlas_privatelink.models import AwsEndpointService
from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing.ec2 import LocalEc2, TokenBehavior

MARK = {"Key": "atlas-privatelink", "Value": "v1-0"}


@dataclass
class Local:
    """A local EC2 beside a local Atlas that has one endpoint service."""

    atlas: AtlasEmulator
    ec2: LocalEc2
    service_id: str
    service_name: str

    @cached_property
    def client(self) -> Any:
        """A client that needs no socket."""
        return self.ec2.client(in_process=True)

    def wanted(self, **changes: Any) -> dict[str, Any]:
        """What `CreateVpcEndpoint` wants."""
        parameters = {
            "VpcEndpointType": "Interface",
            "VpcId": self.ec2.vpc_id(),
            "ServiceName": self.service_name,
            "SubnetIds": self.ec2.subnet_ids()[:2],
            "TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": [MARK]}],
        }
        return parameters | changes

    def create(self, **changes: Any) -> dict[str, Any]:
        """`CreateVpcEndpoint`."""
        made: dict[str, Any] = self.client.create_vpc_endpoint(**self.wanted(**changes))["VpcEndpoint"]
        return made

    def refusal(self, method: str = "create_vpc_endpoint", client: Any = None, **parameters: Any) -> tuple[str, int]:
        """Code and status of the error that a call ends with."""
        with pytest.raises(ClientError) as refused:
            getattr(client or self.client, method)(**parameters)
        response: Any = refused.value.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]

    def listed(self, **parameters: Any) -> list[str]:
        """The ids in a list."""
        shown = self.client.describe_vpc_endpoints(**parameters)["VpcEndpoints"]
        return [one["VpcEndpointId"] for one in shown]

    def states(self, vpc_endpoint_id: str, looks: int) -> list[str]:
        """What is shown of one VPC endpoint, look by look."""
        seen: list[str] = []
        for _ in range(looks):
            try:
                (shown,) = self.client.describe_vpc_endpoints(VpcEndpointIds=[vpc_endpoint_id])["VpcEndpoints"]
                seen.append(shown["State"])
            except ClientError as error:
                seen.append(str(error.response.get("Error", {}).get("Code")))
        return seen

    def delete(self, *ids: str) -> list[Any]:
        """What `DeleteVpcEndpoints` was unsuccessful with."""
        unsuccessful: list[Any] = self.client.delete_vpc_endpoints(VpcEndpointIds=ids)["Unsuccessful"]
        return unsuccessful

    def register(self, vpc_endpoint_id: str) -> None:
        """Tell Atlas of it, and wait until Atlas has accepted it."""
        with self.atlas.client() as client:
            client.dedicated.create_endpoint(GROUP_ID, "AWS", self.service_id, vpc_endpoint_id)
        self.atlas.advance(300)


@contextmanager
def local(*, remote_regions: tuple[str, ...] = (), **options: Any) -> Iterator[Local]:
    """Both, with options of the local EC2."""
    with AtlasEmulator(clock="driven") as atlas:
        with atlas.client() as client:
            service = client.dedicated.create_service(
                GROUP_ID, "AWS", "us-east-1", supported_remote_regions=remote_regions or None
            )
            ready = client.dedicated.wait_for_service(GROUP_ID, "AWS", service.id)
        assert isinstance(ready, AwsEndpointService)
        name = ready.endpoint_service_name
        assert name is not None
        with LocalEc2(atlas, **options) as ec2:
            yield Local(atlas, ec2, service.id, name)


# client tokens


@pytest.mark.parametrize("tokens", ["returns-deleted", "mismatch", "forgets"])
def test_a_client_token_answers_with_what_it_has_created(tokens: TokenBehavior) -> None:
    with local(tokens=tokens) as here:
        first = here.create(ClientToken="t")
        assert here.create(ClientToken="t")["VpcEndpointId"] == first["VpcEndpointId"]
        changed = here.wanted(ClientToken="t", SubnetIds=here.ec2.subnet_ids()[:1])
        assert here.refusal(**changed) == ("IdempotentParameterMismatch", 400)
        assert here.create(ClientToken="u")["VpcEndpointId"] != first["VpcEndpointId"]
        assert here.create()["VpcEndpointId"] != here.create()["VpcEndpointId"]


@pytest.mark.parametrize("deleting_looks", [0, 5])
@pytest.mark.parametrize("tokens", ["returns-deleted", "mismatch", "forgets"])
def test_the_token_of_a_deleted_endpoint(tokens: TokenBehavior, deleting_looks: int) -> None:
    with local(tokens=tokens, deleting_looks=deleting_looks) as here:
        first = here.create(ClientToken="t")["VpcEndpointId"]
        here.delete(first)
        if tokens == "mismatch":
            assert here.refusal(**here.wanted(ClientToken="t")) == ("IdempotentParameterMismatch", 400)
            return
        again = here.create(ClientToken="t")
        if tokens == "returns-deleted":
            assert (again["VpcEndpointId"], again["State"]) == (first, "deleting" if deleting_looks else "deleted")
        else:
            assert again["VpcEndpointId"] != first
            assert again["State"] == "pendingAcceptance"
            assert here.create(ClientToken="t")["VpcEndpointId"] == again["VpcEndpointId"]


def test_a_token_outlives_that_its_endpoint_is_shown() -> None:
    with local(deleted_looks=1) as here:
        first = here.create(ClientToken="t")["VpcEndpointId"]
        here.delete(first)
        assert here.states(first, 2) == ["deleted", "InvalidVpcEndpointId.NotFound"]
        again = here.create(ClientToken="t")
        assert (again["VpcEndpointId"], again["State"]) == (first, "deleted")


@pytest.mark.parametrize(("tokens", "binds"), [("returns-deleted", False), ("mismatch", True), ("forgets", False)])
def test_the_token_of_a_refused_request(tokens: TokenBehavior, binds: bool) -> None:
    with local(tokens=tokens) as here:
        wrong = here.wanted(ClientToken="t", SecurityGroupIds=["sg-00000000"])
        assert here.refusal(**wrong)[0] == "InvalidSecurityGroupID.NotFound"
        assert here.refusal(**wrong)[0] == "InvalidSecurityGroupID.NotFound"
        if binds:
            assert here.refusal(**here.wanted(ClientToken="t"))[0] == "IdempotentParameterMismatch"
        else:
            assert here.create(ClientToken="t")["State"] == "pendingAcceptance"


@pytest.mark.parametrize("tokens", ["returns-deleted", "mismatch", "forgets"])
def test_whether_other_tags_are_other_parameters(tokens: TokenBehavior) -> None:
    other = [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "team", "Value": "blue"}]}]
    with local(tokens=tokens) as here:
        here.create(ClientToken="t")
        wanted = here.wanted(ClientToken="t", TagSpecifications=other)
        assert here.refusal(**wanted) == ("IdempotentParameterMismatch", 400)
        here.ec2.rules.tags_count = False
        first = here.create(ClientToken="u")
        again = here.create(ClientToken="u", TagSpecifications=other)
        assert (again["VpcEndpointId"], again["Tags"]) == (first["VpcEndpointId"], [MARK])


def test_an_unknown_behavior_of_tokens_is_refused() -> None:
    with AtlasEmulator() as atlas, pytest.raises(ValueError, match="tokens must be"):
        LocalEc2(atlas, tokens="sometimes")  # type: ignore[arg-type]


# lag, throttling, failed deletions


def test_lists_lag_behind_creation_and_deletion() -> None:
    with local(lists_lag=2) as here:
        made = here.create()["VpcEndpointId"]
        assert [here.listed() for _ in range(3)] == [[], [], [made]]
        assert here.states(made, 1) == ["pendingAcceptance"]
        assert here.delete(made) == []
        state = [here.client.describe_vpc_endpoints()["VpcEndpoints"][0]["State"] for _ in range(3)]
        assert state == ["pendingAcceptance", "pendingAcceptance", "deleted"]


def test_a_new_endpoint_is_not_found_by_its_id_at_first() -> None:
    with local(shown_after=2) as here:
        made = here.create()["VpcEndpointId"]
        assert here.listed() == [made]
        unknown = "InvalidVpcEndpointId.NotFound"
        assert here.states(made, 3) == [unknown, unknown, "pendingAcceptance"]


def test_tags_lag_behind_creation() -> None:
    with local(tags_lag=2) as here:
        assert here.create()["Tags"] == [MARK]
        shown = [here.client.describe_vpc_endpoints()["VpcEndpoints"][0]["Tags"] for _ in range(3)]
        assert shown == [[], [], [MARK]]


def test_lag_in_seconds_ends_with_atlas_clock() -> None:
    with local(lag_seconds=5) as here:
        made = here.create()["VpcEndpointId"]
        assert here.listed() == []
        assert here.states(made, 2) == ["InvalidVpcEndpointId.NotFound"] * 2
        here.atlas.advance(5)
        assert here.listed() == [made]
        assert here.states(made, 1) == ["pendingAcceptance"]


def test_a_deleted_endpoint_is_shown_for_a_while() -> None:
    with local(deleting_looks=2, deleted_looks=1) as here:
        made = here.create()["VpcEndpointId"]
        here.delete(made)
        seen = ["deleting", "deleting", "deleted", "InvalidVpcEndpointId.NotFound"]
        assert here.states(made, 4) == seen
        assert here.listed() == []
        assert here.ec2.vpc_endpoints() == []


def test_every_nth_call_is_throttled() -> None:
    with local() as here:
        here.ec2.throttle(3)
        answers: list[object] = []
        for _ in range(6):
            try:
                here.client.describe_vpcs()
                answers.append("ok")
            except ClientError as error:
                metadata: Any = error.response
                answers.append((metadata["Error"]["Code"], metadata["ResponseMetadata"]["HTTPStatusCode"]))
        limited = ("RequestLimitExceeded", 503)
        assert answers == ["ok", "ok", limited, "ok", "ok", limited]
        here.ec2.throttle(1, action="DescribeVpcs")
        here.client.describe_subnets()
        assert here.refusal("describe_vpcs") == limited
        here.ec2.forget_faults()
        here.client.describe_vpcs()
        with pytest.raises(ValueError, match="at least 1"):
            here.ec2.throttle(0)


def test_a_deletion_can_fail_for_one_of_several() -> None:
    with local() as here:
        one, other = here.create()["VpcEndpointId"], here.create()["VpcEndpointId"]
        here.ec2.fail_deletion(one, "DependencyViolation", "It is in use.", times=2)
        failed = [{"ResourceId": one, "Error": {"Code": "DependencyViolation", "Message": "It is in use."}}]
        assert here.delete(one, other) == failed
        assert here.states(one, 1) == ["pendingAcceptance"]
        assert here.states(other, 1) == ["deleted"]
        assert here.delete(one) == failed
        assert here.delete(one) == []
        assert here.states(one, 1) == ["deleted"]


def test_what_does_not_exist_is_not_deleted() -> None:
    with local() as here:
        ((unknown),) = here.delete("vpce-00000000000000000")
        assert unknown["ResourceId"] == "vpce-00000000000000000"
        assert unknown["Error"]["Code"] == "InvalidVpcEndpoint.NotFound"


@pytest.mark.parametrize("in_process", [False, True])
@pytest.mark.parametrize("executed", [False, True])
def test_a_connection_can_break(in_process: bool, executed: bool) -> None:
    with local() as here:
        client = here.ec2.client(in_process=in_process)
        here.ec2.fail("CreateVpcEndpoint", code=None, executed=executed)
        with pytest.raises((ConnectionClosedError, HTTPClientError)):
            client.create_vpc_endpoint(**here.wanted())
        assert len(here.ec2.vpc_endpoints()) == executed
        here.ec2.fail("CreateVpcEndpoint", executed=executed)
        assert here.refusal(client=client, **here.wanted()) == ("InternalError", 500)
        assert len(here.ec2.vpc_endpoints()) == 2 * executed


# tags and their policies


def test_a_policy_takes_tags_away_after_creation() -> None:
    with local(strip_tags={"atlas-privatelink"}) as here:
        tags = [MARK, {"Key": "team", "Value": "blue"}]
        made = here.create(TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}])
        assert made["Tags"] == tags
        (shown,) = here.client.describe_vpc_endpoints()["VpcEndpoints"]
        assert shown["Tags"] == tags[1:]


def test_a_policy_changes_tags() -> None:
    with local(tag_policy=lambda tags: {key.lower(): value for key, value in tags.items()} | {"cost": "1"}) as here:
        here.create(TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Team", "Value": "Blue"}]}])
        assert [one["tags"] for one in here.ec2.vpc_endpoints()] == [{"team": "Blue", "cost": "1"}]


def test_without_the_permission_for_tags_nothing_is_created_with_tags() -> None:
    with local(deny_tags=True) as here:
        assert here.refusal(**here.wanted()) == ("UnauthorizedOperation", 403)
        assert here.refusal(**here.wanted(DryRun=True)) == ("UnauthorizedOperation", 403)
        assert here.ec2.vpc_endpoints() == []
        made = here.create(TagSpecifications=[])["VpcEndpointId"]
        assert here.refusal("create_tags", Resources=[made], Tags=[MARK]) == ("UnauthorizedOperation", 403)


def test_strangers_tag_and_untag_endpoints() -> None:
    with local() as here:
        made = here.create()["VpcEndpointId"]
        here.client.create_tags(Resources=[made], Tags=[{"Key": "owner", "Value": "terraform"}])
        here.client.delete_tags(Resources=[made], Tags=[{"Key": MARK["Key"]}])
        (shown,) = here.client.describe_vpc_endpoints()["VpcEndpoints"]
        assert shown["Tags"] == [{"Key": "owner", "Value": "terraform"}]
        unknown = {"Resources": ["vpce-00000000000000000"], "Tags": [MARK]}
        assert here.refusal("create_tags", **unknown)[0] == "InvalidVpcEndpointId.NotFound"


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "aws:team", "Value": ""}], "InvalidParameterValue"),
        ([{"Key": "k" * 129, "Value": ""}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "v" * 257}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}], "InvalidParameterValue"),
        ([{"Key": f"k{number}", "Value": ""} for number in range(51)], "TagLimitExceeded"),
    ],
)
def test_tags_have_rules(tags: list[dict[str, str]], code: str) -> None:
    with local() as here:
        wanted = here.wanted(TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}])
        assert here.refusal(**wanted) == (code, 400)
        assert here.ec2.vpc_endpoints() == []


# permissions


def test_a_dry_run_says_whether_it_is_allowed_and_creates_nothing() -> None:
    with local() as here:
        assert here.refusal(**here.wanted(DryRun=True)) == ("DryRunOperation", 412)
        here.ec2.deny("CreateVpcEndpoint")
        assert here.refusal(**here.wanted(DryRun=True)) == ("UnauthorizedOperation", 403)
        assert here.refusal(**here.wanted()) == ("UnauthorizedOperation", 403)
        here.ec2.allow("CreateVpcEndpoint")
        assert here.ec2.vpc_endpoints() == []
        assert here.create()["State"] == "pendingAcceptance"


@pytest.mark.parametrize(
    "method",
    [
        "describe_vpcs",
        "describe_subnets",
        "describe_security_groups",
        "describe_vpc_endpoints",
        "describe_vpc_attribute",
    ],
)
def test_any_action_can_be_denied(method: str) -> None:
    with local() as here:
        given = {"VpcId": here.ec2.vpc_id(), "Attribute": "enableDnsSupport"} if "attribute" in method else {}
        getattr(here.client, method)(**given)
        here.ec2.deny("".join(word.title() for word in method.split("_")))
        assert here.refusal(method, **given) == ("UnauthorizedOperation", 403)


# networks


def test_security_groups_belong_to_a_vpc_and_exist() -> None:
    with local() as here:
        vpc_id, other = here.ec2.vpc_id(), here.ec2.add_vpc()
        group_id = here.client.create_security_group(GroupName="mongo", Description="d", VpcId=vpc_id)["GroupId"]
        rule = {"IpProtocol": "tcp", "FromPort": 1024, "ToPort": 65535, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
        here.client.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[rule])
        (shown,) = here.client.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
        assert shown["VpcId"] == vpc_id
        assert [(one["FromPort"], one["ToPort"]) for one in shown["IpPermissions"]] == [(1024, 65535)]
        made = here.create(SecurityGroupIds=[group_id])
        assert made["Groups"] == [{"GroupId": group_id, "GroupName": "mongo"}]
        unknown = here.wanted(SecurityGroupIds=["sg-00000000"])
        assert here.refusal(**unknown) == ("InvalidSecurityGroupID.NotFound", 400)
        elsewhere = here.wanted(SecurityGroupIds=[group_id], VpcId=other, SubnetIds=here.ec2.subnet_ids(vpc_id=other))
        assert here.refusal(**elsewhere) == ("InvalidParameter", 400)


def test_by_default_the_group_of_the_vpc_is_taken_which_lets_its_members_in() -> None:
    with local() as here:
        for vpc_id in (
            here.ec2.vpc_id(),
            here.ec2.add_vpc(),
            here.client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"],
        ):
            filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
            (group,) = here.client.describe_security_groups(Filters=filters)["SecurityGroups"]
            (rule,) = group["IpPermissions"]
            assert rule["IpProtocol"] == "-1"
            assert [one["GroupId"] for one in rule["UserIdGroupPairs"]] == [group["GroupId"]]
        assert here.create()["Groups"][0]["GroupName"] == "default"


def test_dns_support_of_a_vpc() -> None:
    with local() as here:
        answers = [
            here.client.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"]
            for vpc_id in (here.ec2.vpc_id(), here.ec2.add_vpc(), here.ec2.add_vpc(dns_support=False))
        ]
        assert answers == [True, True, False]


def test_a_subnet_without_free_addresses() -> None:
    with local() as here:
        full, other = here.ec2.subnet_ids()[:2]
        here.ec2.exhaust_subnet(full)
        free = here.client.describe_subnets(SubnetIds=[full])["Subnets"][0]["AvailableIpAddressCount"]
        assert free == 0
        assert here.refusal(**here.wanted(SubnetIds=[full, other])) == ("InsufficientFreeAddressesInSubnet", 400)
        here.ec2.exhaust_subnet(full, free=1)
        made = here.create(SubnetIds=[full])["VpcEndpointId"]
        assert here.refusal(**here.wanted(SubnetIds=[full]))[0] == "InsufficientFreeAddressesInSubnet"
        here.delete(made)
        here.create(SubnetIds=[full])


def test_a_subnet_with_ipv6_only() -> None:
    with local() as here:
        subnet_id = here.ec2.add_subnet("b", ipv6_native=True)
        (shown,) = here.client.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
        assert shown["Ipv6Native"] is True
        assert (shown["AvailabilityZone"], shown["VpcId"]) == ("us-east-1b", here.ec2.vpc_id())
        assert not shown.get("CidrBlock")
        assert here.refusal(**here.wanted(SubnetIds=[subnet_id])) == ("InvalidParameter", 400)


def test_subnets_have_to_be_in_the_vpc_and_in_zones_of_the_service() -> None:
    with local() as here:
        vpc_id = here.ec2.add_vpc()
        subnets = here.client.describe_subnets(SubnetIds=here.ec2.subnet_ids(vpc_id=vpc_id))["Subnets"]
        zones = [one["AvailabilityZone"] for one in subnets]
        assert zones == ["us-east-1a", "us-east-1b", "us-east-1c"]
        assert set(here.ec2.subnet_ids(vpc_id=vpc_id)).isdisjoint(here.ec2.subnet_ids())
        one = here.ec2.subnet_ids()[0]
        cases = {
            "InvalidParameter": here.ec2.subnet_ids(vpc_id=vpc_id)[:1],
            "InvalidSubnetID.NotFound": ["subnet-00000000"],
            "DuplicateSubnetsInSameZone": [one, here.ec2.add_subnet("a")],
        }
        for code, subnet_ids in cases.items():
            assert here.refusal(**here.wanted(SubnetIds=subnet_ids)) == (code, 400)
        assert here.refusal(**here.wanted(SubnetIds=here.ec2.subnet_ids()[-1:]))[0] == "InvalidParameter"
        made = here.create(VpcId=vpc_id, SubnetIds=here.ec2.subnet_ids(vpc_id=vpc_id))
        assert made["VpcId"] == vpc_id
        assert [one["vpc_id"] for one in here.ec2.vpc_endpoints()] == [vpc_id]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"VpcEndpointType": "Gateway"}, "InvalidParameter"),
        ({"PrivateDnsEnabled": True}, "InvalidParameter"),
        ({"VpcId": "vpc-00000000"}, "InvalidVpcID.NotFound"),
        ({"ServiceName": "com.amazonaws.vpce.us-east-1.vpce-svc-00000000000000000"}, "InvalidServiceName"),
    ],
)
def test_what_cannot_be_created(changes: dict[str, Any], code: str) -> None:
    with local() as here:
        assert here.refusal(**here.wanted(**changes)) == (code, 400)


def test_a_vpc_has_a_quota() -> None:
    with local(endpoint_quota=1) as here:
        made = here.create()["VpcEndpointId"]
        assert here.refusal(**here.wanted()) == ("VpcEndpointLimitExceeded", 400)
        here.delete(made)
        here.create()


# changes


def test_subnets_and_groups_are_added_and_removed() -> None:
    with local() as here:
        first, second, third = here.ec2.subnet_ids()[:3]
        made = here.create(SubnetIds=[first])
        endpoint_id, default = made["VpcEndpointId"], made["Groups"][0]["GroupId"]
        group_id = here.client.create_security_group(GroupName="g", Description="d", VpcId=here.ec2.vpc_id())["GroupId"]
        here.client.modify_vpc_endpoint(
            VpcEndpointId=endpoint_id, AddSubnetIds=[first, second], AddSecurityGroupIds=[group_id]
        )
        here.client.modify_vpc_endpoint(VpcEndpointId=endpoint_id, RemoveSecurityGroupIds=[default])
        (shown,) = here.client.describe_vpc_endpoints()["VpcEndpoints"]
        assert shown["SubnetIds"] == [first, second]
        assert len(set(shown["NetworkInterfaceIds"])) == 2
        assert [one["GroupId"] for one in shown["Groups"]] == [group_id]
        here.client.modify_vpc_endpoint(VpcEndpointId=endpoint_id, RemoveSubnetIds=[first], AddSubnetIds=[third])
        assert here.ec2.vpc_endpoints()[0]["subnet_ids"] == [second, third]


def test_changes_have_the_rules_of_creation() -> None:
    with local() as here:
        made = here.create()
        endpoint_id, before = made["VpcEndpointId"], here.ec2.vpc_endpoints()
        full = here.ec2.subnet_ids()[2]
        here.ec2.exhaust_subnet(full)
        cases: list[tuple[dict[str, Any], str]] = [
            ({"AddSubnetIds": [full]}, "InsufficientFreeAddressesInSubnet"),
            ({"AddSubnetIds": [here.ec2.add_subnet("a")]}, "DuplicateSubnetsInSameZone"),
            ({"AddSecurityGroupIds": ["sg-00000000"]}, "InvalidSecurityGroupID.NotFound"),
            ({"RemoveSecurityGroupIds": [made["Groups"][0]["GroupId"]]}, "InvalidParameter"),
            ({"PrivateDnsEnabled": True}, "InvalidParameter"),
        ]
        for changes, code in cases:
            assert here.refusal("modify_vpc_endpoint", VpcEndpointId=endpoint_id, **changes) == (code, 400)
        assert here.ec2.vpc_endpoints() == before
        here.delete(endpoint_id)
        assert here.refusal("modify_vpc_endpoint", VpcEndpointId=endpoint_id)[0] == "InvalidVpcEndpointId.NotFound"


# services, across regions


def test_a_service_is_not_known_at_once() -> None:
    with local(service_known_after=2) as here:
        names = {"ServiceNames": [here.service_name]}
        assert here.refusal("describe_vpc_endpoint_services", **names) == ("InvalidServiceName", 400)
        assert here.refusal(**here.wanted()) == ("InvalidServiceName", 400)
        (shown,) = here.client.describe_vpc_endpoint_services(**names)["ServiceDetails"]
        assert shown["AvailabilityZones"] == ["us-east-1a", "us-east-1b", "us-east-1c"]
        here.create()


def in_frankfurt(here: Local, **changes: Any) -> dict[str, Any]:
    """What an endpoint of a VPC in another region wants."""
    subnets = here.ec2.subnet_ids("eu-central-1")
    return here.wanted(VpcId=here.ec2.vpc_id("eu-central-1"), SubnetIds=subnets, **changes)


def test_another_regions_service_has_to_be_asked_for_and_to_serve_the_region() -> None:
    with local(remote_regions=("eu-central-1",)) as here:
        frankfurt = here.ec2.client("eu-central-1", in_process=True)
        ireland = here.ec2.client("eu-west-1", in_process=True)
        assert here.refusal(client=frankfurt, **in_frankfurt(here)) == ("InvalidServiceName", 400)
        wrong = in_frankfurt(here, ServiceRegion="eu-west-1")
        assert here.refusal(client=frankfurt, **wrong) == ("InvalidServiceName", 400)
        elsewhere = here.wanted(
            VpcId=here.ec2.vpc_id("eu-west-1"),
            SubnetIds=here.ec2.subnet_ids("eu-west-1")[:1],
            ServiceRegion="us-east-1",
        )
        assert here.refusal(client=ireland, **elsewhere) == ("InvalidServiceName", 400)
        names = {"ServiceNames": [here.service_name]}
        assert here.refusal("describe_vpc_endpoint_services", frankfurt, **names)[0] == "InvalidServiceName"
        (shown,) = frankfurt.describe_vpc_endpoint_services(**names, ServiceRegions=["us-east-1"])["ServiceDetails"]
        assert shown["ServiceRegion"] == "us-east-1"
        here.ec2.deny("vpce:AllowMultiRegion")
        wanted = in_frankfurt(here, ServiceRegion="us-east-1")
        assert here.refusal(client=frankfurt, **wanted) == ("UnauthorizedOperation", 403)
        here.ec2.allow("vpce:AllowMultiRegion")
        made = frankfurt.create_vpc_endpoint(**wanted)["VpcEndpoint"]
        assert (made["ServiceRegion"], made["State"]) == ("us-east-1", "pendingAcceptance")
        assert here.ec2.vpc_endpoints() == []
        assert [one["id"] for one in here.ec2.vpc_endpoints("eu-central-1")] == [made["VpcEndpointId"]]


@pytest.mark.parametrize(("waited", "state"), [(29, "rejected"), (30, "available")])
def test_atlas_does_not_see_a_remote_endpoint_at_once(waited: float, state: str) -> None:
    with local(remote_regions=("eu-central-1",)) as here:
        frankfurt = here.ec2.client("eu-central-1", in_process=True)
        wanted = in_frankfurt(here, ServiceRegion="us-east-1")
        endpoint_id = frankfurt.create_vpc_endpoint(**wanted)["VpcEndpoint"]["VpcEndpointId"]
        here.atlas.advance(waited)
        with here.atlas.client() as client:
            client.dedicated.create_endpoint(GROUP_ID, "AWS", here.service_id, endpoint_id)
        frankfurt.describe_vpc_endpoints()
        here.atlas.advance(300)
        (shown,) = frankfurt.describe_vpc_endpoints()["VpcEndpoints"]
        assert shown["State"] == state


# what Atlas decides


needs_a_cloud_to_ask = pytest.mark.skipif(
    not hasattr(AtlasEmulator, "set_cloud_endpoints"), reason="the emulator cannot ask which endpoints exist"
)


@needs_a_cloud_to_ask
@pytest.mark.parametrize(("waited", "expected"), [(29, "rejected"), (30, "available")])
def test_atlas_itself_rejects_a_remote_endpoint_that_it_does_not_see_yet(waited: float, expected: str) -> None:
    with local(remote_regions=("eu-central-1",), tells_atlas=True) as here:
        frankfurt = here.ec2.client("eu-central-1", in_process=True)
        wanted = in_frankfurt(here, ServiceRegion="us-east-1")
        endpoint_id = frankfurt.create_vpc_endpoint(**wanted)["VpcEndpoint"]["VpcEndpointId"]
        here.atlas.advance(waited)
        # nobody looks at EC2 before the time is over
        here.register(endpoint_id)
        (shown,) = frankfurt.describe_vpc_endpoints()["VpcEndpoints"]
        assert shown["State"] == expected


@needs_a_cloud_to_ask
def test_atlas_rejects_what_ec2_does_not_have() -> None:
    with local(tells_atlas=True) as here:
        deleted, kept = here.create()["VpcEndpointId"], here.create()["VpcEndpointId"]
        here.delete(deleted)
        with here.atlas.client() as client:
            for endpoint_id in (deleted, kept, "vpce-0123456789abcdef0"):
                client.dedicated.create_endpoint(GROUP_ID, "AWS", here.service_id, endpoint_id)
            here.atlas.advance(300)
            statuses = [
                client.dedicated.get_endpoint(GROUP_ID, "AWS", here.service_id, endpoint_id).status
                for endpoint_id in (deleted, kept, "vpce-0123456789abcdef0")
            ]
        assert statuses == ["REJECTED", "AVAILABLE", "REJECTED"]


def test_atlas_accepts_and_may_reject_again() -> None:
    with local(rejects_unregistered=True) as here:
        made = here.create()["VpcEndpointId"]
        assert here.states(made, 2) == ["pendingAcceptance"] * 2
        here.register(made)
        assert here.states(made, 1) == ["available"]
        with here.atlas.client() as client:
            client.dedicated.delete_endpoint(GROUP_ID, "AWS", here.service_id, made)
        here.atlas.advance(300)
        assert here.states(made, 1) == ["rejected"]
        here.delete(made)
        assert here.states(made, 1) == ["deleted"]


def test_a_forced_state_ends_with_deletion() -> None:
    with local() as here:
        made = here.create()["VpcEndpointId"]
        here.ec2.force_state(made, "failed")
        assert here.states(made, 2) == ["failed", "failed"]
        here.delete(made)
        assert here.states(made, 1) == ["deleted"]


# accounts and roles


def test_accounts_do_not_see_each_other() -> None:
    with local() as here:
        other = here.ec2.account("210987654321")
        client = other.client(in_process=True)
        mine = here.create()["VpcEndpointId"]
        assert client.describe_vpc_endpoints()["VpcEndpoints"] == []
        assert here.refusal(client=client, **here.wanted()) == ("InvalidVpcID.NotFound", 400)
        wanted = here.wanted(VpcId=other.vpc_id(), SubnetIds=other.subnet_ids()[:1])
        theirs = client.create_vpc_endpoint(**wanted)["VpcEndpoint"]
        assert theirs["OwnerId"] == "210987654321"
        assert here.listed() == [mine]
        assert here.delete(theirs["VpcEndpointId"])[0]["Error"]["Code"] == "InvalidVpcEndpoint.NotFound"
        assert [one["id"] for one in other.vpc_endpoints()] == [theirs["VpcEndpointId"]]
        other.deny("DescribeVpcs")
        assert here.refusal("describe_vpcs", client) == ("UnauthorizedOperation", 403)
        here.client.describe_vpcs()
        with pytest.raises(ValueError, match="12 digits"):
            here.ec2.account("7")


def assume(here: Local, **given: Any) -> Any:
    """`AssumeRole` by the main account, over HTTP, as configured by the environment."""
    environment = here.ec2.environment()
    assert environment["AWS_ENDPOINT_URL_STS"] == here.ec2.endpoint_url
    sts: Any = here.ec2.client(service="sts")
    return sts.assume_role(RoleSessionName="test", **given)


def client_of(here: Local, credentials: dict[str, Any]) -> Any:
    """A client of EC2 with temporary credentials."""
    session: Any = boto3.Session(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"], "us-east-1"
    )
    return session.client("ec2", endpoint_url=here.ec2.endpoint_url)


def test_a_role_is_assumed_with_its_external_id() -> None:
    with local() as here:
        other = here.ec2.account("210987654321")
        role_arn = other.role(external_id="secret")
        answer = assume(here, RoleArn=role_arn, ExternalId="secret")
        assert answer["AssumedRoleUser"]["Arn"].startswith("arn:aws:sts::210987654321:assumed-role/")
        assert answer["Credentials"]["Expiration"] - datetime.now(timezone.utc) > timedelta(minutes=59)
        client = client_of(here, answer["Credentials"])
        (vpc,) = client.describe_vpcs()["Vpcs"]
        assert vpc["VpcId"] == other.vpc_id()
        refused: list[dict[str, Any]] = [
            {"RoleArn": role_arn, "ExternalId": "guess"},
            {"RoleArn": role_arn},
            {"RoleArn": "arn:aws:iam::210987654321:role/nobody", "ExternalId": "secret"},
            {"RoleArn": other.role("narrow", trusted=["111111111111"])},
        ]
        for given in refused:
            with pytest.raises(ClientError) as denied:
                assume(here, **given)
            response: Any = denied.value.response
            assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == ("AccessDenied", 403)
            assert "secret" not in str(denied.value)


def test_credentials_of_a_role_expire() -> None:
    with local(role_seconds=900) as here:
        answer = assume(here, RoleArn=here.ec2.account("210987654321").role(), DurationSeconds=3600)
        assert answer["Credentials"]["Expiration"] - datetime.now(timezone.utc) < timedelta(seconds=901)
        client = client_of(here, answer["Credentials"])
        client.describe_vpcs()
        here.ec2.expire_roles()
        assert here.refusal("describe_vpcs", client) == ("RequestExpired", 400)
        unknown = client_of(here, answer["Credentials"] | {"AccessKeyId": "ASIAUNKNOWNUNKNOWN00"})
        assert here.refusal("describe_vpcs", unknown) == ("AuthFailure", 401)


def test_sts_says_who_asks() -> None:
    with local() as here:
        other = here.ec2.account("210987654321")
        assert other.client(service="sts", in_process=True).get_caller_identity()["Account"] == "210987654321"


# lists


def test_filters_of_lists() -> None:
    with local() as here:
        vpc_id = here.ec2.add_vpc()
        tags = [MARK, {"Key": "atlas-project-id", "Value": GROUP_ID}]
        ours = here.create(TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}])["VpcEndpointId"]
        plain = here.create(VpcId=vpc_id, SubnetIds=here.ec2.subnet_ids(vpc_id=vpc_id), TagSpecifications=[])
        other = plain["VpcEndpointId"]
        here.register(ours)
        cases: list[tuple[str, list[str], list[str]]] = [
            ("tag-key", ["atlas-privatelink"], [ours]),
            ("tag:atlas-project-id", [GROUP_ID], [ours]),
            ("tag:atlas-project-id", ["5f7c*"], [ours]),
            ("tag:atlas-project-id", ["other"], []),
            ("vpc-id", [vpc_id], [other]),
            ("vpc-id", [vpc_id, here.ec2.vpc_id()], [ours, other]),
            ("service-name", [here.service_name], [ours, other]),
            ("service-name", ["com.amazonaws.us-east-1.s3"], []),
            ("vpc-endpoint-type", ["Interface"], [ours, other]),
            ("vpc-endpoint-type", ["Gateway"], []),
            ("vpc-endpoint-state", ["available"], [ours]),
            ("vpc-endpoint-state", ["pending", "pendingAcceptance"], [other]),
            ("vpc-endpoint-id", [other], [other]),
        ]
        for name, values, expected in cases:
            assert here.listed(Filters=[{"Name": name, "Values": values}]) == expected, (name, values)
        both = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "tag-key", "Values": ["atlas-privatelink"]}]
        assert here.listed(Filters=both) == []
        unknown = {"Filters": [{"Name": "color", "Values": ["red"]}]}
        assert here.refusal("describe_vpc_endpoints", **unknown) == ("InvalidParameterValue", 400)


def test_lists_come_in_pages() -> None:
    with local(page_size=2) as here:
        made = [here.create()["VpcEndpointId"] for _ in range(5)]
        pages = list(here.client.get_paginator("describe_vpc_endpoints").paginate())
        assert [[one["VpcEndpointId"] for one in page["VpcEndpoints"]] for page in pages] == [
            made[:2],
            made[2:4],
            made[4:],
        ]
        assert len(here.client.describe_subnets()["Subnets"]) == 2
        subnets = here.client.get_paginator("describe_subnets").paginate().build_full_result()["Subnets"]
        assert sorted(one["SubnetId"] for one in subnets) == sorted(here.ec2.subnet_ids())
        here.ec2.rules.page_size = None
        first = here.client.describe_vpc_endpoints(MaxResults=3)
        rest = here.client.describe_vpc_endpoints(MaxResults=3, NextToken=first["NextToken"])
        assert [one["VpcEndpointId"] for one in first["VpcEndpoints"] + rest["VpcEndpoints"]] == made
        assert "NextToken" not in rest
        assert here.refusal("describe_vpc_endpoints", NextToken="mine") == ("InvalidNextToken", 400)
        both = {"VpcEndpointIds": made[:1], "MaxResults": 5}
        assert here.refusal("describe_vpc_endpoints", **both) == ("InvalidParameterCombination", 400)


def test_the_time_of_creation_is_true() -> None:
    with local() as here:
        before = datetime.now(timezone.utc)
        first, second = here.create(), here.create()
        after = datetime.now(timezone.utc)
        margin = timedelta(seconds=1)
        assert before - margin <= first["CreationTimestamp"] <= second["CreationTimestamp"] <= after + margin
        assert (
            here.client.describe_vpc_endpoints()["VpcEndpoints"][0]["CreationTimestamp"] == first["CreationTimestamp"]
        )


# how it is asked


def test_both_ways_to_ask_give_the_same_answers() -> None:
    with local() as here:
        http = here.ec2.client()
        made = http.create_vpc_endpoint(**here.wanted())["VpcEndpoint"]
        shown = [client.describe_vpc_endpoints()["VpcEndpoints"] for client in (http, here.client)]
        assert shown[0] == shown[1] == [made]
        assert here.ec2.calls == ["CreateVpcEndpoint", "DescribeVpcEndpoints", "DescribeVpcEndpoints"]


def test_in_process_no_connection_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with local() as here:
        client = here.ec2.client(in_process=True)

        def refuse(*_: object) -> None:
            raise AssertionError("a connection was made")

        monkeypatch.setattr("socket.socket.connect", refuse)
        assert client.describe_vpc_endpoints()["VpcEndpoints"] == []


def test_callers_at_the_same_moment_get_one_endpoint() -> None:
    with local() as here, ThreadPoolExecutor(8) as pool:
        client, wanted = here.ec2.client(), here.wanted(ClientToken="t")
        answers = list(pool.map(lambda _: client.create_vpc_endpoint(**wanted), range(8)))
        assert len({one["VpcEndpoint"]["VpcEndpointId"] for one in answers}) == 1
        assert len(here.ec2.vpc_endpoints()) == 1


def test_it_is_reset_without_another_start() -> None:
    with local(deny_tags=True) as here:
        vpc_id, free = here.ec2.vpc_id(), here.client.describe_subnets()["Subnets"]
        untagged = here.wanted(ClientToken="t", TagSpecifications=[])
        first = here.client.create_vpc_endpoint(**untagged)["VpcEndpoint"]["VpcEndpointId"]
        here.ec2.deny("DescribeVpcs")
        here.ec2.throttle(1, action="DescribeSubnets")
        here.ec2.reset()
        assert here.ec2.calls == []
        assert here.listed() == []
        assert here.ec2.vpc_id() == vpc_id
        assert here.client.describe_subnets()["Subnets"] == free
        here.client.describe_vpcs()
        assert here.refusal(**here.wanted()) == ("UnauthorizedOperation", 403)
        assert here.client.create_vpc_endpoint(**untagged)["VpcEndpoint"]["VpcEndpointId"] != first


def test_several_run_beside_each_other() -> None:
    with ExitStack() as stack:
        one, other = stack.enter_context(local()), stack.enter_context(local())
        made = one.create()["VpcEndpointId"]
        assert one.listed() == [made]
        assert other.listed() == []


def test_it_is_used_after_its_start_only() -> None:
    with AtlasEmulator() as atlas:
        ec2 = LocalEc2(atlas)
        with pytest.raises(RuntimeError, match="not started"):
            ec2.vpc_id()
        with ec2:
            vpc_id = ec2.vpc_id()
        assert ec2.vpc_id() == vpc_id
        with pytest.raises(RuntimeError, match="does not run"):
            ec2.client()
