"""As much of Google's Compute API as Private Service Connect needs, on a loopback port.

It keeps what it is told, as the real one does: every change is an operation that takes a while, names are taken once,
an address has no IP before it is reserved and cannot be deleted while a forwarding rule has it, and a rule is PENDING
until the owner of the service attachment accepts it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from typing import Any

from .rest import Answer, Asked, RestServer

PROJECT = "orders-1234"
REGION = "us-central1"
NETWORK = f"projects/{PROJECT}/global/networks/vpc"
SUBNETWORK = f"projects/{PROJECT}/regions/{REGION}/subnetworks/db"

_HOST = "https://www.googleapis.com/compute/v1/"
_PATH = re.compile(
    r"/compute/v1/(?P<place>projects/[^/]+/regions/[^/]+)/(?P<kind>\w+)(?:/(?P<name>[^/]+)(?:/(?P<verb>\w+))?)?"
)

Resource = dict[str, Any]


class GcpCompute(RestServer):
    """The server.

    Args:
        knows: Says which service attachments there are, by `projects/…`.
        looks: How many requests after its begin an operation is done.
        page: How many resources a page of a list has.
    """

    def __init__(self, *, knows: Callable[[str], bool], looks: int = 3, page: int = 4) -> None:
        super().__init__()
        self.knows, self.looks, self.page = knows, looks, page
        self.addresses: dict[str, Resource] = {}
        self.rules: dict[str, Resource] = {}
        self.created: list[str] = []
        """Kind and name of all that was ever created."""
        self.problems: dict[str, str] = {}
        """Codes of errors that the operations of resources of these names end with."""
        self._operations: dict[str, tuple[Resource, int, Callable[[], None]]] = {}
        self._by_request_id: dict[str, Resource] = {}
        self._numbers, self._ips = count(1), count(2)

    def decide(self, status: str, *names: str) -> None:
        """What the owner of the service attachments says to rules: ACCEPTED, REJECTED, CLOSED; to all by default."""
        with self.lock:
            for name in names or self.rules:
                self.rules[name]["pscConnectionStatus"] = status

    def handle(self, asked: Asked) -> Answer:
        """The answer to a request."""
        match = _PATH.fullmatch(asked.path)
        if match is None or match["place"] != f"projects/{PROJECT}/regions/{REGION}":
            return missing(asked.path)
        for name in list(self._operations):
            self._age(name)
        return self._known(asked, match["kind"], match["name"], match["verb"])

    def _known(self, asked: Asked, kind: str, name: str | None, verb: str | None) -> Answer:
        if kind == "subnetworks" and asked.method == "GET":
            if name != "db":
                return missing(_id(kind, name or ""))
            return Answer(200, {"name": name, "selfLink": _HOST + SUBNETWORK, "network": _HOST + NETWORK})
        if kind == "operations":
            return self._operation(asked, name, verb)
        if kind not in ("addresses", "forwardingRules"):
            return missing(_id(kind, name or ""))
        there = self.addresses if kind == "addresses" else self.rules
        if name is None:
            listed = asked.method == "GET"
            return self._list(asked, list(there.values())) if listed else self._insert(asked, kind, there)
        return self._resource(asked, there, name, verb) if name in there else missing(_id(kind, name))

    def _resource(self, asked: Asked, there: dict[str, Resource], name: str, verb: str | None) -> Answer:
        if asked.method == "GET":
            return Answer(200, there[name])
        if asked.method == "DELETE":
            return self._delete(asked, there, name)
        if verb == "setLabels" and asked.body["labelFingerprint"] == there[name]["labelFingerprint"]:
            there[name]["labels"] = asked.body["labels"]
            return self._begin(asked, name, lambda: None)
        return refusal(412, "conditionNotMet", "Labels fingerprint either invalid or resource labels have changed")

    def _list(self, asked: Asked, resources: list[Resource]) -> Answer:
        expression = re.fullmatch(r"name eq (\S+)", asked.query.get("filter", "name eq .*"))
        if expression is None:
            return refusal(400, "invalid", "Invalid value for field 'filter'")
        found = [one for one in resources if re.fullmatch(expression[1], one["name"])]
        begin = int(asked.query.get("pageToken", "0"))
        more = {"nextPageToken": str(begin + self.page)} if len(found) > begin + self.page else {}
        return Answer(200, {"items": found[begin : begin + self.page], **more})

    def _insert(self, asked: Asked, kind: str, there: dict[str, Resource]) -> Answer:
        repeated = self._by_request_id.get(asked.query.get("requestId", ""))
        if repeated is not None:
            return Answer(200, repeated)
        name = asked.body["name"]
        if name in there:
            return refusal(409, "alreadyExists", f"The resource '{_id(kind, name)}' already exists")
        resource = {**asked.body, "selfLink": _HOST + _id(kind, name), "labelFingerprint": "42WmSpB8rSM="}
        refused = self._reserve(resource) if kind == "addresses" else self._forward(resource)
        if refused is not None:
            return refused
        there[name] = resource
        self.created.append(f"{kind}/{name}")

        def finish() -> None:
            if name in self.problems:
                del there[name]
                self._release(name)
            elif kind == "addresses":
                resource.update(address=f"10.0.0.{next(self._ips)}", status="RESERVED")
            else:
                resource["pscConnectionStatus"] = "PENDING"

        return self._begin(asked, name, finish)

    def _reserve(self, resource: Resource) -> Answer | None:
        if _path(resource["subnetwork"]) != SUBNETWORK:
            return missing(_path(resource["subnetwork"]))
        resource["status"] = "RESERVING"
        return None

    def _forward(self, resource: Resource) -> Answer | None:
        # as the real one says it, of such rules
        if resource.get("labels"):
            return refusal(
                400, "invalid", "Invalid value for field 'resource.labels': ''. This field should not be set."
            )
        if resource.get("loadBalancingScheme") != "" or _path(resource["network"]) != NETWORK:
            return refusal(400, "invalid", "Invalid value for field 'resource.loadBalancingScheme' or 'network'.")
        if not self.knows(_path(resource["target"])):
            return missing(_path(resource["target"]))
        address = self.addresses.get(resource["IPAddress"].rpartition("/")[2])
        if address is None or "address" not in address:
            return refusal(400, "invalid", "Invalid value for field 'resource.IPAddress': it is not ready.")
        if address.get("users"):
            return refusal(400, "resourceInUseByAnotherResource", "The address is in use by another resource.")
        address.update(users=[resource["selfLink"]], status="IN_USE")
        resource.update(IPAddress=address["address"], target=_HOST + _path(resource["target"]))
        resource["network"] = _HOST + _path(resource["network"])
        return None

    def _delete(self, asked: Asked, there: dict[str, Resource], name: str) -> Answer:
        if there is self.addresses and there[name].get("users"):
            text = f"The address resource '{name}' is already being used by '{there[name]['users'][0]}'"
            return refusal(400, "resourceInUseByAnotherResource", text)

        def finish() -> None:
            if there.pop(name, None) is not None and there is self.rules:
                self._release(name)

        return self._begin(asked, name, finish)

    def _release(self, name: str) -> None:
        for address in self.addresses.values():
            if address.get("users") == [_HOST + _id("forwardingRules", name)]:
                address.update(users=[], status="RESERVED")

    def _begin(self, asked: Asked, name: str, finish: Callable[[], None]) -> Answer:
        operation = {"name": f"operation-{next(self._numbers)}", "status": "RUNNING", "targetLink": name}
        self._operations[operation["name"]] = (operation, self.looks, finish)
        if "requestId" in asked.query:
            self._by_request_id[asked.query["requestId"]] = operation
        return Answer(200, dict(operation))

    def _age(self, name: str, by: int = 1) -> Resource:
        operation, left, finish = self._operations[name]
        self._operations[name] = (operation, left - by, finish)
        if operation["status"] == "RUNNING" and left - by <= 0:
            finish()
            operation["status"] = "DONE"
            code = self.problems.pop(operation["targetLink"], None)
            if code is not None:
                operation["error"] = {"errors": [{"code": code, "message": f"It failed:\n{code}"}]}
        return operation

    def _operation(self, asked: Asked, name: str | None, verb: str | None) -> Answer:
        if name is None or name not in self._operations:
            return missing(_id("operations", name or ""))
        return Answer(200, self._age(name, self.looks if verb == "wait" and asked.method == "POST" else 0))


def _id(kind: str, name: str) -> str:
    return f"projects/{PROJECT}/regions/{REGION}/{kind}/{name}"


def _path(url: str) -> str:
    return url[url.index("projects/") :]


def missing(what: str) -> Answer:
    """What Google says of a resource that is not there."""
    return refusal(404, "notFound", f"The resource '{what}' was not found")


def refusal(status: int, reason: str, message: str) -> Answer:
    """An error as Google sends it."""
    error = {"message": message, "domain": "global", "reason": reason}
    return Answer(status, {"error": {"code": status, "message": message, "errors": [error]}})
