"""Problems of the app's `before_request` hooks: one that redirects the callback to `/login`.

Apps that logged in with another package often have such a hook, with a list of open endpoints.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import url_for

from .findings import Findings, finding
from .subject import Subject
from .trial import run_in_time


def check_hooks(subject: Subject) -> Findings:
    """Find a hook that redirects a visitor without a login from the callback to `/login`.

    Another location is no problem: the app may have a login of its own that comes first.
    """
    paths: list[str] = []
    run_in_time(subject.app, lambda: paths.extend(_redirects(subject)))
    for path in paths:
        yield finding("callback-redirected", path=path)


def _redirects(subject: Subject) -> list[str]:
    """Run the hooks for the callback, but not the callback itself. Return the path of `/login`.

    Returns an empty list if no hook redirects there.
    """
    app, name, uri = subject.app, subject.state.name, subject.config.redirect_uri
    callback = app.url_map.bind("localhost").build(f"{name}.callback")
    base_url = None if uri is None else "{0.scheme}://{0.netloc}".format(urlsplit(uri))
    with app.test_request_context(callback, base_url, headers={"Accept": "text/html"}):
        answer = app.preprocess_request()
        location = None if answer is None else app.make_response(answer).location
        login = url_for(f"{name}.login")
    return [login] if location is not None and urlsplit(location).path == login else []
