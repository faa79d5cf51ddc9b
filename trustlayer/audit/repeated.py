"""Whether an outcome that is recorded again is the one that is recorded already.

Its content tells at once when it is the same record, as one from the spool may be. Otherwise
its salts differ, and it has to be read.
"""

from __future__ import annotations

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from trustlayer.audit.reading import opened, read, texts_of
from trustlayer.audit.records import Record
from trustlayer.audit.sealing import Keys, keys_of
from trustlayer.audit.tables import OutcomeRow
from trustlayer.errors import OutcomeConflict

_SAID = ("started", "seconds", "action", "prompt", "context", "answer", "interrupted")


def distinct(records: list[Record], keys: Keys) -> dict[str, Record]:
    """By id the first of each; raises OutcomeConflict when another of them says otherwise."""
    first: dict[str, Record] = {}
    for record in records:
        other = first.setdefault(record.id, record)
        if other is not record and not _alike(record, other, keys):
            raise _conflict(record)
    return first


def expect_same(connection: Connection, records: list[Record]) -> None:
    """Raise OutcomeConflict unless *records*, by id, are what is recorded."""
    with Session(connection) as session:
        for record in records:
            query = select(OutcomeRow).where(OutcomeRow.id == record.id)
            if not _recorded(session, session.scalars(query).one(), record):
                raise _conflict(record)


def _alike(one: Record, other: Record, keys: Keys) -> bool:
    if one.content == other.content:
        return True
    if one.outcome is not None and other.outcome is not None:
        return one.outcome == other.outcome
    return _said(one) == _said(other) and _texts(one, keys) == _texts(other, keys)


def _recorded(session: Session, row: OutcomeRow, record: Record) -> bool:
    if row.content == record.content:
        return True
    if record.outcome is not None:
        return read(session, row) == record.outcome
    said = [getattr(row, name) for name in _SAID]
    return said == _said(record) and texts_of(session, row.number) == _texts(
        record, keys_of(session)
    )


def _said(record: Record) -> list[object]:
    return [record.rows.outcome[name] for name in _SAID]


def _texts(record: Record, keys: Keys) -> dict[int, str]:
    rows = record.rows.children["texts"]
    return {r["number"]: opened(keys, r["body"], r.get("sealed"), r["digest"]) for r in rows}


def _conflict(record: Record) -> OutcomeConflict:
    error = OutcomeConflict(f"another outcome is already recorded as {record.id}")
    error.add_note("what is recorded stays: give each outcome an id of its own")
    return error
