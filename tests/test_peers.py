"""MongoDB's own Go SDK against the local Atlas: the program in `peers` calls every operation and checks the answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import pytest
from support import GROUP_ID, REPOSITORY

from atlas_privatelink.testing import AtlasEmulator, RecordedRequest

PEERS = REPOSITORY / "tests" / "peers"
SHARDED_GROUP_ID = "5f7cac1adf5d6c6306f4b284"
# what the program expects to find
GROUPS = [{"id": GROUP_ID, "name": "Replica sets"}, {"id": SHARDED_GROUP_ID, "name": "Sharded"}]
CLUSTERS = [
    {"name": "OnAWS", "group": GROUP_ID, "provider": "AWS", "regions": ["US_EAST_1"], "instance_size": "M30"},
    {"name": "OnAZURE", "group": GROUP_ID, "provider": "AZURE", "regions": ["US_EAST_2"], "instance_size": "M30"},
    {"name": "OnGCP", "group": GROUP_ID, "provider": "GCP", "regions": ["CENTRAL_US"], "instance_size": "M30"},
    {"name": "Free", "group": GROUP_ID, "provider": "TENANT", "regions": ["US_EAST_1"]},
    {"name": "Flex", "group": GROUP_ID, "provider": "TENANT", "regions": ["US_EAST_1"], "instance_size": "FLEX"},
    {"name": "Sharded", "group": SHARDED_GROUP_ID, "regions": ["US_EAST_1"], "cluster_type": "SHARDED"},
]
INSTANCES = ["Instance0", "Instance1"]

# operations that the tables of docs/operations.md do not have
ALSO = [
    "GET /groups",
    "GET /groups/byName/{name}",
    "GET /groups/{groupId}/clusters",
    "GET /groups/{groupId}/serverless",
]
CLOUDS = {"privateEndpoint": {"AWS", "AZURE", "GCP"}, "encryptionAtRest": {"AWS", "AZURE"}, "backup": {"AWS"}}

# what `go` says when it cannot reach the module proxy
NETWORK = re.compile(
    r"dial tcp|no such host|i/o timeout|TLS handshake timeout|connection re(fused|set)|network is unreachable"
    r"|proxyconnect|unexpected EOF|50[234] [A-Z]"
)


def go(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["go", *arguments], cwd=PEERS, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built."""
    if shutil.which("go") is None:
        pytest.skip("Debian package golang is missing")
    download = go("mod", "download")
    if download.returncode and NETWORK.search(download.stderr):
        pytest.skip(f"the Go SDK cannot be fetched: {download.stderr.strip().splitlines()[-1]}")
    assert download.returncode == 0, download.stderr
    binary = tmp_path_factory.mktemp("peers") / "peers"
    built = go("build", "-o", str(binary), ".")
    assert built.returncode == 0, built.stderr
    return binary


@pytest.fixture(params=["AWS", "AZURE"])
def world(request: pytest.FixtureRequest) -> Iterator[AtlasEmulator]:
    """A local Atlas that holds what the program expects; its serverless instances are in one cloud or in the other."""
    with AtlasEmulator(
        groups=GROUPS,
        clusters=CLUSTERS,
        instances=INSTANCES,
        provider=request.param,
        reservation_seconds=0.05,
        connection_seconds=0.05,
        deletion_seconds=0.05,
        service_seconds=0.05,
        connection_string_seconds=0.05,
    ) as emulator:
        yield emulator


Scheme = Literal["Digest", "Bearer"]


def credentials(atlas: AtlasEmulator, scheme: Scheme) -> dict[str, str]:
    if scheme == "Digest":
        return atlas.environment()
    return {
        "MONGODB_ATLAS_BASE_URL": atlas.base_url,
        "MONGODB_ATLAS_CLIENT_ID": atlas.client_id,
        "MONGODB_ATLAS_CLIENT_SECRET": atlas.client_secret,
    }


def run(program: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program], env={**os.environ, **variables}, capture_output=True, text=True, check=False)


def failures(output: str) -> dict[str, str]:
    """The checks that failed, and why."""
    return dict(re.findall(r"^FAILED (.+?): (.+)$", output, re.MULTILINE))


def documented() -> list[str]:
    table = (REPOSITORY / "docs" / "operations.md").read_text()
    return re.findall(r"^\| `((?:GET|POST|PATCH|DELETE) /groups\S*)` \|", table, re.MULTILINE)


def clouds_of(operation: str, requests: list[RecordedRequest]) -> set[str]:
    """The clouds in whose path an operation succeeded, or the empty string where its path has none."""
    method, path = operation.split(" ")
    pattern = re.escape(path).replace(r"\{cloudProvider\}", "([A-Z]+)")
    pattern = "/api/atlas/v2" + re.sub(r"\\\{\w+\\\}", "[^/]+", pattern)
    found: set[str] = set()
    for request in requests:
        match = re.fullmatch(pattern, request.target.partition("?")[0])
        if match and request.method == method and request.status in range(200, 300):
            found.add(match[1] if match.groups() else "")
    return found


@pytest.mark.parametrize("scheme", ["Digest", "Bearer"])
def test_every_operation(program: Path, world: AtlasEmulator, scheme: Scheme) -> None:
    done = run(program, credentials(world, scheme))
    shown = done.stdout + done.stderr
    failed = failures(done.stdout)
    assert not failed, shown
    *lines, last = done.stdout.splitlines()
    passed = sum(line.startswith("ok ") for line in lines)
    assert last == f"{passed} passed, {len(failed)} failed"
    assert passed + len(failed) == len(lines)
    assert (done.returncode, done.stderr) == (1 if failed else 0, "")
    assert not any(secret in shown for secret in (world.private_key, world.client_secret))

    requests = [one for one in world.requests() if one.target.startswith("/api/atlas/")]
    assert all(one.headers["user-agent"].startswith("go-atlas-sdk-admin/") for one in requests)
    accepted = [one for one in requests if one.status in range(200, 300)]
    assert {one.headers["authorization"].split(" ")[0] for one in accepted} == {scheme}
    assert len(documented()) >= 34
    for operation in [*documented(), *ALSO]:
        family = operation.split("/")[3] if "{cloudProvider}" in operation else ""
        assert clouds_of(operation, requests) == CLOUDS.get(family, {""}), operation


@pytest.mark.parametrize("world", ["AWS"], indirect=True)
def test_a_failure_is_told(program: Path, world: AtlasEmulator) -> None:
    world.fault("status", status=500, method="GET", path_contains="regionalMode", authenticated=True)
    done = run(program, credentials(world, "Digest"))
    assert done.returncode == 1
    failed = failures(done.stdout)
    assert failed.keys() == {"get regional mode at first"}
    assert "HTTP 500" in failed["get regional mode at first"]
    assert done.stdout.splitlines()[-1].endswith(f" passed, {len(failed)} failed")


@pytest.mark.parametrize("world", ["AWS"], indirect=True)
def test_another_value_is_a_failure(program: Path, world: AtlasEmulator) -> None:
    world.set_clusters([{**one, "instance_size": "M10"} if one["name"] == "OnGCP" else one for one in CLUSTERS])
    failed = failures(run(program, credentials(world, "Digest")).stdout)
    assert failed.keys() == {"get cluster OnGCP"}
    assert failed["get cluster OnGCP"] == '"instanceSize is M10, not M30"'


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"MONGODB_ATLAS_PUBLIC_API_KEY": "abcdefgh"}, "MONGODB_ATLAS_BASE_URL is not set"),
        ({"MONGODB_ATLAS_BASE_URL": "http://127.0.0.1:9"}, "set either MONGODB_ATLAS_PUBLIC_API_KEY or"),
    ],
)
def test_no_credentials(program: Path, variables: dict[str, str], message: str) -> None:
    done = run(program, variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_the_program_is_formatted_and_vetted(program: Path) -> None:
    assert program.is_file()
    formatted = subprocess.run(["gofmt", "-l", PEERS], capture_output=True, text=True, check=False)
    assert (formatted.stdout, formatted.stderr, formatted.returncode) == ("", "", 0)
    vetted = go("vet", ".")
    assert vetted.returncode == 0, vetted.stderr
