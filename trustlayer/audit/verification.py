"""Whether everything recorded is still as it was recorded.

Every row is hashed again and every chain walked from its beginning. Whoever can write to the
database can also forge a chain from some row to its end; only heads that were kept elsewhere
in time (`heads`, and the *anchors* of `verify`) tell of that, and of a tail that was cut off
together with the note of its length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, exists, select
from sqlalchemy.orm import Session

from trustlayer.audit.digests import (
    CHILDREN,
    ENTRIES,
    detector_digest,
    first_head,
    link,
    policy_digest,
)
from trustlayer.audit.entries import Entry, Flaw, Registers, entries
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import Base, ChainRow, DetectorRow, PolicyRow

__all__ = ["Anchor", "Flaw", "heads", "verify"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head that a chain had when it was that long; keep it where no writer can reach it."""

    chain: str
    length: int
    head: bytes


def heads(store: AuditStore) -> list[Anchor]:
    """The present heads of all chains."""
    with store.session() as session:
        return [Anchor(c.id, c.length, c.head) for c in session.scalars(select(ChainRow))]


def verify(store: AuditStore, anchors: Iterable[Anchor] = ()) -> Iterator[Flaw]:
    """Name every row that was changed, removed, inserted or moved, in the order of the chains.

    Reads the store as it was when it began, in memory that does not grow with it. An encrypted
    text under a key that the store was opened without is named, too: nobody examined it.
    """
    with store.snapshot() as session:
        yield from flaws(session, anchors)


def flaws(session: Session, anchors: Iterable[Anchor] = ()) -> Iterator[Flaw]:
    """Do what `verify` does in the caller's *session*, which should see one state throughout."""
    kept: dict[str, dict[int, bytes]] = defaultdict(dict)
    for anchor in anchors:
        if kept[anchor.chain].setdefault(anchor.length, anchor.head) != anchor.head:
            yield Flaw("anchors", anchor.chain, f"has two heads at {anchor.length}: one is wrong")
    yield from _register_flaws(session)
    registers = Registers.read(session)
    for chain in session.scalars(select(ChainRow).order_by(ChainRow.number)).all():
        found = entries(session, chain, registers)
        yield from _chain_flaws(chain, found, kept.pop(chain.id, {}))
    for gone in kept:
        yield Flaw("chains", gone, "is anchored, and was removed")
    yield from _strays(session)


def _register_flaws(session: Session) -> Iterator[Flaw]:
    for policy in session.scalars(select(PolicyRow)):
        if policy.digest != policy_digest(policy.policy):
            yield Flaw("policies", str(policy.number), "was changed")
    for found in session.scalars(select(DetectorRow)):
        if found.digest != detector_digest(found.name, found.version, found.options):
            yield Flaw("detectors", str(found.number), "was changed")


def _chain_flaws(
    chain: ChainRow, found: Iterable[Entry], anchors: dict[int, bytes]
) -> Iterator[Flaw]:
    length, before = 0, first_head(chain.id, chain.opened)
    for entry in found:
        yield from entry.flaws
        if entry.sequence != length + 1:
            what = f"stands at {entry.sequence}, after {length}: a row was removed or moved"
            yield Flaw(entry.table, entry.id, what)
        elif entry.hash != _hash(chain, before, entry):
            yield Flaw(entry.table, entry.id, "does not follow from its predecessor")
        length, before = entry.sequence, entry.hash
        if anchors.pop(length, before) != before:
            yield Flaw(entry.table, entry.id, "differs from the anchor")
    if (length, before) != (chain.length, chain.head):
        what = f"ends at {length}, was left at {chain.length} with another entry at its end"
        yield Flaw("chains", chain.id, what)
    elif not length:
        yield Flaw("chains", chain.id, "is empty: it was inserted")
    if anchors:
        yield Flaw("chains", chain.id, f"ends at {length}, is anchored at {max(anchors)}")


def _hash(chain: ChainRow, before: bytes, entry: Entry) -> bytes:
    return link(chain.id, entry.sequence, before, entry.recorded, entry.content)


def _strays(session: Session) -> Iterator[Flaw]:
    # Rows that nothing recorded refers to, or that refer to nothing.
    tables = Base.metadata.tables
    outcomes, findings, examiners = tables["outcomes"], tables["findings"], tables["examiners"]
    for name in CHILDREN:
        yield from _without(session, tables[name], "outcome", outcomes.c.number)
    yield from _without(session, tables["labels"], "outcome", outcomes.c.number)
    for name in ("outcomes", "labels", *ENTRIES):
        yield from _without(session, tables[name], "chain", tables["chains"].c.number)
    yield from _without(session, tables["policies"], "number", outcomes.c.policy)
    yield from _without(
        session, tables["detectors"], "number", findings.c.detector, examiners.c.detector
    )


def _without(
    session: Session, table: Table, column: str, *others: ColumnElement[Any]
) -> Iterator[Flaw]:
    missing = [~exists().where(other == table.c[column]) for other in others]
    for key in session.execute(select(*table.primary_key).where(*missing)):
        yield Flaw(table.name, ", ".join(map(str, key)), "belongs to nothing: it was inserted")
