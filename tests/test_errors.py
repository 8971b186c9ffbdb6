"""Each error is a response."""

from __future__ import annotations

import inspect
import json
import logging
import pickle
from typing import Any

import pytest
from flask import Flask
from jinja2 import DictLoader
from werkzeug.exceptions import HTTPException

from flask_altdentifier import current_grant, errors
from flask_altdentifier.errors import AltDentifierError, InsufficientScope

from .support import PAGE, log_in, make_app, store_of

TREE = """
AltDentifierError None
  LoginFailed None
    StateError 400 invalid_state
    InvalidCallback 400 invalid_callback
    CodeRejected 400 code_rejected
    AccessDenied 403 access_denied
  ProviderFailure None
    ProviderError 502 provider_error
    ClientCredentialsRejected 502 client_credentials_rejected
    AuthorizationRequestRejected 502 authorization_request_rejected
    ProviderUnavailable 503 provider_unavailable
    ProviderTimeout 504 provider_timeout
  LoginRequired 401 login_required
  InsufficientScope 403 insufficient_scope
  CrossSite 403 cross_site
  NotANavigation 400 not_a_navigation
  PrefetchRefused 503 prefetch_refused
  StoreUnavailable 503 store_unavailable
"""
CLASSES: list[type[AltDentifierError]] = [
    kind for name in errors.__all__ if getattr(kind := getattr(errors, name), "code", None)
]


def make(kind: type[AltDentifierError], **options: Any) -> AltDentifierError:
    if issubclass(kind, InsufficientScope):
        return kind(["write:integrations", "read:user"], **options)
    return kind(**options)


def raising(error: AltDentifierError, **config: Any) -> Flask:
    """Return an app with a view that raises *error*."""
    app = make_app(**config)

    @app.get("/raise")
    def view() -> str:
        raise error

    return app


def test_tree() -> None:
    above: list[type[BaseException]] = [HTTPException]
    for line in TREE.strip("\n").splitlines():
        name, code, *reason = line.split()
        kind = getattr(errors, name)
        above = above[: (len(line) - len(line.lstrip())) // 2 + 1]
        assert issubclass(kind, above[-1])
        assert [str(kind.code), *([kind.reason] if reason else [])] == [code, *reason]
        above.append(kind)
    assert set(errors.__all__) == {line.split()[0] for line in TREE.split("\n")[1:-1]} | {
        "ConfigError"
    }


def test_config_error_is_no_response() -> None:
    assert issubclass(errors.ConfigError, RuntimeError)
    assert not issubclass(errors.ConfigError, HTTPException)


@pytest.mark.parametrize("kind", CLASSES)
def test_programs_get_problem_json(kind: type[AltDentifierError]) -> None:
    response = raising(make(kind)).test_client().get("/raise")
    problem = json.loads(response.text)
    assert response.mimetype == "application/problem+json"
    assert (response.status_code, problem["status"]) == (kind.code, kind.code)
    assert problem["reason"] == kind.reason
    assert problem["type"].endswith(f":{kind.reason}")
    assert (problem["title"], problem["detail"]) == (kind.title, kind.detail)
    assert ("missing_scopes" in problem) == (kind is InsufficientScope)
    assert response.headers["Cache-Control"] == "no-store"
    assert {"Accept", "Accept-Language"} <= set(response.headers["Vary"].split(", "))


@pytest.mark.parametrize("kind", CLASSES)
def test_error_can_be_pickled(kind: type[AltDentifierError]) -> None:
    """For example in a pool of processes, which waits forever otherwise."""
    error = make(kind, login_url="/login")
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


def test_missing_scopes_are_sorted() -> None:
    client = raising(make(InsufficientScope, login_url="/login?scope=x")).test_client()
    body = client.get("/raise").json or {}
    assert body["missing_scopes"] == ["read:user", "write:integrations"]


def test_refusal_although_everything_is_granted_offers_no_login() -> None:
    client = raising(InsufficientScope([], login_url="/login")).test_client()
    body = client.get("/raise").json or {}
    assert (body["missing_scopes"], "login_url" in body) == ([], False)
    assert "/login" not in client.get("/raise", headers=PAGE).text


@pytest.mark.parametrize("kind", CLASSES)
def test_handler_of_a_class_or_base_replaces_the_response(kind: type[AltDentifierError]) -> None:
    for base in inspect.getmro(kind):
        if not issubclass(base, HTTPException) or base.__name__.startswith("_"):
            continue
        app = raising(make(kind))
        app.register_error_handler(base, lambda error: (f"own {error.name}", 418))
        response = app.test_client().get("/raise")
        assert (response.status_code, response.text) == (418, f"own {kind.title}")


def test_handler_of_a_status_does_not_see_our_errors() -> None:
    app = raising(errors.AccessDenied())
    app.register_error_handler(403, lambda error: ("own", 418))
    assert app.test_client().get("/raise").status_code == 403


@pytest.mark.parametrize("path", ["/login", "/logout", "/me", "/raise", "/cart/apples"])
def test_layout_may_ask_who_is_there_while_the_store_is_down(path: str) -> None:
    app = raising(errors.CrossSite())
    app.jinja_loader = DictLoader(
        {"altdentifier/error.html": "{{ 'in' if current_grant else 'out' }} {{ error.reason }}"}
    )
    app.context_processor(lambda: {"current_grant": current_grant})
    client, store = app.test_client(), store_of(app)
    log_in(client)
    store.fail()
    response = client.open(path, method="POST" if path == "/logout" else "GET", headers=PAGE)
    why = "cross_site" if path == "/raise" else "store_unavailable"
    assert (response.status_code, response.text) == (403 if path == "/raise" else 503, f"out {why}")


# What the log and the page show of the peer


def test_facts_are_for_the_log() -> None:
    error = errors.ProviderError(
        provider_status=502, oauth_error="invalid_request", cause="SSLError"
    )
    assert (error.provider_status, error.oauth_error) == (502, "invalid_request")
    for fact in ("provider_error", "502", "invalid_request", "SSLError"):
        assert fact in error.facts
    assert errors.CodeRejected().facts == "code_rejected"
    assert errors.CodeRejected().provider_status is None


@pytest.mark.parametrize(
    ("kind", "level"),
    [(errors.AccessDenied, 20), (errors.PrefetchRefused, 20), (errors.ProviderError, 30)],
)
def test_log_level(
    kind: type[AltDentifierError], level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    errors.log("Failed: %s", kind())
    assert [(r.levelno, r.getMessage()) for r in caplog.records] == [
        (level, f"Failed: {kind.reason}")
    ]
