"""The table of verified members: what the webhook writes, and what is forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from example_app import members
from flask_altdentifier.webhooks import digest

LogIn = Callable[..., object]
ADA = {"id": "100000000000000001", "username": "ada"}
CLUB = {"id": "300000000000000001", "name": "Chess Club"}
PASSED: dict[str, Any] = {"OP": 1, "member": ADA, "guild": CLUB, "method": "steam"}


def send(site: Flask, event: Any) -> int:
    """Post an event as AltDentifier does, and return the status."""
    body = json.dumps(event).encode()
    headers = {"Digest": digest("a-signature", body)}
    return site.test_client().post("/webhook", data=body, headers=headers).status_code


def latest(site: Flask) -> list[members.VerifiedMember]:
    with site.app_context():
        return members.latest()


def test_member_who_passes_is_in_the_table(
    site: Flask, visitor: FlaskClient, altdentifier_login: LogIn
) -> None:
    assert send(site, PASSED) == 204
    altdentifier_login(visitor)
    page = visitor.get("/members").text
    for text in ("ada", ADA["id"], "Chess Club", "Steam"):
        assert text in page


def test_replay_changes_nothing(site: Flask) -> None:
    send(site, PASSED)
    (before,) = latest(site)
    send(site, PASSED)
    assert latest(site) == [before]


def test_second_verification_updates_names_and_method(site: Flask) -> None:
    send(site, PASSED)
    send(site, PASSED | {"member": ADA | {"username": "Ada L."}, "method": "xbox"})
    (member,) = latest(site)
    assert (member.member, member.method) == ("Ada L.", "xbox")


def test_file_is_private_even_in_an_open_folder(site: Flask) -> None:
    folder = Path(site.instance_path)
    folder.chmod(0o755)
    send(site, PASSED)
    assert (folder / "members.sqlite3").stat().st_mode & 0o777 == 0o600


def test_each_server_has_a_row(site: Flask) -> None:
    send(site, PASSED)
    send(site, PASSED | {"guild": {"id": "4"}})
    assert {member.guild_id for member in latest(site)} == {CLUB["id"], "4"}


@pytest.mark.parametrize(
    "event",
    [
        *({**PASSED, "OP": op} for op in (0, 2, 3, 4, 5, 99, None)),
        {"OP": 1},
        {**PASSED, "member": None},
        {**PASSED, "guild": {"name": "no id"}},
        {**PASSED, "member": {"id": "not-a-number"}},
        {**PASSED, "member": {"id": "1" * 21}},
        {**PASSED, "guild": {"id": "\u0661"}},
    ],
)
def test_other_events_add_nobody(site: Flask, event: Any) -> None:
    assert send(site, event) == 204
    assert latest(site) == []


def test_names_are_kept_short_printable_and_escaped(
    site: Flask, visitor: FlaskClient, altdentifier_login: LogIn
) -> None:
    send(site, PASSED | {"member": {"id": "1", "name": "<b>\u202e\ud800" + "x" * 200}})
    (member,) = latest(site)
    assert len(member.member) == members.MAX_NAME
    assert member.member.isprintable()
    altdentifier_login(visitor)
    assert "&lt;b&gt;" in visitor.get("/members").text


def test_nameless_member_of_an_unknown_method(
    site: Flask, visitor: FlaskClient, altdentifier_login: LogIn
) -> None:
    send(site, {"OP": 1, "member": {"id": "1"}, "guild": {"id": "2"}, "method": "hologram"})
    altdentifier_login(visitor)
    page = visitor.get("/members").text
    assert "Unnamed" in page
    assert "hologram" in page


def test_forget_deletes_a_member_on_every_server(
    site: Flask, visitor: FlaskClient, altdentifier_login: LogIn
) -> None:
    send(site, PASSED)
    send(site, PASSED | {"guild": {"id": "4"}})
    send(site, PASSED | {"member": {"id": "2", "username": "grace"}})
    altdentifier_login(visitor)
    response = visitor.post(f"/members/{ADA['id']}/forget")
    assert (response.status_code, response.location) == (303, "/members")
    page = visitor.get("/members").text
    assert ADA["id"] not in page
    assert "grace" in page
    assert "Forgotten" in page
    assert [member.member_id for member in latest(site)] == ["2"]
    assert ADA["id"].encode() not in Path(site.instance_path, "members.sqlite3").read_bytes()


def test_forget_requires_a_login(site: Flask, visitor: FlaskClient) -> None:
    send(site, PASSED)
    assert visitor.post(f"/members/{ADA['id']}/forget").status_code == 401
    assert len(latest(site)) == 1


def test_without_a_secret_there_is_no_webhook(
    make_site: Callable[..., Flask], altdentifier_login: LogIn
) -> None:
    site = make_site(ALTDENTIFIER_WEBHOOK_SECRET=None)
    assert send(site, PASSED) == 404
    visitor = site.test_client()
    altdentifier_login(visitor)
    assert "WEBHOOK_SECRET" in visitor.get("/members").text
