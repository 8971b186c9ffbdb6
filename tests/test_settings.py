"""The config is read once, at registration, and refuses what cannot be meant."""

from __future__ import annotations

from typing import Any

import pytest
from cachelib import SimpleCache
from flask import Flask

from flask_altdentifier import blueprint
from flask_altdentifier.errors import ConfigError
from flask_altdentifier.settings import Settings

from .support import bare_app

CREDENTIALS = {"ALTDENTIFIER_CLIENT_ID": "id", "ALTDENTIFIER_CLIENT_SECRET": "secret"}


def settings(**config: Any) -> Settings:
    """Return the settings for good credentials and *config*."""
    return Settings.from_config(
        CREDENTIALS | {f"ALTDENTIFIER_{key}": value for key, value in config.items()}
    )


def test_defaults() -> None:
    """Only the credentials are required."""
    cache = SimpleCache()
    assert settings(STORE=cache) == Settings(
        client_id="id",
        client_secret="secret",
        scope=frozenset({"read:user"}),
        redirect_uri=None,
        base_url="https://altdentifier.com",
        token_auth_method="client_secret_post",
        pkce=False,
        refresh=False,
        timeout=10.0,
        login_lifetime=600,
        after_login="/",
        after_logout="/",
        store=cache,
        webhook_secret=None,
    )


def test_repr_hides_secrets() -> None:
    """Settings in a log tell no secret."""
    shown = repr(settings(CLIENT_SECRET="hide-me", WEBHOOK_SECRET="hide-me"))
    assert "hide-me" not in shown


@pytest.mark.parametrize("key", ["CLIENT_ID", "CLIENT_SECRET"])
def test_missing_credential_stops_the_registration(key: str) -> None:
    """An app without credentials does not start; the message names the key."""
    app = bare_app()
    del app.config[f"ALTDENTIFIER_{key}"]
    with pytest.raises(ConfigError) as caught:
        app.register_blueprint(blueprint)
    name = f"ALTDENTIFIER_{key}"
    assert str(caught.value) == (
        f"{name} is missing. AltDentifier shows it on your application's page. Set "
        f'app.config["{name}"], or FLASK_{name} in the environment and call '
        "app.config.from_prefixed_env(), before you register the blueprint."
    )
    assert "altdentifier" not in app.extensions
    assert "altdentifier.login" not in app.view_functions


@pytest.mark.parametrize("key", ["CLIENT_ID", "CLIENT_SECRET"])
def test_credential_that_is_none(key: str) -> None:
    """None has reasons of its own, and the message names them."""
    with pytest.raises(ConfigError) as caught:
        settings(**{key: None})
    assert str(caught.value) == (
        f"ALTDENTIFIER_{key} is missing: it is None. Does os.environ.get() find it? "
        "null in the environment is read as JSON: quote it, '\"null\"'."
    )


@pytest.mark.parametrize("key", ["CLIENT_ID", "CLIENT_SECRET", "WEBHOOK_SECRET"])
def test_digits_that_became_an_int(key: str) -> None:
    """`from_prefixed_env` makes an int of digits; it is taken by its digits."""
    value = settings(**{key: 12345678901234567890})
    assert getattr(value, key.lower()) == "12345678901234567890"


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment alone configures the extension."""
    monkeypatch.setenv("FLASK_ALTDENTIFIER_CLIENT_ID", "0123")
    monkeypatch.setenv("FLASK_ALTDENTIFIER_CLIENT_SECRET", "42")
    monkeypatch.setenv("FLASK_ALTDENTIFIER_SCOPE", '["read:user", "write:integrations"]')
    monkeypatch.setenv("FLASK_ALTDENTIFIER_PKCE", "true")
    monkeypatch.setenv("FLASK_ALTDENTIFIER_TIMEOUT", "3")
    app = Flask(__name__)
    app.config.from_prefixed_env()
    read = Settings.from_config(app.config)
    assert (read.client_id, read.client_secret, read.pkce, read.timeout) == ("0123", "42", True, 3)
    assert read.scope == {"read:user", "write:integrations"}


@pytest.mark.parametrize(
    ("key", "value", "mend"),
    [
        ("CLIENT_ID", 1e10, "double quotes inside single quotes"),
        ("CLIENT_ID", True, "double quotes inside single quotes"),
        ("CLIENT_ID", None, "quote it"),
        ("CLIENT_ID", -5, "double quotes inside single quotes"),
        ("CLIENT_ID", "", "not empty"),
        ("CLIENT_ID", "id\n", "line break"),
        ("CLIENT_ID", "ïd", "printable ASCII"),
        ("CLIENT_SECRET", 1.5, "double quotes inside single quotes"),
        ("CLIENT_SECRET", "s\x00", "printable ASCII"),
        ("CLIENT_SECRET", b"bytes", "not bytes"),
        ("SCOPE", "", "is empty"),
        ("SCOPE", [], "is empty"),
        ("SCOPE", None, "must be a string"),
        ("SCOPE", 7, "must be a string"),
        ("SCOPE", ["read:user write:integrations"], "is not a scope"),
        ("SCOPE", 'read:"user"', "is not a scope"),
        ("SCOPE", [["x"]], "is not a scope"),
        ("SCOPE", [{}], "is not a scope"),
        ("REDIRECT_URI", "/callback", "absolute URL"),
        ("REDIRECT_URI", "app.example/callback", "absolute URL"),
        ("REDIRECT_URI", "https://app.example/callback#x", "absolute URL"),
        ("REDIRECT_URI", 7, "absolute URL"),
        ("BASE_URL", "altdentifier.com", "must be an origin"),
        ("BASE_URL", "https://altdentifier.com/oauth2", "without a path"),
        ("BASE_URL", "https://altdentifier.com?x", "must be an origin"),
        ("BASE_URL", "http://altdentifier.com", "must be https"),
        ("BASE_URL", "http://10.0.0.1:8400", "must be https"),
        ("BASE_URL", "http://127.0.0.1@evil.example", "must be an origin"),
        ("BASE_URL", None, "must be an origin"),
        ("BASE_URL", "https://foo..bar", "must be an origin"),
        ("TOKEN_AUTH_METHOD", "none", "must be one of"),
        ("TOKEN_AUTH_METHOD", None, "must be one of"),
        ("PKCE", "yes", "True or False"),
        ("PKCE", 1, "True or False"),
        ("REFRESH", "on", "True or False"),
        ("TIMEOUT", 0, "above 0"),
        ("TIMEOUT", -1, "above 0"),
        ("TIMEOUT", True, "above 0"),
        ("TIMEOUT", "10", "above 0"),
        ("TIMEOUT", float("nan"), "above 0"),
        ("TIMEOUT", float("inf"), "above 0"),
        ("TIMEOUT", None, "above 0"),
        ("LOGIN_LIFETIME", 0, "above 0"),
        ("LOGIN_LIFETIME", 10**30, "above 0"),
        ("AFTER_LOGIN", "home", "begins with one '/'"),
        ("AFTER_LOGIN", "//evil.example", "begins with one '/'"),
        ("AFTER_LOGOUT", "https://evil.example/", "begins with one '/'"),
        ("AFTER_LOGOUT", None, "begins with one '/'"),
        ("STORE", {}, "cachelib cache"),
        ("STORE", "redis://localhost", "cachelib cache"),
        ("WEBHOOK_SECRET", "", "not empty"),
        ("WEBHOOK_SECRET", 0.5, "double quotes inside single quotes"),
    ],
)
def test_wrong_value_is_named_with_its_mend(key: str, value: Any, mend: str) -> None:
    """A value that cannot be meant stops the app and says what to write instead."""
    with pytest.raises(ConfigError, match=rf"^ALTDENTIFIER_{key} .*{mend}") as error:
        settings(**{key: value})
    assert isinstance(error.value, RuntimeError)


URL_RULES = (
    "http or https in small letters, a valid host (xn--... if not ASCII) and port, "
    "printable ASCII, no space, line break, backslash, user name ('@') or fragment ('#')."
)
REDIRECT_URI = (
    f"must be the absolute URL of the callback, such as 'https://example.com/callback': {URL_RULES}"
)
BASE_URL = (
    f"must be an origin such as 'https://altdentifier.com', without a path or query: {URL_RULES}"
)
SECONDS = "must be a number of seconds above 0 and at most 100000000, without quotes."
PATH = (
    "must be a path of this site that begins with one '/', such as '/home': "
    "no backslash, line break or other control character, at most 2048 bytes percent-encoded."
)
IS_NO_SCOPE = 'is not a scope: printable ASCII without space, " and \\'


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("REDIRECT_URI", "https://münchen.example/callback", REDIRECT_URI),
        ("REDIRECT_URI", "https://app.example/callback\n", REDIRECT_URI),
        ("REDIRECT_URI", "https://app.example:70000/callback", REDIRECT_URI),
        ("REDIRECT_URI", "https://app.example/@me/callback", REDIRECT_URI),
        ("REDIRECT_URI", "HTTPS://app.example/callback", REDIRECT_URI),
        ("BASE_URL", "https://altdentifier.com ", BASE_URL),
        ("BASE_URL", "https://altdentifier.com/?x", BASE_URL),
        ("TIMEOUT", 10**9, SECONDS),
        ("LOGIN_LIFETIME", "600", SECONDS),
        ("AFTER_LOGIN", "/home\n", PATH),
        ("AFTER_LOGIN", "/\\home", PATH),
        ("AFTER_LOGOUT", "/" + "a" * 2048, PATH),
        (
            "SCOPE",
            ["read:user write:integrations"],
            f"'read:user write:integrations' {IS_NO_SCOPE}; a list has one scope per item, "
            "a string has a space between two.",
        ),
        (
            "SCOPE",
            "read:user\nwrite:integrations",
            f"'read:user\\nwrite:integrations' {IS_NO_SCOPE}; a list has one scope per item, "
            "a string has a space between two.",
        ),
    ],
)
def test_message_names_the_rule_that_is_broken(key: str, value: Any, message: str) -> None:
    """What looks right but for one rule gets a message with that rule in it."""
    with pytest.raises(ConfigError) as error:
        settings(**{key: value})
    assert str(error.value) == f"ALTDENTIFIER_{key} {message}"


def test_password_in_a_url_is_not_repeated() -> None:
    """A URL may hold a password, so the message does not repeat the URL."""
    for key in ("REDIRECT_URI", "BASE_URL"):
        with pytest.raises(ConfigError) as error:
            settings(**{key: "https://me:hide-me@app.example/"})
        assert "hide-me" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("SCOPE", "a b", frozenset({"a", "b"})),
        ("SCOPE", ("a",), frozenset({"a"})),
        ("REDIRECT_URI", "https://app.example/cb?x=1", "https://app.example/cb?x=1"),
        ("REDIRECT_URI", "http://127.0.0.1:5000/callback", "http://127.0.0.1:5000/callback"),
        ("BASE_URL", "https://altdentifier.dev/", "https://altdentifier.dev"),
        ("BASE_URL", "http://localhost:8400", "http://localhost:8400"),
        ("BASE_URL", "http://[::1]:8400/", "http://[::1]:8400"),
        ("TOKEN_AUTH_METHOD", "client_secret_basic", "client_secret_basic"),
        ("TIMEOUT", 1, 1.0),
        ("LOGIN_LIFETIME", 1.5, 2),
        ("AFTER_LOGIN", "/home?tab=1", "/home?tab=1"),
        ("AFTER_LOGOUT", "/auf wiedersehen", "/auf%20wiedersehen"),
    ],
)
def test_value_is_read(key: str, value: Any, read: Any) -> None:
    """A good value is read, in one form."""
    assert getattr(settings(**{key: value}), key.lower()) == read


def test_client_hash_tells_clients_apart() -> None:
    """Two apps on one host have cookies of different names."""
    assert settings(CLIENT_ID="a").client_hash != settings(CLIENT_ID="b").client_hash
