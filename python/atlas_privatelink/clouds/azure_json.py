"""Parts of Azure's answers, where anything can be missing."""

from __future__ import annotations

from typing import Any, cast

__all__ = ["part", "parts"]


def part(value: object, *names: str) -> dict[str, Any]:
    """The object at a path of names; empty where there is none."""
    for name in names:
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def parts(value: object, *names: str) -> list[dict[str, Any]]:
    """The objects of the list at a path of names; empty where there is none."""
    found = part(value, *names[:-1]).get(names[-1])
    return [part(one) for one in cast("list[object]", found)] if isinstance(found, list) else []
