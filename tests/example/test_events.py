from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from example_app import create_app
from example_app.events import LATEST, MAX_TEXT, TITLES
from flask_altdentifier.webhooks import Op, digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

PASSED = {
    "OP": 1,
    "member": {"id": "1", "username": "ada", "discriminator": "0001"},
    "guild": {"id": "2", "name": "Chess Club"},
    "method": "steam",
}


def tell(site: Flask, event: object, key: str = "a-signature") -> int:
    """Post an event to the webhook, and return the status."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {"Digest": digest(key, body)}
    return site.test_client().post("/webhook", data=body, headers=headers).status_code


@pytest.fixture
def told(log_in: Callable[..., TestResponse], visitor: FlaskClient) -> Callable[[], Any]:
    """A function that returns what a visitor's script gets."""
    log_in()

    def told() -> Any:
        answer = visitor.get("/api/events", headers={"Accept": "application/json"})
        assert answer.status_code == 200
        assert answer.json is not None
        return answer.json["events"]

    return told


def test_event(site: Flask, told: Callable[[], Any], visitor: FlaskClient) -> None:
    """An event is on the page, for people and for the script."""
    assert told() == []
    assert tell(site, PASSED) == 204
    (event,) = told()
    received_at = datetime.fromisoformat(event.pop("received_at"))
    assert timedelta(0) <= datetime.now(timezone.utc) - received_at < timedelta(minutes=1)
    assert event == {
        "title": "Verification passed",
        "member": "ada (1)",
        "server": "Chess Club",
        "details": "method: steam",
    }
    page = visitor.get("/events").text
    assert "1 event." in page
    for text in event.values():
        assert f">{text}</" in page


@pytest.mark.parametrize(
    ("event", "title", "details"),
    [
        ({"OP": 0}, "Verification started", ""),
        (
            {"OP": 2, "method": "xbox", "reason": "Too new"},
            "Verification failed",
            "method: xbox, reason: Too new",
        ),
        (
            {"OP": 3, "action": "role", "timeout_role": "7"},
            "Verification ignored",
            "action: role, role: 7",
        ),
        ({"OP": 4, "incorrect_account": {"name": "eve"}}, "Wrong account", "came as: eve"),
        ({"OP": 4, "incorrect_account": {}}, "Wrong account", "came as: somebody"),
        ({"OP": 5}, "Test event", ""),
        ({"OP": 99, "method": "new"}, "Event of the unknown kind 99", "method: new"),
        ({"OP": "1"}, "Event without a kind", ""),
    ],
)
def test_kinds(
    site: Flask, told: Callable[[], Any], event: dict[str, Any], title: str, details: str
) -> None:
    """Each kind has its title and details, an unknown one too; what was not sent is left out."""
    assert tell(site, event) == 204
    (line,) = told()
    assert (line["title"], line["details"]) == (title, details)
    assert (line["member"], line["server"]) == ("", "")


def test_every_op_has_a_title() -> None:
    """No known kind is told as unknown."""
    assert TITLES.keys() == set(Op)


def test_same_event_twice(site: Flask, told: Callable[[], Any]) -> None:
    """An event that is sent again shows once, however many workers it comes to at once."""
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: tell(site, PASSED), range(16))) == {204}
    assert len(told()) == 1
    tell(site, {**PASSED, "method": "xbox"})
    assert [line["details"] for line in told()] == ["method: xbox", "method: steam"]


def test_bounded(site: Flask, told: Callable[[], Any]) -> None:
    """The latest are kept, the latest first."""
    for number in range(LATEST + 2):
        tell(site, {"OP": 2, "reason": str(number)})
        tell(site, {"OP": 2, "reason": str(number)})
    assert [line["details"] for line in told()] == [
        f"reason: {number}" for number in range(LATEST + 1, 1, -1)
    ]


def test_several_workers(
    site: Flask, config: dict[str, object], told: Callable[[], Any], tmp_path: Path
) -> None:
    """What one process is told the others show; the file is the owner's alone."""
    tell(create_app(config), PASSED)
    assert len(told()) == 1
    assert stat.S_IMODE((tmp_path / "events").stat().st_mode) == 0o700


@pytest.mark.parametrize("key", ["another", "a-secret"])
def test_bad_signature(site: Flask, told: Callable[[], Any], key: str) -> None:
    """What another secret has signed is refused and shown nowhere."""
    assert tell(site, PASSED, key) == 403
    assert told() == []


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "\ud800", "a\0b\n\u202e", "x" * 20_000, "' OR 1=1 --"],
)
def test_hostile_texts(
    site: Flask, told: Callable[[], Any], visitor: FlaskClient, name: str
) -> None:
    """Whatever a member is called, the page stays a page, and short."""
    event = {"OP": 1, "member": {"id": name}, "guild": {"id": name}, "method": name}
    assert tell(site, event) == 204
    (line,) = told()
    page = visitor.get("/events")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert all(text.isprintable() and len(text) <= MAX_TEXT + 1 for text in line.values())


@pytest.mark.parametrize(
    "event", [b'{"OP": ' + b"9" * 4000 + b"}", b'{"a":' * 500 + b"1" + b"}" * 500]
)
def test_odd_events(
    site: Flask, told: Callable[[], Any], visitor: FlaskClient, event: bytes
) -> None:
    """An event of an absurd kind or depth does no harm."""
    assert tell(site, event) == 204
    assert len(told()) == 1
    assert visitor.get("/events").status_code == 200


def test_logged_out(visitor: FlaskClient) -> None:
    """Who is not logged in is sent to log in first."""
    answer = visitor.get("/events")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/events")


def test_no_secret(config: dict[str, object], tmp_path: Path) -> None:
    """Without a secret there is no webhook and no file."""
    site = create_app({**config, "ALTDENTIFIER_WEBHOOK_SECRET": None})
    assert tell(site, PASSED) == 404
    assert not (tmp_path / "events").exists()


def test_page_without_a_secret(
    site: Flask, log_in: Callable[..., TestResponse], visitor: FlaskClient
) -> None:
    """The page says that events are not taken where that is so."""
    log_in()
    assert "WEBHOOK_SECRET" not in visitor.get("/events").text
    site.config["ALTDENTIFIER_WEBHOOK_SECRET"] = None
    assert "FLASK_ALTDENTIFIER_WEBHOOK_SECRET</code> is not set" in visitor.get("/events").text
