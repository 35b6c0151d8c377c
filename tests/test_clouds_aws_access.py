"""AwsCloud: regions, credentials, and arguments."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from subprocess import run
from typing import Any

import boto3
import pytest
from aws_here import REMOTE, Here, begin, ids_of, world
from support import GROUP_ID

from atlas_privatelink.clouds.aws import AwsCloud
from atlas_privatelink.errors import CloudError, CloudPermissionDenied, ValidationError

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


@pytest.fixture
def on_wire(here: Here, monkeypatch: pytest.MonkeyPatch) -> Here:
    """The same for clients that `AwsCloud` creates: over HTTP."""
    for name, value in here.ec2.environment().items():
        monkeypatch.setenv(name, value)
    return here


# regions


def test_regions_in_any_spelling(here: Here) -> None:
    for spelling in ("us-east-1", "US_EAST_1", " us-east-1 "):
        cloud = here.cloud(region=spelling)
        assert (cloud.region, cloud.network_region, cloud.registration_delay) == ("us-east-1", "us-east-1", 0.0)
    undecided = AwsCloud(vpc_id=here.vpc_id, client=here.client)
    assert (undecided.region, undecided.network_region) == (None, "us-east-1")
    decided = undecided.in_region("US_EAST_1")
    assert (undecided.region, decided.region) == (None, "us-east-1")
    decided.check()
    with pytest.raises(ValidationError) as refused:
        decided.in_region("eu-west-1")
    assert refused.value.field == "region"


def test_a_vpc_in_another_region_has_to_be_meant(here: Here) -> None:
    vpc_id = here.ec2.vpc_id(REMOTE)
    cloud = here.cloud(vpc_id=vpc_id, client=here.remote_client)
    with pytest.raises(ValidationError, match=f"vpc_region='{REMOTE}'"):
        cloud.check()
    nowhere = AwsCloud(vpc_id=vpc_id, client=here.remote_client)
    with pytest.raises(ValidationError, match=f"vpc_region='{REMOTE}'"):
        nowhere.create(here.service)
    with pytest.raises(ValidationError, match="vpc_region is eu-west-1"):
        here.cloud(vpc_id=vpc_id, client=here.remote_client, vpc_region="eu-west-1").check()
    assert here.ec2.vpc_endpoints(REMOTE) == []


def test_across_regions(here: Here) -> None:
    vpc_id = here.ec2.vpc_id(REMOTE)
    cloud = here.cloud(vpc_id=vpc_id, vpc_region="EU_CENTRAL_1", client=here.remote_client)
    cloud.check()
    assert (cloud.network_region, cloud.registration_delay) == (REMOTE, 30.0)
    assert all(check.state != "failure" for check in cloud.preflight(here.service))
    made = cloud.create(here.service)
    assert (made.origin, made.network, made.is_ours) == ("created", vpc_id, True)
    (shown,) = here.ec2.vpc_endpoints(REMOTE)
    assert shown["id"] == made.id
    # each zone of the VPC: those of the service are others
    assert len(shown["subnet_ids"]) == len(here.ec2.subnet_ids(REMOTE))
    assert here.ids() == []
    assert "between us-east-1 and eu-central-1" in cloud.bill(here.service)[0]
    cloud.delete(made)
    assert here.ec2.vpc_endpoints(REMOTE) == []
    here.ec2.deny("vpce:AllowMultiRegion")
    with pytest.raises(CloudPermissionDenied, match="vpce:AllowMultiRegion"):
        cloud.create(here.service)


def test_region_of_the_configuration(on_wire: Here) -> None:
    cloud = AwsCloud(vpc_id=on_wire.vpc_id)
    assert (cloud.region, cloud.network_region) == (None, "us-east-1")
    cloud.check()


def test_without_any_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(ValidationError) as refused:
        AwsCloud(vpc_id="vpc-0123456789abcdef0").check()
    assert refused.value.field == "region"


# credentials


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "vpc_id"),
        ({"vpc_id": "vpc-1"}, "vpc_id"),
        ({"subnet_ids": "subnet-0123456789abcdef0"}, "subnet_ids"),
        ({"subnet_ids": ["subnet-x"]}, "subnet_ids"),
        ({"security_group_ids": ["mongo"]}, "security_group_ids"),
        ({"region": "nowhere"}, "region"),
        ({"vpc_region": ""}, "vpc_region"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"tags": {"aws:team": "x"}}, "tags"),
        ({"tags": {"team": None}}, "tags"),
        ({"tags": {f"k{number}": "" for number in range(43)}}, "tags"),
        ({"list_lag": -1}, "list_lag"),
        ({"session": object(), "profile": "p"}, "profile"),
        ({"client": object(), "role_arn": "arn:aws:iam::123456789012:role/r"}, "role_arn"),
        ({"role_arn": "r"}, "role_arn"),
        ({"external_id": SECRET}, "external_id"),
        ({"role_arn": "arn:aws:iam::123456789012:role/r", "external_id": f"{SECRET} !"}, "external_id"),
    ],
)
def test_arguments_are_checked_before_anything_is_sent(options: dict[str, Any], field: str) -> None:
    where = {} if not options else {"vpc_id": "vpc-0123456789abcdef0"}
    with pytest.raises(ValidationError) as refused:
        AwsCloud(**where | options)
    assert refused.value.field == field
    assert SECRET not in str(refused.value)


def test_the_sdk_is_imported_when_it_is_needed() -> None:
    code = """
import sys
from atlas_privatelink.clouds.aws import AwsCloud
cloud = AwsCloud(region="us-east-1", vpc_id="vpc-0123456789abcdef0")
cloud.network, cloud.region, cloud.network_region, cloud.planned(None), repr(cloud), cloud.in_region("us-east-1")
assert not {"boto3", "botocore"} & set(sys.modules)
"""
    run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("way", ["session", "environment", "client"])
def test_over_http(on_wire: Here, way: str) -> None:
    ways: dict[str, Any] = {
        "session": lambda: {"session": boto3.Session(region_name="us-east-1")},
        "environment": dict,
        "client": lambda: {"client": on_wire.ec2.client()},
    }
    with AwsCloud(region="us-east-1", vpc_id=on_wire.vpc_id, **ways[way]()) as cloud:
        cloud.check()
        made = cloud.in_region("us-east-1").create(on_wire.service)
        assert (made.origin, ids_of(cloud.find_ours(GROUP_ID))) == ("created", [made.id])
        cloud.delete(made)
    assert on_wire.ids() == []


def test_a_role_of_another_account(on_wire: Here, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="atlas_privatelink")
    other = on_wire.ec2.account(OTHER_ACCOUNT)
    role = other.role(external_id=SECRET)
    vpc_id = other.vpc_id()
    cloud = AwsCloud(region="us-east-1", vpc_id=vpc_id, role_arn=role, external_id=SECRET)
    cloud.check()
    made = cloud.create(on_wire.service)
    assert [one["id"] for one in other.vpc_endpoints()] == [made.id]
    assert on_wire.ec2.calls.count("AssumeRole") == 1
    assert "AssumeRole" in caplog.text
    for text in (repr(cloud), caplog.text):
        assert SECRET not in text
    wrong = AwsCloud(region="us-east-1", vpc_id=vpc_id, role_arn=role, external_id="guess")
    with pytest.raises(CloudPermissionDenied, match=r"AssumeRole.*AccessDenied") as denied:
        wrong.check()
    assert (denied.value.operation, denied.value.code) == ("AssumeRole", "AccessDenied")
    assert "guess" not in str(denied.value)
    other.client(in_process=True).delete_vpc_endpoints(VpcEndpointIds=[made.id])


def test_credentials_of_a_role_are_renewed(on_wire: Here) -> None:
    # sooner than ten minutes before they expire they have to be renewed
    on_wire.set(role_seconds=300.0)
    other = on_wire.ec2.account(OTHER_ACCOUNT)
    cloud = AwsCloud(region="us-east-1", vpc_id=other.vpc_id(), role_arn=other.role("short"))
    cloud.check()
    before = on_wire.ec2.calls.count("AssumeRole")
    on_wire.ec2.expire_roles()
    cloud.check()
    assert on_wire.ec2.calls.count("AssumeRole") > before


def test_a_throttled_sts_is_transient(on_wire: Here) -> None:
    role = on_wire.ec2.account(OTHER_ACCOUNT).role()
    on_wire.ec2.throttle(1, action="AssumeRole")
    with pytest.raises(CloudError) as failed:
        AwsCloud(region="us-east-1", vpc_id=on_wire.vpc_id, role_arn=role).check()
    assert (failed.value.operation, failed.value.is_transient) == ("AssumeRole", True)


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, here: Here) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    for role in (None, "arn:aws:iam::123456789012:role/r"):
        with pytest.raises(CloudPermissionDenied) as denied:
            AwsCloud(region="us-east-1", vpc_id=here.vpc_id, role_arn=role).check()
        assert denied.value.code == "NoCredentialsError"
        assert not denied.value.is_transient
    with pytest.raises(CloudError, match="profile") as missing:
        AwsCloud(vpc_id=here.vpc_id, profile="nobody").check()
    assert missing.value.code == "ProfileNotFound"
