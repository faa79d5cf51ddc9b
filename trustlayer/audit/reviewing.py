"""What reviewers do with held answers: claim one for a while, and decide on it, once.

A claim is a row that has its turn on the outcome, and no two rows have the same: of two reviewers
who claim at once, one is told who was faster. A decision becomes a label in one transaction.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, exists, select

from trustlayer.audit.acts import append_act, number_of
from trustlayer.audit.digests import Row
from trustlayer.audit.draws import propensity_of
from trustlayer.audit.entry_tables import ClaimRow, DecisionRow
from trustlayer.audit.labels import Label, append_label
from trustlayer.audit.reading import opened
from trustlayer.audit.records import secured
from trustlayer.audit.sealing import keys_of
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import AttemptRow, OutcomeRow
from trustlayer.errors import AlreadyClaimed, AlreadyDecided, NotHeld
from trustlayer.exchange import Span
from trustlayer.policy import Action

PATIENCE = 900.0  # seconds that a claim lasts unless told otherwise


class Word(StrEnum):
    """What is decided on a held answer."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Claim:
    """A reviewer's claim on an outcome, until it expires or is let go."""

    id: str
    outcome: str
    who: str
    turn: int
    expires: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reviewer says of a held answer, and why; *answer* is the text of an EDIT."""

    word: Word
    reason: str = ""
    answer: str | None = None
    spans: tuple[Span, ...] | None = None
    attempt: int | None = None  # whose answer; None means the best one

    def __post_init__(self) -> None:
        if (self.answer is not None) != (self.word is Word.EDIT):
            raise ValueError("an edit needs the edited answer, and nothing else takes one")
        if self.spans and self.word is Word.APPROVE:
            raise ValueError("an approved answer has no bad spans")


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was made: by whom, when, and the id of the label that it became."""

    outcome: str
    decision: Decision
    who: str
    when: datetime
    label: str


@dataclass(frozen=True, slots=True)
class Held:
    """An outcome that waits for a decision; *claim* is the one on it now, if there is one."""

    outcome: str
    started: datetime
    claim: Claim | None


def claim(
    store: AuditStore,
    outcome: str,
    who: str,
    *,
    seconds: float = PATIENCE,
    now: datetime | None = None,
) -> Claim:
    """Claim the outcome of that id, durably; claiming it again makes the claim last longer.

    Raises AlreadyClaimed while another's claim lasts, AlreadyDecided, NotHeld, UnknownOutcome.
    """
    if not seconds > 0.0:
        raise ValueError(f"a claim lasts more than 0 seconds, got {seconds:g}")

    def write(connection: Connection) -> Claim:
        moment = now or datetime.now(UTC)
        number = _held(connection, outcome)
        last = _last(connection, number, outcome)
        if last is not None and last.who != who and last.expires > moment:
            raise _claimed(last)
        return _append(connection, number, outcome, who, last, moment + timedelta(seconds=seconds))

    return store.retrying(write)


def let_go(store: AuditStore, claim: Claim) -> None:
    """End *claim* before its time; nothing happens when it is no longer the last one."""

    def write(connection: Connection) -> None:
        number = number_of(connection, claim.outcome)
        last = _last(connection, number, claim.outcome)
        if last == claim:
            _append(connection, number, claim.outcome, claim.who, last, datetime.now(UTC))

    store.retrying(write)


def decide(store: AuditStore, claim: Claim, decision: Decision) -> Decided:
    """Record *decision* and the label that it becomes, both or neither, durably.

    A claim that expired still serves while nobody else has claimed the outcome. Raises
    AlreadyClaimed when somebody has, AlreadyDecided, and UnknownOutcome for a wrong attempt.
    """

    def write(connection: Connection) -> Decided:
        number = _held(connection, claim.outcome)
        last = _last(connection, number, claim.outcome)
        if last is None or last.who != claim.who:
            raise _claimed(last) if last else NotHeld(f"nobody claimed {claim.outcome}")
        return _decide(connection, number, last, decision)

    return store.retrying(write)


def decided(store: AuditStore, outcome: str) -> Decided | None:
    """The decision on the outcome of that id, if there is one."""
    query = select(DecisionRow).join(OutcomeRow, OutcomeRow.number == DecisionRow.outcome)
    with store.session() as session:
        row = session.scalars(query.where(OutcomeRow.id == outcome)).one_or_none()
        if row is None:
            return None
        answer = opened(keys_of(session), row.answer, row.sealed, row.digest)
        word = Word(row.decision)
        said = Decision(word, "", answer if word is Word.EDIT else None, None, row.attempt)
        return Decided(outcome, said, row.who, row.recorded, row.label)


def held(store: AuditStore, limit: int = 100, *, now: datetime | None = None) -> list[Held]:
    """The held outcomes without a decision, the oldest first, with the claims on them."""
    moment = now or datetime.now(UTC)
    made = exists().where(DecisionRow.outcome == OutcomeRow.number)
    query = select(OutcomeRow.number, OutcomeRow.id, OutcomeRow.started)
    query = query.where(OutcomeRow.action == Action.HOLD.value, ~made)
    with store.session() as session:
        found = session.execute(query.order_by(OutcomeRow.number).limit(limit)).all()
        lasts = _lasts(session.connection(), {number: id for number, id, _ in found})
    live = {n: c for n, c in lasts.items() if c.expires > moment}
    return [Held(id, started, live.get(number)) for number, id, started in found]


def _decide(connection: Connection, number: int, last: Claim, decision: Decision) -> Decided:
    attempt = decision.attempt if decision.attempt is not None else _best(connection, number)
    bad, spans = decision.word is not Word.APPROVE, decision.spans
    drawn = propensity_of(connection, number)
    said = Label(last.outcome, attempt, bad, last.who, decision.reason, spans, drawn)
    label = append_label(connection, said)
    row: Row = {
        "id": str(uuid.uuid4()),
        "outcome": number,
        "attempt": attempt,
        "claim": last.id,
        "who": last.who,
        "decision": decision.word.value,
        "label": label,
        **secured(decision.answer or "", "answer", keys_of(connection)),
    }
    recorded = append_act(connection, DecisionRow, row, last.outcome)
    return Decided(last.outcome, decision, last.who, recorded, label)


def _held(connection: Connection, outcome: str) -> int:
    # The number of an outcome that waits for a decision.
    number = number_of(connection, outcome)
    action = connection.scalar(select(OutcomeRow.action).where(OutcomeRow.number == number))
    if action != Action.HOLD.value:
        raise NotHeld(f"outcome {outcome} is not held for a person: its action is {action}")
    query = select(DecisionRow.who, DecisionRow.decision).where(DecisionRow.outcome == number)
    if (made := connection.execute(query).one_or_none()) is not None:
        error = AlreadyDecided(f"outcome {outcome} is decided: {made[1]} by {made[0]}")
        error.add_note("a further word on it is a label: trustlayer audit label")
        raise error
    return number


def _best(connection: Connection, number: int) -> int:
    # The attempt whose answer is shown to a person.
    query = select(AttemptRow.number).where(AttemptRow.outcome == number, AttemptRow.kept)
    query = query.where(AttemptRow.answer.is_not(None)).order_by(AttemptRow.number.desc())
    return connection.scalar(query.limit(1)) or 0


def _last(connection: Connection, number: int, outcome: str) -> Claim | None:
    return _lasts(connection, {number: outcome}).get(number)


def _lasts(connection: Connection, ids: dict[int, str]) -> dict[int, Claim]:
    # The claims of the last turn, by the number of their outcome.
    query = select(ClaimRow.outcome, ClaimRow.id, ClaimRow.who, ClaimRow.turn, ClaimRow.expires)
    rows = connection.execute(query.where(ClaimRow.outcome.in_(ids)).order_by(ClaimRow.turn))
    return {n: Claim(id, ids[n], who, turn, expires) for n, id, who, turn, expires in rows}


def _append(
    connection: Connection,
    number: int,
    outcome: str,
    who: str,
    last: Claim | None,
    expires: datetime,
) -> Claim:
    made = Claim(str(uuid.uuid4()), outcome, who, last.turn + 1 if last else 1, expires)
    row: Row = {
        "id": made.id,
        "outcome": number,
        "turn": made.turn,
        "who": who,
        "expires": expires,
    }
    append_act(connection, ClaimRow, row, outcome)
    return made


def _claimed(last: Claim) -> AlreadyClaimed:
    error = AlreadyClaimed(
        f"outcome {last.outcome} is claimed by {last.who} until {last.expires:%H:%M:%S} UTC"
    )
    error.add_note("take another one, or wait")
    return error
