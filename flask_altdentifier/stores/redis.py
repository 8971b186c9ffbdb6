"""Records in Redis or a Redis Cluster."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis import Redis, RedisCluster

#: Seconds for which a client that is created from a URL waits for the server.
TIMEOUT = 0.5
#: Keys that one step of `clear` deletes.
BATCH = 500


class RedisStore:
    """Keep records in Redis, for any number of machines.

    The Redis user needs permission for the commands GET, SET and DEL, and SCAN for `clear`.

    Args:
        client: A `redis.Redis` or `redis.RedisCluster`, with `decode_responses` or without. Set its
            timeouts below a second. Without timeouts, it waits forever for a server that hangs.

    Example::

        app.config["ALTDENTIFIER_STORE"] = RedisStore(redis.Redis(host="cache", socket_timeout=0.5))
    """

    def __init__(self, client: Redis | RedisCluster) -> None:
        self._client: Any = client  # redis-py types every result as "maybe awaitable"

    @classmethod
    def from_url(cls, url: str) -> RedisStore:
        """Create a client for a `redis://`, `rediss://` or `unix://` URL, without connecting.

        Timeouts are 0.5 seconds. Each command is tried twice, because redis-py notices only at its
        next command that a server or NAT has closed an idle connection. Options in the URL's query,
        such as `?socket_timeout=2`, override these values.

        Args:
            url: A URL of `redis.Redis.from_url`.

        Raises:
            ImportError: redis-py is not installed.
            ValueError: The URL is not valid.
            TypeError: An option in the URL is unknown.

        Example::

            RedisStore.from_url("redis://user:password@cache:6379/0")
        """
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004
        from redis.retry import Retry

        # redis-py 5 accepts the certificate of any host unless it is asked to compare the name.
        verifies = url.startswith("rediss:") and "ssl_cert_reqs=none" not in url
        tls = {"ssl_check_hostname": True} if verifies else {}
        client = Redis.from_url(
            url,
            **tls,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1),
            retry_on_error=[ConnectionError, TimeoutError],  # redis-py 5 retries nothing else
        )
        # Redis.from_url() accepts unknown options. Only a connection refuses them.
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
        return cls(client)

    def get(self, key: str) -> str | None:
        """Return the value of the record, or None if there is none or it has expired."""
        return _text(self._client.get(key))

    def set(self, key: str, value: str, ttl: float) -> None:
        """Create or overwrite the record. It expires after *ttl* seconds."""
        self._client.execute_command("SET", *_set_arguments(key, value, ttl))

    def set_records(self, records: list[tuple[str, str, float]]) -> None:
        """Create or overwrite several records, on a single server in one round trip."""
        is_cluster = hasattr(self._client, "nodes_manager")
        if is_cluster or type(self).set is not RedisStore.set:
            # If a node hangs, the pipeline of a cluster client retries it for 17 seconds. A
            # subclass may encrypt in `set`.
            for record in records:
                self.set(*record)
            return
        pipeline = self._client.pipeline(transaction=False)
        for record in records:
            pipeline.execute_command("SET", *_set_arguments(*record))
        pipeline.execute()

    def pop(self, key: str) -> str | None:
        """Atomically delete the record and return its value, or None if there is none.

        The count of DEL decides which caller gets the value. A GETDEL that times out would still
        run when the server continues, and the value would be lost.
        """
        value = self._client.get(key)
        if value is None or self._client.execute_command("DEL", key) != 1:
            return None
        return _text(value)

    def delete(self, key: str) -> None:
        """Delete the record, if there is one."""
        # Not client.delete(), which is a pipeline in a cluster client.
        self._client.execute_command("DEL", key)

    def clear(self, prefix: str) -> int:
        """Delete all records whose keys start with *prefix*, and return how many were deleted."""
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", prefix) + "*"
        keys = self._client.scan_iter(match=pattern, count=BATCH)
        batches = iter(lambda: list(islice(keys, BATCH)), [])
        return sum(self._client.delete(*batch) for batch in batches)


def _set_arguments(key: str, value: str, ttl: float) -> tuple[str, bytes, str, int]:
    return key, value.encode(), "PX", max(1, int(ttl * 1000))


def _text(value: str | bytes | None) -> str | None:
    return value.decode() if isinstance(value, bytes) else value
