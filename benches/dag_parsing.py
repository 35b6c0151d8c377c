"""What our operators add to the parsing of a DAG file, beside an empty DAG and another provider's operator.

`python -m benches.dag_parsing` prints a table; it wants an Airflow beside the library.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benches.table import Spread, show

RUNS = 11
EMPTY = """
import datetime
from airflow.sdk import DAG
with DAG("empty", schedule=None, start_date=datetime.datetime(2026, 1, 1)) as dag:
    pass
"""
AMAZON = """
import datetime
from airflow.sdk import DAG
from airflow.providers.amazon.aws.operators.ec2 import EC2StartInstanceOperator
with DAG("amazon", schedule=None, start_date=datetime.datetime(2026, 1, 1)) as dag:
    EC2StartInstanceOperator(task_id="start", instance_id="i-0123456789abcdef0")
"""
EXAMPLES = Path(__file__).resolve().parents[1] / "examples/dags"
# in the process that parses, as in Airflow's DAG processor: all that Airflow needs by itself is loaded before
PARSE = """
import runpy, sys, time, airflow.sdk
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator, task
import airflow.sdk.execution_time.xcom
begun = time.perf_counter()
runpy.run_path(sys.argv[1])
elapsed = time.perf_counter() - begun
loaded = [name for name in ("boto3", "atlas_privatelink._core") if name in sys.modules]
print(elapsed, ",".join(loaded) or "neither")
"""


def parsed(file: Path, home: str) -> tuple[float, str]:
    """Seconds that one file takes in a fresh interpreter, and what it has loaded."""
    environment = {**os.environ, "AIRFLOW_HOME": home, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"}
    command = [sys.executable, "-c", PARSE, str(file)]
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    seconds, loaded = printed.strip().splitlines()[-1].split()
    return float(seconds), loaded


def main() -> None:
    """Parses each file some times, in turns."""
    begun = time.perf_counter()
    with TemporaryDirectory() as home:
        files = {"an empty DAG": Path(home, "empty.py"), "one operator of the Amazon provider": Path(home, "amazon.py")}
        for file, text in zip(files.values(), (EMPTY, AMAZON), strict=True):
            file.write_text(text)
        files |= {f"examples/dags/{file.name}": file for file in sorted(EXAMPLES.glob("*.py"))}
        seconds: dict[str, list[float]] = {name: [] for name in files}
        loaded: dict[str, str] = {}
        for run in range(RUNS + 1):
            for name, file in files.items():
                elapsed, loaded[name] = parsed(file, home)
                if run:  # the first one writes the byte code
                    seconds[name].append(elapsed)
    rows = [[name, Spread.of(seconds[name]).show(1e3, 1), loaded[name]] for name in files]
    title = f"Parsing one DAG file in a fresh process, {RUNS} runs each"
    notes = [
        f"Loaded: which of boto3 and our extension module. `make bench-airflow`, {time.perf_counter() - begun:.0f} s."
    ]
    show(title, ["file", "ms", "loaded"], rows, notes)


if __name__ == "__main__":
    main()
