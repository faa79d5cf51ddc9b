"""Bulk loading beside bare COPY of the very same bytes, in turns, on PostgreSQL.

    python tests/benchmarks/audit_load.py [--outcomes 1000000] [--turn 50000] [--verify]

`AuditStore.load` makes the rows, their digests and the chain, and copies them. What it sent by
COPY is kept and sent again, by the bare driver, to the same tables beside it: with the same
constraints and triggers, in the same transactions. The server is started here, with fsync on.
The machine's other work moves both figures alike: read the ratio.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.audit.servers import started
from trustlayer import Evidence, Exchange, Finding, Outcome, Policy, Span, Verifier, detector
from trustlayer.audit import AuditStore, drivers, schema
from trustlayer.audit.copying import columns
from trustlayer.audit.databases import connect
from trustlayer.audit.summaries import summarise
from trustlayer.audit.verification import verify

REGISTERS = ("chains", "policies", "detectors")
Sent = tuple[str, bytes]  # a table, and the lines that went to it


@detector
def grounded(exchange: Exchange) -> Finding:
    return Finding(0.7, (Evidence("no passage says so", Span(0, 10)),))


@detector
def calm(exchange: Exchange) -> Finding:
    return Finding(0.125)


def outcomes(count: int) -> Iterator[Outcome]:
    """Answers that were examined in bulk: one attempt, two detectors, 700 characters.

    Each has texts, a time and risks of its own.
    """
    exchange = Exchange("Where is Lyon?", "Lyon lies in France. " * 8, ("Lyon is a city. " * 30,))
    [one] = Verifier([grounded, calm], policy=Policy()).settle_all([exchange])
    for number in range(count):
        yield varied(one, number)


def varied(one: Outcome, number: int) -> Outcome:
    """Another outcome that says the like of *one*."""
    [attempt] = one.attempts
    verdict = attempt.verdict
    assert verdict is not None
    mark = f"{number:06d} "
    said = Exchange(
        mark + verdict.exchange.prompt,
        mark + verdict.exchange.answer,
        tuple(mark + passage for passage in verdict.exchange.context),
    )
    findings = {
        name: replace(found, risk=found.risk + (number % 1000) / 10_000)
        for name, found in verdict.findings.items()
    }
    attempt = replace(
        attempt,
        request=replace(attempt.request, prompt=said.prompt, context=said.context),
        verdict=replace(verdict, exchange=said, findings=findings),
        seconds_examining=dict.fromkeys(findings, 0.001 + number % 997 / 1e5),
    )
    started = one.started + timedelta(milliseconds=number)
    said_of = replace(one, prompt=said.prompt, context=said.context, attempts=(attempt,))
    return replace(said_of, id=str(uuid.uuid4()), started=started)


@dataclass
class Recorded:
    """What the store sends by COPY, while it is told to keep that."""

    sent: list[Sent] = field(default_factory=list[Sent])

    def begin(self) -> None:
        """Keep what the store sends from now on."""
        original = drivers.Server._copy

        def noted(server: Any, table: str, lines: Sequence[str]) -> None:
            self.sent.append((table, "".join(lines).encode()))
            original(server, table, lines)

        drivers.Server._copy = noted  # type: ignore[method-assign, assignment]


def copied(driver: Any, sent: Sequence[Sent]) -> None:
    """Send *sent* again: a transaction for each batch, which begins with the outcomes."""
    for position, (table, lines) in enumerate(sent):
        if table == "outcomes" and position:
            driver.commit()
        statement = f"COPY {table} ({', '.join(columns(table))}) FROM STDIN"
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
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
    parser.add_argument("--turn", type=int, default=50_000, help="outcomes in one turn")
    parser.add_argument("--sums", action="store_true", help="with the sums for reports")
    parser.add_argument("--verify", action="store_true", help="re-hash all of it at the end")
    options = parser.parse_args()
    settings = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
    with started(settings) as server:
        compare(server.database(), server.database(), options)


def compare(url: str, other: str, options: argparse.Namespace) -> None:
    schema.upgrade(other)
    recorded = Recorded()
    recorded.begin()
    bare = connect(other)
    connection = bare.raw_connection()
    ratios: list[float] = []
    done, loading, copying, size = 0, 0.0, 0.0, 0
    with AuditStore.create(url) as store:
        store.load(outcomes(300))
        while done < options.outcomes:
            recorded.sent.clear()
            made = list(outcomes(min(options.turn, options.outcomes - done)))
            gc.freeze()  # the collector does not walk what a load would read one by one
            begun = time.perf_counter()
            done += store.load(made, sums=options.sums).count
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
        begun = time.perf_counter()
        summarise(store)
        print(f"sums for reports, where left: {time.perf_counter() - begun:.0f} s")
        if options.verify:
            begun = time.perf_counter()
            assert not list(verify(store))
            print(f"all as recorded, verified in {time.perf_counter() - begun:.0f} s")
    connection.close()
    bare.dispose()


if __name__ == "__main__":
    main()
