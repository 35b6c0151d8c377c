"""Text for terminals."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

__all__ = ["PROGRAM", "cells", "cut", "lines_for", "marks_for", "on_one_line", "padded", "put", "width_of"]

PROGRAM = "atlas-privatelink"
"""What the command is called."""

_MARKS = {"ok": "✓", "warning": "!", "failure": "✗", "skipped": "\N{EN DASH}"}
_ASCII_MARKS = {"ok": "+", "warning": "!", "failure": "x", "skipped": "-"}


def on_one_line(text: str) -> str:
    """The text without line breaks, and without what a terminal would obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


def cells(text: str) -> int:
    """How many columns of a terminal it takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, width: int) -> str:
    """The text, or as much of it as fits."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 3:
        text = text[:-1]
    return f"{text}..."[: max(width, 0)]


def padded(text: str, width: int) -> str:
    """The text, with blanks up to this width."""
    return text + " " * (width - cells(text))


def put(text: str, stream: TextIO) -> None:
    """Write one line; what the stream's encoding cannot say is escaped."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def width_of(stream: TextIO) -> int:
    """The columns of the terminal that a stream leads to; 80 if it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def lines_for(text: str, stream: TextIO, indent: int) -> list[str]:
    """A text as one line for programs; for people, as many as fit their terminal, and no word broken.

    Args:
        text: The text.
        stream: Where it is written.
        indent: How many columns stand before each line.
    """
    line = on_one_line(text)
    if not stream.isatty():
        return [line]
    from textwrap import wrap

    width = max(width_of(stream) - indent - 1, 40)
    return wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]


def marks_for(stream: TextIO) -> Mapping[str, str]:
    """Marks for `ok`, `warning`, `failure` and `skipped`, in characters that a stream's encoding has."""
    try:
        "".join(_MARKS.values()).encode(getattr(stream, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return _ASCII_MARKS
    return _MARKS
