"""Connects whatever the run is asked to connect: one half on workers, one half in the triggerer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from atlas_privatelink.airflow import AtlasConnectOperator


@task
def asked(how: str, dag_run: Any = None) -> list[dict[str, str]]:
    """The arguments of each connect, from the run's configuration."""
    deployments: list[dict[str, str]] = dag_run.conf[how]
    return deployments


@dag(schedule=None)
def connect_many() -> None:
    """Many connects at the same time."""
    for how in ("on_workers", "in_triggerer"):
        AtlasConnectOperator.partial(
            task_id=how,
            deferrable=how == "in_triggerer",
            retries=10,
            retry_delay=timedelta(seconds=2),
            # those who have waited in the triggerer do not stand in line again
            priority_weight=2 if how == "in_triggerer" else 1,
        ).expand_kwargs(asked.override(task_id=f"asked_{how}")(how))


connect_many()
