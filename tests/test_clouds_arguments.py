"""Arguments of a cloud that have the wrong type: one clear error that names them, before an SDK is loaded."""

from __future__ import annotations

import re
from typing import Any

import pytest

from atlas_privatelink import ValidationError
from atlas_privatelink.aws import AwsCloud
from atlas_privatelink.azure import AzureCloud
from atlas_privatelink.gcp import GcpCloud

SUBNET = (
    "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/rg-orders/providers/Microsoft.Network"
    "/virtualNetworks/vnet/subnets/db"
)


def aws(**changes: Any) -> AwsCloud:
    """A VPC."""
    return AwsCloud(**{"vpc_id": "vpc-0123456789abcdef0", **changes})


def azure(**changes: Any) -> AzureCloud:
    """A virtual network."""
    return AzureCloud(**{"subnet_id": SUBNET, **changes})


def gcp(**changes: Any) -> GcpCloud:
    """A network."""
    where = {"project": "orders-1234", "region": "us-central1", "network": "vpc", "subnetwork": "db"}
    return GcpCloud(**{**where, **changes})


TEXTS = [("team=orders", "a dictionary of texts"), (["team"], "a dictionary of texts"), ({"team": 1}, "'team': 1")]
CASES = [
    *((cloud, "tags", given, rule) for cloud in (aws, azure) for given, rule in TEXTS),
    *((gcp, "labels", given, rule) for given, rule in TEXTS),
    (aws, "vpc_id", 5, "vpc-0123456789abcdef0"),
    (aws, "subnet_ids", "subnet-0123456789abcdef0", "a list of ids"),
    (aws, "subnet_ids", [1], "subnet-0123456789abcdef0"),
    (aws, "security_group_ids", "sg-0123456789abcdef0", "a list of ids"),
    (aws, "role_arn", 3, "arn:aws:iam::"),
    (azure, "subnet_id", 5, "a subnet's full resource id"),
    (azure, "name", 5, "letters, digits"),
    (gcp, "project", 5, "a project's id"),
    (gcp, "name", 3, "lower-case letters"),
    (gcp, "ip_address", 3, "an IPv4 address"),
    (gcp, "port_mapping", "no", "True or False"),
    (gcp, "global_access", "no", "True, False or None"),
]


@pytest.mark.parametrize(("cloud", "field", "given", "rule"), CASES)
def test_an_argument_of_another_type_is_refused_by_its_name(cloud: Any, field: str, given: object, rule: str) -> None:
    with pytest.raises(ValidationError, match=rf"^{field}\b.*{re.escape(rule)}") as refused:
        cloud(**{field: given})
    assert refused.value.field == field
