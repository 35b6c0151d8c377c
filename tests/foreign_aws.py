"""Histories beside strangers in a local EC2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError
from foreign_clouds import CloudGround
from foreigners import Seen

from atlas_privatelink import Client
from atlas_privatelink.clouds.aws import AwsCloud
from atlas_privatelink.clouds.ownership import Mark
from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing._ec2_endpoints import Lag
from atlas_privatelink.testing._ec2_replies import Refused
from atlas_privatelink.testing.ec2 import LocalEc2, TokenBehavior

_TOKENS: tuple[TokenBehavior, ...] = ("returns-deleted", "mismatch", "forgets")


class AwsGround(CloudGround):
    """Two VPCs of one account; some strangers have an account of their own.

    Args:
        atlas: The local Atlas.
    """

    region = "us-east-1"
    moments = 60

    def __init__(self, atlas: AtlasEmulator) -> None:
        super().__init__()
        self._ec2 = LocalEc2(atlas, region=self.region).start()
        self._vpcs = [self._ec2.add_vpc(), self._ec2.add_vpc()]
        self._other = self._ec2.account("222222222222")
        self._others_vpc = self._other.add_vpc()
        self._client = self._ec2.client(in_process=True)
        self._send, self._client._make_api_call = self._client._make_api_call, self._call
        self._networks: dict[str, Any] = {}

    def close(self) -> None:
        """It is not needed any more."""
        self._ec2.stop()

    @property
    def _store(self) -> Any:
        return self._ec2._world.region(self._ec2.account_id, self.region)

    @property
    def _others_store(self) -> Any:
        return self._ec2._world.region(self._other.account_id, self.region)

    def _store_of(self, endpoint_id: str) -> Any:
        return self._store if endpoint_id in self._store.endpoints else self._others_store

    def _call(self, operation: str, parameters: dict[str, Any]) -> Any:
        self.around()
        answer = self._answer(operation, parameters)
        self.around()
        return answer

    def _answer(self, operation: str, parameters: dict[str, Any]) -> Any:
        """As the local EC2, but without XML, which takes most of its time."""
        ec2 = self._ec2._world
        with ec2.lock:
            fault = ec2.faults.due(operation)
            if fault is not None and not fault.executed:
                raise _refusal(operation, fault.code, fault.message, fault.status)
            try:
                answer = self._answers(operation, parameters)
            except Refused as refused:
                raise _refusal(operation, refused.code, refused.message, refused.status) from refused
            if fault is not None:
                raise _refusal(operation, fault.code, fault.message, fault.status)
            return answer

    def _answers(self, operation: str, parameters: dict[str, Any]) -> Any:
        if parameters.get("DryRun"):
            raise Refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        if operation == "DescribeVpcEndpoints":
            filters = {one["Name"]: one["Values"] for one in parameters.get("Filters", ())}
            return {"VpcEndpoints": self._store.describe(parameters.get("VpcEndpointIds", ()), filters)}
        if operation == "CreateVpcEndpoint":
            sent = {name: repr(value) for name, value in parameters.items() if name != "ClientToken"}
            return {"VpcEndpoint": self._store.create(parameters, sent)}
        if operation == "DeleteVpcEndpoints":
            return {"Unsuccessful": self._store.delete(parameters["VpcEndpointIds"])}
        if operation == "DescribeVpcEndpointServices":
            return self._send(operation, parameters)
        # networks stay as they are
        key = f"{operation} {parameters}"
        if key not in self._networks:
            self._networks[key] = self._send(operation, parameters)
        return self._networks[key]

    def begin(self, variant: int) -> None:
        """Nothing is there; client tokens behave in one of three ways."""
        self._ec2.reset()
        self._ec2.rules.tokens = _TOKENS[variant]
        self._faults = self._created = 0

    def cloud(self, network: int) -> AwsCloud:
        """One of the VPCs."""
        return AwsCloud(vpc_id=self._vpcs[network], client=self._client)

    def seen(self) -> Sequence[Seen]:
        """What there is, past EC2's lists."""
        return [self._seen(one) for one in (*self._ec2.vpc_endpoints(), *self._other.vpc_endpoints())]

    def _seen(self, one: dict[str, Any]) -> Seen:
        mark = Mark.read(one["tags"])
        is_marked = mark is not None and mark.belongs_to(one["vpc_id"], one["service_name"])
        identity = () if mark is None else (mark.group_id, mark.service_id, one["vpc_id"])
        is_dead = one["state"] in ("rejected", "failed", "expired")
        return Seen(one["id"], tuple(sorted(one["tags"].items())), is_marked, identity, is_dead)

    def stranger_creates(self, network: int, service: dict[str, Any], tags: dict[str, str]) -> str | None:
        """Without a client token; every third one in the other account."""
        self._created += 1
        is_elsewhere = self._created % 3 == 0
        wanted = {
            "VpcEndpointType": "Interface",
            "VpcId": self._others_vpc if is_elsewhere else self._vpcs[network],
            "ServiceName": service["endpointServiceName"],
            "TagSpecifications": [
                {"ResourceType": "vpc-endpoint", "Tags": [{"Key": key, "Value": tags[key]} for key in tags]}
            ],
        }
        try:
            made: str = (self._others_store if is_elsewhere else self._store).create(wanted, {})["VpcEndpointId"]
        except Refused:
            return None
        return made

    def stranger_deletes(self, endpoint_id: str) -> None:
        """Whatever it is."""
        self._store_of(endpoint_id).delete([endpoint_id])

    def stranger_tags(self, endpoint_id: str, tags: dict[str, str]) -> None:
        """Whatever it is."""
        self._store_of(endpoint_id).backend.create_tags([endpoint_id], tags)

    def rejects(self, endpoint_id: str) -> None:
        """Whatever Atlas says."""
        self._ec2.force_state(endpoint_id, "rejected")

    def lag(self, lists: int) -> None:
        """In lists; by its id, a new endpoint is shown sooner."""
        rules = self._ec2.rules
        rules.lists_lag, rules.shown_after, rules.tags_lag = lists, lists // 2, lists
        for one in self._store.endpoints.values():
            for lag in (one.lag_by_id, one.lag_in_lists, one.tags_lag):
                _shorten(lag, lists)

    def fail(self, *, executed: bool, times: int) -> None:
        """As EC2 throttles, or with a broken connection."""
        if executed:
            self._ec2.fail(code=None, executed=True, times=times)
        else:
            self._ec2.fail(code="RequestLimitExceeded", message="Request limit exceeded.", status=503, times=times)

    def heal(self) -> None:
        """No fault is left."""
        self._ec2.forget_faults()

    def register(self, atlas: Client, group_id: str, service_id: str, endpoint_id: str) -> None:
        """As a stranger."""
        atlas.dedicated.create_endpoint(group_id, "AWS", service_id, endpoint_id)


def _refusal(operation: str, code: str | None, message: str, status: int) -> Exception:
    if code is None:
        return ConnectionClosedError(endpoint_url="https://ec2.invalid")
    told: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error: Exception = ClientError(told, operation)
    return error


def _shorten(lag: Lag, lists: int) -> None:
    lag.looks = min(lag.looks, lists)
