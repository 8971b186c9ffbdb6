"""Validation of URLs: redirect targets, and the servers that may receive the client secret."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlsplit

#: Longest path that a login can return to, in bytes.
MAX_PATH = 2048

# Browsers read "//host" and "/\host" as another host, after removing tabs and newlines anywhere in
# the URL (WHATWG URL standard, "URL parsing"). Either would be an open redirect.
_LOCAL_PATH = re.compile(r"/(?!/)[^\\?#\x00-\x1f\x7f]*(?:[?#][^\x00-\x1f\x7f]*)?")
# Labels of at most 63 characters (RFC 1035 section 2.3.4), with the underscore of local names.
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_UNQUOTED = "!#$%&'()*+,/:;=?@[]~"


def local_path(target: str | None) -> str | None:
    """Return *target* as a percent-encoded path of this host, with its query and fragment.

    Returns None if *target* leads to another host in any disguise, has a control character or a
    lone surrogate, or is longer than `MAX_PATH` bytes.
    """
    if target is None or not _LOCAL_PATH.fullmatch(target):
        return None
    try:
        path = quote(target, safe=_UNQUOTED)
    except UnicodeEncodeError:
        return None
    return path if len(path) <= MAX_PATH else None


def parse_absolute_url(url: str) -> SplitResult | None:
    """Return the parts of an absolute http or https URL, or None for anything else.

    Refuses a user name, a fragment (RFC 6749 section 3.1.2), a space and non-ASCII characters,
    because none of them belongs in a redirect URI or a base URL.
    """
    if not re.fullmatch(r"https?://[!-~]+", url) or re.search(r"[\\#@]", url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is out of range
    except ValueError:
        return None
    host = parts.hostname or ""
    # Python accepts more than addresses between brackets, and Python 3.10 accepts any name.
    is_valid = _is_ipv6(host) if "[" in parts.netloc else _HOST.fullmatch(host)
    return parts if is_valid else None


def _is_ipv6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Return whether *host* is `localhost` or a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_loopback_url(url: str) -> bool:
    """Return whether the host of a valid *url* is `localhost` or a loopback address."""
    return is_loopback(urlsplit(url).hostname or "")
