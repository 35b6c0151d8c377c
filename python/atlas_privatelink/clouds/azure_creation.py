"""Creating a private endpoint in Azure: at most one by its name, with a mark that is read back."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import CloudError, CloudPermissionDenied
from .azure_ids import canonical
from .azure_shown import PrivateEndpoint
from .calls import pause
from .ownership import Mark

if TYPE_CHECKING:
    from typing import Literal

    from .azure_calls import Calls
    from .azure_shown import Wishes
    from .base import ServiceToReach

    Created = tuple[PrivateEndpoint, Literal["created", "adopted"]]

__all__ = ["Creation"]

_PUT = "PrivateEndpoints.CreateOrUpdate"
# for callers without a limit of their own; a name is free again once its endpoint is gone, after a minute or two
_DELETION_SECONDS = 600.0
_DELETION_PAUSE = 2.0
# how often, and with which pauses, Azure is asked for what it says that it has just created
_READS, _READ_PAUSE = 5, 1.0
_TAGS_API = "2021-04-01"


class Creation:
    """One call of `create`.

    Azure creates or updates by name, so nothing that is seen without our mark is ever `PUT`, nor is anything that is
    alive. Between the last look and the `PUT`, somebody else may create it: then Azure answers 200, or refuses because
    of `If-None-Match`, where it heeds that.

    Args:
        calls: Azure.
        service: What the endpoint leads to.
        path: The id of the endpoint.
        identity: The identity of its network.
        location: The region of its network, as Azure spells it.
        wishes: Its attributes.
    """

    def __init__(
        self, calls: Calls, service: ServiceToReach, *, path: str, identity: str, location: str, wishes: Wishes
    ) -> None:
        self._calls, self._service, self._path = calls, service, path
        self._location, self._wishes, self._identity = location, wishes, identity
        self._target = canonical(service.name)
        self._mark = Mark.of(service, identity, self._target)

    def run(self) -> Created:
        """Create it, or find what is there already.

        Raises:
            CloudError: Azure refuses, or does not answer; the name belongs to something else; or what was created does
                not carry our mark.
        """
        there = self._until_name_is_free()
        if there is not None and not there.is_repeatable:
            return there, "adopted"
        # Azure's way to try once more is to create it again
        return self._put(there)

    def _until_name_is_free(self) -> PrivateEndpoint | None:
        """What has the name, if it can be used or repeated."""
        until = monotonic() + _DELETION_SECONDS
        while (endpoint := self._read()) is not None:
            if not self._suits(endpoint):
                why = f"{endpoint.text_id} exists and leads elsewhere: choose another name, or delete it"
                raise CloudError(f"Azure: {_PUT}: {why}", operation=_PUT, code="NameTaken")
            status, phase, trouble = endpoint.state()
            if phase == "failed" and not (endpoint.is_repeatable and self._is_ours(endpoint)):
                whose = "" if self._is_ours(endpoint) else ", and this package did not create it"
                why = f"{endpoint.text_id} is {status} ({trouble}){whose}: delete it, and connect again"
                raise CloudError(f"Azure: {_PUT}: {why}", operation=_PUT, code=status)
            if phase != "deleting":
                return endpoint
            if monotonic() > until:
                why = f"{endpoint.text_id} is still being deleted after {_DELETION_SECONDS:g} s"
                raise CloudError(f"Azure: {_PUT}: {why}", operation=_PUT, code=status, is_transient=True)
            pause(_DELETION_PAUSE)
        return None

    def _put(self, there: PrivateEndpoint | None) -> Created:
        try:
            reply = self._calls.send(_PUT, "PUT", self._path, body=self._wanted(), headers=_condition(there))
        except CloudPermissionDenied:
            raise
        except CloudError as error:
            return self._made_by_another(self._calls.outlive_fresh_service(error, self._target)), "adopted"
        self._calls.knows(self._target)
        origin: Literal["created", "adopted"] = "created" if reply.status == 201 else "adopted"
        answered = PrivateEndpoint(reply.body)
        return self._with_mark(answered, is_created=origin == "created"), origin

    def _wanted(self) -> dict[str, Any]:
        name = self._path.rpartition("/")[2]
        connection = {
            "privateLinkServiceId": self._service.name,
            "requestMessage": f"Atlas project {self._service.group_id}"[:140],
        }
        return {
            "location": self._location,
            "tags": {**self._wishes.tags, **self._mark.tags()},
            "properties": {
                "subnet": {"id": self._wishes.subnet_id},
                # Atlas approves it itself: nobody here has rights on its service, which an automatic approval needs
                "manualPrivateLinkServiceConnections": [{"name": name, "properties": connection}],
            },
        }

    def _made_by_another(self, error: CloudError) -> PrivateEndpoint:
        """What another call has created at the same moment; otherwise the error holds."""
        if error.code is None:
            # the answer got lost: who has created what, shows when it is tried again
            raise error
        endpoint = self._read()
        if endpoint is None or not self._suits(endpoint) or endpoint.state()[1] in ("deleting", "failed"):
            raise error
        return endpoint

    def _with_mark(self, answered: PrivateEndpoint, *, is_created: bool) -> PrivateEndpoint:
        """The endpoint, read once more, if it carries our mark.

        Raises:
            CloudError: It does not.
        """
        seen: PrivateEndpoint | None = None
        for number in range(_READS):
            if number:
                pause(_READ_PAUSE)
            seen = self._read()
            if seen is not None and self._is_ours(seen):
                return self._with_own_mark(seen) if is_created else seen
        if seen is None and self._is_ours(answered):
            # Azure does not show it yet, and has answered with the mark
            return answered
        why = (
            f"{answered.text_id} was created, and does not carry the tags that mark it as created by this package: an "
            "Azure Policy that modifies tags may have removed them. Exempt the tags atlas-* from the policy, delete "
            "the private endpoint, and connect again"
        )
        raise CloudError(f"Azure: {_PUT}: {why}", operation=_PUT, code="MarkMissing")

    def _with_own_mark(self, seen: PrivateEndpoint) -> PrivateEndpoint:
        """Whoever was answered 201 has created it, also where another `PUT` of the same moment wrote its mark over."""
        owner, wanted = seen.owner(), self._mark.tags()
        if owner is None or owner[0].tags() == wanted:
            return seen
        path = f"{self._path}/providers/Microsoft.Resources/tags/default"
        body = {"operation": "Merge", "properties": {"tags": wanted}}
        try:
            self._calls.send("Tags.UpdateAtScope", "PATCH", path, body=body, api_version=_TAGS_API)
        except CloudPermissionDenied:
            # it is ours all the same, and only says less of its creation
            return seen
        return self._read() or seen

    def _read(self) -> PrivateEndpoint | None:
        sent = self._calls.get("PrivateEndpoints.Get", self._path)
        return None if sent is None else PrivateEndpoint(sent)

    def _suits(self, endpoint: PrivateEndpoint) -> bool:
        return endpoint.leads_to(self._service) and endpoint.network == self._identity.partition(" ")[0]

    def _is_ours(self, endpoint: PrivateEndpoint) -> bool:
        owner = endpoint.owner()
        return owner is not None and owner[1] == self._identity and owner[0].digest == self._mark.digest


def _condition(there: PrivateEndpoint | None) -> dict[str, str]:
    """That nobody else creates or changes it meanwhile; it is not documented whether Azure heeds that here."""
    if there is None:
        return {"If-None-Match": "*"}
    return {} if there.etag is None else {"If-Match": there.etag}
