"""The house: imports point one way, one core module speaks Authlib, the sandbox stands apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import flask_altdentifier

ROOT = Path(flask_altdentifier.__file__).parent
PATHS = [*ROOT.glob("*.py"), *ROOT.glob("check/*.py")]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix("__init__").rstrip("."): (
        ast.parse(path.read_text())
    )
    for path in PATHS
}


def imports_of(name: str) -> set[str]:
    """Return the modules of the package that *name* imports, be it within a function."""
    names: set[str] = set()
    folder = "check" if name.partition(".")[0] == "check" else ""
    for node in ast.walk(MODULES[name]):
        if isinstance(node, ast.ImportFrom) and node.level:
            within = f"{folder}." if folder and node.level == 1 else ""
            found = [node.module] if node.module else [alias.name for alias in node.names]
            names |= {f"{within}{module}" for module in found}
    return names & MODULES.keys()


def reachable(name: str, seen: tuple[str, ...] = ()) -> set[str]:
    """Return all that *name* imports, and fail at a circle."""
    assert name not in seen, f"circle: {seen}"
    return {name}.union(*(reachable(other, (*seen, name)) for other in imports_of(name)))


def test_no_circle() -> None:
    """Imports have no circle."""
    assert reachable("") - {""}


def test_pure_values_import_neither_flask_nor_authlib() -> None:
    """Values can be read, tested and moved without a framework."""
    for name in ("scopes", "urls", "grant", "event", "token_response"):
        source = (ROOT / f"{name}.py").read_text()
        assert "flask" not in source
        assert "authlib" not in source


def test_one_module_imports_authlib() -> None:
    """Only the provider's module speaks Authlib, and the sandbox, which is a server."""
    speakers = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "authlib" in ast.unparse(node)
    }
    assert speakers == {"provider"}


def imported(path: Path, package: str) -> Iterator[str]:
    """Yield the full names of the modules that a file of *package* imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield resolve_name("." * node.level + (node.module or ""), package)


def test_sandbox_imports_nothing_of_the_client() -> None:
    """The sandbox is a second reading of the documents: a mistake of one is not in the other."""
    sandbox = "flask_altdentifier.sandbox"
    names = {
        f"{name}."
        for path in (ROOT / "sandbox").rglob("*.py")
        for name in imported(path, sandbox)
        if name.partition(".")[0] == "flask_altdentifier"
    }
    assert f"{sandbox}.state." in names
    assert {name for name in names if not name.startswith(f"{sandbox}.")} == set()
