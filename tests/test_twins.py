"""The two clients are the same, but for `await`."""

from __future__ import annotations

import inspect

import pytest

from atlas_privatelink import AsyncClient, Client

RENAMED = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}


def public(cls: type) -> dict[str, object]:
    return {name: member for name, member in vars(cls).items() if inspect.isfunction(member)}


def test_every_method_has_its_twin() -> None:
    assert {RENAMED.get(name, name) for name in public(AsyncClient)} == set(public(Client))


@pytest.mark.parametrize("name", list(public(AsyncClient)))
def test_signatures_and_docstrings_agree(name: str) -> None:
    one, other = getattr(AsyncClient, name), getattr(Client, RENAMED.get(name, name))
    shown = str(inspect.signature(one)).replace("AsyncClient", "Client")
    assert shown == str(inspect.signature(other))
    assert inspect.iscoroutinefunction(other) is False
    if not name.startswith("__"):
        assert inspect.getdoc(one), f"{name} has no docstring"
        assert inspect.getdoc(one) == inspect.getdoc(other)
