"""Everything that can be known before something is billed is checked first, on all three clouds, by `connect` and by
its plan. Each docstring that begins with a number says what was wrong before there was a preflight."""

from __future__ import annotations

from typing import Any

import connect_sides
import pytest
from connect_sides import AwsSide, AzureSide, GcpSide, Side, actions, on_aws, on_azure, only

import atlas_privatelink
from atlas_privatelink import (
    Check,
    Connection,
    EndpointFailed,
    PreflightFailed,
    ValidationError,
)

side, atlas_options, region = connect_sides.fixtures
either = pytest.mark.parametrize("plan", [True, False], ids=["plan", "connect"])


def assert_nothing_was_created(side: Side) -> None:
    """On neither side."""
    assert (side.endpoints(), side.atlas.endpoint_services()) == ({}, [])
    assert {request.method for request in side.atlas.requests()} <= {"GET"}


def named(checks: tuple[Check, ...], name: str) -> Check:
    """The check of that name."""
    (found,) = (check for check in checks if check.name == name)
    return found


# the cluster


def wrong_clusters(side: Side) -> list[tuple[dict[str, Any], str]]:
    """Clusters that cannot be connected, and why."""
    another = "AZURE" if side.provider != "AZURE" else "AWS"
    elsewhere = {"AWS": "us-east-1", "AZURE": "eastus2"}[another]
    return [
        ({"name": "Other"}, "no cluster 'Cluster0'; its clusters: Other"),
        (
            {"regions": [side.other_region]},
            f"no node in {side.region}; on {side.provider} it is in {side.other_region}",
        ),
        ({"provider": another, "regions": [elsewhere]}, f"is on {another}, not on {side.provider}"),
        ({"provider": "TENANT", "backing_provider": side.provider, "instance_size": "M0"}, "free or shared"),
        ({"instance_size": "FLEX"}, "Flex"),
        ({"paused": True}, "paused: resume it first"),
    ]


@either
def test_a_cluster_that_cannot_be_connected_is_refused_first(side: Side, plan: bool) -> None:
    """9. A wrong name failed after everything was made and billed, and the plan saw nothing. A cluster that is free,
    Flex, paused, or in another region or cloud was waited for, for an hour."""
    for cluster, why in wrong_clusters(side):
        side.describe_clusters(cluster)
        with pytest.raises(PreflightFailed, match=why) as refused:
            side.connect(region=side.region, plan=plan)
        assert any(check.state == "failure" for check in refused.value.checks)
        assert_nothing_was_created(side)


@either
def test_without_a_region_the_same_clusters_are_refused(side: Side, plan: bool) -> None:
    """9. The region is the cluster's, so one that has none is told apart from one that is in another."""
    for cluster, why in wrong_clusters(side):
        if "regions" not in cluster or "provider" in cluster:
            side.describe_clusters(cluster)
            with pytest.raises(PreflightFailed, match=why):
                side.connect(plan=plan)
            assert_nothing_was_created(side)


def test_the_region_is_the_clusters(side: Side) -> None:
    """9. It had to be given, and a wrong one made a second service."""
    assert side.connect().region == side.region
    side.describe_clusters({"regions": [side.region, side.other_region]})
    for call in (side.connect, side.disconnect):
        with pytest.raises(ValidationError, match=f"Cluster0 has {side.region}, {side.other_region}") as refused:
            call()
        assert refused.value.field == "region"
    assert side.connect(region=side.region).cloud_endpoint_origin == "adopted"


def test_another_paused_cluster_of_the_region_is_named(side: Side) -> None:
    side.describe_clusters({}, {"name": "Sleeping", "paused": True})
    with pytest.raises(PreflightFailed, match="Sleeping is paused"):
        side.connect()
    assert_nothing_was_created(side)
    side.describe_clusters({}, {"name": "Sleeping", "paused": True, "regions": [side.other_region]})
    assert side.connect().srv


def test_a_multi_region_cluster_says_what_is_missing_and_does_not_wait(side: Side) -> None:
    """9. There is no private string before each region has an endpoint: it was waited for, for an hour."""
    side.describe_clusters({"regions": [side.region, side.other_region]})
    plan, done = (side.connect(region=side.region, plan=plan) for plan in (True, False))
    for one in (plan, done):
        assert side.other_region in named(one.checks, "other regions").detail
        assert one.steps[-1].action == "skip"
        assert side.other_region in one.steps[-1].detail
    assert done.srv is None
    assert done.cloud_endpoint_id in side.registered()


def test_one_endpoint_per_region_is_counted_over_all_clouds(side: Side) -> None:
    """9. Atlas refused the registration of an endpoint that was billed already."""
    side.describe_clusters({"cluster_type": "SHARDED"})
    side.connect()
    another = "GCP" if side.provider != "GCP" else "AWS"
    region = {"GCP": "us-central1", "AWS": "us-east-1"}[another]
    kind: dict[str, Any] = {"port_mapping_enabled": True} if another == "GCP" else {}
    dedicated = side.client.dedicated
    service = dedicated.create_service(side.group_id, another, region, **kind)  # type: ignore[arg-type]
    dedicated.wait_for_service(side.group_id, another, service.id)  # type: ignore[arg-type]
    facts: dict[str, Any] = {"gcp_project_id": "p-12345", "endpoints": [("r", "10.0.0.9")]} if another == "GCP" else {}
    their_id = "r" if another == "GCP" else "vpce-0123456789abcdef0"
    dedicated.create_endpoint(side.group_id, another, service.id, their_id, **facts)  # type: ignore[arg-type]
    before = side.endpoints()
    for plan in (True, False):
        with pytest.raises(PreflightFailed, match="one private endpoint per region") as refused:
            side.connect(at=1, plan=plan)
        assert f"{another} {region}: 1" in str(refused.value)
    assert side.endpoints() == before
    dedicated.set_regional_mode(side.group_id, enabled=True)
    assert side.connect(at=1).srv


# the endpoint service


@either
def test_a_failed_service_is_refused_and_replaced_on_request_only(side: Side, plan: bool) -> None:
    """20. A FAILED service was adopted: every connect failed until somebody disconnected."""
    side.atlas.fail_next_endpoint("no capacity")
    with pytest.raises(EndpointFailed, match="no capacity"):
        side.connect()
    (failed,) = side.services()
    assert side.endpoints() == {}
    with pytest.raises(PreflightFailed, match=r"FAILED: no capacity; pass replace_failed=True"):
        side.connect(plan=plan)
    assert [one["id"] for one in side.services()] == [failed["id"]]
    connection = side.connect(replace_failed=True, plan=plan)
    assert connection.steps[1].action == "replace"
    if not plan:
        assert connection.srv
        assert (connection.service_origin, connection.endpoint_service_id) == ("created", side.services()[0]["id"])
        assert connection.endpoint_service_id != failed["id"]
    assert failed["id"] in connection.steps[1].detail


def test_a_failed_service_with_endpoints_is_never_replaced(side: Side) -> None:
    """20. Others use it."""
    other = side.connect()
    side.atlas.set_service_status(other.endpoint_service_id or "", "FAILED", "broken")
    before = side.endpoints()
    for replace_failed in (True, False):
        with pytest.raises(PreflightFailed, match="is FAILED: broken"):
            side.connect(at=1, replace_failed=replace_failed)
    assert side.endpoints() == before
    assert side.registered() == [other.cloud_endpoint_id]


# the cloud


@on_aws
def test_a_subnet_that_cannot_be_used_is_not_the_first_of_its_zone(side: AwsSide) -> None:
    """9. The first subnet by id was taken, and creation failed: one without free addresses, or for IPv6 only."""
    local, vpc_id = side.local, side.networks[0]
    full, *others = local.subnet_ids(vpc_id=vpc_id)[:3]
    local.exhaust_subnet(full)
    spare = local.add_subnet("a", vpc_id=vpc_id)
    ipv6 = local.add_subnet("b", vpc_id=vpc_id, ipv6_native=True)
    given = [full, ipv6, spare, *others]
    connection = side.connect(vpc_id=None, subnet_ids=given)
    assert connection.srv
    (made,) = side.endpoints().values()
    assert sorted(made["subnet_ids"]) == sorted([spare, *others])


@on_aws
def test_a_zone_without_usable_subnets_is_said(side: AwsSide) -> None:
    """9. And with none at all, nothing is created."""
    subnets = side.local.subnet_ids(vpc_id=side.networks[0])[:2]
    side.local.exhaust_subnet(subnets[0])
    plan = side.connect(vpc_id=None, subnet_ids=subnets, plan=True)
    check = named(plan.checks, "subnets")
    assert check.state == "warning"
    assert subnets[0] in check.detail
    side.local.exhaust_subnet(subnets[1])
    with pytest.raises(PreflightFailed, match="no subnet with free IPv4 addresses") as refused:
        side.connect(vpc_id=None, subnet_ids=subnets)
    assert all(one in str(refused.value) for one in subnets)
    assert_nothing_was_created(side)


@only("azure", "gcp")
def test_a_subnet_without_addresses_is_said_on_the_other_clouds(side: Side) -> None:
    """9. Neither Azure nor Google shows every address that is in use, so that it is a warning there."""
    options: dict[str, Any]
    if isinstance(side, AzureSide):
        network = side.local.add_virtual_network("small", subnets={"tiny": "10.1.0.0/30"})
        options = {"subnet_id": side.local.subnet_id("tiny", network_id=network)}
    else:
        assert isinstance(side, GcpSide)
        side.local.add_subnetwork("v6", ip_cidr_range="")
        options = {"subnetwork": "v6"}
    assert named(side.connect(**options, plan=True).checks, "addresses").state == "warning"


def deny_creation(side: Any) -> str:
    """Takes the permission to create away; its name."""
    if side.name == "aws":
        side.create_service()
        side.local.deny("CreateVpcEndpoint")
        return "ec2:CreateVpcEndpoint"
    if side.name == "azure":
        side.local.deny("Microsoft.Network/privateEndpoints/write")
        return "Microsoft.Network/privateEndpoints/write"
    side.local.denied.add("compute.subnetworks.use")
    return "compute.subnetworks.use"


@either
def test_a_missing_permission_to_create_is_a_failure_that_names_it(side: Side, plan: bool) -> None:
    """9. It was noticed after Atlas's service was made, and billed."""
    permission = deny_creation(side)
    services = side.services()
    with pytest.raises(PreflightFailed, match=permission):
        side.connect(plan=plan)
    assert side.endpoints() == {}
    assert side.services() == services


READING = {
    "aws": ("DescribeSecurityGroups", "ec2:DescribeSecurityGroups", "security groups"),
    "azure": ("Microsoft.Authorization/permissions/read", "Microsoft.Authorization/permissions/read", "permissions"),
    "gcp": ("compute.regions.get", "compute.regions.get", "quotas"),
}


def test_a_check_whose_permission_is_missing_is_a_warning_that_names_it(side: Any) -> None:
    denied, permission, name = READING[side.name]
    if side.name == "gcp":
        side.local.denied.add(denied)
    else:
        side.local.deny(denied)
    connection = side.connect()
    assert connection.srv
    checks = [check for check in connection.checks if check.name == name and check.state == "warning"]
    assert checks
    assert all(permission in check.detail for check in checks)
    assert permission in connection.steps[0].detail


def test_a_key_that_may_not_read_the_cluster_is_a_warning(side: Side) -> None:
    side.atlas.fault("status", path_contains="/clusters", authenticated=True, times=2, status=403)
    plan = side.connect(region=side.region, plan=True)
    warnings = [check.detail for check in plan.checks if check.state == "warning"]
    assert any("Project Read Only" in detail for detail in warnings)


@on_azure
def test_another_subscription_and_resource_group_of_azure_are_attributes(side: Any) -> None:
    """12. `subscription_id` could not work for a subnet of another subscription, and another resource group made a
    second endpoint."""
    elsewhere = "99999999-2222-4333-8444-555555555555"
    side.local.add_resource_group("rg-apps", subscription_id=elsewhere)
    side.local.add_resource_group("rg-more")
    options = {"subscription_id": elsewhere, "resource_group": "rg-apps"}
    connection = side.connect(**options)
    assert str(connection.cloud_endpoint_id).startswith(f"/subscriptions/{elsewhere}/resourceGroups/rg-apps/")
    assert connection.srv
    again = side.connect(resource_group="rg-more", subnet_id=side.local.subnet_id("backend"))
    assert again.cloud_endpoint_id == connection.cloud_endpoint_id
    assert (again.cloud_endpoint_origin, len(again.drift)) == ("adopted", 2)
    side.disconnect()
    assert (side.endpoints(), side.services()) == ({}, [])


# plan and connection


def test_plan_and_connection_are_the_same_steps(side: Side) -> None:
    """9. They were two pieces of code."""
    for _ in range(2):
        plan, done = side.connect(plan=True), side.connect()
        assert plan.planned
        assert [(one.step, one.action) for one in plan.steps] == [(one.step, one.action) for one in done.steps]
        assert plan.bill == done.bill
        assert plan.checks == done.checks
    plan, done = side.disconnect(plan=True), side.disconnect()
    assert [(one.step, one.action) for one in plan.steps] == [(one.step, one.action) for one in done.steps]
    assert plan.deletions == done.deletions


def test_a_plan_changes_nothing(side: Side) -> None:
    plan = side.connect(plan=True)
    assert actions(plan) == ["check", "create", "wait", "create", "tell", "wait", "wait"]
    assert len(plan.bill) == 2
    assert plan.bill[0].startswith("MongoDB:")
    assert_nothing_was_created(side)
    side.connect()
    before, side_of_atlas = side.endpoints(), side.atlas.endpoint_services()
    side.atlas.reset_stats()
    side.connect(plan=True)
    side.connect(at=1, plan=True)
    side.disconnect(plan=True)
    assert (side.endpoints(), side.atlas.endpoint_services()) == (before, side_of_atlas)
    assert {request.method for request in side.atlas.requests()} == {"GET"}


def test_several_networks_are_checked_as_a_whole(side: Side) -> None:
    """9. The first network was connected, and billed, before the second one was looked at."""
    deny_creation(side)
    clouds = [side.cloud(0), side.cloud(1)]
    with pytest.raises(PreflightFailed) as refused:
        side.call(atlas_privatelink, "connect_many", clouds, cluster_name="Cluster0")
    assert all(cloud.network in str(refused.value) for cloud in clouds)
    assert side.endpoints() == {}


def test_several_networks_are_connected_in_one_call(side: Side) -> None:
    clouds = [side.cloud(0), side.cloud(1)]
    made: tuple[Connection, ...] = side.call(atlas_privatelink, "connect_many", clouds, cluster_name="Cluster0")
    assert [one.network for one in made] == [cloud.network for cloud in clouds]
    assert all(one.srv for one in made)
    assert sorted(side.ids()) == sorted(str(one.cloud_endpoint_id) for one in made)
    assert len(side.services()) == 1
    for at in (0, 1):
        side.disconnect(at=at)
    assert (side.endpoints(), side.services()) == ({}, [])
