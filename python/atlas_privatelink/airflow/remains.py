"""What a task leaves behind when it is stopped."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from .. import Client
    from ..clouds.aws import AwsCloud
    from ..models import Connection, EndpointService

__all__ = ["Remains", "begin_to_delete", "leave", "say_left_behind"]


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
    """Names of those of the fields above whose things were created by this task, and not found."""

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

    def knowing(self, *, made: Collection[str] = (), **ids: str | None) -> Remains:
        """With more ids, and the names of those whose things this task has created."""
        known: dict[str, Any] = {name: value for name, value in ids.items() if value is not None}
        # what has taken the place of something that this task has created may be somebody else's
        kept = [name for name in self.made if known.get(name, getattr(self, name)) == getattr(self, name)]
        return replace(self, **known, made=tuple(dict.fromkeys((*kept, *made))))

    def __str__(self) -> str:
        deployment = self.cluster_name or self.instance_name
        where = f"project {self.group_id}" + (f", {deployment}" if deployment else "")
        ids = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.ids().items())
        return f"{where}: {ids or 'nothing that is known'}"

    def delete(self, atlas: Client, ec2: Any = None) -> list[str]:
        """Begin to delete what this task has created, and say what that was.

        Atlas's side goes first, and the VPC endpoint last: it carries the only mark, so that `disconnect` finds what is
        left if there is no time for both. Atlas deletes an endpoint service with its last endpoint: where this task did
        not create that service, its last endpoint stays.

        Args:
            atlas: The client to use.
            ec2: A boto3 client of EC2; by default one that boto3 finds credentials for.

        Raises:
            NotOwned: The VPC endpoint is the last one of a service that this task did not create. Nothing was deleted.
            AtlasError: Some of it cannot be deleted.
        """
        cloud = self._cloud(ec2)
        endpoint = None if cloud is None else cloud.describe(self.cloud_endpoint_id or "")
        if endpoint is not None and not (endpoint.is_ours and endpoint.is_alive):
            endpoint = None
        own_id = None if endpoint is None else endpoint.id
        deleted = self._delete_in_atlas(atlas, own_id)
        if cloud is not None and endpoint is not None:
            cloud.delete(endpoint)
            deleted.append(endpoint.id)
        return deleted

    def _cloud(self, ec2: Any) -> AwsCloud | None:
        if self.cloud_endpoint_id is None or "cloud_endpoint_id" not in self.made:
            return None
        from ..clouds.aws import AwsCloud

        region = None if ec2 is not None else self.region
        return AwsCloud(region=region, vpc_id=self.vpc_id, subnet_ids=self.subnet_ids, client=ec2)

    def _delete_in_atlas(self, atlas: Client, own_id: str | None) -> list[str]:
        from ..errors import NotFound

        try:
            if self.endpoint_id is not None:
                return self._delete_serverless(atlas, own_id)
            if self.endpoint_service_id is not None:
                return self._delete_dedicated(atlas, self.endpoint_service_id, own_id)
        except NotFound:
            pass  # somebody else was here
        return []

    def _delete_serverless(self, atlas: Client, own_id: str | None) -> list[str]:
        where = (self.group_id, self.instance_name or "", self.endpoint_id or "")
        registered = atlas.get_endpoint(*where).cloud_provider_endpoint_id
        is_unused = registered is None and "endpoint_id" in self.made
        if not is_unused and (registered is None or registered != own_id):
            return []
        atlas.delete_endpoint(*where)
        return [self.endpoint_id or ""]

    def _delete_dedicated(self, atlas: Client, service_id: str, own_id: str | None) -> list[str]:
        from ..errors import NotOwned

        is_service_own = "endpoint_service_id" in self.made
        if own_id is None and not is_service_own:
            return []
        where: dict[str, Any] = {"group_id": self.group_id, "provider": self.provider, "service_id": service_id}
        registered = _registered(atlas.dedicated.get_service(**where))
        if own_id is None or own_id not in registered:
            if registered or not is_service_own:
                return []
            atlas.dedicated.delete_service(**where)
            return [service_id]
        is_last = len(registered) == 1
        if is_last and not is_service_own:
            rule = f"{own_id} is the last endpoint of endpoint service {service_id}, which this task did not create"
            raise NotOwned(f"{rule}, and Atlas deletes a service with its last endpoint. Nothing was deleted")
        atlas.dedicated.delete_endpoint(**where, endpoint_id=own_id)
        return [f"{own_id} in Atlas", *([service_id] if is_last else [])]


def _registered(service: EndpointService) -> Sequence[str]:
    for name in ("interface_endpoints", "private_endpoints", "endpoint_group_names"):
        known: Sequence[str] = getattr(service, name, ())
        if known:
            return known
    return ()


def leave(remains: Remains, *, client_options: Mapping[str, Any], ec2: Any, delete: bool, log: Any) -> None:
    """Log what is left behind, and begin to delete it where that was asked for.

    There is not much time: Airflow gives a task five seconds to end. So nothing is waited for. And this may run in a
    signal's handler, in the middle of whatever the task does: it asks Airflow for nothing, which may hold a lock then.

    Args:
        remains: What is left behind.
        client_options: Of the task's client.
        ec2: The task's boto3 client; `None` where boto3 finds credentials by itself.
        delete: Whether deletion was asked for.
        log: The task's log.
    """
    say_left_behind(remains, log)
    if delete:
        begin_to_delete(remains, client_options=client_options, ec2=ec2, log=log)


def say_left_behind(remains: Remains, log: Any) -> None:
    """Log what is left behind."""
    _say(log, "Left behind in %s. Another try of the task goes on from there.", remains)


def begin_to_delete(remains: Remains, *, client_options: Mapping[str, Any], ec2: Any, log: Any) -> None:
    """Begin to delete what a task has created, and log what becomes of it."""
    from .. import Client

    try:
        with Client(**client_options) as client:
            removed = remains.delete(client.with_options(timeout=4.0), ec2)
        why = "since it is in use, or gone already" if remains.made else "since this try of the task has made nothing"
        _say(log, "Being removed: %s", ", ".join(removed) or f"nothing, {why}")
    except Exception as error:
        _say(log, "It could not be removed: %s: %s", type(error).__name__, error)


def _say(log: Any, text: str, *arguments: object) -> None:
    # who listened may have been killed first; that is no reason to leave anything undone
    with suppress(OSError):
        log.warning(text, *arguments)
