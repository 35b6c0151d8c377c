"""`connect`, `disconnect` and `iam-policy` as commands, with a local Atlas and local clouds."""

from __future__ import annotations

import json
import re
import signal
import warnings
from collections.abc import Iterator
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from commands import Shell, resuming, run_in_shell
from support import GROUP_ID, INSTANCE

from atlas_privatelink.cli import main
from atlas_privatelink.models import Connection
from atlas_privatelink.testing import AtlasEmulator

pytest.importorskip("moto.server", reason="the extra demo is not installed")

from atlas_privatelink.testing.ec2 import LocalEc2

CLUSTERS = [
    {"name": "Cluster0", "provider": "AWS", "regions": ["us-east-1"]},
    {"name": "Orders", "provider": "AWS", "regions": ["us-east-1"]},
]
CLUSTER = ("--cluster", "Cluster0")


class Both(Shell):
    """The command with both sides, and what names the VPC."""

    def __init__(self, emulator: AtlasEmulator, ec2: LocalEc2) -> None:
        super().__init__(emulator)
        self.ec2 = ec2
        self.environment.update(ec2.environment())
        self.network = ("--vpc-id", ec2.vpc_id())

    def connect(self, *words: str) -> Any:
        """Connects Cluster0; the result as JSON."""
        return self.result("connect", "aws", *CLUSTER, *self.network, "-q", *words)

    def endpoint_ids(self) -> list[str]:
        """The VPC endpoints that are not deleted."""
        return [one["id"] for one in self.ec2.vpc_endpoints()]

    def deletions(self) -> list[str]:
        """Everything that was asked to be deleted, on both sides."""
        requests = [one.target for one in self.emulator.requests() if one.method == "DELETE"]
        return requests + [call for call in self.ec2.calls if call == "DeleteVpcEndpoints"]


@pytest.fixture
def both() -> Iterator[Both]:
    """Time flies; whatever was shown is looked through for secrets in the end."""
    with AtlasEmulator(speed=300, clusters=CLUSTERS) as emulator, LocalEc2(emulator) as ec2:
        both = Both(emulator, ec2)
        yield both
        for name in ("MONGODB_ATLAS_PRIVATE_API_KEY", "AWS_SECRET_ACCESS_KEY"):
            assert both.environment[name] not in both.shown


# connect


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


# disconnect


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


# Several networks


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


# The other clouds, in this process: their SDKs have no environment variable that leads to a local server


def azure_words(emulator: AtlasEmulator, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A local Azure behind `AzureCloud`, and what names its network."""
    pytest.importorskip("azure.mgmt.network", reason="the extra azure is not installed")
    module = import_module("atlas_privatelink.clouds.azure")
    local = import_module("atlas_privatelink.testing.azure").LocalAzure(emulator)
    real: Any = module.AzureCloud

    def made(subnet_id: str, **options: Any) -> Any:
        return real(subnet_id, **{**options, "client": local.client(in_process=True)})

    monkeypatch.setattr(module, "AzureCloud", made)
    return ("--subnet-id", local.subnet_id())


def gcp_words(emulator: AtlasEmulator, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A local Google Cloud behind `GcpCloud`, and what names its network."""
    pytest.importorskip("google.cloud.compute_v1", reason="the extra gcp is not installed")
    module = import_module("atlas_privatelink.clouds.gcp")
    local = import_module("atlas_privatelink.testing.gcp").LocalGcp(emulator)
    real: Any = module.GcpCloud

    def made(*arguments: Any, **options: Any) -> Any:
        return real(*arguments, **{**options, **local.clients(), "client_options": None})

    monkeypatch.setattr(module, "GcpCloud", made)
    return ("--gcp-project-id", local.project, "--network", "vpc", "--subnetwork", "db")


@pytest.mark.parametrize("cloud", ["azure", "gcp"])
def test_plans_of_other_clouds(cloud: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    region, kind, words = {
        "azure": ("eastus2", "private endpoint", azure_words),
        "gcp": ("us-central1", "forwarding rule", gcp_words),
    }[cloud]
    cluster = {"name": "Cluster0", "provider": cloud.upper(), "regions": [region]}
    with AtlasEmulator(speed=300, clusters=[cluster]) as emulator:
        for name, value in {**emulator.environment(), "MONGODB_ATLAS_PROJECT_ID": GROUP_ID}.items():
            monkeypatch.setenv(name, value)
        network = words(emulator, monkeypatch)

        def run(*given: str) -> str:
            code = main([*given, *CLUSTER, *network, "-q"])
            shown = capsys.readouterr()
            assert code == 0, shown.err
            return shown.out

        plan = run("connect", cloud, "--plan")
        assert re.search(rf"create the cloud endpoint +create a {kind}", plan)
        assert "✓ cluster" in plan
        assert re.search(r"Billed by the hour:\n  MongoDB: .*\n  \w", plan)
        connection = json.loads(run("connect", cloud, "-o", "json"))
        doomed = run("disconnect", cloud, "--plan")
        assert "3 resources would be deleted" in doomed
        assert re.search(rf"{kind} +{re.escape(connection['cloud_endpoint_id'])}\n", doomed)
        assert "lose their private connection string:\n  Cluster0\n" in doomed
        assert json.loads(run("disconnect", cloud, "--force", "-o", "json"))["deletions"]
        assert emulator.endpoint_services() == []


def test_a_warning_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with AtlasEmulator(
        speed=300, clusters=[{"name": "Cluster0", "provider": "GCP", "regions": ["us-central1"]}]
    ) as atlas:
        for name, value in {**atlas.environment(), "MONGODB_ATLAS_PROJECT_ID": GROUP_ID}.items():
            monkeypatch.setenv(name, value)
        network = gcp_words(atlas, monkeypatch)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            assert main(["connect", "gcp", *CLUSTER, *network, "--no-port-mapping", "--plan", "-q"]) == 0
        shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert line.startswith("atlas-privatelink: warning: ")
    assert "2027-04-30" in line
    assert "create a forwarding rule for each service attachment" in shown.out


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
@pytest.mark.parametrize("function", ["connect", "disconnect"])
def test_every_option_reaches_its_cloud(
    both: Both, cloud: str, function: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[str, Any] = {}
    all_values: dict[str, dict[str, Any]] = {
        "aws": {
            "region": "us-east-1",
            "vpc_id": "vpc-1",
            "vpc_region": "us-west-2",
            "subnet_ids": ["subnet-1", "subnet-2", "subnet-3"],
            "security_group_ids": ["sg-1", "sg-2"],
            "tags": {"team": "orders"},
            "name": "second",
            "comment": "mine",
            "profile": "prod",
            "role_arn": "arn:aws:iam::123456789012:role/network",
            "external_id": "x1",
            "vpc_endpoint": "vpce-1",
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
            "port_mapping": False,
            "global_access": False,
            "ip_address": "10.0.0.9",
            "labels": {"team": "orders"},
        },
    }
    options = {
        "subnet_ids": ["--subnet-id", "subnet-1,subnet-2", "--subnet-id", "subnet-3"],
        "security_group_ids": ["--security-group-id", "sg-1,sg-2"],
        "tags": ["--tag", "team=orders"],
        "labels": ["--label", "team=orders"],
        "profile": ["--aws-profile", "prod"],
        "vpc_endpoint": ["--vpc-endpoint-id", "vpce-1"],
        "project": ["--gcp-project-id", "orders-1234"],
        "port_mapping": ["--no-port-mapping"],
        "global_access": ["--no-global-access"],
    }
    module = import_module(f"atlas_privatelink.{cloud}")
    taken = signature(getattr(module, function)).parameters
    values = {name: value for name, value in all_values[cloud].items() if name in taken}
    words = [word for name in values for word in options.get(name, [f"--{name.replace('_', '-')}", str(values[name])])]

    def called(group_id: str, **arguments: Any) -> Connection:
        assert set(arguments) <= set(taken)
        given.update(arguments, group_id=group_id)
        return Connection(group_id, cloud_endpoint_id="made", planned=True)

    monkeypatch.setattr(module, function, called)
    for name, value in both.environment.items():
        monkeypatch.setenv(name, value)
    flags = {
        "connect": ["--on-drift", "update", "--replace-failed", "--made-by", "run-1"],
        "disconnect": ["--delete-service", "--delete-adopted", "--force"],
    }[function]
    all_more: dict[str, dict[str, Any]] = {
        "connect": {"on_drift": "update", "replace_failed": True, "made_by": "run-1"},
        "disconnect": {"delete_service": True, "delete_adopted": True, "confirm": None},
    }
    assert main([function, cloud, "--cluster", "Cluster0", *words, *flags, "--plan", "--timeout", "9", "-ojson"]) == 0
    assert json.loads(capsys.readouterr().out)["cloud_endpoint_id"] == "made"
    expected = {
        **values,
        **all_more[function],
        "cluster_name": "Cluster0",
        "timeout": 9.0,
        "group_id": GROUP_ID,
        "plan": True,
    }
    assert {name: given[name] for name in expected} == expected
    # whatever else it takes is for Python alone
    rest = set(taken) - set(given)
    assert rest <= {"session", "client", "credential", "credentials", "client_options", "resume"}
    if function == "disconnect":
        given.clear()
        assert main([function, cloud, "--cluster", "Cluster0", *words, "--keep-service", "--plan"]) == 0
        assert given["delete_service"] is False
        assert callable(given["confirm"])
