"""Directives that list what the code lists: `{config-keys}`, `{findings}` and `{failures}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from flask_altdentifier.config import config_keys, key_name
from flask_altdentifier.diagnostics.findings import PROBLEMS
from flask_altdentifier.sandbox import Failure

if TYPE_CHECKING:
    from sphinx.application import Sphinx


class MarkdownDirective(SphinxDirective):
    """A directive whose content is Markdown that a function makes."""

    def run(self) -> list[nodes.Node]:
        """Return the parsed Markdown."""
        container = nodes.container()
        self.state.nested_parse(StringList(list(self.lines())), 0, container)
        return container.children

    def lines(self) -> Iterator[str]:
        """Yield the lines of Markdown."""
        raise NotImplementedError


class ConfigKeys(MarkdownDirective):
    """The table of config keys, each with an anchor."""

    def lines(self) -> Iterator[str]:
        """Yield a row for each field of `Config`."""
        yield "| key | default | meaning |"
        yield "| --- | --- | --- |"
        for key in config_keys():
            default = key.metadata["default"]
            shown = "required" if default is MISSING else f"`{default!r}`"
            text = f"{key.metadata['help']} Example: `{key.metadata['example']}`"
            anchor = key_name(key).lower().replace("_", "-")
            yield f"| `{key_name(key)}`{{#{anchor}}} | {shown} | {text} |"


class Findings(MarkdownDirective):
    """The findings whose codes match a pattern, each with an anchor."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {}

    def lines(self) -> Iterator[str]:
        """Yield the code, level, texts and fix of each finding."""
        for code, (level, title, why, fix) in PROBLEMS.items():
            if re.match(self.arguments[0], code):
                yield f"`{code}`{{#{code}}} ({level})"
                yield f": {_prose(title)} {why}"
                if fix != "{fix}":
                    # A sentence, or else a command or a line of config.
                    shown = _prose(fix) if fix.endswith(".") else f"`{_in_capitals(fix)}`"
                    yield f"  <br>Fix: {shown}"
                yield ""


class Failures(MarkdownDirective):
    """The table of the sandbox's failures."""

    def lines(self) -> Iterator[str]:
        """Yield a row for each `Failure` except `NONE`."""
        yield "| on the page | in a test | the reason in your app |"
        yield "| --- | --- | --- |"
        for failure in Failure:
            if failure is not Failure.NONE:
                reason = f"`{failure.reason}`" if failure.reason else "none"
                text = f"{failure.title}: {failure.detail}"
                yield f"| {text} | `Failure.{failure.name}` | {reason} |"


def _prose(text: str) -> str:
    """Show placeholders as italics."""
    if text == "{error}":
        return "The output says what is wrong."
    text = re.sub(r"\{(\w+)(?:!r)?\}", r"*\1*", text)
    return f"{text}." if text.endswith("*") else text


def _in_capitals(text: str) -> str:
    """Show placeholders as in the help of a command."""
    return re.sub(r"\{(\w+)\}", lambda match: match[1].upper(), text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directives."""
    app.add_directive("config-keys", ConfigKeys)
    app.add_directive("findings", Findings)
    app.add_directive("failures", Failures)
    return {"parallel_read_safe": True}
