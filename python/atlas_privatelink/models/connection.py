"""What `connect` and `disconnect` have reached, on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from typing import Literal

from .base import Word, html_table
from .deployment import ConnectionStrings

Action = Literal["check", "create", "adopt", "replace", "update", "tell", "wait", "delete", "skip"]
Origin = Literal["created", "adopted"]


class Step(Word):
    """One step of `connect` or `disconnect`."""

    PREFLIGHT = "PREFLIGHT"
    """Everything that could prevent the connection is checked before anything is created or deleted."""
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
    DELETE_ENDPOINT = "DELETE_ENDPOINT"
    """Atlas: the endpoint is deleted."""
    DELETE_SERVICE = "DELETE_SERVICE"
    """Atlas: the endpoint service is deleted, if this package created it and nothing else uses it."""
    DELETE_CLOUD_ENDPOINT = "DELETE_CLOUD_ENDPOINT"
    """Your cloud: the endpoint that this package created there is deleted."""

    @property
    def description(self) -> str:
        """The step in words."""
        return _DESCRIPTIONS[self.value]


_DESCRIPTIONS = {
    "PREFLIGHT": "check",
    "RESERVE": "create the endpoint service",
    "NAME_SERVICE": "wait for the service name",
    "CREATE_CLOUD_ENDPOINT": "create the cloud endpoint",
    "TELL_ATLAS": "register the endpoint with Atlas",
    "ACCEPT": "wait until available",
    "CONNECTION_STRING": "wait for the connection string",
    "DELETE_CLOUD_ENDPOINT": "delete the cloud endpoint",
    "DELETE_ENDPOINT": "delete the endpoint in Atlas",
    "DELETE_SERVICE": "delete the endpoint service",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked before anything was created."""

    name: str
    """What was checked, such as `"cluster"` or `"subnets"`."""
    state: Literal["ok", "warning", "failure"]
    """Whether `connect` can go on; with a warning it does."""
    detail: str
    """What was found, and what to do about it."""


@dataclass(frozen=True, slots=True)
class CloudEndpoint:
    """A private endpoint as your cloud shows it."""

    id: str
    """The cloud's id: `vpce-…`, an Azure resource id; on Google Cloud the name of the forwarding rule, or of a group of
    them."""
    status: str
    """The cloud's own word for its state."""
    phase: Literal["creating", "pending", "available", "deleting", "gone", "failed"]
    """What that word means: `creating` is too early for Atlas, `pending` waits for Atlas's acceptance, `failed` is
    final (rejected and expired are failed, too), `gone` is deleted and still shown."""
    error_message: str | None = None
    """What the cloud says went wrong."""
    private_endpoint_ip_address: str | None = None
    """Azure: its address."""
    gcp_project_id: str | None = None
    """Google Cloud: the project that it lives in."""
    endpoints: tuple[tuple[str, str], ...] = ()
    """Google Cloud: name and address of each forwarding rule."""
    network: str | None = None
    """The canonical id of its network."""
    leads_to: str | None = None
    """The service that it leads to, by the cloud's own name."""
    is_ours: bool = False
    """Whether it carries a mark of this package that belongs to it: only then is it ever deleted."""
    origin: Literal["created", "adopted"] | None = None
    """Whether the call that returned it has created it; `None` where it was only looked at."""
    service_id: str | None = None
    """Ours: Atlas's id of the endpoint service that it was created for (serverless: of the endpoint)."""
    service_created: bool = False
    """Ours: whether that service was created by the same connection."""
    made_by: str | None = None
    """Ours: who created it in which run, by the caller's own words."""
    tags: tuple[tuple[str, str], ...] = ()
    """Its tags or labels."""
    drift: tuple[str, ...] = ()
    """What differs from the arguments, in words: security groups, subnets, tags."""
    fingerprint: str | None = None
    """What tells it from another one of the same id, where ids are names: Google's numeric id, Azure's network
    interface."""
    created_at: str = ""
    """When it was created, as sortable text."""

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
class Deletion:
    """One thing that `disconnect` deletes."""

    kind: Literal["endpoint", "endpoint service", "cloud endpoint"]
    """Atlas's endpoint, Atlas's endpoint service, or the endpoint in your cloud."""
    id: str
    """Its id."""
    detail: str
    """What it is, in which state, and its tags."""
    is_ours: bool = True
    """Whether this package created it; otherwise its deletion was asked for."""


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
    """The region of the endpoint service, by the cloud's own name."""
    network: str | None = None
    """The network, by its canonical id in the cloud."""
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
    service_origin: Origin | None = None
    """Whether this run created the endpoint service, or adopted one; for dedicated clusters only."""
    endpoint_origin: Origin | None = None
    """Whether this run created Atlas's endpoint (dedicated: registered it), or adopted one."""
    cloud_endpoint_origin: Origin | None = None
    """Whether this run created the cloud's endpoint, or adopted one."""
    drift: tuple[str, ...] = ()
    """What differs between the cloud's endpoint and the arguments, in words."""
    checks: tuple[Check, ...] = ()
    """What was checked before anything was created."""
    bill: tuple[str, ...] = ()
    """What is billed by the hour from then on, in words, without prices."""
    deletions: tuple[Deletion, ...] = ()
    """What `disconnect` deletes, in this order: exactly this list."""
    clusters: tuple[str, ...] = ()
    """The clusters whose private connection strings lead through what `disconnect` deletes."""
    left: tuple[str, ...] = ()
    """What `disconnect` found and left, why, and how to remove it, in words."""
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
        shown = [f.name for f in dataclass_fields(self) if f.name not in _SHOWN_APART]
        rows = {name: getattr(self, name) for name in shown}
        for name in ("drift", "clusters", "left", "bill"):
            rows[name] = "; ".join(getattr(self, name)) or None
        for check in self.checks:
            if check.state != "ok":
                rows[f"{check.state}: {check.name}"] = check.detail
        for deletion in self.deletions:
            rows[f"deletes {deletion.kind} {deletion.id}"] = deletion.detail
        for number, taken in enumerate(self.steps, 1):
            rows[f"{number}. {taken.step.description}"] = f"{taken.action}: {taken.detail}"
        rows["planned"] = "yes: nothing was done" if self.planned else None
        return html_table(type(self).__name__, {"srv": self.srv, **rows})


_SHOWN_APART = frozenset(
    ("connection_strings", "steps", "planned", "drift", "checks", "bill", "deletions", "clusters", "left")
)


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
    networks: int = 1
    """How many networks the call connects: `connection.network` says which one this event is about."""
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
