from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_altdentifier.sandbox import Client, Failure

from .site import BOTH, GARDEN, GRACE, LINK, REDIRECT_URI, Site, authorize_url, query_of

CHALLENGE = "c" * 43


def test_page_names_application_scopes_and_destination() -> None:
    page = Site([Client("sandbox", "s", name="<Chess>")]).get(authorize_url(scope=BOTH)).text
    assert "&lt;Chess&gt;" in page
    assert "<strong>localhost:5000</strong>" in page
    assert re.findall(r'name="granted" value="(.*?)" checked', page) == BOTH.split()
    assert re.findall(r'name="decision".*?>(.*?)<', page) == ["Authorize", "Cancel"]


@pytest.mark.parametrize("client_id", ["nobody", None])
def test_unknown_client_is_404(site: Site, client_id: str | None) -> None:
    assert site.get(authorize_url(client_id=client_id, redirect_uri="x")).status_code == 404


@pytest.mark.parametrize("uri", [None, "javascript:alert(1)", [REDIRECT_URI, REDIRECT_URI]])
def test_invalid_redirect_uri_is_not_redirected(site: Site, uri: Any) -> None:
    assert site.get(authorize_url(redirect_uri=uri)).status_code == 400


def test_registered_redirect_uris_are_compared_exactly() -> None:
    site = Site([Client("sandbox", "sandbox-secret", redirect_uris=(REDIRECT_URI,))])
    assert site.get(authorize_url()).status_code == 200
    assert site.get(authorize_url(redirect_uri=REDIRECT_URI.upper())).status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": 'code "ä'}, "unsupported_response_type"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "read:user admin"}, "invalid_scope"),
        ({"scope": ["read:user", "read:user"]}, "invalid_request"),
        ({"scope": BOTH, "guild_id": "12a"}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
    ],
)
def test_other_errors_are_redirected(site: Site, changes: dict[str, Any], error: str) -> None:
    for response in (site.get(authorize_url(**changes)), site.allow(**changes)):
        query = query_of(response)
        assert (query["error"], query["state"]) == (error, "a-state")
    assert not site.state.codes


@pytest.mark.parametrize("failure", [f for f in Failure if f.redirect_error])
def test_chosen_error_is_redirected(site: Site, failure: Failure) -> None:
    site.state.failure = failure
    assert query_of(site.allow())["error"] == failure.redirect_error


def test_authorize_error_is_500_on_this_page_only(site: Site) -> None:
    code = site.get_code()
    site.state.failure = Failure.AUTHORIZE_ERROR
    assert site.get(authorize_url(client_id="nobody")).status_code == 500
    assert site.exchange(code).status_code == 200


@given(
    st.dictionaries(
        st.sampled_from(["response_type", "redirect_uri", "scope", "state", "guild_id"]),
        st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["code", BOTH]),
    )
)
def test_any_parameters_are_answered(changes: dict[str, str]) -> None:
    assert Site().get(authorize_url(**changes)).status_code in {200, 302, 400}


def test_code_and_state_come_back_for_the_chosen_user(site: Site) -> None:
    odd_state = "é&=#+% \n\0"
    redirect_uri = f"{REDIRECT_URI}?tenant="
    query = query_of(site.allow({"user": GRACE}, state=odd_state, redirect_uri=redirect_uri))
    assert query == {"tenant": "", "code": query["code"], "state": odd_state}
    assert "state" not in query_of(site.allow(state=""))
    token = site.state.get_token(
        site.exchange(query["code"], redirect_uri=redirect_uri).get_json()["access_token"]
    )
    assert token is not None
    assert token.user.id == GRACE


def test_cancel_is_access_denied(site: Site) -> None:
    query = query_of(site.allow({"decision": "deny"}, scope=BOTH))
    assert (query["error"], query["state"]) == ("access_denied", "a-state")
    assert not site.state.codes
    assert not site.state.installations


@pytest.mark.parametrize(
    ("asked", "ticked", "granted"),
    [(BOTH, BOTH, BOTH), (BOTH, "read:user", "read:user"), ("read:user", BOTH, "read:user")],
)
def test_ticked_scopes_are_granted(site: Site, asked: str, ticked: str, granted: str) -> None:
    code = query_of(site.allow({"granted": ticked.split()}, scope=asked))["code"]
    assert site.exchange(code).get_json()["scope"] == granted


def test_write_integrations_adds_the_application_once(site: Site) -> None:
    site.allow({"granted": "read:user"}, scope=BOTH)
    assert not site.state.installations
    for _ in range(2):
        site.allow({"guild": GARDEN, "user": GRACE}, scope=BOTH)
    [installation] = site.state.installations
    assert (installation.guild.id, installation.user.id) == (GARDEN, GRACE)


def test_guild_id_is_the_only_choice(site: Site) -> None:
    page = site.get(authorize_url(scope=BOTH, guild_id="42")).text
    assert re.findall(r'name="guild" value="([0-9]+)"', page) == ["42"]
    assert 'name="guild"' not in site.get(authorize_url(guild_id="42")).text
    form = {"decision": "allow", "guild": GARDEN}
    assert site.post(f"{LINK}&guild_id=42", data=form).status_code == 400


@pytest.mark.parametrize("form", [{"user": "1"}, {"guild": ""}])
def test_unknown_form_values_are_400(site: Site, form: dict[str, str]) -> None:
    assert site.allow(form, scope=BOTH).status_code == 400
    assert not site.state.codes


def test_integration_link_adds_the_application(site: Site) -> None:
    assert site.get(LINK).text.count('name="guild"') == 3
    site.post(LINK, data={"decision": "deny"})
    assert not site.state.installations
    site.post(LINK, data={"decision": "allow", "guild": GARDEN})
    assert [i.guild.id for i in site.state.installations] == [GARDEN]


@pytest.mark.parametrize("scope", ["", "read:user", BOTH, "write:integrations&guild_id=12a"])
def test_invalid_integration_link_is_400(site: Site, scope: str) -> None:
    assert site.get(f"/oauth2/authorize?client_id=sandbox&scope={scope}").status_code == 400
