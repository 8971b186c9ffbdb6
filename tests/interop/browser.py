"""What a user does at an authorization server."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin

import requests

REDIRECT_URI = "http://localhost/callback"
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


def consent(url: str, **form: str | list[str]) -> str:
    """Open the authorize page, submit its form, and return the URL that leads back.

    The form's hidden fields are sent too, unless *form* has them.
    """
    with requests.Session() as session:
        session.trust_env = False
        response = session.get(url, allow_redirects=False)
        while not (location := response.headers.get("Location", "")).startswith(REDIRECT_URI):
            if location:
                target = urljoin(response.url, location)
                response = session.get(target, allow_redirects=False)
            else:
                assert response.status_code == 200, response.text
                hidden = {name: unescape(value) for name, value in _HIDDEN.findall(response.text)}
                data = {**hidden, **form}
                response = session.post(response.url, data=data, allow_redirects=False)
    return location
