"""A serverless instance's endpoint, where something else creates the VPC endpoint: create, tell, wait, tear down."""

from __future__ import annotations

from datetime import datetime, timezone

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2.11
    from airflow import DAG
    from airflow.decorators import task

from atlas_privatelink.airflow import (
    AtlasCreateServerlessEndpointOperator,
    AtlasDeleteServerlessEndpointOperator,
    AtlasHook,
    AtlasPrivateEndpointSensor,
)

with DAG(
    "serverless_step_by_step",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    params={
        "project_id": "5f7cac1adf5d6c6306f4b283",
        "instance_name": "Reports",
        "vpc_endpoint_id": "vpce-0123456789abcdef0",
    },
) as dag:
    INSTANCE = {"group_id": "{{ params.project_id }}", "instance_name": "{{ params.instance_name }}"}
    create = AtlasCreateServerlessEndpointOperator(task_id="create", **INSTANCE)
    # known as soon as Atlas has answered. Airflow runs a teardown only after a successful setup: if `create` fails
    # while it waits, the endpoint stays; clear the task, and it goes on with it
    endpoint_id = create.output["endpoint_id"]

    @task
    def tell_atlas(endpoint_service_name: str, endpoint_id: str, params: dict[str, str] | None = None) -> None:
        """Your own way to a VPC endpoint for the service, and Atlas told of it."""
        given = params or {}
        print(f"a VPC endpoint for {endpoint_service_name}: {given['vpc_endpoint_id']}")
        with AtlasHook().get_conn() as atlas:
            atlas.update_endpoint(
                given["project_id"],
                given["instance_name"],
                endpoint_id,
                cloud_provider_endpoint_id=given["vpc_endpoint_id"],
            )

    available = AtlasPrivateEndpointSensor(
        task_id="available", **INSTANCE, endpoint_id=endpoint_id, deferrable=True, timeout=1800
    )
    delete = AtlasDeleteServerlessEndpointOperator(task_id="delete", **INSTANCE, endpoint_id=endpoint_id)

    told = tell_atlas(create.output["endpoint_service_name"], endpoint_id)
    create >> told >> available >> delete.as_teardown(setups=create)
