"""The engine behind ``trustlayer examine --engine ray``: actors wherever the cluster has room.

Blocks are cut by whoever asks and are handed to actors, so no node needs to see the files.
An actor that dies, alone or with its node, is replaced; its blocks go to the others.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, cast

from trustlayer.bulk.blocks import Block, Failure
from trustlayer.bulk.engines import Order
from trustlayer.bulk.orders import order_of, records_in
from trustlayer.bulk.queue import TRIES, Done, Queue
from trustlayer.bulk.work import unexamined
from trustlayer.errors import WorkerLost
from trustlayer.outcome import DetectorRecord
from trustlayer_ray.connecting import RayError, connect, disconnect, ray
from trustlayer_ray.examining import Examining

AHEAD = 4  # blocks for each actor that may be under way or wait for an older one
EACH = 2  # blocks that an actor is given at once, so that it never waits for the next
MOST = 10_000  # actors
PATIENCE = 300.0  # seconds without any actor at work until we say so
GPU = "cuda"


@dataclass(slots=True, eq=False)
class _Actor:
    handle: Any
    greeting: Any
    ready: bool = False
    blocks: dict[Any, Block] = field(default_factory=dict[Any, Block])  # by reference, in order


@dataclass(slots=True)
class Cluster:
    """Examines blocks with the actors that the *order* asks for, or as many as have room.

    *cpus* and *gpus* are what each actor takes of its node, fractions allowed. Use as a context
    manager.
    """

    order: Order
    cpus: float = 1.0
    gpus: float | None = None  # a whole one where the models run there, else none
    _actors: list[_Actor] = field(default_factory=list[_Actor], init=False)
    _stillborn: int = field(default=0, init=False)
    _ours: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        self._ours = connect(self.order.address, self.order.workers)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for actor in self._actors:
            ray.kill(actor.handle)
        self._actors.clear()
        if self._ours:
            disconnect()

    @property
    def size(self) -> int:
        """How many actors there are to be."""
        if self.order.workers is not None:
            return self.order.workers
        room = cast("Callable[[], dict[str, float]]", ray.cluster_resources)()
        places = [room.get("CPU", 0.0) // self.cpus if self.cpus else math.inf]
        places += [room.get("GPU", 0.0) // self._gpus()] if self._gpus() else []
        return max(1, int(min(min(places), MOST)))

    def records(self) -> tuple[DetectorRecord, ...]:
        """What the actors examine with; raises BrokenDetector and WorkerLost."""
        while True:
            self._fill(self.size)
            [first, *_] = self._wait([actor.greeting for actor in self._actors])
            actor = next(a for a in self._actors if a.greeting == first)
            if (records := self._greeted(actor)) is not None:
                return records

    def examine(self, given: Iterator[Block | Failure]) -> Iterator[Done | Failure]:
        """The findings of each block, in order, failures in their places."""
        size = self.size
        queue = Queue(given, AHEAD * size)
        while not queue.finished:
            self._fill(size)
            self._hand_out(queue)
            yield from queue.ready()
            for ref in self._wait(self._awaited()):
                self._heard(ref, queue)
            yield from queue.ready()

    def _awaited(self) -> list[Any]:
        awaited = [ref for actor in self._actors for ref in actor.blocks]
        if not awaited and any(actor.ready for actor in self._actors):
            return []  # everything was given back
        return awaited + [actor.greeting for actor in self._actors if not actor.ready]

    def memory(self) -> list[int]:
        """The resident memory of each actor, in bytes."""
        ready = [actor.handle.memory.remote() for actor in self._actors if actor.ready]
        return list(ray.get(ready))

    def _fill(self, size: int) -> None:
        make: Any = ray.remote(
            num_cpus=self.cpus,
            num_gpus=self._gpus(),
            max_restarts=0,  # it is replaced by another one, on any node
            scheduling_strategy="SPREAD",
        )(Examining)
        environment = {k: v for k, v in os.environ.items() if k.startswith("TRUSTLAYER_DEV")}
        while len(self._actors) < size:
            handle = make.remote(order_of(self.order.recipes, self.order.timeout), environment)
            self._actors.append(_Actor(handle, handle.greet.remote()))

    def _gpus(self) -> float:
        if self.gpus is not None:
            return self.gpus
        return float(os.environ.get("TRUSTLAYER_DEVICE") == GPU)

    def _hand_out(self, queue: Queue) -> None:
        # Round by round, so that the last blocks are shared evenly.
        for load in range(EACH):
            for actor in self._actors:
                if actor.ready and len(actor.blocks) == load:
                    if (block := queue.next()) is None:
                        return
                    actor.blocks[actor.handle.examine.remote(block.payload)] = block

    def _wait(self, refs: list[Any]) -> list[Any]:
        if not refs:
            return []
        found, _ = ray.wait(refs, timeout=PATIENCE)
        if not found and not any(actor.ready for actor in self._actors):
            error = WorkerLost(f"no node had room for an actor within {PATIENCE:g} s")
            error.add_note(f"each takes {self.cpus:g} CPUs, {self._gpus():g} GPUs; see: ray status")
            raise error
        return list(found)

    def _heard(self, ref: Any, queue: Queue) -> None:
        actor = next(a for a in self._actors if a.greeting == ref or ref in a.blocks)
        if ref not in actor.blocks:
            self._greeted(actor)
            return
        try:
            lines: Any = ray.get(ref)
        except RayError as error:
            self._lost(actor, error, queue)
        else:
            queue.done(Done(actor.blocks.pop(ref), lines))

    def _greeted(self, actor: _Actor) -> tuple[DetectorRecord, ...] | None:
        try:
            greeting: Any = ray.get(actor.greeting)
        except RayError as error:
            self._actors.remove(actor)
            self._stillborn += 1
            if self._stillborn == TRIES:
                told = f"an actor ended while it made its detectors, {TRIES} times: {_how(error)}"
                raise WorkerLost(told) from error
            return None
        actor.ready, self._stillborn = True, 0
        return records_in(greeting)

    def _lost(self, actor: _Actor, error: Exception, queue: Queue) -> None:
        # It was at work on the first of its blocks; the others had not been begun.
        self._actors.remove(actor)
        first, *others = actor.blocks.values()
        for block in others:
            queue.again(block)
        if queue.died(first):
            return
        reason = f"its actor ended, {TRIES} times: {_how(error)}"
        names = [recipe.name for recipe in self.order.recipes]
        queue.done(Done(first, unexamined(first.payload, names, reason), reason))


def _how(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
