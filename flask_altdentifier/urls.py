"""Checks on URLs: where a browser may be sent, and whom the client secret may be sent to."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, quote, urlsplit

#: Longest path that is carried through a login, in bytes.
MAX_PATH = 2048

# A browser takes "//host" and "/\host" for another host, and drops tabs and newlines anywhere
# before it looks (WHATWG URL standard, "URL parsing").
_LOCAL_PATH = re.compile(r"/(?!/)[^\\?#\x00-\x1f\x7f]*(?:[?#][^\x00-\x1f\x7f]*)?")
# Labels of at most 63 characters (RFC 1035 section 2.3.4), with the underscore of local names.
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_UNQUOTED = "!#$%&'()*+,/:;=?@[]~"


def local_path(target: str | None) -> str | None:
    """Return *target* as a path (with query and fragment) of this host, percent-encoded.

    None for what is no such path: another scheme or host, however disguised, a control
    character, a lone surrogate, or more than `MAX_PATH` bytes.
    """
    if target is None or not _LOCAL_PATH.fullmatch(target):
        return None
    try:
        path = quote(target, safe=_UNQUOTED)
    except UnicodeEncodeError:
        return None
    return path if len(path) <= MAX_PATH else None


def absolute(url: str) -> SplitResult | None:
    """Return the parts of an absolute http or https URL, or None for anything else.

    A user name, a fragment (RFC 6749 section 3.1.2), a space and a non-ASCII character are
    refused: none belongs in a redirect URI or a base URL.
    """
    if not re.fullmatch(r"https?://[!-~]+", url) or re.search(r"[\\#@]", url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one out of range
    except ValueError:
        return None
    host = parts.hostname or ""
    # Between brackets Python takes more than addresses, Python 3.10 any name.
    good = _is_ipv6(host) if "[" in parts.netloc else _HOST.fullmatch(host)
    return parts if good else None


def _is_ipv6(host: str) -> bool:
    try:
        return ip_address(host).version == 6
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Tell whether *host* is `localhost` or a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
