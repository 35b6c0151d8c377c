"""The private endpoints of a virtual network, in whichever resource group and subscription they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import CloudError, CloudPermissionDenied
from .azure_ids import ResourceId, canonical, group_path
from .azure_json import parts
from .azure_shown import PrivateEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .azure_calls import Calls

__all__ = ["Search"]

# with more resource groups than that, one list of the whole subscription is shorter
_GROUPS_LISTED_EACH = 3


class Search:
    """One search.

    Args:
        calls: Azure.
        network: The virtual network, as Azure sends it: its subnets name their private endpoints.
        home: Subscription and resource group that this package creates in. Subnets name a new endpoint some time after
            its resource group lists it.
    """

    def __init__(self, calls: Calls, network: dict[str, Any], home: tuple[str, str]) -> None:
        self._calls = calls
        self._network = canonical(str(network.get("id") or ""))
        self._named = {canonical(one): one for one in _endpoints_named(network)}
        self._home = home
        self.unreadable: set[str] = set()
        """The ids of private endpoints that Azure does not show to these credentials."""

    def run(self) -> list[PrivateEndpoint]:
        """The private endpoints that are seen, as the lists show them: those can be some seconds old.

        Raises:
            CloudError: Azure refuses, or does not answer.
        """
        found: dict[str, PrivateEndpoint] = {}
        for subscription, groups in self._places().items():
            for sent in self._listed(subscription, list(groups.values())):
                endpoint = PrivateEndpoint(sent)
                found[endpoint.key] = endpoint
        for key in self._named.keys() - found.keys() - self.unreadable:
            read = self._read(key)
            if read is not None:
                found[key] = read
        return [one for _, one in sorted(found.items()) if one.network == self._network]

    def _places(self) -> dict[str, dict[str, str]]:
        """Where to look: the resource groups of each subscription, by their names in lower case."""
        places: dict[str, dict[str, str]] = {}
        ids = [ResourceId.parse("privateEndpoints", one) for one in self._named.values()]
        for subscription, group in [self._home, *((one.subscription, one.group) for one in ids if one is not None)]:
            places.setdefault(subscription.lower(), {}).setdefault(group.lower(), group)
        return places

    def _listed(self, subscription: str, groups: list[str]) -> Iterable[dict[str, Any]]:
        listed = "providers/Microsoft.Network/privateEndpoints"
        if len(groups) > _GROUPS_LISTED_EACH:
            try:
                path = f"/subscriptions/{subscription}/{listed}"
                return self._calls.list("PrivateEndpoints.ListBySubscription", path)
            except CloudPermissionDenied:
                # the role is assigned in some resource groups only
                pass
        found: list[dict[str, Any]] = []
        for group in groups:
            path = group_path(subscription, group)
            try:
                found += self._calls.list("PrivateEndpoints.List", f"{path}/{listed}")
            except CloudError as error:
                # other people's endpoints in a shared network are theirs to show
                if (subscription, group.lower()) == (self._home[0].lower(), self._home[1].lower()):
                    raise
                if error.is_transient:
                    raise
                if isinstance(error, CloudPermissionDenied):
                    self.unreadable |= {key for key in self._named if key.startswith(f"{canonical(path)}/")}
        return found

    def _read(self, key: str) -> PrivateEndpoint | None:
        try:
            sent = self._calls.get("PrivateEndpoints.Get", self._named[key])
        except CloudPermissionDenied:
            self.unreadable.add(key)
            return None
        return None if sent is None else PrivateEndpoint(sent)


def _endpoints_named(network: dict[str, Any]) -> Iterable[str]:
    for subnet in parts(network, "properties", "subnets"):
        for one in parts(subnet, "properties", "privateEndpoints"):
            if ResourceId.parse("privateEndpoints", one.get("id")) is not None:
                yield str(one["id"])
