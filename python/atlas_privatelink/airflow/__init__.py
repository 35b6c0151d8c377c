"""MongoDB Atlas private endpoints in Apache Airflow: hook, operators, sensor and trigger. See `docs/airflow.md`.

>>> from atlas_privatelink.airflow import AtlasConnectOperator
>>> connect = AtlasConnectOperator(
...     task_id="connect", group_id=GROUP_ID, cluster_name="Cluster0", region="us-east-1", vpc_id=VPC_ID
... )

Importing a DAG that uses them loads neither the extension module nor boto3: they come when a task runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .hooks import AtlasHook
    from .links import AtlasLink, AwsConsoleLink
    from .operators import (
        AtlasConnectOperator,
        AtlasCreateEndpointServiceOperator,
        AtlasCreateServerlessEndpointOperator,
        AtlasDeleteEndpointServiceOperator,
        AtlasDeleteServerlessEndpointOperator,
        AtlasDisconnectOperator,
    )
    from .sensors import AtlasPrivateEndpointSensor
    from .triggers import AtlasWaitTrigger

__all__ = [
    "AtlasConnectOperator",
    "AtlasCreateEndpointServiceOperator",
    "AtlasCreateServerlessEndpointOperator",
    "AtlasDeleteEndpointServiceOperator",
    "AtlasDeleteServerlessEndpointOperator",
    "AtlasDisconnectOperator",
    "AtlasHook",
    "AtlasLink",
    "AtlasPrivateEndpointSensor",
    "AtlasWaitTrigger",
    "AwsConsoleLink",
]

_HOMES = {"Hook": "hooks", "Link": "links", "Operator": "operators", "Sensor": "sensors", "Trigger": "triggers"}


def __getattr__(name: str) -> object:
    # Airflow reads `get_provider_info` with every command: that must not load what only tasks need
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = next(home for ending, home in _HOMES.items() if name.endswith(ending))
    return getattr(import_module(f".{home}", __name__), name)
