"""`connect` and `iam-policy` as commands, with a local Atlas and a local EC2."""

from __future__ import annotations

import json
import re
import signal

import cli_sides
import pytest
from cli_sides import CLUSTER, Both
from commands import resuming, run_in_shell
from support import INSTANCE

from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing.ec2 import LocalEc2

both = cli_sides.both


@pytest.mark.parametrize("deployment", [("--instance", INSTANCE), CLUSTER])
def test_there_and_back(both: Both, deployment: tuple[str, str]) -> None:
    aws = ("aws", *deployment, *both.network)
    plan = both.result("connect", *aws, "--plan")
    assert plan["planned"] is True
    assert both.endpoint_ids() == []
    assert both.emulator.stats().endpoints_made == 0

    tags = ("--tag", "team=orders", "--tag", "cost-centre=a=b")
    connected = both("connect", *aws, *tags, "-o", "value")
    assert connected.returncode == 0, connected.stderr
    assert connected.stdout.startswith("mongodb+srv://")
    assert len(connected.stdout.splitlines()) == 1
    for number in range(1, 8):
        assert f" {number}/7 " in connected.stderr
    (endpoint,) = both.ec2.vpc_endpoints()
    assert endpoint["tags"]["team"] == "orders"
    assert endpoint["tags"]["cost-centre"] == "a=b"

    again = both("connect", *aws, "-q", "-o", "json")
    assert again.stderr == ""
    connection = json.loads(again.stdout)
    assert connection["connection_strings"]["srv"] == connected.stdout.strip()
    assert connection["cloud_endpoint_id"] == endpoint["id"]
    table = both("connect", *aws, "-q").stdout
    assert connected.stdout.strip() in table
    assert f"{endpoint['id']} (adopted)" in table

    gone = both.result("disconnect", *aws, "--force")
    assert gone["deletions"][-1]["id"] == endpoint["id"]
    assert both.endpoint_ids() == []
    assert both.emulator.endpoints() == []


def test_the_plan_of_connect_says_what_exists_what_would_be_created_and_what_is_billed(both: Both) -> None:
    aws = ("connect", "aws", *CLUSTER, *both.network, "-q")
    plan = both(*aws, "--plan").stdout
    assert "Plan: nothing was created or changed" in plan
    assert both.network[1] in plan
    assert re.search(r"create the endpoint service +create an endpoint service in us-east-1", plan)
    assert "Exists:" not in plan
    assert re.search(r"✓ cluster +Cluster0 has nodes in us-east-1", plan)
    # an argument of Python's is shown as the option
    assert re.search(r"! security groups .*--security-group-id", plan)
    assert re.search(r"Billed by the hour:\n  MongoDB: .*\n  AWS: ", plan)
    connection = both.connect()
    later = both("connect", "aws", "--cluster", "Orders", *both.network, "-q", "--plan").stdout
    exists = later.partition("Exists:")[2].partition("Would be done:")[0]
    assert connection["endpoint_service_id"] in exists
    assert connection["cloud_endpoint_id"] in exists
    assert re.search(rf"create the cloud endpoint +adopt {connection['cloud_endpoint_id']}", later)


def test_7_for_a_failed_check_and_its_plan_shows_the_checks(both: Both) -> None:
    wrong = ("connect", "aws", "--cluster", "Nope", *both.network)
    assert "its clusters: Cluster0, Orders" in both.fails(7, *wrong)
    plan = both(*wrong, "--plan")
    assert plan.returncode == 7
    assert "✗ cluster" in plan.stdout
    as_json = both(*wrong, "--plan", "-o", "json")
    checks = json.loads(as_json.stdout)["checks"]
    assert [check["state"] for check in checks if check["name"] == "cluster"] == ["failure"]
    assert "CreateVpcEndpoint" not in both.ec2.calls
    assert both.emulator.endpoint_services() == []


def test_what_differs_is_shown_and_7_where_it_must_not(both: Both) -> None:
    connection = both.connect()
    tagged = ("connect", "aws", *CLUSTER, *both.network, "--tag", "team=orders")
    assert re.search(r"differs +.*team", both(*tagged).stdout)
    said = both.fails(7, *tagged, "--on-drift", "error")
    assert connection["cloud_endpoint_id"] in said
    assert "team" in said
    assert "updated" in both(*tagged, "--on-drift", "update").stdout
    (endpoint,) = both.ec2.vpc_endpoints()
    assert endpoint["tags"]["team"] == "orders"


def test_a_vpc_endpoint_of_ones_own(both: Both) -> None:
    own = "vpce-0a0b0c0d0e0f01234"
    connection = both.result("connect", "aws", "--instance", INSTANCE, "--vpc-endpoint-id", own)
    assert connection["cloud_endpoint_id"] == own
    assert both.ec2.calls == []


def test_interrupted_it_says_what_is_there_and_the_same_command_resumes() -> None:
    with AtlasEmulator(clock="driven") as emulator, LocalEc2(emulator) as ec2:
        both = Both(emulator, ec2)
        words = ("connect", "aws", "--instance", INSTANCE, *both.network, "--tag", "note=it's mine", "-o", "value")
        process = both.until("RESERVATION_REQUESTED", *words, "--timeout", "300")
        (reserved,) = emulator.endpoints()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, "")
        assert f"endpoint {reserved['_id']}" in err
        command = resuming(err)
    with AtlasEmulator(speed=300) as emulator, LocalEc2(emulator) as ec2:
        other = Both(emulator, ec2)
        command = command.replace(both.network[1], other.network[1])
        resumed = run_in_shell(command, other.environment)
        assert resumed.returncode == 0, resumed.stderr
        assert resumed.stdout.startswith("mongodb+srv://")


def test_usage_is_checked_before_anything_is_sent(both: Both) -> None:
    here = ("aws", "--instance", INSTANCE)
    azure, gcp = ("azure", "--instance", INSTANCE), ("gcp", *CLUSTER)
    wrong: dict[tuple[str, ...], str] = {
        ("connect",): "CLOUD",
        ("connect", "ibm"): "invalid choice: 'ibm'",
        ("connect", *here, *both.network, "--cloud", "aws"): "unrecognized arguments: --cloud",
        ("connect", "aws", *both.network): "--cluster",
        ("connect", *here): "--vpc-id or --subnet-id is needed",
        ("connect", *here, "--vpc-id", "x"): "--vpc-id must look like",
        ("connect", *here, "--subnet-id", "subnet-0123456789abcdef0,x"): "--subnet-id must look like",
        ("connect", *here, "--vpc-endpoint-id", "x"): "--vpc-endpoint-id",
        ("connect", *here, *both.network, "--vpc-endpoint-id", "vpce-1"): "--vpc-id cannot be used with",
        ("connect", *here, *both.network, "--tag", "x"): "--tag",
        ("connect", *here, *both.network, "--external-id", "x"): "--external-id goes with --role-arn",
        ("connect", *here, "--cluster", "Cluster0"): "--cluster",
        ("connect", *here, *both.network, "--network", "n"): "--network",
        ("connect", *here, *both.network, "--on-drift", "x"): "--on-drift",
        ("connect", *here, *both.network, "--made-by", "a b"): "--made-by",
        ("connect", *azure): "--subnet-id",
        ("connect", *azure, "--subnet-id", "x"): "--subnet-id must be a subnet's full resource id",
        ("connect", *gcp, "--network", "n", "--subnetwork", "s"): "--gcp-project-id",
        ("connect", "gcp", "--instance", "I"): "--cluster",
        ("disconnect", "aws", *both.network): "--cluster, --instance or --region is needed",
        ("disconnect", *here, *both.network, "--keep-service", "--delete-service"): "not allowed with",
        ("disconnect", *here, *both.network, "--tag", "a=b"): "--tag",
        ("iam-policy", "--account-id", "1"): "--account-id must be 12 digits",
    }
    for words, reason in wrong.items():
        said = both.fails(2, *words)
        assert reason in said, (words, said)
    assert both.emulator.stats().requests == 0
    assert both.ec2.calls == []


def test_what_the_cloud_refuses_is_4(both: Both) -> None:
    both.ec2.fail("CreateVpcEndpoint", code="UnauthorizedOperation", message="You are not.", status=403, times=5)
    said = both.fails(4, "connect", "aws", "--instance", INSTANCE, *both.network, "-q")
    (endpoint,) = both.emulator.endpoints()
    assert endpoint["_id"] in said
    assert "iam-policy" in said


def test_the_policy_is_json(both: Both) -> None:
    done = both("iam-policy", "--region", "eu-west-1", "--account-id", "123456789012")
    assert json.loads(done.stdout)["Version"] == "2012-10-17"
    assert ":eu-west-1:123456789012:" in done.stdout
    assert both.emulator.stats().requests == 0


def test_debug_shows_each_request_and_step_on_one_line(both: Both) -> None:
    done = both("connect", "aws", *CLUSTER, *both.network, "--debug", "-q", "-o", "json")
    assert json.loads(done.stdout)["cloud_endpoint_id"]
    lines = done.stderr.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3} ", line) for line in lines)
    assert any(both.emulator.base_url in line and "HTTP 201" in line for line in lines)
    assert any("CreateVpcEndpoint" in line for line in lines)
    assert any("create the endpoint service done" in line for line in lines)
    quiet = both("list", "--instance", INSTANCE, "-q")
    assert quiet.stderr == ""
