"""Azure's side of a private endpoint, with Azure's own SDK against a local Azure: one endpoint, and whose it is."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from time import monotonic
from typing import Any

import azure_side
import pytest
from azure_side import (
    ANOTHER,
    DELETE,
    GET,
    NETWORK,
    OTHER_SUBSCRIPTION,
    PUT,
    SERVICE,
    TARGET,
    Make,
    created,
    failures,
    gone,
    there,
)
from support import GROUP_ID

from atlas_privatelink import CloudError, NotOwned, ValidationError
from atlas_privatelink.clouds import azure_creation
from atlas_privatelink.clouds.azure import AzureCloud
from atlas_privatelink.clouds.base import Cloud
from atlas_privatelink.clouds.calls import Abandoned, CallLimit, current_limit
from atlas_privatelink.clouds.ownership import Mark
from atlas_privatelink.models.connection import CloudEndpoint
from atlas_privatelink.testing.azure import LocalAzure

quick, local, make, cloud = azure_side.quick, azure_side.local, azure_side.make, azure_side.cloud
pytest.importorskip("azure.mgmt.network", reason="the extra azure is not installed")


# its life


def test_it_is_a_cloud(cloud: AzureCloud) -> None:
    as_protocol: Cloud = cloud
    assert as_protocol.provider == "AZURE"


@pytest.mark.usefixtures("quick")
def test_an_endpoint_lives() -> None:
    local = LocalAzure(looks=5)
    cloud = local.cloud(in_process=True)
    begun = cloud.create(SERVICE)
    assert (begun.phase, begun.status, begun.origin) == ("creating", "Updating", "created")
    assert begun.id.startswith(f"/subscriptions/{local.subscription_id}/resourceGroups/rg-orders/")
    pending = created(cloud)
    assert (pending.phase, pending.status, pending.private_endpoint_ip_address) == ("pending", "Pending", "10.0.0.4")
    assert (pending.network, pending.leads_to) == (cloud.network, TARGET)
    local.force_state(begun.id, "Approved")
    available = there(cloud, begun)
    assert (available.phase, available.status) == ("available", "Approved")
    local.force_state(begun.id, "Succeeded")
    cloud.delete(available)
    leaving = there(cloud, begun)
    assert (leaving.phase, leaving.is_alive) == ("deleting", False)
    cloud.delete(available)
    assert local.calls.count(DELETE) == 1
    gone(cloud, begun)
    cloud.delete(available)
    assert local.endpoints() == []


def test_without_an_address_it_is_still_being_created(local: LocalAzure, cloud: AzureCloud) -> None:
    local.assigns_addresses = False
    begun = cloud.create(SERVICE)
    assert [there(cloud, begun).phase for _ in range(4)] == ["creating"] * 4
    local.assigns_addresses = True
    assert created(cloud).private_endpoint_ip_address == "10.0.0.4"


@pytest.mark.parametrize(
    ("state", "phase"),
    [("Rejected", "failed"), ("Disconnected", "failed"), ("Pending", "pending"), ("Failed", "failed")],
)
def test_what_becomes_of_it(local: LocalAzure, cloud: AzureCloud, state: str, phase: str) -> None:
    endpoint = created(cloud)
    local.force_state(endpoint.id, state, "not for you")
    now = there(cloud, endpoint)
    assert (now.phase, now.status) == (phase, state)
    expected = {"Pending": None, "Failed": "its activity log in Azure says why"}
    assert now.error_message == expected.get(state, "not for you")


def test_its_fingerprint_stays(local: LocalAzure, cloud: AzureCloud) -> None:
    begun = cloud.create(SERVICE)
    seen = {begun.fingerprint, *(there(cloud, begun).fingerprint for _ in range(4))}
    cloud.delete(there(cloud, begun))
    seen.add(there(cloud, begun).fingerprint)
    assert len(seen) == 1
    assert None not in seen
    gone(cloud, begun)
    assert cloud.create(SERVICE).fingerprint not in seen


def test_without_an_interface_it_is_known_by_its_mark(local: LocalAzure, cloud: AzureCloud) -> None:
    local.shows_interfaces = False
    begun = cloud.create(SERVICE)
    assert (begun.fingerprint, begun.is_ours) == (None, True)
    pending = created(cloud)
    assert pending.fingerprint is not None
    local.put_tags(begun.id, {})
    with pytest.raises(NotOwned):
        cloud.delete(begun)
    local.put_tags(begun.id, dict(begun.tags))
    cloud.delete(begun)
    gone(cloud, begun)
    assert local.endpoints() == []


# the mark


def test_it_is_marked_by_the_call_that_creates_it(local: LocalAzure, make: Make) -> None:
    cloud = make(tags={"owner": "orders"})
    endpoint = created(cloud)
    [tags] = [one["tags"] for one in local.endpoints()]
    assert tags == {**Mark.of(SERVICE, cloud.network, TARGET.lower()).tags(), "owner": "orders"}
    assert endpoint.is_ours
    assert (endpoint.service_id, endpoint.service_created, endpoint.made_by) == (SERVICE.service_id, True, "dag/run-1")
    assert dict(endpoint.tags) == tags
    assert "Tags.UpdateAtScope" not in local.calls


@pytest.mark.parametrize(
    "keys", [(), ("atlas-privatelink",), ("atlas-project-id", "x"), ("Atlas-Endpoint-Service-Id",)]
)
def test_a_policy_that_takes_the_mark_away_is_an_error(local: LocalAzure, cloud: AzureCloud, keys: tuple[str]) -> None:
    local.strip_tags(*keys)
    with pytest.raises(CloudError, match="Azure Policy") as caught:
        cloud.create(SERVICE)
    [endpoint] = local.endpoints()
    assert endpoint["id"] in str(caught.value)
    assert (caught.value.code, caught.value.is_transient) == ("MarkMissing", False)
    assert local.calls.count(PUT) == 1
    assert "Tags.UpdateAtScope" not in local.calls
    # it is somebody's, and not ours, from now on
    [found] = cloud.find(SERVICE)
    assert not found.is_ours
    assert list(cloud.find_ours(GROUP_ID)) == []


@pytest.mark.parametrize("key_case", ["upper", "lower"])
def test_keys_of_tags_have_no_case(local: LocalAzure, make: Make, key_case: Any) -> None:
    local.change_tags({"CostCenter": "12"}, key_case=key_case)
    cloud = make(tags={"Owner": "orders"})
    endpoint = created(cloud)
    assert (endpoint.is_ours, endpoint.service_created, endpoint.drift) == (True, True, ())


def test_a_copied_mark_is_no_ownership(local: LocalAzure, make: Make) -> None:
    cloud = make()
    tags = dict(created(cloud).tags)
    elsewhere = local.subnet_id(network_id=local.add_virtual_network("vnet-other"))
    copies = [
        local.add_private_endpoint("copy", TARGET, tags=tags),
        local.add_private_endpoint("copy-elsewhere", TARGET, subnet_id=elsewhere, tags=tags),
        local.add_private_endpoint("copy-of-target", f"{TARGET}2", tags=tags),
        local.add_private_endpoint(cloud.name_for(SERVICE), f"{TARGET}2", resource_group="rg-x", tags=tags),
        local.add_private_endpoint(cloud.name_for(SERVICE), TARGET, subnet_id=elsewhere, resource_group="y", tags=tags),
    ]
    shown = [cloud.describe(one) for one in copies]
    assert [one is not None and one.is_ours for one in shown] == [False] * len(copies)
    assert len(cloud.find_ours(GROUP_ID)) == 1
    assert [one.is_ours for one in cloud.find(SERVICE)].count(True) == 1


def test_an_incomplete_mark_is_none(local: LocalAzure, cloud: AzureCloud) -> None:
    endpoint = created(cloud)
    local.put_tags(endpoint.id, {key: value for key, value in endpoint.tags if key != "atlas-project-id"})
    assert not there(cloud, endpoint).is_ours
    local.put_tags(endpoint.id, {**dict(endpoint.tags), "atlas-privatelink": f"v1-{32 * '0'}"})
    assert not there(cloud, endpoint).is_ours
    local.put_tags(endpoint.id, dict(endpoint.tags))
    assert there(cloud, endpoint).is_ours


@pytest.mark.parametrize("key", ["atlas-privatelink", "Atlas-Project-Id", "ATLAS-MADE-BY"])
def test_the_mark_cannot_be_overwritten(make: Make, key: str) -> None:
    with pytest.raises(ValidationError, match="is reserved") as caught:
        make(tags={key: "mine"})
    assert caught.value.field == "tags"


# at most one


def test_created_once_however_often(local: LocalAzure, cloud: AzureCloud, make: Make) -> None:
    first = cloud.create(SERVICE)
    again = [cloud.create(SERVICE), make().create(SERVICE), created(cloud)]
    assert (first.origin, [one.origin for one in again]) == ("created", ["adopted"] * 3)
    assert {one.id for one in again} == {first.id}
    assert local.calls.count(PUT) == 1


@pytest.mark.parametrize("heeds_conditions", [True, False])
@pytest.mark.parametrize("subnets", [("default", "default"), ("default", "backend")])
def test_created_once_from_many_threads(
    local: LocalAzure, make: Make, heeds_conditions: bool, subnets: tuple[str, str]
) -> None:
    local.heeds_conditions = heeds_conditions
    clouds = [make(local.subnet_id(subnets[number % 2])) for number in range(8)]
    made: list[CloudEndpoint] = []
    barrier = threading.Barrier(len(clouds))

    def create(cloud: AzureCloud) -> None:
        barrier.wait()
        made.append(cloud.create(SERVICE))

    threads = [threading.Thread(target=create, args=(cloud,)) for cloud in clouds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(clouds)
    assert len({one.id for one in made}) == len(local.created()) == 1
    assert [one.origin for one in made].count("created") == 1


@pytest.mark.parametrize("heeds_conditions", [True, False])
def test_whoever_comes_second_has_created_nothing(local: LocalAzure, make: Make, heeds_conditions: bool) -> None:
    local.heeds_conditions = heeds_conditions
    first = created(make())
    # created between the last look and the PUT
    local.fail(GET, code="ResourceNotFound", status=404)
    second = make().create(replace(SERVICE, made_by="dag/run-2"))
    assert local.calls.count(PUT) == 2
    assert (second.id, second.origin, second.is_ours) == (first.id, "adopted", True)
    assert len(local.created()) == 1
    if heeds_conditions:
        assert there(make(), first).made_by == "dag/run-1"


class Overtaken(LocalAzure):
    """After each creation, another `PUT` of the same moment writes its tags over."""

    def _put(self, asked: Any, address: Any) -> Any:
        answer = super()._put(asked, address)
        if answer.status == 201:
            tags = Mark.of(replace(SERVICE, created=False, made_by="dag/run-2"), NETWORK, TARGET.lower()).tags()
            self.put_tags(answer.body["id"], tags)
        return answer


@pytest.mark.usefixtures("quick")
def test_whoever_has_created_it_says_so() -> None:
    local = Overtaken()
    endpoint = local.cloud(in_process=True).create(SERVICE)
    assert (endpoint.origin, endpoint.made_by, endpoint.service_created) == ("created", "dag/run-1", True)
    local.deny("Microsoft.Resources/tags/write")
    local.remove(endpoint.id)
    endpoint = local.cloud(in_process=True).create(SERVICE)
    assert (endpoint.origin, endpoint.is_ours, endpoint.made_by) == ("created", True, "dag/run-2")


def test_other_subnets_groups_and_spellings_are_the_same_connection(local: LocalAzure, make: Make) -> None:
    first = created(make())
    local.add_resource_group("rg-apps")
    others = {
        "subnet is default, not backend": make(local.subnet_id("backend")),
        "resource group is rg-orders, not rg-apps": make(resource_group="rg-apps"),
        "tag owner is missing": make(tags={"owner": "orders"}),
    }
    for drift, cloud in others.items():
        [found] = cloud.find(SERVICE)
        assert (found.id, found.drift) == (first.id, (drift,))
        assert (cloud.network, cloud.name_for(SERVICE)) == (first.network, first.id.rpartition("/")[2])
    for subnet_id in (local.subnet_id().upper(), local.subnet_id().lower()):
        [found] = make(subnet_id).find(replace(SERVICE, name=TARGET.upper()))
        assert (found.is_ours, found.drift) == (True, ())
    assert make(resource_group="RG-Orders").find(SERVICE)[0].drift == ()


def test_of_two_at_once_in_different_groups_all_choose_the_same(local: LocalAzure, make: Make) -> None:
    local.add_resource_group("rg-apps")
    both = [make(), make(resource_group="rg-apps")]
    for cloud in both:
        created(cloud)
    seen = [[one.id for one in cloud.find(SERVICE)] for cloud in both]
    assert seen[0] == seen[1] == sorted(seen[0], key=str.lower)
    assert len(seen[0]) == 2


def test_an_endpoint_in_another_subscription(local: LocalAzure, make: Make) -> None:
    local.add_resource_group("rg-orders", subscription_id=OTHER_SUBSCRIPTION)
    cloud = make(subscription_id=OTHER_SUBSCRIPTION, resource_group="rg-orders")
    cloud.check()
    assert failures(cloud.preflight(SERVICE)) == {}
    endpoint = created(cloud)
    assert endpoint.id.startswith(f"/subscriptions/{OTHER_SUBSCRIPTION}/")
    assert str(endpoint.network).startswith(f"/subscriptions/{local.subscription_id}/")
    # somebody who gives no subscription finds it through the subnet
    assert [one.id for one in make().find(SERVICE)] == [endpoint.id]
    [found] = make(subscription_id=local.subscription_id).find(SERVICE)
    assert found.drift == (f"subscription is {OTHER_SUBSCRIPTION}, not {local.subscription_id}",)
    make().delete(found)
    gone(cloud, endpoint)


def test_a_client_of_another_subscription_puts_it_there(local: LocalAzure, make: Make) -> None:
    local.add_resource_group("rg-orders", subscription_id=OTHER_SUBSCRIPTION)
    cloud = make(client=local.client(OTHER_SUBSCRIPTION, in_process=True))
    assert created(cloud).id.startswith(f"/subscriptions/{OTHER_SUBSCRIPTION}/")


@pytest.mark.parametrize("name", ["second", "Second"])
def test_a_named_one_is_another_connection(make: Make, name: str) -> None:
    unnamed, named = make(), make(name="second")
    first, second = created(unnamed), created(named)
    assert first.id != second.id
    assert named.network == second.network == f"{unnamed.network} second"
    assert [one.id for one in make(name=name).find(SERVICE)] == [second.id]
    assert [one.id for one in make(name=name).find_ours(GROUP_ID)] == [second.id]
    assert [one.id for one in unnamed.find_ours(GROUP_ID)] == [first.id]
    assert there(unnamed, second).network == named.network
    assert {one.id: one.is_ours for one in unnamed.find(SERVICE)} == {first.id: True, second.id: True}


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_a_failed_one_of_ours_is_tried_again(local: LocalAzure, cloud: AzureCloud, state: str) -> None:
    endpoint = created(cloud)
    local.force_state(endpoint.id, state)
    assert [one.phase for one in cloud.find(SERVICE)] == ["failed"]
    again = created(cloud)
    assert (again.id, again.phase, again.origin) == (endpoint.id, "pending", None)
    assert (len(local.created()), local.calls.count(PUT)) == (1, 2)


class Replaced(LocalAzure):
    """Right before a second `PUT`, somebody else deletes the endpoint, and creates another of the same name."""

    def _put(self, asked: Any, address: Any) -> Any:
        if self.created():
            self.remove(self.created()[0])
            self.add_private_endpoint(address.name, TARGET, tags={"by": "terraform"})
        return super()._put(asked, address)


@pytest.mark.usefixtures("quick")
def test_one_that_others_have_put_in_place_of_a_failed_one_is_left_alone() -> None:
    local = Replaced()
    cloud = local.cloud(in_process=True)
    local.force_state(created(cloud).id, "Failed")
    endpoint = cloud.create(SERVICE)
    assert (endpoint.origin, endpoint.is_ours, endpoint.tags) == ("adopted", False, (("by", "terraform"),))


@pytest.mark.parametrize("state", ["Failed", "Canceled", "Rejected", "Disconnected"])
def test_a_failed_one_of_others_is_never_put(local: LocalAzure, make: Make, state: str) -> None:
    cloud = make(name="theirs")
    endpoint_id = local.add_private_endpoint("theirs", TARGET, tags={"created-by": "terraform"})
    local.force_state(endpoint_id, state)
    before = local.endpoints()
    with pytest.raises(CloudError, match="this package did not create it: delete it") as caught:
        cloud.create(SERVICE)
    assert endpoint_id in str(caught.value)
    assert (PUT in local.calls, local.endpoints()) == (False, before)


def test_a_rejected_one_is_not_passed_off_as_new(local: LocalAzure, cloud: AzureCloud) -> None:
    endpoint = created(cloud)
    local.force_state(endpoint.id, "Rejected", "not for you")
    with pytest.raises(CloudError, match=r"is Rejected \(not for you\): delete it, and connect again") as caught:
        cloud.create(SERVICE)
    assert (endpoint.id in str(caught.value), caught.value.is_transient) == (True, False)


def test_one_that_is_being_deleted_is_waited_for(local: LocalAzure, cloud: AzureCloud) -> None:
    endpoint = created(cloud)
    cloud.delete(endpoint)
    again = cloud.create(SERVICE)
    assert (again.id, again.origin) == (endpoint.id, "created")
    assert again.fingerprint != endpoint.fingerprint
    assert len(local.created()) == 2


def test_a_wait_for_a_name_ends_with_the_caller_s_time(
    local: LocalAzure, cloud: AzureCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_creation, "_DELETION_PAUSE", 30.0)
    local.force_state(created(cloud).id, "Deleting")
    token = current_limit.set(CallLimit(monotonic() + 0.2))
    try:
        with pytest.raises(Abandoned):
            cloud.create(SERVICE)
    finally:
        current_limit.reset(token)


def test_what_has_the_name_and_leads_elsewhere_is_left_alone(local: LocalAzure, make: Make) -> None:
    local.add_private_endpoint("mine", ANOTHER.name)
    before = local.endpoints()
    with pytest.raises(CloudError, match="exists and leads elsewhere") as caught:
        make(name="mine").create(SERVICE)
    assert caught.value.code == "NameTaken"
    assert "leads elsewhere" in failures(make(name="mine").preflight(SERVICE))["name"]
    assert (local.endpoints(), PUT in local.calls) == (before, False)
    elsewhere = local.subnet_id(network_id=local.add_virtual_network("vnet-other"))
    local.add_private_endpoint("also-mine", TARGET, subnet_id=elsewhere)
    for name in ("mine", "also-mine"):
        assert list(make(name=name).find(SERVICE)) == []
        with pytest.raises(CloudError, match="exists and leads elsewhere"):
            make(name=name).create(SERVICE)


# whatever happens


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("seed", range(30))
def test_others_are_never_touched_and_ours_is_one(seed: int) -> None:
    chance = random.Random(seed)
    local = LocalAzure(looks=chance.randint(1, 3), list_lag=chance.choice([0, 0, 2]))
    local.heeds_conditions = chance.random() < 0.5
    local.changes_id_case = chance.random() < 0.5
    local.add_resource_group("rg-apps")
    foreign = [
        local.add_private_endpoint("terraform", ANOTHER.name, tags={"by": "terraform"}, resource_group="rg-apps"),
        local.add_private_endpoint("portal", TARGET + "9", subnet_id=local.subnet_id("backend")),
    ]
    theirs = {one["id"]: one for one in local.endpoints()}
    clouds = [
        local.cloud(local.subnet_id(chance.choice(["default", "backend"])), in_process=True, tags={"n": str(number)})
        for number in range(3)
    ]
    seen: list[CloudEndpoint] = []
    for _ in range(40):
        cloud = chance.choice(clouds)
        if chance.random() < 0.2:
            operation = chance.choice([PUT, GET, DELETE, "PrivateEndpoints.List", None])
            code = chance.choice([None, "RetryableError", "TooManyRequests"])
            local.fail(operation, code=code, status=429, executed=chance.random() < 0.5, retry_after=0.001)
        try:
            step = chance.randrange(5)
            if step == 0:
                seen += cloud.find(SERVICE)
            elif step == 1:
                seen.append(cloud.create(SERVICE))
            elif step == 2 and seen:
                cloud.delete(chance.choice(seen))
            elif step == 3 and seen:
                cloud.update(chance.choice(seen), SERVICE)
            else:
                seen += cloud.find_ours(GROUP_ID)
        except CloudError as error:
            assert error.is_transient, error
        except NotOwned:
            # it is gone, or another one by now
            pass
        ours = [one for one in local.endpoints() if one["id"] not in foreign]
        assert len(ours) <= 1
        assert {one["id"]: one for one in local.endpoints() if one["id"] in foreign} == theirs
    assert all(one.is_ours and one.leads_to is not None for one in seen)
    local.forget_faults()
    endpoint = created(clouds[0])
    assert (endpoint.phase, endpoint.is_ours) == ("pending", True)
