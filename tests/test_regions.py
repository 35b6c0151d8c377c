"""A region goes by the cloud's own name and by Atlas's, in any case, on every cloud and in every call."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from answer_server import AnswerServer, Reply
from support import GROUP_ID, Caller

from atlas_privatelink import ApiError, ValidationError, _warnings
from atlas_privatelink._core import atlas_region, cloud_region
from atlas_privatelink.models import GcpEndpointService, ServiceStatus

# Google's regions whose names differ by no rule, and one of each other kind
REGIONS = [
    ("GCP", "CENTRAL_US", "us-central1"),
    ("GCP", "EASTERN_US", "us-east1"),
    ("GCP", "WESTERN_US", "us-west1"),
    ("GCP", "WESTERN_EUROPE", "europe-west1"),
    ("GCP", "EASTERN_ASIA_PACIFIC", "asia-east1"),
    ("GCP", "NORTHEASTERN_ASIA_PACIFIC", "asia-northeast1"),
    ("GCP", "SOUTHEASTERN_ASIA_PACIFIC", "asia-southeast1"),
    ("GCP", "NORTH_AMERICA_NORTHEAST_1", "northamerica-northeast1"),
    ("GCP", "NORTH_AMERICA_NORTHEAST_2", "northamerica-northeast2"),
    ("GCP", "NORTH_AMERICA_SOUTH_1", "northamerica-south1"),
    ("GCP", "SOUTH_AMERICA_EAST_1", "southamerica-east1"),
    ("GCP", "SOUTH_AMERICA_WEST_1", "southamerica-west1"),
    ("GCP", "MIDDLE_EAST_WEST_1", "me-west1"),
    ("GCP", "MIDDLE_EAST_CENTRAL_1", "me-central1"),
    ("GCP", "MIDDLE_EAST_CENTRAL_2", "me-central2"),
    ("GCP", "AFRICA_SOUTH_1", "africa-south1"),
    ("GCP", "EUROPE_WEST_12", "europe-west12"),
    ("AWS", "US_EAST_1", "us-east-1"),
    ("AWS", "US_GOV_WEST_1", "us-gov-west-1"),
    ("AZURE", "US_EAST_2", "eastus2"),
    ("AZURE", "ASIA_SOUTH_EAST", "southeastasia"),
]


@pytest.fixture(autouse=True)
def no_warning_was_given() -> None:
    _warnings._given.clear()


@pytest.fixture
def refusing() -> Iterator[AnswerServer]:
    """A server that wants none of what it is sent."""
    with AnswerServer(lambda request: Reply(400, body=b"{}")) as server:
        yield server


def spellings(atlas: str, cloud: str) -> set[str]:
    either = {atlas, cloud, atlas.replace("_", "-"), cloud.replace("-", "_")}
    return {spelt for name in either for spelt in (name, name.lower(), name.upper(), name.title())}


@pytest.mark.parametrize(("provider", "atlas", "cloud"), REGIONS)
def test_both_names_in_every_spelling(provider: str, atlas: str, cloud: str) -> None:
    for spelt in spellings(atlas, cloud):
        for cloud_spelt in (provider, provider.lower()):
            assert (cloud_region(cloud_spelt, spelt), atlas_region(cloud_spelt, spelt)) == (cloud, atlas), spelt


def test_names_that_people_write() -> None:
    assert cloud_region("AZURE", "EastUS2") == "eastus2" and atlas_region("AZURE", "EastUS2") == "US_EAST_2"
    assert atlas_region("GCP", "EASTERN_US_AW") == "EASTERN_US_AW"
    assert cloud_region("GCP", "EASTERN_US_AW") == "us-east1"
    assert cloud_region("ALIBABA", "cn-X_1") == "cn-X_1" and atlas_region("", "X") == "X"


def test_an_unknown_region_is_passed_on_with_one_warning() -> None:
    with pytest.warns(UserWarning, match="unknown GCP region 'moon-west3'") as told:
        for _ in range(3):
            assert cloud_region("GCP", "moon-west3") == "moon-west3"
            assert atlas_region("GCP", "moon-west3") == "MOON_WEST_3"
    (warning,) = told
    assert warning.filename == __file__


NAMED = {"customer_endpoint_dns_name": "x"}
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], str, str]] = [
    ("dedicated.create_service", (GROUP_ID, "AWS"), {}, "region", "us-east-1"),
    ("dedicated.create_service", (GROUP_ID, "AZURE"), {}, "region", "US_EAST_2"),
    ("dedicated.create_service", (GROUP_ID, "GCP"), {}, "region", "SOUTH_AMERICA_EAST_1"),
    ("encryption_at_rest.create_endpoint", (GROUP_ID, "AWS"), {}, "regionName", "US_EAST_1"),
    ("encryption_at_rest.create_endpoint", (GROUP_ID, "AZURE"), {}, "regionName", "US_EAST_2"),
    ("backup.create_endpoint", (GROUP_ID, "AWS"), {}, "regionName", "US_EAST_1"),
    ("stream_processing.create_connection", (GROUP_ID, "AWS"), {}, "region", "US_EAST_1"),
    ("stream_processing.create_connection", (GROUP_ID, "AZURE"), {}, "region", "US_EAST_2"),
    ("stream_processing.create_connection", (GROUP_ID, "GCP"), {}, "region", "SOUTH_AMERICA_EAST_1"),
    ("data_federation.create_endpoint", (GROUP_ID, "vpce-1"), NAMED, "region", "US_EAST_1"),
]  # fmt: skip
NAMES = {
    "US_EAST_1": ["us-east-1", "US_EAST_1", "us_east_1", "US-EAST-1"],
    "US_EAST_2": ["eastus2", "EastUS2", "US_EAST_2", "us_east_2"],
    "SOUTH_AMERICA_EAST_1": ["southamerica-east1", "SOUTH_AMERICA_EAST_1", "south_america_east_1"],
}
NAMES["us-east-1"] = NAMES["US_EAST_1"]


@pytest.mark.parametrize("case", CALLS, ids=lambda case: f"{case[0]}-{case[-1]}")
def test_every_call_sends_one_region(
    refusing: AnswerServer, call: Caller, case: tuple[str, tuple[Any, ...], dict[str, Any], str, str]
) -> None:
    method, args, options, field, sent = case
    for name in NAMES[sent]:
        with pytest.raises(ApiError):
            call(refusing, method, *args, region=name, **options)
        assert json.loads(refusing.requests[-1].body)[field] == sent, name


def test_regions_of_a_list(refusing: AnswerServer, call: Caller) -> None:
    for method, args in (("create_service", ("AWS", "us-east-1")), ("update_service", ("64f000000000000000000b01",))):
        with pytest.raises(ApiError):
            regions = ["us_west_2", "EU_WEST_1", "Eu-Central-1"]
            call(refusing, f"dedicated.{method}", GROUP_ID, *args, supported_remote_regions=regions)
        body = json.loads(refusing.requests[-1].body)
        assert body["supportedRemoteRegions"] == ["us-west-2", "eu-west-1", "eu-central-1"]


def test_a_call_warns_of_an_unknown_region_and_sends_it(refusing: AnswerServer, call: Caller) -> None:
    with pytest.warns(UserWarning, match="unknown AWS region 'moon-east-1'") as told:
        for _ in range(2):
            with pytest.raises(ApiError):
                call(refusing, "dedicated.create_service", GROUP_ID, "AWS", "moon-east-1")
    (warning,) = told
    assert warning.filename.endswith("support.py")
    assert [json.loads(request.body)["region"] for request in refusing.requests] == ["moon-east-1"] * 2


def test_what_is_no_name_is_refused_without_a_warning(refusing: AnswerServer, call: Caller) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for region in ("", "east us", "/x", "1"):
            with pytest.raises(ValidationError, match=r"^region must be"):
                call(refusing, "dedicated.create_service", GROUP_ID, "AWS", region)
        with pytest.raises(ValidationError, match=r"^service_id must be"):
            call(refusing, "dedicated.update_service", GROUP_ID, "x", supported_remote_regions=["moon-east-1"])
    assert told == [] and refusing.requests == []


def test_answers_keep_atlas_s_name() -> None:
    service = GcpEndpointService("a", ServiceStatus.AVAILABLE, cloud_provider="GCP", region_name="SOUTH_AMERICA_EAST_1")
    assert (service.region_name, service.region) == ("SOUTH_AMERICA_EAST_1", "southamerica-east1")
