"""The forwarding rules and addresses of one region: reading, creating and deleting them."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..errors import CloudError
from .gcp_calls import EXISTS, IN_USE, Calls, OperationFailed
from .gcp_parts import Part

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from typing import Literal

    from .gcp_parts import Place

    Kind = Literal["addresses", "forwardingRules"]

__all__ = ["Resources", "Unsettled"]

_CLIENTS = {"addresses": "AddressesClient", "forwardingRules": "ForwardingRulesClient"}
_FIELDS = {"addresses": "address", "forwardingRules": "forwarding_rule"}


class Unsettled:
    """Request ids of creations whose outcome is not known.

    Whoever tries again sends the same id, and Google answers with the operation of the first try: so that what this run
    has created is not mistaken for somebody else's. Only one call has an id at a time.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[str, ...], str] = {}
        self._lock = Lock()

    def take(self, *creation: str) -> str | None:
        """The request id of an earlier try, for this call alone."""
        with self._lock:
            return self._ids.pop(creation, None)

    def leave(self, request_id: str, *creation: str) -> None:
        """Leave a request id to the next try."""
        with self._lock:
            self._ids[creation] = request_id


class Resources:
    """What there is in one region of a project.

    Args:
        calls: Google's clients.
        place: The project and its network.
        region: The region.
        unsettled: The creations whose outcome is not known.
    """

    def __init__(self, calls: Calls, place: Place, region: str, unsettled: Unsettled) -> None:
        self.calls, self.place, self._unsettled = calls, place, unsettled
        self.where = {"project": place.project, "region": region}

    # reading

    def all(self) -> list[Part]:
        """All parts; lists can be some seconds old."""
        return self.place.parts(self._list("forwardingRules"), self._list("addresses"))

    def numbered(self, group: str) -> list[Part]:
        """The parts with names `<group>-<number>`."""
        only = f"name eq {group}-[0-9]+"
        return self.place.parts(self._list("forwardingRules", only), self._list("addresses", only))

    def part(self, name: str) -> Part | None:
        """The part of a name, as it is at this moment; `None` where there is neither a rule to a service attachment nor
        an address of ours."""
        rule, address = self.get("forwardingRules", name), self.get("addresses", name)
        addresses = [] if address is None else [address]
        parts = self.place.parts([] if rule is None else [rule], addresses)
        if rule is not None and parts and parts[0].address is None:
            # somebody else's; its address may have another name
            addresses += self._list("addresses", f"address eq {rule.I_p_address}")
            parts = self.place.parts([rule], addresses)
        return next((part for part in parts if part.name == name), None)

    def get(self, kind: Kind, name: str) -> Any:
        """A rule or an address; `None` where there is none."""
        return self.calls.get(f"{kind}.get", _CLIENTS[kind], {**self.where, _FIELDS[kind]: name})

    def _list(self, kind: Kind, only: str | None = None) -> list[Any]:
        request = self.where if only is None else {**self.where, "filter": only}
        return self.calls.list(f"{kind}.list", _CLIENTS[kind], request)

    # changing

    def take_unsettled(self, kind: Kind, name: str, run: str | None) -> str | None:
        """The request id of an earlier creation whose outcome is not known: it has to be sent again."""
        return self._unsettled.take(kind, name, run or "")

    def insert(self, kind: Kind, wanted: Iterable[tuple[Mapping[str, Any], str | None]], run: str | None) -> set[str]:
        """Create rules or addresses, all at the same time.

        Args:
            kind: Which.
            wanted: What, each with the request id of an earlier try if there is one.
            run: Who creates them in which run.

        Returns:
            The names of those that these calls have created; the names of the others are taken.

        Raises:
            CloudError: One was refused, or its outcome is not known.
        """
        field = f"{_FIELDS[kind]}_resource"
        begun: list[_Insertion] = []
        try:
            for resource, request_id in wanted:
                begun.append(_Insertion(self, kind, resource["name"], run or "", request_id or str(uuid4())))
                begun[-1].begin({**self.where, field: dict(resource)})
            return {one.name for one in begun if one.finish()}
        finally:
            for one in begun:
                if not one.is_settled:
                    self._unsettled.leave(one.request_id, kind, one.name, one.run)

    def begin_delete(self, kind: Kind, name: str) -> Any:
        """Begin to delete a rule or an address.

        Returns:
            Google's operation; `None` where it is gone already.
        """
        try:
            request = {**self.where, _FIELDS[kind]: name}
            return self.calls.call(f"{kind}.delete", _CLIENTS[kind], "delete_unary", request)
        except CloudError as error:
            if error.code == "notFound":
                return None
            raise

    def finish(self, operation: str, begun: Any) -> None:
        """Wait for an operation.

        Raises:
            CloudError: It has failed, or Google does not say how it ended.
        """
        self.calls.finish(operation, begun, self.where)

    def change(self, operation: str, method: str, request: Mapping[str, Any]) -> None:
        """Change a rule, and wait until it is changed."""
        begun = self.calls.call(operation, "ForwardingRulesClient", method, {**self.where, **request})
        self.finish(operation, begun)


class _Insertion:
    """A creation: settled is one whose outcome is known."""

    def __init__(self, resources: Resources, kind: Kind, name: str, run: str, request_id: str) -> None:
        self.name, self.run, self.request_id = name, run, request_id
        self.is_settled = False
        self._resources, self._client, self._operation = resources, _CLIENTS[kind], f"{kind}.insert"
        self._begun: Any = None

    def begin(self, request: Mapping[str, Any]) -> None:
        """Send it."""
        request = {**request, "request_id": self.request_id}
        with self._settling():
            self._begun = self._resources.calls.call(self._operation, self._client, "insert_unary", request)

    def finish(self) -> bool:
        """Wait for its operation, and say whether this has created it."""
        if self.is_settled:
            return False
        with self._settling():
            self._resources.finish(self._operation, self._begun)
            self.is_settled = True
            return True
        return False

    @contextmanager
    def _settling(self) -> Generator[None]:
        try:
            yield
        except CloudError as error:
            is_taken = error.code in EXISTS | IN_USE
            # a failed operation is an outcome, and would be the answer to the same request id for ever
            self.is_settled = is_taken or isinstance(error, OperationFailed) or not error.is_transient
            if not is_taken:
                raise
