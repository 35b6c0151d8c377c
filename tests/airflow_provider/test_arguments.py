"""What operators are given reaches both sides, and what is there already, or gone already, is no trouble."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest
from cloud_sides import Sides
from executed import executed
from urllib3.connectionpool import HTTPConnectionPool

from atlas_privatelink import CloudError, ValidationError
from atlas_privatelink.airflow import (
    AtlasConnectOperator,
    AtlasCreateEndpointServiceOperator,
    AtlasCreateServerlessEndpointOperator,
    AtlasDeleteEndpointServiceOperator,
    AtlasDeleteServerlessEndpointOperator,
    AtlasDisconnectOperator,
    AtlasPrivateEndpointSensor,
    AwsConsoleLink,
)
from atlas_privatelink.airflow._versions import SIGTERM_RAISES, AirflowFailException
from atlas_privatelink.airflow.ec2 import ec2_client
from atlas_privatelink.airflow.operators.base import ToldToEnd

pytestmark = pytest.mark.usefixtures("airflow_home")

AMAZON = "airflow.providers.amazon.aws.hooks.base_aws"


@pytest.fixture
def ends(both: Sides, group_id: str) -> dict[str, Any]:
    """What a connect is between."""
    return {"group_id": group_id, "cluster_name": "Cluster0", "region": "us-east-1", "vpc_id": both.ec2.vpc_id()}


def test_security_groups_tags_and_subnets_are_the_vpc_endpoint_s(both: Sides, ends: dict[str, Any]) -> None:
    group = both.client.create_security_group(GroupName="g", Description="d", VpcId=ends["vpc_id"])["GroupId"]
    subnet_id = both.ec2.subnet_ids()[1]
    mine: dict[str, Any] = {"security_group_ids": [group], "tags": {"team": "orders"}, "subnet_ids": [subnet_id]}
    result, pushed = executed(AtlasConnectOperator(task_id="connect", **ends, **mine))
    (shown,) = both.client.describe_vpc_endpoints(VpcEndpointIds=[result["cloud_endpoint_id"]])["VpcEndpoints"]
    assert shown["SubnetIds"] == [subnet_id]
    assert [one["GroupId"] for one in shown["Groups"]] == [group]
    assert {"Key": "team", "Value": "orders"} in shown["Tags"]
    assert pushed["srv"] == result["srv"]


def test_a_service_is_kept_if_asked(both: Sides, ends: dict[str, Any]) -> None:
    executed(AtlasConnectOperator(task_id="connect", **ends))
    # Atlas deletes a service with its last endpoint
    with pytest.raises(AirflowFailException, match="delete_service=False"):
        executed(AtlasDisconnectOperator(task_id="disconnect", **ends, delete_service=False))
    assert len(both.ec2.vpc_endpoints()) == 1
    assert [one[1] for one in both.of_atlas(ends["group_id"])] == ["AVAILABLE"]
    executed(AtlasDisconnectOperator(task_id="disconnect", **ends))
    assert both.of_atlas(ends["group_id"]) == []
    # and once more, as a teardown that is tried again
    executed(AtlasDisconnectOperator(task_id="disconnect", **ends))


def test_a_service_of_several_regions_or_of_another_cloud(both: Sides, group_id: str) -> None:
    remote: dict[str, Any] = {"region": "us-east-1", "supported_remote_regions": ["eu-west-1"]}
    of_aws, _ = executed(AtlasCreateEndpointServiceOperator(task_id="aws", group_id=group_id, **remote))
    assert of_aws["supported_remote_regions"] == ["EU_WEST_1"]
    google: dict[str, Any] = {"provider": "GCP", "region": "us-central1", "port_mapping_enabled": True}
    of_gcp, pushed = executed(AtlasCreateEndpointServiceOperator(task_id="gcp", group_id=group_id, **google))
    assert of_gcp["port_mapping_enabled"] is True
    assert pushed["endpoint_service_id"] == of_gcp["id"]
    delete = AtlasDeleteEndpointServiceOperator(
        task_id="delete", group_id=group_id, provider="GCP", service_id=of_gcp["id"]
    )
    executed(delete)
    assert [one[0] for one in both.of_atlas(group_id)] == [of_aws["id"]]
    executed(delete)


def test_an_endpoint_with_a_comment_of_one_s_own(both: Sides, group_id: str) -> None:
    where: dict[str, Any] = {"group_id": group_id, "instance_name": "Instance0"}
    create = AtlasCreateServerlessEndpointOperator(
        task_id="create", **where, comment="orders", wait_for_completion=False
    )
    made, pushed = executed(create)
    assert (made["comment"], made["status"]) == ("orders", "RESERVATION_REQUESTED")
    assert executed(create)[0]["id"] == made["id"] == pushed["endpoint_id"]
    delete = AtlasDeleteServerlessEndpointOperator(task_id="delete", **where, endpoint_id=made["id"])
    executed(delete)
    assert both.atlas.endpoints(group_id) == []
    executed(delete)


def test_aws_credentials_come_from_the_connection_or_from_where_boto3_finds_them(
    both: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ec2_client(None, "us-east-1") is None
    monkeypatch.setenv("AIRFLOW_CONN_OF_ORDERS", "aws://AKIAORDERS:secret@/?region_name=eu-west-1")
    client = ec2_client("of_orders", None)
    assert client.meta.region_name == "eu-west-1"
    assert client._request_signer._credentials.access_key == "AKIAORDERS"
    monkeypatch.setenv("AIRFLOW_CONN_BROKEN", "aws://?profile_name=nobody&region_name=eu-west-1")
    with pytest.raises(CloudError, match="AWS: no client for the connection broken"):
        ec2_client("broken", None)


def test_without_the_amazon_provider_boto3_finds_credentials(
    both: Sides, ends: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, AMAZON, None)
    result, _ = executed(AtlasConnectOperator(task_id="connect", **ends))
    assert [one["id"] for one in both.ec2.vpc_endpoints()] == [result["cloud_endpoint_id"]]
    other = AtlasConnectOperator(task_id="connect", **ends, aws_conn_id="of_orders")
    with pytest.raises(AirflowFailException, match="aws_conn_id='of_orders' needs apache-airflow-providers-amazon"):
        executed(other)


@pytest.mark.skipif(SIGTERM_RAISES, reason="Airflow 2 ends a task by itself, after `on_kill`")
def test_told_to_end_while_boto3_speaks_with_aws_it_ends(
    idle: Sides, group_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: dict[str, Any] = {"group_id": group_id, "cluster_name": "Cluster0", "region": "us-east-1"}
    connect = AtlasConnectOperator(task_id="connect", **ends, vpc_id=idle.ec2.vpc_id(), timeout=20)
    with idle.atlas.client() as atlas:
        atlas.dedicated.create_service(group_id, "AWS", "us-east-1")
    idle.atlas.advance(3600)
    send = HTTPConnectionPool.urlopen

    def interrupted(pool: HTTPConnectionPool, *args: Any, **options: Any) -> Any:
        if idle.known_to_atlas(group_id):
            monkeypatch.setattr(HTTPConnectionPool, "urlopen", send)
            # as the signal's handler does
            connect.on_kill()
        return send(pool, *args, **options)

    monkeypatch.setattr(HTTPConnectionPool, "urlopen", interrupted)
    with pytest.raises(ToldToEnd):
        executed(connect)
    assert len(idle.ec2.vpc_endpoints()) == 1


def test_links_to_the_consoles_of_other_partitions() -> None:
    assert AwsConsoleLink.to("eu-west-1", "vpce-0a").startswith("https://eu-west-1.console.aws.amazon.com/")
    assert AwsConsoleLink.to("us-gov-west-1", "vpce-0a").startswith("https://console.amazonaws-us-gov.com/")
    assert AwsConsoleLink.to("cn-north-1", "vpce-0a").startswith("https://cn-north-1.console.amazonaws.cn/")


@pytest.mark.parametrize("field", ["cluster_name", "region", "vpc_id"])
def test_a_template_without_a_value_is_refused(both: Sides, ends: dict[str, Any], field: str) -> None:
    """A cluster called "None" was connected."""
    both.atlas.reset_stats()
    with pytest.raises(AirflowFailException, match=f"{field} was rendered to None"):
        executed(AtlasConnectOperator(task_id="connect", **{**ends, field: "None"}))
    assert both.atlas.stats().requests == 0


def test_two_deployments_are_refused_when_the_dag_is_parsed(ends: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"either cluster_name .* or instance_name"):
        AtlasConnectOperator(task_id="connect", **ends, instance_name="Instance0")
    # one of them may be rendered to nothing
    AtlasConnectOperator(task_id="connect", **ends, instance_name="{{ params.instance }}")


def test_an_unknown_status_is_refused_when_the_dag_is_parsed() -> None:
    unknown: Any = "GONE"
    with pytest.raises(ValidationError, match="until must be RESERVED, AVAILABLE or DELETED"):
        AtlasPrivateEndpointSensor(task_id="gone", group_id="0" * 24, service_id="0" * 24, until=unknown)


def test_a_time_limit_may_be_a_timedelta(ends: dict[str, Any]) -> None:
    assert AtlasConnectOperator(task_id="connect", **ends, timeout=timedelta(minutes=2)).timeout == 120
