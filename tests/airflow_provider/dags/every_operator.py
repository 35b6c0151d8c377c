"""Every operator and the sensor, waiting on the worker and in the triggerer; the run's configuration says where."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

try:
    from airflow.sdk import DAG
except ImportError:  # 2.11
    from airflow import DAG

from atlas_privatelink.airflow import (
    AtlasConnectOperator,
    AtlasCreateEndpointServiceOperator,
    AtlasCreateServerlessEndpointOperator,
    AtlasDeleteEndpointServiceOperator,
    AtlasDeleteServerlessEndpointOperator,
    AtlasDisconnectOperator,
    AtlasPrivateEndpointSensor,
)

PROJECT = "{{ dag_run.conf['group_id'] }}"
VPC = "{{ dag_run.conf['vpc_id'] }}"
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def create_and_delete(mode: str) -> DAG:
    """Atlas's half alone."""
    dag_id = f"create_and_delete_{mode}"
    with DAG(dag_id, schedule=None, start_date=START, default_args={"deferrable": mode == "deferrable"}) as dag:
        create_endpoint = AtlasCreateServerlessEndpointOperator(
            task_id="create_endpoint", group_id=PROJECT, instance_name="Instance0"
        )
        endpoint_is_ready = AtlasPrivateEndpointSensor(
            task_id="endpoint_is_ready",
            group_id=PROJECT,
            instance_name="Instance0",
            endpoint_id="{{ ti.xcom_pull(task_ids='create_endpoint', key='endpoint_id') }}",
            until="RESERVED",
            poke_interval=0.2,
        )
        delete_endpoint = AtlasDeleteServerlessEndpointOperator(
            task_id="delete_endpoint",
            group_id=PROJECT,
            instance_name="Instance0",
            endpoint_id="{{ ti.xcom_pull(task_ids='create_endpoint')['id'] }}",
        )
        create_service = AtlasCreateEndpointServiceOperator(
            task_id="create_service", group_id=PROJECT, region="us-east-1", wait_for_completion=False
        )
        service_is_ready = AtlasPrivateEndpointSensor(
            task_id="service_is_ready",
            group_id=PROJECT,
            service_id="{{ ti.xcom_pull(task_ids='create_service')['id'] }}",
            until="RESERVED",
            mode="reschedule",
            poke_interval=1,
        )
        delete_service = AtlasDeleteEndpointServiceOperator(
            task_id="delete_service",
            group_id=PROJECT,
            service_id="{{ ti.xcom_pull(task_ids='create_service', key='endpoint_service_id') }}",
        )
        create_endpoint >> endpoint_is_ready >> delete_endpoint
        create_service >> service_is_ready >> delete_service
    return dag


def connect_and_disconnect(mode: str) -> DAG:
    """Both halves, for both kinds of deployment."""
    dag_id = f"connect_and_disconnect_{mode}"
    with DAG(dag_id, schedule=None, start_date=START, default_args={"deferrable": mode == "deferrable"}) as dag:
        for kind, name in (("cluster_name", "Cluster0"), ("instance_name", "Instance0")):
            deployment: dict[str, Any] = {"group_id": PROJECT, kind: name, "region": "us-east-1", "vpc_id": VPC}
            connect = AtlasConnectOperator(task_id=f"connect_{name}", **deployment)
            disconnect = AtlasDisconnectOperator(task_id=f"disconnect_{name}", **deployment)
            if kind == "cluster_name":
                connect >> disconnect
            else:
                connect >> disconnect.as_teardown(setups=connect)
    return dag


def create_alone(mode: str, *, changing_comment: bool = False) -> DAG:
    """One create with one retry, which would perhaps not find by its comment what the first try has made."""
    name = "create_with_changing_comment" if changing_comment else "create_alone"
    with DAG(f"{name}_{mode}", schedule=None, start_date=START) as dag:
        AtlasCreateServerlessEndpointOperator(
            task_id="create_endpoint",
            group_id=PROJECT,
            instance_name="{{ dag_run.conf['instance_name'] }}",
            comment="try {{ ti.try_number }}" if changing_comment else "{{ dag_run.conf.get('comment', '') }}",
            deferrable=mode == "deferrable",
            timeout=3,
            retries=1,
            retry_delay=timedelta(seconds=0),
        )
    return dag


def connect_alone(mode: str, name: str = "connect_alone", **more: Any) -> DAG:
    """One connect."""
    with DAG(f"{name}_{mode}", schedule=None, start_date=START) as dag:
        AtlasConnectOperator(
            task_id="connect",
            group_id=PROJECT,
            cluster_name="Cluster0",
            region="us-east-1",
            vpc_id=VPC,
            deferrable=mode == "deferrable",
            **more,
        )
    return dag


def disconnect_alone(mode: str) -> DAG:
    """One disconnect, with little time."""
    with DAG(f"disconnect_alone_{mode}", schedule=None, start_date=START) as dag:
        AtlasDisconnectOperator(
            task_id="disconnect",
            group_id=PROJECT,
            cluster_name="Cluster0",
            region="us-east-1",
            vpc_id=VPC,
            deferrable=mode == "deferrable",
            timeout=6,
        )
    return dag


OTHERS_THINGS: dict[str, dict[str, Any]] = {
    "endpoint": {"instance_name": "Instance0", "endpoint_id": "{{ dag_run.conf['endpoint_id'] }}"},
    "service": {"service_id": "{{ dag_run.conf['service_id'] }}"},
    "dedicated_endpoint": {
        "service_id": "{{ dag_run.conf['service_id'] }}",
        "endpoint_id": "{{ dag_run.conf['endpoint_id'] }}",
    },
}
WAYS_TO_WAIT: dict[str, dict[str, Any]] = {
    "poke": {"poke_interval": 0.2},
    "reschedule": {"mode": "reschedule", "poke_interval": 1},
    "deferrable": {"deferrable": True},
}


def watch(what: str, way: str) -> DAG:
    """The sensor alone, with the time that Airflow gives a sensor."""
    with DAG(f"watch_{what}_{way}", schedule=None, start_date=START) as dag:
        sensor = {**OTHERS_THINGS[what], **WAYS_TO_WAIT[way], "retries": 1, "retry_delay": timedelta(seconds=0)}
        AtlasPrivateEndpointSensor(task_id="watch", group_id=PROJECT, **sensor)
        AtlasPrivateEndpointSensor(task_id="watch_softly", group_id=PROJECT, **sensor, soft_fail=True)
    return dag


every_dag = [
    dag
    for mode in ("waiting", "deferrable")
    for dag in (
        create_and_delete(mode),
        connect_and_disconnect(mode),
        create_alone(mode),
        create_alone(mode, changing_comment=True),
        connect_alone(mode),
        disconnect_alone(mode),
    )
]
every_dag += [watch(what, way) for what in OTHERS_THINGS for way in WAYS_TO_WAIT]
every_dag += [
    connect_alone("waiting", "connect_or_delete", delete_on_kill=True),
    connect_alone("waiting", "connect_with_retry", retries=1, retry_delay=timedelta(seconds=0)),
]
DAGS = {dag.dag_id: dag for dag in every_dag}
globals().update(DAGS)
