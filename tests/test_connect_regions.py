"""A region is one region in every spelling, on every cloud and in every call; and AWS's connections across regions and
accounts. Before, `connect` and `disconnect` compared spellings: a region that was spelled in another way connected a
second time, and `disconnect` said that there was none (fault 12)."""

from __future__ import annotations

from typing import Any

import connect_sides
import pytest
from connect_sides import AwsSide, Side, actions, on_aws, only

import atlas_privatelink
from atlas_privatelink import (
    CloudPermissionDenied,
    Connection,
    ConnectionProgress,
    PreflightFailed,
    ValidationError,
    aws,
)
from atlas_privatelink.clouds.aws import AwsCloud

side, atlas_options, region = connect_sides.fixtures

SPELLINGS = {
    "aws": ("us-east-1", "US_EAST_1", "us_east_1", "US-EAST-1", "Us_East_1"),
    "azure": ("eastus2", "EastUS2", "US_EAST_2", "us-east-2", "EASTUS2"),
    "gcp": ("us-central1", "CENTRAL_US", "central-us", "US_CENTRAL1", "Us-Central1"),
}
# the names differ by no rule
GOOGLES = [
    ("southamerica-east1", "SOUTH_AMERICA_EAST_1"),
    ("southamerica-west1", "SOUTH_AMERICA_WEST_1"),
    ("me-west1", "MIDDLE_EAST_WEST_1"),
    ("me-central1", "MIDDLE_EAST_CENTRAL_1"),
    ("me-central2", "MIDDLE_EAST_CENTRAL_2"),
    ("europe-west1", "WESTERN_EUROPE"),
    ("northamerica-northeast2", "NORTH_AMERICA_NORTHEAST_2"),
    ("europe-west12", "EUROPE_WEST_12"),
]
REMOTE, ACCOUNT = "eu-west-1", "999999999999"


def test_every_spelling_is_one_region_in_every_call(side: Side) -> None:
    """12. `region="EastUS2"` connected, and `disconnect` then succeeded without doing anything."""
    first, *others = SPELLINGS[side.name]
    connection = side.connect(region=first)
    for spelt in others:
        for plan in (True, False):
            again = side.connect(region=spelt, plan=plan)
            assert again.endpoint_service_id == connection.endpoint_service_id
            assert again.cloud_endpoint_id == connection.cloud_endpoint_id or plan
            assert "create" not in actions(again)
            assert again.region == connection.region == side.region
        doomed = side.disconnect(region=spelt, plan=True).deletions
        assert [one.id for one in doomed][:1] == [connection.cloud_endpoint_id]
        clouds = [side.cloud(0, region=spelt)] if side.name != "azure" else [side.cloud(0)]
        (one,) = side.call(atlas_privatelink, "connect_many", clouds, cluster_name="Cluster0", region=spelt)
        assert one.cloud_endpoint_id == connection.cloud_endpoint_id
        kind: dict[str, Any] = {} if side.is_port_mapped is None else {"port_mapping_enabled": True}
        service = side.client.dedicated.create_service(side.group_id, side.provider, spelt, if_exists="adopt", **kind)
        assert service.id == connection.endpoint_service_id
    assert len(side.services()) == len(side.endpoints()) == 1


def test_every_spelling_disconnects(side: Side) -> None:
    """12. There was "none", and the exit code was 0."""
    for spelt in SPELLINGS[side.name]:
        side.connect()
        gone = side.disconnect(region=spelt)
        assert len(gone.deletions) == 3
        assert (side.endpoints(), side.services()) == ({}, [])


@only("gcp")
@pytest.mark.parametrize(("region", "of_atlas"), GOOGLES)
def test_googles_regions_whose_names_differ_by_no_rule(side: Side, region: str, of_atlas: str) -> None:
    """12. `SOUTHAMERICA_EAST_1` was sent, which Atlas does not know."""
    connection = side.connect(region=region)
    assert connection.srv
    assert (connection.region, side.services()[0]["regionName"]) == (region, of_atlas)
    for spelt in (of_atlas, of_atlas.lower(), region.upper(), None):
        again = side.connect(region=spelt)
        assert again.cloud_endpoint_id == connection.cloud_endpoint_id
    assert len(side.services()) == 1
    side.disconnect(region=of_atlas)
    assert (side.endpoints(), side.services()) == ({}, [])


def test_the_service_of_another_region_is_another_one(side: Side) -> None:
    """12. And what is another region stays one."""
    side.create_service(side.other_region)
    connection = side.connect()
    assert len(side.services()) == 2
    gone = side.disconnect()
    assert [one.id for one in gone.deletions if one.kind == "endpoint service"] == [connection.endpoint_service_id]
    assert len(side.services()) == 1


# AWS: across regions


@pytest.fixture
def remote(side: Any) -> dict[str, Any]:
    """A VPC in another region than the cluster's."""
    client = side.local.client(REMOTE, in_process=True)
    return {"client": client, "vpc_id": side.local.vpc_id(REMOTE), "vpc_region": REMOTE}


def supported(side: Side) -> list[list[str]]:
    """The regions from which each service can be reached."""
    return [[one.replace("_", "-").lower() for one in each["supportedRemoteRegions"] or ()] for each in side.services()]


@on_aws
def test_a_vpc_in_another_region_than_the_cluster(side: AwsSide, remote: dict[str, Any]) -> None:
    """A second service was created, and billed, in the VPC's region, whose endpoint reached nothing."""
    plan = side.connect(**remote, plan=True)
    assert actions(plan) == ["check", "create", "wait", "create", "tell", "wait", "wait"]
    connection = side.connect(**remote)
    assert connection.srv
    assert connection.region == "us-east-1"
    assert supported(side) == [[REMOTE]]
    (made,) = side.local.vpc_endpoints(REMOTE)
    assert (made["id"], made["state"]) == (connection.cloud_endpoint_id, "available")
    assert side.endpoints() == {}
    assert any(f"between us-east-1 and {REMOTE}" in line for line in connection.bill)
    again = side.connect(**remote)
    assert (again.cloud_endpoint_id, again.cloud_endpoint_origin) == (connection.cloud_endpoint_id, "adopted")
    side.disconnect(**remote)
    assert (side.local.vpc_endpoints(REMOTE), side.services()) == ([], [])


@on_aws
def test_an_existing_service_is_updated_to_be_reached_from_there(side: AwsSide, remote: dict[str, Any]) -> None:
    here = side.connect()
    assert supported(side) == [[]]
    with side.atlas.client() as client:
        client.dedicated.update_service(
            side.group_id, here.endpoint_service_id or "", supported_remote_regions=["ap-south-1"]
        )
    plan = side.connect(**remote, plan=True)
    assert (plan.steps[1].action, REMOTE in plan.steps[1].detail) == ("update", True)
    assert supported(side) == [["ap-south-1"]]
    there = side.connect(**remote)
    assert there.srv
    assert supported(side) == [["ap-south-1", REMOTE]]
    assert there.endpoint_service_id == here.endpoint_service_id
    assert sorted(side.registered()) == sorted([str(here.cloud_endpoint_id), str(there.cloud_endpoint_id)])
    # the second time there is nothing to update
    assert side.connect(**remote).steps[1].action == "adopt"
    side.disconnect(**remote)
    assert side.registered() == [here.cloud_endpoint_id]
    assert list(side.endpoints()) == [here.cloud_endpoint_id]


@on_aws
def test_it_is_registered_only_after_atlas_can_see_it(side: AwsSide, remote: dict[str, Any]) -> None:
    """What is registered earlier ends as REJECTED, for good."""
    side.local.rules.remote_discovery_seconds = 29.0
    moments: dict[str, float] = {}
    troubles: list[str] = []

    def watch(event: ConnectionProgress) -> None:
        moments[f"{event.step} {event.state}"] = side.atlas.now()
        if event.trouble:
            troubles.append(event.trouble)

    connection = side.connect(**remote, on_progress=watch)
    assert connection.srv
    assert moments["TELL_ATLAS done"] - moments["CREATE_CLOUD_ENDPOINT done"] >= 30
    assert any("another region" in one for one in troubles)
    # within one region, nothing is waited for, nor for an endpoint that Atlas knows
    for options in ({}, remote):
        moments.clear()
        side.connect(**options, on_progress=watch)
        assert moments["TELL_ATLAS done"] - moments["CREATE_CLOUD_ENDPOINT done"] < 30


@on_aws
def test_without_vpc_region_it_is_refused_with_the_way_on(side: AwsSide, remote: dict[str, Any]) -> None:
    del remote["vpc_region"]
    for options in ({}, {"region": "us-east-1"}):
        with pytest.raises(ValidationError, match=f"vpc_region='{REMOTE}'"):
            side.connect(**remote, **options)
    with pytest.raises(ValidationError, match="pass vpc_region"):
        side.connect(vpc_id=side.local.vpc_id(REMOTE))
    assert (side.services(), side.local.vpc_endpoints(REMOTE)) == ([], [])


@on_aws
def test_the_permission_for_several_regions_is_checked_first(side: AwsSide, remote: dict[str, Any]) -> None:
    side.create_service()
    side.local.deny("vpce:AllowMultiRegion")
    for plan in (True, False):
        with pytest.raises(PreflightFailed, match="vpce:AllowMultiRegion"):
            side.connect(**remote, plan=plan)
    assert side.local.vpc_endpoints(REMOTE) == []
    assert supported(side) == [[]]


@on_aws
def test_several_networks_of_several_regions_in_one_call(side: AwsSide, remote: dict[str, Any]) -> None:
    clouds = [side.cloud(0, region="us-east-1"), AwsCloud(**remote, region="us-east-1")]
    made: tuple[Connection, ...] = side.call(atlas_privatelink, "connect_many", clouds, cluster_name="Cluster0")
    assert all(one.srv for one in made)
    assert len(side.services()) == 1
    assert len(side.endpoints()) == len(side.local.vpc_endpoints(REMOTE)) == 1


# AWS: another account


@pytest.fixture
def other_account(side: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A VPC of another account, and a role for it; boto3 finds the main account's credentials in the environment."""
    for name, value in side.local.environment().items():
        monkeypatch.setenv(name, value)
    account = side.local.account(ACCOUNT)
    role_arn = account.role(external_id="orders-1234", trusted=[side.local.account_id])
    return {
        "client": None,
        "vpc_id": account.vpc_id(),
        "role_arn": role_arn,
        "external_id": "orders-1234",
        "region": "us-east-1",
    }


@on_aws
def test_a_vpc_of_another_account_by_a_role(side: AwsSide, other_account: dict[str, Any]) -> None:
    """The role's credentials could not be told an external id, and ended after an hour."""
    theirs = side.local.account(ACCOUNT)
    connection = side.connect(**other_account)
    assert connection.srv
    (made,) = theirs.vpc_endpoints()
    assert made["id"] == connection.cloud_endpoint_id
    assert side.endpoints() == {}
    side.local.expire_roles()
    assert side.connect(**other_account).cloud_endpoint_id == made["id"]
    # the main account sees nothing of it
    with side.atlas.client() as client:
        alone = aws.disconnect(side.group_id, cluster_name="Cluster0", atlas=client, **side.options())
    assert alone.deletions == ()
    assert any(made["id"] in left for left in alone.left)
    side.disconnect(**other_account)
    assert (theirs.vpc_endpoints(), side.services()) == ([], [])


@on_aws
@pytest.mark.parametrize("external_id", [None, "billing-9"])
def test_a_wrong_external_id_is_refused_before_anything_is_created(
    side: AwsSide, other_account: dict[str, Any], external_id: str | None
) -> None:
    with pytest.raises(CloudPermissionDenied, match="AssumeRole") as refused:
        side.connect(**{**other_account, "external_id": external_id})
    assert "orders-1234" not in str(refused.value)
    assert side.services() == []


@on_aws
def test_another_account_in_another_region(side: AwsSide, other_account: dict[str, Any]) -> None:
    theirs = side.local.account(ACCOUNT)
    options = {**other_account, "vpc_id": theirs.vpc_id(REMOTE), "vpc_region": REMOTE}
    connection = side.connect(**options)
    assert connection.srv
    assert [one["id"] for one in theirs.vpc_endpoints(REMOTE)] == [connection.cloud_endpoint_id]
    assert side.local.vpc_endpoints(REMOTE) == []
    side.disconnect(**options)
    assert (theirs.vpc_endpoints(REMOTE), side.services()) == ([], [])


@on_aws
def test_two_accounts_in_one_service(side: AwsSide, other_account: dict[str, Any]) -> None:
    """Of another account's endpoint nobody here can say whether it is in use: it stays, and so does the service."""
    ours, theirs = side.connect(), side.connect(**other_account)
    assert ours.endpoint_service_id == theirs.endpoint_service_id
    gone = side.disconnect()
    assert any(str(theirs.cloud_endpoint_id) in left for left in gone.left)
    assert side.registered() == [theirs.cloud_endpoint_id]
