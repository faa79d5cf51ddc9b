"""Whether errors among accepted answers have become more frequent than is tolerated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trustlayer.alarm import watch
from trustlayer.audit import scope as scopes
from trustlayer.audit.audited import Answer, answers
from trustlayer.audit.scope import Scope
from trustlayer.audit.store import AuditStore
from trustlayer.policy import Action

TOLERATED = 0.05  # bad among the accepted, as `trustlayer calibrate` aims at by default
RUN_LENGTH = 10_000.0  # audited answers until a false alarm, on average and at least


@dataclass(frozen=True, slots=True)
class Watched:
    """An audited answer: when it was given, whether it was bad, how near the alarm was then.

    *level* is the evidence as a share of what raises the alarm, which 1 does.
    """

    started: datetime
    outcome: str
    bad: bool
    level: float
    alarm: bool


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The watch over audited answers, the oldest answer first.

    An alarm says: since some time before it, more than *tolerated* of the accepted answers were
    bad. With no more, an alarm comes after *run_length* audited answers on average or later.
    """

    tolerated: float
    run_length: float
    audited: int
    bad: int
    alarms: tuple[datetime, ...]
    watched: tuple[Watched, ...]


def drift(
    store: AuditStore,
    scope: Scope | datetime | None = None,
    tolerated: float = TOLERATED,
    run_length: float = RUN_LENGTH,
) -> DriftReport:
    """Watch the accepted answers that were drawn and labelled; see `trustlayer.alarm`."""
    with store.snapshot() as session:
        found = answers(session, scopes.of(scope))
    audited = [a for a in found if a.final and a.action is Action.ACCEPT and a.propensity]
    steps = watch(_errors(audited), tolerated, run_length)
    watched = tuple(
        Watched(one.started, one.outcome, one.bad, step.level, step.alarm)
        for one, step in zip(audited, steps, strict=True)
    )
    alarms = tuple(one.started for one in watched if one.alarm)
    bad = sum(one.bad for one in watched)
    return DriftReport(tolerated, run_length, len(watched), bad, alarms, watched)


def _errors(audited: list[Answer]) -> list[float]:
    # An answer twice as likely to be drawn counts half. What is usual is told by those before
    # it alone: a bet may not know what it bets on.
    errors: list[float] = []
    inverse = 0.0
    for number, one in enumerate(audited):
        chance = one.propensity or 1.0
        usual = number / inverse if number else chance
        errors.append(usual / chance if one.bad else 0.0)
        inverse += 1.0 / chance
    return errors
