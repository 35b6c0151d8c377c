"""The arguments of `AwsCloud`, checked before anything is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .._core import cloud_region
from ..errors import ValidationError
from .ownership import checked_user_tags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["check_credentials", "check_name", "checked_id", "checked_ids", "checked_region", "checked_tags"]

_SPELLED_REGION = re.compile(r"\s*[A-Za-z][A-Za-z_ -]*\d+\s*")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+")
_NAME = re.compile(r"[A-Za-z0-9_.:/=+@-](?:[A-Za-z0-9 _.:/=+@-]{0,126}[A-Za-z0-9_.:/=+@-])?")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}")
# EC2 allows 50 tags, and ours take up to eight
_MOST_TAGS, _LONGEST_KEY, _LONGEST_VALUE = 42, 128, 256


def checked_region(field: str, region: object) -> str:
    """AWS's name of a region that may be spelled in any way.

    Raises:
        ValidationError: It is not one.
    """
    if isinstance(region, str) and _SPELLED_REGION.fullmatch(region):
        canonical = cloud_region("AWS", region)
        if _REGION.fullmatch(canonical):
            return canonical
    rule = f"{field} must be AWS's name of a region, such as us-east-1, got {region!r}"
    raise ValidationError(rule, field=field)


def checked_id(field: str, value: object, kind: str) -> str:
    """The id of a resource.

    Raises:
        ValidationError: It is not one.
    """
    if not isinstance(value, str) or not re.fullmatch(rf"{kind}-[0-9a-f]{{8,17}}", value):
        raise ValidationError(f"{field} must look like {kind}-0123456789abcdef0, got {value!r}", field=field)
    return value


def checked_ids(field: str, values: Sequence[str] | None, kind: str) -> tuple[str, ...]:
    """The ids of resources, each once.

    Raises:
        ValidationError: One of them is not one.
    """
    if isinstance(values, str):
        raise ValidationError(f"{field} must be a list of ids, not one text", field=field)
    return tuple(dict.fromkeys(checked_id(field, value, kind) for value in values or ()))


def check_name(name: object) -> None:
    """Refuse what cannot be the name of an endpoint.

    Raises:
        ValidationError: It cannot.
    """
    if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
        rule = "name must have 1 to 128 letters, digits, spaces and characters of _.:/=+@-"
        raise ValidationError(f"{rule}, got {name!r}", field="name")


def checked_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    """The caller's tags.

    Raises:
        ValidationError: One of them marks what this package has created, or breaks a rule of EC2's.
    """
    given = checked_user_tags("tags", tags)
    for key, value in given.items():
        is_key = 0 < len(key) <= _LONGEST_KEY and not key.lower().startswith("aws:")
        if not is_key or len(value) > _LONGEST_VALUE:
            rule = f"keys of 1 to {_LONGEST_KEY} characters without aws:, and values of up to {_LONGEST_VALUE}"
            raise ValidationError(f"tags must have {rule}, got {key!r}: {value!r}", field="tags")
    if len(given) > _MOST_TAGS:
        raise ValidationError(f"tags must be {_MOST_TAGS} at most, got {len(given)}", field="tags")
    return given


def check_credentials(session: object, client: object, profile: object, role_arn: object, external_id: object) -> None:
    """Refuse credentials that exclude each other. None of them is shown.

    Raises:
        ValidationError: They do.
    """
    ways = {"session": session, "client": client, "profile": profile}
    given = [name for name, value in ways.items() if value is not None]
    if role_arn is not None and client is not None:
        given.append("role_arn")
    if len(given) > 1:
        raise ValidationError(f"{given[1]} and {given[0]} exclude each other", field=given[1])
    if role_arn is not None and not (isinstance(role_arn, str) and _ROLE.fullmatch(role_arn)):
        rule = "role_arn must look like arn:aws:iam::123456789012:role/name"
        raise ValidationError(f"{rule}, got {role_arn!r}", field="role_arn")
    if external_id is None:
        return
    if role_arn is None:
        raise ValidationError("external_id goes with role_arn", field="external_id")
    if not (isinstance(external_id, str) and _EXTERNAL_ID.fullmatch(external_id)):
        rule = "external_id must have 2 to 1224 letters, digits and characters of _+=,.@:/-"
        raise ValidationError(rule, field="external_id")
