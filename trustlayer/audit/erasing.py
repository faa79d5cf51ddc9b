"""Texts erased, for good, while what was decided and its hashes stay.

An erased outcome still counts in every report and still verifies: of a text the salted digest
remains, and without the salt nobody can tell by guessing what the text was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, or_, select, update

from trustlayer.audit.entry_tables import DecisionRow
from trustlayer.audit.holds import held, held_back
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import CorrelationRow, LabelRow, OutcomeRow, TextRow

_AT_ONCE = 500  # outcomes in one transaction: other writers wait no longer than for those


@dataclass(frozen=True, slots=True)
class Left:
    """An outcome whose texts were to be erased and were not, and why."""

    outcome: str
    why: str


@dataclass(frozen=True, slots=True)
class Erased:
    """Of how many outcomes the texts were erased, and which were left for a legal hold."""

    outcomes: int
    left: tuple[Left, ...] = ()


def retain(store: AuditStore, since: datetime) -> Erased:
    """Erase all texts of outcomes that started before *since*, but for those under a hold."""
    return _erase(store, OutcomeRow.started < since)


def erase(store: AuditStore, name: str, value: str) -> Erased:
    """Erase all texts of the outcomes with that correlation id, such as a person's.

    Those under a hold are left. Raises MissingKey where ids are kept as HMAC.
    """
    lookups = store.lookups(name, value)
    own = select(CorrelationRow.outcome).where(
        CorrelationRow.name == name, CorrelationRow.lookup.in_(lookups)
    )
    return _erase(store, OutcomeRow.number.in_(own))


def _erase(store: AuditStore, condition: ColumnElement[bool]) -> Erased:
    erased = 0
    while count := store.retrying(lambda connection: _erase_some(connection, condition)):
        erased += count
    store.sweep()
    with store.session() as session:
        left = tuple(Left(*found) for found in held_back(session, condition & _legible()))
    return Erased(erased, left)


def _erase_some(connection: Connection, condition: ColumnElement[bool]) -> int:
    if connection.dialect.name == "postgresql":  # no hold comes into force meanwhile
        connection.exec_driver_sql("LOCK TABLE legal_holds IN SHARE MODE")
    free = ~held(connection)
    query = select(OutcomeRow.number).where(condition, _legible(), free).limit(_AT_ONCE)
    outcomes = list(connection.scalars(query))
    for table, columns in _ERASED.items():
        nothing = dict.fromkeys(columns)
        own = table.outcome.in_(outcomes)
        connection.execute(update(table).where(own).values(nothing))
    return len(outcomes)


_ERASED: Mapping[
    type[TextRow] | type[CorrelationRow] | type[LabelRow] | type[DecisionRow], Sequence[str]
] = {
    TextRow: ("body", "salt", "sealed"),
    CorrelationRow: ("lookup",),
    LabelRow: ("reason", "salt", "sealed"),
    DecisionRow: ("answer", "salt", "sealed"),
}


def _legible() -> ColumnElement[bool]:
    # Whether an outcome has any text left.
    return or_(
        *(
            exists().where(table.outcome == OutcomeRow.number, or_(body.is_not(None), sealed))
            for table, body, sealed in (
                (TextRow, TextRow.body, TextRow.sealed.is_not(None)),
                (LabelRow, LabelRow.reason, LabelRow.sealed.is_not(None)),
                (DecisionRow, DecisionRow.answer, DecisionRow.sealed.is_not(None)),
            )
        )
    )
