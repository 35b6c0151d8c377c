"""What the extension module hands across, made into dataclasses and exceptions."""

from __future__ import annotations

import sys

from . import errors, models
from ._warnings import warn_once
from .models import Response, WaitProgress
from .models.serverless import ServerlessEndpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ._core import Exchange

    Outcome = tuple[str, Any, Exchange | None]

# the origin's is here before the first result comes, which would keep its event loop waiting
_classes: dict[str, Any] = {ServerlessEndpoint.__name__: ServerlessEndpoint}


def open_outcome(outcome: Outcome) -> Any:
    """The result of a call, or its exception."""
    kind, parts, exchange = outcome
    if kind == "resource":
        result = _resource(parts, exchange)
    elif kind == "resources":
        result = [_resource(each, exchange) for each in parts]
    elif kind == "look":
        return _look(*parts)
    elif kind == "error":
        error = exception(outcome)
        _log(exchange, type(error).__name__)
        raise error
    else:
        result = parts
    _log(exchange, "ok")
    if exchange is not None and exchange.deprecation is not None:
        _warn_of_deprecation(exchange, result)
    return result


def exception(outcome: Outcome) -> errors.AtlasError:
    """The exception of an outcome that is an error."""
    _, (name, message, keywords), exchange = outcome
    if "candidates" in keywords:
        keywords["candidates"] = tuple(_resource(each, None) for each in keywords["candidates"])
    if keywords.get("endpoint") is not None:
        keywords["endpoint"] = _resource(keywords["endpoint"], None)
    if exchange is not None:
        keywords["response"] = Response(*exchange.fields())
    error: errors.AtlasError = getattr(errors, name)(message, **keywords)
    return error


def _resource(parts: tuple[str, tuple[Any, ...]], exchange: Exchange | None) -> Any:
    name, values = parts
    resource_class = _classes.get(name)
    if resource_class is None:
        resource_class = _classes[name] = getattr(models, name)
    return resource_class._received(values, exchange)


def _look(endpoint: tuple[str, tuple[Any, ...]] | None, *others: Any) -> WaitProgress:
    return WaitProgress(None if endpoint is None else _resource(endpoint, None), *others)


def _warn_of_deprecation(exchange: Exchange, result: Any) -> None:
    if exchange.deprecation is None:
        return
    since, sunset = exchange.deprecation
    dates = [f"since {since}" if since else "", f"with sunset on {sunset}" if sunset else ""]
    what = f"{exchange.operation}: Atlas says that this operation is deprecated"
    try:
        warn_once(exchange.operation, f"{what}, {' and '.join(filter(None, dates))}", DeprecationWarning)
    except DeprecationWarning as error:  # made into an error: what the call has brought must not be lost with it
        error.result = result  # type: ignore[attr-defined]
        raise


def _log(exchange: Exchange | None, outcome: str) -> None:
    logging: ModuleType | None = sys.modules.get("logging")
    if exchange is None or logging is None:  # where nobody has imported it, nobody can have configured it
        return
    logger = logging.getLogger("atlas_privatelink")
    if not logger.isEnabledFor(logging.DEBUG):
        return
    response = Response(*exchange.fields())
    logger.debug(
        "%s: %s (%s %s, HTTP %s, attempts: %d, requests: %d, %.3f s)",
        exchange.operation,
        outcome,
        response.method,
        response.url,
        response.status_code,
        response.attempts,
        response.requests,
        response.elapsed,
    )
