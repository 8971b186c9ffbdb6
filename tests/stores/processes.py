"""Children of the test's process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
_fork = multiprocessing.get_context("fork")


def _report(work: Callable[[int], Any], number: int, sender: Any) -> None:
    try:
        sender.send((work(number), None))
    except BaseException as error:
        sender.send((None, repr(error)))
        raise


def in_children(
    count: int, work: Callable[[int], T], meanwhile: Callable[[], object] = lambda: None
) -> list[T]:
    """Return what *work* returns in each of *count* forked processes."""
    pipes = [_fork.Pipe(duplex=False) for _ in range(count)]
    children = [
        _fork.Process(target=_report, args=(work, number, sender))
        for number, (_, sender) in enumerate(pipes)
    ]
    for child in children:
        child.start()
    meanwhile()
    assert all(receiver.poll(30) for receiver, _ in pipes)
    answers = [receiver.recv() for receiver, _ in pipes]
    for child in children:
        child.join(30)
    assert [error for _, error in answers if error] == []
    return [result for result, _ in answers]


def in_threads(count: int, work: Callable[[int], T]) -> list[T]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def barrier(parties: int) -> Any:
    return _fork.Barrier(parties)
