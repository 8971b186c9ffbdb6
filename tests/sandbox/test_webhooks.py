from __future__ import annotations

import hashlib
import hmac
import json
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import parse_headers
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from flask_altdentifier.sandbox import Client, delivery, webhooks
from flask_altdentifier.sandbox.delivery import post_event
from flask_altdentifier.sandbox.events import REASON, TIMEOUT_ROLE

from .site import ADA, GARDEN, GRACE, LINK, Site

PAGE = "/webhooks?client_id=sandbox"
SEND = "/webhooks/send?client_id=sandbox"
SETTINGS = "/webhooks/settings?client_id=sandbox"
URL = "http://127.0.0.1:5000/webhook"
GRACE_ACCOUNT = {"id": GRACE, "username": "grace", "discriminator": "0001"}

Posted: TypeAlias = list[tuple[str, bytes, str]]
Send: TypeAlias = Callable[..., TestResponse]


def digest(secret: str, body: bytes) -> str:
    return "MD5=" + hmac.new(secret.encode(), body, hashlib.md5).hexdigest()


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Posted:
    """URL, body and digest of what the sandbox posted. Nothing leaves the process."""
    posted: Posted = []

    def post(*event: Any) -> str:
        posted.append(event)
        return "204 No Content"

    monkeypatch.setattr(webhooks, "post_event", post)
    return posted


@pytest.fixture
def send(site: Site, posted: Posted) -> Send:
    """Click a button. The application is on a server and has a webhook."""
    site.post(LINK, data={"decision": "allow"})
    site.post(SETTINGS, data={"url": URL})
    return lambda button, **form: site.post(SEND, data={"send": button, **form})


def test_page_leads_through_what_is_missing(site: Site) -> None:
    assert "/oauth2/authorize?" in site.get(PAGE).text
    site.post(LINK, data={"decision": "allow", "guild": GARDEN})
    assert site.post(SETTINGS, data={"url": "http://192.0.2.1/"}).status_code == 400
    assert site.get("/webhooks?client_id=nobody").status_code == 404
    assert site.post(SEND, data={"send": "test"}).status_code == 400
    site.post(SETTINGS, data={"url": URL})
    page = site.get(PAGE).text
    assert re.findall('name="guild" value="([0-9]+)"', page) == [GARDEN]
    assert 'name="send"' in page


def test_secret_is_made_up_and_shown_unless_given(site: Site) -> None:
    secret = site.state.webhooks["sandbox"].secret
    assert f"FLASK_ALTDENTIFIER_WEBHOOK_SECRET={secret}<" in site.get(PAGE).text
    assert secret != Site().state.webhooks["sandbox"].secret
    page = Site([Client("sandbox", "s", webhook_secret="hush")]).get(PAGE).text
    assert "hush" not in page
    assert "FLASK_ALTDENTIFIER_WEBHOOK_SECRET" not in page


@pytest.mark.parametrize(
    ("button", "form", "fields"),
    [
        ("started", {}, {"OP": 0}),
        ("passed", {"method": "xbox"}, {"OP": 1, "method": "xbox"}),
        ("failed", {}, {"OP": 2, "method": "steam", "reason": REASON}),
        ("ignored", {}, {"OP": 3, "action": "kick"}),
        ("ignored", {"action": "role"}, {"OP": 3, "action": "role", "timeout_role": TIMEOUT_ROLE}),
        ("incorrect", {}, {"OP": 4, "incorrect_account": GRACE_ACCOUNT}),
        ("test", {}, {"OP": 5}),
    ],
)
def test_event_has_the_documented_fields_and_digest(
    site: Site, send: Send, posted: Posted, button: str, form: Any, fields: dict[str, Any]
) -> None:
    assert send(button, **form).status_code == 303
    [(url, body, sent_digest)] = posted
    member = {"id": ADA, "username": "ada", "discriminator": "0001"}
    guild = {"id": "300000000000000001", "name": "Chess Club"}
    assert (url, json.loads(body)) == (URL, {"member": member, "guild": guild, **fields})
    assert sent_digest == digest(site.state.webhooks["sandbox"].secret, body)
    assert "204 No Content" in site.read(PAGE)


def test_choices_stay_after_sending(site: Site, send: Send) -> None:
    parts = urlsplit(send("failed", user=GRACE, method="reddit", action="ban").location)
    page = site.get(f"{parts.path}?{parts.query}").text
    assert f'name="user" value="{GRACE}" required checked' in page
    assert "<option selected>reddit</option>" in page
    assert "<option selected>ban</option>" in page


def test_wrong_signature_and_replay(site: Site, send: Send, posted: Posted) -> None:
    assert send("replay").status_code == 400
    for button in ("started", "bad-signature", "replay", "replay"):
        send(button)
    started, forged, *replays = posted
    assert forged[2] != digest(site.state.webhooks["sandbox"].secret, forged[1])
    assert replays == [started, started]


@pytest.mark.parametrize("form", [{"send": "explode"}, {"guild": GARDEN}, {"method": "pigeon"}])
def test_unknown_form_values_are_400(send: Send, posted: Posted, form: dict[str, str]) -> None:
    assert send(**{"button": "test", **form}).status_code == 400
    assert not posted


def test_deliveries_are_bounded(site: Site, send: Send) -> None:
    for button in ["started", *["test"] * 50]:
        send(button)
    assert {item.title for item in site.state.deliveries} == {"Test event"}
    assert len(site.state.deliveries) == 50


def test_event_is_posted_and_redirects_are_not_followed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhook?a=1"
        result = pool.submit(post_event, url, b"{}", "MD5=0")
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as received:
            assert received.readline() == b"POST /webhook?a=1 HTTP/1.1\r\n"
            headers = parse_headers(received)
            assert received.read(2) == b"{}"
            connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
        assert result.result(timeout=10) == "302 Found"
    assert (headers["Digest"], headers["Content-Type"]) == ("MD5=0", "application/json")


def test_application_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = post_event(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"", "")
    assert "0.05 seconds" in result
    assert "running" in post_event("https://127.0.0.1:1/", b"", "")
