"""`AtlasHook`: clients for a connection of Airflow's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._versions import BaseHook
from .get_provider_info import CONNECTION_FIELDS, FIELD_BEHAVIOUR

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from airflow.sdk import Connection

    from .. import AsyncClient, Client

__all__ = ["AtlasHook"]

_SERVICE_ACCOUNT_ID = "mdb_sa_id_"


class AtlasHook(BaseHook):
    """Clients of the MongoDB Atlas Administration API.

    Args:
        atlas_conn_id: A connection of the type `mongodbatlas`. Its login and password are an API key's public and
            private key, or a service account's client ID and secret; without both, credentials come from the
            environment of the worker or the Atlas CLI's profile `default`, as for `Client()`. Its host is the base URL,
            by default `https://cloud.mongodb.com`. Its extra may hold `authentication`, `timeout`, `max_retries`,
            `ca_file`, `proxy` and `allow_insecure`.
    """

    conn_name_attr = "atlas_conn_id"
    default_conn_name = "atlas_default"
    conn_type = "mongodbatlas"
    hook_name = "MongoDB Atlas"

    def __init__(self, atlas_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.atlas_conn_id = atlas_conn_id

    def get_conn(self) -> Client:
        """A blocking client. Close it, or use it as a context manager.

        Raises:
            ConfigurationError, ValidationError: The connection is not complete, or breaks a rule.
        """
        from .. import Client

        return Client(**self.client_options())

    def client_options(self) -> dict[str, Any]:
        """The keyword arguments of `Client` and `AsyncClient` for the connection, secrets included.

        Raises:
            ConfigurationError, ValidationError: The connection is not complete, or breaks a rule.
        """
        return client_options(self.get_connection(self.atlas_conn_id))

    async def get_async_conn(self) -> AsyncClient:
        """A client for asyncio, also in a triggerer. Close it, or use it as a context manager.

        Raises:
            ConfigurationError, ValidationError: The connection is not complete, or breaks a rule.
        """
        from .. import AsyncClient

        return AsyncClient(**client_options(await connection_from_coroutine(self.atlas_conn_id)))

    def test_connection(self) -> tuple[bool, str]:
        """Whether Atlas knows the credentials, by a call that reads and changes nothing (for Airflow's button)."""
        try:
            from .._doctor import diagnose

            findings = list(diagnose(client_options(self.get_connection(self.atlas_conn_id))))
        except Exception as error:
            return False, f"{type(error).__name__}: {error}"
        failures = [finding for finding in findings if finding.verdict == "failure"]
        if failures:
            shown = (
                f"{finding.name}: {finding.what}" + f" ({finding.advice})" * bool(finding.advice)
                for finding in failures
            )
            return False, "; ".join(shown)
        return True, "; ".join(
            finding.what for finding in findings if finding.name in ("credentials", "authentication")
        )

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The connection form's standard fields, for Airflow before 3.2."""
        return {name.replace("-", "_"): value for name, value in FIELD_BEHAVIOUR.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """The connection form's other fields, for Airflow before 3.2."""
        from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
        from wtforms import BooleanField, IntegerField, PasswordField, StringField

        def widget(field: dict[str, Any]) -> Any:
            label, description, schema = field["label"], field["description"], field["schema"]
            if schema.get("format") == "password":
                return PasswordField(label, description=description, widget=BS3PasswordFieldWidget())
            if "boolean" in schema["type"]:
                return BooleanField(label, description=description)
            kind = IntegerField if "integer" in schema["type"] else StringField
            return kind(label, description=description, widget=BS3TextFieldWidget())

        return {name: widget(field) for name, field in CONNECTION_FIELDS.items()}


def client_options(connection: Connection) -> dict[str, Any]:
    """The keyword arguments of a client for a connection.

    Raises:
        ConfigurationError: Half of the credentials is missing. ValidationError: `authentication` is an unknown word, or
            a text cannot be read as the number or boolean that is wanted.
    """
    from .._doctor import ATLAS
    from ..errors import ConfigurationError, ValidationError

    extra = connection.extra_dejson
    options = {
        name: _option(connection, name, extra[name]) for name in CONNECTION_FIELDS if extra.get(name) not in (None, "")
    }
    login, password = connection.login or None, connection.password or None
    if (login is None) != (password is None):
        missing = "login (public key, or client ID)" if login is None else "password (private key, or client secret)"
        raise ConfigurationError(f"connection {connection.conn_id}: {missing} is missing")
    kind = options.pop("authentication", None)
    if kind not in (None, "api_key", "service_account"):
        rule = f"connection {connection.conn_id}: authentication must be api_key or service_account"
        raise ValidationError(rule, field="authentication")
    if login is not None:
        is_account = login.startswith(_SERVICE_ACCOUNT_ID) if kind is None else kind == "service_account"
        names = ("client_id", "client_secret") if is_account else ("public_key", "private_key")
        options |= zip(names, (login, password), strict=True)
    if connection.host:
        host = connection.host if "://" in connection.host else f"{connection.schema or 'https'}://{connection.host}"
        options["base_url"] = host if connection.port is None else f"{host}:{connection.port}"
    elif login is not None:
        # not what the worker's environment says: that host is not this connection's
        options["base_url"] = ATLAS
    return options


def _option(connection: Connection, name: str, value: Any) -> Any:
    from ..errors import ValidationError

    kind = CONNECTION_FIELDS[name]["schema"]["type"][0]
    # a connection that is written as a URI has nothing but text
    if kind == "string" or not isinstance(value, str):
        return value
    try:
        return _FROM_TEXT[kind](value)
    except ValueError:
        rule = f"connection {connection.conn_id}: {name} must be of the type {kind}"
        raise ValidationError(rule, field=name) from None


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


_FROM_TEXT: dict[str, Callable[[str], Any]] = {"number": float, "integer": int, "boolean": _boolean}


async def connection_from_coroutine(conn_id: str) -> Connection:
    """A connection, in a way that does not block or break a triggerer's event loop."""
    if hasattr(BaseHook, "aget_connection"):
        return await BaseHook.aget_connection(conn_id)
    # up to 3.0, the blocking way has to be in a thread of asgiref's: it talks to the supervisor through this very loop
    from asgiref.sync import sync_to_async

    connection: Connection = await sync_to_async(BaseHook.get_connection)(conn_id)
    return connection
