"""The result of a test's login, and the exception for an unexpected one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import errors, signals
from .provider import page_text

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

#: The reasons of all errors, which `expect` accepts. Bases of errors have no reason.
REASONS: frozenset[str] = frozenset(
    getattr(getattr(errors, name), "reason", "") for name in errors.__all__
) - {""}

_ADVICE = {
    "authorization_request_rejected": (
        "AltDentifier knows only the scopes 'read:user' and 'write:integrations'."
    ),
    "invalid_state": (
        "The client did not send the state cookie back. Use one client that keeps cookies, and "
        "the same base_url in all its requests."
    ),
    "store_unavailable": (
        "The app's store did not answer. Set app.testing = True and leave ALTDENTIFIER_STORE out, "
        "or set it to 'memory://'."
    ),
}


class UnexpectedLoginResult(AssertionError):
    """A test's login failed, or did not fail as the test expects.

    The message says what happened and what to do.

    Args:
        message: What happened, and what to do.
        response: The last response, of the app or of the sandbox's authorize page.
        reason: The `reason` of an error of this package. None if the login succeeded, or ended in
            any other response.

    Example::

        with pytest.raises(UnexpectedLoginResult) as caught:
            altdentifier_login(client)
        assert caught.value.reason == "access_denied"
    """

    def __init__(self, message: str, response: TestResponse, reason: str | None) -> None:
        super().__init__(message)
        self.response = response
        self.reason = reason


@dataclass
class LoginResult:
    """The signals of one login."""

    #: Whether `logged_in` was sent.
    logged_in: bool = False
    #: What the callback raised, or None.
    error: errors.AltDentifierError | None = None

    def check(self, response: TestResponse, expect: str | None, advice: str) -> TestResponse:
        """Return *response* if the login ended as the test expects.

        Args:
            response: The last response of the login.
            expect: Reason of the failure that the test expects, or None for a success.
            advice: What to change in the sandbox after a failure, or an empty string.

        Raises:
            UnexpectedLoginResult: The login failed although *expect* is None, or did not fail with
                *expect*.
        """
        __tracebackhide__ = True
        reason = self._reason(response)
        succeeded = self.logged_in and reason is None and response.status_code < 400
        if (expect is None and succeeded) or (expect is not None and reason == expect):
            return response
        if succeeded:
            what = f"The login succeeded, but the test expects {expect!r}."
            advice = "Set altdentifier_sandbox.failure before the login, or remove expect."
        else:
            what = self._describe_failure(response, reason, expect)
            advice = advice or _ADVICE.get(reason or "", "")
        raise UnexpectedLoginResult(f"{what} {advice}".rstrip(), response, reason)

    def _reason(self, response: TestResponse) -> str | None:
        """Return the reason of the error. Errors of `/login` have no signal, only JSON."""
        if self.error is not None:
            return self.error.reason
        problem: Any = response.get_json(silent=True)
        reason = problem.get("reason") if isinstance(problem, dict) else None
        return reason if reason in REASONS else None

    def _describe_failure(
        self, response: TestResponse, reason: str | None, expect: str | None
    ) -> str:
        status = response.status_code
        if reason is not None:
            facts = reason if self.error is None else self.error.facts
            expected = "" if expect is None else f", not with the expected {expect!r}"
            return (
                f"The login failed with {facts}, HTTP status {status}{expected}. "
                f'If the test is about this failure, pass expect="{reason}".'
            )
        if response.request.path == "/oauth2/authorize":
            return f"The sandbox's authorize page answered {status}: {page_text(response)}"
        to = f" to {response.location}" if response.location else ""
        return (
            f"The login did not finish: {response.request.path} answered {status}{to}. "
            "Does a hook or an error handler of the app answer in its place?"
        )


def validate_expect(expect: str | None) -> None:
    """Raise `ValueError` if *expect* is neither None nor the reason of an error."""
    if expect is not None and expect not in REASONS:
        raise ValueError(f"expect={expect!r} is not a reason. Use one of {sorted(REASONS)}.")


@contextmanager
def watch_login(app: Flask) -> Iterator[LoginResult]:
    """Record the result of the login that *app* handles in the block.

    It uses signals, because an error handler of the app can replace the response of a failure.
    """
    result = LoginResult()

    def succeed(_app: Flask, **_: Any) -> None:
        result.logged_in = True

    def fail(_app: Flask, error: errors.AltDentifierError, **_: Any) -> None:
        result.error = error

    succeeds = signals.logged_in.connected_to(succeed, sender=app)
    with succeeds, signals.login_failed.connected_to(fail, sender=app):
        yield result
