"""Texts erased, for good, while what was decided and its hashes stay.

An erased outcome still counts in every report and still verifies: of a text the salted digest
remains, and without the salt nobody can tell by guessing what the text was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, update

from trustlayer.audit.entry_tables import DecisionRow
from trustlayer.audit.holds import held, held_back
from trustlayer.audit.months import after, end_of
from trustlayer.audit.partitions import drop, past
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
    """Erase all texts of outcomes that started before *since*, but for those under a hold.

    On PostgreSQL a month that was over by then, and of which nothing is held, goes at once.
    """
    months = store.retrying(lambda connection: past(connection, since))
    gone = [store.retrying(partial(_drop, month=month)) for month in months]
    return _erase(store, OutcomeRow.started < since, sum(gone))


def erase(store: AuditStore, name: str, value: str) -> Erased:
    """Erase all texts of the outcomes with that correlation id, such as a person's.

    Those under a hold are left. Raises MissingKey where ids are kept as HMAC.
    """
    lookups = store.lookups(name, value)
    own = select(CorrelationRow.outcome).where(
        CorrelationRow.name == name, CorrelationRow.lookup.in_(lookups)
    )
    return _erase(store, OutcomeRow.number.in_(own))


def _erase(store: AuditStore, condition: ColumnElement[bool], gone: int = 0) -> Erased:
    erased = 0
    while count := store.retrying(lambda connection: _erase_some(connection, condition)):
        erased += count
    store.sweep(texts=bool(erased) or not gone)  # what was dropped is off the disk
    with store.session() as session:
        left = tuple(Left(*found) for found in held_back(session, condition & _legible()))
    return Erased(erased + gone, left)


def _drop(connection: Connection, month: int) -> int:
    # The number of outcomes of which texts went with their month; 0 when some of it are held.
    _let_no_hold_begin(connection)
    own = (OutcomeRow.started >= end_of(after(month, -1))) & (OutcomeRow.started < end_of(month))
    if connection.scalar(select(exists().where(own, held(connection)))):
        return 0
    count = connection.scalar(select(func.count()).select_from(OutcomeRow).where(own, _legible()))
    numbers = select(OutcomeRow.number).where(own)
    for table, columns in _ERASED.items():
        if table is not TextRow:
            of_month = update(table).where(table.outcome.in_(numbers))
            connection.execute(of_month.values(dict.fromkeys(columns)))
    drop(connection, month)
    return count or 0


def _let_no_hold_begin(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE legal_holds IN SHARE MODE")


def _erase_some(connection: Connection, condition: ColumnElement[bool]) -> int:
    _let_no_hold_begin(connection)
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
