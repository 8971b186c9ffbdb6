"""Ports for the servers that the tests start."""

from __future__ import annotations

import os
import socket

HOST = "127.0.0.1"
#: What a node of a Redis Cluster adds to its port for the port on which it speaks with the others.
BUS = 10_000


def free_ports(number: int) -> list[int]:
    """Return ports of our own, free like their ports for the bus; the system hands out higher ones.

    Processes that run tests at the same moment have different hundreds.
    """
    first = 11_000 + os.getpid() % 100 * 100
    ports = range(first, first + 100)
    return [port for port in ports if _is_free(port) and _is_free(port + BUS)][:number]


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True
