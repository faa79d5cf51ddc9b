"""Held answers, and what people decide on them: each is decided once, by one of them.

Who has *claimed* a held answer has it to himself until the claim expires; a decision ends the
matter, becomes a label, and tells whoever waits what to hand out.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, exists, func, select
from sqlalchemy.orm import Session, aliased

from trustlayer.audit.acts import append_act, number_of
from trustlayer.audit.entry_tables import ClaimRow, DecisionRow, DrawRow
from trustlayer.audit.labels import Label, append_label
from trustlayer.audit.reading import opened
from trustlayer.audit.records import secured
from trustlayer.audit.sealing import keys_of
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import AttemptRow, LabelRow, OutcomeRow, TextRow
from trustlayer.audit.texts import Form, texts_of
from trustlayer.errors import AlreadyClaimed, AlreadyDecided, NotHeld
from trustlayer.exchange import Span
from trustlayer.policy import Action

CLAIM = 600.0  # seconds
COUNTED = 1000  # held answers are counted up to here


class Choice(StrEnum):
    """What a reviewer makes of a held answer."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has the outcome of that id to himself, and until when."""

    outcome: str
    who: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What *who* decided; *answer* is what may be handed out, None where that is nothing."""

    outcome: str
    attempt: int
    choice: Choice
    who: str
    answer: str | None
    reason: str
    recorded: datetime


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a reviewer says: *answer* is the corrected text of an edit; *spans* were the bad ones.

    Raises ValueError for an edit without a text, and for a text that nobody asked for.
    """

    choice: Choice
    answer: str | None = None
    reason: str = ""
    spans: tuple[Span, ...] | None = None

    def __post_init__(self) -> None:
        if self.choice is Choice.EDIT and not (self.answer or "").strip():
            raise ValueError("an edit needs the corrected answer, got none")
        if self.choice is not Choice.EDIT and self.answer is not None:
            raise ValueError(f"an answer belongs to an edit, not to {self.choice.value!r}")
        if self.choice is Choice.APPROVE and self.spans:
            raise ValueError("an approved answer has no bad spans")


def claim(store: AuditStore, outcome: str, who: str, seconds: float = CLAIM) -> Claim:
    """Have the held *outcome* for *seconds*; renews one's own claim.

    Raises AlreadyClaimed, AlreadyDecided, NotHeld, UnknownOutcome.
    """
    return store.retrying(lambda connection: _claimed(connection, outcome, who, seconds)[0])


def decide(store: AuditStore, outcome: str, who: str, ruling: Ruling) -> Decision:
    """Decide on the held *outcome*, durably and once; a label says the same of its answer.

    Raises AlreadyDecided, AlreadyClaimed by somebody else, NotHeld, UnknownOutcome.
    """
    store.retrying(lambda connection: _decided(connection, outcome, who, ruling))
    found = decision(store, outcome)
    assert found is not None
    return found


def decision(store: AuditStore, outcome: str) -> Decision | None:
    """What was decided on the outcome of that id; None as long as nothing is."""
    query = select(DecisionRow, LabelRow).join(LabelRow, LabelRow.id == DecisionRow.label)
    query = query.join(OutcomeRow, OutcomeRow.number == DecisionRow.outcome)
    with store.session() as session:
        row = session.execute(query.where(OutcomeRow.id == outcome)).one_or_none()
        return None if row is None else _decision(session, outcome, *row)


def expect_held(store: AuditStore, outcome: str) -> None:
    """Raises UnknownOutcome, or NotHeld when the outcome of that id was not held."""
    with store.session() as session:
        _held(session.connection(), outcome)


def claim_on(store: AuditStore, outcome: str) -> Claim | None:
    """The claim in force on the outcome of that id."""
    with store.session() as session:
        query = select(OutcomeRow.number).where(OutcomeRow.id == outcome)
        number = session.scalar(query)
        found = {} if number is None else claims(session, {number: outcome})
        return found.get(outcome)


def claims(session: Session, outcomes: Mapping[int, str]) -> dict[str, Claim]:
    """The claims in force on *outcomes*, ids by number; by id."""
    other = aliased(ClaimRow)
    later = exists().where(other.outcome == ClaimRow.outcome, other.turn > ClaimRow.turn)
    query = select(ClaimRow).where(ClaimRow.outcome.in_(outcomes), ~later)
    now = datetime.now(UTC)
    rows = [row for row in session.scalars(query) if row.expires > now]
    return {
        outcomes[row.outcome]: Claim(outcomes[row.outcome], row.who, row.expires) for row in rows
    }


def held() -> list[ColumnElement[bool]]:
    """The conditions on outcomes whose answers wait for a decision."""
    decided = exists().where(DecisionRow.outcome == OutcomeRow.number)
    answered = exists().where(
        AttemptRow.outcome == OutcomeRow.number, AttemptRow.kept, AttemptRow.answer.is_not(None)
    )
    return [OutcomeRow.action == Action.HOLD.value, ~decided, answered]


def waiting(store: AuditStore) -> int:
    """How many held answers wait for a decision, counted up to COUNTED."""
    some = select(OutcomeRow.number).where(*held()).limit(COUNTED).subquery()
    with store.session() as session:
        return session.scalar(select(func.count()).select_from(some)) or 0


def _claimed(connection: Connection, outcome: str, who: str, seconds: float) -> tuple[Claim, str]:
    # The claim and the id of its row.
    number = _undecided(connection, outcome)
    query = select(ClaimRow.id, ClaimRow.turn, ClaimRow.who, ClaimRow.expires)
    query = query.where(ClaimRow.outcome == number).order_by(ClaimRow.turn.desc()).limit(1)
    last, now = connection.execute(query).one_or_none(), datetime.now(UTC)
    if last is not None and last.expires > now:
        present = Claim(outcome, last.who, last.expires)
        if last.who != who:
            raise _taken(present)
        if last.expires - now > timedelta(seconds=seconds / 2):  # a renewal is not worth a row
            return present, last.id
    made = Claim(outcome, who, now + timedelta(seconds=seconds))
    id, turn = str(uuid.uuid4()), 1 if last is None else last.turn + 1
    row = {"id": id, "outcome": number, "turn": turn, "who": who, "expires": made.expires}
    append_act(connection, ClaimRow, row, outcome)
    return made, id


def _decided(connection: Connection, outcome: str, who: str, ruling: Ruling) -> None:
    number = _undecided(connection, outcome)
    _, claimed = _claimed(connection, outcome, who, CLAIM)
    attempt = _best(connection, number)
    propensity = connection.scalar(
        select(DrawRow.propensity)
        .where(DrawRow.outcome == number)
        .order_by(DrawRow.recorded.desc())
        .limit(1)
    )
    bad = ruling.choice is not Choice.APPROVE
    label = Label(outcome, attempt, bad, who, ruling.reason, ruling.spans, propensity)
    row = {
        "id": str(uuid.uuid4()),
        "outcome": number,
        "attempt": attempt,
        "claim": claimed,
        "who": who,
        "decision": ruling.choice.value,
        "label": append_label(connection, label),
        **secured(texts_of(connection).text(ruling.answer or ""), "answer", keys_of(connection)),
    }
    append_act(connection, DecisionRow, row, outcome)


def _undecided(connection: Connection, outcome: str) -> int:
    number = _held(connection, outcome)
    query = select(DecisionRow.who, DecisionRow.decision).where(DecisionRow.outcome == number)
    if (found := connection.execute(query).one_or_none()) is not None:
        raise AlreadyDecided(f"{found.who} has decided on {outcome} already: {found.decision}")
    return number


def _held(connection: Connection, outcome: str) -> int:
    """The number of the held outcome of that id."""
    number = number_of(connection, outcome)
    query = select(OutcomeRow.action, OutcomeRow.text_form).where(OutcomeRow.number == number)
    action, form = connection.execute(query).one()
    if action != Action.HOLD.value:
        raise NotHeld(f"outcome {outcome} was not held: its action is {action!r}")
    if form == Form.HMAC.value:  # what nobody can read, nobody can approve
        raise NotHeld(f"outcome {outcome} is kept as digests only: there is no answer to decide on")
    return number


def _best(connection: Connection, number: int) -> int:
    query = select(func.max(AttemptRow.number)).where(
        AttemptRow.outcome == number, AttemptRow.kept, AttemptRow.answer.is_not(None)
    )
    if (attempt := connection.scalar(query)) is None:
        raise NotHeld("the outcome holds no answer to decide on")
    return int(attempt)


def _taken(present: Claim) -> AlreadyClaimed:
    until = f"{present.expires:%H:%M:%S} UTC"
    return AlreadyClaimed(f"{present.who} is looking at {present.outcome}, until {until}")


def _decision(session: Session, outcome: str, made: DecisionRow, label: LabelRow) -> Decision:
    keys, choice, answer = keys_of(session), Choice(made.decision), None
    if choice is Choice.EDIT:
        answer = opened(keys, made.answer, made.sealed, made.digest)
    elif choice is Choice.APPROVE:
        answer = _answer(session, made)
    reason = opened(keys, label.reason, label.sealed, label.digest)
    return Decision(outcome, made.attempt, choice, made.who, answer, reason, made.recorded)


def _answer(session: Session, made: DecisionRow) -> str:
    # The answer that was held.
    query = (
        select(TextRow.body, TextRow.sealed, TextRow.digest)
        .join(AttemptRow, AttemptRow.outcome == TextRow.outcome)
        .where(TextRow.outcome == made.outcome, AttemptRow.number == made.attempt)
        .where(TextRow.number == AttemptRow.answer)
    )
    body, sealed, digest = session.execute(query).one()
    return opened(keys_of(session), body, sealed, digest)
