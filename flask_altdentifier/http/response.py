"""A complete response of AltDentifier, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from werkzeug.datastructures import Headers

from .. import strict_json


@final
@dataclass(frozen=True)
class ApiResponse:
    """A response of AltDentifier. Its `repr` shows the status only."""

    #: The HTTP status.
    status: int
    #: The headers. Names are case insensitive.
    headers: Headers = field(repr=False)
    #: The raw body. It is not decompressed.
    data: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the JSON value of the body.

        Raises:
            ValueError: The body is not JSON, or is nested deeper than 32 levels.

        Example::

            response.json()["trustfactor"]
        """
        return strict_json.loads(self.data)
