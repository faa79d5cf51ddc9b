"""The share of bad answers among those handed out, from few labels.

All accepted answers in the scope are the population; those of them that were drawn and
labelled tell what the risks are worth (see `trustlayer.powered`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustlayer.audit import scope as scopes
from trustlayer.audit.audited import Answer, answers
from trustlayer.audit.counting import ACCEPTED
from trustlayer.audit.facts import facts
from trustlayer.audit.outcome_reports import Every
from trustlayer.audit.scope import Scope
from trustlayer.audit.store import AuditStore
from trustlayer.audit.summary_tables import finding_days, outcome_days
from trustlayer.policy import Action
from trustlayer.powered import Audited, Population, Rate, rate


@dataclass(frozen=True, slots=True)
class RateReport:
    """The share of bad answers among the accepted ones of some *kind*.

    *kind* is ``"all"``, ``"model"``, ``"template"`` or a period's, ``"week"`` or ``"month"``,
    which begins at *start*. *undrawn* counts the labels that say nothing here, since nobody
    knows how probable it was that they were made.
    """

    kind: str
    name: str | None
    start: datetime | None
    undrawn: int
    rate: Rate


@dataclass(frozen=True, slots=True)
class _Cell:
    model: str | None
    template: str | None
    start: datetime
    population: Population


def bad_rates(
    store: AuditStore,
    scope: Scope | datetime | None = None,
    every: Every = Every.MONTH,
    confidence: float = 0.95,
) -> list[RateReport]:
    """The rate over all, by model, by prompt template and by period.

    With a detector in the scope its risks are what is corrected, else those of the verdicts.
    """
    scope = scopes.of(scope)
    with store.snapshot() as session:
        cells = _cells(session, scope, every)
        labelled = [one for one in answers(session, scope) if _counts(one)]
    return list(_reports(cells, labelled, scope.detector, every, confidence))


def _counts(answer: Answer) -> bool:
    return answer.final and answer.action is Action.ACCEPT


def _reports(
    cells: Sequence[_Cell],
    labelled: Sequence[Answer],
    detector: str | None,
    every: Every,
    confidence: float,
) -> Iterator[RateReport]:
    keys: dict[tuple[str, Any], None] = {("all", None): None} if cells else {}
    for kind in ("model", "template", "start"):
        found = {getattr(cell, kind) for cell in cells}
        ordered = sorted(found, key=lambda value: (value is not None, value))
        keys |= dict.fromkeys((kind, value) for value in ordered if len(found) > 1)
    for kind, value in keys:
        own = [cell for cell in cells if kind == "all" or getattr(cell, kind) == value]
        said = [one for one in labelled if _is(one, kind, value, every)]
        made = rate(_audited(said, detector), _sum(own), confidence)
        undrawn = sum(one.propensity is None for one in said)
        start = value if kind == "start" else None
        yield RateReport(
            every.value if kind == "start" else kind,
            None if kind in ("all", "start") else value,
            start,
            undrawn,
            made,
        )


def _is(answer: Answer, kind: str, value: object, every: Every) -> bool:
    if kind == "all":
        return True
    if kind == "start":
        return every.start(answer.started.date()) == value
    own: object = getattr(answer, kind)
    return own == value


def _audited(labelled: Sequence[Answer], detector: str | None) -> list[Audited]:
    found: list[Audited] = []
    for one in labelled:
        risk = one.risk if detector is None else one.risks.get(detector)
        if risk is not None and one.propensity is not None:
            found.append(Audited(min(1.0, max(0.0, risk)), one.bad, one.propensity))
    return found


def _cells(session: Session, scope: Scope, every: Every) -> list[_Cell]:
    # Accepted answers with a risk, by model, template and period.
    if scope.detector is None:
        found = facts(session, outcome_days, scope)
        names = ("answered", "risk", "risk_squared")
        conditions = [found.c.action == ACCEPTED]
    else:
        found = facts(session, finding_days, scope)
        names = ("final", "final_risk", "final_risk_squared")
        conditions = []
    keys = (found.c.model, found.c.template, found.c.day)
    sums = [func.sum(found.c[name]) for name in names]
    query: Any = select(*keys, *sums).where(*conditions).group_by(*keys)
    rows: Any = session.execute(query)
    cells: dict[tuple[str | None, str | None, datetime], list[float]] = {}
    for model, template, day, *values in rows:
        cell = cells.setdefault((model or None, template or None, every.start(day)), [0.0] * 3)
        for place, value in enumerate(values):
            cell[place] += float(value)
    return [
        _Cell(model, template, start, Population(round(size), risk, squared))
        for (model, template, start), (size, risk, squared) in cells.items()
        if size
    ]


def _sum(cells: Sequence[_Cell]) -> Population:
    parts = [cell.population for cell in cells]
    return Population(
        sum(part.size for part in parts),
        sum(part.risk for part in parts),
        sum(part.risk_squared for part in parts),
    )
