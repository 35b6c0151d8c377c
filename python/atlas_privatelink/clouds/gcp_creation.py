"""Creating an endpoint in Google Cloud, at most once, however often and by however many it is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import CloudError
from .gcp_calls import IN_USE, Pauses
from .gcp_names import path
from .gcp_shown import FAILED
from .ownership import Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .base import ServiceToReach
    from .gcp_parts import Part
    from .gcp_resources import Resources
    from .gcp_shown import Wishes

__all__ = ["Creation"]

_ADDRESS, _RULE = "addresses.insert", "forwardingRules.insert"


class Creation:
    """One call of `create`.

    Args:
        resources: What there is, and where.
        service: What the endpoint leads to.
        targets: The service attachment of each forwarding rule, by the rule's name.
        network: The identity of the network, for the mark.
        wishes: The attributes.
    """

    def __init__(
        self,
        resources: Resources,
        service: ServiceToReach,
        targets: Mapping[str, str],
        network: str,
        wishes: Wishes,
    ) -> None:
        self._resources, self._service, self._targets = resources, service, targets
        self._network, self._wishes = network, wishes

    def run(self, there: Iterable[Part]) -> bool:
        """Create what is missing.

        Args:
            there: The parts that are there already.

        Returns:
            Whether this call has created the first rule.

        Raises:
            CloudError: Google refuses, or does not answer; or something else has one of the names.
        """
        by_name = {part.name: part for part in there}
        addresses: dict[str, str | None] = {}
        rules: dict[str, str | None] = {}
        for name in self._targets:
            # request ids of an earlier try are for this call, and for no later one
            earlier_address, earlier_rule = self._take_unsettled(name)
            part = by_name.get(name)
            has_rule = part is not None and part.rule is not None
            if part is not None and has_rule:
                self._check_rule(part.rule)
            if earlier_rule is not None or not has_rule:
                rules[name] = earlier_rule
            if part is None:
                addresses[name] = earlier_address
            elif not has_rule:
                self._await_address(name, is_new=False)
        self._create_addresses(addresses)
        return next(iter(self._targets)) in self._create_rules(rules)

    def _take_unsettled(self, name: str) -> tuple[str | None, str | None]:
        take, run = self._resources.take_unsettled, self._service.made_by
        return take("addresses", name, run), take("forwardingRules", name, run)

    # addresses

    def _create_addresses(self, missing: dict[str, str | None]) -> None:
        pauses = Pauses(_ADDRESS)
        while missing:
            wanted = [(self._address(name), earlier) for name, earlier in missing.items()]
            created = self._resources.insert("addresses", wanted, self._service.made_by)
            # a name is taken until a deletion that has begun is done
            missing = {name: None for name in missing if not self._await_address(name, is_new=name in created)}
            if missing:
                pauses.pause()

    def _mark(self, name: str) -> Mark:
        return Mark.of(self._service, self._network, self._targets[name])

    def _address(self, name: str) -> dict[str, Any]:
        target = self._targets[name]
        address = {
            "name": name,
            "address_type": "INTERNAL",
            "subnetwork": self._wishes.subnetwork,
            "description": self._resources.place.description(self._mark(name), target),
        }
        ip_address = self._wishes.ip_address
        return address if ip_address is None else {**address, "address": ip_address}

    def _await_address(self, name: str, *, is_new: bool) -> bool:
        """Read an address until it has its IP: another run may have begun to create it; `False` if it has gone."""
        pauses = Pauses(_ADDRESS)
        while True:
            address = self._resources.get("addresses", name)
            if address is None:
                return False
            self._check_address(address, is_new=is_new)
            if address.address:
                return True
            pauses.pause()

    def _check_address(self, address: Any, *, is_new: bool) -> None:
        mark = Mark.read_text(address.description)
        if mark is not None and mark.digest == self._mark(address.name).digest:
            return
        if is_new:
            text = (
                f"Google: address {address.name} was created, and its description, which marks it as created by this "
                f"package, was changed: delete the address, and look for an organization policy that changes it"
            )
            raise CloudError(text, operation=_ADDRESS, code="MarkMissing")
        text = (
            f"Google: address {address.name} exists, and was not created by this package for this endpoint: choose "
            f"another name, or delete it"
        )
        raise CloudError(text, operation=_ADDRESS, code="alreadyExists")

    # rules

    def _create_rules(self, missing: dict[str, str | None]) -> set[str]:
        """Create rules, and return the names of those that these calls have created."""
        created, pauses = set[str](), Pauses(_RULE)
        while missing:
            wanted = [(self._rule(name), earlier) for name, earlier in missing.items()]
            done = self._insert(wanted)
            # what an earlier try has created may have been deleted since
            there = {name for name, earlier in missing.items() if name in done and earlier is None}
            there |= {name for name in missing if name not in there and self._is_there(name)}
            created |= done & there
            missing = {name: None for name in missing if name not in there}
            if missing:
                pauses.pause()
        return created

    def _insert(self, wanted: list[tuple[dict[str, Any], str | None]]) -> set[str]:
        try:
            return self._resources.insert("forwardingRules", wanted, self._service.made_by)
        except CloudError as error:
            raise self._resources.calls.outlive_fresh_service(error, self._service.name) from error.__cause__

    def _rule(self, name: str) -> dict[str, Any]:
        where = self._resources.where
        return {
            "name": name,
            "I_p_address": f"projects/{where['project']}/regions/{where['region']}/addresses/{name}",
            "network": self._resources.place.network,
            "target": self._targets[name],
            # empty: that is what makes it a rule of Private Service Connect
            "load_balancing_scheme": "",
            "allow_psc_global_access": self._wishes.global_access is not False,
        }

    def _is_there(self, name: str) -> bool:
        """Whether the rule was created by somebody else in the meantime."""
        rule = self._resources.get("forwardingRules", name)
        if rule is not None:
            self._check_rule(rule)
            return True
        address = self._resources.get("addresses", name)
        users = [] if address is None else [path(user) for user in address.users]
        others = [user for user in users if not user.endswith(f"/forwardingRules/{name}")]
        if others:
            text = f"Google: address {name} is in use by {', '.join(others)}: delete that, or choose another name"
            raise CloudError(text, operation=_RULE, code=min(IN_USE))
        return False

    def _check_rule(self, rule: Any) -> None:
        """Refuse a rule that has the name, and leads elsewhere, or will never lead anywhere."""
        if path(rule.target) != self._targets[rule.name] or path(rule.network) != self._resources.place.network:
            text = f"Google: forwarding rule {rule.name} exists and leads elsewhere: choose another name, or delete it"
            raise CloudError(text, operation=_RULE, code="alreadyExists")
        if rule.psc_connection_status in FAILED:
            state = rule.psc_connection_status
            text = f"Google: forwarding rule {rule.name} is {state}: delete it, and connect again"
            raise CloudError(text, operation=_RULE, code=state)
