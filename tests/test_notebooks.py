"""Notebooks: the examples from top to bottom, live tables, the stop button, static export, papermill."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

import pytest
from support import REPOSITORY

from atlas_privatelink.errors import WaitTimeout
from atlas_privatelink.models import CloudEndpoint, Connection, ConnectionProgress, Step
from atlas_privatelink.notebook import LiveTable, live_table

EXAMPLES = sorted((REPOSITORY / "examples").glob("*.ipynb"))
PRIVATE_KEY = "01234567-89ab-cdef-0123-456789abcdef"


def run(*command: str) -> None:
    """A command of Jupyter's, in a process of its own: what it warns of is not ours."""
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, text=True, timeout=200)


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda path: str(path.stem))
def executed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An example, executed by papermill with parameters of the test's."""
    out: Path = tmp_path_factory.mktemp("notebooks") / request.param.name
    run("papermill", str(request.param), str(out), "-p", "speed", "240", "-k", "python3")
    return out


def outputs(path: Path) -> list[dict[str, Any]]:
    """The outputs of all cells."""
    cells = json.loads(path.read_text())["cells"]
    return [output for cell in cells for output in cell.get("outputs", ())]


def test_an_example_runs_from_top_to_bottom(executed: Path) -> None:
    shown = outputs(executed)
    assert not [output for output in shown if output["output_type"] in ("error", "stream")]
    html = ["".join(output["data"].get("text/html", "")) for output in shown]
    tables = [table for table in html if "✓" in table]
    assert tables
    # each is one output, which says last how it ended
    assert not [table for table in tables if "next look" in table]
    assert "mongodb+srv://" in "".join(html)
    assert PRIVATE_KEY not in executed.read_text()


def test_parameters_of_papermill_take_effect(tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    example = str(REPOSITORY / "examples" / "serverless.ipynb")
    run("papermill", example, str(out), "-p", "speed", "240", "-p", "comment", "set by papermill", "-k", "python3")
    assert "set by papermill" in json.dumps(outputs(out))


def test_a_static_export_keeps_the_tables(executed: Path) -> None:
    run("nbconvert", "--to", "html", str(executed))
    page = executed.with_suffix(".html").read_text()
    assert "✓" in page
    assert "mongodb+srv://" in page


class Kernel:
    """A real kernel, as a notebook has it."""

    def __init__(self) -> None:
        from jupyter_client.manager import KernelManager

        self.manager: Any = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, *, stop_when_shown: str | None = None) -> list[dict[str, Any]]:
        """What a cell shows; the stop button is pressed once it has shown that."""
        self.client.execute(code)
        messages: list[dict[str, Any]] = []
        deadline = monotonic() + 60
        while monotonic() < deadline:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except Empty:
                continue
            messages.append(message)
            if stop_when_shown is not None and stop_when_shown in str(message["content"].get("data")):
                stop_when_shown = None
                self.manager.interrupt_kernel()
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return messages
        raise AssertionError(f"it does not end: {messages}")


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """A kernel with clients of a local Atlas in which nothing moves, and an endpoint."""
    kernel = Kernel()
    try:
        kernel.run(
            "from atlas_privatelink.testing import AtlasEmulator\n"
            "emulator = AtlasEmulator().start()\n"
            "atlas, blocking = emulator.async_client(), emulator.client()\n"
            "endpoint = await atlas.create_endpoint('0' * 24, 'i', comment='x')\n"
            "where = ('0' * 24, 'i', endpoint.id)"
        )
        yield kernel
    finally:
        kernel.client.stop_channels()
        kernel.manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("wait", ["await atlas.wait_for_endpoint(*where)", "blocking.wait_for_endpoint(*where)"])
def test_the_stop_button_ends_a_wait_and_its_table_says_so(kernel: Kernel, wait: str) -> None:
    messages = kernel.run(wait, stop_when_shown="RESERVATION_REQUESTED")
    errors = [message["content"]["ename"] for message in messages if message["msg_type"] == "error"]
    assert errors and errors[0] in ("KeyboardInterrupt", "CancelledError")
    updates = [message for message in messages if message["msg_type"] == "update_display_data"]
    assert "✗" in updates[-1]["content"]["data"]["text/html"]
    # the kernel and the client go on
    assert "RESERVATION_REQUESTED" in str(kernel.run("(await atlas.get_endpoint(*where)).status"))


def test_the_stop_button_in_the_moment_of_the_first_show_makes_no_second_table(kernel: Kernel) -> None:
    messages = kernel.run(
        "from IPython.core import display_functions\n"
        "publish = display_functions.publish_display_data\n"
        "def publish_and_be_stopped(*args, **kwargs):\n"
        "    display_functions.publish_display_data = publish\n"
        "    publish(*args, **kwargs)\n"
        "    raise KeyboardInterrupt\n"
        "display_functions.publish_display_data = publish_and_be_stopped\n"
        "blocking.wait_for_endpoint(*where)"
    )
    shown = [message for message in messages if message["msg_type"].endswith("display_data")]
    assert [message["msg_type"] for message in shown] == ["display_data", "update_display_data"]
    assert len({message["content"]["transient"]["display_id"] for message in shown}) == 1
    assert "✗" in shown[-1]["content"]["data"]["text/html"]


def test_a_table_shows_no_markup_of_what_it_is_told() -> None:
    table = LiveTable("<b>title</b>")
    table.end("failed", "<script>alert(1)</script> & more")
    html = table._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    error = WaitTimeout("<i>x</i>", endpoint=CloudEndpoint("<u>", "s", "pending"))
    assert "<i>" not in error._repr_html_()
    assert "<u>" not in error._repr_html_()
    assert "<b>" not in Connection("g", cluster_name="<b>")._repr_html_()


def test_several_networks_have_a_group_of_rows_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def unseen(_: LiveTable) -> None:
        """There is no notebook here."""

    monkeypatch.setattr(LiveTable, "_show", unseen)
    table = LiveTable("Cluster0")
    vnet = "/subscriptions/s/resourcegroups/<b>/providers/microsoft.network/virtualnetworks/vnet"

    def event(network: str, step: Step, state: Any, number: int, **facts: Any) -> ConnectionProgress:
        connection = Connection("g", cluster_name="Cluster0", network=network)
        return ConnectionProgress(step, state, connection, number, 7, networks=3, **facts)

    table(event("vpc-a", Step.PREFLIGHT, "done", 1, action="check", detail="all checks passed"))
    table(event(vnet, Step.PREFLIGHT, "begun", 1))
    table(event("vpc-a", Step.RESERVE, "done", 2, action="create", detail="endpoint service 1"))
    table(event(vnet, Step.PREFLIGHT, "failed", 1, trouble="subnets: none"))
    assert [line.partition("  0 s")[0] for line in repr(table).splitlines()] == [
        "vpc-a",
        "✓ 1. check  all checks passed",
        "✓ 2. create the endpoint service  create endpoint service 1",
        "vnet",
        "✗ 1. check  subnets: none",
    ]
    html = table._repr_html_()
    assert html.index("vpc-a") < html.index("all checks passed") < html.index(">vnet<") < html.index("subnets: none")
    # two networks whose names end alike are told apart
    table(event(vnet.replace("/s/", "/t/"), Step.PREFLIGHT, "begun", 1))
    assert f"{vnet}\n" in repr(table)
    assert "<b>" not in table._repr_html_()


def test_outside_of_a_notebook_there_is_no_table() -> None:
    assert live_table("x") is None
