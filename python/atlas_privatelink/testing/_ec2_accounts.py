"""AWS accounts, credentials and roles of the local EC2."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from ._ec2_replies import Refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from ._ec2_rules import Ec2Rules

__all__ = ["MAIN_ACCOUNT", "SECRET_ACCESS_KEY", "Caller", "Credentials", "access_key_of"]

MAIN_ACCOUNT = "123456789012"
# AWS's own examples
_MAIN_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - a server that checks no signatures


def access_key_of(account_id: str) -> str:
    """The access key of an account's user."""
    return _MAIN_KEY if account_id == MAIN_ACCOUNT else f"AKIA{account_id}TEST"


@dataclass(frozen=True)
class Caller:
    """Who sends a request."""

    account_id: str
    arn: str
    expires: datetime | None = None


@dataclass(frozen=True)
class _Role:
    external_id: str | None
    trusted: frozenset[str] | None


class Credentials:
    """What STS has given out, and the roles that it knows."""

    def __init__(self, rules: Ec2Rules) -> None:
        self._rules = rules
        self._callers: dict[str, Caller] = {}
        self._roles: dict[str, _Role] = {}
        self.add_account(MAIN_ACCOUNT)

    def add_account(self, account_id: str) -> None:
        """Accept the access key of an account."""
        if not (len(account_id) == 12 and account_id.isdecimal()):
            raise ValueError(f"account_id must be 12 digits, got {account_id!r}")
        arn = f"arn:aws:iam::{account_id}:user/local"
        self._callers.setdefault(access_key_of(account_id), Caller(account_id, arn))

    def add_role(self, account_id: str, name: str, external_id: str | None, trusted: Collection[str] | None) -> str:
        """Let a role be assumed; the ARN of it."""
        arn = f"arn:aws:iam::{account_id}:role/{name}"
        self._roles[arn] = _Role(external_id, None if trusted is None else frozenset(trusted))
        return arn

    def expire(self) -> None:
        """End the life of all temporary credentials."""
        for key, caller in self._callers.items():
            if caller.expires is not None:
                self._callers[key] = Caller(caller.account_id, caller.arn, datetime.now(timezone.utc))

    def caller(self, access_key_id: str, service: str) -> Caller:
        """Who has an access key. A long-lived one that is not known belongs to the main account's user.

        Raises:
            Refused: It is a temporary one that is unknown, or has expired.
        """
        caller = self._callers.get(access_key_id)
        if caller is None:
            if access_key_id.startswith("ASIA"):
                text = "AWS was not able to validate the provided access credentials"
                raise Refused("AuthFailure", text, 401)
            return self._callers[_MAIN_KEY]
        if caller.expires is not None and caller.expires <= datetime.now(timezone.utc):
            if service == "sts":
                raise Refused("ExpiredToken", "The security token included in the request is expired", 403)
            raise Refused("RequestExpired", "Request has expired.")
        return caller

    def assume(self, caller: Caller, given: dict[str, Any]) -> dict[str, Any]:
        """`AssumeRole`: temporary credentials.

        Raises:
            Refused: The role is not known, or trusts neither the caller nor the external id.
        """
        arn: str = given.get("RoleArn") or ""
        role = self._roles.get(arn)
        trusted = role is not None and (role.trusted is None or caller.account_id in role.trusted)
        if role is None or not trusted or role.external_id not in (None, given.get("ExternalId")):
            text = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise Refused("AccessDenied", text, 403)
        seconds = self._rules.role_seconds or float(given.get("DurationSeconds") or 3600)
        key = "ASIA" + "".join(random.choices(string.ascii_uppercase + "234567", k=16))  # noqa: S311 - no secret
        account_id, name = arn.split(":")[4], arn.rsplit("/", 1)[1]
        session = f"arn:aws:sts::{account_id}:assumed-role/{name}/{given.get('RoleSessionName')}"
        expires = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        self._callers[key] = Caller(account_id, session, expires)
        return {
            "Credentials": {
                "AccessKeyId": key,
                "SecretAccessKey": SECRET_ACCESS_KEY,
                "SessionToken": token_hex(32),
                "Expiration": expires,
            },
            "AssumedRoleUser": {"AssumedRoleId": f"AROALOCAL:{given.get('RoleSessionName')}", "Arn": session},
            "PackedPolicySize": 6,
        }
