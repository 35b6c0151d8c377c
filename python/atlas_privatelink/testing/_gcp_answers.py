"""What the local Google Compute answers to requests, and what goes wrong."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._gcp_compute import HOST, Compute, Resource, missing, path, refusal
from ._rest import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._rest import Asked

__all__ = ["Answers", "Fault"]

_PATH = re.compile(
    r"/compute/v1/(?P<place>projects/[^/]+/(?:regions/[^/]+|global|regions))"
    r"(?:/(?P<kind>\w+))?(?:/(?P<name>[^/]+)(?:/(?P<verb>\w+))?)?"
)
_KINDS = {None: "regions", "operations": "regionOperations"}
_PERMISSIONS = {
    "addresses.insert": "compute.addresses.createInternal",
    "forwardingRules.insert": "compute.forwardingRules.create",
    "forwardingRules.patch": "compute.forwardingRules.update",
}
_QUOTAS = {"INTERNAL_ADDRESSES": 200.0, "PSC_INTERNAL_LB_FORWARDING_RULES": 500.0}
_USED_BY = {"INTERNAL_ADDRESSES": "addresses", "PSC_INTERNAL_LB_FORWARDING_RULES": "forwardingRules"}


@dataclass
class Fault:
    """What goes wrong instead of an answer."""

    operation: str | None
    reason: str | None
    message: str
    status: int
    body: bytes | None
    executed: bool
    times: int
    after: int

    def answer(self) -> Answer | None:
        """What is answered; `None` breaks the connection."""
        if self.body is not None:
            return Answer(self.status, self.body)
        return None if self.reason is None else refusal(self.status, self.reason, self.message)


class Answers:
    """Answers requests, one at a time.

    Args:
        compute: What there is.
        region: The region that has quotas.
    """

    def __init__(self, compute: Compute, region: str) -> None:
        self._compute, self._region = compute, region
        self.requests: list[Asked] = []
        """The requests, in their order."""
        self.calls: list[str] = []
        """Their operations."""
        self.denied: set[str] = set()
        """Permissions that the caller lacks."""
        self.quotas: dict[str, float] = dict(_QUOTAS)
        """The limits of the region's quotas."""
        self.faults: list[Fault] = []
        """What goes wrong, in its order."""
        self.interferences: list[tuple[str, Callable[[], object], int]] = []
        """What somebody else does right before an operation, and how many pass before."""
        self.lock = threading.RLock()
        """Held while something is read or changed."""

    def answer(self, asked: Asked) -> Answer | None:
        """The answer to a request; `None` drops the connection."""
        match = _PATH.fullmatch(asked.path)
        if match is None:
            return missing(asked.path)
        operation = _operation(asked.method, match["kind"], match["name"], match["verb"])
        with self.lock:
            self.requests.append(asked)
            self.calls.append(operation)
            self._interfere(operation)
            fault = self._due(operation)
            if fault is None:
                return self._handle(asked, match, operation)
            if fault.executed:
                self._handle(asked, match, operation)
            return fault.answer()

    def _interfere(self, operation: str) -> None:
        waiting, self.interferences = self.interferences, []
        for of, action, after in waiting:
            if of == operation and not after:
                action()
            else:
                self.interferences.append((of, action, after - (of == operation)))

    def _due(self, operation: str) -> Fault | None:
        for fault in self.faults:
            if fault.operation in (None, operation):
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
                return fault
        return None

    def _handle(self, asked: Asked, match: re.Match[str], operation: str) -> Answer:
        compute, place, kind, name = self._compute, match["place"], match["kind"], match["name"]
        compute.age()
        permission = _PERMISSIONS.get(operation, f"compute.{operation}")
        if permission in self.denied:
            text = f"Required '{permission}' permission for '{path(asked.path)}'"
            return refusal(403, "forbidden", text)
        if kind in ("addresses", "forwardingRules"):
            return self._change(asked, match, operation)
        if kind == "operations" and name is not None:
            return compute.operation(place, name)
        return self._look(asked, f"{place}/{kind}/{name}", match)

    def _look(self, asked: Asked, where: str, match: re.Match[str]) -> Answer:
        kind = match["kind"]
        if kind is None and match["place"].rpartition("/")[2] == self._region:
            return Answer(200, {"name": self._region, "quotas": self._quotas()})
        if kind == "networks" and where in self._compute.networks:
            return Answer(200, {"name": match["name"], "selfLink": HOST + where})
        if kind == "subnetworks" and where in self._compute.subnetworks:
            if match["verb"] == "testIamPermissions":
                held = [one for one in asked.body["permissions"] if one not in self.denied]
                return Answer(200, {"permissions": held} if held else {})
            return Answer(200, self._compute.subnetworks[where])
        return missing(where)

    def _quotas(self) -> list[Resource]:
        return [
            {"metric": metric, "limit": limit, "usage": float(len(self._compute.named(_USED_BY[metric])))}
            for metric, limit in self.quotas.items()
            if metric in _USED_BY
        ]

    def _change(self, asked: Asked, match: re.Match[str], operation: str) -> Answer:
        compute, place, kind, name = self._compute, match["place"], match["kind"], match["name"]
        ways: dict[str, Callable[[], Answer]] = {
            "insert": lambda: self._full(kind) or compute.insert(place, kind, asked),
            "list": lambda: compute.listed(place, kind, asked.query),
            "get": lambda: compute.get(place, kind, name),
            "delete": lambda: compute.delete(place, kind, name),
            "setLabels": lambda: compute.set_labels(place, kind, name, asked.body),
            "patch": lambda: compute.patch(place, kind, name, asked.body),
        }
        verb = operation.rpartition(".")[2]
        return ways[verb]() if verb in ways else missing(path(asked.path))

    def _full(self, kind: str) -> Answer | None:
        for metric, limit in self.quotas.items():
            if _USED_BY.get(metric) == kind and len(self._compute.named(kind)) >= limit:
                text = f"Quota '{metric}' exceeded. Limit: {limit:.1f} in region {self._region}."
                return refusal(403, "quotaExceeded", text)
        return None


def _operation(method: str, kind: str | None, name: str | None, verb: str | None) -> str:
    """Google's name of what is asked for."""
    if verb is not None:
        what = verb
    elif method == "POST":
        what = "insert"
    elif method == "GET":
        what = "list" if name is None and kind is not None else "get"
    else:
        what = method.lower()
    return f"{_KINDS.get(kind, kind)}.{what}"
