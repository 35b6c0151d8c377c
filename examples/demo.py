"""The main job on a local Atlas: create a private endpoint, watch its status move, show the result."""

from __future__ import annotations

import asyncio
import time

from atlas_privatelink import AsyncClient, EndpointStatus
from atlas_privatelink.testing import AtlasEmulator

GROUP_ID = "5f7cac1adf5d6c6306f4b283"
INSTANCE = "Instance0"
SPEED = 30  # Atlas takes a minute and a half: here that is 3 s


async def main() -> None:
    """Does it."""
    with AtlasEmulator(speed=SPEED) as atlas:
        print(f"A local Atlas listens at {atlas.base_url}. It asks for HTTP Digest, and lives {SPEED} times as fast.\n")
        async with AsyncClient(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
            print(f">>> endpoint = await client.create_endpoint({GROUP_ID!r}, {INSTANCE!r}, comment='example comment')")
            endpoint = await client.create_endpoint(GROUP_ID, INSTANCE, comment="example comment")
            began = time.monotonic()
            seen = None
            while True:
                if endpoint.status != seen:
                    seen = endpoint.status
                    print(f"{(time.monotonic() - began) * SPEED:5.0f} s  {endpoint.id}  {endpoint.status}")
                if endpoint.status in (EndpointStatus.RESERVED, EndpointStatus.FAILED):
                    break
                await asyncio.sleep(0.1)
                endpoint = await client.get_endpoint(GROUP_ID, INSTANCE, endpoint.id)
        stats = atlas.stats()
    print("\nAtlas has named its endpoint service; a VPC endpoint for it can be created now:\n")
    for name in ("id", "status", "comment", "endpoint_service_name"):
        print(f"    {name:22} {getattr(endpoint, name)}")
    print(
        f"\n{stats.requests} requests on {stats.connections} connection, {stats.challenges} of them for a digest"
        f" challenge; {stats.endpoints_made} endpoint was made."
    )


asyncio.run(main())
