"""`dag.test()` of every operator and the sensor, waiting on the worker and in the triggerer."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from cloud_sides import Sides

DAGS_FOLDER = Path(__file__).parent / "dags"
sys.path.insert(0, str(DAGS_FOLDER))

MODES = ["waiting", "deferrable"]
# the next try of a task that was deferred gets the old event once more in Airflow 3.0's `dag.test()`, and only there
RETRIED_MODES = MODES if not version("apache-airflow").startswith("3.0.") else ["waiting"]

pytestmark = pytest.mark.usefixtures("airflow_home")


class Outcome:
    """What `dag.test()` came to."""

    def __init__(self, dag_id: str, conf: dict[str, Any]) -> None:
        from every_operator import DAGS

        self._run = DAGS[dag_id].test(run_conf=conf)
        self.state = str(self._run.state)
        self._instances = {one.task_id: one for one in self._run.get_task_instances()}
        self.states = {name: str(one.state) for name, one in self._instances.items()}
        self.tries = {name: one.try_number for name, one in self._instances.items()}

    def xcom(self, task_id: str, key: str = "return_value") -> Any:
        """What a task has stored."""
        url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            where = "dag_id = ? and run_id = ? and task_id = ? and key = ?"
            found = database.execute(
                f"select value from xcom where {where}", (self._run.dag_id, self._run.run_id, task_id, key)
            )
            value = json.loads(found.fetchone()[0])
        # Airflow 3 may store the text of what it serialises
        return json.loads(value) if isinstance(value, str) and value[:1] in '{["' else value


@pytest.mark.parametrize("mode", MODES)
def test_create_wait_and_delete(both: Sides, group_id: str, mode: str) -> None:
    outcome = Outcome(f"create_and_delete_{mode}", {"group_id": group_id})
    assert set(outcome.states.values()) == {"success"}, outcome.states
    endpoint = outcome.xcom("create_endpoint")
    assert endpoint["status"] == "RESERVED"
    assert endpoint["endpoint_service_name"].startswith("com.amazonaws.vpce.us-east-1.vpce-svc-")
    assert outcome.xcom("create_endpoint", "endpoint_id") == endpoint["id"]
    assert outcome.xcom("endpoint_is_ready") == endpoint
    assert outcome.xcom("service_is_ready")["id"] == outcome.xcom("create_service")["id"]
    assert both.atlas.endpoints(group_id) == []
    assert both.of_atlas(group_id) == []
    # the endpoint and the service
    assert both.atlas.stats().endpoints_made == 2


@pytest.mark.parametrize("mode", MODES)
def test_connect_and_disconnect(both: Sides, group_id: str, mode: str) -> None:
    outcome = Outcome(f"connect_and_disconnect_{mode}", {"group_id": group_id, "vpc_id": both.ec2.vpc_id()})
    assert set(outcome.states.values()) == {"success"}, outcome.states
    assert [call for call in both.ec2.calls if call.startswith("Create")] == ["CreateVpcEndpoint"] * 2
    for name in ("Cluster0", "Instance0"):
        connection = outcome.xcom(f"connect_{name}")
        assert connection["srv"].startswith("mongodb+srv://")
        assert connection["connection_strings"]["srv"] == connection["srv"]
        assert connection["cloud_endpoint_id"].startswith("vpce-")
        for key in ("cloud_endpoint_id", "endpoint_service_name"):
            assert outcome.xcom(f"connect_{name}", key) == connection[key]
        page = outcome.xcom(f"connect_{name}", "_link_AwsConsoleLink")
        assert page.endswith(f"?region=us-east-1#EndpointDetails:vpcEndpointId={connection['cloud_endpoint_id']}")
        page = outcome.xcom(f"connect_{name}", "_link_AtlasLink")
        assert page == f"{both.atlas.base_url}/v2/{group_id}#/security/network/privateEndpoint"
    assert both.of_atlas(group_id) == []
    assert both.ec2.vpc_endpoints() == []


@pytest.mark.parametrize("mode", RETRIED_MODES)
def test_another_try_goes_on_with_what_the_first_has_made(group_id: str, slow: Sides, mode: str) -> None:
    # the first try's three seconds are over before the reservation is
    outcome = Outcome(f"create_alone_{mode}", {"group_id": group_id, "instance_name": "Instance0"})
    assert outcome.states == {"create_endpoint": "success"}
    assert slow.atlas.stats().endpoints_made == 1
    assert outcome.xcom("create_endpoint")["status"] == "RESERVED"


def test_an_answer_that_was_lost_makes_no_second_endpoint(both: Sides, group_id: str) -> None:
    both.atlas.fault("reset_after_handler", method="POST", authenticated=True, times=1)
    outcome = Outcome("create_alone_waiting", {"group_id": group_id, "instance_name": "Instance0"})
    assert outcome.states == {"create_endpoint": "success"}
    (endpoint,) = both.atlas.endpoints(group_id)
    assert outcome.xcom("create_endpoint", "endpoint_id") == endpoint["_id"]


@pytest.mark.parametrize("mode", MODES)
def test_what_breaks_a_rule_is_said_once_and_not_sent(
    both: Sides, group_id: str, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    conf = {"group_id": group_id, "instance_name": "Instance0", "comment": "x" * 80}
    outcome = Outcome(f"create_alone_{mode}", conf)
    assert outcome.states == {"create_endpoint": "failed"}
    assert outcome.tries == {"create_endpoint": 1}
    assert "ValidationError: comment" in "".join(capfd.readouterr())
    assert both.atlas.stats().requests == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_key_is_said_without_a_secret(
    both: Sides, group_id: str, mode: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "0b1c2d3e-wrong-key-4f5a6b7c"
    connection = {"conn_type": "mongodbatlas", "login": both.atlas.public_key, "password": secret}
    monkeypatch.setenv("AIRFLOW_CONN_ATLAS_DEFAULT", json.dumps({**connection, "host": both.atlas.base_url}))
    outcome = Outcome(f"create_alone_{mode}", {"group_id": group_id, "instance_name": "Instance0"})
    assert outcome.states == {"create_endpoint": "failed"}
    shown = "".join(capfd.readouterr())
    assert "AuthenticationError" in shown
    # Airflow's own messages on what it is to mask, which 3.0 and 3.1 log in `dag.test()`, are not ours
    assert secret not in "".join(line for line in shown.splitlines() if "MaskSecret" not in line)


@pytest.mark.parametrize("mode", RETRIED_MODES)
def test_what_atlas_gives_up_fails_the_try_and_the_next_one_makes_another(
    both: Sides, group_id: str, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    both.atlas.fail_next_endpoint("no capacity in this zone")
    outcome = Outcome(f"create_alone_{mode}", {"group_id": group_id, "instance_name": "Instance0"})
    assert "no capacity in this zone" in "".join(capfd.readouterr())
    assert outcome.states == {"create_endpoint": "success"}
    assert outcome.tries == {"create_endpoint": 2}
    assert sorted(one["status"] for one in both.atlas.endpoints(group_id)) == ["FAILED", "RESERVED"]


def test_stopped_while_it_waits_it_says_what_is_left_behind(slow: Sides, group_id: str, tmp_path: Path) -> None:
    conf = {"group_id": group_id, "vpc_id": slow.ec2.vpc_id()}
    code = f"from every_operator import DAGS; DAGS['connect_alone_waiting'].test(run_conf={conf!r})"
    output = tmp_path / "output"
    with output.open("wb") as file:
        command = [sys.executable, "-c", code]
        task = subprocess.Popen(command, cwd=DAGS_FOLDER, stdout=file, stderr=subprocess.STDOUT)
        await_truth(lambda: slow.of_atlas(group_id) != [])
        time.sleep(1)
        task.send_signal(signal.SIGTERM)
        task.wait(60)
    ((service_id, _, _),) = slow.of_atlas(group_id)
    assert f"Left behind in project {group_id}, Cluster0: endpoint service id {service_id}" in output.read_text()


def await_truth(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    while not condition():
        time.sleep(0.05)
