"""What the families beside the origin have in common."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._core import Core


class Family:
    """One family of private endpoints of a client, with its connections and options."""

    __slots__ = ("_core",)

    def __init__(self, core: Core) -> None:
        self._core = core
