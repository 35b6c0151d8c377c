"""What may import what in the package."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from support import REPOSITORY

PACKAGE = REPOSITORY / "python" / "atlas_privatelink"


class Imports(ast.NodeVisitor):
    """The modules of the package that a module imports, in functions too, but not for the type checker alone."""

    def __init__(self, module: str, *, is_package: bool, modules: Iterable[str]) -> None:
        parts = module.split(".")
        self.home = parts if is_package else parts[:-1]
        self.modules = frozenset(modules)
        self.found: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        names = {getattr(node.test, "id", ""), getattr(node.test, "attr", "")}
        for child in node.orelse if "TYPE_CHECKING" in names else [*node.body, *node.orelse]:
            self.visit(child)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        above = self.home[: len(self.home) - node.level + 1] if node.level else []
        base = ".".join([*above, *filter(None, [node.module])])
        for alias in node.names:
            module = f"{base}.{alias.name}"
            self.add(module if module in self.modules else base)

    def add(self, module: str) -> None:
        if module in self.modules:
            self.found.add(module)


def imports_of(package: Path) -> dict[str, set[str]]:
    """The modules of a package that each of its modules imports."""
    paths = {
        ".".join([package.name, *path.relative_to(package).with_suffix("").parts]).removesuffix(".__init__"): path
        for path in package.rglob("*.py")
    }
    found = {}
    for module, path in paths.items():
        imports = Imports(module, is_package=path.name == "__init__.py", modules=paths)
        imports.visit(ast.parse(path.read_text()))
        found[module] = imports.found - {module}
    return found


def circles(imports: Mapping[str, Iterable[str]]) -> Iterator[frozenset[str]]:
    """The sets of modules of which each imports, through others of the set, every other one (Tarjan's algorithm)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []

    def visit(module: str) -> Iterator[frozenset[str]]:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for imported in sorted(imports[module]):
            if imported not in number:
                yield from visit(imported)
                lowest[module] = min(lowest[module], lowest[imported])
            elif imported in stack:
                lowest[module] = min(lowest[module], number[imported])
        if lowest[module] == number[module]:
            at = stack.index(module)
            circle = frozenset(stack[at:])
            del stack[at:]
            if len(circle) > 1:
                yield circle

    for module in sorted(imports):
        if module not in number:
            yield from visit(module)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert list(circles(imports_of(PACKAGE))) == []


# a layer imports those below it, and never one above
LAYERS = [
    ("faces", ("cli", "airflow", "notebook", "testing", "__main__")),
    (
        "doors",
        ("aws", "azure", "gcp", "_async.aws", "_async.azure", "_async.gcp", "_sync.aws", "_sync.azure", "_sync.gcp"),
    ),
    ("engine", ("_async.connect", "_sync.connect")),
    ("clouds", ("clouds",)),
    ("values", ("models", "errors", "listeners", "_arguments")),
]


def layer_of(module: str) -> int | None:
    """The number of a module's layer."""
    name = module.removeprefix(f"{PACKAGE.name}.")
    for number, (_, members) in enumerate(LAYERS):
        if any(name == one or name.startswith(f"{one}.") for one in members):
            return number
    return None


def test_arrows_run_down() -> None:
    upwards = [
        f"{module} -> {imported}"
        for module, found in imports_of(PACKAGE).items()
        for imported in found
        if (above := layer_of(imported)) is not None and (own := layer_of(module)) is not None and above < own
    ]
    assert upwards == []
    assert {layer_of(module) for module in imports_of(PACKAGE)} >= set(range(len(LAYERS)))


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"a.py": "from .b import x", "b.py": "import os"}, []),
        ({"a.py": "from .b import x", "b.py": "def f():\n    from . import a"}, [{"p.a", "p.b"}]),
        ({"a.py": "import p.b", "b.py": "from p.c import x", "c.py": "from .a import y"}, [{"p.a", "p.b", "p.c"}]),
        ({"a.py": "from . import b", "b.py": "if TYPE_CHECKING:\n    from . import a\nelse:\n    import os"}, []),
        ({"a.py": "if X:\n    from . import b", "b.py": "from . import a"}, [{"p.a", "p.b"}]),
        ({"s/__init__.py": "from .. import b", "b.py": "from .s import x"}, [{"p.b", "p.s"}]),
        ({"s/__init__.py": "", "s/c.py": "from ..b import x", "b.py": "from .s.c import x"}, [{"p.b", "p.s.c"}]),
    ],
)
def test_circles_are_found(tmp_path: Path, sources: Mapping[str, str], expected: list[set[str]]) -> None:
    package = tmp_path / "p"
    for name, source in {"__init__.py": "", **sources}.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(source)
    assert list(circles(imports_of(package))) == expected
