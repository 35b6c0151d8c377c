"""The servers that clients are measured against."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from atlas_privatelink.testing import AtlasEmulator

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Counts:
    """What a server saw of one client."""

    requests: int
    connections: int
    made: int
    """Endpoints."""


class Target(Protocol):
    """A server that runs."""

    name: str
    public_key: str
    private_key: str

    @property
    def base_url(self) -> str:
        """The part of every URL before `/api/atlas/…`."""

    def reset(self) -> None:
        """Count from zero."""

    def counts(self) -> Counts:
        """Since then."""


class Jetty:
    """Jetty with its own DigestAuthenticator, in a process of its own: what Atlas is, as far as can be told."""

    name = "Jetty"

    def __init__(self) -> None:
        # The tests' servers are imported as the tests import them.
        sys.path.append(str(ROOT / "tests"))
        from servers import JettyServer

        self._server = JettyServer()
        self._server.start()
        self.public_key, self.private_key = self._server.public_key, self._server.private_key
        self.base_url = self._server.base_url

    def stop(self) -> None:
        """Ends it."""
        self._server.stop()

    def delay(self, milliseconds: int) -> None:
        """Hold every request for so long, also those that will be refused."""
        self._server.set_delay_ms(milliseconds)

    def reset(self) -> None:
        """Count from zero, and forget the endpoints."""
        self._server.reset()

    def counts(self) -> Counts:
        """Since then."""
        stats = self._server.stats()
        return Counts(stats.requests, stats.connections, stats.created)


class Emulator:
    """The package's own local Atlas. It needs a fraction of Jetty's CPU, which is then left to the clients."""

    name = "the package's emulator"

    def __init__(self) -> None:
        self._atlas = AtlasEmulator(record=False, capacity=100_000_000)
        self._atlas.start()
        self.public_key, self.private_key = self._atlas.public_key, self._atlas.private_key
        self.base_url = self._atlas.base_url

    def stop(self) -> None:
        """Ends it."""
        self._atlas.stop()

    def reset(self) -> None:
        """Count from zero."""
        self._atlas.reset_stats()

    def counts(self) -> Counts:
        """Since then."""
        stats = self._atlas.stats()
        return Counts(stats.requests, stats.connections, stats.endpoints_made)
