"""Whose is it? `connect` uses what is there, and `disconnect` deletes only what this package has created, on all three
clouds. Each docstring that begins with a number says what was wrong before ownership was marked."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import connect_sides
import pytest
from connect_sides import AwsSide, Side, deletions, on_aws, on_azure, on_gcp, on_serverless_clouds

from atlas_privatelink import (
    CloudError,
    Connection,
    ConnectionProgress,
    NotOwned,
    PreflightFailed,
    ValidationError,
    aws,
)
from atlas_privatelink.clouds import aws_creation

side, atlas_options, region = connect_sides.fixtures


def origins(connection: Connection) -> tuple[str | None, ...]:
    """What a call has created: service, cloud's endpoint and Atlas's."""
    return connection.service_origin, connection.cloud_endpoint_origin, connection.endpoint_origin


# 1: other people's endpoints


def test_an_endpoint_of_somebody_else_is_used_and_never_deleted(side: Side) -> None:
    """1. `disconnect` deleted whatever led from the network to the service, such as Terraform's endpoint."""
    service = side.create_service()
    theirs = side.stranger(service)
    before = side.endpoints()
    connection = side.connect()
    assert connection.srv
    assert (connection.cloud_endpoint_id, connection.cloud_endpoint_origin) == (theirs, "adopted")
    for plan in (True, False):
        with pytest.raises(NotOwned, match="terraform") as refused:
            side.disconnect(plan=plan, delete_service=True)
        assert theirs in str(refused.value)
        assert "delete_adopted=True" in str(refused.value)
    assert side.endpoints() == before
    assert side.registered() == [theirs]


def test_an_endpoint_of_somebody_else_is_deleted_on_request_and_no_other(side: Side) -> None:
    """1. The way on: exactly the one in this network."""
    service = side.create_service()
    theirs, elsewhere = side.stranger(service), side.stranger(service, at=1)
    side.connect()
    gone = side.disconnect(delete_adopted=True, delete_service=True)
    assert [one.id for one in gone.deletions if one.kind == "cloud endpoint"] == [theirs]
    assert theirs not in side.ids()
    assert elsewhere in side.ids()


def test_beside_ours_an_endpoint_of_somebody_else_stays(side: Side) -> None:
    """1. With one of ours beside it, both were candidates."""
    connection = side.connect()
    (service,) = side.client.dedicated.list_services(side.group_id, side.provider)
    theirs = side.stranger(service)
    before = side.endpoints()[theirs]
    gone = side.disconnect()
    assert any(theirs in left for left in gone.left)
    assert side.endpoints() == {theirs: before}
    assert (connection.cloud_endpoint_id or "") not in side.registered()


def test_a_copied_mark_is_no_ownership(side: Side) -> None:
    """1. Tags that somebody copied, with the rest of a template, made an endpoint ours."""
    connection = side.connect()
    (service,) = side.client.dedicated.list_services(side.group_id, side.provider)
    ours = connection.cloud_endpoint_id or ""
    copy = side.copy(ours, service, at=1)
    before = side.endpoints()[copy]
    with pytest.raises(NotOwned):
        side.disconnect(at=1)
    side.disconnect()
    assert side.endpoints() == {copy: before}


@on_serverless_clouds
def test_an_endpoint_that_lost_its_mark_is_foreign(side: Any) -> None:
    """1. Only what still carries the mark is deleted."""
    ours = side.connect().cloud_endpoint_id
    if isinstance(side, AwsSide):
        tags = side.endpoints()[ours]["tags"]
        side.ec2.delete_tags(Resources=[ours], Tags=[{"Key": key} for key in tags if key.startswith("atlas-")])
    else:
        side.local.put_tags(ours, {"team": "orders"})
    with pytest.raises(NotOwned, match=r"delete_adopted=True"):
        side.disconnect()
    assert list(side.endpoints()) == side.registered() == [ours]


def test_a_policy_that_takes_the_mark_away_is_an_error_that_names_it(
    side: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1. Without its mark, an endpoint would be nobody's, and billed for ever."""
    monkeypatch.setattr(aws_creation, "_READ_BACK_SECONDS", 0.0)
    if side.name == "gcp":
        side.local.change_descriptions("changed by a policy")
    elif side.name == "aws":
        side.local.rules.tag_policy = lambda tags: {"owner": "policy"}
    else:
        side.local.strip_tags()
    with pytest.raises(CloudError, match="policy") as refused:
        side.connect()
    assert refused.value.code == "MarkMissing"
    assert refused.value.connection is not None
    # nothing is created again without it
    assert len(side.endpoints()) == 1
    assert next(iter(side.endpoints())) in str(refused.value)


# 2, 3: names and origins


def test_a_cluster_that_does_not_exist_disconnects_nothing(side: Side) -> None:
    """2. The cluster's name took no part: a typing error deleted every cluster's endpoint."""
    side.connect()
    before = side.endpoints()
    for plan in (True, False):
        with pytest.raises(PreflightFailed, match=r"no cluster 'NoSuchCluster'; its clusters: Cluster0, Cluster1"):
            side.disconnect(cluster_name="NoSuchCluster", plan=plan)
    assert side.endpoints() == before
    assert side.registered()


def test_what_is_deleted_is_shown_first_with_the_clusters_that_lose_it(side: Side) -> None:
    """2. The question named neither the ids nor the other clusters that use them."""
    connection = side.connect()
    side.connect(cluster_name="Cluster1")
    shown: list[Connection] = []

    def refuse(plan: Connection) -> bool:
        shown.append(plan)
        return False

    refused = side.disconnect(confirm=refuse)
    assert refused.planned
    assert len(side.endpoints()) == 1
    assert shown[0].clusters == ("Cluster0", "Cluster1")
    expected = [
        ("endpoint", connection.cloud_endpoint_id),
        ("endpoint service", connection.endpoint_service_id),
        ("cloud endpoint", connection.cloud_endpoint_id),
    ]
    assert deletions(shown[0]) == expected
    assert deletions(side.disconnect(plan=True)) == expected
    assert deletions(side.disconnect(confirm=lambda plan: True)) == expected
    assert (side.endpoints(), side.services()) == ({}, [])


def test_a_run_that_sets_up_and_tears_down_knows_a_production_endpoint(side: Side) -> None:
    """3. A run adopted the production endpoint, said nothing of it, and deleted it in its teardown."""
    production = side.connect(made_by="terraform-pipeline/1")
    run = side.connect(made_by="dag/run/task")
    assert run.cloud_endpoint_id == production.cloud_endpoint_id
    assert origins(production) == ("created",) * 3
    assert origins(run) == ("adopted",) * 3
    # the same run, begun again, knows what it has created itself
    assert side.connect(made_by="terraform-pipeline/1").cloud_endpoint_origin == "created"
    plan = side.disconnect(plan=True)
    assert "terraform-pipeline/1" in next(one.detail for one in plan.deletions if one.kind == "cloud endpoint")


# 4, 5: other networks, other producers


def test_another_networks_endpoint_stays_whatever_the_cloud_shows(side: Side) -> None:
    """4. What the cloud showed as rejected, failed or expired was deleted, whichever network's it was."""
    here, elsewhere = side.connect(), side.connect(at=1)
    other = elsewhere.cloud_endpoint_id or ""
    side.reject(other)
    before = side.endpoints()[other]
    gone = side.disconnect()
    assert [one.id for one in gone.deletions] == [here.cloud_endpoint_id] * 2
    assert side.endpoints() == {other: before}
    assert side.registered() == [other]


@on_gcp
@pytest.mark.filterwarnings("ignore:port_mapping=False")
@pytest.mark.parametrize("port_mapping", [False, True], ids=["legacy", "port-mapped"])
def test_another_producers_rule_of_a_similar_name_stays(side: Any, port_mapping: bool) -> None:
    """5. Every rule and address that was named `<group>-<number>` was deleted with the group."""
    theirs = "projects/another-company/regions/us-central1/serviceAttachments/sa-90"
    side.local.add_attachment(theirs)
    for name in ("psc-90", "psc-0", "psc-1") if port_mapping else ("psc-90",):
        side.local.add_rule(name, theirs)
    before = side.endpoints()
    options = {"name": "psc", "port_mapping": port_mapping}
    connection = side.connect(**options)
    assert connection.cloud_endpoint_id == "psc"
    assert len(side.endpoints()) > len(before)
    side.disconnect(**options)
    assert side.endpoints() == before


# 6, 16: at the same moment


def test_two_clusters_at_the_same_moment_share_one_endpoint(side: Side) -> None:
    """6. The client token hashed the tags, and the tags had the deployment's name: there were two endpoints.
    16. Both runs said `create`."""
    inner: list[Connection] = []

    def meanwhile(event: ConnectionProgress) -> None:
        if (event.step, event.state) == ("CREATE_CLOUD_ENDPOINT", "begun") and not inner:
            inner.append(side.connect_blocking(cluster_name="Cluster1"))

    outer = side.connect(on_progress=meanwhile)
    assert list(side.endpoints()) == side.registered() == [outer.cloud_endpoint_id]
    assert inner[0].cloud_endpoint_id == outer.cloud_endpoint_id
    assert inner[0].srv
    assert outer.srv
    assert origins(inner[0]) == ("adopted", "created", "created")
    assert origins(outer) == ("created", "adopted", "adopted")


def test_many_at_once_create_one_and_exactly_one_says_so(side: Side) -> None:
    """6, 16. The same without an order: whoever comes first."""
    names = ["Cluster0", "Cluster1", "Cluster0"]
    made = asyncio.run(_gathered(side, names)) if side.kind == "async" else _in_threads(side, names)
    assert len({one.cloud_endpoint_id for one in made}) == len(side.endpoints()) == len(side.services()) == 1
    assert all(one.srv for one in made)
    for position in range(3):
        assert sorted(str(origins(one)[position]) for one in made) == ["adopted", "adopted", "created"]


async def _gathered(side: Side, names: list[str]) -> list[Connection]:
    async with side.atlas.async_client() as client:
        given = {**side.options(), "atlas": client}
        calls = [side.door.aconnect(side.group_id, cluster_name=name, **given) for name in names]
        return list(await asyncio.gather(*calls))


def _in_threads(side: Side, names: list[str]) -> list[Connection]:
    made: list[Connection] = []
    barrier = threading.Barrier(len(names))

    def connect(name: str) -> None:
        barrier.wait()
        made.append(side.connect_blocking(cluster_name=name))

    threads = [threading.Thread(target=connect, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(names)
    return made


def test_tags_make_no_second_endpoint(side: Side) -> None:
    """6. Everything but project, service and network is an attribute."""
    field = "labels" if side.name == "gcp" else "tags"
    first = side.connect(**{field: {"team": "orders"}})
    again = side.connect(cluster_name="Cluster1", **{field: {"team": "billing"}})
    assert list(side.endpoints()) == [first.cloud_endpoint_id] == [again.cloud_endpoint_id]


def test_a_name_makes_another_connection_on_purpose(side: Side) -> None:
    """6. The one way to two endpoints of one network, each of which is found and deleted as itself."""
    usual, named = side.connect(), side.connect(name="second")
    assert usual.cloud_endpoint_id != named.cloud_endpoint_id
    assert len(side.endpoints()) == 2
    assert side.connect(name="second").cloud_endpoint_id == named.cloud_endpoint_id
    side.disconnect()
    assert side.registered() == [named.cloud_endpoint_id]
    assert (named.cloud_endpoint_id or "") in side.endpoints()
    side.disconnect(name="second", delete_service=True)
    assert (side.endpoints(), side.services()) == ({}, [])


@on_azure
@pytest.mark.parametrize("atlas_options", [{"azure_id_case": "lower"}])
def test_azures_ids_have_no_case(side: Any) -> None:
    """6. Atlas and Azure answer ids in any case: the endpoint was registered twice, and waited for to no end."""
    side.local.changes_id_case = True
    first = side.connect()
    assert first.srv
    again = side.connect()
    assert origins(again) == ("adopted",) * 3
    assert str(again.cloud_endpoint_id).lower() == str(first.cloud_endpoint_id).lower()
    assert len(side.ids()) == len(side.registered()) == 1
    assert len(side.disconnect().deletions) == 3
    assert (side.endpoints(), side.services()) == ({}, [])


# 7, 8: serverless instances


@on_serverless_clouds
def test_a_comment_finds_no_endpoint_of_another_network(side: Side) -> None:
    """7. Network B's `connect` with the comment of network A's returned A's endpoint, and `disconnect` deleted it."""
    given: dict[str, Any] = {"instance_name": "Instance0", "comment": "orders"}
    here, elsewhere = side.connect(**given), side.connect(**given, at=1)
    assert here.endpoint_id != elsewhere.endpoint_id
    assert here.cloud_endpoint_id != elsewhere.cloud_endpoint_id
    assert elsewhere.cloud_endpoint_origin == "created"
    assert elsewhere.srv
    before = side.endpoints()[here.cloud_endpoint_id or ""]
    side.disconnect(**given, at=1)
    assert side.endpoints() == {here.cloud_endpoint_id: before}
    (left,) = (one for one in side.atlas.endpoints() if one["status"] != "DELETING")
    assert (left["_id"], left["status"]) == (here.endpoint_id, "AVAILABLE")


@on_aws
def test_two_functions_for_endpoints_never_share_one(side: Any) -> None:
    """8. Both had one default comment: the second function was never called, and its caller got the first's string."""
    ids = {"orders": "vpce-00000000000000001", "billing": "vpce-00000000000000002"}
    asked: list[str] = []

    def function_for(name: str) -> Any:
        def make(service_name: str) -> str:
            asked.append(name)
            return ids[name]

        return make

    def connect(name: str, **options: Any) -> Connection:
        given = {"instance_name": "Instance0", "vpc_endpoint": function_for(name)}
        made: Connection = side.call(aws, "connect", **given, **options)
        return made

    with pytest.raises(ValidationError, match="comment is needed") as refused:
        connect("orders")
    assert refused.value.field == "comment"
    made = {name: connect(name, comment=name) for name in ids}
    assert asked == ["orders", "billing"]
    assert {name: one.cloud_endpoint_id for name, one in made.items()} == ids
    strings = {name: one.connection_strings for name, one in made.items()}
    assert {name: strings[name] and strings[name].id for name in ids} == ids  # type: ignore[union-attr]


# 11: services


@on_gcp
@pytest.mark.filterwarnings("ignore:port_mapping=False")
@pytest.mark.parametrize("port_mapping", [False, True], ids=["legacy", "port-mapped"])
def test_of_two_services_of_a_region_only_the_used_one_is_touched(side: Any, port_mapping: bool) -> None:
    """11. The last one of Atlas's list was taken, and deleting asked for both."""
    services = {kind: side.create_service(port_mapped=kind) for kind in (True, False)}
    other = services[not port_mapping]
    connection = side.connect(port_mapping=port_mapping)
    assert connection.endpoint_service_id == services[port_mapping].id
    plan = side.disconnect(port_mapping=port_mapping, delete_service=True, plan=True)
    assert other.id not in repr(plan.deletions)
    side.disconnect(port_mapping=port_mapping, delete_service=True)
    assert [one["id"] for one in side.services()] == [other.id]


def test_a_service_of_somebody_else_goes_only_on_request(side: Side) -> None:
    """11. Any service of the region was deleted, whoever had created it."""
    service = side.create_service()
    connection = side.connect()
    assert origins(connection) == ("adopted", "created", "created")
    for plan in (True, False):
        with pytest.raises(NotOwned, match="did not create the service") as refused:
            side.disconnect(plan=plan)
        assert "delete_service=True" in str(refused.value)
    assert side.registered() == [connection.cloud_endpoint_id]
    gone = side.disconnect(delete_service=True)
    assert ("endpoint service", service.id) in deletions(gone)
    assert (side.endpoints(), side.services()) == ({}, [])


# 15: what appears meanwhile


def test_a_network_that_is_connected_after_the_list_was_made_stays(side: Side) -> None:
    """15. `disconnect` decided by a list that was minutes old, and ended with `Conflict`."""
    here, other = side.connect(), list[Connection]()

    def meanwhile(plan: Connection) -> bool:
        assert ("endpoint service", here.endpoint_service_id) in deletions(plan)
        other.append(side.connect_blocking(at=1))
        return True

    gone = side.disconnect(confirm=meanwhile)
    assert any((other[0].cloud_endpoint_id or "") in left for left in gone.left)
    assert list(side.endpoints()) == side.registered() == [other[0].cloud_endpoint_id]
    assert side.connect(at=1).srv


@pytest.mark.parametrize("atlas_options", [{"last_endpoint_deletes_service": False}])
def test_a_network_that_is_connected_before_the_service_is_deleted_keeps_it(side: Side) -> None:
    """15. The same, one step later."""
    here, other = side.connect(), list[Connection]()

    def meanwhile(event: ConnectionProgress) -> None:
        if (event.step, event.state) == ("DELETE_SERVICE", "begun"):
            other.append(side.connect_blocking(at=1))

    gone = side.disconnect(on_progress=meanwhile)
    assert any((other[0].cloud_endpoint_id or "") in left for left in gone.left)
    assert [one["id"] for one in side.services()] == [here.endpoint_service_id]
    assert list(side.endpoints()) == side.registered() == [other[0].cloud_endpoint_id]


def test_what_somebody_else_creates_while_we_delete_stays(side: Side) -> None:
    """15. Exactly the list is deleted, and nothing that has come since."""
    side.connect()
    (service,) = side.client.dedicated.list_services(side.group_id, side.provider)
    theirs: list[str] = []

    def meanwhile(event: ConnectionProgress) -> None:
        if (event.step, event.state) == ("DELETE_ENDPOINT", "begun"):
            theirs.append(side.stranger(service))

    side.disconnect(on_progress=meanwhile)
    assert list(side.endpoints()) == theirs


# 19: tags of the user's


def test_a_tag_of_the_users_replaces_nothing_of_ours(side: Side) -> None:
    """19. A tag `created-by` replaced the one that the printed policy needed, and deletion was refused."""
    field = "labels" if side.name == "gcp" else "tags"
    connection = side.connect(**{field: {"created-by": "me", "name": "mine"}})
    assert connection.drift == ()
    assert '"me"' in repr(side.endpoints()).replace("'", '"')
    side.disconnect()
    assert (side.endpoints(), side.services()) == ({}, [])


@pytest.mark.parametrize("key", ["atlas-privatelink", "atlas-project-id", "atlas-endpoint-service-id"])
def test_the_mark_cannot_be_written_by_users(side: Side, key: str) -> None:
    """19. An error before anything is sent."""
    field = "labels" if side.name == "gcp" else "tags"
    for spelt in {key, key if side.name == "gcp" else key.upper()}:
        with pytest.raises(ValidationError, match=r"reserved") as refused:
            side.connect(**{field: {spelt: "v1-0"}})
        assert refused.value.field == field
    assert (side.endpoints(), side.services()) == ({}, [])
