"""Records written: one transaction, one chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from trustlayer.audit.acts import certify
from trustlayer.audit.chains import Chain, insert_one
from trustlayer.audit.digests import CHILDREN, Row
from trustlayer.audit.drivers import driven
from trustlayer.audit.reading import read
from trustlayer.audit.records import Record
from trustlayer.audit.tables import DetectorRow, OutcomeRow, PolicyRow
from trustlayer.errors import OutcomeConflict

_REMEMBERED = 10_000  # numbers of policies and detectors; there are few unless one is misused


@dataclass(frozen=True, slots=True)
class Written:
    """How many outcomes were new, the chain they are on now, and the numbers of registers."""

    count: int = 0
    chain: Chain | None = None
    numbers: Mapping[bytes, int] = field(default_factory=dict[bytes, int])


def append(connection: Connection, records: Sequence[Record]) -> None:
    """Write *records* in a transaction of their own; see `write`."""
    with connection.begin():
        written = write(connection, records)
    _numbers(connection).update(written.numbers)  # not before it is certain that they will stay


def write(connection: Connection, records: Sequence[Record], *, compare: bool = True) -> Written:
    """Append *records* to a chain that no other writer is at; leaves those already there.

    Raises OutcomeConflict when something else is recorded under the id of one of them, unless
    told not to *compare* them.
    """
    distinct = _distinct(records)
    certify(connection, [record.outcome for record in records])
    with driven(connection) as driver:
        opening = driver.open(list(distinct))
        if compare:
            _compare(connection, [distinct[id] for id in opening.known])
        fresh = [record for id, record in distinct.items() if id not in opening.known]
        if not fresh:
            return Written()
        numbers = _registered(connection, fresh)
        chain = opening.chain or Chain.free(connection)
        driver.close(rows_of(fresh, opening.numbers, chain, numbers), chain)
    return Written(len(fresh), chain, numbers)


def rows_of(
    records: Sequence[Record],
    outcomes: Sequence[int],
    chain: Chain,
    numbers: Mapping[bytes, int],
) -> dict[str, list[Row]]:
    """The rows of *records* by table, appended to *chain*, their *outcomes* so numbered."""
    rows: dict[str, list[Row]] = {table: [] for table in ("outcomes", *CHILDREN)}
    for record, outcome in zip(records, outcomes, strict=False):  # more numbers may be drawn
        own = {"number": outcome, "policy": numbers[record.policy["digest"]]}
        rows["outcomes"].append(record.rows.outcome | chain.entry(record.content) | own)
        for table in CHILDREN:
            rows[table] += [_placed(r, outcome, numbers) for r in record.rows.children[table]]
    return rows


def _placed(row: Row, outcome: int, detectors: Mapping[bytes, int]) -> Row:
    placed = row | {"outcome": outcome}
    if "detector" in row:
        placed["detector"] = detectors[row["detector"]]
    return placed


def _distinct(records: Sequence[Record]) -> dict[str, Record]:
    # By id, the first of each: whoever records an outcome again meant to be sure, not to
    # have it twice.
    distinct: dict[str, Record] = {}
    for record in records:
        other = distinct.setdefault(record.outcome.id, record)
        _expect_same(record, other.outcome == record.outcome)
    return distinct


def _compare(connection: Connection, records: Sequence[Record]) -> None:
    with Session(connection) as session:
        for record in records:
            query = select(OutcomeRow).where(OutcomeRow.id == record.outcome.id)
            _expect_same(record, read(session, session.scalars(query).one()) == record.outcome)


def _expect_same(record: Record, same: bool) -> None:
    if not same:
        error = OutcomeConflict(f"another outcome is already recorded as {record.outcome.id}")
        error.add_note("what is recorded stays: give each outcome an id of its own")
        raise error


def _registered(connection: Connection, records: Sequence[Record]) -> dict[bytes, int]:
    numbers = _register(connection, PolicyRow, {r.policy["digest"]: r.policy for r in records})
    return numbers | _register(
        connection, DetectorRow, {d: row for r in records for d, row in r.detectors.items()}
    )


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
