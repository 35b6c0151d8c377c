"""`AtlasPrivateEndpointSensor`: waits for what another task, or somebody else, has created."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from ._versions import (
    DEFAULT_DEFERRABLE,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
)
from .hooks import AtlasHook
from .waits import GRACE_SECONDS, NotYet, Wait, not_in_vain, plain, result_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal, NoReturn

    from airflow.sdk import Context

__all__ = ["AtlasPrivateEndpointSensor"]

_LOOK_SECONDS = 60.0


class AtlasPrivateEndpointSensor(BaseSensorOperator):
    """Wait until a private endpoint, or an endpoint service, is ready, usable or gone.

    Args:
        group_id: The project's id, 24 hexadecimal digits.
        instance_name: The serverless instance whose endpoint it is; or
        service_id: the endpoint service: Atlas's id of it, 24 hexadecimal digits.
        endpoint_id: The endpoint: Atlas's id for a serverless instance, the cloud's id (`vpce-…`) for an endpoint
            service. Without it the sensor waits for the service itself.
        provider: The cloud provider of the endpoint service.
        until: `"RESERVED"`: ready for your VPC endpoint. `"AVAILABLE"`: usable. `"DELETED"`: gone.
        atlas_conn_id: A connection of the type `mongodbatlas`.
        deferrable: Wait in the triggerer; by default what `[operators] default_deferrable` says.

    What Atlas says has failed, or is gone meanwhile, fails the task for good (skips it, with `soft_fail`).
    """

    template_fields: Sequence[str] = (
        "group_id",
        "instance_name",
        "service_id",
        "endpoint_id",
        "provider",
        "atlas_conn_id",
    )
    ui_color = "#00ed64"

    def __init__(
        self,
        *,
        group_id: str,
        instance_name: str | None = None,
        service_id: str | None = None,
        endpoint_id: str | None = None,
        provider: Literal["AWS", "AZURE", "GCP"] = "AWS",
        until: Literal["RESERVED", "AVAILABLE", "DELETED"] = "AVAILABLE",
        atlas_conn_id: str = AtlasHook.default_conn_name,
        deferrable: bool = DEFAULT_DEFERRABLE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if until not in ("RESERVED", "AVAILABLE", "DELETED"):
            from ..errors import ValidationError

            raise ValidationError(f"until must be RESERVED, AVAILABLE or DELETED, got {until!r}", field="until")
        self.group_id = group_id
        self.instance_name = instance_name
        self.service_id = service_id
        self.endpoint_id = endpoint_id
        self.provider = provider
        self.until = until
        self.atlas_conn_id = atlas_conn_id
        self.deferrable = deferrable

    def poke(self, context: Context) -> PokeReturnValue:
        """One look."""
        from ..errors import EndpointFailed

        try:
            with not_in_vain(EndpointFailed), AtlasHook(self.atlas_conn_id).get_conn() as client:
                seen = self._wait().look(client, timeout=_LOOK_SECONDS)
        except NotYet as not_yet:
            self.log.info("%s", not_yet)
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=plain(seen))

    def execute(self, context: Context) -> Any:
        """Look at intervals, or once and then wait in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        try:
            first = self.poke(context)
        except Exception as error:
            # as Airflow does where it calls `poke` itself
            if self.never_fail or (self.soft_fail and isinstance(error, AirflowFailException)):
                raise AirflowSkipException(str(error)) from error
            raise
        return first.xcom_value if first.is_done else self._defer()

    def _defer(self) -> NoReturn:
        from .triggers import AtlasWaitTrigger

        wait = self._wait()
        self.defer(
            trigger=AtlasWaitTrigger(
                atlas_conn_id=self.atlas_conn_id,
                operation=wait.operation,
                arguments=dict(wait.arguments),
                deadline=time.time() + self.timeout,
            ),
            method_name="resume",
            timeout=timedelta(seconds=self.timeout + GRACE_SECONDS),
        )

    def resume(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Go on after the trigger's event."""
        from ..errors import EndpointFailed

        if event["outcome"] == "timeout":
            raise AirflowSensorTimeout(event["error"]["message"])
        with not_in_vain(EndpointFailed):
            return result_of(event)

    def _wait(self) -> Wait:
        from ..errors import ValidationError

        if (self.instance_name is None) == (self.service_id is None):
            rule = "give either instance_name (a serverless instance) or service_id (an endpoint service)"
            raise ValidationError(rule, field="instance_name")
        if self.instance_name is not None:
            return Wait.for_endpoint(self.group_id, self.instance_name, self.endpoint_id or "", until=self.until)
        service_id = self.service_id or ""
        if self.endpoint_id is None:
            return Wait.for_service(self.group_id, self.provider, service_id, until=self.until)
        return Wait.for_dedicated_endpoint(self.group_id, self.provider, service_id, self.endpoint_id, until=self.until)
