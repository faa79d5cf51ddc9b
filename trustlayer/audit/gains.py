"""What revising and escalating gained, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Subquery, case, func, select
from sqlalchemy.orm import aliased

from trustlayer.audit.counting import ACCEPTED, count, of_outcomes, since_outcomes, total
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import AttemptRow, OutcomeRow
from trustlayer.policy import Action


@dataclass(frozen=True, slots=True)
class Gains:
    """Where the accepted answers came from, and what the further attempts were worth.

    *first*, *revised* and *escalated* count outcomes: accepted at once, after a revision by
    the first model, or after another model was asked; *lost* those accepted from none.
    *revisions* and *escalations* count attempts, *better_* of them those that lowered the
    risk. *risk_before* and *risk_after* are means over the outcomes with several answers, of
    the first and of the best one. *extra_cost* and *extra_seconds* are those of all attempts
    but the first ones.
    """

    first: int
    revised: int
    escalated: int
    lost: int
    revisions: int
    better_revisions: int
    escalations: int
    better_escalations: int
    risk_before: float | None
    risk_after: float | None
    extra_cost: float
    extra_seconds: float


def gains(store: AuditStore, since: datetime | None = None) -> Gains:
    """Compare first answers with those that came of revising and escalating them."""
    with store.session() as session:
        of_runs = session.execute(_of_runs(_runs(since))).mappings().one()
        return Gains(**of_runs, **session.execute(_further(since)).mappings().one())


def _runs(since: datetime | None) -> Subquery:
    # One row an outcome: what became of it, and of its attempts.
    again = AttemptRow.number > 0
    return (
        select(
            OutcomeRow.action.label("action"),
            func.count(AttemptRow.risk).label("answers"),
            count(AttemptRow.action == Action.ESCALATE.value).label("escalations"),
            func.max(AttemptRow.number).label("last"),
            func.max(case((AttemptRow.number == 0, AttemptRow.risk))).label("before"),
            func.min(case((AttemptRow.kept, AttemptRow.risk))).label("after"),
            total(case((again, AttemptRow.cost))).label("cost"),
            total(case((again, AttemptRow.seconds))).label("seconds"),
        )
        .join(AttemptRow, AttemptRow.outcome == OutcomeRow.number)
        .where(*since_outcomes(since))
        .group_by(OutcomeRow.number, OutcomeRow.action)
        .subquery()
    )


def _of_runs(runs: Subquery) -> Select[*tuple[Any, ...]]:
    accepted = runs.c.action == ACCEPTED
    elsewhere = runs.c.escalations > 0
    several = runs.c.answers > 1
    return select(
        count(accepted & (runs.c.last == 0)).label("first"),
        count(accepted & (runs.c.last > 0) & ~elsewhere).label("revised"),
        count(accepted & elsewhere).label("escalated"),
        count(~accepted).label("lost"),
        func.avg(case((several, runs.c.before))).label("risk_before"),
        func.avg(case((several, runs.c.after))).label("risk_after"),
        total(runs.c.cost).label("extra_cost"),
        total(runs.c.seconds).label("extra_seconds"),
    )


def _further(since: datetime | None) -> Select[*tuple[Any, ...]]:
    # Attempts after the first, by the action that led to them.
    before = aliased(AttemptRow)
    revised = before.action == Action.REVISE.value
    escalated = before.action == Action.ESCALATE.value
    better = AttemptRow.kept.is_(True)
    query = (
        select(
            count(revised).label("revisions"),
            count(revised & better).label("better_revisions"),
            count(escalated).label("escalations"),
            count(escalated & better).label("better_escalations"),
        )
        .select_from(AttemptRow)
        .join(
            before,
            (before.outcome == AttemptRow.outcome) & (before.number == AttemptRow.number - 1),
        )
    )
    return of_outcomes(query, AttemptRow, since)
