"""MongoDB Atlas private endpoints in one `await`.

>>> from atlas_privatelink import AsyncClient
>>> async with AsyncClient() as atlas:
...     endpoint = await atlas.create_endpoint(GROUP_ID, "Instance0", comment="example comment")

`AsyncClient` and its blocking twin `Client` are where to begin. Results are frozen dataclasses (`models`), everything
that can go wrong is an `AtlasError` (`errors`), and `testing` has a local Atlas to try it all on.
"""

from __future__ import annotations

from ._core import __version__
from .blocking import Client
from .client import AsyncClient
from .errors import (
    AddressNotAllowed,
    ApiError,
    AtlasError,
    AuthenticationError,
    ConfigurationError,
    Conflict,
    ConnectionError,
    Gone,
    NotFound,
    NotSent,
    NotServerless,
    OutcomeUnknown,
    PermissionDenied,
    RateLimited,
    ServerError,
    Timeout,
    UnexpectedResponse,
    ValidationError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .models import EndpointStatus, Response, ServerlessEndpoint

__all__ = [
    "AddressNotAllowed",
    "ApiError",
    "AsyncClient",
    "AtlasError",
    "AuthenticationError",
    "Client",
    "ConfigurationError",
    "Conflict",
    "ConnectionError",
    "EndpointStatus",
    "Gone",
    "NotFound",
    "NotSent",
    "NotServerless",
    "OutcomeUnknown",
    "PermissionDenied",
    "RateLimited",
    "Response",
    "ServerError",
    "ServerlessEndpoint",
    "Timeout",
    "UnexpectedResponse",
    "ValidationError",
    "__version__",
]

_MODELS = ("EndpointStatus", "Response", "ServerlessEndpoint")


def __getattr__(name: str) -> object:
    # `dataclasses` takes longer to import than all the rest: a DAG or a command that makes no call need not wait
    if name not in _MODELS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import models

    globals().update({model: getattr(models, model) for model in _MODELS})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODELS})
