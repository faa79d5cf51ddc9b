"""The AuditStore: outcomes in SQL, durable before their answers are handed out."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from sqlalchemy import Connection, Engine, Select, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from trustlayer.audit import (
    entry_tables,  # noqa: F401  # part of the schema, whoever imports what first
    schema,
)
from trustlayer.audit.databases import connect, expect_file, for_writing, in_memory, masked, sweep
from trustlayer.audit.digests import lookup_digest
from trustlayer.audit.reading import read
from trustlayer.audit.records import Record, record
from trustlayer.audit.tables import CorrelationRow, OutcomeRow
from trustlayer.audit.troubles import explained
from trustlayer.audit.turns import Turns
from trustlayer.audit.writing import append
from trustlayer.errors import StoreUnavailable, UnknownOutcome
from trustlayer.outcome import Outcome

if TYPE_CHECKING:
    from trustlayer.audit.loading import Loaded

T = TypeVar("T")

_TRIES = 5  # at one transaction, when another writer got between or the connection broke
_BETWEEN = ("40001", "40P01")  # SQLSTATE: not serialisable, deadlock


class AuditStore:
    """Outcomes in an SQL database; may be shared by threads, and the database by processes.

    `record` returns once the outcomes are on the disk. Recording one again changes nothing.
    """

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self._engine = engine
        self._turns = Turns(self._write)
        self._process = os.getpid()
        self._closed = False

    @classmethod
    def create(cls, url: str) -> Self:
        """Open the store at *url*, making or upgrading it first; see `open` for the errors."""
        if in_memory(url):
            return cls._in_memory(url)
        schema.upgrade(url)
        return cls.open(url)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the store at *url*.

        Raises NotAStore, SchemaTooOld or SchemaTooNew when there is no store of the schema
        needed, StoreUnavailable when the database cannot be reached, and MissingExtra.
        """
        expect_file(url)
        engine = connect(url)
        try:
            schema.expect_current(engine, url)
        except BaseException:
            engine.dispose()
            raise
        return cls(url, engine)

    @classmethod
    def _in_memory(cls, url: str) -> Self:
        engine = connect(url)
        schema.upgrade_by(engine, url)
        return cls(url, engine)

    def record(self, *outcomes: Outcome) -> None:
        """Write *outcomes*, all or none, and return once they are durable.

        Raises StoreUnavailable, OutcomeConflict when another outcome has the id of one of
        them, and ValueError for what no database can hold, like a cost that is not a number.
        """
        self._expect_open()
        if records := self.prepared(outcomes):
            self._turns.take(records)

    def load(self, outcomes: Iterable[Outcome], batch: int = 1000) -> Loaded:
        """Write many *outcomes*, *batch* in one transaction; see `trustlayer.audit.loading`.

        Those whose ids are recorded already are left as they are, so that a load that broke
        off can be begun again.
        """
        from trustlayer.audit.loading import load

        return load(self, outcomes, batch)

    def prepared(self, outcomes: Iterable[Outcome]) -> list[Record]:
        """The rows of *outcomes*, ready to be written; raises ValueError, see `record`."""
        return [record(outcome) for outcome in outcomes]

    def outcome(self, id: str) -> Outcome:
        """The outcome of that *id*, or the only one whose id begins so; raises UnknownOutcome."""
        beyond = id + "\U0010ffff"
        query = select(OutcomeRow).where(OutcomeRow.id >= id, OutcomeRow.id < beyond)
        with self.session() as session:
            rows = session.scalars(query.order_by(OutcomeRow.id).limit(3)).all()
            if not rows or (rows[0].id != id and (len(rows) > 1 or not id)):
                raise self._unknown(id, [row.id for row in rows])
            return read(session, rows[0])

    def recent(self, limit: int = 20) -> list[Outcome]:
        """The outcomes recorded last, the newest first."""
        return self._read(select(OutcomeRow).order_by(OutcomeRow.number.desc()).limit(limit))

    def correlated(self, name: str, value: str, limit: int = 100) -> list[Outcome]:
        """The outcomes with that correlation id of the caller's, the newest first."""
        query = (
            select(OutcomeRow)
            .join(CorrelationRow, CorrelationRow.outcome == OutcomeRow.number)
            .where(CorrelationRow.lookup == lookup_digest(name, value))
            .order_by(OutcomeRow.number.desc())
        )
        return self._read(query.limit(limit))

    @contextmanager
    def session(self) -> Generator[Session]:
        """A session for reading, its errors explained."""
        self._expect_open()
        with explained(self.url), Session(self._engine) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Generator[Session]:
        """A session that sees the store as it is now, whatever is written meanwhile."""
        with self.session() as session:
            if self._engine.dialect.name == "postgresql":  # SQLite's are snapshots anyway
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def transaction(self) -> Generator[Connection]:
        """A transaction for writing: committed at its end, undone by an error, explained."""
        self._expect_open()
        with explained(self.url), for_writing(self._engine).begin() as connection:
            yield connection

    def retrying(self, write: Callable[[Connection], T]) -> T:
        """What *write* returns, in a transaction; begun again when another writer got between."""
        self._expect_open()
        with explained(self.url):
            for left in reversed(range(_TRIES)):
                try:
                    with for_writing(self._engine).begin() as connection:
                        return write(connection)
                except DBAPIError as error:
                    if not left or not _worth_another_try(error):
                        raise
        raise AssertionError  # the last try returned or raised

    def sweep(self) -> None:
        """Have old versions of changed rows removed from the disk; StoreUnavailable if not yet."""
        self._expect_open()
        with explained(self.url):
            swept = sweep(self._engine)
        if not swept:
            error = StoreUnavailable(f"{masked(self.url)} is being read: old versions stay so long")
            error.add_note("do the same again once no other program has the store open")
            raise error

    def close(self) -> None:
        """Let go of the database; the store cannot be used any more."""
        self._closed = True
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"AuditStore({masked(self.url)!r})"

    def _read(self, query: Select[OutcomeRow]) -> list[Outcome]:
        with self.session() as session:
            return [read(session, row) for row in session.scalars(query).all()]

    def _write(self, records: Sequence[Record]) -> None:
        with explained(self.url):
            for left in reversed(range(_TRIES)):
                try:
                    with for_writing(self._engine).connect() as connection:
                        return append(connection, records)
                except DBAPIError as error:
                    if not left or not _worth_another_try(error):
                        raise

    def _expect_open(self) -> None:
        if self._closed:
            error = StoreUnavailable(f"the audit store {masked(self.url)} is closed")
            error.add_note(f"open it again: AuditStore.open({masked(self.url)!r})")
            raise error
        if self._process != os.getpid():  # a fork shares no connections with its parent
            self._process = os.getpid()
            self._engine.dispose(close=False)
            self._turns = Turns(self._write)

    def _unknown(self, id: str, found: Sequence[str]) -> UnknownOutcome:
        shown = masked(self.url)
        if not found:
            error = UnknownOutcome(f"no outcome {id!r} is in the audit store {shown}")
            error.add_note(f"see which there are: trustlayer report --db {shown}")
            return error
        error = UnknownOutcome(f"several outcomes begin with {id!r}: {', '.join(found)}, …")
        error.add_note("give more of the id")
        return error


def _worth_another_try(error: DBAPIError) -> bool:
    # Another writer was faster; or the connection broke: had the commit gone through, the
    # second try finds its outcomes there.
    between = isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", "") in _BETWEEN
    return between or error.connection_invalidated
