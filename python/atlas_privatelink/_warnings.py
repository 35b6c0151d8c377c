"""Warnings that point at the caller's own line."""

from __future__ import annotations

import sys

__all__ = ["warn", "warn_of_unknown_region", "warn_once"]

_given: set[object] = set()


def warn(message: str, category: type[Warning]) -> None:
    """Warn of the line outside this package that has called it."""
    import warnings

    warnings.warn(message, category, stacklevel=_callers_level())


def warn_once(key: object, message: str, category: type[Warning]) -> None:
    """Warn, unless a warning with the same key has been given in this process."""
    if key not in _given:
        _given.add(key)
        warn(message, category)


def warn_of_unknown_region(provider: str, name: str, cloud: str, atlas: str) -> None:
    """Warn of a region that is in no table of this version: its other name is a guess.

    Args:
        provider: The cloud provider.
        name: The region's name as it was written.
        cloud: The cloud's own name for it, by rule.
        atlas: Atlas's name for it, by rule.
    """
    message = (
        f"unknown {provider} region {name!r}: using {cloud!r} for {provider} and {atlas!r} for Atlas; check the"
        " spelling, or pass Atlas's name if the region is new"
    )
    warn_once(("region", provider, cloud, atlas), message, UserWarning)


def _callers_level() -> int:
    """How far up the first frame outside this package is, for `warnings.warn`."""
    package = __file__.removesuffix("_warnings.py")
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        level, frame = level + 1, frame.f_back
    return level
