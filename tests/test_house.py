"""The structure: imports point one way, layers keep apart, words are the field's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

import flask_altdentifier

ROOT = Path(flask_altdentifier.__file__).parent
NAME = "flask_altdentifier"
PATHS = {
    ".".join((NAME, *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
LAYERS = ("oauth", "http", "stores")
VALUES = (
    *("discord_id", "errors", "grant", "scopes", "strict_json", "urls"),
    *("webhooks.events", "webhooks.signature"),
)


def imported(name: str) -> Iterator[str]:
    """Yield the full names that a module imports, be it within a function."""
    path = PATHS[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for child in node.body:
                child.__class__ = ast.Pass
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


GRAPH = {name: {other for other in imported(name) if other in PATHS} - {name} for name in PATHS}


def inner(name: str) -> set[str]:
    """Return what *name* imports of the package, but for its own parents."""
    return {other for other in GRAPH[name] if not name.startswith(f"{other}.")}


def reachable(name: str, seen: tuple[str, ...] = ()) -> set[str]:
    assert name not in seen, f"circle: {seen}"
    return {name}.union(*(reachable(other, (*seen, name)) for other in inner(name)))


def test_imports_have_no_circle() -> None:
    for name in PATHS:
        reachable(name)


def top_levels(name: str) -> set[str]:
    return {other.partition(".")[0] for other in imported(name)}


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_import_no_flask(layer: str) -> None:
    names = [name for name in PATHS if name.startswith(f"{NAME}.{layer}")]
    assert len(names) > 1
    assert not {"flask", "flask_session"} & set().union(*map(top_levels, names))


@pytest.mark.parametrize("name", VALUES)
def test_values_import_neither_flask_nor_authlib(name: str) -> None:
    reached = reachable(f"{NAME}.{name}")
    assert not {"flask", "authlib"} & set().union(*map(top_levels, reached))


def test_one_module_of_the_core_imports_authlib() -> None:
    speakers = {name for name in PATHS if "authlib" in top_levels(name)}
    assert {name for name in speakers if ".sandbox." not in name} == {f"{NAME}.oauth.client"}


def test_sandbox_is_a_second_reading_of_the_documents() -> None:
    """So it shares only the list of scopes: a mistake of one is not in the other."""
    sandbox = f"{NAME}.sandbox"
    reached = {o for name in PATHS if name.startswith(sandbox) for o in GRAPH[name]}
    assert {name for name in reached if not name.startswith(sandbox)} <= {NAME, f"{NAME}.scopes"}


COINED = r"""\b(mend(s|ed)?|(un)?vouch\w*|set-up|anew|wrongly|told|listed_states|list_states|
change_id|in_app|send_to|CallbackQuery)\b"""


def test_words_are_the_terms_of_the_field() -> None:
    found = {
        (path.name, word[0])
        for path in [*ROOT.rglob("*.py"), *ROOT.rglob("*.html")]
        for word in re.findall(COINED, path.read_text(), re.VERBOSE | re.IGNORECASE)
    }
    assert found == set()


def test_state_is_not_looked_up_by_string() -> None:
    readers = {name for name, path in PATHS.items() if 'extensions["alt' in path.read_text()}
    assert readers <= {f"{NAME}.state"}  # its docstring
