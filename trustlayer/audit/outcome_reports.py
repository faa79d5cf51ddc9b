"""What became of the outcomes: all together, by action, over time, one by one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import UnaryExpression, func, select
from sqlalchemy.orm import Session

from trustlayer.audit import scope as scopes
from trustlayer.audit.columns import AnyText
from trustlayer.audit.counting import ACCEPTED, count, written
from trustlayer.audit.facts import facts, outcomes_in, total, within
from trustlayer.audit.reading import glimpse
from trustlayer.audit.scope import Scope
from trustlayer.audit.sealing import Keys, keys_of
from trustlayer.audit.store import AuditStore
from trustlayer.audit.summary_tables import ROWS, attempt_days, outcome_days
from trustlayer.audit.tables import AttemptRow, OutcomeRow, TextRow
from trustlayer.policy import Action


class Every(StrEnum):
    """A full period of UTC; a week begins on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def start(self, day: date) -> datetime:
        """When the period of *day* begins; an hour is none of a day."""
        if self is Every.WEEK:
            day -= timedelta(days=day.weekday())
        if self is Every.MONTH:
            day = day.replace(day=1)
        return datetime.combine(day, time(), UTC)


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


def totals(store: AuditStore, scope: Scope | datetime | None = None) -> Totals:
    """Count everything once; *first* and *last* are of all models."""
    scope = scopes.of(scope)
    with store.snapshot() as session:
        runs = facts(session, outcome_days, scope)
        accepted = func.coalesce(func.sum(runs.c.outcomes).filter(runs.c.action == ACCEPTED), 0)
        sums = total(runs, "outcomes", "interrupted", "seconds")
        of_runs = session.execute(select(*sums, accepted.label("accepted"))).mappings().one()
        tries = facts(session, attempt_days, scope)
        spent = total(tries, "attempts", "tokens_in", "tokens_out", "cost")
        of_tries = session.execute(select(*spent)).mappings().one()
        first, last = _span(session, scope)
    outcomes = int(of_runs["outcomes"])
    return Totals(
        outcomes,
        int(of_runs["accepted"]),
        int(of_runs["interrupted"]),
        int(of_tries["attempts"]),
        int(of_tries["tokens_in"]),
        int(of_tries["tokens_out"]),
        float(of_tries["cost"]),
        float(of_runs["seconds"]) / outcomes if outcomes else None,
        first,
        last,
    )


def by_action(store: AuditStore, scope: Scope | datetime | None = None) -> list[ActionReport]:
    """Outcomes by their final action, the most frequent first."""
    with store.snapshot() as session:
        runs = facts(session, outcome_days, scopes.of(scope))
        number = func.sum(runs.c.outcomes)
        query = select(runs.c.action, number).group_by(runs.c.action)
        found = [(action, int(times)) for action, times in session.execute(query)]
    found.sort(key=lambda pair: (-pair[1], pair[0]))
    outcomes = sum(number for _, number in found)
    return [ActionReport(Action(action), number, number / outcomes) for action, number in found]


def over_time(
    store: AuditStore, scope: Scope | datetime | None = None, every: Every = Every.DAY
) -> list[PeriodReport]:
    """Outcomes by period, the earliest first; periods without any are left out."""
    scope = scopes.of(scope)
    with store.snapshot() as session:
        if every is Every.HOUR:
            return _hours(session, scope)
        runs = facts(session, outcome_days, scope)
        sums = total(runs, "outcomes", "seconds")
        query = select(runs.c.day, runs.c.action, *sums).group_by(runs.c.day, runs.c.action)
        rows: list[Any] = list(session.execute(query))
    found: dict[datetime, _Period] = defaultdict(_Period)
    for day, action, outcomes, seconds in rows:
        found[every.start(day)].add(action, int(outcomes), float(seconds))
    return [found[start].report(start) for start in sorted(found)]


@dataclass(slots=True)
class _Period:
    outcomes: int = 0
    accept: int = 0
    hold: int = 0
    refuse: int = 0
    seconds: float = 0.0

    def add(self, action: str, outcomes: int, seconds: float) -> None:
        self.outcomes += outcomes
        self.seconds += seconds
        if action in {field.name for field in fields(self)}:
            setattr(self, action, getattr(self, action) + outcomes)

    def report(self, start: datetime) -> PeriodReport:
        mean = self.seconds / self.outcomes
        return PeriodReport(start, self.outcomes, self.accept, self.hold, self.refuse, mean)


def _hours(session: Session, scope: Scope) -> list[PeriodReport]:
    # By their text: SQLite's functions for times round to milliseconds, into the next hour.
    [rows] = ROWS["outcome_days"]
    hour = func.substr(written(rows.c.started), 1, len("2026-03-01 23")).label("hour")
    query = (
        select(
            hour,
            func.count(),
            count(rows.c.action == ACCEPTED),
            count(rows.c.action == Action.HOLD.value),
            count(rows.c.action == Action.REFUSE.value),
            func.avg(rows.c.seconds),
        )
        .where(*within(rows, scope))
        .group_by(hour)
        .order_by(hour)
    )
    return [
        PeriodReport(datetime.fromisoformat(start).replace(tzinfo=UTC), *counts)
        for start, *counts in session.execute(query)
    ]


def lines(
    store: AuditStore,
    scope: Scope | datetime | None = None,
    *,
    action: Action | None = None,
    limit: int = 20,
    width: int = 200,
) -> list[OutcomeLine]:
    """The outcomes recorded last, the newest first, prompts cut to *width* characters.

    With an end in the scope it is those that started last.
    """
    scope = scopes.of(scope)
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
            TextRow.sealed,
            TextRow.digest,
        )
        .join(TextRow, prompt)
        .outerjoin(AttemptRow, outcome & last)
        .where(*outcomes_in(scope))
        .where(*([] if action is None else [OutcomeRow.action == action.value]))
        .where(*([] if scope.model is None else [AttemptRow.model == scope.model]))
        .order_by(*_newest(scope))
        .limit(limit)
    )
    with store.session() as session:
        keys = keys_of(session)
        return [_line(keys, width, **row) for row in session.execute(query).mappings()]


def _newest(scope: Scope) -> list[UnaryExpression[Any]]:
    # Where the end is not now, the way from the newest recorded to there may be long: by time.
    by_number = OutcomeRow.number.desc()
    return [by_number] if scope.until is None else [OutcomeRow.started.desc(), by_number]


def _span(session: Session, scope: Scope) -> tuple[datetime | None, datetime | None]:
    ends = func.min(OutcomeRow.started), func.max(OutcomeRow.started)
    first, last = (session.scalar(select(end).where(*outcomes_in(scope))) for end in ends)
    return first, last


def _line(
    keys: Keys,
    width: int,
    *,
    action: str,
    prompt: str | None,
    sealed: bytes | None,
    digest: bytes,
    **columns: Any,
) -> OutcomeLine:
    shown = glimpse(keys, prompt, sealed, digest, width)
    return OutcomeLine(action=Action(action), prompt=shown, **columns)
