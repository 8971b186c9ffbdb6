"""The config: read and validated once, at registration."""

from __future__ import annotations

from ast import literal_eval
from typing import Any

import pytest
from flask import Flask

from flask_altdentifier import blueprint
from flask_altdentifier.config import MAX_SECONDS, Config, config_keys, key_name, read_config
from flask_altdentifier.errors import ConfigError
from flask_altdentifier.stores import MemoryStore

from .support import bare_app, make_app, query_of

CREDENTIALS = {"ALTDENTIFIER_CLIENT_ID": "id", "ALTDENTIFIER_CLIENT_SECRET": "secret"}
DEFAULTS: dict[str, Any] = (
    {"SCOPE": "read:user", "BASE_URL": "https://altdentifier.com", "PKCE": False}
    | {"TOKEN_AUTH_METHOD": "client_secret_post", "TIMEOUT": 10.0, "LOGIN_LIFETIME": 600}
    | dict.fromkeys(["REDIRECT_URI", "GRANT_LIFETIME", "STORE", "WEBHOOK_SECRET"])
    | {"AFTER_LOGIN": "/", "AFTER_LOGOUT": "/"}
)


def config_with(**values: Any) -> Config:
    prefixed = {f"ALTDENTIFIER_{key}": value for key, value in values.items()}
    return read_config(CREDENTIALS | prefixed)


def test_defaults_are_written_back() -> None:
    app = bare_app()
    app.register_blueprint(blueprint)
    assert {key: app.config[f"ALTDENTIFIER_{key}"] for key in DEFAULTS} == DEFAULTS


def test_keys_are_the_documented_ones() -> None:
    names = {key_name(key).removeprefix("ALTDENTIFIER_") for key in config_keys()}
    assert names == {"CLIENT_ID", "CLIENT_SECRET", *DEFAULTS}


def test_registration_documents_every_key() -> None:
    text = str(type(blueprint).register.__doc__)
    assert all(f"`{key.name.upper()}`" in text for key in config_keys())


def test_every_key_has_help_and_a_valid_example() -> None:
    for key in config_keys():
        assert key.metadata["help"].endswith(".")
        key.metadata["validate"](literal_eval(key.metadata["example"]))


@pytest.mark.parametrize("key", ["CLIENT_ID", "CLIENT_SECRET"])
def test_missing_credential_stops_the_registration(key: str) -> None:
    app = bare_app()
    del app.config[f"ALTDENTIFIER_{key}"]
    with pytest.raises(ConfigError, match=f"ALTDENTIFIER_{key} is missing.*FLASK_ALTDENTIFIER"):
        app.register_blueprint(blueprint)
    assert "altdentifier" not in app.extensions
    assert "altdentifier.login" not in app.view_functions


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("CLIENT_ID", 12345678901234567890, "12345678901234567890"),
        ("CLIENT_SECRET", 0, "0"),
        ("SCOPE", "write:integrations  read:user", {"read:user", "write:integrations"}),
        ("SCOPE", ["read:user", "write:integrations"], {"read:user", "write:integrations"}),
        ("SCOPE", ("read:user",), {"read:user"}),
        ("REDIRECT_URI", "https://app.example/cb?x=1", "https://app.example/cb?x=1"),
        ("REDIRECT_URI", "http://[::1]:5000/callback", "http://[::1]:5000/callback"),
        ("BASE_URL", "https://altdentifier.com/", "https://altdentifier.com"),
        ("BASE_URL", "http://localhost:8400", "http://localhost:8400"),
        ("BASE_URL", "http://127.8.8.8", "http://127.8.8.8"),
        ("BASE_URL", "http://[::1]:8400/", "http://[::1]:8400"),
        ("TOKEN_AUTH_METHOD", "client_secret_basic", "client_secret_basic"),
        ("PKCE", True, True),
        ("TIMEOUT", 3, 3.0),
        ("LOGIN_LIFETIME", MAX_SECONDS, float(MAX_SECONDS)),
        ("GRANT_LIFETIME", 0.5, 0.5),
        ("AFTER_LOGIN", "/café", "/caf%C3%A9"),
        ("AFTER_LOGOUT", "/bye?a=1#b", "/bye?a=1#b"),
        ("WEBHOOK_SECRET", 123, ("123",)),
        ("WEBHOOK_SECRET", ["new", "old"], ("new", "old")),
    ],
)
def test_valid_value_is_read(key: str, value: Any, read: Any) -> None:
    assert getattr(config_with(**{key: value}), key.lower()) == read


INVALID: list[tuple[str, str, list[Any]]] = [
    ("CLIENT_ID", "double quotes", [1.5, True, -1]),
    ("CLIENT_ID", "printable ASCII and not empty", ["", "café", "id\n"]),
    ("CLIENT_SECRET", "quote", [None, 0.5]),
    ("SCOPE", "read:user", ["", [], None, {"read:user": 1}]),
    ("SCOPE", "one scope per list item", [["read:user write:x"], "read:user\nwrite:x", [None]]),
    ("REDIRECT_URI", "absolute URL", ["/callback", "", 8, "https://app.example/#x"]),
    ("REDIRECT_URI", "user name", ["https://user:hunter2@app.example/"]),
    ("BASE_URL", "must be https", ["http://altdentifier.com", "http://10.0.0.1:8400"]),
    ("BASE_URL", "without a path", ["https://a.example/api", "https://a.example?", None]),
    ("BASE_URL", "user name", ["https://user:hunter2@altdentifier.com"]),
    ("TOKEN_AUTH_METHOD", "client_secret_basic", ["none", []]),
    ("PKCE", "True or False", ["yes", 1]),
    ("TIMEOUT", "seconds", [0, None, "10", float("nan")]),
    ("LOGIN_LIFETIME", "seconds", [-1, True, float("inf")]),
    ("GRANT_LIFETIME", "seconds", [MAX_SECONDS + 1, 0]),
    ("AFTER_LOGIN", "begins with one", ["home", "//evil.example", None, 7]),
    ("AFTER_LOGOUT", "begins with one", ["/\\evil.example", "/" + "a" * 2048]),
    ("STORE", "sqlite:///", ["nonsense", "", {}, MemoryStore]),
    ("WEBHOOK_SECRET", "not empty", ["", ["new", ""]]),
    ("WEBHOOK_SECRET", "at least one", [[]]),
    ("WEBHOOK_SECRET", "quote", [["new", None], [True]]),
]


@pytest.mark.parametrize(
    ("key", "hint", "value"), [(key, hint, value) for key, hint, vs in INVALID for value in vs]
)
def test_invalid_value_is_named_with_a_hint(key: str, hint: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"^ALTDENTIFIER_{key} (?s:.*){hint}") as caught:
        config_with(**{key: value})
    assert "hunter2" not in str(caught.value)


def test_environment_alone_configures_an_app(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {"CLIENT_ID": "42", "CLIENT_SECRET": "s", "SCOPE": '["a", "b"]'}.items():
        monkeypatch.setenv(f"FLASK_ALTDENTIFIER_{key}", value)
    app = Flask("env")
    app.config.from_prefixed_env()
    assert read_config(app.config).client_id == "42"
    assert read_config(app.config).scope == {"a", "b"}


def test_config_is_read_once() -> None:
    app = make_app()
    app.config["ALTDENTIFIER_CLIENT_ID"] = "changed"
    assert query_of(app.test_client().get("/login").location)["client_id"] == "the-client"


def test_config_is_frozen_and_hides_secrets() -> None:
    config = config_with(WEBHOOK_SECRET="hunter2", CLIENT_SECRET="hunter3")
    assert "hunter" not in repr(config)
    assert "client_id='id'" in repr(config)
    with pytest.raises(AttributeError):
        config.pkce = True  # type: ignore[misc]
