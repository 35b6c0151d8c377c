"""The library beside MongoDB's own specification: what it sends, what it reads, and that nothing is left out."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, combinations
from typing import Any

import expected
import openapi
import pytest
from answer_server import AnswerServer, Reply
from local_servers import Received
from openapi import Operation, Shape
from support import GROUP_ID, INSTANCE, REPOSITORY

from atlas_privatelink import (
    ApiError,
    AsyncClient,
    Client,
    EncryptionAtRestEndpoint,
    StorageEndpointStatus,
    ValidationError,
)
from atlas_privatelink import models as atlas_models

pytestmark = pytest.mark.skipif(not openapi.FOLDER.is_dir(), reason=f"{openapi.FOLDER} does not exist")

TABLE = REPOSITORY / "docs" / "operations.md"
KNOWN = openapi.operations(openapi.FAMILIES) if openapi.FOLDER.is_dir() else []
BESIDE = openapi.operations(openapi.BESIDE) if openapi.FOLDER.is_dir() else []

ID = "32b6e34b3d91647abb20e7b8"
CLOUD_IDS = {
    "AWS": "vpce-0123456789abcdef0",
    "AZURE": openapi.SAMPLES[next(pattern for pattern in openapi.SAMPLES if "private[Ll]ink" in pattern)],
    "GCP": "my-group",
}
FORWARDING_RULES = [("rule-0", "10.0.0.17"), ("rule-1", "10.0.0.18")]
CLOUDS = {
    "": ["AWS", "AZURE"],
    "dedicated": ["AWS", "AZURE", "GCP"],
    "data_federation": ["AWS", "AZURE"],
    "stream_processing": ["AWS", "AZURE", "GCP"],
    "encryption_at_rest": ["AWS", "AZURE"],
    "backup": ["AWS"],
}


# the table of docs/operations.md


@dataclass(frozen=True)
class Row:
    """One operation, and what we have for it."""

    method: str
    path: str
    title: str
    ids: Mapping[str, str]
    call: str
    tests: tuple[str, ...]


def rows() -> Iterator[Row]:
    for line in TABLE.read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if len(cells) != 6 or "{groupId}" not in cells[0]:
            continue
        method, path = cells[0].split(" ")
        ids = {version: name for version, name in zip(("v2", "v1.0"), cells[2:4], strict=True) if name != "-"}
        yield Row(method, path, cells[1], ids, cells[4], tuple(re.findall(r"[\w./]+\.py", cells[5])))


ROWS = list(rows())


def row_of(operation: Operation) -> Row:
    (row,) = (row for row in ROWS if row.ids.get(operation.version) == operation.operation_id)
    return row


def method_of(client: Any, call: str) -> Any:
    for name in call.split("."):
        client = getattr(client, name)
    return client


def family_of(call: str) -> str:
    return call.rpartition(".")[0]


def test_the_table_has_every_operation_once() -> None:
    listed = [(version, row.method, row.path, row.ids[version]) for row in ROWS for version in row.ids]
    assert len(set(listed)) == len(listed)
    specified = {(one.version, one.method, one.path, one.operation_id) for one in KNOWN}
    assert set(listed) == specified
    for operation in KNOWN:
        # the two files write some of the titles differently
        assert operation.version == "v1.0" or row_of(operation).title == operation.title


def test_each_operation_has_a_call_of_its_own_on_both_clients() -> None:
    calls = [row.call for row in ROWS]
    assert len(set(calls)) == len(calls)
    for client in (AsyncClient("abcdefgh", "01234567"), Client("abcdefgh", "01234567")):
        for row in ROWS:
            words = inspect.getdoc(method_of(client, row.call)) or ""
            documented = re.sub(r"\{\w+\}", "{}", " ".join(words.split()))
            assert f"`{row.method} {re.sub(r'{[A-Za-z]+}', '{}', row.path)}`" in documented, row.call


def test_the_table_names_tests_that_exist() -> None:
    for row in ROWS:
        assert row.tests
        for name in row.tests:
            assert (REPOSITORY / "tests" / name).is_file(), name


# a server that answers by the specification


def with_required(call: str, cloud: str, client: Any) -> dict[str, Any]:
    """The arguments that a call cannot do without on that cloud."""
    family = family_of(call)
    by_cloud = family == "data_federation" or (call.startswith("dedicated.") and call.endswith("_endpoint"))
    values: dict[str, Any] = {
        "group_id": GROUP_ID,
        "instance_name": INSTANCE,
        "comment": "mine",
        "provider": cloud,
        "region": {"AWS": "us-east-1", "AZURE": "eastus2", "GCP": "us-central1"}[cloud],
        "service_id": ID,
        "connection_id": ID,
        "endpoint_id": CLOUD_IDS[cloud] if by_cloud else ID,
        "endpoint": CLOUD_IDS[cloud],
        "dns_domain": "kafka.example.com",
        "supported_remote_regions": ["us-west-2", "EU_WEST_1"],
        "enabled": True,
    }
    parameters = inspect.signature(method_of(client, call)).parameters
    needed = {name: values[name] for name, parameter in parameters.items() if parameter.default is parameter.empty}
    if call == "data_federation.create_endpoint":
        needed["provider"] = cloud
    if call == "dedicated.create_endpoint" and cloud == "AZURE":
        needed["private_endpoint_ip_address"] = "10.0.0.17"
    if call == "dedicated.create_endpoint" and cloud == "GCP":
        needed["gcp_project_id"] = "p-0123456789abcdefghijklmn"
    return needed


def as_reply(status: int, body: Any) -> Reply:
    content = b"" if body is None else json.dumps(body).encode()
    return Reply(status, (("Content-Type", "application/json"),), content)


class Specified:
    """A client, and the server that it talks to."""

    def __init__(self, server: AnswerServer, client: AsyncClient) -> None:
        self.server, self.client = server, client

    def answers(self, answer: Callable[[Received], Reply]) -> None:
        self.server.requests.clear()
        self.server.answer = answer

    def replies(self, reply: Reply) -> None:
        self.answers(lambda request: reply)

    def call(self, version: str | None, call: str, arguments: Mapping[str, Any]) -> Any:
        async def main() -> Any:
            client = self.client.with_options(api_version=version)  # type: ignore[arg-type]
            return await method_of(client, call)(**arguments)

        return asyncio.run(main())


@pytest.fixture(scope="module")
def specified() -> Iterator[Specified]:
    with AnswerServer() as server:
        client = AsyncClient(server.public_key, server.private_key, base_url=server.base_url, max_retries=0)
        yield Specified(server, client)
        asyncio.run(client.aclose())


# answers

MODELS: dict[tuple[str, str], type[Any]] = {
    ("dedicated.service", "AWS"): atlas_models.AwsEndpointService,
    ("dedicated.service", "AZURE"): atlas_models.AzureEndpointService,
    ("dedicated.service", "GCP"): atlas_models.GcpEndpointService,
    ("dedicated.endpoint", "AWS"): atlas_models.AwsEndpoint,
    ("dedicated.endpoint", "AZURE"): atlas_models.AzureEndpoint,
    ("dedicated.endpoint", "GCP"): atlas_models.GcpEndpointGroup,
}
FAMILY_MODELS: dict[str, type[Any]] = {
    "": atlas_models.ServerlessEndpoint,
    "data_federation": atlas_models.DataFederationEndpoint,
    "stream_processing": atlas_models.StreamsConnection,
    "encryption_at_rest": atlas_models.EncryptionAtRestEndpoint,
    "backup": atlas_models.BackupEndpoint,
}


def model_of(call: str, cloud: str) -> type[Any]:
    family, _, name = call.rpartition(".")
    return FAMILY_MODELS.get(family) or MODELS[f"{family}.{name.split('_')[1].removesuffix('s')}", cloud]


def answered() -> Iterator[Any]:
    """Each operation with each kind of thing that it answers with."""
    for operation in KNOWN:
        call = row_of(operation).call
        for shape in operation.shapes():
            # only AWS can be asked for a change of a service
            if (call == "dedicated.update_service" and shape.branch != "AWS") or "regional" in call:
                continue
            yield pytest.param(operation, shape, id=f"{operation}-{shape.branch}".rstrip("-"))


@pytest.mark.parametrize(("operation", "shape"), list(answered()))
def test_every_answer_is_read(specified: Specified, operation: Operation, shape: Shape) -> None:
    call = row_of(operation).call
    cloud = shape.branch if shape.discriminator else CLOUDS[family_of(call)][0]
    model = model_of(call, cloud)
    arguments = with_required(call, cloud, specified.client)
    if call == "update_endpoint":
        arguments |= {"provider_name": "AWS", "comment": "mine"}
    (id_field,) = (name for name in shape.properties if expected.attribute(model, name) == "id")
    the_id = frozenset({id_field})
    named = None if operation.listing else arguments.get(f"{call.rpartition('_')[2]}_id")
    variants = list(operation.specification.variants(shape, frozenset() if named else the_id, the_id))
    if model is atlas_models.StreamsConnection:  # the specification has no words for its state
        full = operation.specification.full(shape)
        variants += [(f"state {word}", {**full, "state": word}) for word in atlas_models.StreamsState]
    assert len(variants) > 10
    if call == "data_federation.create_endpoint":  # the answer is the list, and ours is in it
        other = {**variants[0][1], id_field: "vpce-other"}
        mine = arguments["endpoint_id"]
        answers: list[tuple[Any, Any]] = [
            ({"results": [other, {**made, id_field: mine}], "totalCount": 2}, made) for _, made in variants
        ]
        variants = [(label, {**made, id_field: mine}) for label, made in variants]
    elif operation.listing:
        everything = [made for _, made in variants]
        page = {"results": everything, "links": [], "totalCount": len(everything)}
        answers = [(everything if operation.listing == "array" else page, everything)]
    else:
        answers = [(made, made) for _, made in variants]

    results = []
    for answer, _ in answers:
        specified.replies(as_reply(operation.status, answer))
        result = specified.call(operation.version, call, arguments)
        results += result if isinstance(result, list) else [result]
    assert len(results) == len(variants)
    for (label, made), result in zip(variants, results, strict=True):
        assert type(result) is model, label
        assert result == expected.resource(model, made, **({"id": named} if named else {})), label
        assert set(result.extra) <= expected.UNKNOWN, label
        assert result.response is not None and result.response.status_code == operation.status


@pytest.mark.parametrize("operation", [pytest.param(one, id=str(one)) for one in KNOWN])
def test_any_success_is_one(specified: Specified, operation: Operation) -> None:
    """Atlas answers with other statuses than are documented."""
    call = row_of(operation).call
    cloud = "AWS"
    arguments = with_required(call, cloud, specified.client)
    if call == "update_endpoint":
        arguments |= {"provider_name": "AWS", "comment": "mine"}
    shapes = operation.shapes()
    body: Any = operation.specification.full(shapes[0]) if shapes else None
    if operation.listing:
        body = [body]
    if call == "data_federation.create_endpoint":
        body[0]["endpointId"] = arguments["endpoint_id"]
    bodies = [body] if shapes else [None, {}]
    results = []
    for status in {operation.status, 200, 201, 202}:
        for answer in bodies:
            specified.replies(as_reply(status, answer))
            results.append(specified.call(operation.version, call, arguments))
            (sent,) = specified.server.requests
            assert sent.method == operation.method
    assert all(result == results[0] for result in results)
    assert (results[0] is None) == (operation.method == "DELETE")


@pytest.mark.parametrize("operation", [one for one in KNOWN if one.path.endswith("/regionalMode")], ids=str)
@pytest.mark.parametrize("enabled", [True, False])
def test_a_setting_is_a_boolean(specified: Specified, operation: Operation, enabled: bool) -> None:
    call = row_of(operation).call
    (shape,) = operation.shapes()
    assert not operation.specification.problems(shape, "answer", {"enabled": enabled})
    specified.replies(as_reply(operation.status, {"enabled": enabled}))
    arguments = {**with_required(call, "AWS", specified.client), **({"enabled": enabled} if "set_" in call else {})}
    assert specified.call(operation.version, call, arguments) is enabled


def test_the_words_of_every_status_are_known() -> None:
    seen = 0
    for operation in KNOWN:
        call = row_of(operation).call
        for shape in operation.shapes():
            if "regional" in call or (call == "dedicated.update_service" and shape.branch != "AWS"):
                continue
            model = model_of(call, shape.branch if shape.discriminator else "")
            status = set(expected.status_type(model).__members__)
            for name, schema in shape.properties.items():
                if expected.attribute(model, name) == "status":
                    words = openapi.words(schema)
                    assert set(words) <= status, f"{operation} {name}"
                    seen += len(words)
            rules = shape.properties.get("endpoints")
            if rules:
                rule = operation.specification.resolve(rules["items"])
                assert set(rule["properties"]["status"]["enum"]) <= status
    assert seen > 200


def test_generated_answers_are_valid() -> None:
    """The instances that the tests above use are the specification's, but for nulls and words to come."""
    seen = 0
    for operation in KNOWN:
        for shape in operation.shapes():
            for label, made in operation.specification.variants(shape):
                problems = operation.specification.problems(shape, "answer", made)
                if not label.endswith((" null", "unknown word")):
                    assert not problems, label
                seen += 1
    assert seen > 2000


def test_long_lists_are_read_to_their_end(specified: Specified) -> None:
    for operation in (one for one in KNOWN if one.listing == "page" and one.method == "GET"):
        call = row_of(operation).call
        (shape, *_) = operation.shapes()
        model = model_of(call, "AWS")
        (id_field,) = (name for name in shape.properties if expected.attribute(model, name) == "id")
        items = [{**operation.specification.full(shape), id_field: f"{number:024x}"} for number in range(1001)]

        def page(request: Received, items: list[Any] = items) -> Reply:
            size, number = (
                int(re.findall(rf"[?&]{name}=(\d+)", request.target)[0]) for name in ("itemsPerPage", "pageNum")
            )
            return as_reply(200, {"results": items[size * (number - 1) : size * number], "totalCount": len(items)})

        specified.answers(page)
        found = specified.call("v2", call, with_required(call, "AWS", specified.client))
        assert [one.id for one in found] == [item[id_field] for item in items]
        assert [problem for request in specified.server.requests for problem in problems_of(request)] == []
        assert len(specified.server.requests) == 3


def test_the_connection_strings_of_a_serverless_instance(specified: Specified) -> None:
    (operation,) = (one for one in BESIDE if one.path.endswith("/{name}"))
    (shape,) = operation.shapes()
    instance = operation.specification.full(shape)
    assert not operation.specification.problems(shape, "answer", instance)
    entry = instance["connectionStrings"]["privateEndpoint"][0]
    for endpoint in entry["endpoints"]:
        endpoint["endpointId"] = f"vpce-{entry['endpoints'].index(endpoint)}"
    instance["connectionStrings"]["privateEndpoint"] = [{**entry, "endpoints": []}, entry]
    specified.replies(as_reply(200, instance))
    wanted = {"group_id": GROUP_ID, "instance_name": INSTANCE, "endpoint": "vpce-1"}
    found = specified.call("v2", "connection_string", wanted)
    flat = {name: value for name, value in entry.items() if name != "endpoints"}
    assert found == expected.resource(atlas_models.ConnectionStrings, {**flat, **entry["endpoints"][1]})
    assert found.srv == entry["srvConnectionString"] and found.extra == {}
    (request,) = specified.server.requests
    assert openapi.problems(BESIDE, request.method, request.target, request.headers, request.body) == []


# requests


@dataclass(frozen=True)
class Case:
    """A call, and what may be added to it."""

    call: str
    cloud: str = "AWS"
    optional: Mapping[str, Any] = field(default_factory=dict)
    makes_sense: Callable[[frozenset[str]], bool] = lambda names: True
    # the fields by which a look ends a wait
    state: Mapping[str, Any] = field(default_factory=dict)
    sends: tuple[str, ...] = ()
    """The calls whose operations it sends, where they are others."""

    def __str__(self) -> str:
        return f"{self.call}-{self.cloud}"

    def combinations(self) -> Iterator[frozenset[str]]:
        names = list(self.optional)
        return map(frozenset, chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)))


QUERY = {"pretty": True, "envelope": True}
ADOPT = {"if_exists": "adopt"}
STREAMS: dict[str, dict[str, Any]] = {
    "AWS": {
        "region": "us-east-1",
        "vendor": "MSK",
        "service_endpoint_id": "com.amazonaws.vpce.us-east-1.vpce-svc-0afd34ee97e30d43f",
        "dns_domain": "kafka.example.com",
        "dns_sub_domain": ["a", "b"],
        "arn": "arn:aws:kafka:us-east-1:123456789012:cluster/mine/1",
        "authentication_scheme": "SASL_SCRAM",
    },
    "AZURE": {
        "region": "eastus2",
        "vendor": "CONFLUENT",
        "service_endpoint_id": "/subscriptions/x/namespaces/mine",
        "dns_domain": "kafka.example.com",
        "azure_resource_ids": ["/subscriptions/x/1", "/subscriptions/x/2"],
    },
    "GCP": {
        "region": "us-central1",
        "vendor": "CONFLUENT",
        "dns_domain": "kafka.example.com",
        "gcp_service_attachment_uris": ["projects/p/regions/us-central1/serviceAttachments/sa-0"],
    },
}


def changes_something(names: frozenset[str]) -> bool:
    told = names & {"cloud_provider_endpoint_id", "private_endpoint_ip_address", "comment"}
    return bool(told) and bool(names & {"cloud_provider_endpoint_id", "provider_name"})


def region_with_its_dns_name(names: frozenset[str]) -> bool:
    return ("region" in names) == ("customer_endpoint_dns_name" in names)


COMMENT: dict[str, Any] = {"comment": "é" * 79}


def serverless_cases() -> Iterator[Case]:
    yield Case(
        "create_endpoint",
        optional={**COMMENT, **ADOPT, **QUERY},
        makes_sense=lambda names: "if_exists" not in names or "comment" in names,
        sends=("create_endpoint", "list_endpoints"),
    )
    yield Case("list_endpoints", optional=QUERY)
    yield Case("find_endpoint", sends=("list_endpoints",))
    yield Case("get_endpoint", optional=QUERY)
    for cloud in CLOUDS[""]:
        change: dict[str, Any] = {
            "provider_name": cloud,
            "cloud_provider_endpoint_id": CLOUD_IDS[cloud],
            **COMMENT,
            **QUERY,
        }
        if cloud == "AZURE":
            change["private_endpoint_ip_address"] = "10.0.0.17"
        yield Case("update_endpoint", cloud, change, changes_something)
    yield Case("delete_endpoint", optional=QUERY)
    yield Case("wait_for_endpoint", state={"_id": ID, "status": "AVAILABLE"}, sends=("list_endpoints",))


def dedicated_cases() -> Iterator[Case]:
    for cloud in CLOUDS["dedicated"]:
        services: dict[str, dict[str, Any]] = {
            "AWS": {"supported_remote_regions": ["us-west-2", "EU_WEST_1"]},
            "AZURE": {},
            "GCP": {"port_mapping_enabled": True},
        }
        sends: tuple[str, ...] = ("dedicated.create_service", "dedicated.list_services")
        region = {"regionName": {"AWS": "US_EAST_1", "AZURE": "US_EAST_2", "GCP": "CENTRAL_US"}[cloud]}
        yield Case("dedicated.create_service", cloud, {**services[cloud], **ADOPT}, state=region, sends=sends)
        for call in ("list_services", "get_service", "delete_service", "get_endpoint", "delete_endpoint"):
            yield Case(f"dedicated.{call}", cloud)
        rules: dict[str, Any] = {"endpoints": FORWARDING_RULES} if cloud == "GCP" else {}
        sends = ("dedicated.create_endpoint", "dedicated.get_endpoint")
        stays = {"deleteRequested": False}
        yield Case("dedicated.create_endpoint", cloud, {**rules, **ADOPT}, state=stays, sends=sends)
        yield Case(
            "dedicated.wait_for_service",
            cloud,
            state={"id": ID, "status": "AVAILABLE"},
            sends=("dedicated.list_services",),
        )
        name = {"AWS": "interfaceEndpointId", "AZURE": "privateEndpointResourceId", "GCP": "endpointGroupName"}[cloud]
        state = {name: CLOUD_IDS[cloud], "connectionStatus" if cloud == "AWS" else "status": "AVAILABLE", **stays}
        yield Case("dedicated.wait_for_endpoint", cloud, state=state, sends=("dedicated.get_endpoint",))
    for call in ("update_service", "get_regional_mode", "set_regional_mode"):
        yield Case(f"dedicated.{call}")


def other_cases() -> Iterator[Case]:
    for cloud in CLOUDS["data_federation"]:
        region = {"AWS": "us-east-1", "AZURE": "eastus2"}[cloud]
        dns_name = {"AWS": "vpce-0.vpce-svc-1.amazonaws.com", "AZURE": "mine.example.com"}[cloud]
        optional = {**COMMENT, "region": region, "customer_endpoint_dns_name": dns_name}
        if cloud == "AZURE":
            optional["customer_endpoint_ip_address"] = "10.0.0.17"
        yield Case("data_federation.create_endpoint", cloud, optional, region_with_its_dns_name)
        for call in ("list_endpoints", "get_endpoint", "delete_endpoint"):
            yield Case(f"data_federation.{call}", cloud)
        state = {"endpointId": CLOUD_IDS[cloud], "status": "OK"}
        sends = ("data_federation.list_endpoints",)
        yield Case("data_federation.wait_for_endpoint", cloud, state=state, sends=sends)
    for cloud in CLOUDS["stream_processing"]:
        yield Case("stream_processing.create_connection", cloud, STREAMS[cloud])
    for call in ("list_connections", "get_connection", "update_connection", "delete_connection"):
        yield Case(f"stream_processing.{call}")
    state = {"_id": ID, "state": "DONE"}
    sends = ("stream_processing.list_connections",)
    yield Case("stream_processing.wait_for_connection", state=state, sends=sends)
    for family in ("encryption_at_rest", "backup"):
        for cloud in CLOUDS[family]:
            vpc = {"vpc_region": "eu-west-1"} if family == "backup" else {}
            yield Case(f"{family}.create_endpoint", cloud, vpc)
            for call in ("list_endpoints", "get_endpoint", "delete_endpoint"):
                yield Case(f"{family}.{call}", cloud)
            state = {"id": ID, "status": "ACTIVE"}
            yield Case(f"{family}.wait_for_endpoint", cloud, state=state, sends=(f"{family}.list_endpoints",))


CASES = [*serverless_cases(), *dedicated_cases(), *other_cases()]
# what sends nothing, what makes the same calls many times, and what is not about private endpoints
OTHERS = {
    *("aclose", "with_options", "bulk"),
    *("create_endpoints", "update_endpoints", "delete_endpoints", "wait_for_endpoints"),
    *("connection_string", "dedicated.connection_string", "dedicated.get_cluster", "dedicated.list_clusters"),
}
VERSIONS = [
    pytest.param(case, version, id=f"{version}-{case}")
    for case in CASES
    for version in ("v1.0", "v2")
    if version == "v2" or family_of(case.call) in {"", "dedicated"}
]


def problems_of(request: Received) -> list[str]:
    found = openapi.problems(KNOWN, request.method, request.target, request.headers, request.body)
    return [f"{request.method} {request.target} {request.body!r}: {problem}" for problem in found]


def test_no_call_is_forgotten() -> None:
    client = AsyncClient("abcdefgh", "01234567")
    families = {name: getattr(client, name) for name, one in vars(AsyncClient).items() if isinstance(one, property)}
    public = {
        f"{family}.{name}".lstrip(".")
        for family, resource in {"": client, **families}.items()
        for name, member in vars(type(resource)).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }
    assert public == {case.call for case in CASES} | OTHERS
    for case in CASES:
        parameters = inspect.signature(method_of(client, case.call)).parameters
        optional = {name for name, parameter in parameters.items() if parameter.default is not parameter.empty}
        tried = {name for other in CASES if other.call == case.call for name in other.optional}
        given = {name for cloud in CLOUDS["dedicated"] for name in with_required(case.call, cloud, client)}
        assert optional - tried - given <= {"until", "timeout", "on_progress"}, case.call


@pytest.mark.parametrize(("case", "version"), VERSIONS)
def test_every_request_is_the_specifications(specified: Specified, case: Case, version: str) -> None:
    def answer(request: Received) -> Reply:
        if request.method == "POST" and adopting:
            return as_reply(409, {"error": 409})
        operation, _ = openapi.operation_of(KNOWN, request.method, request.target)
        shapes = operation.shapes()
        shape = next((shape for shape in shapes if shape.branch == case.cloud), shapes[0] if shapes else None)
        body = None if shape is None else {**operation.specification.full(shape), **case.state}
        if body and case.call == "data_federation.create_endpoint":
            body["endpointId"] = CLOUD_IDS[case.cloud]
        many: dict[str | None, Any] = {"array": [body], "page": {"results": [body]}, None: body}
        return as_reply(operation.status, many[operation.listing])

    calls = case.sends or (case.call,)
    sent_at_all = set()
    required = with_required(case.call, case.cloud, specified.client)
    for names in case.combinations():
        arguments = {**required, **{name: case.optional[name] for name in names}}
        # the families without comments learn from Atlas that there is one
        adopting = "if_exists" in names and family_of(case.call) == "dedicated"
        specified.answers(answer)
        if not case.makes_sense(names):
            with pytest.raises(ValidationError):
                specified.call(version, case.call, arguments)
            assert specified.server.requests == []
            continue
        specified.call(version, case.call, arguments)
        requests = list(specified.server.requests)
        assert [problem for request in requests for problem in problems_of(request)] == []
        sent = [row_of(openapi.operation_of(KNOWN, one.method, one.target)[0]).call for one in requests]
        assert sent and set(sent) <= set(calls)
        assert "if_exists" in names or sent == [calls[0]]
        sent_at_all |= set(sent)
        for request in requests:
            asked = {name for name in QUERY if f"{name}=true" in request.target}
            assert asked == set(QUERY) & names or (request.method == "GET" and "if_exists" in names)
    assert sent_at_all == set(calls)


AZURE_ID = CLOUD_IDS["AZURE"]
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("create_endpoint", "AWS"): {"comment": "é" * 79},
    ("update_endpoint", "AWS"): {
        "providerName": "AWS",
        "cloudProviderEndpointId": CLOUD_IDS["AWS"],
        "comment": "é" * 79,
    },
    ("update_endpoint", "AZURE"): {
        "providerName": "AZURE",
        "cloudProviderEndpointId": AZURE_ID,
        "privateEndpointIpAddress": "10.0.0.17",
        "comment": "é" * 79,
    },
    ("dedicated.create_service", "AWS"): {
        "providerName": "AWS",
        "region": "us-east-1",
        "supportedRemoteRegions": ["us-west-2", "eu-west-1"],
    },
    ("dedicated.create_service", "AZURE"): {"providerName": "AZURE", "region": "US_EAST_2"},
    ("dedicated.create_service", "GCP"): {
        "providerName": "GCP",
        "region": "CENTRAL_US",
        "portMappingEnabled": True,
    },
    ("dedicated.update_service", "AWS"): {
        "cloudProvider": "AWS",
        "supportedRemoteRegions": ["us-west-2", "eu-west-1"],
    },
    ("dedicated.create_endpoint", "AWS"): {"id": CLOUD_IDS["AWS"]},
    ("dedicated.create_endpoint", "AZURE"): {"id": AZURE_ID, "privateEndpointIPAddress": "10.0.0.17"},
    ("dedicated.create_endpoint", "GCP"): {
        "endpointGroupName": "my-group",
        "gcpProjectId": "p-0123456789abcdefghijklmn",
        "endpoints": [{"endpointName": name, "ipAddress": address} for name, address in FORWARDING_RULES],
    },
    ("dedicated.set_regional_mode", "AWS"): {"enabled": True},
    ("data_federation.create_endpoint", "AWS"): {
        "endpointId": CLOUD_IDS["AWS"],
        "provider": "AWS",
        "type": "DATA_LAKE",
        "comment": "é" * 79,
        "region": "US_EAST_1",
        "customerEndpointDNSName": "vpce-0.vpce-svc-1.amazonaws.com",
    },
    ("data_federation.create_endpoint", "AZURE"): {
        "endpointId": AZURE_ID,
        "provider": "AZURE",
        "type": "DATA_LAKE",
        "comment": "é" * 79,
        "region": "US_EAST_2",
        "customerEndpointDNSName": "mine.example.com",
        "customerEndpointIPAddress": "10.0.0.17",
    },
    ("stream_processing.create_connection", "AWS"): {
        "provider": "AWS",
        "region": "US_EAST_1",
        "vendor": "MSK",
        "serviceEndpointId": "com.amazonaws.vpce.us-east-1.vpce-svc-0afd34ee97e30d43f",
        "dnsDomain": "kafka.example.com",
        "dnsSubDomain": ["a", "b"],
        "arn": "arn:aws:kafka:us-east-1:123456789012:cluster/mine/1",
        "authenticationScheme": "SASL_SCRAM",
    },
    ("stream_processing.create_connection", "AZURE"): {
        "provider": "AZURE",
        "region": "US_EAST_2",
        "vendor": "CONFLUENT",
        "serviceEndpointId": "/subscriptions/x/namespaces/mine",
        "dnsDomain": "kafka.example.com",
        "azureResourceIds": ["/subscriptions/x/1", "/subscriptions/x/2"],
    },
    ("stream_processing.create_connection", "GCP"): {
        "provider": "GCP",
        "region": "CENTRAL_US",
        "vendor": "CONFLUENT",
        "dnsDomain": "kafka.example.com",
        "gcpServiceAttachmentUris": ["projects/p/regions/us-central1/serviceAttachments/sa-0"],
    },
    ("stream_processing.update_connection", "AWS"): {"dnsDomain": "kafka.example.com"},
    ("encryption_at_rest.create_endpoint", "AWS"): {"regionName": "US_EAST_1"},
    ("encryption_at_rest.create_endpoint", "AZURE"): {"regionName": "US_EAST_2"},
    ("backup.create_endpoint", "AWS"): {
        "cloudProvider": "AWS",
        "regionName": "US_EAST_1",
        "vpcRegionName": "EU_WEST_1",
    },
}
WITH_BODY = {row.call for row in ROWS if row.method in {"POST", "PATCH"}}


@pytest.mark.parametrize("case", [case for case in CASES if case.call in WITH_BODY], ids=str)
def test_each_argument_reaches_its_field(specified: Specified, case: Case) -> None:
    optional = {name: value for name, value in case.optional.items() if name not in {*QUERY, *ADOPT}}
    specified.replies(as_reply(400, {"error": 400}))
    with pytest.raises(ApiError):
        specified.call("v2", case.call, {**with_required(case.call, case.cloud, specified.client), **optional})
    (request,) = specified.server.requests
    assert json.loads(request.body) == BODIES[case.call, case.cloud]


@pytest.mark.parametrize(("family", "field_name"), [("encryption_at_rest", "regionName"), ("backup", "regionName")])
def test_every_region_goes_by_both_names(specified: Specified, family: str, field_name: str) -> None:
    (operation,) = (one for one in KNOWN if row_of(one).call == f"{family}.create_endpoint")
    seen = 0
    for shape in operation.shapes():
        cloud = shape.branch or "AWS"
        alternatives = shape.properties[field_name]["oneOf"]
        of_cloud = {"AZURE": 0, "AWS": -1}[cloud]
        for word in alternatives[of_cloud]["enum"]:
            status = StorageEndpointStatus.ACTIVE
            endpoint = EncryptionAtRestEndpoint(ID, status, cloud_provider=cloud, region_name=word)
            for name in (word, endpoint.region):
                specified.replies(as_reply(400, {"error": 400}))
                with pytest.raises(ApiError):
                    arguments = {"group_id": GROUP_ID, "provider": cloud, "region": name}
                    specified.call("v2", f"{family}.create_endpoint", arguments)
                (request,) = specified.server.requests
                assert json.loads(request.body)[field_name] == word, name
                seen += 1
    assert seen > 50
