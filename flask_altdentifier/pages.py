"""Renders the extension's pages in the visitor's language."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from .i18n import page_language, translate
from .navigation import with_script_root


def render_page(template: str, title: str, **values: Any) -> str:
    """Render *template*, whose English title is *title*.

    Every variable of the templates has a value, so that Jinja's `StrictUndefined` works too.
    """
    language = page_language(title)
    return render_template(
        f"altdentifier/{template}",
        language=language.tag,
        direction=language.direction,
        translate=translate,
        home_url=with_script_root(request, "/"),
        **values,
    )
