"""What it costs to have the library at all: import time and the size of the wheel."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from zipfile import ZipFile

IMPORTS = {
    "nothing": "pass",
    "dataclasses and enum": "import dataclasses, enum",
    "asyncio": "import asyncio",
    "atlas_privatelink": "from atlas_privatelink import AsyncClient, Client",
    "aiohttp": "import aiohttp",
    "httpx": "import httpx",
    "requests": "import requests",
    "pycurl": "import pycurl",
    "atlas-privatelink --version": "from atlas_privatelink.cli import main; main(['--version'])",
    "atlas-privatelink --help": "from atlas_privatelink.cli import main; main(['--help'])",
}
"""What an interpreter is started for, by name."""


def import_seconds(runs: int) -> dict[str, list[float]]:
    """How long an interpreter lives that imports something, by what it is.

    They take turns, so that whatever else the machine does meets all of them.
    """
    seconds: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for code in IMPORTS.values():  # writes the byte code, and reads the files into memory
        _interpret(code)
    for _ in range(runs):
        for name, code in IMPORTS.items():
            seconds[name].append(_interpret(code))
    return seconds


def _interpret(code: str) -> float:
    # -I: without PYTHON* variables, the user's site or the current folder
    command = [sys.executable, "-I", "-c", code]
    begun = time.perf_counter()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(sys.executable, command, os.environ, file_actions=quiet)
    _, status = os.waitpid(process, 0)
    elapsed = time.perf_counter() - begun
    if os.waitstatus_to_exitcode(status) != 0:
        message = f"{code!r} ends with {os.waitstatus_to_exitcode(status)}"
        raise RuntimeError(message)
    return elapsed


def newest_wheel(folder: Path) -> Path | None:
    """The library's wheel that was built last."""
    wheels = sorted(folder.glob("atlas_privatelink-*.whl"), key=lambda wheel: wheel.stat().st_mtime)
    return wheels[-1] if wheels else None


def wheel_bytes(wheel: Path) -> tuple[int, int]:
    """Its size packed and unpacked."""
    with ZipFile(wheel) as archive:
        return wheel.stat().st_size, sum(member.file_size for member in archive.infolist())
