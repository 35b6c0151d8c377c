"""Credentials of the environment or a profile go to Atlas, or where the environment or the profile says, and nowhere
else: whoever chooses a base URL must not get them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from answer_server import AnswerServer, Reply

from atlas_privatelink import AsyncClient, Client, ConfigurationError
from atlas_privatelink.cli import main

SECRET = "01234567-89ab-cdef-0123-456789abcdef"
KINDS = {
    "API key": {"PUBLIC_API_KEY": "abcdefgh", "PRIVATE_API_KEY": SECRET},
    "service account": {"CLIENT_ID": "mdb_sa_id_0123456789abcdef01234567", "CLIENT_SECRET": f"mdb_sa_sk_{SECRET}"},
    "access token": {"ACCESS_TOKEN": SECRET},
}


@pytest.fixture
def server() -> Iterator[AnswerServer]:
    with AnswerServer() as server:
        server.answer = lambda request: Reply(200, body=b"[]")
        yield server


@pytest.fixture(params=KINDS)
def environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials in the environment, of each kind."""
    for name, value in KINDS[request.param].items():
        monkeypatch.setenv(f"MONGODB_ATLAS_{name}", value)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_another_host_gets_nothing_of_the_environment(server: AnswerServer, kind: type[Client | AsyncClient]) -> None:
    with pytest.raises(ConfigurationError, match=r"the environment are not sent to .*MONGODB_ATLAS_BASE_URL") as raised:
        kind(base_url=server.base_url)
    assert server.base_url in str(raised.value)
    assert SECRET not in str(raised.value)
    assert server.requests == []


@pytest.mark.usefixtures("environment")
def test_the_environment_s_own_base_url_may_be_given_once_more(
    server: AnswerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGODB_ATLAS_BASE_URL", server.base_url)
    for base_url in (None, server.base_url):
        asyncio.run(AsyncClient(base_url=base_url).aclose())
        Client(base_url=base_url).close()
    with pytest.raises(ConfigurationError):
        Client(base_url="http://localhost:9")


@pytest.mark.parametrize("given", [True, False])
def test_a_profile_goes_to_its_own_host(
    server: AnswerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, given: bool
) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    folder = tmp_path / "atlascli"
    folder.mkdir()
    keys = f'public_api_key = "abcdefgh"\nprivate_api_key = "{SECRET}"\n'
    text = f'[default]\n{keys}[own]\n{keys}ops_manager_url = "{server.base_url}"\n'
    (folder / "config.toml").write_text(text)
    profile = "own" if given else None
    if given:
        Client(profile=profile, base_url=server.base_url).close()
    else:
        with pytest.raises(ConfigurationError, match=r"profile 'default' of .* are not sent to"):
            Client(profile=profile, base_url=server.base_url)
    assert server.requests == []


def test_credentials_that_are_given_go_where_they_are_told(server: AnswerServer) -> None:
    with Client("abcdefgh", SECRET, base_url=server.base_url) as client:
        assert client.list_endpoints("0" * 24, "Instance0") == []
    assert len(server.requests) == 1


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("base_url", ["https://cloud.mongodbgov.com", "https://cloud.mongodb.com/"])
def test_atlas_s_own_hosts_get_them(base_url: str) -> None:
    Client(base_url=base_url).close()


@pytest.mark.usefixtures("environment")
def test_the_shell_has_the_same_rule(server: AnswerServer, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["list", "--instance", "Instance0", "--project-id", "0" * 24]
    assert main([*words, "--base-url", server.base_url]) == 4
    assert "are not sent to" in capsys.readouterr().err
    assert server.requests == []
