"""Examining a stream of lines in batches, in order and in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trustlayer.examination import Examination, examine
from trustlayer.finding import Detector
from trustlayer.lines import ExchangeLine

BATCH = 32  # answers
MAX_CHARACTERS = 2_000_000  # of a batch, so that many long contexts do not fill the memory


def examined(
    lines: Iterable[ExchangeLine],
    detectors: Sequence[Detector],
    size: int = BATCH,
    timeout: float | None = None,
) -> Iterator[tuple[ExchangeLine, Examination]]:
    """Each line with what *detectors* found in it, *size* answers being examined at a time.

    *timeout* is in seconds an answer.
    """
    for batch in batched(lines, size):
        found = examine(detectors, [line.exchange for line in batch], timeout)
        yield from zip(batch, found, strict=True)


def batched(lines: Iterable[ExchangeLine], size: int) -> Iterator[list[ExchangeLine]]:
    """At most *size* lines at a time, fewer where they are long."""
    if size < 1:
        raise ValueError(f"a batch needs room for 1 answer or more, got {size}")
    batch: list[ExchangeLine] = []
    characters = 0
    for line in lines:
        batch.append(line)
        characters += _characters(line)
        if len(batch) == size or characters > MAX_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _characters(line: ExchangeLine) -> int:
    exchange = line.exchange
    return sum(map(len, (exchange.prompt, exchange.answer, *exchange.context, *exchange.samples)))
