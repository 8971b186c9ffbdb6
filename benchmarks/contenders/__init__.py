"""What is compared: one small file each, written as its own documentation shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from flask import Flask

ORIGIN = "https://app.example"
CLIENT_ID = "benchmark"
CLIENT_SECRET = "a secret of the benchmark that is long enough to sign with"  # noqa: S105
SCOPE = "read:user"

#: Ours, the one that is written by hand, and the peers.
NAMES = ("ours", "floor", "authlib", "flask_dance", "flask_discord", "flask_login")
PEERS = NAMES[2:]
#: Those that send OAuth 2.0 requests to the provider.
OAUTH = NAMES[:-1]


@dataclass(frozen=True)
class Contender:
    """One way to guard a view by a login."""

    title: str
    #: The distribution on PyPI whose version is printed.
    distribution: str
    #: What an app imports for it, beside flask and flask_session.
    imports: str
    #: Adds the guarded view `/protected` to an app, and what it needs. Takes the provider's URL.
    install: Callable[[Flask, str], None]
    login_path: str = "/login"
    oauth: bool = True


def load(name: str) -> Contender:
    """Return the contender in the file of that name. Raises `ImportError` if it is missing."""
    contender: Contender = import_module(f"{__name__}.{name}").CONTENDER
    return contender
