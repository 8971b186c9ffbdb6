"""`python -m flask_altdentifier.sandbox`."""

from __future__ import annotations

import click

from .clients import DEFAULT_CLIENT, Client
from .serve import DEFAULT_PORT, make_server, serve


@click.command()
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0 is any free port.",
)
@click.option("--client-id", default=DEFAULT_CLIENT.client_id, show_default=True)
@click.option("--client-secret", default=DEFAULT_CLIENT.client_secret, show_default=True)
@click.option(
    "--redirect-uri",
    multiple=True,
    help="Can be repeated. Without it, any redirect URI on this machine is accepted.",
)
def main(port: int, client_id: str, client_secret: str, redirect_uri: tuple[str, ...]) -> None:
    """Run a local AltDentifier that knows one client, until Ctrl+C."""
    try:
        server = make_server(port, [Client(client_id, client_secret, redirect_uris=redirect_uri)])
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error} Choose another port with --port.") from None
    serve(server)


if __name__ == "__main__":
    main(prog_name="python -m flask_altdentifier.sandbox")
