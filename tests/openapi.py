"""MongoDB's specification for the contract tests: OpenAPI 3.0 read as JSON Schema, and instances of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from jsonschema import Draft202012Validator
from support import SHARED

Json = dict[str, Any]
Direction = Literal["request", "answer"]

FOLDER = SHARED / "openapi"
FAMILIES = {
    "v1.0": ["v1.0_private_endpoint_paths.json"],
    "v2": [
        "v2_serverless_private_endpoint.json",
        "v2_dedicated_private_endpoint.json",
        "v2_other_private_endpoint_families.json",
    ],
}
BESIDE = {"v2": ["v2_serverless_instance.json"]}

# what is not taken literally, and why
DEVIATIONS = {
    "words that are objects": "regions are `type: object` with a `oneOf` of strings, which no value can be",
    "words of two clouds": "US_EAST_2, US_WEST_2 and others are words of AWS and of Azure, so that `oneOf` fails them",
    "a parent in its child": "CreateEndpointRequest is one of its children, which are all of it: an endless schema",
    "a branch named in the path": "requests cannot hold a discriminator that is read-only, and need not hold the other",
    "null": "Atlas sends null for fields that are not nullable",
}
# parameters that the specification does not list for these operations, and that exist
UNLISTED_PARAMETERS = {
    ("pretty", "serverless/instance/"): "the operation's own page lists it",
    ("pretty", "streams/privateLinkConnections/{connectionId}"): "the other operations of the family list it",
}
# ids that the pattern of `endpointId` forgets; both are percent-encoded in the path, as the pattern is
FORGOTTEN_IDS = {
    ("endpointService/", "my-group"): "the pattern has no endpoint groups of GCP, whose operation this is",
    ("privateNetworkSettings/", "%2Fsubscriptions%2F"): "the pattern has no private endpoints of Azure",
}
# what a string of each pattern may be
SAMPLES = {
    r"^([a-f0-9]{24})$": "32b6e34b3d91647abb20e7b8",
    r"^com\.amazonaws\.vpce\.[a-z-0-9]+\.vpce-svc-[0-9a-f]{17}": (
        "com.amazonaws.vpce.us-east-1.vpce-svc-0afd34ee97e30d43f"
    ),
    r"^com\.amazonaws\.vpce\.[a-z-0-9]+\.vpce-svc-[0-9a-f]{17}|pls_[0-9a-f]{24}$": "pls_32b6e34b3d91647abb20e7b8",
    r"^pls_[0-9a-f]{24}$": "pls_32b6e34b3d91647abb20e7b8",
    r"^vpce-[0-9a-f]{17}$": "vpce-0123456789abcdef0",
    r"^((25[0-5]|(2[0-4]|1\d|[1-9]|)\d)(\.(?!$)|$)){4}|([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$": "10.0.0.17",
    r"^/subscriptions/[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}/resource[gG]roups/private[Ll]ink/providers"
    r"/Microsoft\.Network/privateEndpoints/[-\w._()]+$": (
        "/subscriptions/4e133d35-e734-4380-a565-c0945535da37/resourceGroups/privatelink/providers"
        "/Microsoft.Network/privateEndpoints/mine"
    ),
    r"^\/subscriptions\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\/resource[gG]roups\/([-\w._()]+)"
    r"\/providers\/Microsoft\.Network\/privateEndpoints\/([-\w._()]+)": (
        "/subscriptions/4e133d35-e734-4380-a565-c0945535da37/resourceGroups/any/providers"
        "/Microsoft.Network/privateEndpoints/mine"
    ),
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}%2[fF]([-\w._()]+)%2[fF]([-\w._()]+)": (
        "4e133d35-e734-4380-a565-c0945535da37%2Fany%2Fmine"
    ),
    r"https:\/\/([a-z0-9\.]+)+\.[a-z]{2,}(\/[a-z0-9\-]+)+\/projects\/p-[a-z0-9]+\/regions\/[a-z\-0-9]+"
    r"\/serviceAttachments\/[a-z0-9\-]+": (
        "https://www.googleapis.com/compute/v1/projects/p-a/regions/us-east1/serviceAttachments/sa-0"
    ),
    r"([\d]+\.[\d]+\.[\d]+)": "8.0.6",
    r"^[a-zA-Z0-9][a-zA-Z0-9-]*$": "Instance0",
    r"^arn:aws:kafka": "arn:aws:kafka:us-east-1:123456789012:cluster/mine/1",
}


@dataclass(frozen=True)
class Shape:
    """One kind of object that a schema allows: a branch of its alternatives, put together."""

    branch: str
    """The discriminator's word, else the branch's name; empty where there is no choice."""
    discriminator: str | None
    properties: Json
    required: frozenset[str]


@dataclass(frozen=True)
class Operation:
    """One operation."""

    version: str
    method: str
    path: str
    """Without the version's prefix."""
    operation_id: str
    title: str
    parameters: dict[tuple[str, str], Json]
    request: tuple[str, Json] | None
    """Media type and schema."""
    status: int
    """The documented success."""
    answer: tuple[str | None, Json | None]
    """Media type and schema of the success."""
    specification: Specification

    def __str__(self) -> str:
        return f"{self.version} {self.operation_id}"

    @property
    def listing(self) -> Literal["array", "page", None]:
        """How it answers with many."""
        schema = self.specification.resolve(self.answer[1] or {})
        if schema.get("type") == "array":
            return "array"
        return "page" if "results" in schema.get("properties", {}) else None

    def shapes(self) -> list[Shape]:
        """What it may answer with, or what the items of its list may be."""
        schema = self.specification.resolve(self.answer[1] or {})
        if self.listing == "page":
            schema = self.specification.resolve(schema["properties"]["results"])
        if self.listing:
            schema = schema["items"]
        return self.specification.shapes(schema) if schema else []


class Specification:
    """One file of the specification."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.document: Json = json.loads(path.read_text())

    def resolve(self, schema: Json) -> Json:
        """The schema itself, where it is a reference."""
        while "$ref" in schema:
            found: Any = self.document
            for key in schema["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            schema = found
        return schema

    def operations(self, version: str) -> Iterator[Operation]:
        """All of them."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if isinstance(operation, dict) and "operationId" in operation:
                    yield self._operation(version, method.upper(), path, {**item, **operation})

    def _operation(self, version: str, method: str, path: str, operation: Json) -> Operation:
        parameters = [self.resolve(parameter) for parameter in operation.get("parameters", [])]
        body = self.resolve(operation.get("requestBody", {})).get("content", {})
        ((status, success),) = ((c, r) for c, r in operation["responses"].items() if c.startswith("2"))
        answers = self.resolve(success).get("content", {})
        return Operation(
            version=version,
            method=method,
            path=path.removeprefix(f"/api/atlas/{version}"),
            operation_id=operation["operationId"],
            title=operation["summary"],
            parameters={(one["in"], one["name"]): one["schema"] for one in parameters},
            request=next(((media, content["schema"]) for media, content in body.items()), None),
            status=int(status),
            answer=next(((media, content.get("schema")) for media, content in answers.items()), (None, None)),
            specification=self,
        )

    def shapes(self, schema: Json) -> list[Shape]:
        """The kinds of object that a schema allows."""
        schema = self.resolve(schema)
        discriminator = schema.get("discriminator", {})
        if "mapping" in discriminator:
            name = discriminator["propertyName"]
            return [self._shape(schema, {"$ref": ref}, word, name) for word, ref in discriminator["mapping"].items()]
        if "oneOf" in schema:
            return [self._shape(schema, child, child["$ref"].rsplit("/", 1)[1], None) for child in schema["oneOf"]]
        return [self._shape({}, schema, "", None)]

    def _shape(self, parent: Json, child: Json, branch: str, discriminator: str | None) -> Shape:
        parts = [parent]
        child = self.resolve(child)
        parts += [self.resolve(part) for part in child.get("allOf", [])]
        parts.append(child)
        properties = {name: value for part in parts for name, value in part.get("properties", {}).items()}
        required = frozenset(name for part in parts for name in part.get("required", []))
        return Shape(branch, discriminator, properties, required)

    def schema(self, shape: Shape, direction: Direction) -> Json:
        """As JSON Schema; closed, and without what does not go that way."""
        hidden = "readOnly" if direction == "request" else "writeOnly"
        allowed = {
            name: self._converted(schema, direction)
            for name, schema in shape.properties.items()
            if not self.resolve(schema).get(hidden)
        }
        required = sorted(name for name in shape.required if name in allowed)
        if direction == "request" and shape.discriminator in required and shape.branch:
            allowed[shape.discriminator] = {"const": shape.branch}
        return {"type": "object", "properties": allowed, "required": required, "additionalProperties": False}

    def _converted(self, schema: Json, direction: Direction) -> Json:
        schema = self.resolve(schema)
        if schema.get("nullable"):
            return {"anyOf": [{"type": "null"}, self._converted({**schema, "nullable": False}, direction)]}
        if "oneOf" in schema:
            return {"enum": words(schema)}
        if "properties" in schema:
            return self.schema(self._shape({}, schema, "", None), direction)
        kept = ("type", "enum", "pattern", "minimum", "maximum", "maxLength", "maxItems", "minItems", "uniqueItems")
        converted = {key: schema[key] for key in kept if key in schema}
        if "items" in schema:
            converted["items"] = self._converted(schema["items"], direction)
        return converted

    def problems(self, shape: Shape, direction: Direction, instance: Json) -> list[str]:
        """What is wrong with an object; nothing, mostly."""
        validator = Draft202012Validator(self.schema(shape, direction))
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]

    def full(self, shape: Shape) -> Json:
        """An answer with all fields, no two strings alike where no pattern says how they are."""
        made = {name: self._sample(name, schema) for name, schema in shape.properties.items()}
        return {**made, shape.discriminator: shape.branch} if shape.discriminator else made

    def _sample(self, name: str, schema: Json) -> Any:
        schema = self.resolve(schema)
        if choice := words(schema):
            return choice[0]
        if "properties" in schema:
            return self.full(self._shape({}, schema, "", None))
        if schema["type"] == "array":
            return [self._sample(f"{name} {number}", schema["items"]) for number in (1, 2)]
        if "pattern" in schema:
            return SAMPLES[schema["pattern"]]
        return {"boolean": True, "integer": 2, "string": f"the {name}"}[schema["type"]]

    def variants(
        self, shape: Shape, needed: frozenset[str] = frozenset(), usual: frozenset[str] = frozenset()
    ) -> Iterator[tuple[str, Json]]:
        """Answers that may come, each with what is special about it.

        `needed` are in all of them, and not null; `usual` are there even where only the required ones are.
        """
        full = self.full(shape)
        fixed = needed | shape.required
        yield "all fields", full
        yield "required fields only", {name: full[name] for name in fixed | usual}
        for name in full.keys() - fixed:
            yield f"{name} absent", {other: value for other, value in full.items() if other != name}
        for name in full.keys() - needed - {shape.discriminator}:
            yield f"{name} null", {**full, name: None}
        for name, schema in shape.properties.items():
            if choice := words(self.resolve(schema)):
                for word in [] if name == shape.discriminator else choice:
                    yield f"{name} {word}", {**full, name: word}
                yield f"{name} of an unknown word", {**full, name: "INVENTED_LATER"}
        for name, schema in shape.properties.items():
            items = self.resolve(schema).get("items")
            if items is None:
                continue
            yield f"{name} empty", {**full, name: []}
            if "properties" in (items := self.resolve(items)):
                for label, item in self.variants(self._shape({}, items, "", None)):
                    yield f"{name} with {label}", {**full, name: [item, *full[name]]}


def words(schema: Json) -> list[str]:
    """The words that a string may be, where they are listed; those of all clouds."""
    return list(dict.fromkeys([*schema.get("enum", ()), *(w for one in schema.get("oneOf", ()) for w in words(one))]))


def operations(files: dict[str, list[str]]) -> list[Operation]:
    """Those of all these files."""
    return [
        operation
        for version, names in files.items()
        for name in names
        for operation in Specification(FOLDER / name).operations(version)
    ]


def problems(known: list[Operation], method: str, target: str, headers: dict[str, str], body: bytes) -> list[str]:
    """What is wrong with a request by the specification."""
    operation, named = operation_of(known, method, target)
    found = []
    for name, value in named.items():
        if not any(part in operation.path and value.startswith(forgotten) for part, forgotten in FORGOTTEN_IDS):
            found += _value_problems(operation, "path", name, value)
    for name, value in parse_qsl(urlsplit(target).query, keep_blank_values=True):
        if ("query", name) in operation.parameters:
            found += _value_problems(operation, "query", name, value)
        elif not any(name == unlisted and part in operation.path for unlisted, part in UNLISTED_PARAMETERS):
            found.append(f"there is no parameter {name}")
    usual = {"v1.0": "application/json", "v2": "application/vnd.atlas.2023-01-01+json"}[operation.version]
    if headers["accept"] != (operation.answer[0] or usual):
        found.append(f"it accepts {headers['accept']}")
    if operation.request is None:
        found += [f"it has a {name}" for name, there in (("body", body), ("type", "content-type" in headers)) if there]
        return found
    media, schema = operation.request
    if headers.get("content-type") != media:
        found.append(f"its content is {headers.get('content-type')}")
    sent: Json = json.loads(body)
    shapes = operation.specification.shapes(schema)
    if len(shapes) > 1:
        branch = sent.get(str(shapes[0].discriminator), named.get("cloudProvider"))
        shapes = [shape for shape in shapes if shape.branch == branch]
    (shape,) = shapes
    return found + operation.specification.problems(shape, "request", sent)


def operation_of(known: list[Operation], method: str, target: str) -> tuple[Operation, dict[str, str]]:
    """The operation that a request is for, and what it names in its path, percent-encoded as it is there."""
    path = urlsplit(target).path
    matches = []
    for operation in known:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(f"/api/atlas/{operation.version}{operation.path}"))
        match = re.fullmatch(pattern, path)
        if match and operation.method == method:
            values = match.groupdict()
            # `serverless` is no cloud provider
            if "cloudProvider" not in values or values["cloudProvider"].isupper():
                matches.append((operation, values))
    assert len(matches) == 1, f"{method} {target} is {[str(operation) for operation, _ in matches] or 'no operation'}"
    return matches[0]


def _value_problems(operation: Operation, place: str, name: str, value: str) -> list[str]:
    schema = operation.specification.resolve(operation.parameters[place, name])
    typed: Any = value
    if schema.get("type") in {"boolean", "integer"}:
        typed = json.loads(value)
    kept = {key: schema[key] for key in ("type", "enum", "pattern", "minimum", "maximum", "maxLength") if key in schema}
    return [f"{name}: {error.message}" for error in Draft202012Validator(kept).iter_errors(typed)]
