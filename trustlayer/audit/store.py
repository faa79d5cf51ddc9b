"""The AuditStore: outcomes in SQL, durable before their answers are handed out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from sqlalchemy import Connection, Engine, Select, select
from sqlalchemy.orm import Session

from trustlayer.audit import schema
from trustlayer.audit.commits import Commits
from trustlayer.audit.databases import connect, expect_file, for_writing, in_memory, masked, sweep
from trustlayer.audit.reading import read
from trustlayer.audit.records import Record, record
from trustlayer.audit.sealing import OPTION as keys_option
from trustlayer.audit.sealing import Keys
from trustlayer.audit.spool import Spool
from trustlayer.audit.tables import CorrelationRow, OutcomeRow
from trustlayer.audit.texts import KEY_VARIABLE, Form, Texts
from trustlayer.audit.texts import OPTION as texts_option
from trustlayer.audit.troubles import away, explained
from trustlayer.audit.turns import Turns
from trustlayer.audit.writer import Drained, Spooling
from trustlayer.errors import MissingKey, StoreUnavailable, UnknownOutcome
from trustlayer.outcome import Outcome

if TYPE_CHECKING:
    from trustlayer.audit.loading import Loaded

T = TypeVar("T")

_LANES = 2  # transactions at once of one process, where the database takes several


class AuditStore:
    """Outcomes in an SQL database; may be shared by threads, and the database by processes.

    `record` returns once the outcomes are on the disk. Recording one again changes nothing.
    While the database is away nothing is recorded, and so no answer handed out; or, given a
    *spool*, outcomes go to files in that folder, and into the database once it is back.
    """

    def __init__(
        self,
        url: str,
        engine: Engine,
        texts: Texts | None = None,
        keys: Keys | None = None,
        spool: Path | None = None,
        *,
        first: Callable[[], None] | None = None,
    ) -> None:
        self.url = url
        self.texts = texts or Texts()
        self.keys = keys or Keys()
        carried = {texts_option: self.texts, keys_option: self.keys}
        self._engine = engine.execution_options(**carried)
        self._commits = Commits(url, self._engine, first)
        self._spooling = None if spool is None else Spooling(self._commits.record, Spool(spool))
        self._turns = self._new_turns()
        self._process = os.getpid()
        self._closed = False

    @classmethod
    def create(
        cls,
        url: str,
        *,
        texts: Texts | None = None,
        keys: Keys | None = None,
        spool: Path | None = None,
    ) -> Self:
        """Open the store at *url*, making or upgrading it first; see `open`."""
        if in_memory(url):
            return cls._in_memory(url, texts, keys)
        return cls._opened(url, connect(url), lambda _: schema.upgrade(url), texts, keys, spool)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        texts: Texts | None = None,
        keys: Keys | None = None,
        spool: Path | None = None,
    ) -> Self:
        """Open the store at *url*.

        *texts* says what is kept of the texts written from now on, and *keys* encrypt them, and
        decrypt those encrypted before; None means what the environment says, see `Texts` and
        `Keys`. Raises NotAStore, SchemaTooOld or SchemaTooNew when there is no store of the schema
        needed, StoreUnavailable when the database cannot be reached, and MissingExtra. With a
        *spool*, or one in TRUSTLAYER_SPOOL, it is looked at once it can be.
        """
        expect_file(url)
        first = partial(schema.expect_current, url=url)
        return cls._opened(url, connect(url), first, texts, keys, spool)

    @classmethod
    def _in_memory(cls, url: str, texts: Texts | None, keys: Keys | None) -> Self:
        return cls._opened(url, connect(url), partial(schema.upgrade_by, url=url), texts, keys)

    @classmethod
    def _opened(
        cls,
        url: str,
        engine: Engine,
        first: Callable[[Engine], None],
        texts: Texts | None,
        keys: Keys | None,
        spool: Path | None = None,
    ) -> Self:
        texts = Texts.from_environment() if texts is None else texts
        keys = Keys.from_environment() if keys is None else keys
        spool = Spool.in_environment() if spool is None else spool
        try:
            first(engine)
            return cls(url, engine, texts, keys, spool)
        except BaseException as error:
            if spool is not None and away(error):
                return cls(url, engine, texts, keys, spool, first=partial(first, engine))
            engine.dispose()
            raise

    def record(self, *outcomes: Outcome) -> None:
        """Write *outcomes*, all or none, and return once they are durable.

        Raises StoreUnavailable, OutcomeConflict when another outcome has the id of one of
        them, and ValueError for what no database can hold, like a cost that is not a number.
        """
        self._expect_open()
        if records := self.prepared(outcomes):
            self._turns.take(records)

    async def arecord(self, *outcomes: Outcome) -> None:
        """Do what `record` does, awaited; tasks that record at once share transactions, too."""
        self._expect_open()
        if records := await asyncio.to_thread(self.prepared, outcomes):
            await self._turns.atake(records)

    def drain(self) -> Drained:
        """Bring what the spool holds into the database; raises StoreUnavailable when it is away."""
        self._expect_open()
        if self._spooling is None:
            raise ValueError("this store has no spool: AuditStore.open(url, spool=...)")
        return self._spooling.drain()

    def load(self, outcomes: Iterable[Outcome], batch: int = 1000, *, sums: bool = True) -> Loaded:
        """Write *outcomes*, *batch* a transaction, but those already recorded; *sums* for reports
        may be left to the next report."""
        from trustlayer.audit.loading import load

        return load(self, outcomes, batch, sums=sums)

    def prepared(self, outcomes: Iterable[Outcome]) -> list[Record]:
        """The rows of *outcomes*, ready to be written; raises ValueError, see `record`."""
        form = self.texts.column
        return [record(self.texts.kept(outcome), form, self.keys) for outcome in outcomes]

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
            .where(CorrelationRow.lookup.in_(self.texts.lookups(name, value)))
            .order_by(OutcomeRow.number.desc())
        )
        return self._read(query.limit(limit))

    def lookups(self, name: str, value: str) -> list[bytes]:
        """The digests by which a caller's id is found, in whichever form it was kept.

        Raises MissingKey where some were kept as HMAC and the store was opened without the key.
        """
        hmac = select(OutcomeRow.number).where(OutcomeRow.text_form == Form.HMAC.value).limit(1)
        if not self.texts.key:
            with self.session() as session:
                if session.scalar(hmac) is not None:
                    error = MissingKey("ids are kept as HMAC here: without the key none is found")
                    error.add_note(f"give it in {KEY_VARIABLE}")
                    raise error
        return self.texts.lookups(name, value)

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
        return self._commits.retry(write)

    def sweep(self, *, texts: bool = True) -> None:
        """Have old versions of changed rows removed from the disk; StoreUnavailable if not yet.

        Without *texts* those of PostgreSQL stay as they are: it takes long where they are many.
        """
        self._expect_open()
        with explained(self.url):
            swept = sweep(self._engine, texts=texts)
        if not swept:
            error = StoreUnavailable(f"{masked(self.url)} is being read: old versions stay so long")
            error.add_note("do the same again once no other program has the store open")
            raise error

    def close(self) -> None:
        """Let go of the database; the store cannot be used any more."""
        self._closed = True
        self._turns.close()
        if self._spooling is not None:
            self._spooling.close()
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
        (self._commits.record if self._spooling is None else self._spooling.write)(records)

    def _new_turns(self) -> Turns:
        if self._spooling is not None:
            self._spooling.alone = Lock()  # after a fork, one that nobody holds
        several = self._spooling is None and self._engine.dialect.name == "postgresql"
        return Turns(self._write, lanes=_LANES if several else 1)

    def _expect_open(self) -> None:
        if self._closed:
            error = StoreUnavailable(f"the audit store {masked(self.url)} is closed")
            error.add_note(f"open it again: AuditStore.open({masked(self.url)!r})")
            raise error
        if self._process != os.getpid():  # a fork shares no connections with its parent
            self._process = os.getpid()
            self._engine.dispose(close=False)
            self._turns = self._new_turns()

    def _unknown(self, id: str, found: Sequence[str]) -> UnknownOutcome:
        shown = masked(self.url)
        if not found:
            error = UnknownOutcome(f"no outcome {id!r} is in the audit store {shown}")
            error.add_note(f"see which there are: trustlayer report --db {shown}")
            return error
        error = UnknownOutcome(f"several outcomes begin with {id!r}: {', '.join(found)}, …")
        error.add_note("give more of the id")
        return error
