"""Problems of the app's `before_request` hooks: one that redirects the callback to `/login`.

Apps that logged in with another package often have such a hook, with a list of open endpoints.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import url_for

from .findings import Finding, Findings, finding
from .subject import Subject
from .trial import run_in_time


def check_hooks(subject: Subject) -> Findings:
    """Find a hook that redirects a visitor without a login from the callback to `/login`.

    Another location is no problem: the app may have a login of its own that comes first.
    """
    found: list[Finding] = []
    run_in_time(subject.app, lambda: found.extend(_run_hooks(subject)))
    yield from found


def _run_hooks(subject: Subject) -> Findings:
    """Run the hooks for the callback, but not the callback itself."""
    app, name, uri = subject.app, subject.state.name, subject.config.redirect_uri
    callback = app.url_map.bind("localhost").build(f"{name}.callback")
    base_url = None if uri is None else "{0.scheme}://{0.netloc}".format(urlsplit(uri))
    with app.test_request_context(callback, base_url, headers={"Accept": "text/html"}):
        answer = app.preprocess_request()
        location = None if answer is None else app.make_response(answer).location
        login = url_for(f"{name}.login")
    if location is not None and urlsplit(location).path == login:
        yield finding("callback-redirected", path=login)
