"""Fixtures: a local Atlas, clients of both kinds, real digest servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Caller

from atlas_privatelink.testing import AtlasEmulator

pytest_plugins = ["servers.fixtures"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the credentials, proxies or certificates of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MONGODB_ATLAS_", "MCLI_", "SSL_CERT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def atlas() -> Iterator[AtlasEmulator]:
    """A local Atlas in real time."""
    with AtlasEmulator() as emulator:
        yield emulator


@pytest.fixture(params=["async", "sync"])
def call(request: pytest.FixtureRequest) -> Caller:
    """The test runs once with each client."""
    return Caller(request.param)
