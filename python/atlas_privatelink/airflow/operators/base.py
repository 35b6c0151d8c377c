"""What all operators have in common: a client, the ids that are known, deferral, and what a kill does."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from datetime import timedelta
from sys import exc_info
from typing import TYPE_CHECKING

from .._versions import DEFAULT_DEFERRABLE, SIGTERM_RAISES, AirflowTaskTimeout, BaseOperator
from ..ec2 import ec2_client
from ..hooks import AtlasHook
from ..links import AtlasLink
from ..remains import Remains, leave, say_left_behind
from ..task_state import state_in_a_handler
from ..waits import GRACE_SECONDS, NotYet, Wait, deadline_of, not_in_vain, plain, result_of, time_left

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime
    from typing import Any, NoReturn

    from airflow.sdk import BaseOperatorLink, Context

    from ... import Client
    from ...models import EndpointService, ServerlessEndpoint, WaitProgress

__all__ = ["AtlasOperator", "ToldToEnd", "finished", "was_made"]

# of the five that Airflow gives a task to end
_SECONDS_TO_ASK = 1.0


class ToldToEnd(BaseException):
    """The task was told to end. Airflow 3 tries it again if it has retries, as after any other failure.

    It is no `Exception`: boto3 makes an error of its own of those that a signal's handler raises while it sends.
    """


class AtlasOperator(BaseOperator):
    """What the operators have in common.

    Args:
        atlas_conn_id: A connection of the type `mongodbatlas`.
        timeout: Seconds (or a `timedelta`) that one try of the task may wait in all, deferred or not.
        deferrable: Wait in the triggerer; by default what `[operators] default_deferrable` says.
    """

    ui_color = "#00ed64"
    operator_extra_links: Collection[BaseOperatorLink] = (AtlasLink(),)

    def __init__(
        self,
        *,
        atlas_conn_id: str = AtlasHook.default_conn_name,
        timeout: float | timedelta = 3600.0,
        deferrable: bool = DEFAULT_DEFERRABLE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.atlas_conn_id = atlas_conn_id
        self.timeout = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        self.deferrable = deferrable
        self.links: dict[str, str] = {}
        self._context: Context | None = None
        self._remains: Remains | None = None
        self._client_options: dict[str, Any] = {}
        self._ec2: Any = None
        self._deadline = 0.0
        self._start_date: datetime | None = None

    # what on_kill is to know and to do; operators that make something say more

    aws_conn_id: str | None = None
    delete_on_kill: bool = False

    @contextmanager
    def _client(self, context: Context, remains: Remains, deadline: float | None = None) -> Iterator[Client]:
        self._context, self._remains, self._start_date = context, remains, _start_date_of(context)
        try:
            with not_in_vain(), self._new_client() as client:
                self._check_rendered()
                self._deadline = deadline_of(client, self.timeout) if deadline is None else deadline
                self._link(AtlasLink.xcom_key, AtlasLink.to(client._core.base_url, remains.group_id))
                yield client
        finally:
            self._context = None

    def _check_rendered(self) -> None:
        """Refuses what a template without a value was rendered to.

        Raises:
            ValidationError: It is there, in a field.
        """
        from ...errors import ValidationError

        for name in self.template_fields:
            if getattr(self, name) == "None":
                raise ValidationError(f"{name} was rendered to None: the template has no value", field=name)

    def _new_client(self) -> Client:
        from ... import Client

        self._client_options = AtlasHook(self.atlas_conn_id).client_options()
        return Client(**self._client_options)

    def _push(self, key: str, value: Any) -> None:
        if self._context is not None:
            self._context["ti"].xcom_push(key=key, value=value)

    def _link(self, key: str, url: str) -> None:
        if self.links.get(key) != url:
            self.links[key] = url
            self._push(key, url)

    def _know(self, *, made: Collection[str] = (), **ids: str | None) -> None:
        """Tells Airflow each id the moment it is known, for the tasks downstream, the next try, and `on_kill`."""
        if self._remains is None:
            return
        before = self._remains.ids()
        self._remains = self._remains.knowing(made=made, **ids)
        for key, value in self._remains.ids().items():
            if before.get(key) != value:
                self.log.info("%s: %s", key, value)
                self._push(key, value)

    def _waited(self, client: Client, wait: Wait) -> Any:
        """What is waited for: in this process, or, deferred, in the triggerer after one look."""
        if not self.deferrable:
            return wait.on(client, timeout=time_left(self._deadline), on_progress=self._log_progress)
        try:
            return wait.look(client, timeout=time_left(self._deadline))
        except NotYet as seen:
            self.log.info("Deferred: %s", seen)
        return self._defer(wait)

    def _log_progress(self, progress: WaitProgress) -> None:
        if progress.changed or progress.trouble:
            self.log.info("%s after %.0f s", progress.trouble or f"status {progress.status}", progress.elapsed)

    def _defer(self, wait: Wait | None, look_again_at: float | None = None) -> NoReturn:
        from ..triggers import AtlasWaitTrigger

        remains = self._remains
        # Airflow ends a process at the execution timeout, but nothing that is deferred
        self._deadline = min(self._deadline, self._execution_deadline())
        self.defer(
            trigger=AtlasWaitTrigger(
                atlas_conn_id=self.atlas_conn_id,
                operation=None if wait is None else wait.operation,
                arguments={} if wait is None else dict(wait.arguments),
                deadline=self._deadline,
                look_again_at=look_again_at,
                remains=None if remains is None else remains.to_json(),
                delete_on_kill=self.delete_on_kill,
                aws_conn_id=self.aws_conn_id,
            ),
            method_name="resume",
            timeout=timedelta(seconds=time_left(self._deadline) + GRACE_SECONDS),
        )

    def resume(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Go on after the trigger's event."""
        with self._after_deferral(context, event):
            return finished(context, result_of(event))

    @contextmanager
    def _after_deferral(self, context: Context, event: Mapping[str, Any]) -> Iterator[None]:
        """What fails after a deferral says what is left behind, and how long the whole try has taken."""
        from ...errors import WaitTimeout

        known, self._deadline, self._start_date = event["remains"], event["deadline"], _start_date_of(context)
        if known is not None:
            self._remains = Remains.from_json(known)
        try:
            yield
        except WaitTimeout as error:
            ids = "" if self._remains is None or error.connection is not None else f"; {self._remains}"
            whole = f"this try has taken {time.time() - self._began():.0f} s{ids}"
            error.args = (f"{error} ({whole})", *error.args[1:])
            self._end_at_execution_timeout()
            raise

    def _end_at_execution_timeout(self) -> None:
        """Does what Airflow does where a task that runs has reached its execution timeout."""
        if self._remains is None:
            return
        if time.time() < self._execution_deadline():
            say_left_behind(self._remains, self.log)
            return
        options = AtlasHook(self.atlas_conn_id).client_options()
        ec2 = ec2_client(self.aws_conn_id, self._remains.region) if "cloud_endpoint_id" in self._remains.made else None
        leave(self._remains, client_options=options, ec2=ec2, delete=self.delete_on_kill, log=self.log)

    def _began(self) -> float:
        """When this try has begun, deferred or not, in seconds since the epoch."""
        return self._deadline - self.timeout if self._start_date is None else self._start_date.timestamp()

    def _execution_deadline(self) -> float:
        limit = self.execution_timeout
        return float("inf") if limit is None else self._began() + limit.total_seconds()

    def on_kill(self) -> None:
        """Say what is left behind, and begin to remove it if that was asked for."""
        if self._remains is not None:
            leave(
                self._remains,
                client_options=self._client_options,
                ec2=self._ec2,
                delete=self.delete_on_kill and not self._is_taken_over(),
                log=self.log,
            )
        # Airflow 3 calls this out of the signal's handler and then lets the task go on; not where it was a time limit,
        # which is raised already. The handler may have come into any `except`
        if not SIGTERM_RAISES and not isinstance(exc_info()[1], AirflowTaskTimeout):
            raise ToldToEnd("the task was told to end")

    def _is_taken_over(self) -> bool:
        """Whether a user has cleared the task, or marked it as success: what it has created is wanted."""
        context = self._context
        state = None if context is None else state_in_a_handler(context["ti"], seconds=_SECONDS_TO_ASK)
        if state not in ("success", "restarting"):
            return False
        with suppress(OSError):
            self.log.warning("Nothing is deleted: the task is %s", state)
        return True


def _start_date_of(context: Context) -> datetime | None:
    """When this try has begun: a deferral leaves it as it is."""
    start_date: datetime | None = getattr(context.get("ti"), "start_date", None)
    return start_date


def was_made(result: ServerlessEndpoint | EndpointService) -> bool:
    """Whether it was made by the call that returned it, and not found."""
    return result.response is not None and result.response.method == "POST"


def finished(context: Context, result: Any, *, key: str = "endpoint_service_name") -> Any:
    """The return value, with what tasks downstream want most beside it, under a key of its own."""
    values = plain(result)
    if values is not None and values.get(key) is not None:
        context["ti"].xcom_push(key=key, value=values[key])
    return values
