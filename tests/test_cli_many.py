"""`connect many`: several networks of a list, with a local Atlas and a local EC2."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cli_sides
import pytest
from cli_sides import CLUSTER, Both
from commands import resuming

both = cli_sides.both


def test_many_networks_of_a_list(both: Both, tmp_path: Path) -> None:
    networks: list[dict[str, Any]] = [
        {"cloud": "aws", "vpc_id": both.network[1]},
        {"cloud": "aws", "vpc_id": both.ec2.add_vpc(cidr="10.9.0.0/16"), "tags": {"team": "orders"}},
    ]
    path = tmp_path / "networks.json"
    path.write_text(json.dumps(networks))
    many = ("connect", "many", str(path), *CLUSTER)
    plan = both(*many, "--plan", "-q").stdout
    assert plan.count("Plan: nothing was created or changed") == 2
    assert both.endpoint_ids() == []
    summary = both(*many)
    assert summary.returncode == 0, summary.stderr
    header, *rows = [re.split("  +", line) for line in summary.stdout.splitlines()]
    assert header == ["NETWORK", "REGION", "STATUS", "ENDPOINT", "SRV"]
    assert [row[:4] for row in rows] == [[one["vpc_id"], "AWS us-east-1", "AVAILABLE", "created"] for one in networks]
    assert all(row[4].startswith("mongodb+srv://") for row in rows)
    assert len({row[4] for row in rows}) == 2
    for one in networks:
        assert re.search(rf"\] {one['vpc_id']}: 7/7 wait for the connection string: mongodb", summary.stderr)
    tags = {one["vpc_id"]: one["tags"].get("team") for one in both.ec2.vpc_endpoints()}
    assert tags == {networks[0]["vpc_id"]: None, networks[1]["vpc_id"]: "orders"}
    again = both(
        "connect", "many", "-", *CLUSTER, "-q", "-o", "json", standard_input=json.dumps({"networks": networks})
    )
    assert [one["cloud_endpoint_origin"] for one in json.loads(again.stdout)] == ["adopted", "adopted"]
    strings = both(*many, "-q", "-o", "value").stdout.split()
    assert strings == [row[4] for row in rows]


def test_many_networks_in_toml(both: Both, tmp_path: Path) -> None:
    pytest.importorskip("tomllib", reason="Python 3.11 has it")
    path = tmp_path / "networks.toml"
    path.write_text(f'[[networks]]\ncloud = "aws"\nvpc_id = "{both.network[1]}"\ntags = {{ team = "orders" }}\n')
    (connection,) = both.result("connect", "many", str(path), *CLUSTER)
    assert connection["connection_strings"]["srv"]
    path.write_text("[[networks]\n")
    assert "is not valid TOML" in both.fails(2, "connect", "many", str(path), *CLUSTER)


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("", ["is not valid JSON"]),
        ("[]", ["must have at least one network"]),
        ('{"network": []}', ["must have at least one network"]),
        ('[{"cloud": "aws", "cloud": "gcp"}]', ["'cloud' is there twice"]),
        ('[{"vpc_id": "x"}]', ["entry 1: cloud must be one of aws, azure, gcp; it is missing"]),
        ('[{"cloud": "ibm"}, 5]', ["entry 1: cloud must be one of aws, azure, gcp; got 'ibm'", "entry 2: "]),
        ('[{"cloud": "aws", "vpc_idd": "x"}]', ["entry 1: aws: unknown key 'vpc_idd'", "vpc_id,"]),
        ('[{"cloud": "aws", "vpc_id": "x"}]', ["entry 1: aws: vpc_id must look like vpc-"]),
        ('[{"cloud": "aws", "vpc_id": 5, "tags": ["x"]}]', ["vpc_id must be a string", "tags must be an object"]),
        ('[{"cloud": "aws", "subnet_ids": "x"}]', ["subnet_ids must be a list of strings, got 'x'"]),
        ('[{"cloud": "aws", "vpc_endpoint": "vpce-1", "vpc_id": "x"}]', ["vpc_id cannot be used with vpc_endpoint"]),
        ('[{"cloud": "azure", "region": "x"}]', ["--region", "subnet_id is missing"]),
        ('[{"cloud": "gcp", "port_mapping": "no"}]', ["port_mapping must be true or false", "project is missing"]),
    ],
)
def test_a_list_is_checked_before_anything_is_sent(both: Both, tmp_path: Path, text: str, reasons: list[str]) -> None:
    path = tmp_path / "networks.json"
    path.write_text(text)
    said = both.fails(2, "connect", "many", str(path), *CLUSTER)
    for reason in reasons:
        assert reason in said
    assert "cannot read" in both.fails(2, "connect", "many", str(tmp_path / "none.json"), *CLUSTER)
    assert both.emulator.stats().requests == 0
    assert both.ec2.calls == []


def test_one_of_many_fails_and_the_others_are_in_the_summary(both: Both, tmp_path: Path) -> None:
    second = both.ec2.add_vpc(cidr="10.9.0.0/16")
    networks: list[dict[str, str]] = [{"cloud": "aws", "vpc_id": both.network[1]}, {"cloud": "aws", "vpc_id": second}]
    path = tmp_path / "networks.json"
    path.write_text(json.dumps(networks))
    many = ("connect", "many", str(path), *CLUSTER)
    both.connect()
    # what only tries whether it is allowed passes
    both.ec2.fail("CreateVpcEndpoint", code="UnauthorizedOperation", status=403, after=1, times=9)
    done = both(*many, "-o", "json")
    assert done.returncode == 4
    good, bad = json.loads(done.stdout)
    assert good["connection_strings"]["srv"]
    assert "error" not in good
    assert "iam-policy" in bad["error"]
    error, _ = done.stderr.splitlines()[-2:]
    assert "1 of 2 networks" in error
    assert second in error
    assert " ".join(many) in resuming(done.stderr)
    both.ec2.forget_faults()
    both.ec2.fail("CreateVpcEndpoint", code="UnauthorizedOperation", status=403, after=1, times=9)
    table = both(*many, "-q").stdout
    assert re.search(rf"{both.network[1]} .* AVAILABLE .*mongodb", table)
    assert re.search(rf"{second} .* FAILED ", table)
    both.ec2.forget_faults()
    assert [one["status"] for one in both.result(*many)] == ["AVAILABLE", "AVAILABLE"]


def test_a_failed_check_of_one_network_creates_none(both: Both, tmp_path: Path) -> None:
    second = both.ec2.add_vpc(cidr="10.9.0.0/16")
    for subnet_id in both.ec2.subnet_ids(vpc_id=second):
        both.ec2.exhaust_subnet(subnet_id)
    networks = [{"cloud": "aws", "vpc_id": both.network[1]}, {"cloud": "aws", "vpc_id": second}]
    path = tmp_path / "networks.json"
    path.write_text(json.dumps(networks))
    for more in ((), ("--plan",)):
        done = both("connect", "many", str(path), *CLUSTER, *more)
        assert done.returncode == 7
        assert second in done.stderr.splitlines()[-1]
        assert ("✗ subnets" in done.stdout) == bool(more)
    assert both.endpoint_ids() == []
    assert both.emulator.endpoint_services() == []
