from __future__ import annotations

import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, Response, request
from werkzeug.serving import make_server

from flask_altdentifier import webhooks
from flask_altdentifier.sandbox import Client, create_app, events, sandbox_state
from flask_altdentifier.sandbox.people import USERS
from flask_altdentifier.sandbox.state import MAX_DELIVERIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from flask_altdentifier.sandbox import State

LINK = "/oauth2/authorize?client_id=sandbox&scope=write:integrations"
PAGE = "/webhooks?client_id=sandbox"
SEND = "/webhooks/send?client_id=sandbox"
SETTINGS = "/webhooks/settings?client_id=sandbox"
MEMBER = {"id": "100000000000000001", "username": "ada", "discriminator": "0001"}
GUILD = {"id": "300000000000000001", "name": "Chess Club"}


class Receiver:
    """A webhook on this machine, and what came to it."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 204
        self.seconds = 0.0
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    def receive(self, path: str) -> Response:
        """Note a request and answer it."""
        self.bodies.append(request.get_data())
        self.headers.append(dict(request.headers))
        time.sleep(self.seconds)
        return Response("x" * 100_000, self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook that is being served."""
    receiver = Receiver()
    app = Flask(__name__)
    app.add_url_rule("/<path>", view_func=receiver.receive, methods=["GET", "POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    receiver.url = f"http://127.0.0.1:{server.port}/webhook"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield receiver
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def send(visitor: FlaskClient, receiver: Receiver) -> Callable[..., TestResponse]:
    """A function that presses a button; the client was added to a server and has its URL."""
    visitor.post(LINK, data={"decision": "allow"})
    visitor.post(SETTINGS, data={"url": receiver.url})
    return lambda button, **form: visitor.post(SEND, data={"send": button, **form})


def sent(receiver: Receiver) -> Any:
    """Return the one event that came."""
    (body,) = receiver.bodies
    return json.loads(body)


def shown(visitor: FlaskClient) -> list[str]:
    """Return what the page lists as sent, with its answers."""
    items = re.findall(
        r"<li><span>(.*?)</span> <strong>(.*?)</strong></li>", visitor.get(PAGE).text
    )
    return [": ".join(item) for item in items]


# The page


def test_nothing_to_send_yet(visitor: FlaskClient) -> None:
    """Who was added to no server is told so, with the way there."""
    page = visitor.get(PAGE).text
    assert "was not added to a server yet" in page
    assert 'name="send"' not in page
    assert "Nothing was sent yet." in page
    link = re.search(r'href="(/oauth2/authorize[^"]*)"', page)
    assert link is not None
    assert visitor.get(link[1].replace("&amp;", "&")).status_code == 200


def test_no_url_yet(visitor: FlaskClient) -> None:
    """Without a URL there are no buttons, and nothing can be sent."""
    visitor.post(LINK, data={"decision": "allow"})
    page = visitor.get(PAGE).text
    assert "Save the webhook URL first." in page
    assert 'name="send"' not in page
    assert visitor.post(SEND, data={"send": "test"}).status_code == 400


def test_no_server_yet(visitor: FlaskClient, receiver: Receiver) -> None:
    """An application that was added to no server is told nothing."""
    visitor.post(SETTINGS, data={"url": receiver.url})
    assert visitor.post(SEND, data={"send": "test"}).status_code == 400
    assert receiver.bodies == []


def test_ways_to_the_page(visitor: FlaskClient) -> None:
    """The control page and the page after an installation lead to it."""
    done = visitor.post(LINK, data={"decision": "allow", "guild": "400000000000000002"}).text
    link = re.search(r'href="(/webhooks[^"]*)"', done)
    assert link is not None
    visitor.post(SETTINGS, data={"url": "http://localhost/"})
    page = visitor.get(link[1].replace("&amp;", "&")).text
    assert re.findall(r'name="guild" value="([0-9]+)" required checked', page) == [
        "400000000000000002"
    ]
    assert f'href="{PAGE}"' in visitor.get("/").text


def test_choices_stay(send: Callable[..., TestResponse], visitor: FlaskClient) -> None:
    """After a button was pressed the choices are as they were."""
    chosen = {
        "guild": GUILD["id"],
        "user": "200000000000000002",
        "method": "reddit",
        "action": "ban",
    }
    back = urlsplit(send("passed", **chosen).headers["Location"])
    assert {name: value for name, (value,) in parse_qs(back.query).items()} == {
        "client_id": "sandbox",
        **chosen,
    }
    page = visitor.get(f"{back.path}?{back.query}").text
    assert 'name="user" value="200000000000000002" required checked' in page
    assert "<option selected>reddit</option>" in page
    assert "<option selected>ban</option>" in page


@pytest.mark.parametrize("path", [PAGE, SEND, SETTINGS])
def test_unknown_client(visitor: FlaskClient, path: str) -> None:
    """A client that there is not is a 404."""
    method = "GET" if path is PAGE else "POST"
    path = path.replace("sandbox", "nobody")
    assert visitor.open(path, method=method).status_code == 404
    assert visitor.open(path.partition("?")[0], method=method).status_code == 404


# Where events go


@pytest.mark.parametrize(
    "url",
    ["http://localhost:5000/webhook", "https://127.0.0.1/", "http://127.9.9.9/", "http://[::1]:1/"],
)
def test_url(visitor: FlaskClient, state: State, url: str) -> None:
    """Any URL on this machine will do."""
    answer = visitor.post(SETTINGS, data={"url": f" {url} "})
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    assert state.webhooks["sandbox"].url == url
    assert f'value="{url}"' in visitor.get(PAGE).text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/webhook",
        "ftp://localhost/",
        "file:///etc/passwd",
        "http://192.0.2.1/",
        "http://169.254.169.254/latest",
        "http://0.0.0.0/",
        "http://10.0.0.1@127.0.0.1/",
        "http://127.0.0.1@10.0.0.1/",
        "http://127.0.0.1#@10.0.0.1/",
        "http://127.0.0.1\\@10.0.0.1/",
        "http://localhost.example/",
        "http://internal.localhost/",
        "http://0x7f.1/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost/\r\nX: y",
    ],
)
def test_url_elsewhere(visitor: FlaskClient, state: State, url: str) -> None:
    """A URL that leaves this machine, or could, is refused."""
    assert visitor.post(SETTINGS, data={"url": url}).status_code == 400
    assert visitor.post(SETTINGS).status_code == 400
    assert state.webhooks["sandbox"].url == ""
    if url:
        with pytest.raises(ValueError, match="no http or https URL on this machine"):
            Client("a", "b", webhook_url=url)


def test_settings_of_a_client(visitor: FlaskClient) -> None:
    """A client may come with its URL and secret; the page shows no secret."""
    client = Client("sandbox", "hush", webhook_url="http://localhost/w", webhook_secret="hush-hush")
    app = create_app([client])
    assert sandbox_state(app).webhooks["sandbox"].secret == "hush-hush"
    page = app.test_client().get(PAGE).text
    assert 'value="http://localhost/w"' in page
    assert "a secret of its own" in page
    assert "hush" not in page
    assert "hush" not in repr((client, sandbox_state(app).webhooks))


def test_secret(
    send: Callable[..., TestResponse], visitor: FlaskClient, receiver: Receiver
) -> None:
    """The client secret signs until another is entered, which stays when the URL changes."""
    assert "the client secret, as in" in visitor.get(PAGE).text
    send("test")
    visitor.post(SETTINGS, data={"url": receiver.url, "secret": "another"})
    visitor.post(SETTINGS, data={"url": f"{receiver.url}?a=1", "secret": ""})
    assert "a secret of its own" in visitor.get(PAGE).text
    send("test")
    assert [headers["Digest"] for headers in receiver.headers] == [
        webhooks.digest("sandbox-secret", receiver.bodies[0]),
        webhooks.digest("another", receiver.bodies[1]),
    ]


# What is sent


@pytest.mark.parametrize(
    ("button", "fields"),
    [
        ("started", {"OP": 0}),
        ("passed", {"OP": 1, "method": "steam"}),
        ("failed", {"OP": 2, "method": "steam", "reason": events.REASON}),
        ("ignored", {"OP": 3, "action": "kick"}),
        (
            "incorrect",
            {
                "OP": 4,
                "incorrect_account": {
                    "id": "200000000000000002",
                    "username": "grace",
                    "discriminator": "0001",
                },
            },
        ),
        ("test", {"OP": 5}),
    ],
)
def test_each_op(
    send: Callable[..., TestResponse],
    receiver: Receiver,
    visitor: FlaskClient,
    button: str,
    fields: dict[str, Any],
) -> None:
    """Each button sends its op with the documented fields, signed, as JSON."""
    answer = send(button)
    assert (answer.status_code, urlsplit(answer.headers["Location"]).fragment) == (303, "sent")
    assert sent(receiver) == {"member": MEMBER, "guild": GUILD, **fields}
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert receiver.headers[0]["Digest"] == webhooks.digest("sandbox-secret", receiver.bodies[0])
    assert shown(visitor) == [f"{events.KINDS[button].title}: 204 No Content"]


def test_what_was_chosen(
    send: Callable[..., TestResponse], receiver: Receiver, visitor: FlaskClient
) -> None:
    """Server, member, method and action are those of the form."""
    visitor.post(f"{LINK}&guild_id=42", data={"decision": "allow"})
    send("failed", guild="42", user="200000000000000002", method="xbox")
    send("ignored", action="role")
    send("incorrect", user="200000000000000002")
    failed, ignored, incorrect = (json.loads(body) for body in receiver.bodies)
    assert failed["guild"] == {"id": "42", "name": "Server 42"}
    assert failed["member"]["username"] == "grace"
    assert failed["method"] == "xbox"
    assert (ignored["action"], ignored["timeout_role"]) == ("role", events.TIMEOUT_ROLE)
    assert incorrect["incorrect_account"]["username"] == USERS[0].name


def test_words_are_the_documented_ones() -> None:
    """The methods and actions are those that the extension knows too."""
    assert tuple(method.value for method in webhooks.Method) == events.METHODS
    assert tuple(action.value for action in webhooks.Action) == events.ACTIONS
    assert [kind.op for kind in events.KINDS.values()] == list(webhooks.Op)


def test_bad_signature(
    send: Callable[..., TestResponse], receiver: Receiver, visitor: FlaskClient
) -> None:
    """The button sends an event that another secret has signed."""
    receiver.status = 403
    send("bad-signature")
    assert sent(receiver)["OP"] == 1
    signature = receiver.headers[0]["Digest"]
    assert re.fullmatch("MD5=[0-9a-f]{32}", signature)
    assert signature != webhooks.digest("sandbox-secret", receiver.bodies[0])
    assert shown(visitor) == ["Verification passed, bad signature: 403 Forbidden"]


def test_replay(
    send: Callable[..., TestResponse], receiver: Receiver, visitor: FlaskClient
) -> None:
    """The button sends the last well-signed event again, byte for byte."""
    assert 'value="replay" disabled' in visitor.get(PAGE).text
    assert send("replay").status_code == 400
    for button in ("started", "bad-signature", "replay", "replay"):
        send(button, user="200000000000000002")
    started, _, *replays = zip(
        receiver.bodies, [headers["Digest"] for headers in receiver.headers], strict=True
    )
    assert replays == [started, started]
    assert shown(visitor)[:2] == ["Verification started, replayed: 204 No Content"] * 2
    assert 'value="replay">' in visitor.get(PAGE).text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"send": "explode"},
        {"send": "test", "guild": "400000000000000002"},
        {"send": "test", "user": "1"},
        {"send": "test", "method": "carrier pigeon"},
        {"send": "test", "action": "shrug"},
    ],
)
def test_unknown_choice(
    send: Callable[..., TestResponse],
    receiver: Receiver,
    visitor: FlaskClient,
    form: dict[str, str],
) -> None:
    """What the page does not offer is a 400, a server that nobody added it to as well."""
    assert visitor.post(SEND, data=form).status_code == 400
    assert receiver.bodies == []


def test_clients_apart(receiver: Receiver) -> None:
    """Each client has its own servers, settings and list of events."""
    clients = [
        Client(name, "secret", webhook_url=receiver.url, name=name) for name in ("sandbox", "other")
    ]
    visitor = create_app(clients).test_client()
    visitor.post(LINK, data={"decision": "allow"})
    visitor.post(SEND, data={"send": "test"})
    assert len(shown(visitor)) == 1
    other = visitor.get("/webhooks?client_id=other").text
    assert "was not added to a server yet" in other
    assert "Nothing was sent yet." in other


# What comes back


def test_redirect(
    send: Callable[..., TestResponse], receiver: Receiver, visitor: FlaskClient
) -> None:
    """A redirect is shown and not followed, whatever its body."""
    receiver.status = 302
    send("test")
    assert len(receiver.bodies) == 1
    assert shown(visitor) == ["Test event: 302 Found"]


def test_odd_status(
    send: Callable[..., TestResponse], receiver: Receiver, visitor: FlaskClient
) -> None:
    """A status without a name is shown by its number."""
    receiver.status = 599
    send("test")
    assert shown(visitor) == ["Test event: 599"]


def test_no_answer(visitor: FlaskClient, state: State) -> None:
    """An app that does not run is told as such."""
    visitor.post(LINK, data={"decision": "allow"})
    visitor.post(SETTINGS, data={"url": "http://127.0.0.1:1/webhook"})
    visitor.post(SEND, data={"send": "test"})
    assert shown(visitor) == ["Test event: no answer; is the app running?"]
    assert state.deliveries[0].status is None


def test_slow_app(
    send: Callable[..., TestResponse],
    receiver: Receiver,
    visitor: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An app that does not answer is given up."""
    monkeypatch.setattr(events, "TIMEOUT", 0.05)
    receiver.seconds = 0.3
    send("test")
    assert shown(visitor) == ["Test event: no answer within 0.05 seconds"]


def test_list_is_bounded(
    send: Callable[..., TestResponse], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the latest events are remembered, the latest first; their secrets are not told."""
    answers = iter(range(100, 200))
    monkeypatch.setattr(
        "flask_altdentifier.sandbox.webhooks.post", lambda *_: (next(answers), "answered")
    )
    for _ in range(MAX_DELIVERIES + 2):
        send("test")
    assert [delivery.status for delivery in state.deliveries] == [
        *range(100 + MAX_DELIVERIES + 1, 101, -1)
    ]
    assert "MD5=" not in repr(state.deliveries)


@pytest.mark.parametrize("path", [SEND, SETTINGS])
def test_cross_site_form(
    send: Callable[..., TestResponse],
    visitor: FlaskClient,
    receiver: Receiver,
    state: State,
    path: str,
) -> None:
    """No page of another site can send an event or change where they go."""
    form = {"send": "test", "url": "http://localhost/other"}
    answer = visitor.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert receiver.bodies == []
    assert state.webhooks["sandbox"].url == receiver.url
