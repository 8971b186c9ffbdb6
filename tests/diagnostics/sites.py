"""Running sites with a planted problem, for the canary."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
import trustme
from werkzeug.serving import WSGIRequestHandler, make_server

from flask_altdentifier.diagnostics import browser, check_site
from flask_altdentifier.diagnostics.canary import Canary

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

AUTHORITY = trustme.CA()


class Handler(WSGIRequestHandler):
    """Logs nothing."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def serve(app: WSGI, *, tls: bool = True) -> Iterator[int]:
    """Serve *app* on a free port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("shop.example", "www.shop.example").configure_cert(context)
    server = make_server(
        "127.0.0.1",
        0,
        app,
        threaded=True,
        request_handler=Handler,
        ssl_context=context if tls else None,
    )
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.port
    server.shutdown()
    server.server_close()
    thread.join(10)


def visit(
    monkeypatch: pytest.MonkeyPatch,
    app: WSGI,
    url: str = "https://shop.example",
    *,
    trust: bool = True,
) -> Canary:
    """Run the canary against *app* as if it were at *url*. No name is looked up."""
    connect = socket.create_connection
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    with serve(app, tls=url.startswith("https")) as port, monkeypatch.context() as patch:
        patch.setattr(socket, "create_connection", lambda _, *a, **k: connect(("127.0.0.1", port)))
        if trust:
            patch.setattr(browser, "_tls_context", lambda: context)
        return check_site(url)


def proxy(
    app: WSGI,
    request: Callable[[dict[str, Any]], object] = lambda _: None,
    header: Callable[[str, str], str | None] = lambda _, value: value,
) -> WSGI:
    """Return *app* behind a proxy that changes the request, and each header of the response."""

    def behind(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            changed = [(name, header(name, value)) for name, value in headers]
            return start_response(status, [(n, v) for n, v in changed if v is not None], *rest)

        request(environ)
        return app(environ, start)

    return behind


def answering(status: str, path: str = "/", **headers: str) -> Callable[[WSGI], WSGI]:
    """Return what makes the edge answer for *app* at paths that begin with *path*."""

    def edge(app: WSGI) -> WSGI:
        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if not environ["PATH_INFO"].startswith(path):
                return app(environ, start_response)
            start_response(status, list(headers.items()))
            return [b"<h1>The edge</h1>"]

        return answer

    return edge


def alternating(*apps: WSGI) -> WSGI:
    """Return a load balancer that sends one request to each worker in turn."""
    turn = iter(range(10**9))
    return lambda environ, start: apps[next(turn) // 3 % len(apps)](environ, start)
