"""What a report counts: sums by day where they are made already, rows where they are not.

Whole days that lie within the scope come from the sums; what is not summarised yet, and days
that lie in the scope only in part, from the rows. Both have the same columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    Table,
    and_,
    cast,
    func,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.orm import Session

from trustlayer.audit.scope import Scope
from trustlayer.audit.summary_tables import MEASURE_ROWS, ROWS, TEXTS, summarised
from trustlayer.audit.tables import ChainRow, DetectorRow, OutcomeRow

Condition = ColumnElement[bool]


def facts(session: Session, sums: Table, scope: Scope, only: str | None = None) -> Subquery:
    """All rows of *scope*, with the columns of *sums*; several may be alike, to be added up.

    Of measures, *only* names the one that is wanted.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL jit = off"))  # to compile takes longer than to count
    left = unsummarised(session)
    parts: list[Select[Any]] = [select(*sums.columns).where(*_whole(sums, scope))]
    for rows in ROWS[sums.name] if only is None else [MEASURE_ROWS[only]]:
        parts += [added_up(sums, rows, _between(rows, *edge)) for edge in scope.edges()]
        if left:
            missing = and_(_tail(rows, left), *_whole(rows, scope, timed=True))
            parts.append(added_up(sums, rows, missing))
    found = union_all(*parts).subquery()
    return _narrowed(found, scope)


def added_up(sums: Table, rows: Table, condition: Condition) -> Select[Any]:
    """The *rows* that fulfil *condition*, grouped and added up as *sums* has them."""
    keys = [_key(rows, column.name) for column in sums.primary_key]
    added = [_sum(rows, column) for column in sums.columns if not column.primary_key]
    return select(*keys, *added).where(condition).group_by(*keys)


def unsummarised(session: Session) -> list[tuple[int, int]]:
    """The chains with rows beyond what is summarised, and up to where they are."""
    query = select(ChainRow.number, func.coalesce(summarised.c.sequence, 0)).outerjoin(
        summarised, summarised.c.chain == ChainRow.number
    )
    query = query.where(ChainRow.length > func.coalesce(summarised.c.sequence, 0))
    return [(chain, sequence) for chain, sequence in session.execute(query)]


def total(found: Subquery, *names: str) -> list[Any]:
    """The sums of those columns, 0 where there are no rows."""
    return [_whole_sum(found.c[name]).label(name) for name in names]


def outcomes_in(scope: Scope) -> list[Condition]:
    """The conditions on outcomes themselves."""
    found: list[Condition] = []
    if scope.since is not None:
        found.append(OutcomeRow.started >= scope.since)
    if scope.until is not None:
        found.append(OutcomeRow.started < scope.until)
    return found


def within(rows: Table, scope: Scope) -> list[Condition]:
    """The conditions on the rows of a view."""
    found: list[Condition] = []
    if scope.since is not None:
        found.append(rows.c.started >= scope.since)
    if scope.until is not None:
        found.append(rows.c.started < scope.until)
    if scope.model is not None:
        found.append(rows.c.model == scope.model)
    return found


def _narrowed(found: Subquery, scope: Scope) -> Subquery:
    conditions: list[Condition] = []
    if scope.model is not None and "model" in found.c:
        conditions.append(found.c.model == scope.model)
    if scope.detector is not None and "detector" in found.c:
        named = select(DetectorRow.number).where(DetectorRow.name == scope.detector)
        conditions.append(found.c.detector.in_(named))
    return select(found).where(*conditions).subquery() if conditions else found


def _whole(table: Table, scope: Scope, *, timed: bool = False) -> list[Condition]:
    # That it lies on a whole day of the scope; by the time, where there is an index on that.
    first, beyond = scope.first_day, scope.beyond
    if timed:
        moments = [day and datetime.combine(day, time(), UTC) for day in (first, beyond)]
        column: Any = table.c.started
    else:
        moments, column = [first, beyond], table.c.day
    found: list[Condition] = [true()]
    if moments[0] is not None:
        found.append(column >= moments[0])
    if moments[1] is not None:
        found.append(column < moments[1])
    return found


def _between(rows: Table, since: datetime, until: datetime) -> Condition:
    return and_(rows.c.started >= since, rows.c.started < until)


def _tail(rows: Table, left: Sequence[tuple[int, int]]) -> Condition:
    return or_(*(and_(rows.c.chain == c, rows.c.sequence > after) for c, after in left))


def _key(rows: Table, name: str) -> ColumnElement[Any]:
    column = rows.c[name]
    return (func.coalesce(column, "", type_=column.type) if name in TEXTS else column).label(name)


def _sum(rows: Table, column: ColumnElement[Any]) -> ColumnElement[Any]:
    name = str(column.key)
    return cast(func.coalesce(func.sum(rows.c[name]), 0), column.type).label(name)


def _whole_sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(func.coalesce(func.sum(column), 0), column.type)
