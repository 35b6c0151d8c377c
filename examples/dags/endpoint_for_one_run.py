"""A private endpoint for one run: set up, used, and torn down, also if the use fails.

The teardown deletes only what this run's `connect` has created. If `connect` finds a VPC endpoint that leads from the
VPC to the project's endpoint service already, such as the one that production uses, it adopts it, and `disconnect` is
skipped.

If `connect` itself fails, Airflow does not run the teardown: what it has created stays. Clear `connect` and the tasks
behind it: it resumes, and the teardown deletes it. (Another run would adopt the VPC endpoint, and leave it.) To delete
it by hand, run `atlas-privatelink disconnect aws`, with `--delete-service` if only the endpoint service was created.

Atlas deletes an endpoint service with its last endpoint. If `connect` has created the VPC endpoint, and the endpoint
service was there before (a run that was killed early has left it, for example), `disconnect` fails, says so, and
deletes nothing. Pass `delete_service=True` if nothing else needs the service.
"""

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
    # another run at the same time would use this run's endpoint, and lose it
    max_active_runs=1,
    params={"project_id": "5f7cac1adf5d6c6306f4b283", "vpc_id": "vpc-0123456789abcdef0", "cluster_name": "Orders"},
) as dag:
    ENDS = {
        "group_id": "{{ params.project_id }}",
        "cluster_name": "{{ params.cluster_name }}",
        "region": "us-east-1",
        "vpc_id": "{{ params.vpc_id }}",
    }
    connect = AtlasConnectOperator(task_id="connect", **ENDS)
    disconnect = AtlasDisconnectOperator(task_id="disconnect", **ENDS, only_created_by=connect.output)

    @task
    def use(srv: str) -> None:
        """Your own work, through the private endpoint."""
        print(f"MongoClient({srv!r})")

    connect >> use(connect.output["srv"]) >> disconnect.as_teardown(setups=connect)
