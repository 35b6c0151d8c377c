"""Atlas's connection in Airflow's database, used by a real worker and triggerer: each version has other ways to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cloud_sides import sides
from processes import COMPONENTS, Airflow, PostgresServer, airflow_version

pytestmark = [
    pytest.mark.skipif((airflow_version() or (0, 0)) < (3, 0), reason="Airflow 2 has other components"),
    pytest.mark.skipif(PostgresServer.programs() is None, reason="PostgreSQL is not installed"),
]


def test_worker_and_triggerer_find_the_connection(tmp_path: Path) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    shutil.copy(Path(__file__).parent / "dags/every_operator.py", dags)
    group_id = "f" * 24
    seconds = {f"{name}_seconds": 8.0 for name in ("service", "connection", "connection_string")}
    with (
        sides(**seconds) as both,
        PostgresServer() as database,
        Airflow(database.url, dags=dags, environment=both.ec2.environment()) as airflow,
    ):
        atlas = both.atlas
        login = ["--conn-login", atlas.public_key, "--conn-password", atlas.private_key]
        kind = ["--conn-type", "mongodbatlas", "--conn-host", atlas.base_url]
        airflow.command("connections", "add", "atlas_default", *kind, *login)
        airflow.start(*COMPONENTS)
        run = airflow.trigger("connect_alone_deferrable", {"group_id": group_id, "vpc_id": both.ec2.vpc_id()})
        (instance,) = run.wait()
        log = run.log(instance)
        assert instance.state == "success", log
        assert log.count("Deferred") >= 2
        assert run.xcom(instance)["srv"].startswith("mongodb+srv://")
        assert atlas.private_key not in log
        assert atlas.private_key not in airflow.report(10_000)
