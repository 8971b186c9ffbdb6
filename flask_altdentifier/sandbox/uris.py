"""Validates redirect URIs and webhook URLs."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

# RFC 6749 section 3.1.2: absolute, without a fragment.
_WEB_URI = re.compile(
    r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?(?:[/?][!-\"$-\[\]-~]*)?"
)


def is_web_uri(uri: str) -> bool:
    """Return whether *uri* is an absolute http or https URI that can be a redirect target."""
    if not _WEB_URI.fullmatch(uri):
        return False
    try:
        parts = urlsplit(uri)
        if parts.netloc.startswith("["):
            IPv6Address(parts.hostname or "")  # Python 3.10 accepts anything between brackets
        return parts.port != 0  # raises ValueError for a port above 65535
    except ValueError:
        return False


def is_loopback_uri(uri: str) -> bool:
    """Return whether the host of *uri* is this machine, by name or by address."""
    host = urlsplit(uri).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_webhook_url(url: str) -> bool:
    """Return whether the sandbox may post events to *url*: http or https on this machine.

    Subdomains of `localhost` are refused, because a resolver can resolve them to other machines.
    """
    if not is_web_uri(url) or not is_loopback_uri(url):
        return False
    return not (urlsplit(url).hostname or "").endswith(".localhost")
