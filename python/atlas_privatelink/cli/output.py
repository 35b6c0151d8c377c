"""Results, on stdout: as a table, as JSON, or as bare values."""

from __future__ import annotations

import os
import sys

from .text import cells, on_one_line, padded, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

__all__ = ["print_columns", "print_table", "write", "write_list"]

_COLOURS = {"AVAILABLE": "green", "FAILED": "red", "REJECTED": "red", "DELETING": "dim", "DELETED": "dim"}


def write(result: Any, how: str) -> None:
    """Write one result.

    Args:
        result: A dataclass of the package's, or a mapping.
        how: "table", "json", "jsonl" or "value".
    """
    if how == "table":
        print_table(None, [[name, text] for name, text in _shown(_fields(result)).items()])
    elif how == "value":
        _print_values([result])
    else:
        _print_json(_fields(result), indent=2 if how == "json" else None)


def write_list(results: Sequence[Any], how: str) -> None:
    """Write any number of results of one kind, as `write` does it with one."""
    if how == "table":
        rows = [_shown(_fields(one)) for one in results]
        given = dict.fromkeys(name for row in rows for name in row)
        columns = list(dict.fromkeys(("id", "status", *given)))
        header = [name.replace("_", " ").upper() for name in columns]
        print_table(header, [[row.get(name, "-") for name in columns] for row in rows])
    elif how == "value":
        _print_values(results)
    elif how == "json":
        _print_json([_fields(one) for one in results], indent=2)
    else:
        for one in results:
            _print_json(_fields(one), indent=None)


def _print_json(document: object, *, indent: int | None) -> None:
    import json

    put(json.dumps(document, indent=indent), sys.stdout)


def _print_values(results: Sequence[Any]) -> None:
    for one in results:
        value = _value(one)
        if value:
            put(on_one_line(value), sys.stdout)


def _fields(one: Any) -> dict[str, Any]:
    from dataclasses import asdict

    fields: dict[str, Any] = asdict(one) if hasattr(one, "__dataclass_fields__") else one
    return fields


def _value(one: Any) -> str | None:
    """What somebody wants who wants one word: the connection string, else the id."""
    fields = _fields(one)
    strings: Any = fields.get("connection_strings") or fields
    found = strings.get("srv") or strings.get("standard")
    if found or "connection_strings" in fields:
        return str(found or fields.get("cloud_endpoint_id") or "")
    return str(fields["id"])


def _shown(fields: Mapping[str, Any]) -> dict[str, str]:
    """What a table shows: all that there is, in one line each."""
    nested: Mapping[str, Any] = fields.get("connection_strings") or {}
    flat = {name: value for name, value in fields.items() if name not in ("connection_strings", "extra")}
    flat.update({name: nested[name] for name in ("srv", "standard") if nested.get(name)})
    return {name: on_one_line(_text(value)) for name, value in flat.items() if value not in (None, (), [], {}, False)}


def _text(value: str | float | list[Any] | tuple[Any, ...] | dict[str, Any] | None) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return " ".join(_text(part) for part in value.values() if part is not None)
    return "yes" if value is True else str(value)


def print_table(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> None:
    """Write a table to stdout: by rich on a terminal if it is installed, in plain columns elsewhere.

    Args:
        header: The names of the columns; `None` for rows of a name and a value.
        rows: The rows.
    """
    if not sys.stdout.isatty() or not _print_rich_table(header, rows):
        print_columns(header, rows)


def print_columns(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> None:
    """Write a table to stdout in plain columns. A terminal breaks its lines, but nobody who copies an id notices."""
    lines = [*([header] if header else []), *rows]
    widths = [max(map(cells, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        put("  ".join(map(padded, line, widths)).rstrip(), sys.stdout)


def _print_rich_table(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> bool:
    if os.environ.get("TERM") == "dumb":
        return False
    try:
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    table = Table(box=SIMPLE_HEAD if header else None, show_header=header is not None, pad_edge=False)
    for column in header or ("", ""):
        # ids and statuses are copied, the others read
        table.add_column(column, overflow="fold", no_wrap=column in ("ID", "STATUS", "ENDPOINT"))
    for row in rows:
        first = "" if header else "bold"
        table.add_row(*(Text(text, _COLOURS.get(text, first if at == 0 else "")) for at, text in enumerate(row)))
    Console().print(table)
    return True
