"""Many outcomes loaded at once: what a bulk examination found, or what another store held.

One thread makes the rows of a batch while another sends the batch before to the database, by
COPY on PostgreSQL. A batch is a transaction: a load that broke off has left whole batches, and
the same load begun again leaves those alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustlayer.audit.records import Record
from trustlayer.audit.summaries import summarise
from trustlayer.audit.verification import Anchor
from trustlayer.audit.writing import Written, write
from trustlayer.outcome import Outcome

if TYPE_CHECKING:
    from trustlayer.audit.store import AuditStore

BATCH = 1000  # outcomes in one transaction
MOST = 64 << 20  # characters in a batch, so that long texts do not fill the memory


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many outcomes were written, how many were there already, and the chains' new heads."""

    count: int
    known: int
    heads: tuple[Anchor, ...]


def load(store: AuditStore, outcomes: Iterable[Outcome], batch: int = BATCH) -> Loaded:
    """Write *outcomes*, *batch* in one transaction, durable when this returns.

    One whose id is recorded already is left as it is, unread: it is not compared. Raises what
    `AuditStore.record` raises; batches before the one at fault stay.
    """
    if batch < 1:
        raise ValueError(f"a batch needs room for 1 outcome or more, got {batch}")
    load = _Load(store)
    with ThreadPoolExecutor(1, "trustlayer-load") as pool:
        under_way: Future[None] | None = None
        for some in _batched(outcomes, batch):
            records = store.prepared(some)
            if under_way is not None:
                under_way.result()
            under_way = pool.submit(load.add, records)
        if under_way is not None:
            under_way.result()
    summarise(store)  # all at once: with each batch it would take twice as long
    return load.done()


class _Load:
    def __init__(self, store: AuditStore) -> None:
        self._store = store
        self._count = self._given = 0
        self._heads: dict[str, Anchor] = {}

    def add(self, records: Sequence[Record]) -> None:
        written: Written = self._store.retrying(lambda c: write(c, records, bulk=True))
        self._given += len(records)
        self._count += written.count
        if (chain := written.chain) is not None:
            self._heads[chain.id] = Anchor(chain.id, chain.length, chain.head)

    def done(self) -> Loaded:
        return Loaded(self._count, self._given - self._count, tuple(self._heads.values()))


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
