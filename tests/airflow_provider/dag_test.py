"""`dag.test()`, and what came of it."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

__all__ = ["Outcome", "outcome_of", "shown_by"]


@dataclass(frozen=True)
class Outcome:
    """What a DAG's run came to."""

    run: Any
    """Airflow's `DagRun`."""
    states: dict[str, str]
    """Each task's state."""
    tries: dict[str, int]
    """Which try of each task was its last."""

    def xcom(self, task_id: str, key: str = "return_value") -> Any:
        """What a task has stored."""
        url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            where = "dag_id = ? and run_id = ? and task_id = ? and key = ?"
            ours = (self.run.dag_id, self.run.run_id, task_id, key)
            value = json.loads(database.execute(f"select value from xcom where {where}", ours).fetchone()[0])
        # Airflow 3 may store the text of what it serialises
        return json.loads(value) if isinstance(value, str) and value[:1] in '{["' else value


def outcome_of(dag: Any, conf: dict[str, Any]) -> Outcome:
    """Runs a DAG in this process."""
    run = dag.test(run_conf=conf)
    instances = {one.task_id: one for one in run.get_task_instances()}
    states = {name: str(one.state) for name, one in instances.items()}
    return Outcome(run, states, {name: one.try_number for name, one in instances.items()})


def shown_by(capfd: pytest.CaptureFixture[str]) -> str:
    """What Airflow has printed since the last call, without the colours of 3.0's tracebacks."""
    return re.sub(r"\x1b\[[0-9;]*m", "", "".join(capfd.readouterr()))
