"""A token endpoint that gives a token for any code, on connections that are kept."""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from typing_extensions import Self

#: Seconds that a token lasts.
TOKEN_LIFETIME = 604_800


class Gate:
    """Holds the response to one token request."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.opened = threading.Event()

    def open(self) -> None:
        self.opened.set()


class Provider:
    """Counts the token requests for each code."""

    def __init__(self) -> None:
        #: Number of token requests, by code.
        self.requests: Counter[str] = Counter()
        #: The newest token, by code.
        self.tokens: dict[str, str] = {}
        #: The client's port of the newest token request, by code.
        self.ports: dict[str, int] = {}
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()

    def hold(self, code: str) -> Gate:
        """Hold the response for *code* until the gate is opened."""
        return self._gates.setdefault(code, Gate())

    def answer(self, code: str) -> dict[str, Any]:
        """Return the token response for *code*."""
        with self._lock:
            self.requests[code] += 1
            token = self.tokens[code] = secrets.token_urlsafe(24)
        gate = self._gates.get(code)
        if gate is not None:
            gate.arrived.set()
            gate.opened.wait(timeout=30)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFETIME,
            "scope": "read:user",
        }

    def open_gates(self) -> None:
        for gate in self._gates.values():
            gate.open()


class ProviderServer(Provider):
    """A `Provider` on a loopback port."""

    def __init__(self) -> None:
        super().__init__()
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open_gates()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    provider: Provider

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        code = form["code"][0]
        self.provider.ports[code] = self.client_address[1]
        body = json.dumps(self.provider.answer(code)).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the worker that asked was killed

    def log_message(self, *_: Any) -> None:
        """Be silent."""
