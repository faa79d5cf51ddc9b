"""What durability costs: the audit store beside the bare driver, in turns.

    python tests/benchmarks/audit_store.py [--outcomes 200] [--threads 8] [--db URL URL]

The store writes outcomes to one database; then the bare driver inserts the very same rows into
another, an outcome a transaction, with the same durability, each thread on a connection of its
own. The machine's other work moves both figures alike: read the ratios. The two databases of
--db are empty ones; without it they are two SQLite files in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from statistics import median, quantiles
from typing import Any

from sqlalchemy import Engine

from trustlayer import Evidence, Exchange, Finding, Outcome, Policy, Span, Verifier, detector
from trustlayer.audit import AuditStore, schema
from trustlayer.audit.databases import connect
from trustlayer.audit.digests import CHILDREN
from trustlayer.audit.verification import verify

TABLES = ("outcomes", *CHILDREN)
REGISTERS = ("chains", "policies", "detectors")
Rows = dict[str, list[tuple[Any, ...]]]


@detector
def loud(exchange: Exchange) -> Finding:
    found = "!" in exchange.answer
    return Finding(0.9 if found else 0.1, (Evidence("loud", Span(0, 9)), Evidence("rude")))


@detector
def calm(exchange: Exchange) -> Finding:
    return Finding(0.125)


def outcomes(count: int) -> list[Outcome]:
    """Outcomes of two attempts each, with two kilobytes of passages."""
    said = iter(["In France! " * 30, "In France. " * 30])
    verifier = Verifier([loud, calm], [lambda _: next(said)], Policy())
    passages = ["Paris lies in France. " * 40, "Lyon lies there as well. " * 40]
    one = verifier.run("Where is Paris?", passages, correlation={"user": "7"})
    return [replace(one, id=str(uuid.uuid4())) for _ in range(count)]


@dataclass
class Bare:
    """Inserts rows by the driver alone, on as many connections as there are threads."""

    engine: Engine
    idle: list[Any] = field(default_factory=list[Any])

    def insert(self, rows: Rows) -> None:
        driver = self.idle.pop() if self.idle else self._connection()
        cursor = driver.cursor()
        lite = self.engine.dialect.name == "sqlite"
        if lite:
            cursor.execute("BEGIN IMMEDIATE")
        for table, values in rows.items():
            if values:
                mark = ", ".join(["?" if lite else "%s"] * len(values[0]))
                cursor.executemany(f"INSERT INTO {table} VALUES ({mark})", values)  # noqa: S608
        driver.commit()
        self.idle.append(driver)

    def close(self) -> None:
        for driver in self.idle:
            driver.close()

    def _connection(self) -> Any:
        kept = self.engine.raw_connection()
        driver = kept.driver_connection
        kept.detach()
        return driver


def rows_of(engine: Engine, made: Sequence[Outcome]) -> list[Rows]:
    """The rows that the store wrote of *made*, as the driver gives and takes them."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT id, number FROM outcomes").all()
        numbers: dict[str, int] = dict(found)
        return [_rows(connection, numbers[outcome.id]) for outcome in made]


def _rows(connection: Any, number: int) -> Rows:
    keys = {table: "number" if table == "outcomes" else "outcome" for table in TABLES}
    return {
        table: _plain(
            connection.exec_driver_sql(f"SELECT * FROM {table} WHERE {key} = {number}")  # noqa: S608
        )
        for table, key in keys.items()
    }


def _plain(rows: Iterable[Any]) -> list[tuple[Any, ...]]:
    return [tuple(json.dumps(v) if isinstance(v, list) else v for v in row) for row in rows]


def seconds(write: Callable[[Any], object], items: Sequence[Any], threads: int) -> list[float]:
    """How long each of *items* took, and last how long all of them did."""

    def one(item: Any) -> float:
        begun = time.perf_counter()
        write(item)
        return time.perf_counter() - begun

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: time.sleep(0.01), range(threads)))
        begun = time.perf_counter()
        each = list(pool.map(one, items))
        return [*each, time.perf_counter() - begun]


def compare(store: AuditStore, bare: Bare, count: int, threads: int, rounds: int) -> None:
    """Print outcomes a second and the 99th percentile of one, of both, in turns."""
    source = connect(store.url)
    ratios: list[float] = []
    tails: dict[str, list[float]] = {"store": [], "bare": []}
    for _ in range(rounds):
        made = outcomes(count)
        *each, whole = seconds(store.record, made, threads)
        rows = rows_of(source, made)
        *each_bare, whole_bare = seconds(bare.insert, rows, threads)
        tails["store"] += each
        tails["bare"] += each_bare
        ratios.append(whole_bare / whole)
        print(f"{threads} threads: store {count / whole:7.0f}/s   bare {count / whole_bare:7.0f}/s")
    store_p99, bare_p99 = (quantiles(tails[who], n=100)[98] * 1000 for who in ("store", "bare"))
    print(f"{threads} threads: store / bare {median(ratios):.2f} (least {min(ratios):.2f})")
    print(f"{threads} threads: p99 of one outcome {store_p99:.1f} ms, bare {bare_p99:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, default=200)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--db", nargs=2, metavar="URL")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        urls = options.db or [f"sqlite:///{folder}/{name}.db" for name in ("store", "bare")]
        with AuditStore.create(urls[0]) as store:
            store.record(*outcomes(1))
            bare = ready(urls[1], store)
            for threads in sorted({1, options.threads}):
                compare(store, bare, options.outcomes, threads, options.rounds)
            bare.close()
            begun = time.perf_counter()
            assert not list(verify(store))
            with store.session() as session:
                counts = [session.connection().exec_driver_sql(f"SELECT count(*) FROM {t}").scalar()  # noqa: S608
                          for t in TABLES]  # fmt: skip
            spent = time.perf_counter() - begun
            print(f"verified {sum(counts)} rows at {sum(counts) / spent:.0f}/s")  # type: ignore[arg-type]


def ready(url: str, store: AuditStore) -> Bare:
    """The other database, with all that outcomes refer to."""
    schema.upgrade(url)
    engine, source = connect(url), connect(store.url)
    bare = Bare(engine)
    with source.connect() as connection:
        bare.insert(
            {t: _plain(connection.exec_driver_sql(f"SELECT * FROM {t}")) for t in REGISTERS}  # noqa: S608
        )
    return bare


if __name__ == "__main__":
    main()
