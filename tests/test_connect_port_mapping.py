"""Google Cloud's two kinds of endpoints: port-mapped by default, legacy on request, both side by side in a region, and
the way from one to the other without downtime. Before, only the legacy kind could be created, which MongoDB disables on
2027-04-30, and of two services the last of Atlas's list was taken, while deleting asked for both (faults 10 and 11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import connect_sides
import pytest
from connect_sides import GcpSide, deletions, on_gcp

import atlas_privatelink
from atlas_privatelink import CloudError, Connection, ConnectionProgress, NotOwned, Step, ValidationError, gcp
from atlas_privatelink.clouds.gcp import GcpCloud

side, atlas_options, region = connect_sides.fixtures
pytestmark = pytest.mark.filterwarnings("ignore:port_mapping=False:FutureWarning")

LEGACY: dict[str, Any] = {"port_mapping": False}


def strings(side: GcpSide) -> list[str]:
    """The endpoints that Cluster0 has private connection strings for."""
    cluster = side.client.dedicated.get_cluster(side.group_id, "Cluster0")
    return sorted(one.id for one in cluster.connection_strings)


# the kinds


@on_gcp
def test_one_address_and_one_rule_by_default(side: GcpSide) -> None:
    """10. Up to 50 of each were created."""
    connection = side.connect()
    assert connection.srv
    (service,) = side.services()
    assert service["portMappingEnabled"] is True
    name = connection.cloud_endpoint_id or ""
    (rule,), (address,) = side.local.forwarding_rules().values(), side.local.addresses().values()
    assert (rule["name"], address["name"]) == (name, name)
    assert rule["IPAddress"] == address["address"]
    assert rule["allowPscGlobalAccess"] is True
    assert rule["target"].endswith(service["serviceAttachmentNames"][0])
    (told,) = (one for one in side.atlas.requests() if one.method == "POST" and one.target.endswith("/endpoint"))
    assert f'"endpointName":"{name}"' in told.body.replace(" ", "")
    assert side.registered() == [name]
    assert connection.bill[1] == (
        "Google Cloud: 1 Private Service Connect endpoint (forwarding rule), per hour, plus traffic"
    )


@on_gcp
def test_the_legacy_kind_on_request_with_a_warning_that_names_the_date(side: GcpSide) -> None:
    """10. Nobody was told that it ends."""
    with pytest.warns(FutureWarning, match="2027-04-30") as warned:
        connection = side.connect(**LEGACY)
    assert Path(warned[0].filename).parent == Path(__file__).parent
    assert connection.srv
    (service,) = side.services()
    assert not service["portMappingEnabled"]
    count = len(service["serviceAttachmentNames"])
    assert count > 1
    names = {f"{connection.cloud_endpoint_id}-{number}" for number in range(count)}
    assert set(side.local.forwarding_rules()) == set(side.local.addresses()) == names
    assert any("2027-04-30" in check.detail for check in connection.checks if check.state == "warning")
    with pytest.warns(FutureWarning, match="2027-04-30"):
        side.disconnect(**LEGACY)
    assert (side.endpoints(), side.services()) == ({}, [])


@on_gcp
def test_a_rule_of_terraforms_is_used_and_its_name_is_told(side: GcpSide) -> None:
    """10. A second rule was created beside it, with names of the legacy kind."""
    service = side.create_service()
    side.local.add_rule("my-psc", side.target(service), description="terraform")
    before = side.endpoints()
    connection = side.connect()
    assert (connection.cloud_endpoint_id, connection.cloud_endpoint_origin) == ("my-psc", "adopted")
    assert connection.srv
    assert side.endpoints() == before
    assert side.registered() == ["my-psc"]
    with pytest.raises(NotOwned, match="my-psc"):
        side.disconnect(delete_service=True)


@on_gcp
@pytest.mark.parametrize("port_mapping", [True, False], ids=["port-mapped", "legacy"])
def test_again_it_adopts_all(side: GcpSide, port_mapping: bool) -> None:
    first = side.connect(port_mapping=port_mapping)
    before, created = side.endpoints(), list(side.local.created)
    again = side.connect(port_mapping=port_mapping)
    assert (again.srv, again.cloud_endpoint_id) == (first.srv, first.cloud_endpoint_id)
    assert (again.service_origin, again.cloud_endpoint_origin, again.endpoint_origin) == ("adopted",) * 3
    assert side.endpoints() == before
    assert side.local.created == created


# side by side


@on_gcp
@pytest.mark.parametrize("port_mapped_first", [True, False], ids=["port-mapped first", "legacy first"])
@pytest.mark.parametrize("leaving", [True, False], ids=["port-mapped leaves", "legacy leaves"])
def test_both_kinds_stand_side_by_side_and_each_is_deleted_as_itself(
    side: GcpSide, port_mapped_first: bool, leaving: bool
) -> None:
    """11. Whichever was last in Atlas's list was taken for both."""
    made: dict[bool, Connection] = {}
    for kind in (port_mapped_first, not port_mapped_first):
        made[kind] = side.connect(port_mapping=kind)
    assert all(one.srv for one in made.values())
    assert made[True].endpoint_service_id != made[False].endpoint_service_id
    assert made[True].cloud_endpoint_id != made[False].cloud_endpoint_id
    assert len(side.services()) == 2
    for kind, one in made.items():
        again = side.connect(port_mapping=kind)
        assert (again.endpoint_service_id, again.cloud_endpoint_id) == (one.endpoint_service_id, one.cloud_endpoint_id)
    left, staying = made[leaving], made[not leaving]
    before = {name: one for name, one in side.endpoints().items() if name.startswith(str(staying.cloud_endpoint_id))}
    plan = side.disconnect(port_mapping=leaving, plan=True)
    assert deletions(plan) == [
        ("endpoint", left.cloud_endpoint_id),
        ("endpoint service", left.endpoint_service_id),
        ("cloud endpoint", left.cloud_endpoint_id),
    ]
    side.disconnect(port_mapping=leaving)
    assert side.endpoints() == before
    assert side.registered() == [staying.cloud_endpoint_id]
    assert [one["id"] for one in side.services()] == [staying.endpoint_service_id]
    assert side.connect(port_mapping=not leaving).srv


@on_gcp
def test_from_the_legacy_kind_to_port_mapping_without_downtime(side: GcpSide) -> None:
    """10. Connect the new kind, switch the connection string, disconnect the old kind."""
    old = side.connect(**LEGACY)
    seen: list[list[str]] = []

    def watch(event: ConnectionProgress) -> None:
        seen.append(strings(side))

    new = side.connect(on_progress=watch)
    assert new.srv
    assert new.srv != old.srv
    # the old string never went away
    assert all(old.cloud_endpoint_id in one for one in seen)
    assert strings(side) == sorted([str(old.cloud_endpoint_id), str(new.cloud_endpoint_id)])
    before = side.endpoints()[str(new.cloud_endpoint_id)]
    seen.clear()
    side.disconnect(**LEGACY, on_progress=watch)
    # nor the new one
    assert all(new.cloud_endpoint_id in one for one in seen)
    assert side.endpoints() == {new.cloud_endpoint_id: before}
    assert strings(side) == [new.cloud_endpoint_id]
    assert side.disconnect(**LEGACY).deletions == ()
    assert side.connect().cloud_endpoint_id == new.cloud_endpoint_id


@on_gcp
def test_a_state_that_needs_attention_is_waited_for(side: GcpSide) -> None:
    """10. Such an endpoint is accepted, and waits for its producer: it was taken for a failure."""
    statuses: set[str | None] = set()

    def accept(event: ConnectionProgress) -> None:
        name = event.connection.cloud_endpoint_id
        if (event.step, event.state) == ("ACCEPT", "begun"):
            side.local.force_state(str(name), "NEEDS_ATTENTION")
        if event.step == "ACCEPT":
            statuses.add(event.cloud_status)

    assert side.connect(on_progress=accept).srv
    assert "NEEDS_ATTENTION" in statuses


# the door, and clouds of one's own


@on_gcp
def test_attributes_of_the_rule(side: GcpSide) -> None:
    connection = side.connect(global_access=False, ip_address="10.0.0.77", labels={"team": "orders"})
    assert connection.srv
    (rule,) = side.local.forwarding_rules().values()
    assert (rule["allowPscGlobalAccess"], rule["IPAddress"]) == (False, "10.0.0.77")
    assert rule["labels"] == {"team": "orders"}
    assert side.connect(global_access=False, ip_address="10.0.0.77").drift == ()
    assert len(side.connect(global_access=True, ip_address="10.0.0.78").drift) == 2
    for options, field in (
        ({"ip_address": "10.0.0"}, "ip_address"),
        ({"ip_address": "10.0.0.78", **LEGACY}, "ip_address"),
        ({"subnetwork": "missing"}, "subnetwork"),
        ({"network": "missing"}, "network"),
    ):
        with pytest.raises(ValidationError) as refused:
            side.connect(**options)
        assert refused.value.field == field


@on_gcp
@pytest.mark.parametrize("port_mapping", [True, False], ids=["port-mapped", "legacy"])
def test_clients_of_ones_own_need_no_sockets(side: GcpSide, port_mapping: bool) -> None:
    cloud = GcpCloud(**side.local.arguments(in_process=True), port_mapping=port_mapping)
    connection: Connection = side.call(atlas_privatelink, "connect", cloud=cloud, cluster_name="Cluster0")
    # the door finds the same connection
    assert side.connect(port_mapping=port_mapping).cloud_endpoint_id == connection.cloud_endpoint_id
    side.call(atlas_privatelink, "disconnect", cloud=cloud, cluster_name="Cluster0")
    assert (side.endpoints(), side.services()) == ({}, [])


# interrupted


@on_gcp
@pytest.mark.parametrize("operation", ["addresses.insert", "forwardingRules.insert"])
def test_disconnect_finds_what_connect_was_stopped_at(side: GcpSide, operation: str) -> None:
    side.local.fail(operation, reason="forbidden", message="no", status=403, executed=True, after=2)
    with pytest.raises(CloudError) as refused:
        side.connect(**LEGACY)
    assert refused.value.connection is not None
    assert f"endpoint service {refused.value.connection.endpoint_service_id}" in str(refused.value)
    assert side.endpoints()
    side.disconnect(**LEGACY)
    assert side.endpoints() == {}


@on_gcp
@pytest.mark.parametrize("operation", ["addresses.insert", "forwardingRules.insert"])
def test_a_connect_that_was_stopped_goes_on(side: GcpSide, operation: str) -> None:
    side.local.fail(operation, reason="forbidden", message="no", status=403, executed=True, after=2)
    with pytest.raises(CloudError):
        side.connect(**LEGACY)
    assert side.connect(**LEGACY).srv
    assert len(side.local.created) == len(set(side.local.created))
    assert len(side.services()) == 1


@on_gcp
def test_a_rule_of_the_name_that_leads_elsewhere_stays(side: GcpSide) -> None:
    theirs = "projects/another-company/regions/us-central1/serviceAttachments/sa-0"
    side.local.add_attachment(theirs)
    side.local.add_rule("orders", theirs)
    before = side.endpoints()
    with pytest.raises(CloudError, match="orders exists and leads elsewhere"):
        side.connect(name="orders")
    side.disconnect(name="orders", delete_service=True)
    assert side.endpoints() == before


@on_gcp
def test_progress_tells_both_sides(side: GcpSide) -> None:
    seen: list[ConnectionProgress] = []
    side.connect(on_progress=seen.append)
    assert {event.step for event in seen} >= {Step.RESERVE, Step.CREATE_CLOUD_ENDPOINT, Step.ACCEPT}
    assert "PENDING" in {event.cloud_status for event in seen}
    assert gcp.connect is not None
