"""What could prevent an endpoint in Google Cloud, checked without creating anything."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from ..errors import CloudError, CloudPermissionDenied, ValidationError
from ..models.connection import Check
from .gcp_calls import Calls
from .gcp_legacy import DISABLED_ON
from .gcp_names import path

if TYPE_CHECKING:
    from collections.abc import Callable

    from .gcp_parts import Place

__all__ = ["Checks"]

_PERMISSION = "compute.subnetworks.use"
# quotas of a region that a rule and an address count against
_QUOTAS = ("INTERNAL_ADDRESSES", "PSC_INTERNAL_LB_FORWARDING_RULES")
# the network, the gateway and the last two
_RESERVED_ADDRESSES = 4


class Checks:
    """The checks of one region.

    Args:
        calls: Google's clients.
        place: The project and its network.
        region: The region.
        subnetwork: The canonical subnetwork.
    """

    def __init__(self, calls: Calls, place: Place, region: str, subnetwork: str) -> None:
        self._calls, self._place, self._region, self._subnetwork = calls, place, region, subnetwork
        words = subnetwork.split("/")
        self._where = {"project": words[1], "region": region, "subnetwork": words[-1]}

    def check_subnetwork(self) -> Any:
        """The subnetwork.

        Raises:
            ValidationError: There is none, or it is another network's.
        """
        found = self._calls.get("subnetworks.get", "SubnetworksClient", self._where)
        if found is None:
            raise ValidationError(f"subnetwork: Google has no {self._subnetwork}", field="subnetwork")
        if path(found.network) != self._place.network:
            rule = f"network is {self._place.network}, and {self._subnetwork} is of {path(found.network)}"
            raise ValidationError(rule, field="network")
        return found

    def run(self, needed: int, *, is_legacy: bool) -> list[Check]:
        """All checks.

        Args:
            needed: How many rules and addresses are needed at most; 0 where the endpoint is there already.
            is_legacy: Whether they are for a service that is not port-mapped.
        """
        checks = [
            self._asking("network", "compute.networks.get", self._network),
            *self._subnetwork_checks(needed),
            self._asking("permissions", "compute.subnetworks.use", self._permission),
        ]
        if needed:
            checks.append(self._asking("quotas", "compute.regions.get", lambda: self._quotas(needed)))
        if is_legacy:
            text = f"MongoDB disables endpoint services without port mapping on {DISABLED_ON}: migrate before"
            checks.append(Check("port mapping", "warning", text))
        return checks

    @staticmethod
    def _asking(name: str, permission: str, check: Callable[[], Check]) -> Check:
        try:
            return check()
        except CloudPermissionDenied as error:
            return Check(name, "warning", f"not checked: it needs the permission {permission} ({error})")
        except CloudError as error:
            if error.is_transient:
                raise
            return Check(name, "warning", f"not checked: {error}")

    def _network(self) -> Check:
        _, project, _, _, name = self._place.network.split("/")
        found = self._calls.get("networks.get", "NetworksClient", {"project": project, "network": name})
        if found is None:
            return Check("network", "failure", f"Google has no {self._place.network}")
        return Check("network", "ok", self._place.network)

    def _subnetwork_checks(self, needed: int) -> list[Check]:
        try:
            found = self.check_subnetwork()
        except ValidationError as error:
            return [Check("subnetwork", "failure", str(error))]
        except CloudPermissionDenied as error:
            text = f"not checked: it needs the permission compute.subnetworks.get ({error})"
            return [Check("subnetwork", "warning", text)]
        checks = [Check("subnetwork", "ok", self._subnetwork)]
        if needed:
            checks.append(self._asking("addresses", "compute.addresses.list", lambda: self._addresses(found, needed)))
        return checks

    def _addresses(self, subnetwork: Any, needed: int) -> Check:
        """How many addresses are free at most: machines have some, too, which are not counted."""
        if not subnetwork.ip_cidr_range:
            return Check("addresses", "warning", f"{self._subnetwork} has no IPv4 range, which the endpoint needs")
        size = IPv4Network(subnetwork.ip_cidr_range).num_addresses - _RESERVED_ADDRESSES
        project = {"project": self._place.project, "region": self._region}
        addresses = self._calls.list("addresses.list", "AddressesClient", project)
        free = size - sum(path(one.subnetwork) == self._subnetwork for one in addresses)
        if free < needed:
            text = f"{self._subnetwork} has at most {max(free, 0)} free addresses, and {needed} are needed"
            return Check("addresses", "warning", text)
        return Check("addresses", "ok", f"at most {free} free in {self._subnetwork}")

    def _permission(self) -> Check:
        """One permission shows without creating anything; those for new rules and addresses do not."""
        asked = {
            "project": self._where["project"],
            "region": self._region,
            "resource": self._where["subnetwork"],
            "test_permissions_request_resource": {"permissions": [_PERMISSION]},
        }
        operation = "subnetworks.testIamPermissions"
        held = self._calls.call(operation, "SubnetworksClient", "test_iam_permissions", asked)
        if _PERMISSION not in held.permissions:
            text = f"your credentials lack {_PERMISSION} on {self._subnetwork}: grant roles/compute.networkUser on it"
            return Check("permissions", "failure", text)
        return Check("permissions", "ok", f"{_PERMISSION} on {self._where['subnetwork']}")

    def _quotas(self, needed: int) -> Check:
        asked = {"project": self._place.project, "region": self._region}
        region = self._calls.get("regions.get", "RegionsClient", asked)
        if region is None:
            return Check("quotas", "failure", f"Google has no region {self._region}")
        full = [
            f"{quota.metric} is {quota.usage:g} of {quota.limit:g}"
            for quota in region.quotas
            if quota.metric in _QUOTAS and quota.usage + needed > quota.limit
        ]
        if full:
            text = f"{', '.join(full)} in {self._region}, and {needed} more are needed: request a higher quota"
            # how many a legacy service needs is not known before Atlas has named its service attachments
            certain = needed == 1 or any(
                quota.usage >= quota.limit for quota in region.quotas if quota.metric in _QUOTAS
            )
            return Check("quotas", "failure" if certain else "warning", text)
        return Check("quotas", "ok", f"enough in {self._region}")
