from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug import serving

from flask_altdentifier.sandbox import Client, __main__, make_server, run, serve


@pytest.fixture
def get() -> Iterator[Callable[..., int]]:
    """Request a path of a served sandbox, and return the status."""
    server = make_server(0)
    thread = threading.Thread(target=serve, args=(server,))
    thread.start()

    def get(path: str, host: str = "localhost") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", path, headers={"Host": host})
        status = connection.getresponse().status
        connection.close()
        return status

    yield get
    server.shutdown()
    thread.join(timeout=10)


def test_other_host_is_refused_to_prevent_dns_rebinding(get: Callable[..., int]) -> None:
    hosts = ["localhost", "127.0.0.1:8400", "attacker.example", "localhost.attacker.example"]
    assert [get("/", host=host) for host in hosts] == [200, 200, 400, 400]


def test_redirect_uri_is_on_this_machine_and_not_logged(
    get: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    query = "client_id=sandbox&response_type=code&scope=read:user&redirect_uri="
    with caplog.at_level("INFO", logger="werkzeug"):
        assert get(f"/oauth2/authorize?{query}http://app.localhost:5000/cb") == 200
        assert get(f"/oauth2/authorize?{query}https://attacker.example/cb") == 400
    assert "'/oauth2/authorize'" in caplog.text
    assert "redirect_uri" not in caplog.text


def test_run_serves_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr(serving.BaseWSGIServer, "serve_forever", lambda it: served.append(it))
    run(0)
    served[0].server_close()
    assert served[0].multithread
    assert served[0].server_address[0] == "127.0.0.1"


def test_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[Any, ...]] = []
    monkeypatch.setattr(__main__, "make_server", lambda *given: given)
    monkeypatch.setattr(__main__, "serve", served.append)
    uris = ("http://localhost/1", "http://localhost/2")
    options = ["--port=1", "--client-id=a", "--client-secret=b"]
    for arguments in ([], [*options, *(f"--redirect-uri={uri}" for uri in uris)]):
        CliRunner().invoke(__main__.main, arguments)
    assert served == [
        (8400, [Client("sandbox", "sandbox-secret")]),
        (1, [Client("a", "b", redirect_uris=uris)]),
    ]


def test_invalid_option_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as ``python -m flask_altdentifier.sandbox`` does."""
    monkeypatch.setattr("sys.argv", ["sandbox", "--redirect-uri=foo"])
    code = compile(Path(__main__.__file__).read_text(), __main__.__file__, "exec")
    with pytest.raises(SystemExit, match=r"^2$"):
        exec(code, {"__name__": "__main__", "__package__": "flask_altdentifier.sandbox"})


def test_port_in_use_names_the_fix() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = CliRunner().invoke(__main__.main, [f"--port={port}"])
    assert result.exit_code == 1
    assert all(fact in result.output for fact in (str(port), "--port"))
