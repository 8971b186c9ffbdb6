"""The command line: serves the app, and beside it a sandbox where no client id is set."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from threading import Thread
from typing import Any

import click
from werkzeug.serving import make_server

from flask_altdentifier import sandbox
from flask_altdentifier.errors import ConfigError

from .app import create_app

HOST = "127.0.0.1"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl+C."""
    parser = ArgumentParser("python -m example_app", description=__doc__)
    parser.add_argument("--port", type=int, default=5000, help="default: %(default)s")
    parser.add_argument(
        "--sandbox-port", type=int, default=8400, help="default: %(default)s; if taken, any other"
    )
    options = parser.parse_args(arguments)
    if not _is_free(options.port):
        sys.exit(f"Port {options.port} cannot be used. Choose another: --port {options.port + 1}")

    # Requests are not logged, so what is said here stays in sight. (Their log would hold codes.)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    url = f"http://{HOST}:{options.port}"
    with_sandbox = not os.environ.get("FLASK_ALTDENTIFIER_CLIENT_ID")
    try:
        app = create_app(_start_sandbox(options.sandbox_port, url) if with_sandbox else None)
    except ConfigError as problem:
        sys.exit(str(problem))
    server = make_server(HOST, options.port, app, threaded=True)
    click.echo(f"Gatehouse, the example app, is on  {url}/")
    if with_sandbox:
        click.echo(
            f"A sandbox of AltDentifier is on    {app.config['SANDBOX_URL']}/\n"
            "(No FLASK_ALTDENTIFIER_CLIENT_ID is set.)\n\n"
            f"Open {url}/ and click “Log in with AltDentifier”.\n"
            "In the sandbox, pick any user and click “Allow”."
        )
    else:
        click.echo(f"Register this redirect URI at your application: {url}/callback")
    click.echo("Press Ctrl+C to stop.")
    server.serve_forever()


def _start_sandbox(port: int, app_url: str) -> dict[str, Any]:
    """Start a sandbox in a thread, which ends with this process, and return the app's config."""
    if not _is_free(port):
        with socket.create_server((HOST, 0)) as any_free_port:
            port = any_free_port.getsockname()[1]
    client = sandbox.Client(
        "gatehouse",
        secrets.token_urlsafe(),
        name="Gatehouse",
        redirect_uris=(f"{app_url}/callback", f"{app_url.replace(HOST, 'localhost')}/callback"),
        webhook_url=f"{app_url}/webhook",
        webhook_secret=secrets.token_urlsafe(),
    )
    Thread(target=sandbox.run, args=(port, [client]), daemon=True).start()
    sandbox_url = f"http://{HOST}:{port}"
    return {
        "ALTDENTIFIER_BASE_URL": sandbox_url,
        "ALTDENTIFIER_CLIENT_ID": client.client_id,
        "ALTDENTIFIER_CLIENT_SECRET": client.client_secret,
        "ALTDENTIFIER_WEBHOOK_SECRET": client.webhook_secret,
        "SANDBOX_URL": sandbox_url,  # the pages say so in a banner
    }


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((HOST, port)):
            return True
    except (OSError, OverflowError):
        return False
