"""The language of the pages: Flask-Babel's if the app has it, else by `Accept-Language`.

The texts are written in English where they are used. The catalogs are in `translations`.
"""

from __future__ import annotations

import gettext
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import current_app, request

DOMAIN = "flask_altdentifier"
DIRECTORY = Path(__file__).parent / "translations"
#: The languages of AltDentifier's own pages, as tags of RFC 5646. English needs no catalog.
LANGUAGES = ("en", "nl", "fr", "de", "sv", "es", "pt-BR", "tr")


def page_language() -> str:
    """Return the language tag (RFC 5646) of this request's pages."""
    if "babel" in current_app.extensions:
        from flask_babel import get_locale

        return _closest(str(get_locale()))
    return request.accept_languages.best_match(LANGUAGES, default="en")


def translate(text: str, **values: Any) -> str:
    """Return *text* in the page's language, with *values* filled in.

    The app's own Flask-Babel catalogs win, so that an app can add a language or change a text.
    """
    translated = text
    if "babel" in current_app.extensions:
        from flask_babel import gettext as app_gettext

        translated = str(app_gettext(text))
    if translated == text:
        translated = _catalog(page_language()).gettext(text)
    return translated.format(**values) if values else translated


def _closest(locale: str) -> str:
    tag = locale.replace("_", "-")
    language = tag.partition("-")[0]
    matches = [known for known in LANGUAGES if known == tag]
    return next(iter(matches or [known for known in LANGUAGES if known[:2] == language]), "en")


@lru_cache(maxsize=len(LANGUAGES))
def _catalog(language: str) -> gettext.NullTranslations:
    locale = language.replace("-", "_")
    return gettext.translation(DOMAIN, DIRECTORY, [locale], fallback=True)
