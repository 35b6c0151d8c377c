"""Operators that create, connect and delete private endpoints."""

from __future__ import annotations

from .connection import AtlasConnectOperator, AtlasDisconnectOperator
from .serverless import AtlasCreateServerlessEndpointOperator, AtlasDeleteServerlessEndpointOperator
from .services import AtlasCreateEndpointServiceOperator, AtlasDeleteEndpointServiceOperator

__all__ = [
    "AtlasConnectOperator",
    "AtlasCreateEndpointServiceOperator",
    "AtlasCreateServerlessEndpointOperator",
    "AtlasDeleteEndpointServiceOperator",
    "AtlasDeleteServerlessEndpointOperator",
    "AtlasDisconnectOperator",
]
