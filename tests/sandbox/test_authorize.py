from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_altdentifier.sandbox import Client, Failure, create_app, sandbox_state

from .flow import REDIRECT_URI, allow, authorize_url, code_of, exchange, query_of

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from flask_altdentifier.sandbox import State

BOTH = "read:user write:integrations"
PARAMETERS = ["response_type", "redirect_uri", "scope", "state", "guild_id", "code_challenge"]


@pytest.mark.parametrize("client_id", ["nobody", "", None])
def test_unknown_client(visitor: FlaskClient, client_id: str | None) -> None:
    """An unknown or missing client id is a 404, whatever else is wrong."""
    assert visitor.get(authorize_url(client_id=client_id, redirect_uri="x")).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": None},
        {"redirect_uri": ""},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "https://exämple.org/callback"},
        {"response_type": None},
        {"response_type": "token"},
        {"response_type": 'code "ä'},
        {"scope": None},
        {"scope": ""},
        {"scope": "read:user admin"},
        {"scope": "read:user  write:integrations"},
        {"scope": BOTH, "guild_id": "12a"},
        {"scope": BOTH, "guild_id": "1" * 21},
        {"code_challenge": "A" * 43},
        {"code_challenge": "A" * 43, "code_challenge_method": "plain"},
        {"code_challenge": "short", "code_challenge_method": "S256"},
    ],
)
def test_bad_request(visitor: FlaskClient, changes: dict[str, str | None]) -> None:
    """What is wrong with the request is said on a page with status 400, and nobody redirected."""
    url = authorize_url(**changes)
    for response in (visitor.get(url), visitor.post(url, data={"decision": "allow"})):
        assert response.status_code == 400
        assert "Location" not in response.headers
        assert "Sandbox" in response.text


@pytest.mark.parametrize(
    "name", ["client_id", "response_type", "redirect_uri", "scope", "state", "code_challenge"]
)
def test_repeated_parameter(visitor: FlaskClient, name: str) -> None:
    """A parameter that comes twice is a 400 (RFC 6749 section 3.1)."""
    url = authorize_url(code_challenge="A" * 43, code_challenge_method="S256")
    assert visitor.get(url).status_code == 200
    again = re.search(f"{name}=[^&]*", url)
    assert again is not None
    assert visitor.get(f"{url}&{again[0]}").status_code == 400


@given(
    st.dictionaries(
        st.sampled_from(PARAMETERS),
        st.text(st.characters(exclude_categories=["Cs"]))
        | st.sampled_from(["code", REDIRECT_URI, BOTH]),
    )
)
def test_never_fails(changes: dict[str, str | None]) -> None:
    """No parameter brings the page down or redirects."""
    visitor = create_app(config={"TESTING": True}).test_client()
    assert visitor.get(authorize_url(**changes)).status_code in {200, 400}


def test_page_says_who_what_and_where() -> None:
    """The page names the application, each scope, the destination and that it is a sandbox."""
    visitor = create_app([Client("sandbox", "s", name="<Chess>")]).test_client()
    page = visitor.get(authorize_url(scope=BOTH)).text
    assert "&lt;Chess&gt;" in page
    assert "<strong>localhost:5000</strong>" in page
    assert "Sandbox" in page
    assert page.count('type="checkbox"') == 2
    assert 'value="read:user" checked' in page
    assert 'value="write:integrations" checked' in page
    assert all(len(i) in {18, 19} for i in re.findall(r'name="user" value="([0-9]+)"', page))
    assert "a-state" not in page


def test_no_guild_without_integrations(visitor: FlaskClient) -> None:
    """A server is asked for only with write:integrations."""
    assert 'name="guild"' not in visitor.get(authorize_url(guild_id="7")).text


def test_guild_is_fixed(visitor: FlaskClient, state: State) -> None:
    """A guild_id leaves that server alone to choose, known or not."""
    page = visitor.get(authorize_url(scope=BOTH, guild_id="123456789012345678")).text
    assert re.findall(r'name="guild" value="([0-9]+)" required checked', page) == [
        "123456789012345678"
    ]
    assert page.count('name="guild"') == 1
    allow(visitor, "write:integrations", scope=BOTH, guild_id="123456789012345678")
    assert [i.guild.id for i in state.installations] == ["123456789012345678"]


def test_allow(visitor: FlaskClient, state: State) -> None:
    """Allow leads back with a code and the state; the code yields the chosen user's token."""
    response = allow(visitor, form={"user": "200000000000000002"})
    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{REDIRECT_URI}?code=")
    assert query_of(response) == {"code": [code_of(response)], "state": ["a-state"]}
    token = exchange(visitor, code_of(response)).get_json()
    kept = state.token(token["access_token"])
    assert kept is not None
    assert kept.user.name == "grace"


@pytest.mark.parametrize("given_state", [None, ""])
def test_no_state(visitor: FlaskClient, given_state: str | None) -> None:
    """A state that was not sent, or sent empty, does not come back (RFC 6749 section 3.1)."""
    assert "state" not in query_of(allow(visitor, state=given_state))


def test_odd_state(visitor: FlaskClient) -> None:
    """The state comes back as it was, whatever is in it."""
    odd = "é&=#+% \n\0"
    assert query_of(allow(visitor, state=odd))["state"] == [odd]
    denied = visitor.post(authorize_url(state=odd), data={"decision": "deny"})
    assert query_of(denied)["state"] == [odd]


def test_redirect_uri_with_query(visitor: FlaskClient) -> None:
    """The redirect URI keeps its own query."""
    response = allow(visitor, redirect_uri=f"{REDIRECT_URI}?tenant=1&empty=")
    assert query_of(response)["tenant"] == ["1"]
    assert query_of(response)["empty"] == [""]


def test_deny(visitor: FlaskClient, state: State) -> None:
    """Deny leads back with access_denied and the state, and leaves no code behind."""
    response = visitor.post(authorize_url(scope=BOTH), data={"decision": "deny"})
    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{REDIRECT_URI}?error=access_denied&")
    assert query_of(response)["state"] == ["a-state"]
    assert "code" not in query_of(response)
    assert state.codes == {}
    assert state.installations == []


@pytest.mark.parametrize(
    ("granted", "scope"),
    [
        (["read:user", "write:integrations"], "read:user write:integrations"),
        (["write:integrations"], "write:integrations"),
        (["read:user"], "read:user"),
        (["admin"], ""),
    ],
)
def test_unticked_scopes(visitor: FlaskClient, granted: list[str], scope: str) -> None:
    """What was asked for and left ticked is granted, down to nothing."""
    code = code_of(allow(visitor, *granted, scope=BOTH))
    assert exchange(visitor, code).get_json()["scope"] == scope


def test_more_than_asked(visitor: FlaskClient) -> None:
    """A box that was not on the page grants nothing."""
    code = code_of(allow(visitor, "read:user", "write:integrations"))
    assert exchange(visitor, code).get_json()["scope"] == "read:user"


def test_integration_is_remembered(visitor: FlaskClient, state: State) -> None:
    """With write:integrations left ticked the application is added to the chosen server, once."""
    allow(visitor, "read:user", scope=BOTH)
    assert state.installations == []
    for _ in range(2):
        allow(visitor, "write:integrations", scope=BOTH, form={"guild": "400000000000000002"})
    assert [(i.client_id, i.guild.name, i.user.name) for i in state.installations] == [
        ("sandbox", "Garden Neighbours", "ada")
    ]


@pytest.mark.parametrize(
    "form", [{"decision": "perhaps"}, {"user": "1"}, {"guild": "1"}, {"user": "", "guild": ""}]
)
def test_form_of_somebody_else(visitor: FlaskClient, state: State, form: dict[str, str]) -> None:
    """A form that the page cannot have sent is a 400."""
    assert allow(visitor, "write:integrations", scope=BOTH, form=form).status_code == 400
    assert state.codes == {}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 302),
        ({"Origin": "http://localhost"}, 302),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 302),
        ({"Sec-Fetch-Site": "none"}, 302),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://localhost:5000"}, 403),
        ({"Origin": "https://localhost"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
    ],
)
def test_cross_site_form(
    visitor: FlaskClient, state: State, headers: dict[str, str], status: int
) -> None:
    """No page of another origin can press "Allow"."""
    data = {"decision": "allow", "granted": "read:user"}
    assert visitor.post(authorize_url(), data=data, headers=headers).status_code == status
    assert len(state.codes) == (status == 302)


@pytest.mark.parametrize(
    ("redirect_uri", "source"),
    [
        (REDIRECT_URI, "http://localhost:5000"),
        ("https://app.example/cb", "https://app.example"),
        ("http://[::1]:5000/cb", "http:"),
    ],
)
def test_headers(visitor: FlaskClient, redirect_uri: str, source: str) -> None:
    """The page cannot be framed or cached, and its form leads here and to the application only."""
    headers = visitor.get(authorize_url(redirect_uri=redirect_uri)).headers
    assert headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'self'; form-action 'self' {source}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in headers


def test_registered_redirect_uris() -> None:
    """With registered redirect URIs only these will do, to the letter."""
    client = Client("sandbox", "sandbox-secret", redirect_uris=(REDIRECT_URI,))
    visitor = create_app([client]).test_client()
    assert visitor.get(authorize_url()).status_code == 200
    for other in (f"{REDIRECT_URI}/", f"{REDIRECT_URI}?a=1", "http://LOCALHOST:5000/callback"):
        assert visitor.get(authorize_url(redirect_uri=other)).status_code == 400


@pytest.mark.parametrize(("registered", "status"), [((), 400), (("https://app.example/cb",), 200)])
def test_loopback_only(registered: tuple[str, ...], status: int) -> None:
    """Under LOOPBACK_ONLY a redirect URI that leaves this machine has to be registered."""
    client = Client("sandbox", "sandbox-secret", redirect_uris=registered)
    visitor = create_app([client], config={"LOOPBACK_ONLY": True}).test_client()
    response = visitor.get(authorize_url(redirect_uri="https://app.example/cb"))
    assert response.status_code == status


def test_loopback_only_lets_this_machine_pass() -> None:
    """Under LOOPBACK_ONLY any redirect URI on this machine is still good."""
    visitor = create_app(config={"LOOPBACK_ONLY": True}).test_client()
    assert visitor.get(authorize_url()).status_code == 200


def test_authorize_error(visitor: FlaskClient, state: State) -> None:
    """The switch makes the page answer 500, and only the page."""
    code = code_of(allow(visitor))
    state.failure = Failure.AUTHORIZE_ERROR
    assert visitor.get(authorize_url(client_id="nobody")).status_code == 500
    assert exchange(visitor, code).status_code == 200


def test_two_sandboxes() -> None:
    """Two sandboxes in one process know nothing of each other."""
    here, there = create_app(), create_app()
    code = code_of(allow(here.test_client()))
    assert exchange(there.test_client(), code).status_code == 400
    assert sandbox_state(there).codes == {}
