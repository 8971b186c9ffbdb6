"""The three views: `/login`, `/callback` and `/logout`."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, current_app, request
from werkzeug.exceptions import MethodNotAllowed

from . import signals
from .browser.request_login import get_request_login
from .decorators import public
from .errors import AltDentifierError, CrossSite, NotANavigation, log
from .login import handle_callback, start_login
from .navigation import (
    current_path,
    is_cross_origin,
    is_prefetch,
    is_script_request,
    redirect,
    with_script_root,
    without_proxy,
)
from .pages import render_page
from .scopes import DOCUMENTED_SCOPE_NAMES
from .state import ExtensionState, get_state


@public
def login() -> Response:
    """`GET /login?next=/path&scope=write:integrations`: redirect the browser to AltDentifier."""
    _require_get()
    state, current = get_state(), without_proxy(request)
    args = current.args
    next_path = args.get("next")
    added = frozenset(args.get("scope", "").split(" ")) & DOCUMENTED_SCOPE_NAMES
    try:
        if not is_prefetch(current):  # `start_login` refuses it
            if is_script_request(current):
                raise NotANavigation(login_url=state.login_url(next_path, added))
            moved = _redirect_to_callback_host(state)
            if moved is not None:
                return moved
        return start_login(state, state.config.scope | added, next=next_path)
    except AltDentifierError as error:
        log("Login not started: %s", error)
        raise


def _require_get() -> None:
    """Refuse all methods but GET. Flask adds HEAD, which must not start or finish a login."""
    if request.method != "GET":
        raise MethodNotAllowed(valid_methods=["GET"])


def _redirect_to_callback_host(state: ExtensionState) -> Response | None:
    """Redirect from `www.example.com` to `example.com`, or back, if the callback is there.

    Browsers do not send the state cookie of one host to the other. No other host is redirected,
    because the host that the app sees behind a proxy may not be the public one. `moved` in the
    query prevents a redirect loop if the proxy rewrites the host.
    """
    if state.config.redirect_uri is None or "moved" in request.args:
        return None
    callback = urlsplit(state.config.redirect_uri)
    host = urlsplit(f"//{request.host}").hostname
    if f"www.{callback.hostname}" != host and f"www.{host}" != callback.hostname:
        return None
    path = current_path(request)
    separator = "&" if "?" in path else "?"
    return redirect(f"{callback.scheme}://{callback.netloc}{path}{separator}moved=1", 302)


@public
def callback() -> Response:
    """`GET /callback`: receive the authorization response (RFC 6749 section 4.1.2)."""
    _require_get()
    state = get_state()
    try:
        return handle_callback(state)
    except AltDentifierError as error:
        failure = error
    # If a receiver of the signal raises, error trackers record the local variables of each frame.
    # So the signal is sent outside of the `except`, and the error without its traceback, whose
    # frames have the code and the client secret.
    failure.__traceback__ = None
    if failure.next_step is not None and failure.login_url is None:
        failure.login_url = state.login_url(None)
    log("Login failed: %s", failure)
    signals.send(signals.login_failed, error=failure)
    raise failure


def keep_code_private(response: Response) -> Response:
    """Keep the code in the callback's URL out of caches and of the `Referer` header.

    Runs after each request to the blueprint, because a `before_request` function of the app can
    answer the callback.
    """
    if request.endpoint == f"{request.blueprint}.callback":
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
    return response


@public
def logout() -> Response:
    """`POST /logout`: end the login. A GET shows a page with the logout button."""
    if request.method != "POST":
        return _logout_page()
    if is_cross_origin(request):
        error = CrossSite()
        log("Logout refused: %s", error)
        raise error
    state = get_state()
    get_request_login(state, request).log_out()
    return redirect(with_script_root(request, state.config.after_logout), 303)


def _logout_page() -> Response:
    """Answer 405, because a link or an image on another site can send a GET."""
    if request.method != "GET":
        raise MethodNotAllowed(valid_methods=["POST"])
    page = render_page("logout.html", "Log out")
    headers = {"Allow": "POST", "Cache-Control": "no-store", "Vary": "Accept-Language"}
    return current_app.response_class(page, status=405, headers=headers)
