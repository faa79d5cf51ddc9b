"""Writers are killed, for real: nothing that was handed out is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Protocol

import pytest

from trustlayer import Outcome
from trustlayer.audit import AuditStore
from trustlayer.audit.reports import lines
from trustlayer.audit.verification import verify
from trustlayer.errors import StoreUnavailable

Run = Callable[..., Outcome]


class Postgres(Protocol):
    """The server of conftest.py."""

    def start(self) -> None: ...
    def stop(self, mode: str) -> None: ...
    def database(self) -> str: ...


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")

# Imports once, then forks a worker for every line that it reads. A worker's three threads say
# the id of each outcome once it is handed out, until the worker is killed.
WORKERS = """
import os, sys
from threading import Thread
from trustlayer import Evidence, Finding, Span, Verifier, detector
from trustlayer.audit import AuditStore

@detector
def calm(exchange):
    return Finding(0.25, (Evidence("dull", Span(0, 3)),))

def loop(verifier):
    while True:
        outcome = verifier.run("Where is Paris?", ["Paris lies in France."])
        os.write(1, f"{outcome.id}\\n".encode())

for line in sys.stdin:
    worker = os.fork()
    if not worker:
        store = AuditStore.open(sys.argv[1])
        verifier = Verifier([calm], [lambda text: "In France. " * 50], store=store)
        for _ in range(3):
            Thread(target=loop, args=[verifier]).start()
    else:
        os.write(1, f"worker {worker}\\n".encode())
        os.waitpid(worker, 0)
        os.write(1, b"dead\\n")
"""


@dataclass
class Killing:
    """A process whose workers record, and are killed."""

    asks: IO[str]
    says: Iterator[str]

    def life(self, outcomes: int, seconds: float) -> list[str]:
        """Kill a worker that long after its first *outcomes*; the ids of all that it gave out."""
        self.asks.write("\n")
        self.asks.flush()
        said: list[str] = []
        worker = None
        for line in map(str.strip, self.says):
            if line == "dead":
                return said
            if line.startswith("worker"):
                worker = int(line.split()[1])
                continue
            said.append(line)
            if len(said) == outcomes and worker is not None:
                time.sleep(seconds)
                os.kill(worker, signal.SIGKILL)
        raise AssertionError("the workers' parent ended")


@pytest.fixture
def killing(url: str) -> Iterator[Killing]:
    AuditStore.create(url).close()
    process = subprocess.Popen(
        [sys.executable, "-c", WORKERS, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        yield Killing(process.stdin, iter(process.stdout.readline, ""))
        process.stdin.close()


def test_what_was_handed_out_survives_kills(killing: Killing, url: str) -> None:
    kills = 20 if url.startswith("sqlite") else 6
    dice = random.Random(kills)
    said: list[str] = []
    for _ in range(kills):
        said += killing.life(dice.randrange(1, 8), dice.random() / 50)
        with AuditStore.open(url) as store:
            stored = [line.id for line in lines(store, limit=10_000)]
        assert set(said) <= set(stored)
        assert len(set(stored)) == len(stored)
    assert len(said) >= kills
    with AuditStore.open(url) as store:
        assert list(verify(store)) == []
        with store.session() as session:
            if session.get_bind().dialect.name == "sqlite":
                connection = session.connection()
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
                assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


def test_a_server_that_falls_over_loses_nothing_that_was_handed_out(
    postgres: Postgres, run: Run
) -> None:
    url = postgres.database()
    with AuditStore.create(url) as store:

        def record(_: int) -> Outcome | StoreUnavailable:
            try:
                return run(store=store)
            except StoreUnavailable as error:
                return error

        with ThreadPoolExecutor(4) as pool:
            for _ in range(3):
                under_way = [pool.submit(record, n) for n in range(60)]
                under_way[5].result()
                postgres.stop("immediate")
                postgres.start()
                done = [future.result() for future in under_way]
                kept = [o for o in done if isinstance(o, Outcome)]
                stored = [line.id for line in lines(store, limit=1000)]
                assert {o.id for o in kept} <= set(stored)
                assert len(set(stored)) == len(stored)
        run(store=store)  # the server is back, and so is the store
        assert list(verify(store)) == []
