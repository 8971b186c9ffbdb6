"""Problems of config keys: misspelled, unused, set too late, placeholders, unknown scopes."""

from __future__ import annotations

import json
import os
import re
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from ..config import PREFIX, config_keys, key_name, read_config
from ..decorators import REQUIRED_SCOPES
from ..errors import ConfigError
from ..scopes import DOCUMENTED_SCOPE_NAMES, READ_USER, format_scope
from .findings import Finding, Findings, finding
from .subject import Subject

#: A text that consists of such words only, such as a value of this package's docs.
_PLACEHOLDER = re.compile(
    r"123456789|(my|your|the|of|some|test|example|demo|sample|dummy|fake|placeholder|change|replace"
    r"|insert|todo|xxx|foo|bar|secret|client|application|app|id|key|token|value|here|me|this|with"
    r"|it|a|dev|sandbox|flask|altdentifier|[-_ .<>\[\]{}])+",
    re.IGNORECASE,
)
_CREDENTIALS = tuple(PREFIX + name for name in ("CLIENT_ID", "CLIENT_SECRET", "WEBHOOK_SECRET"))
_EXAMPLES = {key_name(key): key.metadata["example"] for key in config_keys()}


def check_config_keys(subject: Subject) -> Findings:
    """Find keys that have no effect or an implausible value."""
    yield from _unknown_keys(subject)
    yield from _unused_environment(subject)
    yield from _late_changes(subject)
    yield from _placeholders(subject)
    yield from _scopes(subject)


def explain_config_error(error: ConfigError) -> Finding:
    """Return the finding for an app that cannot be loaded because of *error*."""
    key = _named_key(error)
    if key in _CREDENTIALS:
        fix = f'{key} = "..."  # copy it from your application\'s page'
    elif key in _EXAMPLES:
        fix = f"{key} = {_EXAMPLES[key]}"
    else:
        fix = "Change the config as the message says."
    return finding("config-invalid", error=error, fix=fix)


def _named_key(error: ConfigError) -> str:
    """Return the config key that *error* names, or an empty string."""
    found = re.search("|".join(_EXAMPLES), str(error))
    return found[0] if found else ""


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
        name, default = key_name(key), key.metadata["default"]
        if subject.app.config.get(name) != default:
            continue
        for variable in (f"FLASK_{name}", name):
            if variable in os.environ and _parse(os.environ[variable]) != default:
                yield finding("environment-unused", name=variable, key=name)


def _parse(text: str) -> Any:
    """Return the value that `from_prefixed_env` reads from *text*."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _late_changes(subject: Subject) -> Findings:
    try:
        now = read_config(subject.app.config)
    except ConfigError as error:
        yield finding("config-late", key=_named_key(error))
        return
    for key in config_keys():
        # A store's URL becomes a new object each time.
        if key.name != "store" and getattr(subject.config, key.name) != getattr(now, key.name):
            yield finding("config-late", key=key_name(key))


def _placeholders(subject: Subject) -> Findings:
    config = subject.config
    if subject.uses_sandbox and not subject.is_production:
        return
    values = ([config.client_id], [config.client_secret], config.webhook_secret or ())
    for key, texts in zip(_CREDENTIALS, values, strict=True):
        if any(_PLACEHOLDER.fullmatch(text) for text in texts):
            yield finding("placeholder", key=key)


def _scopes(subject: Subject) -> Findings:
    configured = subject.config.scope
    fix = f'ALTDENTIFIER_SCOPE = "{format_scope(_meant_scopes(configured))}"'
    yield from _unknown_scopes(configured, "ALTDENTIFIER_SCOPE", fix)
    for endpoint, view in subject.app.view_functions.items():
        required: Any = getattr(view, REQUIRED_SCOPES, frozenset())
        names = ", ".join(f'"{scope}"' for scope in sorted(_meant_scopes(required)))
        owner = f"The guard of the endpoint {endpoint!r}"
        yield from _unknown_scopes(required, owner, f"@requires_scope({names})")


def _unknown_scopes(scopes: frozenset[str], owner: str, fix: str) -> Findings:
    for scope in sorted(scopes - DOCUMENTED_SCOPE_NAMES):
        yield finding("scope-unknown", owner=owner, scope=scope, fix=fix)


def _meant_scopes(scopes: frozenset[str]) -> set[str]:
    """Return the documented scopes that misspelled or comma-separated *scopes* resemble."""
    names = ",".join(scopes).lower().split(",")
    closest = (get_close_matches(name, DOCUMENTED_SCOPE_NAMES, 1) for name in names)
    return set().union(*closest) or {READ_USER}
