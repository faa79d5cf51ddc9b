"""What there is to label, as lines; what was said of it, read back; and how to weigh it.

A line to be labelled is one of the contract in `trustlayer.lines` with ``"attempt"``, counted
from 1, ``"why"`` it is there, ``"propensity"`` where it was drawn, and ``"label": null``, to be
filled with 1 for bad or 0 for good. ``"spans"``, ``"reason"`` and ``"who"`` may be added.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import exists, select

from trustlayer.audit.audited import answers
from trustlayer.audit.entry_tables import DrawRow
from trustlayer.audit.labels import Label, chosen, labelled, record_label, written
from trustlayer.audit.reading import read
from trustlayer.audit.review import held
from trustlayer.audit.scope import Scope
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import LabelRow, OutcomeRow, TextRow
from trustlayer.exchange import Exchange
from trustlayer.jsonl import Fields, parse_object, write_object
from trustlayer.lines import span_of, write_exchange
from trustlayer.outcome import Outcome


@dataclass(frozen=True, slots=True)
class ToLabel:
    """An answer that waits for a label; *attempt* counts from 0."""

    outcome: str
    attempt: int
    exchange: Exchange
    model: str | None
    why: str
    propensity: float | None

    def __str__(self) -> str:
        """The line, without its end."""
        line = json.loads(write_exchange(self.outcome, self.exchange))
        line |= {"attempt": self.attempt + 1, "why": self.why, "label": None}
        if self.model is not None:
            line["model"] = self.model
        if self.propensity is not None:
            line["propensity"] = self.propensity
        return write_object(line)


def to_label(store: AuditStore) -> Iterator[ToLabel]:
    """The answers that nobody has labelled yet: those drawn, then those held, the oldest first."""
    said = exists().where(LabelRow.outcome == OutcomeRow.number)
    erased = exists().where(
        TextRow.outcome == OutcomeRow.number, TextRow.body.is_(None), TextRow.sealed.is_(None)
    )
    drawn = (
        select(OutcomeRow, DrawRow.propensity)
        .join(DrawRow, DrawRow.outcome == OutcomeRow.number)
        .where(~said, ~erased)
        .order_by(DrawRow.recorded, DrawRow.sequence)
    )
    waiting = select(OutcomeRow).where(*held(), ~said, ~erased).order_by(OutcomeRow.number)
    seen: set[int] = set()
    with store.session() as session:
        for row, propensity in session.execute(drawn, execution_options={"yield_per": 50}):
            if row.number not in seen:
                seen.add(row.number)
                yield from _one(read(session, row), "drawn", propensity)
        for row in session.scalars(waiting, execution_options={"yield_per": 50}):
            if row.number not in seen:
                yield from _one(read(session, row), "held", None)


def lines(store: AuditStore) -> Iterator[str]:
    """Every labelled answer as `calibrate`, `evaluate` and `train` take it, with its propensity."""
    with store.snapshot() as session:
        known = {(one.outcome, one.attempt): one.propensity for one in answers(session, Scope())}
    for found in labelled(store):
        line = json.loads(written(found))
        propensity = known.get((found.label.outcome, found.label.attempt))
        if propensity is not None:
            line["propensity"] = propensity
        line["attempt"] = found.label.attempt + 1
        yield write_object(line)


def parse_label(raw: bytes | str, number: int, who: str) -> list[Label]:
    """The label in one line, none where it is still null; raises BadLine."""
    fields = Fields(number, parse_object(raw, number))
    said = fields.values.get("label")
    if said is None:
        return []
    if isinstance(said, bool) or said not in (0, 1):
        fields.refuse("label", said, "1 for a bad answer, 0 for a good one, null for none yet")
    spans = None
    if fields.values.get("spans") is not None:
        items = enumerate(fields.items("spans"))
        spans = tuple(span_of(fields.within(f"spans[{n}]", item)) for n, item in items)
    attempt = fields.whole("attempt") if "attempt" in fields.values else 1
    if attempt < 1:
        fields.refuse("attempt", attempt, "1 or more")
    return [
        Label(
            fields.text("id"),
            attempt - 1,
            said == 1,
            fields.text("who", who),
            fields.text("reason", ""),
            spans if said == 1 else None,
            _propensity(fields),
        )
    ]


def record_lines(store: AuditStore, raw: Iterable[bytes | str], who: str) -> int:
    """Record the labels of lines, each durably; how many there were. Raises BadLine."""
    number = 0
    for place, line in enumerate(raw, 1):
        for label in parse_label(line, place, who) if line.strip() else ():
            record_label(store, label)
            number += 1
    return number


def _one(outcome: Outcome, why: str, propensity: float | None) -> Iterator[ToLabel]:
    if (attempt := chosen(outcome)) is not None:
        made = outcome.attempts[attempt]
        assert made.verdict is not None
        yield ToLabel(outcome.id, attempt, made.verdict.exchange, made.model, why, propensity)


def _propensity(fields: Fields) -> float | None:
    value = fields.values.get("propensity")
    if value is None:
        return None
    number = fields.real("propensity", value)
    if not 0.0 < number <= 1.0:
        fields.refuse("propensity", value, "a probability above 0, at most 1")
    return number
