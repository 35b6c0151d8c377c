"""`connect` and `disconnect` as commands on every cloud, in this process: the SDKs of Azure and Google Cloud have no
environment variable that leads to a local server."""

from __future__ import annotations

import json
import re
import warnings
from importlib import import_module
from inspect import signature
from typing import Any

import cli_sides
import pytest
from cli_sides import CLUSTER, Both
from support import GROUP_ID

from atlas_privatelink.cli import main
from atlas_privatelink.models import Connection
from atlas_privatelink.testing import AtlasEmulator

both = cli_sides.both


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
