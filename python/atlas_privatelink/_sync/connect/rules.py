# Derived from `_async` by `make twins`: do not edit.
"""What decides in Atlas whether a private endpoint can be made at all: the cluster, and the rules of its project.

Source: "Return One Cluster", "Return All Clusters", "Return All Private Endpoint Services for One Provider" and
"Return Regionalized Private Endpoint Status". Needs Project Read Only.
"""

from __future__ import annotations

from ...errors import ApiError, NotFound, PermissionDenied, ValidationError
from ...models.connection import Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...models import Cluster, EndpointService
    from .run import Run

__all__ = ["ProjectRules"]

_FREE = ("M0", "M2", "M5")
_CLOUDS = ("AWS", "AZURE", "GCP")


class ProjectRules:
    """A cluster, and the rules of its project.

    Args:
        run: The run that they are read for.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.cluster: Cluster | None = None
        self.planned_beside: Sequence[tuple[str, str]] = ()
        """Cloud and region of the endpoints that the same call is going to make beside this one."""
        self._found: list[Check] = []

    @property
    def _group_id(self) -> str:
        return self.run.connection.group_id

    def read_cluster(self) -> None:
        """Reads the cluster; what is wrong with it is said by `checks`."""
        name = self.run.connection.cluster_name
        if name is None:
            return
        try:
            self.cluster = self.run.atlas.dedicated.get_cluster(self._group_id, name)
        except PermissionDenied as error:
            detail = f"not checked: {error.detail or error} (needs Project Read Only)"
            self._found.append(Check("cluster", "warning", detail))
        except NotFound as error:
            if error.error_code not in (None, "CLUSTER_NOT_FOUND"):
                raise
            names = ", ".join(self._cluster_names()) or "none"
            detail = f"the project has no cluster {name!r}; its clusters: {names}"
            self._found.append(Check("cluster", "failure", detail))
        except ApiError as error:
            if error.error_code != "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API":
                raise
            detail = f"{name} is a Flex cluster, which cannot have private endpoints"
            self._found.append(Check("cluster", "failure", detail))

    def _cluster_names(self) -> list[str]:
        try:
            return [one.name for one in self.run.atlas.dedicated.list_clusters(self._group_id)]
        except ApiError:
            return []

    @property
    def has_failed(self) -> bool:
        """Whether the cluster itself rules the connection out."""
        return any(check.state == "failure" for check in self._found)

    def _regions(self, cluster: Cluster | None) -> list[str]:
        if cluster is None:
            return []
        provider = self.run.cloud.provider
        return list(dict.fromkeys(one.region for one in cluster.regions if one.provider == provider and one.region))

    def default_region(self) -> str | None:
        """The cluster's only region of this cloud; `None` where Atlas does not say.

        Raises:
            ValidationError: It has several.
        """
        regions = self._regions(self.cluster)
        if len(regions) > 1:
            rule = f"region is needed: {self.run.connection.cluster_name} has {', '.join(regions)}"
            raise ValidationError(rule, field="region")
        return regions[0] if regions else None

    def checks(self, region: str, *, creating: bool, removed: int = 0) -> list[Check]:
        """Checks the cluster, and, where an endpoint is going to be made, the rules of the project.

        Args:
            region: The region of the endpoint service, by the cloud's own name.
            creating: Whether an endpoint is going to be made.
            removed: How many registrations of dead endpoints are going to be removed in this region.
        """
        found = [*self._found, *self._cluster_checks(region)]
        if creating:
            found += self._paused_checks(region)
            found += self._limit_checks(region, removed)
        missing = self.regions_without_endpoint(region)
        if missing:
            others = ", ".join(missing)
            detail = f"the cluster gets private connection strings only when {others} has an endpoint, too"
            found.append(Check("other regions", "warning", detail))
        return found

    def _cluster_checks(self, region: str) -> list[Check]:
        cluster = self.cluster
        if cluster is None:
            return []
        if not cluster.regions:
            detail = f"{cluster.name} exists; Atlas does not say where its nodes are"
            return [Check("cluster", "ok", detail)]
        unfit = self._unfit(cluster, region)
        return [unfit or Check("cluster", "ok", f"{cluster.name} has nodes in {region}")]

    def _unfit(self, cluster: Cluster, region: str) -> Check | None:
        provider, regions = self.run.cloud.provider, self._regions(cluster)
        providers = list(dict.fromkeys(one.provider for one in cluster.regions))
        sizes = {one.instance_size for one in cluster.regions}
        if providers == ["TENANT"] or sizes & set(_FREE):
            detail = f"{cluster.name} is a free or shared cluster, which cannot have private endpoints"
        elif not regions:
            detail = f"{cluster.name} is on {', '.join(filter(None, providers))}, not on {provider}"
        elif region not in regions:
            detail = f"{cluster.name} has no node in {region}; on {provider} it is in {', '.join(regions)}"
            return Check("region", "failure", detail)
        elif cluster.paused:
            detail = f"{cluster.name} is paused: resume it first"
        else:
            return None
        return Check("cluster", "failure", detail)

    def _paused_checks(self, region: str) -> list[Check]:
        try:
            clusters = self.run.atlas.dedicated.list_clusters(self._group_id)
        except PermissionDenied:
            detail = "not checked for other paused clusters in this region (needs Project Read Only)"
            return [Check("paused clusters", "warning", detail)]
        own = self.run.connection.cluster_name
        paused = [one.name for one in clusters if one.paused and one.name != own and region in self._regions(one)]
        if not paused:
            return []
        detail = f"Atlas makes no endpoint in {region} while {', '.join(paused)} is paused: resume it first"
        return [Check("paused clusters", "failure", detail)]

    def _limit_checks(self, region: str, removed: int) -> list[Check]:
        """One endpoint per region, or several in one region, over all clouds; unless regional mode is on."""
        provider = self.run.cloud.provider
        try:
            if self.run.atlas.dedicated.get_regional_mode(self._group_id):
                return [Check("endpoints per region", "ok", "regional mode is on: no limit")]
            counts: dict[tuple[str, str], int] = {}
            for where in self.planned_beside:
                counts[where] = counts.get(where, 0) + 1
            of_other_kind = 0
            for cloud in _CLOUDS:
                for service in self._services(cloud):
                    number = len(_registered(service))
                    if number:
                        where = (cloud, service.region or "")
                        counts[where] = counts.get(where, 0) + number
                    if (cloud, service.region) == (provider, region) and not self._is_of_kind(service):
                        of_other_kind += number
        except PermissionDenied:
            detail = "not checked (needs Project Read Only)"
            return [Check("endpoints per region", "warning", detail)]
        here = (provider, region)
        counts[here] = max(counts.get(here, 0) - removed, 0)
        counts = {where: number for where, number in counts.items() if number}
        several = {where for where, number in counts.items() if number + (where == here) > 1}
        elsewhere = set(counts) - {here}
        if not several or not elsewhere:
            return [Check("endpoints per region", "ok", "within Atlas's limit")]
        listed = "; ".join(f"{cloud} {name}: {number}" for (cloud, name), number in sorted(counts.items()))
        rule = "without regional mode, a project has one private endpoint per region, or several in one region"
        detail = f"{rule}; there are {listed}, and this would be one more in {provider} {region}"
        # MongoDB does not say whether Google Cloud's two kinds, side by side, count as two
        is_open = several == {here} and of_other_kind == counts.get(here) == 1
        return [Check("endpoints per region", "warning" if is_open else "failure", detail)]

    def _is_of_kind(self, service: EndpointService) -> bool:
        """Whether a service is of the kind that this connection uses: Google Cloud has two."""
        wanted = getattr(self.run.cloud, "port_mapping", None)
        return wanted is None or bool(getattr(service, "port_mapping_enabled", None)) == wanted

    def _services(self, cloud: str) -> list[EndpointService]:
        return self.run.atlas.dedicated.list_services(self._group_id, cloud)  # type: ignore[arg-type]

    def regions_without_endpoint(self, region: str) -> tuple[str, ...]:
        """The cluster's regions other than this one that have no endpoint yet, as `AWS eu-west-1`."""
        if self.cluster is None:
            return ()
        own = (self.run.cloud.provider, region)
        others = {(one.provider, one.region) for one in self.cluster.regions if one.region and one.provider in _CLOUDS}
        others.discard(own)
        missing: list[str] = []
        for cloud in sorted({cloud for cloud, _ in others}):
            served = {service.region for service in self._services(cloud) if _registered(service)}
            served |= {of for planned, of in self.planned_beside if planned == cloud}
            missing += [f"{cloud} {name}" for of, name in sorted(others) if of == cloud and name not in served]
        return tuple(missing)

    def clusters_through(self, endpoint_ids: Sequence[str]) -> tuple[str, ...]:
        """The clusters whose private connection strings lead through one of these endpoints."""
        ids = {one.strip("/").lower() for one in endpoint_ids}
        try:
            clusters = self.run.atlas.dedicated.list_clusters(self._group_id)
        except PermissionDenied:
            return ("unknown: the key may not list the project's clusters",) if ids else ()
        return tuple(
            one.name
            for one in clusters
            if any(strings.id.strip("/").lower() in ids for strings in one.connection_strings)
        )


def _registered(service: EndpointService) -> tuple[str, ...]:
    if service.status == "DELETING":
        return ()
    for name in ("interface_endpoints", "private_endpoints", "endpoint_group_names"):
        known: tuple[str, ...] = getattr(service, name, ())
        if known:
            return known
    return ()
