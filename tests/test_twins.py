"""The two kinds of client are the same, but for `await`."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Callable

import pytest

from atlas_privatelink import AsyncClient, Client

RENAMED = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}
ASYNC_WORDS = [
    ("Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]", "Iterable[Mapping[str, Any]]"),
    ("contextlib.aclosing` does", "closing the generator does"),
    ("`closing the generator does", "closing the generator does"),
    ("async for", "for"),
    ("await ", ""),
    ("Async", ""),
]
RESOURCES = [name for name, member in vars(AsyncClient).items() if isinstance(member, property)]


def public(cls: type) -> dict[str, Callable[..., object]]:
    return {name: member for name, member in vars(cls).items() if inspect.isfunction(member)}


def pairs() -> list[tuple[str, type, type]]:
    """Each class with its twin: the clients, and what their properties return."""
    found: list[tuple[str, type, type]] = [("client", AsyncClient, Client)]
    one, other = AsyncClient("abcdefgh", "01234567"), Client("abcdefgh", "01234567")
    found += [(name, type(getattr(one, name)), type(getattr(other, name))) for name in RESOURCES]
    return found


PAIRS = pairs()
METHODS = [
    pytest.param(one, other, name, id=f"{where}.{name}")
    for where, one, other in PAIRS
    for name in public(one)
    if name == "__init__" or not name.startswith("_")
]


def blocking(text: str) -> str:
    for word, twin in ASYNC_WORDS:
        text = text.replace(word, twin)
    return text


def test_there_is_something_to_compare() -> None:
    assert {"dedicated", "data_federation", "stream_processing", "encryption_at_rest", "backup"} <= set(RESOURCES)
    assert len(METHODS) >= 45


@pytest.mark.parametrize(("one", "other"), [pytest.param(one, other, id=name) for name, one, other in PAIRS])
def test_every_method_has_its_twin(one: type, other: type) -> None:
    assert one.__name__ == f"Async{other.__name__}"
    assert {RENAMED.get(name, name) for name in public(one)} == set(public(other))


@pytest.mark.parametrize(("one", "other", "name"), METHODS)
def test_signatures_and_docstrings_agree(one: type, other: type, name: str) -> None:
    asynchronous, twin = getattr(one, name), getattr(other, RENAMED.get(name, name))
    assert blocking(str(inspect.signature(asynchronous))) == str(inspect.signature(twin))
    assert not inspect.iscoroutinefunction(twin) and not inspect.isasyncgenfunction(twin)
    if not name.startswith("__"):
        words, twins_words = inspect.getdoc(asynchronous), inspect.getdoc(twin)
        assert words and twins_words, f"{name} has no docstring"
        assert blocking(words).split() == twins_words.split()


@pytest.mark.parametrize("cls", [cls for _, *both in PAIRS for cls in both])
def test_help_reads_well(cls: type) -> None:
    text = pydoc.plain(pydoc.render_doc(cls))
    assert "Source: " in text and "Raises:" in text and "Needs Project Owner" in text
    for name, member in public(cls).items():
        if name.startswith("_") or name in {"close", "aclose", "with_options", "bulk"} or name.endswith("endpoints"):
            continue
        words = inspect.getdoc(member) or ""
        parameters = [p for p in inspect.signature(member).parameters if p != "self"]
        missing = [p for p in parameters if f"    {p}: " not in words]
        assert not missing, f"{name} says nothing of {missing}"
