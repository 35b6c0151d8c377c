"""Derives the blocking client from the asynchronous one: `python scripts/twins.py [--check]`.

Signatures, docstrings and behaviour exist once, in `client.py`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "python" / "atlas_privatelink"
SOURCE, TWIN = PACKAGE / "client.py", PACKAGE / "blocking.py"

HEADER = (
    '''"""`Client`, the blocking twin of `AsyncClient`. Derived from `client.py` by `make twins`: do not edit."""'''
)

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
    (r"\bAsyncClient\b", "Client"),
    (r"\basync def\b", "def"),
    (
        r"^( +)result: Any = await call$",
        r"\1from ._outcomes import open_outcome\n\n\1result: Any = open_outcome(call.run())",
    ),
    (r"\bawait ", ""),
    (r"\b__aenter__\b", "__enter__"),
    (r"\b__aexit__\b", "__exit__"),
    (r"\baclose\b", "close"),
    (r'\A""".*?"""', HEADER),
]


def derive(source: str) -> str:
    """The blocking source for an asynchronous one."""
    for pattern, replacement in RULES:
        source, count = re.subn(pattern, replacement, source, flags=re.DOTALL | re.MULTILINE)
        if not count:
            raise SystemExit(f"twins: the rule {pattern!r} matches nothing in {SOURCE.name}")
    return source


def main() -> int:
    """Writes the twin, or compares it."""
    derived = derive(SOURCE.read_text())
    if "--check" in sys.argv[1:]:
        if derived != TWIN.read_text():
            print(f"{TWIN.name} is not what {SOURCE.name} says: run `make twins`", file=sys.stderr)
            return 1
        return 0
    TWIN.write_text(derived)
    return 0


if __name__ == "__main__":
    sys.exit(main())
