"""Searches all that is logged, shown and sent for words that must not be there."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

from werkzeug.test import TestResponse


class Watch(logging.Handler):
    """Keeps every record that it gets."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []
        self.emit = self.records.append  # type: ignore[method-assign, assignment]

    @property
    def text(self) -> str:
        """All that a handler of any kind could make of the records."""
        return "\n".join(map(text_of_record, self.records))


@contextmanager
def watching() -> Iterator[Watch]:
    """Keep every record of every logger, with all of them at DEBUG."""
    root = logging.getLogger()
    # Loggers that are created meanwhile have the root's level.
    known = [x for x in root.manager.loggerDict.values() if isinstance(x, logging.Logger)]
    before = [(x, x.level, x.disabled, x.propagate) for x in (root, *known)]
    for logger, *_ in before:
        logger.setLevel(logging.DEBUG)
        logger.disabled, logger.propagate = False, True
    watch = Watch()
    root.addHandler(watch)
    try:
        yield watch
    finally:
        root.removeHandler(watch)
        for logger, level, disabled, propagate in before:
            logger.setLevel(level)
            logger.disabled, logger.propagate = disabled, propagate


def text_of_record(record: logging.LogRecord) -> str:
    """Return message, arguments, traceback and extras of a record."""
    parts = [record.getMessage(), repr(vars(record)), str(record.exc_text)]
    if record.exc_info and record.exc_info[1] is not None:
        parts.append(text_of_error(record.exc_info[1]))
    return "\n".join(parts)


def text_of_error(error: BaseException) -> str:
    """Return all that an error shows, with the errors behind it that a traceback shows."""
    parts = ["".join(traceback.format_exception(error)), str(error), repr(error), repr(error.args)]
    parts.append(repr({k: v for k, v in vars(error).items() if not k.startswith("__context")}))
    context = None if error.__suppress_context__ else error.__context__
    parts += [text_of_error(behind) for behind in (error.__cause__, context) if behind is not None]
    return "\n".join(parts)


def text_of_response(response: TestResponse, *, without: Iterable[str] = ()) -> str:
    """Return status, headers and body of a response, except the headers named in *without*."""
    headers = [f"{k}: {v}" for k, v in response.headers if k not in without]
    return "\n".join([response.status, *headers, response.get_data(as_text=True)])


def disguises(word: str) -> set[str]:
    """Return the forms in which *word* could stand somewhere."""
    raw = word.encode()
    # Base64 of a word within a text depends on where it begins; the middle does not.
    encoded = {base64.b64encode(b"x" * n + raw).decode()[4:-4] for n in range(3)}
    return {word, word[::-1], quote(word, safe=""), quote_plus(word), raw.hex(), *encoded}


def found(words: Iterable[str], text: str) -> list[str]:
    """Return which of *words* stand in *text*, in whatever form."""
    return sorted(word for word in words if any(form in text for form in disguises(word)))
