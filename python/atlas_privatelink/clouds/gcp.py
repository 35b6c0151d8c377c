"""Google Cloud's side: forwarding rules with internal addresses, which lead to Atlas's service attachments.

A port-mapped service takes one address and one forwarding rule of the same name, whose name is the endpoint's id. A
legacy service takes a group of up to 50 of each, named `<group>-<number>`, and the group's name is the endpoint's id.
"""

from __future__ import annotations

import logging
from copy import copy
from dataclasses import replace
from functools import cached_property
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING, Any

from .._arguments import check_flag
from .._core import cloud_region
from .._warnings import warn
from ..errors import CloudError, CloudPermissionDenied, ConfigurationError, NotOwned, ValidationError
from ..models.connection import CloudEndpoint
from . import gcp_names as names
from .gcp_calls import Calls
from .gcp_checks import Checks
from .gcp_creation import Creation
from .gcp_deletion import Deletion
from .gcp_legacy import DISABLED_ON, group_named, groups_to, is_complete, numbered_targets
from .gcp_parts import Group, Place, attachments_of, derived_name, named_in, ours_among
from .gcp_resources import Resources, Unsettled
from .gcp_shown import Wishes, shown
from .ownership import checked_user_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Literal

    from typing_extensions import Self

    from ..models.connection import Check
    from .base import ServiceToReach

__all__ = ["GcpCloud"]

_log = logging.getLogger("atlas_privatelink")

# a group for a legacy service has up to that many rules; how many shows when Atlas has named its service attachments
_LEGACY_MOST = 50


class GcpCloud:
    """Your side of a private endpoint in Google Cloud.

    Args:
        project: The id of the project that the endpoint lives in, such as `orders-1234`.
        region: The region of the cluster and of the subnetwork, such as `us-central1`; `None` for that of the cluster.
        network: The VPC network: its name, `projects/…/global/networks/…`, or its URL.
        subnetwork: The subnetwork for addresses: its name, `projects/…/regions/…/subnetworks/…`, or its URL.
        port_mapping: Whether to use a port-mapped service, which takes one address and one forwarding rule. The other
            kind takes up to 50 of each, and MongoDB disables it on 2027-04-30.
        name: The name of the forwarding rule and its address (without port mapping: of the group), up to 59 lower-case
            letters, digits and `-`, for another endpoint beside the network's first; by default derived.
        labels: Labels of the forwarding rules.
        global_access: Whether clients in other regions can connect. `None` creates it so, and does not complain about
            an existing endpoint where it is not so.
        ip_address: The address to use, with port mapping; by default Google chooses one.
        credentials: `google.auth.credentials.Credentials`; by default the Application Default Credentials.
        client_options: Options of all clients, as `google.api_core.client_options.ClientOptions` or a dictionary.
        addresses: A `google.cloud.compute_v1.AddressesClient` to use in place of one from `credentials`; likewise
        forwarding_rules: a `ForwardingRulesClient`,
        region_operations: a `RegionOperationsClient`,
        subnetworks: a `SubnetworksClient`,
        networks: a `NetworksClient`, and
        regions: a `RegionsClient`.

    Raises:
        ValidationError: An argument breaks a rule; `field` names it.
    """

    provider: Literal["GCP"] = "GCP"

    def __init__(
        self,
        project: str,
        region: str | None,
        network: str,
        subnetwork: str,
        *,
        port_mapping: bool = True,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        global_access: bool | None = None,
        ip_address: str | None = None,
        credentials: Any = None,
        client_options: Any = None,
        addresses: Any = None,
        forwarding_rules: Any = None,
        region_operations: Any = None,
        subnetworks: Any = None,
        networks: Any = None,
        regions: Any = None,
    ) -> None:
        names.checked("project", names.PROJECT, project, "a project's id, such as orders-1234")
        found = names.checked("network", names.NETWORK, network, "a network's name, or projects/…/global/networks/…")
        rule = "a subnetwork's name, or projects/…/regions/…/subnetworks/…"
        self._subnet = names.checked("subnetwork", names.SUBNETWORK, subnetwork, rule)
        owner = found["project"] or project
        self._place = Place(project, f"projects/{owner}/global/networks/{found['name']}")
        # a shared network has its subnetworks in the same project
        self._subnet_project = self._subnet["project"] or owner
        self._region = _checked_region(region, self._subnet["region"])
        check_flag("port_mapping", port_mapping)
        check_flag("global_access", global_access, optional=True)
        self.port_mapping = port_mapping
        self._name, self._labels = name, checked_user_tags("labels", labels)
        if name is not None:
            names.checked("name", names.GROUP, name, "up to 59 lower-case letters, digits and '-', a letter first")
        for key, value in self._labels.items():
            names.checked("labels", names.LABEL_KEY, key, "keys of lower-case letters, digits, '_' and '-'")
            names.checked("labels", names.LABEL_VALUE, value, "values of lower-case letters, digits, '_' and '-'")
        self._global_access, self._ip_address = global_access, _checked_ip_address(ip_address, port_mapping)
        given = {
            "AddressesClient": addresses,
            "ForwardingRulesClient": forwarding_rules,
            "RegionOperationsClient": region_operations,
            "SubnetworksClient": subnetworks,
            "NetworksClient": networks,
            "RegionsClient": regions,
        }
        self._calls = Calls(given, credentials, client_options)
        self._unsettled = Unsettled()
        self._expected: dict[str, tuple[str, ...]] = {}
        if not port_mapping:
            text = f"port_mapping=False: MongoDB disables endpoint services without port mapping on {DISABLED_ON}"
            warn(text, FutureWarning)

    def __repr__(self) -> str:
        return f"<GcpCloud network={self.network!r} region={self._region!r} subnetwork={self._subnet['name']!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the clients that were created here, for copies of `in_region`, too; clients that were given stay
        open."""
        self._calls.close()

    @property
    def network(self) -> str:
        """The network; with the project where the network is another project's, and with the endpoint's name where it
        has been given one."""
        return named_in(self._place.canonical(), self._name)

    @property
    def network_region(self) -> str | None:
        """The region of the endpoint."""
        return self._region

    @property
    def region(self) -> str | None:
        """The region of the endpoint; `None` for that of the cluster."""
        return self._region

    def in_region(self, region: str) -> Self:
        """A copy for a region, which uses the same clients.

        Raises:
            ValidationError: The subnetwork is in another region.
        """
        there = copy(self)
        there._region = _checked_region(region, self._subnet["region"])
        there.__dict__.pop("_resources", None)
        return there

    @cached_property
    def _resources(self) -> Resources:
        return Resources(self._calls, self._place, self._known_region, self._unsettled)

    @property
    def _known_region(self) -> str:
        if self._region is None:
            raise ConfigurationError("GcpCloud has no region: pass region, or call in_region with that of the cluster")
        return self._region

    @property
    def _wishes(self) -> Wishes:
        subnetwork = f"projects/{self._subnet_project}/regions/{self._known_region}/subnetworks/{self._subnet['name']}"
        return Wishes(subnetwork, self._labels, self._global_access, self._ip_address)

    @property
    def _checks(self) -> Checks:
        return Checks(self._calls, self._place, self._known_region, self._wishes.subnetwork)

    # what is there

    def check(self) -> None:
        """Look whether there is the subnetwork, and whether it is one of the network's.

        Raises:
            ValidationError: There is none, or it is another network's.
            CloudPermissionDenied: Google does not let you see it, or knows no credentials of yours.
            CloudError: Any other failure.
        """
        if self._region is not None:
            self._checks.check_subnetwork()

    def preflight(self, service: ServiceToReach | None) -> Sequence[Check]:
        """Check the network, the subnetwork, permissions and quotas, as far as Google shows them without creating
        anything.

        Args:
            service: What the endpoint will lead to; `None` where Atlas has not named it yet.
        """
        needed = 0 if self._exists(service) else self._parts_needed(service)
        return self._checks.run(needed, is_legacy=not self._is_port_mapped(service))

    def _exists(self, service: ServiceToReach | None) -> bool:
        try:
            return service is not None and bool(self.find(service))
        except CloudPermissionDenied:
            return False

    def bill(self, service: ServiceToReach | None) -> Sequence[str]:
        """What Google bills by the hour, in words, without prices."""
        count = self._parts_needed(service)
        most = "up to " if service is None and not self.port_mapping else ""
        s = "" if count == 1 else "s"
        what = f"{most}{count} Private Service Connect endpoint{s} (forwarding rule{s})"
        return (f"Google Cloud: {what}, per hour, plus traffic",)

    def find(self, service: ServiceToReach) -> Sequence[CloudEndpoint]:
        """What leads from the network to the service, whoever created it, oldest first.

        Groups that are not complete are left out, except failed ones: `create` completes those of ours.

        Raises:
            CloudError: Google refuses, or does not answer.
        """
        attachments = attachments_of(service)
        here = self._place.canonical()
        # a named endpoint is in the same network, too
        parts = [one for one in self._resources.all() if one.network in (here, named_in(here, one.group))]
        if service.port_mapped:
            groups = [Group(one.name, (one,)) for one in parts if one.rule is not None and one.target == attachments[0]]
        else:
            groups = groups_to(parts, attachments)
        endpoints: list[CloudEndpoint] = []
        for group in groups:
            if self._name in (None, group.id):
                endpoint = self._show(group, attachments)
                if endpoint.phase != "creating" or is_complete(group, attachments):
                    self._expected[group.id] = attachments
                    endpoints.append(endpoint)
        return sorted(endpoints, key=lambda endpoint: (endpoint.created_at, endpoint.id))

    def find_ours(self, group_id: str) -> Sequence[CloudEndpoint]:
        """Every endpoint of this network that carries our mark for an Atlas project, also what an interrupted `create`
        or `delete` has left of one: that is `creating`.

        Raises:
            CloudError: Google refuses, or does not answer.
        """
        ours = [self._show(group, None) for group in ours_among(self._resources.all(), group_id)]
        here = [endpoint for endpoint in ours if endpoint.network == self.network]
        return sorted(here, key=lambda endpoint: (endpoint.created_at, endpoint.id))

    def describe(self, endpoint_id: str) -> CloudEndpoint | None:
        """The endpoint as it is now; `None` where nothing is left of it.

        Args:
            endpoint_id: The name of the rule or of the group.

        Raises:
            CloudError: Google refuses, or does not answer.
        """
        ways = (self._rule_named, self._group_named) if self.port_mapping else (self._group_named, self._rule_named)
        for look in ways:
            group = look(endpoint_id)
            if group is not None:
                return self._show(group, self._expected.get(endpoint_id))
        return None

    def _rule_named(self, name: str) -> Group | None:
        # Atlas accepts any name of a group, and shows those of others, too
        part = self._resources.part(name) if names.RULE.fullmatch(name) else None
        return None if part is None or part.group != name else Group(name, (part,))

    def _group_named(self, name: str) -> Group | None:
        if not names.GROUP.fullmatch(name):
            return None
        parts = self._resources.numbered(name)
        if not parts:
            # lists can be some seconds old, and what Atlas has registered must not count as gone
            first = self._resources.part(f"{name}-0")
            parts = [] if first is None else [first]
        return group_named(name, parts, self._expected.get(name))

    def _show(self, group: Group, attachments: Iterable[str] | None) -> CloudEndpoint:
        network = group.parts[0].network
        if not group.is_ours and network == self._place.canonical() and group.id == self._name:
            network = self.network
        complete = is_complete(group, attachments)
        project = self._place.project
        return shown(group, complete=complete, project=project, wishes=self._wishes, network=network)

    # what is changed

    def create(self, service: ServiceToReach) -> CloudEndpoint:
        """Create addresses, and then forwarding rules; what is there already stays, so that an interrupted call is
        completed by the next.

        Raises:
            CloudError: Google refuses, or does not answer; or a rule or address of the name exists and is not that of
                this endpoint, or was rejected or closed, which Google does not take back.
        """
        name, attachments = self.name_for(service), attachments_of(service)
        if service.port_mapped:
            part = self._resources.part(name)
            targets, there = {name: attachments[0]}, [] if part is None else [part]
        else:
            targets, there = numbered_targets(name, attachments), self._resources.numbered(name)
        self._expected[name] = attachments
        created = Creation(self._resources, service, targets, self.network, self._wishes).run(there)
        group = self._read_again(name, service)
        if group is not None and group.is_ours and self._labels and self._label(group):
            group = self._read_again(name, service)
        origin: Literal["created", "adopted"] = "created" if created else "adopted"
        if group is None:
            return CloudEndpoint(name, "PROVISIONING", "creating", network=self.network, origin=origin)
        return replace(self._show(group, attachments), origin=origin)

    def _read_again(self, name: str, service: ServiceToReach) -> Group | None:
        return self._rule_named(name) if service.port_mapped else self._group_named(name)

    def _label(self, group: Group) -> bool:
        """Set the labels, which Google refuses at a rule's creation; they are a hint for people, and not vital."""
        try:
            return bool(self._set_labels(group))
        except CloudError as error:
            _log.info("labels of %s were not set: %s", group.id, error)
            return False

    def _set_labels(self, group: Group) -> list[str]:
        changed: list[str] = []
        for rule in (part.rule for part in group.parts if part.rule is not None):
            if not self._labels.items() <= dict(rule.labels).items():
                labels = {"labels": {**rule.labels, **self._labels}, "label_fingerprint": rule.label_fingerprint}
                request = {"resource": rule.name, "region_set_labels_request_resource": labels}
                self._resources.change("forwardingRules.setLabels", "set_labels_unary", request)
                changed.append(f"set the labels of {rule.name}")
        return changed

    def update(self, endpoint: CloudEndpoint, service: ServiceToReach) -> Sequence[str]:
        """Set the labels and the global access of an endpoint of ours. A subnetwork and an address stay.

        Raises:
            NotOwned: It is not ours, or not the same any more.
            CloudError: Google refuses, or does not answer.
        """
        group = self._read_again(endpoint.id, service)
        if group is None or not group.is_ours or not endpoint.is_ours or group.fingerprint != endpoint.fingerprint:
            raise NotOwned(f"{endpoint.id} was not created by this package: it was not changed", endpoint=endpoint)
        changed = self._set_labels(group)
        wanted = self._global_access
        for rule in (part.rule for part in group.parts if part.rule is not None):
            if wanted is not None and rule.allow_psc_global_access != wanted:
                resource = {"allow_psc_global_access": wanted}
                request = {"forwarding_rule": rule.name, "forwarding_rule_resource": resource}
                self._resources.change("forwardingRules.patch", "patch_unary", request)
                changed.append(f"turned global access of {rule.name} {'on' if wanted else 'off'}")
        return changed

    def delete(self, endpoint: CloudEndpoint) -> None:
        """Delete the rules that were seen, and then their addresses if they are ours.

        Raises:
            NotOwned: A rule or address is not the same any more, or has lost its mark.
            CloudError: Google refuses, or does not answer.
        """
        Deletion(self._resources, endpoint).run()

    def planned(self, service: ServiceToReach | None) -> str:
        """What `create` would create, in words."""
        if service is None:
            what = "a forwarding rule" if self.port_mapping else "a forwarding rule for each service attachment"
        elif service.port_mapped:
            what = f"forwarding rule {self.name_for(service)}"
        else:
            what = f"{len(attachments_of(service))} forwarding rules {self.name_for(service)}-…"
        return f"{what} in {self._place.canonical()}"

    def planned_id(self, service: ServiceToReach) -> str:
        """The name of the forwarding rule, or of the group of them, that `create` would create."""
        return self.name_for(service)

    def name_for(self, service: ServiceToReach) -> str:
        """The name of the rule or the group for a service: the one given, or the derived one."""
        if self._name is not None:
            return self._name
        return derived_name(service.group_id, service.service_id, self._place.canonical())

    def _is_port_mapped(self, service: ServiceToReach | None) -> bool:
        return self.port_mapping if service is None else service.port_mapped

    def _parts_needed(self, service: ServiceToReach | None) -> int:
        if self._is_port_mapped(service):
            return 1
        return _LEGACY_MOST if service is None else len(attachments_of(service))


def _checked_region(region: str | None, of_subnetwork: str | None) -> str | None:
    if region is None:
        return of_subnetwork
    rule = "the name of a Google Cloud region, such as us-central1"
    names.checked("region", names.ANY_TEXT, region, rule)
    canonical = cloud_region("GCP", region)
    names.checked("region", names.REGION, canonical, rule)
    if of_subnetwork not in (None, canonical):
        raise ValidationError(f"subnetwork is in {of_subnetwork}, and region is {canonical}", field="subnetwork")
    return canonical


def _checked_ip_address(ip_address: str | None, port_mapping: bool) -> str | None:
    if ip_address is None:
        return None
    if not port_mapping:
        raise ValidationError("ip_address needs port mapping: a legacy endpoint has many", field="ip_address")
    try:
        return str(IPv4Address(str(ip_address)))
    except AddressValueError as error:
        raise ValidationError(f"ip_address must be an IPv4 address, not {ip_address!r}", field="ip_address") from error
