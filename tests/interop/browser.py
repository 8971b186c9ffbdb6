"""What a user does at an authorization server."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin

import requests

REDIRECT_URI = "http://localhost/callback"
#: Of every client. Shows how a server decodes Basic credentials.
SECRET = "a b+c%d:e/f"
#: What the button sends.
ALLOW = {"allow": "yes", "decision": "allow"}
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


def consent(url: str, **form: str) -> str:
    """Submit the form of the authorize page with its hidden fields, and return where it leads."""
    with requests.Session() as session:
        session.trust_env = False
        response = session.get(url, allow_redirects=False)
        while not (location := response.headers.get("Location", "")).startswith(REDIRECT_URI):
            if location:
                response = session.get(urljoin(response.url, location), allow_redirects=False)
            else:
                assert response.status_code == 200, response.text
                hidden = {name: unescape(value) for name, value in _HIDDEN.findall(response.text)}
                response = session.post(response.url, hidden | form, allow_redirects=False)
    return location
