"""A provider that gives a token for any code over real TLS, and a proxy that delays it.

Each is a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import secrets
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import certifi
import trustme

#: A fresh interpreter, so that no contender's memory is shared with it.
_spawn = multiprocessing.get_context("spawn")


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
    counters = _spawn.Value("i"), _spawn.Value("i")
    with _process(_serve, str(certificate), *counters) as port:
        yield Provider(port, *counters)


@contextmanager
def delayed(provider: Provider, round_trip: float) -> Iterator[Provider]:
    """Run a proxy before *provider* with round trips of that many seconds."""
    with _process(_delay, provider.port, round_trip) as port:
        yield replace(provider, port=port)


@contextmanager
def _process(target: Callable[..., None], *arguments: Any) -> Iterator[int]:
    receiver, sender = _spawn.Pipe(duplex=False)
    process = _spawn.Process(target=target, args=(sender, *arguments), daemon=True)
    process.start()
    sender.close()  # so that its end is noticed here
    try:
        yield receiver.recv()
    finally:
        process.terminate()
        process.join()


def _serve(port: Any, certificate: str, connections: Any, handshakes: Any) -> None:
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
            token = {
                "access_token": secrets.token_urlsafe(32),
                "token_type": "Bearer",
                "expires_in": 604_800,
                "refresh_token": secrets.token_urlsafe(32),
                "scope": "read:user",
            }
            body = json.dumps(token).encode()
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


def _delay(ready: Any, port: int, round_trip: float) -> None:
    async def connected(reader: StreamReader, writer: StreamWriter) -> None:
        provider_reader, provider_writer = await asyncio.open_connection("127.0.0.1", port)
        # The kernel opened the connection at once. Over the network that takes one round trip.
        await asyncio.gather(
            _pump(reader, provider_writer, round_trip / 2, first=round_trip),
            _pump(provider_reader, writer, round_trip / 2, first=0),
        )

    async def serve() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


async def _pump(reader: StreamReader, writer: StreamWriter, delay: float, *, first: float) -> None:
    """Pass on what comes *delay* seconds later, in order. The first of it waits *first* longer."""
    loop = asyncio.get_running_loop()
    due = 0.0
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            due = max(due, loop.time() + (0 if due else first))
            loop.call_at(due + delay, writer.write, data)
    loop.call_later(first + delay, writer.close)
