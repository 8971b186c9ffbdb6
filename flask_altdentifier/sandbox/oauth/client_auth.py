"""The client credentials of a token request."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Callable

    from authlib.oauth2 import OAuth2Request

    from ..clients import Client


def authenticate_client_secret_basic(
    query_client: Callable[[str], Client | None], request: OAuth2Request
) -> Client | None:
    """Return the client whose credentials are in the Authorization header, or None.

    Authlib's own function raises if the header is not base64 of UTF-8, and decodes `%20` but not
    `+`.
    """
    header = (request.headers or {}).get("Authorization", "")
    for client_id, client_secret in parse_basic_credentials(header):
        client = query_client(client_id)
        if client is not None and client.check_client_secret(client_secret):
            return client
    return None


def parse_basic_credentials(header: str) -> list[tuple[str, str]]:
    """Return the possible pairs of client ID and client secret in an Authorization header.

    RFC 6749 section 2.3.1 form-encodes both values. Many clients percent-encode them, or do not
    encode them, so there are three possible pairs.
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        text = base64.b64decode(encoded.encode(), validate=True).decode()
    except (binascii.Error, UnicodeError):
        return []
    name, _, password = text.partition(":")
    return [(decode(name), decode(password)) for decode in (unquote_plus, unquote, str)]
