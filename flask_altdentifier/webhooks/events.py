"""The events that AltDentifier sends to an integration, as frozen values. Parsing never fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any


def _unknown(cls: Any, value: Any) -> Any:
    """Return a member of *cls* with the name UNKNOWN and the value *value*."""
    member = cls._member_type_.__new__(cls, value)
    member._name_, member._value_ = "UNKNOWN", value
    return member


class Op(IntEnum):
    """The type of an event. Any other number is a member named `UNKNOWN`: `Op(99) == 99`."""

    #: A member started to verify.
    STARTED = 0
    #: A member is verified, by `Event.method`.
    PASSED = 1
    #: A verification failed, by `Event.method` and for `Event.reason`.
    FAILED = 2
    #: The member did not verify in time. `Event.action` followed.
    IGNORED = 3
    #: The member used another account, `Event.incorrect_account`.
    INCORRECT_ACCOUNT = 4
    #: A test event.
    TEST = 5

    def __str__(self) -> str:
        return str(self.value)  # Python 3.10 returns the name

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return _unknown(cls, value) if isinstance(value, int) else None


class _Word(str, Enum):
    """A word of a list that may grow. Any other word is a member named `UNKNOWN`."""

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return _unknown(cls, value) if isinstance(value, str) else None


class Method(_Word):
    """How a member verified. Any other word is a member named `UNKNOWN`."""

    STEAM = "steam"
    REDDIT = "reddit"
    TWITTER = "twitter"
    OVERWATCH = "overwatch"
    CAPTCHA = "captcha"
    XBOX = "xbox"
    YOUTUBE = "youtube"
    #: A moderator let the member skip the verification.
    BYPASS = "bypass"


class Action(_Word):
    """What happened to an unverified member. Any other word is a member named `UNKNOWN`."""

    KICK = "kick"
    BAN = "ban"
    #: The member got `Event.timeout_role`.
    ROLE = "role"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Member:
    """A Discord account. A field that is missing or is not text is None."""

    #: The Discord ID.
    id: str | None = None
    username: str | None = None
    discriminator: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Guild:
    """A Discord server. A field that is missing or is not text is None."""

    #: The Discord ID.
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Event:
    """One step of one verification.

    A field that is missing or has an unknown form is None. `raw` has the whole body. An event has
    neither a time nor an ID, so a replay looks like a new event, and handlers must be idempotent.
    """

    op: Op | None = None
    member: Member | None = None
    guild: Guild | None = None
    #: Sent with `PASSED` and `FAILED`.
    method: Method | None = None
    #: Sent with `FAILED`.
    reason: str | None = None
    #: Sent with `IGNORED`.
    action: Action | None = None
    #: Sent with `IGNORED` if the action gives a role.
    timeout_role: str | None = None
    #: Sent with `INCORRECT_ACCOUNT`.
    incorrect_account: Member | None = None
    #: The whole body, read-only. To use a queue, enqueue `dict(event.raw)`, and pass the result to
    #: `Event.from_raw` in the worker.
    raw: Mapping[str, Any] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, hash=False
    )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by `raw`, because a read-only mapping cannot be pickled."""
        return Event.from_raw, (dict(self.raw),)

    @classmethod
    def from_raw(cls, raw: dict[str, Any]) -> Event:
        """Return the event of a JSON object. It never fails.

        Args:
            raw: The members of the body.

        Returns:
            The event. Its fields are None if *raw* has no valid value for them.

        Example::

            Event.from_raw({"OP": 1, "member": {"id": "1"}, "method": "steam"})
        """
        op, method, action = raw.get("OP"), raw.get("method"), raw.get("action")
        return cls(
            op=Op(op) if type(op) is int else None,
            member=_member(raw.get("member")),
            guild=_guild(raw.get("guild")),
            method=Method(method) if isinstance(method, str) else None,
            reason=_text(raw.get("reason")),
            action=Action(action) if isinstance(action, str) else None,
            timeout_role=_text(raw.get("timeout_role")),
            incorrect_account=_member(raw.get("incorrect_account")),
            raw=MappingProxyType(raw),
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _member(value: Any) -> Member | None:
    if not isinstance(value, dict):
        return None
    get = value.get
    return Member(
        _text(get("id")), _text(get("username")), _text(get("discriminator")), _text(get("name"))
    )


def _guild(value: Any) -> Guild | None:
    if not isinstance(value, dict):
        return None
    return Guild(_text(value.get("id")), _text(value.get("name")))
