"""What `connect` and `disconnect` have reached, would do, or are about to delete: in words, or as JSON."""

from __future__ import annotations

import sys
from dataclasses import asdict

from .._wording import kind_in_cloud, outcome, short_networks
from ..models import Step
from .output import print_columns, write, write_list
from .text import cells, lines_for, marks_for, padded, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TextIO

    from ..errors import AtlasError, PreflightFailed
    from ..models import Check, Connection, Deletion

    Rows = list[tuple[str, str]]

__all__ = [
    "show_disconnection",
    "write_checks",
    "write_connection",
    "write_connections",
    "write_disconnection",
]

_PROVIDERS = {"AZURE": "Azure", "GCP": "Google Cloud"}


def write_connection(connection: Connection, how: str, named: Callable[[str], str]) -> None:
    """Write what `connect` has reached, or its plan, to stdout.

    Args:
        connection: The result.
        how: "table", "json", "jsonl" or "value".
        named: Puts the names of options into a text.
    """
    if how == "table":
        _show_connection(connection, sys.stdout, named)
    else:
        write(connection, how)


def write_disconnection(connection: Connection, how: str) -> None:
    """Write what `disconnect` has deleted, or its plan, to stdout, as `write_connection` does.

    As a bare value, the ids of the deleted resources.
    """
    if how == "table":
        show_disconnection(connection, sys.stdout)
    elif how == "value":
        for deletion in connection.deletions:
            put(deletion.id, sys.stdout)
    else:
        write(connection, how)


def write_connections(
    connections: Sequence[Connection],
    how: str,
    named: Callable[[str], str],
    *,
    errors: Sequence[AtlasError | None] = (),
) -> None:
    """Write what `connect_many` has reached, or its plan, to stdout: a table with a row for each network.

    Args:
        connections: The results.
        how: "table", "json", "jsonl" or "value".
        named: Puts the names of options into a text.
        errors: The error of each network, or `None`; nothing if there are none.
    """
    if how == "value":
        for connection in connections:
            if connection.srv:
                put(connection.srv, sys.stdout)
    elif how != "table":
        failed = [None if error is None else str(error) for error in errors or [None] * len(connections)]
        write_list(
            [
                asdict(connection) | ({} if error is None else {"error": error})
                for connection, error in zip(connections, failed, strict=True)
            ],
            how,
        )
    elif connections and connections[0].planned:
        for number, connection in enumerate(connections):
            if number:
                put("", sys.stdout)
            _show_connection(connection, sys.stdout, named)
    else:
        _print_summary(connections, errors or [None] * len(connections))


def write_checks(error: PreflightFailed, how: str, named: Callable[[str], str]) -> None:
    """Write the checks of a plan that cannot be carried out to stdout, as `write_connection` does."""
    connection = error.connection
    if how == "value":
        return
    if how != "table":
        known = {} if connection is None else asdict(connection)
        write({**known, "checks": [asdict(check) for check in error.checks], "planned": True}, how)
        return
    put("Plan: a check failed", sys.stdout)
    if connection is not None:
        _put_block("", _place_rows(connection), sys.stdout)
    _put_block("Checks", _check_rows(error.checks, sys.stdout, named), sys.stdout)


def show_disconnection(connection: Connection, stream: TextIO) -> None:
    """Write what `disconnect` has deleted or would delete, for people.

    Args:
        connection: The result or the plan.
        stream: Where to.
    """
    planned, number = connection.planned, len(connection.deletions)
    resources = f"{number} resource{'' if number == 1 else 's'}" if number else "nothing"
    verb = "would be deleted" if planned else "deleted"
    put(f"{'Plan' if planned else 'Done'}: {resources} {verb}", stream)
    _put_block("", _place_rows(connection), stream)
    kinds = {"cloud endpoint": kind_in_cloud(connection.cloud_provider)}
    rows = [(kinds.get(one.kind, one.kind), f"{one.id}\n{_without_id(one)}") for one in connection.deletions]
    _put_block("Would be deleted" if planned else "Deleted", rows, stream)
    lose = "lose" if planned else "lost"
    _put_block(f"Clusters that {lose} their private connection string", _list(connection.clusters), stream)
    _put_block("Not deleted", _list(connection.left), stream)


def _without_id(deletion: Deletion) -> str:
    """The detail of a deletion, as it is written below the id."""
    detail = deletion.detail.removeprefix(deletion.id).strip()
    return detail[1:-1] if detail.startswith("(") and detail.endswith(")") else detail


def _show_connection(connection: Connection, stream: TextIO, named: Callable[[str], str]) -> None:
    planned = connection.planned
    put("Plan: nothing was created or changed" if planned else "Done: connected", stream)
    rows = _place_rows(connection)
    if planned:
        _put_block("", rows, stream)
        _put_block("Exists", _found_rows(connection), stream)
        _put_block("Would be done", _step_rows(connection), stream)
        _put_block("Checks", _check_rows(connection.checks, stream, named), stream)
    else:
        strings = connection.connection_strings
        rows += [("status", connection.status or ""), *_found_rows(connection)]
        rows.append(("connection string", (strings.srv or strings.standard or "") if strings else ""))
        _put_block("", [(name, text) for name, text in rows if text], stream)
        warnings = [check for check in connection.checks if check.state != "ok"]
        _put_block("Warnings", _check_rows(warnings, stream, named), stream)
        _put_block("Notes", _note_rows(connection), stream)
    _put_block("Billed by the hour", _list(connection.bill), stream)


def _found_rows(connection: Connection) -> Rows:
    def named(value: str | None, origin: str | None) -> str:
        return f"{value} ({origin})" if value and origin and not connection.planned else value or ""

    cloud = kind_in_cloud(connection.cloud_provider)
    rows = [
        ("endpoint service", named(connection.endpoint_service_id, connection.service_origin)),
        ("endpoint", named(connection.endpoint_id, connection.endpoint_origin)),
        ("service name", connection.endpoint_service_name or ""),
        (cloud, named(connection.cloud_endpoint_id, connection.cloud_endpoint_origin)),
        ("differs", "; ".join(connection.drift)),
    ]
    return [(name, text) for name, text in rows if text]


def _step_rows(connection: Connection) -> Rows:
    rows: Rows = []
    for taken in connection.steps:
        if taken.step == Step.PREFLIGHT:  # what it has found has a block of its own
            continue
        rows.append((taken.step.description, outcome(taken.action, taken.detail, planned=True)))
    return rows


def _note_rows(connection: Connection) -> Rows:
    """Steps that have done something beside creating or adopting, or have ended without their result."""
    return [
        (taken.step.description, outcome(taken.action, taken.detail))
        for taken in connection.steps
        if taken.action in ("replace", "update") or (taken.step, taken.action) == (Step.CONNECTION_STRING, "skip")
    ]


def _check_rows(checks: Iterable[Check], stream: TextIO, named: Callable[[str], str]) -> Rows:
    marks = marks_for(stream)
    return [(f"{marks[check.state]} {check.name}", named(check.detail)) for check in checks]


def _list(texts: Iterable[str]) -> Rows:
    return [("", text) for text in texts]


def _place(connection: Connection) -> str:
    provider = _PROVIDERS.get(connection.cloud_provider or "", connection.cloud_provider or "")
    return " ".join(filter(None, (provider, connection.region)))


def _place_rows(connection: Connection) -> Rows:
    rows = [
        ("deployment", connection.deployment_name),
        ("region", _place(connection)),
        ("network", connection.network or ""),
    ]
    return [(name, value) for name, value in rows if value]


def _put_block(heading: str, rows: Rows, stream: TextIO) -> None:
    if not rows:
        return
    if heading:
        put("", stream)
        put(f"{heading}:", stream)
    width = max(cells(name) for name, _ in rows)
    indent = 2 + (width + 2 if width else 0)
    for name, text in rows:
        head = f"  {padded(name, width)}  " if width else "  "
        for part in text.split("\n"):
            for line in lines_for(part, stream, indent) if part else ():
                put(f"{head}{line}".rstrip(), stream)
                head = " " * indent


def _print_summary(connections: Sequence[Connection], errors: Sequence[AtlasError | None]) -> None:
    short = short_networks(one.network or "" for one in connections)
    columns: dict[str, list[str]] = {
        "NETWORK": [short[one.network or ""] for one in connections],
        "REGION": [_place(one) for one in connections],
        "STATUS": ["FAILED" if error else one.status or "-" for one, error in zip(connections, errors, strict=True)],
        "ENDPOINT": [one.cloud_endpoint_origin or "-" for one in connections],
        "SRV": [one.srv or "-" for one in connections],
    }
    print_columns(tuple(columns), list(zip(*columns.values(), strict=True)))
