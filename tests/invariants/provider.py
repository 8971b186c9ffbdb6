"""AltDentifier's token endpoint as the attacker dreams of it: it gives a token for any code."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class Gate:
    """Holds one token request in the middle."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.opened = threading.Event()

    def open(self) -> None:
        """Let the answer go."""
        self.opened.set()


class Provider:
    """A threaded server on loopback that counts the token requests for each code."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        #: Refresh tokens that were sent. That of a login is its code.
        self.refreshed: Counter[str] = Counter()
        self.tokens: dict[str, str] = {}
        self.gates: dict[str, Gate] = {}
        self.lock = threading.Lock()
        provider = self

        class Handler(_Handler):
            tell = staticmethod(provider.tell)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Origin of the server."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def hold(self, code: str) -> Gate:
        """Hold the answer for *code* until the gate is opened."""
        self.gates[code] = Gate()
        return self.gates[code]

    def tell(self, form: dict[str, list[str]]) -> dict[str, Any]:
        """Answer a token request of either kind."""
        if form["grant_type"] == ["refresh_token"]:
            return self.refresh(form["refresh_token"][0])
        [code] = form["code"]
        return self.brief(code) if code.startswith("brief") else self.answer(code)

    def answer(self, code: str) -> dict[str, Any]:
        """Count a token request and return the token response."""
        with self.lock:
            self.requests[code] += 1
            token = self.tokens[code] = secrets.token_urlsafe(24)
        gate = self.gates.get(code)
        if gate is not None:
            gate.arrived.set()
            gate.opened.wait(timeout=20)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 604800,
            "scope": "read:user",
        }

    def brief(self, code: str) -> dict[str, Any]:
        """Return a token response for *code* that ends in a second and can be refreshed."""
        return self.answer(code) | {"expires_in": 1, "refresh_token": code}

    def refresh(self, token: str) -> dict[str, Any]:
        """Count a refresh request, take a moment, and return the token response."""
        with self.lock:
            self.refreshed[token] += 1
        time.sleep(0.1)
        return self.answer(f"refreshed {token}")

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for gate in self.gates.values():
            gate.open()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    tell: Any

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        form = parse_qs(self.rfile.read(length).decode())
        body = json.dumps(self.tell(form)).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the worker that asked was killed

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""
