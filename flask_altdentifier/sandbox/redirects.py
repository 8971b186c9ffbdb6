"""Checks on redirect URIs, and on the URL of a webhook."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

# No fragment (RFC 6749 section 3.1.2) and no user name. The host goes into a header as it is
# (`form_action_source`), so it holds nothing that means something there.
_WEB_URI = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?(?:[/?][!-\"$-\[\]-~]*)?"
)


def is_web_uri(uri: str) -> bool:
    """Tell whether *uri* is an absolute http or https URI that a browser may be sent to."""
    if not _WEB_URI.fullmatch(uri):
        return False
    try:
        parts = urlsplit(uri)
        if parts.netloc.startswith("["):
            IPv6Address(parts.hostname or "")  # Python 3.10 takes anything between the brackets
        return parts.port != 0  # raises for one out of range
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Tell whether *host* names this machine: ``localhost``, a name under it, or an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_webhook_url(url: str) -> bool:
    """Tell whether the sandbox may post to *url*: http or https, to this machine.

    Names under ``localhost`` are left out: a resolver may send them elsewhere.
    """
    if not is_web_uri(url):
        return False
    host = host_of(url)
    return is_loopback(host) and not host.endswith(".localhost")


def host_of(uri: str) -> str:
    """Return the host name in *uri*, without port and brackets, in lower case."""
    return urlsplit(uri).hostname or ""


def site_of(uri: str) -> str:
    """Return host and port of *uri*, as people read them."""
    return urlsplit(uri).netloc


def form_action_source(uri: str) -> str:
    """Return what allows a form to lead to *uri*, in the terms of a content security policy.

    That is its origin; but a policy cannot name an IPv6 address (CSP3 section 2.3.1), so there it
    is the scheme. Nor can it name a port that is empty.
    """
    parts = urlsplit(uri)
    site = parts.netloc.removesuffix(":")
    return f"{parts.scheme}:" if "[" in site else f"{parts.scheme}://{site}"
