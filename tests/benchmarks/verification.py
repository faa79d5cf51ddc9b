"""How fast `audit verify` reads, and that its memory does not grow with the database.

    python tests/benchmarks/verification.py [--outcomes 1000000] [--db URL]

Outcomes are loaded and verified when there is a tenth of them, and when all are there, each time
by a process of its own: rows of all tables together a second, by the clock and by the processor's
time, and the most memory that the process took. --db is an empty database, or one that this
has filled before; without it an SQLite file in a temporary folder is used.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import func, select

from trustlayer import Evidence, Exchange, Finding, Outcome, Policy, Span, Verifier, detector
from trustlayer.audit import AuditStore
from trustlayer.audit.digests import CHILDREN, ENTRIES
from trustlayer.audit.tables import Base
from trustlayer.audit.verification import verify

TABLES = ("outcomes", "labels", *CHILDREN, *ENTRIES)


@detector
def loud(exchange: Exchange) -> Finding:
    found = "!" in exchange.answer
    return Finding(0.9 if found else 0.1, (Evidence("loud", Span(0, 9)),) if found else ())


@detector
def calm(exchange: Exchange) -> Finding:
    return Finding(0.125)


def outcomes(count: int) -> Iterator[Outcome]:
    """Outcomes of two attempts each, alike but for their ids."""
    said = iter(["In France! ", "In France. "])
    verifier = Verifier([loud, calm], [lambda _: next(said)], Policy())
    one = verifier.run("Where is Paris?", ["Paris lies in France."], correlation={"user": "7"})
    for _ in range(count):
        yield replace(one, id=str(uuid.uuid4()))


def measure(url: str) -> None:
    """Verify the store at *url* and print what it took."""
    with AuditStore.open(url) as store:
        begun, spent = time.perf_counter(), time.process_time()
        flaws = sum(1 for _ in verify(store))
        begun, spent = time.perf_counter() - begun, time.process_time() - spent
        with store.session() as session:
            tables = [Base.metadata.tables[name] for name in TABLES]
            counts = [session.scalar(select(func.count()).select_from(t)) or 0 for t in tables]
    rows, most = sum(counts), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{counts[0]} outcomes, {rows} rows, {flaws} flaws: {begun:.0f} s, "
        f"{rows / begun:.0f} rows/s ({rows / spent:.0f} by the processor's time), {most:.0f} MiB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, default=1_000_000)
    parser.add_argument("--db", metavar="URL")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        return measure(options.db)
    with tempfile.TemporaryDirectory() as folder:
        url = options.db or f"sqlite:///{folder}/verification.db"
        for count in (options.outcomes // 10, options.outcomes - options.outcomes // 10):
            with AuditStore.create(url) as store:
                begun = time.perf_counter()
                store.load(outcomes(count))
            print(f"loaded {count} in {time.perf_counter() - begun:.0f} s", flush=True)
            subprocess.run([sys.executable, __file__, "--measure", "--db", url], check=True)


if __name__ == "__main__":
    main()
