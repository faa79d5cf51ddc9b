"""Transactions for writing: begun again when another writer got between or a connection broke."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from trustlayer.audit.databases import for_writing
from trustlayer.audit.records import Record
from trustlayer.audit.troubles import explained
from trustlayer.audit.writing import write

T = TypeVar("T")

_TRIES = 5
_BETWEEN = ("40001", "40P01")  # SQLSTATE: not serialisable, deadlock
_REMEMBERED = 10_000  # numbers of policies and detectors; there are few unless one is misused


class Commits:
    """Transactions in the database at *url*.

    *first* is called, until it has succeeded once, before anything is recorded.
    """

    def __init__(self, url: str, engine: Engine, first: Callable[[], None] | None = None) -> None:
        self._url = url
        self._engine = engine
        self._first = first
        self._registers: dict[bytes, int] = {}  # numbers that are certain to stay

    def record(self, records: Sequence[Record]) -> None:
        """Write *records*, all or none; durable when this returns."""
        if self._first is not None:
            self._first()
            self._first = None
        written = self.retry(lambda connection: write(connection, records, self._registers))
        if len(self._registers) > _REMEMBERED:
            self._registers.clear()
        self._registers.update(written.numbers)

    def retry(self, act: Callable[[Connection], T]) -> T:
        """What *act* returns, in a transaction of its own."""
        with explained(self._url):
            for left in reversed(range(_TRIES)):
                try:
                    with for_writing(self._engine).begin() as connection:
                        return act(connection)
                except DBAPIError as error:
                    if not left or not _worth_another_try(error):
                        raise
        raise AssertionError  # the last try returned or raised


def _worth_another_try(error: DBAPIError) -> bool:
    # Another writer was faster; or the connection broke: had the commit gone through, the
    # second try finds its outcomes there.
    between = isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", "") in _BETWEEN
    return between or error.connection_invalidated
