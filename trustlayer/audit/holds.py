"""Legal holds: outcomes whose texts may not be erased, until the hold is released."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, false, or_, select
from sqlalchemy.orm import Session

from trustlayer.audit.acts import append_act, number_of
from trustlayer.audit.digests import Row
from trustlayer.audit.entry_tables import HoldRow, ReleaseRow
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import CorrelationRow, OutcomeRow
from trustlayer.errors import UnknownHold

_DIGEST = 32  # bytes of a digest; a hold keeps one for each form that a value may be kept in


@dataclass(frozen=True, slots=True)
class Hold:
    """What is held, by whom, since when, and why; *released* is when that ended, if it did.

    It holds one *outcome*, or all outcomes whose correlation id of the *name* has a value that
    only those who set it know: the store keeps a digest of it.
    """

    id: str
    outcome: str | None
    name: str | None
    who: str
    reason: str
    since: datetime
    released: datetime | None = None
    released_by: str | None = None


def hold_outcome(store: AuditStore, outcome: str, who: str, reason: str) -> Hold:
    """Hold the outcome of that id, durably; raises UnknownOutcome."""

    def write(connection: Connection) -> Hold:
        number = number_of(connection, outcome)
        return _hold(
            connection, {"outcome": number, "name": None, "lookup": None}, who, reason, outcome
        )

    return store.retrying(write)


def hold_subject(store: AuditStore, name: str, value: str, who: str, reason: str) -> Hold:
    """Hold all outcomes with that correlation id, also those yet to come, durably.

    Raises MissingKey where ids are kept as HMAC, and the store was opened without the key.
    """
    lookup = b"".join(store.lookups(name, value))
    key: Row = {"outcome": None, "name": name, "lookup": lookup}
    return store.retrying(lambda connection: _hold(connection, key, who, reason, None))


def release(store: AuditStore, hold: str, who: str, reason: str) -> Hold:
    """End the hold of that id; raises UnknownHold for one that is not in force."""

    def write(connection: Connection) -> None:
        known = select(HoldRow.id).where(HoldRow.id == hold, _in_force())
        if connection.scalar(known) is None:
            error = UnknownHold(f"no hold {hold!r} is in force")
            error.add_note("see which are: trustlayer audit holds")
            raise error
        row: Row = {"id": str(uuid.uuid4()), "hold": hold, "who": who, "reason": reason}
        append_act(connection, ReleaseRow, row, None)

    store.retrying(write)
    return next(found for found in holds(store) if found.id == hold)


def holds(store: AuditStore) -> list[Hold]:
    """All holds that ever were, the first first."""
    query = (
        select(HoldRow, OutcomeRow.id, ReleaseRow)
        .outerjoin(OutcomeRow, OutcomeRow.number == HoldRow.outcome)
        .outerjoin(ReleaseRow, ReleaseRow.hold == HoldRow.id)
        .order_by(HoldRow.recorded, HoldRow.sequence)
    )
    with store.session() as session:
        return [_read(row, id, end) for row, id, end in session.execute(query)]


def held(connection: Connection) -> ColumnElement[bool]:
    """Whether a row of outcomes is under a hold that is in force now."""
    return or_(false(), *(condition for _, condition in _conditions(connection)))


def held_back(session: Session, condition: ColumnElement[bool]) -> Iterator[tuple[str, str]]:
    """The ids of the outcomes of *condition* that are held, each with why, by hold."""
    for hold, own in _conditions(session.connection()):
        query = select(OutcomeRow.id).where(condition, own).order_by(OutcomeRow.number)
        for outcome in session.scalars(query):
            yield outcome, f"hold {hold.id}: {hold.reason}"


def _in_force() -> ColumnElement[bool]:
    return ~exists().where(ReleaseRow.hold == HoldRow.id)


def _conditions(connection: Connection) -> list[tuple[HoldRow, ColumnElement[bool]]]:
    # The holds in force, few as they are, each with what it is on.
    with Session(connection) as session:
        rows = session.scalars(select(HoldRow).where(_in_force()).order_by(HoldRow.recorded)).all()
    return [(row, _condition(row)) for row in rows]


def _condition(row: HoldRow) -> ColumnElement[bool]:
    if row.outcome is not None:
        return OutcomeRow.number == row.outcome
    found = row.lookup or b""
    lookups = [found[start : start + _DIGEST] for start in range(0, len(found), _DIGEST)]
    own = select(CorrelationRow.outcome).where(
        CorrelationRow.name == row.name, CorrelationRow.lookup.in_(lookups)
    )
    return OutcomeRow.number.in_(own)


def _hold(connection: Connection, key: Row, who: str, reason: str, outcome: str | None) -> Hold:
    row = key | {"id": str(uuid.uuid4()), "who": who, "reason": reason}
    since = append_act(connection, HoldRow, row, outcome)
    return Hold(row["id"], outcome, key["name"], who, reason, since)


def _read(row: HoldRow, outcome: str | None, end: ReleaseRow | None) -> Hold:
    ended = (end.recorded, end.who) if end is not None else (None, None)
    return Hold(row.id, outcome, row.name, row.who, row.reason, row.recorded, *ended)
