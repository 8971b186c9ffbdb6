"""`POST /webhook`: who may post, how much, and who is notified."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, abort, current_app, request
from werkzeug.test import TestResponse

from flask_altdentifier import blueprint, protect, webhooks
from flask_altdentifier.errors import ConfigError
from flask_altdentifier.webhooks import Event, Op

from ..support import PAGE, bare_app, words

SECRET = "the-signature"
BODY = b'{"OP": 1, "member": {"id": "18446744073709551615"}, "method": "steam"}'
#: HMAC-MD5 of `BODY` under `SECRET`, by `openssl dgst -md5 -hmac the-signature`.
DIGEST = "fe1b38445595f0f1f3ea88fc908c1db3"

SECRET_KEY = "ALTDENTIFIER_WEBHOOK_SECRET"


def make_app(**config: Any) -> Flask:
    """Return an app in production that receives webhooks."""
    app = bare_app(**{"ALTDENTIFIER_WEBHOOK_SECRET": SECRET, **config})
    app.testing = False
    app.register_blueprint(blueprint)
    app.register_blueprint(webhooks.blueprint)
    return app


def post(app: Flask, body: bytes, path: str = "/webhook", **headers: str) -> TestResponse:
    """Post *body* with its digest, unless *headers* have another."""
    sent = {"Digest": webhooks.digest(SECRET, body), "Content-Type": "application/json", **headers}
    return app.test_client().post(path, data=body, headers=sent)


def refused(response: TestResponse) -> tuple[int, str]:
    """Return status and reason of a refusal, which is problem+json without a login."""
    assert response.mimetype == "application/problem+json", response.text
    problem = json.loads(response.text)
    assert sorted(problem) == ["detail", "reason", "status", "title", "type"]
    return response.status_code, problem["reason"]


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


def with_digest(app: Flask, header: str) -> TestResponse:
    environ = {"HTTP_DIGEST": header}
    return app.test_client().post("/webhook", data=BODY, environ_overrides=environ)


def test_event_is_received(app: Flask, events: list[Event]) -> None:
    protect(app)  # leaves it open
    response = with_digest(app, f"MD5={DIGEST}")
    assert (response.status_code, response.data) == (204, b"")
    assert "Set-Cookie" not in response.headers
    assert events == [Event.from_raw(json.loads(BODY))]


def test_response_is_not_an_empty_iterable(app: Flask) -> None:
    """Hypercorn's WSGI mode answers 500 to one."""
    headers = {"Digest": f"MD5={DIGEST}"}
    with app.test_request_context("/webhook", method="POST", data=BODY, headers=headers):
        assert [*app.full_dispatch_request().response] == [b""]


# The digest


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
def test_digests_of_other_algorithms_may_be_beside_it(app: Flask, header: str) -> None:
    """RFC 3230 section 4.3.2. Case does not matter."""
    assert with_digest(app, header).status_code == 204


WRONG = f"""MD5 MD5= {DIGEST} MD5={DIGEST[:-1]} MD5={DIGEST}0 MD5={DIGEST[:-1]}g , MD5="{DIGEST}"
MD5={DIGEST};x MD5={"0" * 32} SHA-256={DIGEST} XMD5={DIGEST} MD5={DIGEST},MD5={DIGEST}
MD5={DIGEST},md5={"0" * 32} MD5={"0" * 32},MD5={DIGEST} MD5={DIGEST[:-1]}\xb2"""
SPACES = ["", f"MD5= {DIGEST}", f"MD5={DIGEST}\xa0"]


@pytest.mark.parametrize("header", [*words(WRONG), *SPACES])
def test_wrong_malformed_or_ambiguous_digest_is_403(
    app: Flask, events: list[Event], header: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert refused(with_digest(app, header)) == (403, "webhook_digest")
    assert events == []
    assert "webhook_digest" in caplog.text


@pytest.mark.parametrize("headers", [{}, PAGE])
def test_missing_digest_is_403_and_never_a_page(app: Flask, headers: dict[str, str]) -> None:
    for body in (BODY, b"", b"["):
        response = app.test_client().post("/webhook", data=body, headers=headers)
        assert refused(response) == (403, "webhook_digest")
    assert app.test_client().get("/webhook").status_code == 405


def test_digest_is_over_the_raw_bytes(app: Flask) -> None:
    assert refused(post(app, BODY + b" ", Digest=f"MD5={DIGEST}")) == (403, "webhook_digest")


def test_each_secret_of_a_list_is_accepted() -> None:
    app = make_app(ALTDENTIFIER_WEBHOOK_SECRET=["new", "old"])
    statuses = [
        post(app, BODY, Digest=webhooks.digest(secret, BODY)).status_code
        for secret in ("new", "old", "older")
    ]
    assert statuses == [204, 204, 403]


# The size


class Counting(io.BytesIO):
    """A body that counts how much of it is read."""

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
    return BODY + b" " * (size - len(BODY))


def stream(app: Flask, body: Counting, *, chunked: bool = True) -> TestResponse:
    """Post a body without a length, as chunked requests arrive, or with one."""
    encoding = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    length = {"CONTENT_LENGTH": str(len(body.getvalue()))}
    return app.test_client().post(
        "/webhook",
        input_stream=body,
        headers={"Digest": webhooks.digest(SECRET, body.getvalue())},
        environ_overrides={"wsgi.input_terminated": True, **(encoding if chunked else length)},
    )


@pytest.mark.parametrize("limit", [None, 10, 10**7])
def test_64_kb_are_read_and_no_more(limit: int | None) -> None:
    """Whatever `MAX_CONTENT_LENGTH` says."""
    app = make_app(MAX_CONTENT_LENGTH=limit)
    for chunked in (True, False):
        assert stream(app, Counting(padded(65_536)), chunked=chunked).status_code == 204
        body = Counting(padded(10_000_000 if chunked else 65_537))
        assert refused(stream(app, body, chunked=chunked)) == (413, "webhook_too_large")
        assert body.count == (65_537 if chunked else 0)


def test_body_that_was_read_before_is_measured_too(app: Flask) -> None:
    app.before_request(lambda: request.get_data() and None)
    assert post(app, BODY).status_code == 204
    assert refused(stream(app, Counting(padded(70_000)))) == (413, "webhook_too_large")


# The body


def nested(depth: int) -> bytes:
    return b'{"x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize("body", [b"", b"null", b"[{}]", b'{"OP": NaN}', nested(33)])
def test_anything_but_a_json_object_is_400(app: Flask, events: list[Event], body: bytes) -> None:
    assert refused(post(app, body)) == (400, "webhook_invalid")
    assert events == []


def test_objects_may_be_nested_32_deep(app: Flask) -> None:
    """The outer object counts."""
    assert post(app, nested(32)).status_code == 204


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_content_type_does_not_matter(app: Flask, kind: str) -> None:
    assert post(app, BODY, **{"Content-Type": kind}).status_code == 204


# Receivers and handlers


def test_receivers_then_handlers_in_order(app: Flask, events: list[Event]) -> None:
    seen: list[tuple[str, Any]] = []

    def note(name: str) -> Callable[[Event], None]:
        return lambda event: seen.append((name, events.index(event) + 1))

    passed = note("passed or failed")
    assert webhooks.on(app, Op.PASSED, Op.FAILED)(passed) is passed
    webhooks.on(app, 77)(note("new"))
    webhooks.on(app)(note("all"))
    for op in (1, 2, 3, 77):
        assert post(app, json.dumps({"OP": op}).encode()).status_code == 204
    post(app, b"{}")
    assert seen == [
        ("passed or failed", 1),
        ("all", 1),
        ("passed or failed", 2),
        ("all", 2),
        ("all", 3),
        ("new", 4),
        ("all", 4),
        ("all", 5),
    ]


def test_async_receivers_and_handlers(app: Flask) -> None:
    seen: list[str] = []

    async def receive(sender: Flask, *, event: Event) -> None:
        await asyncio.sleep(0)
        seen.append(sender.name)

    @webhooks.on(app)
    async def handle(event: Event) -> None:
        await asyncio.sleep(0)
        seen.append(current_app.name)

    with webhooks.event_received.connected_to(receive, app):
        assert post(app, BODY).status_code == 204
    assert seen == ["shop", "shop"]


@pytest.mark.parametrize("error", [RuntimeError, KeyError, lambda: abort(404), lambda: abort(204)])
@pytest.mark.parametrize("place", ["receiver", "handler"])
def test_failure_is_a_500(app: Flask, error: Callable[[], Any], place: str) -> None:
    """So that AltDentifier may send the event again, whatever the handler raises."""

    def fail(*_: Any, **__: Any) -> None:
        raise error()

    if place == "handler":
        webhooks.on(app, Op.PASSED)(fail)
    else:
        webhooks.event_received.connect(fail, app, weak=False)
    assert post(app, BODY).status_code == 500


def test_handlers_belong_to_one_app_and_may_be_added_early(app: Flask) -> None:
    late, seen = bare_app(ALTDENTIFIER_WEBHOOK_SECRET=SECRET), list[Event]()
    with late.app_context():
        webhooks.on(current_app, Op.PASSED)(seen.append)
    late.register_blueprint(blueprint)
    late.register_blueprint(webhooks.blueprint)
    for receiver, count in ((app, 0), (late, 1)):
        assert post(receiver, BODY).status_code == 204
        assert len(seen) == count


@pytest.mark.parametrize("value", [len, Op.PASSED, None])
def test_on_needs_an_app(value: Any) -> None:
    with pytest.raises(TypeError, match=r"webhooks\.on\(app"):
        webhooks.on(value)


# Registration


@pytest.mark.parametrize("first", ["webhooks", "main"])
def test_secret_is_required(first: str) -> None:
    app = bare_app()
    if first == "main":
        app.register_blueprint(blueprint)
    with pytest.raises(ConfigError, match=SECRET_KEY):
        app.register_blueprint(webhooks.blueprint)
    assert "altdentifier_webhooks" not in app.blueprints


def test_main_blueprint_is_needed_and_its_config_counts() -> None:
    for later, message in (({}, "register_blueprint"), ({SECRET_KEY: None}, SECRET_KEY)):
        app = bare_app(**{SECRET_KEY: SECRET})
        app.register_blueprint(webhooks.blueprint)
        app.config.update(later)
        if later:
            app.register_blueprint(blueprint)
        with pytest.raises(ConfigError, match=message):
            post(app, BODY)


def test_secret_that_is_set_after_the_main_blueprint_does_not_count() -> None:
    app = bare_app()
    app.register_blueprint(blueprint)
    app.config[SECRET_KEY] = SECRET
    with pytest.raises(ConfigError, match=SECRET_KEY):
        app.register_blueprint(webhooks.blueprint)


@pytest.mark.parametrize("first", ["webhooks", "main"])
def test_any_order_name_and_depth(first: str) -> None:
    app = bare_app(ALTDENTIFIER_WEBHOOK_SECRET=SECRET)
    outer = Blueprint("outer", __name__)
    outer.register_blueprint(webhooks.blueprint, url_prefix="/inner", name="hooks")
    blueprints = [(blueprint, "/auth"), (outer, "/outer"), (webhooks.blueprint, "/altdentifier")]
    for item, prefix in blueprints if first == "main" else blueprints[::-1]:
        app.register_blueprint(item, url_prefix=prefix)
    for path in ("/outer/inner/webhook", "/altdentifier/webhook"):
        assert post(app, BODY, path).status_code == 204
