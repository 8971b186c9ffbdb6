"""All that is measured of growth."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from .. import redis_server
from ..lab import Lab
from .capacity import Capacity, capacity
from .connections import Connections, connections
from .room import Record, Room, records, rooms
from .traffic import Traffic, traffic


@dataclass(frozen=True)
class Growth:
    """What was measured."""

    traffic: dict[str, Traffic]
    records: dict[str, Record]
    rooms: list[Room]
    connections: list[Connections]
    capacity: Capacity

    def room(self, kind: str) -> float:
        """Return the bytes of Redis's memory for one of many records, its tables' share too."""
        tables = self.rooms[-1].logged_in - self.records["grant"].memory
        return self.records[kind].memory + tables


def measure(lab: Lab) -> Growth:
    """Measure on a redis-server that nothing else uses."""
    with _alone(lab) as alone:
        kept = {record.kind: record for record in records(alone)}
        return Growth(
            traffic={each.title: each for each in traffic(alone)},
            records=kept,
            rooms=list(rooms(alone)),
            connections=list(connections(alone)),
            capacity=capacity(alone, kept["grant"]),
        )


@contextmanager
def _alone(lab: Lab) -> Iterator[Lab]:
    directory = lab.directory / "growth"
    directory.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with redis_server.running(directory, port) as redis:
        yield replace(lab, directory=directory, redis=redis)
