"""What durability costs: the audit store beside the bare driver, in turns.

    python tests/benchmarks/audit_store.py [--outcomes 320] [--rounds 5] [--only sqlite]

The store writes outcomes to one database; then the bare driver inserts the very same rows into
another on the same server, an outcome a transaction, with the same durability, each writer on a
connection of its own. Threads and processes write at once; last, one writer writes one outcome
to each in turns. SQLite lies in a temporary folder; PostgreSQL is started there, with fsync on.
The machine's other work moves both figures alike: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from sqlalchemy import Engine

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.audit.servers import started
from trustlayer import Evidence, Exchange, Finding, Outcome, Policy, Span, Verifier, detector
from trustlayer.audit import AuditStore, schema
from trustlayer.audit.databases import connect
from trustlayer.audit.digests import CHILDREN
from trustlayer.audit.verification import verify

TABLES = ("outcomes", *CHILDREN)
REGISTERS = ("chains", "policies", "detectors")
Rows = dict[str, list[tuple[Any, ...]]]
Write = Callable[[Any], object]
FORK = multiprocessing.get_context("fork")


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
    """Inserts rows by the driver alone, on as many connections as there are writers."""

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

    def connect(self, writers: int) -> None:
        self.idle += [self._connection() for _ in range(writers - len(self.idle))]

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


def by_threads(write: Write, items: Sequence[Any], writers: int) -> tuple[list[float], float]:
    """How long each of *items* took, and how long all of them did."""
    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(lambda _: time.sleep(0.01), range(writers)))
        begun = time.perf_counter()
        each = list(pool.map(lambda item: _timed(write, item), items))
        return each, time.perf_counter() - begun


def by_processes(
    opened: Callable[[], Write], items: Sequence[Any], writers: int
) -> tuple[list[float], float]:
    """The same by processes, each with a connection of its own, which it has used once."""
    parts = [items[n::writers] for n in range(writers)]
    ready, told = FORK.Barrier(writers + 1), FORK.SimpleQueue()

    def work(part: Sequence[Any]) -> None:
        write = opened()
        write(part[0])
        ready.wait()
        told.put([_timed(write, item) for item in part[1:]])

    processes = [FORK.Process(target=work, args=[part], daemon=True) for part in parts]
    for process in processes:
        process.start()
    ready.wait(120)
    begun = time.perf_counter()
    each = [seconds for _ in processes for seconds in told.get()]
    whole = time.perf_counter() - begun
    for process in processes:
        process.join()
    return each, whole


def _timed(write: Write, item: Any) -> float:
    begun = time.perf_counter()
    write(item)
    return time.perf_counter() - begun


@dataclass
class Pair:
    """A store, and the same tables beside it for the bare driver."""

    urls: Sequence[str]
    name: str

    def compare(self, writers: int, kind: str, count: int, rounds: int) -> None:
        """Print outcomes a second of both, in turns, and the median of the ratios."""
        ratios: list[float] = []
        tails: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            made = outcomes(count)
            each, whole = self._store(made, writers, kind)
            engine = connect(self.urls[0])
            rows = rows_of(engine, made)
            engine.dispose()
            self._chains()
            each_bare, whole_bare = self._bare(rows, writers, kind)
            tails[0].extend(each)
            tails[1].extend(each_bare)
            rate, rate_bare = len(each) / whole, len(each_bare) / whole_bare
            ratios.append(rate / rate_bare)
            print(f"{self.name}, {writers} {kind}: store {rate:6.0f}/s  bare {rate_bare:6.0f}/s")
        told = f"store / bare {median(ratios):.2f} (least {min(ratios):.2f})"
        print(f"{self.name}, {writers} {kind}: {told}, p99 {_p99(*tails)}", flush=True)

    def in_turns(self, count: int) -> None:
        """Print how long one outcome takes, one writer writing to both in turns."""
        with AuditStore.open(self.urls[0]) as store:
            made = outcomes(2 * count)
            store.record(*made[:count])
            bare = Bare(connect(self.urls[1]))
            source = connect(self.urls[0])
            rows = rows_of(source, made[:count])
            pairs = [
                (_timed(store.record, outcome), _timed(bare.insert, row))
                for outcome, row in zip(made[count:], rows, strict=True)
            ]
            bare.close()
            source.dispose()
        each, each_bare = (list(seconds) for seconds in zip(*pairs, strict=True))
        middle = f"median {median(each) * 1000:.2f} ms, bare {median(each_bare) * 1000:.2f} ms"
        print(f"{self.name}, one outcome in turns: {middle}; p99 {_p99(each, each_bare)}")

    def verified(self) -> None:
        with AuditStore.open(self.urls[0]) as store:
            begun = time.perf_counter()
            assert not list(verify(store))
            spent = time.perf_counter() - begun
            count = _count(store)
        print(f"{self.name}: all {count} rows are as recorded, verified at {count / spent:.0f}/s")

    def ready(self) -> None:
        """Make both databases, and in the second all that outcomes refer to."""
        with AuditStore.create(self.urls[0]) as store:
            store.record(*outcomes(1))
        schema.upgrade(self.urls[1])
        engine, source = connect(self.urls[1]), connect(self.urls[0])
        bare = Bare(engine)
        with source.connect() as connection:
            bare.insert(
                {t: _plain(connection.exec_driver_sql(f"SELECT * FROM {t}")) for t in REGISTERS}  # noqa: S608
            )
        bare.close()

    def _chains(self) -> None:
        # Processes that write at once have a chain each, and rows refer to it.
        source, target = connect(self.urls[0]), connect(self.urls[1])
        with source.connect() as one, target.connect() as other:
            there = {number for [number] in other.exec_driver_sql("SELECT number FROM chains")}
            found = _plain(one.exec_driver_sql("SELECT * FROM chains"))
        bare = Bare(target)
        bare.insert({"chains": [row for row in found if row[0] not in there]})
        bare.close()
        source.dispose()
        target.dispose()

    def _store(self, made: Sequence[Outcome], writers: int, kind: str) -> tuple[list[float], float]:
        if kind == "processes":
            return by_processes(lambda: AuditStore.open(self.urls[0]).record, made, writers)
        with AuditStore.open(self.urls[0]) as store:
            store.record(*outcomes(1))
            return by_threads(store.record, made, writers)

    def _bare(self, rows: Sequence[Rows], writers: int, kind: str) -> tuple[list[float], float]:
        if kind == "processes":
            return by_processes(lambda: Bare(connect(self.urls[1])).insert, rows, writers)
        bare = Bare(connect(self.urls[1]))
        bare.connect(writers)
        found = by_threads(bare.insert, rows, writers)
        bare.close()
        return found


def _count(store: AuditStore) -> int:
    with store.session() as session:
        connection = session.connection()
        return sum(
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
            for table in TABLES
        )


def _p99(own: Sequence[float], bare: Sequence[float]) -> str:
    one, other = (quantiles(seconds, n=100)[98] * 1000 for seconds in (own, bare))
    return f"{one:.1f} ms, bare {other:.1f} ms: {one / other:.2f} times"


@contextmanager
def databases(only: str | None) -> Generator[list[Pair]]:
    """Two databases of each kind."""
    pairs: list[Pair] = []
    settings = {"max_connections": "60", "shared_buffers": "256MB", "max_wal_size": "4GB"}
    with tempfile.TemporaryDirectory() as folder:
        if only != "postgresql":
            urls = [f"sqlite:///{folder}/{name}.db" for name in ("store", "bare")]
            pairs.append(Pair(urls, "SQLite"))
        if only == "sqlite":
            yield pairs
            return
        with started(settings) as server:
            yield [*pairs, Pair([server.database(), server.database()], "PostgreSQL")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    with databases(options.only) as pairs:
        for pair in pairs:
            pair.ready()
            lite = pair.name == "SQLite"
            writers = [(8, "threads")] if lite else [(16, "threads"), (16, "processes")]
            for count, kind in writers:
                pair.compare(count, kind, options.outcomes, options.rounds)
            pair.in_turns(options.outcomes)
            pair.verified()


if __name__ == "__main__":
    main()
