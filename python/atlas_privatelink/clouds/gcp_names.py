"""Google's names: their rules, their canonical form, and their order."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from ..errors import ValidationError

__all__ = ["GROUP", "RULE", "checked", "natural", "numbered", "path", "sortable_time"]

_NAME = r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"
_HOST = r"https://[^/]+/compute/[^/]+/"

PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
ANY_TEXT = re.compile(r".+")
REGION = re.compile(r"[a-z]+-[a-z]+\d+")
NETWORK = re.compile(rf"(?:(?:{_HOST})?projects/(?P<project>[^/]+)/global/networks/)?(?P<name>{_NAME})")
SUBNETWORK = re.compile(
    rf"(?:(?:{_HOST})?projects/(?P<project>[^/]+)/regions/(?P<region>[^/]+)/subnetworks/)?(?P<name>{_NAME})"
)
RULE = re.compile(_NAME)
GROUP = re.compile(r"[a-z](?:[-a-z0-9]{0,57}[a-z0-9])?")
"""The name of a group, with room for `-` and a number of three digits in the names of its rules."""
LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def checked(field: str, pattern: re.Pattern[str], value: object, rule: str) -> re.Match[str]:
    """Match an argument.

    Raises:
        ValidationError: It breaks its rule.
    """
    match = pattern.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValidationError(f"{field} must be {rule}, not {value!r}", field=field)
    return match


def path(url: str) -> str:
    """`projects/…` of what Google gives as a full URL, as a partial one, and with several hosts."""
    _, found, rest = url.partition("projects/")
    return found + rest


def natural(text: str) -> list[tuple[int, str]]:
    """A key for an order in which 10 comes after 9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]


def numbered(name: str) -> str | None:
    """The group of a rule that is named `<group>-<number>`; `None` for other names."""
    group, _, number = name.rpartition("-")
    return group if group and number.isdecimal() else None


def sortable_time(timestamp: str) -> str:
    """A time of Google's, which has the zone of its data center, as sortable text in UTC."""
    try:
        return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).astimezone(timezone.utc).isoformat()
    except ValueError:
        return ""
