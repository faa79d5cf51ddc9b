"""Texts erased, for good, while what was decided and its hashes stay.

An erased outcome still counts in every report and still verifies: of a text the salted digest
remains, and without the salt nobody can tell by guessing what the text was.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, exists, select, update

from trustlayer.audit.digests import lookup_digest
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import CorrelationRow, LabelRow, OutcomeRow, TextRow

_AT_ONCE = 500  # outcomes in one transaction: other writers wait no longer than for those


def retain(store: AuditStore, since: datetime) -> int:
    """Erase all texts of outcomes that started before *since*; the number of those outcomes."""
    return _erase(store, OutcomeRow.started < since)


def erase(store: AuditStore, name: str, value: str) -> int:
    """Erase all texts of the outcomes with that correlation id, such as a person's."""
    own = select(CorrelationRow.outcome).where(CorrelationRow.lookup == lookup_digest(name, value))
    return _erase(store, OutcomeRow.number.in_(own))


def _erase(store: AuditStore, condition: ColumnElement[bool]) -> int:
    erased = 0
    while outcomes := _next(store, condition):
        with store.transaction() as connection:
            texts = update(TextRow).where(TextRow.outcome.in_(outcomes))
            connection.execute(texts.values(body=None, salt=None))
            known = update(CorrelationRow).where(CorrelationRow.outcome.in_(outcomes))
            connection.execute(known.values(lookup=None))
            said = update(LabelRow).where(LabelRow.outcome.in_(outcomes))
            connection.execute(said.values(reason=None, salt=None))
        erased += len(outcomes)
    store.sweep()
    return erased


def _next(store: AuditStore, condition: ColumnElement[bool]) -> list[int]:
    text = exists().where(TextRow.outcome == OutcomeRow.number, TextRow.body.is_not(None))
    word = exists().where(LabelRow.outcome == OutcomeRow.number, LabelRow.reason.is_not(None))
    query = select(OutcomeRow.number).where(condition, text | word).limit(_AT_ONCE)
    with store.session() as session:
        return list(session.scalars(query))
