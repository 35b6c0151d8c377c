"""VPC endpoints of the local EC2: how one is shown, filtered and paged, and how long it lags behind."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ._ec2_replies import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._ec2_rules import Ec2Rules

__all__ = ["Lag", "VpcEndpoint", "check_filters", "page_of", "passes"]

_POLICY = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}'


@dataclass
class Lag:
    """For how many looks, and until when, something that has happened is not shown."""

    looks: int = 0
    until: float = 0.0

    def hides(self, now: float) -> bool:
        """Whether one more look still misses it."""
        if self.looks > 0:
            self.looks -= 1
            return True
        return now < self.until


@dataclass
class VpcEndpoint:
    """An interface endpoint."""

    id: str
    owner_id: str
    region: str
    vpc_id: str
    service_name: str
    service_region: str
    subnet_ids: list[str]
    security_group_ids: list[str]
    seen_by_atlas_from: float
    lag_by_id: Lag
    lag_in_lists: Lag
    tags_lag: Lag
    network_interfaces: dict[str, str] = field(default_factory=dict[str, str])
    state: str = "pendingAcceptance"
    created_at: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    policy_document: str = _POLICY
    state_in_lists: str = ""
    looks_since_deletion: int = 0

    @property
    def is_deleted(self) -> bool:
        """Whether its deletion was asked for."""
        return self.state in ("deleting", "deleted")

    @property
    def is_remote(self) -> bool:
        """Whether it leads to a service of another region."""
        return self.service_region != self.region

    def delete(self, rules: Ec2Rules, now: float) -> None:
        """Begin to delete it."""
        self.state_in_lists = self.state
        self.lag_in_lists = Lag(rules.lists_lag, now + rules.lag_seconds)
        self.state = "deleting"

    def is_forgotten(self, rules: Ec2Rules) -> bool:
        """Whether it is deleted for so long that EC2 does not show it any more."""
        if not self.is_deleted or rules.deleted_looks is None:
            return False
        return self.looks_since_deletion >= rules.deleting_looks + rules.deleted_looks

    def look(self, rules: Ec2Rules) -> None:
        """Someone is shown it: what is deleted goes on."""
        if self.is_deleted:
            self.state = "deleting" if self.looks_since_deletion < rules.deleting_looks else "deleted"
            self.looks_since_deletion += 1

    def shown(self, tags: Mapping[str, str], groups: Mapping[str, str], *, state: str | None = None) -> dict[str, Any]:
        """What EC2 answers of it, by botocore's names.

        Args:
            tags: Its tags.
            groups: The names of its security groups, by their ids.
            state: The state to show instead of its own.
        """
        host = f"{self.id}-local.{self.service_name.rsplit('.', 1)[-1]}.{self.service_region}.vpce.amazonaws.com"
        return {
            "VpcEndpointId": self.id,
            "VpcEndpointType": "Interface",
            "VpcId": self.vpc_id,
            "ServiceName": self.service_name,
            "ServiceRegion": self.service_region,
            "State": state or self.state,
            "PolicyDocument": self.policy_document,
            "RouteTableIds": [],
            "SubnetIds": list(self.subnet_ids),
            "Groups": [{"GroupId": one, "GroupName": groups.get(one, "")} for one in self.security_group_ids],
            "IpAddressType": "ipv4",
            "PrivateDnsEnabled": False,
            "RequesterManaged": False,
            "NetworkInterfaceIds": list(self.network_interfaces.values()),
            "DnsEntries": [{"DnsName": host, "HostedZoneId": "Z7HUB22UULQXV"}],
            "CreationTimestamp": self.created_at,
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            "OwnerId": self.owner_id,
        }


_FIELDS = {
    "ip-address-type": "IpAddressType",
    "service-name": "ServiceName",
    "service-region": "ServiceRegion",
    "vpc-endpoint-id": "VpcEndpointId",
    "vpc-endpoint-state": "State",
    "vpc-endpoint-type": "VpcEndpointType",
    "vpc-id": "VpcId",
}


def check_filters(names: Iterable[str]) -> None:
    """Refuse filters that EC2 does not have for VPC endpoints.

    Raises:
        Refused: There is no such filter.
    """
    for name in names:
        if name not in _FIELDS and name != "tag-key" and not name.startswith("tag:"):
            raise Refused("InvalidParameterValue", f"The filter '{name}' is invalid")


def passes(shown: Mapping[str, Any], filters: Mapping[str, Sequence[str]]) -> bool:
    """Whether EC2's filters let a VPC endpoint through. Values may have the wildcards `*` and `?`."""
    return all(_matches(_values(shown, name), patterns) for name, patterns in filters.items())


def _values(shown: Mapping[str, Any], name: str) -> list[str]:
    if name in _FIELDS:
        return [shown[_FIELDS[name]]]
    if name == "tag-key":
        return [tag["Key"] for tag in shown["Tags"]]
    return [tag["Value"] for tag in shown["Tags"] if f"tag:{tag['Key']}" == name]


def _matches(values: Sequence[str], patterns: Sequence[str]) -> bool:
    # EC2 knows no character classes
    escaped = [pattern.replace("[", "[[]") for pattern in patterns]
    return any(fnmatchcase(value, pattern) for value in values for pattern in escaped)


def page_of(
    items: Sequence[Any], *, most: int | None, token: str | None, page_size: int | None
) -> tuple[list[Any], str | None]:
    """One page of what is asked for, and the token of the next one.

    Args:
        items: All of it.
        most: The request's `MaxResults`.
        token: The request's `NextToken`.
        page_size: What is shown at most, whatever the request says.

    Raises:
        Refused: The token was not given out.
    """
    begin = 0
    if token is not None:
        match = re.fullmatch(r"page-(\d+)", token)
        if match is None:
            raise Refused("InvalidNextToken", f"The token '{token}' is invalid")
        begin = int(match[1])
    sizes = [size for size in (most, page_size) if size is not None]
    if not sizes:
        return list(items[begin:]), None
    end = begin + min(sizes)
    return list(items[begin:end]), f"page-{end}" if end < len(items) else None
