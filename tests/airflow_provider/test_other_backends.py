"""A real Airflow with a secrets backend, an XCom backend and a listener of its own, and with two triggerers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cloud_sides import sides
from connections import connection_to
from processes import COMPONENTS, Airflow, PostgresServer, airflow_version

HERE = Path(__file__).parent
HOW = ("on_workers", "in_triggerer")
OF_EACH = 4

pytestmark = [
    pytest.mark.skipif((airflow_version() or (0, 0)) < (3, 3), reason="tried with one version"),
    pytest.mark.skipif(PostgresServer.programs() is None, reason="PostgreSQL is not installed"),
]


def test_connects_with_backends_listener_and_two_triggerers(tmp_path: Path) -> None:
    dags, recorded = tmp_path / "dags", tmp_path / "recorded"
    dags.mkdir()
    recorded.mkdir()
    shutil.copy(HERE / "dags/connect_many.py", dags)
    lives = dict.fromkeys(("reservation_seconds", "service_seconds", "connection_seconds"), 5.0)
    with sides(**lives) as both, PostgresServer() as database:
        secrets = tmp_path / "connections.json"
        known = {"atlas_default": json.loads(connection_to(both.atlas)), "aws_default": {"conn_type": "aws"}}
        secrets.write_text(json.dumps(known))
        environment = {
            **both.ec2.environment(),
            "PYTHONPATH": str(HERE / "plugins"),
            "RECORDED": str(recorded),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(HERE / "plugins"),
            "AIRFLOW__CORE__XCOM_BACKEND": "recording.FileXCom",
            "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
            "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(secrets)}),
        }
        with Airflow(database.url, dags=dags, environment=environment) as airflow:
            airflow.start(*COMPONENTS)
            airflow.component("second triggerer", "triggerer", "--skip-serve-logs")
            airflow.start("second triggerer")
            asked = {
                (how, index): {
                    "group_id": f"{number * OF_EACH + index + 1:024x}",
                    "cluster_name": f"Cluster{index}",
                    "region": "us-east-1",
                    "vpc_id": both.ec2.vpc_id(),
                }
                for number, how in enumerate(HOW)
                for index in range(OF_EACH)
            }
            conf = {how: [one for key, one in asked.items() if key[0] == how] for how in HOW}
            run = airflow.trigger("connect_many", conf)
            ended = {one.key: one for one in run.wait()}
            report = airflow.report(10_000)
            written = [path for path in (tmp_path, airflow.home) for path in path.rglob("*") if path.is_file()]
            secret = both.atlas.private_key.encode()
            assert [path for path in written if path != secrets and secret in path.read_bytes()] == []
        assert {key: ended[key].state for key in asked} == dict.fromkeys(asked, "success"), report
        stored = {json.loads(path.read_text()) for path in recorded.glob("srv-*.xcom")}
        for deployment in asked.values():
            truth = both.connect(**deployment)
            both.assert_connected_once(deployment["group_id"], truth)
            assert truth.srv in stored
        assert len(both.ec2.vpc_endpoints()) == len(asked)
        events = (recorded / "events").read_text().splitlines()
        assert sorted(events) == sorted({*events, *(f"success {how} {index}" for how, index in asked)})
        assert both.atlas.private_key not in report
