"""Airflow's connection to a local Atlas."""

from __future__ import annotations

import json

from atlas_privatelink.testing import AtlasEmulator

VARIABLE = "AIRFLOW_CONN_ATLAS_DEFAULT"
"""Where Airflow finds the default connection."""


def connection_to(atlas: AtlasEmulator, **others: object) -> str:
    """What the variable has to be; other fields than the Atlas's own may be given."""
    login = {"login": atlas.public_key, "password": atlas.private_key}
    return json.dumps({"conn_type": "mongodbatlas", "host": atlas.base_url, **login, **others})
