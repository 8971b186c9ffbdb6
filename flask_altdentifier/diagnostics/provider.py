"""Checks the client ID, the client secret and the clock with AltDentifier."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress

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
        status, date = _request_consent_page(subject)
    except ProviderFailure as error:
        if error.provider_status is None:
            yield _explain(subject, error)
            return
        status, date = error.provider_status, None  # a page that is too long for the transport
    if status == 404:
        yield finding("client-id")
    elif status in {403, 429} or status >= 500:
        yield _explain(subject, ProviderError(provider_status=status))
    else:
        yield from _exchange_made_up_code(subject)
    skew = clock_skew(date)
    if abs(skew) > MAX_SKEW:
        direction = "behind" if skew > 0 else "ahead of"
        yield finding("clock", seconds=abs(skew), direction=direction)


def clock_skew(date: str | None) -> int:
    """Return how many seconds a Date header is ahead of this machine's clock, 0 if unknown."""
    parsed = None
    with suppress(OverflowError):  # before Python 3.14: a year of eleven digits
        parsed = parse_date(date)
    return 0 if parsed is None else round(parsed.timestamp() - time.time())


def _request_consent_page(subject: Subject) -> tuple[int, str | None]:
    """Request the integration link, which needs no redirect URI. Return status and `Date`."""
    return subject.state.transport.request(
        "GET",
        integration_url().removeprefix(subject.config.base_url),
        headers={"Accept": "text/html"},
        body=None,
        read=lambda response: (response.status, response.headers.get("Date")),
    )


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
        yield _explain(subject, error)


def _explain(subject: Subject, error: ProviderFailure) -> Finding:
    url, status = subject.config.base_url, error.provider_status
    if status is None:
        cause = error.cause or "no answer in time"
        fix = _network_fix(subject, cause)
        return finding("provider-unreachable", url=url, cause=cause, fix=fix)
    if status == 403:
        cause = "a firewall or bot filter refuses it (403)"
        fix = "Ask AltDentifier to allow this server's address, or use another one."
        return finding("provider-unreachable", url=url, cause=cause, fix=fix)
    cause, fix = f"status {status}", "Run this check again later."
    if error.cause in _NOT_THE_API:
        cause += " with something else than AltDentifier's API"
        fix = "Correct ALTDENTIFIER_BASE_URL, or remove the proxy that answers instead."
    return finding("provider-error", url=url, cause=cause, fix=fix)


def _network_fix(subject: Subject, cause: str) -> str:
    if cause == "SSLCertVerificationError":
        return (
            "Install the CA certificates of this system (ca-certificates), or set SSL_CERT_FILE to "
            "a file with the CA certificate of your proxy."
        )
    if subject.uses_sandbox:
        return "flask altdentifier sandbox  # or run the app with: flask altdentifier dev"
    return "Allow it in the firewall, or correct ALTDENTIFIER_BASE_URL."
