from __future__ import annotations

from typing import Any

import pytest

from flask_altdentifier.sandbox import Client, create_app, sandbox_state, uris

ITEM = {"client_id": "a", "client_secret": "b"}
LOCAL = ("http://localhost/",)


@pytest.mark.parametrize(
    ("clients", "expected"),
    [
        (None, [Client("sandbox", "sandbox-secret")]),
        ({"a": "b", "c": "d"}, [Client("a", "b"), Client("c", "d")]),
        ({"a": {"client_secret": "b", "name": "App"}}, [Client("a", "b", "App")]),
        ([{**ITEM, "redirect_uris": LOCAL[0]}], [Client("a", "b", redirect_uris=LOCAL)]),
    ],
)
def test_accepted_forms(clients: Any, expected: list[Client]) -> None:
    assert list(sandbox_state(create_app(clients)).clients.values()) == expected


@pytest.mark.parametrize(
    "clients",
    [
        {"": "secret"},
        [Client("a", "b"), Client("a", "c")],
        [{"client_id": "a"}],
        [{**ITEM, "redirect_uri": "http://localhost/"}],
        [{**ITEM, "redirect_uris": ["myapp:callback"]}],
        [{**ITEM, "webhook_url": "http://192.0.2.1/"}],
    ],
)
def test_invalid_clients_are_refused(clients: Any) -> None:
    with pytest.raises(ValueError, match=r"client|redirect URI|this machine"):
        create_app(clients)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://localhost:5000/cb", True),
        ("https://app.example?a=1", True),
        ("http://[::1]:5000/", True),
        ("", False),
        ("javascript:alert(1)", False),
        ("https://app.example/#fragment", False),
        ("https://app.example\\@other.example/", False),
        ("https://app.example; script-src */", False),
        ("https://app.example:0/", False),
        ("https://[1:2]/", False),
        ("https://äpp.example/", False),
    ],
)
def test_redirect_uri(uri: str, expected: bool) -> None:
    assert uris.is_web_uri(uri) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:5000/webhook", True),
        ("http://[::1]:1/", True),
        ("http://internal.localhost/", False),
        ("http://192.0.2.1/", False),
        ("http://127.0.0.1@10.0.0.1/", False),
    ],
)
def test_webhook_url_is_on_this_machine(url: str, expected: bool) -> None:
    assert uris.is_webhook_url(url) is expected
