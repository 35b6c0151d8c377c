"""What the tests of the command share: it runs in processes of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

from support import GROUP_ID, INSTANCE

from atlas_privatelink.testing import AtlasEmulator

COMMAND = [sys.executable, "-m", "atlas_privatelink"]
VPC_ENDPOINT = "vpce-0123456789abcdef0"
UNKNOWN = "a" * 24


class Shell:
    """Runs the command in processes of their own, against an emulator."""

    def __init__(self, emulator: AtlasEmulator) -> None:
        self.emulator = emulator
        self.environment = {**os.environ, **emulator.environment(), "MONGODB_ATLAS_PROJECT_ID": GROUP_ID}
        self.shown = ""

    def __call__(self, *words: str, standard_input: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COMMAND, *words],
            env={**self.environment, **environment},
            input=standard_input,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.shown += done.stdout + done.stderr
        return done

    def result(self, *words: str) -> Any:
        """What a command that succeeds prints, as JSON."""
        done = self(*words, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def fails(self, code: int, *words: str, **environment: str) -> str:
        """What a command that ends with this code says: one line on stderr, and nothing on stdout."""
        done = self(*words, **environment)
        assert done.returncode == code, done.stderr
        assert done.stdout == ""
        (line,) = (line for line in done.stderr.splitlines() if line.startswith("atlas-privatelink: error: "))
        assert "Traceback" not in done.stderr
        return line.removeprefix("atlas-privatelink: error: ")

    def until(self, text: str, *words: str) -> subprocess.Popen[str]:
        """A command that goes on, and has said this by now."""
        process = subprocess.Popen(
            [*COMMAND, *words], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        while text not in (line := process.stderr.readline()):
            assert line, f"it ended without saying {text!r}"
        return process


def new_endpoint(emulator: AtlasEmulator, comment: str | None = None) -> str:
    """The id of an endpoint that was made just now."""
    with emulator.client() as client:
        return client.create_endpoint(GROUP_ID, INSTANCE, comment=comment).id


def resuming(said: str) -> str:
    """The command that resumes an interrupted one, as that one says."""
    found = re.search(r"^atlas-privatelink: to (?:resume|see)[^:]*: (.*)$", said, re.MULTILINE)
    assert found is not None, said
    return found[1]


def run_in_shell(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What somebody gets who copies a command into a shell."""
    return subprocess.run(
        ["sh", "-c", command], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
