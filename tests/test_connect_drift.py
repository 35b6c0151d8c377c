"""An existing endpoint is compared with the arguments, on all three clouds. Each docstring that begins with a number
says what was wrong before."""

from __future__ import annotations

from typing import Any

import connect_sides
import pytest
from connect_sides import Side, actions

from atlas_privatelink import DriftError

side, atlas_options, region = connect_sides.fixtures


@pytest.fixture
def wishes(side: Any) -> dict[str, Any]:
    """Arguments that an endpoint of somebody else does not come up to."""
    if side.name == "gcp":
        return {"labels": {"env": "prod"}, "global_access": True}
    if side.name == "azure":
        return {"tags": {"env": "prod"}}
    group = side.ec2.create_security_group(GroupName="mongo", Description="d", VpcId=side.networks[0])["GroupId"]
    return {"tags": {"env": "prod"}, "security_group_ids": [group]}


def test_what_differs_is_said_and_nothing_is_changed(side: Side, wishes: dict[str, Any]) -> None:
    """13. What was adopted was never compared: the step said only `adopt vpce-…`."""
    theirs = side.stranger(side.create_service())
    before = side.endpoints()
    for options in ({}, {"on_drift": "update"}):
        connection = side.connect(**wishes, **options)
        assert connection.cloud_endpoint_id == theirs
        assert len(connection.drift) >= len(wishes)
        (step,) = (taken for taken in connection.steps if taken.step == "CREATE_CLOUD_ENDPOINT")
        assert step.action == "adopt"
        assert all(one in step.detail for one in connection.drift)
        # of somebody else's, nothing is changed even on request
        assert side.endpoints() == before
    for plan in (True, False):
        with pytest.raises(DriftError) as refused:
            side.connect(**wishes, on_drift="error", plan=plan)
        assert theirs in str(refused.value)
    assert side.endpoints() == before


def test_ours_is_changed_on_request_and_stays_ours(side: Side, wishes: dict[str, Any]) -> None:
    """13. Other arguments were dropped without a word."""
    first = side.connect(global_access=False) if side.name == "gcp" else side.connect()
    assert len(side.connect(**wishes).drift) == len(wishes)
    plan = side.connect(**wishes, on_drift="update", plan=True)
    assert "update" in actions(plan)
    before = side.endpoints()
    updated = side.connect(**wishes, on_drift="update")
    assert "update" in actions(updated)
    assert updated.drift == ()
    assert side.endpoints() != before
    assert side.connect(**wishes, on_drift="error").cloud_endpoint_id == first.cloud_endpoint_id
    side.disconnect()
    assert (side.endpoints(), side.services()) == ({}, [])
