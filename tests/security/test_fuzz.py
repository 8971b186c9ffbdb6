"""A short search with each target of `fuzz`; `tox -e fuzz` searches longer."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from flask_altdentifier import urls
from flask_altdentifier.browser import cookies
from flask_altdentifier.oauth import token_response
from flask_altdentifier.oauth.authorization_response import AuthorizationResponse
from fuzz.run import TARGETS, Outcome, run


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of refusals need not be logged."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def param(name: str, target: str) -> Any:
    """Return a parameter. Only searches without an app are quick enough for each Python."""
    return pytest.param(name, marks=() if target in {"next", "query"} else pytest.mark.server)


def search(target: str, seconds: float) -> Outcome:
    return run(TARGETS[target](), seconds=seconds, seed=20_261_129)


@pytest.mark.parametrize("target", [param(target, target) for target in TARGETS])
def test_no_input_breaks_the_package(target: str) -> None:
    outcome = search(target, 1.5)
    assert outcome.error is None, str(outcome)
    assert outcome.accepted > 10
    assert outcome.tried - outcome.accepted > 10


def naive_path(target: str | None) -> str | None:
    return target if target and target.startswith("/") and target[:2] != "//" else None


def without_backslashes(target: str | None) -> str | None:
    return None if target is None or "\\" in target else naive_path(target)


def first_of_two(self: AuthorizationResponse, name: str) -> str | None:
    values = self._values.get(name, [])
    return values[0].decode("latin-1") if values else None


def strip_names(self: cookies.BrowserCookies) -> list[str]:
    """Read cookies as Werkzeug before 3.1.9."""
    cookies = self.request.cookies.items(multi=True)
    return [value for name, value in cookies if name.strip("\x1c\x85\xa0") == self.name]


FAULTS: dict[str, tuple[str, Any, str, Any]] = {
    "next by its first letters": ("next", urls, "local_path", naive_path),
    "next with tabs": ("next", urls, "local_path", without_backslashes),
    "first of two parameters": ("query", AuthorizationResponse, "_single_value", first_of_two),
    "any token type": ("token", token_response, "_token_type", str),
    "any access token": ("token", token_response, "_access_token", str),
    "any lifetime": ("token", token_response, "_lifetime", lambda value: float(value or 1)),
    "any signature": ("webhook", hmac, "compare_digest", lambda a, b: True),
    "first login cookie only": ("cookies", cookies, "MAX_SAME_NAME", 1),
    "stripped names": ("cookies", cookies.BrowserCookies, "get_login_ids", strip_names),
}


@pytest.mark.parametrize("fault", [param(name, FAULTS[name][0]) for name in FAULTS])
def test_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, owner, name, weak = FAULTS[fault]
    monkeypatch.setattr(owner, name, weak)
    assert search(target, 20).error is not None
