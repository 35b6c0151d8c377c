"""The state of the local EC2, and how it answers one request: permissions, faults, and moto for all but PrivateLink."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ..errors import ConfigurationError
from ._ec2_accounts import Credentials
from ._ec2_atlas import AtlasSide
from ._ec2_faults import Ec2Faults
from ._ec2_region import Region
from ._ec2_replies import Refused, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from . import AtlasEmulator
    from ._ec2_accounts import Caller
    from ._ec2_rules import Ec2Rules

__all__ = ["World"]

# Credential=AKIA…/20261127/us-east-1/ec2/aws4_request
_SCOPE = re.compile(r"Credential=(\w+)/\d+/([a-z0-9-]+)/(\w+)/aws4_request")


class World:
    """All accounts and regions of one local EC2.

    Raises:
        ConfigurationError: moto is missing.
    """

    def __init__(self, atlas: AtlasEmulator, rules: Ec2Rules) -> None:
        try:
            from . import _ec2_moto
        except ImportError as error:
            what = "moto 5.1.22 or newer is not installed"
            raise ConfigurationError(f"{what}: pip install 'atlas-privatelink[demo]'") from error

        self.rules, self.atlas = rules, AtlasSide(atlas)
        self.faults, self.credentials = Ec2Faults(), Credentials(rules)
        self.forced: dict[str, str] = {}
        self.calls: list[str] = []
        self.lock = threading.RLock()
        self._moto = _ec2_moto.Moto(self)
        self._regions: dict[tuple[str, str], Region] = {}

    def region(self, account_id: str, name: str) -> Region:
        """One region of an account."""
        with self.lock:
            key = (account_id, name)
            if key not in self._regions:
                backend = self._moto.backend(account_id, name)
                self._regions[key] = Region(backend, self.atlas, self.rules, self.faults, self.forced)
            return self._regions[key]

    def open_default_groups(self, backend: Any) -> None:
        """Let the own security groups of VPCs let their members in, as in EC2."""
        self._moto.open_default_groups(backend)

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """Answer a request; `None` breaks the connection instead."""
        given = dict(parse_qsl(body.decode(), keep_blank_values=True))
        action = given.get("Action", "")
        with self.lock:
            self.calls.append(action)
            fault = self.faults.due(action)
            if fault is not None and not fault.executed:
                return None if fault.code is None else Reply.error("ec2", fault.code, fault.message, fault.status)
            match = _SCOPE.search(headers.get("Authorization", ""))
            access_key_id, region, service = match.groups() if match is not None else ("", "us-east-1", "ec2")
            try:
                caller = self.credentials.caller(access_key_id, service)
                if service == "ec2":
                    self._check(caller, region, action, given)
                reply = self._moto.answer(service, caller, region, (method, url, headers, body), given)
            except Refused as refused:
                reply = Reply.error(service, refused.code, refused.message, refused.status)
        if fault is not None:
            return None if fault.code is None else Reply.error(service, fault.code, fault.message, fault.status)
        return reply

    def _check(self, caller: Caller, region: str, action: str, given: Mapping[str, str]) -> None:
        wanted = [f"ec2:{action}"]
        if action == "CreateVpcEndpoint":
            if any(name.startswith("TagSpecification") for name in given):
                wanted.append("ec2:CreateTags")
            if given.get("ServiceRegion", region) != region:
                wanted.append("vpce:AllowMultiRegion")
        self.faults.check_allowed(caller.account_id, caller.arn, *wanted)
        if given.get("DryRun", "").lower() == "true":
            text = "Request would have succeeded, but DryRun flag is set."
            raise Refused("DryRunOperation", text, 412)

    def seen_by_atlas(self) -> list[str]:
        """The VPC endpoints that can be registered with Atlas now."""
        with self.lock:
            now = self.atlas.now()
            there = (one for region in self._regions.values() for one in region.endpoints.values())
            return [one.id for one in there if not one.is_deleted and one.seen_by_atlas_from <= now]

    def reset(self) -> None:
        """Forget VPC endpoints, client tokens, faults, denied permissions and calls; networks and roles stay."""
        with self.lock:
            for region in self._regions.values():
                region.reset()
            self.faults.reset()
            self.forced.clear()
            self.calls.clear()
