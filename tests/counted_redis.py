"""A Redis in this process that counts what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis import Redis


class CountedRedis(Redis):
    """A client whose server is a dict. What gets past `execute_command` fails: nobody listens."""

    def __init__(self) -> None:
        quick: Any = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": None}
        super().__init__(port=1, **quick)
        self.records: dict[str, bytes] = {}
        self.sent: list[str] = []

    def execute_command(self, *args: Any, **options: Any) -> Any:
        command, key, *values = args
        self.sent.append(f"{command.removesuffix('EX')} {kind(key)}")
        if command == "GET":
            return self.records.get(key)
        if command == "DEL":
            assert values == []
            return int(self.records.pop(key, None) is not None)
        self.records[key] = values[{"SET": 0, "SETEX": 1}[command]]
        return True

    def count(self, ask: Callable[..., Any], *arguments: Any) -> str:
        """Return the commands that *ask* sends, each with the kind of record that it names."""
        self.sent.clear()
        ask(*arguments)
        return ", ".join(sorted(self.sent))

    def sizes(self, of: str) -> list[int]:
        """Return the bytes of each record of a kind."""
        return [len(value) for key, value in self.records.items() if kind(key) == of]


def kind(key: str) -> str:
    """Return what is kept under *key*."""
    return key.split(":")[-2]
