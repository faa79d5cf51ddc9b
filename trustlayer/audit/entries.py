"""The entries of a chain as they stand in the database, each with what is wrong in itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any

from sqlalchemy import Select, Table, select
from sqlalchemy.orm import Session

from trustlayer.audit.digests import (
    CHILDREN,
    ENTRIES,
    Row,
    Rows,
    certificate_digest,
    entry_content,
    label_content,
    lookup_digest,
    text_digest,
)
from trustlayer.audit.months import NONE, month_of
from trustlayer.audit.sealing import Keys, keys_of
from trustlayer.audit.tables import Base, ChainRow, DetectorRow, PolicyRow
from trustlayer.errors import BrokenSeal, MissingKey

_AT_ONCE = 200  # outcomes whose rows are in memory together; of texts only the digests are
_BESIDE = ("texts", "correlations")  # the tables that hold more than the hashes cover
_BODIES = {"labels": "reason", "decisions": "answer"}  # the columns that can be erased


@dataclass(frozen=True, slots=True)
class Flaw:
    """A row that is not as it was recorded: its table, its key, and what is wrong with it."""

    table: str
    row: str
    what: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An outcome, a label, …: its place in the chain, its hash, and its content as found now."""

    table: str
    id: str
    sequence: int
    recorded: datetime
    content: bytes
    hash: bytes
    flaws: tuple[Flaw, ...]


@dataclass(frozen=True, slots=True)
class Registers:
    """The digests of what outcomes refer to by number."""

    policies: Mapping[int, bytes]
    detectors: Mapping[int, bytes]
    keys: Keys

    @classmethod
    def read(cls, session: Session) -> Registers:
        policies = session.execute(select(PolicyRow.number, PolicyRow.digest)).all()
        detectors = session.execute(select(DetectorRow.number, DetectorRow.digest)).all()
        return cls(dict(policies), dict(detectors), keys_of(session))


def entries(session: Session, chain: ChainRow, registers: Registers) -> Iterator[Entry]:
    """All entries of *chain*, in order, in memory that does not grow with it."""
    outcomes = (
        _outcome(row, rows)
        for found in _pages(session, "outcomes", chain)
        for row, rows in _with_children(session, found, registers)
    )
    others = [_others(session, table, chain, registers.keys) for table in ("labels", *ENTRIES)]
    return merge(outcomes, *others, key=lambda entry: entry.sequence)


def entry_of(session: Session, outcome: str) -> Entry | None:
    """The entry of the outcome of that id; None where there is no such outcome."""
    table = Base.metadata.tables["outcomes"]
    found = session.execute(select(table).where(table.c.id == outcome)).mappings().one_or_none()
    if found is None:
        return None
    [(row, rows)] = _with_children(session, [dict(found)], Registers.read(session))
    return _outcome(row, rows)


def _others(session: Session, table: str, chain: ChainRow, keys: Keys) -> Iterator[Entry]:
    for found in _pages(session, table, chain):
        for row, outcome in _with_outcomes(session, found):
            yield _other(table, row, outcome, keys)


def _outcome(row: Row, rows: Rows) -> Entry:
    flaws = [
        Flaw(table, f"{row['id']}, number {part['number']}", part["flaw"])
        for table in _BESIDE
        for part in rows.children[table]
        if part["flaw"]
    ]
    months = (None, month_of(row["started"]))
    flaws += [
        Flaw("texts", f"{row['id']}, number {text['number']}", "was moved to another month")
        for text in rows.children["texts"]
        if text["month"] not in months
    ]
    return _entry("outcomes", row, rows.content, flaws)


def _other(table: str, row: Row, outcome: str | None, keys: Keys) -> Entry:
    found = {**row, "id": row["digest"].hex()} if table == "certificates" else row
    flaw = ""
    if table in _BODIES:
        flaw = _text_flaw(row["digest"], row["salt"], row[_BODIES[table]], row["sealed"], keys)
    elif table == "certificates" and row["digest"] != certificate_digest(row["certificate"]):
        flaw = "was changed"
    flaws = [Flaw(table, found["id"], flaw)] if flaw else []
    if table == "labels":
        return _entry(table, found, label_content(outcome or "", row), flaws)
    return _entry(table, found, entry_content(table, {**row, "outcome": outcome}), flaws)


def _entry(table: str, row: Row, content: bytes, flaws: list[Flaw]) -> Entry:
    if row["content"] != content:
        flaws.append(Flaw(table, row["id"], "was changed, it or a row that belongs to it"))
    place = (row["id"], row["sequence"], row["recorded"])
    return Entry(table, *place, row["content"], row["hash"], tuple(flaws))


def _pages(session: Session, name: str, chain: ChainRow) -> Iterator[Sequence[Row]]:
    table = Base.metadata.tables[name]
    last = 0
    while True:
        query = select(table).where(table.c.chain == chain.number, table.c.sequence > last)
        found = session.execute(query.order_by(table.c.sequence).limit(_AT_ONCE)).mappings().all()
        if not found:
            return
        yield [dict(row) for row in found]
        last = found[-1]["sequence"]


def _with_outcomes(session: Session, rows: Sequence[Row]) -> Iterator[tuple[Row, str | None]]:
    # The id of the outcome that each speaks of: None for none, empty for one that is not there.
    outcomes = Base.metadata.tables["outcomes"]
    numbers = {row["outcome"] for row in rows if row.get("outcome") is not None}
    query = select(outcomes.c.number, outcomes.c.id).where(outcomes.c.number.in_(numbers))
    ids: dict[int | None, str | None] = dict(session.execute(query).all() if numbers else [])
    ids[None] = None
    return ((row, ids.get(row.get("outcome"), "")) for row in rows)


def _with_children(
    session: Session, outcomes: Sequence[Row], registers: Registers
) -> Iterator[tuple[Row, Rows]]:
    children = _children(session, [row["number"] for row in outcomes], registers)
    for row in outcomes:
        policy = registers.policies.get(row["policy"], b"")
        yield row, Rows(row | {"policy": policy}, children[row["number"]])


def _children(
    session: Session, outcomes: Sequence[int], registers: Registers
) -> Mapping[int, dict[str, list[Row]]]:
    # The rows below each of *outcomes*, by table, in the order of their keys.
    found = {number: {table: list[Row]() for table in CHILDREN} for number in outcomes}
    for name in CHILDREN:
        table = Base.metadata.tables[name]
        query = _select(table).where(table.c.outcome.in_(outcomes)).order_by(*table.primary_key)
        for mapping in session.execute(query, execution_options={"yield_per": 100}).mappings():
            row = dict(mapping)
            if name == "texts":
                row = _text(registers.keys, **row)
            elif name == "correlations":
                row = _correlation(registers.keys, **row)
            if "detector" in row:
                row["detector"] = registers.detectors.get(row["detector"], b"")
            found[row["outcome"]][name].append(row)
    return found


def _select(table: Table) -> Select[*tuple[Any, ...]]:
    if table.name != "correlations":
        return select(table)
    texts = Base.metadata.tables["texts"]
    value = (texts.c.outcome == table.c.outcome) & (texts.c.number == table.c.value)
    beside = (texts.c.body, texts.c.sealed, texts.c.digest)
    return select(table, *beside).outerjoin(texts, value)


def _text(
    keys: Keys,
    *,
    digest: bytes,
    salt: bytes | None,
    body: str | None,
    sealed: bytes | None,
    month: int,
    **key: int,
) -> Row:
    # Its body is not kept: one is in memory at a time.
    flaw = _text_flaw(digest, salt, body, sealed, keys)
    gone = body is None and sealed is None and month == NONE
    return {**key, "digest": digest, "flaw": flaw, "month": None if gone else month}


def _text_flaw(
    digest: bytes, salt: bytes | None, body: str | None, sealed: bytes | None, keys: Keys
) -> str:
    if sealed is not None:
        if (salt, body) != (None, None):
            return "was changed: it is sealed and open"
        try:
            salt, body = keys.open(sealed, digest)
        except BrokenSeal:
            return "was changed"
        except MissingKey as error:
            return f"cannot be examined: {error}"
    if (salt is None) != (body is None):
        return "was changed: half of it is erased"
    if salt is not None and body is not None and digest != text_digest(body, salt):
        return "was changed"
    return ""


def _correlation(
    keys: Keys,
    *,
    name: str,
    value: int,
    lookup: bytes | None,
    body: str | None,
    sealed: bytes | None,
    digest: bytes | None,
    **key: int,
) -> Row:
    if sealed is not None and digest is not None:
        try:
            body = keys.open(sealed, digest)[1]
        except (BrokenSeal, MissingKey):
            body = None  # which its own row tells of
    changed = None not in (lookup, body) and lookup != lookup_digest(name, str(body))
    return {**key, "name": name, "value": value, "flaw": "was changed" if changed else ""}
