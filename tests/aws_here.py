"""A local EC2 beside a local Atlas, for the tests of `AwsCloud`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import pytest
from support import GROUP_ID

from atlas_privatelink.clouds import aws_calls, aws_changes, aws_creation
from atlas_privatelink.clouds.aws import AwsCloud
from atlas_privatelink.clouds.base import ServiceToReach
from atlas_privatelink.models.connection import Check, CloudEndpoint
from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing.ec2 import Ec2Rules, LocalEc2

REMOTE = "eu-central-1"


@dataclass
class Here:
    """The local EC2, and two endpoint services of the local Atlas."""

    atlas: AtlasEmulator
    ec2: LocalEc2
    service: ServiceToReach
    other_service: ServiceToReach

    @cached_property
    def client(self) -> Any:
        """A client that needs no socket; strangers use it, too."""
        return self.ec2.client(in_process=True)

    @cached_property
    def remote_client(self) -> Any:
        """The same in another region."""
        return self.ec2.client(REMOTE, in_process=True)

    @property
    def vpc_id(self) -> str:
        """The VPC that there is from the beginning."""
        return self.ec2.vpc_id()

    def cloud(self, **options: Any) -> AwsCloud:
        """A cloud in the service's region."""
        chosen: dict[str, Any] = {"region": "us-east-1", "client": self.client, **options}
        if "subnet_ids" not in chosen:
            chosen.setdefault("vpc_id", self.vpc_id)
        return AwsCloud(**chosen)

    def set(self, **rules: Any) -> None:
        """Let EC2 behave so."""
        for name, value in rules.items():
            assert hasattr(self.ec2.rules, name)
            setattr(self.ec2.rules, name, value)

    def ids(self) -> list[str]:
        """The VPC endpoints that are not deleted, whatever EC2 shows."""
        return [one["id"] for one in self.ec2.vpc_endpoints()]

    def stranger(self, tags: dict[str, str] | None = None, *, vpc_id: str | None = None, **changes: Any) -> str:
        """A VPC endpoint that somebody else makes; its id."""
        pairs = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
        where = vpc_id or self.vpc_id
        parameters: dict[str, Any] = {
            "VpcEndpointType": "Interface",
            "VpcId": where,
            "ServiceName": self.service.name,
            "SubnetIds": self.ec2.subnet_ids(vpc_id=where)[:1],
            "TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": pairs}] if pairs else [],
        }
        made: str = self.client.create_vpc_endpoint(**parameters | changes)["VpcEndpoint"]["VpcEndpointId"]
        return made

    def group(self, name: str, *rules: dict[str, Any], vpc_id: str | None = None) -> str:
        """A security group of a VPC; its id."""
        made = self.client.create_security_group(GroupName=name, Description="d", VpcId=vpc_id or self.vpc_id)
        group_id: str = made["GroupId"]
        if rules:
            self.client.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rules)
        return group_id

    def tags(self, endpoint_id: str) -> dict[str, str]:
        """The tags of a VPC endpoint, whatever EC2 shows."""
        (tags,) = (one["tags"] for one in self.ec2.vpc_endpoints() if one["id"] == endpoint_id)
        found: dict[str, str] = tags
        return found


@contextmanager
def world() -> Iterator[Here]:
    """One for many tests: each begins with `begin`."""
    with AtlasEmulator(clock="driven") as atlas:
        with atlas.client() as client:
            services: list[ServiceToReach] = []
            for region in ("us-east-1", "us-west-2"):
                made = client.dedicated.create_service(GROUP_ID, "AWS", region, supported_remote_regions=[REMOTE])
                ready: Any = client.dedicated.wait_for_service(GROUP_ID, "AWS", made.id)
                services.append(ServiceToReach(ready.endpoint_service_name, GROUP_ID, made.id, region))
        with LocalEc2(atlas) as ec2:
            yield Here(atlas, ec2, *services)


def begin(here: Here, monkeypatch: pytest.MonkeyPatch) -> Here:
    """Forget what other tests have made, and do not pause."""
    here.ec2.reset()
    here.set(**asdict(Ec2Rules()))
    monkeypatch.setattr(aws_creation, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(aws_calls, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(aws_changes, "_PAUSES", (0.0, 0.0))
    return here


def ids_of(endpoints: Sequence[CloudEndpoint]) -> list[str]:
    """Their ids."""
    return [one.id for one in endpoints]


def check_named(checks: Sequence[Check], name: str) -> Check:
    """The check of a name."""
    (found,) = (check for check in checks if check.name == name)
    return found
