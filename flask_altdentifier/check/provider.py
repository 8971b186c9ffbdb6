"""What AltDentifier says to the client id, the secret, and the clock."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.http import parse_date

from ..errors import (
    AltDentifierError,
    ClientCredentialsRejected,
    ProviderError,
    ProviderTimeout,
)
from ..installed import installed
from ..integration import integration_url
from ..urls import is_loopback
from .findings import Findings, finding

if TYPE_CHECKING:
    from ..transport import Response

#: Seconds that this machine's clock may differ from AltDentifier's.
MAX_CLOCK_SKEW = 60


def at_provider() -> Findings:
    """Ask for the authorize page, and for a token with a code that nobody was given."""
    try:
        response = _ask()
    except (ProviderError, ProviderTimeout):
        mend = 'ALTDENTIFIER_BASE_URL = "https://altdentifier.com"  # and let the firewall pass it'
        if is_loopback(urlsplit(installed().settings.base_url).hostname or ""):
            mend = "flask altdentifier sandbox  # in another shell"
        yield finding("provider-unreachable", mend=mend)
        return
    if response.status == 404:
        yield finding("client-id")
    elif response.status == 429 or response.status >= 500:
        yield finding("provider-error", status=response.status)
    elif _secret_is_refused():
        yield finding("client-secret")
    yield from _clock(response)


def _ask(method: str = "GET") -> Response:
    """Ask for the authorize page, in the one documented form without a redirect URI.

    Raises `ProviderError` and `ProviderTimeout`.
    """
    target = integration_url().removeprefix(installed().settings.base_url)
    try:
        return installed().transport.request(
            method, target, headers={"Accept": "text/html"}, body=None
        )
    except ProviderError:
        if method == "HEAD":
            raise
        return _ask("HEAD")  # the page may be longer than what the transport reads


def _secret_is_refused() -> bool:
    """Tell whether the token endpoint answers 401; 400 speaks of the code, and is expected."""
    settings = installed().settings
    try:
        installed().provider.exchange(
            secrets.token_hex(16),
            redirect_uri=settings.redirect_uri or "http://localhost/callback",
            verifier=None,
            requested_scope=settings.scope,
        )
    except ClientCredentialsRejected:
        return True
    except AltDentifierError:
        pass  # it says nothing of the secret
    return False


def _clock(response: Response) -> Findings:
    try:
        date = parse_date(response.headers.get("Date"))
    except OverflowError:  # a year of eleven digits
        return
    if date is None:
        return
    ahead = round(time.time() - date.timestamp())
    if abs(ahead) > MAX_CLOCK_SKEW:
        direction = "ahead of" if ahead > 0 else "behind"
        yield finding("clock", seconds=abs(ahead), direction=direction)
