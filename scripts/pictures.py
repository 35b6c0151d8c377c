"""Takes the pictures in `docs/pictures`: `make pictures`.

Commands run in a real terminal (tmux), notebooks are executed and shown by a real browser (headless Chromium), in light
and dark.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing.ec2 import LocalEc2

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
SESSION = "atlas-privatelink-pictures"
GROUP_ID = "5f7cac1adf5d6c6306f4b283"
COLUMNS = 110
ANSI_ON_LIGHT = [(0, 0, 0), (190, 0, 0), (0, 120, 0), (140, 100, 0), (0, 0, 180), (130, 0, 130), (0, 110, 120)]
ANSI_ON_DARK = [(90, 90, 90), (255, 110, 110), (90, 210, 110), (230, 190, 80), (120, 160, 255), (220, 130, 220)]
THEMES = {
    "light": TerminalTheme((255, 255, 255), (31, 35, 40), [*ANSI_ON_LIGHT, (90, 90, 90)]),
    "dark": TerminalTheme((13, 17, 23), (230, 237, 243), [*ANSI_ON_DARK, (90, 210, 220), (200, 200, 200)]),
}
SECRETS = ("01234567-89ab-cdef-0123-456789abcdef", "wJalrXUtnFEMI")


class Terminal:
    """A shell in tmux."""

    def __init__(self, environment: dict[str, str], lines: int) -> None:
        exports = [argument for name, value in environment.items() for argument in ("-e", f"{name}={value}")]
        size = ["-x", str(COLUMNS), "-y", str(lines)]
        shell = ["bash", "--norc", "--noprofile"]
        self._tmux("new-session", "-d", "-s", SESSION, *size, *exports, "-e", "PS1=$ ", *shell)

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", SESSION, "-f", "/dev/null", *arguments]
        # the pictures are of what the command does for anybody
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def type(self, line: str, *, for_seconds: float | None = None) -> None:
        """Types a line, and waits until its command has ended, or for some time."""
        self._tmux("send-keys", "-t", SESSION, "-l", line)
        self._tmux("send-keys", "-t", SESSION, "Enter")
        self._wait(for_seconds, line)

    def _wait(self, for_seconds: float | None, command: str) -> None:
        if for_seconds is not None:
            sleep(for_seconds)
            return
        deadline = monotonic() + 90
        sleep(0.3)
        while monotonic() < deadline:
            screen = self._tmux("capture-pane", "-p", "-t", SESSION).rstrip()
            if screen.endswith("\n$") or screen == "$":
                return
            sleep(0.2)
        raise SystemExit(f"pictures: {command} does not end:\n{screen}")

    def screen(self) -> str:
        """What it shows, with its colours."""
        return self._tmux("capture-pane", "-p", "-e", "-t", SESSION).rstrip()

    def close(self) -> None:
        """Ends it."""
        self._tmux("kill-server")


def terminal_picture(
    name: str, environment: dict[str, str], lines: Sequence[tuple[str, float | None]], height: int
) -> None:
    """What a terminal shows after some commands."""
    terminal = Terminal(environment, height)
    try:
        for line, seconds in lines:
            terminal.type(line, for_seconds=seconds)
        shown = terminal.screen()
    finally:
        terminal.close()
    if any(secret in shown for secret in SECRETS):
        raise SystemExit(f"pictures: {name} shows a secret")
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    console.print(Text.from_ansi(shown), soft_wrap=True)
    for name_of_theme, theme in THEMES.items():
        code = console.export_html(theme=theme, inline_styles=True, clear=False, code_format="<pre>{code}</pre>")
        colours = f"background:{theme.background_color.hex};color:{theme.foreground_color.hex}"
        style = f"{colours};margin:0;padding:16px;font:14px/1.35 'DejaVu Sans Mono',monospace"
        page = f'<html><body style="{style}">{code}</body></html>'
        rows = shown.count("\n") + 1
        browser_picture(f"{name}-{name_of_theme}", page, width=COLUMNS * 9 + 32, height=rows * 19 + 70)


def browser_picture(name: str, page: str, *, width: int, height: int, dark: bool = False) -> None:
    """What a browser shows of a page."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        command += ["--blink-settings=preferredColorScheme=0"] if dark else []
        command += [f"--window-size={width},{height}", f"--screenshot={PICTURES / name}.png", file.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def notebook_pictures(example: Path, height: int) -> None:
    """An executed notebook, light and dark."""
    with tempfile.TemporaryDirectory() as folder:
        executed = Path(folder) / example.name
        run = [sys.executable, "-m", "papermill", str(example), str(executed), "-p", "speed", "120", "-k", "python3"]
        subprocess.run(run, check=True, capture_output=True)
        for theme in ("light", "dark"):
            out = executed.with_name(f"{example.stem}-{theme}.html")
            export = [sys.executable, "-m", "nbconvert", "--to", "html", "--HTMLExporter.theme", theme]
            subprocess.run([*export, "--output", out.name, str(executed)], check=True, capture_output=True)
            page = out.read_text(encoding="utf-8")
            if any(secret in page for secret in SECRETS):
                raise SystemExit(f"pictures: {example.name} shows a secret")
            browser_picture(f"notebook-{example.stem}-{theme}", page, width=1000, height=height, dark=theme == "dark")


def main() -> None:
    """Takes them all."""
    PICTURES.mkdir(exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    path = {"PATH": os.environ["PATH"], "HOME": tempfile.mkdtemp(), "LANG": "C.UTF-8"}
    terminal_picture("help", path, [("atlas-privatelink --help", None)], 40)
    terminal_picture("demo", path, [("atlas-privatelink demo --speed 120", None)], 42)
    with AtlasEmulator(speed=60) as atlas, LocalEc2(atlas) as ec2:
        here = path | atlas.environment() | ec2.environment() | {"MONGODB_ATLAS_PROJECT_ID": GROUP_ID}
        connect = f"atlas-privatelink connect aws --cluster Cluster0 --vpc-id {ec2.vpc_id()}"
        terminal_picture("connect-plan", here, [(f"{connect} --plan", None)], 30)
        terminal_picture("connect-live", here, [(connect, 4.0)], 8)
        terminal_picture("connect", here, [(connect, None)], 36)
        steps = [
            ("atlas-privatelink create --instance Instance0 --comment 'orders, production' --wait", None),
            ("atlas-privatelink list --instance Instance0 -o json", None),
            ("atlas-privatelink service list", None),
            ("atlas-privatelink get 000000000000000000000000 --instance Instance0; echo exit code $?", None),
        ]
        terminal_picture("endpoints", here, steps, 48)
        (endpoint,) = (one["_id"] for one in atlas.endpoints())
        where = f"{endpoint} --instance Instance0"
        steps = [
            (f"atlas-privatelink update {where} --cloud-provider-endpoint-id vpce-0123456789abcdef0 -o jsonl", None),
            (f"atlas-privatelink wait {where}", None),
            ("atlas-privatelink connection-string vpce-0123456789abcdef0 --instance Instance0 -o value", None),
            ("atlas-privatelink list --instance Instance0", None),
            (f"atlas-privatelink delete {where} --force --wait; echo exit code $?", None),
            ("atlas-privatelink service get 000000000000000000000000; echo exit code $?", None),
            ("atlas-privatelink delete; echo exit code $?", None),
        ]
        terminal_picture("lifecycle", here, steps, 48)
        terminal_picture("iam-policy", here, [("atlas-privatelink iam-policy --region us-east-1", None)], 90)
        undo = f"atlas-privatelink disconnect aws --cluster Cluster0 --vpc-id {ec2.vpc_id()} --force"
        terminal_picture("disconnect", here, [(undo, None)], 30)
    with AtlasEmulator() as atlas:
        here = path | atlas.environment() | {"MONGODB_ATLAS_PROJECT_ID": GROUP_ID}
        wrong = here | {"MONGODB_ATLAS_PRIVATE_API_KEY": "00000000-0000-0000-0000-000000000000"}
        terminal_picture("doctor", here, [("atlas-privatelink doctor", None)], 40)
        terminal_picture("doctor-wrong-key", wrong, [("atlas-privatelink doctor; echo exit code $?", None)], 40)
    for example, height in (("connect", 2350), ("serverless", 1850)):
        notebook_pictures(ROOT / "examples" / f"{example}.ipynb", height)


if __name__ == "__main__":
    main()
