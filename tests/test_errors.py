"""Each error is a response."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from markupsafe import escape
from werkzeug.exceptions import HTTPException

from flask_altdentifier import current_grant, errors
from flask_altdentifier.errors import AltDentifierError, InsufficientScope, ProviderUnavailable

from .support import PAGE, SCRIPT, extension, log_in, make_app

CLASSES = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, AltDentifierError) and hasattr(kind, "reason")
]
ROOT = Path(__file__).parents[1]
TEMPLATE = Path(errors.__file__).with_name("templates") / "altdentifier" / "error_page.html"
#: The texts of the template.
LABELS = re.findall(r'translated\("([^"]+)"\)', TEMPLATE.read_text())
TEXTS = {
    *(text for kind in CLASSES for text in (kind.title, kind.detail)),
    *InsufficientScope.NOTHING_MISSING,
    *LABELS,
}
STATUS = {
    "StateError": 400,
    "LoginError": 400,
    "CodeRejected": 400,
    "LoginRequired": 401,
    "AccessDenied": 403,
    "InsufficientScope": 403,
    "CrossSite": 403,
    "ClientCredentialsRejected": 502,
    "ProviderError": 502,
    "ProviderUnavailable": 503,
    "StoreUnavailable": 503,
    "PrefetchRefused": 503,
    "ProviderTimeout": 504,
}


def make(kind: type[AltDentifierError]) -> AltDentifierError:
    """Return an error of *kind*."""
    return kind(["b", "a"]) if issubclass(kind, InsufficientScope) else kind()


def raising(error: AltDentifierError, **config: Any) -> Flask:
    """Return an app with a view that raises *error*."""
    app = make_app(**config)

    @app.get("/raise")
    def view() -> str:
        raise error

    return app


def test_every_error_has_its_status() -> None:
    """The statuses are those of the contract."""
    assert {kind.__name__: kind.code for kind in CLASSES} == STATUS


def test_reasons_are_unique_and_documented() -> None:
    """Each reason stands in the tree at the top of the module, once."""
    reasons = [kind.reason for kind in CLASSES]
    assert len(set(reasons)) == len(reasons)
    for kind in CLASSES:
        assert f"{kind.code} {kind.reason}\n" in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", CLASSES)
def test_program_gets_problem_json(kind: type[AltDentifierError]) -> None:
    """A script, and whoever does not say what it takes, gets RFC 9457's JSON."""
    client = raising(make(kind)).test_client()
    for headers in ({}, SCRIPT, {"Accept": "application/json"}, {"Accept": "text/html;q=0"}):
        response = client.get("/raise", headers=headers)
        problem = json.loads(response.text)
        assert response.mimetype == "application/problem+json"
        assert (response.status_code, problem["status"]) == (kind.code, kind.code)
        assert problem["reason"] == kind.reason
        assert problem["type"] == f"urn:flask-altdentifier:error:{kind.reason}"
        assert problem["title"] == kind.title
        assert problem["detail"] == kind.detail
        assert problem.get("login_url") == ("/login" if kind.login_helps else None)
        assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("headers", [PAGE, {"Sec-Fetch-Mode": "navigate"}])
def test_browser_gets_a_page(kind: type[AltDentifierError], headers: dict[str, str]) -> None:
    """A person gets a page that says what happened, the reason, and a way on."""
    response = raising(make(kind)).test_client().get("/raise", headers=headers)
    assert (response.status_code, response.mimetype) == (kind.code, "text/html")
    for text in (kind.title, kind.reason, 'href="/"', '<html lang="en">'):
        assert text in response.text
    assert ('href="/login"' in response.text) is kind.login_helps


def test_login_required_has_the_challenge() -> None:
    """RFC 6750 section 3: a 401 says how to authenticate."""
    response = raising(errors.LoginRequired()).test_client().get("/raise")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_insufficient_scope_tells_what_is_missing() -> None:
    """The page and the JSON name the missing scopes, sorted."""
    client = raising(InsufficientScope({"write:integrations", "read:user"})).test_client()
    assert client.get("/raise").json["missing_scopes"] == ["read:user", "write:integrations"]  # type: ignore[index]
    assert "write:integrations" in client.get("/raise", headers=PAGE).text


def test_insufficient_scope_that_lacks_nothing() -> None:
    """Where no access is missing the page does not ask for more, nor for a login."""
    client = raising(InsufficientScope([])).test_client()
    page, problem = client.get("/raise", headers=PAGE), client.get("/raise").get_json()
    assert (page.status_code, problem["reason"]) == (403, "insufficient_scope")
    for text in InsufficientScope.NOTHING_MISSING:
        assert text in page.text
    assert (problem["title"], problem["detail"]) == InsufficientScope.NOTHING_MISSING
    assert "/login" not in page.text
    assert "login_url" not in problem


@pytest.mark.parametrize("path", ["/login", "/logout", "/me", "/raise"])
def test_page_of_a_store_that_is_down_may_ask_who_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A layout that shows who is logged in shows nobody, and the page is no 500."""

    def boom(*_: Any) -> Any:
        raise OSError

    app = raising(errors.StoreUnavailable())
    app.template_folder = str(tmp_path)
    (tmp_path / "altdentifier").mkdir()
    layout = "{{ 'in' if current_grant else 'out' }} {{ error.reason }}"
    (tmp_path / "altdentifier" / "error.html").write_text(layout)
    app.context_processor(lambda: {"current_grant": current_grant})
    client = app.test_client()
    log_in(client)
    for operation in ("get", "set", "delete"):
        monkeypatch.setattr(extension(app).store.cache, operation, boom)
    response = client.open(path, method="POST" if path == "/logout" else "GET", headers=PAGE)
    assert (response.status_code, response.text) == (503, "out store_unavailable")


def test_retry_after_is_passed_on() -> None:
    """Who is told to come back later is told when, if that is known."""
    told = raising(ProviderUnavailable(retry_after="30")).test_client().get("/raise")
    assert told.headers["Retry-After"] == "30"
    untold = raising(ProviderUnavailable()).test_client().get("/raise")
    assert "Retry-After" not in untold.headers


def test_next_goes_into_the_way_on() -> None:
    """A new login leads where the failed one was to lead."""
    response = raising(errors.StateError(next="/me?a=1&b")).test_client().get("/raise")
    assert response.json["login_url"] == "/login?next=/me?a%3D1%26b"  # type: ignore[index]


def test_page_is_overridable(tmp_path: Any) -> None:
    """An app's own `altdentifier/error.html` takes the place of ours."""
    (tmp_path / "altdentifier").mkdir()
    (tmp_path / "altdentifier" / "error.html").write_text("own {{ error.reason }}")
    app = raising(errors.StateError())
    app.template_folder = str(tmp_path)
    assert app.test_client().get("/raise", headers=PAGE).text == "own invalid_state"


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("base", [AltDentifierError, HTTPException, None])
def test_errorhandler_replaces(
    kind: type[AltDentifierError], base: type[HTTPException] | None
) -> None:
    """A handler of a class, of our base or of Werkzeug's replaces the answer."""
    app = raising(make(kind))
    app.register_error_handler(base or kind, lambda error: (f"own {error.name}", 418))
    response = app.test_client().get("/raise")
    assert (response.status_code, response.text) == (418, f"own {kind.title}")


def test_page_works_below_a_mount_point(client: FlaskClient) -> None:
    """The links of the page lead into the app where it is mounted."""
    response = client.get("/callback", headers=PAGE, base_url="http://localhost/shop/")
    assert 'href="/shop/login"' in response.text
    assert 'href="/shop/"' in response.text


def translate(app: Flask, directory: Path, texts: dict[str, str]) -> None:
    """Give *app* Flask-Babel, and a catalogue of Brazilian Portuguese below *directory*."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from flask_babel import Babel

    catalog = Catalog("pt_BR")
    for text, translation in texts.items():
        catalog.add(text, translation)
    path = directory / "pt_BR" / "LC_MESSAGES" / "messages.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalog)

    def language() -> str | None:
        return request.accept_languages.best_match(["en", "pt_BR"])

    Babel(app, default_translation_directories=str(directory), locale_selector=language)


@pytest.mark.parametrize("kind", CLASSES)
def test_visitor_reads_it_in_their_language(kind: type[AltDentifierError], tmp_path: Path) -> None:
    """With Flask-Babel, page and JSON are in the visitor's language; the reason stays."""
    app = raising(make(kind))
    translate(app, tmp_path, {text: f"<{text.upper()}>" for text in TEXTS})
    client, wanted = app.test_client(), {"Accept-Language": "pt-BR"}
    page = client.get("/raise", headers=PAGE | wanted).text
    labels = [label for label in LABELS if kind.login_helps or "Log in" not in label]
    labels = [label for label in labels if kind is InsufficientScope or "Missing" not in label]
    for text in (kind.title, kind.detail, *labels):
        assert str(escape(f"<{text.upper()}>")) in page
        assert str(escape(text)) not in page
    assert '<html lang="pt-BR">' in page
    assert kind.reason in page
    problem = json.loads(client.get("/raise", headers=wanted).text)
    assert problem["title"] == f"<{kind.title.upper()}>"
    assert problem["detail"] == f"<{kind.detail.upper()}>"
    assert problem["reason"] == kind.reason


def test_visitor_reads_english(tmp_path: Path) -> None:
    """Who wants English, or what the catalogue lacks, gets English, which the page calls so."""
    app = raising(errors.AccessDenied())
    translate(app, tmp_path, {})
    for language in ("en", "pt-BR"):
        page = app.test_client().get("/raise", headers=PAGE | {"Accept-Language": language}).text
        assert errors.AccessDenied.detail in page
        assert '<html lang="en">' in page


def test_docs_list_every_text() -> None:
    """Who translates finds each text on the page of the docs, as `pybabel` wants it."""
    docs = (ROOT / "docs" / "errors.md").read_text()
    assert sorted(re.findall(r'^_\(\s*"(.+)",?\s*\)$', docs, re.MULTILINE)) == sorted(TEXTS)


def test_config_error_is_a_runtime_error() -> None:
    """A wrong config is no answer to a request."""
    assert issubclass(errors.ConfigError, RuntimeError)
    assert not issubclass(errors.ConfigError, HTTPException)
