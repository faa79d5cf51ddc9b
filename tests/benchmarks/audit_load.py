"""Bulk loading beside bare COPY of the very same bytes, in turns, on PostgreSQL.

    python tests/benchmarks/audit_load.py [--outcomes 1000000] [--turn 20000] [--verify]

`AuditStore.load` makes the rows, their digests and the chain, and copies them. What it sent by
COPY is kept and sent again, by the bare driver, to the same tables beside it: with the same
constraints and triggers, in the same transactions. The server is started here, with fsync on.
The machine's other work moves both figures alike: read the ratio.
"""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.audit.servers import started
from trustlayer import Evidence, Exchange, Finding, Outcome, Policy, Span, Verifier, detector
from trustlayer.audit import AuditStore, drivers, schema
from trustlayer.audit.databases import connect
from trustlayer.audit.digests import Row
from trustlayer.audit.verification import verify

REGISTERS = ("chains", "policies", "detectors")
Sent = tuple[str, str]  # a COPY statement, and the lines that go with it


@detector
def grounded(exchange: Exchange) -> Finding:
    return Finding(0.7, (Evidence("no passage says so", Span(0, 10)),))


@detector
def calm(exchange: Exchange) -> Finding:
    return Finding(0.125)


def outcomes(count: int) -> Iterator[Outcome]:
    """Answers that were examined in bulk: one attempt, two detectors, 700 characters."""
    exchange = Exchange("Where is Lyon?", "Lyon lies in France. " * 8, ("Lyon is a city. " * 30,))
    [one] = Verifier([grounded, calm], policy=Policy()).settle_all([exchange])
    for _ in range(count):
        yield replace(one, id=str(uuid.uuid4()))


@dataclass
class Recorded:
    """What the store sends by COPY, while it is told to keep that."""

    sent: list[Sent] = field(default_factory=list[Sent])

    def lines(self, names: Sequence[str], rows: Sequence[Row]) -> str:
        written = self.original(names, rows)
        self.sent.append((",".join(names), written))
        return written

    @staticmethod
    def original(names: Sequence[str], rows: Sequence[Row]) -> str:
        from trustlayer.audit.copying import lines

        return lines(names, rows)


TABLE_OF: dict[str, str] = {}  # by the columns that the store names


def keep_tables() -> None:
    """Note which table has which columns, when the store first inserts into it."""
    original = drivers.Server._copy

    def noted(self: Any, table: str, rows: Sequence[Row]) -> None:
        TABLE_OF[",".join(rows[0])] = table
        original(self, table, rows)

    drivers.Server._copy = noted  # type: ignore[method-assign]


def copied(driver: Any, sent: Sequence[Sent]) -> None:
    """Send *sent* again: a transaction for each batch, which begins with the outcomes."""
    groups: list[list[Sent]] = []
    for columns, lines in sent:
        first = TABLE_OF[columns] == "outcomes" and (
            not groups or TABLE_OF[groups[-1][-1][0]] != "outcomes"
        )
        if first:
            groups.append([])
        groups[-1].append((columns, lines))
    for group in groups:
        _transaction(driver, group)


def _transaction(driver: Any, sent: Sequence[Sent]) -> None:
    tables = dict.fromkeys(columns for columns, _ in sent)
    for columns in tables:
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {TABLE_OF[columns]} ({columns}) FROM STDIN") as copy,
        ):
            for named, lines in sent:
                if named == columns:
                    copy.write(lines)
    driver.commit()


def registers(source_url: str, target_url: str) -> None:
    """Bring what outcomes refer to into the other database, where it is not there yet."""
    source, target = connect(source_url), connect(target_url)
    with source.connect() as one, target.begin() as other:
        for table in REGISTERS:
            there = {row[0] for row in other.exec_driver_sql(f"SELECT number FROM {table}")}  # noqa: S608
            for row in one.exec_driver_sql(f"SELECT * FROM {table}"):  # noqa: S608
                if row[0] not in there:
                    marks = ", ".join(["%s"] * len(row))
                    other.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", tuple(row))  # noqa: S608
    source.dispose()
    target.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, default=1_000_000)
    parser.add_argument("--turn", type=int, default=20_000, help="outcomes in one turn")
    parser.add_argument("--verify", action="store_true", help="re-hash all of it at the end")
    options = parser.parse_args()
    settings = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
    with started(settings) as server:
        compare(server.database(), server.database(), options)


def compare(url: str, other: str, options: argparse.Namespace) -> None:
    schema.upgrade(other)
    recorded = Recorded()
    vars(drivers)["lines"] = recorded.lines  # what COPY is given is kept
    keep_tables()
    bare = connect(other)
    connection = bare.raw_connection()
    ratios: list[float] = []
    done, loading, copying, size = 0, 0.0, 0.0, 0
    with AuditStore.create(url) as store:
        store.load(outcomes(300))
        while done < options.outcomes:
            recorded.sent.clear()
            made = list(outcomes(min(options.turn, options.outcomes - done)))
            begun = time.perf_counter()
            done += store.load(made).count
            spent = time.perf_counter() - begun
            registers(url, other)
            begun = time.perf_counter()
            copied(connection.driver_connection, recorded.sent)
            spent_bare = time.perf_counter() - begun
            loading, copying = loading + spent, copying + spent_bare
            size += sum(len(lines) for _, lines in recorded.sent)
            ratios.append(spent_bare / spent)
            print(
                f"{done:8d}: load {len(made) / spent:6.0f}/s  COPY {len(made) / spent_bare:6.0f}/s"
            )
        print(
            f"{done} outcomes, {size / 2**20:.0f} MiB: load {done / loading:.0f}/s, bare COPY "
            f"{done / copying:.0f}/s: {copying / loading:.2f} (median {median(ratios):.2f})"
        )
        if options.verify:
            begun = time.perf_counter()
            assert not list(verify(store))
            print(f"all as recorded, verified in {time.perf_counter() - begun:.0f} s")
    connection.close()
    bare.dispose()


if __name__ == "__main__":
    main()
