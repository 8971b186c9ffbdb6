"""The store is found where the sessions are kept."""

from __future__ import annotations

import sys
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
from cachelib import FileSystemCache, MemcachedCache, RedisCache, SimpleCache
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask_session import Session

from flask_altdentifier.backends import refuse_cookie_sessions, session_cache
from flask_altdentifier.errors import ConfigError


def app_with(kind: str | None, **attributes: Any) -> Flask:
    """Return an app whose session interface looks like Flask-Session's for *kind*."""
    app = Flask(__name__)
    if kind is not None:
        app.config["SESSION_TYPE"] = kind
    app.session_interface = SimpleNamespace(**attributes)  # type: ignore[assignment]
    return app


def test_cachelib_sessions() -> None:
    """Sessions in a cachelib cache share it."""
    cache = SimpleCache()
    app = Flask(__name__)
    app.config.update(SESSION_TYPE="CacheLib", SESSION_CACHELIB=cache)
    Session(app)
    assert session_cache(app) is cache


def test_filesystem_sessions(tmp_path: Any) -> None:
    """The deprecated file sessions are a cachelib cache too."""
    app = Flask(__name__)
    app.config.update(SESSION_TYPE="filesystem", SESSION_FILE_DIR=str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Session(app)
    assert isinstance(session_cache(app), FileSystemCache)


def test_redis_sessions() -> None:
    """Sessions on Redis share its client; our keys bring their own prefix."""
    import redis

    client = redis.Redis()
    app = Flask(__name__)
    app.config.update(SESSION_TYPE="redis", SESSION_REDIS=client)
    Session(app)
    cache = session_cache(app)
    assert isinstance(cache, RedisCache)
    assert cache._write_client is client
    assert cache.key_prefix == ""


def test_redis_client_that_flask_session_replaced() -> None:
    """Where Flask-Session talks to another Redis than the app named, nothing is kept there."""

    class RedisCluster: ...

    app = app_with("redis", client=object())
    app.config["SESSION_REDIS"] = RedisCluster()
    with pytest.raises(ConfigError, match="uses the Redis on localhost instead"):
        session_cache(app)


def test_redis_client_that_was_set_too_late() -> None:
    """A client that Flask-Session would take, but never saw, is told apart."""
    import redis

    app = Flask(__name__)
    app.config.update(SESSION_TYPE="redis", SESSION_REDIS=redis.Redis())
    Session(app)
    app.config["SESSION_REDIS"] = redis.Redis()
    with pytest.raises(ConfigError, match=r"Set SESSION_REDIS before Session\(app\)"):
        session_cache(app)


def test_memcached_sessions() -> None:
    """Sessions on memcached share its client."""
    client = object()
    cache = session_cache(app_with("memcached", client=client))
    assert isinstance(cache, MemcachedCache)
    assert cache._client is client


def test_mongodb_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions on MongoDB share its client and database, in a collection of our own."""
    made: list[Any] = []
    monkeypatch.setattr(
        "flask_altdentifier.backends.MongoDbCache",
        lambda client, db, collection: made.append((client, db, collection)),
    )
    app = app_with("mongodb", client="client")
    session_cache(app)
    app.config["SESSION_MONGODB_DB"] = "shop"
    session_cache(app)
    assert made == [
        ("client", "flask_session", "altdentifier"),
        ("client", "shop", "altdentifier"),
    ]
    assert "pymongo" not in sys.modules or made


@pytest.mark.parametrize("kind", ["sqlalchemy", "dynamodb", "null", None, "redis", "cachelib"])
def test_other_sessions_need_a_store(kind: str | None) -> None:
    """What gives no cache that cachelib speaks to is named, with the key that mends it."""
    with pytest.raises(ConfigError, match="ALTDENTIFIER_STORE is missing"):
        session_cache(app_with(kind))


def test_signed_cookies_are_refused() -> None:
    """Flask's own sessions are refused, a subclass of them too."""

    class Own(SecureCookieSessionInterface):
        pass

    app = Flask(__name__)
    for interface in (SecureCookieSessionInterface(), Own()):
        app.session_interface = interface
        with pytest.raises(ConfigError, match="flask_session"):
            refuse_cookie_sessions(app)
        with pytest.raises(ConfigError, match="flask_session"):
            session_cache(app)
