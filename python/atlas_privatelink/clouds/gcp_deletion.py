"""Deleting an endpoint in Google Cloud: exactly the rules and addresses that were seen, and only if they still are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import CloudError, NotOwned
from .gcp_calls import IN_USE, Pauses
from .gcp_names import path
from .gcp_parts import numbers_in

if TYPE_CHECKING:
    from typing import Any

    from ..models.connection import CloudEndpoint
    from .gcp_resources import Kind, Resources

__all__ = ["Deletion"]

# Google frees an address some time after its rule is deleted
_RELEASE_SECONDS = 60.0


class Deletion:
    """One call of `delete`.

    Google deletes by name. So numeric ids are compared right before each deletion: what remains is the moment between
    the two requests.

    Args:
        resources: What there is, and where.
        endpoint: The endpoint as it was seen.
    """

    def __init__(self, resources: Resources, endpoint: CloudEndpoint) -> None:
        self._resources, self._endpoint = resources, endpoint
        self._rules, self._addresses = numbers_in(endpoint.fingerprint)

    def run(self) -> None:
        """Delete the rules, and then the addresses of ours.

        Raises:
            NotOwned: Something is not the same any more; nothing was deleted.
            CloudError: Google refuses, or does not answer.
        """
        if not self._rules and not self._addresses:
            raise NotOwned(f"{self._endpoint.id} was never seen: nothing was deleted", endpoint=self._endpoint)
        for name in dict.fromkeys((*self._rules, *self._addresses)):
            self._check(name)
        begun = [self._begin("forwardingRules", name, number) for name, number in self._rules.items()]
        for operation in begun:
            # an address cannot be deleted while a rule has it
            self._resources.finish("forwardingRules.delete", operation)
        for name, number in self._addresses.items():
            self._delete_address(name, number)

    def _check(self, name: str) -> None:
        part = self._resources.part(name)
        if part is None:
            self._check_address(name)
            return
        if part.rule is not None:
            self._compare("forwardingRules", part.rule, self._rules.get(name))
        if part.address is not None and name in self._addresses:
            self._compare("addresses", part.address, self._addresses[name])
        mark = part.mark
        if self._endpoint.is_ours and (mark is None or mark.service_id != self._endpoint.service_id):
            text = f"{name} does not carry the mark of this package any more: it was not deleted"
            raise NotOwned(text, endpoint=self._endpoint)

    def _check_address(self, name: str) -> None:
        """Refuse an address that has lost its mark, and whose rule is gone."""
        if name in self._addresses and self._resources.get("addresses", name) is not None:
            text = f"address {name} does not carry the mark of this package any more: it was not deleted"
            raise NotOwned(text, endpoint=self._endpoint)

    def _compare(self, kind: Kind, resource: Any, number: int | None) -> None:
        if resource.id != number:
            text = f"{kind}/{resource.name} is another one than the one that was seen: it was not deleted"
            raise NotOwned(text, endpoint=self._endpoint)

    def _begin(self, kind: Kind, name: str, number: int) -> Any:
        now = self._resources.get(kind, name)
        if now is None:
            return None
        self._compare(kind, now, number)
        return self._resources.begin_delete(kind, name)

    def _delete_address(self, name: str, number: int) -> None:
        pauses = Pauses("addresses.delete", _RELEASE_SECONDS)
        while True:
            try:
                self._resources.finish("addresses.delete", self._begin("addresses", name, number))
                return
            except CloudError as error:
                if error.code not in IN_USE or self._others(name):
                    raise
            pauses.pause()

    def _others(self, name: str) -> bool:
        """Whether another rule has the address meanwhile."""
        address = self._resources.get("addresses", name)
        users = () if address is None else address.users
        return any(not path(user).endswith(f"/forwardingRules/{name}") for user in users)
