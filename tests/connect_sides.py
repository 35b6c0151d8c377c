"""Fixtures for tests that say the same of all three clouds: a local Atlas with described clusters, and the local cloud.

    side, atlas_options, region = connect_sides.fixtures

Time is Atlas's: a pause of ours moves its clock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pytest
from connect_worlds import AwsSide, AzureSide, GcpSide, Side

from atlas_privatelink import Connection
from atlas_privatelink._async.connect import connecting as async_connecting
from atlas_privatelink._async.connect import run as async_run
from atlas_privatelink._sync.connect import connecting as sync_connecting
from atlas_privatelink._sync.connect import run as sync_run
from atlas_privatelink.clouds import aws_calls, aws_changes, aws_creation, azure_creation, gcp_calls
from atlas_privatelink.testing import AtlasEmulator

__all__ = [
    "CLOUDS",
    "SIDES",
    "SOON",
    "AwsSide",
    "AzureSide",
    "GcpSide",
    "Side",
    "actions",
    "assert_connected_once",
    "assert_nothing_is_left",
    "atlas_options",
    "deletions",
    "fixtures",
    "on_aws",
    "on_azure",
    "on_gcp",
    "on_serverless_clouds",
    "only",
    "region",
    "side",
]

Test = TypeVar("Test", bound=Callable[..., None])

SOON: dict[str, Any] = {
    "clock": "driven",
    "reservation_seconds": 3,
    "service_seconds": 3,
    "connection_seconds": 3,
    "connection_string_seconds": 3,
    "deletion_seconds": 3,
}


def actions(connection: Connection) -> list[str]:
    """What was done, step by step."""
    return [taken.action for taken in connection.steps]


def deletions(connection: Connection) -> Sequence[tuple[str, str]]:
    """What is deleted, by kind and id."""
    return [(one.kind, one.id) for one in connection.deletions]


def assert_connected_once(side: Side, connection: Connection) -> None:
    """Exactly one of everything, on both sides."""
    assert connection.srv
    assert side.ids() == side.registered() == [connection.cloud_endpoint_id]
    assert [one["id"] for one in side.services()] == [connection.endpoint_service_id]


def assert_nothing_is_left(side: Side) -> None:
    """On neither side."""
    assert (side.endpoints(), side.services()) == ({}, [])


CLOUDS = ("aws", "azure", "gcp")
SIDES = [f"{cloud}-{kind}" for cloud in CLOUDS for kind in ("sync", "async")]


def only(*clouds: str) -> Callable[[Test], Test]:
    return pytest.mark.parametrize("side", [one for one in SIDES if one.split("-")[0] in clouds], indirect=True)


on_aws, on_azure, on_gcp = only("aws"), only("azure"), only("gcp")
on_serverless_clouds = only("aws", "azure")


@contextlib.contextmanager
def _started(name: str, kind: str, region: str | None, options: dict[str, Any]) -> Iterator[Side]:
    classes: dict[str, Any] = {"aws": AwsSide, "azure": AzureSide, "gcp": GcpSide}
    side_class = classes[name]
    instances = {"provider": "AZURE"} if name == "azure" else {}
    with contextlib.ExitStack() as stack:
        atlas = stack.enter_context(AtlasEmulator(**{**SOON, **instances, **options}))
        local = stack.enter_context(side_class.local_class(atlas, **{side_class.place: region or side_class.region}))
        yield side_class(kind, atlas, local, region)


@pytest.fixture
def atlas_options() -> dict[str, Any]:
    """Further options of the local Atlas; a test can have its own."""
    return {}


@pytest.fixture
def region() -> str | None:
    """The region of the cluster and the cloud, by the cloud's own name; a test can have its own."""
    return None


@pytest.fixture(params=SIDES)
def side(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, atlas_options: dict[str, Any], region: str | None
) -> Iterator[Any]:
    """A cloud beside a local Atlas, by one kind of client."""
    name, kind = request.param.split("-")
    with _started(name, kind, region, atlas_options) as side:
        _no_pauses(monkeypatch, side.atlas)
        yield side
        side.client.close()


fixtures = side, atlas_options, region
"""What a test module takes over."""


def _no_pauses(monkeypatch: pytest.MonkeyPatch, atlas: AtlasEmulator) -> None:
    """A pause of ours moves Atlas's clock; the local clouds go on at each look."""

    async def advance(seconds: float) -> None:
        atlas.advance(seconds)
        await asyncio.sleep(0)

    for module in (sync_run, sync_connecting):
        monkeypatch.setattr(module, "sleep", atlas.advance)
    for module in (async_run, async_connecting):
        monkeypatch.setattr(module, "sleep", advance)
    monkeypatch.setattr(aws_creation, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(aws_calls, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(aws_changes, "_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(azure_creation, "_DELETION_PAUSE", 0.0)
    monkeypatch.setattr(azure_creation, "_READ_PAUSE", 0.0)
    monkeypatch.setattr(gcp_calls, "_FIRST_PAUSE", 0.0)
    monkeypatch.setattr(gcp_calls, "_LONGEST_PAUSE", 0.0)
