"""Where one outcome hangs in its chain, and whether it still is what was hashed there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from trustlayer.audit.digests import ENTRIES, first_head, link
from trustlayer.audit.entries import entry_of
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import Base, ChainRow, OutcomeRow
from trustlayer.errors import UnknownOutcome


@dataclass(frozen=True, slots=True)
class Place:
    """The entry of an outcome among the *length* of its chain; *flaws* tell what is not right.

    *before* is its predecessor's hash as it stands now, None where that is missing. Only
    `trustlayer.audit.verification.verify` walks the whole chain.
    """

    chain: str
    sequence: int
    length: int
    recorded: datetime
    content: bytes
    before: bytes | None
    hash: bytes
    flaws: tuple[str, ...]


def place(store: AuditStore, outcome: str) -> Place:
    """The place of the outcome of that id; raises UnknownOutcome."""
    with store.snapshot() as session:
        found = entry_of(session, outcome)
        query = select(ChainRow).join(OutcomeRow, OutcomeRow.chain == ChainRow.number)
        chain = session.scalars(query.where(OutcomeRow.id == outcome)).one_or_none()
        if found is None or chain is None:
            raise UnknownOutcome(f"no outcome {outcome!r} is in the audit store")
        before = _before(session, chain, found.sequence)
        flaws = [f"{flaw.table} {flaw.row} {flaw.what}" for flaw in found.flaws]
        if before is None:
            flaws.append("its predecessor was removed")
        elif found.hash != link(chain.id, found.sequence, before, found.recorded, found.content):
            flaws.append("it does not follow from its predecessor")
        return Place(
            chain.id,
            found.sequence,
            chain.length,
            found.recorded,
            found.content,
            before,
            found.hash,
            tuple(flaws),
        )


def _before(session: Session, chain: ChainRow, sequence: int) -> bytes | None:
    if sequence == 1:
        return first_head(chain.id, chain.opened)
    tables = [Base.metadata.tables[name] for name in ("outcomes", "labels", *ENTRIES)]
    found = union_all(
        *(
            select(table.c.hash).where(
                table.c.chain == chain.number, table.c.sequence == sequence - 1
            )
            for table in tables
        )
    )
    hash: bytes | None = session.scalar(found)
    return hash
