"""Records written: one transaction, one chain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from trustlayer.audit.chains import Chain, insert_one
from trustlayer.audit.digests import CHILDREN, Row
from trustlayer.audit.reading import read
from trustlayer.audit.records import Record
from trustlayer.audit.tables import Base, DetectorRow, OutcomeRow, PolicyRow
from trustlayer.errors import OutcomeConflict

_PARAMETERS = 10_000  # in one statement; databases have a limit
_REMEMBERED = 10_000  # numbers of policies and detectors; there are few unless one is misused


def append(connection: Connection, records: Sequence[Record]) -> None:
    """Write *records* in a transaction of their own; see `write`."""
    with connection.begin():
        numbers = write(connection, records)
    _numbers(connection).update(numbers)  # not before it is certain that they will stay


def write(connection: Connection, records: Sequence[Record]) -> dict[bytes, int]:
    """Append *records* to a chain that no other writer is at; leaves those already there.

    Returns the numbers of the policies and detectors that they refer to, by digest. Raises
    OutcomeConflict when something else is recorded under the id of one of them.
    """
    fresh = _fresh(connection, records)
    if not fresh:
        return {}
    numbers = _register(connection, PolicyRow, {r.policy["digest"]: r.policy for r in fresh})
    numbers |= _register(
        connection, DetectorRow, {d: row for r in fresh for d, row in r.detectors.items()}
    )
    chain = Chain.free(connection)
    rows = [r.rows.outcome | chain.entry(r.content) for r in fresh]
    outcomes = _insert(connection, [row | {"policy": numbers[row["policy"]]} for row in rows])
    for table in CHILDREN:
        below = [
            _placed(row, outcome, numbers)
            for record, outcome in zip(fresh, outcomes, strict=True)
            for row in record.rows.children[table]
        ]
        if below:
            connection.execute(insert(Base.metadata.tables[table]), below)
    chain.keep(connection)
    return numbers


def _insert(connection: Connection, rows: Sequence[Row]) -> Sequence[int]:
    # Insert rows of outcomes and return their numbers, in order.
    query = insert(OutcomeRow).returning(OutcomeRow.number, sort_by_parameter_order=True)
    return connection.scalars(query, rows).all()


def _placed(row: Row, outcome: int, detectors: Mapping[bytes, int]) -> Row:
    placed = row | {"outcome": outcome}
    if "detector" in row:
        placed["detector"] = detectors[row["detector"]]
    return placed


def _fresh(connection: Connection, records: Sequence[Record]) -> list[Record]:
    # By id, the first of each: whoever records an outcome again meant to be sure, not to
    # have it twice.
    fresh: dict[str, Record] = {}
    for record in records:
        other = fresh.setdefault(record.outcome.id, record)
        _expect_same(record, other.outcome == record.outcome)
    for id in _known(connection, list(fresh)):
        record = fresh.pop(id)
        with Session(connection) as session:
            row = session.scalars(select(OutcomeRow).where(OutcomeRow.id == id)).one()
            _expect_same(record, read(session, row) == record.outcome)
    return list(fresh.values())


def _known(connection: Connection, ids: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(ids), _PARAMETERS):
        some = ids[start : start + _PARAMETERS]
        query = select(OutcomeRow.id).where(OutcomeRow.id.in_(some))
        yield from connection.scalars(query).all()


def _expect_same(record: Record, same: bool) -> None:
    if not same:
        error = OutcomeConflict(f"another outcome is already recorded as {record.outcome.id}")
        error.add_note("what is recorded stays: give each outcome an id of its own")
        raise error


def _register(
    connection: Connection, table: type[PolicyRow | DetectorRow], rows: Mapping[bytes, Row]
) -> dict[bytes, int]:
    # The numbers of *rows*, by digest, after adding those that are not there yet.
    known = {d: number for d, number in _numbers(connection).items() if d in rows}
    if missing := rows.keys() - known.keys():
        query = select(table.digest, table.number).where(table.digest.in_(missing))
        known |= dict(connection.execute(query).all())
    for digest in sorted(rows.keys() - known.keys()):  # in one order, lest two writers deadlock
        known[digest] = insert_one(connection, table, rows[digest])
    return known


def _numbers(connection: Connection) -> dict[bytes, int]:
    # What was read or written before on the same connection, to the same database.
    numbers: dict[bytes, int] = connection.info.setdefault("trustlayer", {})
    if len(numbers) > _REMEMBERED:
        numbers.clear()
    return numbers
