"""Parts of the queries that the reports are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, Label, Select, case, cast, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from trustlayer.audit.tables import AttemptRow, OutcomeRow
from trustlayer.policy import Action

ACCEPTED = Action.ACCEPT.value


def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """How many rows fulfil *condition*."""
    return func.count(case((condition, 1)))


def total(amount: Any) -> ColumnElement[float]:
    """The sum of what is known of *amount*, 0 when nothing is."""
    return cast(func.coalesce(func.sum(amount), 0), Double)


def spent() -> tuple[Label[Any], ...]:
    """Tokens in and out, and the cost, of all attempts of which they are known."""
    return (
        cast(total(AttemptRow.tokens_in), BigInteger).label("tokens_in"),
        cast(total(AttemptRow.tokens_out), BigInteger).label("tokens_out"),
        total(AttemptRow.cost).label("cost"),
    )


class written(FunctionElement[str]):
    """A moment as text, in UTC: 2026-03-01 23:59:59.999."""

    inherit_cache = True


@compiles(written)
def _as_it_is(element: written, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))  # SQLite keeps it as text


@compiles(written, "postgresql")
def _in_utc(element: written, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(timezone('UTC', {compiler.process(element.clauses, **options)}) AS text)"


def since_outcomes(since: datetime | None) -> list[ColumnElement[bool]]:
    """The conditions that leave out what started before *since*."""
    return [] if since is None else [OutcomeRow.started >= since]


def of_outcomes(
    query: Select[*tuple[Any, ...]], table: Any, since: datetime | None
) -> Select[*tuple[Any, ...]]:
    """Leave out of *query* those rows of *table* that belong to outcomes before *since*."""
    if since is None:
        return query
    later = select(OutcomeRow.number).where(*since_outcomes(since))
    return query.where(table.outcome.in_(later))  # read first, where a join might be read last
