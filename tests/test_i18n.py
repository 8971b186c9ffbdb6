"""The language of a page, and the catalogs."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import Babel

import flask_altdentifier
from flask_altdentifier.i18n import DIRECTORY, DOMAIN, LANGUAGES

from .support import PAGE, make_app

PACKAGE = Path(flask_altdentifier.__file__).parent
LOCALES = sorted(path.name for path in DIRECTORY.iterdir())
#: The mapping of babel.cfg, and the keywords of its command line.
METHODS = [("**.py", "python"), ("templates/altdentifier/**.html", "jinja2")]
KEYWORDS = {"N_": None, "translate": None}
TEXTS = {str(text) for _, _, text, _, _ in extract_from_dir(PACKAGE, METHODS, keywords=KEYWORDS)}
GERMAN, ITALIAN = "Von vorn beginnen", "Ricominciare"


def catalog_path(locale: str, suffix: str) -> Path:
    return DIRECTORY / locale / "LC_MESSAGES" / f"{DOMAIN}.{suffix}"


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"{.*?}", text))


def test_every_language_has_a_catalog() -> None:
    assert sorted(tag.replace("-", "_") for tag in LANGUAGES if tag != "en") == LOCALES


@pytest.mark.parametrize("locale", LOCALES)
def test_every_text_is_translated_with_its_placeholders(locale: str) -> None:
    with catalog_path(locale, "po").open("rb") as file:
        catalog = read_po(file, locale)
    translations = {str(m.id): str(m.string) for m in catalog if m.id and not m.fuzzy}
    assert translations.keys() == TEXTS
    for text, translation in translations.items():
        assert translation.strip(), text
        assert placeholders(translation) == placeholders(text)
        assert (translation[-1] in ".?") == (text[-1] in ".?")


@pytest.mark.parametrize("locale", LOCALES)
def test_compiled_catalog_is_up_to_date(locale: str) -> None:
    """Fix: `pybabel compile -D flask_altdentifier -d flask_altdentifier/translations`."""
    with catalog_path(locale, "po").open("rb") as po, catalog_path(locale, "mo").open("rb") as mo:
        source, compiled = read_po(po, locale), read_mo(mo)
    assert {m.id: m.string for m in compiled if m.id} == {m.id: m.string for m in source if m.id}
    assert gettext.translation(DOMAIN, DIRECTORY, [locale]).gettext("Log out") != "Log out"


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        (None, "en"),
        ("", "en"),
        ("nl", "nl"),
        ("de-AT", "de"),
        ("DE-ch-1996, en;q=0.5", "de"),
        ("en-GB, nl;q=0.9", "en"),
        ("pt-PT, de;q=0.9", "pt-BR"),
        ("pt", "pt-BR"),
        ("fr;q=0.5, sv;q=0.8", "sv"),
        ("ja, zh-Hant;q=0.9, tr;q=0.1", "tr"),
        ("de;q=0, es-419;q=0.1", "es"),
        ("ja, zh-Hant", "en"),
        ("*", "en"),
        ("*, fr;q=0.1", "fr"),
        ("dex, x-de, \x7f;q=z", "en"),
        ("x," * 19 + "de", "de"),
        ("x," * 20 + "de", "en"),
    ],
)
def test_language_by_accept_language(app: Flask, header: str | None, tag: str) -> None:
    headers = PAGE | ({} if header is None else {"Accept-Language": header})
    response = app.test_client().get("/logout", headers=headers)
    assert f'<html lang="{tag}" dir="ltr">' in response.text
    assert "accept-language" in response.vary


def page_with_babel(locale: str, directory: Path | None = None, path: str = "/callback") -> str:
    """Return the page of an unknown state in an app whose Flask-Babel chose *locale*."""
    app = make_app()
    Babel(app, default_translation_directories=str(directory), locale_selector=lambda: locale)
    headers = PAGE | {"Accept-Language": "fr"}
    return app.test_client().get(path, headers=headers).text


@pytest.mark.parametrize(("locale", "tag"), [("de_AT", "de"), ("pt", "pt-BR"), ("eo", "en")])
def test_flask_babel_chooses_the_language(locale: str, tag: str) -> None:
    page = page_with_babel(locale)
    assert f'<html lang="{tag}" dir="ltr">' in page
    assert (GERMAN in page) == (tag == "de")


@pytest.mark.parametrize(("locale", "attributes"), [("it", "it ltr"), ("he", "he rtl")])
def test_app_catalog_adds_a_language(tmp_path: Path, locale: str, attributes: str) -> None:
    title = "This login cannot be completed"
    write_catalog(tmp_path, locale, {title: "Accesso", "Start again": ITALIAN})
    page = page_with_babel(locale, tmp_path)
    tag, direction = attributes.split()
    assert f'<html lang="{tag}" dir="{direction}">' in page
    assert ITALIAN in page


def test_app_catalog_adds_a_language_to_the_logout_page(tmp_path: Path) -> None:
    write_catalog(tmp_path, "it", {"Log out": "Esci"})
    assert '<html lang="it" dir="ltr">' in page_with_babel("it", tmp_path, "/logout")
    assert '<html lang="en" dir="ltr">' in page_with_babel("eo", tmp_path, "/logout")


def test_app_catalog_replaces_a_text(tmp_path: Path) -> None:
    write_catalog(tmp_path, "de", {"Start again": "Auf ein Neues"})
    page = page_with_babel("de", tmp_path)
    assert "Auf ein Neues" in page
    assert GERMAN not in page
    assert "Es hat sich nichts geändert" in page


def write_catalog(directory: Path, locale: str, texts: dict[str, str]) -> None:
    catalog = Catalog(locale)
    for text, translation in texts.items():
        catalog.add(text, translation)
    path = directory / locale / "LC_MESSAGES" / "messages.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalog)
