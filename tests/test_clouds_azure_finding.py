"""What there is in Azure, wherever it is, and that only what is ours is changed or deleted."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import azure_side
import pytest
from azure_side import (
    ANOTHER,
    DELETE,
    GET,
    OTHER_SUBSCRIPTION,
    PUT,
    SERVICE,
    TARGET,
    Make,
    created,
    gone,
    there,
    warnings,
)
from support import GROUP_ID

from atlas_privatelink import CloudError, CloudPermissionDenied, NotOwned
from atlas_privatelink.clouds.azure import AzureCloud
from atlas_privatelink.clouds.ownership import Mark
from atlas_privatelink.testing.azure import LocalAzure

quick, local, make, cloud = azure_side.quick, azure_side.local, azure_side.make, azure_side.cloud
pytest.importorskip("azure.mgmt.network", reason="the extra azure is not installed")


# finding


def test_finding_is_not_owning(local: LocalAzure, cloud: AzureCloud) -> None:
    theirs = local.add_private_endpoint(
        "terraform", TARGET, subnet_id=local.subnet_id("backend"), resource_group="rg-other", tags={"by": "terraform"}
    )
    local.add_private_endpoint("elsewhere", ANOTHER.name)
    [found] = cloud.find(SERVICE)
    assert (found.id, found.is_ours, found.service_id, found.tags) == (theirs, False, None, (("by", "terraform"),))
    assert (found.phase, found.private_endpoint_ip_address, found.network) == ("pending", "10.0.1.4", cloud.network)
    assert list(cloud.find_ours(GROUP_ID)) == []
    adopted = local.cloud(in_process=True, name="terraform", resource_group="rg-other").create(SERVICE)
    assert (adopted.id, adopted.origin, adopted.is_ours) == (theirs, "adopted", False)
    assert PUT not in local.calls


def test_other_networks_are_not_found(local: LocalAzure, make: Make) -> None:
    other = local.subnet_id(network_id=local.add_virtual_network("vnet-other"))
    endpoint = created(make(other))
    cloud = make()
    assert (list(cloud.find(SERVICE)), list(cloud.find_ours(GROUP_ID))) == ([], [])
    shown = there(cloud, endpoint)
    assert (shown.is_ours, shown.network, shown.drift) == (True, make(other).network, ())
    assert shown.network != cloud.network
    assert created(cloud).id != endpoint.id


@pytest.mark.parametrize("page_size", [None, 1])
@pytest.mark.parametrize("groups", [1, 6])
def test_ours_are_found_wherever_they_are(local: LocalAzure, make: Make, page_size: int | None, groups: int) -> None:
    local.page_size = page_size
    wanted: set[str] = set()
    for number in range(6):
        group = f"rg-{number % groups}"
        local.add_resource_group(group)
        service = replace(SERVICE, name=f"{TARGET}{number}", service_id=f"{number}")
        wanted.add(created(make(resource_group=group), service).id)
        local.add_private_endpoint(f"other-{number}", f"{TARGET}{number}", resource_group=group)
    created(make(), replace(SERVICE, group_id="64f000000000000000000a02"))
    assert {one.id for one in make().find_ours(GROUP_ID)} == wanted
    local.calls.clear()
    assert {one.service_id for one in make().find_ours(GROUP_ID)} == set("012345")
    # one list of the subscription is shorter than one of each group
    assert ("PrivateEndpoints.ListBySubscription" in local.calls) == (groups == 6)
    assert ("PrivateEndpoints.List" in local.calls) == (groups == 1)


def test_pages_are_read_where_the_token_belongs() -> None:
    class Elsewhere(LocalAzure):
        def _list(self, asked: Any, address: Any) -> Any:
            answer = super()._list(asked, address)
            if "nextLink" in answer.body:
                answer.body["nextLink"] = answer.body["nextLink"].replace(
                    "http://local-azure", "https://example.invalid"
                )
            return answer

    local = Elsewhere(list_lag=99)
    for number in range(3):
        local.add_private_endpoint(f"other-{number}", TARGET)
    local.page_size = 1
    # nothing but the pages shows them
    local._world.network_sent = lambda network: {"id": network.id, "location": "eastus2", "properties": {}}  # type: ignore[method-assign]
    assert len(local.cloud(in_process=True).find(SERVICE)) == 3
    assert local.calls.count("PrivateEndpoints.List") == 3


@pytest.mark.parametrize("lag", [1, 4])
@pytest.mark.usefixtures("quick")
def test_lists_that_lag(lag: int) -> None:
    local = LocalAzure(list_lag=lag, looks=1)
    cloud = local.cloud(in_process=True)
    endpoint = created(cloud)
    assert [one.id for one in cloud.find(SERVICE)] == [endpoint.id]
    for _ in range(lag):
        cloud.find(SERVICE)
    assert [one.id for one in local.cloud(in_process=True, resource_group="rg-orders").find_ours(GROUP_ID)] == [
        endpoint.id
    ]
    cloud.delete(endpoint)
    gone(cloud, endpoint)
    # still in the lists
    assert (list(cloud.find(SERVICE)), list(cloud.find_ours(GROUP_ID))) == ([], [])
    assert cloud.create(SERVICE).origin == "created"
    assert len(local.created()) == 2


def test_endpoints_of_others_that_cannot_be_read(local: LocalAzure, cloud: AzureCloud) -> None:
    hidden = local.add_private_endpoint("hidden", TARGET, resource_group="rg-secret")
    local.deny("Microsoft.Network/privateEndpoints/read", resource_group="rg-secret")
    for number in range(5):
        local.add_private_endpoint(f"other-{number}", TARGET, resource_group=f"rg-{number}")
    assert len(cloud.find(SERVICE)) == 5
    assert not any(asked.path.endswith("/hidden") for asked in local.requests)
    warning = warnings(cloud.preflight(SERVICE))["existing endpoints"]
    assert hidden.lower() in warning
    assert "Microsoft.Network/privateEndpoints/read" in warning


def test_ids_have_no_case(local: LocalAzure, make: Make) -> None:
    local.changes_id_case = True
    cloud = make(tags={"owner": "orders"})
    cloud.check()
    first = cloud.create(SERVICE)
    ids = {first.id}
    for _ in range(6):
        now = there(cloud, replace(first, id=random.choice([first.id.upper(), first.id.lower(), first.id])))
        [found] = cloud.find(SERVICE)
        [ours] = cloud.find_ours(GROUP_ID)
        assert now.is_ours and found.is_ours and ours.is_ours
        assert {now.network, found.network} == {cloud.network}
        assert found.drift == ()
        assert {now.fingerprint, found.fingerprint, ours.fingerprint} == {first.fingerprint}
        ids |= {now.id, found.id, ours.id}
    assert ids == {first.id}
    assert cloud.create(SERVICE).origin == "adopted"
    cloud.delete(there(cloud, first))
    gone(cloud, first)
    assert (len(local.created()), local.calls.count(PUT)) == (1, 1)


def test_another_tenant_s_endpoint_is_not_seen(local: LocalAzure, cloud: AzureCloud) -> None:
    endpoint_id = f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/x"
    assert cloud.describe(endpoint_id) is None
    local.fail(GET, code="InvalidAuthenticationTokenTenant", status=401)
    assert cloud.describe(endpoint_id) is None
    endpoints = [created(cloud).id, local.add_private_endpoint("x", TARGET, subscription_id=OTHER_SUBSCRIPTION)]
    assert len(cloud.find(SERVICE)) == 2
    local.deny("Microsoft.Network/privateEndpoints/read")
    # what was seen once is not gone because it is not shown
    for seen in endpoints:
        with pytest.raises(CloudPermissionDenied):
            cloud.describe(seen)


# deleting


def test_one_that_has_lost_its_mark_is_not_deleted(local: LocalAzure, cloud: AzureCloud) -> None:
    endpoint = created(cloud)
    local.put_tags(endpoint.id, {"owner": "somebody"})
    with pytest.raises(NotOwned, match="does not carry the mark") as caught:
        cloud.delete(endpoint)
    assert caught.value.endpoint.tags == (("owner", "somebody"),)
    assert DELETE not in local.calls


@pytest.mark.parametrize("name", [None, "mine"])
def test_one_that_is_marked_for_another_service_is_not_deleted(local: LocalAzure, make: Make, name: str | None) -> None:
    cloud = make(name=name)
    endpoint = created(cloud)
    mark = Mark.of(replace(SERVICE, service_id="another"), cloud.network, TARGET.lower())
    local.put_tags(endpoint.id, mark.tags())
    with pytest.raises(NotOwned):
        cloud.delete(endpoint)
    assert DELETE not in local.calls


def test_another_one_of_the_same_id_is_not_deleted(local: LocalAzure, cloud: AzureCloud) -> None:
    endpoint = created(cloud)
    local.remove(endpoint.id)
    recreated = local.add_private_endpoint(endpoint.id.rpartition("/")[2], TARGET, tags=dict(endpoint.tags))
    assert recreated == endpoint.id
    for seen in (endpoint, replace(endpoint, is_ours=False)):
        with pytest.raises(NotOwned, match="is another endpoint"):
            cloud.delete(seen)
    assert DELETE not in local.calls
    assert len(local.endpoints()) == 1


def test_one_of_others_is_deleted_when_it_is_asked_for(local: LocalAzure, cloud: AzureCloud) -> None:
    local.add_private_endpoint("terraform", TARGET)
    [found] = cloud.find(SERVICE)
    cloud.delete(found)
    gone(cloud, found)
    assert local.endpoints() == []


def test_deleting_while_azure_is_busy_may_be_repeated(local: LocalAzure, cloud: AzureCloud) -> None:
    begun = cloud.create(SERVICE)
    local.fail(DELETE, code="AnotherOperationInProgress", status=409)
    with pytest.raises(CloudError) as caught:
        cloud.delete(begun)
    assert caught.value.is_transient
    while local.endpoints():
        try:
            cloud.delete(begun)
        except CloudError as error:
            assert error.is_transient
        cloud.describe(begun.id)


# drift


def test_tags_that_differ_are_set_by_a_merge(local: LocalAzure, make: Make) -> None:
    endpoint = created(make(tags={"owner": "orders", "Stage": "dev"}))
    local.put_tags(endpoint.id, {**dict(endpoint.tags), "added": "by a policy"})
    cloud = make(local.subnet_id("backend"), tags={"OWNER": "payments", "stage": "dev", "team": "db"})
    [found] = cloud.find(SERVICE)
    assert found.drift == (
        "subnet is default, not backend",
        "tag OWNER is 'orders', not 'payments'",
        "tag team is missing",
    )
    assert cloud.update(found, SERVICE) == ["tag OWNER set to 'payments'", "tag team set to 'db'"]
    now = there(cloud, found)
    assert now.drift == ("subnet is default, not backend",)
    mark = Mark.of(SERVICE, cloud.network, TARGET.lower()).tags()
    others = {"owner": "payments", "Stage": "dev", "added": "by a policy", "team": "db"}
    assert dict(now.tags) == {**mark, **others}
    assert cloud.update(now, SERVICE) == []
    assert (local.calls.count(PUT), local.calls.count("Tags.UpdateAtScope")) == (1, 1)


def test_what_is_not_ours_is_never_changed(local: LocalAzure, make: Make) -> None:
    local.add_private_endpoint("terraform", TARGET, tags={"owner": "x"})
    cloud = make(tags={"owner": "y"})
    [found] = cloud.find(SERVICE)
    assert found.drift == ("tag owner is 'x', not 'y'",)
    with pytest.raises(NotOwned):
        cloud.update(found, SERVICE)
    ours = created(cloud, ANOTHER)
    local.put_tags(ours.id, {})
    with pytest.raises(NotOwned):
        cloud.update(ours, ANOTHER)
    local.remove(ours.id)
    with pytest.raises(NotOwned):
        cloud.update(ours, ANOTHER)
    assert "Tags.UpdateAtScope" not in local.calls
