"""The app of `who-is-it.md`, against a fake Discord and the sandbox."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from flask import request
from flask.testing import FlaskClient
from werkzeug.test import Client, TestResponse

from flask_altdentifier import webhooks
from flask_altdentifier.sandbox import Failure, api, users

from ..support import PAGE
from .conftest import Site
from .internet import Discord, replace_internet
from .pages import blocks

TRUSTED, DISTRUSTED, UNKNOWN = "100000000000000001", "1000000000000000003", "5"
HOUR = 3600
SECRET = "the-signature"


@dataclass
class Club:
    """The app, a browser, and who is who."""

    site: Site
    discord: Discord
    timeouts: list[Any]
    client: FlaskClient

    def __getitem__(self, name: str) -> Any:
        return self.site.names[name]

    def log_in_with_discord(self, user: str = TRUSTED) -> TestResponse:
        """Click the button on the page and follow it to Discord and back."""
        self.discord.user = user
        started = self.client.post("/discord/login")
        target = started.location.removeprefix("https://discord.com")
        back = Client(self.discord.create_app()).get(target).location
        return self.client.get(back.removeprefix("http://localhost"))

    def enter(self, name: str) -> None:
        """Log an account in."""
        self.client.post("/enter", data={"name": name})

    def status(self, path: str) -> int:
        return self.client.get(path, headers=PAGE).status_code

    def sends(self, op: int, member: str = TRUSTED, guild: str | None = None) -> int:
        """Let AltDentifier send an event, and return the status of the app's answer."""
        guild = guild or self["GUILD_ID"]
        event = {"OP": op, "member": {"id": member}, "guild": {"id": guild}, "method": "steam"}
        body = json.dumps(event).encode()
        headers = {"Digest": webhooks.digest(SECRET, body)}
        return self.client.post("/webhook", data=body, headers=headers).status_code

    def command(self, *words: str) -> None:
        result = self.site.app.test_cli_runner().invoke(args=words)
        assert result.exit_code == 0, result.output


@pytest.fixture
def club(site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Club:
    """The app of the page."""
    discord = Discord()
    timeouts = replace_internet(monkeypatch, {"discord.com": Client(discord.create_app())})
    found = site("who-is-it")

    @found.app.post("/enter")
    def enter() -> str:
        found.names["enter"](request.form["name"])
        return "Welcome"

    return Club(found, discord, timeouts, found.client)


@pytest.fixture
def clock(club: Club, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A function that moves the page's clock forward by so many seconds."""
    time = club["time"].time
    moved = [0.0]

    class Clock:
        @staticmethod
        def time() -> float:
            return float(time()) + moved[0]

    monkeypatch.setitem(club.site.names, "time", Clock)
    return lambda seconds: moved.append(moved.pop() + seconds)


@pytest.mark.parametrize(("user", "status"), [(TRUSTED, 200), (DISTRUSTED, 403), (UNKNOWN, 403)])
def test_trust_factor_of_the_discord_id_decides(club: Club, user: str, status: int) -> None:
    assert "Log in with Discord" in club.client.get("/club").text
    assert club.log_in_with_discord(user).location == "/club"
    assert club.status("/club") == status
    assert club.timeouts == [5, 5]


def test_refused_visitors_can_change_their_account(club: Club) -> None:
    """An account that AltDentifier does not know can become one that it knows."""
    club.log_in_with_discord(UNKNOWN)
    unknown = club.client.get("/club").text
    club.log_in_with_discord(DISTRUSTED)
    distrusted = club.client.get("/club").text
    for page in (unknown, distrusted):
        assert '<form method="post" action="/leave">' in page
    assert "not know" in unknown
    assert "not know" not in distrusted


@pytest.mark.parametrize("key", ["FLASK_DISCORD_CLIENT_ID", "FLASK_DISCORD_CLIENT_SECRET"])
def test_missing_setting_is_named_at_the_start(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.delenv(key)
    with pytest.raises(RuntimeError, match=key):
        site("who-is-it")


def test_page_without_discord(club: Club, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's test passes."""
    monkeypatch.setitem(sys.modules, "app", ModuleType("app"))
    sys.modules["app"].__dict__["app"] = club.site.app
    names: dict[str, Any] = {}
    exec(next(b.code for b in blocks("who-is-it") if b.file == "test_club.py"), names)
    names["test_club"](club.site.sandbox)


def test_session_id_changes_at_the_discord_login(club: Club) -> None:
    club.client.post("/discord/login")
    before = club.client.get_cookie("session")
    club.log_in_with_discord()
    after = club.client.get_cookie("session")
    assert before is not None
    assert after is not None
    assert before.value != after.value


def test_code_of_another_browser_is_rejected(club: Club) -> None:
    """Somebody else's Discord login cannot be finished here."""
    theirs = Club(club.site, club.discord, club.timeouts, club.site.app.test_client())
    started = theirs.client.post("/discord/login").location
    back = Client(club.discord.create_app()).get(started.removeprefix("https://discord.com"))
    callback = back.location.removeprefix("http://localhost")
    club.client.post("/discord/login")
    assert club.client.get(callback).status_code == 400
    assert "Log in with Discord" in club.client.get("/club").text


@pytest.mark.parametrize("failure", ["cancels", "is_down"])
def test_failed_discord_login(club: Club, failure: str) -> None:
    setattr(club.discord, failure, True)
    assert club.log_in_with_discord().status_code == 400
    assert "Log in with Discord" in club.client.get("/club").text


def test_last_answer_counts_for_a_day_of_outage(
    club: Club, clock: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    """AltDentifier is asked once an hour, and once a minute while it is down."""
    club.log_in_with_discord()
    assert club.status("/club") == 200
    club.site.sandbox.failure = Failure.SERVER_ERROR
    for seconds, failures in ((HOUR - 60, 0), (61, 1), (59, 1), (2, 2), (22 * HOUR, 3)):
        clock(seconds)
        assert club.status("/club") == 200
        assert caplog.text.count("provider_error") == failures


def test_unknown_account_is_asked_about_again_after_a_minute(
    club: Club, clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a new member does not wait for an hour."""
    club.log_in_with_discord(UNKNOWN)
    assert club.status("/club") == 403
    monkeypatch.setattr(api, "USERS", (users.User(UNKNOWN, "eve", 3),))
    assert club.status("/club") == 403
    clock(61)
    assert club.status("/club") == 200


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Failure.SERVER_ERROR, 502), (Failure.RATE_LIMITED, 503), (Failure.SLOW, 504)],
)
def test_page_stays_closed_without_an_answer(club: Club, failure: Failure, status: int) -> None:
    club.log_in_with_discord()
    club.site.sandbox.failure = failure
    assert club.status("/club") == status
    club["levels"][TRUSTED] = (3, 0, 0)  # an answer that is too old
    assert club.status("/club") == status


def test_trust_factor_that_needs_a_login(club: Club) -> None:
    """A 401 leads to AltDentifier's login, and back."""
    club.log_in_with_discord()
    club.site.sandbox.failure = Failure.UNAUTHORIZED
    assert club.client.get("/club").get_json()["login_url"].startswith("/login")


def test_leave_ends_both_logins(club: Club) -> None:
    club.log_in_with_discord()
    club.site.log_in()
    cookies = {cookie.key for cookie in club.client._cookies.values()}  # type: ignore[union-attr]
    assert any(name.startswith("altdentifier_") for name in cookies)
    club.client.post("/leave")
    assert not club.client._cookies
    assert "Log in with Discord" in club.client.get("/club").text


def test_verified_members(club: Club) -> None:
    """The row is written once, for the own server only, and only by `PASSED`."""
    club.log_in_with_discord()
    others = [(0, TRUSTED, None), (2, TRUSTED, None), (1, DISTRUSTED, None), (1, TRUSTED, "1")]
    for event in others:
        assert club.sends(*event) == 204
    assert club.status("/verified") == 403
    assert [club.sends(webhooks.Op.PASSED) for _ in range(2)] == [204, 204]
    assert club.status("/verified") == 200
    assert club.sends(2) == 204
    assert club.status("/verified") == 200


def test_forget(club: Club) -> None:
    """Operators forget anybody, members themselves."""
    for member in (TRUSTED, DISTRUSTED):
        club.sends(webhooks.Op.PASSED, member)
    club.log_in_with_discord()
    club.client.post("/forget-me")
    assert [club["is_verified"](member) for member in (TRUSTED, DISTRUSTED)] == [False, True]
    club.command("forget-member", DISTRUSTED)
    assert DISTRUSTED.encode() not in club["DATABASE"].read_bytes()


def test_login_with_altdentifier_verifies_no_account(club: Club) -> None:
    """The flaw of marking the current account as verified at `logged_in`."""
    club.enter("ada")
    club.site.log_in()
    assert club.status("/trusted") == 403


def test_one_discord_id_belongs_to_one_account(club: Club) -> None:
    club.enter("ada")
    club.log_in_with_discord()
    assert f"Link Discord ID {TRUSTED} to ada" in club.client.get("/account").text
    assert club.client.post("/account/link").status_code == 302
    assert club.status("/trusted") == 200

    club.enter("eve")
    assert "Log in with Discord" in club.client.get("/account").text  # ada's is gone
    club.log_in_with_discord()
    assert club.client.post("/account/link").status_code == 409
    assert club.status("/trusted") == 403
    club.log_in_with_discord(DISTRUSTED)
    assert club.client.post("/account/link").status_code == 302
    assert club.status("/trusted") == 403


def test_refused_link_keeps_the_old_one(club: Club) -> None:
    for name, user in (("ada", DISTRUSTED), ("eve", TRUSTED)):
        club.enter(name)
        club.log_in_with_discord(user)
        assert club.client.post("/account/link").status_code == 302
    club.log_in_with_discord(DISTRUSTED)
    assert club.client.post("/account/link").status_code == 409
    assert club.status("/trusted") == 200


def test_account_pages_need_an_account(club: Club) -> None:
    club.log_in_with_discord()
    assert club.status("/account") == club.status("/trusted") == 401
    assert club.client.post("/account/link").status_code == 401


def test_link_without_a_discord_login_links_nothing(club: Club) -> None:
    club.enter("ada")
    club.client.post("/account/link", data={"discord_id": TRUSTED})
    club.log_in_with_discord()
    assert club.status("/trusted") == 403
