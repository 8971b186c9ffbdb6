"""The webhook: who may post, what an event is, who hears of it."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import logging
import pickle
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from cachelib import SimpleCache
from flask import Blueprint, Flask, abort, current_app, request
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from flask_altdentifier import blueprint, protect, webhooks
from flask_altdentifier.errors import AltDentifierError, ConfigError
from flask_altdentifier.webhooks import Action, Event, Guild, Member, Method, Op

SECRET = "the-signature"
BODY = (
    b'{"OP": 1, "member": {"id": "18446744073709551615", "username": "someone",'
    b' "discriminator": "0001"}, "guild": {"id": "2", "name": "A server"}, "method": "steam"}'
)
#: HMAC-MD5 of `BODY` under `SECRET`, by `openssl dgst -md5 -hmac the-signature`.
DIGEST = "85e44342bb8d199270e130c49913d4fe"


def bare_app(**config: Any) -> Flask:
    """Return an app with credentials, but without the extension."""
    app = Flask("hooked")
    app.config.update(
        ALTDENTIFIER_CLIENT_ID="the-client",
        ALTDENTIFIER_CLIENT_SECRET="the-secret",
        ALTDENTIFIER_WEBHOOK_SECRET=SECRET,
        ALTDENTIFIER_STORE=SimpleCache(),
    )
    app.config.update(config)
    return app


def make_app(**config: Any) -> Flask:
    """Return an app that receives webhooks."""
    app = bare_app(**config)
    app.register_blueprint(blueprint)
    app.register_blueprint(webhooks.blueprint)
    return app


@pytest.fixture
def app() -> Flask:
    """An app that receives webhooks."""
    return make_app()


@pytest.fixture
def events(app: Flask) -> Iterator[list[Event]]:
    """The events that `app` has received so far."""
    seen: list[Event] = []

    def receive(sender: Flask, *, event: Event) -> None:
        assert sender is app
        seen.append(event)

    with webhooks.event_received.connected_to(receive, app):
        yield seen


def post(app: Flask, body: bytes, path: str = "/webhook", **headers: str) -> TestResponse:
    """Post *body* with the right digest, unless *headers* tell another."""
    sent = {"Digest": webhooks.digest(SECRET, body), "Content-Type": "application/json", **headers}
    return app.test_client().post(path, data=body, headers=sent)


def refused(response: TestResponse) -> tuple[int, str]:
    """Return status and reason of a refusal, which is problem+json without a login."""
    assert response.mimetype == "application/problem+json", response.text
    assert response.headers["Cache-Control"] == "no-store"
    problem = json.loads(response.text)
    assert sorted(problem) == ["detail", "reason", "status", "title", "type"]
    assert problem["status"] == response.status_code
    assert problem["type"] == f"urn:flask-altdentifier:error:{problem['reason']}"
    return response.status_code, problem["reason"]


# --- who may post


def test_an_event_gets_204(app: Flask, events: list[Event]) -> None:
    """An event with the right digest is answered 204 without a body, and sent on."""
    response = post(app, BODY, Digest=f"MD5={DIGEST}")
    assert (response.status_code, response.data) == (204, b"")
    assert "Set-Cookie" not in response.headers
    assert events == [
        Event(
            op=Op.PASSED,
            member=Member(id="18446744073709551615", username="someone", discriminator="0001"),
            guild=Guild(id="2", name="A server"),
            method=Method.STEAM,
            raw=json.loads(BODY),
        )
    ]


def test_digest_is_what_openssl_says() -> None:
    """`digest` is HMAC-MD5 over the bytes, keyed with the secret, in hex."""
    assert webhooks.digest(SECRET, BODY) == f"MD5={DIGEST}"


@pytest.mark.parametrize(
    "header",
    [
        f"MD5={DIGEST.upper()}",
        f"md5={DIGEST}",
        f" MD5={DIGEST}\t",
        f"SHA-256=X48E9q==,MD5={DIGEST}",
        f"MD5={DIGEST}, sha-512=abc, x",
        f",MD5={DIGEST},",
    ],
)
def test_digests_of_other_algorithms_may_stand_beside(app: Flask, header: str) -> None:
    """Case does not matter, and neither do digests of other algorithms (RFC 3230)."""
    environ = {"HTTP_DIGEST": header}
    response = app.test_client().post("/webhook", data=BODY, environ_overrides=environ)
    assert response.status_code == 204


@pytest.mark.parametrize(
    "header",
    [
        "",
        ",",
        "MD5",
        "MD5=",
        DIGEST,
        f"MD5={DIGEST[:-1]}",
        f"MD5={DIGEST}0",
        f"MD5={DIGEST[:-1]}g",
        f'MD5="{DIGEST}"',
        f"MD5= {DIGEST}",
        f"MD5 ={DIGEST}",
        f"MD5={DIGEST};x",
        f"MD5={'0' * 32}",
        f"SHA-256={DIGEST}",
        f"XMD5={DIGEST}",
        f"MD5={DIGEST},MD5={DIGEST}",
        f"MD5={DIGEST},md5={'0' * 32}",
        f"MD5={'0' * 32}, MD5={DIGEST}",
        f"MD5={DIGEST},MD5=",
        f"MD5={DIGEST[:-1]}\xb2",
        f"MD5={DIGEST}\xa0",
        f"MD5={DIGEST}\n",
    ],
)
def test_a_wrong_digest_is_refused(app: Flask, events: list[Event], header: str) -> None:
    """A digest that is missing, wrong, malformed or there twice is 403, and nobody hears of it."""
    environ = {"HTTP_DIGEST": header}
    response = app.test_client().post("/webhook", data=BODY, environ_overrides=environ)
    assert refused(response) == (403, "webhook_digest")
    assert events == []


def test_no_digest_is_refused(app: Flask, events: list[Event]) -> None:
    """Without `Digest` an event is 403, whatever the body is; a GET is 405."""
    for body in (BODY, b"", b"["):
        response = app.test_client().post("/webhook", data=body)
        assert refused(response) == (403, "webhook_digest")
    assert app.test_client().get("/webhook").status_code == 405
    assert events == []


def test_two_digest_headers_are_refused(app: Flask) -> None:
    """Servers join a header that comes twice with a comma, and two MD5 digests count as none."""
    headers = [("Digest", f"MD5={DIGEST}"), ("Digest", f"MD5={DIGEST}")]
    response = app.test_client().post("/webhook", data=BODY, headers=headers)
    assert refused(response) == (403, "webhook_digest")


def test_the_digest_is_over_the_raw_bytes(app: Flask) -> None:
    """The same JSON value in other bytes needs another digest."""
    response = post(app, BODY + b" ", Digest=f"MD5={DIGEST}")
    assert refused(response) == (403, "webhook_digest")


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255), max_size=80) | st.from_regex("(?i)md5=[0-9a-f]+"))
def test_no_other_header_is_taken(header: str) -> None:
    """No header but the right one gets an event through, and none makes a 500."""
    response = APP.test_client().post(
        "/webhook", data=BODY, environ_overrides={"HTTP_DIGEST": header}
    )
    assert refused(response) == (403, "webhook_digest")


APP = make_app(TESTING=True)


def test_a_refusal_is_json_for_browsers_too(app: Flask) -> None:
    """Whoever posts gets problem+json: the webhook is no place for people."""
    response = app.test_client().post("/webhook", data=b"", headers={"Accept": "text/html"})
    assert refused(response) == (403, "webhook_digest")


def test_a_refusal_is_logged(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """The log has the reason of a refusal, and neither secret, digest nor body."""
    caplog.set_level(logging.DEBUG)
    response = post(app, BODY, Digest="MD5=" + "0" * 32)
    assert "Webhook refused: webhook_digest." in caplog.text
    for secret in (SECRET, DIGEST, "someone"):
        assert secret not in caplog.text + response.text + str(response.headers)


def test_an_error_handler_replaces_the_answer(app: Flask) -> None:
    """An app's handler of the base class, or of one class, replaces the answers."""
    app.register_error_handler(AltDentifierError, lambda error: (error.reason, 418))
    app.register_error_handler(webhooks.WebhookInvalid, lambda _: ("mine", 400))
    response = app.test_client().post("/webhook", data=b"")
    assert (response.status_code, response.text) == (418, "webhook_digest")
    assert post(app, b"[]").text == "mine"


# --- size


class Counting(io.BytesIO):
    """A body that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        size = super().readinto(buffer)
        self.count += size
        return size


def padded(size: int) -> bytes:
    """Return an event of *size* bytes."""
    return b'{"OP": 5}'.ljust(size)


def stream(app: Flask, body: Counting, *, chunked: bool = True) -> TestResponse:
    """Post *body* as a server hands it on that ends it, without a length where it is chunked."""
    encoding = {"HTTP_TRANSFER_ENCODING": "chunked"} if chunked else {}
    return app.test_client().post(
        "/webhook",
        input_stream=body,
        headers={"Digest": webhooks.digest(SECRET, body.getvalue())},
        environ_overrides={"wsgi.input_terminated": True, **encoding},
    )


@pytest.mark.parametrize("limit", [None, 10, 10**7])
def test_64_kb_are_taken(limit: int | None) -> None:
    """64 kB are taken, with and without a length, and whatever `MAX_CONTENT_LENGTH` says."""
    app = make_app(MAX_CONTENT_LENGTH=limit)
    assert post(app, padded(65_536)).status_code == 204
    assert stream(app, Counting(padded(65_536))).status_code == 204
    assert stream(app, Counting(padded(65_536)), chunked=False).status_code == 204


@pytest.mark.parametrize("limit", [None, 10, 10**7])
def test_more_is_refused_unread(limit: int | None) -> None:
    """A longer body is 413, told by its length, of which nothing is read, or by one byte more."""
    app = make_app(MAX_CONTENT_LENGTH=limit)
    body = Counting(padded(65_537))
    assert refused(stream(app, body, chunked=False)) == (413, "webhook_too_large")
    assert body.count == 0
    body = Counting(padded(10_000_000))
    assert refused(stream(app, body)) == (413, "webhook_too_large")
    assert body.count == 65_537


def test_size_comes_before_digest(app: Flask, events: list[Event]) -> None:
    """A body that is too long and has no digest is too long."""
    response = app.test_client().post("/webhook", data=padded(65_537))
    assert refused(response) == (413, "webhook_too_large")
    assert events == []


def test_a_body_that_was_read_before_is_measured(app: Flask) -> None:
    """A `before_request` of the app may have read the body; its length and digest still count."""
    app.before_request(lambda: request.get_data() and None)
    assert post(app, BODY).status_code == 204
    body = Counting(padded(70_000))
    assert refused(stream(app, body)) == (413, "webhook_too_large")


def test_a_body_cut_short_is_refused(app: Flask, events: list[Event]) -> None:
    """A body of which only a part comes has not the digest of the whole."""
    environ = {"wsgi.input_terminated": True}
    response = app.test_client().post(
        "/webhook",
        data=BODY[:-10],
        headers={"Digest": f"MD5={DIGEST}"},
        environ_overrides=environ,
    )
    assert refused(response) == (403, "webhook_digest")
    assert events == []


# --- what is an event


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"1",
        b'"x"',
        b"[]",
        b"[{}]",
        b"{",
        b"{}x",
        b"{'OP': 1}",
        b'{"OP": 1,}',
        b'{"OP": NaN}',
        b'{"x": [Infinity]}',
        b'{"x": -Infinity}',
        b'{"x": "\n"}',
        b'{"x": "\xff"}',
        b"\xef\xbb\xbf{}",
        '{"OP": 1}'.encode("utf-16"),
        b"OP=1&member=x",
        b'{"x": ' * 10_000,
        b"[" * 60_000,
        b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
)
def test_what_is_no_object_is_refused(app: Flask, events: list[Event], body: bytes) -> None:
    """A signed body that is not a JSON object in UTF-8 is 400."""
    assert refused(post(app, body)) == (400, "webhook_invalid")
    assert events == []


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "image/png", ""])
def test_the_content_type_does_not_matter(app: Flask, kind: str) -> None:
    """What is signed is an event, whatever its type is said to be."""
    assert post(app, BODY, **{"Content-Type": kind}).status_code == 204


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_signed_bytes_are_an_object_or_refused(body: bytes) -> None:
    """No signed body makes a 500."""
    response = post(APP, body)
    if response.status_code != 204:
        assert refused(response) == (400, "webhook_invalid")


NAMES = st.sampled_from(
    ("OP", "member", "guild", "method", "reason", "action", "timeout_role", "incorrect_account")
) | st.sampled_from(("id", "username", "discriminator", "name", "new"))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(NAMES, JSON))
def test_any_object_is_an_event(raw: dict[str, Any]) -> None:
    """Any JSON object is an event: each member has its type or is None, and `raw` has it all."""
    seen: list[Event] = []

    def receive(_: Flask, *, event: Event) -> None:
        seen.append(event)

    body = json.dumps(raw).encode()
    with webhooks.event_received.connected_to(receive, APP):
        response = post(APP, body)
    assert response.status_code == 204
    [event] = seen
    assert event.raw == json.loads(body)
    assert event == Event.from_raw(json.loads(body))
    assert hash(event) == hash(Event.from_raw(json.loads(body)))
    assert pickle.loads(pickle.dumps(event)) == copy.deepcopy(event) == event
    assert repr(event)
    types = {"op": Op, "guild": Guild, "method": Method, "action": Action, "reason": str}
    types |= {"member": Member, "incorrect_account": Member, "timeout_role": str}
    for name, kind in types.items():
        value = getattr(event, name)
        assert value is None or type(value) is kind
    if isinstance(raw.get("method"), str):
        assert event.method == raw["method"]


def event_of(**members: Any) -> Event:
    """Return the event of an object with *members*."""
    return Event.from_raw(members)


@pytest.mark.parametrize(
    ("number", "op"),
    [
        (0, Op.STARTED),
        (1, Op.PASSED),
        (2, Op.FAILED),
        (3, Op.IGNORED),
        (4, Op.INCORRECT_ACCOUNT),
        (5, Op.TEST),
    ],
)
def test_ops(number: int, op: Op) -> None:
    """Each documented number has its name."""
    assert event_of(OP=number).op is op


@pytest.mark.parametrize("number", [6, 99, -1, 10**30])
def test_unknown_ops_pass(number: int) -> None:
    """A new op is kept as its number; it equals it, and is found by it."""
    op = event_of(OP=number).op
    assert type(op) is Op
    assert (op, op.value, op.name) == (number, number, "UNKNOWN")
    assert {number: "x"}[op] == "x"
    assert op not in list(Op)
    assert repr(op) == f"<Op.UNKNOWN: {number}>"


@pytest.mark.parametrize("value", [None, True, False, 1.0, "1", [1], {"OP": 1}])
def test_what_is_no_op_is_none(value: Any) -> None:
    """An op of another type is None; `raw` keeps it."""
    event = event_of(OP=value)
    assert event.op is None
    assert event.raw["OP"] == value


@pytest.mark.parametrize("kind", [Method, Action])
def test_unknown_words_pass(kind: type[Method | Action]) -> None:
    """A new method or action is kept as its text; it equals it, and is written so."""
    known, unknown = next(iter(kind)), kind("smoke signals")
    assert (unknown, unknown.value, unknown.name) == ("smoke signals",) * 2 + ("UNKNOWN",)
    assert [str(known), f"{known}", str(unknown), f"{unknown}"] == [
        known.value,
        known.value,
        "smoke signals",
        "smoke signals",
    ]
    assert {"smoke signals": 1}[unknown] == 1
    assert unknown not in list(kind)
    assert json.dumps(unknown) == '"smoke signals"'


@pytest.mark.parametrize("kind", [Op, Method, Action])
def test_enums_take_no_other_type(kind: Callable[[Any], object]) -> None:
    """A value of another type is no member, as with any enum."""
    with pytest.raises(ValueError, match="is not a valid"):
        kind([])


def test_the_documented_words() -> None:
    """The documented methods and actions have names."""
    methods = "steam reddit twitter overwatch captcha xbox youtube bypass"
    assert " ".join(Method) == methods
    assert " ".join(Action) == "kick ban role nothing"
    assert event_of(method="bypass").method is Method.BYPASS
    assert event_of(action="role").action is Action.ROLE


def test_every_field() -> None:
    """Each documented field is at its place."""
    account = {"id": "1", "username": "u", "discriminator": "0", "name": "n", "avatar": "x"}
    event = event_of(
        OP=4,
        member=account,
        guild={"id": "2", "name": "g"},
        method="xbox",
        reason="r",
        action="kick",
        timeout_role="3",
        incorrect_account=account,
    )
    member = Member(id="1", username="u", discriminator="0", name="n")
    assert event == Event(
        op=Op.INCORRECT_ACCOUNT,
        member=member,
        guild=Guild(id="2", name="g"),
        method=Method.XBOX,
        reason="r",
        action=Action.KICK,
        timeout_role="3",
        incorrect_account=member,
        raw=event.raw,
    )
    assert event.raw["member"]["avatar"] == "x"


@pytest.mark.parametrize("value", [None, 1, "someone", [], [{}], True])
def test_what_is_no_object_in_an_event_is_none(value: Any) -> None:
    """A member, account or guild that is no object is None; `raw` keeps it."""
    event = event_of(member=value, incorrect_account=value, guild=value)
    assert (event.member, event.incorrect_account, event.guild) == (None, None, None)
    assert event.raw["incorrect_account"] == value


@pytest.mark.parametrize("value", [None, 1, 1.5, [], {}, False])
def test_what_is_no_text_in_an_event_is_none(value: Any) -> None:
    """A text of another type is None, in the event and in its parts."""
    fields = dict.fromkeys(("id", "username", "discriminator", "name"), value)
    event = event_of(
        member=fields, guild=fields, method=value, reason=value, action=value, timeout_role=value
    )
    assert event == Event(member=Member(), guild=Guild(), raw=event.raw)


def test_a_name_that_comes_twice(app: Flask, events: list[Event]) -> None:
    """Of a name that comes twice in a signed body, the last one counts."""
    assert post(app, b'{"OP": 1, "OP": 2}').status_code == 204
    assert events[0].op is Op.FAILED


def test_events_are_frozen() -> None:
    """Neither an event, its parts nor its raw members can be set."""
    event = event_of(OP=1, member={}, guild={})
    for part, name in ((event, "op"), (event.member, "id"), (event.guild, "id")):
        with pytest.raises(AttributeError):
            setattr(part, name, None)
    assert isinstance(event.raw, MappingProxyType)
    with pytest.raises(TypeError):
        event.raw["OP"] = 2  # type: ignore[index]
    assert isinstance(Event().raw, MappingProxyType)


def test_an_event_goes_through_a_queue() -> None:
    """`dict(event.raw)` is JSON, from which the event can be made again."""
    event = Event.from_raw(json.loads(BODY))
    assert Event.from_raw(json.loads(json.dumps(dict(event.raw)))) == event


# --- who hears of it


def test_a_receiver_hears_of_its_app_only(app: Flask, events: list[Event]) -> None:
    """A receiver that is connected to one app does not hear of another's events."""
    assert post(make_app(), BODY).status_code == 204
    assert events == []


def test_async_receivers(app: Flask) -> None:
    """Async receivers and handlers run to their end before the answer."""
    seen: list[str] = []

    async def receive(sender: Flask, *, event: Event) -> None:
        await asyncio.sleep(0)
        seen.append(f"{sender.name} {event.op}")

    @webhooks.on(app)
    async def handle(event: Event) -> None:
        await asyncio.sleep(0)
        seen.append(f"{current_app.name} {event.method}")

    with webhooks.event_received.connected_to(receive, app):
        assert post(app, BODY).status_code == 204
    assert seen == [f"hooked {Op.PASSED}", "hooked steam"]


@pytest.mark.parametrize("error", [RuntimeError, KeyError, lambda: abort(404), lambda: abort(204)])
@pytest.mark.parametrize("way", ["signal", "handler"])
def test_a_receiver_that_raises_gives_500(app: Flask, error: Callable[[], Any], way: str) -> None:
    """A receiver or handler that fails, even with an HTTP error, gives 500 each time."""
    calls: list[Event] = []

    def fail(event: Event) -> None:
        calls.append(event)
        raise error()

    def receive(_: Flask, *, event: Event) -> None:
        fail(event)

    if way == "handler":
        webhooks.on(app, Op.PASSED)(fail)
    else:
        webhooks.event_received.connect(receive, app)
    for _ in range(2):
        assert post(app, BODY).status_code == 500
    assert len(calls) == 2


def test_on_hears_of_the_named_ops_only(app: Flask, events: list[Event]) -> None:
    """A handler hears of its ops, unknown ones by number, in the order of adding, after signals."""
    seen: list[tuple[str, int]] = []

    def note(name: str) -> Callable[[Event], int]:
        def handle(event: Event) -> int:
            assert len(events) == len({op for _, op in seen} | {event.op})
            seen.append((name, event.op or 0))
            return 1

        return handle

    passed = note("passed or failed")
    assert webhooks.on(app, Op.PASSED, Op.FAILED)(passed) is passed
    webhooks.on(app, 77)(note("new"))
    webhooks.on(app)(note("all"))
    for number in (1, 2, 3, 77):
        assert post(app, json.dumps({"OP": number}).encode()).status_code == 204
    assert seen == [
        ("passed or failed", 1),
        ("all", 1),
        ("passed or failed", 2),
        ("all", 2),
        ("all", 3),
        ("new", 77),
        ("all", 77),
    ]


def test_on_without_an_op_hears_of_odd_events_too(app: Flask) -> None:
    """An event without an op reaches only who takes all."""
    seen: list[str] = []
    webhooks.on(app)(lambda _: seen.append("all"))
    webhooks.on(app, Op.STARTED)(lambda _: seen.append("started"))
    assert post(app, b"{}").status_code == 204
    assert seen == ["all"]


def test_on_belongs_to_one_app(app: Flask) -> None:
    """Two apps in one process do not share handlers, and the module keeps none."""
    seen: list[Event] = []
    webhooks.on(make_app())(seen.append)
    assert post(app, BODY).status_code == 204
    assert seen == []


def test_on_may_come_first() -> None:
    """Handlers may be added before anything is registered, and through `current_app`."""
    app, seen = bare_app(), list[Event]()
    with app.app_context():
        webhooks.on(current_app, Op.PASSED)(seen.append)
    app.register_blueprint(blueprint)
    app.register_blueprint(webhooks.blueprint)
    assert post(app, BODY).status_code == 204
    assert len(seen) == 1


@pytest.mark.parametrize("value", [len, Op.PASSED, None])
def test_on_needs_an_app(value: Any) -> None:
    """`@on` without an app says how to write it."""
    with pytest.raises(TypeError, match=r"Write @webhooks\.on\(app"):
        webhooks.on(value)


# --- how it is set up


@pytest.mark.parametrize("first", ["webhooks", "main"])
def test_the_secret_is_required(first: str) -> None:
    """Registering without `WEBHOOK_SECRET` is a `ConfigError` that names the key and the mend."""
    app = bare_app(ALTDENTIFIER_WEBHOOK_SECRET=None)
    if first == "main":
        app.register_blueprint(blueprint)
    with pytest.raises(ConfigError, match=r"ALTDENTIFIER_WEBHOOK_SECRET is missing.*Set it to"):
        app.register_blueprint(webhooks.blueprint)
    assert "altdentifier_webhooks" not in app.blueprints


def test_the_rest_of_the_config_is_checked_too() -> None:
    """Registered first, it refuses what the main blueprint would refuse."""
    app = bare_app(ALTDENTIFIER_CLIENT_ID=None)
    with pytest.raises(ConfigError, match="ALTDENTIFIER_CLIENT_ID is missing"):
        app.register_blueprint(webhooks.blueprint)


def test_the_main_blueprint_is_needed() -> None:
    """Without the main blueprint the first event is told so in the log, and gets 500."""
    app = bare_app(TESTING=True)
    app.register_blueprint(webhooks.blueprint)
    with pytest.raises(ConfigError, match="register_blueprint"):
        post(app, BODY)


def test_a_secret_that_is_gone_at_the_main_registration() -> None:
    """The config counts as the main blueprint read it: without a secret nothing is taken."""
    app = bare_app(TESTING=True)
    app.register_blueprint(webhooks.blueprint)
    app.config["ALTDENTIFIER_WEBHOOK_SECRET"] = None
    app.register_blueprint(blueprint)
    with pytest.raises(ConfigError, match="ALTDENTIFIER_WEBHOOK_SECRET is missing"):
        post(app, BODY)


def test_the_config_is_read_once(app: Flask) -> None:
    """A secret that is set later changes nothing."""
    app.config["ALTDENTIFIER_WEBHOOK_SECRET"] = "another"
    assert post(app, BODY).status_code == 204


@pytest.mark.parametrize("first", ["webhooks", "main"])
def test_any_order_any_name_any_depth(first: str) -> None:
    """Both orders work, under other names and prefixes, nested and twice."""
    app = bare_app()
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    outer.register_blueprint(webhooks.blueprint, url_prefix="/inner", name="hooks")

    def main() -> None:
        app.register_blueprint(blueprint, url_prefix="/auth")

    def hooks() -> None:
        app.register_blueprint(outer)
        app.register_blueprint(webhooks.blueprint, url_prefix="/altdentifier")

    for register in (main, hooks) if first == "main" else (hooks, main):
        register()
    for path in ("/outer/inner/webhook", "/altdentifier/webhook"):
        assert post(app, BODY, path).status_code == 204
        assert refused(app.test_client().post(path)) == (403, "webhook_digest")


def test_protect_leaves_it_open(app: Flask) -> None:
    """`protect(app)` guards the app, not the webhook, which has a guard of its own."""
    protect(app)
    app.add_url_rule("/", "home", lambda: "hello")
    assert app.test_client().get("/").status_code == 401
    assert post(app, BODY).status_code == 204


def test_secrets_differ_from_app_to_app(app: Flask) -> None:
    """One process may hold apps with different secrets."""
    other = make_app(ALTDENTIFIER_WEBHOOK_SECRET="another")
    assert refused(post(other, BODY)) == (403, "webhook_digest")
    digest = webhooks.digest("another", BODY)
    assert post(other, BODY, Digest=digest).status_code == 204
    assert refused(post(app, BODY, Digest=digest)) == (403, "webhook_digest")


def test_the_errors_are_told_apart() -> None:
    """Each refusal is an error of ours with a status and a reason of its own."""
    found: Mapping[int | None, str] = {
        error.code: error.reason for error in webhooks.WebhookRefused.__subclasses__()
    }
    assert found == {400: "webhook_invalid", 403: "webhook_digest", 413: "webhook_too_large"}
    assert issubclass(webhooks.WebhookRefused, AltDentifierError)
