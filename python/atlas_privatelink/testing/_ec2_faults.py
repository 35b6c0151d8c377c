"""Faults of the local EC2: errors, broken connections, throttling, missing permissions, failed deletions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ._ec2_replies import Refused

__all__ = ["DeletionFault", "Ec2Faults", "Fault"]


@dataclass
class Fault:
    """One armed fault; see `LocalEc2.fail`."""

    action: str | None
    code: str | None
    message: str
    status: int
    executed: bool
    times: int
    after: int


@dataclass
class DeletionFault:
    """Why the deletion of one VPC endpoint fails, and how often."""

    code: str
    message: str
    times: int


@dataclass
class _Throttle:
    every: int
    action: str | None
    seen: int = 0


class Ec2Faults:
    """What is armed. Not thread-safe: the local EC2 asks it one request at a time."""

    def __init__(self) -> None:
        self.armed: list[Fault] = []
        self.deletions: dict[str, DeletionFault] = {}
        self.throttle: _Throttle | None = None
        self.denied: defaultdict[str, set[str]] = defaultdict(set)

    def throttle_every(self, every: int | None, action: str | None) -> None:
        """Refuse every so-manieth call; `None` ends it."""
        if every is not None and every < 1:
            raise ValueError(f"every must be at least 1, got {every!r}")
        self.throttle = None if every is None else _Throttle(every, action)

    def forget(self) -> None:
        """Disarm all but the permissions."""
        self.armed.clear()
        self.deletions.clear()
        self.throttle = None

    def reset(self) -> None:
        """Disarm all, and give all permissions back."""
        self.forget()
        self.denied.clear()

    def due(self, action: str) -> Fault | None:
        """The fault that a call meets."""
        for fault in self.armed:
            if fault.action in (None, action):
                if fault.after > 0:
                    fault.after -= 1
                    return None
                fault.times -= 1
                if fault.times <= 0:
                    self.armed.remove(fault)
                return fault
        return self._throttled(action)

    def _throttled(self, action: str) -> Fault | None:
        throttle = self.throttle
        if throttle is None or throttle.action not in (None, action):
            return None
        throttle.seen += 1
        if throttle.seen % throttle.every:
            return None
        return Fault(action, "RequestLimitExceeded", "Request limit exceeded.", 503, False, 1, 0)

    def deletion(self, vpc_endpoint_id: str) -> DeletionFault | None:
        """The fault that the deletion of a VPC endpoint meets."""
        fault = self.deletions.get(vpc_endpoint_id)
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self.deletions[vpc_endpoint_id]
        return fault

    def check_allowed(self, account_id: str, who: str, *actions: str) -> None:
        """Refuse what an account has no permission for.

        Args:
            account_id: The account.
            who: The ARN that asks.
            *actions: IAM's names of the actions, such as `ec2:CreateTags`.

        Raises:
            Refused: One of them is denied.
        """
        for action in actions:
            if action in self.denied[account_id]:
                text = (
                    f"You are not authorized to perform this operation. User: {who} is not authorized to perform: "
                    f"{action} because no identity-based policy allows the {action} action"
                )
                raise Refused("UnauthorizedOperation", text, 403)
