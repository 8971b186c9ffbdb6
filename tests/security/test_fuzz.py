"""A short time of fuzzing; `tox -e fuzz` searches longer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flask_altdentifier import token_response, urls
from flask_altdentifier.callback import CallbackQuery
from fuzz.run import Outcome, run
from fuzz.targets import TARGETS

pytestmark = pytest.mark.server

#: Seconds for each target.
SECONDS = 1.5


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of refused webhooks need not be logged."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def search(target: str, seconds: float = SECONDS) -> Outcome:
    """Fuzz a target, from the same seed each time."""
    return run(TARGETS[target](), seconds=seconds, seed=20_261_124)


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_breaks(target: str) -> None:
    """No input in a short search breaks the package; many of them are taken, many are refused."""
    outcome = search(target)
    assert outcome.error is None, str(outcome)
    assert outcome.taken > 20
    assert outcome.tried - outcome.taken > 20


def naive_path(target: str | None) -> str | None:
    """Check as many apps do."""
    return target if target and target.startswith("/") and target[:2] != "//" else None


def quoting_path(target: str | None) -> str | None:
    """Check as those do that have heard of backslashes."""
    return None if target is None or "\\" in target else naive_path(target)


def lenient(values: list[bytes]) -> Callable[[Any, str], str | None]:
    """Return a reader that takes the first of several values."""

    def one(self: CallbackQuery, name: str) -> str | None:
        found = self._values.get(name, [])
        values[:] = found
        return found[0].decode("latin-1") if found else None

    return one


PLANTED: dict[str, tuple[str, Any, str, Any]] = {
    "next-by-its-first-letters": ("next", urls, "local_path", naive_path),
    "next-with-tabs": ("next", urls, "local_path", quoting_path),
    "query-first-of-two": ("query", CallbackQuery, "_one", lenient([])),
    "token-any-type": ("token", token_response, "_bearer", str),
    "token-two-names": ("token", token_response, "_once", dict),
    "token-any-text": ("token", token_response, "_text", str),
    "token-any-lifetime": ("token", token_response, "_lifetime", lambda value: float(value or 1)),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_fault_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search finds a check that is too weak."""
    target, where, name, weak = PLANTED[fault]
    monkeypatch.setattr(where, name, weak)
    assert search(target, 10).error is not None


def test_planted_unsigned_webhook_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search finds a digest that is not compared."""
    monkeypatch.setattr("flask_altdentifier.webhooks.hmac.compare_digest", lambda a, b: True)
    assert search("webhook", 10).error is not None
