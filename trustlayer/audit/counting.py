"""Parts of the queries that the reports are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Double, Label, Select, case, cast, func

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


def since_outcomes(since: datetime | None) -> list[ColumnElement[bool]]:
    """The conditions that leave out what started before *since*."""
    return [] if since is None else [OutcomeRow.started >= since]


def of_outcomes(
    query: Select[*tuple[Any, ...]], table: Any, since: datetime | None
) -> Select[*tuple[Any, ...]]:
    """Leave out what belongs to outcomes before *since*, with no join where none is needed."""
    if since is None:
        return query
    joined = query.join(OutcomeRow, OutcomeRow.number == table.outcome)
    return joined.where(*since_outcomes(since))
