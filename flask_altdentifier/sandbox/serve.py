"""The sandbox as a server of its own, for this machine only."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server

from .app import create_app

if TYPE_CHECKING:
    from .clients import Clients


class Handler(WSGIRequestHandler):
    """Logs requests without their query, which holds the state of a login."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write one line for a request."""
        path = getattr(self, "path", "-").partition("?")[0]
        self.log("info", '"%s %r" %s %s', self.command, path, code, size)


def run(port: int = 8400, clients: Clients | None = None, host: str = "127.0.0.1") -> None:
    """Serve a sandbox until it is interrupted.

    Raises `ValueError` for a *host* that other machines could reach. Requests that name another
    host than this machine are refused, so that no web page gets at the sandbox by DNS rebinding.
    (IPv6 is left out: Werkzeug cannot trust an IPv6 host.)
    """
    if not _is_loopback(host):
        raise ValueError(f"the sandbox serves localhost or 127.0.0.0/8 only, not {host!r}")
    config = {"TRUSTED_HOSTS": ["localhost", "127.0.0.1", host], "LOOPBACK_ONLY": True}
    app = create_app(clients, config=config)
    server = make_server(host, port, app, threaded=True, request_handler=Handler)
    server.log_startup()
    server.serve_forever()


def _is_loopback(host: str) -> bool:
    try:
        return IPv4Address(host).is_loopback
    except AddressValueError:
        return host == "localhost"
