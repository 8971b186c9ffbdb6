from __future__ import annotations

from typing import Any

import pytest

from flask_altdentifier.sandbox import Client, create_app, sandbox_state


@pytest.mark.parametrize(
    ("clients", "expected"),
    [
        (None, [Client("sandbox", "sandbox-secret")]),
        ({"a": "b", "c": "d"}, [Client("a", "b"), Client("c", "d")]),
        ([Client("a", "b", "App")], [Client("a", "b", "App")]),
        ([{"client_id": "a", "client_secret": "b"}], [Client("a", "b")]),
        (
            [{"client_id": "a", "client_secret": "b", "name": "App"}],
            [Client("a", "b", name="App")],
        ),
        (
            iter(
                [
                    {
                        "client_id": "a",
                        "client_secret": "b",
                        "client_name": "App",
                        "redirect_uris": ["http://localhost/"],
                    }
                ]
            ),
            [Client("a", "b", "App", ("http://localhost/",))],
        ),
        (
            [{"client_id": "a", "client_secret": "b", "redirect_uris": "http://localhost/"}],
            [Client("a", "b", redirect_uris=("http://localhost/",))],
        ),
        ({"a": {"client_secret": "b", "name": "App"}}, [Client("a", "b", "App")]),
        ([], []),
    ],
)
def test_forms(clients: Any, expected: list[Client]) -> None:
    """Clients may be given as a mapping, as values or as dicts; none given means the default."""
    assert list(sandbox_state(create_app(clients)).clients.values()) == expected


@pytest.mark.parametrize(
    "clients",
    [
        {"": "secret"},
        {"id": ""},
        [Client("a", "b"), Client("a", "c")],
        [{"client_id": "a", "client_secret": "b", "redirect_uris": ["myapp:callback"]}],
        [{"client_id": "a", "client_secret": "b", "redirect_uri": "http://localhost/"}],
        [{"client_id": "a"}],
        [{"client_id": 1, "client_secret": 2}],
        {"a": 1},
        {1: "b"},
    ],
)
def test_nonsense(clients: Any) -> None:
    """Clients that make no sense are refused at once."""
    with pytest.raises(ValueError, match=r"client|redirect URI"):
        create_app(clients)


def test_secret_is_hidden() -> None:
    """The secrets are not in the repr."""
    assert repr(Client("a", "hush", webhook_secret="hush-hush")) == (
        "Client(client_id='a', name='Example app', redirect_uris=(), webhook_url='')"
    )
