"""Google Cloud's side of a private endpoint, with Google's own SDK against a local Google Compute."""

from __future__ import annotations

import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from subprocess import run
from time import monotonic
from typing import Any

import pytest
from support import GROUP_ID

from atlas_privatelink import CloudError, CloudPermissionDenied, ConfigurationError, NotOwned, ValidationError
from atlas_privatelink.clouds import gcp_calls
from atlas_privatelink.clouds.base import ServiceToReach
from atlas_privatelink.clouds.calls import Abandoned, CallLimit, current_limit
from atlas_privatelink.clouds.gcp import GcpCloud
from atlas_privatelink.clouds.ownership import Mark
from atlas_privatelink.models.connection import Check, CloudEndpoint
from atlas_privatelink.testing.gcp import LocalGcp

compute = pytest.importorskip("google.cloud.compute_v1", reason="the extra gcp is not installed")

PROJECT, REGION = "orders-1234", "us-central1"
NETWORK = f"projects/{PROJECT}/global/networks/vpc"
SUBNETWORK = f"projects/{PROJECT}/regions/{REGION}/subnetworks/db"
SERVICE_ID = "64f000000000000000000b01"
TARGET = f"projects/p-abcdefgh/regions/{REGION}/serviceAttachments/sa-0"
SERVICE = ServiceToReach(TARGET, GROUP_ID, SERVICE_ID, REGION, (TARGET,), port_mapped=True)
# not in the order of their numbers, as Atlas lists them
ATTACHMENTS = tuple(f"projects/p-zzzzzzzz/regions/{REGION}/serviceAttachments/sa-{n}" for n in (2, 0, 10, 1, 4, 3))
LEGACY = ServiceToReach(ATTACHMENTS[0], GROUP_ID, "64f000000000000000000b02", REGION, ATTACHMENTS)
SERVICES = pytest.mark.parametrize("service", [SERVICE, LEGACY], ids=["port-mapped", "legacy"])
ELSEWHERE = f"projects/another-company/regions/{REGION}/serviceAttachments/queue"

Make = Callable[..., GcpCloud]


@pytest.fixture(scope="module")
def shared() -> Iterator[dict[str, Any]]:
    """Clients that need no sockets; they take long to make, so each test lends them to its own world."""
    with LocalGcp() as google:
        yield google.clients()


@pytest.fixture
def google(shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> LocalGcp:
    """A local Google Compute."""
    monkeypatch.setattr(gcp_calls, "_FIRST_PAUSE", 0.0)
    google = LocalGcp(page=4)
    for attachment in (TARGET, ELSEWHERE, *ATTACHMENTS):
        google.add_attachment(attachment)
    google.serve(shared.values())
    return google


@pytest.fixture
def make(google: LocalGcp, shared: dict[str, Any]) -> Make:
    """Makes clouds that `google` is."""

    def cloud(**changes: Any) -> GcpCloud:
        where = {"project": PROJECT, "region": REGION, "network": "vpc", "subnetwork": "db"}
        if changes.get("port_mapping", True):
            return GcpCloud(**{**where, **shared, **changes})
        with pytest.warns(FutureWarning, match="2027-04-30"):
            return GcpCloud(**{**where, **shared, **changes})

    return cloud


def cloud_for(make: Make, service: ServiceToReach, **changes: Any) -> GcpCloud:
    """A cloud of the service's kind."""
    return make(port_mapping=service.port_mapped, **changes)


def is_empty(google: LocalGcp) -> bool:
    """Whether nothing is there."""
    return not google.forwarding_rules() and not google.addresses()


def parts_of(service: ServiceToReach) -> int:
    """How many rules the service takes."""
    return len(service.attachments)


# the life of an endpoint


@SERVICES
def test_an_endpoint_lives(google: LocalGcp, make: Make, service: ServiceToReach) -> None:
    cloud = cloud_for(make, service)
    assert cloud.find(service) == []
    created = cloud.create(service)
    assert (created.origin, created.phase, created.is_ours) == ("created", "pending", True)
    assert (created.gcp_project_id, created.network, created.service_id) == (PROJECT, NETWORK, service.service_id)
    assert created.leads_to == min(service.attachments, key=lambda one: int(one.rpartition("-")[2]))
    assert len(created.endpoints) == parts_of(service)
    for name, ip_address in created.endpoints:
        assert google.forwarding_rules()[name]["IPAddress"] == google.addresses()[name]["address"] == ip_address
        assert google.forwarding_rules()[name]["allowPscGlobalAccess"] is True
    seen = replace(created, origin=None)
    assert cloud.describe(created.id) == seen
    assert list(cloud.find(service)) == list(cloud.find_ours(GROUP_ID)) == [seen]
    google.accept()
    accepted = cloud.describe(created.id)
    assert accepted is not None
    assert (accepted.phase, accepted.status, accepted.fingerprint) == ("available", "ACCEPTED", seen.fingerprint)
    cloud.delete(accepted)
    assert is_empty(google)
    assert cloud.describe(created.id) is None
    # gone is no error
    cloud.delete(accepted)


def test_a_port_mapped_endpoint_is_one_rule_with_a_derived_name(google: LocalGcp, make: Make) -> None:
    created = make().create(SERVICE)
    assert list(google.forwarding_rules()) == list(google.addresses()) == [created.id]
    assert created.id.startswith("atlas-")
    assert len(created.id) == len("atlas-") + 16
    # what it is called depends on nothing that can differ between two runs for the same connection
    google.add_subnetwork("other", ip_cidr_range="10.9.0.0/24")
    other = make(subnetwork="other", labels={"team": "orders"})
    assert other.name_for(replace(SERVICE, made_by="another-run", created=True)) == created.id
    assert other.name_for(replace(SERVICE, service_id="64f000000000000000000b09")) != created.id


def test_the_rules_of_a_group_are_numbered_by_the_attachments(google: LocalGcp, make: Make) -> None:
    created = make(port_mapping=False).create(LEGACY)
    rules = google.forwarding_rules()
    assert sorted(rules) == sorted(f"{created.id}-{i}" for i in range(6))
    targets = [rules[f"{created.id}-{i}"]["target"].rpartition("/")[2] for i in range(6)]
    assert targets == ["sa-0", "sa-1", "sa-2", "sa-3", "sa-4", "sa-10"]


@SERVICES
def test_what_was_deleted_can_be_created_again(google: LocalGcp, make: Make, service: ServiceToReach) -> None:
    cloud = cloud_for(make, service)
    first = cloud.create(service)
    cloud.delete(first)
    second = cloud.create(service)
    assert (second.id, second.origin) == (first.id, "created")
    assert second.fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("PENDING", "pending"),
        ("NEEDS_ATTENTION", "pending"),
        ("ACCEPTED", "available"),
        ("REJECTED", "failed"),
        ("CLOSED", "failed"),
        ("STATUS_UNSPECIFIED", "creating"),
        ("A_WORD_OF_TOMORROW", "creating"),
    ],
)
@SERVICES
def test_states(google: LocalGcp, make: Make, service: ServiceToReach, state: str, phase: str) -> None:
    cloud = cloud_for(make, service)
    created = cloud.create(service)
    google.accept()
    name = created.endpoints[-1][0]
    google.force_state(name, state)
    shown = cloud.describe(created.id)
    assert shown is not None
    assert shown.phase == phase
    assert shown.error_message == (f"{name}: {state}" if phase == "failed" else None)
    assert [one.phase for one in cloud.find(service)] == [phase]


@SERVICES
def test_a_failed_one_has_to_be_deleted_first(google: LocalGcp, make: Make, service: ServiceToReach) -> None:
    cloud = cloud_for(make, service)
    name = cloud.create(service).endpoints[0][0]
    google.force_state(name, "REJECTED")
    with pytest.raises(CloudError, match=f"{name} is REJECTED: delete it, and connect again") as caught:
        cloud.create(service)
    assert (caught.value.code, caught.value.is_transient) == ("REJECTED", False)
    google.force_state(name, None)
    (failed,) = cloud.find(service)
    cloud.delete(failed)
    assert cloud.create(service).origin == "created"


# what exists already


def test_a_rule_of_somebody_else_is_found_whatever_its_name(google: LocalGcp, make: Make) -> None:
    google.add_rule("my-psc", TARGET, labels={"created-by": "terraform"})
    google.add_rule("my-queue", ELSEWHERE)
    (found,) = make().find(SERVICE)
    assert (found.id, found.is_ours, found.service_id, found.network) == ("my-psc", False, None, NETWORK)
    assert found.endpoints == (("my-psc", google.addresses()["my-psc"]["address"]),)
    assert found.tags == (("created-by", "terraform"),)
    assert found.drift == ()
    assert make().describe("my-psc") == found
    assert make().find_ours(GROUP_ID) == []


def test_a_rule_whose_address_has_another_name_is_described_as_it_is_found(google: LocalGcp, make: Make) -> None:
    google.add_subnetwork("other", ip_cidr_range="10.9.0.0/24")
    other = SUBNETWORK.replace("db", "other")
    google.add_rule("my-psc", TARGET, address="my-address", subnetwork=other)
    (found,) = make().find(SERVICE)
    assert found.drift == (f"subnetwork is {other}, not {SUBNETWORK}",)
    assert make().describe("my-psc") == found


def test_a_group_of_somebody_else_is_found_when_it_is_complete(google: LocalGcp, make: Make) -> None:
    for i, attachment in enumerate(ATTACHMENTS[:-1]):
        google.add_rule(f"psc-{i}", attachment)
    google.add_rule("other", ATTACHMENTS[-1])
    cloud = make(port_mapping=False)
    assert cloud.find(LEGACY) == []
    google.add_rule("psc-5", ATTACHMENTS[-1])
    (found,) = cloud.find(LEGACY)
    assert (found.id, found.is_ours, len(found.endpoints)) == ("psc", False, 6)


def test_another_networks_endpoint_is_not_found(google: LocalGcp, make: Make) -> None:
    other = google.add_network("other")
    google.add_subnetwork("there", network=other, ip_cidr_range="10.9.0.0/24")
    theirs = make(network="other", subnetwork="there").create(SERVICE)
    assert theirs.network == other
    assert make().find(SERVICE) == make().find_ours(GROUP_ID) == []
    shown = make().describe(theirs.id)
    assert shown is not None
    # judged by its own network
    assert (shown.network, shown.is_ours) == (other, True)
    ours = make().create(SERVICE)
    assert ours.id != theirs.id


def test_both_kinds_stand_side_by_side(google: LocalGcp, make: Make) -> None:
    ours, legacy = make(), make(port_mapping=False)
    old = legacy.create(LEGACY)
    new = ours.create(SERVICE)
    assert [one.id for one in ours.find(SERVICE)] == [new.id]
    assert [one.id for one in legacy.find(LEGACY)] == [old.id]
    assert {one.id for one in ours.find_ours(GROUP_ID)} == {old.id, new.id}
    legacy.delete(replace(old, origin=None))
    assert list(google.forwarding_rules()) == list(google.addresses()) == [new.id]


def test_the_oldest_is_the_first(google: LocalGcp, make: Make) -> None:
    google.add_rule("b-first", TARGET)["creationTimestamp"] = "2026-01-01T12:00:00.000-08:00"
    google.add_rule("a-second", TARGET)["creationTimestamp"] = "2026-01-01T15:30:00.000-05:00"
    assert [one.id for one in make().find(SERVICE)] == ["b-first", "a-second"]


def test_a_named_endpoint_is_another_connection(google: LocalGcp, make: Make) -> None:
    plain, named = make(), make(name="reports")
    first, second = plain.create(SERVICE), named.create(SERVICE)
    assert second.id == "reports"
    assert (first.network, second.network) == (plain.network, named.network) == (NETWORK, f"{NETWORK} reports")
    assert [one.id for one in named.find(SERVICE)] == [one.id for one in named.find_ours(GROUP_ID)] == ["reports"]
    assert [one.id for one in plain.find_ours(GROUP_ID)] == [first.id]
    assert {one.id: one.is_ours for one in plain.find(SERVICE)} == {first.id: True, "reports": True}
    google.add_rule("exports", TARGET)
    (foreign,) = make(name="exports").find(SERVICE)
    assert (foreign.network, foreign.is_ours) == (f"{NETWORK} exports", False)


def test_a_shared_network_has_an_identity_for_each_project(google: LocalGcp, make: Make) -> None:
    shared = google.add_network("shared", project="host-1234")
    google.add_subnetwork("there", network=shared, ip_cidr_range="10.9.0.0/24")
    cloud = make(network=shared, subnetwork="there")
    cloud.check()
    assert cloud.network == f"{shared} {PROJECT}"
    created = cloud.create(SERVICE)
    assert (created.network, created.is_ours) == (cloud.network, True)
    assert [one.id for one in cloud.find(SERVICE)] == [created.id]


# whose it is


def test_a_copied_mark_is_not_ownership(google: LocalGcp, make: Make) -> None:
    created = make().create(SERVICE)
    description = google.addresses()[created.id]["description"]
    google.add_rule("copy", TARGET, description=description)
    google.add_rule("copy-elsewhere", ELSEWHERE, description=description)
    google.add_address("copy-without-rule", description=description)
    assert {one.id: one.is_ours for one in make().find(SERVICE)} == {created.id: True, "copy": False}
    assert [one.id for one in make().find_ours(GROUP_ID)] == [created.id]
    elsewhere = make().describe("copy-elsewhere")
    assert elsewhere is not None
    assert not elsewhere.is_ours
    assert make().describe("copy-without-rule") is None


def test_a_rule_of_our_name_that_has_our_address_and_leads_elsewhere_is_not_ours(google: LocalGcp, make: Make) -> None:
    created = make().create(SERVICE)
    google.remove(created.id, address=False)
    google.add_rule(created.id, ELSEWHERE)
    shown = make().describe(created.id)
    assert shown is not None
    assert (shown.is_ours, shown.leads_to, shown.endpoints) == (False, ELSEWHERE, created.endpoints)
    assert make().find_ours(GROUP_ID) == []
    with pytest.raises(NotOwned):
        make().delete(created)
    assert list(google.forwarding_rules()) == list(google.addresses()) == [created.id]


def test_a_rule_of_our_name_with_another_address_is_not_ours(google: LocalGcp, make: Make) -> None:
    created = make().create(SERVICE)
    google.remove(created.id, address=False)
    google.add_rule(created.id, TARGET, address="other")
    (found,) = make().find(SERVICE)
    assert (found.id, found.is_ours) == (created.id, False)
    shown = make().describe(created.id)
    assert shown is not None
    assert not shown.is_ours


def test_a_rule_of_the_name_in_another_network_stays(google: LocalGcp, make: Make) -> None:
    google.add_subnetwork("there", network=google.add_network("other"), ip_cidr_range="10.9.0.0/24")
    make(network="other", subnetwork="there", name="orders").create(SERVICE)
    with pytest.raises(CloudError, match="orders exists and leads elsewhere"):
        make(name="orders").create(SERVICE)
    assert make(name="orders").find(SERVICE) == make(name="orders").find_ours(GROUP_ID) == []


def test_our_address_that_another_rule_has_taken(google: LocalGcp, make: Make) -> None:
    google.fail("forwardingRules.insert", status=500)
    with pytest.raises(CloudError):
        make().create(SERVICE)
    (left,) = make().find_ours(GROUP_ID)
    google.add_rule("thief", TARGET, address=left.id)
    with pytest.raises(CloudError, match=r"is in use by projects/.*/thief: delete that") as caught:
        make().create(SERVICE)
    assert not caught.value.is_transient
    with pytest.raises(CloudError, match=r"already being used by .*/thief"):
        make().delete(left)
    assert (list(google.forwarding_rules()), list(google.addresses())) == (["thief"], [left.id])


def test_another_projects_mark_is_not_for_this_one(make: Make) -> None:
    make().create(SERVICE)
    assert make().find_ours("64f000000000000000000a99") == []


def test_the_mark_says_who_made_it(google: LocalGcp, make: Make) -> None:
    created = make().create(replace(SERVICE, created=True, made_by="dag/run/task"))
    assert (created.service_created, created.made_by) == (True, "dag/run/task")
    assert make().describe(created.id) == replace(created, origin=None)
    again = make().create(replace(SERVICE, made_by="another"))
    assert (again.origin, again.made_by) == ("adopted", "dag/run/task")


def test_a_description_that_is_changed_is_an_error_that_names_the_address(google: LocalGcp, make: Make) -> None:
    google.change_descriptions("managed by policy 7")
    with pytest.raises(CloudError, match="organization policy") as caught:
        make().create(SERVICE)
    (name,) = google.addresses()
    assert (caught.value.code, name in str(caught.value)) == ("MarkMissing", True)
    assert not google.forwarding_rules()
    # and nothing is built on it later
    google.change_descriptions(None)
    with pytest.raises(CloudError, match=f"address {name} exists, and was not created by this package"):
        make().create(SERVICE)


def test_an_address_of_the_name_is_not_used(google: LocalGcp, make: Make) -> None:
    google.add_address("orders", description="the printer")
    with pytest.raises(CloudError, match="address orders exists, and was not created by this package") as caught:
        make(name="orders").create(SERVICE)
    assert caught.value.code == "alreadyExists"
    assert list(google.addresses()) == ["orders"]
    assert not google.forwarding_rules()


@SERVICES
def test_a_rule_of_the_name_that_leads_elsewhere_stays(google: LocalGcp, make: Make, service: ServiceToReach) -> None:
    name = "orders" if service.port_mapped else "orders-3"
    google.add_rule(name, ELSEWHERE)
    cloud = cloud_for(make, service, name="orders")
    assert cloud.find(service) == []
    with pytest.raises(CloudError, match=f"{name} exists and leads elsewhere") as caught:
        cloud.create(service)
    assert (caught.value.code, caught.value.is_transient) == ("alreadyExists", False)
    assert list(google.forwarding_rules()) == [name]


# deleting


def test_another_companys_rule_that_is_numbered_like_the_group_stays(google: LocalGcp, make: Make) -> None:
    cloud = make(port_mapping=False, name="psc")
    created = cloud.create(LEGACY)
    google.add_rule("psc-90", ELSEWHERE)
    google.add_address("psc-77", description="the printer")
    for known in (created, cloud.describe("psc"), make(port_mapping=False).describe("psc")):
        assert known is not None
        assert len(known.endpoints) == 6
    cloud.delete(created)
    assert (list(google.forwarding_rules()), list(google.addresses())) == (["psc-90"], ["psc-90", "psc-77"])
    # it is no part of what was deleted
    assert cloud.describe("psc") is None


def test_a_rule_of_somebody_else_is_deleted_without_its_address(google: LocalGcp, make: Make) -> None:
    google.add_rule("my-psc", TARGET)
    (found,) = make().find(SERVICE)
    make().delete(found)
    assert not google.forwarding_rules()
    assert list(google.addresses()) == ["my-psc"]


@SERVICES
def test_another_one_of_the_same_name_is_not_deleted(google: LocalGcp, make: Make, service: ServiceToReach) -> None:
    cloud = cloud_for(make, service)
    first = cloud.create(service)
    cloud.delete(first)
    cloud.create(service)
    with pytest.raises(NotOwned) as caught:
        cloud.delete(first)
    assert caught.value.endpoint == first
    assert len(google.forwarding_rules()) == parts_of(service)


def test_a_rule_that_was_replaced_by_a_stranger_is_not_deleted(google: LocalGcp, make: Make) -> None:
    created = make().create(SERVICE)
    google.remove(created.id)
    google.add_rule(created.id, ELSEWHERE)
    with pytest.raises(NotOwned, match=created.id):
        make().delete(created)
    google.remove(created.id)
    google.add_address(created.id, description="the printer")
    with pytest.raises(NotOwned, match=created.id):
        make().delete(created)
    assert list(google.addresses()) == [created.id]


def test_ids_are_compared_right_before_the_deletion(google: LocalGcp, make: Make) -> None:
    created = make().create(SERVICE)

    def replace_rule() -> None:
        google.remove(created.id, address=False)
        google.add_rule(created.id, TARGET)

    google.interfere("forwardingRules.get", replace_rule, after=1)
    with pytest.raises(NotOwned, match=f"forwardingRules/{created.id} is another one"):
        make().delete(created)
    assert list(google.forwarding_rules()) == [created.id]


def test_an_address_whose_mark_is_gone_is_not_deleted(google: LocalGcp, make: Make) -> None:
    created = make().create(SERVICE)
    # Google changes no descriptions; if it ever does, what is not marked is not ours
    for resource in google._compute.resources.values():
        resource["description"] = "somebody else's"
    with pytest.raises(NotOwned, match=f"{created.id} does not carry the mark"):
        make().delete(created)
    assert len(google.forwarding_rules()) == 1


def test_an_address_that_was_replaced_keeps_all_that_is_left_of_a_group(google: LocalGcp, make: Make) -> None:
    google.fail("forwardingRules.insert", status=500)
    with pytest.raises(CloudError):
        make(port_mapping=False).create(LEGACY)
    (left,) = make().find_ours(GROUP_ID)
    google.remove(f"{left.id}-3")
    google.add_address(f"{left.id}-3", description="the printer")
    with pytest.raises(NotOwned, match=f"{left.id}-3"):
        make().delete(left)
    assert len(google.addresses()) == 6


def test_one_part_that_is_another_one_keeps_the_whole_group(google: LocalGcp, make: Make) -> None:
    cloud = make(port_mapping=False)
    created = cloud.create(LEGACY)
    name = f"{created.id}-3"
    google.remove(name)
    google.add_rule(name, ELSEWHERE)
    with pytest.raises(NotOwned, match=name):
        cloud.delete(created)
    assert len(google.forwarding_rules()) == 6


def test_a_rule_that_appeared_meanwhile_is_not_deleted(google: LocalGcp, make: Make) -> None:
    google.fail("forwardingRules.insert", status=500)
    with pytest.raises(CloudError):
        make().create(SERVICE)
    (seen,) = make().find_ours(GROUP_ID)
    make().create(SERVICE)
    with pytest.raises(NotOwned):
        make().delete(seen)
    assert len(google.forwarding_rules()) == 1


def test_what_was_never_seen_is_not_deleted(google: LocalGcp, make: Make) -> None:
    created = make().create(SERVICE)
    with pytest.raises(NotOwned):
        make().delete(CloudEndpoint(created.id, "PENDING", "pending", is_ours=True))
    assert len(google.forwarding_rules()) == 1


# interruptions


@SERVICES
@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize(
    "fault", [*product(("addresses.insert", "forwardingRules.insert", "regionOperations.get"), (0, 1, 4))]
)
def test_a_creation_that_was_cut_off_is_completed(
    google: LocalGcp, make: Make, service: ServiceToReach, fault: tuple[str, int], executed: bool
) -> None:
    operation, after = fault
    google.fail(operation, reason=None, executed=executed, after=after)
    cloud = cloud_for(make, service, name="orders")
    try:
        first = cloud.create(service)
    except CloudError as error:
        assert error.is_transient
        assert "\n" not in str(error)
        if google.created:
            # what there is belongs to us, and to nobody's list of usable ones before it is complete
            (left,) = cloud_for(make, service, name="orders").find_ours(GROUP_ID)
            assert (left.id, left.is_ours) == ("orders", True)
        # the same run tries again, and what it has created is not somebody else's
        first = cloud.create(service)
        assert first.phase == "pending"
    assert first.origin == "created"
    assert len(first.endpoints) == parts_of(service)
    assert len(google.created) == len(set(google.created)) == 2 * parts_of(service)


@SERVICES
@pytest.mark.parametrize("after", [0, 1, 4])
@pytest.mark.parametrize("operation", ["addresses.insert", "forwardingRules.insert"])
def test_another_run_completes_what_was_killed(
    google: LocalGcp, make: Make, service: ServiceToReach, operation: str, after: int
) -> None:
    google.fail(operation, reason=None, executed=True, after=after)
    try:
        cloud_for(make, service).create(service)
    except CloudError:
        (left,) = cloud_for(make, service).find_ours(GROUP_ID)
        assert left.phase == ("pending" if service.port_mapped and operation.startswith("for") else "creating")
    found = cloud_for(make, service).create(service)
    assert (found.phase, len(found.endpoints)) == ("pending", parts_of(service))
    assert len(google.created) == len(set(google.created)) == 2 * parts_of(service)


@SERVICES
@pytest.mark.parametrize("after", [0, 1, 4])
@pytest.mark.parametrize("operation", ["addresses.insert", "forwardingRules.insert"])
def test_what_a_killed_creation_has_left_can_be_deleted(
    google: LocalGcp, make: Make, service: ServiceToReach, operation: str, after: int
) -> None:
    google.fail(operation, reason=None, executed=True, after=after)
    try:
        cloud_for(make, service).create(service)
    except CloudError:
        assert not is_empty(google)
    (left,) = cloud_for(make, service).find_ours(GROUP_ID)
    assert (left.service_id, left.leads_to in service.attachments) == (service.service_id, True)
    assert cloud_for(make, service).describe(left.id) == left
    cloud_for(make, service).delete(left)
    assert is_empty(google)


@SERVICES
@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("fault", [*product(("addresses.delete", "forwardingRules.delete"), (0, 3))])
def test_a_deletion_that_was_killed_is_finished_by_the_next(
    google: LocalGcp, make: Make, service: ServiceToReach, fault: tuple[str, int], executed: bool
) -> None:
    operation, after = fault
    created = cloud_for(make, service).create(service)
    google.fail(operation, reason=None, executed=executed, after=after)
    try:
        cloud_for(make, service).delete(created)
    except CloudError as error:
        assert error.is_transient
        left = list(cloud_for(make, service).find_ours(GROUP_ID))
        assert bool(left) != is_empty(google)
        for one in left:
            cloud_for(make, service).delete(one)
    assert is_empty(google)


@SERVICES
def test_many_at_once_create_one(google: LocalGcp, make: Make, service: ServiceToReach) -> None:
    clouds = [cloud_for(make, service) for _ in range(3)]
    # two that share a cloud are two, too
    clouds.append(clouds[0])
    shown: list[CloudEndpoint] = []
    barrier = threading.Barrier(len(clouds))

    def create(cloud: GcpCloud) -> None:
        barrier.wait()
        shown.append(cloud.create(service))

    threads = [threading.Thread(target=create, args=(cloud,)) for cloud in clouds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shown) == len(clouds)
    assert len({endpoint.id for endpoint in shown}) == 1
    assert [endpoint.origin for endpoint in shown].count("created") == 1
    assert len(google.created) == len(set(google.created)) == 2 * parts_of(service)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_nothing_is_created_twice_or_left(google: LocalGcp, make: Make, seed: int) -> None:
    """Runs of several callers, with faults anywhere: one endpoint, one creator, and nothing remains after deletion."""
    chance = random.Random(seed)
    service = chance.choice((SERVICE, LEGACY))
    google.add_rule("psc-90", ELSEWHERE)
    foreign = set(google.created)
    clouds = [cloud_for(make, service) for _ in range(3)]
    created = 0
    for _ in range(20):
        if chance.random() < 0.6:
            google.fail(
                chance.choice((None, "addresses.insert", "forwardingRules.insert", "regionOperations.get")),
                reason=chance.choice((None, "backendError", "rateLimitExceeded")),
                executed=chance.random() < 0.5,
                after=chance.randrange(12),
            )
        try:
            created += chance.choice(clouds).create(service).origin == "created"
        except CloudError as error:
            assert error.is_transient, error
    google.forget_faults()
    endpoint = clouds[0].create(service)
    assert created + (endpoint.origin == "created") <= 1
    made = set(google.created) - foreign
    assert len(google.created) == len(foreign) + len(made) == 2 + 2 * parts_of(service)
    for _ in range(20):
        google.fail(chance.choice((None, "addresses.delete", "forwardingRules.delete")), reason=None, after=4)
        try:
            for one in chance.choice(clouds).find_ours(GROUP_ID):
                chance.choice(clouds).delete(one)
        except CloudError as error:
            assert error.is_transient, error
    google.forget_faults()
    assert clouds[0].find_ours(GROUP_ID) == []
    assert (list(google.forwarding_rules()), list(google.addresses())) == (["psc-90"], ["psc-90"])


@SERVICES
@pytest.mark.parametrize("operation", ["addresses.insert", "forwardingRules.insert"])
def test_an_earlier_try_counts_for_nothing_after_a_deletion(
    google: LocalGcp, make: Make, service: ServiceToReach, operation: str
) -> None:
    cloud = cloud_for(make, service)
    google.fail(operation, reason=None, executed=True)
    with pytest.raises(CloudError):
        cloud.create(service)
    for one in cloud_for(make, service).find_ours(GROUP_ID):
        cloud_for(make, service).delete(one)
    assert is_empty(google)
    created = cloud.create(service)
    assert (created.origin, len(google.forwarding_rules())) == ("created", parts_of(service))


def test_a_name_that_is_still_being_deleted_is_waited_for(google: LocalGcp, make: Make) -> None:
    created = make().create(SERVICE)
    google.operations_take = 12
    deleting = threading.Thread(target=make().delete, args=(created,))
    deleting.start()
    try:
        # either what is there is deleted under it, or it is created anew: but it ends
        again = make().create(SERVICE)
    finally:
        deleting.join()
    assert again.id == created.id


@SERVICES
def test_lists_that_lag_lead_to_no_second_one(
    shared: dict[str, Any], google: LocalGcp, make: Make, service: ServiceToReach
) -> None:
    lagging = LocalGcp(listed_after=3, operations_take=0)
    for attachment in (TARGET, *ATTACHMENTS):
        lagging.add_attachment(attachment)
    lagging.serve(shared.values())
    first = cloud_for(make, service).create(service)
    assert first.origin == "created"
    second = cloud_for(make, service).create(service)
    assert (second.id, second.origin) == (first.id, "adopted")
    assert len(lagging.created) == 2 * parts_of(service)


@SERVICES
def test_what_lists_do_not_show_yet_does_not_count_as_gone(
    shared: dict[str, Any], google: LocalGcp, make: Make, service: ServiceToReach
) -> None:
    """Its registration with Atlas would be deleted."""
    lagging = LocalGcp(operations_take=0)
    for attachment in (TARGET, *ATTACHMENTS):
        lagging.add_attachment(attachment)
    lagging.serve(shared.values())
    lagging._compute.listed_after = 1_000
    created = cloud_for(make, service).create(service)
    seen = cloud_for(make, service).describe(created.id)
    assert seen is not None
    assert (seen.id, seen.is_ours) == (created.id, True)


def test_nothing_is_sent_for_a_caller_who_has_gone(google: LocalGcp, make: Make) -> None:
    cloud, limit = make(), CallLimit()
    google.operations_take = 10**9
    token = current_limit.set(limit)
    try:
        thread = threading.Timer(0.1, limit.abandon)
        thread.start()
        with pytest.raises(Abandoned):
            cloud.create(SERVICE)
        thread.join()
        sent = len(google.calls)
        with pytest.raises(Abandoned):
            cloud.find(SERVICE)
        assert len(google.calls) == sent
    finally:
        current_limit.reset(token)
    google.operations_take = 0
    google.finish_operations()
    assert cloud.create(SERVICE).origin == "created"


def test_a_request_takes_no_longer_than_its_caller_waits(
    google: LocalGcp, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud, seen = make(), list[float]()
    real = cloud._calls.client("AddressesClient").get

    def get(*args: Any, timeout: float, **options: Any) -> Any:
        seen.append(timeout)
        return real(*args, timeout=timeout, **options)

    monkeypatch.setattr(cloud._calls.client("AddressesClient"), "get", get)
    cloud.describe("orders")
    token = current_limit.set(CallLimit(monotonic() + 7))
    try:
        cloud.describe("orders")
    finally:
        current_limit.reset(token)
    assert seen[0] == 60.0
    assert 0 < seen[-1] <= 7.0


# attributes


def test_labels_are_set_afterwards_and_are_not_vital(google: LocalGcp, make: Make) -> None:
    cloud = make(labels={"team": "orders"})
    google.fail("forwardingRules.setLabels", reason="forbidden", status=403)
    created = cloud.create(SERVICE)
    assert (created.origin, created.tags, created.drift) == ("created", (), ("label team is None, not 'orders'",))
    assert list(cloud.update(created, SERVICE)) == [f"set the labels of {created.id}"]
    shown = cloud.describe(created.id)
    assert shown is not None
    assert (shown.tags, shown.drift, shown.is_ours) == ((("team", "orders"),), (), True)
    assert cloud.update(shown, SERVICE) == []


def test_labels_of_others_stay(google: LocalGcp, make: Make) -> None:
    created = make(labels={"team": "orders", "stage": "test"}).create(SERVICE)
    cloud = make(labels={"team": "reports"})
    shown = cloud.describe(created.id)
    assert shown is not None
    assert shown.drift == ("label team is 'orders', not 'reports'",)
    cloud.update(shown, SERVICE)
    assert google.forwarding_rules()[created.id]["labels"] == {"team": "reports", "stage": "test"}


def test_what_differs_is_said(google: LocalGcp, make: Make) -> None:
    google.add_subnetwork("other", ip_cidr_range="10.9.0.0/24")
    created = make().create(SERVICE)
    assert created.drift == ()
    shown = make(subnetwork="other", global_access=False, ip_address="10.9.0.9").describe(created.id)
    assert shown is not None
    assert shown.drift == (
        f"subnetwork is {SUBNETWORK}, not {SUBNETWORK.replace('db', 'other')}",
        "address is 10.0.0.2, not 10.9.0.9",
        f"global access is on for {created.id}",
    )


def test_global_access_can_be_changed(google: LocalGcp, make: Make) -> None:
    created = make(global_access=False).create(SERVICE)
    assert google.forwarding_rules()[created.id]["allowPscGlobalAccess"] is False
    cloud = make(global_access=True)
    (seen,) = cloud.find(SERVICE)
    assert seen.drift == (f"global access is off for {created.id}",)
    assert list(cloud.update(seen, SERVICE)) == [f"turned global access of {created.id} on"]
    assert google.forwarding_rules()[created.id]["allowPscGlobalAccess"] is True


def test_only_ours_is_changed(google: LocalGcp, make: Make) -> None:
    google.add_rule("my-psc", TARGET)
    cloud = make(labels={"team": "orders"}, global_access=True)
    (found,) = cloud.find(SERVICE)
    assert found.drift == ("global access is off for my-psc", "label team is None, not 'orders'")
    with pytest.raises(NotOwned):
        cloud.update(found, SERVICE)
    # nor if somebody says that it is ours
    with pytest.raises(NotOwned):
        cloud.update(replace(found, is_ours=True), SERVICE)
    assert google.forwarding_rules()["my-psc"]["labels"] == {}


def test_another_one_of_the_same_name_is_not_changed(google: LocalGcp, make: Make) -> None:
    cloud = make(labels={"team": "orders"})
    google.fail("forwardingRules.setLabels", times=2)
    first = cloud.create(SERVICE)
    cloud.delete(first)
    cloud.create(SERVICE)
    with pytest.raises(NotOwned):
        cloud.update(first, SERVICE)


def test_an_address_can_be_chosen(google: LocalGcp, make: Make) -> None:
    assert make(ip_address="10.0.0.77").create(SERVICE).endpoints[0][1] == "10.0.0.77"


# failures


def test_refusals_are_one_clear_line(google: LocalGcp, make: Make) -> None:
    cloud = make()
    google.fail("forwardingRules.get", reason="forbidden", status=403, message="Required permission:\ncompute.x")
    with pytest.raises(
        CloudPermissionDenied,
        match=r"^Google refused forwardingRules\.get: forbidden: Required permission: compute\.x$",
    ) as denied:
        cloud.create(SERVICE)
    assert not denied.value.is_transient
    google.fail_operation(cloud.name_for(SERVICE), "QUOTA_EXCEEDED")
    with pytest.raises(CloudError) as caught:
        cloud.create(SERVICE)
    assert str(caught.value) == "Google refused addresses.insert: QUOTA_EXCEEDED: It failed: QUOTA_EXCEEDED"
    assert (caught.value.operation, caught.value.is_transient) == ("addresses.insert", False)
    # an operation that has failed is not asked for again
    assert cloud.create(SERVICE).origin == "created"


@pytest.mark.parametrize("code", ["RESOURCE_NOT_READY", "INTERNAL_ERROR"])
def test_an_operation_that_has_failed_for_a_passing_cause_is_begun_anew(
    google: LocalGcp, make: Make, code: str
) -> None:
    cloud = make()
    google.fail_operation(cloud.name_for(SERVICE), code)
    with pytest.raises(CloudError, match=code) as caught:
        cloud.create(SERVICE)
    assert caught.value.is_transient
    assert cloud.create(SERVICE).origin == "created"


@pytest.mark.parametrize(
    ("refusal", "is_transient"),
    [
        (("rateLimitExceeded", 403), True),
        (("userRateLimitExceeded", 403), True),
        (("rateLimitExceeded", 429), True),
        (("backendError", 500), True),
        (("backendError", 503), True),
        (("resourceNotReady", 400), True),
        ((None, 0), True),
        (("quotaExceeded", 403), False),
        (("invalid", 400), False),
    ],
)
@pytest.mark.parametrize("operation", ["addresses.list", "addresses.insert"])
def test_what_may_go_away_by_itself(
    google: LocalGcp, make: Make, operation: str, refusal: tuple[str | None, int], is_transient: bool
) -> None:
    reason, status = refusal
    google.fail(operation, reason=reason, status=status)
    with pytest.raises(CloudError) as caught:
        make().find(SERVICE)
        make().create(SERVICE)
    assert caught.value.is_transient is is_transient
    assert not isinstance(caught.value, CloudPermissionDenied)
    # the SDK has not tried again behind the caller's back
    assert google.calls.count(operation) == 1


def test_a_fresh_attachment_may_be_unknown_for_two_minutes(
    google: LocalGcp, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud, now = make(), [0.0]
    fresh = TARGET.replace("sa-0", "sa-9")
    service = replace(SERVICE, name=fresh, attachments=(fresh,))
    monkeypatch.setattr(gcp_calls, "monotonic", lambda: now[0])
    for elapsed, is_transient in ((0.0, True), (119.0, True), (121.0, False)):
        now[0] = elapsed
        with pytest.raises(CloudError, match=r"^Google refused forwardingRules\.insert: notFound: ") as caught:
            cloud.create(service)
        assert caught.value.is_transient is is_transient
    google.add_attachment(fresh)
    assert cloud.create(service).origin == "created"


def test_an_answer_that_is_not_googles_is_transient(google: LocalGcp, make: Make) -> None:
    google.fail("forwardingRules.list", status=200, body=b"<html>Sign in to the Wi-Fi</html>")
    with pytest.raises(CloudError) as caught:
        make().find(SERVICE)
    assert caught.value.is_transient


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(CloudPermissionDenied, match=r"^Google: authentication failed: .*missing\.json") as caught:
        GcpCloud(PROJECT, REGION, "vpc", "db").check()
    assert caught.value.code == "DefaultCredentialsError"
    assert "\n" not in str(caught.value)


def test_the_sdk_is_loaded_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = (
        "import sys; from atlas_privatelink.clouds.gcp import GcpCloud;"
        "GcpCloud('orders-1234', 'us-central1', 'vpc', 'db');"
        "import atlas_privatelink.testing.gcp; sys.exit('google' in sys.modules)"
    )
    run([sys.executable, "-c", loaded], check=True)
    monkeypatch.setitem(sys.modules, "google.cloud.compute_v1", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'atlas-privatelink\[gcp\]'"):
        GcpCloud(PROJECT, REGION, "vpc", "db").check()


# arguments, checks and plans


def by_name(checks: Any) -> dict[str, Check]:
    """Checks by name."""
    return {check.name: check for check in checks}


@pytest.mark.parametrize("service", [None, SERVICE])
def test_everything_can_be_created(google: LocalGcp, make: Make, service: ServiceToReach | None) -> None:
    checks = by_name(make().preflight(service))
    assert {name: check.state for name, check in checks.items()} == dict.fromkeys(
        ("network", "subnetwork", "addresses", "permissions", "quotas"), "ok"
    )
    assert is_empty(google)
    legacy = by_name(make(port_mapping=False).preflight(None))
    assert (legacy["port mapping"].state, "2027-04-30" in legacy["port mapping"].detail) == ("warning", True)


@pytest.mark.parametrize(
    ("permission", "check"),
    [
        ("compute.networks.get", "network"),
        ("compute.subnetworks.get", "subnetwork"),
        ("compute.addresses.list", "addresses"),
        ("compute.subnetworks.testIamPermissions", "permissions"),
        ("compute.regions.get", "quotas"),
    ],
)
def test_a_check_without_its_permission_is_a_warning(google: LocalGcp, make: Make, permission: str, check: str) -> None:
    google.denied.add(permission)
    found = by_name(make().preflight(SERVICE))
    assert {name for name, one in found.items() if one.state != "ok"} == {check}
    assert found[check].state == "warning"
    # testing permissions needs the permission that is tested, or a role that can see policies
    named = "compute.subnetworks.use" if check == "permissions" else permission
    assert named in found[check].detail


def test_what_certainly_fails(google: LocalGcp, make: Make) -> None:
    google.denied.add("compute.subnetworks.use")
    google.quotas["INTERNAL_ADDRESSES"] = 0
    found = by_name(make().preflight(None))
    assert {name for name, one in found.items() if one.state == "failure"} == {"permissions", "quotas"}
    assert "compute.subnetworks.use" in found["permissions"].detail
    assert "INTERNAL_ADDRESSES is 0 of 0" in found["quotas"].detail
    missing = by_name(make(network="missing", subnetwork="missing").preflight(None))
    assert {name for name, one in missing.items() if one.state == "failure"} >= {"network", "subnetwork"}
    assert by_name(make(network="missing").preflight(None))["subnetwork"].state == "failure"


def test_what_is_there_needs_no_quota(google: LocalGcp, make: Make) -> None:
    make().create(SERVICE)
    google.quotas["INTERNAL_ADDRESSES"] = 1
    assert "failure" not in {check.state for check in make().preflight(SERVICE)}
    assert by_name(make().preflight(replace(SERVICE, attachments=(ELSEWHERE,))))["quotas"].state == "failure"


def test_few_addresses_are_a_warning(google: LocalGcp, make: Make) -> None:
    small = google.add_subnetwork("small", ip_cidr_range="10.7.0.0/29")
    assert by_name(make(subnetwork="small").preflight(SERVICE))["addresses"].state == "ok"
    few = by_name(make(subnetwork="small", port_mapping=False).preflight(LEGACY))["addresses"]
    assert few == Check("addresses", "warning", f"{small} has at most 4 free addresses, and 6 are needed")


def test_a_subnetwork_for_ipv6_only_is_a_warning(google: LocalGcp, make: Make) -> None:
    google.add_subnetwork("six", ip_cidr_range="")
    found = by_name(make(subnetwork="six").preflight(SERVICE))["addresses"]
    assert (found.state, "no IPv4 range" in found.detail) == ("warning", True)


def test_an_outage_is_no_finding(google: LocalGcp, make: Make) -> None:
    google.fail("regions.get")
    with pytest.raises(CloudError) as caught:
        make().preflight(None)
    assert caught.value.is_transient


def test_what_is_billed_and_planned(make: Make) -> None:
    ours, legacy = make(), make(port_mapping=False, name="orders")
    assert list(ours.bill(None)) == list(ours.bill(SERVICE))
    assert ours.bill(None)[0].startswith("Google Cloud: 1 Private Service Connect endpoint")
    assert legacy.bill(None)[0].startswith("Google Cloud: up to 50 Private Service Connect endpoints")
    assert legacy.bill(LEGACY)[0].startswith("Google Cloud: 6 Private Service Connect endpoints")
    assert ours.planned(None) == f"a forwarding rule in {NETWORK}"
    assert ours.planned(SERVICE) == f"forwarding rule {ours.name_for(SERVICE)} in {NETWORK}"
    assert legacy.planned(None) == f"a forwarding rule for each service attachment in {NETWORK}"
    assert legacy.planned(LEGACY) == f"6 forwarding rules orders-… in {NETWORK}"


def test_what_is_given_is_checked(google: LocalGcp, make: Make) -> None:
    make().check()
    for changes, field in [({"subnetwork": "missing"}, "subnetwork"), ({"network": "other"}, "network")]:
        with pytest.raises(ValidationError, match=field) as caught:
            make(**changes).check()
        assert caught.value.field == field
    google.denied.add("compute.subnetworks.get")
    with pytest.raises(CloudPermissionDenied):
        make().check()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"project": "12"}, "project"),
        ({"region": "us-central"}, "region"),
        ({"region": 12}, "region"),
        ({"network": "global/networks/vpc"}, "network"),
        ({"subnetwork": "Db"}, "subnetwork"),
        ({"subnetwork": SUBNETWORK.replace(REGION, "us-east4")}, "subnetwork"),
        ({"name": "x" * 60}, "name"),
        ({"labels": {"Team": "orders"}}, "labels"),
        ({"labels": {"team": "Orders"}}, "labels"),
        ({"labels": {"atlas-project-id": "orders"}}, "labels"),
        ({"ip_address": "10.0.0"}, "ip_address"),
    ],
)
def test_an_invalid_argument_is_refused_by_name(make: Make, changes: dict[str, Any], field: str) -> None:
    with warnings.catch_warnings(), pytest.raises(ValidationError, match=field) as caught:
        # an unknown region is warned of once in a process, too
        warnings.simplefilter("ignore")
        make(**changes)
    assert caught.value.field == field


def test_an_address_is_for_port_mapping(shared: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        GcpCloud(PROJECT, REGION, "vpc", "db", port_mapping=False, ip_address="10.0.0.9", **shared)
    assert caught.value.field == "ip_address"


@pytest.mark.parametrize("spelling", ["us-central1", "CENTRAL_US", "US_CENTRAL1"])
def test_any_spelling_of_a_region(make: Make, spelling: str) -> None:
    cloud = make(region=spelling)
    assert cloud.region == cloud.network_region == REGION
    cloud.check()


def test_the_region_can_come_later(google: LocalGcp, make: Make) -> None:
    cloud = make(region=None)
    cloud.check()
    assert (cloud.region, cloud.network) == (None, NETWORK)
    with pytest.raises(ConfigurationError, match="region"):
        cloud.find(SERVICE)
    there = cloud.in_region("CENTRAL_US")
    assert (there.region, cloud.region) == (REGION, None)
    there.check()
    assert there.create(SERVICE).origin == "created"
    of_subnetwork = make(region=None, subnetwork=SUBNETWORK)
    assert of_subnetwork.region == REGION
    with pytest.raises(ValidationError, match="us-east4"):
        of_subnetwork.in_region("us-east4")


def test_clients_that_are_given_stay_open_and_others_are_closed(shared: dict[str, Any]) -> None:
    with LocalGcp() as google:
        google.add_attachment(TARGET)
        with GcpCloud(**google.arguments()) as cloud:
            cloud.check()
            own = cloud._calls.client("SubnetworksClient")
        assert not own.transport._session.adapters["http://"].poolmanager.pools
    with GcpCloud(PROJECT, REGION, "vpc", "db", **shared) as given:
        given.check()
    given.check()


def test_any_text_that_atlas_has_for_a_group_can_be_described(make: Make) -> None:
    assert make().describe("A name of somebody else's") is None
    assert make().describe("") is None


def test_the_mark_can_be_read(google: LocalGcp, make: Make) -> None:
    created = make().create(SERVICE)
    mark = Mark.read_text(google.addresses()[created.id]["description"])
    assert mark is not None
    assert mark.belongs_to(NETWORK, TARGET)
    assert (mark.group_id, mark.service_id) == (GROUP_ID, SERVICE_ID)
