"""Examines the figures of an answer: numbers, dates, units, money, percentages, ordinals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from trustlayer import Evidence, Exchange, Finding, Span, Unexamined
from trustlayer_detectors._amounts import CODE, RANK, YEAR, Figure, Reading, figures
from trustlayer_detectors._ground import Ground, ground
from trustlayer_detectors._support import Judgement, Support, judge

_TIMES = frozenset({YEAR, "date", "month", "weekday", "decade", "clock"})
_FEW = 12  # whole numbers up to here are often counts of what the context lists
_AT_MOST = 3  # figures of one sort that add to the risk: what is wrong together is not independent
_SHOWN = 100  # pieces of evidence; more of them would help nobody
_QUOTED = 30  # characters of the context on either side of a rival

# The probability that a figure is wrong, by its support and sort: the parameters of a noisy-or
# with one leak for each data set, fitted on train by tests/benchmarks/plain_detectors.py.
# ASKED is set by hand (fitted 0.34 to 0.48 on 81 answers): a question may give its figures.
_SORTS = ("count", "few", "rank", "time", "unit", "other")
RISKS: dict[Support, dict[str, float]] = {
    support: dict(zip(_SORTS, risks, strict=True))
    for support, risks in {
        Support.CARRIED: (0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        Support.APART: (0.17, 0.35, 0.29, 0.31, 0.21, 0.21),
        Support.ROUNDED: (0.26, 0.21, 0.21, 0.21, 0.21, 0.21),
        Support.ASKED: (0.30, 0.30, 0.30, 0.30, 0.30, 0.30),
        Support.ASSEMBLED: (0.16, 0.16, 0.16, 0.16, 0.16, 0.16),
        Support.DERIVED: (0.47, 0.45, 0.45, 0.36, 0.35, 0.35),
        Support.OTHER_UNIT: (0.59, 0.59, 0.59, 0.59, 0.59, 0.59),
        Support.ABSENT: (0.63, 0.43, 0.62, 0.74, 0.59, 0.52),
        Support.CONTRADICTED: (0.61, 0.60, 0.65, 0.74, 0.69, 0.60),
    }.items()
}
_REASONS = {
    Support.APART: "the context has {figure} for something else only",
    Support.ROUNDED: "{figure} is in the context only roughly",
    Support.ASKED: "{figure} is in the question, not in the context",
    Support.ASSEMBLED: "{figure} is in the context only in parts",
    Support.DERIVED: "{figure} is not in the context, though it may follow from its figures",
    Support.ABSENT: "{figure} is not in the context",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Doubts the figures that neither the context nor the question carries.

    The risk is the probability that at least one figure of the answer is wrong; what else may
    be wrong with the answer does not count. Units are converted, rounding is forgiven, sums
    and differences of neighbouring figures of the context count as weak support. Words are
    read in English only, digits in any script.
    """

    name: ClassVar[str] = "figures"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("context",)

    limit: float = 0.4

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        return [self._one(exchange) for exchange in exchanges]

    def _one(self, exchange: Exchange) -> Finding | Unexamined:
        if not exchange.answer.strip():
            return Unexamined(self.name, "empty answer")
        claims = (figure for figure in figures(exchange.answer) if figure.claim)
        first = next(claims, None)
        if first is None:
            return Finding(0.0)
        if not any(text.strip() for text in exchange.context):
            return Unexamined(self.name, "no context to compare the figures with")
        return _finding(exchange, first, claims)


def _finding(exchange: Exchange, first: Figure, rest: Iterator[Figure]) -> Finding:
    context, question = ground(exchange.context), ground((exchange.prompt,))
    sound, counted = 1.0, Counter[tuple[Support, str]]()
    seen: set[tuple[Reading, ...]] = set()
    evidence: list[Evidence] = []
    hidden = 0
    for figure in chain([first], rest):
        judgement = judge(figure, exchange.answer, context, question)
        entry = judgement.support, sort(figure)
        if figure.readings not in seen and counted[entry] < _AT_MOST:
            counted[entry] += 1
            sound *= 1 - RISKS[entry[0]][entry[1]]
        seen.add(figure.readings)
        if judgement.support is not Support.CARRIED:
            hidden += len(evidence) == _SHOWN
            evidence += _evidence(figure, exchange.answer, judgement, context)[
                : _SHOWN - len(evidence)
            ]
    if hidden:
        evidence.append(Evidence(f"{hidden} more figures are in doubt"))
    return Finding(1 - sound, tuple(evidence))


def _shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def sort(figure: Figure) -> str:
    """Name the sort of a figure: one line of `RISKS` has one risk for each."""
    first = figure.readings[0]
    if first.base in _TIMES:
        return "time"
    if first.base == RANK:
        return "rank"
    if first.base.startswith(CODE):
        return "other"
    if first.base:
        return "unit"
    return "few" if first.value <= _FEW and first.value == int(first.value) else "count"


def _evidence(figure: Figure, answer: str, judgement: Judgement, context: Ground) -> list[Evidence]:
    span = Span(figure.start, figure.end)
    written = _shorten(span.of(answer), 60)
    if judgement.rival is None:
        return [Evidence(_REASONS[judgement.support].format(figure=written), span)]
    place = judgement.rival
    said = _shorten(context.text[place.start : place.end], 60)
    left = context.text[max(0, place.start - _QUOTED) : place.start]
    right = context.text[place.end : place.end + _QUOTED]
    quoted = " ".join(f"{left}{said}{right}".split())
    return [Evidence(f"{written} is not in the context, which says {said} (…{quoted}…)", span)]
