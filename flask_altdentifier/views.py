"""The three routes: `/login`, `/callback` and `/logout`."""

from __future__ import annotations

from flask import Response, after_this_request, request
from werkzeug.exceptions import MethodNotAllowed

from . import current, signals
from .browser import in_app, is_cross_site, send_to
from .callback import CallbackQuery
from .errors import AltDentifierError, CrossSite, log
from .installed import installed
from .login import begin, finish
from .requires import public


@public
def login() -> Response:
    """`GET /login?next=/path`: off to AltDentifier."""
    _only_get()
    return begin(installed().settings.scope, next=request.args.get("next"))


@public
def callback() -> Response:
    """`GET /callback`: back from AltDentifier."""
    after_this_request(_keep_code_private)
    _only_get()
    try:
        return finish(CallbackQuery(request.query_string))
    except AltDentifierError as error:
        log("Login failed: %s.", error)
        signals.send(signals.login_failed, error=error)
        raise


@public
def logout() -> Response:
    """`POST /logout`: the grant ends."""
    if is_cross_site(request):
        log("Refused: %s.", CrossSite)
        raise CrossSite
    current.logout()
    return send_to(in_app(request, installed().settings.after_logout), 303)


def _only_get() -> None:
    """Refuse HEAD, which Flask adds to GET: a look must not start or finish a login."""
    if request.method != "GET":
        raise MethodNotAllowed(valid_methods=["GET"])


def _keep_code_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
