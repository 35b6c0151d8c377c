"""Requests to an emulator that asks for no credentials, over plain HTTP."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import quote

from support import GROUP_ID

from atlas_privatelink.testing import AtlasEmulator

GROUP = GROUP_ID
V1 = f"/api/atlas/v1.0/groups/{GROUP}"
V2 = f"/api/atlas/v2/groups/{GROUP}"
VPCE = "vpce-0123456789abcdef0"
AZURE_ID = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/"
    "Microsoft.Network/privateEndpoints/pe-1"
)
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "AWS": (VPCE, {"id": VPCE}),
    "AZURE": (AZURE_ID, {"id": AZURE_ID, "privateEndpointIPAddress": "10.0.0.4"}),
    "GCP": (
        "group-1",
        {
            "endpointGroupName": "group-1",
            "gcpProjectId": "p-0123456789abcdefghijklmn",
            # one for each service attachment
            "endpoints": [{"endpointName": f"rule-{n}", "ipAddress": f"10.0.0.{n}"} for n in range(6)],
        },
    ),
}
SECONDS = {"AWS": 169, "AZURE": 60, "GCP": 281}


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text) if self.text else None

    @property
    def code(self) -> tuple[int, str]:
        return self.status, self.json["errorCode"]


class Wire:
    """Requests as they are given, with the media types of v2's first version unless others are."""

    def __init__(self, atlas: AtlasEmulator) -> None:
        self.atlas = atlas
        self.connection = http.client.HTTPConnection("127.0.0.1", atlas.port, timeout=10)

    def __call__(self, method: str, target: str, body: object = None, **headers: str) -> Answer:
        data = body if isinstance(body, str | None) else json.dumps(body)
        given = {"Content-Type": "application/json", "Accept": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, target, data, given)
        return Answer(self.connection.getresponse())

    def service(
        self,
        cloud: str = "AWS",
        region: str = "US_EAST_1",
        *,
        root: str = V2,
        ready: bool = True,
        **fields: object,
    ) -> str:
        """The path of a new endpoint service."""
        body = {"providerName": cloud, "region": region, **fields}
        made = self("POST", f"{root}/privateEndpoint/endpointService", body)
        assert made.status in {200, 201}, made.text
        if ready:
            self.atlas.advance(SECONDS[cloud])
        return f"{root}/privateEndpoint/{cloud}/endpointService/{made.json['id']}"

    def endpoint(self, service: str, cloud: str = "AWS", endpoint: str | None = None, **fields: Any) -> str:
        """The path of a new endpoint on that service."""
        usual, body = BODIES[cloud]
        name = "endpointGroupName" if cloud == "GCP" else "id"
        made = self("POST", f"{service}/endpoint", body | {name: endpoint or usual} | fields)
        assert made.status in {200, 201}, made.text
        key = {"AWS": "interfaceEndpointId", "AZURE": "privateEndpointResourceId", "GCP": "endpointGroupName"}[cloud]
        return f"{service}/endpoint/{quote(made.json[key], safe='')}"

    def close(self) -> None:
        self.connection.close()
