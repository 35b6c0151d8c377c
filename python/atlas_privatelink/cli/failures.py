"""Exit codes of commands that fail, and the line that says why."""

from __future__ import annotations

import re
import sys

from .. import errors
from .text import PROGRAM, on_one_line, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from .grammar import Parser

__all__ = [
    "DENIED",
    "ERROR",
    "FAILED",
    "INTERRUPTED",
    "TERMINATED",
    "USAGE",
    "CredentialsError",
    "UsageError",
    "complain",
    "exit_code",
    "in_terms_of",
    "report",
    "with_options",
]

ERROR, USAGE, NOT_FOUND, DENIED, FAILED, TIMED_OUT, REFUSED, INTERRUPTED, TERMINATED = 1, 2, 3, 4, 5, 6, 7, 130, 143

# the first that fits
_CODES: tuple[tuple[type[Exception], int], ...] = (
    (errors.ValidationError, USAGE),
    (errors.NotFound, NOT_FOUND),
    (errors.AuthenticationError, DENIED),
    (errors.PermissionDenied, DENIED),
    (errors.CloudPermissionDenied, DENIED),
    (errors.EndpointFailed, FAILED),
    (errors.WaitTimeout, TIMED_OUT),
    (errors.Timeout, TIMED_OUT),
    (errors.PreflightFailed, REFUSED),
    (errors.NotOwned, REFUSED),
    (errors.DriftError, REFUSED),
)


class UsageError(Exception):
    """The command line does not say what is needed, or says too much."""


class CredentialsError(Exception):
    """No client can be had: there are no credentials, or they are no use."""


def exit_code(error: Exception) -> int:
    """The exit code for an error."""
    if isinstance(error, UsageError):
        return USAGE
    if isinstance(error, CredentialsError):
        return DENIED
    if isinstance(error, errors.ConnectManyFailed):
        codes = {exit_code(one) for one in error.errors if one is not None}
        return codes.pop() if len(codes) == 1 else ERROR
    return next((code for kind, code in _CODES if isinstance(error, kind)), ERROR)


def complain(text: str) -> None:
    """Write an error to stderr."""
    put(f"{PROGRAM}: error: {on_one_line(text)}", sys.stderr)


def report(error: Exception, parser: Parser, names: Mapping[str, str]) -> str:
    """The line that says what went wrong.

    Args:
        error: What went wrong.
        parser: The command's parser.
        names: Which option stands for an argument, where it has another name.
    """
    text = str(error)
    if isinstance(error, errors.ValidationError):
        text = in_terms_of(parser, error, names)
    elif isinstance(error, errors.PreflightFailed):
        text = with_options(parser, text, names)
    known = [f"{what} {value}" for what, value in _known(error) if value not in text]
    also = f" [{', '.join(known)}]" if known else ""
    if not isinstance(error, (errors.AtlasError, UsageError, CredentialsError, OSError)):
        text = f"{type(error).__name__}: {text}{_place(error)}"
    return f"{PROGRAM}: error: {on_one_line(text)}{on_one_line(also)}"


def in_terms_of(parser: Parser, error: errors.ValidationError, names: Mapping[str, str] | None = None) -> str:
    """An error's text, with the names of options in place of those of Python's arguments."""
    head, separator, tail = str(error).partition(error.field)
    if head or not separator:
        return with_options(parser, str(error), names, field=error.field)
    return _shown_names(parser, names).get(error.field, error.field) + with_options(
        parser, tail, names, field=error.field
    )


def with_options(parser: Parser, text: str, names: Mapping[str, str] | None = None, *, field: str = "") -> str:
    """A text, with the names of options in place of those of Python's arguments.

    Args:
        parser: The command's parser.
        text: The text.
        names: Which option stands for an argument, where it has another name.
        field: The argument that the text is about.
    """
    shown = _shown_names(parser, names)
    # a single word may be just a word, unless it is the one that the text is about
    plain = {name for name in shown if "_" not in name} - {field}

    def replaced(match: re.Match[str]) -> str:
        word = match[0]
        return word if word in plain else shown.get(word, word)

    return re.sub(r"\b[a-z]+(_[a-z]+)+\b", replaced, text)


def _shown_names(parser: Parser, names: Mapping[str, str] | None) -> dict[str, str]:
    shown = parser.names()
    return shown | {name: shown[option] for name, option in (names or {}).items() if option in shown}


def _known(error: Exception) -> Iterator[tuple[str, str]]:
    connection: Any = getattr(error, "connection", None)
    if connection is not None:
        yield "endpoint service", connection.endpoint_service_id or ""
        yield "endpoint", connection.endpoint_id or ""
        yield "cloud endpoint", connection.cloud_endpoint_id or ""
    endpoint: Any = getattr(error, "endpoint", None)
    if endpoint is not None:
        yield "endpoint", str(getattr(endpoint, "id", ""))
    candidates: tuple[Any, ...] = getattr(error, "candidates", ())
    for candidate in candidates:
        yield "it may be", str(getattr(candidate, "id", ""))


def _place(error: Exception) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "" if frame is None else f" (at {frame.tb_frame.f_code.co_filename}:{frame.tb_lineno})"
