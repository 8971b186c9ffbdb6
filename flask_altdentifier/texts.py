"""The language of the texts that visitors read.

The texts stand in English where they are used; in an app with Flask-Babel they are the msgids.
"""

from __future__ import annotations

from flask import current_app


def translated(text: str) -> str:
    """Return *text* in the visitor's language where the app has Flask-Babel, else as it is."""
    if "babel" not in current_app.extensions:
        return text
    from flask_babel import gettext

    return str(gettext(text))


def language_of(text: str) -> str:
    """Return the tag (RFC 5646) of the language into which `translated` puts *text*.

    It is `en` where the app's catalogue lacks the text, whatever the visitor's language.
    """
    if translated(text) == text:
        return "en"
    from flask_babel import get_locale

    return str(get_locale()).replace("_", "-")
