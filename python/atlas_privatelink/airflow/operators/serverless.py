"""Operators that create and delete the private endpoint of a serverless instance in Atlas."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from ..remains import Remains
from ..waits import Wait
from .base import AtlasOperator, finished, was_made

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    from airflow.sdk import Context

    from ... import Client
    from ...models import ServerlessEndpoint

__all__ = ["AtlasCreateServerlessEndpointOperator", "AtlasDeleteServerlessEndpointOperator"]


class AtlasCreateServerlessEndpointOperator(AtlasOperator):
    """Create a private endpoint of a serverless instance, exactly once, and wait until it is ready for a VPC endpoint.

    Another try of the task goes on with the endpoint that an earlier one has made: it is found by the id that Airflow
    keeps (task state store, since 3.3), or else by its comment.

    XCom: `endpoint_id` as soon as Atlas has answered, `endpoint_service_name` once there is one; the return value is
    the endpoint as a dictionary, with `id`, `status` and so on.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        instance_name: The serverless instance's name.
        comment: A comment of less than 80 characters. An endpoint that bears it already is used instead of a new one.
            By default one that names the task and is unlike that of any other run of the DAG.
        wait_for_completion: Wait until the endpoint is `RESERVED`.
        delete_on_kill: Begin to delete the endpoint when the task is stopped, where this try of it has made it.
        atlas_conn_id: A connection of the type `mongodbatlas`.
        timeout: Seconds that one try of the task may wait.
        deferrable: Wait in the triggerer; by default what `[operators] default_deferrable` says.
    """

    template_fields: Sequence[str] = ("group_id", "instance_name", "comment", "atlas_conn_id")

    def __init__(
        self,
        *,
        group_id: str,
        instance_name: str,
        comment: str | None = None,
        wait_for_completion: bool = True,
        delete_on_kill: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group_id = group_id
        self.instance_name = instance_name
        self.comment = comment
        self.wait_for_completion = wait_for_completion
        self.delete_on_kill = delete_on_kill

    def execute(self, context: Context) -> Any:
        """Create it or find it, and wait."""
        with self._client(context, Remains(self.group_id, instance_name=self.instance_name)) as client:
            endpoint = self._of_an_earlier_try(client, context) or client.create_endpoint(
                self.group_id,
                self.instance_name,
                comment=self.comment or _comment_of(context),
                if_exists="adopt",
            )
            self._know(endpoint_id=endpoint.id, made=["endpoint_id"] if was_made(endpoint) else [])
            _store(context, "set", "endpoint_id", endpoint.id)
            if self.wait_for_completion:
                wait = Wait.for_endpoint(self.group_id, self.instance_name, endpoint.id, until="RESERVED")
                endpoint = self._waited(client, wait)
            return finished(context, endpoint)

    def _of_an_earlier_try(self, client: Client, context: Context) -> ServerlessEndpoint | None:
        from ...errors import NotFound

        ti: Any = context["ti"]
        endpoint_id = _store(context, "get", "endpoint_id") if ti.try_number > 1 else None
        if endpoint_id is None:
            return None
        try:
            endpoint = client.get_endpoint(self.group_id, self.instance_name, endpoint_id)
        except NotFound:
            return None
        return None if endpoint.status in ("FAILED", "DELETING") else endpoint


class AtlasDeleteServerlessEndpointOperator(AtlasOperator):
    """Delete a private endpoint of a serverless instance in Atlas, and wait until it is gone.

    One that is gone already is no error. The VPC endpoint in your own account is yours to remove first;
    `AtlasDisconnectOperator` does both.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        instance_name: The serverless instance's name.
        endpoint_id: Atlas's id of the endpoint, 24 hexadecimal digits.
        wait_for_completion: Wait until it is gone.
        atlas_conn_id: A connection of the type `mongodbatlas`.
        timeout: Seconds that one try of the task may wait.
        deferrable: Wait in the triggerer; by default what `[operators] default_deferrable` says.
    """

    template_fields: Sequence[str] = ("group_id", "instance_name", "endpoint_id", "atlas_conn_id")

    def __init__(
        self,
        *,
        group_id: str,
        instance_name: str,
        endpoint_id: str,
        wait_for_completion: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group_id = group_id
        self.instance_name = instance_name
        self.endpoint_id = endpoint_id
        self.wait_for_completion = wait_for_completion

    def execute(self, context: Context) -> None:
        """Delete it, and wait."""
        from ...errors import NotFound

        with self._client(context, Remains(self.group_id, instance_name=self.instance_name)) as client:
            try:
                client.delete_endpoint(self.group_id, self.instance_name, self.endpoint_id)
            except NotFound as error:
                self.log.info("Gone already: %s", error)
                return
            self._know(endpoint_id=self.endpoint_id)
            if self.wait_for_completion:
                wait = Wait.for_endpoint(self.group_id, self.instance_name, self.endpoint_id, until="DELETED")
                self._waited(client, wait)


def _comment_of(context: Context) -> str:
    """A comment that is the same for each try of a task instance, and for no other."""
    ti: Any = context["ti"]
    task = f"{ti.dag_id}.{ti.task_id}"
    instance = "/".join((ti.dag_id, ti.task_id, ti.run_id, str(ti.map_index)))
    return f"airflow {sha256(instance.encode()).hexdigest()[:16]} {task}"[:79]


def _store(context: Context, do: Literal["get", "set"], *arguments: str) -> Any:
    """Uses what Airflow keeps from one try to the next, where it does (since 3.3)."""
    store: Any = context.get("task_state_store")
    return None if store is None else getattr(store, do)(*arguments)
