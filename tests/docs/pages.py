"""Reads the pages' blocks of code and runs them.

A page's Python blocks are one script, from top to bottom. Four comments say more:

    <!-- example: NAME -->    another script begins here
    <!-- app: STATE -->       the script continues an app that is `new` or `registered`
    <!-- file: PATH -->       the next block is a file of the script, which is written and not run
    <!-- needs: MODULE -->    the script needs a module that this package does not require
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[2]
#: The pages by name, with the README as `README`.
PAGES = {path.stem: path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}

#: The lines that a reader already has, by the comment `app`.
APPS = {
    "new": "from flask import Flask\nfrom flask_altdentifier import blueprint\n"
    "app = Flask(__name__)\napp.config.from_prefixed_env()\n",
}
APPS["registered"] = APPS["new"] + "app.register_blueprint(blueprint)\n"

_MARK = re.compile(r"<!-- (example|app|file|needs): (\S+) -->")
_FENCE = re.compile(r"( *)(```+)(\S*)")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: str
    #: The script that it belongs to. Empty for the first one of a page.
    example: str
    language: str
    #: Line of the page on which its code begins, from 1.
    line: int
    code: str
    #: Path of the file that it is, or None.
    file: str | None
    #: Modules that were named above it.
    needs: tuple[str, ...] = ()
    #: Which app its script continues from here. Empty if it continues none.
    app: str = ""

    @property
    def runs(self) -> bool:
        """Whether it is run where it stands."""
        return self.language == "python" and self.file is None


@dataclass(frozen=True)
class Example:
    """The blocks of one script."""

    page: str
    name: str
    blocks: tuple[Block, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.name}" if self.name else self.page

    @property
    def needs(self) -> tuple[str, ...]:
        """The modules without which it cannot run."""
        return tuple(module for block in self.blocks for module in block.needs)

    def write(self, directory: Path) -> None:
        """Write the files among its blocks below *directory*."""
        for block in self.blocks:
            if block.file is not None:
                path = directory / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.code)

    def run(self) -> dict[str, Any]:
        """Run its Python blocks as one module, and return the names that they leave."""
        module = ModuleType(f"docs_{self.page}_{self.name}".replace("-", "_").lower())
        # Dataclasses and Flask look a module up by its name.
        sys.modules[module.__name__] = module
        try:
            for block in self.blocks:
                if block.app:
                    exec(APPS[block.app], vars(module))
                if block.runs:
                    # A traceback shows the line of the page.
                    code = "\n" * (block.line - 1) + block.code
                    exec(compile(code, str(PAGES[block.page]), "exec"), vars(module))
        finally:
            del sys.modules[module.__name__]
        return vars(module)


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page."""
    return list(_blocks(page, PAGES[page].read_text()))


def _blocks(page: str, text: str) -> Iterator[Block]:
    marks: dict[str, str] = {}
    lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        if mark := _MARK.fullmatch(line.strip()):
            marks[mark[1]] = mark[2]
        elif fence := _FENCE.match(line):
            indent, ticks, language = fence.groups()
            code = ""
            for _, inner in lines:
                if inner.strip() == ticks:
                    break
                code += inner.removeprefix(indent) + "\n"
            needs = (marks.pop("needs"),) if "needs" in marks else ()
            file, app = marks.pop("file", None), marks.pop("app", "")
            name = marks.get("example", "")
            yield Block(page, name, language, number + 1, code, file, needs, app)


def examples(page: str) -> list[Example]:
    """Return the scripts of a page, those that have Python or files."""
    every = blocks(page)
    names = dict.fromkeys(b.example for b in every if b.runs or b.file is not None)
    return [Example(page, n, tuple(b for b in every if b.example == n)) for n in names]


def example(page: str, name: str = "") -> Example:
    """Return one script of a page."""
    return next(e for e in examples(page) if e.name == name)


def rows(page: str, header: str) -> list[list[str]]:
    """Return the cells of the table of *page* whose first line begins with *header*."""
    _, found, rest = PAGES[page].read_text().partition(f"\n| {header} |")
    assert found, header
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
