"""The example DAGs, against a local Atlas and a local EC2."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from cloud_sides import Sides
from dag_test import Outcome, outcome_of, shown_by

pytestmark = pytest.mark.usefixtures("airflow_home")


def run(name: str, both: Sides, **params: Any) -> Outcome:
    """What an example comes to, with these parameters."""
    module = import_module(name)
    dag = getattr(module, "dag", None)
    if not hasattr(dag, "test"):
        dag = getattr(module, name)()
    return outcome_of(dag, {"vpc_id": both.ec2.vpc_id(), **params})


def test_a_list_of_deployments(both: Sides, group_id: str) -> None:
    deployments = [{"cluster_name": "Orders"}, {"instance_name": "Reports"}]
    outcome = run("connect_deployments", both, project_id=group_id, deployments=deployments)
    assert set(outcome.states.values()) == {"success"}, outcome.states
    shown = outcome.xcom("show")
    assert sorted(shown) == ["Orders", "Reports"]
    assert all(srv.startswith("mongodb+srv://") for srv in shown.values())
    assert len(both.ec2.vpc_endpoints()) == 2


def test_an_endpoint_for_one_run(both: Sides, group_id: str, capfd: pytest.CaptureFixture[str]) -> None:
    outcome = run("endpoint_for_one_run", both, project_id=group_id, cluster_name="Orders")
    assert set(outcome.states.values()) == {"success"}, outcome.states
    assert f"MongoClient({outcome.xcom('connect')['srv']!r})" in capfd.readouterr().out
    assert both.of_atlas(group_id) == []
    assert both.ec2.vpc_endpoints() == []


def test_an_endpoint_for_one_run_leaves_one_that_was_there(
    both: Sides, group_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    in_production = both.connect(group_id, cluster_name="Orders", region="us-east-1")
    outcome = run("endpoint_for_one_run", both, project_id=group_id, cluster_name="Orders")
    assert outcome.states == {"connect": "success", "use": "success", "disconnect": "skipped"}
    assert outcome.xcom("connect")["srv"] == in_production.srv
    assert f"did not create {in_production.cloud_endpoint_id}" in shown_by(capfd)
    both.assert_connected_once(group_id, in_production)


def test_an_endpoint_for_one_run_leaves_a_service_that_was_there(
    both: Sides, group_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with both.atlas.client() as atlas:
        service_id = atlas.dedicated.create_service(group_id, "AWS", "us-east-1").id
    outcome = run("endpoint_for_one_run", both, project_id=group_id, cluster_name="Orders")
    assert outcome.states == {"connect": "success", "use": "success", "disconnect": "failed"}
    assert "delete_service=True" in shown_by(capfd)
    assert [one[:2] for one in both.of_atlas(group_id)] == [(service_id, "AVAILABLE")]
    assert both.known_to_atlas(group_id) == [outcome.xcom("connect")["cloud_endpoint_id"]]


def test_a_serverless_instance_step_by_step(both: Sides, group_id: str) -> None:
    params = {"instance_name": "Reports", "vpc_endpoint_id": "vpce-0123456789abcdef0"}
    outcome = run("serverless_step_by_step", both, project_id=group_id, **params)
    assert set(outcome.states.values()) == {"success"}, outcome.states
    assert outcome.xcom("available")["cloud_provider_endpoint_id"] == params["vpc_endpoint_id"]
    assert both.atlas.endpoints(group_id) == []
