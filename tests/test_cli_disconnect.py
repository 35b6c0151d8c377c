"""`disconnect` as a command, with a local Atlas and a local EC2."""

from __future__ import annotations

import json

import cli_sides
from cli_sides import CLUSTER, Both
from support import GROUP_ID

both = cli_sides.both


def test_without_a_terminal_the_list_is_shown_and_nothing_is_deleted(both: Both) -> None:
    connection = both.connect("--tag", "team=orders")
    words = ("disconnect", "aws", *CLUSTER, *both.network)
    refused = both(*words)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "--force" in refused.stderr.splitlines()[-1]
    for shown in (connection["cloud_endpoint_id"], connection["endpoint_service_id"], "team=orders", "Orders"):
        assert shown in refused.stderr
    assert both.deletions() == []
    assert both.endpoint_ids() == [connection["cloud_endpoint_id"]]


def test_the_plan_names_exactly_what_is_deleted_then(both: Both) -> None:
    connection = both.connect("--made-by", "dag/run-1", "--tag", "team=orders")
    words = ("disconnect", "aws", *CLUSTER, *both.network)
    plan = both.result(*words, "--plan")
    assert plan["clusters"] == ["Cluster0", "Orders"]
    ids = both(*words, "--plan", "-o", "value").stdout.split()
    assert ids == [one["id"] for one in plan["deletions"]]
    assert set(ids) == {connection["cloud_endpoint_id"], connection["endpoint_service_id"]}
    text = both(*words, "--plan", "-q").stdout
    assert "Plan: 3 resources would be deleted" in text
    assert "Clusters that lose their private connection string:\n  Cluster0\n  Orders\n" in text
    detail = text.partition(f"VPC endpoint      {connection['cloud_endpoint_id']}")[2].splitlines()[1]
    assert "dag/run-1" in detail
    assert "team=orders" in detail
    assert both.deletions() == []
    gone = both.result(*words, "--force")
    assert gone["deletions"] == plan["deletions"]
    assert both.endpoint_ids() == []
    assert both.emulator.endpoint_services() == []
    again = both(*words, "--force", "-q")
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "Done: nothing deleted")


def test_7_where_somebody_else_has_made_it(both: Both) -> None:
    connection = both.connect()
    ec2 = both.ec2.client()
    endpoint_id = connection["cloud_endpoint_id"]
    tags = next(one["tags"] for one in both.ec2.vpc_endpoints())
    ec2.delete_tags(Resources=[endpoint_id], Tags=[{"Key": key} for key in tags])
    ec2.create_tags(Resources=[endpoint_id], Tags=[{"Key": "created-by", "Value": "terraform"}])
    words = ("disconnect", "aws", *CLUSTER, *both.network)
    for more in (["--plan"], ["--force"], []):
        said = both.fails(7, *words, *more)
        assert "created-by=terraform" in said
        assert "--delete-adopted" in said
    assert both.deletions() == []
    both.result(*words, "--delete-adopted", "--delete-service", "--force")
    assert both.endpoint_ids() == []


def test_7_for_the_last_endpoint_of_a_service_that_is_to_stay(both: Both) -> None:
    connection = both.connect()
    words = ("disconnect", "aws", *CLUSTER, *both.network)
    said = both.fails(7, *words, "--keep-service", "--force")
    assert connection["endpoint_service_id"] in said
    assert "--delete-service" in said
    assert both.deletions() == []


def test_5_where_something_is_left_and_nothing_deleted(both: Both) -> None:
    with both.emulator.client() as client:
        made = client.dedicated.create_service(GROUP_ID, "AWS", "us-east-1")
        client.dedicated.wait_for_service(GROUP_ID, "AWS", made.id)
        client.dedicated.create_endpoint(GROUP_ID, "AWS", made.id, "vpce-0123456789abcdef0")
    for more in (["--plan"], ["--force"], []):
        done = both("disconnect", "aws", *CLUSTER, *both.network, *more, "-o", "json")
        assert done.returncode == 5
        (left,) = json.loads(done.stdout)["left"]
        assert "vpce-0123456789abcdef0" in left
        error = done.stderr.splitlines()[-1]
        assert error.startswith("atlas-privatelink: error: nothing ")
        assert "vpce-0123456789abcdef0" in error
    assert both.deletions() == []


def test_a_region_will_do_where_the_cluster_is_gone(both: Both) -> None:
    both.connect()
    both.emulator.set_clusters([])
    at = ("--region", "us-east-1", *both.network, "--force")
    assert "its region" in both.fails(7, "disconnect", "aws", *CLUSTER, *at)
    both.result("disconnect", "aws", *at)
    assert both.endpoint_ids() == []
