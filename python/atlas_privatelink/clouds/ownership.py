"""Whose endpoint is it? The mark that `connect` writes on what it creates in your cloud, and how it is read.

The mark is a version and a digest of the Atlas project, the endpoint service, the network and the target that the
endpoint leads to. Whoever reads it computes the digest from the resource that carries it, so a mark that was copied to
an endpoint of another network or service is not ownership.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from .._arguments import checked_texts
from ..errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .base import ServiceToReach

__all__ = [
    "ENDPOINT_NAME_TAG",
    "MARK_TAG",
    "PROJECT_TAG",
    "RESERVED_TAGS",
    "RUN_TAG",
    "Mark",
    "checked_user_tags",
    "identity_digest",
]

MARK_TAG = "atlas-privatelink"
"""The tag with the version and the digest."""
PROJECT_TAG = "atlas-project-id"
"""The tag with the Atlas project."""
_SERVICE = "atlas-endpoint-service-id"
_SERVICE_CREATED = "atlas-endpoint-service-created"
_MADE_BY = "atlas-made-by"
ENDPOINT_NAME_TAG = "atlas-endpoint-name"
"""AWS: the name that the caller has given to the endpoint; it is part of the network in the mark."""
RUN_TAG = "atlas-run"
"""AWS: which call has created the endpoint; it is no part of the mark."""
RESERVED_TAGS = (MARK_TAG, PROJECT_TAG, _SERVICE, _SERVICE_CREATED, _MADE_BY, ENDPOINT_NAME_TAG, RUN_TAG)
"""The tags that only `connect` writes."""

_VERSION = "v1"
# what every cloud allows in a tag, and Google's descriptions, too
_MADE_BY_FORM = re.compile(r"[A-Za-z0-9_.:/=+@-]{1,200}")


def identity_digest(*parts: str) -> str:
    """32 hexadecimal digits that stand for an identity."""
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Mark:
    """What is written on an endpoint in your cloud by the call that creates it."""

    digest: str
    """Stands for project, service, network and target."""
    group_id: str
    """The Atlas project."""
    service_id: str
    """Atlas's id of the endpoint service; for serverless instances of the endpoint."""
    service_created: bool = False
    """Whether the connection that created the endpoint had created the endpoint service, too."""
    made_by: str | None = None
    """Who created it in which run, by the caller's own words."""

    @classmethod
    def of(cls, service: ServiceToReach, network: str, target: str) -> Mark:
        """The mark of a new endpoint.

        Args:
            service: What it leads to.
            network: The canonical id of its network, and its name where it was given one.
            target: The canonical name of what it leads to in the cloud.
        """
        digest = identity_digest(service.group_id, service.service_id, network, target)
        return cls(digest, service.group_id, service.service_id, service.created, service.made_by)

    @classmethod
    def read(cls, tags: Mapping[str, str]) -> Mark | None:
        """The mark among the tags of a resource; `None` where there is none, or one that is not complete."""
        by_key = {key.lower(): value for key, value in tags.items()}
        version, _, digest = by_key.get(MARK_TAG, "").partition("-")
        group_id, service_id = by_key.get(PROJECT_TAG), by_key.get(_SERVICE)
        if version != _VERSION or not digest or group_id is None or service_id is None:
            return None
        return cls(digest, group_id, service_id, by_key.get(_SERVICE_CREATED) == service_id, by_key.get(_MADE_BY))

    @classmethod
    def read_text(cls, text: str) -> Mark | None:
        """The mark in a description that `text` has written."""
        words = (word.partition("=") for word in text.split())
        return cls.read({key: value for key, separator, value in words if separator})

    def tags(self) -> dict[str, str]:
        """The mark as tags."""
        tags = {MARK_TAG: f"{_VERSION}-{self.digest}", PROJECT_TAG: self.group_id, _SERVICE: self.service_id}
        if self.service_created:
            # by its id, so that it counts for this service only
            tags[_SERVICE_CREATED] = self.service_id
        if self.made_by is not None:
            tags[_MADE_BY] = self.made_by
        return tags

    def text(self) -> str:
        """The mark as one line, for resources that have a description and no tags."""
        return " ".join(f"{key}={value}" for key, value in self.tags().items())

    def belongs_to(self, network: str, target: str) -> bool:
        """Whether it was written for a resource in this network that leads to this target."""
        return self.digest == identity_digest(self.group_id, self.service_id, network, target)


def check_made_by(made_by: object) -> None:
    """Refuse what a mark cannot hold.

    Raises:
        ValidationError: It is not 1 to 200 letters, digits and `_.:/=+@-`.
    """
    if made_by is not None and not (isinstance(made_by, str) and _MADE_BY_FORM.fullmatch(made_by)):
        rule = "made_by must have 1 to 200 letters, digits and characters of _.:/=+@-"
        raise ValidationError(f"{rule}, got {made_by!r}", field="made_by")


def checked_user_tags(field: str, tags: Mapping[str, str] | None) -> dict[str, str]:
    """The caller's tags or labels, which must not overwrite the mark.

    Raises:
        ValidationError: They are no texts, or one of the keys is reserved; the cloud may compare them without case.
    """
    given = checked_texts(field, tags)
    for key in given:
        if key.lower() in RESERVED_TAGS:
            rule = f"{field}: {key!r} is reserved: it marks what this package has created"
            raise ValidationError(rule, field=field)
    return given
