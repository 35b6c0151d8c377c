"""Private endpoints for a list of deployments, one mapped task each.

The list is the run's parameter `deployments`; trigger the DAG with your own. Every task waits in the triggerer. A
serverless instance has one private endpoint in the end, however often its task is tried; the dedicated clusters of the
project share one.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

try:
    from airflow.sdk import dag, task
except ImportError:  # Airflow 2.11
    from airflow.decorators import dag, task

from atlas_privatelink.airflow import AtlasConnectOperator

PROJECT_ID = "5f7cac1adf5d6c6306f4b283"
VPC_ID = "vpc-0123456789abcdef0"
DEPLOYMENTS = [{"cluster_name": "Orders"}, {"cluster_name": "Customers"}, {"instance_name": "Reports"}]


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    params={"project_id": PROJECT_ID, "vpc_id": VPC_ID, "region": "us-east-1", "deployments": DEPLOYMENTS},
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
)
def connect_deployments() -> None:
    """Connects each deployment, and prints what to connect to."""

    @task
    def deployments(params: dict[str, Any] | None = None) -> list[dict[str, str]]:
        """The arguments of each task."""
        given = params or {}
        common = {"group_id": given["project_id"], "vpc_id": given["vpc_id"], "region": given["region"]}
        return [{**common, **deployment} for deployment in given["deployments"]]

    @task
    def show(connections: list[dict[str, Any]]) -> dict[str, str]:
        """What to connect to, by deployment."""
        return {one["cluster_name"] or one["instance_name"]: one["srv"] for one in connections}

    connect = AtlasConnectOperator.partial(task_id="connect", deferrable=True).expand_kwargs(deployments())
    show(connect.output)


connect_deployments()
