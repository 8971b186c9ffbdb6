"""The sandbox as a server of its own, for this machine only."""

from __future__ import annotations

import errno
import socket
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server

from .app import create_app

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

    from .clients import Clients


class Handler(WSGIRequestHandler):
    """Logs requests without their query, which holds the state of a login."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write one line for a request."""
        path = getattr(self, "path", "-").partition("?")[0]
        self.log("info", '"%s %r" %s %s', self.command, path, code, size)


def run(port: int = 8400, clients: Clients | None = None, host: str = "127.0.0.1") -> None:
    """Serve a sandbox until it is interrupted. Port 0 is any free one.

    Raises `ValueError` for a *host* that other machines could reach, and for a *port* that does
    not exist; `OSError` for one that cannot be had. Requests that name another host than this
    machine are refused, so that no web page gets at the sandbox by DNS rebinding.
    (IPv6 is left out: Werkzeug cannot trust an IPv6 host.)
    """
    serve(bind(port, clients, host))


def bind(port: int, clients: Clients | None = None, host: str = "127.0.0.1") -> BaseWSGIServer:
    """Return the server of a sandbox, which listens on its `port`. Raises as `run` does."""
    if not _is_loopback(host):
        raise ValueError(f"the sandbox serves localhost or 127.0.0.0/8 only, not {host!r}")
    if not 0 <= port <= 65535:
        raise ValueError("a port is a number from 0 to 65535")
    config = {"TRUSTED_HOSTS": ["localhost", "127.0.0.1", host], "LOOPBACK_ONLY": True}
    app = create_app(clients, config=config)
    # Werkzeug ends the program where it cannot bind, so it gets a socket that is bound.
    with _listener(host, port) as listener:
        return make_server(
            host, port, app, threaded=True, request_handler=Handler, fd=listener.fileno()
        )


def serve(server: BaseWSGIServer) -> None:
    """Answer requests until Ctrl+C."""
    server.log_startup()
    server.serve_forever()


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as problem:
        in_use = problem.errno == errno.EADDRINUSE
        reason = "is in use" if in_use else f"cannot be used: {problem.strerror}"
        raise OSError(f"Port {port} {reason}.") from problem


def _is_loopback(host: str) -> bool:
    try:
        return IPv4Address(host).is_loopback
    except AddressValueError:
        return host == "localhost"
