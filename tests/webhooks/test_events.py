"""Events: frozen values that any JSON object can become."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_altdentifier.webhooks import Action, Event, Guild, Member, Method, Op

from ..support import words


def event_of(**members: Any) -> Event:
    return Event.from_raw(members)


def test_every_field() -> None:
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


METHODS = words("steam reddit twitter overwatch captcha xbox youtube bypass")
ACTIONS = words("kick ban role nothing")


@pytest.mark.parametrize(
    ("kind", "values"), [(Op, [*range(6)]), (Method, METHODS), (Action, ACTIONS)]
)
def test_documented_values(kind: Any, values: list[Any]) -> None:
    assert [member.value for member in kind] == values
    with pytest.raises(ValueError, match="not a valid"):
        kind([])


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Op, 6), (Op, -1), (Op, 10**30), (Method, "smoke signals"), (Method, ""), (Action, "é")],
)
def test_unknown_values_pass_through(kind: Callable[[Any], Any], value: Any) -> None:
    member = kind(value)
    assert type(member) is kind
    assert (member, member.value, member.name) == (value, value, "UNKNOWN")
    assert str(member) == str(value)
    assert {value: 1}[member] == 1
    assert json.dumps(member) == json.dumps(value)
    assert member not in list(kind)  # type: ignore[call-overload]


@pytest.mark.parametrize("value", [None, True, False, 1.0, "1", [1], {"OP": 1}])
def test_op_of_another_type_is_none(value: Any) -> None:
    event = event_of(OP=value)
    assert (event.op, event.raw["OP"]) == (None, value)


@pytest.mark.parametrize("value", [None, 1, 1.5, [], {}, False])
def test_text_of_another_type_is_none(value: Any) -> None:
    fields = dict.fromkeys(("id", "username", "discriminator", "name"), value)
    event = event_of(
        member=fields, guild=fields, method=value, reason=value, action=value, timeout_role=value
    )
    assert event == Event(member=Member(), guild=Guild(), raw=event.raw)


@pytest.mark.parametrize("value", [None, 1, "someone", [], [{}], True])
def test_account_or_server_that_is_no_object_is_none(value: Any) -> None:
    event = event_of(member=value, incorrect_account=value, guild=value)
    assert (event.member, event.incorrect_account, event.guild) == (None, None, None)


def test_events_are_frozen() -> None:
    event = event_of(OP=1, member={}, guild={})
    for part, name in ((event, "op"), (event.member, "id"), (event.guild, "id")):
        with pytest.raises(AttributeError):
            setattr(part, name, None)
    assert isinstance(event.raw, MappingProxyType)
    assert isinstance(Event().raw, MappingProxyType)


FIELDS = words("OP member guild method reason action timeout_role incorrect_account id username")
NAMES = st.sampled_from(FIELDS)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, JSON))
def test_any_object_is_an_event_that_can_be_queued(raw: dict[str, Any]) -> None:
    event = Event.from_raw(raw)
    assert event.raw == raw
    assert hash(event) == hash(Event.from_raw(json.loads(json.dumps(dict(event.raw)))))
    assert pickle.loads(pickle.dumps(event)) == copy.deepcopy(event) == event
    assert repr(event)
