"""What all answers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from enum import Enum
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Exchange


class Word(str, Enum):
    """A word of Atlas's. One that Atlas adds later becomes a value of the type too, equal to its text."""

    __str__ = str.__str__

    def __format__(self, format_spec: str) -> str:
        return str.__format__(self, format_spec)

    @classmethod
    def _missing_(cls, value: object) -> Word | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What Atlas said of its rate limit."""

    limit: int | None
    """Requests that the token bucket holds (`RateLimit-Limit`)."""
    remaining: int | None
    """Requests that were left in it (`RateLimit-Remaining`)."""
    retry_after: str | None
    """When to come back (`Retry-After`): seconds, or an HTTP date."""


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

    @property
    def java_method(self) -> str | None:
        """What served the request at Atlas (`X-Java-Method`); worth giving to MongoDB's support."""
        return self.headers.get("x-java-method")

    @property
    def service_version(self) -> str | None:
        """The version of Atlas that served it (`X-MongoDB-Service-Version`)."""
        return self.headers.get("x-mongodb-service-version")

    @property
    def rate_limit(self) -> RateLimit:
        """What Atlas said of its rate limit."""
        numbers = (self.headers.get(f"ratelimit-{name}", "") for name in ("limit", "remaining"))
        limit, remaining = (int(number) if number.isdecimal() else None for number in numbers)
        return RateLimit(limit, remaining, self.headers.get("retry-after"))


class _Answered:
    """Keeps the `response` out of the dataclass: it is not compared, shown, copied or pickled."""

    __slots__ = ("_exchange",)
    if TYPE_CHECKING:
        _exchange: Exchange | None

    @property
    def response(self) -> Response | None:
        """The HTTP side of the call that this came from; `None` for a copy or after unpickling."""
        exchange: Exchange | None = getattr(self, "_exchange", None)
        return None if exchange is None else Response(*exchange.fields())


def _nothing() -> dict[str, Any]:
    return {}


class Resource(_Answered):
    """What the dataclasses of all families have in common."""

    __slots__ = ()
    _status_type: type[Word] | None = None

    @classmethod
    def _received(cls, values: tuple[Any, ...], exchange: Exchange | None) -> Self:
        *fields, extra = values
        if cls._status_type is not None:
            fields[1] = cls._status_type(fields[1])
        make: Any = cls
        resource: Self = make(*fields, extra=extra)
        object.__setattr__(resource, "_exchange", exchange)
        return resource

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        dataclass_type: Any = type(self)
        rows = {f.name: getattr(self, f.name) for f in dataclass_fields(dataclass_type)}
        return html_table(dataclass_type.__name__, rows)


def extra_fields() -> Any:
    return field(default_factory=_nothing, hash=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class WaitProgress:
    """What a look showed of a wait that goes on."""

    endpoint: Any
    """The last state seen, as `get_…` returns it; `None` where nothing was seen so far."""
    changed: bool
    """Whether it is another state than before."""
    trouble: str | None
    """Why this look showed nothing, if it did not; the wait goes on all the same."""
    looks: int
    """Looks so far."""
    elapsed: float
    """Seconds so far."""
    next_look: float
    """Seconds until the next look, at most."""

    @property
    def status(self) -> str | None:
        """The last status seen."""
        return getattr(self.endpoint, "status", None)


def cloud_region(provider: str | None, region_name: str | None) -> str | None:
    from .._core import cloud_region as named_by_the_cloud

    return None if region_name is None else named_by_the_cloud(provider or "", region_name)


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
