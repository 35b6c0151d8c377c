"""Dedicated clusters and the smaller families, against the emulator on its driven clock."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from support import GROUP_ID, Caller, DrivenCaller

from atlas_privatelink import (
    ApiError,
    AwsEndpoint,
    AwsEndpointService,
    AzureEndpoint,
    AzureEndpointService,
    Conflict,
    EndpointFailed,
    GcpEndpointGroup,
    GcpEndpointService,
    NotFound,
    ServerlessEndpoint,
    ValidationError,
    WaitTimeout,
)
from atlas_privatelink.testing import AtlasEmulator

VPC_ENDPOINT = "vpce-0123456789abcdef0"
AZURE_ENDPOINT = (
    "/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/a b"
    "/providers/Microsoft.Network/privateEndpoints/ü"
)


@pytest.fixture(params=["recorded", "documented"])
def atlas_of_both_codes(request: pytest.FixtureRequest, call: Caller) -> Iterator[DrivenCaller]:
    """Whether Atlas answers with the codes that were recorded or those that are documented makes no difference."""
    with AtlasEmulator(clock="driven", status_codes=request.param) as emulator:
        yield DrivenCaller(emulator, call.kind)


@pytest.fixture
def calls(call: Caller) -> Iterator[DrivenCaller]:
    """The test runs once with each client."""
    with AtlasEmulator(clock="driven") as emulator:
        yield DrivenCaller(emulator, call.kind)


def statuses(atlas: DrivenCaller, *path: str) -> list[int | None]:
    return [r.status for r in atlas.emulator.requests() if r.authorization and r.method in path]


def test_aws_from_nothing_to_a_connection_string_and_back(atlas_of_both_codes: DrivenCaller) -> None:
    atlas = atlas_of_both_codes
    service = atlas("dedicated.create_service", GROUP_ID, "AWS", "us-east-1")
    assert isinstance(service, AwsEndpointService)
    assert (service.status, service.region_name, service.region) == ("INITIATING", "US_EAST_1", "us-east-1")
    assert service.endpoint_service_name is None and service.interface_endpoints == ()
    ready = atlas("dedicated.wait_for_service", GROUP_ID, "AWS", service.id)
    assert ready.status == "AVAILABLE"
    assert ready.endpoint_service_name.startswith("com.amazonaws.vpce.us-east-1.vpce-svc-")
    endpoint = atlas("dedicated.create_endpoint", GROUP_ID, "AWS", service.id, VPC_ENDPOINT)
    assert isinstance(endpoint, AwsEndpoint)
    assert (endpoint.id, endpoint.status, endpoint.delete_requested) == (VPC_ENDPOINT, "PENDING_ACCEPTANCE", False)
    usable = atlas("dedicated.wait_for_endpoint", GROUP_ID, "AWS", service.id, VPC_ENDPOINT)
    assert (usable.status, usable.cloud_provider) == ("AVAILABLE", "AWS")
    strings = atlas("dedicated.connection_string", GROUP_ID, "Cluster0", usable)
    assert strings.srv == "mongodb+srv://cluster0-pl-0-xxxxx.mongodb.net"
    assert strings.standard.startswith("mongodb://cluster0-pl-0-xxxxx.mongodb.net:1024,")
    assert (strings.id, strings.provider_name, strings.region) == (VPC_ENDPOINT, "AWS", "US_EAST_1")
    (listed,) = atlas("dedicated.list_services", GROUP_ID, "AWS")
    assert listed.interface_endpoints == (VPC_ENDPOINT,)
    assert atlas("dedicated.get_service", GROUP_ID, "AWS", service.id) == listed

    with pytest.raises(Conflict):
        atlas("dedicated.delete_service", GROUP_ID, "AWS", service.id)
    atlas("dedicated.delete_endpoint", GROUP_ID, "AWS", service.id, VPC_ENDPOINT)
    assert atlas("dedicated.get_endpoint", GROUP_ID, "AWS", service.id, VPC_ENDPOINT).status == "DELETING"
    assert atlas("dedicated.wait_for_endpoint", GROUP_ID, "AWS", service.id, VPC_ENDPOINT, until="DELETED") is None
    # the last endpoint takes its service along
    assert atlas("dedicated.wait_for_service", GROUP_ID, "AWS", service.id, until="DELETED") is None
    unused = atlas("dedicated.create_service", GROUP_ID, "AWS", "us-east-1")
    atlas("dedicated.delete_service", GROUP_ID, "AWS", unused.id)
    assert atlas("dedicated.wait_for_service", GROUP_ID, "AWS", unused.id, until="DELETED") is None
    with pytest.raises(NotFound, match="PRIVATE_ENDPOINT_SERVICE_NOT_FOUND"):
        atlas("dedicated.get_service", GROUP_ID, "AWS", service.id)
    seen = set(statuses(atlas, "POST", "DELETE")) - {409}
    assert seen in ({201, 202}, {200, 204})


def test_azure(calls: DrivenCaller) -> None:
    service = calls("dedicated.create_service", GROUP_ID, "AZURE", "eastus2")
    assert isinstance(service, AzureEndpointService) and service.region_name == "US_EAST_2"
    ready = calls("dedicated.wait_for_service", GROUP_ID, "AZURE", service.id, until="AVAILABLE")
    assert ready.private_link_service_resource_id.endswith(ready.private_link_service_name)
    made = calls(
        "dedicated.create_endpoint",
        GROUP_ID,
        "AZURE",
        service.id,
        AZURE_ENDPOINT,
        private_endpoint_ip_address="10.0.0.4",
    )
    assert isinstance(made, AzureEndpoint)
    usable = calls("dedicated.wait_for_endpoint", GROUP_ID, "AZURE", service.id, AZURE_ENDPOINT)
    assert (usable.id, usable.status, usable.private_endpoint_ip_address) == (AZURE_ENDPOINT, "AVAILABLE", "10.0.0.4")
    calls("dedicated.delete_endpoint", GROUP_ID, "AZURE", service.id, AZURE_ENDPOINT)
    targets = [r.target for r in calls.emulator.requests() if "Microsoft.Network" in r.target]
    assert targets and all("%2Fsubscriptions%2F" in target and "a%20b" in target for target in targets)


def test_gcp(calls: DrivenCaller) -> None:
    service = calls("dedicated.create_service", GROUP_ID, "GCP", "europe-west3")
    assert isinstance(service, GcpEndpointService) and service.region_name == "EUROPE_WEST_3"
    assert service.region == "europe-west3" and not service.port_mapping_enabled
    told: list[Any] = []
    ready = calls("dedicated.wait_for_service", GROUP_ID, "GCP", service.id, on_progress=told.append)
    attachments = [progress.endpoint.service_attachment_names for progress in told]
    assert any(0 < len(names) < 6 for names in attachments), "they fill up while it is INITIATING"
    assert len(ready.service_attachment_names) == 6
    rules = [(f"rule-{number}", f"10.0.0.{number}") for number in range(6)]
    options = {"gcp_project_id": "p-0123456789abcdefghijklmn", "endpoints": rules}
    made = calls("dedicated.create_endpoint", GROUP_ID, "GCP", service.id, "group-0", **options)
    assert isinstance(made, GcpEndpointGroup)
    of_rules = [(rule.name, rule.ip_address, rule.status) for rule in made.endpoints]
    assert of_rules == [(*rule, "INITIATING") for rule in rules]
    told.clear()
    usable = calls("dedicated.wait_for_endpoint", GROUP_ID, "GCP", service.id, "group-0", on_progress=told.append)
    assert {progress.status for progress in told} == {"INITIATING", "VERIFIED"}
    assert (usable.id, usable.gcp_project_id) == ("group-0", "p-0123456789abcdefghijklmn")


def test_gcp_port_mapped(calls: DrivenCaller) -> None:
    service = calls("dedicated.create_service", GROUP_ID, "GCP", "europe-west3", port_mapping_enabled=True)
    assert service.port_mapping_enabled is True
    ready = calls("dedicated.wait_for_service", GROUP_ID, "GCP", service.id)
    assert len(ready.service_attachment_names) == 1
    options = {"gcp_project_id": "orders-1234", "endpoints": [("rule", "10.0.0.1")]}
    made = calls("dedicated.create_endpoint", GROUP_ID, "GCP", service.id, "rule", **options)
    usable = calls("dedicated.wait_for_endpoint", GROUP_ID, "GCP", service.id, "rule")
    assert (made.id, usable.id, usable.port_mapping_enabled) == ("rule", "rule", True)
    assert [(rule.name, rule.status) for rule in usable.endpoints] == [("rule", "AVAILABLE")]


def test_one_service_per_region(calls: DrivenCaller) -> None:
    made = calls("dedicated.create_service", GROUP_ID, "AWS", "us-east-1")
    with pytest.raises(Conflict, match="PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION"):
        calls("dedicated.create_service", GROUP_ID, "AWS", "US_EAST_1")
    assert calls("dedicated.create_service", GROUP_ID, "AWS", "US_EAST_1", if_exists="adopt").id == made.id
    assert calls("dedicated.create_service", GROUP_ID, "AWS", "us-east-2", if_exists="adopt").id != made.id


def test_a_known_endpoint(calls: DrivenCaller) -> None:
    service = calls("dedicated.create_service", GROUP_ID, "AWS", "us-east-1").id
    with pytest.raises(ApiError, match="ENDPOINT_SERVICE_NOT_AVAILABLE"):
        calls("dedicated.create_endpoint", GROUP_ID, "AWS", service, VPC_ENDPOINT)
    calls("dedicated.wait_for_service", GROUP_ID, "AWS", service)
    calls("dedicated.create_endpoint", GROUP_ID, "AWS", service, VPC_ENDPOINT)
    with pytest.raises(Conflict):
        calls("dedicated.create_endpoint", GROUP_ID, "AWS", service, VPC_ENDPOINT)
    adopted = calls("dedicated.create_endpoint", GROUP_ID, "AWS", service, VPC_ENDPOINT, if_exists="adopt")
    assert adopted.id == VPC_ENDPOINT


@pytest.mark.parametrize("if_exists", ["error", "adopt"])
@pytest.mark.parametrize("fault", ["reset_after_handler", "reset_before_handler", "close_after_handler", "empty_body"])
def test_a_lost_creation_is_settled(calls: DrivenCaller, fault: Any, if_exists: str) -> None:
    """Whether it was executed or not: DrivenCaller makes no second one, so it is found, or asked for again."""
    calls.emulator.fault(fault, method="POST", authenticated=True)
    service = calls("dedicated.create_service", GROUP_ID, "AWS", "us-east-1", if_exists=if_exists)
    assert [one.id for one in calls("dedicated.list_services", GROUP_ID, "AWS")] == [service.id]
    calls("dedicated.wait_for_service", GROUP_ID, "AWS", service.id)
    calls.emulator.fault(fault, method="POST", authenticated=True)
    endpoint = calls("dedicated.create_endpoint", GROUP_ID, "AWS", service.id, VPC_ENDPOINT, if_exists=if_exists)
    assert endpoint.id == VPC_ENDPOINT
    assert calls.emulator.stats().endpoints_made == 2


def test_what_fails(calls: DrivenCaller) -> None:
    calls.emulator.fail_next_endpoint("No capacity.")
    service = calls("dedicated.create_service", GROUP_ID, "AWS", "us-east-1")
    with pytest.raises(
        EndpointFailed, match=r"endpoint service .* will not become RESERVED: Atlas says FAILED: No capacity"
    ) as caught:
        calls("dedicated.wait_for_service", GROUP_ID, "AWS", service.id)
    assert caught.value.endpoint.id == service.id
    good = calls("dedicated.create_service", GROUP_ID, "AWS", "us-east-2").id
    calls("dedicated.wait_for_service", GROUP_ID, "AWS", good)
    calls.emulator.fail_next_endpoint("Rejected by hand.")
    calls("dedicated.create_endpoint", GROUP_ID, "AWS", good, VPC_ENDPOINT)
    with pytest.raises(EndpointFailed, match="Atlas says REJECTED: Rejected by hand"):
        calls("dedicated.wait_for_endpoint", GROUP_ID, "AWS", good, VPC_ENDPOINT)


def test_remote_regions(calls: DrivenCaller) -> None:
    service = calls("dedicated.create_service", GROUP_ID, "AWS", "us-east-1", supported_remote_regions=["us-west-2"])
    assert service.supported_remote_regions == ("US_WEST_2",)
    for lost in (None, "reset_after_handler", "reset_before_handler"):
        if lost:
            calls.emulator.fault(lost, method="PATCH", authenticated=True)
        regions = ["EU_WEST_1", "eu-west-2"]
        changed = calls("dedicated.update_service", GROUP_ID, service.id, supported_remote_regions=regions)
        assert (changed.id, changed.supported_remote_regions) == (service.id, ("EU_WEST_1", "EU_WEST_2"))


def test_regional_mode(calls: DrivenCaller) -> None:
    assert calls("dedicated.get_regional_mode", GROUP_ID) is False
    assert calls("dedicated.set_regional_mode", GROUP_ID, True) is True
    calls.emulator.fault("reset_after_handler", method="PATCH", authenticated=True)
    assert calls("dedicated.set_regional_mode", GROUP_ID, False) is False
    assert calls("dedicated.get_regional_mode", GROUP_ID) is False


def test_serverless_connection_string(calls: DrivenCaller) -> None:
    made: ServerlessEndpoint = calls("create_endpoint", GROUP_ID, "Main", comment="x")
    with pytest.raises(ValidationError, match=r"^endpoint must not be empty"):
        calls("connection_string", GROUP_ID, "Main", made)
    calls("wait_for_endpoint", GROUP_ID, "Main", made.id, until="RESERVED")
    calls("update_endpoint", GROUP_ID, "Main", made.id, cloud_provider_endpoint_id=VPC_ENDPOINT)
    with pytest.raises(WaitTimeout, match="private connection string vpce-0123456789abcdef0 is not AVAILABLE"):
        calls("connection_string", GROUP_ID, "Main", VPC_ENDPOINT, timeout=60)
    usable = calls("wait_for_endpoint", GROUP_ID, "Main", made.id)
    strings = calls("connection_string", GROUP_ID, "Main", usable)
    assert (strings.srv, strings.standard) == ("mongodb+srv://main-pe-0.xxxxx.mongodb.net", None)


def test_data_federation(calls: DrivenCaller) -> None:
    create, name = "data_federation.create_endpoint", {"comment": "lake", "provider": "AWS"}
    calls.emulator.fault("reset_after_handler", method="POST", authenticated=True)
    made = calls(create, GROUP_ID, VPC_ENDPOINT, **name)
    assert (made.id, made.status, made.comment, made.type) == (VPC_ENDPOINT, "OK", "lake", "DATA_LAKE")
    named = {"region": "us-east-1", "customer_endpoint_dns_name": "vpce.example.com"}
    again = calls(create, GROUP_ID, VPC_ENDPOINT, **name, **named)
    assert (again.region, again.customer_endpoint_dns_name) == ("US_EAST_1", "vpce.example.com")
    other = calls(create, GROUP_ID, AZURE_ENDPOINT, provider="AZURE", customer_endpoint_ip_address="10.0.0.1")
    assert {one.id for one in calls("data_federation.list_endpoints", GROUP_ID)} == {VPC_ENDPOINT, AZURE_ENDPOINT}
    assert calls("data_federation.get_endpoint", GROUP_ID, AZURE_ENDPOINT) == other
    assert calls("data_federation.wait_for_endpoint", GROUP_ID, VPC_ENDPOINT).id == VPC_ENDPOINT
    calls("data_federation.delete_endpoint", GROUP_ID, VPC_ENDPOINT)
    assert calls("data_federation.wait_for_endpoint", GROUP_ID, VPC_ENDPOINT, until="DELETED") is None


def test_stream_processing(calls: DrivenCaller) -> None:
    given = {
        "region": "us-east-2",
        "vendor": "EVENTHUB",
        "service_endpoint_id": "/subscriptions/x",
        "dns_domain": "a.net",
    }
    calls.emulator.fault("close_after_handler", method="POST", authenticated=True)
    made = calls("stream_processing.create_connection", GROUP_ID, "AZURE", **given)
    assert (made.region, made.vendor, made.service_endpoint_id) == ("US_EAST_2", "EVENTHUB", "/subscriptions/x")
    assert [one.id for one in calls("stream_processing.list_connections", GROUP_ID)] == [made.id]
    changed = calls("stream_processing.update_connection", GROUP_ID, made.id, dns_domain="b.net")
    assert changed.dns_domain == "b.net"
    done = calls("stream_processing.wait_for_connection", GROUP_ID, made.id)
    assert (done.id, done.status) == (made.id, "DONE")
    assert calls("stream_processing.get_connection", GROUP_ID, made.id) == done
    calls("stream_processing.delete_connection", GROUP_ID, made.id)
    assert calls("stream_processing.wait_for_connection", GROUP_ID, made.id, until="DELETED") is None


@pytest.mark.parametrize("family", ["encryption_at_rest", "backup"])
def test_keys_and_backups(calls: DrivenCaller, family: str) -> None:
    calls.emulator.fault("reset_after_handler", method="POST", authenticated=True)
    made = calls(f"{family}.create_endpoint", GROUP_ID, "AWS", "us-east-1")
    assert (made.status, made.cloud_provider, made.region) == ("INITIATING", "AWS", "us-east-1")
    assert [one.id for one in calls(f"{family}.list_endpoints", GROUP_ID, "AWS")] == [made.id]
    assert (
        calls(f"{family}.wait_for_endpoint", GROUP_ID, "AWS", made.id, until="RESERVED").status == "PENDING_ACCEPTANCE"
    )
    active = calls(f"{family}.wait_for_endpoint", GROUP_ID, "AWS", made.id)
    assert active.status == "ACTIVE" and calls(f"{family}.get_endpoint", GROUP_ID, "AWS", made.id) == active
    calls(f"{family}.delete_endpoint", GROUP_ID, "AWS", made.id)
    assert calls(f"{family}.wait_for_endpoint", GROUP_ID, "AWS", made.id, until="DELETED") is None


def test_lists_of_many_pages(call: Caller) -> None:
    with AtlasEmulator(clock="driven", digest="open") as emulator:
        calls = DrivenCaller(emulator, call.kind)
        url = f"{emulator.base_url}/api/atlas/v2/groups/{GROUP_ID}/privateNetworkSettings/endpointIds"
        for n in range(1_203):
            body = json.dumps({"endpointId": f"vpce-{n:017x}"}).encode()
            urllib.request.urlopen(urllib.request.Request(url, body, {"content-type": "application/json"})).close()
            if n == 600:
                assert len(calls("data_federation.list_endpoints", GROUP_ID)) == 601
        listed = calls("data_federation.list_endpoints", GROUP_ID)
        assert len({one.id for one in listed}) == 1_203


def test_version_1_has_no_smaller_families(calls: DrivenCaller) -> None:
    with calls.emulator.client(api_version="v1.0") as client:
        with pytest.raises(ValidationError, match=r"^api_version must be \"v2\" or left out"):
            client.backup.list_endpoints(GROUP_ID, "AWS")
        service = client.dedicated.create_service(GROUP_ID, "AWS", "us-east-1")
        assert service.response is not None and "/api/atlas/v1.0/" in service.response.url
    assert len([r for r in calls.emulator.requests() if r.authorization]) == 1


def test_options_hold_for_all_families(calls: DrivenCaller) -> None:
    with calls.emulator.client() as client:
        enveloped = client.with_options(envelope=True, pretty=True)
        service = enveloped.dedicated.create_service(GROUP_ID, "AWS", "us-east-1")
        assert service.response is not None and "pretty=true&envelope=true" in service.response.url
        with pytest.raises(NotFound):
            enveloped.dedicated.get_service(GROUP_ID, "AWS", "0" * 24)


SERVICE = "0" * 24
REGIONS, ADDRESS, CLOUD_ID = "supported_remote_regions", "private_endpoint_ip_address", "cloud_provider_endpoint_id"
GCP_RULES = {"gcp_project_id": "p", "endpoints": [("a", "b")]}

BAD: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("dedicated.create_service", (GROUP_ID, "aws", "us-east-1"), {}, "provider"),
    ("dedicated.create_service", ("x", "AWS", "us-east-1"), {}, "group_id"),
    ("dedicated.create_service", (GROUP_ID, "AWS", "us east"), {}, "region"),
    ("dedicated.create_service", (GROUP_ID, "AWS", ""), {}, "region"),
    ("dedicated.create_service", (GROUP_ID, "AWS", "us-east-1"), {"if_exists": "create"}, "if_exists"),
    ("dedicated.create_service", (GROUP_ID, "AZURE", "x"), {REGIONS: []}, REGIONS),
    ("dedicated.create_service", (GROUP_ID, "AWS", "x"), {REGIONS: ["a"] * 36}, REGIONS),
    ("dedicated.create_service", (GROUP_ID, "AWS", "x"), {"port_mapping_enabled": True}, "port_mapping_enabled"),
    ("dedicated.get_service", (GROUP_ID, "AWS", "vpce-1"), {}, "service_id"),
    ("dedicated.create_endpoint", (GROUP_ID, "AWS", SERVICE, "eni-1"), {}, "endpoint_id"),
    ("dedicated.create_endpoint", (GROUP_ID, "AZURE", SERVICE, "vpce-1"), {}, "endpoint_id"),
    ("dedicated.create_endpoint", (GROUP_ID, "AZURE", SERVICE, "/x"), {}, ADDRESS),
    ("dedicated.create_endpoint", (GROUP_ID, "AZURE", SERVICE, "/x"), {ADDRESS: "1.2.3"}, ADDRESS),
    ("dedicated.create_endpoint", (GROUP_ID, "GCP", SERVICE, "x"), {}, "gcp_project_id"),
    ("dedicated.create_endpoint", (GROUP_ID, "GCP", SERVICE, "x"), GCP_RULES, "endpoints"),
    ("dedicated.create_endpoint", (GROUP_ID, "AWS", SERVICE, "vpce-1"), {"endpoints": []}, "endpoints"),
    ("dedicated.get_endpoint", (GROUP_ID, "AWS", SERVICE, " vpce-1"), {}, "endpoint_id"),
    ("dedicated.wait_for_service", (GROUP_ID, "AWS", SERVICE), {"until": "READY"}, "until"),
    ("dedicated.connection_string", (GROUP_ID, "a/b", "vpce-1"), {}, "cluster_name"),
    ("data_federation.create_endpoint", (GROUP_ID, ""), {}, "endpoint_id"),
    ("data_federation.create_endpoint", (GROUP_ID, "vpce-1"), {"region": "us-east-1"}, "customer_endpoint_dns_name"),
    ("data_federation.create_endpoint", (GROUP_ID, "vpce-1"), {"customer_endpoint_dns_name": "x"}, "region"),
    ("data_federation.create_endpoint", (GROUP_ID, "vpce-1"), {"provider": "GCP"}, "provider"),
    ("data_federation.create_endpoint", (GROUP_ID, "vpce-1"), {"comment": "x" * 80}, "comment"),
    ("data_federation.get_endpoint", (GROUP_ID, ".."), {}, "endpoint_id"),
    ("stream_processing.get_connection", (GROUP_ID, "x"), {}, "connection_id"),
    ("stream_processing.update_connection", (GROUP_ID, SERVICE), {"dns_domain": ""}, "dns_domain"),
    ("stream_processing.create_connection", (GROUP_ID, "ORACLE"), {}, "provider"),
    ("encryption_at_rest.create_endpoint", (GROUP_ID, "GCP", "x"), {}, "provider"),
    ("backup.create_endpoint", (GROUP_ID, "AZURE", "x"), {}, "provider"),
    ("backup.create_endpoint", (GROUP_ID, "AWS", "x"), {"vpc_region": "a b"}, "vpc_region"),
    ("find_endpoint", (GROUP_ID, "a"), {"comment": ""}, "comment"),
    ("update_endpoint", (GROUP_ID, "a", SERVICE), {}, "provider_name"),
    ("update_endpoint", (GROUP_ID, "a", SERVICE), {CLOUD_ID: "eni-1"}, CLOUD_ID),
]  # fmt: skip


@pytest.mark.parametrize(("method", "args", "options", "field"), BAD)
def test_bad_arguments_send_nothing(
    calls: DrivenCaller, method: str, args: tuple[Any, ...], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        calls(method, *args, **options)
    assert (caught.value.field == field and str(caught.value).startswith(f"{field} must be ")) or "must not" in str(
        caught.value
    )
    assert calls.emulator.requests() == []


@pytest.mark.parametrize(
    ("method", "args", "options", "field"),
    [
        ("dedicated.create_service", (GROUP_ID, "AWS", 7), {}, "region"),
        ("dedicated.create_service", (GROUP_ID, "AWS", "x"), {REGIONS: "us-east-1"}, REGIONS),
        ("dedicated.set_regional_mode", (GROUP_ID, "yes"), {}, "enabled"),
        ("dedicated.get_service", (GROUP_ID, None, SERVICE), {}, "provider"),
        ("stream_processing.create_connection", (GROUP_ID, "AWS"), {"dns_sub_domain": 7}, "dns_sub_domain"),
    ],
)  # fmt: skip
def test_wrong_types_name_the_argument(
    calls: DrivenCaller, method: str, args: tuple[Any, ...], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(TypeError, match=f"^{field}: "):
        calls(method, *args, **options)


def test_a_service_account_of_the_emulator(call: Caller) -> None:
    with AtlasEmulator(clock="driven", token_seconds=600) as emulator:
        account: Any = {"public_key": None, "private_key": None, "client_id": emulator.client_id}
        account["client_secret"] = emulator.client_secret
        for _ in range(3):
            assert call(emulator, "list_endpoints", GROUP_ID, "a", options=account) == []
        assert emulator.stats().tokens_issued == 1
        emulator.expire_tokens()
        assert call(emulator, "list_endpoints", GROUP_ID, "a", options=account) == []
        assert emulator.stats().tokens_issued == 2
        shown = repr(list(emulator.requests()))
        assert emulator.client_secret not in shown and "eyJ" not in shown


def test_deprecation_is_told_once_per_operation(call: Caller) -> None:
    from atlas_privatelink import _warnings

    _warnings._given.clear()
    with AtlasEmulator() as emulator:
        emulator.deprecate(deprecation="Wed, 19 Feb 2025 00:00:00 GMT", sunset="Thu, 22 Jan 2026 00:00:00 GMT")
        with pytest.warns(DeprecationWarning) as told:
            for _ in range(3):
                call(emulator, "list_endpoints", GROUP_ID, "a")
            call(emulator, "find_endpoint", GROUP_ID, "a", comment="x")  # the same operation
        (warning,) = told
        assert "list_endpoints: Atlas says that this operation is deprecated, since Wed, 19 Feb 2025" in str(
            warning.message
        )
        assert "sunset on Thu, 22 Jan 2026" in str(warning.message)
        assert warning.filename.endswith("support.py")
        with pytest.raises(DeprecationWarning) as raised:  # as pytest has it here: warnings are errors
            call.create(emulator)
        assert raised.value.result.id  # type: ignore[attr-defined]


def test_what_support_asks_for(atlas: AtlasEmulator, call: Caller) -> None:
    response = call.create(atlas).response
    assert response.java_method.endswith("::createEndpoint") and "versionString" in response.service_version
    assert (response.rate_limit.limit, response.rate_limit.remaining) == (4000, 3999)
    assert response.rate_limit.retry_after is None
