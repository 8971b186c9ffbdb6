"""The sandbox as an HTTP server for this machine only."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler
from werkzeug.serving import make_server as make_wsgi_server

from .app import create_app

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

    from .clients import Clients

HOST = "127.0.0.1"
DEFAULT_PORT = 8400


class RequestHandler(WSGIRequestHandler):
    """Logs requests without their query, which contains the OAuth state of a login."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log one request."""
        path = getattr(self, "path", "-").partition("?")[0]
        self.log("info", '"%s %r" %s %s', self.command, path, code, size)


def run(port: int = DEFAULT_PORT, clients: Clients | None = None) -> None:
    """Serve a sandbox until Ctrl+C.

    Args:
        port: As for `make_server`.
        clients: As for `create_app`.

    Raises:
        ValueError: As for `make_server`.
        OSError: The port cannot be used.
        OverflowError: *port* is above 65535.

    Example::

        run(8400, {"my-app": "not-a-real-secret"})
    """
    serve(make_server(port, clients))


def make_server(port: int = DEFAULT_PORT, clients: Clients | None = None) -> BaseWSGIServer:
    """Return an HTTP server of a new sandbox. It listens on 127.0.0.1, but does not respond yet.

    Requests with another `Host` than this machine get 400, which prevents DNS rebinding.

    Args:
        port: A port, or 0 for any free port. The server's attribute `port` has the result.
        clients: As for `create_app`.

    Returns:
        The server. `serve` runs it.

    Raises:
        ValueError: A client is not valid.
        OSError: The port cannot be used. The message is one line that names the port.
        OverflowError: *port* is above 65535.

    Example::

        server = make_server(0, [client])
        Thread(target=server.serve_forever, daemon=True).start()
        base_url = f"http://127.0.0.1:{server.port}"
    """
    config = {"TRUSTED_HOSTS": ["localhost", HOST], "LOOPBACK_ONLY": True}
    app = create_app(clients, config=config)
    # Werkzeug gets a bound socket, because it exits the process if it cannot bind.
    with listen(port) as listener:
        return make_wsgi_server(
            HOST, port, app, threaded=True, request_handler=RequestHandler, fd=listener.fileno()
        )


def serve(server: BaseWSGIServer) -> None:
    """Respond to the requests of a server of `make_server` until Ctrl+C.

    Args:
        server: The result of `make_server`.

    Example::

        serve(make_server(8400))
    """
    server.log_startup()
    server.serve_forever()


def listen(port: int) -> socket.socket:
    """Return a socket that listens on 127.0.0.1. Raises `OSError` that names the port."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = "is in use" if in_use else f"cannot be used: {error.strerror}"
        raise OSError(f"Port {port} {reason}.") from error
