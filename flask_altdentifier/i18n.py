"""The language of the pages: from Flask-Babel if the app has it, else from `Accept-Language`.

The code and the templates contain the English texts. The catalogs are in `translations`.
"""

from __future__ import annotations

import gettext
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from flask import current_app, request

DOMAIN = "flask_altdentifier"
DIRECTORY = Path(__file__).parent / "translations"
#: The languages of AltDentifier's own pages, as tags of RFC 5646. English needs no catalog.
LANGUAGES = ("en", "nl", "fr", "de", "sv", "es", "pt-BR", "tr")
#: Languages of `Accept-Language` that are looked at. 8 kB of others would cost 20 ms for a page.
MAX_ACCEPTED = 20


class Language(NamedTuple):
    """The attributes `lang` and `dir` of a page."""

    #: A tag of RFC 5646, such as `pt-BR`.
    tag: str
    #: `ltr` or `rtl`.
    direction: str = "ltr"


def page_language(title: str) -> Language:
    """Return the language of a page with the English *title*.

    This is the language of the translated title. The catalogs of the app's Flask-Babel may contain
    it in a language that this package does not know.
    """
    if "babel" in current_app.extensions:
        from flask_babel import get_locale

        locale = get_locale()
        if locale is not None and _app_translation(title) != title:
            return Language(str(locale).replace("_", "-"), locale.text_direction)
    return Language(_catalog_language())


def translate(text: str, **values: Any) -> str:
    """Return *text* in the page's language, with *values* filled in.

    The app's own Flask-Babel catalogs come first, so that an app can add a language or change a
    text.
    """
    translated = _app_translation(text)
    if translated == text:
        translated = _catalog(_catalog_language()).gettext(text)
    return translated.format(**values) if values else translated


def _app_translation(text: str) -> str:
    if "babel" not in current_app.extensions:
        return text
    from flask_babel import gettext as app_gettext

    return str(app_gettext(text))


def _catalog_language() -> str:
    """Return the one of `LANGUAGES` that fits this request best."""
    if "babel" in current_app.extensions:
        from flask_babel import get_locale

        return _closest(str(get_locale())) or "en"
    # Not `best_match()`, which returns German for "pt-PT, de;q=0.5": only "de" matches exactly.
    first = islice(request.accept_languages, MAX_ACCEPTED)
    accepted = (_closest(tag) for tag, quality in first if quality > 0)
    return next(filter(None, accepted), "en")


def _closest(tag: str) -> str | None:
    """Return the known language of *tag*, even of another region, or None."""
    primary = tag.replace("_", "-").partition("-")[0].lower()
    return next((known for known in LANGUAGES if known.partition("-")[0] == primary), None)


@lru_cache(maxsize=len(LANGUAGES))
def _catalog(language: str) -> gettext.NullTranslations:
    locale = language.replace("-", "_")
    return gettext.translation(DOMAIN, DIRECTORY, [locale], fallback=True)
