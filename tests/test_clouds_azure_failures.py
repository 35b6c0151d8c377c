"""What Azure refuses, how long it takes, and what is checked before anything is created."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from subprocess import run
from time import monotonic
from typing import Any

import azure_side
import pytest
from azure_side import (
    ANOTHER,
    GET,
    NETWORK,
    OTHER_SUBSCRIPTION,
    PUT,
    SERVICE,
    TARGET,
    Make,
    created,
    failures,
    warnings,
)
from support import GROUP_ID

from atlas_privatelink import CloudError, CloudPermissionDenied, ConfigurationError, ValidationError
from atlas_privatelink.clouds import azure_calls
from atlas_privatelink.clouds.azure import AzureCloud
from atlas_privatelink.clouds.azure_checks import is_allowed
from atlas_privatelink.clouds.calls import Abandoned, CallLimit, current_limit
from atlas_privatelink.models.connection import Check
from atlas_privatelink.testing.azure import LocalAzure

quick, local, make, cloud = azure_side.quick, azure_side.local, azure_side.make, azure_side.cloud
network = pytest.importorskip("azure.mgmt.network", reason="the extra azure is not installed")


# failures


def test_refusals_are_one_clear_line(local: LocalAzure, cloud: AzureCloud) -> None:
    with pytest.raises(CloudError) as caught:
        cloud.create(replace(SERVICE, name="/subscriptions/1/x"))
    text = "Azure refused PrivateEndpoints.CreateOrUpdate: PrivateLinkServiceNotFound: Private link service"
    assert str(caught.value).startswith(text)
    assert (caught.value.operation, caught.value.code) == (PUT, "PrivateLinkServiceNotFound")
    local.fail(GET, code="AuthorizationFailed", message="The client\ndoes not have it.", status=403)
    with pytest.raises(CloudPermissionDenied) as denied:
        cloud.create(SERVICE)
    expected = "Azure refused PrivateEndpoints.Get: AuthorizationFailed: The client does not have it."
    assert str(denied.value) == expected
    assert (denied.value.code, denied.value.is_transient) == ("AuthorizationFailed", False)


@pytest.mark.parametrize(
    ("status", "code", "is_transient"),
    [
        (429, "TooManyRequests", True),
        (429, "RetryableError", True),
        (409, "AnotherOperationInProgress", True),
        (409, "CanceledAndSupersededDueToAnotherOperation", True),
        (400, "ReferencedResourceNotProvisioned", True),
        (500, "InternalServerError", True),
        (503, "ServerBusy", True),
        (408, "RequestTimeout", True),
        (409, "ScopeLocked", False),
        (400, "SubnetIsFull", False),
        (403, "AuthorizationFailed", False),
        (403, "RequestDisallowedByPolicy", False),
        (401, "ExpiredAuthenticationToken", False),
    ],
)
def test_which_refusals_may_go_away(
    local: LocalAzure, cloud: AzureCloud, status: int, code: str, is_transient: bool
) -> None:
    calls: list[tuple[str, Callable[[], object]]] = [
        (PUT, lambda: cloud.create(SERVICE)),
        ("VirtualNetworks.Get", cloud.check),
    ]
    for operation, call in calls:
        local.fail(operation, code=code, status=status, times=3 if code == "TooManyRequests" else 1, retry_after=0.01)
        with pytest.raises(CloudError) as caught:
            call()
        assert (caught.value.code, caught.value.is_transient) == (code, is_transient)
        assert isinstance(caught.value, CloudPermissionDenied) == (status in (401, 403))
    assert created(cloud).phase == "pending"


@pytest.mark.parametrize("code", ["InvalidPrivateLinkServiceId", "ConflictError", "PrivateLinkServiceNotFound"])
def test_a_service_that_azure_does_not_know_yet(
    local: LocalAzure, cloud: AzureCloud, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = monotonic()
    monkeypatch.setattr(azure_calls, "monotonic", lambda: now)
    local.refuse_new_services(3, code=code)
    for passed, is_transient in [(0, True), (119, True), (2, False)]:
        now += passed
        with pytest.raises(CloudError) as caught:
            cloud.create(SERVICE)
        assert (caught.value.code, caught.value.is_transient) == (code, is_transient)
    assert created(cloud).phase == "pending"
    # from here on it is known, and the two minutes would begin anew
    local.fail(PUT, code=code, status=400)
    local.remove(created(cloud).id)
    with pytest.raises(CloudError) as caught:
        cloud.create(SERVICE)
    assert caught.value.is_transient


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_answer_and_another_try(local: LocalAzure, cloud: AzureCloud, executed: bool) -> None:
    local.fail(PUT, code=None, executed=executed)
    with pytest.raises(CloudError, match=r"^Azure: PrivateEndpoints\.CreateOrUpdate failed: ") as caught:
        cloud.create(SERVICE)
    assert caught.value.is_transient
    assert "\n" not in str(caught.value)
    assert len(local.created()) == executed
    assert cloud.create(SERVICE).origin == ("adopted" if executed else "created")
    assert len(local.created()) == 1


def test_an_error_after_the_creation(local: LocalAzure, cloud: AzureCloud) -> None:
    local.fail(PUT, executed=True)
    endpoint = cloud.create(SERVICE)
    assert (endpoint.origin, endpoint.is_ours) == ("adopted", True)


@pytest.mark.parametrize(("retry_after", "expected"), [(17, 17.0), (None, 1.0), (3600, 300.0)])
def test_throttling_is_waited_out(
    local: LocalAzure,
    cloud: AzureCloud,
    monkeypatch: pytest.MonkeyPatch,
    retry_after: float | None,
    expected: float,
) -> None:
    pauses: list[float] = []
    clock = [1000.0]

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(azure_calls, "monotonic", lambda: clock[0])
    monkeypatch.setattr(azure_calls, "pause", pause)
    local.fail(GET, code="TooManyRequests", status=429, retry_after=retry_after, times=2)
    assert cloud.create(SERVICE).origin == "created"
    assert pauses == [expected] * 2
    # no longer than a few times, and then whoever waits decides
    pauses.clear()
    local.fail(GET, code="TooManyRequests", status=429, retry_after=retry_after, times=3)
    with pytest.raises(CloudError) as caught:
        cloud.create(SERVICE)
    assert (caught.value.is_transient, pauses) == (True, [expected] * 2)
    # other calls of the same quota heed it, too
    cloud.check()
    assert pauses == [expected] * 3


def test_a_throttled_creation_is_one(local: LocalAzure, cloud: AzureCloud) -> None:
    local.fail(PUT, code="TooManyRequests", status=429, retry_after=0.01)
    assert cloud.create(SERVICE).origin == "created"
    assert (local.calls.count(PUT), len(local.created())) == (2, 1)


def test_wrong_credentials(local: LocalAzure, make: Make) -> None:
    cloud = make(client=local.client(token="a-wrong-token", in_process=True))
    with pytest.raises(CloudPermissionDenied, match="InvalidAuthenticationToken") as caught:
        cloud.check()
    assert "a-wrong-token" not in f"{caught.value!r} {caught.value} {cloud!r}"


def test_no_credentials(local: LocalAzure) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    class Credential:
        def get_token(self, *_: object, **__: object) -> None:
            raise ClientAuthenticationError("DefaultAzureCredential failed:\n\tEnvironmentCredential: none")

    cloud = AzureCloud(local.subnet_id(), credential=Credential())
    with pytest.raises(CloudPermissionDenied, match=r"^Azure refused VirtualNetworks\.Get: DefaultAzureCredential fa"):
        cloud.check()


def test_an_answer_that_is_not_azure_s(cloud: AzureCloud, local: LocalAzure) -> None:
    class Proxy(LocalAzure):
        def _handled(self, asked: Any, address: Any) -> Any:
            answer = super()._handled(asked, address)
            return replace(answer, body={"login": "please"}) if asked.method == "PUT" else answer

    with pytest.raises(CloudError, match="is no private endpoint") as caught:
        Proxy().cloud(in_process=True).create(SERVICE)
    assert caught.value.is_transient


# how long it takes


def test_nothing_is_sent_that_nobody_waits_for(local: LocalAzure, cloud: AzureCloud) -> None:
    endpoint = created(cloud)
    limit = CallLimit(monotonic() + 60)
    limit.abandon()
    token = current_limit.set(limit)
    sent = len(local.calls)
    try:
        for call in (
            lambda: cloud.create(ANOTHER),
            lambda: cloud.delete(endpoint),
            lambda: cloud.find(SERVICE),
            cloud.check,
        ):
            with pytest.raises(Abandoned):
                call()
    finally:
        current_limit.reset(token)
    assert len(local.calls) == sent


def test_nothing_is_sent_after_a_token_that_took_too_long(local: LocalAzure) -> None:
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    limit = CallLimit(monotonic() + 60)

    class Slow(SansIOHTTPPolicy[Any, Any]):
        def on_request(self, request: Any) -> None:
            limit.abandon()

    cloud = local.cloud(client=local.client(in_process=True, authentication_policy=Slow()))
    token = current_limit.set(limit)
    try:
        with pytest.raises(Abandoned):
            cloud.create(SERVICE)
    finally:
        current_limit.reset(token)
    assert local.calls == []


def test_each_request_takes_no_longer_than_the_caller_waits(local: LocalAzure) -> None:
    from azure.core.exceptions import ServiceResponseTimeoutError

    seen: list[dict[str, Any]] = []

    class Transport:
        """Never answers."""

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *exception: object) -> None: ...
        def open(self) -> None: ...
        def close(self) -> None: ...
        def send(self, request: Any, **options: Any) -> Any:
            seen.append(options)
            raise ServiceResponseTimeoutError("timed out")

    # the client's own settings are for minutes
    client = local.client(in_process=True, transport=Transport(), retry_total=10, read_timeout=300)
    cloud = local.cloud(client=client)
    for limit, at_most in [(CallLimit(monotonic() + 3), 3.0), (CallLimit(), 60.0)]:
        token = current_limit.set(limit)
        try:
            with pytest.raises(CloudError) as caught:
                cloud.check()
        finally:
            current_limit.reset(token)
        assert caught.value.is_transient
        assert 0 < seen[-1]["connection_timeout"] <= min(at_most, 10.0)
        assert at_most - 1 < seen[-1]["read_timeout"] <= at_most
    # no retries of the SDK's own
    assert len(seen) == 2


# before anything is created


def test_what_is_given_is_looked_up(local: LocalAzure, make: Make) -> None:
    make().check()
    for subnet_id, resource_group, field in [
        (local.subnet_id("missing"), None, "subnet_id"),
        (local.subnet_id().replace("rg-orders", "rg-missing"), None, "subnet_id"),
        (local.subnet_id().replace("vnet-orders", "vnet-missing"), None, "subnet_id"),
        (local.subnet_id(), "rg-missing", "resource_group"),
    ]:
        with pytest.raises(ValidationError, match="missing") as caught:
            make(subnet_id, resource_group=resource_group).check()
        assert caught.value.field == field
    local.deny("Microsoft.Network/virtualNetworks/read")
    with pytest.raises(CloudPermissionDenied, match=r"Microsoft\.Network/virtualNetworks/read"):
        make().check()
    assert PUT not in local.calls


def test_a_preflight_that_finds_nothing(local: LocalAzure, cloud: AzureCloud) -> None:
    cloud.check()
    assert {check.state for service in (None, SERVICE) for check in cloud.preflight(service)} == {"ok"}
    assert cloud.network_region == "eastus2"
    assert {asked.method for asked in local.requests} == {"GET"}


@pytest.mark.parametrize("location", ["eastus2", "EastUS2", "East US 2", "US_EAST_2"])
@pytest.mark.parametrize("there", ["eastus2", "East US 2"])
def test_regions_have_many_spellings(location: str, there: str) -> None:
    cloud = LocalAzure(location=there).cloud(in_process=True, location=location)
    cloud.check()
    assert failures(cloud.preflight(SERVICE)) == {}
    assert cloud.network_region == "eastus2"
    assert cloud.create(SERVICE).origin == "created"


def test_another_region_than_the_network_s(make: Make) -> None:
    detail = failures(make(location="westeurope").preflight(None))["location"]
    assert "vnet-orders is in eastus2" in detail
    assert "westeurope" in detail


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("Microsoft.Network/privateEndpoints/write", "failure"),
        ("Microsoft.Network/networkInterfaces/read", "failure"),
        ("Microsoft.Network/virtualNetworks/subnets/join/action", "failure"),
        ("Microsoft.Network/privateEndpoints/delete", "warning"),
    ],
)
def test_a_missing_permission_is_named(local: LocalAzure, make: Make, action: str, state: str) -> None:
    local.add_resource_group("rg-apps")
    cloud = make(resource_group="rg-apps")
    group = "rg-orders" if "subnets" in action else "rg-apps"
    local.deny(action, resource_group="rg-apps" if group == "rg-orders" else "rg-orders")
    assert (failures(cloud.preflight(None)), warnings(cloud.preflight(None))) == ({}, {})
    local.deny(action, resource_group=group)
    found = [check for check in cloud.preflight(None) if check.state != "ok"]
    assert [(check.name, check.state) for check in found] == [("permissions", state)]
    assert action in found[0].detail
    if action.endswith(("write", "join/action")):
        with pytest.raises(CloudPermissionDenied, match=action):
            cloud.create(SERVICE)


def test_permissions_that_cannot_be_read_are_a_warning(local: LocalAzure, cloud: AzureCloud) -> None:
    local.deny("Microsoft.Authorization/permissions/read")
    checks = cloud.preflight(SERVICE)
    assert failures(checks) == {}
    assert "Microsoft.Authorization/permissions/read" in warnings(checks)["permissions"]
    local.allow_all()
    local.fail("Permissions.List", code="Strange", status=400)
    assert "not checked" in warnings(cloud.preflight(SERVICE))["permissions"]
    local.fail("Permissions.List", status=503)
    with pytest.raises(CloudError) as caught:
        cloud.preflight(SERVICE)
    assert caught.value.is_transient


@pytest.mark.parametrize(
    ("actions", "not_actions", "allowed"),
    [
        (["*"], [], True),
        (["*"], ["Microsoft.Network/*"], False),
        (["Microsoft.Network/*"], [], True),
        (["microsoft.network/PRIVATEENDPOINTS/write"], [], True),
        (["Microsoft.Network/*/write"], [], True),
        (["*/read"], [], False),
        (["Microsoft.Network/privateEndpoints"], [], False),
        (["Microsoft.Network/privateEndpoints/*"], ["*/write"], False),
        (["Microsoft.Network/privateEndpoints/w.ite"], [], False),
        (["Microsoft.Storage/*"], [], False),
        ([], [], False),
        (None, None, False),
    ],
)
def test_wildcards_of_roles(actions: Any, not_actions: Any, allowed: bool) -> None:
    role = {"actions": actions, "notActions": not_actions}
    assert is_allowed([role], "Microsoft.Network/privateEndpoints/write") == allowed
    # a role takes nothing from another
    assert is_allowed([role, {"actions": ["*"], "notActions": []}], "Microsoft.Network/privateEndpoints/write")


def test_a_subnet_without_free_addresses(local: LocalAzure, make: Make) -> None:
    subnets = {"small": "10.9.0.0/29", "six": "fd00::/64"}
    network_id = local.add_virtual_network("vnet-small", subnets=subnets)
    cloud = make(local.subnet_id("small", network_id=network_id))
    assert Check("addresses", "ok", "subnet small has about 3 free") in cloud.preflight(None)
    for number in range(3):
        local.add_private_endpoint(
            f"taken-{number}", ANOTHER.name, subnet_id=local.subnet_id("small", network_id=network_id)
        )
    assert "subnet small seems to have no free address" in warnings(cloud.preflight(None))["addresses"]
    with pytest.raises(CloudError, match="SubnetIsFull"):
        cloud.create(SERVICE)
    six = make(local.subnet_id("six", network_id=network_id))
    assert "no IPv4 prefix" in warnings(six.preflight(None))["addresses"]


def test_what_is_billed(cloud: AzureCloud) -> None:
    cloud.check()
    assert cloud.bill(None) == ("Azure: 1 private endpoint, per hour in any state, plus traffic",)
    assert cloud.bill(SERVICE) == cloud.bill(None)
    assert "between the two regions" in cloud.bill(replace(SERVICE, region="westeurope"))[0]


def test_what_is_planned(cloud: AzureCloud, make: Make) -> None:
    assert cloud.planned(None) == "a private endpoint in subnet default of vnet-orders"
    assert cloud.planned(SERVICE).endswith(f"in subnet default of vnet-orders, leading to {TARGET}")
    assert make(name="mine").planned(None) == "private endpoint mine in subnet default of vnet-orders"


def test_the_name_stands_for_what_is_connected(cloud: AzureCloud, make: Make, local: LocalAzure) -> None:
    other = local.subnet_id(network_id=local.add_virtual_network("vnet-other"))
    names = [
        cloud.name_for(SERVICE),
        cloud.name_for(replace(SERVICE, group_id="x")),
        cloud.name_for(replace(SERVICE, service_id="x")),
        cloud.name_for(replace(SERVICE, name=f"{TARGET}2")),
        make(other).name_for(SERVICE),
    ]
    assert len(set(names)) == len(names)
    assert all(name.startswith("atlas-") and len(name) == 22 for name in names)
    same = [
        cloud.name_for(replace(SERVICE, name=TARGET.upper(), region=None, made_by=None, created=False)),
        make(local.subnet_id("backend").upper(), resource_group="rg-x").name_for(SERVICE),
    ]
    assert set(same) == {names[0]}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"subnet_id": "default"}, "subnet_id"),
        ({"subnet_id": NETWORK}, "subnet_id"),
        ({"subnet_id": f"{NETWORK}/subnets/a b"}, "subnet_id"),
        ({"name": "-mine"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": ""}, "name"),
        ({"resource_group": "/subscriptions/x/resourceGroups/rg"}, "resource_group"),
        ({"resource_group": ""}, "resource_group"),
        ({"subscription_id": "orders"}, "subscription_id"),
        ({"client": object(), "credential": object()}, "client"),
        ({"tags": {"a/b": "x"}}, "tags"),
        ({"tags": {"": "x"}}, "tags"),
        ({"tags": {"a": "x" * 257}}, "tags"),
        ({"tags": {"a": "1", "A": "2"}}, "tags"),
        ({"tags": {f"t{number}": "x" for number in range(46)}}, "tags"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(options: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=field) as caught:
        AzureCloud(**{"subnet_id": LocalAzure().subnet_id()} | options)
    assert caught.value.field == field


def test_an_endpoint_s_id_is_a_resource_id(cloud: AzureCloud) -> None:
    for endpoint_id in ("vpce-0123456789abcdef0", NETWORK):
        with pytest.raises(ValidationError, match="endpoint_id"):
            cloud.describe(endpoint_id)


# the SDK


def test_the_sdk_is_loaded_when_it_is_needed(local: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys; from atlas_privatelink.clouds.azure import AzureCloud;"
        f"AzureCloud({local.subnet_id()!r}, location='eastus2'); sys.exit('azure' in sys.modules)"
    )
    run([sys.executable, "-c", code], check=True)
    monkeypatch.setitem(sys.modules, "azure.mgmt.network", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'atlas-privatelink\[azure\]'"):
        AzureCloud(local.subnet_id(), credential=object()).check()


def test_a_client_of_its_own_is_closed(local: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    closed: list[str] = []
    lent = local.client(in_process=True)
    local.add_resource_group("rg-orders", subscription_id=OTHER_SUBSCRIPTION)

    class Client:
        def __init__(self, credential: object, subscription: str) -> None:
            opened.append(subscription)

        # private before azure-mgmt-network 29
        send_request = getattr(lent, "send_request", None) or lent._send_request

        def close(self) -> None:
            closed.append("client")

    monkeypatch.setattr(network, "NetworkManagementClient", Client)
    with AzureCloud(local.subnet_id(), credential=object(), subscription_id=OTHER_SUBSCRIPTION) as cloud:
        assert list(cloud.find_ours(GROUP_ID)) == []
    assert (opened, closed) == ([OTHER_SUBSCRIPTION], ["client"])
    with local.cloud(client=lent) as cloud:
        cloud.check()
    cloud.check()
