"""The pages of errors, and the page of `GET /logout`."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask, session
from jinja2 import DictLoader, StrictUndefined
from werkzeug.http import http_date

from flask_altdentifier import errors
from flask_altdentifier.errors import AltDentifierError
from flask_altdentifier.stores import MemoryStore

from .support import PAGE, make_app
from .test_errors import CLASSES, make


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, attribute: str, *, cls: str | None = None) -> list[str | None]:
        """Return the values of *attribute*, of elements with the class *cls*."""
        return [
            attributes[attribute]
            for _, attributes in self.elements
            if attribute in attributes and cls in (None, attributes.get("class"))
        ]


def page_of(error: AltDentifierError, app: Flask | None = None, **options: Any) -> Page:
    """Return the page of *error*, raised at `/shop?page=2`."""

    def view() -> str:
        raise error

    app = app or make_app()
    app.add_url_rule("/shop", "shop", view, methods=["GET", "POST"])
    return Page(app.test_client().open("/shop?page=2", headers=PAGE, **options).text)


@pytest.fixture(params=CLASSES)
def page(request: pytest.FixtureRequest) -> tuple[AltDentifierError, Page]:
    """Each error with its page under `StrictUndefined`."""
    app = make_app()
    app.jinja_env.undefined = StrictUndefined
    error = make(request.param, login_url="/login" if request.param.next_step == "login" else None)
    return error, page_of(error, app)


def test_page_has_title_detail_reason_and_picture(page: tuple[AltDentifierError, Page]) -> None:
    error, html = page
    for text in (error.title, error.detail, error.reason):
        assert text in html.text
    is_choice = isinstance(error, errors.AccessDenied)  # which is no error to the visitor
    assert (f"Error {error.code}" in html.text) is not is_choice
    assert f"mark {error.mark}" in html.values("class")
    assert [tag for tag, _ in html.elements].count("path") >= 1


def test_page_has_one_next_step(page: tuple[AltDentifierError, Page]) -> None:
    error, html = page
    expected = {"login": ["/login"], "retry": ["/shop?page=2"], None: []}[error.next_step]
    assert html.values("href", cls="button") == expected
    assert html.values("href", cls="home") == ["/"]
    assert len(html.values("href")) == len(expected) + 1


def test_page_needs_nothing_else(page: tuple[AltDentifierError, Page]) -> None:
    """No script, no other resource, and no style outside of the block."""
    _, html = page
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in html.elements}
    assert not html.values("style")
    assert [tag for tag, _ in html.elements].count("style") == 1


@pytest.mark.parametrize(
    ("error", "target"),
    [(errors.LoginRequired(login_url="/login"), ["_top"]), (errors.StoreUnavailable(), [])],
)
def test_login_leaves_frames_and_turbo(error: AltDentifierError, target: list[str]) -> None:
    """AltDentifier answers neither in a frame nor to a script. A retry stays where it is."""
    html = page_of(error)
    assert len(html.values("href", cls="button")) == 1
    assert html.values("target") == target


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("application/json, text/plain, */*", "application/problem+json"),
        ("application/json, text/html;q=0.5", "application/problem+json"),
        ("text/html;q=0.5, application/problem+json;q=0.6", "application/problem+json"),
        ("text/html, application/json;q=0.5", "text/html"),
        ("text/html, application/xhtml+xml, application/json", "text/html"),
    ],
)
def test_client_gets_the_format_that_it_prefers(accept: str, mimetype: str) -> None:
    client = make_app().test_client()
    response = client.get("/callback", headers={"Accept": accept})
    assert (response.status_code, response.mimetype) == (400, mimetype)


def test_operator_errors_offer_no_next_step() -> None:
    kinds = {kind for kind in CLASSES if kind.next_step is None}
    assert kinds == {
        errors.AuthorizationRequestRejected,
        errors.ClientCredentialsRejected,
        errors.CrossSite,
    }


def test_post_is_not_retried_by_a_link() -> None:
    html = page_of(errors.StoreUnavailable(), method="POST")
    assert html.values("href") == ["/"]


def test_links_stay_below_the_script_root() -> None:
    html = page_of(errors.StoreUnavailable(), environ_overrides={"SCRIPT_NAME": "//shop"})
    assert html.values("href") == ["/shop/shop?page=2", "/shop/"]


@pytest.mark.parametrize(
    ("retry_after", "text"),
    [
        ("1", "in 2 seconds"),
        ("30", "in 30 seconds"),
        ("121", "in 3 minutes"),
        ("7200", "in 120 minutes"),
        ("7201", "in 3 hours"),
        ("172801", "in 3 days"),
        ("9999999999", "in 115741 days"),
        ("in ten minutes", "in 10 minutes"),
        ("0", None),
        (http_date(0), None),
        (None, None),
    ],
)
def test_page_shows_retry_after(retry_after: str | None, text: str | None) -> None:
    if retry_after == "in ten minutes":
        retry_after = http_date(time.time() + 600)
    html = page_of(errors.ProviderUnavailable(retry_after=retry_after))
    assert (text or "You can try again in") in html.text or text is None
    assert bool(html.values("class", cls="retry-after")) == (text is not None)
    # The page asks to wait first.
    assert bool(html.values("href", cls="button secondary")) == (text is not None)


def test_page_describes_missing_scopes() -> None:
    scopes = ["write:integrations", "other:scope"]
    html = page_of(errors.InsufficientScope(scopes, login_url="/login"))
    assert "Be added to one of your servers" in html.text
    assert "other:scope" in html.text
    assert html.values("class", cls="about") == ["about"]  # only one is documented
    assert not page_of(errors.InsufficientScope([])).values("class", cls="scopes")


def test_callback_page_links_to_a_new_login_without_code_and_state(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the error comes after the view, when the session is saved."""

    def fail(*_: object) -> None:
        raise RuntimeError

    app.before_request(lambda: session.update(visited=True))
    monkeypatch.setattr(MemoryStore, "set", fail)
    response = app.test_client().get(f"/callback?code=the-code&state={'s' * 43}", headers=PAGE)
    html = Page(response.text)
    assert response.status_code == 503
    assert html.values("href", cls="button") == ["/login"]
    assert not any("code" in str(link) or "state" in str(link) for link in html.values("href"))


def app_with_templates(**templates: str) -> Flask:
    app = make_app()
    app.jinja_loader = DictLoader({f"altdentifier/{k}.html": v for k, v in templates.items()})
    app.jinja_env.undefined = StrictUndefined
    return app


def test_app_fills_blocks_of_the_page() -> None:
    app = app_with_templates(
        error='{% extends "altdentifier/error_page.html" %}'
        "{% block style %}{% endblock %}{% block steps %}{{ super() }}Call us.{% endblock %}"
    )
    html = page_of(errors.StoreUnavailable(), app)
    assert "Call us." in html.text
    assert html.values("href", cls="button")
    assert "style" not in [tag for tag, _ in html.elements]


def test_app_replaces_the_page_by_a_plain_template() -> None:
    app = app_with_templates(error="{{ error.title }}|{{ error.code }}")
    assert page_of(errors.CrossSite(), app).text == f"{errors.CrossSite.title}|403"


def test_app_replaces_the_frame_of_all_pages() -> None:
    app = app_with_templates(page="<nav></nav>{% block content %}{% endblock %}")
    assert page_of(errors.CrossSite(), app).elements[0] == ("nav", {})
    logout = Page(app.test_client().get("/logout", headers=PAGE).text)
    assert logout.elements[0] == ("nav", {})


def test_app_gives_the_style_of_all_pages_a_nonce() -> None:
    app = app_with_templates(
        page='{% extends "altdentifier/base.html" %}'
        '{% block style_attributes %} nonce="abc"{% endblock %}'
    )
    assert page_of(errors.CrossSite(), app).values("nonce") == ["abc"]
    logout = Page(app.test_client().get("/logout", headers=PAGE).text)
    assert logout.values("nonce") == ["abc"]


def test_logout_page_has_the_csrf_token_of_the_app(app: Flask) -> None:
    app.jinja_env.globals["csrf_token"] = lambda: "a-token"
    html = Page(app.test_client().get("/logout", headers=PAGE).text)
    assert (html.values("name")[-1:], html.values("value")) == (["csrf_token"], ["a-token"])
    app.config["WTF_CSRF_FIELD_NAME"] = "own"
    assert Page(app.test_client().get("/logout", headers=PAGE).text).values("name")[-1:] == ["own"]
    app.jinja_env.globals["csrf_token"] = "not a function"
    assert Page(app.test_client().get("/logout", headers=PAGE).text).values("value") == []
