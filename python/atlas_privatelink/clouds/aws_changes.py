"""How a VPC endpoint is changed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import CloudError, NotOwned
from .aws_calls import NOT_FOUND, refused
from .aws_shown import groups_of, tags_of
from .calls import pause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..models.connection import CloudEndpoint
    from .aws_calls import Calls
    from .aws_endpoints import Endpoints
    from .aws_shown import Wishes

__all__ = ["Changes", "Deletion"]

# before an endpoint that was ours is taken for somebody else's
_PAUSES = (0.5, 1.5)


class Changes:
    """Changes of an endpoint of ours: security groups, tags, and subnets that are added.

    Args:
        calls: boto3's clients.
        region: The VPC's region.
        endpoints: The VPC's endpoints.
        wishes: What the user has asked for.
    """

    def __init__(self, calls: Calls, region: str, endpoints: Endpoints, wishes: Wishes) -> None:
        self._calls, self._region, self._endpoints, self._wishes = calls, region, endpoints, wishes

    def run(self, endpoint: CloudEndpoint) -> list[str]:
        """Make them, and describe each.

        Raises:
            NotOwned: It is not ours, or not the same any more.
            CloudError: EC2 refuses, or does not answer.
        """
        one = self._endpoints.read(endpoint.id)
        now = None if one is None else self._endpoints.show(one)
        if one is None or now is None or not (endpoint.is_ours and now.is_ours):
            text = f"{endpoint.id} was not changed: it was not created by this package, or no longer exists"
            raise NotOwned(text, endpoint=now or endpoint)
        added = [str(subnet["SubnetId"]) for subnet in self._endpoints.missing_subnets(one)]
        return [*self._modify(one, added), *self._tag(one)]

    def _modify(self, one: Mapping[str, Any], added: Sequence[str]) -> list[str]:
        have, wanted = groups_of(one), self._wishes.security_group_ids
        parameters = {
            "AddSubnetIds": list(added),
            "AddSecurityGroupIds": [group for group in wanted if group not in have],
            "RemoveSecurityGroupIds": [group for group in have if wanted and group not in wanted],
        }
        parameters = {key: ids for key, ids in parameters.items() if ids}
        if not parameters:
            return []
        endpoint_id: str = one["VpcEndpointId"]
        self._calls.call(self._region, "modify_vpc_endpoint", endpoint_id, VpcEndpointId=endpoint_id, **parameters)
        changed = [f"added {', '.join(added)}"] if added else []
        if wanted and set(have) != set(wanted):
            changed.append(f"set the security groups to {', '.join(wanted)}")
        return changed

    def _tag(self, one: Mapping[str, Any]) -> list[str]:
        have = tags_of(one)
        wanted = {key: value for key, value in self._wishes.tags.items() if have.get(key) != value}
        if not wanted:
            return []
        pairs = [{"Key": key, "Value": value} for key, value in wanted.items()]
        endpoint_id: str = one["VpcEndpointId"]
        self._calls.call(self._region, "create_tags", endpoint_id, Resources=[endpoint_id], Tags=pairs)
        return [f"set tag {key} to {value!r}" for key, value in wanted.items()]


class Deletion:
    """The deletion of one endpoint.

    Args:
        calls: boto3's clients.
        region: The VPC's region.
        endpoints: The VPC's endpoints.
    """

    def __init__(self, calls: Calls, region: str, endpoints: Endpoints) -> None:
        self._calls, self._region, self._endpoints = calls, region, endpoints

    def run(self, endpoint: CloudEndpoint) -> None:
        """Begin it.

        Raises:
            NotOwned: The endpoint was ours, and has lost its mark.
            CloudError: EC2 refuses, or does not answer.
        """
        for delay in (*_PAUSES, None):
            one = self._endpoints.read(endpoint.id)
            if one is None:
                # it may only not be shown yet; its id is never given to another one
                break
            now = self._endpoints.show(one)
            if now.phase in ("deleting", "gone"):
                return
            if not endpoint.is_ours or (now.is_ours and now.network == endpoint.network):
                break
            if delay is None:
                text = (
                    f"{endpoint.id} was not deleted: it no longer has the tags that mark it as created by this package"
                )
                raise NotOwned(text, endpoint=now)
            # the tags of a new one may lag behind
            pause(delay)
        self._delete(endpoint.id)

    def _delete(self, endpoint_id: str) -> None:
        operation = "DeleteVpcEndpoints"
        try:
            answer = self._calls.call(self._region, "delete_vpc_endpoints", endpoint_id, VpcEndpointIds=[endpoint_id])
        except CloudError as error:
            if error.code in NOT_FOUND:
                return
            raise
        # EC2 answers 200, and says here what it did not delete
        unsuccessful: list[dict[str, Any]] = answer.get("Unsuccessful") or []
        for item in unsuccessful:
            told: dict[str, str] = item.get("Error") or {}
            if told.get("Code") not in NOT_FOUND:
                what = f"{operation} of {item.get('ResourceId') or endpoint_id} in {self._region}"
                raise refused(what, operation, told.get("Code"), told.get("Message") or "")
