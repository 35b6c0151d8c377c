"""Fixtures for pytest: one server of each kind for the whole run, counting from zero in each test.

To use them, a conftest.py says `pytest_plugins = ["servers.fixtures"]`, or imports them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import pytest

from .apache import ApacheServer
from .base import DigestServer
from .jetty import JettyServer

__all__ = ["apache", "apache_for_session", "apache_strict", "apache_strict_for_session", "jetty", "jetty_for_session"]

_Server = TypeVar("_Server", bound=DigestServer)


def _running(server: _Server) -> Iterator[_Server]:
    missing = server.available()
    if missing is not None:
        pytest.skip(missing)
    with server:
        yield server


@pytest.fixture(scope="session")
def jetty_for_session() -> Iterator[JettyServer]:
    yield from _running(JettyServer())


@pytest.fixture(scope="session")
def apache_for_session() -> Iterator[ApacheServer]:
    yield from _running(ApacheServer())


@pytest.fixture(scope="session")
def apache_strict_for_session() -> Iterator[ApacheServer]:
    yield from _running(ApacheServer(nc_check=True))


@pytest.fixture
def jetty(jetty_for_session: JettyServer) -> JettyServer:
    """Counts in any order, each once; Atlas as far as can be told."""
    jetty_for_session.set_delay_ms(0)
    jetty_for_session.reset()
    return jetty_for_session


@pytest.fixture
def apache(apache_for_session: ApacheServer) -> ApacheServer:
    """Does not look at counts."""
    apache_for_session.reset()
    return apache_for_session


@pytest.fixture
def apache_strict(apache_strict_for_session: ApacheServer) -> ApacheServer:
    """Wants counts to rise."""
    apache_strict_for_session.reset()
    return apache_strict_for_session
