"""`connect` in processes of its own: killed anywhere and run again, or two of them at the same moment."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cloud_sides import DEDICATED, DEPLOYMENTS, SERVERLESS, Children, Death, Sides, sides

from atlas_privatelink import Connection

# each of the three waits takes two looks or more: one at once, the next after a second. The connection string appears
# some time after the endpoint is AVAILABLE, which is itself seen up to a second late.
SECONDS = {
    "reservation_seconds": 0.75,
    "connection_seconds": 0.75,
    "service_seconds": 0.75,
    "connection_string_seconds": 3.0,
}
STEPS = ["PREFLIGHT", "RESERVE", "NAME_SERVICE", "CREATE_CLOUD_ENDPOINT", "TELL_ATLAS", "ACCEPT", "CONNECTION_STRING"]
EVENTS = [(step, state) for step in STEPS for state in ("begun", "done")]
WAITS = [(step, "waiting") for step in ("NAME_SERVICE", "ACCEPT", "CONNECTION_STRING")]
RANDOM_MOMENTS = 50
AT_A_TIME = 16


@pytest.fixture(scope="module")
def both() -> Iterator[Sides]:
    """One Atlas and one EC2 for all: each test has a project of its own."""
    with sides(record=False, **SECONDS) as both:
        yield both


def group(number: int) -> str:
    """A project's id."""
    return f"{number:024x}"


def test_killed_at_every_event_it_goes_on(both: Sides) -> None:
    children = Children(both)
    deaths = [(deployment, event) for deployment in DEPLOYMENTS for event in EVENTS + WAITS]

    def killed_and_resumed(number: int) -> None:
        deployment, event = deaths[number]
        assert children.run(group(number), deployment, Death(at=event)) is None, f"{deployment} has no {event}"
        connection = children.run(group(number), deployment)
        assert connection is not None
        both.assert_connected_once(group(number), connection)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(killed_and_resumed, range(len(deaths))))


def test_killed_at_random_moments_it_goes_on(both: Sides) -> None:
    children = Children(both)
    rng = random.Random(20261124)
    moments = [rng.uniform(0, 6) for _ in range(RANDOM_MOMENTS)]
    killed: list[float] = []

    def killed_and_resumed(number: int) -> None:
        deployment, project = DEPLOYMENTS[number % 2], group(1000 + number)
        # again and again until it gets through, each time at another moment
        for moment in (moments[number], moments[-number - 1] / 2):
            if children.run(project, deployment, Death(after=moment)) is None:
                killed.append(moment)
        connection = children.run(project, deployment)
        assert connection is not None
        both.assert_connected_once(project, connection)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(killed_and_resumed, range(RANDOM_MOMENTS)))
    assert len(killed) >= RANDOM_MOMENTS, "most of them came too late"


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=["serverless", "dedicated"])
@pytest.mark.parametrize("count", [2, 5])
def test_at_the_same_moment_there_is_one_endpoint_on_each_side(
    both: Sides, deployment: dict[str, Any], count: int
) -> None:
    children = Children(both)
    index = DEPLOYMENTS.index(deployment)
    projects = [group(2000 + 100 * count + 10 * round_number + index) for round_number in range(3)]
    started = [children.start(project, deployment) for project in projects for _ in range(count)]
    results = [result.recv() for _, result in started]
    for process, _ in started:
        process.join()
    for number, connection in enumerate(results):
        assert isinstance(connection, Connection), connection
        both.assert_connected_once(projects[number // count], connection)


def test_reservations_that_cross_end_as_one(both: Sides) -> None:
    children, project = Children(both), group(2900)
    made = both.atlas.stats().endpoints_made
    # nobody's creation is executed before everybody has seen that there is none
    both.atlas.fault("delay", method="POST", path_contains=project, authenticated=True, times=3, seconds=1.5)
    started = [children.start(project, SERVERLESS) for _ in range(3)]
    results = [result.recv() for _, result in started]
    for process, _ in started:
        process.join()
    assert both.atlas.stats().endpoints_made == made + 3
    for connection in results:
        assert isinstance(connection, Connection), connection
        both.assert_connected_once(project, connection)


def test_several_deployments_do_not_meet(both: Sides) -> None:
    children = Children(both)
    project = group(3000)
    instances = [SERVERLESS, {"instance_name": "Instance1"}]
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda deployment: children.run(project, deployment), instances)
    assert first is not None
    assert second is not None
    assert first.cloud_endpoint_id != second.cloud_endpoint_id
    assert {endpoint["status"] for endpoint in both.atlas.endpoints(project)} == {"AVAILABLE"}
    assert len(both.atlas.endpoints(project)) == 2


def test_clusters_of_a_region_share_one_endpoint(both: Sides) -> None:
    children = Children(both)
    project = group(3001)
    first = children.run(project, DEDICATED)
    second = children.run(project, {"cluster_name": "Cluster1"})
    assert first is not None
    assert second is not None
    both.assert_connected_once(project, first)
    both.assert_connected_once(project, second)
    assert first.srv != second.srv
