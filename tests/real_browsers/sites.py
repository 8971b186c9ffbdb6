"""The example app with its sandbox, on http, and on https behind nginx."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import trustme
from flask import Flask, Response, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from example_app import create_app
from flask_altdentifier import sandbox

from ..servers.process import HOST, Server, find_program, free_port, private_directory

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Made up. Browsers send all names below localhost to this machine (RFC 6761 section 6.3).
HTTPS_HOST = "gatehouse.localhost"
NGINX = """
daemon off; pid nginx.pid; worker_processes 1; events {{ }}
http {{
  access_log off; client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  ssl_certificate certificate; ssl_certificate_key certificate;
  proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;
  map $server_port $mode {{ default $http_sec_fetch_mode; {old} ""; }}
  map $server_port $site {{ default $http_sec_fetch_site; {old} ""; }}
  proxy_set_header Sec-Fetch-Mode $mode; proxy_set_header Sec-Fetch-Site $site;
  server {{
    listen {host}:{https} ssl; listen {host}:{old} ssl;
    location / {{ proxy_pass http://{host}:{http}; }}
  }}
}}
"""
#: A page that asks the browser in each known way to load the login before anybody clicks.
PREFETCHING = b"""<!doctype html><title>Prefetch</title><h1>Prefetching</h1>
<link rel="prefetch" href="/login">
<script type="speculationrules">{"prefetch": [{"urls": ["/login?speculated"]}],
"prerender": [{"urls": ["/members?speculated"]}]}</script><a id="log-in" href="/login">Go</a>"""


@dataclass(frozen=True)
class Site:
    """One address of the example app."""

    url: str
    #: Those that were answered, with their `status`.
    requests: list[WSGIEnvironment]
    sandbox: sandbox.SandboxState
    is_old_safari: bool = False


class QuietHandler(WSGIRequestHandler):
    """Logs nothing."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...


@contextmanager
def serving(server: BaseWSGIServer) -> Iterator[None]:
    """Answer requests in a thread."""
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving_sites() -> Iterator[dict[str, Site]]:
    """Run the example app and yield its addresses."""
    http, https, old, webhook_secret = free_port(), free_port(), free_port(), "a-signature"
    urls = {
        "http": f"http://{HOST}:{http}",
        "https": f"https://{HTTPS_HOST}:{https}",
        "old-safari": f"https://{HTTPS_HOST}:{old}",
    }
    client = sandbox.Client(
        "gatehouse",
        "a-secret",
        name="Gatehouse",
        redirect_uris=tuple(f"{url}/callback" for url in urls.values()),
        webhook_url=f"{urls['http']}/webhook",
        webhook_secret=webhook_secret,
    )
    provider = sandbox.make_server(0, [client])
    with private_directory() as directory, serving(provider):
        app = create_app(
            {
                "ALTDENTIFIER_BASE_URL": f"http://{HOST}:{provider.port}",
                "ALTDENTIFIER_CLIENT_ID": client.client_id,
                "ALTDENTIFIER_CLIENT_SECRET": client.client_secret,
                "ALTDENTIFIER_WEBHOOK_SECRET": webhook_secret,
                "INSTANCE_PATH": str(directory / "instance"),
            }
        )
        requests: list[WSGIEnvironment] = []

        @app.after_request
        def record(response: Response) -> Response:
            requests.append({**request.environ, "status": response.status_code})
            return response

        # Outside of the app, whose Content-Security-Policy forbids all that is on this page.
        page = DispatcherMiddleware(
            app, {"/prefetching": Response(PREFETCHING, mimetype="text/html")}
        )
        server = make_server(
            HOST, http, ProxyFix(page, x_for=0), threaded=True, request_handler=QuietHandler
        )
        assert isinstance(provider.app, Flask)
        state = sandbox.sandbox_state(provider.app)
        with serving(server), nginx(directory, http, https, old):
            yield {
                name: Site(url, requests, state, name == "old-safari") for name, url in urls.items()
            }


@contextmanager
def nginx(directory: Path, http: int, https: int, old: int) -> Iterator[None]:
    """Serve https in front of the app; on the port *old* as if the browser were an old Safari."""
    certificate = trustme.CA().issue_cert(HTTPS_HOST)
    certificate.private_key_and_cert_chain_pem.write_to_path(directory / "certificate")
    config = directory / "nginx.conf"
    config.write_text(NGINX.format(host=HOST, http=http, https=https, old=old))
    command = [find_program("nginx"), "-p", str(directory), "-c", str(config), "-e", "error.log"]
    with Server(
        command, directory, https, lambda: socket.create_connection((HOST, https), 1).close()
    ):
        yield
