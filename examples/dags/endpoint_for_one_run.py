"""A private endpoint that lives as long as one run: set up, used, torn down, whatever becomes of the use."""

from __future__ import annotations

from datetime import datetime, timezone

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task

from atlas_privatelink.airflow import AtlasConnectOperator, AtlasDisconnectOperator

with DAG(
    "endpoint_for_one_run",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    params={"project_id": "5f7cac1adf5d6c6306f4b283", "vpc_id": "vpc-0123456789abcdef0", "cluster_name": "Orders"},
) as dag:
    ENDS = {
        "group_id": "{{ params.project_id }}",
        "cluster_name": "{{ params.cluster_name }}",
        "region": "us-east-1",
        "vpc_id": "{{ params.vpc_id }}",
    }
    connect = AtlasConnectOperator(task_id="connect", **ENDS)
    disconnect = AtlasDisconnectOperator(task_id="disconnect", **ENDS)

    @task
    def use(srv: str) -> None:
        """Your own work, through the private endpoint."""
        print(f"MongoClient({srv!r})")

    connect >> use(connect.output["srv"]) >> disconnect.as_teardown(setups=connect)
