"""Faults of the local Azure: errors, broken connections, throttling, missing permissions."""

from __future__ import annotations

from dataclasses import dataclass

from ._azure_rules import ACTIONS, Address, Refused

__all__ = ["AzureFaults", "Fault"]


@dataclass
class Fault:
    """One armed fault; see `LocalAzure.fail`."""

    operation: str | None
    code: str | None
    message: str
    status: int
    executed: bool
    times: int
    after: int
    retry_after: float | None


class AzureFaults:
    """What is armed. Not thread-safe: the local Azure asks it one request at a time."""

    def __init__(self) -> None:
        self.armed: list[Fault] = []
        self.denied: set[tuple[str, str | None]] = set()
        self._throttle: tuple[int, float] | None = None
        self._seen = 0

    def throttle_every(self, every: int | None, retry_after: float) -> None:
        """Refuse every so-manieth call; `None` ends it."""
        if every is not None and every < 1:
            raise ValueError(f"every must be at least 1, got {every!r}")
        self._throttle = None if every is None else (every, retry_after)

    def forget(self) -> None:
        """Disarm all but the permissions."""
        self.armed.clear()
        self._throttle = None

    def due(self, operation: str) -> Fault | None:
        """The fault that a call meets."""
        for fault in self.armed:
            if fault.operation in (None, operation):
                if fault.after > 0:
                    fault.after -= 1
                    return None
                fault.times -= 1
                if fault.times <= 0:
                    self.armed.remove(fault)
                return fault
        if self._throttle is not None:
            every, retry_after = self._throttle
            self._seen += 1
            if self._seen % every == 0:
                text = "The request is being throttled."
                return Fault(operation, "TooManyRequests", text, 429, False, 1, 0, retry_after)
        return None

    def denied_in(self, group: str) -> list[str]:
        """The actions that are missing in a resource group."""
        return sorted(action for action, scope in self.denied if scope in (None, group.lower()))

    def check_allowed(self, address: Address) -> None:
        """Refuse what there is no permission for.

        Raises:
            Refused: It is denied.
        """
        self.check_action(ACTIONS[address.operation], address.group)

    def check_action(self, action: str, group: str) -> None:
        """Refuse what there is no permission for.

        Raises:
            Refused: It is denied.
        """
        denied = self.denied_in(group)
        # a role in one resource group is none in the subscription
        is_partly_denied = not group and any(one == action for one, _ in self.denied)
        if action in denied or is_partly_denied:
            scope = f"resource group '{group}'" if group else "the subscription"
            text = (
                f"The client 'local' does not have authorization to perform action '{action}' over {scope} or the "
                "scope is invalid. If access was recently granted, please refresh your credentials."
            )
            raise Refused(403, "AuthorizationFailed", text)
