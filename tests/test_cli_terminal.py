"""The command on a terminal: live lines, the question before something is deleted, tables."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from commands import COMMAND, Shell, new_endpoint, resuming
from support import INSTANCE

from atlas_privatelink.testing import AtlasEmulator

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)

import fcntl
import pty
import termios

NARROW, USUAL = 50, 80
ERASED = "\r\x1b[2K"


class Screen:
    """What a terminal shows in the end, by as many of its control sequences as the command uses."""

    def __init__(self, written: str) -> None:
        self.lines, self.row, self.column = [""], 0, 0
        for part in re.findall(r"\x1b\[2K|\x1b\[A|[\r\n]|[^\x1b\r\n]+|.", written):
            self._write(part)

    def _write(self, part: str) -> None:
        if part == "\r":
            self.column = 0
        elif part == "\n":
            self.row += 1
            self.lines += [""] * (self.row == len(self.lines))
        elif part == "\x1b[A":
            self.row -= 1
        elif part == "\x1b[2K":
            self.lines[self.row] = ""
        else:
            assert part.isprintable(), part
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + part + line[self.column + len(part) :]
            self.column += len(part)

    def text(self) -> str:
        """The lines that are not empty."""
        return "\n".join(filter(None, self.lines))


class Terminal:
    """A command with some of its streams on a terminal, and the others in pipes."""

    def __init__(
        self, shell: Shell, *words: str, streams: str, width: int = USUAL, environment: Mapping[str, str] | None = None
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        self.process = subprocess.Popen(
            [*COMMAND, *words],
            env={**shell.environment, "TERM": "xterm", "COLUMNS": str(width), **(environment or {})},
            stdin=slave if "in" in streams.split() else subprocess.DEVNULL,
            stdout=slave if "out" in streams.split() else subprocess.PIPE,
            stderr=slave if "err" in streams.split() else subprocess.PIPE,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""

    def until(self, pattern: str) -> None:
        """Read until the terminal has shown this."""
        deadline = time.monotonic() + 60
        while not re.search(pattern, self.shown):
            if time.monotonic() > deadline or not self._read():
                self.process.kill()
                pytest.fail(f"it has not shown {pattern!r}: {self.shown[-1000:]!r}")

    def type(self, text: str) -> None:
        """What somebody types."""
        os.write(self.master, text.encode())

    def end(self) -> tuple[int, str, str]:
        """Wait for the end: exit code, and what came through the pipes."""
        reader = threading.Thread(target=self._read_all)
        reader.start()
        out, err = self.process.communicate(timeout=60)
        reader.join()
        os.close(self.master)
        return self.process.returncode, (out or b"").decode(), (err or b"").decode()

    def _read_all(self) -> None:
        while self._read():
            pass

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], 60)
        try:
            data = os.read(self.master, 65536) if ready else b""
        except OSError:  # Linux's end of file
            data = b""
        self.shown += data.decode(errors="replace")
        return bool(data)


@pytest.fixture
def driven() -> Iterator[Shell]:
    """Time passes when the test says so."""
    with AtlasEmulator(clock="driven") as emulator:
        yield Shell(emulator)


@pytest.fixture
def shell() -> Iterator[Shell]:
    """Time flies."""
    with AtlasEmulator(speed=300) as emulator:
        yield Shell(emulator)


def test_one_live_line_that_is_gone_in_the_end(driven: Shell) -> None:
    endpoint_id = new_endpoint(driven.emulator)
    words = ("wait", endpoint_id, "--instance", INSTANCE, "--until", "RESERVED", "-o", "value")
    terminal = Terminal(driven, *words, streams="err", width=NARROW)
    terminal.until("RESERV")
    terminal.until(r"\r\x1b\[2K[1-9]\d* s")  # the seconds go on by themselves
    driven.emulator.advance(100)
    code, out, _ = terminal.end()
    assert (code, out) == (0, f"{endpoint_id}\n")
    first, *lines, last = terminal.shown.split(ERASED)
    assert (first, last) == ("", "")
    assert all(len(line) < NARROW and line.isprintable() for line in lines)
    assert all(re.match(r"\d+ s  endpoint ", line) for line in lines)
    assert any(line.endswith("RESERV...") for line in lines)


def test_an_error_stands_where_the_live_line_was(driven: Shell) -> None:
    words = ("connection-string", "--instance", "I", "vpce-0123456789abcdef0", "--timeout", "3")
    terminal = Terminal(driven, *words, streams="err")
    code, out, _ = terminal.end()
    assert (code, out) == (6, "")
    assert re.search(r"not seen yet, next look \d+ s", terminal.shown)
    message = terminal.shown.rpartition(ERASED)[2]
    assert message.startswith("atlas-privatelink: error: ")


def test_an_interruption_on_the_terminal_erases_the_line_and_says_how_to_go_on(driven: Shell) -> None:
    endpoint_id = new_endpoint(driven.emulator)
    terminal = Terminal(driven, "wait", endpoint_id, "--instance", INSTANCE, streams="in err")
    terminal.until("RESERVATION_REQ")
    terminal.process.send_signal(signal.SIGINT)
    code, out, _ = terminal.end()
    assert (code, out) == (130, "")
    said = terminal.shown.rpartition(ERASED)[2]
    assert said.startswith(f"atlas-privatelink: interrupted: endpoint {endpoint_id} is RESERVATION_REQUESTED")
    assert f"wait {endpoint_id} --instance {INSTANCE}" in resuming(said.replace("\r", ""))


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {}], ids=["dumb", "quiet"])
def test_no_live_line_where_it_is_not_wanted(driven: Shell, environment: dict[str, str]) -> None:
    endpoint_id = new_endpoint(driven.emulator)
    driven.emulator.advance(100)
    words = ["wait", endpoint_id, "--instance", INSTANCE, "--until", "RESERVED"]
    terminal = Terminal(driven, *words, *([] if environment else ["--quiet"]), streams="err", environment=environment)
    assert terminal.end()[0] == 0
    assert "\x1b" not in terminal.shown
    assert bool(terminal.shown) == bool(environment)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("YES\n", 0), ("\n", 1), ("n\n", 1), ("\x04", 1)])
def test_a_deletion_asks_first(shell: Shell, answer: str, code: int) -> None:
    endpoint_id = new_endpoint(shell.emulator)
    words = ("delete", endpoint_id, "--instance", INSTANCE, "-o", "value")
    terminal = Terminal(shell, *words, streams="in err")
    terminal.until(rf"Delete endpoint {endpoint_id} of {INSTANCE}\? \[y/N\] ")
    shell.emulator.reset_stats()
    terminal.type(answer)
    assert terminal.end()[:2] == (code, f"{endpoint_id}\n" if code == 0 else "")
    deletions = [request for request in shell.emulator.requests() if request.method == "DELETE"]
    assert bool(deletions) == (code == 0)
    assert ("nothing was deleted" in terminal.shown) == (code == 1)


def test_ctrl_c_is_a_no(shell: Shell) -> None:
    endpoint_id = new_endpoint(shell.emulator)
    terminal = Terminal(shell, "delete", endpoint_id, "--instance", INSTANCE, streams="in err")
    terminal.until(r"\[y/N\] ")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end()[0] == 130
    assert "interrupted: nothing was deleted" in terminal.shown
    assert [one["_id"] for one in shell.emulator.endpoints()] == [endpoint_id]


def test_force_asks_nobody(shell: Shell) -> None:
    endpoint_id = new_endpoint(shell.emulator)
    terminal = Terminal(shell, "delete", endpoint_id, "--instance", INSTANCE, "--force", streams="in out err")
    assert terminal.end()[0] == 0
    assert "[y/N]" not in terminal.shown


def test_a_table_has_colours_where_rich_is_installed(shell: Shell) -> None:
    pytest.importorskip("rich", reason="rich is not installed")
    new_endpoint(shell.emulator, comment="[red]not markup[/red]")
    time.sleep(0.5)
    words = ("list", "--instance", INSTANCE)
    coloured = Terminal(shell, *words, streams="out", width=200)
    assert coloured.end()[0] == 0
    assert "\x1b[" in coloured.shown
    assert "[red]not markup[/red]" in coloured.shown
    plain = Terminal(shell, *words, streams="out", width=200, environment={"NO_COLOR": "1"})
    assert plain.end()[0] == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", plain.shown)


def test_a_table_needs_no_rich(shell: Shell, tmp_path: Path) -> None:
    new_endpoint(shell.emulator, comment="as it is")
    time.sleep(0.5)
    (tmp_path / "rich").mkdir()
    (tmp_path / "rich" / "__init__.py").write_text("raise ImportError")
    words = ("list", "--instance", INSTANCE)
    terminal = Terminal(shell, *words, streams="out", environment={"PYTHONPATH": str(tmp_path)})
    assert terminal.end()[0] == 0
    assert terminal.shown.replace("\r\n", "\n") == shell(*words).stdout


# Both sides


CLUSTERS = [{"name": name, "provider": "AWS", "regions": ["us-east-1"]} for name in ("Cluster0", "Orders")]


class Sides(Shell):
    """The command with a local Atlas and a local EC2."""

    def __init__(self, emulator: AtlasEmulator) -> None:
        super().__init__(emulator)
        self.ec2: Any = pytest.importorskip("atlas_privatelink.testing.ec2").LocalEc2(emulator)
        self.ec2.start()
        self.environment.update(self.ec2.environment())
        self.words = ("aws", "--cluster", "Cluster0", "--vpc-id", self.ec2.vpc_id())

    def is_untouched(self) -> bool:
        """Whether nothing was asked to be deleted."""
        deletions = [one for one in self.emulator.requests() if one.method == "DELETE"]
        return not deletions and "DeleteVpcEndpoints" not in self.ec2.calls


@pytest.fixture
def sides() -> Iterator[Sides]:
    """Time flies."""
    pytest.importorskip("moto.server", reason="the extra demo is not installed")
    with AtlasEmulator(speed=300, clusters=CLUSTERS) as emulator:
        sides = Sides(emulator)
        yield sides
        sides.ec2.stop()


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 1)])
def test_disconnect_lists_what_it_deletes_and_asks(sides: Sides, answer: str, code: int) -> None:
    connection = sides.result("connect", *sides.words, "--tag", "team=orders", "-q")
    terminal = Terminal(sides, "disconnect", *sides.words, "-o", "json", streams="in err")
    terminal.until(r"\[y/N\] ")
    asked = Screen(terminal.shown).text()
    assert asked.endswith("Delete these 3 resources? [y/N] ")
    # nothing of the live line is between or below
    assert not re.search(r"next look|\d/4", asked)
    expected = (connection["cloud_endpoint_id"], connection["endpoint_service_id"], "team=orders", "Cluster0", "Orders")
    assert all(shown in asked for shown in expected)
    assert sides.is_untouched()
    terminal.type(answer)
    ended, out, _ = terminal.end()
    assert ended == code
    assert sides.is_untouched() == bool(code)
    after = Screen(terminal.shown).text().partition("[y/N] ")[2].splitlines()[1:]
    if code:
        assert out == ""
        assert terminal.shown.endswith("nothing was deleted\r\n")
        assert [one["id"] for one in sides.ec2.vpc_endpoints()] == [connection["cloud_endpoint_id"]]
    else:
        assert after == []
        assert re.search(r"\d s  [234]/4 delete ", terminal.shown.partition("[y/N] ")[2])
        assert len(json.loads(out)["deletions"]) == 3
        assert sides.ec2.vpc_endpoints() == []


def test_ctrl_c_at_the_question_deletes_nothing(sides: Sides) -> None:
    sides.result("connect", *sides.words, "-q")
    terminal = Terminal(sides, "disconnect", *sides.words, streams="in err")
    terminal.until(r"\[y/N\] ")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end()[0] == 130
    assert "interrupted: nothing was deleted" in terminal.shown
    assert f"disconnect {' '.join(sides.words)}" in resuming(terminal.shown.replace("\r", ""))
    assert sides.is_untouched()


def test_several_networks_have_a_live_line_each(sides: Sides, tmp_path: Path) -> None:
    networks = [{"cloud": "aws", "vpc_id": one} for one in (sides.words[-1], sides.ec2.add_vpc(cidr="10.9.0.0/16"))]
    path = tmp_path / "networks.json"
    path.write_text(json.dumps(networks))
    words = ("connect", "many", str(path), "--cluster", "Cluster0")
    terminal = Terminal(sides, *words, streams="in err", width=NARROW)
    terminal.until(r"\x1b\[A")
    # a frame is complete once the next one begins
    terminal.until(r"\x1b\[A[^A]*\x1b\[A")
    frame, _, _ = terminal.shown.rpartition("\r\x1b[A")
    shown = Screen(frame).text().splitlines()
    assert [re.sub(r"^[\d s]+", "", line).split()[0] for line in shown] == [one["vpc_id"] for one in networks]
    assert all(len(line) < NARROW for line in shown)
    code, out, _ = terminal.end()
    assert code == 0
    assert Screen(terminal.shown).text() == ""
    assert out.count("AVAILABLE") == 2


def test_log_records_stay_above_the_live_line(sides: Sides) -> None:
    terminal = Terminal(sides, "connect", *sides.words, "--debug", "-o", "value", streams="err", width=500)
    code, out, _ = terminal.end()
    assert code == 0
    assert out.startswith("mongodb+srv://")
    lines = Screen(terminal.shown).text().splitlines()
    assert any("CreateVpcEndpoint" in line for line in lines)
    assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3} ", line) for line in lines), lines
    assert re.search(r"\r\x1b\[2K\d+ s  \d/7 ", terminal.shown)
