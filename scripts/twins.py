"""Derives the blocking clients from the asynchronous ones: `python scripts/twins.py [--check]`.

Signatures, docstrings and behaviour exist once, in `_async`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "python" / "atlas_privatelink"
SOURCES, TWINS = PACKAGE / "_async", PACKAGE / "_sync"
BY_HAND = {"__init__.py", "blocking.py", "bulk.py"}

NOTE = "# Derived from `_async` by `make twins`: do not edit.\n"

RULES = [
    (
        r"A client of the MongoDB Atlas Administration API, for asyncio\.",
        "A blocking client of the MongoDB Atlas Administration API.",
    ),
    (
        r"One client can serve several event loops and threads at a time, and works on in a forked child\.",
        "One client can serve several threads at a time, inside a running event loop too, and works on in a forked\n"
        "    child.",
    ),
    (
        r"^( +)result: Any = await call$",
        r"\1from .._outcomes import open_outcome\n\n\1result: Any = open_outcome(call.run())",
    ),
    (r"Iterable\[Mapping\[str, Any\]\] \| AsyncIterable\[Mapping\[str, Any\]\]", "Iterable[Mapping[str, Any]]"),
    (
        r"import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping",
        "import Callable, Iterable, Iterator, Mapping",
    ),
    (r"; `contextlib\.aclosing` does so at once", "; closing the generator does so at once"),
    (r"import Awaitable, Callable", "import Callable"),
    (r"\bAwaitable\[(\w+)\]", r"\1"),
    (r"\ba(connect|connect_many|disconnect)\b", r"\1"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"import AsyncGenerator, Callable, Sequence", "import Callable, Generator, Sequence"),
    (r"\bAsyncGenerator\[", "Generator["),
    (r"\bAsync(?=[A-Z]\w)", ""),
    (r"\basync (?=def|for|with)", ""),
    (r"\bawait ", ""),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\baclose\b", "close"),
]


def derive(source: str, unused: set[str]) -> str:
    """The blocking source for an asynchronous one. Rules that match are taken off the unused ones."""
    for pattern, replacement in RULES:
        source, count = re.subn(pattern, replacement, source, flags=re.MULTILINE)
        if count:
            unused.discard(pattern)
    return formatted(NOTE + source)


def formatted(source: str) -> str:
    """The same as the formatter would have it: without `await`, some lines fit that did not, and names sort anew."""
    name = str(TWINS / "twin.py")
    for command in (["check", "--quiet", "--select", "I", "--fix"], ["format"]):
        words = [sys.executable, "-m", "ruff", *command, "--stdin-filename", name, "-"]
        source = subprocess.run(words, input=source, capture_output=True, text=True, check=True).stdout
    return source


def main() -> int:
    """Writes the twins, or compares them."""
    unused = {pattern for pattern, _ in RULES}
    sources = [path for path in sorted(SOURCES.rglob("*.py")) if str(path.relative_to(SOURCES)) not in BY_HAND]
    derived = {TWINS / path.relative_to(SOURCES): derive(path.read_text(), unused) for path in sources}
    if unused:
        raise SystemExit(f"twins: rules that match nothing: {sorted(unused)}")
    if "--check" not in sys.argv[1:]:
        for twin, text in derived.items():
            twin.parent.mkdir(exist_ok=True)
            twin.write_text(text)
        return 0
    stale = [twin.name for twin, text in derived.items() if not twin.exists() or twin.read_text() != text]
    others = (path for path in TWINS.rglob("*.py") if str(path.relative_to(TWINS)) not in BY_HAND)
    stale += [path.name for path in others if path not in derived]
    if stale:
        print(f"not what _async says: {', '.join(stale)}: run `make twins`", file=sys.stderr)
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
