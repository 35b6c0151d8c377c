"""`dag.test()` of every operator and the sensor, waiting on the worker and in the triggerer."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event
from typing import Any

import every_operator
import pytest
from airflow.exceptions import AirflowFailException
from cloud_sides import Sides
from connections import VARIABLE, connection_to
from dag_test import Outcome, outcome_of, shown_by
from processes import wait_until

from atlas_privatelink.airflow import AtlasCreateServerlessEndpointOperator

MODES = ["waiting", "deferrable"]
# in `dag.test()` of Airflow 3.0, and only there, the next try of a task that was deferred gets the old event once more,
# and a sensor that was rescheduled gets the time of its start as text
VERSION = tuple(map(int, version("apache-airflow").split(".")[:2]))
IS_3_0 = VERSION == (3, 0)
RETRIED_MODES = MODES if not IS_3_0 else ["waiting"]
WAYS_TO_WAIT = [way for way in every_operator.WAYS_TO_WAIT if not (IS_3_0 and way == "reschedule")]

pytestmark = pytest.mark.usefixtures("airflow_home")


@pytest.mark.parametrize("mode", MODES)
def test_create_wait_and_delete(both: Sides, group_id: str, mode: str) -> None:
    outcome = outcome_of(every_operator.DAGS[f"create_and_delete_{mode}"], {"group_id": group_id})
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


def made_by_somebody_else(what: str, idle: Sides, group_id: str) -> dict[str, str]:
    """The ids of something that is not usable yet."""
    vpc_endpoint_id = "vpce-0123456789abcdef0"
    with idle.atlas.client() as atlas:
        if what == "endpoint":
            endpoint_id = atlas.create_endpoint(group_id, "Instance0").id
            idle.atlas.advance(3600)
            atlas.update_endpoint(group_id, "Instance0", endpoint_id, cloud_provider_endpoint_id=vpc_endpoint_id)
            return {"endpoint_id": endpoint_id}
        service_id = atlas.dedicated.create_service(group_id, "AWS", "us-east-1").id
        if what == "service":
            return {"service_id": service_id}
        idle.atlas.advance(3600)
        atlas.dedicated.create_endpoint(group_id, "AWS", service_id, vpc_endpoint_id)
        return {"service_id": service_id, "endpoint_id": vpc_endpoint_id}


def watched(what: str, way: str, idle: Sides, conf: dict[str, str]) -> Outcome:
    """What the sensor comes to, if Atlas's time goes on after its second look."""
    idle.atlas.reset_stats()
    over = Event()

    def go_on_after_two_looks() -> None:
        # the first look is the worker's; where the task is deferred, the second is the triggerer's
        stats = idle.atlas.stats
        wait_until("two looks", lambda: over.is_set() or stats().answers.get(("GET", 200), 0) >= 2, pause=0.05)
        idle.atlas.advance(3600)

    with ThreadPoolExecutor() as pool:
        pool.submit(go_on_after_two_looks)
        outcome = outcome_of(every_operator.DAGS[f"watch_{what}_{way}"], conf)
        over.set()
    return outcome


@pytest.mark.parametrize("what", every_operator.OTHERS_THINGS)
@pytest.mark.parametrize("way", WAYS_TO_WAIT)
def test_the_sensor_waits(idle: Sides, group_id: str, what: str, way: str) -> None:
    ids = made_by_somebody_else(what, idle, group_id)
    outcome = watched(what, way, idle, {"group_id": group_id, **ids})
    assert outcome.states == {"watch": "success", "watch_softly": "success"}
    seen = outcome.xcom("watch")
    assert seen["status"] == "AVAILABLE"
    assert not {*ids.values()}.isdisjoint(map(str, seen.values()))


@pytest.mark.parametrize("way", WAYS_TO_WAIT)
def test_the_sensor_waits_in_vain_but_once(
    idle: Sides, group_id: str, way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    idle.atlas.fail_next_endpoint("no capacity in this zone")
    with idle.atlas.client() as atlas:
        endpoint_id = atlas.create_endpoint(group_id, "Instance0").id
    outcome = watched("endpoint", way, idle, {"group_id": group_id, "endpoint_id": endpoint_id})
    assert outcome.states == {"watch": "failed", "watch_softly": "skipped"}
    assert outcome.tries["watch"] == 1
    assert "no capacity in this zone" in shown_by(capfd)


@pytest.mark.parametrize("mode", MODES)
def test_connect_and_disconnect(both: Sides, group_id: str, mode: str) -> None:
    outcome = outcome_of(
        every_operator.DAGS[f"connect_and_disconnect_{mode}"], {"group_id": group_id, "vpc_id": both.ec2.vpc_id()}
    )
    assert set(outcome.states.values()) == {"success"}, outcome.states
    # each is tried once without creating, and created once
    assert [call for call in both.ec2.calls if call.startswith("Create")] == ["CreateVpcEndpoint"] * 4
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


@pytest.mark.skipif(VERSION < (3, 3), reason="Airflow keeps a task's state since 3.3")
@pytest.mark.parametrize("mode", MODES)
def test_another_try_knows_the_id_of_the_first_by_itself(group_id: str, slow: Sides, mode: str) -> None:
    conf = {"group_id": group_id, "instance_name": "Instance0"}
    outcome = outcome_of(every_operator.DAGS[f"create_with_changing_comment_{mode}"], conf)
    assert outcome.states == {"create_endpoint": "success"}
    assert outcome.tries == {"create_endpoint": 2}
    (endpoint,) = slow.atlas.endpoints(group_id)
    assert endpoint["comment"] == "try 1"


@pytest.mark.parametrize("mode", MODES)
def test_an_outage_of_atlas_costs_no_try(both: Sides, group_id: str, mode: str) -> None:
    # more than the client repeats
    both.atlas.fault("status", method="PATCH", status=503, times=6)
    both.atlas.fault("status", method="DELETE", status=503, times=6)
    conf = {"group_id": group_id, "vpc_id": both.ec2.vpc_id()}
    outcome = outcome_of(every_operator.DAGS[f"connect_and_disconnect_{mode}"], conf)
    assert set(outcome.states.values()) == {"success"}, outcome.states
    assert {*outcome.tries.values()} == {1}
    assert both.of_atlas(group_id) == []
    assert both.ec2.vpc_endpoints() == []


@pytest.mark.parametrize("mode", RETRIED_MODES)
def test_another_try_goes_on_with_what_the_first_has_made(group_id: str, slow: Sides, mode: str) -> None:
    # the first try's three seconds are over before the reservation is
    outcome = outcome_of(
        every_operator.DAGS[f"create_alone_{mode}"], {"group_id": group_id, "instance_name": "Instance0"}
    )
    assert outcome.states == {"create_endpoint": "success"}
    assert slow.atlas.stats().endpoints_made == 1
    assert outcome.xcom("create_endpoint")["status"] == "RESERVED"


def test_an_answer_that_was_lost_makes_no_second_endpoint(both: Sides, group_id: str) -> None:
    both.atlas.fault("reset_after_handler", method="POST", authenticated=True, times=1)
    outcome = outcome_of(
        every_operator.DAGS["create_alone_waiting"], {"group_id": group_id, "instance_name": "Instance0"}
    )
    assert outcome.states == {"create_endpoint": "success"}
    (endpoint,) = both.atlas.endpoints(group_id)
    assert outcome.xcom("create_endpoint", "endpoint_id") == endpoint["_id"]


@pytest.mark.parametrize("mode", MODES)
def test_what_breaks_a_rule_is_said_once_and_not_sent(
    both: Sides, group_id: str, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    conf = {"group_id": group_id, "instance_name": "Instance0", "comment": "x" * 80}
    outcome = outcome_of(every_operator.DAGS[f"create_alone_{mode}"], conf)
    assert outcome.states == {"create_endpoint": "failed"}
    assert outcome.tries == {"create_endpoint": 1}
    assert "ValidationError: comment" in shown_by(capfd)
    assert both.atlas.stats().requests == 0


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 1e9, "soon", timedelta(0)])
def test_a_time_limit_is_seconds(both: Sides, group_id: str, timeout: Any) -> None:
    operator = AtlasCreateServerlessEndpointOperator(
        task_id="create_endpoint", group_id=group_id, instance_name="Instance0", timeout=timeout
    )
    with pytest.raises(AirflowFailException, match=r"Error: timeout:? must be"):
        operator.execute({})
    assert both.atlas.stats().requests == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_key_is_said_without_a_secret(
    both: Sides, group_id: str, mode: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "0b1c2d3e-wrong-key-4f5a6b7c"
    monkeypatch.setenv(VARIABLE, connection_to(both.atlas, password=secret))
    outcome = outcome_of(
        every_operator.DAGS[f"create_alone_{mode}"], {"group_id": group_id, "instance_name": "Instance0"}
    )
    assert outcome.states == {"create_endpoint": "failed"}
    shown = shown_by(capfd)
    assert "AuthenticationError" in shown
    # Airflow's own messages on what it is to mask, which 3.0 and 3.1 log in `dag.test()`, are not ours
    assert secret not in "".join(line for line in shown.splitlines() if "MaskSecret" not in line)


@pytest.mark.parametrize("mode", RETRIED_MODES)
def test_what_atlas_gives_up_fails_the_try_and_the_next_one_makes_another(
    both: Sides, group_id: str, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    both.atlas.fail_next_endpoint("no capacity in this zone")
    outcome = outcome_of(
        every_operator.DAGS[f"create_alone_{mode}"], {"group_id": group_id, "instance_name": "Instance0"}
    )
    assert "no capacity in this zone" in shown_by(capfd)
    assert outcome.states == {"create_endpoint": "success"}
    assert outcome.tries == {"create_endpoint": 2}
    assert sorted(one["status"] for one in both.atlas.endpoints(group_id)) == ["FAILED", "RESERVED"]


@pytest.mark.parametrize("mode", MODES)
def test_what_aws_never_removes_ends_at_the_deadline_with_its_id(
    both: Sides, group_id: str, mode: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"cluster_name": "Cluster0", "region": "us-east-1"}
    vpc_endpoint_id = both.connect(group_id, **place).cloud_endpoint_id
    assert vpc_endpoint_id is not None
    monkeypatch.setattr(both.ec2.rules, "deleting_looks", 1_000_000)
    conf = {"group_id": group_id, "vpc_id": both.ec2.vpc_id()}
    outcome = outcome_of(every_operator.DAGS[f"disconnect_alone_{mode}"], conf)
    assert outcome.states == {"disconnect": "failed"}
    assert f"WaitTimeout: {vpc_endpoint_id} is still deleting" in shown_by(capfd)


def stop_in_the_middle(dag_id: str, both: Sides, group_id: str, folder: Path, when: Callable[[], bool]) -> str:
    """What a connect prints that is told to end."""
    conf = {"group_id": group_id, "vpc_id": both.ec2.vpc_id()}
    code = f"from every_operator import DAGS; DAGS[{dag_id!r}].test(run_conf={conf!r})"
    with TemporaryFile() as output:
        command = [sys.executable, "-c", code]
        task = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        wait_until("the middle", when, pause=0.05)
        time.sleep(1)
        task.send_signal(signal.SIGTERM)
        task.wait(60)
        output.seek(0)
        return output.read().decode()


def test_stopped_while_it_waits_it_says_what_is_left_behind(idle: Sides, group_id: str, dags_folder: Path) -> None:
    dag_id = "connect_alone_waiting"
    output = stop_in_the_middle(dag_id, idle, group_id, dags_folder, lambda: idle.of_atlas(group_id) != [])
    ((service_id, _, _),) = idle.of_atlas(group_id)
    assert f"Left behind in project {group_id}, Cluster0: endpoint service id {service_id}" in output
    assert "Being removed" not in output
    idle.atlas.advance(3600)
    # and it did not go on
    assert idle.known_to_atlas(group_id) == []
    assert idle.ec2.vpc_endpoints() == []


def test_stopped_it_begins_to_remove_what_it_has_made_if_asked(slow: Sides, group_id: str, dags_folder: Path) -> None:
    dag_id = "connect_or_delete_waiting"
    output = stop_in_the_middle(dag_id, slow, group_id, dags_folder, lambda: slow.known_to_atlas(group_id) != [])
    assert "Being removed: vpce-" in output
    wait_until("the end of the VPC endpoint", lambda: slow.ec2.vpc_endpoints() == [], pause=0.05)
    wait_until("the end of its entry in Atlas", lambda: slow.known_to_atlas(group_id) == [], pause=0.05)


@pytest.mark.skipif(VERSION < (3, 0), reason="a signal ends the whole of Airflow 2's `dag.test()`")
def test_stopped_it_is_tried_again_and_goes_on(slow: Sides, group_id: str, dags_folder: Path) -> None:
    dag_id = "connect_with_retry_waiting"
    output = stop_in_the_middle(dag_id, slow, group_id, dags_folder, lambda: slow.of_atlas(group_id) != [])
    assert "Another try of the task goes on from there" in output
    ((_, status, _),) = slow.of_atlas(group_id)
    (vpc_endpoint,) = slow.ec2.vpc_endpoints()
    assert (status, slow.known_to_atlas(group_id)) == ("AVAILABLE", [vpc_endpoint["id"]])


def test_stopped_it_removes_nothing_that_it_has_found(idle: Sides, group_id: str, dags_folder: Path) -> None:
    made_by_somebody_else("service", idle, group_id)
    idle.atlas.advance(3600)
    idle.connect_until(("ACCEPT", "begun"), group_id, cluster_name="Cluster0", region="us-east-1")
    (vpc_endpoint,) = idle.ec2.vpc_endpoints()
    idle.atlas.reset_stats()

    def is_waited_for() -> bool:
        return any(one.method == "GET" and vpc_endpoint["id"] in one.target for one in idle.atlas.requests())

    output = stop_in_the_middle("connect_or_delete_waiting", idle, group_id, dags_folder, is_waited_for)
    assert vpc_endpoint["id"] in output
    assert "Being removed: nothing, since this try of the task has made nothing" in output
    assert idle.known_to_atlas(group_id) == [vpc_endpoint["id"]]
    assert idle.ec2.vpc_endpoints() == [vpc_endpoint]
