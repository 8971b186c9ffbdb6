"""Checks the client ID, the client secret and the clock with AltDentifier."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress

from werkzeug.datastructures import Headers
from werkzeug.http import parse_date

from ..errors import ClientCredentialsRejected, CodeRejected, ProviderError, ProviderFailure
from ..integration import integration_url
from .findings import Finding, Findings, finding
from .subject import Subject

#: Seconds that two clocks may differ.
MAX_SKEW = 60

#: Causes of a token response with status 200 that cannot be read.
_NOT_THE_API = {"InvalidJSON", "InvalidTokenResponse"}


def check_provider(subject: Subject) -> Findings:
    """Request the consent page, and exchange a made-up code."""
    try:
        status, headers = _request_consent_page(subject)
    except ProviderFailure as error:
        yield _failed(subject, error)
        return
    if status == 404:
        yield finding("client-id")
    elif status == 403 or status == 429 or status >= 500:
        yield _failed(subject, ProviderError(provider_status=status))
    else:
        yield from _exchange_made_up_code(subject)
    skew = clock_skew(headers.get("Date"))
    if abs(skew) > MAX_SKEW:
        direction = "behind" if skew > 0 else "ahead of"
        yield finding("clock", seconds=abs(skew), direction=direction)


def clock_skew(date: str | None) -> int:
    """Return how many seconds a Date header is ahead of this machine's clock, 0 if unknown."""
    parsed = None
    with suppress(OverflowError):  # before Python 3.14: a year of eleven digits
        parsed = parse_date(date)
    return 0 if parsed is None else round(parsed.timestamp() - time.time())


def _request_consent_page(subject: Subject, method: str = "GET") -> tuple[int, Headers]:
    """Request the integration link, which needs no redirect URI. Raises `ProviderFailure`."""
    target = integration_url().removeprefix(subject.config.base_url)
    try:
        return subject.state.transport.request(
            method,
            target,
            headers={"Accept": "text/html"},
            body=None,
            read=lambda response: (response.status, response.headers),
        )
    except ProviderError:
        if method == "HEAD":
            raise
        # The page may be longer than the transport's limit.
        return _request_consent_page(subject, "HEAD")


def _exchange_made_up_code(subject: Subject) -> Findings:
    config = subject.config
    try:
        subject.state.oauth.exchange_code(
            secrets.token_hex(16),
            redirect_uri=config.redirect_uri or "http://localhost/callback",
            code_verifier=None,
            requested_scope=config.scope,
        )
    except ClientCredentialsRejected as error:
        yield finding("client-secret", status=error.provider_status)
    except CodeRejected:
        pass  # as expected, because the credentials are right and the code is made up
    except ProviderFailure as error:
        yield _failed(subject, error)


def _failed(subject: Subject, error: ProviderFailure) -> Finding:
    url, status = subject.config.base_url, error.provider_status
    if status is not None:
        if status == 403:
            return finding("provider-blocked", url=url)
        cause, fix = "", "Run this check again later."
        if error.cause in _NOT_THE_API:
            cause = f", but the response is not AltDentifier's API ({error.cause})"
            fix = "Correct ALTDENTIFIER_BASE_URL, or remove the proxy that answers instead."
        return finding("provider-error", url=url, status=status, cause=cause, fix=fix)
    cause = f" ({error.cause})" if error.cause else " in time"
    fix = "Allow it in the firewall, or correct ALTDENTIFIER_BASE_URL."
    if subject.is_local:
        fix = "flask altdentifier sandbox  # or run the app with: flask altdentifier dev"
    if error.cause == "SSLCertVerificationError":
        fix = (
            "Install the CA certificates of this system (ca-certificates), or set SSL_CERT_FILE to "
            "a file with the CA certificate of your proxy."
        )
    return finding("provider-unreachable", url=url, cause=cause, fix=fix)
