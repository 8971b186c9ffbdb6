"""Renders the extension's pages, in the visitor's language."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from .i18n import page_language, translate
from .navigation import with_script_root


def render_page(template: str, title: str, **values: Any) -> str:
    """Return the page of *template* with the (English) *title*.

    Every name that the templates use has a value, so Jinja's `StrictUndefined` works too.
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
