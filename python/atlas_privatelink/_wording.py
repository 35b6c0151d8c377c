"""How tables and progress lines, on terminals and in notebooks, name steps, endpoints and networks."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["kind_in_cloud", "outcome", "short_networks"]

# the other actions are said by their details
_PLANNED = {
    "create": "create",
    "adopt": "adopt",
    "replace": "replace",
    "update": "update",
    "tell": "register",
    "delete": "delete",
}
_DONE = {
    "create": "created",
    "adopt": "adopted",
    "replace": "replaced",
    "update": "updated",
    "tell": "registered",
    "delete": "deleted",
}
_IN_CLOUD = {"AWS": "VPC endpoint", "AZURE": "private endpoint", "GCP": "forwarding rule"}


def outcome(action: str | None, detail: str | None, *, planned: bool = False) -> str:
    """What a step has done, or would do.

    Args:
        action: The step's action, such as `"create"`.
        detail: What it was done to.
        planned: Whether it is still to be done.
    """
    verb = (_PLANNED if planned else _DONE).get(action or "")
    return " ".join(filter(None, (verb, detail)))


def kind_in_cloud(provider: str | None) -> str:
    """What a cloud calls a private endpoint.

    Args:
        provider: `AWS`, `AZURE` or `GCP`.
    """
    return _IN_CLOUD.get(provider or "", "cloud endpoint")


def short_networks(networks: Iterable[str]) -> dict[str, str]:
    """A short name for each network: the last part of a resource id, unless another network has the same one.

    Args:
        networks: The canonical ids.
    """
    ids = list(dict.fromkeys(networks))
    short = [one.rpartition("/")[2] for one in ids]
    return {one: name if short.count(name) == 1 else one for one, name in zip(ids, short, strict=True)}
