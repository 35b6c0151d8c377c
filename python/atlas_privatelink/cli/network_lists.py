"""A list of networks in a file, for `connect many`: read and checked as a whole, before anything is sent."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..errors import ValidationError
from .failures import UsageError
from .networks import CLOUDS, NAMES, OPTIONS, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ..clouds.base import Cloud

__all__ = ["clouds_of"]

_LISTS = ("subnet_ids", "security_group_ids")
_TABLES = ("tags", "labels")
_FLAGS = ("port_mapping", "global_access")
# which AWS and Google Cloud have to know before anything is sent; on Azure the option --region says it
_OF_REGIONS = ("aws", "gcp")


def clouds_of(name: str) -> list[Cloud]:
    """The cloud objects of a list of networks.

    Args:
        name: The file: TOML if its name ends with `.toml`, else JSON; `-` for JSON on stdin.

    Raises:
        UsageError: It cannot be read, or an entry is invalid. Every invalid entry is named.
    """
    shown = "stdin" if name == "-" else name
    found: list[Cloud] = []
    problems: list[str] = []
    for number, entry in enumerate(_entries(name, shown), 1):
        try:
            found.append(_cloud(entry))
        except UsageError as error:
            problems.append(f"entry {number}: {error}")
    if problems:
        raise UsageError(f"{shown}: {'; '.join(problems)}")
    return found


def _entries(name: str, shown: str) -> Sequence[object]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {shown}: {getattr(error, 'strerror', None) or error}") from error
    try:
        document = _toml(text) if name.endswith(".toml") else _json(text)
    except ValueError as error:
        raise UsageError(f"{shown} is not valid {'TOML' if name.endswith('.toml') else 'JSON'}: {error}") from error
    table = _table(document)
    entries = _list(table.get("networks") if table is not None and set(table) == {"networks"} else document)
    if not entries:
        form = "[[networks]] tables" if name.endswith(".toml") else 'a list of objects, or {"networks": […]}'
        raise UsageError(f"{shown} must have at least one network: {form}")
    return entries


def _table(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _list(value: object) -> list[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def _json(text: str) -> object:
    import json

    def refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the key {twice!r} is there twice")
        return found

    return json.loads(text, object_pairs_hook=refuse_duplicates)


def _toml(text: str) -> object:
    try:
        tomllib: Any = import_module("tomllib")
    except ModuleNotFoundError:
        raise UsageError("TOML needs Python 3.11 or later: use JSON") from None
    found: object = tomllib.loads(text)
    return found


def _cloud(entry: object) -> Cloud:
    table = _table(entry)
    if table is None:
        raise UsageError(f"must be an object with a cloud and its arguments, got {entry!r}")
    arguments: dict[str, Any] = table
    cloud = arguments.pop("cloud", None)
    if not isinstance(cloud, str) or cloud not in CLOUDS:
        got = "it is missing" if cloud is None else f"got {cloud!r}"
        raise UsageError(f"cloud must be one of {', '.join(CLOUDS)}; {got}")
    problems = list(_problems(cloud, arguments))
    if problems:
        raise UsageError(f"{cloud}: {', '.join(problems)}")
    try:
        return _MAKERS[cloud](**arguments)
    except ValidationError as error:
        raise UsageError(f"{cloud}: {error}") from error


def _problems(cloud: str, arguments: Mapping[str, object]) -> Iterator[str]:
    python_names = {option: name for name, option in NAMES.items()}
    known = [python_names.get(option, option) for option in OPTIONS[cloud]]
    if cloud in _OF_REGIONS:
        known.append("region")
    for name, value in arguments.items():
        if name == "region" and cloud not in _OF_REGIONS:
            yield f"region is not a key of {cloud} entries: use the option --region"
        elif name not in known:
            yield f"unknown key {name!r} (known keys: {', '.join(sorted(known))})"
        elif not _is_of_its_type(name, value):
            yield f"{name} must be {_type_of(name)}, got {value!r}"
    for name in known:
        if name in REQUIRED and name not in arguments:
            yield f"{name} is missing"


def _is_of_its_type(name: str, value: object) -> bool:
    if name in _FLAGS:
        return isinstance(value, bool)
    if name in _LISTS or name in _TABLES:
        table = _table(value)
        texts = _list(value) if name in _LISTS else None if table is None else list(table.values())
        return texts is not None and all(isinstance(each, str) for each in texts)
    return isinstance(value, str)


def _type_of(name: str) -> str:
    if name in _FLAGS:
        return "true or false"
    if name in _LISTS:
        return "a list of strings"
    return "an object of strings" if name in _TABLES else "a string"


def _aws(*, vpc_endpoint: str | None = None, **arguments: Any) -> Cloud:
    from ..clouds.aws import AwsCloud
    from ..clouds.own import OwnEndpoint

    if vpc_endpoint is None:
        return AwsCloud(**arguments)
    if arguments:
        raise UsageError(f"aws: {', '.join(arguments)} cannot be used with vpc_endpoint")
    return OwnEndpoint(vpc_endpoint)


def _azure(**arguments: Any) -> Cloud:
    from ..clouds.azure import AzureCloud

    return AzureCloud(**arguments)


def _gcp(**arguments: Any) -> Cloud:
    from ..clouds.gcp import GcpCloud

    arguments.setdefault("region", None)
    return GcpCloud(**arguments)


_MAKERS: Mapping[str, Callable[..., Cloud]] = {"aws": _aws, "azure": _azure, "gcp": _gcp}
