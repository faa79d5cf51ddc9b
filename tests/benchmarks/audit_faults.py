"""Faults, for real, while writers write: what was handed out is there, once, and verifies.

    python tests/benchmarks/audit_faults.py [--faults 60] [--seed 1]

Sixteen processes write to one PostgreSQL, and eight threads of one process to one SQLite file.
In turns a writer is killed (SIGKILL), the server is stopped (fast, immediate) and started
again, its sessions are terminated, the connections are cut between any two bytes, and the disk
is full: of SQLite by the size that a file may have, of PostgreSQL by filling a small file
system that holds its tables, where the right to mount one is given (as root, on Linux).
A writer says the id of an outcome once `record` has returned, and only then.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread

from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.audit.proxies import Proxy
from tests.audit.servers import Postgres, started
from trustlayer import Evidence, Finding, Outcome, Span, Verifier, detector
from trustlayer.audit import AuditStore
from trustlayer.audit.databases import connect
from trustlayer.audit.verification import verify
from trustlayer.errors import StoreUnavailable


@detector
def calm(exchange: object) -> Finding:
    return Finding(0.25, (Evidence("dull", Span(0, 3)),))


def template() -> Outcome:
    return Verifier([calm], [lambda _: "In France. " * 20]).run("Where is Paris?", ["In France."])


@dataclass
class Writers:
    """Processes that record until they are killed; *said* are the ids that they gave out."""

    url: str
    threads: int
    one: Outcome = field(default_factory=template)
    pids: list[int] = field(default_factory=list[int])
    said: list[str] = field(default_factory=list[str])
    withheld: Counter[str] = field(default_factory=Counter[str])
    _readers: list[Thread] = field(default_factory=list[Thread])

    def start(self, limit: int | None = None) -> None:
        """One more process; *limit* is the size in bytes that its files may have."""
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(reading)
            self._work(writing, limit)
        os.close(writing)
        self.pids.append(pid)
        reader = Thread(target=self._read, args=[reading])
        reader.start()
        self._readers.append(reader)

    def kill(self, pid: int) -> None:
        """End a process as a power failure would, for it."""
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.pids.remove(pid)

    def stop(self) -> None:
        for pid in list(self.pids):
            self.kill(pid)
        for reader in self._readers:
            reader.join()

    def _work(self, said: int, limit: int | None) -> None:
        try:
            if limit is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            store = AuditStore.open(self.url)
            threads = [Thread(target=self._loop, args=[store, said]) for _ in range(self.threads)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            os._exit(1)

    def _loop(self, store: AuditStore, said: int) -> None:
        while True:
            outcome = replace(self.one, id=os.urandom(16).hex())
            try:
                store.record(outcome)
                os.write(said, f"{outcome.id}\n".encode())
            except StoreUnavailable:
                os.write(said, b"withheld\n")
                time.sleep(0.02)

    def _read(self, reading: int) -> None:
        with os.fdopen(reading) as lines:
            for line in lines:
                if line == "withheld\n":
                    self.withheld["answers"] += 1
                elif line.endswith("\n"):
                    self.said.append(line.strip())


@dataclass
class Faults:
    """What can befall the writers of one database, and how often it did."""

    writers: Writers
    dice: random.Random
    acts: dict[str, Callable[[], None]]
    done: Counter[str] = field(default_factory=Counter[str])

    def go(self, count: int) -> None:
        names = list(self.acts)
        for turn in range(count):
            self._wait_for_some()
            time.sleep(self.dice.random() / 5)
            name = names[turn % len(names)]
            self.acts[name]()
            self.done[name] += 1

    def _wait_for_some(self) -> None:
        # Until the writers are at work again.
        before, begun = len(self.writers.said), time.monotonic()
        while len(self.writers.said) < before + 20:
            if time.monotonic() > begun + 60:
                raise SystemExit("the writers did not recover within a minute")
            time.sleep(0.01)


def told(name: str, faults: Faults, direct: str) -> None:
    """Print what befell, and the counts before and after; fail when anything is lost or twice."""
    said = faults.writers.said
    with AuditStore.open(direct) as store:
        with store.session() as session:
            stored = list(session.scalars(text("SELECT id FROM outcomes")))
        flaws = list(verify(store))
    lost, twice = set(said) - set(stored), len(stored) - len(set(stored))
    print(f"{name}: {sum(faults.done.values())} faults: {dict(faults.done)}")
    print(f"{name}: {len(said)} outcomes handed out, {faults.writers.withheld.total()} withheld")
    print(
        f"{name}: {len(stored)} stored, {len(stored) - len(set(said))} of them committed and not "
        f"handed out when the fault came; lost {len(lost)}, twice {twice}, flaws {len(flaws)}",
        flush=True,
    )
    if lost or twice or flaws:
        raise SystemExit(f"{name}: {sorted(lost)[:3]} {flaws[:3]}")


def on_postgresql(count: int, dice: random.Random, processes: int) -> None:
    with served() as (server, proxy, disk):
        direct = on_disk(server, disk)
        AuditStore.create(direct).close()
        url = direct.replace(str(server.folder), str(proxy.folder))
        writers = Writers(url, 1)
        for _ in range(processes):
            writers.start()

        def kill() -> None:
            writers.kill(dice.choice(writers.pids))
            writers.start()

        def restart(mode: str) -> None:
            server.stop(mode)
            server.start()

        def refuse() -> None:
            proxy.stop()
            time.sleep(0.3)
            proxy.start()

        acts: dict[str, Callable[[], None]] = {
            "writer killed": kill,
            "sessions terminated": lambda: terminate(direct),
            "connections cut": proxy.cut,
            "restart, fast": lambda: restart("fast"),
            "connections refused": refuse,
            "restart, immediate": lambda: restart("immediate"),
        }
        if disk is not None:
            acts["disk full"] = lambda: fill(disk, writers)
        faults = Faults(writers, dice, acts)
        try:
            faults.go(count)
        finally:
            writers.stop()
        told(f"PostgreSQL, {processes} processes", faults, direct)


def terminate(url: str) -> None:
    engine = connect(url)
    with engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
                 "pg_backend_pid() AND backend_type = 'client backend'")
        )  # fmt: skip
    engine.dispose()


@contextmanager
def served() -> Generator[tuple[Postgres, Proxy, Path | None]]:
    """A server, a proxy before it, and a small disk for its tables where one can be mounted."""
    settings = {"max_connections": "60", "shared_buffers": "64MB"}
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk())
        server = stack.enter_context(started(settings))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        proxy = Proxy(folder, server.folder)
        proxy.start()
        stack.callback(proxy.stop)
        yield server, proxy, disk


@contextmanager
def small_disk() -> Generator[Path | None]:
    """A file system of its own, of 512 MiB; None, said aloud, without the right to mount one."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=512m,mode=0777", "tmpfs", folder]
        if os.geteuid() or subprocess.run(mount, check=False).returncode:
            print("PostgreSQL: no full disk, for nothing can be mounted here")
            yield None
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def on_disk(server: Postgres, disk: Path | None) -> str:
    """The URL of an empty database whose tables lie on *disk*."""
    url = server.database()
    if disk is None:
        return url
    place = disk / "tables"
    place.mkdir()
    shutil.chown(place, "postgres", "postgres")
    engine = connect(server.url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE TABLESPACE small LOCATION '{place}'"))
        connection.execute(text("ALTER SYSTEM SET default_tablespace = 'small'"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()
    return url


def fill(disk: Path, writers: Writers) -> None:
    """Leave no byte free until five answers were withheld."""
    before, begun = writers.withheld.total(), time.monotonic()
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    while writers.withheld.total() < before + 5 and time.monotonic() < begun + 30:
        time.sleep(0.01)
    filler.unlink()


def on_sqlite(count: int, dice: random.Random, threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/audit.db"
        AuditStore.create(url).close()
        writers = Writers(url, threads)
        writers.start()

        def kill() -> None:
            writers.kill(writers.pids[0])
            writers.start()

        def run_full() -> None:
            size = (Path(folder) / "audit.db").stat().st_size
            writers.kill(writers.pids[0])
            writers.start(limit=size + 200_000)
            begun, before = time.monotonic(), writers.withheld.total()
            while writers.withheld.total() < before + 5 and time.monotonic() < begun + 30:
                time.sleep(0.01)
            writers.kill(writers.pids[0])
            writers.start()

        faults = Faults(writers, dice, {"writer killed": kill, "disk full": run_full})
        try:
            faults.go(count)
        finally:
            writers.stop()
        told(f"SQLite, {threads} threads", faults, url)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=60, help="on both databases together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=16)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    on_sqlite(options.faults // 3, dice, threads=8)
    on_postgresql(options.faults - options.faults // 3, dice, options.processes)


if __name__ == "__main__":
    main()
