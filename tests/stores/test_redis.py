"""How `RedisStore` uses its client."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004

from flask_altdentifier.stores import RedisStore


def test_client_of_a_url_gives_up_soon_and_tries_twice() -> None:
    options = RedisStore.from_url("redis://localhost")._client.connection_pool.connection_kwargs
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (0.5, 0.5)
    assert options["retry"]._retries == 1
    assert options["retry_on_error"] == [ConnectionError, TimeoutError]


def test_cluster_has_no_pipeline() -> None:
    commands: list[tuple[Any, ...]] = []
    client: Any = SimpleNamespace(
        nodes_manager=None, execute_command=lambda *arguments: commands.append(arguments)
    )
    RedisStore(client).set_records([("a", "1", 1), ("b", "2", 0.5)])
    assert commands == [("SET", "a", b"1", "PX", 1000), ("SET", "b", b"2", "PX", 500)]


def test_subclass_with_a_set_of_its_own_writes_every_record() -> None:
    written: list[str] = []

    class OwnStore(RedisStore):
        def set(self, key: str, value: str, ttl: float) -> None:
            written.append(key)

    unused: Any = None
    OwnStore(unused).set_records([("a", "1", 1), ("b", "2", 1)])
    assert written == ["a", "b"]
