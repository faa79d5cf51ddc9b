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


def write(connection: Connection, records: Sequence[Record]) -> None:
    """Append *records* to a chain that no other writer is at; leaves those already there.

    Raises OutcomeConflict when something else is recorded under the id of one of them.
    """
    fresh = _fresh(connection, records)
    if not fresh:
        return
    policies = _register(connection, PolicyRow, {r.policy["digest"]: r.policy for r in fresh})
    detectors = _register(
        connection, DetectorRow, {d: row for r in fresh for d, row in r.detectors.items()}
    )
    children: dict[str, list[Row]] = {table: [] for table in CHILDREN}
    chain = Chain.free(connection)
    for record in fresh:
        row = record.rows.outcome | chain.entry(record.content)
        row["policy"] = policies[row["policy"]]
        outcome = insert_one(connection, OutcomeRow, row)
        for table, rows in record.rows.children.items():
            children[table] += [_placed(row, outcome, detectors) for row in rows]
    for table, rows in children.items():
        if rows:
            connection.execute(insert(Base.metadata.tables[table]), rows)
    chain.keep(connection)


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
    with Session(connection) as session:
        for row in _known(session, list(fresh)):
            record = fresh.pop(row.id)
            _expect_same(record, read(session, row) == record.outcome)
    return list(fresh.values())


def _known(session: Session, ids: Sequence[str]) -> Iterator[OutcomeRow]:
    for start in range(0, len(ids), _PARAMETERS):
        some = ids[start : start + _PARAMETERS]
        yield from session.scalars(select(OutcomeRow).where(OutcomeRow.id.in_(some))).all()


def _expect_same(record: Record, same: bool) -> None:
    if not same:
        error = OutcomeConflict(f"another outcome is already recorded as {record.outcome.id}")
        error.add_note("what is recorded stays: give each outcome an id of its own")
        raise error


def _register(
    connection: Connection, table: type[PolicyRow | DetectorRow], rows: Mapping[bytes, Row]
) -> dict[bytes, int]:
    # The numbers of *rows*, by digest, after adding those that are not there yet.
    query = select(table.digest, table.number).where(table.digest.in_(rows))
    known = dict(connection.execute(query).all())
    for digest in sorted(rows.keys() - known.keys()):  # in one order, lest two writers deadlock
        known[digest] = insert_one(connection, table, rows[digest])
    return known
