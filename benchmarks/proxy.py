"""A TCP proxy, in a process of its own, that delays what goes to the provider and back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from .provider import spawn


@contextmanager
def running(port: int, round_trip: float) -> Iterator[int]:
    """Run a proxy before *port* with round trips of that many seconds. Yields its port."""
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_serve, args=(sender, port, round_trip), daemon=True)
    process.start()
    sender.close()  # so that its end is noticed here
    try:
        yield int(receiver.recv())
    finally:
        process.terminate()
        process.join()


def _serve(ready: Connection, port: int, round_trip: float) -> None:
    asyncio.run(_proxy(ready, port, round_trip))


async def _proxy(ready: Connection, port: int, round_trip: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
        # The kernel opened the connection at once; over the network that takes one round trip.
        await asyncio.gather(
            _pump(reader, upstream_writer, round_trip / 2, first=round_trip),
            _pump(upstream_reader, writer, round_trip / 2, first=0),
        )

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    ready.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, *, first: float
) -> None:
    """Pass on what comes, *delay* seconds later, and the first of it *first* seconds later still.

    What follows meanwhile keeps its place.
    """
    loop = asyncio.get_running_loop()
    due = 0.0
    try:
        while data := await reader.read(65536):
            due = max(due, loop.time() + (0 if due else first))
            loop.call_at(due + delay, writer.write, data)
    except ConnectionError:
        pass
    loop.call_later(first + delay, writer.close)
