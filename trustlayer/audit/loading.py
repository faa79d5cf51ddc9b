"""Many outcomes loaded at once: what a bulk examination found, or what another store held.

One thread makes the rows of a batch, as the lines that PostgreSQL's COPY takes, while another
sends the batch before to the database; there a third session adds up the sums for reports, of
what is committed. A batch is a transaction: a load that broke off has left whole batches, and
the same load begun again leaves those alone.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from trustlayer.audit.databases import parse
from trustlayer.audit.records import Record
from trustlayer.audit.summaries import catch_up, summarise
from trustlayer.audit.verification import Anchor
from trustlayer.audit.writing import Written, write
from trustlayer.outcome import Outcome

if TYPE_CHECKING:
    from trustlayer.audit.store import AuditStore

BATCH = 1000  # outcomes in one transaction
MOST = 64 << 20  # characters in a batch, so that long texts do not fill the memory
_SUMMED = 20_000  # outcomes that are added up while others are sent, at the least
_TURN = 0.0005  # seconds after which a thread that computes lets the one that sends go on


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many outcomes were written, how many were there already, and the chains' new heads."""

    count: int
    known: int
    heads: tuple[Anchor, ...]


def load(
    store: AuditStore, outcomes: Iterable[Outcome], batch: int = BATCH, *, sums: bool = True
) -> Loaded:
    """Write *outcomes*, *batch* in one transaction, durable when this returns.

    One whose id is recorded already is left as it is, unread: it is not compared. Raises what
    `AuditStore.record` raises; batches before the one at fault stay.
    """
    if batch < 1:
        raise ValueError(f"a batch needs room for 1 outcome or more, got {batch}")
    with _Threads() as threads, _TURNS.short():
        load = _Load(store, threads, sums)
        for some in _batched(outcomes, batch):
            load.send(some)
        load.finish()
    if sums:
        summarise(store)
    return load.done()


@dataclass(slots=True)
class _Threads:
    """One that sends, and one that has sums added up; both are done when the load is."""

    sending: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "trustlayer-load")
    )
    summing: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "trustlayer-sums")
    )

    def __enter__(self) -> _Threads:
        return self

    def __exit__(self, *_: object) -> None:
        self.sending.shutdown()
        self.summing.shutdown()


class _Load:
    def __init__(self, store: AuditStore, threads: _Threads, sums: bool) -> None:
        self._store = store
        self._threads = threads
        self._sums = sums
        self._server = parse(store.url).get_backend_name() == "postgresql"
        self._sent: Future[None] | None = None
        self._summed: Future[bool] | None = None
        self._count = self._given = self._left = 0
        self._heads: dict[str, Anchor] = {}

    def send(self, outcomes: Sequence[Outcome]) -> None:
        """Make the rows of *outcomes*, and have them sent once those before them are."""
        records = [self._ready(r) for o in outcomes for r in self._store.prepared([o])]
        self.finish()
        self._sent = self._threads.sending.submit(self._add, records)

    def finish(self) -> None:
        """Wait until what was sent is written; raises what went wrong with it."""
        if self._sent is not None:
            self._sent.result()

    def done(self) -> Loaded:
        return Loaded(self._count, self._given - self._count, tuple(self._heads.values()))

    def _ready(self, record: Record) -> Record:
        # Rows are many objects, for the garbage collector as well: they are made lines at once.
        return record.packed() if self._server else record

    def _add(self, records: Sequence[Record]) -> None:
        written: Written = self._store.retrying(lambda c: write(c, records, bulk=True))
        self._given += len(records)
        self._count += written.count
        if (chain := written.chain) is not None:
            self._heads[chain.id] = Anchor(chain.id, chain.length, chain.head)
        self._sum(written.count)

    def _sum(self, count: int) -> None:
        # SQLite has one writer: there all is summed in the end, as is here what failed meanwhile.
        self._left += count
        if not (self._sums and self._server) or self._left < _SUMMED:
            return
        if self._summed is None or self._summed.done():
            self._left = 0
            self._summed = self._threads.summing.submit(self._store.retrying, catch_up)


class _Turns:
    """How often threads take turns, shorter while anything is loaded.

    The thread that sends mostly waits for the server; whenever it wakes, the one that computes
    would keep it from going on for a switch interval of the interpreter, and the server with it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._loads = 0
        self._before = 0.0

    @contextmanager
    def short(self) -> Generator[None]:
        with self._lock:
            if not self._loads:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, _TURN))
            self._loads += 1
        try:
            yield
        finally:
            with self._lock:
                self._loads -= 1
                if not self._loads:
                    sys.setswitchinterval(self._before)


_TURNS = _Turns()


def _batched(outcomes: Iterable[Outcome], size: int) -> Iterator[list[Outcome]]:
    batch: list[Outcome] = []
    characters = 0
    for outcome in outcomes:
        batch.append(outcome)
        characters += _characters(outcome)
        if len(batch) == size or characters > MOST:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _characters(outcome: Outcome) -> int:
    # About: texts that repeat are stored once.
    answers = (verdict.exchange.answer for verdict in outcome.verdicts)
    return sum(map(len, (outcome.prompt, *outcome.context, *answers)))
