"""The quickstart and the deployment as their readers run them: real servers, nginx in front."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from ..invariants.servers import REDIS_SERVER, Process, RedisServer, eventually
from ..ports import free_ports
from .pages import PAGES, blocks, example

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool as Pool

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}

pytestmark = pytest.mark.server


def answers(pool: Pool) -> bool:
    """Tell whether somebody answers."""
    try:
        pool.request("GET", "/", retries=False, redirect=False, timeout=1)
    except HTTPError:
        return False
    return True


@dataclass
class Browser:
    """Keeps the cookies of one site."""

    pool: Pool
    host: str
    cookies: dict[str, str] = field(default_factory=dict)
    #: As they came, with their attributes, by name.
    set_cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, **headers: str) -> BaseHTTPResponse:
        """Send one request."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Host": self.host, **({"Cookie": cookie} if cookie else {}), **headers}
        response = self.pool.request(
            method, path, headers=sent, retries=False, redirect=False, timeout=10
        )
        for line in response.headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.set_cookies[name] = line
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return response

    def visit(self, path: str) -> BaseHTTPResponse:
        """Visit a page."""
        return self.ask("GET", path, **NAVIGATION)


def allow(url: str) -> str:
    """Click “Allow” on the sandbox's page, and return the path and query of the callback."""
    parts = urlsplit(url)
    with HTTPConnectionPool("127.0.0.1", parts.port) as pool:
        answer = pool.request(
            "POST",
            f"{parts.path}?{parts.query}",
            fields={"decision": "allow", "granted": "read:user"},
            encode_multipart=False,
            headers={"Origin": f"http://127.0.0.1:{parts.port}"},
            redirect=False,
        )
    assert answer.status == 302, answer.data.decode()
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


@dataclass
class Servers:
    """Starts processes in a directory, and ends them all."""

    directory: Path
    stack: ExitStack
    env: dict[str, str]

    def start(self, name: str, *command: str, **env: str) -> Path:
        """Start a process; return its log."""
        process = Process(self.directory / f"{name}.log")
        self.stack.callback(process.end)
        process.run(*command, env=self.env | env)
        return process.log

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            command, env=self.env | env, capture_output=True, text=True, timeout=30, check=False
        )


@pytest.fixture
def servers(place: Path) -> Iterator[Servers]:
    """Processes with the environment that the pages set."""
    env = {name: value for name, value in os.environ.items() if name != "FLASK_APP"}
    with ExitStack() as stack:
        yield Servers(place, stack, env | {"PYTHONPATH": str(place), "PYTHONDEVMODE": ""})


def test_quickstart(servers: Servers) -> None:
    """The commands of the page lead to a login."""
    script = example("quickstart")
    (servers.directory / "app.py").write_text(script.blocks[1].code)
    commands = "".join(b.code for b in blocks("quickstart") if b.language == "sh")
    assert "\nflask altdentifier sandbox\n" in commands
    assert "\nflask run\n" in commands
    exported = dict(re.findall(r"(FLASK_\w+)=(\S+)", commands))
    assert exported.pop("FLASK_ALTDENTIFIER_BASE_URL") == "http://127.0.0.1:8400"

    provider, app = free_ports(2)
    flask = (sys.executable, "-m", "flask")
    servers.start("sandbox", *flask, "altdentifier", "sandbox", "--port", str(provider), **exported)
    exported["FLASK_ALTDENTIFIER_BASE_URL"] = f"http://127.0.0.1:{provider}"
    servers.start("app", *flask, "run", "--port", str(app), **exported)
    with HTTPConnectionPool("127.0.0.1", app) as pool:
        eventually(lambda: answers(pool), "flask run")
        with HTTPConnectionPool("127.0.0.1", provider) as other:
            eventually(lambda: answers(other), "sandbox")
        browser = Browser(pool, f"127.0.0.1:{app}")
        assert browser.visit("/me").headers["Location"] == "/login?next=/me"
        back = allow(browser.visit("/login?next=/me").headers["Location"])
        assert browser.visit(back).headers["Location"] == "/me"
        assert browser.visit("/me").data == b"You allowed: read:user"
        assert browser.ask("POST", "/logout").status == 303
        assert browser.ask("GET", "/me").status == 401


@dataclass
class Site:
    """The site of the page on deployment."""

    servers: Servers
    authority: trustme.CA
    https: int
    http: int
    access_log: Path
    env: dict[str, str]

    def browser(self) -> Browser:
        """Return a new browser that is on https://example.com."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        pool = HTTPSConnectionPool(
            "127.0.0.1", self.https, ssl_context=context, server_hostname="example.com"
        )
        self.servers.stack.callback(pool.close)
        return Browser(pool, "example.com")


def nginx_conf(site: Site, upstream: int, directory: Path) -> str:
    """Return the page's config with this machine's ports and files, in the frame it needs."""
    certificate = site.authority.issue_cert("example.com")
    chain, key = directory / "example.com.pem", directory / "example.com.key"
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(chain, append=True)
    certificate.private_key_pem.write_to_path(key)
    text = next(b.code for b in blocks("deployment") if b.file == "my-app.conf")
    for old, new in {
        "listen 443 ssl;": f"listen 127.0.0.1:{site.https} ssl;",
        "listen 80;": f"listen 127.0.0.1:{site.http};",
        "/etc/ssl/example.com.pem": str(chain),
        "/etc/ssl/example.com.key": str(key),
        "/var/log/nginx/access.log": str(site.access_log),
        "http://127.0.0.1:8000": f"http://127.0.0.1:{upstream}",
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {directory}/{kind};" for kind in kinds)
    return (
        f"daemon off; pid {directory}/nginx.pid; error_log {directory}/error.log;"
        f" events {{}} http {{ {places}\n{text}\n}}"
    )


@pytest.fixture
def site(servers: Servers) -> Site:
    """The app of the page, under gunicorn, behind nginx, with Redis; and a sandbox."""
    for program, name in ((NGINX, "nginx"), (REDIS_SERVER, "redis-server")):
        if program is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not on the PATH")
    example("deployment").write(servers.directory)
    store = RedisServer(servers.directory)
    servers.stack.callback(store.end)
    store.start()
    servers.stack.callback(store.client.close)
    provider, upstream, plain, tls = free_ports(4)
    env = {
        "REDIS_URL": f"unix://{store.socket}",
        "FLASK_ALTDENTIFIER_BASE_URL": f"http://127.0.0.1:{provider}",
    }
    servers.start(
        "sandbox",
        *(sys.executable, "-m", "flask_altdentifier.sandbox", "--port", str(provider)),
        *("--client-id", "the-client", "--client-secret", "the-secret"),
        *("--redirect-uri", "https://example.com/callback"),
    )
    command = next(b.code for b in blocks("deployment") if b.code.startswith("gunicorn")).split()
    assert command[:2] == ["gunicorn", "--workers"]
    command[command.index("127.0.0.1:8000")] = f"127.0.0.1:{upstream}"
    servers.start("gunicorn", sys.executable, "-m", *command, **env)
    found = Site(servers, trustme.CA(), plain, tls, servers.directory / "access.log", env)
    conf = servers.directory / "nginx.conf"
    conf.write_text(nginx_conf(found, upstream, servers.directory))
    servers.start("nginx", str(NGINX), "-c", str(conf), "-e", str(servers.directory / "early.log"))
    for port in (provider, upstream, found.http):
        with HTTPConnectionPool("127.0.0.1", port) as pool:
            eventually(lambda pool=pool: answers(pool), f"port {port}")  # type: ignore[misc]
    return found


def test_unit() -> None:
    """The unit starts what the page runs by hand, where the page has put it."""
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(next(b.code for b in blocks("deployment") if b.language == "ini"))
    command = next(b.code for b in blocks("deployment") if b.code.startswith("gunicorn")).strip()
    service = unit["Service"]
    assert service["ExecStart"] == f"{service['WorkingDirectory']}/.venv/bin/{command}"
    page = PAGES["deployment"].read_text()
    assert f"In a folder such as `{service['WorkingDirectory']}`" in page
    assert f"such as `{service['EnvironmentFile']}`" in page


def test_deployment(site: Site) -> None:
    """A login through nginx works, its cookies are for this host alone, and no code is logged."""
    browser = site.browser()
    assert browser.visit("/").data == b"Not logged in"
    assert browser.visit("/me").headers["Location"] == "/login?next=/me"
    started = browser.visit("/login?next=/me").headers["Location"]
    assert "redirect_uri=https%3A%2F%2Fexample.com%2Fcallback" in started
    assert "Secure" in browser.set_cookies["__Host-session"].split("; ")
    callback = allow(started)
    assert browser.visit(callback).headers["Location"] == "/me"
    assert [browser.visit("/me").data for _ in range(8)] == [b"Your page"] * 8  # on any worker
    ours = {n: line for n, line in browser.set_cookies.items() if "altdentifier" in n}
    assert len(ours) == 2
    for name, line in ours.items():
        assert name.startswith("__Host-altdentifier_")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(line.split("; "))
    assert "/callback" in site.access_log.read_text()
    assert "code" not in site.access_log.read_text()

    assert browser.ask("POST", "/logout", Origin="https://example.com").status == 303
    assert browser.ask("GET", "/me").status == 401


def test_visitors_headers_count_for_nothing(site: Site) -> None:
    """What `ProxyFix` believes was set by nginx."""
    browser = site.browser()
    browser.visit(allow(browser.visit("/login").headers["Location"]))
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
    }
    started = browser.ask("GET", "/login", **NAVIGATION, **forged).headers["Location"]
    assert "redirect_uri=https%3A%2F%2Fexample.com%2Fcallback" in started
    assert all("Secure" in line for line in browser.set_cookies.values())
    crossed = browser.ask("POST", "/logout", Origin="https://evil.example", **forged)
    assert crossed.status == 403
    assert browser.visit("/me").data == b"Your page"


def test_plain_http_is_sent_to_https(site: Site) -> None:
    """Nothing is served over plain http."""
    with HTTPConnectionPool("127.0.0.1", site.http) as pool:
        answer = pool.request("GET", "/me?a=1", headers={"Host": "example.com"}, redirect=False)
    assert (answer.status, answer.headers["Location"]) == (301, "https://example.com/me?a=1")


def test_check_finds_nothing(site: Site) -> None:
    """`flask altdentifier check` has nothing to say of the page's set-up."""
    command = next(b.code for b in blocks("deployment") if " check" in b.code).split()
    found = site.servers.run(sys.executable, "-m", *command, **site.env)
    assert (found.stdout, found.returncode) == ("No mistakes found.\n", 0), found.stderr
