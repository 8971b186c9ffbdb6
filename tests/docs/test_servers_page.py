"""The setup of `servers.md` with real servers, and what `observability.md` keeps out of records."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest
import trustme
import urllib3
from urllib3 import BaseHTTPResponse, HTTPSConnectionPool

from flask_altdentifier import signals
from flask_altdentifier.sandbox import Failure

from ..invariants.jar import Jar
from ..servers.process import HOST, Server, find_program, free_port
from ..servers.redis import redis_server
from ..support import FakeAltDentifier, cookies_of, query_of, state_of
from .conftest import Site, run
from .pages import blocks, example

if TYPE_CHECKING:
    from flask import Flask

FILES = {block.file: block.code for block in blocks("servers") if block.file is not None}
SETTINGS = dict(line.split("=", 1) for line in FILES["shop.env"].splitlines())
UNIT = ConfigParser(interpolation=None)
UNIT.read_string(FILES["shop.service"])
SERVICE = UNIT["Service"]


class Browser:
    """A visitor of https://example.com."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.pool = HTTPSConnectionPool(
            HOST, port, ssl_context=context, server_hostname="example.com"
        )
        self.jar = Jar()
        self.set_cookies: list[str] = []

    def visit(self, path: str, method: str = "GET", **headers: str) -> BaseHTTPResponse:
        """Send what a browser without Fetch Metadata sends."""
        cookies = {"Cookie": self.jar.header()} if self.jar.cookies else {}
        sent = {"Host": "example.com", "Accept": "text/html"} | cookies | headers
        response = self.pool.request(method, path, headers=sent, redirect=False, retries=False)
        self.set_cookies += response.headers.getlist("Set-Cookie")
        self.jar.receive(response.headers.getlist("Set-Cookie"))
        return response

    def log_in(self, path: str = "/me") -> str:
        """Follow the redirects, allow everything, and return where the login ends."""
        started = self.visit(self.visit(path).headers["Location"])
        origin = started.headers["Location"].partition("/oauth2")[0]
        allowed = urllib3.request(
            "POST",
            started.headers["Location"],
            body="decision=allow&granted=read:user",
            headers={"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"},
            redirect=False,
        )
        callback = allowed.headers["Location"]
        assert callback.startswith(f"{SETTINGS['FLASK_ALTDENTIFIER_REDIRECT_URI']}?")
        return self.visit(callback.removeprefix("https://example.com")).headers["Location"]


class Deployment:
    """nginx, gunicorn, Redis and a sandbox, configured by the page's files."""

    def __init__(self, stack: ExitStack, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stack, self.directory = stack, directory
        self.authority = trustme.CA()
        self.sandbox, self.gunicorn, self.https, self.http = (free_port() for _ in range(4))
        redis = stack.enter_context(redis_server())
        for name, value in SETTINGS.items():
            monkeypatch.setenv(name, value.replace("localhost:6379", f"{HOST}:{redis.port}"))
        monkeypatch.setenv("FLASK_ALTDENTIFIER_BASE_URL", f"http://{HOST}:{self.sandbox}")
        client = [SETTINGS[f"FLASK_ALTDENTIFIER_CLIENT_{name}"] for name in ("ID", "SECRET")]
        module = [sys.executable, "-m", "flask_altdentifier.sandbox", f"--port={self.sandbox}"]
        callback = SETTINGS["FLASK_ALTDENTIFIER_REDIRECT_URI"]
        options = ["--client-id", client[0], "--client-secret", client[1], "--redirect-uri"]
        self._start([*module, *options, callback], self.sandbox)
        command = SERVICE["ExecStart"].removeprefix("/srv/shop/.venv/bin/").split()
        command[command.index(f"{HOST}:8000")] = f"{HOST}:{self.gunicorn}"
        self._start([sys.executable, "-m", *command], self.gunicorn)
        (directory / "nginx.conf").write_text(self._nginx_conf())
        nginx = [find_program("nginx"), "-c", str(directory / "nginx.conf")]
        self._start([*nginx, "-e", str(directory / "early.log")], self.http)

    def _start(self, command: list[str], port: int) -> None:
        url = f"http://{HOST}:{port}/"
        self.stack.enter_context(
            Server(
                command,
                self.directory,
                port,
                lambda: urllib3.request("GET", url, redirect=False, retries=False),
            )
        )

    def _nginx_conf(self) -> str:
        certificate = self.authority.issue_cert("example.com")
        certificate.private_key_and_cert_chain_pem.write_to_path(self.directory / "example.pem")
        text = FILES["shop.conf"].replace("\n}\n", "\n" + FILES["auth.conf"] + "}\n", 1)
        for old, new in {
            "listen 443 ssl;": f"listen {HOST}:{self.https} ssl;",
            "listen 80;": f"listen {HOST}:{self.http};",
            "/etc/ssl/example.com.pem": f"{self.directory}/example.pem",
            "/etc/ssl/example.com.key": f"{self.directory}/example.pem",
            "/var/log/nginx/": f"{self.directory}/",
            "http://127.0.0.1:8000": f"http://{HOST}:{self.gunicorn}",
            "root /srv/shop;": f"root {self.directory};",
        }.items():
            assert old in text
            text = text.replace(old, new)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temp = "".join(f"{kind}_temp_path {self.directory}/{kind};" for kind in kinds)
        head = f"user root; daemon off; pid {self.directory}/nginx.pid; error_log stderr;"
        return f"{head} events {{}} http {{ {temp}\n{text}\n}}"

    def browser(self) -> Browser:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        browser = Browser(self.https, context)
        self.stack.callback(browser.pool.close)
        return browser


@pytest.fixture
def shop(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the quickstart's app, with the page's `/auth` added."""
    monkeypatch.delenv("FLASK_ALTDENTIFIER_WEBHOOK_SECRET")
    app = next(block.code for block in blocks("quickstart") if block.runs)
    auth = example("servers", "auth-request").blocks[0].code
    (place / "app.py").write_text(app + auth[auth.index("@app.get") :])
    (place / "files").mkdir()
    (place / "files" / "rules.txt").write_text("The rules")
    return place


@pytest.fixture
def deployment(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """The running site."""
    with ExitStack() as stack:
        yield Deployment(stack, shop, monkeypatch)


@pytest.mark.server
def test_deployment(deployment: Deployment) -> None:
    """Logins work on every worker, for files of nginx too, and no code is logged."""
    browser = deployment.browser()
    assert (
        browser.visit("/files/rules.txt")
        .headers["Location"]
        .endswith("/login?next=/files/rules.txt")
    )
    assert browser.log_in() == "/me"
    assert {browser.visit("/me").data for _ in range(20)} == {b"You allowed: read:user"}
    assert browser.visit("/files/rules.txt").data == b"The rules"
    ours = [header for header in browser.set_cookies if "altdentifier" in header]
    assert all(header.startswith("__Host-") and "Secure" in header for header in ours)

    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    assert browser.visit("/logout", "POST", Origin="https://evil.example", **forged).status == 403
    assert browser.visit("/logout", "POST", Origin="https://example.com").status == 303
    assert browser.visit("/me").status == 302
    assert browser.visit("/files/rules.txt").status == 302
    plain = f"http://{HOST}:{deployment.http}/me?a=1"
    moved = urllib3.request("GET", plain, headers={"Host": "example.com"}, redirect=False)
    assert (moved.status, moved.headers["Location"]) == (301, "https://example.com/me?a=1")
    log = (deployment.directory / "access.log").read_text()
    assert "/callback" in log
    assert " 301" in log
    assert "code" not in log
    assert "a=1" not in log


@pytest.mark.server
def test_check_finds_nothing(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`flask altdentifier check` finds no problem in the page's settings but the placeholders."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    command = "flask --app app altdentifier check"
    assert any(command in block.code for block in blocks("servers"))
    options = ["--offline", "--production", "--json", "--fail-level=warning"]
    options += ["--ignore=placeholder"]
    checked = subprocess.run(
        [sys.executable, "-m", *command.split(), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (checked.stdout.strip(), checked.returncode) == ("[]", 0), checked.stderr


def test_sentry(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither errors nor traces have the code, the state, a cookie or the client secret."""
    sentry_sdk = pytest.importorskip("sentry_sdk")
    sent: list[str] = []

    class Transport(sentry_sdk.transport.Transport):  # type: ignore[misc, name-defined]
        def capture_envelope(self, envelope: Any) -> None:
            sent.extend(json.dumps(item.payload.json, default=str) for item in envelope.items)

    def fail(_app: object, **_: object) -> None:
        raise RuntimeError("a receiver that fails")

    options = {"dsn": "https://a@127.0.0.1/1", "transport": Transport, "traces_sample_rate": 1}
    init = sentry_sdk.init
    monkeypatch.setattr(sentry_sdk, "init", lambda **page: init(**(options | page)))
    run(example("observability", "sentry"), place)
    app: Flask = run(example("quickstart"), place)["app"]
    state_of(app).transport = FakeAltDentifier(body=b"not JSON")
    client = app.test_client()
    with signals.login_failed.connected_to(fail, sender=app):
        state = query_of(client.get("/login").location)["state"]
        code = token_hex()  # not in the source, which Sentry sends too
        secrets = [*cookies_of(client).values(), state, code]
        secrets.append(app.config["ALTDENTIFIER_CLIENT_SECRET"])
        assert client.get(f"/callback?code={code}&state={state}").status_code == 500
    sentry_sdk.flush()
    sentry_sdk.get_global_scope().set_client(None)
    assert sum("/callback" in item for item in sent) == 2  # the error and the trace
    assert [secret for secret in secrets if secret in "".join(sent)] == []


@pytest.mark.parametrize("convention", ["", "http"])
def test_opentelemetry(
    site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, convention: str
) -> None:
    """No span has the query, whatever names the attributes have."""
    pytest.importorskip("opentelemetry.instrumentation.flask")
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", convention)
    spans, provider = memory.InMemorySpanExporter(), trace.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(spans))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    site("observability", "opentelemetry").client.get("/callback?code=a-code&state=a-state")
    [span] = spans.get_finished_spans()
    assert span.attributes["url.query"] == ""
    assert "a-code" not in span.to_json()


def test_metrics(site: Callable[..., Site]) -> None:
    """Logins are counted by their result."""
    registry = pytest.importorskip("prometheus_client").REGISTRY
    for collector in {*registry._names_to_collectors.values()}:
        if "altdentifier" in str(collector):  # of another test
            registry.unregister(collector)
    shop = site("observability", "metrics")
    shop.log_in()
    shop.sandbox.failure = Failure.RATE_LIMITED
    shop.log_in(expect="provider_unavailable")
    for result in ("success", "provider_unavailable"):
        assert registry.get_sample_value("altdentifier_logins_total", {"result": result}) == 1
    registry.unregister(shop.names["LOGINS"])
