"""`python -m flask_altdentifier.sandbox`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from .clients import DEFAULT_CLIENT, Client
from .serve import DEFAULT_PORT, make_server, serve

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve a sandbox with one client until Ctrl+C."""
    parser = _make_parser()
    options = parser.parse_args(arguments)
    try:
        client = Client(
            options.client_id, options.client_secret, redirect_uris=tuple(options.redirect_uri)
        )
        server = make_server(options.port, [client], options.host)
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{error} Choose another port with --port.")
    serve(server)


def _make_parser() -> ArgumentParser:
    parser = ArgumentParser(
        "python -m flask_altdentifier.sandbox",
        description="Run a local AltDentifier that knows one client, until Ctrl+C.",
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="default: %(default)s. 0 is any free port."
    )
    parser.add_argument("--host", default="127.0.0.1", help="localhost or 127.0.0.0/8")
    parser.add_argument("--client-id", default=DEFAULT_CLIENT.client_id)
    parser.add_argument("--client-secret", default=DEFAULT_CLIENT.client_secret)
    parser.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        help="can be repeated. Without it, any redirect URI on this machine is accepted.",
    )
    return parser


if __name__ == "__main__":
    main()
