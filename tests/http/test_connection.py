"""Pools of connections."""

from __future__ import annotations

from types import SimpleNamespace

from flask_altdentifier.http.connection import create_pool


def test_surplus_idle_connection_is_closed() -> None:
    idle = create_pool("http://127.0.0.1:1").pool
    assert idle is not None
    while not idle.full():
        idle.put(None, block=False)
    closed: list[bool] = []
    idle.put(SimpleNamespace(close=lambda: closed.append(True)), block=False)
    idle.put(None, block=False)
    assert closed == [True]
