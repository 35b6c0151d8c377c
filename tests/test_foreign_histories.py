"""Histories beside strangers that have failed once, each as a test of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from foreign_clouds import let_pauses_take_no_time
from foreign_worlds import WORLDS, open_world
from foreigners import CLUSTERS, ForeignersWorld

from atlas_privatelink import Connection, NotOwned
from atlas_privatelink.models.connection import Step


@pytest.fixture
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForeignersWorld]:
    """A world without a lag, which is finished as every history is."""
    let_pauses_take_no_time(monkeypatch)
    with open_world(request.param) as machine:
        state = machine()
        state.begin(lag=0, variant=1)
        yield state
        state.teardown()


everywhere = pytest.mark.parametrize("world", WORLDS, indirect=True)
where_the_next_one_has_the_same_id = pytest.mark.parametrize("world", ["azure", "gcp"], indirect=True)


def connect(world: ForeignersWorld, *, network: int, plan: bool = False) -> Connection:
    """Connects the first project."""
    made = world._run("connect", 0, network, CLUSTERS[0], [], plan=plan)
    assert made is not None
    return made


def delete_in_cloud(world: ForeignersWorld, endpoint_id: str | None) -> None:
    """As somebody does who does not tell Atlas."""
    (doomed,) = (one for one in world.ground.seen() if one.id.lower() == (endpoint_id or "").lower())
    world.ground.stranger_deletes(doomed.id)


@where_the_next_one_has_the_same_id
def test_a_registration_of_an_endpoint_that_is_gone_is_replaced(world: ForeignersWorld) -> None:
    connect(world, network=0)
    before = connect(world, network=1)
    delete_in_cloud(world, before.cloud_endpoint_id)
    (service,) = world._services(world.groups[0])
    planned, done = connect(world, network=1, plan=True), connect(world, network=1)
    for one in (planned, done):
        taken = {step.step: step for step in one.steps}
        assert taken[Step.CREATE_CLOUD_ENDPOINT].action == "replace"
        assert str(before.cloud_endpoint_id) in taken[Step.CREATE_CLOUD_ENDPOINT].detail
        assert taken[Step.TELL_ATLAS].action == "tell"
    assert done.cloud_endpoint_id == before.cloud_endpoint_id
    assert [one["id"] for one in world._services(world.groups[0])] == [service["id"]]


@where_the_next_one_has_the_same_id
def test_a_service_that_atlas_would_delete_with_it_is_left(world: ForeignersWorld) -> None:
    before = connect(world, network=0)
    delete_in_cloud(world, before.cloud_endpoint_id)
    (service,) = world._services(world.groups[0])
    for plan in (True, False):
        with pytest.raises(NotOwned, match=f"because it is gone; .* last endpoint of endpoint service {service['id']}"):
            connect(world, network=0, plan=plan)
    assert world._services(world.groups[0]) == [service]
    assert list(world.ground.seen()) == []


@everywhere
def test_a_plan_and_what_is_done_are_equal_where_an_endpoint_is_gone(world: ForeignersWorld) -> None:
    connect(world, network=0)
    delete_in_cloud(world, world.ground.seen()[0].id)
    world.a_plan_names_what_is_done("connect", 0, 0)
    world.nothing_foreign_was_touched()


@everywhere
def test_an_endpoint_that_atlas_is_deleting_does_not_keep_a_service(world: ForeignersWorld) -> None:
    world._stranger("create_service", 0, 0, 0)
    ours, other = (connect(world, network=network).cloud_endpoint_id for network in (0, 1))
    (service,) = world._services(world.groups[0])
    world.client.dedicated.delete_endpoint(world.groups[0], world._provider, service["id"], str(other))
    with pytest.raises(NotOwned, match=f"last endpoint of endpoint service {service['id']}"):
        world._run("disconnect", 0, 0, CLUSTERS[0], [])
    world.nothing_foreign_was_touched()
    assert str(ours).lower() in [one.id.lower() for one in world.ground.seen()]


@everywhere
def test_a_service_whose_last_endpoints_strangers_delete_together(world: ForeignersWorld) -> None:
    """The service is deleted with them, and nobody but the strangers has done so."""
    world._stranger("create_service", 0, 0, 0)
    for network in (0, 1):
        connect(world, network=network)
    for which in (0, 1):
        world._stranger("unregister", which, 0, 0)
    world.time_passes(10)
    connect(world, network=0)
    world.nothing_foreign_was_touched()
