"""Is everything in the answer supported by its context?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trustlayer import Evidence, Exchange, Finding, Span, Unexamined
from trustlayer_detectors._models.sessions import Floats
from trustlayer_detectors.grounding_calibration import calibration, top_mean
from trustlayer_detectors.grounding_reading import Reading, read

_DOUBTFUL = 0.5  # risk of a sentence from which on it is shown as evidence


@dataclass(frozen=True, slots=True)
class Grounding:
    """Finds what an answer says beyond its context, with a small local model.

    The risk is the calibrated probability that anything in the answer is unsupported; the
    evidence marks the doubtful words. Needs a context, of any length.
    """

    name: ClassVar[str] = "grounding"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("context",)

    @property
    def limit(self) -> float:
        """The risk above which an answer is flagged by default, chosen on training data."""
        return calibration().limit

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        return [self._examine(exchange) for exchange in exchanges]

    def _examine(self, exchange: Exchange) -> Finding | Unexamined:
        if not any(passage.strip() for passage in exchange.context):
            return Unexamined(self.name, "no context to compare the answer with")
        if not exchange.answer.strip():
            return Unexamined(self.name, "empty answer")
        readings = list(read(exchange))
        evidence = [found for reading in readings for found in _evidence(reading)]
        return Finding(_risk(readings), tuple(evidence))


def _risk(readings: Sequence[Reading]) -> float:
    excess = np.concatenate([reading.novelty * reading.rarity for reading in readings])
    features = {"novelty": np.array([top_mean(excess, 8)], np.float32)}
    return float(calibration().answer(features)[0])


def _evidence(reading: Reading) -> Iterator[Evidence]:
    excess = reading.novelty * reading.rarity
    for sentence, place in zip(reading.sentences, reading.slices, strict=True):
        novelty = np.array([top_mean(excess[place], 4)], np.float32)
        risk = float(calibration().sentence({"novelty": novelty})[0])
        if risk > _DOUBTFUL:
            reason = f"not supported by the context ({risk:.0%})"
            for span in _doubtful(reading, excess, place, sentence):
                yield Evidence(reason, span)


def _doubtful(reading: Reading, excess: Floats, place: slice, sentence: Span) -> Iterator[Span]:
    """Yield the stretches of a sentence that are as novel as half of its most novel word."""
    high = excess[place] >= max(0.5 * float(np.max(excess[place], initial=0.0)), 1e-6)
    start = end = -1
    for piece in np.flatnonzero(high).tolist():
        first, last = (int(c[place.start + piece]) for c in (reading.pieces.starts,
                                                             reading.pieces.ends))  # fmt: skip
        if start >= 0 and first > end + 2:
            yield Span(start, end)
            start = first
        start = first if start < 0 else start
        end = last
    if start >= 0:
        yield Span(start, min(end, sentence.end))
