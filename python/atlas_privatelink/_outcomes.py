"""What the extension module hands across, made into dataclasses and exceptions."""

from __future__ import annotations

from . import errors
from .models import Response, ServerlessEndpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._core import Exchange

    Outcome = tuple[str, Any, Exchange | None]


def open_outcome(outcome: Outcome) -> Any:
    """The result of a call, or its exception."""
    kind, parts, exchange = outcome
    if kind == "error":
        raise exception(outcome)
    if kind == "endpoint":
        return ServerlessEndpoint._received(parts, exchange)
    if kind == "nothing":
        return None
    return [ServerlessEndpoint._received(fields, exchange) for fields in parts]


def exception(outcome: Outcome) -> errors.AtlasError:
    """The exception of an outcome that is an error."""
    _, (name, message, keywords), exchange = outcome
    if "candidates" in keywords:
        keywords["candidates"] = tuple(ServerlessEndpoint._received(fields, None) for fields in keywords["candidates"])
    if exchange is not None:
        keywords["response"] = Response(*exchange.fields())
    error: errors.AtlasError = getattr(errors, name)(message, **keywords)
    return error
