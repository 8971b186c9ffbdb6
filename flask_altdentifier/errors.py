"""What can go wrong, each a response of its own.

    RuntimeError
      ConfigError                  the app is set up wrongly
    HTTPException
      AltDentifierError            the base; has no status
        StateError                 400 invalid_state
        LoginError                 400 invalid_callback
        CodeRejected               400 code_rejected
        LoginRequired              401 login_required
        AccessDenied               403 access_denied
        InsufficientScope          403 insufficient_scope
        CrossSite                  403 cross_site
        ClientCredentialsRejected  502 client_credentials_rejected
        ProviderError              502 provider_error
        ProviderUnavailable        503 provider_unavailable
        StoreUnavailable           503 store_unavailable
        PrefetchRefused            503 prefetch_refused
        ProviderTimeout            504 provider_timeout

`webhooks` adds `WebhookInvalid`, `WebhookUnsigned` and `WebhookTooLarge`, for its own route.

The tree is flat because Flask looks error handlers up by status first: a handler for a parent with
another status would never be called. `@app.errorhandler(AltDentifierError)` replaces them all.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from flask import current_app, render_template, request
from werkzeug.exceptions import HTTPException

from .browser import wants_html
from .texts import language_of, translated

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger: logging.Logger = logging.getLogger("flask_altdentifier")


class ConfigError(RuntimeError):
    """The app is set up wrongly; the message names the key and the mend."""


class AltDentifierError(HTTPException):
    """Base of all that a request can meet.

    Browsers get the template `altdentifier/error.html`, others `application/problem+json`
    (RFC 9457). Neither holds a code, a state, a token, a secret or text from AltDentifier. Title
    and detail are in English here, and in the visitor's language there, where the app has
    Flask-Babel.
    """

    #: Stable, for programs: it stands in the page, the JSON, the log and the docs.
    reason: ClassVar[str]
    #: What happened, in a few words.
    title: str
    #: What happened and what to do, for the person before the browser.
    detail: str
    #: Whether a new login is a way on.
    login_helps: bool = True
    #: Whether a person may meet it, who gets a page.
    has_page: ClassVar[bool] = True

    def __init__(self, *, next: str | None = None) -> None:  # noqa: A002
        super().__init__(self.detail)
        #: Local path to which a new login should lead, if one is known.
        self.next = next

    @property
    def name(self) -> str:
        """The title."""
        return self.title

    @property
    def login_url(self) -> str:
        """Path at which a new login starts."""
        path: str = current_app.extensions["altdentifier"].login_path(self.next)
        return path

    @property
    def language(self) -> str:
        """Language tag of the page (RFC 5646): `en` where the title is not translated."""
        return language_of(self.title)

    @staticmethod
    def translated(text: str) -> str:
        """Return *text* in the visitor's language, for the page."""
        return translated(text)

    @property
    def _is_page(self) -> bool:
        return self.has_page and wants_html(request)

    def problem(self) -> dict[str, Any]:
        """Return the members of the problem+json body."""
        members = {
            "type": f"urn:flask-altdentifier:error:{self.reason}",
            "title": translated(self.title),
            "status": self.code,
            "detail": translated(self.detail),
            "reason": self.reason,
        }
        return members | {"login_url": self.login_url} if self.login_helps else members

    def get_body(
        self,
        environ: WSGIEnvironment | None = None,  # noqa: ARG002
        scope: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> str:
        """Return the page for a browser, problem+json for others."""
        if self._is_page:
            return render_template("altdentifier/error.html", error=self)
        return json.dumps(self.problem())

    def get_headers(
        self,
        environ: WSGIEnvironment | None = None,  # noqa: ARG002
        scope: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> list[tuple[str, str]]:
        """Return the headers that go with the body."""
        kind = "text/html; charset=utf-8" if self._is_page else "application/problem+json"
        return [
            ("Content-Type", kind),
            ("Cache-Control", "no-store"),
            ("Vary", "Accept, Sec-Fetch-Mode"),
        ]


class StateError(AltDentifierError):
    """The state of a callback is missing, malformed, unknown, used, expired or another browser's.

    The answer of RFC 6749 section 10.12 to cross-site request forgery.
    """

    code: int = 400
    reason = "invalid_state"
    title = "This login cannot be finished"
    detail = (
        "The login was not started in this browser, was finished already, or took too long. "
        "Nothing has changed. Please start again."
    )


class LoginError(AltDentifierError):
    """A callback whose parameters are no answer of RFC 6749 section 4.1.2."""

    code: int = 400
    reason = "invalid_callback"
    title = "AltDentifier sent an answer that does not count"
    detail = "The answer that your browser brought back is not valid. Please start again."


class CodeRejected(AltDentifierError):
    """The token endpoint answered 400: the code was used, has expired or is not ours."""

    code: int = 400
    reason = "code_rejected"
    title = "AltDentifier did not accept this login"
    detail = "The login has expired or was used before. Please start again."


class LoginRequired(AltDentifierError):
    """A protected view was asked for, or `api` used, without a live grant."""

    code: int = 401
    reason = "login_required"
    title = "Please log in"
    detail = "You need to log in with AltDentifier to see this."

    def get_headers(
        self,
        environ: WSGIEnvironment | None = None,
        scope: dict[str, Any] | None = None,
    ) -> list[tuple[str, str]]:
        """Add the challenge of RFC 6750 section 3."""
        return [*super().get_headers(environ, scope), ("WWW-Authenticate", "Bearer")]


class AccessDenied(AltDentifierError):
    """The user said no (`error=access_denied`, RFC 6749 section 4.1.2.1)."""

    code: int = 403
    reason = "access_denied"
    title = "You did not allow the login"
    detail = "You chose not to give access, so nothing has changed. You can try again any time."


class InsufficientScope(AltDentifierError):
    """The grant lacks a scope that was declined, or that this request cannot ask for.

    Where it lacks none, AltDentifier's API refuses a call for a reason of its own.
    """

    #: Title and detail where no scope is missing, so that no login helps.
    NOTHING_MISSING: ClassVar[tuple[str, str]] = (
        "AltDentifier does not allow this",
        "You have given this site all the access that there is, but AltDentifier refused it.",
    )

    code: int = 403
    reason = "insufficient_scope"
    title: str = "More access is needed"
    detail: str = (
        "You are logged in, but you have not given the access that this needs. "
        "Log in again and allow it to go on."
    )

    def __init__(self, missing_scopes: Iterable[str], *, next: str | None = None) -> None:  # noqa: A002
        #: What the grant lacks, sorted.
        self.missing_scopes: list[str] = sorted(missing_scopes)
        if not self.missing_scopes:
            self.title, self.detail = self.NOTHING_MISSING
            self.login_helps = False
        super().__init__(next=next)

    def problem(self) -> dict[str, Any]:
        """Add the missing scopes."""
        return super().problem() | {"missing_scopes": self.missing_scopes}


class CrossSite(AltDentifierError):
    """Another site's page tried to log the user out."""

    code: int = 403
    reason = "cross_site"
    title = "This did not come from this site"
    detail = "Another site asked to log you out. You are still logged in; nothing has changed."
    login_helps = False


class ClientCredentialsRejected(AltDentifierError):
    """The token endpoint answered 401: the app's client id or secret is wrong."""

    code: int = 502
    reason = "client_credentials_rejected"
    title = "This site is set up wrongly"
    detail = (
        "AltDentifier does not accept this site's credentials. This is not your fault; "
        "the people who run the site need to mend it."
    )


class ProviderError(AltDentifierError):
    """AltDentifier answered with something that is no valid answer, or not at all."""

    code: int = 502
    reason = "provider_error"
    title = "AltDentifier has a problem"
    detail = "AltDentifier did not give a valid answer. Please try again in a few minutes."


class _Unavailable(AltDentifierError):
    """Base of the 503s: says when to come back, where that is known."""

    code: int = 503

    def __init__(self, *, retry_after: str | None = None, next: str | None = None) -> None:  # noqa: A002
        super().__init__(next=next)
        #: Seconds or an HTTP date (RFC 9110 section 10.2.3).
        self.retry_after = retry_after

    def get_headers(
        self,
        environ: WSGIEnvironment | None = None,
        scope: dict[str, Any] | None = None,
    ) -> list[tuple[str, str]]:
        """Add Retry-After where it is known."""
        headers = super().get_headers(environ, scope)
        if self.retry_after is not None:
            headers.append(("Retry-After", self.retry_after))
        return headers


class ProviderUnavailable(_Unavailable):
    """AltDentifier answered 429 or 503."""

    reason = "provider_unavailable"
    title = "AltDentifier is busy"
    detail = "AltDentifier cannot answer right now. Please try again in a little while."


class StoreUnavailable(_Unavailable):
    """The store does not answer or does not take what it is given."""

    reason = "store_unavailable"
    title = "This site has a problem"
    detail = "Logins cannot be checked right now. Please try again in a little while."

    def get_body(
        self,
        environ: WSGIEnvironment | None = None,
        scope: dict[str, Any] | None = None,
    ) -> str:
        """Return the body. To its page `current_grant` is false: the store is not asked again."""
        ours = current_app.extensions["altdentifier"]
        request.environ.setdefault(ours.environ_key, None)
        return super().get_body(environ, scope)


class PrefetchRefused(_Unavailable):
    """A browser wanted to fetch a page ahead of time whose visit would start a login."""

    reason = "prefetch_refused"
    title = "This page cannot be fetched ahead of time"
    detail = "Open the page to log in."
    login_helps = False


class ProviderTimeout(AltDentifierError):
    """AltDentifier took longer than `ALTDENTIFIER_TIMEOUT`."""

    code: int = 504
    reason = "provider_timeout"
    title = "AltDentifier took too long"
    detail = "AltDentifier did not answer in time. Please try again in a few minutes."


def log(message: str, error: AltDentifierError | type[AltDentifierError]) -> None:
    """Log *message* with the reason: trouble of the site or AltDentifier's as a WARNING."""
    level = logging.WARNING if (error.code or 500) >= 500 else logging.INFO
    logger.log(level, message, error.reason)
