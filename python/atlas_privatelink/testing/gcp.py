"""A local Google Compute beside the local Atlas, for tests and demonstrations of `connect`: no account, no network.

    with AtlasEmulator(speed=60) as atlas, LocalGcp(atlas) as google:
        gcp.connect(GROUP_ID, cluster_name="Cluster0", **google.arguments(), atlas=atlas.client())

It has as much of Google's Compute API as Private Service Connect needs, by the rules of the real one: names are taken
once and for all resources of a kind; every change is an operation; a repeated `requestId` is answered with the first
operation; labels cannot be set by a creation; descriptions of forwarding rules are not kept; an address cannot be
deleted while a rule has it; and a rule is `PENDING` until the owner of its service attachment, Atlas, accepts it.

It speaks HTTP, so that Google's own SDK (`pip install 'atlas-privatelink[gcp]'`) and other tools can use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..clouds.base import sdk_module
from ._gcp_answers import Answers, Fault
from ._gcp_compute import HOST, Compute, Resource, path
from ._rest import LoopbackServer, adapter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from . import AtlasEmulator
    from ._rest import Asked

__all__ = ["LocalGcp"]

# a name that is never looked up
_IN_PROCESS = "http://in-process.invalid"
_CLIENTS = {
    "addresses": "AddressesClient",
    "forwarding_rules": "ForwardingRulesClient",
    "region_operations": "RegionOperationsClient",
    "subnetworks": "SubnetworksClient",
    "networks": "NetworksClient",
    "regions": "RegionsClient",
}


class LocalGcp:
    """A local Google Compute that knows what a local Atlas knows. Start it with `with` or `start()`.

    There is a project with one network, `vpc`, and one subnetwork, `db`; more can be added.

    Args:
        atlas: The local Atlas, which has to be started; `None` for service attachments of `add_attachment` only.
        project: The project.
        region: The region.
        operations_take: How many requests an operation takes; with 0 it is done when it is answered.
        listed_after: How many lists do not show a new address or rule.
        page: How many resources a page of a list has.
    """

    def __init__(
        self,
        atlas: AtlasEmulator | None = None,
        *,
        project: str = "orders-1234",
        region: str = "us-central1",
        operations_take: int = 1,
        listed_after: int = 0,
        page: int = 500,
    ) -> None:
        self.atlas, self.project, self.region = atlas, project, region
        self._compute = Compute(
            knows=self._knows,
            state=self._state,
            operations_take=operations_take,
            listed_after=listed_after,
            page=page,
        )
        self._answers = Answers(self._compute, region)
        self.requests: list[Asked] = self._answers.requests
        """The requests since the start, in their order."""
        self.calls: list[str] = self._answers.calls
        """The operations that were asked for since the start, such as `forwardingRules.insert`, in their order."""
        self.denied: set[str] = self._answers.denied
        """Permissions that the caller lacks, such as `compute.regions.get`."""
        self.quotas: dict[str, float] = self._answers.quotas
        """The limits of the region's quotas."""
        self._attachments: set[str] = set()
        self._forced: dict[str, str] = {}
        self._server: LoopbackServer | None = None
        self._clients: list[Any] = []
        self.network = self.add_network("vpc")
        """The network, by `projects/…`."""
        self.subnetwork = self.add_subnetwork("db")
        """The subnetwork, by `projects/…`."""

    def start(self) -> Self:
        """Begin to listen on a free port of this machine."""
        if self._server is None:
            self._server = LoopbackServer(self._answers.answer)
        return self

    def stop(self) -> None:
        """Stop for good."""
        for client in self._clients:
            client.transport.close()
        self._clients.clear()
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def operations_take(self) -> int:
        """How many requests an operation takes."""
        return self._compute.operations_take

    @operations_take.setter
    def operations_take(self, requests: int) -> None:
        self._compute.operations_take = requests

    def finish_operations(self) -> None:
        """Let all operations that have begun be done."""
        with self._answers.lock:
            self._compute.age(10**9)

    # how it is reached

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("LocalGcp is not started: use it in a with statement, or call start()")
        return self._server.base_url

    def options(self) -> dict[str, Any]:
        """What points Google's clients here: `credentials` and `client_options`."""
        return {"credentials": _anonymous(), "client_options": {"api_endpoint": self.endpoint_url}}

    def arguments(self, *, in_process: bool = False) -> dict[str, Any]:
        """Arguments of `gcp.connect` and of `GcpCloud` for this network.

        Args:
            in_process: Use clients that need no sockets, and no start: quicker, where many calls are made.
        """
        where = {"project": self.project, "region": self.region, "network": "vpc", "subnetwork": "db"}
        return {**where, **(self.clients() if in_process else self.options())}

    def client(self, kind: str) -> Any:
        """A client of Google's SDK that needs no sockets.

        Args:
            kind: Its class, such as `ForwardingRulesClient`.
        """
        create = getattr(sdk_module("google.cloud.compute_v1", extra="gcp"), kind)
        client = create(credentials=_anonymous(), client_options={"api_endpoint": _IN_PROCESS})
        self._clients.append(client)
        self.serve((client,))
        return client

    def serve(self, clients: Iterable[Any]) -> None:
        """Answer clients that another `LocalGcp` has created by `client`: creating them takes long."""
        for client in clients:
            client.transport._session.mount(_IN_PROCESS, adapter(self._answers.answer))

    def clients(self) -> dict[str, Any]:
        """All clients that `GcpCloud` takes, without sockets."""
        return {argument: self.client(kind) for argument, kind in _CLIENTS.items()}

    # what there is

    def add_network(self, name: str, *, project: str | None = None) -> str:
        """Add a network, of another project if it is to be shared, and return its path."""
        network = f"projects/{project or self.project}/global/networks/{name}"
        self._compute.networks.add(network)
        return network

    def add_subnetwork(
        self, name: str, *, network: str | None = None, ip_cidr_range: str = "10.0.0.0/24", region: str | None = None
    ) -> str:
        """Add a subnetwork to a network, by its path, and return the subnetwork's path; without a range, it is for IPv6
        only."""
        network = network or self.network
        project = network.split("/")[1]
        subnetwork = f"projects/{project}/regions/{region or self.region}/subnetworks/{name}"
        shown = {"name": name, "network": HOST + network, "ipCidrRange": ip_cidr_range, "selfLink": HOST + subnetwork}
        self._compute.subnetworks[subnetwork] = shown
        return subnetwork

    def add_attachment(self, attachment: str) -> None:
        """Add a service attachment of somebody else's, by `projects/…`; those of Atlas are known."""
        self._attachments.add(attachment)

    def add_rule(
        self,
        name: str,
        target: str,
        *,
        address: str | None = None,
        network: str | None = None,
        subnetwork: str | None = None,
        description: str = "",
        labels: Mapping[str, str] | None = None,
        global_access: bool = False,
    ) -> Resource:
        """Let somebody else create an address and a forwarding rule, as Terraform does.

        Args:
            name: The rule's name.
            target: The service attachment.
            address: The address's name; by default the rule's. One that is there is used.
            network: The network's path; by default `network`.
            subnetwork: The subnetwork's path; by default `subnetwork`.
            description: The address's description.
            labels: The rule's labels.
            global_access: Whether clients in other regions can connect.
        """
        address_name = address or name
        place = f"projects/{self.project}/regions/{self.region}"
        with self._answers.lock:
            if address_name not in self.addresses():
                self.add_address(address_name, subnetwork=subnetwork, description=description)
            rule = {
                "name": name,
                "IPAddress": f"{place}/addresses/{address_name}",
                "network": network or self.network,
                "target": target,
                "loadBalancingScheme": "",
                "allowPscGlobalAccess": global_access,
            }
            added = self._compute.add(place, "forwardingRules", rule)
            added["labels"] = dict(labels or {})
        return added

    def add_address(self, name: str, *, subnetwork: str | None = None, description: str = "") -> Resource:
        """Let somebody else reserve an internal address."""
        place = f"projects/{self.project}/regions/{self.region}"
        body = {"name": name, "addressType": "INTERNAL", "subnetwork": subnetwork or self.subnetwork}
        with self._answers.lock:
            return self._compute.add(place, "addresses", {**body, "description": description})

    def remove(self, name: str, *, rule: bool = True, address: bool = True) -> None:
        """Let somebody else delete what has a name; what is not there is no error.

        Args:
            name: The name.
            rule: Whether the forwarding rule is deleted.
            address: Whether the address is deleted.
        """
        place = f"projects/{self.project}/regions/{self.region}"
        with self._answers.lock:
            for kind in (*(("forwardingRules",) if rule else ()), *(("addresses",) if address else ())):
                self._compute.remove(f"{place}/{kind}/{name}")

    def forwarding_rules(self) -> dict[str, Resource]:
        """The forwarding rules as Google shows them, by name."""
        return self._named("forwardingRules")

    def addresses(self) -> dict[str, Resource]:
        """The addresses as Google shows them, by name."""
        return self._named("addresses")

    @property
    def created(self) -> list[str]:
        """Kind and name of everything that was ever created, in its order."""
        return ["/".join(where.rsplit("/", 2)[1:]) for where in self._compute.created]

    def _named(self, kind: str) -> dict[str, Resource]:
        with self._answers.lock:
            return self._compute.named(kind)

    # what the producer says

    def force_state(self, name: str, state: str | None) -> None:
        """Let a forwarding rule be in a state, such as `REJECTED` or `NEEDS_ATTENTION`, whatever Atlas says.

        Args:
            name: The rule's name.
            state: The state; `None` for what Atlas says.
        """
        if state is None:
            self._forced.pop(name, None)
        else:
            self._forced[name] = state

    def accept(self) -> None:
        """Let all rules that there are be `ACCEPTED`, where there is no local Atlas that would do it."""
        for name in self.forwarding_rules():
            self.force_state(name, "ACCEPTED")

    def _of_atlas(self) -> list[dict[str, Any]]:
        services = [] if self.atlas is None else self.atlas.endpoint_services()
        return [one for one in services if one.get("cloudProvider") == "GCP"]

    def _knows(self, attachment: str) -> bool:
        named = (one for service in self._of_atlas() for one in service.get("serviceAttachmentNames") or ())
        return attachment in self._attachments or attachment in named

    def _state(self, rule: Resource) -> str:
        name, target = rule["name"], path(rule["target"])
        if name in self._forced:
            return self._forced[name]
        if target in self._attachments:
            return "PENDING"
        service = next((one for one in self._of_atlas() if target in (one["serviceAttachmentNames"] or ())), None)
        if service is None:
            return "CLOSED"
        return "ACCEPTED" if self._is_registered(rule, service["endpoints"]) else "PENDING"

    @staticmethod
    def _is_registered(rule: Resource, endpoints: Iterable[Mapping[str, Any]]) -> bool:
        project = path(rule["selfLink"]).split("/")[1]
        for endpoint in endpoints:
            rules = {(one["endpointName"], one["ipAddress"]) for one in endpoint.get("endpoints") or ()}
            if (rule["name"], rule["IPAddress"]) in rules and endpoint.get("gcpProjectId") == project:
                return endpoint["status"] not in ("FAILED", "REJECTED")
        return False

    # what goes wrong

    def fail(
        self,
        operation: str | None = None,
        *,
        reason: str | None = "backendError",
        message: str = "Backend Error",
        status: int = 503,
        body: bytes | None = None,
        executed: bool = False,
        times: int = 1,
        after: int = 0,
    ) -> None:
        """Arm a fault.

        Args:
            operation: Only this operation, such as `"forwardingRules.insert"`.
            reason: Google's word for the error, such as `rateLimitExceeded` (with status 403 or 429); `None` breaks the
                connection instead.
            message: The error's message.
            status: The HTTP status.
            body: Another body than Google's for errors.
            executed: Whether the operation is executed all the same.
            times: How many requests it takes.
            after: How many pass before.
        """
        self._answers.faults.append(Fault(operation, reason, message, status, body, executed, times, after))

    def interfere(self, operation: str, action: Callable[[], object], *, after: int = 0) -> None:
        """Let somebody else do something right before an operation.

        Args:
            operation: The operation, such as `"forwardingRules.get"`.
            action: What is done, such as a call of `remove`.
            after: How many of these operations pass before.
        """
        self._answers.interferences.append((operation, action, after))

    def forget_faults(self) -> None:
        """Disarm all faults, and what was to interfere."""
        self._answers.faults.clear()
        self._answers.interferences.clear()

    def fail_operation(self, name: str, code: str) -> None:
        """Let the next operation on a resource end with an error.

        Args:
            name: The resource's name.
            code: The error's code, such as `QUOTA_EXCEEDED`.
        """
        self._compute.problems[name] = code

    def change_descriptions(self, text: str | None) -> None:
        """Let a policy replace the descriptions of new addresses.

        Args:
            text: The new description; `None` ends it.
        """
        self._compute.rewrite = (lambda description: description) if text is None else (lambda description: text)


def _anonymous() -> Any:
    return sdk_module("google.auth.credentials", extra="gcp").AnonymousCredentials()
