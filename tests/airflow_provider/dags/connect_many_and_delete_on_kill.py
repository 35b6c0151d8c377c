"""Connects whatever the run is asked to connect, in four ways: on workers or deferred, and with or without
`delete_on_kill`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from atlas_privatelink.airflow import AtlasConnectOperator


@task
def asked(way: str, dag_run: Any = None) -> list[dict[str, str]]:
    """The arguments of each connect, from the run's configuration."""
    deployments: list[dict[str, str]] = dag_run.conf[way]
    return deployments


@dag(schedule=None)
def connect_many_and_delete_on_kill() -> None:
    """Many connects at the same time."""
    for how in ("waiting", "deferred"):
        for end in ("kept", "deleted"):
            AtlasConnectOperator.partial(
                task_id=f"{how}_{end}",
                deferrable=how == "deferred",
                delete_on_kill=end == "deleted",
                retries=10,
                retry_delay=timedelta(seconds=1),
                priority_weight=2 if how == "deferred" else 1,
            ).expand_kwargs(asked.override(task_id=f"asked_{how}_{end}")(f"{how}_{end}"))


connect_many_and_delete_on_kill()
