"""The places where input from outside comes in, by name."""

from __future__ import annotations

from collections.abc import Callable

from .callback_query import Query
from .next_path import Next
from .run import Target
from .token_body import Token
from .webhook_post import Webhook

TARGETS: dict[str, Callable[[], Target]] = {
    "next": Next,
    "query": Query,
    "token": Token,
    "webhook": Webhook,
}
