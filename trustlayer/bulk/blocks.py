"""Blocks: the answers that are examined in one call, cut from the input alone.

A risk may move in its third digit with the answers that are examined beside it: a quantised
model that reads padded batches, as on a GPU, scales a whole batch at a time. So what stands
together in a block never depends on who examines it: one process, many, a cluster, or a run that
is resumed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from trustlayer.batches import BATCH
from trustlayer.lines import ExchangeLine, write_exchange

CHUNK = 512  # rows; no block reaches over a multiple of them, so that chunks can be cut apart
TOKENS = 8_192  # of a block, unless one answer alone has more
_BYTES_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a file, counted from 1; *file* is empty where there is no file."""

    file: str
    row: int

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}" if self.file else f"row {self.row}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A row, or all of a file from a row on, that could not be read or examined."""

    place: Place
    found: str
    expected: str
    last: int | None = None  # row, where the failure concerns several
    notes: tuple[str, ...] = ()
    in_output: bool = False  # its rows are there, as unexamined

    def __str__(self) -> str:
        """Without the file; of row 0, which is the file as a whole, what was found alone."""
        if not self.place.row:
            return self.found
        where = f"lines {self.place.row} to {self.last}" if self.last else f"line {self.place.row}"
        return f"{where}: found {self.found}; expected {self.expected}"

    def written(self) -> dict[str, object]:
        """As a line of the file of failures."""
        row: dict[str, object] = {"file": self.place.file, "row": self.place.row}
        row |= {} if self.last is None else {"last": self.last}
        return row | {"found": self.found, "expected": self.expected}


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that can be examined."""

    place: Place
    line: ExchangeLine


@dataclass(frozen=True)
class Block:
    """Some consecutive rows; *lines* are as `write_exchange` writes them, in ASCII."""

    number: int
    lines: tuple[bytes, ...]
    places: tuple[Place, ...]

    @property
    def first(self) -> Place:
        return self.places[0]

    @property
    def last(self) -> Place:
        return self.places[-1]

    @cached_property
    def payload(self) -> bytes:
        """All that a worker needs."""
        return b"\n".join(self.lines)

    @cached_property
    def digest(self) -> str:
        """Tells whether the same rows are read again."""
        return hashlib.sha256(self.payload).hexdigest()[:32]


def blocks(
    entries: Iterable[Entry | Failure], size: int = BATCH, tokens: int = TOKENS
) -> Iterator[Block | Failure]:
    """At most *size* answers at a time, and about *tokens* tokens; failures pass through.

    Raises ValueError where *size* has no room for an answer.
    """
    if size < 1:
        raise ValueError(f"a block needs room for 1 answer or more, got {size}")
    numbers = count()
    held: list[tuple[Place, bytes]] = []
    weight = 0
    for row, entry in enumerate(entries):
        if held and row % CHUNK == 0:
            yield _block(next(numbers), held)
            held, weight = [], 0
        if isinstance(entry, Failure):
            yield entry
            continue
        line = write_exchange(entry.line.id, entry.line.exchange).encode("ascii")
        added = len(line) // _BYTES_A_TOKEN
        if held and (len(held) == size or weight + added > tokens):
            yield _block(next(numbers), held)
            held, weight = [], 0
        held.append((entry.place, line))
        weight += added
    if held:
        yield _block(next(numbers), held)


def _block(number: int, held: list[tuple[Place, bytes]]) -> Block:
    places, lines = zip(*held, strict=True)
    return Block(number, lines, places)
