"""However a program ends, its interpreter ends well: no abort, no crash, no hang."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import atlas_privatelink
from atlas_privatelink.testing import AtlasEmulator

RUNS = int(os.environ.get("ATLAS_PRIVATELINK_EXIT_RUNS", "40"))
ENDINGS = Path(__file__).with_name("endings.py")
PACKAGE = Path(atlas_privatelink.__file__).parent.parent
WAYS = re.findall(r"^def (\w+)\(\) -> None:", ENDINGS.read_text(), re.MULTILINE)


def interpreters() -> list[str]:
    """Every CPython from 3.10 up: the abi3 module is one file for all."""
    found: dict[str, str] = {}
    candidates = glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python"))
    candidates += [path for minor in range(10, 20) if (path := shutil.which(f"python3.{minor}"))]
    for path in candidates:
        query = (
            "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.implementation.name, sys.version_info >= (3, 10))"
        )
        answer = subprocess.run([path, "-c", query], capture_output=True, text=True, check=False)
        if answer.stdout.endswith("cpython True\n"):
            found.setdefault(answer.stdout.split()[0], path)
    return [found[version] for version in sorted(found, key=lambda v: [int(n) for n in v.split(".")])]


def end(python: str, way: str, environment: dict[str, str]) -> str:
    try:
        ended = subprocess.run(
            [python, str(ENDINGS), way], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return "hung"
    expected = 3 if way == "sys_exit_in_a_task" else 0
    if ended.returncode != expected or not ended.stdout.startswith("done"):
        return f"exit code {ended.returncode}: {ended.stderr[-500:]}"
    return ended.stderr[-500:] or "well"


def test_seven_ways_are_known() -> None:
    assert len([way for way in WAYS if way != "create"]) == 7


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: path.split("/versions/")[-1].split("/bin/")[0])
@pytest.mark.parametrize("way", WAYS)
def test_the_interpreter_ends_well(way: str, python: str) -> None:
    with AtlasEmulator(record=False, capacity=10_000_000) as atlas, ThreadPoolExecutor(4) as pool:
        environment = {**os.environ, **atlas.environment(), "PYTHONPATH": str(PACKAGE)}
        endings = list(pool.map(lambda _: end(python, way, environment), range(RUNS)))
    assert endings == ["well"] * RUNS
