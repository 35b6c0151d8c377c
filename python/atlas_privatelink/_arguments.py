"""Checks of arguments that need neither Atlas nor a cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from .errors import ValidationError

__all__ = ["check_callable", "check_flag", "checked_texts"]


def check_flag(field: str, value: object, *, optional: bool = False) -> None:
    """Refuses what is neither `True` nor `False`: a text such as "no" would count as true.

    Raises:
        ValidationError: It is something else.
    """
    if not isinstance(value, bool) and not (optional and value is None):
        rule = "True, False or None" if optional else "True or False"
        raise ValidationError(f"{field} must be {rule}, got {value!r}", field=field)


def check_callable(field: str, value: object) -> None:
    """Refuses what cannot be called.

    Raises:
        ValidationError: It cannot.
    """
    if value is not None and not callable(value):
        raise ValidationError(f"{field} must be a function, got {value!r}", field=field)


def checked_texts(field: str, given: object) -> dict[str, str]:
    """A copy of a mapping of texts to texts, such as tags; an empty one for `None`.

    Raises:
        ValidationError: It is something else.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ValidationError(f"{field} must be a dictionary of texts, got {given!r}", field=field)
    texts = dict[str, str]()
    for key, value in cast("Mapping[object, object]", given).items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise ValidationError(f"{field} must have texts as keys and values, got {key!r}: {value!r}", field=field)
        texts[key] = value
    return texts
