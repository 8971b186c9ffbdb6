"""How each server is started: as its documentation says, with two processes if it can."""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Barrier

import pytest

import flask_altdentifier

from ..invariants.browser import PATIENCE, Answer, Browser, Connection, request_bytes
from ..invariants.jar import Jar
from ..invariants.provider import ProviderServer
from ..servers.process import HOST, Server, free_port

VERSION = sys.version_info[:2]
APP, ASGI = f"{__package__}.app:application", f"{__package__}.asgi:application"
GUNICORN = "{python} -m gunicorn --no-control-socket -w 2 -b {address}"
UWSGI = f"--master -p 2 --http-socket {{address}} -w {APP}"
UWSGI_PLUGIN = "python{}{}".format(*VERSION)
# Apache refuses to serve as root, and another user may not be able to read the package.
AS_USER = "setpriv --reuid=33 --regid=33 --clear-groups --inh-caps=+dac_override"
AS_USER = f"{AS_USER} --ambient-caps=+dac_override" if os.geteuid() == 0 else "env"
APACHE = f"{AS_USER} /usr/sbin/apache2 -DFOREGROUND -f {{directory}}"
COMMANDS = {
    "gunicorn sync": f"{GUNICORN} {APP}",
    "gunicorn gthread": f"{GUNICORN} --threads 4 {APP}",
    "gunicorn gevent": f"{GUNICORN} -k gevent {APP}",
    "gunicorn preload": f"{GUNICORN} --threads 4 --preload {APP}",
    "waitress": f"{{python}} -m waitress --threads=8 --listen={{address}} {APP}",
    "uwsgi": f"{{scripts}}/uwsgi {UWSGI}",
    "uwsgi of debian": f"/usr/bin/uwsgi --plugin {UWSGI_PLUGIN} {UWSGI}",
    "mod_wsgi daemon": f"{APACHE}/daemon.conf",
    "mod_wsgi embedded": f"{APACHE}/embedded.conf",
    "hypercorn": f"{{python}} -m hypercorn -w 2 -b {{address}} {ASGI}",
    "hypercorn wsgi": f"{{python}} -m hypercorn -w 2 -b {{address}} wsgi:{APP}",
    "uvicorn": f"{{python}} -m uvicorn --workers 2 --port {{port}} {ASGI}",
    "granian": f"{{python}} -m granian --interface wsgi --workers 2 --port {{port}} {APP}",
}
MOD_WSGI = "/usr/lib/apache2/modules/mod_wsgi.so-{}.{}".format(*VERSION)
#: Files that Debian's packages bring, for Debian's Python.
NEEDED = {
    "uwsgi of debian": ["/usr/bin/uwsgi", f"/usr/lib/uwsgi/plugins/{UWSGI_PLUGIN}_plugin.so"],
    "mod_wsgi daemon": ["/usr/sbin/apache2", MOD_WSGI],
    "mod_wsgi embedded": ["/usr/sbin/apache2", MOD_WSGI],
}
APACHE_CONFIG = f"""
ServerName localhost
Listen {{address}}
DefaultRuntimeDir {{directory}}
PidFile {{directory}}/apache.pid
ErrorLog {{directory}}/log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule wsgi_module {MOD_WSGI}
StartServers 2
ServerLimit 2
ThreadsPerChild 8
MaxRequestWorkers 16
WSGIScriptAlias / {{directory}}/app.wsgi
<Directory {{directory}}>
    Require all granted
</Directory>
"""
DAEMON = """
WSGISocketPrefix {directory}/wsgi
WSGIDaemonProcess app processes=2 threads=4
WSGIProcessGroup app
WSGIApplicationGroup %{{GLOBAL}}
"""
#: Seconds that the app waits for the provider.
TIMEOUT = 2


class Site:
    """A server that runs the app, and the provider of that app."""

    def __init__(self, name: str, provider: ProviderServer, port: int) -> None:
        self.provider = provider
        self.address = (HOST, port)
        self.processes = 1 if name == "waitress" else 2

    def connect(self) -> None:
        socket.create_connection(self.address).close()

    def browser(self) -> Browser:
        """Return a new browser, without cookies."""
        return Browser(self.address, Path())

    def ask_at_once(self, path: str, jar: Jar) -> list[Answer]:
        """Send a request on each of eight connections at the same moment. Set no cookies."""
        request, connected = request_bytes("GET", path, jar.header()), Barrier(8, timeout=PATIENCE)

        def ask(_: int) -> Answer:
            with closing(Connection(self.address)) as connection:
                connected.wait()
                connection.send(request)
                return connection.read()

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(ask, range(8)))


@contextmanager
def run_site(name: str, directory: Path) -> Iterator[Site]:
    """Run a server of `COMMANDS` with its log in *directory*, and a provider."""
    for file in NEEDED.get(name, []):
        if not Path(file).exists():
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {file}")
    port = free_port()
    values = {"port": port, "address": f"{HOST}:{port}", "directory": directory}
    values |= {"python": sys.executable, "scripts": Path(sys.executable).parent}
    # The embedded app runs in a sub-interpreter, because no application group is set.
    (directory / "embedded.conf").write_text(APACHE_CONFIG.format(**values))
    (directory / "daemon.conf").write_text((APACHE_CONFIG + DAEMON).format(**values))
    (directory / "app.wsgi").write_text(f"from {__package__}.app import application\n")
    with ProviderServer() as provider:
        site = Site(name, provider, port)
        parts = [part.format(**values) for part in COMMANDS[name].split()]
        command = ["env", *_environment(provider.url, directory), *parts]
        with Server(command, directory, port, site.connect):
            yield site


def _environment(provider_url: str, directory: Path) -> list[str]:
    # Debian's uWSGI and mod_wsgi run Debian's Python. It does not know the virtual environment, and
    # would take the standard library of the first `python3` on the PATH.
    package, root = Path(flask_altdentifier.__file__).parents[1], Path(__file__).parents[2]
    path = os.pathsep.join(map(str, [package, root, sysconfig.get_path("purelib")]))
    values = {"BASE_URL": provider_url, "TIMEOUT": TIMEOUT, "PYTHONPATH": path, "PATH": os.defpath}
    values["INSTANCE_FOLDER"] = directory / "instance"
    return [f"{key}={value}" for key, value in values.items()]
