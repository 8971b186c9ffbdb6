"""A response of AltDentifier, whole and in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

from werkzeug.datastructures import Headers

from .. import strict_json


def _no_connection(accepted: bool) -> None:
    """Do nothing, because no connection waits for the verdict on the response."""


@final
@dataclass(frozen=True)
class ApiResponse:
    """A response of AltDentifier. Its `repr` shows the status only.

    Used in a `with` statement, it decides what becomes of its connection: the connection is kept
    for the next request if the block ends normally, and closed if the block raises. A response
    that was refused may have left bytes on the connection, which would be read as the response to
    the next person's request.

    Example::

        with transport.request("GET", "/api", headers={}, body=None) as response:
            members = response.json()
    """

    #: The HTTP status.
    status: int
    #: The headers. Names are case insensitive.
    headers: Headers = field(repr=False)
    #: The body as it came. A compressed one is not decompressed.
    data: bytes = field(repr=False)
    _release: Callable[[bool], None] = field(default=_no_connection, repr=False, compare=False)

    def json(self) -> Any:
        """Return the JSON value of the body.

        :raises ValueError: The body is not JSON, or is nested deeper than 32 levels.

        Example::

            response.json()["trustfactor"]
        """
        return strict_json.loads(self.data)

    def __enter__(self) -> ApiResponse:
        return self

    def __exit__(self, error_class: object, error: object, traceback: object) -> None:
        release = self._release
        object.__setattr__(self, "_release", _no_connection)
        release(error_class is None)
