"""The errors. Each one except `ConfigError` is also an HTTP response.

    RuntimeError
      ConfigError                        the app is misconfigured
    HTTPException
      AltDentifierError                  base, has no status
        LoginFailed                      base, has no status
          StateError                     400 invalid_state
          InvalidCallback                400 invalid_callback
          CodeRejected                   400 code_rejected
          AccessDenied                   403 access_denied
        ProviderFailure                  base, has no status
          ProviderError                  502 provider_error
          ClientCredentialsRejected      502 client_credentials_rejected
          AuthorizationRequestRejected   502 authorization_request_rejected
          ProviderUnavailable            503 provider_unavailable
          ProviderTimeout                504 provider_timeout
        LoginRequired                    401 login_required
        InsufficientScope                403 insufficient_scope
        CrossSite                        403 cross_site
        NotANavigation                   400 not_a_navigation
        PrefetchRefused                  503 prefetch_refused
        StoreUnavailable                 503 store_unavailable

`@app.errorhandler(StateError)` replaces the response of one error. A handler of a base without a
status replaces the responses of all errors below it. A handler of a status code, such as
`@app.errorhandler(403)`, does not get these errors, because Flask finds handlers by class.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from werkzeug.exceptions import HTTPException

from .translatable import N_

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.wrappers import Request, Response

__all__ = [
    "AccessDenied",
    "AltDentifierError",
    "AuthorizationRequestRejected",
    "ClientCredentialsRejected",
    "CodeRejected",
    "ConfigError",
    "CrossSite",
    "InsufficientScope",
    "InvalidCallback",
    "LoginFailed",
    "LoginRequired",
    "NotANavigation",
    "PrefetchRefused",
    "ProviderError",
    "ProviderFailure",
    "ProviderTimeout",
    "ProviderUnavailable",
    "StateError",
    "StoreUnavailable",
]

logger: logging.Logger = logging.getLogger("flask_altdentifier")

#: What the visitor can do: log in (again), try the same again, or nothing.
NextStep: TypeAlias = Literal["login", "retry"] | None


class ConfigError(RuntimeError):
    """The app is misconfigured. The message names the config key and how to fix it."""


class AltDentifierError(HTTPException):
    """Base of all errors of a request.

    Browsers get the template `altdentifier/error.html` in the visitor's language. Other clients get
    `application/problem+json` (RFC 9457). Neither contains a code, a state, a token, a secret or
    text from AltDentifier.

    Example::

        @app.errorhandler(errors.AltDentifierError)
        def show(error):
            return render_template("oops.html", error=error), error.code
    """

    #: Stable name of the error, for programs. The page, the JSON, the log and the docs show it.
    reason: ClassVar[str]
    #: What happened, in a few words.
    title: str
    #: What happened and what to do next, for the visitor.
    detail: str
    #: Whether the visitor can log in (again), retry the same request, or do nothing (None).
    next_step: ClassVar[NextStep] = None
    #: Text of the button on the page.
    button: ClassVar[str] = N_("Try again")
    #: Name of the picture on the page, from templates/altdentifier/marks.html.
    mark: str = "problem"
    #: Whether browsers get a page. If not, the response is always problem+json.
    has_page: ClassVar[bool] = True
    #: Returns the response. `extension` sets it, because this module does not import Flask.
    render: ClassVar[Callable[[AltDentifierError], Response]]

    def __init__(self, *, login_url: str | None = None) -> None:
        super().__init__(self.detail)
        #: Path of `/login` for a new login, or None if a login does not help.
        self.login_url = login_url

    @property
    def name(self) -> str:
        """The title, under the name that Werkzeug uses."""
        return self.title

    @property
    def facts(self) -> str:
        """The reason and any known facts of the cause, for the log. No text from AltDentifier."""
        return self.reason

    def problem(self) -> dict[str, Any]:
        """Return the members of the problem+json body (RFC 9457), in English."""
        members = {
            "type": f"urn:flask-altdentifier:error:{self.reason}",
            "title": self.title,
            "status": self.code,
            "detail": self.detail,
            "reason": self.reason,
        }
        return members if self.login_url is None else {**members, "login_url": self.login_url}

    def extra_headers(self) -> list[tuple[str, str]]:
        """Return the additional headers of this error's response."""
        return []

    def get_response(
        self,
        environ: WSGIEnvironment | Request | None = None,  # noqa: ARG002
        scope: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> Response:
        """Return the page for a browser, or problem+json for other clients."""
        return type(self).render(self)


class LoginFailed(AltDentifierError):
    """Base of the errors for which the visitor can start a new login. It has no status."""

    next_step: ClassVar[NextStep] = "login"
    button: ClassVar[str] = N_("Start again")
    mark: str = "again"


class _ProviderFacts(AltDentifierError):
    """Facts about AltDentifier's response: never its text."""

    def __init__(
        self,
        *,
        provider_status: int | None = None,
        oauth_error: str | None = None,
        cause: str | None = None,
        login_url: str | None = None,
    ) -> None:
        super().__init__(login_url=login_url)
        #: HTTP status of AltDentifier's response, or None if there was none.
        self.provider_status = provider_status
        #: Error code of RFC 6749 sections 4.1.2.1 and 5.2, or None.
        self.oauth_error = oauth_error
        #: Class name of the underlying exception, or None.
        self.cause = cause

    @property
    def facts(self) -> str:
        """The reason, followed by any known status, error code and cause."""
        known = {
            "status": self.provider_status,
            "error": self.oauth_error,
            "cause": self.cause,
        }
        facts = ", ".join(f"{key} {value}" for key, value in known.items() if value is not None)
        return f"{self.reason} ({facts})" if facts else self.reason


class StateError(LoginFailed):
    """The OAuth state is missing, malformed, unknown, used, expired, or another browser's.

    RFC 6749 section 10.12 requires this check against cross-site request forgery.
    """

    code: int = 400
    reason = "invalid_state"
    title: str = N_("This login cannot be completed")
    detail: str = N_(
        "The login was started in another browser, was already completed, or took too long. "
        "Nothing has changed. Please start again."
    )


class InvalidCallback(LoginFailed):
    """The callback's parameters are not an authorization response (RFC 6749 section 4.1.2)."""

    code: int = 400
    reason = "invalid_callback"
    title: str = N_("AltDentifier's response was not valid")
    detail: str = N_(
        "Your browser came back from AltDentifier with an incomplete or altered response. "
        "Nothing has changed. Please start again."
    )


class CodeRejected(LoginFailed, _ProviderFacts):
    """The token endpoint did not accept the code: used, expired, or issued to another client."""

    code: int = 400
    reason = "code_rejected"
    title: str = N_("AltDentifier did not accept this login")
    detail: str = N_("The login has expired or was already used. Please start again.")


class AccessDenied(LoginFailed, _ProviderFacts):
    """The user denied access (`error=access_denied`, RFC 6749 section 4.1.2.1)."""

    code: int = 403
    reason = "access_denied"
    title: str = N_("You did not allow access")
    detail: str = N_("Nothing has changed. You can try again at any time.")


class ProviderFailure(_ProviderFacts):
    """Base of the failures of AltDentifier and of the network in between. It has no status."""


class ProviderError(ProviderFailure):
    """AltDentifier's response was not valid, or AltDentifier did not respond."""

    code: int = 502
    reason = "provider_error"
    title: str = N_("AltDentifier has a problem")
    detail: str = N_("AltDentifier did not respond as expected. Please try again in a few minutes.")
    next_step: ClassVar[NextStep] = "retry"


class ClientCredentialsRejected(ProviderFailure):
    """The token endpoint rejected the client ID or the client secret."""

    code: int = 502
    reason = "client_credentials_rejected"
    mark: str = "operator"
    title: str = N_("This site is misconfigured")
    detail: str = N_(
        "AltDentifier does not accept this site's credentials. Only the site's operators can "
        "fix this."
    )


class AuthorizationRequestRejected(ProviderFailure):
    """AltDentifier rejected the authorization request (RFC 6749 section 4.1.2.1)."""

    code: int = 502
    reason = "authorization_request_rejected"
    mark: str = "operator"
    title: str = N_("This site is misconfigured")
    detail: str = N_(
        "AltDentifier does not accept this site's login requests. Only the site's operators "
        "can fix this."
    )


class ProviderUnavailable(ProviderFailure):
    """AltDentifier answered 429 or 503, or redirected with `temporarily_unavailable`."""

    code: int = 503
    reason = "provider_unavailable"
    mark: str = "wait"
    title: str = N_("AltDentifier is busy")
    detail: str = N_("AltDentifier cannot respond right now. Please try again later.")
    next_step: ClassVar[NextStep] = "retry"

    def __init__(self, *, retry_after: str | None = None, **facts: Any) -> None:
        super().__init__(**facts)
        #: Seconds, or an HTTP date (RFC 9110 section 10.2.3), or None.
        self.retry_after = retry_after

    def extra_headers(self) -> list[tuple[str, str]]:
        """Add `Retry-After`."""
        return [] if self.retry_after is None else [("Retry-After", self.retry_after)]


class ProviderTimeout(ProviderFailure):
    """AltDentifier took longer than `ALTDENTIFIER_TIMEOUT`."""

    code: int = 504
    reason = "provider_timeout"
    mark: str = "wait"
    title: str = N_("AltDentifier took too long")
    detail: str = N_("AltDentifier did not respond in time. Please try again in a few minutes.")
    next_step: ClassVar[NextStep] = "retry"


class LoginRequired(AltDentifierError):
    """A protected view or an `api` call needs a usable grant, and there is none."""

    code: int = 401
    reason = "login_required"
    mark: str = "login"
    title: str = N_("Please log in")
    detail: str = N_("You need to log in with AltDentifier to see this page.")
    next_step: ClassVar[NextStep] = "login"
    button: ClassVar[str] = N_("Log in with AltDentifier")

    def extra_headers(self) -> list[tuple[str, str]]:
        """Add the challenge of RFC 6750 section 3."""
        return [("WWW-Authenticate", "Bearer")]


class InsufficientScope(AltDentifierError):
    """The grant lacks a scope that the user declined, or that this request cannot ask for.

    `missing_scopes` is empty if AltDentifier's API refused a call although the user has granted
    every documented scope. Then a login does not help.
    """

    code: int = 403
    reason = "insufficient_scope"
    mark: str = "access"
    title: str = N_("This page needs more access")
    detail: str = N_("You are logged in, but you have not allowed everything that this page needs.")
    next_step: ClassVar[NextStep] = "login"
    button: ClassVar[str] = N_("Review access")

    def __init__(self, missing_scopes: Iterable[str], *, login_url: str | None = None) -> None:
        #: The scopes that the grant lacks, sorted.
        self.missing_scopes: list[str] = sorted(missing_scopes)
        if not self.missing_scopes:
            self.title = N_("AltDentifier does not allow this")
            self.detail = N_(
                "You have allowed everything that this site can ask for, but AltDentifier refused "
                "this request."
            )
            self.mark = "denied"
            login_url = None
        super().__init__(login_url=login_url)
        self.args: tuple[Any, ...] = (self.missing_scopes,)  # pickle calls the class with them

    def problem(self) -> dict[str, Any]:
        """Add the missing scopes."""
        return {**super().problem(), "missing_scopes": self.missing_scopes}


class CrossSite(AltDentifierError):
    """A page of another origin sent the logout request."""

    code: int = 403
    reason = "cross_site"
    mark: str = "blocked"
    title: str = N_("This request came from another site")
    detail: str = N_("Another site tried to log you out. Nothing has changed.")


class NotANavigation(AltDentifierError):
    """A script requested `/login`. Only a page navigation can continue to AltDentifier."""

    code: int = 400
    reason = "not_a_navigation"
    mark: str = "login"
    title: str = N_("Please log in")
    detail: str = N_("A script requested the login page. Open it in the browser window to log in.")
    next_step: ClassVar[NextStep] = "login"
    button: ClassVar[str] = N_("Log in with AltDentifier")


class PrefetchRefused(AltDentifierError):
    """A browser prefetched a page that would start a login."""

    code: int = 503
    reason = "prefetch_refused"
    mark: str = "login"
    title: str = N_("This page cannot be prefetched")
    detail: str = N_("Open this page to log in.")
    next_step: ClassVar[NextStep] = "retry"
    button: ClassVar[str] = N_("Open the page")


class StoreUnavailable(AltDentifierError):
    """The store did not answer, or did not accept a record."""

    code: int = 503
    reason = "store_unavailable"
    title: str = N_("This site has a problem")
    detail: str = N_("This site cannot check logins right now. Please try again in a few minutes.")
    next_step: ClassVar[NextStep] = "retry"


def log(message: str, error: AltDentifierError) -> None:
    """Log *message* with the facts of *error*.

    Failures of the site or of AltDentifier are logged as warnings, others as INFO.
    """
    is_failure = (error.code or 500) >= 500 and not isinstance(error, PrefetchRefused)
    logger.log(logging.WARNING if is_failure else logging.INFO, message, error.facts)
