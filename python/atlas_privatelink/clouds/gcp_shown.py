"""How an endpoint in Google Cloud is shown: its state, and how it differs from the arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..models.connection import CloudEndpoint
from .gcp_names import path
from .gcp_parts import first_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from .gcp_parts import Group, Part

    Phase = Literal["creating", "pending", "available", "failed"]

__all__ = ["FAILED", "Wishes", "shown"]

# from the worst to the best: a group is in the state of its worst rule
_PHASES: dict[str, Phase] = {
    "CLOSED": "failed",
    "REJECTED": "failed",
    "STATUS_UNSPECIFIED": "creating",
    "PENDING": "pending",
    # accepted; the producer has something to do, and traffic flows or will flow
    "NEEDS_ATTENTION": "pending",
    "ACCEPTED": "available",
}
FAILED = frozenset(state for state, phase in _PHASES.items() if phase == "failed")
"""The states of a rule that Google does not end."""


@dataclass(frozen=True)
class Wishes:
    """The attributes that the caller has asked for."""

    subnetwork: str
    """The canonical subnetwork for the addresses."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels of the rules."""
    global_access: bool | None = None
    """Whether clients in other regions can connect; `None` for yes, without a complaint where it is not so."""
    ip_address: str | None = None
    """The address."""

    def drift(self, parts: Sequence[Part]) -> tuple[str, ...]:
        """How parts differ, in words."""
        found: list[str] = []
        subnetworks = sorted({path(part.address.subnetwork) for part in parts if part.address is not None})
        if subnetworks and subnetworks != [self.subnetwork]:
            found.append(f"subnetwork is {', '.join(subnetworks)}, not {self.subnetwork}")
        rules = [part.rule for part in parts if part.rule is not None]
        if self.ip_address is not None:
            differing = [rule.I_p_address for rule in rules if rule.I_p_address != self.ip_address]
            found += [f"address is {one}, not {self.ip_address}" for one in differing]
        if self.global_access is not None:
            differing = [rule.name for rule in rules if rule.allow_psc_global_access != self.global_access]
            state = "off" if self.global_access else "on"
            found += [f"global access is {state} for {', '.join(differing)}"] if differing else []
        for key, value in self.labels.items():
            values = sorted({repr(dict(rule.labels).get(key)) for rule in rules} - {repr(value)})
            found += [f"label {key} is {', '.join(values)}, not {value!r}"] if values else []
        return tuple(found)


def shown(group: Group, *, complete: bool, project: str, wishes: Wishes, network: str) -> CloudEndpoint:
    """An endpoint as the protocol wants it.

    Args:
        group: Its parts.
        complete: Whether none is missing.
        project: The project that it lives in.
        wishes: What the arguments ask for.
        network: The identity of its network.
    """
    rules = [part.rule for part in group.parts if part.rule is not None]
    states = [rule.psc_connection_status or "STATUS_UNSPECIFIED" for rule in rules]
    worst = min(states, key=_badness, default="PROVISIONING")
    phase: Phase = _PHASES.get(worst, "creating")
    if phase != "failed" and not complete:
        worst, phase = "PROVISIONING", "creating"
    broken = [rule.name for rule, state in zip(rules, states, strict=True) if state == worst]
    labels = {key: value for rule in reversed(rules) for key, value in rule.labels.items()}
    mark = group.parts[0].mark if group.is_ours else None
    return CloudEndpoint(
        group.id,
        worst,
        phase,
        error_message=f"{', '.join(broken)}: {worst}" if phase == "failed" else None,
        gcp_project_id=project,
        endpoints=tuple((rule.name, rule.I_p_address) for rule in rules),
        network=network,
        leads_to=first_of(part.target for part in group.parts),
        is_ours=mark is not None,
        service_id=None if mark is None else mark.service_id,
        service_created=mark is not None and mark.service_created,
        made_by=None if mark is None else mark.made_by,
        tags=tuple(sorted(labels.items())),
        drift=wishes.drift(group.parts),
        fingerprint=group.fingerprint,
        created_at=group.created_at,
    )


def _badness(state: str) -> int:
    states = list(_PHASES)
    # a word that Google adds later is one to wait through
    return states.index(state if state in states else "STATUS_UNSPECIFIED")
