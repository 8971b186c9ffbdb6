from __future__ import annotations

import errno
import http.client
import socket
import sys
import threading
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from werkzeug import serving

from flask_altdentifier.sandbox import Client, __main__, run, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from werkzeug.serving import BaseWSGIServer


@pytest.fixture
def get(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """A function that gets a path from a sandbox that `run` serves, and returns the status."""
    made: list[BaseWSGIServer] = []
    ready = threading.Event()

    def make_server(*args: Any, **kwargs: Any) -> BaseWSGIServer:
        made.append(serving.make_server(*args, **kwargs))
        ready.set()
        return made[0]

    monkeypatch.setattr(serve, "make_server", make_server)
    thread = threading.Thread(target=run, kwargs={"port": 0})
    thread.start()
    assert ready.wait(timeout=10)

    def get(path: str, host: str = "localhost") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", made[0].port, timeout=10)
        connection.request("GET", path, headers={"Host": host})
        status = connection.getresponse().status
        connection.close()
        return status

    yield get
    made[0].shutdown()
    thread.join(timeout=10)
    assert not thread.is_alive()


def test_run(get: Callable[..., int]) -> None:
    """The server answers to the names of this machine, and to no other."""
    assert get("/") == 200
    assert get("/", host="127.0.0.1:8400") == 200
    assert get("/", host="attacker.example") == 400
    assert get("/", host="localhost.attacker.example") == 400


def test_run_keeps_to_this_machine(get: Callable[..., int]) -> None:
    """A client without a registered redirect URI sends nobody to another machine."""
    query = "client_id=sandbox&response_type=code&scope=read:user&redirect_uri="
    assert get(f"/oauth2/authorize?{query}http://localhost:5000/cb") == 200
    assert get(f"/oauth2/authorize?{query}https://attacker.example/cb") == 400


def test_log_holds_no_query(get: Callable[..., int], caplog: pytest.LogCaptureFixture) -> None:
    """A request is logged by its path alone."""
    with caplog.at_level("INFO", logger="werkzeug"):
        get("/oauth2/authorize?state=hush")
    assert "GET '/oauth2/authorize'\" 404" in caplog.text
    assert "hush" not in caplog.text


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "::1", "10.0.0.1", "sandbox.example"])
def test_other_hosts(host: str) -> None:
    """An address that other machines could reach is refused."""
    with pytest.raises(ValueError, match=r"localhost or 127\.0\.0\.0/8"):
        run(port=0, host=host)


@pytest.mark.parametrize("port", [-1, 65536])
def test_ports_that_do_not_exist(port: int) -> None:
    """A port has 16 bits; another is not turned into one."""
    with pytest.raises(ValueError, match="from 0 to 65535"):
        run(port)


def test_port_in_use(used_port: int, capfd: pytest.CaptureFixture[str]) -> None:
    """A port in use is an error that names it, and nothing is printed."""
    with pytest.raises(OSError, match=f"^Port {used_port} is in use[.]$"):
        run(used_port)
    assert capfd.readouterr() == ("", "")


def test_port_that_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that may not be used is an error with the system's reason."""

    def refuse(address: tuple[str, int]) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(OSError, match=r"^Port 80 cannot be used: Permission denied[.]$"):
        run(80)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.2"])
def test_loopback_hosts(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every IPv4 loopback address may be served, by a server with threads."""
    made: list[BaseWSGIServer] = []

    def make_server(*args: Any, **kwargs: Any) -> BaseWSGIServer:
        made.append(serving.make_server(*args, **kwargs))
        return made[0]

    monkeypatch.setattr(serve, "make_server", make_server)
    monkeypatch.setattr(
        serving.BaseWSGIServer, "serve_forever", lambda server: server.server_close()
    )
    run(port=0, host=host)
    assert made[0].multithread
    assert IPv4Address(made[0].server_address[0]).is_loopback
    assert host in cast("Flask", made[0].app).config["TRUSTED_HOSTS"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (8400, [Client("sandbox", "sandbox-secret")], "127.0.0.1")),
        (
            [
                *("--port", "1", "--host", "localhost", "--client-id", "a", "--client-secret", "b"),
                *("--redirect-uri", "http://localhost/1", "--redirect-uri", "http://localhost/2"),
            ],
            (
                1,
                [Client("a", "b", redirect_uris=("http://localhost/1", "http://localhost/2"))],
                "localhost",
            ),
        ),
    ],
)
def test_command_line(
    arguments: list[str], expected: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line says which client is served where."""
    monkeypatch.setattr(__main__, "bind", lambda *given: given)
    served: list[tuple[Any, ...]] = []
    monkeypatch.setattr(__main__, "serve", served.append)
    __main__.main(arguments)
    assert served == [expected]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0"], "serves localhost or 127.0.0.0/8 only"),
        (["--port", "65536"], "a port is a number from 0 to 65535"),
        (["--redirect-uri", "foo"], "'foo' is no redirect URI"),
        (["--client-id", ""], "a client needs a client_id and a client_secret"),
    ],
)
def test_command_line_that_makes_no_sense(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong is told beside the usage, without a traceback."""
    with pytest.raises(SystemExit, match=r"^2$"):
        __main__.main(arguments)
    said = capsys.readouterr().err
    assert said.startswith("usage: ")
    assert told in said


def test_command_line_with_a_port_in_use(
    used_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error says what to do about it."""
    with pytest.raises(SystemExit, match=r"^2$"):
        __main__.main(["--port", str(used_port)])
    assert capsys.readouterr().err.endswith(
        f"error: Port {used_port} is in use. Choose another with --port.\n"
    )


def test_python_m(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m flask_altdentifier.sandbox` is that command line."""
    monkeypatch.setattr(sys, "argv", ["sandbox", "--help"])
    code = compile(Path(__main__.__file__).read_text(), __main__.__file__, "exec")
    with pytest.raises(SystemExit, match=r"^0$"):
        exec(code, {"__name__": "__main__", "__package__": "flask_altdentifier.sandbox"})
    assert "--redirect-uri" in capsys.readouterr().out
