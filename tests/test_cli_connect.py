"""`connect`, `disconnect` and `iam-policy` as commands, with a local Atlas and a local EC2."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from importlib import import_module
from inspect import signature
from typing import Any

import pytest
from commands import Shell, resuming, run_in_shell
from support import GROUP_ID, INSTANCE

from atlas_privatelink.cli import main
from atlas_privatelink.models import Connection
from atlas_privatelink.testing import AtlasEmulator

pytest.importorskip("moto.server", reason="the extra demo is not installed")

from atlas_privatelink.testing.ec2 import LocalEc2


class Both(Shell):
    """The command with both sides, and what names the VPC."""

    def __init__(self, emulator: AtlasEmulator, ec2: LocalEc2) -> None:
        super().__init__(emulator)
        self.ec2 = ec2
        self.environment.update(ec2.environment())
        self.network = ("--vpc-id", ec2.vpc_id())


@pytest.fixture
def both() -> Iterator[Both]:
    """Time flies; whatever was shown is looked through for secrets in the end."""
    with AtlasEmulator(speed=300) as emulator, LocalEc2(emulator) as ec2:
        both = Both(emulator, ec2)
        yield both
        for name in ("MONGODB_ATLAS_PRIVATE_API_KEY", "AWS_SECRET_ACCESS_KEY"):
            assert both.environment[name] not in both.shown


@pytest.mark.parametrize("deployment", [("--instance", INSTANCE), ("--cluster", "Cluster0")])
def test_there_and_back(both: Both, deployment: tuple[str, str]) -> None:
    plan = both("connect", *deployment, *both.network, "--plan", "-o", "json")
    assert plan.returncode == 0, plan.stderr
    assert json.loads(plan.stdout)["planned"] is True
    assert both.ec2.vpc_endpoints() == []
    assert both.emulator.stats().endpoints_made == 0

    tags = ("--tag", "team=orders", "--tag", "cost-centre=a=b")
    connected = both("connect", *deployment, *both.network, *tags, "-o", "value")
    assert connected.returncode == 0, connected.stderr
    assert connected.stdout.startswith("mongodb+srv://")
    assert len(connected.stdout.splitlines()) == 1
    for number in range(1, 7):
        assert f" {number}/6 " in connected.stderr
    (endpoint,) = both.ec2.vpc_endpoints()
    assert endpoint["tags"]["team"] == "orders"
    assert endpoint["tags"]["cost-centre"] == "a=b"

    again = both("connect", *deployment, *both.network, "-q", "-o", "json")
    assert again.stderr == ""
    connection = json.loads(again.stdout)
    assert connection["connection_strings"]["srv"] == connected.stdout.strip()
    assert connection["cloud_endpoint_id"] == endpoint["id"]
    table = both("connect", *deployment, *both.network, "-q").stdout
    assert connected.stdout.strip() in table
    assert "6. wait for the connection string" in table

    assert "--force" in both.fails(2, "disconnect", *deployment, *both.network)
    gone = both.result("disconnect", *deployment, *both.network, "--force")
    assert gone["steps"][0]["action"] == "delete"
    assert both.ec2.vpc_endpoints() == []
    assert both.emulator.endpoints() == []


def test_a_vpc_endpoint_of_ones_own(both: Both) -> None:
    own = "vpce-0a0b0c0d0e0f01234"
    connection = both.result("connect", "--instance", INSTANCE, "--vpc-endpoint-id", own)
    assert connection["cloud_endpoint_id"] == own
    assert both.ec2.calls == []


def test_interrupted_it_says_what_is_there_and_the_same_command_goes_on() -> None:
    with AtlasEmulator(clock="driven") as emulator, LocalEc2(emulator) as ec2:
        both = Both(emulator, ec2)
        words = ("connect", "--instance", INSTANCE, *both.network, "--tag", "note=it's mine", "-o", "value")
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


def test_usage_is_checked_before_anything_is_asked_for(both: Both) -> None:
    here = ("--instance", INSTANCE)
    wrong: dict[tuple[str, ...], str] = {
        ("connect", *here): "--vpc-id or --subnet-id is needed",
        ("connect", *here, "--vpc-id", "x"): "--vpc-id must look like",
        ("connect", *here, "--subnet-id", "subnet-0123456789abcdef0,x"): "--subnet-id must look like",
        ("connect", *here, "--vpc-endpoint-id", "x"): "--vpc-endpoint-id",
        ("connect", *here, *both.network, "--tag", "x"): "--tag",
        ("connect", *here, "--cluster", "Cluster0"): "--cluster",
        ("connect", *here, *both.network, "--network", "n"): "--network is not for aws",
        ("connect", *here, "--cloud", "azure"): "azure needs --subnet-id",
        ("connect", *here, "--cloud", "azure", "--subnet-id", "a,b"): "azure takes one --subnet-id",
        ("connect", *here, "--cloud", "azure", "--subnet-id", "x"): "--subnet-id must be a subnet's full resource id",
        ("connect", *here, "--cloud", "gcp"): "--instance is not for gcp",
        ("connect", "--cluster", "C", "--cloud", "gcp", "--region", "us-central1"): "gcp needs --gcp-project-id",
        ("disconnect", *here, *both.network): "--force",
        ("iam-policy", "--account-id", "1"): "--account-id must be 12 digits",
    }
    for words, reason in wrong.items():
        said = both.fails(2, *words)
        assert reason in said, (words, said)
    assert both.emulator.stats().endpoints_made == 0
    assert "CreateVpcEndpoint" not in both.ec2.calls


def test_what_the_cloud_refuses_is_4(both: Both) -> None:
    both.ec2.fail("CreateVpcEndpoint", code="UnauthorizedOperation", message="You are not.", status=403, times=5)
    said = both.fails(4, "connect", "--instance", INSTANCE, *both.network, "-q")
    (endpoint,) = both.emulator.endpoints()
    assert endpoint["_id"] in said
    assert "iam-policy" in said


def test_the_policy_is_json(both: Both) -> None:
    done = both("iam-policy", "--region", "eu-west-1", "--account-id", "123456789012")
    assert json.loads(done.stdout)["Version"] == "2012-10-17"
    assert ":eu-west-1:123456789012:" in done.stdout
    assert both.emulator.stats().requests == 0


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
@pytest.mark.parametrize("function", ["connect", "disconnect"])
def test_every_option_reaches_its_cloud(
    both: Both, cloud: str, function: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[str, Any] = {}
    values = {
        "aws": {
            "region": "us-east-1",
            "vpc_id": "vpc-1",
            "subnet_ids": ["subnet-1", "subnet-2", "subnet-3"],
            "security_group_ids": ["sg-1", "sg-2"],
            "tags": {"team": "orders"},
            "comment": "mine",
            "profile": "prod",
        },
        "azure": {
            "region": "eastus2",
            "subnet_id": "/subscriptions/s",
            "resource_group": "group",
            "location": "eastus2",
            "name": "endpoint",
            "tags": {"team": "orders"},
            "comment": "mine",
            "subscription_id": "s",
        },
        "gcp": {
            "project": "orders-1234",
            "region": "us-central1",
            "network": "net",
            "subnetwork": "subnet",
            "name": "endpoint",
            "labels": {"team": "orders"},
        },
    }[cloud]
    options = {
        "subnet_ids": ["--subnet-id", "subnet-1,subnet-2", "--subnet-id", "subnet-3"],
        "security_group_ids": ["--security-group-id", "sg-1,sg-2"],
        "tags": ["--tag", "team=orders"],
        "labels": ["--tag", "team=orders"],
        "profile": ["--aws-profile", "prod"],
        "project": ["--gcp-project-id", "orders-1234"],
        "name": ["--endpoint-name", "endpoint"],
    }
    module = import_module(f"atlas_privatelink.{cloud}")
    taken = signature(getattr(module, function)).parameters
    values = {name: value for name, value in values.items() if name in taken}
    words = [word for name in values for word in options.get(name, [f"--{name.replace('_', '-')}", str(values[name])])]

    def called(group_id: str, **arguments: Any) -> Connection:
        assert set(arguments) <= set(taken)
        given.update(arguments, group_id=group_id)
        return Connection(group_id, cloud_endpoint_id="made")

    monkeypatch.setattr(module, function, called)
    for name, value in both.environment.items():
        monkeypatch.setenv(name, value)
    flag = ["--plan"] if function == "connect" else ["--keep-service", "--force"]
    code = main([function, "--cluster", "Cluster0", "--cloud", cloud, *words, *flag, "--timeout", "9", "-ovalue"])
    assert (code, capsys.readouterr().out) == (0, "made\n")
    expected = {**values, "cluster_name": "Cluster0", "timeout": 9.0, "group_id": GROUP_ID}
    assert {name: given[name] for name in expected} == expected
    assert given["plan" if function == "connect" else "keep_service"] is True
