"""Worker processes on this machine: one for each core, each with its own detectors."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, cast

from trustlayer.bulk.blocks import Block, Failure
from trustlayer.bulk.frames import receive, send
from trustlayer.bulk.orders import order_of, records_in
from trustlayer.bulk.queue import TRIES, Done, Queue
from trustlayer.bulk.recipes import Recipe
from trustlayer.bulk.work import unexamined
from trustlayer.errors import WorkerLost
from trustlayer.outcome import DetectorRecord

# NumPy's products would take all cores, also those of the other workers; read as it is imported.
_ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_GRACE = 5.0  # seconds from the end of its output to its own
EACH = 2  # blocks that a worker is given at once, so that it never waits for the next
AHEAD = 4  # blocks for each worker that may be under way or wait for an older one


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(slots=True, eq=False)
class Worker:
    """A process that examines its *blocks*, one after another; it is at work on the first."""

    process: subprocess.Popen[bytes]
    blocks: deque[Block] = field(default_factory=deque[Block])
    greeted: bool = False

    @classmethod
    def start(cls, order: bytes) -> Worker:
        """Begin to make the detectors of *order*; `records` waits for them."""
        command = [sys.executable, "-m", "trustlayer.bulk.worker"]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**_ONE_CORE, **os.environ},
            bufsize=0,  # what a buffer held already, no selector would tell of
            start_new_session=True,  # Ctrl-C is ours to answer
        )
        worker = cls(process)
        with suppress(OSError):  # it is found dead when it is asked
            send(worker.given, order)
        return worker

    @property
    def given(self) -> IO[bytes]:
        return cast("IO[bytes]", self.process.stdin)

    @property
    def told(self) -> IO[bytes]:
        return cast("IO[bytes]", self.process.stdout)

    def records(self) -> tuple[DetectorRecord, ...] | None:
        """What it made; None when it died over it. Raises BrokenDetector."""
        greeting = receive(self.told)
        if greeting is None:
            return None
        self.greeted = True
        return records_in(greeting)

    def hand(self, block: Block) -> None:
        """Have it examine *block* after those that it has."""
        self.blocks.append(block)
        self._send(block)

    def catch_up(self) -> None:
        """Give it what it was to have once its detectors were made."""
        for block in self.blocks:
            self._send(block)

    def _send(self, block: Block) -> None:
        with suppress(OSError):  # it is found dead when its answer is awaited
            send(self.given, block.payload)

    def end(self) -> None:
        self.process.kill()
        self._let_go()

    def ended(self) -> str:
        """How it ended of itself."""
        try:
            code = self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._let_go()
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"

    def _let_go(self) -> None:
        with suppress(OSError):
            self.given.close()
        self.told.close()
        self.process.wait()


@dataclass(slots=True)
class Pool:
    """Examines blocks in *workers* processes; a process that dies is replaced.

    Use as a context manager. Results come in the order of the blocks, whichever is first done.
    """

    recipes: tuple[Recipe, ...]
    timeout: float | None = None
    workers: int = field(default_factory=cores)
    _all: list[Worker] = field(default_factory=list["Worker"], init=False)
    _stillborn: int = field(default=0, init=False)

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._all:
            self._all.pop().end()

    def records(self) -> tuple[DetectorRecord, ...]:
        """What the workers examine with; starts the first of them.

        Raises BrokenDetector, and WorkerLost when it dies over its detectors.
        """
        return self._started()

    def examine(self, given: Iterator[Block | Failure]) -> Iterator[Done | Failure]:
        """The findings of each block, failures in their places.

        Raises BrokenDetector and WorkerLost as `records` does.
        """
        queue = Queue(given, AHEAD * self.workers)
        with selectors.DefaultSelector() as waiting:
            for worker in self._all:
                waiting.register(worker.told, selectors.EVENT_READ, worker)
            while not queue.finished:
                self._hand_out(queue, waiting)
                yield from queue.ready()
                if any(worker.blocks for worker in self._all):
                    for key, _ in waiting.select():
                        self._heard(key.data, queue, waiting)
                    yield from queue.ready()

    def _hand_out(self, queue: Queue, waiting: selectors.BaseSelector) -> None:
        # Round by round, so that the last blocks are shared evenly.
        for load in range(EACH):
            while worker := self._with(load):
                if (block := queue.next()) is None:
                    return
                worker.hand(block)
            while not load and len(self._all) < self.workers:
                if (block := queue.next()) is None:
                    return
                worker = self._start()
                worker.blocks.append(block)  # handed over when its detectors are made
                waiting.register(worker.told, selectors.EVENT_READ, worker)

    def _with(self, load: int) -> Worker | None:
        found = (w for w in self._all if w.greeted and len(w.blocks) == load)
        return next(found, None)

    def _heard(self, worker: Worker, queue: Queue, waiting: selectors.BaseSelector) -> None:
        if not worker.greeted and worker.records() is not None:
            self._stillborn = 0
            worker.catch_up()
            return
        lines = receive(worker.told) if worker.greeted else None
        if not worker.blocks or lines is None:
            waiting.unregister(worker.told)
            self._lost(worker, queue)
            return
        queue.done(Done(worker.blocks.popleft(), lines))

    def _lost(self, worker: Worker, queue: Queue) -> None:
        self._all.remove(worker)
        how = worker.ended()
        if not worker.greeted:
            self._never_began(how)
        if not worker.blocks:
            return
        first, *others = worker.blocks
        for block in others:  # it had not begun with them
            queue.again(block)
        if queue.died(first):
            return
        reason = f"its worker ended {how}, {TRIES} times"
        names = [recipe.name for recipe in self.recipes]
        queue.done(Done(first, unexamined(first.payload, names, reason), reason))

    def _started(self) -> tuple[DetectorRecord, ...]:
        while True:
            worker = self._start()
            if (records := worker.records()) is not None:
                return records
            self._all.remove(worker)
            self._never_began(worker.ended())

    def _start(self) -> Worker:
        worker = Worker.start(order_of(self.recipes, self.timeout))
        self._all.append(worker)
        return worker

    def _never_began(self, how: str) -> None:
        self._stillborn += 1
        if self._stillborn == TRIES:
            error = WorkerLost(f"a worker ended {how} while it made its detectors, {TRIES} times")
            error.add_note("if memory is short, use fewer of them: --workers 1")
            raise error
