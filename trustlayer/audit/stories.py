"""One outcome's full story: what was tried and found, and what people said and did afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from trustlayer.audit import draws, labels, review
from trustlayer.audit.draws import Draw
from trustlayer.audit.labels import Label
from trustlayer.audit.review import Decision
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import ChainRow, OutcomeRow
from trustlayer.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Place:
    """Where the outcome hangs: its *chain* and number in it, when it was recorded, its hash."""

    chain: str
    sequence: int
    recorded: datetime
    hash: str


@dataclass(frozen=True, slots=True)
class Story:
    """An outcome with its *labels*, the first said first, its *draws*, and what was decided."""

    outcome: Outcome
    place: Place
    draws: tuple[Draw, ...]
    labels: tuple[Label, ...]
    decision: Decision | None


def story(store: AuditStore, id: str) -> Story:
    """All that is known of the outcome of that *id*, or its beginning; raises UnknownOutcome."""
    outcome = store.outcome(id)
    return Story(
        outcome,
        _place(store, outcome.id),
        tuple(draws.draws(store, outcome.id)),
        tuple(labels.labels(store, outcome.id)),
        review.decision(store, outcome.id),
    )


def _place(store: AuditStore, id: str) -> Place:
    columns = (ChainRow.id, OutcomeRow.sequence, OutcomeRow.recorded, OutcomeRow.hash)
    query = select(*columns).join(ChainRow, ChainRow.number == OutcomeRow.chain)
    with store.session() as session:
        chain, sequence, recorded, hash = session.execute(query.where(OutcomeRow.id == id)).one()
    return Place(chain, sequence, recorded, hash.hex())
