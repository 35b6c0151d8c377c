"""An Airflow home of the tests' own, with a local Atlas and a local EC2 that its connections lead to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

_HOME = tempfile.TemporaryDirectory(prefix="airflow-")
_HERE = Path(__file__).parent
_DAGS = Path(_HOME.name) / "dags"
_DAGS.mkdir()
for _file in (_HERE / "dags/every_operator.py", *(_HERE.parents[1] / "examples/dags").glob("*.py")):
    shutil.copy(_file, _DAGS)
sys.path.insert(0, str(_DAGS))

# Airflow reads its configuration when it is imported
for _name in list(os.environ):
    if _name.startswith(("AIRFLOW_", "AWS_", "MONGODB_ATLAS_", "MCLI_")) or _name.lower().endswith("_proxy"):
        del os.environ[_name]
os.environ |= {
    "AIRFLOW_HOME": _HOME.name,
    "AIRFLOW__CORE__DAGS_FOLDER": str(_DAGS),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME.name}/airflow.db",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
}

import pytest  # noqa: E402
from botocore.loaders import JSONFileLoader  # noqa: E402
from cloud_sides import Sides, sides  # noqa: E402
from connections import VARIABLE, connection_to  # noqa: E402

_groups = count(1)


@pytest.fixture(scope="session", autouse=True)
def description_of_ec2_read_once() -> Iterator[None]:
    """Each task of `dag.test()` has a boto3 session of its own, which would read it anew, for a second."""
    load = JSONFileLoader.load_file

    @cache
    def loaded(path: str) -> object:
        return load(JSONFileLoader(), path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda self, path: loaded(path))
        yield


@pytest.fixture(scope="session", autouse=True)
def execution_api_made_once() -> Iterator[None]:
    """Up to 3.2, each task of `dag.test()` has an API server of its own, which takes seconds to generate its routes."""
    try:
        from airflow.sdk.execution_time import supervisor
    except ImportError:  # 2.11 has none
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "in_process_api_server", cache(supervisor.in_process_api_server))
        yield


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """Airflow's home, with a database."""
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(command, check=True, capture_output=True)
    return Path(_HOME.name)


@pytest.fixture(scope="session")
def dags_folder() -> Path:
    """Where the DAGs are: the tests' own, and the examples."""
    return _DAGS


@contextmanager
def _airflow_between(seconds: float, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sides]:
    names = ("reservation", "connection", "service", "connection_string", "deletion")
    with sides(**{f"{name}_seconds": seconds for name in names}) as both:
        monkeypatch.setenv(VARIABLE, connection_to(both.atlas))
        for name, value in both.ec2.environment().items():
            monkeypatch.setenv(name, value)
        yield both


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sides]:
    """Both sides, and Airflow's connections to them."""
    with _airflow_between(0.3, monkeypatch) as both:
        yield both


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sides]:
    """Both sides, where everything takes longer than the first try of a task."""
    with _airflow_between(4.5, monkeypatch) as both:
        yield both


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sides]:
    """Both sides, where nothing happens until Atlas's clock is moved."""
    with _airflow_between(3600, monkeypatch) as both:
        yield both


@pytest.fixture
def group_id() -> str:
    """A project that no other test uses."""
    return f"{next(_groups):024x}"
