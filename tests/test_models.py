"""Results are true dataclasses, and errors carry what is known, wherever they are sent."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import typing
from typing import Any

import pytest
from support import GROUP_ID, INSTANCE, Caller

import atlas_privatelink
from atlas_privatelink import (
    ApiError,
    AtlasError,
    EndpointStatus,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Response,
    ServerlessEndpoint,
    ValidationError,
    models,
)
from atlas_privatelink.testing import AtlasEmulator

ENDPOINT = ServerlessEndpoint(
    id=GROUP_ID, status=EndpointStatus.RESERVED, comment="<b>&", extra={"links": [{"rel": "self"}]}
)
RESPONSE = Response(404, "GET", "https://cloud.mongodb.com/x", {"server": "mdbws"}, "HTTP/2.0", 1, 2, 0.5)


def test_dataclass_manners() -> None:
    assert dataclasses.asdict(ENDPOINT)["comment"] == "<b>&"
    assert [field.name for field in dataclasses.fields(ENDPOINT)][:3] == ["id", "status", "comment"]
    assert dataclasses.replace(ENDPOINT, comment=None).comment is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        ENDPOINT.comment = "other"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        ENDPOINT.__setattr__("colour", "red")
    assert hash(ENDPOINT) == hash(copy.copy(ENDPOINT))
    match ENDPOINT:
        case ServerlessEndpoint(id=found, status=EndpointStatus.RESERVED):
            assert found == GROUP_ID
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_results_pickle_without_their_response(call: Caller, atlas: AtlasEmulator, protocol: int) -> None:
    endpoint = call.create(atlas, comment="mine")
    assert endpoint.response.status_code == 201
    for same in (pickle.loads(pickle.dumps(endpoint, protocol)), copy.deepcopy(endpoint), copy.copy(endpoint)):
        assert same == endpoint and same.response is None
    assert "response" not in dataclasses.asdict(endpoint) and "response" not in repr(endpoint)


def test_an_unknown_status_is_kept() -> None:
    status = EndpointStatus("MOVING_HOUSE")
    assert status == "MOVING_HOUSE" and f"{status}" == str(status) == "MOVING_HOUSE"
    assert status not in list(EndpointStatus)
    assert pickle.loads(pickle.dumps(status)) == status
    assert pickle.loads(pickle.dumps(EndpointStatus.RESERVED)) is EndpointStatus.RESERVED
    with pytest.raises(ValueError):
        EndpointStatus(7)


def test_notebooks_see_a_table_and_no_markup_of_strangers() -> None:
    html = ENDPOINT._repr_html_()
    assert "&lt;b&gt;&amp;" in html and "<b>" not in html
    assert "RESERVED" in html and "error_message" not in html
    error = NotFound("<i>gone</i>", status_code=404, detail="<script>")
    assert "&lt;i&gt;gone" in error._repr_html_() and "<script>" not in error._repr_html_()


ERRORS = [
    ValidationError("comment must not be empty", field="comment"),
    OutcomeUnknown("unknown", candidates=(ENDPOINT,), response=RESPONSE),
    NotFound("no", status_code=404, error_code="X", detail="d", reason="r", parameters=("a", 1), response=RESPONSE),
    RateLimited("slow", status_code=429, retry_after=2.5, response=RESPONSE),
    atlas_privatelink.Timeout("late", response=None),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_pickle_with_all_they_know(error: AtlasError) -> None:
    for same in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error), copy.copy(error)):
        assert type(same) is type(error)
        assert str(same) == str(error) and same.__dict__ == error.__dict__


def test_errors_fit_into_pythons_own_tree() -> None:
    assert issubclass(ValidationError, ValueError)
    assert issubclass(atlas_privatelink.Timeout, TimeoutError)
    assert issubclass(atlas_privatelink.NotSent, ConnectionError)
    assert issubclass(OutcomeUnknown, ConnectionError)
    for name in atlas_privatelink.errors.__all__:
        assert issubclass(getattr(atlas_privatelink, name), AtlasError)


def test_the_id_and_the_facts_reach_the_caller(call: Caller, atlas: AtlasEmulator) -> None:
    with pytest.raises(ApiError) as caught:
        call(atlas, "get_endpoint", GROUP_ID, INSTANCE, GROUP_ID)
    error = caught.value
    assert isinstance(error, NotFound) and error.error_code == "TENANT_PRIVATE_ENDPOINT_NOT_FOUND"
    assert error.response is not None
    assert error.response.method == "GET" and error.response.url.endswith(GROUP_ID)
    assert "x-java-method" in error.response.headers


@pytest.mark.parametrize("version", ["v1.0", "v2"])
@pytest.mark.parametrize("envelope", [False, True])
def test_both_versions_with_and_without_envelope(
    call: Caller, atlas: AtlasEmulator, version: str, envelope: bool
) -> None:
    options = {"api_version": version}
    made = call.create(atlas, options=options, comment="mine", envelope=envelope, pretty=True)
    assert call(atlas, "list_endpoints", GROUP_ID, INSTANCE, options=options, envelope=envelope) == [made]
    assert call(atlas, "get_endpoint", GROUP_ID, INSTANCE, made.id, options=options, envelope=envelope) == made
    with pytest.raises(NotFound) as caught:
        call(atlas, "get_endpoint", GROUP_ID, INSTANCE, "0" * 24, options=options, envelope=envelope)
    assert caught.value.status_code == 404
    media = {"v1.0": "application/json", "v2": "application/vnd.atlas.2023-01-01+json"}[version]
    assert {request.headers["accept"] for request in atlas.requests()} == {media}


@pytest.mark.parametrize(
    "digest",
    ["jetty", "rising", "exact", "one-time", "misprint", "two-challenges", "header-twice", "sha-256", "no-qop", "open"],
)
def test_every_kind_of_challenge(call: Caller, digest: str) -> None:
    with AtlasEmulator(digest=digest) as atlas:  # type: ignore[arg-type]
        made = {call.create(atlas, comment=f"{number}").id for number in range(3)}
        assert {endpoint["_id"] for endpoint in atlas.endpoints()} == made
        assert atlas.stats().refused == 0


@pytest.mark.parametrize("how", ["version_gone", "not_serverless"])
def test_retirement_names_the_way_on(call: Caller, atlas: AtlasEmulator, how: str) -> None:
    atlas.retire(how)  # type: ignore[arg-type]
    with pytest.raises(ApiError, match=r"into dedicated clusters: use dedicated\.create_service") as caught:
        call.create(atlas)
    assert type(caught.value).__name__ == {"version_gone": "Gone", "not_serverless": "NotServerless"}[how]


@pytest.mark.parametrize("name", sorted(models.__all__))
def test_type_hints_can_be_resolved(name: str) -> None:
    """polars, pydantic and other readers of dataclasses ask for them."""
    model: Any = getattr(models, name)
    hints = typing.get_type_hints(model)
    if dataclasses.is_dataclass(model):
        assert {field.name for field in dataclasses.fields(model)} <= set(hints)
