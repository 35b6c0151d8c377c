"""Operators that connect and disconnect a network and a deployment, on both sides."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import TYPE_CHECKING

from .._versions import AirflowFailException, AirflowSkipException
from ..ec2 import DEFAULT_AWS_CONN_ID, ec2_client
from ..links import AtlasLink, AwsConsoleLink
from ..remains import Remains
from ..waits import Wait, has_vanished, outages, plain, result_of, time_left
from .base import AtlasOperator, finished

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal, NoReturn

    from airflow.sdk import Context

    from ... import Client
    from ...models import Connection, ConnectionProgress

__all__ = ["AtlasConnectOperator", "AtlasDisconnectOperator"]

# how often a deferred task comes back to look at what Atlas does not show
_CLOUD_DELETION_SECONDS = 30.0
_CLOUD_ACCEPTANCE_SECONDS = 300.0
# and how long it leaves Atlas or the cloud alone that it has found away, or busy
_OUTAGE_SECONDS = 30.0
# what they wait for was asked for by the step before
_STEPS_THAT_ONLY_WAIT = ("NAME_SERVICE", "ACCEPT", "CONNECTION_STRING")


class AtlasConnectionOperator(AtlasOperator):
    """What connecting and disconnecting have in common: both sides, step by step.

    Nothing is stored between two steps but the ids: what was done is found on both sides each time, so that a task that
    was stopped anywhere goes on, in another process or on another machine.
    """

    operator_extra_links = (AtlasLink(), AwsConsoleLink())
    template_fields: Sequence[str] = (
        "group_id",
        "cluster_name",
        "instance_name",
        "region",
        "vpc_id",
        "subnet_ids",
        "comment",
        "atlas_conn_id",
        "aws_conn_id",
    )

    def __init__(
        self,
        *,
        group_id: str,
        cluster_name: str | None = None,
        instance_name: str | None = None,
        region: str | None = None,
        vpc_id: str | None = None,
        subnet_ids: Sequence[str] | None = None,
        comment: str | None = None,
        aws_conn_id: str | None = DEFAULT_AWS_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if _is_text(cluster_name) and _is_text(instance_name):
            from ...errors import ValidationError

            rule = "give either cluster_name (a dedicated cluster) or instance_name (a serverless instance)"
            raise ValidationError(rule, field="cluster_name")
        self.group_id = group_id
        self.cluster_name = cluster_name
        self.instance_name = instance_name
        self.region = region
        self.vpc_id = vpc_id
        self.subnet_ids = subnet_ids
        self.comment = comment
        self.aws_conn_id = aws_conn_id
        self._made_by: str | None = None

    def _run(self, *, atlas: Client, timeout: float, resume: Connection | None) -> Connection:
        """Goes through all steps that are not done yet."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Go through all steps."""
        return self._go_on(context)

    def resume(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Go on after the trigger's event."""
        remains = event["remains"]
        with self._after_deferral(context, event):
            if not has_vanished(event):
                result_of(event)
            return self._go_on(context, event["deadline"], None if remains is None else Remains.from_json(remains))

    def _go_on(self, context: Context, deadline: float | None = None, remains: Remains | None = None) -> Any:
        # what an earlier slice of this try has checked and created
        resume = None if remains is None else remains.reached()
        self._made_by = _run_of(context)
        # an empty text, as of a template that was rendered without a value, is none
        remains = remains or Remains(
            self.group_id,
            instance_name=self.instance_name or None,
            cluster_name=self.cluster_name or None,
            region=self.region or None,
            vpc_id=self.vpc_id or None,
            subnet_ids=tuple(self.subnet_ids or ()),
        )
        with self._client(context, remains, deadline) as atlas:
            self._ec2 = ec2_client(self.aws_conn_id or None, self.region or None)
            try:
                connection = self._run(atlas=atlas, timeout=time_left(self._deadline), resume=resume)
            except outages() as error:
                # the first slice says at once that Atlas cannot be reached: its address may be wrong
                if resume is None or time.time() + _OUTAGE_SECONDS >= self._deadline:
                    raise
                self._defer_in_trouble(str(error))
            return finished(context, {**plain(connection), "srv": connection.srv}, key="srv")

    def _arguments(self, timeout: float) -> dict[str, Any]:
        return {
            "group_id": self.group_id,
            "cluster_name": self.cluster_name or None,
            "instance_name": self.instance_name or None,
            "region": self.region or None,
            "vpc_id": self.vpc_id or None,
            "subnet_ids": self.subnet_ids or None,
            "comment": self.comment or None,
            "client": self._ec2,
            "timeout": timeout,
            "on_progress": self._progress,
        }

    def _progress(self, event: ConnectionProgress) -> None:
        connection = event.connection
        self._know(
            endpoint_service_id=connection.endpoint_service_id,
            endpoint_id=connection.endpoint_id,
            endpoint_service_name=connection.endpoint_service_name,
            cloud_endpoint_id=connection.cloud_endpoint_id,
            made=_created(connection),
        )
        if connection.cloud_endpoint_id is not None and connection.region is not None:
            self._link(AwsConsoleLink.xcom_key, AwsConsoleLink.to(connection.region, connection.cloud_endpoint_id))
        if event.state == "done":
            self.log.info("%d of %d, %s: %s %s", event.number, event.count, event.step, event.action, event.detail)
        elif event.trouble is not None:
            self.log.warning("%d of %d, %s: %s", event.number, event.count, event.step, event.trouble)
        # after the deadline nobody defers any more: this process gives up, with what is known on both sides
        if event.state == "waiting" and self.deferrable and time.time() < self._deadline:
            self._defer_at(event)

    def _defer_at(self, event: ConnectionProgress) -> None:
        if event.trouble is not None and event.step not in _STEPS_THAT_ONLY_WAIT:
            # what would be waited for may not have been asked for yet; and checks that were not done are not skipped
            if event.step != "PREFLIGHT" and self._may_be_begun_again(event):
                self._defer_in_trouble(event.trouble)
            return
        if event.step == "DELETE_CLOUD_ENDPOINT":
            if self._may_be_begun_again(event):
                self.log.info("Deferred: %s", event.step.description)
                self._defer(None, time.time() + _CLOUD_DELETION_SECONDS)
            return
        wait = self._wait_of(event)
        # a VPC endpoint that AWS rejects is not shown by Atlas
        look_again_at = time.time() + _CLOUD_ACCEPTANCE_SECONDS if event.step == "ACCEPT" else None
        if wait is not None:
            self.log.info("Deferred: %s", event.step.description)
            self._defer(wait, look_again_at)

    @staticmethod
    def _may_be_begun_again(event: ConnectionProgress) -> bool:
        return event.step != "DELETE_CLOUD_ENDPOINT" or _is_deleted_in_atlas(event.connection)

    def _defer_in_trouble(self, trouble: str) -> NoReturn:
        self.log.warning("Deferred for %.0f s: %s", _OUTAGE_SECONDS, trouble)
        self._defer(None, time.time() + _OUTAGE_SECONDS)

    def _wait_of(self, event: ConnectionProgress) -> Wait | None:
        """What the triggerer can wait for at a step; `None` where this process has to."""
        connection = event.connection
        targets = {
            "NAME_SERVICE": "RESERVED",
            "ACCEPT": "AVAILABLE",
            "DELETE_ENDPOINT": "DELETED",
            "DELETE_SERVICE": "DELETED",
        }
        cloud_endpoint_id = connection.cloud_endpoint_id or ""
        instance_name = connection.instance_name
        if event.step == "CONNECTION_STRING":
            operation = "dedicated.connection_string" if instance_name is None else "connection_string"
            name = {"cluster_name": connection.cluster_name or ""}
            name = name if instance_name is None else {"instance_name": instance_name}
            return Wait(operation, {"group_id": self.group_id, **name, "endpoint": cloud_endpoint_id})
        target = targets.get(event.step)
        if target is None:
            return None
        if instance_name is not None:
            return Wait.for_endpoint(self.group_id, instance_name, connection.endpoint_id or "", until=target)
        service_id = connection.endpoint_service_id or ""
        if event.step in ("NAME_SERVICE", "DELETE_SERVICE"):
            return Wait.for_service(self.group_id, "AWS", service_id, until=target)
        return Wait.for_dedicated_endpoint(self.group_id, "AWS", service_id, cloud_endpoint_id, until=target)


class AtlasConnectOperator(AtlasConnectionOperator):
    """Connect a VPC to a deployment, on both sides, and return its private connection string.

    Checks first whether everything that is missing can be created. Then creates or adopts the endpoint (serverless) or
    the endpoint service (dedicated) in Atlas and a VPC endpoint, registers it with Atlas, and waits for the connection
    string. Another try of the task resumes where the last one was stopped: there is one endpoint on each side.

    A VPC endpoint for a dedicated cluster serves every cluster of the project in that region: tasks for several of them
    share it, and the first one creates it.

    XCom: `endpoint_service_id` or `endpoint_id`, `endpoint_service_name` and `cloud_endpoint_id`, each as soon as it is
    known, and in the end `srv`, the connection string to use; the return value is a dictionary with all of them.
    `cloud_endpoint_origin` in it is `"created"` where this task has created the VPC endpoint, in whichever of its
    tries, and `"adopted"` where it was there before.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        cluster_name: The dedicated cluster; or
        instance_name: the serverless instance.
        region: The region of Atlas's endpoint service, which has to be the VPC's; by default the cluster's only region
            on AWS.
        vpc_id: The VPC (`vpc-…`); by default that of the subnets.
        subnet_ids: Subnets to choose from: the first one with free addresses in each zone that the service supports. By
            default one subnet of the VPC in each such zone.
        security_group_ids: Security groups (`sg-…`), which have to let in ports 1024 to 65535 from the clients; by
            default the VPC's own.
        tags: Additional tags of the VPC endpoint.
        comment: Serverless: a text for the endpoint's comment in Atlas, up to 70 characters.
        delete_on_kill: Begin to delete what this task has created when it is stopped, also if another task uses it by
            now. What it has adopted stays.
        aws_conn_id: A connection of the Amazon provider. Where that is not installed, and with `None`, boto3 finds
            credentials by itself.
        atlas_conn_id: A connection of the type `mongodbatlas`.
        timeout: Seconds that one try of the task may take.
        deferrable: Wait in the triggerer; by default what `[operators] default_deferrable` says.
    """

    template_fields: Sequence[str] = (*AtlasConnectionOperator.template_fields, "security_group_ids", "tags")

    def __init__(
        self,
        *,
        security_group_ids: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        delete_on_kill: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.security_group_ids = security_group_ids
        self.tags = tags
        self.delete_on_kill = delete_on_kill

    def _run(self, *, atlas: Client, timeout: float, resume: Connection | None) -> Connection:
        from ... import aws

        return aws.connect(
            **self._arguments(timeout),
            security_group_ids=self.security_group_ids,
            tags=self.tags,
            atlas=atlas,
            made_by=self._made_by,
            resume=resume,
        )


class AtlasDisconnectOperator(AtlasConnectionOperator):
    """Delete what `AtlasConnectOperator` created: the endpoint in Atlas, its service if the connection created it and
    nothing else uses it, and the VPC endpoint. What was not created by this package is never deleted unless asked for.

    What is gone already is skipped, so that it can be a teardown task. A VPC endpoint for a dedicated cluster serves
    every cluster of the project in that region: they all lose it. For a teardown, give `only_created_by`: without it,
    the task also deletes what another DAG, or the command line, has created with this package.

    Atlas deletes an endpoint service with its last endpoint. Where the connection did not create the service, the task
    fails for good, and nothing is deleted, unless `delete_service=True`.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        cluster_name: The dedicated cluster; leave it out, and give `region`, where it was deleted already; or
        instance_name: the serverless instance.
        region: The region of the endpoint service, as for `AtlasConnectOperator`.
        vpc_id: The VPC (`vpc-…`); by default that of the subnets.
        subnet_ids: Subnets of the VPC.
        comment: Serverless: the comment that the endpoint was connected with.
        delete_service: Dedicated: whether to delete the endpoint service; by default if the connection created it and
            nothing else uses it. `False` refuses to delete its last endpoint.
        delete_adopted: Delete a VPC endpoint in this VPC that this package did not create, too.
        only_created_by: The output of an `AtlasConnectOperator` (`connect.output`): delete only the VPC endpoint that
            its task has created. If it has adopted one, this task is skipped; if there is something else to delete by
            now, it fails for good. Nothing is deleted in both cases. By default `"anybody"`.
        aws_conn_id: A connection of the Amazon provider. Where that is not installed, and with `None`, boto3 finds
            credentials by itself.
        atlas_conn_id: A connection of the type `mongodbatlas`.
        timeout: Seconds that one try of the task may take.
        deferrable: Wait in the triggerer, and between looks at AWS; by default what `[operators] default_deferrable`
            says.
    """

    template_fields: Sequence[str] = (*AtlasConnectionOperator.template_fields, "only_created_by")

    def __init__(
        self,
        *,
        delete_service: bool | None = None,
        delete_adopted: bool = False,
        only_created_by: Mapping[str, Any] | Literal["anybody"] | None = "anybody",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.delete_service = delete_service
        self.delete_adopted = delete_adopted
        # `None` is what the output of a task that has returned nothing is: nothing was created
        self.only_created_by = only_created_by

    def execute(self, context: Context) -> Any:
        """Go through all steps, unless there is nothing that may be deleted."""
        created = self._created_before()
        if created is not None and created.get("cloud_endpoint_origin") != "created":
            adopted = created.get("cloud_endpoint_id")
            why = "created no VPC endpoint" if adopted is None else f"did not create {adopted}, it was there before"
            raise AirflowSkipException(f"Nothing is deleted: the task of only_created_by {why}")
        return super().execute(context)

    def _created_before(self) -> Mapping[str, Any] | None:
        """What the task of `only_created_by` has returned; `None` where everything of this package may be deleted."""
        given = self.only_created_by
        if given == "anybody":
            return None
        if given is None or isinstance(given, dict):
            return given or {}
        rule = f"only_created_by must be the output of an AtlasConnectOperator, got {type(given).__name__}"
        raise AirflowFailException(f"ValidationError: {rule}")

    def _agree(self, plan: Connection) -> bool:
        """Refuses a list with anything on it that the task of `only_created_by` did not connect."""
        from ...errors import NotOwned

        created = self._created_before()
        if created is not None:
            known = [created.get(name) for name in ("cloud_endpoint_id", "endpoint_id", "endpoint_service_id")]
            others = ", ".join(one.id for one in plan.deletions if one.id not in known)
            if others:
                raise NotOwned(f"refuses to delete {others}: the task of only_created_by did not connect it")
        return True

    def _run(self, *, atlas: Client, timeout: float, resume: Connection | None) -> Connection:
        from ... import aws

        return aws.disconnect(
            **self._arguments(timeout),
            delete_service=self.delete_service,
            delete_adopted=self.delete_adopted,
            confirm=self._agree,
            atlas=atlas,
        )


def _is_text(value: object) -> bool:
    """Whether it is known already when a DAG is parsed: a template may be rendered to nothing."""
    return isinstance(value, str) and value != "" and "{" not in value


def _created(connection: Connection) -> list[str]:
    """The names of those ids whose things this task has created, in this try or, as the mark says, in another."""
    origins = {
        "endpoint_service_id": connection.service_origin,
        "endpoint_id": connection.endpoint_origin if connection.instance_name is not None else None,
        "cloud_endpoint_id": connection.cloud_endpoint_origin,
    }
    return [name for name, origin in origins.items() if origin == "created" and getattr(connection, name) is not None]


def _is_deleted_in_atlas(connection: Connection) -> bool:
    """Whether nothing is left to be deleted in Atlas once the VPC endpoint is gone.

    Where Atlas wants the VPC endpoint to go first, only the process that has deleted it knows what was registered: the
    mark is gone with it.
    """
    is_listed = any(one.kind == "endpoint" for one in connection.deletions)
    return not is_listed or any(
        taken.step == "DELETE_ENDPOINT" and taken.action == "delete" for taken in connection.steps
    )


def _run_of(context: Context) -> str:
    """What a mark says of who made something: the same for each try of a task instance."""
    ti: Any = context["ti"]
    instance = "/".join((ti.dag_id, ti.task_id, ti.run_id, str(ti.map_index)))
    return f"airflow/{sha256(instance.encode()).hexdigest()[:16]}"
