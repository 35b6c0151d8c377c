"""What there is in a local Google Compute, and the rules by which it changes."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from ipaddress import IPv4Network, ip_address
from itertools import count
from typing import TYPE_CHECKING, Any

from ._rest import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ._rest import Asked

__all__ = ["HOST", "Compute", "Resource", "path", "refusal"]

HOST = "https://www.googleapis.com/compute/v1/"
_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_REQUEST_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_DESCRIPTION = 2048

Resource = dict[str, Any]


def path(url: str) -> str:
    """`projects/…` of a URL."""
    _, found, rest = url.partition("projects/")
    return found + rest


def refusal(status: int, reason: str, message: str) -> Answer:
    """An error as Google sends it."""
    error = {"message": message, "domain": "global", "reason": reason}
    return Answer(status, {"error": {"code": status, "message": message, "errors": [error]}})


def missing(what: str) -> Answer:
    """What Google says of a resource that is not there."""
    return refusal(404, "notFound", f"The resource '{what}' was not found")


def invalid(field: str, why: str) -> Answer:
    """What Google says of a body that it does not accept."""
    return refusal(400, "invalid", f"Invalid value for field '{field}': {why}")


class Operation:
    """A change that takes a while.

    Args:
        json: As Google shows it.
        looks: How many requests it takes.
        finish: What happens then.
    """

    def __init__(self, json: Resource, looks: int, finish: Callable[[], None]) -> None:
        self.json, self.looks, self.finish = json, looks, finish


class Compute:
    """Networks, subnetworks, addresses, forwarding rules and operations.

    Args:
        knows: Says whether there is a service attachment, by `projects/…`.
        state: Says what the producer has decided of a rule, such as `ACCEPTED`.
        operations_take: How many requests an operation takes; with 0 it is done when it is answered.
        listed_after: How many lists of its kind do not show a new resource.
        page: How many resources a page of a list has.
    """

    def __init__(
        self,
        *,
        knows: Callable[[str], bool],
        state: Callable[[Resource], str],
        operations_take: int,
        listed_after: int,
        page: int,
    ) -> None:
        self._knows, self._state = knows, state
        self.operations_take, self.listed_after, self.page = operations_take, listed_after, page
        self.networks: set[str] = set()
        self.subnetworks: dict[str, Resource] = {}
        self.resources: dict[str, Resource] = {}
        """Addresses and forwarding rules, by `projects/…`."""
        self.created: list[str] = []
        """The paths of all that was ever created."""
        self.problems: dict[str, str] = {}
        """The errors with which operations on resources of these names end."""
        self.rewrite: Callable[[str], str] = lambda description: description
        """What becomes of the descriptions of addresses."""
        self._operations: dict[str, Operation] = {}
        self._by_request_id: dict[str, tuple[str, Operation]] = {}
        self._unlisted: dict[str, int] = {}
        self._deleting: set[str] = set()
        self._numbers = count(4_000_000_000_000_000_001)

    def add(self, place: str, kind: str, body: Mapping[str, Any]) -> Resource:
        """Let somebody else create something, which is there at once."""
        answer = self._create(place, kind, body)
        if isinstance(answer, Answer):
            raise ValueError(answer.body["error"]["message"])
        resource, finish = answer
        finish()
        return resource

    def named(self, kind: str) -> dict[str, Resource]:
        """All addresses or rules as Google shows them, by name."""
        found = self.resources.items()
        return {one["name"]: self.shown(one) for where, one in found if f"/{kind}/" in where}

    def age(self, looks: int = 1) -> None:
        """Let operations go on by so many requests."""
        for operation in self._operations.values():
            if operation.json["status"] != "DONE":
                operation.looks -= looks
                if operation.looks <= 0:
                    self._end(operation)

    def operation(self, place: str, name: str) -> Answer:
        """An operation."""
        found = self._operations.get(f"{place}/operations/{name}")
        return missing(f"{place}/operations/{name}") if found is None else Answer(200, dict(found.json))

    def get(self, place: str, kind: str, name: str) -> Answer:
        """An address or a rule."""
        found = self.resources.get(f"{place}/{kind}/{name}")
        return missing(f"{place}/{kind}/{name}") if found is None else Answer(200, self.shown(found))

    def listed(self, place: str, kind: str, query: Mapping[str, str]) -> Answer:
        """Addresses or rules, page by page."""
        expression = re.fullmatch(r"(name|address) eq (\S+)", query.get("filter", "name eq .*"))
        if expression is None:
            return invalid("filter", query["filter"])
        field, pattern = expression.groups()
        found: list[Resource] = []
        for where, resource in list(self.resources.items()):
            if where.startswith(f"{place}/{kind}/") and re.fullmatch(pattern, resource.get(field, "")):
                if self._unlisted.get(where, 0) > 0:
                    self._unlisted[where] -= 1
                else:
                    found.append(self.shown(resource))
        begin = int(query.get("pageToken", "0"))
        more = {"nextPageToken": str(begin + self.page)} if len(found) > begin + self.page else {}
        return Answer(200, {"items": found[begin : begin + self.page], **more})

    def insert(self, place: str, kind: str, asked: Asked) -> Answer:
        """Create an address or a rule."""
        request_id = asked.query.get("requestId")
        name = str(asked.body.get("name", ""))
        where = f"{place}/{kind}/{name}"
        if request_id is not None:
            if _REQUEST_ID.fullmatch(request_id) is None:
                return invalid("requestId", f"'{request_id}'. Must be a valid UUID.")
            earlier = self._by_request_id.get(request_id)
            if earlier is not None:
                of, operation = earlier
                return Answer(200, dict(operation.json)) if of == where else invalid("requestId", "it was used before")
        answer = self._create(place, kind, asked.body)
        if isinstance(answer, Answer):
            return answer
        _, finish = answer

        def finish_or_fail() -> None:
            if name in self.problems:
                self.remove(where)
            else:
                finish()

        operation = self._begin(place, "insert", where, finish_or_fail)
        if request_id is not None:
            self._by_request_id[request_id] = (where, operation)
        return Answer(200, dict(operation.json))

    def delete(self, place: str, kind: str, name: str) -> Answer:
        """Delete an address or a rule."""
        where = f"{place}/{kind}/{name}"
        resource = self.resources.get(where)
        if resource is None:
            return missing(where)
        if where in self._deleting:
            return refusal(400, "resourceNotReady", f"The resource '{where}' is not ready")
        if resource.get("users"):
            text = f"The address resource '{where}' is already being used by '{resource['users'][0]}'"
            return refusal(400, "resourceInUseByAnotherResource", text)
        self._deleting.add(where)

        def finish() -> None:
            self._deleting.discard(where)
            if name not in self.problems:
                self.remove(where)

        return Answer(200, dict(self._begin(place, "delete", where, finish).json))

    def set_labels(self, place: str, kind: str, name: str, body: Mapping[str, Any]) -> Answer:
        """Replace the labels."""
        where = f"{place}/{kind}/{name}"
        resource = self.resources.get(where)
        if resource is None:
            return missing(where)
        if body.get("labelFingerprint") != resource["labelFingerprint"]:
            text = "Labels fingerprint either invalid or resource labels have changed"
            return refusal(412, "conditionNotMet", text)
        resource.update(labels=dict(body.get("labels", {})), labelFingerprint=self._fingerprint())
        return Answer(200, dict(self._begin(place, "setLabels", where, _nothing).json))

    def patch(self, place: str, kind: str, name: str, body: Mapping[str, Any]) -> Answer:
        """Change the global access of a rule."""
        where = f"{place}/{kind}/{name}"
        if kind != "forwardingRules" or where not in self.resources:
            return missing(where)
        if set(body) != {"allowPscGlobalAccess"}:
            return invalid("resource", "only allowPscGlobalAccess can be changed")
        self.resources[where].update(body)
        return Answer(200, dict(self._begin(place, "patch", where, _nothing).json))

    # how resources come and go

    def _create(self, place: str, kind: str, body: Mapping[str, Any]) -> tuple[Resource, Callable[[], None]] | Answer:
        name = str(body.get("name", ""))
        where = f"{place}/{kind}/{name}"
        if _NAME.fullmatch(name) is None:
            return invalid("resource.name", f"'{name}'.")
        if where in self.resources:
            return refusal(409, "alreadyExists", f"The resource '{where}' already exists")
        # as the real one says it of both
        if body.get("labels"):
            return invalid("resource.labels", "''. This field should not be set.")
        if len(str(body.get("description", ""))) > _LONGEST_DESCRIPTION:
            return invalid("resource.description", "it is too long.")
        resource: Resource = {
            **body,
            "id": str(next(self._numbers)),
            "creationTimestamp": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "selfLink": HOST + where,
            "region": HOST + place,
            "labelFingerprint": self._fingerprint(),
        }
        made = self._address(resource) if kind == "addresses" else self._rule(place, resource)
        if isinstance(made, Answer):
            return made
        self.resources[where] = resource
        self._unlisted[where] = self.listed_after
        self.created.append(where)
        return resource, made

    def _address(self, resource: Resource) -> Answer | Callable[[], None]:
        subnetwork = path(str(resource.get("subnetwork", "")))
        if resource.get("addressType") != "INTERNAL":
            return invalid("resource.addressType", "only INTERNAL is known here.")
        if subnetwork not in self.subnetworks:
            return missing(subnetwork)
        wanted = resource.pop("address", "")
        taken = self._taken(subnetwork)
        if wanted:
            if ip_address(wanted) not in IPv4Network(self.subnetworks[subnetwork]["ipCidrRange"]):
                return invalid("resource.address", f"'{wanted}'. It is not in the subnetwork.")
            if wanted in taken:
                return refusal(409, "IP_IN_USE_BY_ANOTHER_RESOURCE", f"IP '{wanted}' is already being used.")
        free = wanted or next((ip for ip in self._usable(subnetwork) if ip not in taken), None)
        if free is None:
            return refusal(403, "IP_SPACE_EXHAUSTED", f"IP space of '{subnetwork}' is exhausted.")
        resource.update(
            subnetwork=HOST + subnetwork, status="RESERVING", purpose="GCE_ENDPOINT", users=[], reserved=free
        )
        resource["description"] = self.rewrite(str(resource.get("description", "")))
        return lambda: resource.update(address=free, status="RESERVED")

    def _taken(self, subnetwork: str) -> set[str]:
        addresses = [one for one in self.resources.values() if path(one.get("subnetwork", "")) == subnetwork]
        return {one["reserved"] for one in addresses}

    def _usable(self, subnetwork: str) -> list[str]:
        # without the network, the gateway, and the last two
        return [str(ip) for ip in IPv4Network(self.subnetworks[subnetwork]["ipCidrRange"])][2:-2]

    def _rule(self, place: str, resource: Resource) -> Answer | Callable[[], None]:
        refused = self._refused(place, resource)
        if refused is not None:
            return refused
        address = self.resources[path(resource["IPAddress"])]
        address.update(users=[resource["selfLink"]], status="IN_USE")
        # descriptions of such rules are not kept
        resource.pop("description", None)
        for field in ("target", "network"):
            resource[field] = HOST + path(resource[field])
        resource.update(IPAddress=address["address"], pscConnectionId=str(next(self._numbers)))
        return lambda: resource.update(is_made=True)

    def _refused(self, place: str, resource: Resource) -> Answer | None:
        network, target = path(str(resource.get("network", ""))), path(str(resource.get("target", "")))
        # what makes it a rule of Private Service Connect
        if resource.get("loadBalancingScheme") != "":
            return invalid("resource.loadBalancingScheme", "it has to be empty for a service attachment.")
        for what, known in ((network, network in self.networks), (target, self._knows(target))):
            if not known:
                return missing(what)
        where = path(str(resource.get("IPAddress", "")))
        address = self.resources.get(where)
        if address is None or not where.startswith(f"{place}/addresses/"):
            return missing(where)
        return self._not_free(where, address, network)

    def _not_free(self, where: str, address: Resource, network: str) -> Answer | None:
        if path(self.subnetworks[path(address["subnetwork"])]["network"]) != network:
            return invalid("resource.IPAddress", "it is an address of another network.")
        if "address" not in address:
            return refusal(400, "resourceNotReady", f"The resource '{where}' is not ready")
        if address["users"]:
            text = f"The address resource is already being used by '{address['users'][0]}'"
            return refusal(400, "resourceInUseByAnotherResource", text)
        return None

    def remove(self, where: str) -> None:
        """Let somebody else delete something, which is gone at once."""
        resource = self.resources.pop(where, None)
        if resource is not None:
            for one in self.resources.values():
                if one.get("users") == [resource["selfLink"]]:
                    one.update(users=[], status="RESERVED")

    def shown(self, resource: Resource) -> Resource:
        """A resource as Google shows it."""
        shown = {key: value for key, value in resource.items() if key not in ("reserved", "is_made")}
        if "/forwardingRules/" in shown["selfLink"] and resource.get("is_made"):
            shown["pscConnectionStatus"] = self._state(resource)
        return shown

    def _fingerprint(self) -> str:
        return f"{next(self._numbers) % 10**8:08d}"

    # operations

    def _begin(self, place: str, kind: str, where: str, finish: Callable[[], None]) -> Operation:
        number = next(self._numbers)
        name = f"operation-{number}"
        json = {
            "id": str(number),
            "name": name,
            "operationType": kind,
            "status": "RUNNING",
            "targetLink": HOST + where,
            "targetId": self.resources[where]["id"],
            "selfLink": f"{HOST}{place}/operations/{name}",
        }
        operation = Operation(json, self.operations_take, finish)
        self._operations[f"{place}/operations/{name}"] = operation
        if not operation.looks:
            self._end(operation)
        return operation

    def _end(self, operation: Operation) -> None:
        operation.finish()
        operation.json["status"] = "DONE"
        code = self.problems.pop(operation.json["targetLink"].rpartition("/")[2], None)
        if code is not None:
            operation.json["error"] = {"errors": [{"code": code, "message": f"It failed:\n{code}"}]}


def _nothing() -> None:
    """What a change ends with that is done when it begins."""
