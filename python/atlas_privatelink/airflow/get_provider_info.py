"""What Airflow asks a provider for: the entry point `apache_airflow_provider`. Imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["get_provider_info"]

_DOCS = "https://www.mongodb.com/docs/atlas/security-private-endpoint/"
_HERE = "atlas_privatelink.airflow"

CONNECTION_FIELDS: dict[str, Any] = {
    "authentication": {
        "label": "Kind of credentials",
        "description": "By default a service account where the login begins with mdb_sa_id_, else an API key",
        "schema": {"type": ["string", "null"], "enum": ["api_key", "service_account"]},
    },
    "timeout": {
        "label": "Time limit (seconds)",
        "description": "Seconds that one call to Atlas may take, retries included (30)",
        "schema": {"type": ["number", "null"]},
    },
    "max_retries": {
        "label": "Retries",
        "description": "How often a request is repeated at most (4)",
        "schema": {"type": ["integer", "null"]},
    },
    "ca_file": {
        "label": "CA file",
        "description": "PEM file of the certificates to trust instead of the system's",
        "schema": {"type": ["string", "null"]},
    },
    "proxy": {
        "label": "Proxy",
        "description": "A proxy for every request, instead of what HTTPS_PROXY and NO_PROXY say",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "allow_insecure": {
        "label": "Allow http",
        "description": "Allow plain http to other machines than this one",
        "schema": {"type": ["boolean", "null"]},
    },
}
"""What a connection's extra can hold beside login, password and host: keyword arguments of the client."""

FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["port", "schema"],
    "relabeling": {
        "login": "Public key, or client ID",
        "password": "Private key, or client secret",
        "host": "Base URL",
    },
    "placeholders": {"host": "https://cloud.mongodb.com"},
}
"""What the standard fields of a connection mean here."""


def get_provider_info() -> dict[str, Any]:
    """What this distribution brings to Airflow."""
    integration = "MongoDB Atlas"
    return {
        "package-name": "atlas-privatelink",
        "name": "MongoDB Atlas private endpoints",
        "description": "Creates, connects and removes private endpoints of MongoDB Atlas.",
        "integrations": [{"integration-name": integration, "external-doc-url": _DOCS, "tags": ["service"]}],
        "hooks": [{"integration-name": integration, "python-modules": [f"{_HERE}.hooks"]}],
        "operators": [{"integration-name": integration, "python-modules": [f"{_HERE}.operators"]}],
        "sensors": [{"integration-name": integration, "python-modules": [f"{_HERE}.sensors"]}],
        "triggers": [{"integration-name": integration, "python-modules": [f"{_HERE}.triggers"]}],
        "extra-links": [f"{_HERE}.links.AtlasLink", f"{_HERE}.links.AwsConsoleLink"],
        "connection-types": [
            {
                "connection-type": "mongodbatlas",
                "hook-class-name": f"{_HERE}.hooks.AtlasHook",
                "hook-name": integration,
                "ui-field-behaviour": FIELD_BEHAVIOUR,
                "conn-fields": CONNECTION_FIELDS,
            }
        ],
    }
