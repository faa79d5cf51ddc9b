"""Records written: one transaction, one chain."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.orm import Session

from trustlayer.audit.digests import CHILDREN, Row, first_head, link
from trustlayer.audit.reading import read
from trustlayer.audit.records import Record
from trustlayer.audit.tables import Base, ChainRow, DetectorRow, OutcomeRow, PolicyRow
from trustlayer.errors import OutcomeConflict

_PARAMETERS = 10_000  # in one statement; databases have a limit


@dataclass(frozen=True, slots=True)
class _Chain:
    number: int
    id: str
    length: int
    head: bytes


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
    chain = _free_chain(connection)
    for record in fresh:
        chain, row = _linked(chain, record)
        row["policy"] = policies[row["policy"]]
        outcome = _insert_one(connection, OutcomeRow, row)
        for table, rows in record.rows.children.items():
            children[table] += [_placed(row, outcome, detectors) for row in rows]
    for table, rows in children.items():
        if rows:
            connection.execute(insert(Base.metadata.tables[table]), rows)
    grown = {"length": chain.length, "head": chain.head}
    connection.execute(update(ChainRow).where(ChainRow.number == chain.number).values(grown))


def _linked(chain: _Chain, record: Record) -> tuple[_Chain, Row]:
    # The chain with *record* at its end, and the row of its outcome.
    recorded = datetime.now(UTC)
    length = chain.length + 1
    head = link(chain.id, length, chain.head, recorded, record.content)
    row = record.rows.outcome | {
        "recorded": recorded,
        "chain": chain.number,
        "sequence": length,
        "content": record.content,
        "hash": head,
    }
    return replace(chain, length=length, head=head), row


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


def _free_chain(connection: Connection) -> _Chain:
    # SQLite has one writer at a time, and so one chain. On PostgreSQL each writer locks a chain
    # that nobody else has, and makes one when there is none: as many as ever wrote at once.
    query = select(ChainRow.number, ChainRow.id, ChainRow.length, ChainRow.head)
    query = query.order_by(ChainRow.number).limit(1).with_for_update(skip_locked=True)
    if (found := connection.execute(query).one_or_none()) is not None:
        return _Chain(*found)
    name, opened = str(uuid.uuid4()), datetime.now(UTC)
    head = first_head(name, opened)
    row: Row = {"id": name, "opened": opened, "length": 0, "head": head}
    return _Chain(_insert_one(connection, ChainRow, row), name, 0, head)


def _register(
    connection: Connection, table: type[PolicyRow | DetectorRow], rows: Mapping[bytes, Row]
) -> dict[bytes, int]:
    # The numbers of *rows*, by digest, after adding those that are not there yet.
    query = select(table.digest, table.number).where(table.digest.in_(rows))
    known = dict(connection.execute(query).all())
    for digest in sorted(rows.keys() - known.keys()):  # in one order, lest two writers deadlock
        known[digest] = _insert_one(connection, table, rows[digest])
    return known


def _insert_one(connection: Connection, table: type[Base], row: Row) -> int:
    key = connection.execute(insert(table).values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])
