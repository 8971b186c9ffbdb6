"""A token endpoint that gives a token for any code, on connections that are kept."""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from typing_extensions import Self

#: Seconds that a token lasts.
TOKEN_LIFETIME = 604_800


class Gate:
    """Holds the response to one token request."""

    def __init__(self) -> None:
        self.arrived, self.opened = threading.Event(), threading.Event()

    def open(self) -> None:
        self.opened.set()


class Provider:
    """Counts the token requests for each code."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        #: The newest token, by code.
        self.tokens: dict[str, str] = {}
        #: The client's port of the newest token request, by code.
        self.ports: dict[str, int] = {}
        self.gates: dict[str, Gate] = {}
        self._lock = threading.Lock()

    def hold(self, code: str) -> Gate:
        """Hold the response for *code* until the gate is opened."""
        return self.gates.setdefault(code, Gate())

    def answer(self, body: bytes) -> bytes:
        """Return the response to a token request."""
        code = parse_qs(body.decode())["code"][0]
        with self._lock:
            self.requests[code] += 1
            token = self.tokens[code] = secrets.token_urlsafe(24)
        if code in self.gates:
            self.gates[code].arrived.set()
            self.gates[code].opened.wait(30)
        members = {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME}
        return json.dumps(members).encode()


class ProviderServer(Provider):
    """A `Provider` on a loopback port."""

    def __init__(self) -> None:
        super().__init__()
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for gate in self.gates.values():
            gate.open()
        self._server.shutdown()
        self._server.socket.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    provider: Provider

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"]))
        self.provider.ports[parse_qs(request.decode())["code"][0]] = self.client_address[1]
        body = self.provider.answer(request)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        with suppress(OSError):  # the worker was killed
            super().handle()

    def log_message(self, *_: Any) -> None:
        """Be silent."""
