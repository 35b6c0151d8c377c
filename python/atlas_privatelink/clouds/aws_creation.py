"""How one VPC endpoint is created at most once: client tokens, their generations, and who has created it.

A client token stands for the identity and a generation. EC2 does not document what becomes of a token whose endpoint is
deleted, or that comes with other tags; each of these is provided for:

- It answers with the deleted endpoint: the next generation, at once.
- It refuses with `IdempotentParameterMismatch`: a list shows what exists, which is adopted; or the deleted endpoint of
  that generation, and then it is the next one's turn, at once. Where it shows neither, EC2's lists may lag behind, and
  only after a while of looking again it is the next generation's turn.
- It creates a new one: all who create at the same time begin with generation 0, and get the same one.

Each call writes a random word of its own into the tag `atlas-run`, so that the endpoint says which call has created it:
of two calls with one token, one finds its own word and the other somebody else's, or is refused and finds it in a list.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from secrets import token_hex
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import CloudError
from .aws_calls import MISMATCH
from .aws_shown import run_of, tags_of
from .calls import pause
from .ownership import RUN_TAG, Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..models.connection import CloudEndpoint
    from .aws_calls import Calls
    from .aws_endpoints import Endpoints
    from .base import ServiceToReach

__all__ = ["Creation", "Unsettled", "parameters_of", "specifications_of"]

_log = logging.getLogger("atlas_privatelink")

_OPERATION = "CreateVpcEndpoint"
_MOST_GENERATIONS = 32
# EC2 shows what it has just created with a delay of seconds; its documents allow five minutes
_OLDEST_UNSEEN = timedelta(minutes=10)
_READ_BACK_SECONDS = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0


def parameters_of(
    vpc_id: str,
    service_name: str,
    service_region: str | None,
    subnets: Sequence[Mapping[str, Any]],
    groups: Sequence[str],
) -> dict[str, Any]:
    """What `CreateVpcEndpoint` wants, but for tags and token.

    Args:
        vpc_id: The VPC.
        service_name: The service.
        service_region: The service's region, where it is another one than the VPC's.
        subnets: The chosen subnets.
        groups: Security groups; empty for the VPC's own.
    """
    parameters: dict[str, Any] = {
        "VpcEndpointType": "Interface",
        "VpcId": vpc_id,
        "ServiceName": service_name,
        "SubnetIds": [str(one["SubnetId"]) for one in subnets],
        "PrivateDnsEnabled": False,
    }
    if service_region is not None:
        parameters["ServiceRegion"] = service_region
    if groups:
        parameters["SecurityGroupIds"] = list(groups)
    return parameters


def specifications_of(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """`TagSpecifications` of a VPC endpoint."""
    return [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": key, "Value": tags[key]} for key in sorted(tags)]}]


class Unsettled:
    """The words of calls that ended without knowing whether they have created the endpoint. The next call for the same
    goes on with one, and so recognises what the earlier one has created."""

    def __init__(self) -> None:
        self._words: dict[str, list[str]] = {}
        self._lock = Lock()

    def take(self, identity: str) -> str:
        """One of those, or a new one."""
        with self._lock:
            left = self._words.get(identity)
            return left.pop() if left else token_hex(8)

    def leave(self, identity: str, word: str) -> None:
        """A call has ended with an error."""
        with self._lock:
            self._words.setdefault(identity, []).append(word)


class Creation:
    """The creation of one VPC endpoint.

    Args:
        calls: boto3's clients.
        region: The VPC's region.
        endpoints: The VPC's endpoints.
        service: What it is to lead to.
        mark: Its mark.
        parameters: What `CreateVpcEndpoint` wants, but for the tags and the token.
        tags: Its tags, with those of the mark.
        list_lag: For how many seconds to look again after a mismatch.
        on_note: Is told why it takes long.
    """

    def __init__(
        self,
        calls: Calls,
        region: str,
        endpoints: Endpoints,
        service: ServiceToReach,
        *,
        mark: Mark,
        parameters: Mapping[str, Any],
        tags: Mapping[str, str],
        list_lag: float,
        on_note: Callable[[str], object] | None,
    ) -> None:
        self._calls, self._region, self._endpoints = calls, region, endpoints
        self._service, self._mark, self._parameters, self._tags = service, mark, parameters, tags
        self._list_lag, self._on_note = list_lag, on_note
        self._word = ""

    def run(self, unsettled: Unsettled) -> CloudEndpoint:
        """Create it, or adopt what exists.

        Raises:
            CloudError: EC2 refuses, or does not answer; or the endpoint was created and has lost its mark.
        """
        self._word = unsettled.take(self._mark.digest)
        try:
            existing = self._first_alive(self._endpoints.listed(self._service.name))
            endpoint = existing or self._created()
        except BaseException:
            unsettled.leave(self._mark.digest, self._word)
            raise
        return endpoint

    def _created(self) -> CloudEndpoint:
        for generation in range(_MOST_GENERATIONS):
            try:
                answer = self._send(generation)
            except CloudError as error:
                if error.code != MISMATCH:
                    raise self._calls.outlive_fresh_service(error, self._service.name) from error
                endpoint = self._look_for(generation)
            else:
                self._calls.knows(self._service.name)
                endpoint = self._settled(answer)
            if endpoint is not None:
                return endpoint
            _log.debug("AWS: the endpoint of client token %d is deleted", generation)
        text = f"AWS returned deleted VPC endpoints for all {_MOST_GENERATIONS} client tokens; try again tomorrow"
        raise CloudError(text, operation=_OPERATION)

    def _send(self, generation: int) -> dict[str, Any]:
        token = sha256(f"{self._mark.digest}\n{self._service.name}\n{generation}".encode()).hexdigest()
        tags = {**self._tags, RUN_TAG: f"{generation}-{self._word}"}
        about = f"{self._parameters['VpcId']} {self._service.name}"
        answer = self._calls.call(
            self._region,
            "create_vpc_endpoint",
            about,
            **self._parameters,
            TagSpecifications=specifications_of(tags),
            ClientToken=token,
        )
        made: dict[str, Any] | None = answer.get("VpcEndpoint")
        if not made:
            text = f"AWS: {_OPERATION} in {self._region} returned no VPC endpoint"
            raise CloudError(text, operation=_OPERATION, is_transient=True)
        return made

    # what a token has answered with

    def _settled(self, answer: dict[str, Any]) -> CloudEndpoint | None:
        """The endpoint; `None` where it is deleted, or another call's that has failed."""
        is_own = run_of(tags_of(answer))[1] == self._word
        one = self._read_back(answer, is_own=is_own)
        if one is None:
            return None
        word = run_of(tags_of(one))[1]
        # a policy may have taken the word away, and then the answer counts
        is_own = word == self._word if word else is_own
        endpoint = self._endpoints.show(one)
        if endpoint.phase in ("deleting", "gone") or (endpoint.phase == "failed" and not is_own):
            return None
        if is_own and not endpoint.is_ours:
            raise _mark_missing(endpoint)
        return replace(endpoint, origin="created" if is_own else "adopted")

    def _read_back(self, answer: dict[str, Any], *, is_own: bool) -> dict[str, Any] | None:
        """The endpoint of an answer as it is now, with its tags; the answer where EC2 does not show it yet."""
        told = self._endpoints.show(answer)
        if told.phase in ("deleting", "gone"):
            return None
        until, delay = monotonic() + min(self._list_lag, _READ_BACK_SECONDS), _FIRST_PAUSE
        one: dict[str, Any] | None = None
        while True:
            try:
                one = self._endpoints.read(told.id)
            except CloudError as error:
                if not error.is_transient:
                    # its id is not to be lost
                    _log.debug("AWS: %s was not read back: %s", told.id, error)
                    return answer
            if one is None and not is_own and _is_old(answer):
                return None
            is_complete = one is not None and (self._endpoints.show(one).is_ours or not told.is_ours)
            if is_complete or monotonic() >= until:
                return one or answer
            pause(delay)
            delay = min(delay * 1.6, _LONGEST_PAUSE)

    # what there is after a token was refused

    def _look_for(self, generation: int) -> CloudEndpoint | None:
        """What exists already; `None` where the next generation may be created."""
        until, delay = monotonic() + self._list_lag, _FIRST_PAUSE
        while True:
            listed = self._endpoints.listed(self._service.name)
            existing = self._first_alive(listed)
            if existing is not None:
                return existing
            left = until - monotonic()
            if self._is_deleted(generation, listed) or left <= 0:
                return None
            self._note(
                f"AWS refused the client token as already used ({MISMATCH}), but lists no VPC endpoint to "
                f"{self._service.name} yet: looking again for up to {left:.0f} s"
            )
            pause(min(delay, left))
            delay = min(delay * 1.6, _LONGEST_PAUSE)

    def _first_alive(self, listed: Sequence[dict[str, Any]]) -> CloudEndpoint | None:
        alive = [one for one in self._endpoints.usable(listed) if one.is_alive]
        if not alive:
            return None
        # one of ours before somebody else's; they are sorted by age
        chosen = min(alive, key=lambda one: not one.is_ours)
        is_own = run_of(dict(chosen.tags))[1] == self._word
        return replace(chosen, origin="created" if is_own else "adopted")

    def _is_deleted(self, generation: int, listed: Sequence[dict[str, Any]]) -> bool:
        """Whether a list shows that the endpoint of a generation is deleted."""
        unknown = 0
        for one in listed:
            endpoint = self._endpoints.show(one)
            if endpoint.phase not in ("deleting", "gone") or (endpoint.tags and not self._is_of_mark(endpoint)):
                continue
            # EC2 may show what is deleted without tags; each has used one generation up
            number = run_of(dict(endpoint.tags))[0]
            unknown += not number
            if number == str(generation):
                return True
        return unknown > generation

    def _is_of_mark(self, endpoint: CloudEndpoint) -> bool:
        mark = Mark.read(dict(endpoint.tags))
        return mark is not None and mark.digest == self._mark.digest

    def _note(self, text: str) -> None:
        _log.debug("%s", text)
        if self._on_note is not None:
            self._on_note(text)


def _is_old(answer: Mapping[str, Any]) -> bool:
    created = answer.get("CreationTimestamp")
    return isinstance(created, datetime) and datetime.now(timezone.utc) - created > _OLDEST_UNSEEN


def _mark_missing(endpoint: CloudEndpoint) -> CloudError:
    left = ", ".join(key for key, _ in endpoint.tags) or "none"
    return CloudError(
        f"AWS created {endpoint.id}, but the tags that mark it as created by this package are missing (its tags: "
        f"{left}): a tag policy or an automation of your account probably removed them. disconnect does not delete an "
        f"endpoint without them. Allow the tags atlas-*, delete {endpoint.id}, and run it again",
        operation=_OPERATION,
        code="MarkMissing",
    )
