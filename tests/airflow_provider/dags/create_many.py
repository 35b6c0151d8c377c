"""Creates whatever endpoints the run is asked to create, each in a task of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from atlas_privatelink.airflow import AtlasCreateServerlessEndpointOperator


@task
def asked(dag_run: Any = None) -> list[dict[str, str]]:
    """The arguments of each creation, from the run's configuration."""
    endpoints: list[dict[str, str]] = dag_run.conf["endpoints"]
    return endpoints


@dag(schedule=None)
def create_many() -> None:
    """Many creations at the same time."""
    AtlasCreateServerlessEndpointOperator.partial(
        task_id="create", retries=10, retry_delay=timedelta(seconds=2)
    ).expand_kwargs(asked())


create_many()
