"""A provider in a process of its own, over real TLS, that gives a token for any code."""

from __future__ import annotations

import json
import multiprocessing
import os
import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import certifi
import trustme

#: A fresh interpreter, so that no contender's memory is shared with it.
spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Provider:
    """The running provider, and how many connections and handshakes it has seen."""

    port: int
    connections: Any
    handshakes: Any

    @property
    def url(self) -> str:
        """Its origin."""
        return f"https://127.0.0.1:{self.port}"


@contextmanager
def running(directory: Path) -> Iterator[Provider]:
    """Run the provider. This process then trusts its certificate authority beside the usual ones.

    The usual ones count: most of the CPU of a new connection goes into parsing the whole bundle.
    """
    authority = trustme.CA()
    certificate = directory / "provider.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    bundle = directory / "authorities.pem"
    bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(bundle)

    receiver, sender = spawn.Pipe(duplex=False)
    counters = spawn.Value("i"), spawn.Value("i")
    process = spawn.Process(target=_serve, args=(sender, str(certificate), *counters), daemon=True)
    process.start()
    sender.close()  # so that its end is noticed here
    try:
        yield Provider(receiver.recv(), *counters)
    finally:
        process.terminate()
        process.join()


def _serve(port: Connection, certificate: str, connections: Any, handshakes: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # one write for the head and the body

        def setup(self) -> None:
            with connections.get_lock():
                connections.value += 1
            self.request = context.wrap_socket(self.request, server_side=True)
            with handshakes.get_lock():
                handshakes.value += 1
            super().setup()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps(
                {
                    "access_token": secrets.token_urlsafe(32),
                    "token_type": "Bearer",
                    "expires_in": 604_800,
                    "refresh_token": secrets.token_urlsafe(32),
                    "scope": "read:user",
                }
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a peer hung up
    port.send(server.server_port)
    server.serve_forever()
