"""Text for terminals."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["PROGRAM", "cells", "cut", "on_one_line", "padded", "put"]

PROGRAM = "atlas-privatelink"
"""What the command is called."""


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
