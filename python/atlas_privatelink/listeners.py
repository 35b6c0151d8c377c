"""Who listens to waits and to `connect` where the caller has named nobody: faces register themselves here.

So the engine that emits events knows no face.
"""

from __future__ import annotations

from sys import modules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Listener(Protocol):
        """A face that shows events."""

        def __call__(self, event: Any) -> object:
            """Shows one event."""
            ...

        def end(self, state: str, text: str) -> None:
            """Shows how it ended."""
            ...

    Factory = Callable[[str], "Listener | None"]

__all__ = ["listener_for", "register"]

_factories: dict[str, Factory] = {}


def register(module: str, factory: Factory) -> None:
    """Let a face listen wherever a module has been imported by somebody.

    Args:
        module: The name of the module, such as `"IPython"`.
        factory: Makes a listener for a title, or returns `None` where it cannot be seen.
    """
    _factories[module] = factory


def listener_for(title: str) -> Listener | None:
    """A listener for what the caller has named none for.

    Args:
        title: What is waited for.
    """
    for module, factory in _factories.items():
        if module in modules:
            listener = factory(title)
            if listener is not None:
                return listener
    return None
