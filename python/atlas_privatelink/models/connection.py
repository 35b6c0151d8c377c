"""What `connect` and `disconnect` have reached, on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Literal

from .base import Word, html_table
from .deployment import ConnectionStrings

Action = Literal["create", "adopt", "tell", "wait", "delete", "skip"]


class Step(Word):
    """One step of `connect` or `disconnect`."""

    RESERVE = "RESERVE"
    """Atlas: the endpoint of a serverless instance, or the endpoint service of a project's region."""
    NAME_SERVICE = "NAME_SERVICE"
    """Atlas names the service that your cloud's endpoint is to lead to."""
    CREATE_CLOUD_ENDPOINT = "CREATE_CLOUD_ENDPOINT"
    """Your cloud: the VPC endpoint (AWS), private endpoint (Azure) or forwarding rules (Google Cloud)."""
    TELL_ATLAS = "TELL_ATLAS"
    """Atlas is told the id of what was made in your cloud."""
    ACCEPT = "ACCEPT"
    """Atlas accepts it, and it becomes AVAILABLE."""
    CONNECTION_STRING = "CONNECTION_STRING"
    """The deployment gets its private connection string."""
    DELETE_CLOUD_ENDPOINT = "DELETE_CLOUD_ENDPOINT"
    """Your cloud: what was made there is removed."""
    DELETE_ENDPOINT = "DELETE_ENDPOINT"
    """Atlas: the endpoint is removed."""
    DELETE_SERVICE = "DELETE_SERVICE"
    """Atlas: the endpoint service is removed, where nothing else uses it."""

    @property
    def description(self) -> str:
        """The step in words."""
        return _DESCRIPTIONS[self.value]


_DESCRIPTIONS = {
    "RESERVE": "reserve in Atlas",
    "NAME_SERVICE": "wait for the service name",
    "CREATE_CLOUD_ENDPOINT": "create the cloud endpoint",
    "TELL_ATLAS": "tell Atlas",
    "ACCEPT": "wait until available",
    "CONNECTION_STRING": "wait for the connection string",
    "DELETE_CLOUD_ENDPOINT": "delete the cloud endpoint",
    "DELETE_ENDPOINT": "delete the endpoint in Atlas",
    "DELETE_SERVICE": "delete the endpoint service",
}


@dataclass(frozen=True, slots=True)
class CloudEndpoint:
    """A private endpoint as your cloud shows it."""

    id: str
    """The cloud's id: `vpce-…`, an Azure resource id, the name of a group of forwarding rules on Google Cloud."""
    status: str
    """The cloud's own word for its state."""
    phase: Literal["creating", "pending", "available", "deleting", "gone", "failed"]
    """What that word means: `creating` is too early for Atlas, `pending` waits for Atlas's acceptance, `failed` will
    not come (rejected and expired are failed, too), `gone` is deleted and still shown."""
    error_message: str | None = None
    """What the cloud says went wrong."""
    private_endpoint_ip_address: str | None = None
    """Azure: its address."""
    gcp_project_id: str | None = None
    """Google Cloud: the project that it lives in."""
    endpoints: tuple[tuple[str, str], ...] = ()
    """Google Cloud: name and address of each forwarding rule."""

    @property
    def is_alive(self) -> bool:
        """Whether it serves, or may still come to serve."""
        return self.phase in ("creating", "pending", "available")


@dataclass(frozen=True, slots=True)
class StepTaken:
    """What one step came to, or is going to."""

    step: Step
    """The step."""
    action: Action
    """What was done for it, or would be; `"skip"` where nothing is needed."""
    detail: str
    """What it was done to, in words."""
    elapsed: float = 0.0
    """Seconds that it took."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What leads from a network of yours to a deployment, as far as it is known."""

    group_id: str
    """The project's id."""
    cluster_name: str | None = None
    """The dedicated cluster."""
    instance_name: str | None = None
    """Or the serverless instance."""
    cloud_provider: str | None = None
    """`AWS`, `AZURE` or `GCP`."""
    region: str | None = None
    """The region, by the cloud's own name."""
    endpoint_service_id: str | None = None
    """Atlas's id of the endpoint service; for dedicated clusters only."""
    endpoint_id: str | None = None
    """Atlas's id of the endpoint; for serverless instances only. Dedicated clusters know it by `cloud_endpoint_id`."""
    endpoint_service_name: str | None = None
    """What the cloud's endpoint leads to."""
    cloud_endpoint_id: str | None = None
    """The cloud's id of the endpoint: `vpce-…`, an Azure resource id, the name of a group of forwarding rules."""
    status: str | None = None
    """Atlas's last word of it."""
    connection_strings: ConnectionStrings | None = None
    """The private connection strings, once there are any."""
    steps: tuple[StepTaken, ...] = ()
    """What was done; of a plan, what would be."""
    planned: bool = False
    """Whether nothing was done, and `steps` is a plan."""

    @property
    def srv(self) -> str | None:
        """The connection string to use: `mongodb+srv://…`."""
        return None if self.connection_strings is None else self.connection_strings.srv

    @property
    def deployment_name(self) -> str:
        """The cluster's or instance's name."""
        return self.cluster_name or self.instance_name or ""

    def known(self) -> str:
        """The ids on both sides, in words."""
        ids = {
            "endpoint service": self.endpoint_service_id,
            "endpoint": self.endpoint_id,
            "service name": self.endpoint_service_name,
            "cloud endpoint": self.cloud_endpoint_id,
        }
        return ", ".join(f"{name} {value}" for name, value in ids.items() if value)

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        shown = [f.name for f in dataclass_fields(self) if f.name not in ("connection_strings", "steps", "planned")]
        rows = {name: getattr(self, name) for name in shown}
        for number, taken in enumerate(self.steps, 1):
            rows[f"{number}. {taken.step.description}"] = f"{taken.action}: {taken.detail}"
        rows["planned"] = "yes: nothing was done" if self.planned else None
        return html_table(type(self).__name__, {"srv": self.srv, **rows})


@dataclass(frozen=True, slots=True)
class ConnectionProgress:
    """One event of `connect` or `disconnect`."""

    step: Step
    """The step that it is about."""
    state: Literal["begun", "waiting", "done", "failed"]
    """Whether the step begins, goes on, or has ended; `trouble` says how it failed."""
    connection: Connection
    """What is known so far, on both sides: all that is needed to find it again."""
    number: int
    """Which step it is, from 1."""
    count: int
    """How many steps there are."""
    action: Action | None = None
    """What was done, once the step is done."""
    detail: str | None = None
    """The same in words."""
    status: str | None = None
    """Atlas's last word of what is waited for."""
    cloud_status: str | None = None
    """Your cloud's last word of its endpoint."""
    trouble: str | None = None
    """Why the last look showed nothing, if it did not; the wait goes on all the same."""
    elapsed: float = 0.0
    """Seconds since the begin."""
    step_elapsed: float = 0.0
    """Seconds since the step's begin."""
    next_look: float | None = None
    """Seconds until the next look, at most."""
