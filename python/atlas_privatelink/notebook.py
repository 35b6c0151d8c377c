"""Live tables of waits and of `connect`, in notebooks.

In Jupyter (and whatever else runs an IPython kernel) they appear by themselves where no `on_progress` is given; pass
`on_progress=lambda _: None` to have none. A table is one output of its cell, updated in place, so that what it says
last stays when the notebook is saved, exported or executed by papermill.
"""

from __future__ import annotations

import sys
from html import escape
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any

from ._wording import outcome, short_networks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .models import ConnectionProgress, WaitProgress

    # state, text, seconds so far, seconds until the next look
    _Row = tuple[str, str, float, float | None]

__all__ = ["LiveTable", "live_table"]

_MARKS = {"done": "✓", "waiting": "…", "begun": "…", "failed": "✗"}
_CELL = "text-align:left;vertical-align:top;padding:.15em .8em;background:transparent;color:inherit"


def live_table(title: str) -> LiveTable | None:
    """A live table, where a notebook would show it; `None` elsewhere.

    Args:
        title: What is waited for.
    """
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    # IPython in a terminal has no place to update
    return LiveTable(title) if getattr(shell, "kernel", None) is not None else None


class LiveTable:
    """A table of steps that is kept up to date, with a group of rows for each network. Pass it as `on_progress`.

    Args:
        title: What is waited for.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._began = monotonic()
        self._groups: dict[str, dict[str, _Row]] = {}
        self._handle: Any = None

    def __call__(self, event: WaitProgress | ConnectionProgress) -> None:
        """Shows one event."""
        from .models import ConnectionProgress

        group = ""
        if isinstance(event, ConnectionProgress):
            words = [str(word) for word in (event.status, event.cloud_status) if word]
            # whether it is a plan, no event says
            text = outcome(event.action, event.detail, planned=True) if event.state == "done" else ", ".join(words)
            text = "; ".join(filter(None, (text, event.trouble)))
            name = f"{event.number}. {event.step.description}"
            group = "" if event.networks == 1 else event.connection.network or ""
            row = (event.state, text, event.step_elapsed, event.next_look)
        else:
            text = "; ".join(filter(None, (str(event.status or "not seen yet"), event.trouble)))
            name, row = self.title, ("waiting", text, event.elapsed, event.next_look)
        self._groups.setdefault(group, {})[name] = row
        self._show()

    def end(self, state: str, text: str) -> None:
        """Shows how a wait has ended.

        Args:
            state: "done" or "failed".
            text: What came of it.
        """
        self._groups.setdefault("", {})[self.title] = (state, text, monotonic() - self._began, None)
        self._show()

    def _show(self) -> None:
        bundle = {"text/html": self._repr_html_(), "text/plain": repr(self)}
        if self._handle is None:
            # known before anything is shown: the stop button may end the very call that shows it
            self._handle = import_module("IPython.display").DisplayHandle()
            self._handle.display(bundle, raw=True)
        else:
            self._handle.update(bundle, raw=True)

    def __repr__(self) -> str:
        lines: list[str] = []
        for network, rows in self._named_groups():
            lines += [network] if network else []
            for name, (state, text, elapsed, _) in rows.items():
                lines.append(f"{_MARKS[state]} {name}  {text}  {elapsed:.0f} s")
        return "\n".join(lines)

    def _named_groups(self) -> Iterator[tuple[str, dict[str, _Row]]]:
        names = short_networks(self._groups)
        for network, rows in self._groups.items():
            yield names[network], rows

    def _repr_html_(self) -> str:
        rows: list[str] = []
        for network, steps in self._named_groups():
            if network:
                rows.append(f'<tr><th colspan="4" style="{_CELL};font-weight:600">{escape(network)}</th></tr>')
            rows += [_html_row(name, row) for name, row in steps.items()]
        caption = "" if self.title in self._groups.get("", ()) else escape(self.title)
        return (
            '<table style="border-collapse:collapse;color:inherit;background:transparent">'
            f'<caption style="text-align:left;padding:.15em .8em;color:inherit">{caption}</caption>'
            f"<tbody>{''.join(rows)}</tbody></table>"
        )


def _html_row(name: str, row: _Row) -> str:
    state, text, elapsed, next_look = row
    then = "" if next_look is None else f", next look in {next_look:.0f} s"
    weight = "600" if state in ("begun", "waiting") else "400"
    cells = (_MARKS[state], name, text, f"{elapsed:.0f} s{then}")
    shown = "".join(f'<td style="{_CELL};font-weight:{weight}">{escape(cell)}</td>' for cell in cells)
    return f"<tr>{shown}</tr>"
