"""A run over many answers: blocks are examined by an engine, written, kept and journalled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from trustlayer.bulk.blocks import Block, Failure
from trustlayer.bulk.journal import Journal, Kept, expect_block
from trustlayer.bulk.output import Output
from trustlayer.bulk.queue import Done
from trustlayer.bulk.work import Examiner
from trustlayer.outcome import DetectorRecord

TOGETHER = 32  # blocks that are kept in one transaction

Keep = Callable[[Sequence[Done]], None]


class Engine(Protocol):
    """Examines blocks, be it here, in processes, or on a cluster."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> object: ...

    def records(self) -> tuple[DetectorRecord, ...]:
        """What it examines with."""
        ...

    def examine(self, given: Iterator[Block | Failure], /) -> Iterator[Done | Failure]:
        """The findings of each block, in order, failures in their places."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """Examines in this process, one block after another."""

    examiner: Examiner

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def records(self) -> tuple[DetectorRecord, ...]:
        return self.examiner.records

    def examine(self, given: Iterator[Block | Failure], /) -> Iterator[Done | Failure]:
        for item in given:
            if isinstance(item, Failure):
                yield item
            else:
                yield Done(item, self.examiner.examine(item.payload))


@dataclass(slots=True)
class Run:
    """Findings on their way from an *engine* to the *output*.

    *keep* is given blocks, some together, before the *journal* calls them done: it must take
    one that it was given already for the same. *past* are the blocks that are in the output.
    """

    engine: Engine
    output: Output
    journal: Journal | None = None
    keep: Keep | None = None
    past: Sequence[Kept] = ()
    _unkept: list[tuple[Done, int]] = field(default_factory=list[tuple[Done, int]], init=False)

    def over(self, given: Iterator[Block | Failure]) -> Iterator[Block | Failure]:
        """Each block of *given*, past or new, once it is in the output, and every failure.

        Raises CannotResume when a past block is not what it was.
        """
        for kept, item in self._before(given):
            yield item
            if kept is not None and kept.trouble is not None and isinstance(item, Block):
                yield lost(item, kept.trouble)
        for done in self.engine.examine(given):
            if isinstance(done, Failure):
                yield done
                continue
            self._unkept.append((done, self.output.put(done.lines)))
            if self.keep is None or len(self._unkept) == TOGETHER:
                self._settle()
            yield done.block
            if done.trouble is not None:
                yield lost(done.block, done.trouble)
        self._settle()

    def _before(
        self, given: Iterator[Block | Failure]
    ) -> Iterator[tuple[Kept | None, Block | Failure]]:
        left = len(self.past)
        while left:
            item = next(given, None)
            if item is None:
                return
            if isinstance(item, Failure):
                yield None, item
                continue
            kept = self.past[item.number]
            expect_block(kept, item)
            left -= 1
            yield kept, item

    def _settle(self) -> None:
        if self.keep is not None:
            self.keep([done for done, _ in self._unkept])
        if self.journal is not None:
            for done, end in self._unkept:
                self.journal.add(done, end)
        self._unkept.clear()


def lost(block: Block, reason: str) -> Failure:
    """The failure of a block that no worker survived."""
    last = block.last.row if block.last.file == block.first.file else None
    return Failure(block.first, reason, "findings", last, in_output=True)
