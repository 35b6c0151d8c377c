"""What an emulator is asked for by name, and what it tells of the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Authorization", "DigestMode", "FaultName", "RecordedRequest", "Stats"]

DigestMode = Literal[
    "jetty",
    "rising",
    "exact",
    "one-time",
    "misprint",
    "two-challenges",
    "header-twice",
    "sha-256",
    "sha-256-and-md5",
    "no-qop",
    "open",
]

FaultName = Literal[
    "refuse",
    "reset_before_handler",
    "reset_after_handler",
    "close_before_handler",
    "close_after_handler",
    "cut_body",
    "delay",
    "delay_after_handler",
    "trickle",
    "status",
    "rate_limited",
    "empty_body",
    "not_json",
    "huge_body",
    "wrong_json",
    "redirect",
]


@dataclass(frozen=True)
class Stats:
    """What happened since the start or the last `AtlasEmulator.reset_stats`."""

    requests: int
    """Requests that arrived."""
    answers: Mapping[tuple[str, int], int]
    """Answers sent, by method and status. A request that got no answer is in none."""
    challenges: int
    """Answers with a challenge."""
    connections: int
    """Connections accepted."""
    max_in_flight: int
    """The most requests that were in flight at once."""
    nonces_issued: int
    """Nonces given out."""
    nonce_counts: Mapping[str, Sequence[int]]
    """For each nonce that came in, its counts in the order of arrival."""
    endpoints_made: int
    """Creations executed, also those whose answer a fault swallowed."""
    tokens_issued: int
    """Access tokens given out."""
    refused: int
    """Credentials that were not accepted."""


@dataclass(frozen=True)
class Authorization:
    """The parameters of `Authorization: Digest` that are kept. The response hash is not."""

    username: str
    nonce: str
    uri: str
    algorithm: str | None
    qop: str | None
    nc: int | None


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it arrived, without its secrets."""

    method: str
    target: str
    """Path and query."""
    headers: Mapping[str, str]
    """By lower-case name. Of `authorization` only the scheme and some parameters are kept."""
    authorization: Authorization | None
    """The Digest parameters, if there were any."""
    body: str
    status: int | None
    """The status of the answer; None if there was none, or none yet."""

    @classmethod
    def _from_json(cls, fields: dict[str, Any]) -> RecordedRequest:
        authorization = fields.pop("authorization")
        return cls(authorization=Authorization(**authorization) if authorization else None, **fields)
