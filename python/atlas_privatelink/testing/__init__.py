"""A local Atlas for tests, benchmarks and demonstrations: no account, no network, no waiting.

    from atlas_privatelink.testing import AtlasEmulator

    with AtlasEmulator(clock="driven") as atlas:
        ...  # talk to atlas.base_url with atlas.public_key and atlas.private_key
        atlas.advance(90)  # the endpoint is RESERVED now

It speaks HTTP/1.1 (and HTTP/2 with prior knowledge) on a loopback address, demands HTTP Digest or an access token as
Atlas does, leads private endpoints of all families through their lives, and fails on request. Tell it of your clusters
(`clusters=`), and it also enforces the rules that Atlas has for them.
"""

from __future__ import annotations

from .emulator import AtlasEmulator
from .records import Authorization, DigestMode, FaultName, RecordedRequest, Stats

__all__ = ["AtlasEmulator", "Authorization", "DigestMode", "FaultName", "RecordedRequest", "Stats"]
