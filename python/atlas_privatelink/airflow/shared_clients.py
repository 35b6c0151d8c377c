"""One client for all triggers that use the same connection: they share sockets, digest nonces and looks at lists."""

from __future__ import annotations

import json
from asyncio import Lock, get_running_loop
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from .hooks import client_options, connection_from_coroutine

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import AsyncIterator
    from typing import Any

    from .. import AsyncClient

__all__ = ["shared_client"]

# a thousand triggers that start together ask Airflow once, and a connection that was changed is noticed soon
_CONNECTION_SECONDS = 30.0


@dataclass
class _Shared:
    client: AsyncClient
    users: int = 0


@dataclass
class _Connection:
    lock: Lock = field(default_factory=Lock)
    options: dict[str, Any] = field(default_factory=dict, repr=False)
    fetched: float | None = None


@dataclass
class _Triggerer:
    """What one event loop has, as long as somebody uses it."""

    connections: dict[str, _Connection] = field(default_factory=dict)
    clients: dict[str, _Shared] = field(default_factory=dict, repr=False)
    users: int = 0


_triggerers: dict[AbstractEventLoop, _Triggerer] = {}


@asynccontextmanager
async def shared_client(atlas_conn_id: str) -> AsyncIterator[AsyncClient]:
    """The client for a connection; it is closed when the last one leaves.

    Raises:
        ConfigurationError, ValidationError: The connection is not complete, or breaks a rule.
    """
    loop = get_running_loop()
    triggerer = _triggerers.setdefault(loop, _Triggerer())
    triggerer.users += 1
    try:
        async with _client(triggerer, atlas_conn_id) as client:
            yield client
    finally:
        triggerer.users -= 1
        if not triggerer.users:
            del _triggerers[loop]


@asynccontextmanager
async def _client(triggerer: _Triggerer, atlas_conn_id: str) -> AsyncIterator[AsyncClient]:
    from .. import AsyncClient

    options = await _options(triggerer.connections.setdefault(atlas_conn_id, _Connection()), atlas_conn_id)
    # an extra may hold anything; what is wrong with it, the client says
    key = json.dumps(options, sort_keys=True, default=repr)
    shared = triggerer.clients.get(key)
    if shared is None:
        shared = triggerer.clients[key] = _Shared(AsyncClient(**options))
    shared.users += 1
    try:
        yield shared.client
    finally:
        shared.users -= 1
        if not shared.users:
            del triggerer.clients[key]
            await shared.client.aclose()


async def _options(connection: _Connection, atlas_conn_id: str) -> dict[str, Any]:
    async with connection.lock:
        if connection.fetched is None or monotonic() - connection.fetched > _CONNECTION_SECONDS:
            connection.options = client_options(await connection_from_coroutine(atlas_conn_id))
            connection.fetched = monotonic()
    return connection.options
