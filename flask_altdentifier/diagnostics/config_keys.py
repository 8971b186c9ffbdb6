"""Problems of config keys: misspelled, unused, set too late, placeholders, unknown scopes."""

from __future__ import annotations

import os
import re
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from ..config import PREFIX, config_keys, key_name, read_config
from ..decorators import REQUIRED_SCOPES
from ..errors import ConfigError
from ..scopes import DOCUMENTED_SCOPE_NAMES, format_scope
from .findings import Finding, Findings, finding
from .subject import Subject

_PLACEHOLDER = re.compile(
    r"(my|your|the|some|test|example|demo|sample|dummy|fake|placeholder|change|replace|insert|todo"
    r"|xxx|foo|bar|secret|client|app|id|key|token|value|here|me|this|with|it|a|dev|flask|altdentifier"
    r"|[-_ .<>\[\]{}])+",
    re.IGNORECASE,
)
_SECRET_KEY_LENGTH = 16
_CREDENTIALS = tuple(PREFIX + name for name in ("CLIENT_ID", "CLIENT_SECRET", "WEBHOOK_SECRET"))


def check_config_keys(subject: Subject) -> Findings:
    """Find keys that have no effect or an implausible value."""
    yield from _unknown_keys(subject)
    yield from _unused_environment(subject)
    yield from _late_changes(subject)
    yield from _placeholders(subject)
    yield from _scopes(subject)


def explain_config_error(error: ConfigError) -> Finding:
    """Return the finding for an app that cannot be loaded because of *error*."""
    examples = {key_name(key): key.metadata["example"] for key in config_keys()}
    named = re.search("|".join(examples), str(error))
    fix = "Change the config as the message says."
    if named is not None and named[0] in _CREDENTIALS:
        fix = f'{named[0]} = "..."  # copy it from your application\'s page'
    elif named is not None:
        fix = f"{named[0]} = {examples[named[0]]}"
    return finding("config-invalid", error=error, fix=fix)


def _unknown_keys(subject: Subject) -> Findings:
    known = [key.name.upper() for key in config_keys()]
    for key in sorted(key for key in subject.app.config if isinstance(key, str)):
        first, _, rest = key.partition("_")
        # The first word may be misspelled too.
        likeness = SequenceMatcher(None, f"{first}_", PREFIX).ratio()
        if likeness < 0.9 or (likeness == 1 and rest in known):
            continue
        closest = get_close_matches(rest, known, 1)
        fix = f"{PREFIX}{closest[0]} = ...  # instead of {key}" if closest else f"Remove {key}."
        yield finding("unknown-key", key=key, fix=fix)


def _unused_environment(subject: Subject) -> Findings:
    for key in config_keys():
        for name in (f"FLASK_{key_name(key)}", key_name(key)):
            # The registration writes the defaults back, so a default value means "not set".
            default = key.metadata["default"]
            is_default = subject.app.config.get(key_name(key)) == default
            if is_default and os.environ.get(name, str(default)).strip('"') != str(default):
                yield finding("environment-unused", name=name)


def _late_changes(subject: Subject) -> Findings:
    try:
        now = read_config(subject.app.config)
    except ConfigError as error:
        yield finding("config-late", key=str(error).partition(" ")[0])
        return
    for key in config_keys():
        # A store's URL becomes a new object each time.
        if key.name != "store" and getattr(subject.config, key.name) != getattr(now, key.name):
            yield finding("config-late", key=key_name(key))


def _placeholders(subject: Subject) -> Findings:
    config = subject.config
    if subject.is_production or not subject.is_local:
        values = ([config.client_id], [config.client_secret], config.webhook_secret or ())
        for key, texts in zip(_CREDENTIALS, values, strict=True):
            if any(_PLACEHOLDER.fullmatch(text) for text in texts):
                yield finding("placeholder", key=key)
    secret_key = subject.app.secret_key
    if subject.is_production and secret_key and _is_weak(secret_key):
        yield finding("secret-key-weak")


def _is_weak(secret_key: str | bytes) -> bool:
    text = secret_key if isinstance(secret_key, str) else secret_key.decode("latin-1")
    return len(text) < _SECRET_KEY_LENGTH or _PLACEHOLDER.fullmatch(text) is not None


def _scopes(subject: Subject) -> Findings:
    configured = subject.config.scope
    for scope in sorted(configured - DOCUMENTED_SCOPE_NAMES):
        meant = format_scope(
            {part for token in configured for part in _meant_scopes(token)} or {"read:user"}
        )
        fix = f'ALTDENTIFIER_SCOPE = "{meant}"'
        yield finding("scope-unknown", owner="ALTDENTIFIER_SCOPE", scope=scope, fix=fix)
    for endpoint, view in subject.app.view_functions.items():
        required: Any = getattr(view, REQUIRED_SCOPES, frozenset())
        for scope in sorted(required - DOCUMENTED_SCOPE_NAMES):
            meant = ", ".join(f'"{part}"' for part in _meant_scopes(scope)) or '"read:user"'
            owner, fix = f"The guard of the endpoint {endpoint!r}", f"@requires_scope({meant})"
            yield finding("scope-unknown", owner=owner, scope=scope, fix=fix)


def _meant_scopes(token: str) -> list[str]:
    """Return the documented scopes that a misspelled or comma-separated *token* resembles."""
    parts = [part.lower() for part in token.split(",")]
    return [s for part in parts for s in get_close_matches(part, DOCUMENTED_SCOPE_NAMES, 1)]
