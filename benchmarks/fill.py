"""Fills Redis with copies of the records that are there."""

from __future__ import annotations

import secrets
from typing import Any


def fill(client: Any, count: int) -> None:
    """Copy each record of a database until there are *count* of its kind, under random names.

    The names are as long.
    """
    pipeline = client.pipeline(transaction=False)
    for key in client.scan_iter():
        stem, _, name = key.rpartition(b":")
        value, lifetime = client.get(key), client.ttl(key)
        for number in range(1, count):
            other = secrets.token_hex(len(name)).encode()[: len(name)]
            pipeline.set(stem + b":" + other, value, ex=lifetime)
            if number % 1000 == 0:
                pipeline.execute()
    pipeline.execute()
