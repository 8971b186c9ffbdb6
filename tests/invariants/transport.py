"""The provider's token endpoint without a socket."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from urllib3 import HTTPHeaderDict

from flask_altdentifier.transport import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds that a token lasts.
TOKEN_LIFETIME = 604_800


class AnyCode:
    """A transport that gives a token for any code, and counts the token requests for each."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.tokens: dict[str, str] = {}

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Response:
        """Answer a token request."""
        assert body is not None
        code = parse_qs(body.decode())["code"][0]
        self.requests[code] += 1
        self.tokens[code] = secrets.token_urlsafe(24)
        token = {
            "access_token": self.tokens[code],
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFETIME,
            "scope": "read:user",
        }
        return Response(200, HTTPHeaderDict(), json.dumps(token).encode())
