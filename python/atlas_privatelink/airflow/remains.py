"""What a task leaves behind when it is stopped."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from .ec2 import ec2_client
from .hooks import AtlasHook

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .. import Client
    from ..models import Connection

__all__ = ["Remains", "leave"]


@dataclass(frozen=True)
class Remains:
    """The ids that a task knows on both sides, and which of these things it has made itself."""

    group_id: str
    """The project's id."""
    instance_name: str | None = None
    """The serverless instance."""
    cluster_name: str | None = None
    """The dedicated cluster."""
    provider: str = "AWS"
    """The cloud provider."""
    region: str | None = None
    """The region, by the cloud's own name."""
    endpoint_service_id: str | None = None
    """Atlas's endpoint service."""
    endpoint_id: str | None = None
    """Atlas's endpoint of the serverless instance."""
    endpoint_service_name: str | None = None
    """What the VPC endpoint leads to."""
    cloud_endpoint_id: str | None = None
    """The VPC endpoint."""
    vpc_id: str | None = None
    """The VPC that it is in."""
    subnet_ids: tuple[str, ...] = ()
    """Or subnets of it."""
    made: tuple[str, ...] = ()
    """Names of those of the fields above whose things were made by this try of the task, and not found."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Remains:
        """From what `to_json` returned."""
        return cls(**{**values, "subnet_ids": tuple(values["subnet_ids"]), "made": tuple(values["made"])})

    def to_json(self) -> dict[str, Any]:
        """As values that JSON has."""
        return {**asdict(self), "subnet_ids": list(self.subnet_ids), "made": list(self.made)}

    def reached(self) -> Connection:
        """What an earlier slice of the same try has reached, for `connect` to go on from."""
        from ..models import Connection

        return Connection(
            self.group_id,
            self.cluster_name,
            self.instance_name,
            self.provider,
            self.region,
            endpoint_service_id=self.endpoint_service_id,
            endpoint_id=self.endpoint_id,
            cloud_endpoint_id=self.cloud_endpoint_id,
            service_origin="created" if "endpoint_service_id" in self.made else None,
            cloud_endpoint_origin="created" if "cloud_endpoint_id" in self.made else None,
        )

    def ids(self) -> dict[str, str]:
        """The ids that are known, by field."""
        names = ("endpoint_service_id", "endpoint_id", "endpoint_service_name", "cloud_endpoint_id")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def knowing(self, *, made: str | None = None, **ids: str | None) -> Remains:
        """With more ids, and perhaps one of them made just now."""
        known: dict[str, Any] = {name: value for name, value in ids.items() if value is not None}
        more = () if made is None or made in self.made else (made,)
        return replace(self, **known, made=(*self.made, *more))

    def __str__(self) -> str:
        deployment = self.cluster_name or self.instance_name
        where = f"project {self.group_id}" + (f", {deployment}" if deployment else "")
        ids = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.ids().items())
        return f"{where}: {ids or 'nothing that is known'}"

    def delete(self, atlas: Client, ec2: Any = None) -> list[str]:
        """Begin to remove what this try of the task has made, and say what that was.

        Args:
            atlas: The client to use.
            ec2: A boto3 client of EC2; by default one that boto3 finds credentials for.

        Raises:
            AtlasError: Some of it cannot be removed.
        """
        from ..errors import NotFound

        removed: list[str] = []
        if self.cloud_endpoint_id is not None and "cloud_endpoint_id" in self.made:
            self._delete_vpc_endpoint(self.cloud_endpoint_id, ec2)
            removed.append(self.cloud_endpoint_id)
        deletions: list[tuple[str, Any, dict[str, Any]]] = []
        service = {"group_id": self.group_id, "provider": self.provider, "service_id": self.endpoint_service_id}
        if self.endpoint_id is not None and "endpoint_id" in self.made:
            instance = {"group_id": self.group_id, "instance_name": self.instance_name}
            deletions.append((self.endpoint_id, atlas.delete_endpoint, {**instance, "endpoint_id": self.endpoint_id}))
        if self.endpoint_service_id is not None and removed:
            known = {**service, "endpoint_id": self.cloud_endpoint_id}
            deletions.append((f"{self.cloud_endpoint_id} in Atlas", atlas.dedicated.delete_endpoint, known))
        elif self.endpoint_service_id is not None and "endpoint_service_id" in self.made:
            deletions.append((self.endpoint_service_id, atlas.dedicated.delete_service, service))
        for what, delete, arguments in deletions:
            try:
                delete(**arguments)
            except NotFound:
                continue  # Atlas had not been told of it yet, or somebody else was here
            removed.append(what)
        return removed

    def _delete_vpc_endpoint(self, vpc_endpoint_id: str, ec2: Any) -> None:
        from ..clouds.aws import AwsCloud

        region = None if ec2 is not None else self.region
        cloud = AwsCloud(region=region, vpc_id=self.vpc_id, subnet_ids=self.subnet_ids, client=ec2)
        endpoint = cloud.describe(vpc_endpoint_id)
        if endpoint is not None and endpoint.is_ours:
            cloud.delete(endpoint)


def leave(
    remains: Remains, *, atlas_conn_id: str, aws_conn_id: str | None, delete: bool, log: Any, ec2: Any = None
) -> None:
    """Log what is left behind, and begin to remove it where that was asked for.

    There is not much time: Airflow gives a task five seconds to end. So nothing is waited for, and a boto3 client that
    is there already (`ec2`) is used.
    """
    log.warning("Left behind in %s. Another try of the task goes on from there.", remains)
    if not delete:
        return
    try:
        if ec2 is None and "cloud_endpoint_id" in remains.made:
            ec2 = ec2_client(aws_conn_id, remains.region)
        with AtlasHook(atlas_conn_id).get_conn() as client:
            removed = remains.delete(client.with_options(timeout=4.0), ec2)
        log.warning("Being removed: %s", ", ".join(removed) or "nothing, since this try of the task has made nothing")
    except Exception as error:
        log.warning("It could not be removed: %s: %s", type(error).__name__, error)
