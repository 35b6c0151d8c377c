"""The main job on a local Atlas: from nothing to a private connection string."""

from __future__ import annotations

import asyncio
import time

from atlas_privatelink import AsyncClient, WaitProgress
from atlas_privatelink.testing import AtlasEmulator

GROUP_ID = "5f7cac1adf5d6c6306f4b283"
INSTANCE = "Instance0"
VPC_ENDPOINT = "vpce-0123456789abcdef0"
SPEED = 60  # Atlas takes a minute and a half for each half of the way: here that is 1.5 s


async def main() -> None:
    """Does it."""
    began = time.monotonic()

    def told(what: str) -> None:
        print(f"{(time.monotonic() - began) * SPEED:5.0f} s  {what}")

    def progress(look: WaitProgress) -> None:
        if look.changed:
            told(look.status or "")

    with AtlasEmulator(speed=SPEED) as atlas:
        print(f"A local Atlas listens at {atlas.base_url}. It asks for HTTP Digest, and lives {SPEED} times as fast.\n")
        async with AsyncClient(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
            print(f">>> endpoint = await client.create_endpoint({GROUP_ID!r}, {INSTANCE!r}, comment='example comment')")
            endpoint = await client.create_endpoint(GROUP_ID, INSTANCE, comment="example comment")
            print('>>> await client.wait_for_endpoint(…, until="RESERVED")')
            reserved = await client.wait_for_endpoint(
                GROUP_ID, INSTANCE, endpoint.id, until="RESERVED", on_progress=progress
            )
            told(f"RESERVED: create a VPC endpoint for {reserved and reserved.endpoint_service_name}")
            print(f">>> await client.update_endpoint(…, cloud_provider_endpoint_id={VPC_ENDPOINT!r})")
            await client.update_endpoint(GROUP_ID, INSTANCE, endpoint.id, cloud_provider_endpoint_id=VPC_ENDPOINT)
            print(">>> await client.wait_for_endpoint(…)")
            available = await client.wait_for_endpoint(GROUP_ID, INSTANCE, endpoint.id, on_progress=progress)
            told("AVAILABLE")
            print(">>> await client.connection_string(…)")
            strings = await client.connection_string(GROUP_ID, INSTANCE, available or VPC_ENDPOINT)
            told(strings.srv or "")
        stats = atlas.stats()
    print(
        f"\n{stats.requests} requests on {stats.connections} connection, {stats.challenges} of them for a digest"
        f" challenge; {stats.endpoints_made} endpoint was made."
    )


asyncio.run(main())
