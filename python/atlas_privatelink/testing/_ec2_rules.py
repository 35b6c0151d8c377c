"""How the local EC2 behaves where the real one is not documented, is slow, or is governed by somebody's policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = ["Ec2Rules", "TokenBehavior"]

TokenBehavior = Literal["returns-deleted", "mismatch", "forgets"]


@dataclass
class Ec2Rules:
    """The options of a `LocalEc2`, which can be changed while it runs. See there for their meaning."""

    shown_after: int = 0
    lists_lag: int = 0
    lag_seconds: float = 0.0
    tags_lag: int = 0
    deleting_looks: int = 0
    deleted_looks: int | None = None
    tokens: TokenBehavior = "returns-deleted"
    tags_count: bool = True
    strip_tags: Collection[str] = ()
    tag_policy: Callable[[dict[str, str]], Mapping[str, str]] | None = None
    service_known_after: int = 0
    remote_discovery_seconds: float = 30.0
    rejects_unregistered: bool = False
    tells_atlas: bool = False
    page_size: int | None = None
    endpoint_quota: int | None = None
    role_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.tokens not in ("returns-deleted", "mismatch", "forgets"):
            raise ValueError(f"tokens must be 'returns-deleted', 'mismatch' or 'forgets', got {self.tokens!r}")

    def tags_kept(self, tags: dict[str, str]) -> dict[str, str]:
        """What a tag policy leaves of the tags of a new VPC endpoint."""
        left = {key: value for key, value in tags.items() if key not in self.strip_tags}
        return left if self.tag_policy is None else dict(self.tag_policy(left))
