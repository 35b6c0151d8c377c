"""How a run begins: arguments that are checked before anything is sent, the region, and the cloud in it."""

from __future__ import annotations

from ..._arguments import check_callable, check_flag
from ..._core import cloud_region
from ...clouds.ownership import check_made_by
from ...errors import PreflightFailed, ValidationError
from ...listeners import listener_for
from ...models.connection import Connection
from ..blocking import from_any_thread
from ..client import AsyncClient
from .dedicated import AsyncDedicatedSide
from .rules import AsyncProjectRules
from .run import AsyncRun
from .serverless import AsyncServerlessSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...clouds.base import Cloud
    from ...models import ConnectionProgress
    from .side import AsyncAtlasSide

__all__ = ["AsyncOpening", "check_resume"]


class AsyncOpening:
    """The arguments that `connect` and `disconnect` have in common, checked.

    Args:
        atlas: The client.
        cloud: Your cloud.
        group_id: The project's id.
        cluster_name: The dedicated cluster.
        instance_name: The serverless instance.
        region: The region of the endpoint service, in any spelling.
        comment: Serverless: what the user wants to read in Atlas.
        timeout: Seconds in all.
        on_progress: Is told of every event.
        planning: Whether nothing is to be created, changed or deleted.
        needs_deployment: Whether a cluster or an instance has to be named.
        made_by: Who does it in which run.
        replace_failed: Whether a FAILED endpoint service may be replaced.
        created_services: Endpoint services that the same work has created.
    """

    def __init__(
        self,
        atlas: AsyncClient,
        cloud: Cloud,
        group_id: str,
        *,
        cluster_name: str | None,
        instance_name: str | None,
        region: str | None,
        comment: str | None,
        timeout: float,
        on_progress: Callable[[ConnectionProgress], object] | None,
        planning: bool,
        needs_deployment: bool = True,
        made_by: str | None = None,
        replace_failed: bool = False,
        created_services: set[str] | None = None,
    ) -> None:
        check_client(atlas)
        check_flag("plan", planning)
        check_flag("replace_failed", replace_failed)
        check_callable("on_progress", on_progress)
        check_made_by(made_by)
        # an empty text, as of a template that was rendered without a value, is none
        cluster_name, instance_name = cluster_name or None, instance_name or None
        region, comment = region or None, comment or None
        if cluster_name is not None and instance_name is not None:
            raise ValidationError("cluster_name and instance_name exclude each other", field="cluster_name")
        if needs_deployment and cluster_name is None and instance_name is None:
            rule = "give either cluster_name (a dedicated cluster) or instance_name (a serverless instance)"
            raise ValidationError(rule, field="cluster_name")
        if instance_name is not None and cloud.provider == "GCP":
            rule = "instance_name: serverless instances have no private endpoints on Google Cloud"
            raise ValidationError(rule, field="instance_name")
        if instance_name is None and comment is not None:
            raise ValidationError("comment goes with instance_name: dedicated clusters have none", field="comment")
        if instance_name is not None and comment is None and not getattr(cloud, "is_known", True):
            rule = "comment is needed with a function as vpc_endpoint: it tells this endpoint from others"
            raise ValidationError(rule, field="comment")
        own: str | None = getattr(cloud, "region", None)
        chosen = region or (own if instance_name is None else None)
        if chosen is not None:
            chosen = cloud_region(cloud.provider, chosen)
        self._cloud, self._is_region_given, self._needs_deployment = cloud, chosen is not None, needs_deployment
        connection = Connection(group_id, cluster_name, instance_name, cloud.provider, chosen)
        on_progress = on_progress or listener_for(connection.deployment_name)
        self.run = AsyncRun(atlas, cloud, connection, timeout=timeout, on_progress=on_progress, planning=planning)
        self.rules = AsyncProjectRules(self.run)
        self._check_arguments()
        self.side: AsyncAtlasSide
        if instance_name is not None:
            self.side = AsyncServerlessSide(self.run, comment=comment, made_by=made_by)
        else:
            self.side = AsyncDedicatedSide(
                self.run,
                self.rules,
                replace_failed=replace_failed,
                created_services=created_services,
                made_by=made_by,
            )
        if comment is not None and isinstance(self.side, AsyncServerlessSide):
            atlas._core.call("create_endpoint", {**self._names(), "comment": comment}).check()

    def _names(self) -> dict[str, Any]:
        connection = self.run.connection
        names: dict[str, Any] = {"group_id": connection.group_id}
        if connection.instance_name is not None:
            return {**names, "instance_name": connection.instance_name}
        return {**names, "cluster_name": connection.cluster_name or "Cluster0"}

    def _check_arguments(self) -> None:
        """Refuses what breaks a rule of Atlas's, before anything is sent."""
        run = self.run
        operation = "connection_string" if run.connection.instance_name is not None else "dedicated.connection_string"
        arguments = {**self._names(), "endpoint_id": "vpce-0"}
        wait = run.atlas._core.wait(operation, arguments, until="AVAILABLE", timeout=run.timeout, reports=False)
        wait.step().check()

    async def prepare(self) -> None:
        """Finds the region, and the network that the cloud's arguments name."""
        await self._look_up()
        self.run.know(network=self.run.cloud.network)
        cloud: Any = self.run.cloud
        if hasattr(cloud, "on_note"):
            cloud.on_note = from_any_thread(lambda text: self.run.waiting(trouble=text))

    async def _look_up(self) -> None:
        """Finds the region, and lets the cloud look up what its arguments name.

        Raises:
            ValidationError: An argument names nothing that exists, or the region is not clear.
            PreflightFailed: The cluster cannot have private endpoints, and so has no region to go by.
        """
        run = self.run
        if run.connection.instance_name is not None:
            await run.in_cloud(run.cloud.check)
            self.check_side()
            return
        if self._is_region_given:
            self._move(run.connection.region)
            await run.in_cloud(run.cloud.check)
        if run.connection.cluster_name is not None and self.rules.cluster is None and not self.rules.has_failed:
            await self.rules.read_cluster()
        if self._is_region_given:
            return
        region = self.rules.default_region()
        if region is None:
            # one that does not exist, or is on another cloud
            refusal = await self.refusal()
            if any(check.state == "failure" for check in refusal.checks):
                raise refusal
        if region is None:
            region = await run.in_cloud(lambda: self._cloud.network_region)
        if region is None:
            rule = "region is needed: neither Atlas nor the arguments say where the cluster is"
            raise ValidationError(rule, field="region")
        self._move(region)
        await run.in_cloud(run.cloud.check)

    async def refusal(self) -> PreflightFailed:
        """What says that the cluster rules the connection out."""
        checks = tuple(await self.rules.checks(self.run.connection.region or "", creating=False))
        self.run.know(checks=checks)
        text = "; ".join(f"{check.name}: {check.detail}" for check in checks if check.state == "failure")
        if self._needs_deployment:
            return PreflightFailed(f"nothing was created: {text}", checks=checks)
        way = "if the cluster was deleted, leave cluster_name out and give its region"
        return PreflightFailed(f"nothing was deleted: {text} ({way})", checks=checks)

    def _move(self, region: str | None) -> None:
        in_region = getattr(self._cloud, "in_region", None)
        self.run.know(region=region)
        if in_region is not None:
            self.run.cloud = in_region(region)

    def check_side(self) -> None:
        """Checks what depends on the network."""
        if isinstance(self.side, AsyncServerlessSide):
            self.side.check_arguments()


def check_resume(resume: object, group_id: str, cluster_name: str | None, instance_name: str | None) -> None:
    """Refuses to resume from something else than a connection of the same deployment.

    Raises:
        ValidationError: It is not one.
    """
    if resume is None:
        return
    if not isinstance(resume, Connection):
        raise ValidationError(f"resume must be a Connection, got {type(resume).__name__}", field="resume")
    before = (resume.group_id, resume.cluster_name or None, resume.instance_name or None)
    if before != (group_id, cluster_name or None, instance_name or None):
        rule = f"resume is of {resume.deployment_name} in project {resume.group_id}, not of this deployment"
        raise ValidationError(rule, field="resume")


def check_client(atlas: object) -> None:
    """Refuses the other kind of client.

    Raises:
        ValidationError: It is one.
    """
    if not isinstance(atlas, AsyncClient):
        raise ValidationError(f"atlas must be a client of the kind AsyncClient, got {atlas!r}", field="atlas")
