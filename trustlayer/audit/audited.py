"""Labelled answers, each with the probability with which its outcome was drawn to be labelled.

Where several samples were drawn, it is the probability to have been in one of them at least.
What was labelled without having been drawn (a held answer that somebody decided on, a
complaint) has none: an estimate for all answers must leave it out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Double, Integer, Table, select
from sqlalchemy.orm import Session

from trustlayer.audit.columns import AnyText, Number, UtcTime
from trustlayer.audit.entry_tables import DrawRow
from trustlayer.audit.samples import Frame
from trustlayer.audit.scope import Scope
from trustlayer.audit.summary_tables import VIEWS
from trustlayer.audit.tables import DetectorRow, FindingRow
from trustlayer.policy import Action

_COLUMNS: list[Column[Any]] = [
    Column("number", Number),
    Column("id", AnyText),
    Column("started", UtcTime),
    Column("attempt", Integer),
    Column("final", Boolean),
    Column("action", AnyText),
    Column("model", AnyText),
    Column("template", AnyText),
    Column("risk", Double),
    Column("bad", Boolean),
    Column("propensity", Double),
    Column("labelled", UtcTime),
]
LABELS = Table("report_labels", VIEWS, *_COLUMNS)


@dataclass(frozen=True, slots=True)
class Answer:
    """A labelled answer; *final* is the one that the outcome ended with.

    *risk* is on the policy's scale, *risks* those by detector. *propensity* is None where the
    outcome was not drawn.
    """

    number: int
    outcome: str
    attempt: int
    started: datetime
    action: Action
    model: str | None
    template: str | None
    final: bool
    risk: float | None
    risks: dict[str, float]
    bad: bool
    propensity: float | None


def answers(session: Session, scope: Scope) -> list[Answer]:
    """All labelled answers in *scope* with the last word on each, the oldest answer first."""
    query = select(LABELS).order_by(LABELS.c.started, LABELS.c.number, LABELS.c.attempt)
    rows = [row for row in session.execute(query).mappings() if _is_in(row, scope)]
    if not rows:
        return []
    frames, drawn = _frames(session), _drawn(session)
    risks = _risks(session)
    return [
        _answer(
            row,
            risks.get((row["number"], row["attempt"]), {}),
            _propensity(row, frames, drawn.get(row["number"], [])),
        )
        for row in rows
    ]


def _is_in(row: Any, scope: Scope) -> bool:
    # Not by the database: it might look for the few labels among the many answers of a model.
    return (
        (scope.since is None or row["started"] >= scope.since)
        and (scope.until is None or row["started"] < scope.until)
        and (scope.model is None or row["model"] == scope.model)
    )


def _answer(row: Any, risks: dict[str, float], propensity: float | None) -> Answer:
    return Answer(
        row["number"],
        row["id"],
        row["attempt"],
        row["started"],
        Action(row["action"]),
        row["model"],
        row["template"],
        bool(row["final"]),
        row["risk"],
        risks,
        bool(row["bad"]),
        propensity,
    )


def _propensity(row: Any, frames: Sequence[Frame], drawn: Sequence[DrawRow]) -> float | None:
    if not drawn:  # or what whoever labelled it says
        given = row["propensity"]
        return None if given is None else float(given)
    own = [one.propensity for one in drawn if Frame.read(one.design) is None]
    if row["risk"] is not None:
        place = (row["number"], row["started"], Action(row["action"]), row["model"])
        own += [frame.propensity(row["risk"]) for frame in frames if frame.holds(*place)]
    missed = 1.0
    for chance in own or [one.propensity for one in drawn]:
        missed *= 1.0 - chance
    return max(1.0 - missed, 1e-12)


def _frames(session: Session) -> list[Frame]:
    found = [Frame.read(design) for design in session.scalars(select(DrawRow.design).distinct())]
    return [frame for frame in found if frame is not None]


def _drawn(session: Session) -> dict[int, list[DrawRow]]:
    found: dict[int, list[DrawRow]] = defaultdict(list)
    for row in session.scalars(select(DrawRow)):
        found[row.outcome].append(row)
    return found


def _risks(session: Session) -> dict[tuple[int, int], dict[str, float]]:
    # Of the labelled answers alone.
    query = (
        select(FindingRow.outcome, FindingRow.attempt, DetectorRow.name, FindingRow.risk)
        .join(DetectorRow, DetectorRow.number == FindingRow.detector)
        .join(LABELS, (LABELS.c.number == FindingRow.outcome))
        .where(LABELS.c.attempt == FindingRow.attempt, FindingRow.risk.is_not(None))
    )
    found: dict[tuple[int, int], dict[str, float]] = defaultdict(dict)
    for number, attempt, name, risk in session.execute(query):
        found[number, attempt][name] = float(risk or 0.0)
    return found
