"""The pytest plugin: the fixture `atlas_emulator`.

@pytest.mark.atlas_emulator(clock="driven")
def test_it(atlas_emulator):
    ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from atlas_privatelink.testing import AtlasEmulator


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "atlas_emulator(**options): options for the fixture atlas_emulator")


@pytest.fixture
def atlas_emulator(request: pytest.FixtureRequest) -> Iterator[AtlasEmulator]:
    """A running `AtlasEmulator` of the test's own; the marker `atlas_emulator` gives it options."""
    from atlas_privatelink.testing import AtlasEmulator

    marker = request.node.get_closest_marker("atlas_emulator")
    options: dict[str, Any] = dict(marker.kwargs) if marker else {}
    with AtlasEmulator(**options) as emulator:
        yield emulator
