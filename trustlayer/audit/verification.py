"""Whether everything recorded is still as it was recorded.

Every row is hashed again and every chain walked from its beginning. Whoever can write to the
database can also forge a chain from some row to its end; only heads that were kept elsewhere
in time (`heads`, and the *anchors* of `verify`) tell of that, and of a tail that was cut off
together with the note of its length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, exists, select
from sqlalchemy.orm import Session

from trustlayer.audit.digests import (
    CHILDREN,
    Row,
    Rows,
    detector_digest,
    first_head,
    link,
    lookup_digest,
    policy_digest,
    text_digest,
)
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import Base, ChainRow, DetectorRow, PolicyRow

_AT_ONCE = 200  # outcomes whose rows are in memory together; of texts only the digests are


@dataclass(frozen=True, slots=True)
class Flaw:
    """A row that is not as it was recorded: its table, its key, and what is wrong with it."""

    table: str
    row: str
    what: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head that a chain had when it was that long; keep it where no writer can reach it."""

    chain: str
    length: int
    head: bytes


def heads(store: AuditStore) -> list[Anchor]:
    """The present heads of all chains."""
    with store.session() as session:
        return [Anchor(c.id, c.length, c.head) for c in session.scalars(select(ChainRow))]


def verify(store: AuditStore, anchors: Iterable[Anchor] = ()) -> Iterator[Flaw]:
    """Name every row that was changed, removed, inserted or moved, in the order of the chains.

    Reads the store as it was when it began, in memory that does not grow with it.
    """
    kept: dict[str, dict[int, bytes]] = defaultdict(dict)
    for anchor in anchors:
        kept[anchor.chain][anchor.length] = anchor.head
    with store.snapshot() as session:
        registers = _Registers.read(session)
        yield from registers.flaws(session)
        for chain in session.scalars(select(ChainRow).order_by(ChainRow.number)).all():
            yield from _chain_flaws(session, chain, registers, kept.pop(chain.id, {}))
        for gone in kept:
            yield Flaw("chains", gone, "is anchored, and was removed")
        yield from _strays(session)


@dataclass(frozen=True, slots=True)
class _Registers:
    # What outcomes refer to by number.
    policies: Mapping[int, bytes]
    detectors: Mapping[int, bytes]

    @classmethod
    def read(cls, session: Session) -> _Registers:
        policies = session.execute(select(PolicyRow.number, PolicyRow.digest)).all()
        detectors = session.execute(select(DetectorRow.number, DetectorRow.digest)).all()
        return cls(dict(policies), dict(detectors))

    def flaws(self, session: Session) -> Iterator[Flaw]:
        for policy in session.scalars(select(PolicyRow)):
            if policy.digest != policy_digest(policy.policy):
                yield Flaw("policies", str(policy.number), "was changed")
        for found in session.scalars(select(DetectorRow)):
            if found.digest != detector_digest(found.name, found.version, found.options):
                yield Flaw("detectors", str(found.number), "was changed")


def _chain_flaws(
    session: Session, chain: ChainRow, registers: _Registers, anchors: dict[int, bytes]
) -> Iterator[Flaw]:
    length, before = 0, first_head(chain.id, chain.opened)
    for outcome, rows in _outcomes(session, chain, registers):
        place = f"{outcome['id']} ({chain.id}, {outcome['sequence']})"
        if outcome["sequence"] != length + 1:
            yield Flaw("outcomes", place, f"follows {length}: what lay between was removed")
        else:
            yield from _outcome_flaws(chain, before, outcome, rows, place)
        length, before = outcome["sequence"], outcome["hash"]
        if anchors.pop(length, before) != before:
            yield Flaw("outcomes", place, "differs from the anchor")
    if (length, before) != (chain.length, chain.head):
        what = f"ends at {length}, was left at {chain.length} with another outcome at its end"
        yield Flaw("chains", chain.id, what)
    elif not length:
        yield Flaw("chains", chain.id, "is empty: it was inserted")
    if anchors:
        yield Flaw("chains", chain.id, f"ends at {length}, is anchored at {max(anchors)}")


def _outcome_flaws(
    chain: ChainRow, before: bytes, outcome: Row, rows: Rows, place: str
) -> Iterator[Flaw]:
    for table in ("texts", "correlations"):
        for row in rows.children[table]:
            if row["flaw"]:
                yield Flaw(table, f"{place}, number {row['number']}", row["flaw"])
    content = rows.content
    if outcome["content"] != content:
        yield Flaw("outcomes", place, "was changed, it or a row that belongs to it")
    moment = outcome["recorded"]
    if outcome["hash"] != link(chain.id, outcome["sequence"], before, moment, outcome["content"]):
        yield Flaw("outcomes", place, "does not follow from its predecessor")


def _outcomes(
    session: Session, chain: ChainRow, registers: _Registers
) -> Iterator[tuple[Row, Rows]]:
    table = Base.metadata.tables["outcomes"]
    last = 0
    while True:
        query = select(table).where(table.c.chain == chain.number, table.c.sequence > last)
        found = session.execute(query.order_by(table.c.sequence).limit(_AT_ONCE)).mappings().all()
        if not found:
            return
        children = _children(session, [row["number"] for row in found], registers)
        for row in found:
            policy = registers.policies.get(row["policy"], b"")
            yield dict(row), Rows({**row, "policy": policy}, children[row["number"]])
        last = found[-1]["sequence"]


def _children(
    session: Session, outcomes: Sequence[int], registers: _Registers
) -> Mapping[int, dict[str, list[Row]]]:
    # The rows below each of *outcomes*, by table, in the order of their keys.
    found = {number: {table: list[Row]() for table in CHILDREN} for number in outcomes}
    for name in CHILDREN:
        table = Base.metadata.tables[name]
        query = _select(table).where(table.c.outcome.in_(outcomes)).order_by(*table.primary_key)
        for mapping in session.execute(query, execution_options={"yield_per": 100}).mappings():
            row = dict(mapping)
            if name in _FLAWS:
                row = _FLAWS[name](**row)
            if "detector" in row:
                row["detector"] = registers.detectors.get(row["detector"], b"")
            found[row["outcome"]][name].append(row)
    return found


def _select(table: Table) -> Select[*tuple[Any, ...]]:
    if table.name != "correlations":
        return select(table)
    texts = Base.metadata.tables["texts"]
    value = (texts.c.outcome == table.c.outcome) & (texts.c.number == table.c.value)
    return select(table, texts.c.body).outerjoin(texts, value)


def _text(*, digest: bytes, salt: bytes | None, body: str | None, **key: int) -> Row:
    # Its body is not kept: one is in memory at a time.
    flaw = ""
    if (salt is None) != (body is None):
        flaw = "was changed: half of it is erased"
    elif salt is not None and body is not None and digest != text_digest(body, salt):
        flaw = "was changed"
    return {**key, "digest": digest, "flaw": flaw}


def _correlation(
    *, name: str, value: int, lookup: bytes | None, body: str | None, **key: int
) -> Row:
    changed = None not in (lookup, body) and lookup != lookup_digest(name, str(body))
    return {**key, "name": name, "value": value, "flaw": "was changed" if changed else ""}


_FLAWS: Mapping[str, Callable[..., Row]] = {"texts": _text, "correlations": _correlation}


def _strays(session: Session) -> Iterator[Flaw]:
    # Rows that nothing recorded refers to, or that refer to nothing.
    tables = Base.metadata.tables
    outcomes, findings, examiners = tables["outcomes"], tables["findings"], tables["examiners"]
    for name in CHILDREN:
        yield from _without(session, tables[name], "outcome", outcomes.c.number)
    yield from _without(session, outcomes, "chain", tables["chains"].c.number)
    yield from _without(session, tables["policies"], "number", outcomes.c.policy)
    yield from _without(
        session, tables["detectors"], "number", findings.c.detector, examiners.c.detector
    )


def _without(
    session: Session, table: Table, column: str, *others: ColumnElement[Any]
) -> Iterator[Flaw]:
    missing = [~exists().where(other == table.c[column]) for other in others]
    for key in session.execute(select(*table.primary_key).where(*missing)):
        yield Flaw(table.name, ", ".join(map(str, key)), "belongs to nothing: it was inserted")
