"""What `flask altdentifier check` finds in keys, and in the session's flags and cookie."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.sessions import SessionInterface

from flask_altdentifier import blueprint

from .checking import CLOUD, LOCAL, SECURE, codes, found_with, good_app, offline

HTTPS = {"ALTDENTIFIER_REDIRECT_URI": CLOUD} | SECURE


def test_keys_that_are_no_strings() -> None:
    """A key that is no string is none of ours."""
    app = good_app()
    app.config[1] = "x"
    assert offline(app) == []


def test_signed_cookie_sessions() -> None:
    """Flask's own sessions are named, and the store that they cannot give is not named again."""
    app = Flask("shop")
    app.config.update(ALTDENTIFIER_CLIENT_ID="a", ALTDENTIFIER_CLIENT_SECRET="b")
    app.register_blueprint(blueprint)
    assert codes(offline(app)) == ["session-cookie"]


def test_session_whose_id_stays() -> None:
    """An interface of the app's own that cannot change ids is named."""
    app = good_app()

    class Own(SessionInterface):
        """Has what Flask asks for, and no more."""

    app.session_interface = Own()
    [found] = [one for one in offline(app) if one.code == "session-id"]
    assert found.message.startswith("The session interface, Own, has no regenerate(session)")


def test_session_cookie_flags() -> None:
    """Flags of the session cookie that hurt are named."""
    assert found_with(SESSION_REFRESH_EACH_REQUEST=True) == ["session-refresh"]
    assert found_with(SESSION_COOKIE_SAMESITE="strict") == ["session-samesite"]
    assert found_with(SESSION_COOKIE_SAMESITE="Lax") == []
    assert found_with(SESSION_COOKIE_HTTPONLY=False) == ["session-httponly"]


def test_secure() -> None:
    """Secure belongs to https, and to nothing else."""
    assert found_with(ALTDENTIFIER_REDIRECT_URI=CLOUD) == ["session-secure"]
    assert found_with(PREFERRED_URL_SCHEME="https") == ["session-secure", "proxy"]
    assert found_with(ALTDENTIFIER_REDIRECT_URI=LOCAL, **SECURE) == ["session-secure-http"]


def test_same_site_none() -> None:
    """`SameSite=None` needs https and Secure; the mend is the one that the site allows."""
    none = {"SESSION_COOKIE_SAMESITE": "none"}
    assert found_with(**HTTPS, **none) == []
    [finding] = offline(good_app(**none))
    assert finding.code == "session-samesite-none"
    assert finding.mend == 'SESSION_COOKIE_SAMESITE = "Lax"'
    same_site, secure = offline(good_app(ALTDENTIFIER_REDIRECT_URI=CLOUD, **none))
    assert codes([same_site, secure]) == ["session-samesite-none", "session-secure"]
    assert same_site.mend == secure.mend == "SESSION_COOKIE_SECURE = True"
    app = good_app(ALTDENTIFIER_REDIRECT_URI=LOCAL, **none, **SECURE)
    assert [finding.mend for finding in offline(app)] == [
        'SESSION_COOKIE_SAMESITE = "Lax"',
        "SESSION_COOKIE_SECURE = False  # on this machine only",
    ]


def test_cookie_names_that_ask_for_more() -> None:
    """Browsers drop a `__Host-` or `__Secure-` cookie that is not what its name says."""
    host, secure = {"SESSION_COOKIE_NAME": "__Host-s"}, {"SESSION_COOKIE_NAME": "__Secure-s"}
    assert found_with(**host, **HTTPS) == []
    assert found_with(**secure, **HTTPS, SESSION_COOKIE_DOMAIN="shop.example") == []
    assert found_with(**host, **HTTPS, SESSION_COOKIE_DOMAIN="example") == ["session-prefix"]
    assert found_with(**host, **HTTPS, SESSION_COOKIE_PATH="/callback") == ["session-prefix"]
    assert found_with(**host) == found_with(**secure) == ["session-prefix"]


def test_session_cookie_that_other_apps_have_too() -> None:
    """Flask's usual name is for a cookie that no other app can see."""
    [finding] = offline(good_app(**HTTPS, SESSION_COOKIE_DOMAIN=".example"))
    assert finding.code == "session-name"
    assert finding.message.startswith("The session cookie goes to all hosts of example: ")
    assert finding.mend == 'SESSION_COOKIE_NAME = "shop_session"'
    app = good_app(APPLICATION_ROOT="/shop", SESSION_COOKIE_PATH="/")
    [finding] = offline(app)
    assert finding.code == "session-name"
    assert "this app is at /shop only" in finding.message
    assert found_with(APPLICATION_ROOT="/shop/", SESSION_COOKIE_PATH="/shop") == []
    app.config["SESSION_COOKIE_NAME"] = "shop"
    assert offline(app) == []


def test_signed_session_ids() -> None:
    """Signed session ids depend on SECRET_KEY, which workers may not share."""
    with pytest.warns(DeprecationWarning, match="use_signer"):
        app = good_app(SESSION_USE_SIGNER=True, SECRET_KEY="x")
    assert codes(offline(app)) == ["secret-key"]


def test_unknown_keys() -> None:
    """Typos are named with what was meant, in the first word too."""
    app = good_app(
        ALTDENTIFIER_SCOPES="a", ALTIDENTIFIER_PKCE=True, ALTDENTIFIER_ZZZ=1, IDENTIFIER_ID=2
    )
    assert [finding.mend for finding in offline(app)] == [
        "ALTDENTIFIER_SCOPE = ...  # in place of ALTDENTIFIER_SCOPES",
        "# remove ALTDENTIFIER_ZZZ",
        "ALTDENTIFIER_PKCE = ...  # in place of ALTIDENTIFIER_PKCE",
    ]


def test_keys_that_come_late() -> None:
    """A key that is set after the registration is named, a wrong value too."""
    app = good_app()
    app.config["ALTDENTIFIER_PKCE"] = True
    [finding] = offline(app)
    assert finding.code == "config-late"
    assert finding.message.startswith("ALTDENTIFIER_PKCE was changed after")
    app.config["ALTDENTIFIER_SCOPE"] = 7
    [finding] = offline(app)
    assert finding.message.startswith("ALTDENTIFIER_SCOPE was changed after")
