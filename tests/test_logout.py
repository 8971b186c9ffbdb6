"""`/logout`."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from jinja2 import StrictUndefined

from .support import PAGE, log_in, make_app, reason, words


def test_after_logout_is_below_the_mount_point() -> None:
    client = make_app(ALTDENTIFIER_AFTER_LOGOUT="/bye").test_client()
    assert client.post("/logout").location == "/bye"
    assert client.post("/logout", base_url="http://localhost/shop/").location == "/shop/bye"


SAME = "http://localhost http://localhost:80 https://localhost:443 HTTP://LocalHost null"
OTHER = """http://localhost:8400 https://evil.example http://localhost.evil.example http://[::1
http://localhost:x"""
UNDERSCORE, ADDRESS = {"Host": "my_app:5000"}, {"Host": "[::1]:5000"}


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        *(({"Sec-Fetch-Site": site}, True) for site in ("same-origin", "none")),
        *(({"Sec-Fetch-Site": site}, False) for site in ("same-site", "cross-site")),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, True),
        *(({"Origin": origin}, True) for origin in words(SAME)),
        *(({"Origin": origin}, False) for origin in ["", *words(OTHER)]),
        ({"Host": "App.Example", "Origin": "http://app.example:443"}, True),
        (UNDERSCORE | {"Origin": "http://my_app:5000"}, True),
        (UNDERSCORE | {"Origin": "http://other:5000"}, False),
        (ADDRESS | {"Origin": "http://[::1]:5000"}, True),
    ],
)
def test_only_pages_of_this_origin_can_log_out(
    client: FlaskClient, headers: dict[str, str], allowed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    log_in(client)
    caplog.set_level("INFO", "flask_altdentifier")
    response = client.post("/logout", headers=headers)
    assert response.status_code == (303 if allowed else 403)
    assert allowed or reason(response) == "cross_site"
    assert allowed or "cross_site" in caplog.text
    assert allowed or client.get("/who").text == "known"


def test_get_is_405_with_the_logout_button(client: FlaskClient) -> None:
    client.application.jinja_env.undefined = StrictUndefined
    log_in(client)
    response = client.get("/logout", headers=PAGE)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert response.headers["Cache-Control"] == "no-store"
    assert '<form method="post">' in response.text
    assert response.text.count("<button") == 1
    assert client.get("/who").text == "known"


def test_head_is_405(client: FlaskClient) -> None:
    response = client.head("/logout", headers=PAGE)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
