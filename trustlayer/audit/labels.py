"""What people say of recorded answers, and the lines that calibrate and evaluate take."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select
from sqlalchemy.orm import aliased

from trustlayer.audit.chains import Chain
from trustlayer.audit.digests import Row, label_content
from trustlayer.audit.reading import opened, read
from trustlayer.audit.records import secured
from trustlayer.audit.sealing import Keys, keys_of
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import AttemptRow, LabelRow, OutcomeRow, TextRow
from trustlayer.audit.texts import texts_of
from trustlayer.errors import UnknownOutcome
from trustlayer.exchange import Exchange, Span
from trustlayer.jsonl import write_object
from trustlayer.lines import write_exchange
from trustlayer.outcome import Outcome

# Of the labels on one answer the last said last.
IN_ORDER = (LabelRow.turn.is_not(None), LabelRow.turn, LabelRow.recorded, LabelRow.sequence)


@dataclass(frozen=True, slots=True)
class Label:
    """A person's word on one answer of an outcome.

    *spans* are its bad stretches; None means that nobody looked where. *propensity* is the
    probability with which the outcome was drawn for labelling, if it was drawn: without it no
    later estimate can correct for having looked at some outcomes more often than at others.
    """

    outcome: str
    attempt: int
    bad: bool
    who: str
    reason: str = ""
    spans: tuple[Span, ...] | None = None
    propensity: float | None = None

    def __post_init__(self) -> None:
        if self.propensity is not None and not 0.0 < self.propensity <= 1.0:
            raise ValueError(f"propensity must lie in (0, 1], got {self.propensity}")
        if self.spans and not self.bad:
            raise ValueError("a good answer has no bad spans")


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer with the last word that was said on it."""

    label: Label
    exchange: Exchange
    model: str | None


def record_label(store: AuditStore, label: Label) -> None:
    """Append *label*, durably; an earlier one on the same answer stays, and counts no more.

    Raises UnknownOutcome when there is no such outcome, or no such answer in it.
    """
    store.retrying(lambda connection: append_label(connection, label))


def append_label(connection: Connection, label: Label) -> str:
    """Append *label* in a transaction of the caller's; the id of its row.

    Two who label one answer at once get the same turn, and one of them an IntegrityError.
    """
    said = replace(label, reason=texts_of(connection).text(label.reason))
    row = _row(said, keys_of(connection)) | _placed(connection, label)
    chain = Chain.free(connection)
    row |= chain.entry(label_content(label.outcome, row))
    connection.execute(insert(LabelRow).values(row))
    chain.keep(connection)
    return str(row["id"])


def labels(store: AuditStore, outcome: str) -> list[Label]:
    """All labels on the outcome of that id, the first said first."""
    query = (
        select(LabelRow)
        .join(OutcomeRow, OutcomeRow.number == LabelRow.outcome)
        .where(OutcomeRow.id == outcome)
        .order_by(*IN_ORDER)
    )
    with store.session() as session:
        keys = keys_of(session)
        return [_label(outcome, row, keys) for row in session.scalars(query)]


def labelled(store: AuditStore) -> Iterator[Labelled]:
    """Every labelled answer whose texts are not erased, in the order of the last word on it."""
    other = aliased(LabelRow)
    same = (other.outcome == LabelRow.outcome) & (other.attempt == LabelRow.attempt)
    later = exists().where(same, later_than(other, LabelRow))
    gone = TextRow.body.is_(None) & TextRow.sealed.is_(None)
    erased = exists().where(TextRow.outcome == OutcomeRow.number, gone)
    query = (
        select(LabelRow, OutcomeRow)
        .join(OutcomeRow, OutcomeRow.number == LabelRow.outcome)
        .where(~later, ~erased)
        .order_by(LabelRow.recorded, LabelRow.sequence)
    )
    with store.session() as session:
        keys = keys_of(session)
        for row, outcome in session.execute(query, execution_options={"yield_per": 50}):
            attempt = read(session, outcome).attempts[row.attempt]
            if attempt.verdict is not None:
                label = _label(outcome.id, row, keys)
                yield Labelled(label, attempt.verdict.exchange, attempt.model)


def written(found: Labelled) -> str:
    """The line, without its end, that calibrate and evaluate read *found* from."""
    line = json.loads(write_exchange(found.label.outcome, found.exchange))
    line["label"] = int(found.label.bad)
    if found.label.spans is not None:
        line["spans"] = [{"start": s.start, "end": s.end} for s in found.label.spans]
    if found.model is not None:
        line["model"] = found.model
    return write_object(line)


def chosen(outcome: Outcome) -> int | None:
    """The attempt that is meant when nobody says which: the last one whose answer was kept."""
    kept = [n for n, attempt in enumerate(outcome.attempts) if attempt.kept and attempt.verdict]
    return kept[-1] if kept else None


def later_than(one: type[LabelRow], other: type[LabelRow]) -> ColumnElement[bool]:
    """Whether label *one* overrules label *other* on the same answer.

    By their turns, which no clock moves; labels of the schema before have none: among those
    the clock tells, and any with a turn came after them.
    """
    former = one.turn.is_(None) & other.turn.is_(None)
    by_clock = (one.recorded > other.recorded) | (
        (one.recorded == other.recorded) & (one.sequence > other.sequence)
    )
    by_turn = func.coalesce(one.turn, 0) > func.coalesce(other.turn, 0)
    return by_turn | (former & by_clock)


def _placed(connection: Connection, label: Label) -> Row:
    # The number of the outcome, and which turn it is on this answer.
    query = (
        select(OutcomeRow.number)
        .join(AttemptRow, AttemptRow.outcome == OutcomeRow.number)
        .where(OutcomeRow.id == label.outcome, AttemptRow.number == label.attempt)
        .where(AttemptRow.answer.is_not(None))
    )
    if (number := connection.scalar(query)) is None:
        raise UnknownOutcome(f"outcome {label.outcome!r} has no answer {label.attempt} to label")
    said = (LabelRow.outcome == number) & (LabelRow.attempt == label.attempt)
    turn = connection.scalar(select(func.count()).where(said)) or 0
    return {"outcome": number, "turn": turn + 1}


def _row(label: Label, keys: Keys) -> Row:
    spans = None if label.spans is None else [[span.start, span.end] for span in label.spans]
    return {
        "id": str(uuid.uuid4()),
        "attempt": label.attempt,
        "who": label.who,
        "bad": label.bad,
        "spans": spans,
        **secured(label.reason, "reason", keys),
        "propensity": None if label.propensity is None else float(label.propensity),
    }


def _label(outcome: str, row: LabelRow, keys: Keys) -> Label:
    spans = None if row.spans is None else tuple(Span(*pair) for pair in row.spans)
    reason = opened(keys, row.reason, row.sealed, row.digest)
    return Label(outcome, row.attempt, row.bad, row.who, reason, spans, row.propensity)
