"""``python -m flask_altdentifier.sandbox``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from .clients import DEFAULT, Client
from .serve import bind, serve

if TYPE_CHECKING:
    from collections.abc import Sequence


DESCRIPTION = "Run a local AltDentifier that knows one client, until Ctrl+C."


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a sandbox with one client, as the command line says."""
    parser = ArgumentParser("python -m flask_altdentifier.sandbox", description=DESCRIPTION)
    parser.add_argument("--port", type=int, default=8400)
    parser.add_argument("--host", default="127.0.0.1", help="localhost or 127.0.0.0/8")
    parser.add_argument("--client-id", default=DEFAULT.client_id)
    parser.add_argument("--client-secret", default=DEFAULT.client_secret)
    parser.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        help="may be given several times; without it any on this machine will do",
    )
    given = parser.parse_args(arguments)
    uris = tuple(given.redirect_uri)
    try:
        client = Client(given.client_id, given.client_secret, redirect_uris=uris)
        server = bind(given.port, [client], given.host)
    except ValueError as problem:
        parser.error(str(problem))
    except OSError as problem:
        parser.error(f"{problem} Choose another with --port.")
    serve(server)


if __name__ == "__main__":
    main()
