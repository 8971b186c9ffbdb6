"""The control page, what all pages have in common, and the protection of their forms."""

from __future__ import annotations

import re

import pytest

from flask_altdentifier.sandbox import Client, Failure

from .site import LINK, Site, authorize_url

SETTINGS, SEND = "/webhooks/settings?client_id=sandbox", "/webhooks/send?client_id=sandbox"


@pytest.mark.parametrize(
    "path", ["/", authorize_url(), LINK, "/webhooks?client_id=sandbox", "/nothing"]
)
def test_every_page(site: Site, path: str) -> None:
    """A page says that it is a sandbox, has no script and no cookie, and cannot be framed."""
    response = site.get(path)
    assert "<strong>Sandbox</strong>" in response.text
    assert response.text.count("<h1>") == 1
    assert "<script" not in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    with site.get(re.findall('rel="stylesheet" href="([^"]*)"', response.text)[0]) as stylesheet:
        assert stylesheet.mimetype == "text/css"


@pytest.mark.parametrize(("url", "sources"), [(LINK, "'self'"), (authorize_url(), "*")])
def test_form_may_end_at_the_application(site: Site, url: str, sources: str) -> None:
    policy = site.get(url).headers["Content-Security-Policy"]
    assert re.findall("form-action ([^;]*);", policy) == [sources]


@pytest.mark.parametrize(
    ("fetch_site", "origin", "status"),
    [
        (None, None, 303),
        (None, "http://localhost", 303),
        ("same-origin", "null", 303),
        ("none", None, 303),
        ("same-site", None, 403),
        ("cross-site", "http://localhost", 403),
        (None, "http://localhost:5000", 403),
        (None, "null", 403),
    ],
)
def test_form_of_another_origin_is_refused(
    site: Site, fetch_site: str | None, origin: str | None, status: int
) -> None:
    sent = {"Sec-Fetch-Site": fetch_site, "Origin": origin}
    headers = {name: value for name, value in sent.items() if value}
    assert site.post("/", data={"failure": "slow"}, headers=headers).status_code == status
    assert (site.state.failure is Failure.SLOW) is (status == 303)


@pytest.mark.parametrize("path", [authorize_url(), LINK, SETTINGS, SEND])
def test_each_form_refuses_another_origin(site: Site, path: str) -> None:
    form = {"decision": "allow", "url": "http://localhost/", "send": "test"}
    assert site.post(path, data=form, headers={"Origin": "null"}).status_code == 403


def test_control_page_shows_settings_and_only_the_default_secret(site: Site) -> None:
    page = site.get("/", base_url="http://127.0.0.1:8400").text
    assert "FLASK_ALTDENTIFIER_BASE_URL=http://127.0.0.1:8400\n" in page
    assert "FLASK_ALTDENTIFIER_CLIENT_ID=sandbox\n" in page
    assert "FLASK_ALTDENTIFIER_CLIENT_SECRET=sandbox-secret<" in page
    page = Site([Client("mine", "hush", "<bot>", ("http://localhost/a",))]).get("/").text
    assert "&lt;bot&gt;" in page
    assert "<code>http://localhost/a</code>" in page
    assert "hush" not in page
    assert "flask altdentifier sandbox" in Site([]).read("/")


def test_switch_of_failures(site: Site) -> None:
    failure = Failure.RATE_LIMITED
    response = site.post("/", data={"failure": failure.value})
    assert (response.status_code, response.location) == (303, "/")
    assert site.state.failure is failure
    page = site.get("/").text
    assert re.findall(r'name="failure" value="([^"]*)" required checked', page) == [failure.value]
    assert site.post("/", data={"failure": "explode"}).status_code == 400


def test_control_page_lists_what_happened(site: Site) -> None:
    site.post(LINK, data={"decision": "allow"})
    site.exchange("made-up")
    site.exchange("made-up", client_id="<nobody>")
    page = site.read("/")
    assert "Example app on Chess Club added by ada" in page
    assert "Unknown application 401" in page
    assert "Example app 400" in page


def test_control_page_shows_when_a_token_was_requested(site: Site) -> None:
    site.exchange("made-up")
    [token_request] = site.state.token_requests
    shown = re.findall(
        '<time class="detail" datetime="([^"]*)">([0-9:]{8})</time>', site.get("/").text
    )
    received_at = token_request.received_at
    assert shown == [(received_at.isoformat(), received_at.astimezone().strftime("%H:%M:%S"))]
