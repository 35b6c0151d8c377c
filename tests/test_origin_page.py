"""The page that this library comes from, reproduced: its request, its answer, its misprinted challenge."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from support import GROUP_ID, INSTANCE, SHARED
from test_recordings import Replay

from atlas_privatelink import AsyncClient, EndpointStatus
from atlas_privatelink.testing import AtlasEmulator

PAGE = SHARED / "origin-page.txt"
pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason=f"{PAGE} does not exist")


def example(heading: str) -> str:
    """The code under a heading, without its line numbers."""
    section = PAGE.read_text().split(f"{heading}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    return "\n".join(re.sub(r"^\s*\d*\|", "", line) for line in section.splitlines())


def test_the_request_of_the_example(atlas: AtlasEmulator) -> None:
    curl = example("## Example Request")
    headers = dict(found.split(": ") for found in re.findall(r'--header "([^"]+)"', curl))
    method = re.search(r"--request (\w+)", curl)
    url = re.search(r'"(https://[^"]+)"', curl)
    body = re.search(r"--data '\s*(\{.*\})'", re.sub(r"[\s|]+", " ", curl))
    assert method and url and body

    async def main() -> None:
        async with AsyncClient(atlas.public_key, atlas.private_key, base_url=atlas.base_url) as client:
            await client.create_endpoint(GROUP_ID, INSTANCE, pretty=True, **json.loads(body[1]))

    asyncio.run(main())
    sent = atlas.requests()[-1]
    assert sent.method == method[1]
    target = url[1].removeprefix("https://cloud.mongodb.com")
    assert sent.target == target.replace("{GROUP-ID}", GROUP_ID).replace("{INSTANCE-NAME}", INSTANCE)
    for name, value in headers.items():
        assert sent.headers[name.lower()] == value
    assert json.loads(sent.body) == json.loads(body[1])
    assert sent.authorization is not None and sent.authorization.uri == sent.target


def test_its_challenge_and_its_answer() -> None:
    challenge, created = (
        f"HTTP/1.1 {part}".splitlines() for part in example("### Response Header").split("HTTP/1.1 ")[1:]
    )
    answer, _ = json.JSONDecoder().raw_decode(example("### Response Body").strip())

    def as_http(lines: list[str], body: bytes) -> bytes:
        fields = [line.strip() for line in lines if line.strip() and "Length" not in line and "Date" not in line]
        return "\r\n".join([*fields, f"Content-Length: {len(body)}", "", ""]).encode() + body

    printed = as_http(challenge, b"{}").replace(b"{nonce}", b"dcd98b7102dd2f0e8b11d0f600bfb0c093")
    assert b'op="auth"' in printed and b"qop=" not in printed

    async def main() -> None:
        replay = Replay(printed, [as_http(created, json.dumps(answer).encode())])
        async with replay, replay.client() as client:
            endpoint = await client.create_endpoint(GROUP_ID, INSTANCE, comment="example comment")
        (credentials,) = replay.credentials
        assert "qop=auth" in credentials and "nc=00000001" in credentials
        assert endpoint.id == answer["_id"]
        assert endpoint.status is EndpointStatus.AVAILABLE
        assert endpoint.cloud_provider_endpoint_id == answer["cloudProviderEndpointId"]
        assert endpoint.endpoint_service_name == answer["endpointServiceName"]
        assert (endpoint.comment, endpoint.error_message) == ("example comment", None)
        assert endpoint.extra == {}

    asyncio.run(main())
