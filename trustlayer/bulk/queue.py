"""Which block is handed out next, and which result is due: the order of a run, without I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from trustlayer.bulk.blocks import Block, Failure

TRIES = 3  # at a block, when workers die over it


@dataclass(frozen=True, slots=True)
class Done:
    """A block's findings, a line each; *trouble* says why there are none."""

    block: Block
    lines: bytes
    trouble: str | None = None


class Queue:
    """Hands out blocks, a few ahead of the oldest that is not done, and gives back in order."""

    def __init__(self, given: Iterator[Block | Failure], ahead: int) -> None:
        self._given = given
        self._ahead = ahead
        self._again: deque[Block] = deque()
        self._due: deque[int | Failure] = deque()  # what comes next: a block's number, a failure
        self._done: dict[int, Done] = {}
        self._tries: dict[int, int] = {}
        self._ended = False

    def next(self) -> Block | None:
        """A block to be examined; None while there is none, or too many wait for an older one."""
        if self._again:
            return self._again.popleft()
        while not self._ended and len(self._due) < self._ahead:
            item = next(self._given, None)
            if item is None:
                self._ended = True
                break
            if isinstance(item, Failure):
                self._due.append(item)
                continue
            self._due.append(item.number)
            return item
        return None

    @property
    def finished(self) -> bool:
        """Whether everything was given back."""
        return self._ended and not self._due

    def done(self, done: Done) -> None:
        self._tries.pop(done.block.number, None)
        self._done[done.block.number] = done

    def again(self, block: Block) -> None:
        """Hand out *block* once more: nobody began with it."""
        self._again.append(block)

    def died(self, block: Block) -> bool:
        """A worker died over *block*: whether it is tried again."""
        tries = self._tries.get(block.number, 0) + 1
        self._tries[block.number] = tries
        if tries < TRIES:
            self._again.append(block)
            return True
        return False

    def ready(self) -> Iterator[Done | Failure]:
        """What can be given back now, in the order of the input."""
        while self._due:
            head = self._due[0]
            if isinstance(head, Failure):
                self._due.popleft()
                yield head
            elif head in self._done:
                self._due.popleft()
                yield self._done.pop(head)
            else:
                return
