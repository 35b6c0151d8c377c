"""Google Cloud's half: from nothing to a private connection string in one call, by Google's own SDK.

>>> from atlas_privatelink import gcp
>>> connection = gcp.connect(
...     GROUP_ID, cluster_name="Cluster0", project="orders-1234", region="us-central1", network="vpc", subnetwork="db"
... )
>>> connection.srv
'mongodb+srv://cluster0-pl-0.abcde.mongodb.net'

`aconnect` and `adisconnect` are the same for asyncio. The SDK comes with `pip install 'atlas-privatelink[gcp]'`.

What Atlas calls an endpoint is a group here: for each service attachment that Atlas names, an internal address and a
forwarding rule, both of the name `<group>-<number>`.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from ._async.gcp import aconnect, adisconnect
from ._sync.gcp import connect, disconnect
from .cloud import sdk_module
from .errors import CloudError, CloudPermissionDenied, ValidationError
from .models.connection import CloudEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping
    from typing import Literal

    from typing_extensions import Self

    from .cloud import ServiceToReach

    Phase = Literal["creating", "pending", "available", "failed"]

__all__ = ["GcpCloud", "aconnect", "adisconnect", "connect", "disconnect"]

_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+\d+")
_NAME = r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?"
_HOST = r"https://[^/]+/compute/[^/]+/"
_NETWORK = re.compile(rf"(?:(?:{_HOST})?projects/(?P<project>[^/]+)/global/networks/)?(?P<name>{_NAME})")
_SUBNETWORK = re.compile(
    rf"(?:(?:{_HOST})?projects/(?P<project>[^/]+)/regions/(?P<region>[^/]+)/subnetworks/)?(?P<name>{_NAME})"
)
# of a group, so that there is room for `-` and a number of three digits in the names of its rules
_GROUP = re.compile(r"[a-z](?:[-a-z0-9]{0,57}[a-z0-9])?")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")

# marks what is ours, which labels cannot: Google refuses them when such a rule is created
_MARK = "atlas-privatelink"

# an operation takes Google some seconds; all of a group are begun before any is waited for
_OPERATIONS_SECONDS = 300.0
_REQUEST_SECONDS = 60.0
# the server itself waits for up to two minutes; this is for when it is too busy for that
_PAUSE = 1.0

# Google sends 403 for these, too
_NO_DENIALS = {"quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded"}

# from the worst to the best: the group is in the state of its worst rule
_PHASES: dict[str, Phase] = {
    "CLOSED": "failed",
    "REJECTED": "failed",
    "NEEDS_ATTENTION": "failed",
    "STATUS_UNSPECIFIED": "creating",
    "PENDING": "pending",
    "ACCEPTED": "available",
}


class GcpCloud:
    """A group of forwarding rules, each with an address in a subnetwork of yours.

    All names are derived from the service attachments and the network, and Google knows each name once: however often
    it is called, and from wherever, there is one group.

    Args:
        project: The project's id, such as `orders-1234`.
        region: Google's region, such as `us-central1`: that of the service attachments and of the subnetwork.
        network: The VPC network: its name, `projects/…/global/networks/…`, or its URL.
        subnetwork: The subnetwork for the addresses: its name, `projects/…/regions/…/subnetworks/…`, or its URL.
        name: The group's name; by default derived.
        labels: Labels of the forwarding rules.
        credentials: What authenticates you, `google.auth.credentials.Credentials`; by default Google's Application
            Default Credentials.
        client_options: Options of all clients, as `google.api_core.client_options.ClientOptions` or a dictionary:
            `{"api_endpoint": …}` for one.
        addresses: A `google.cloud.compute_v1.AddressesClient` to use in place of one from `credentials`; likewise
        forwarding_rules: a `ForwardingRulesClient`,
        region_operations: a `RegionOperationsClient`, and
        subnetworks: a `SubnetworksClient`.

    Raises:
        ValidationError: An argument breaks a rule; `field` names it.
    """

    provider: Literal["GCP"] = "GCP"

    def __init__(
        self,
        project: str,
        region: str,
        network: str,
        subnetwork: str,
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        credentials: Any = None,
        client_options: Any = None,
        addresses: Any = None,
        forwarding_rules: Any = None,
        region_operations: Any = None,
        subnetworks: Any = None,
    ) -> None:
        self._project = _checked("project", _PROJECT, project, "a project's id, such as orders-1234")[0]
        self._region = _checked("region", _REGION, region, "Google's name of a region, such as us-central1")[0]
        found = _checked("network", _NETWORK, network, "a network's name, or projects/…/global/networks/…")
        self._network = f"projects/{found['project'] or project}/global/networks/{found['name']}"
        rule = "a subnetwork's name, or projects/…/regions/…/subnetworks/…"
        self._subnet = _checked("subnetwork", _SUBNETWORK, subnetwork, rule)
        if self._subnet["region"] not in (None, region):
            where = f"subnetwork is in {self._subnet['region']}, and region is {region}"
            raise ValidationError(where, field="subnetwork")
        # a shared network has its subnetworks in the same project
        host = self._subnet["project"] or found["project"] or project
        self._subnetwork = f"projects/{host}/regions/{region}/subnetworks/{self._subnet['name']}"
        self._subnet_project = host
        if name is not None:
            _checked("name", _GROUP, name, "up to 59 lower-case letters, digits and '-', beginning with a letter")
        for key, value in (labels or {}).items():
            _checked("labels", _LABEL_KEY, key, "keys of lower-case letters, digits, '_' and '-'")
            _checked("labels", _LABEL_VALUE, value, "values of lower-case letters, digits, '_' and '-'")
        self._name, self._labels = name, dict(labels or {})
        self._credentials, self._client_options = credentials, client_options
        self._given = {
            "AddressesClient": addresses,
            "ForwardingRulesClient": forwarding_rules,
            "RegionOperationsClient": region_operations,
            "SubnetworksClient": subnetworks,
        }
        self._own: list[Any] = []
        self._expected: dict[str, tuple[str, ...]] = {}

    def __repr__(self) -> str:
        return f"<GcpCloud network={self._network!r} subnetwork={self._subnetwork!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened here; clients that were given stay open."""
        for client in self._own:
            client.transport.close()
        self._own.clear()
        for opened in ("_addresses", "_rules", "_operations", "_subnetworks"):
            self.__dict__.pop(opened, None)

    @property
    def network(self) -> str:
        """The network and the subnetwork."""
        return f"{self._network} {self._subnetwork}"

    def check(self) -> None:
        """Look whether there is the subnetwork, and whether it is one of the network's.

        Raises:
            ValidationError: There is none, or it is another network's. CloudPermissionDenied: Google does not let you
            see it, or knows no credentials of yours. CloudError: any other failure.
        """
        where = {"project": self._subnet_project, "region": self._region, "subnetwork": self._subnet["name"]}
        found = self._found("subnetworks.get", lambda: self._subnetworks.get(where, timeout=_REQUEST_SECONDS))
        if found is None:
            raise ValidationError(f"subnetwork: Google has no {self._subnetwork}", field="subnetwork")
        if _path(found.network) != self._network:
            rule = f"network is {self._network}, and {self._subnetwork} is of {_path(found.network)}"
            raise ValidationError(rule, field="network")

    def adopt(self, service: ServiceToReach) -> CloudEndpoint | None:
        """The group that leads from the network to all attachments of the service, if there is one that is alive.

        A group that somebody else has made is adopted, too, if its rules are numbered (`<group>-<number>`). One that
        is not complete is none: `create` completes it.

        Raises:
            CloudError: Google refuses, or does not answer.
        """
        attachments, groups = _attachments(service), dict[str, list[Any]]()
        for rule in self._list_rules():
            if _path(rule.target) in attachments and _path(rule.network) == self._network and _numbered(rule.name):
                groups.setdefault(rule.name.rpartition("-")[0], []).append(rule)
        own = self.name_for(service)
        for name in sorted(groups, key=lambda name: (name != own, name)):
            self._expected[name] = attachments
            shown = self._shown(name, groups[name], [])
            if shown.is_alive and shown.phase != "creating":
                return shown
            del self._expected[name]
        return None

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Create the addresses, and then the forwarding rules. Called twice, or by two at a time, it makes one group.

        What is there already stays, so that one that was killed is completed. Google's operations are waited for, as
        only they say why something could not be made.

        Raises:
            CloudError: Google refuses, or does not answer; or a rule of the group's name leads elsewhere, or was
            rejected or closed, which Google has no way back from.
        """
        name, attachments = self.name_for(service), _attachments(service)
        until = monotonic() + _OPERATIONS_SECONDS
        # by one order whatever Atlas's, which changes: the number of an attachment has to stay
        numbered = {f"{name}-{i}": target for i, target in enumerate(sorted(attachments, key=_natural))}
        rules = self._named(self._list_rules(name))
        self._refuse_others(rules, numbered)
        missing = {one: target for one, target in numbered.items() if one not in rules}
        self._expected[name] = attachments
        if missing:
            addresses = self._create_addresses(name, missing, service, until)
            begun = [
                self._insert("forwardingRules.insert", self._rules, "forwarding_rule_resource", self._rule(*rule))
                for rule in ((one, target, addresses[one]) for one, target in missing.items())
            ]
            self._finish("forwardingRules.insert", begun, until)
        if self._labels:
            self._set_labels(name, until)
        shown = self.describe(name)
        return CloudEndpoint(name, "PROVISIONING", "creating") if shown is None else shown

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The group as it is now; `None` where nothing of it is left.

        It is `creating` until every attachment that `adopt` or `create` has seen has its rule, or, where they have not
        been called, every address of the group.

        Args:
            endpoint_id: The group's name.

        Raises:
            CloudError: Google refuses, or does not answer.
        """
        if _GROUP.fullmatch(endpoint_id) is None:
            # Atlas takes any name for a group, and shows those of others, too
            return None
        rules, addresses = self._list_group(endpoint_id)
        return self._shown(endpoint_id, rules, addresses) if rules or addresses else None

    def delete(self, endpoint_id: str) -> None:
        """Delete the rules of the group, and then their addresses; what is gone already is no error.

        Addresses that neither were made here nor belong to a rule of the group stay, whatever their names.

        Args:
            endpoint_id: The group's name.

        Raises:
            ValidationError: That is no name of a group.
            CloudError: Google refuses, or does not answer.
        """
        _checked("endpoint_id", _GROUP, endpoint_id, "the name of a group of forwarding rules")
        until = monotonic() + _OPERATIONS_SECONDS
        rules, addresses = self._list_group(endpoint_id)
        begun = [self._delete("forwardingRules.delete", self._rules, forwarding_rule=rule.name) for rule in rules]
        # an address cannot be deleted as long as a rule has it
        self._finish("forwardingRules.delete", begun, until)
        begun = [self._delete("addresses.delete", self._addresses, address=address.name) for address in addresses]
        self._finish("addresses.delete", begun, until)

    def planned(self, service: ServiceToReach | None) -> str:
        """What `create` would create, in words."""
        if service is None:
            return f"a forwarding rule in {self.network} for each service attachment"
        return f"{len(_attachments(service))} forwarding rules {self.name_for(service)}-… in {self.network}"

    def name_for(self, service: ServiceToReach) -> str:
        """The group's name for a service: the one given, or one derived from attachments, project and network."""
        if self._name is not None:
            return self._name
        what = "\n".join((min(_attachments(service), key=_natural), self._project, self._network, self._subnetwork))
        return f"atlas-{sha256(what.encode()).hexdigest()[:10]}"

    # Google's clients, which are made when they are needed

    def _client(self, kind: str) -> Any:
        if self._given[kind] is not None:
            return self._given[kind]
        make = getattr(_sdk("google.cloud.compute_v1"), kind)
        with _asking("authentication"):
            client = make(credentials=self._credentials, client_options=self._client_options)
        self._own.append(client)
        return client

    @cached_property
    def _addresses(self) -> Any:
        return self._client("AddressesClient")

    @cached_property
    def _rules(self) -> Any:
        return self._client("ForwardingRulesClient")

    @cached_property
    def _operations(self) -> Any:
        return self._client("RegionOperationsClient")

    @cached_property
    def _subnetworks(self) -> Any:
        return self._client("SubnetworksClient")

    # what they are asked for

    @property
    def _place(self) -> dict[str, Any]:
        return {"project": self._project, "region": self._region}

    def _found(self, operation: str, call: Callable[[], Any]) -> Any:
        """What a call returns; `None` where Google has no such thing."""
        with _asking(operation):
            try:
                return call()
            except _sdk("google.api_core.exceptions").NotFound:
                return None

    def _list(self, operation: str, client: Any, group: str | None) -> list[Any]:
        request = dict(self._place)
        if group is not None:
            request["filter"] = f"name eq {group}-[0-9]+"
        with _asking(operation):
            return list(client.list(request, timeout=_REQUEST_SECONDS))

    def _list_rules(self, group: str | None = None) -> list[Any]:
        """The forwarding rules that lead to service attachments: of one group, or all."""
        rules = self._list("forwardingRules.list", self._rules, group)
        return [one for one in rules if "/serviceAttachments/" in one.target and _numbered(one.name, group)]

    def _list_addresses(self, group: str) -> list[Any]:
        listed = self._list("addresses.list", self._addresses, group)
        return [one for one in listed if one.address_type == "INTERNAL" and _numbered(one.name, group)]

    def _list_group(self, group: str) -> tuple[list[Any], list[Any]]:
        """The rules of a group, and the addresses that they have or that were made here."""
        rules = self._list_rules(group)
        used = {rule.I_p_address for rule in rules}
        addresses = self._list_addresses(group)
        return rules, [one for one in addresses if one.address in used or _MARK in one.description]

    @staticmethod
    def _named(resources: Iterable[Any]) -> dict[str, Any]:
        return {one.name: one for one in resources}

    def _insert(self, operation: str, client: Any, field: str, resource: dict[str, Any]) -> Any:
        """Google's operation; `None` where another call has made it in the same moment.

        It bears no request id: names make sure of it that nothing is made twice, and Google would take a derived id for
        a repetition when something is made again after it was deleted.
        """
        with _asking(operation):
            try:
                return client.insert_unary({**self._place, field: resource}, timeout=_REQUEST_SECONDS)
            except _sdk("google.api_core.exceptions").Conflict as error:
                if _reason(error) == "alreadyExists":
                    return None
                raise

    def _delete(self, operation: str, client: Any, **named: str) -> Any:
        request = {**self._place, **named}
        return self._found(operation, lambda: client.delete_unary(request, timeout=_REQUEST_SECONDS))

    def _finish(self, operation: str, begun: Iterable[Any], until: float) -> None:
        """Waits for operations, and raises the error that the first of them has ended with."""
        for one in begun:
            while one is not None and one.status.name != "DONE":
                one = self._await(operation, one.name, until)  # noqa: PLW2901 - the same operation, later
            if one is not None and one.error.errors:
                problem = one.error.errors[0]
                text = f"Google refused {operation}: {problem.code}: {_one_line(problem.message)}"
                raise CloudError(text, operation=operation, code=problem.code)

    def _await(self, operation: str, name: str, until: float) -> Any:
        request = {**self._place, "operation": name}
        # it answers when the operation is done, or after two minutes
        now = self._found("regionOperations.wait", lambda: self._operations.wait(request, timeout=180.0))
        if now is not None and now.status.name != "DONE":
            self._pause(operation, until)
        return now

    def _pause(self, operation: str, until: float) -> None:
        if monotonic() > until:
            why = f"it is not done after {_OPERATIONS_SECONDS:g} s; calling again goes on"
            raise CloudError(f"Google: {operation}: {why}", operation=operation)
        sleep(_PAUSE)

    # what a group is made of

    def _refuse_others(self, rules: Mapping[str, Any], numbered: Mapping[str, str]) -> None:
        """Raises where a rule of the group's name cannot become one of the group."""
        operation = "forwardingRules.insert"
        for name, rule in rules.items():
            if _path(rule.target) != numbered.get(name) or _path(rule.network) != self._network:
                why = f"forwarding rule {name} exists and leads elsewhere: choose another name, or delete it"
                raise CloudError(f"Google: {operation}: {why}", operation=operation, code="alreadyExists")
            if _PHASES.get(rule.psc_connection_status) == "failed":
                why = f"forwarding rule {name} is {rule.psc_connection_status}: delete it, and connect again"
                raise CloudError(f"Google: {operation}: {why}", operation=operation, code=rule.psc_connection_status)

    def _create_addresses(
        self, name: str, missing: Mapping[str, str], service: ServiceToReach, until: float
    ) -> dict[str, str]:
        """The URLs of the addresses for missing rules; those that are not there are created."""
        operation, begun = "addresses.insert", list[Any]()
        there = self._named(self._list_addresses(name))
        for one in (one for one in missing if one not in there):
            about = f"{service.deployment_name} of Atlas project {service.group_id}, by {_MARK}"
            address = {
                "name": one,
                "address_type": "INTERNAL",
                "subnetwork": self._subnetwork,
                "description": about,
            }
            begun.append(self._insert(operation, self._addresses, "address_resource", address))
        self._finish(operation, begun, until)
        while True:
            there = self._named(self._list_addresses(name))
            if all(one in there and there[one].address for one in missing):
                return {one: _path(there[one].self_link) for one in missing}
            # another call has begun to create them, and knows their operations
            self._pause(operation, until)

    def _rule(self, name: str, target: str, address: str) -> dict[str, Any]:
        return {
            "name": name,
            "I_p_address": address,
            "network": self._network,
            "target": target,
            # none: that is what makes it a rule of Private Service Connect
            "load_balancing_scheme": "",
        }

    def _set_labels(self, name: str, until: float) -> None:
        operation, begun = "forwardingRules.setLabels", list[Any]()
        for rule in self._list_rules(name):
            if not self._labels.items() <= dict(rule.labels).items():
                labels = {"labels": {**rule.labels, **self._labels}, "label_fingerprint": rule.label_fingerprint}
                body = {"resource": rule.name, "region_set_labels_request_resource": labels}
                with _asking(operation):
                    begun.append(self._rules.set_labels_unary({**self._place, **body}, timeout=_REQUEST_SECONDS))
        self._finish(operation, begun, until)

    def _shown(self, name: str, rules: list[Any], addresses: list[Any]) -> CloudEndpoint:
        expected = self._expected.get(name)
        if expected is None:
            ordered = sorted(rules, key=lambda rule: _natural(rule.name))
            complete = len(rules) >= len(addresses)
        else:
            by_target = {_path(rule.target): rule for rule in rules}
            ordered = [by_target[target] for target in expected if target in by_target]
            complete = len(ordered) == len(expected)
        states = [rule.psc_connection_status or "STATUS_UNSPECIFIED" for rule in ordered]
        worst = min(states, key=_badness, default="PROVISIONING")
        phase: Phase = _PHASES.get(worst, "creating")
        if phase != "failed" and not complete:
            worst, phase = "PROVISIONING", "creating"
        broken = [rule.name for rule, state in zip(ordered, states, strict=True) if state == worst]
        return CloudEndpoint(
            name,
            worst,
            phase,
            error_message=f"{', '.join(broken)}: {worst}" if phase == "failed" else None,
            gcp_project_id=self._project,
            endpoints=tuple((rule.name, rule.I_p_address) for rule in ordered),
        )


class GcpRemains(GcpCloud):
    """The same for `disconnect`, which has to find what `create` was killed at, and what was rejected, too."""

    _ours: str | None = None

    def adopt(self, service: ServiceToReach) -> CloudEndpoint | None:
        """The group that leads to the service: one that is alive, or what there is of the group of our name.

        Raises:
            CloudError: Google refuses, or does not answer.
        """
        alive, name = super().adopt(service), self.name_for(service)
        self._ours = name
        if alive is not None:
            return alive
        rules, addresses = self._list_group(name)
        # a name that was given may be in use for another service
        ours = all(_path(rule.target) in _attachments(service) for rule in rules)
        ours = ours and all(service.group_id in address.description for address in addresses)
        return self._shown(name, rules, addresses) if ours and (rules or addresses) else None

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The group as it is now. Our own is `gone` where nothing is left of it: Atlas may still know it.

        Args:
            endpoint_id: The group's name.

        Raises:
            CloudError: Google refuses, or does not answer.
        """
        shown = super().describe(endpoint_id)
        # of a group of another name there may be something elsewhere
        return CloudEndpoint(endpoint_id, "gone", "gone") if shown is None and endpoint_id == self._ours else shown


def _badness(state: str) -> int:
    states = list(_PHASES)
    # a word that Google adds later is one to wait through
    return states.index(state if state in states else "STATUS_UNSPECIFIED")


def _attachments(service: ServiceToReach) -> tuple[str, ...]:
    return tuple(_path(one) for one in service.attachments or (service.name,))


def _path(url: str) -> str:
    """`projects/…` of what Google gives as a full URL, as a partial one, and with several hosts."""
    _, found, rest = url.partition("projects/")
    return found + rest


def _natural(text: str) -> list[tuple[int, str]]:
    """An order in which 10 comes after 9."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]


def _numbered(name: str, group: str | None = None) -> bool:
    of, _, number = name.rpartition("-")
    return number.isdecimal() and bool(of) and group in (None, of)


def _checked(field: str, pattern: re.Pattern[str], value: object, rule: str) -> re.Match[str]:
    match = pattern.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValidationError(f"{field} must be {rule}, not {value!r}", field=field)
    return match


def _sdk(module: str) -> Any:
    return sdk_module(module, extra="gcp")


@contextmanager
def _asking(operation: str) -> Generator[None]:
    """Every failure of Google's SDK as one `CloudError`."""
    core, auth = _sdk("google.api_core.exceptions"), _sdk("google.auth.exceptions")
    transport = _sdk("requests.exceptions")
    try:
        yield
    except core.GoogleAPICallError as error:
        code, status = _reason(error), getattr(error, "code", None)
        # without the method and the URL that the SDK puts before it
        said = re.sub(r"^[A-Z]+ https?://\S+: ", "", _one_line(error.message))
        text = f"Google refused {operation}: {code}: {said}"
        denied = status in (401, 403) and code not in _NO_DENIALS
        raise (CloudPermissionDenied if denied else CloudError)(text, operation=operation, code=code) from error
    except auth.TransportError as error:
        raise CloudError(f"Google: {operation} failed: {_one_line(error)}", operation=operation) from error
    except auth.GoogleAuthError as error:
        text = f"Google: {operation} failed: {_one_line(error.args[0] if error.args else error)}"
        raise CloudPermissionDenied(text, operation=operation, code=type(error).__name__) from error
    except (core.GoogleAPIError, transport.RequestException) as error:
        raise CloudError(f"Google: {operation} failed: {_one_line(error)}", operation=operation) from error


def _reason(error: Any) -> str:
    """Google's word for an error, such as `alreadyExists`; else its status."""
    for one in error.errors:
        # over HTTP they are what was JSON
        read: Callable[[str], Any] | None = getattr(one, "get", None)
        if read is not None and read("reason"):
            return str(read("reason"))
    return str(error.reason or int(error.code or 0))


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
