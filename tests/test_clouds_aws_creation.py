"""AwsCloud creates at most one VPC endpoint, whatever client tokens, lists and tag policies of EC2 do."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from aws_here import Here, begin, ids_of, world
from support import GROUP_ID

from atlas_privatelink.clouds.aws import AwsCloud
from atlas_privatelink.clouds.calls import Abandoned, CallLimit, current_limit
from atlas_privatelink.clouds.ownership import Mark
from atlas_privatelink.errors import CloudError, CloudPermissionDenied, ValidationError

pytest.importorskip("moto", reason="the extra demo is not installed")

TOKENS = pytest.mark.parametrize("tokens", ["returns-deleted", "mismatch", "forgets"])
TAGS_COUNT = pytest.mark.parametrize("tags_count", [True, False], ids=["tags-count", "tags-do-not-count"])


@pytest.fixture(scope="module")
def shared() -> Iterator[Here]:
    """A local EC2 for all tests."""
    with world() as here:
        yield here


@pytest.fixture
def here(shared: Here, monkeypatch: pytest.MonkeyPatch) -> Here:
    """A local EC2 without VPC endpoints."""
    return begin(shared, monkeypatch)


@TOKENS
@TAGS_COUNT
@pytest.mark.parametrize("lists_lag", [0, 4])
def test_one_call_creates_and_others_adopt(here: Here, tokens: str, tags_count: bool, lists_lag: int) -> None:
    here.set(tokens=tokens, tags_count=tags_count, lists_lag=lists_lag)
    first = here.cloud().create(here.service)
    others = [here.cloud().create(replace(here.service, made_by=f"run-{number}")) for number in range(2)]
    assert here.ids() == [first.id]
    assert (first.origin, first.is_ours, first.made_by) == ("created", True, None)
    assert [(one.id, one.origin, one.is_ours) for one in others] == [(first.id, "adopted", True)] * 2


@TOKENS
@TAGS_COUNT
def test_one_of_many_that_run_at_once_creates(here: Here, tokens: str, tags_count: bool) -> None:
    # nobody sees at first what the others have created
    here.set(tokens=tokens, tags_count=tags_count, lists_lag=12, shown_after=2)
    barrier = Barrier(4)

    def create(number: int) -> Any:
        cloud = here.cloud()
        barrier.wait(10)
        return cloud.create(replace(here.service, made_by=f"run-{number}"))

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(create, range(4)))
    assert here.ids() == [made[0].id]
    assert {one.id for one in made} == {made[0].id}
    assert sorted(str(one.origin) for one in made) == ["adopted"] * 3 + ["created"]
    (creator,) = (number for number, one in enumerate(made) if one.origin == "created")
    assert here.tags(made[0].id)["atlas-made-by"] == f"run-{creator}"


@TOKENS
@TAGS_COUNT
@pytest.mark.parametrize("deleting_looks", [0, 3])
def test_after_a_deletion_a_new_one_is_created_without_waiting(
    here: Here, tokens: str, tags_count: bool, deleting_looks: int
) -> None:
    here.set(tokens=tokens, tags_count=tags_count, deleting_looks=deleting_looks)
    cloud, notes = here.cloud(), list[str]()
    cloud.on_note = notes.append
    seen: list[str] = []
    for _ in range(4):
        made = cloud.create(here.service)
        assert (made.origin, made.phase, here.ids()) == ("created", "pending", [made.id])
        seen.append(made.id)
        cloud.delete(made)
    assert len(set(seen)) == 4
    assert notes == []


def test_a_deleted_endpoint_that_ec2_has_forgotten_uses_its_token_up(here: Here) -> None:
    here.set(tokens="mismatch", deleted_looks=0)
    cloud, notes = here.cloud(list_lag=0.05), list[str]()
    cloud.on_note = notes.append
    first = cloud.create(here.service)
    cloud.delete(first)
    assert notes == []
    second = cloud.create(here.service)
    assert (second.origin, here.ids()) == ("created", [second.id])
    assert "IdempotentParameterMismatch" in notes[0]
    assert here.service.name in notes[0]


def test_deleted_endpoints_without_tags_count_in_their_order(here: Here) -> None:
    here.set(tokens="mismatch")
    cloud, notes = here.cloud(), list[str]()
    cloud.on_note = notes.append
    for _ in range(2):
        made = cloud.create(here.service)
        cloud.delete(made)
        shown = here.client.describe_vpc_endpoints(VpcEndpointIds=[made.id])["VpcEndpoints"][0]
        here.client.delete_tags(Resources=[made.id], Tags=[{"Key": tag["Key"]} for tag in shown["Tags"]])
    assert cloud.create(here.service).origin == "created"
    assert notes == []


def test_a_deleted_endpoint_without_tags_uses_one_token_up(here: Here) -> None:
    here.set(tokens="mismatch")
    before = here.cloud().create(here.service)
    here.cloud().delete(before)
    here.client.delete_tags(Resources=[before.id], Tags=[{"Key": key} for key, _ in before.tags])
    # the second token's endpoint is there, and not shown yet
    here.set(lists_lag=8)
    made = here.cloud().create(here.service)
    assert here.cloud().create(here.service).id == made.id
    assert here.ids() == [made.id]


def test_somebody_elses_deleted_endpoint_uses_no_token_up(here: Here) -> None:
    here.set(tokens="mismatch", lists_lag=8)
    here.client.delete_vpc_endpoints(VpcEndpointIds=[here.stranger({"created-by": "terraform"})])
    first = here.cloud().create(here.service)
    assert here.cloud().create(here.service).id == first.id
    assert here.ids() == [first.id]


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_token_that_a_refused_request_has_used_up(here: Here, is_killed: bool) -> None:
    cloud = here.cloud()
    # its zones are known, and then it is not
    cloud.preflight(here.service)
    here.set(tokens="mismatch", service_known_after=1)
    with pytest.raises(CloudError, match="InvalidServiceName") as refused:
        cloud.create(here.service)
    assert refused.value.is_transient
    # another run has another word in its tags, and so is refused
    again, notes = here.cloud(list_lag=0.05) if is_killed else cloud, list[str]()
    again.on_note = notes.append
    assert again.create(here.service).origin == "created"
    assert bool(notes) == is_killed


def test_an_unknown_service_is_waited_for_in_the_beginning_only(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.set(service_known_after=3)
    cloud = here.cloud()
    for _ in range(2):
        with pytest.raises(CloudError, match="InvalidServiceName") as refused:
            cloud.create(here.service)
        assert refused.value.is_transient
    monkeypatch.setattr("atlas_privatelink.clouds.aws_calls._FRESH_SERVICE_SECONDS", 0.0)
    with pytest.raises(CloudError, match="InvalidServiceName") as refused:
        cloud.create(here.service)
    assert not refused.value.is_transient
    assert cloud.create(here.service).origin == "created"


@TOKENS
@TAGS_COUNT
@pytest.mark.parametrize("code", [None, "InternalError"])
def test_a_lost_answer_is_asked_for_again(here: Here, tokens: str, tags_count: bool, code: str | None) -> None:
    here.set(tokens=tokens, tags_count=tags_count)
    here.ec2.fail("CreateVpcEndpoint", code=code, executed=True)
    made = here.cloud().create(here.service)
    assert (here.ids(), made.origin) == ([made.id], "created")


@TOKENS
@TAGS_COUNT
def test_what_an_outage_has_hidden_was_created_by_us(here: Here, tokens: str, tags_count: bool) -> None:
    here.set(tokens=tokens, tags_count=tags_count)
    here.ec2.fail("CreateVpcEndpoint", code=None, executed=True, times=4)
    cloud = here.cloud()
    with pytest.raises(CloudError) as failed:
        cloud.create(here.service)
    assert failed.value.is_transient
    made = cloud.create(here.service)
    assert (here.ids(), made.origin) == ([made.id], "created")
    assert cloud.create(here.service).origin == "adopted"


def test_what_somebody_else_has_made_is_adopted(here: Here) -> None:
    foreign = here.stranger({"created-by": "terraform"})
    made = here.cloud().create(here.service)
    assert (made.id, made.origin, made.is_ours) == (foreign, "adopted", False)
    assert here.ids() == [foreign]


def test_ours_is_preferred_to_somebody_elses(here: Here) -> None:
    here.set(lists_lag=1)
    older = here.stranger()
    ours = here.cloud().create(here.service)
    here.set(lists_lag=0)
    younger = here.stranger()
    # the last look that ours is missing in
    here.cloud().find(here.service)
    assert sorted(here.ids()) == sorted([older, ours.id, younger])
    assert here.cloud().create(here.service).id == ours.id


def test_tags_that_ec2_repeats_from_the_request_prove_nothing(here: Here) -> None:
    here.set(tags_count=False, lists_lag=4)
    first = here.cloud().create(here.service)
    sent: list[Any] = []
    echoing = here.ec2.client(in_process=True)
    events, operation = echoing.meta.events, "ec2.CreateVpcEndpoint"
    events.register(f"provide-client-params.{operation}", lambda params, **_: sent.append(params))

    def echo(parsed: Any, **_: object) -> None:
        parsed["VpcEndpoint"]["Tags"] = sent[-1]["TagSpecifications"][0]["Tags"]

    events.register(f"after-call.{operation}", echo)
    second = here.cloud(client=echoing).create(here.service)
    assert (second.id, second.origin, len(sent)) == (first.id, "adopted", 1)


@TOKENS
def test_a_failed_endpoint_of_another_run_is_not_adopted(here: Here, tokens: str) -> None:
    here.set(tokens=tokens, tags_count=False)
    first = here.cloud().create(here.service)
    here.ec2.force_state(first.id, "failed")
    second = here.cloud(list_lag=0.05).create(here.service)
    # where the token refuses, it is not known whose it is
    assert (second.origin, second.phase) == ("created", "pending")


@TOKENS
def test_attributes_are_no_identity(here: Here, tokens: str) -> None:
    here.set(tokens=tokens, lists_lag=6)
    group = here.group(f"mongo-{tokens}")
    first = here.cloud().create(here.service)
    other = here.cloud(security_group_ids=[group], tags={"team": "blue"}, subnet_ids=here.ec2.subnet_ids()[1:2])
    second = other.create(replace(here.service, created=True))
    assert (second.id, second.origin) == (first.id, "adopted")
    assert len(second.drift) == 3


def test_a_name_is_identity(here: Here) -> None:
    blue, plain, red = here.cloud(name="blue"), here.cloud(), here.cloud(name="red")
    made = [cloud.create(here.service) for cloud in (blue, red)]
    assert [one.origin for one in made] == ["created", "created"]
    assert [one.network for one in made] == [f"{here.vpc_id} blue", f"{here.vpc_id} red"]
    assert here.tags(made[0].id)["Name"] == "blue"
    assert plain.create(here.service).id in ids_of(made)
    for cloud, one in zip((blue, red), made, strict=True):
        assert ids_of(cloud.find(here.service)) == ids_of(cloud.find_ours(GROUP_ID)) == [one.id]
    assert plain.find_ours(GROUP_ID) == []


# the mark


def test_the_call_that_creates_writes_the_mark(here: Here) -> None:
    service = replace(here.service, created=True, made_by="dag:run/7")
    made = here.cloud(tags={"team": "blue"}).create(service)
    tags = here.tags(made.id)
    mark = Mark.of(service, here.vpc_id, service.name)
    assert mark.tags().items() <= tags.items()
    assert set(tags) - set(mark.tags()) == {"Name", "team", "atlas-run"}
    assert (made.service_id, made.service_created, made.made_by) == (service.service_id, True, "dag:run/7")
    assert "CreateTags" not in here.ec2.calls
    assert (made.network, made.leads_to, made.drift) == (here.vpc_id, service.name, ())


@pytest.mark.parametrize("lag", [{"tags_lag": 3}, {"shown_after": 3}, {"tags_lag": 2, "shown_after": 2}])
def test_what_ec2_shows_late_is_waited_for(here: Here, lag: dict[str, int]) -> None:
    here.set(**lag)
    made = here.cloud().create(here.service)
    assert (made.origin, made.is_ours, here.ids()) == ("created", True, [made.id])


def test_a_tag_policy_that_takes_the_mark_away(here: Here) -> None:
    here.set(strip_tags={"atlas-privatelink"})
    with pytest.raises(CloudError, match="tag policy") as missing:
        here.cloud(list_lag=0.05).create(here.service)
    (made,) = here.ids()
    assert (missing.value.code, missing.value.operation) == ("MarkMissing", "CreateVpcEndpoint")
    assert made in str(missing.value)
    assert not missing.value.is_transient
    # nothing is created again, with or without a mark
    assert here.cloud().create(here.service).id == made
    assert here.ec2.calls.count("CreateVpcEndpoint") == 1


def test_a_tag_policy_that_takes_only_the_word_away(here: Here) -> None:
    here.set(strip_tags={"atlas-run"})
    made = here.cloud().create(here.service)
    assert (made.origin, made.is_ours) == ("created", True)
    assert here.cloud().create(here.service).origin == "adopted"


def test_without_the_permission_for_tags_nothing_is_created(here: Here) -> None:
    here.ec2.deny("CreateTags")
    with pytest.raises(CloudPermissionDenied, match="ec2:CreateTags"):
        here.cloud().create(here.service)
    assert here.ids() == []


@pytest.mark.parametrize("key", ["atlas-privatelink", "Atlas-Project-Id", "atlas-run", "atlas-endpoint-name"])
def test_the_mark_cannot_be_overwritten(key: str) -> None:
    with pytest.raises(ValidationError, match="reserved") as refused:
        AwsCloud(vpc_id="vpc-0123456789abcdef0", tags={key: "x"})
    assert refused.value.field == "tags"


def test_an_endpoint_that_cannot_be_read_back_is_not_lost(here: Here) -> None:
    here.ec2.fail("DescribeVpcEndpoints", code="UnauthorizedOperation", status=403, after=1)
    made = here.cloud().create(here.service)
    assert (here.ids(), made.origin, made.is_ours) == ([made.id], "created", True)


def test_nothing_is_sent_when_nobody_waits_any_more(here: Here) -> None:
    cloud, limit = here.cloud(), CallLimit()
    cloud.check()
    limit.abandon()
    here.ec2.calls.clear()
    token = current_limit.set(limit)
    try:
        with pytest.raises(Abandoned):
            cloud.create(here.service)
    finally:
        current_limit.reset(token)
    assert here.ec2.calls == []


def test_looking_again_ends_with_the_callers_time(here: Here) -> None:
    here.set(tokens="mismatch", lists_lag=10**6)
    here.cloud().create(here.service)
    limit = CallLimit()
    cloud = here.cloud(list_lag=300.0)
    cloud.on_note = lambda _: limit.abandon()
    token = current_limit.set(limit)
    try:
        with pytest.raises(Abandoned):
            cloud.create(here.service)
    finally:
        current_limit.reset(token)
    assert len(here.ids()) == 1


def test_another_project_of_the_same_service_gets_no_others_mark(here: Here) -> None:
    made = here.cloud().create(here.service)
    other = replace(here.service, group_id="0" * 24)
    adopted = here.cloud().create(other)
    assert (adopted.id, adopted.origin) == (made.id, "adopted")
    assert dict(adopted.tags)["atlas-project-id"] == GROUP_ID
