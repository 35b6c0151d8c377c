"""What several test modules use."""

from __future__ import annotations

import asyncio
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol

from atlas_privatelink import AsyncClient, Client
from atlas_privatelink.testing import AtlasEmulator

GROUP_ID = "5f7cac1adf5d6c6306f4b283"
INSTANCE = "Instance0"
REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"


class HasKey(Protocol):
    """A server, and the key it knows."""

    @property
    def base_url(self) -> str: ...
    @property
    def public_key(self) -> str: ...
    @property
    def private_key(self) -> str: ...


class Caller:
    """Calls a client method by name, so that one test serves both clients."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(
        self, server: HasKey, method: str, *args: Any, options: dict[str, Any] | None = None, **kw: Any
    ) -> Any:
        """One call on a new client."""
        settings: dict[str, Any] = {
            "public_key": server.public_key,
            "private_key": server.private_key,
            "base_url": server.base_url,
            **(options or {}),
        }
        if self.kind == "sync":
            with Client(**settings) as client:
                return attrgetter(method)(client)(*args, **kw)

        async def main() -> Any:
            async with AsyncClient(**settings) as client:
                return await attrgetter(method)(client)(*args, **kw)

        return asyncio.run(main())

    def create(self, server: HasKey, *, options: dict[str, Any] | None = None, **kw: Any) -> Any:
        """`create_endpoint` for the usual instance."""
        return self(server, "create_endpoint", GROUP_ID, INSTANCE, options=options, **kw)


class DrivenCaller:
    """Calls `method` or `family.method` with either client of an emulator, by its driven clock."""

    def __init__(self, emulator: AtlasEmulator, kind: str) -> None:
        self.emulator, self.kind = emulator, kind

    def __call__(self, name: str, *args: Any, options: Any = None, **kw: Any) -> Any:
        """One call on a new client."""
        method = attrgetter(name)
        if self.kind == "sync":
            with self.emulator.client(**(options or {})) as client:
                return method(client)(*args, **kw)

        async def main() -> Any:
            async with self.emulator.async_client(**(options or {})) as client:
                return await method(client)(*args, **kw)

        return asyncio.run(main())
