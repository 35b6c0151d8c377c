"""Completion in the shells themselves, as far as they are installed."""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import COMMAND

if sys.platform == "win32":
    pytest.skip("these shells are not Windows's", allow_module_level=True)

import fcntl
import pty
import termios

# what was typed, what has to be offered, and what must not be
CASES = [
    ("", {"create", "connect", "service", "completion"}, {"RESERVED"}),
    ("--v", {"--version"}, {"create"}),
    ("co", {"connect", "connection-string", "completion"}, {"create"}),
    ("service ", {"create", "list", "wait"}, {"connect", "emulator"}),
    ("service create --prov", {"--provider"}, {"--profile"}),
    ("service create --provider ", {"AWS", "AZURE", "GCP"}, {"--region"}),
    ("create --out", {"--output"}, {"--base-url"}),
    ("create --output ", {"json", "jsonl", "table", "value"}, {"--output"}),
    ("create -o j", {"json", "jsonl"}, {"table"}),
    ("wait x --instance create --until ", {"RESERVED", "AVAILABLE", "DELETED"}, {"--until"}),
    ("connect ", {"aws", "azure", "gcp", "many"}, {"connect", "--plan"}),
    ("connect aws --vpc-", {"--vpc-id", "--vpc-region", "--vpc-endpoint-id"}, {"--network"}),
    ("connect gcp --", {"--network", "--label", "--no-port-mapping", "--cluster"}, {"--vpc-id", "--instance"}),
    ("connect azure --on-drift ", {"warn", "error", "update"}, {"--subnet-id"}),
    ("connect many --", {"--cluster", "--plan"}, {"--vpc-id"}),
    ("disconnect ", {"aws", "azure", "gcp"}, {"many"}),
    ("disconnect aws --de", {"--delete-service", "--delete-adopted", "--debug"}, {"--tag"}),
    ("delete --f", {"--force"}, {"--wait"}),
    ("completion ", {"bash", "zsh", "fish"}, {"create"}),
    ("emulator --digest ", {"jetty", "sha-256"}, {"--host"}),
]


def script(shell: str) -> str:
    """The completion script of a shell."""
    return subprocess.run([*COMMAND, "completion", shell], capture_output=True, text=True, check=True).stdout


def required(shell: str) -> str:
    """The path of a shell, or a skipped test."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def checked(offered: dict[str, set[str]]) -> None:
    """Every case has what it has to have."""
    for typed, wanted, unwanted in CASES:
        assert wanted <= offered[typed], typed
        assert not unwanted & offered[typed], typed


def test_bash(tmp_path: Path) -> None:
    bash = required("bash")
    (tmp_path / "script").write_text(script("bash"))
    program = f"source {shlex.quote(str(tmp_path / 'script'))}\n"
    for typed, _, _ in CASES:
        words = ["atlas-privatelink", *typed.split(), *([""] if not typed or typed.endswith(" ") else [])]
        program += f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; COMPREPLY=()\n"
        program += "_atlas_privatelink; echo ${COMPREPLY[@]}\n"
    # the names of files are left to bash itself
    program += "COMP_WORDS=(atlas-privatelink connect many x); COMP_CWORD=3; COMPREPLY=(none)\n"
    program += "_atlas_privatelink; echo ${#COMPREPLY[@]}\n"
    program += "COMP_WORDS=(atlas-privatelink create --output = js); COMP_CWORD=4\n"
    program += "_atlas_privatelink; echo ${COMPREPLY[@]}\ncomplete -p atlas-privatelink\n"
    done = subprocess.run(
        [bash, "--norc", "-u", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    *lines, files, equals, registered = done.stdout.splitlines()
    checked({typed: set(line.split()) for (typed, _, _), line in zip(CASES, lines, strict=True)})
    assert files == "0"
    assert equals.split() == ["json", "jsonl"]
    assert registered == "complete -F _atlas_privatelink atlas-privatelink"


def test_fish(tmp_path: Path) -> None:
    fish = required("fish")
    (tmp_path / "script").write_text(script("fish"))
    program = f"source {tmp_path / 'script'}\n"
    for typed, _, _ in CASES:
        program += f"complete -C {shlex.quote(f'atlas-privatelink {typed}')}; echo ==\n"
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [fish, "--no-config", "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    parts = done.stdout.split("==\n")[:-1]
    offered = [{line.split("\t")[0] for line in part.splitlines()} for part in parts]
    checked({typed: found for (typed, _, _), found in zip(CASES, offered, strict=True)})


def test_zsh(tmp_path: Path) -> None:
    zsh = required("zsh")
    text = script("zsh")
    (tmp_path / "script").write_text(text)
    for typed, wanted, unwanted in CASES:
        shown_by_zsh(zsh, tmp_path, typed, wanted, unwanted)
    functions = tmp_path / "functions"
    functions.mkdir()
    (functions / "_atlas-privatelink").write_text(text)
    program = f"fpath=({functions} $fpath); autoload -Uz compinit; compinit -u -D; echo $_comps[atlas-privatelink]"
    done = subprocess.run([zsh, "-f", "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "_atlas-privatelink\n"


def shown_by_zsh(zsh: str, folder: Path, typed: str, wanted: set[str], unwanted: set[str]) -> None:
    """What zsh lists or inserts: only its line editor completes, and that wants a terminal."""
    setup = f"PS1='READY>'; autoload -Uz compinit; compinit -u -D; source {folder / 'script'}; LISTMAX=1000\n"
    (folder / ".zshrc").write_text(setup)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 200, 0, 0))
    environment = {**os.environ, "ZDOTDIR": str(folder), "TERM": "xterm"}
    process = subprocess.Popen(
        [zsh, "-i"], env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    try:
        read_until(master, lambda shown: "READY>" in shown)
        # where one alone fits, the first Tab inserts it, and a second one would list what can follow
        tabs = "\t" * min(len(wanted), 2)
        os.write(master, f"atlas-privatelink {typed}{tabs}".encode())
        shown = read_until(master, lambda shown: wanted <= set(shown.split()))
    finally:
        process.kill()
        process.wait()
        os.close(master)
    listed = [line.split(" -- ")[0] for line in shown.splitlines() if "atlas-privatelink" not in line]
    assert not unwanted & set(" ".join(listed).split()), typed


def read_until(master: int, enough: Callable[[str], bool]) -> str:
    """Read a terminal until it shows enough; without its control sequences."""
    shown, deadline = "", time.monotonic() + 30
    while not enough(plain := re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>])", "", shown)):
        ready, _, _ = select.select([master], [], [], 1)
        shown += os.read(master, 65536).decode(errors="replace") if ready else ""
        assert time.monotonic() < deadline, plain
    return plain
