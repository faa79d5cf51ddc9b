"""Outcomes drawn to be labelled: with which probability, by which design, when.

Kept so that a claim on quality can be computed again from the labels, each weighed by the
chance that its outcome had of being looked at.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from trustlayer.audit.acts import append_act, number_of
from trustlayer.audit.entry_tables import DrawRow
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import OutcomeRow


@dataclass(frozen=True, slots=True)
class Draw:
    """An outcome, the probability with which the *design* draws it, and when it did."""

    outcome: str
    propensity: float
    design: str
    when: datetime | None = None  # the store knows

    def __post_init__(self) -> None:
        if not 0.0 < self.propensity <= 1.0:
            raise ValueError(f"propensity must lie in (0, 1], got {self.propensity}")


def record_draws(store: AuditStore, draws: Iterable[Draw]) -> None:
    """Append *draws*, all or none, durably; raises UnknownOutcome."""
    made = tuple(draws)

    def write(connection: Connection) -> None:
        for draw in made:
            row = {
                "id": str(uuid.uuid4()),
                "outcome": number_of(connection, draw.outcome),
                "design": draw.design,
                "propensity": float(draw.propensity),
            }
            append_act(connection, DrawRow, row, draw.outcome)

    store.retrying(write)


def draws(store: AuditStore, outcome: str | None = None) -> list[Draw]:
    """All draws, or those of one outcome, in the order in which they were recorded."""
    query = select(OutcomeRow.id, DrawRow).join(OutcomeRow, OutcomeRow.number == DrawRow.outcome)
    if outcome is not None:
        query = query.where(OutcomeRow.id == outcome)
    with store.session() as session:
        found = session.execute(query.order_by(DrawRow.recorded, DrawRow.sequence))
        return [Draw(id, row.propensity, row.design, row.recorded) for id, row in found]
