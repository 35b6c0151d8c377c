"""The hook: what a connection means, and the provider's description of it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points, version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cloud_sides import Sides
from connections import VARIABLE

import atlas_privatelink
from atlas_privatelink import AsyncClient, Client, ConfigurationError, ValidationError
from atlas_privatelink.airflow import AtlasHook

pytestmark = pytest.mark.usefixtures("airflow_home")

VERSION = version("apache-airflow")
SECRET = "0b1c2d3e-private-key-4f5a6b7c"


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Defines the default connection."""

    def define(**fields: Any) -> None:
        monkeypatch.setenv(VARIABLE, json.dumps({"conn_type": "mongodbatlas", **fields}))

    return define


def made() -> Client:
    """The hook's client."""
    with AtlasHook().get_conn() as client:
        return client


def test_an_api_key(connection: Any) -> None:
    connection(login="abcdefgh", password=SECRET)
    assert "public_key='abcdefgh'" in repr(made())
    assert "https://cloud.mongodb.com" in repr(made())
    assert SECRET not in repr(made())


@pytest.mark.parametrize(
    ("login", "extra"),
    [
        ("mdb_sa_id_0123456789abcdef01234567", {}),
        ("another-client-id", {"authentication": "service_account"}),
    ],
)
def test_a_service_account(connection: Any, login: str, extra: dict[str, str]) -> None:
    connection(login=login, password="mdb_sa_sk_0123456789abcdef0123456789abcdef", extra=extra)
    assert f"client_id='{login}'" in repr(made())


@pytest.mark.parametrize(
    ("fields", "base_url"),
    [
        ({"host": "https://cloud.mongodbgov.com"}, "https://cloud.mongodbgov.com"),
        ({"host": "cloud.mongodbgov.com"}, "https://cloud.mongodbgov.com"),
        ({"host": "127.0.0.1", "port": 8080, "schema": "http"}, "http://127.0.0.1:8080"),
        ({"host": "https://proxy.example.com/atlas"}, "https://proxy.example.com/atlas"),
    ],
)
def test_the_host_is_the_base_url(connection: Any, fields: dict[str, Any], base_url: str) -> None:
    connection(login="abcdefgh", password=SECRET, **fields)
    assert f"base_url='{base_url}" in repr(made())


def test_a_uri_is_as_good_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"mongodbatlas://abcdefgh:{SECRET}@cloud.mongodbgov.com")
    assert "https://cloud.mongodbgov.com" in repr(made())
    assert "public_key='abcdefgh'" in repr(made())


def test_a_uri_s_options_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    where = "mongodbatlas://abcdefgh:" + SECRET + "@http%3A%2F%2Fproxy.example.com"
    monkeypatch.setenv(VARIABLE, f"{where}?timeout=12.5&max_retries=0&allow_insecure=True")
    assert "http://proxy.example.com" in repr(made())
    for name, text in (("timeout", "soon"), ("max_retries", "many"), ("allow_insecure", "perhaps")):
        monkeypatch.setenv(VARIABLE, f"{where}?{name}={text}")
        with pytest.raises(ValidationError, match=rf"connection atlas_default: {name} must be of the type ") as raised:
            made()
        assert raised.value.field == name
        # it may be a secret that somebody has put into the wrong field
        assert text not in str(raised.value)


@pytest.mark.parametrize(("fields", "missing"), [({"login": "abcdefgh"}, "password"), ({"password": SECRET}, "login")])
def test_half_a_key_is_one_clear_error(connection: Any, fields: dict[str, str], missing: str) -> None:
    connection(**fields)
    with pytest.raises(ConfigurationError, match=f"connection atlas_default: {missing} .* is missing"):
        made()


def test_without_a_key_the_environment_has_it(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    connection(host="https://cloud.mongodbgov.com")
    monkeypatch.setenv("MONGODB_ATLAS_PUBLIC_API_KEY", "fromtheenv")
    monkeypatch.setenv("MONGODB_ATLAS_PRIVATE_API_KEY", SECRET)
    assert "public_key='fromtheenv'" in repr(made())


def test_another_host_than_atlas_s_gets_nothing_of_the_worker_s(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may edit a connection could have had the worker's secret sent to a host of their choice."""
    connection(host="https://atlas.example")
    monkeypatch.setenv("MONGODB_ATLAS_PUBLIC_API_KEY", "fromtheenv")
    monkeypatch.setenv("MONGODB_ATLAS_PRIVATE_API_KEY", SECRET)
    with pytest.raises(ConfigurationError, match=r"are not sent to https://atlas\.example"):
        made()
    works, message = AtlasHook().test_connection()
    assert not works
    assert "are not sent to https://atlas.example" in message


def test_a_login_without_a_host_goes_to_atlas(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It went to the base URL of the worker's environment."""
    monkeypatch.setenv("MONGODB_ATLAS_BASE_URL", "https://atlas.example")
    connection(login="abcdefgh", password=SECRET)
    assert "base_url='https://cloud.mongodb.com'" in repr(made())


def test_an_unknown_kind_of_credentials_is_named(connection: Any) -> None:
    connection(login="abcdefgh", password=SECRET, extra={"authentication": "kerberos"})
    with pytest.raises(ValidationError, match="authentication must be api_key or service_account") as raised:
        made()
    assert raised.value.field == "authentication"


def test_the_extra_s_options_are_the_client_s(connection: Any) -> None:
    connection(login="abcdefgh", password=SECRET, extra={"timeout": -1})
    with pytest.raises(ValidationError, match="timeout"):
        made()


def test_calls_with_both_clients(both: Sides, group_id: str) -> None:
    with AtlasHook().get_conn() as client:
        endpoint = client.create_endpoint(group_id, "Instance0")

    async def listed() -> list[str]:
        async with await AtlasHook().get_async_conn() as client:
            assert isinstance(client, AsyncClient)
            return [one.id for one in await client.list_endpoints(group_id, "Instance0")]

    assert asyncio.run(listed()) == [endpoint.id]
    assert len(both.atlas.endpoints(group_id)) == 1


def test_the_connection_is_tested(both: Sides, connection: Any) -> None:
    works, message = AtlasHook().test_connection()
    assert works, message
    assert both.atlas.public_key in message
    assert both.atlas.private_key not in message
    connection(login=both.atlas.public_key, password=SECRET, host=both.atlas.base_url)
    works, message = AtlasHook().test_connection()
    assert not works
    assert message.startswith("authentication: ")
    assert SECRET not in message
    connection(login=both.atlas.public_key, password=SECRET, host="http://127.0.0.1:9")
    works, message = AtlasHook().test_connection()
    assert not works
    assert message.startswith("connection: ")


def test_the_description_has_airflow_s_own_shape() -> None:
    (entry,) = (one for one in entry_points(group="apache_airflow_provider") if "atlas_privatelink" in one.value)
    info = entry.load()()
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(info, schema)
    # this one has the fields of the connection form, since Airflow 3.2; it is for a provider's source, which names more
    whole = json.loads(files("airflow").joinpath("provider.yaml.schema.json").read_text())
    described = whole["properties"]["connection-types"]
    jsonschema.validate(info["connection-types"], described)
    (kind,) = info["connection-types"]
    assert kind["connection-type"] == AtlasHook.conn_type
    assert "_" not in AtlasHook.conn_type


def airflow(*arguments: str) -> str:
    """What an `airflow` command prints."""
    command = [sys.executable, "-m", "airflow", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "Traceback" not in done.stderr + done.stdout
    return done.stdout


def test_airflow_knows_the_provider_and_its_connection_type() -> None:
    assert "atlas-privatelink" in airflow("providers", "list")
    assert "mongodbatlas" in airflow("providers", "hooks")
    assert "AtlasLink" in airflow("providers", "links")


def form() -> str:
    """What Airflow shows of the connection's form."""
    if VERSION.startswith("2."):
        manager = "__import__('airflow.providers_manager', fromlist=['*']).ProvidersManager()"
        return parsed(f"[*{manager}.connection_form_widgets, {manager}.field_behaviours['mongodbatlas']]")
    module = "airflow.api_fastapi.core_api.services.ui.connections"
    all_of_them = f"__import__('{module}', fromlist=['*']).HookMetaService.hook_meta_data()"
    return parsed(f"[one.model_dump_json() for one in {all_of_them} if one.connection_type == 'mongodbatlas']")


@pytest.mark.skipif(VERSION.startswith("3.0."), reason="without Flask AppBuilder, Airflow 3.0 has no provider's fields")
def test_the_connection_s_form_has_its_fields() -> None:
    shown = form()
    for name in ("authentication", "timeout", "max_retries", "ca_file", "proxy", "allow_insecure"):
        assert name in shown
    assert "Public key, or client ID" in shown


def test_without_the_extension_module_airflow_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path(atlas_privatelink.__file__).parent
    shutil.copytree(whole, tmp_path / whole.name, ignore=shutil.ignore_patterns("_core.*so", "__pycache__"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    where = "import atlas_privatelink; print(atlas_privatelink.__file__)"
    found = subprocess.run([sys.executable, "-c", where], check=True, capture_output=True, text=True).stdout
    assert found.startswith(str(tmp_path))
    assert "atlas-privatelink" in airflow("providers", "list")
    assert "mongodbatlas" in airflow("providers", "hooks")
    assert parsed("sorted(every_operator.DAGS)[0]") == "connect_alone_deferrable"


def parsed(expression: str) -> str:
    """What an expression is in a process that has parsed the DAGs."""
    command = [sys.executable, "-c", f"import sys, every_operator; print({expression})"]
    folder = os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1]


def test_a_dag_is_parsed_without_the_extension_module_or_boto3() -> None:
    ours = "name.startswith('atlas_privatelink.') and not name.startswith('atlas_privatelink.airflow')"
    of_aws = "name.split('.')[0] in ('boto3', 'botocore')"
    loaded = parsed(f"sorted(name for name in sys.modules if {of_aws} or {ours})")
    assert loaded == "['atlas_privatelink.errors', 'atlas_privatelink.listeners']"
