"""What Atlas answers, as frozen dataclasses.

They are the real thing: `dataclasses.asdict`, `fields`, `replace`, pattern matching, copying and pickling all work.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._core import Exchange

__all__ = ["EndpointStatus", "Response", "ServerlessEndpoint"]


class EndpointStatus(str, Enum):
    """The state of a private endpoint of a serverless instance.

    A word that Atlas adds later becomes a value of this type too, equal to its text. An endpoint that Atlas sent
    without a status has the value `"UNKNOWN"`.
    """

    RESERVATION_REQUESTED = "RESERVATION_REQUESTED"
    """Atlas prepares its endpoint service, which has no name yet. One to two minutes is usual."""
    RESERVED = "RESERVED"
    """`endpoint_service_name` is set: create the VPC endpoint now, and tell Atlas its id."""
    INITIATING = "INITIATING"
    """Atlas knows the VPC endpoint and connects it."""
    AVAILABLE = "AVAILABLE"
    """Usable."""
    FAILED = "FAILED"
    """It will not come; `error_message` says why."""
    DELETING = "DELETING"
    """On its way out."""

    __str__ = str.__str__

    def __format__(self, format_spec: str) -> str:
        return str.__format__(self, format_spec)

    @classmethod
    def _missing_(cls, value: object) -> EndpointStatus | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member


@dataclass(frozen=True, slots=True)
class Response:
    """The HTTP side of a call: what MongoDB's support asks for."""

    status_code: int | None
    """The last answer's status; `None` where no answer came."""
    method: str
    """The request's method."""
    url: str
    """The request's URL."""
    headers: Mapping[str, str] = field(repr=False)
    """The last answer's headers, names in lower case (`x-java-method`, `x-mongodb-service-version`, `ratelimit-…`)."""
    http_version: str | None
    """The last answer's protocol, such as `HTTP/2.0`."""
    attempts: int
    """How often the request was tried."""
    requests: int
    """HTTP requests sent in all; those that fetched or refreshed a digest challenge are counted too."""
    elapsed: float
    """Seconds from the call's begin to its end."""


class _Answered:
    """Keeps the `response` out of the dataclass: it is not compared, shown, copied or pickled."""

    __slots__ = ("_exchange",)
    _exchange: Exchange | None

    @property
    def response(self) -> Response | None:
        """The HTTP side of the call that this came from; `None` for a copy or after unpickling."""
        exchange: Exchange | None = getattr(self, "_exchange", None)
        return None if exchange is None else Response(*exchange.fields())


def _nothing() -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class ServerlessEndpoint(_Answered):
    """One private endpoint of one serverless instance."""

    id: str
    """Atlas's own id (`_id`), 24 hexadecimal digits; not the cloud provider's `vpce-…`."""
    status: EndpointStatus
    """How far it has come."""
    comment: str | None = None
    """The comment that it was created or updated with."""
    endpoint_service_name: str | None = None
    """The PrivateLink service to create a VPC endpoint for; `None` until the status is `RESERVED`."""
    cloud_provider_endpoint_id: str | None = None
    """The VPC endpoint (AWS) or private endpoint's resource (Azure) that Atlas was told of."""
    error_message: str | None = None
    """What went wrong, where the status is `FAILED`."""
    provider_name: str | None = None
    """`AWS` or `AZURE`; old answers leave it out."""
    private_endpoint_ip_address: str | None = None
    """Azure only."""
    private_link_service_resource_id: str | None = None
    """Azure only: the service to create a private endpoint for."""
    extra: Mapping[str, Any] = field(default_factory=_nothing, hash=False)
    """What Atlas sent beyond that, by Atlas's names."""

    @classmethod
    def _received(cls, values: tuple[Any, ...], exchange: Exchange | None) -> ServerlessEndpoint:
        endpoint_id, status, *others = values
        endpoint = cls(endpoint_id, EndpointStatus(status), *others)
        object.__setattr__(endpoint, "_exchange", exchange)
        return endpoint

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        return html_table(type(self).__name__, {f.name: getattr(self, f.name) for f in fields(self)})


def html_table(title: str, rows: Mapping[str, object]) -> str:
    """A small table of names and values, escaped, with empty values left out; readable on light and dark pages."""
    from html import escape

    style = "text-align:left;vertical-align:top;padding:.15em .8em;background:transparent;color:inherit"
    body = "".join(
        f'<tr><th scope="row" style="{style};font-weight:600">{escape(name)}</th>'
        f'<td style="{style};overflow-wrap:anywhere">{escape(str(value))}</td></tr>'
        for name, value in rows.items()
        if value not in (None, {}, ())
    )
    return (
        '<table style="border-collapse:collapse;color:inherit;background:transparent">'
        f'<caption style="text-align:left;padding:.15em .8em;color:inherit">{escape(title)}</caption>'
        f"<tbody>{body}</tbody></table>"
    )
