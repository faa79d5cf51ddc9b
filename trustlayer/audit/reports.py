"""What the audit store tells of many outcomes, as typed rows.

Every report takes *since*, a time with its zone: outcomes that started before it are left
out. Shares lie in [0, 1]; times are in seconds; money is in the currency of the prices, and
sums only what is known. Where nothing was counted, means and quantiles are None.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import Double, cast, func, select

from trustlayer.audit.columns import AnyText
from trustlayer.audit.counting import ACCEPTED, count, of_outcomes, since_outcomes, spent, written
from trustlayer.audit.detector_reports import Bar, DetectorReport, by_detector, risks
from trustlayer.audit.gains import Gains, gains
from trustlayer.audit.reading import ERASED
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import AttemptRow, OutcomeRow, TextRow
from trustlayer.policy import Action

__all__ = [
    "ActionReport",
    "Bar",
    "DetectorReport",
    "Every",
    "Gains",
    "ModelReport",
    "OutcomeLine",
    "PeriodReport",
    "Totals",
    "by_action",
    "by_detector",
    "by_model",
    "gains",
    "lines",
    "over_time",
    "risks",
    "totals",
]


class Every(IntEnum):
    """A full hour or day of UTC; the value is how many characters of a time name it."""

    HOUR = len("2026-03-01 23")
    DAY = len("2026-03-01")


@dataclass(frozen=True, slots=True)
class Totals:
    """All outcomes together; *first* and *last* are when the earliest and latest started."""

    outcomes: int
    accepted: int
    interrupted: int
    attempts: int
    tokens_in: int
    tokens_out: int
    cost: float
    mean_seconds: float | None
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class ActionReport:
    """How many outcomes ended with that action."""

    action: Action
    outcomes: int
    share: float


@dataclass(frozen=True, slots=True)
class ModelReport:
    """A model's attempts; *model* is None for answers that were given rather than asked for.

    *failed* counts those without an answer, *accepted* those whose answer was accepted.
    """

    model: str | None
    attempts: int
    failed: int
    accepted: int
    accepted_share: float
    mean_risk: float | None
    tokens_in: int
    tokens_out: int
    cost: float
    mean_seconds: float | None


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """The outcomes that started within one period, which begins at *start*."""

    start: datetime
    outcomes: int
    accepted: int
    held: int
    refused: int
    mean_seconds: float


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """One outcome on one line; *prompt* is its beginning, *risk* that of the last answer kept."""

    id: str
    started: datetime
    action: Action
    attempts: int
    model: str | None
    risk: float | None
    prompt: str


def totals(store: AuditStore, since: datetime | None = None) -> Totals:
    """Count everything once."""
    runs = select(
        func.count().label("outcomes"),
        count(OutcomeRow.action == ACCEPTED).label("accepted"),
        func.count(OutcomeRow.interrupted).label("interrupted"),
        func.avg(OutcomeRow.seconds).label("mean_seconds"),
        func.min(OutcomeRow.started).label("first"),
        func.max(OutcomeRow.started).label("last"),
    ).where(*since_outcomes(since))
    tries = select(func.count().label("attempts"), *spent()).select_from(AttemptRow)
    tries = of_outcomes(tries, AttemptRow, since)
    with store.session() as session:
        of_runs = session.execute(runs).mappings().one()
        return Totals(**of_runs, **session.execute(tries).mappings().one())


def by_action(store: AuditStore, since: datetime | None = None) -> list[ActionReport]:
    """Outcomes by their final action, the most frequent first."""
    query = (
        select(OutcomeRow.action, func.count())
        .where(*since_outcomes(since))
        .group_by(OutcomeRow.action)
        .order_by(func.count().desc(), OutcomeRow.action)
    )
    with store.session() as session:
        found = session.execute(query).all()
    outcomes = sum(number for _, number in found)
    return [ActionReport(Action(action), number, number / outcomes) for action, number in found]


def by_model(store: AuditStore, since: datetime | None = None) -> list[ModelReport]:
    """Attempts by model, in the order of their names; given answers first."""
    accepted = count(AttemptRow.verdict == ACCEPTED)
    query = (
        select(
            AttemptRow.model,
            func.count().label("attempts"),
            count(AttemptRow.answer.is_(None)).label("failed"),
            accepted.label("accepted"),
            (cast(accepted, Double) / func.count()).label("accepted_share"),
            func.avg(AttemptRow.risk).label("mean_risk"),
            *spent(),
            func.avg(AttemptRow.seconds).label("mean_seconds"),
        )
        .group_by(AttemptRow.model)
        .order_by(AttemptRow.model.is_not(None), AttemptRow.model)
    )
    with store.session() as session:
        rows = session.execute(of_outcomes(query, AttemptRow, since)).mappings()
        return [ModelReport(**row) for row in rows]


def over_time(
    store: AuditStore, since: datetime | None = None, every: Every = Every.DAY
) -> list[PeriodReport]:
    """Outcomes by period, the earliest first; periods without any are left out."""
    # By their text: SQLite's functions for times round to milliseconds, into the next day.
    period = func.substr(written(OutcomeRow.started), 1, every.value).label("period")
    query = (
        select(
            period,
            func.count().label("outcomes"),
            count(OutcomeRow.action == ACCEPTED).label("accepted"),
            count(OutcomeRow.action == Action.HOLD.value).label("held"),
            count(OutcomeRow.action == Action.REFUSE.value).label("refused"),
            func.avg(OutcomeRow.seconds).label("mean_seconds"),
        )
        .where(*since_outcomes(since))
        .group_by(period)
        .order_by(period)
    )
    with store.session() as session:
        return [_period(**row) for row in session.execute(query).mappings()]


def lines(
    store: AuditStore,
    since: datetime | None = None,
    *,
    action: Action | None = None,
    limit: int = 20,
    width: int = 200,
) -> list[OutcomeLine]:
    """The outcomes recorded last, the newest first, prompts cut to *width* characters."""
    outcome = AttemptRow.outcome == OutcomeRow.number
    attempts = select(func.count(AttemptRow.number)).where(outcome).correlate(OutcomeRow)
    kept = select(func.max(AttemptRow.number)).where(outcome, AttemptRow.kept)
    last = AttemptRow.number == kept.correlate(OutcomeRow).scalar_subquery()
    prompt = (TextRow.outcome == OutcomeRow.number) & (TextRow.number == OutcomeRow.prompt)
    query = (
        select(
            OutcomeRow.id,
            OutcomeRow.started,
            OutcomeRow.action,
            attempts.scalar_subquery().label("attempts"),
            AttemptRow.model,
            AttemptRow.risk,
            func.substr(TextRow.body, 1, width, type_=AnyText).label("prompt"),
        )
        .join(TextRow, prompt)
        .outerjoin(AttemptRow, outcome & last)
        .where(*since_outcomes(since))
        .where(*([] if action is None else [OutcomeRow.action == action.value]))
        .order_by(OutcomeRow.number.desc())
        .limit(limit)
    )
    with store.session() as session:
        return [_line(**row) for row in session.execute(query).mappings()]


def _period(period: str, **counts: Any) -> PeriodReport:
    return PeriodReport(datetime.fromisoformat(period).replace(tzinfo=UTC), **counts)


def _line(action: str, prompt: str | None, **columns: Any) -> OutcomeLine:
    shown = ERASED if prompt is None else prompt
    return OutcomeLine(action=Action(action), prompt=shown, **columns)
