"""What tests of `connect` see of each of the three clouds: `connect` and `disconnect` by the public doors, the cloud as
it really is, and what strangers do in it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest
from support import GROUP_ID

from atlas_privatelink import Client, Connection, ConnectionProgress, aws, azure, gcp
from atlas_privatelink.clouds.aws import AwsCloud
from atlas_privatelink.clouds.azure import AzureCloud
from atlas_privatelink.clouds.gcp import GcpCloud
from atlas_privatelink.testing import AtlasEmulator
from atlas_privatelink.testing.azure import LocalAzure
from atlas_privatelink.testing.ec2 import LocalEc2
from atlas_privatelink.testing.gcp import LocalGcp

__all__ = ["AwsSide", "AzureSide", "GcpSide", "Side"]

STRANGE_TAGS = {"created-by": "terraform", "team": "orders"}


class Side:
    """One cloud beside a local Atlas. Network 0 is where it connects from unless a test says otherwise.

    Args:
        kind: "sync" or "async".
        atlas: The local Atlas.
        local: The local cloud.
        region: Its region, and the clusters'; by default the class's.
    """

    name: str
    provider: Any
    region: str
    other_region: str
    door: Any
    cloud_class: Any
    local_class: Any
    place = "region"
    is_port_mapped: bool | None = None

    def __init__(self, kind: str, atlas: AtlasEmulator, local: Any, region: str | None = None) -> None:
        self.kind, self.atlas, self.local = kind, atlas, local
        self.region = region or self.region
        self.group_id = GROUP_ID
        self.client: Client = atlas.client()
        self.describe_clusters({}, {"name": "Cluster1"})

    def describe_clusters(self, *clusters: dict[str, Any]) -> None:
        """Replaces the clusters: each is Cluster0 in the usual region, but for what is said."""
        usual: dict[str, Any] = {"name": "Cluster0", "provider": self.provider, "regions": [self.region]}
        self.atlas.set_clusters([usual | one for one in clusters])

    # our own calls

    def options(self, at: int = 0) -> dict[str, Any]:
        """What leads a door to the local cloud, and to one of its networks."""
        raise NotImplementedError

    def call(self, module: Any, function: str, /, *args: Any, **options: Any) -> Any:
        """`connect` or another function of a module, blocking or for asyncio."""
        if self.kind == "sync":
            with self.atlas.client() as client:
                return getattr(module, function)(self.group_id, *args, **{"atlas": client, **options})

        async def main() -> Any:
            async with self.atlas.async_client() as client:
                return await getattr(module, f"a{function}")(self.group_id, *args, **{"atlas": client, **options})

        return asyncio.run(main())

    def cloud(self, at: int = 0, **options: Any) -> Any:
        """The same as a cloud of `atlas_privatelink.connect`."""
        return self.cloud_class(**{**self.options(at), **options})

    def _given(self, options: dict[str, Any]) -> dict[str, Any]:
        given = self.options(options.pop("at", 0))
        deployment = {} if "instance_name" in options else {"cluster_name": "Cluster0"}
        return {**given, **deployment, **options}

    def connect(self, **options: Any) -> Connection:
        """Connects network 0 (or `at`) to Cluster0, or what else is said."""
        connection: Connection = self.call(self.door, "connect", **self._given(options))
        return connection

    def disconnect(self, **options: Any) -> Connection:
        """Disconnects it."""
        connection: Connection = self.call(self.door, "disconnect", **self._given(options))
        return connection

    def connect_blocking(self, **options: Any) -> Connection:
        """Connects by the blocking door, from inside an event of another run."""
        with self.atlas.client() as client:
            connection: Connection = self.door.connect(self.group_id, **{"atlas": client, **self._given(options)})
            return connection

    def connect_until(self, step: str, state: str = "begun", **options: Any) -> Connection:
        """Connects, and is killed at the first event of a step and a state; what was known then."""
        known: list[Connection] = []

        class Killed(BaseException):
            """As abrupt as SIGKILL."""

        def kill(event: ConnectionProgress) -> None:
            if (event.step, event.state) == (step, state):
                known.append(event.connection)
                raise Killed

        with pytest.raises(Killed):
            self.connect(**options, on_progress=kill)
        return known[0]

    # Atlas

    def services(self) -> list[dict[str, Any]]:
        """The cloud's endpoint services that Atlas does not delete."""
        known = self.atlas.endpoint_services()
        return [one for one in known if one["status"] != "DELETING" and one.get("cloudProvider") == self.provider]

    def registered(self) -> list[str]:
        """The endpoints that Atlas was told of."""
        names = ("interfaceEndpoints", "privateEndpoints", "endpointGroupNames")
        return [known for service in self.services() for name in names for known in service.get(name) or ()]

    def create_service(self, region: str | None = None, *, port_mapped: bool | None = None) -> Any:
        """Somebody else creates an endpoint service, and waits until it is ready."""
        wanted = self.is_port_mapped if port_mapped is None else port_mapped
        kind: dict[str, Any] = {} if wanted is None else {"port_mapping_enabled": wanted}
        dedicated = self.client.dedicated
        service = dedicated.create_service(self.group_id, self.provider, region or self.region, **kind)
        return dedicated.wait_for_service(self.group_id, self.provider, service.id)

    def target(self, service: Any) -> str:
        """What an endpoint leads to, by the cloud's name."""
        raise NotImplementedError

    def register(self, service: Any, endpoint_id: str) -> None:
        """Somebody else registers an endpoint with Atlas, and waits until it is AVAILABLE."""
        facts = self.registration(endpoint_id)
        self.client.dedicated.create_endpoint(self.group_id, self.provider, service.id, endpoint_id, **facts)
        self.client.dedicated.wait_for_endpoint(self.group_id, self.provider, service.id, endpoint_id)

    def unregister(self, service_id: str, endpoint_id: str, *, wait: bool = True) -> None:
        """Somebody else removes the registration of an endpoint."""
        where = (self.group_id, self.provider, service_id)
        dedicated = self.client.dedicated
        is_last = self.registered() == [endpoint_id]
        dedicated.delete_endpoint(*where, endpoint_id)
        if wait and is_last:
            dedicated.wait_for_service(*where, until="DELETED")
        elif wait:
            dedicated.wait_for_endpoint(*where, endpoint_id, until="DELETED")

    def registration(self, endpoint_id: str) -> dict[str, Any]:
        """What Atlas wants to know of an endpoint beside its id."""
        return {}

    # the cloud, as it really is, and its strangers

    def endpoints(self) -> dict[str, Any]:
        """Everything that is there, by id, without what Atlas says of it: it changes only if somebody changes it."""
        raise NotImplementedError

    def ids(self) -> list[str]:
        """The endpoints that are there."""
        return list(self.endpoints())

    def stranger(self, service: Any, tags: dict[str, str] | None = None, *, at: int = 0) -> str:
        """Somebody else creates an endpoint; its id."""
        raise NotImplementedError

    def copy(self, endpoint_id: str, service: Any, *, at: int = 0) -> str:
        """Somebody else creates an endpoint with everything that was written on another one; its id."""
        raise NotImplementedError

    def vanish(self, endpoint_id: str) -> None:
        """Somebody else deletes an endpoint."""
        raise NotImplementedError

    def reject(self, endpoint_id: str) -> None:
        """The cloud shows an endpoint as rejected."""
        raise NotImplementedError

    def throttle(self, operation: str, times: int) -> None:
        """The next calls of `"list"`, `"create"` or `"delete"` are throttled."""
        raise NotImplementedError

    def count(self, operation: str) -> int:
        """How often `"list"`, `"create"` or `"delete"` was asked for."""
        raise NotImplementedError

    def refuse_new_service(self, times: int) -> None:
        """The cloud does not know a service yet that Atlas has named."""
        raise NotImplementedError

    def lag(self, lists: int) -> None:
        """New endpoints are missing in so many lists."""
        raise NotImplementedError


class AwsSide(Side):
    """A local EC2."""

    name, provider, region, other_region, door = "aws", "AWS", "us-east-1", "eu-west-1", aws
    cloud_class, local_class = AwsCloud, LocalEc2
    operations: ClassVar = {
        "list": "DescribeVpcEndpoints",
        "create": "CreateVpcEndpoint",
        "delete": "DeleteVpcEndpoints",
    }

    local: LocalEc2

    def __init__(self, kind: str, atlas: AtlasEmulator, local: LocalEc2, region: str | None = None) -> None:
        super().__init__(kind, atlas, local, region)
        self.ec2 = local.client(in_process=True)
        self.networks = [local.vpc_id(), local.add_vpc()]

    def options(self, at: int = 0) -> dict[str, Any]:
        """Arguments of `aws.connect`."""
        return {"client": self.ec2, "vpc_id": self.networks[at]}

    def target(self, service: Any) -> str:
        """The service name."""
        return str(service.endpoint_service_name)

    def endpoints(self) -> dict[str, Any]:
        """The VPC endpoints of the region."""
        return {one.pop("id"): _without(one, "state") for one in self.local.vpc_endpoints()}

    def stranger(self, service: Any, tags: dict[str, str] | None = None, *, at: int = 0) -> str:
        """A VPC endpoint."""
        given = STRANGE_TAGS if tags is None else tags
        pairs = [{"Key": key, "Value": value} for key, value in given.items()]
        made = self.ec2.create_vpc_endpoint(
            VpcEndpointType="Interface",
            VpcId=self.networks[at],
            ServiceName=self.target(service),
            SubnetIds=self.local.subnet_ids(vpc_id=self.networks[at])[:1],
            TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": pairs}],
        )
        return str(made["VpcEndpoint"]["VpcEndpointId"])

    def copy(self, endpoint_id: str, service: Any, *, at: int = 0) -> str:
        """With the same tags."""
        return self.stranger(service, self.endpoints()[endpoint_id]["tags"], at=at)

    def vanish(self, endpoint_id: str) -> None:
        """By `DeleteVpcEndpoints`."""
        self.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])

    def reject(self, endpoint_id: str) -> None:
        """`rejected`."""
        self.local.force_state(endpoint_id, "rejected")

    def throttle(self, operation: str, times: int) -> None:
        """`RequestLimitExceeded`."""
        self.local.fail(self.operations[operation], code="RequestLimitExceeded", status=503, times=times)

    def count(self, operation: str) -> int:
        """Also what was only tried."""
        return self.local.calls.count(self.operations[operation])

    def refuse_new_service(self, times: int) -> None:
        """`InvalidServiceName`."""
        self.local.rules.service_known_after = times

    def lag(self, lists: int) -> None:
        """In lists, and by id."""
        self.local.rules.lists_lag = self.local.rules.shown_after = lists


class AzureSide(Side):
    """A local Azure."""

    name, provider, region, other_region, door = "azure", "AZURE", "eastus2", "westeurope", azure
    cloud_class, local_class, place = AzureCloud, LocalAzure, "location"
    operations: ClassVar = {
        "list": "PrivateEndpoints.List",
        "create": "PrivateEndpoints.CreateOrUpdate",
        "delete": "PrivateEndpoints.Delete",
    }

    local: LocalAzure

    def __init__(self, kind: str, atlas: AtlasEmulator, local: LocalAzure, region: str | None = None) -> None:
        super().__init__(kind, atlas, local, region)
        self.networks = [
            local.subnet_id(),
            local.subnet_id(network_id=local.add_virtual_network("vnet-other", location=self.region)),
        ]
        self._strangers = 0

    def options(self, at: int = 0) -> dict[str, Any]:
        """Arguments of `azure.connect`."""
        return {"client": self.local.client(in_process=True), "subnet_id": self.networks[at]}

    def target(self, service: Any) -> str:
        """The Private Link service's id."""
        return str(service.private_link_service_resource_id)

    def registration(self, endpoint_id: str) -> dict[str, Any]:
        """Its address."""
        return {"private_endpoint_ip_address": self.endpoints()[endpoint_id]["address"]}

    def endpoints(self) -> dict[str, Any]:
        """The private endpoints."""
        return {one.pop("id"): _without(one, "state", "connection") for one in self.local.endpoints()}

    def stranger(self, service: Any, tags: dict[str, str] | None = None, *, at: int = 0) -> str:
        """A private endpoint in a resource group of its own."""
        self._strangers += 1
        return self.local.add_private_endpoint(
            f"theirs-{self._strangers}",
            self.target(service),
            subnet_id=self.networks[at],
            resource_group="rg-strangers",
            tags=STRANGE_TAGS if tags is None else tags,
        )

    def copy(self, endpoint_id: str, service: Any, *, at: int = 0) -> str:
        """With the same tags."""
        return self.stranger(service, self.endpoints()[endpoint_id]["tags"], at=at)

    def vanish(self, endpoint_id: str) -> None:
        """At once."""
        self.local.remove(endpoint_id)

    def reject(self, endpoint_id: str) -> None:
        """`Rejected`."""
        self.local.force_state(endpoint_id, "Rejected", "not for you")

    def throttle(self, operation: str, times: int) -> None:
        """429."""
        name = self.operations[operation]
        self.local.fail(name, code="TooManyRequests", status=429, times=times, retry_after=0.0)

    def count(self, operation: str) -> int:
        """By Azure's names."""
        return self.local.calls.count(self.operations[operation])

    def refuse_new_service(self, times: int) -> None:
        """`InvalidPrivateLinkServiceId`."""
        self.local.refuse_new_services(times)

    def lag(self, lists: int) -> None:
        """In lists."""
        self.local._world.list_lag = lists


class GcpSide(Side):
    """A local Google Compute, which is called over sockets: the door takes no clients."""

    name, provider, region, other_region, door = "gcp", "GCP", "us-central1", "europe-west1", gcp
    cloud_class, local_class = GcpCloud, LocalGcp
    is_port_mapped = True
    operations: ClassVar = {
        "list": "forwardingRules.list",
        "create": "forwardingRules.insert",
        "delete": "forwardingRules.delete",
    }

    local: LocalGcp

    def __init__(self, kind: str, atlas: AtlasEmulator, local: LocalGcp, region: str | None = None) -> None:
        super().__init__(kind, atlas, local, region)
        other = local.add_network("other")
        self.networks = [("vpc", "db"), ("other", "db-other")]
        self.paths = [(local.network, local.subnetwork), (other, local.add_subnetwork("db-other", network=other))]
        self._strangers = 0

    def options(self, at: int = 0) -> dict[str, Any]:
        """Arguments of `gcp.connect`."""
        name, subnetwork = self.networks[at]
        return {"project": self.local.project, "network": name, "subnetwork": subnetwork, **self.local.options()}

    def cloud(self, at: int = 0, **options: Any) -> Any:
        """With the region, which `GcpCloud` wants to be given."""
        return super().cloud(at, **{"region": self.region, **options})

    def target(self, service: Any) -> str:
        """The service attachment."""
        return str(service.service_attachment_names[0])

    def registration(self, endpoint_id: str) -> dict[str, Any]:
        """The project, and its rule."""
        address = self.local.forwarding_rules()[endpoint_id]["IPAddress"]
        return {"gcp_project_id": self.local.project, "endpoints": [(endpoint_id, address)]}

    def endpoints(self) -> dict[str, Any]:
        """The forwarding rules, each with its address."""
        addresses = self.local.addresses()
        rules = self.local.forwarding_rules()
        said = "pscConnectionStatus"
        return {name: (_without(rules.get(name), said), addresses.get(name)) for name in {*rules, *addresses}}

    def stranger(self, service: Any, tags: dict[str, str] | None = None, *, at: int = 0) -> str:
        """A forwarding rule, with an address of the same name."""
        labels = STRANGE_TAGS if tags is None else tags
        return self._add(service, at, labels=labels, description="terraform")

    def copy(self, endpoint_id: str, service: Any, *, at: int = 0) -> str:
        """With the same description of its address."""
        description = self.local.addresses()[endpoint_id]["description"]
        return self._add(service, at, description=description)

    def ids(self) -> list[str]:
        """The forwarding rules: an address alone serves nobody."""
        return list(self.local.forwarding_rules())

    def _add(self, service: Any, at: int, **options: Any) -> str:
        self._strangers += 1
        name, (path, subnetwork) = f"theirs-{self._strangers}", self.paths[at]
        self.local.add_rule(name, self.target(service), network=path, subnetwork=subnetwork, **options)
        return name

    def vanish(self, endpoint_id: str) -> None:
        """Rule and address."""
        self.local.remove(endpoint_id)

    def reject(self, endpoint_id: str) -> None:
        """`REJECTED`."""
        self.local.force_state(endpoint_id, "REJECTED")

    def throttle(self, operation: str, times: int) -> None:
        """429 `rateLimitExceeded`."""
        self.local.fail(self.operations[operation], reason="rateLimitExceeded", status=429, times=times)

    def count(self, operation: str) -> int:
        """Of forwarding rules."""
        return self.local.calls.count(self.operations[operation])

    def refuse_new_service(self, times: int) -> None:
        """`notFound` of the service attachment."""
        text = "The resource 'projects/p/regions/r/serviceAttachments/sa' was not found"
        self.local.fail("forwardingRules.insert", reason="notFound", message=text, status=404, times=times)

    def lag(self, lists: int) -> None:
        """In lists."""
        self.local._compute.listed_after = lists


def _without(shown: dict[str, Any] | None, *names: str) -> dict[str, Any]:
    return {name: value for name, value in (shown or {}).items() if name not in names}
