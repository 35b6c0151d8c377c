"""The command beside a local Atlas and a local EC2, for the tests of `connect` and `disconnect`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from commands import Shell

from atlas_privatelink.testing import AtlasEmulator

pytest.importorskip("moto.server", reason="the extra demo is not installed")

from atlas_privatelink.testing.ec2 import LocalEc2

__all__ = ["CLUSTER", "CLUSTERS", "Both", "both"]

CLUSTERS = [
    {"name": "Cluster0", "provider": "AWS", "regions": ["us-east-1"]},
    {"name": "Orders", "provider": "AWS", "regions": ["us-east-1"]},
]
CLUSTER = ("--cluster", "Cluster0")


class Both(Shell):
    """The command with both sides, and what names the VPC."""

    def __init__(self, emulator: AtlasEmulator, ec2: LocalEc2) -> None:
        super().__init__(emulator)
        self.ec2 = ec2
        self.environment.update(ec2.environment())
        self.network = ("--vpc-id", ec2.vpc_id())

    def connect(self, *words: str) -> Any:
        """Connects Cluster0; the result as JSON."""
        return self.result("connect", "aws", *CLUSTER, *self.network, "-q", *words)

    def endpoint_ids(self) -> list[str]:
        """The VPC endpoints that are not deleted."""
        return [one["id"] for one in self.ec2.vpc_endpoints()]

    def deletions(self) -> list[str]:
        """Everything that was asked to be deleted, on both sides."""
        requests = [one.target for one in self.emulator.requests() if one.method == "DELETE"]
        return requests + [call for call in self.ec2.calls if call == "DeleteVpcEndpoints"]


@pytest.fixture
def both() -> Iterator[Both]:
    """Time flies; whatever was shown is looked through for secrets in the end."""
    with AtlasEmulator(speed=300, clusters=CLUSTERS) as emulator, LocalEc2(emulator) as ec2:
        both = Both(emulator, ec2)
        yield both
        for name in ("MONGODB_ATLAS_PRIVATE_API_KEY", "AWS_SECRET_ACCESS_KEY"):
            assert both.environment[name] not in both.shown
