"""Outcomes found again, the newest first, page by page.

One page looks at a bounded number of outcomes, so that it comes soon however large the store
is and however rare what was wanted: a page may be empty and still have a next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from trustlayer.audit.columns import AnyText
from trustlayer.audit.reading import glimpse
from trustlayer.audit.reports import OutcomeLine
from trustlayer.audit.sealing import Keys, keys_of
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import AttemptRow, DetectorRow, FindingRow, OutcomeRow, TextRow
from trustlayer.policy import Action

REACH = 50_000  # outcomes that one page looks at
TEXT_REACH = 20_000  # where it has to read their texts
WIDTH = 200  # characters of a prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is wanted; an empty or None field wants nothing of the kind.

    *text* stands in any text of the outcome, *model* in the name of a model that was asked;
    case does not matter. With a *detector* the risk is the one that it found in any attempt,
    without one it is that of the best answer.
    """

    text: str = ""
    model: str = ""
    action: Action | None = None
    detector: str = ""
    risk_from: float | None = None
    risk_to: float | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what was found; *after* is the cursor of the next page, None at the end.

    *reached* is when the oldest outcome started that was looked at, where the page ended
    before it was full.
    """

    lines: tuple[OutcomeLine, ...]
    after: int | None
    reached: datetime | None = None


def search(store: AuditStore, wanted: Search, *, after: int | None = None, limit: int = 25) -> Page:
    """The outcomes that are *wanted*, the newest first, from the cursor *after* on."""
    with store.session() as session:
        newest = session.scalar(select(func.max(OutcomeRow.number))) or 0
        top = newest + 1 if after is None else min(after, newest + 1)
        floor = max(0, top - (TEXT_REACH if wanted.text else REACH))
        query = select(OutcomeRow.number).where(*_conditions(wanted))
        query = query.where(OutcomeRow.number < top, OutcomeRow.number >= floor)
        query = query.order_by(OutcomeRow.number.desc()).limit(limit + 1)
        found = session.scalars(query).all()
        lines = outcome_lines(session, found[:limit])
        if len(found) > limit:
            return Page(lines, found[limit - 1])
        return Page(lines, floor or None, _started(session, floor) if floor else None)


def detectors(store: AuditStore) -> list[str]:
    """The names of all detectors that ever stood ready, in order."""
    query = select(DetectorRow.name).distinct().order_by(DetectorRow.name)
    with store.session() as session:
        return list(session.scalars(query))


def outcome_lines(session: Session, numbers: Sequence[int]) -> tuple[OutcomeLine, ...]:
    """One line for each of the outcomes of those *numbers*, in the order of the numbers."""
    found = {row["number"]: row for row in session.execute(_lines(numbers)).mappings()}
    keys = keys_of(session)
    return tuple(_line(keys, **found[number]) for number in numbers)


def _conditions(wanted: Search) -> list[ColumnElement[bool]]:
    outcome = AttemptRow.outcome == OutcomeRow.number
    found: list[ColumnElement[bool]] = []
    if wanted.action is not None:
        found.append(OutcomeRow.action == wanted.action.value)
    if wanted.since is not None:
        found.append(OutcomeRow.started >= wanted.since)
    if wanted.until is not None:
        found.append(OutcomeRow.started < wanted.until)
    if wanted.model:
        found.append(exists().where(outcome, _holds(AttemptRow.model, wanted.model)))
    if wanted.detector or wanted.risk_from is not None or wanted.risk_to is not None:
        found.append(_risky(wanted))
    if wanted.text:
        of_outcome = TextRow.outcome == OutcomeRow.number
        found.append(exists().where(of_outcome, _holds(TextRow.body, wanted.text)))
    return found


def _holds(column: Any, text: str) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = column.icontains(text, autoescape=True)
    return condition


def _risky(wanted: Search) -> ColumnElement[bool]:
    outcome = AttemptRow.outcome == OutcomeRow.number
    if not wanted.detector:
        last = select(func.max(AttemptRow.number)).where(outcome, AttemptRow.kept)
        best = AttemptRow.number == last.correlate(OutcomeRow).scalar_subquery()
        return exists().where(outcome, best, *_between(AttemptRow.risk, wanted))
    named = select(DetectorRow.number).where(DetectorRow.name == wanted.detector)
    return exists().where(
        FindingRow.outcome == OutcomeRow.number,
        FindingRow.detector.in_(named),
        *_between(FindingRow.risk, wanted),
    )


def _between(risk: Any, wanted: Search) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.risk_from is not None:
        found.append(risk >= wanted.risk_from)
    if wanted.risk_to is not None:
        found.append(risk <= wanted.risk_to)
    return found


def _lines(numbers: Sequence[int]) -> Select[*tuple[Any, ...]]:
    outcome = AttemptRow.outcome == OutcomeRow.number
    attempts = select(func.count(AttemptRow.number)).where(outcome).correlate(OutcomeRow)
    kept = select(func.max(AttemptRow.number)).where(outcome, AttemptRow.kept)
    last = AttemptRow.number == kept.correlate(OutcomeRow).scalar_subquery()
    prompt = (TextRow.outcome == OutcomeRow.number) & (TextRow.number == OutcomeRow.prompt)
    return (
        select(
            OutcomeRow.number,
            OutcomeRow.id,
            OutcomeRow.started,
            OutcomeRow.action,
            attempts.scalar_subquery().label("attempts"),
            AttemptRow.model,
            AttemptRow.risk,
            func.substr(TextRow.body, 1, WIDTH, type_=AnyText).label("prompt"),
            TextRow.sealed,
            TextRow.digest,
        )
        .join(TextRow, prompt)
        .outerjoin(AttemptRow, outcome & last)
        .where(OutcomeRow.number.in_(numbers))
    )


def _line(
    keys: Keys,
    *,
    number: int,
    action: str,
    prompt: str | None,
    sealed: bytes | None,
    digest: bytes,
    **columns: Any,
) -> OutcomeLine:
    shown = glimpse(keys, prompt, sealed, digest, WIDTH)
    return OutcomeLine(action=Action(action), prompt=shown, **columns)


def _started(session: Session, number: int) -> datetime | None:
    query = select(OutcomeRow.started).where(OutcomeRow.number >= number)
    return session.scalar(query.order_by(OutcomeRow.number).limit(1))
