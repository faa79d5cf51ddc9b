"""Records written: one transaction, one chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy import Connection, select

from trustlayer.audit.acts import certify
from trustlayer.audit.chains import Chain, insert_one
from trustlayer.audit.copying import PLACE, Packed, cells
from trustlayer.audit.digests import CHILDREN, Row
from trustlayer.audit.drivers import MANY, Server, driven
from trustlayer.audit.records import Record
from trustlayer.audit.repeated import distinct, expect_same
from trustlayer.audit.sealing import keys_of
from trustlayer.audit.summaries import keep_up
from trustlayer.audit.tables import DetectorRow, PolicyRow


@dataclass(frozen=True, slots=True)
class Written:
    """How many outcomes were new, the chain they are on now, and the numbers of registers."""

    count: int = 0
    chain: Chain | None = None
    numbers: Mapping[bytes, int] = field(default_factory=dict[bytes, int])


def write(
    connection: Connection,
    records: Sequence[Record],
    registers: Mapping[bytes, int] = MappingProxyType({}),
    *,
    bulk: bool = False,
) -> Written:
    """Append *records* to a chain that no other writer is at; leaves those already there.

    *registers* are numbers of policies and detectors that are known, by digest.
    Raises OutcomeConflict when something else is recorded under the id of one of them. In
    *bulk* those already there are not compared, and the sums of the reports are left behind.
    """
    by_id = distinct(list(records), keys_of(connection))
    certify(connection, [record.certificate for record in records])
    with driven(connection) as driver:
        opening = driver.open(list(by_id))
        if not bulk:
            expect_same(connection, [by_id[id] for id in opening.known])
        fresh = [record for id, record in by_id.items() if id not in opening.known]
        if not fresh:
            return Written()
        numbers = _registered(connection, fresh, registers)
        chain = opening.chain or Chain.free(connection)
        placed = (fresh, opening.numbers, chain, numbers)
        if isinstance(driver, Server) and (fresh[0].lines or len(fresh) > MANY):
            driver.copy(lines_of(*placed), chain)
        else:
            driver.close(rows_of(*placed), chain)
    if not bulk:
        keep_up(connection, chain.number, chain.length - len(fresh), chain.length)
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


def lines_of(
    records: Sequence[Record],
    outcomes: Sequence[int],
    chain: Chain,
    numbers: Mapping[bytes, int],
) -> dict[str, list[str]]:
    """What `rows_of` gives, as lines for COPY."""
    lines: dict[str, list[str]] = {table: [] for table in ("outcomes", *CHILDREN)}
    for record, outcome in zip(records, outcomes, strict=False):
        found = record.lines or Packed.of(record.rows)
        entry = chain.entry(record.content)
        entry |= {"number": outcome, "policy": numbers[record.policy["digest"]]}
        first = cells([entry[name] for name in PLACE])
        lines["outcomes"].append(f"{first}\t{found.outcome}")
        for table, some in found.children.items():
            lines[table] += [f"{outcome}\t{one}" for one in some]
        for table, named in found.named.items():
            lines[table] += [f"{outcome}\t{numbers[d]}\t{one}" for d, one in named]
    return lines


def _placed(row: Row, outcome: int, detectors: Mapping[bytes, int]) -> Row:
    placed = row | {"outcome": outcome}
    if "detector" in row:
        placed["detector"] = detectors[row["detector"]]
    return placed


def _registered(
    connection: Connection, records: Sequence[Record], numbers: Mapping[bytes, int]
) -> dict[bytes, int]:
    policies = {r.policy["digest"]: r.policy for r in records}
    detectors = {digest: row for r in records for digest, row in r.detectors.items()}
    return _register(connection, PolicyRow, policies, numbers) | _register(
        connection, DetectorRow, detectors, numbers
    )


def _register(
    connection: Connection,
    table: type[PolicyRow | DetectorRow],
    rows: Mapping[bytes, Row],
    numbers: Mapping[bytes, int],
) -> dict[bytes, int]:
    # The numbers of *rows*, by digest, after adding those that are not there yet.
    known = {digest: numbers[digest] for digest in rows if digest in numbers}
    if missing := rows.keys() - known.keys():
        query = select(table.digest, table.number).where(table.digest.in_(missing))
        known |= dict(connection.execute(query).all())
    for digest in sorted(rows.keys() - known.keys()):  # in one order, lest two writers deadlock
        known[digest] = insert_one(connection, table, rows[digest])
    return known
