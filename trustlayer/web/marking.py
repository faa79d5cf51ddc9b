"""Marks on a text: spans that may nest and overlap, cut into stretches that do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from trustlayer.exchange import Span
from trustlayer.outcome import DetectorRecord, Verdict
from trustlayer.policy import DEFAULT_LIMIT

MOST = 300  # marks shown on one text: the riskiest


@dataclass(frozen=True, slots=True)
class Mark:
    """One reason to doubt; *number* counts from 1, *doubted* says that a limit is exceeded."""

    number: int
    detector: str
    risk: float
    doubted: bool
    reason: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a text, all of it under the same *marks*; *ends* are those that end with it."""

    text: str
    marks: tuple[Mark, ...]
    ends: tuple[Mark, ...]

    @property
    def level(self) -> int:
        """How doubtful: 0 is plain, 1 below a limit, 2 above one, 3 at a risk of 0.8 or more."""
        if not self.marks:
            return 0
        doubted = [mark.risk for mark in self.marks if mark.doubted]
        return 1 if not doubted else 3 if max(doubted) >= 0.8 else 2

    @property
    def title(self) -> str:
        return "; ".join(f"{m.number}. {m.detector}: {m.reason}" for m in self.marks)


def marks(verdict: Verdict, detectors: Sequence[DetectorRecord]) -> list[Mark]:
    """The marks of *verdict*, in the order of the text; those on all of it come last."""
    limits = {d.name: DEFAULT_LIMIT if d.limit is None else d.limit for d in detectors}
    found = [
        (name, finding.risk, evidence)
        for name, finding in verdict.findings.items()
        for evidence in finding.evidence
    ]
    found.sort(key=lambda item: -item[1])
    found = sorted(found[:MOST], key=lambda item: _place(item[2].span))
    return [
        Mark(n, name, risk, risk > limits.get(name, DEFAULT_LIMIT), e.reason, e.span)
        for n, (name, risk, e) in enumerate(found, 1)
    ]


def stretches(text: str, marked: Iterable[Mark]) -> list[Stretch]:
    """*text*, whole and in order, cut wherever a mark begins or ends."""
    placed = [(m, _within(m.span, text)) for m in marked if m.span is not None]
    placed = [(m, span) for m, span in placed if span.start < span.end]
    cuts = sorted({0, len(text), *(cut for _, s in placed for cut in (s.start, s.end))})
    found: list[Stretch] = []
    for start, end in pairwise(cuts):
        over = [(m, s) for m, s in placed if s.start <= start and end <= s.end]
        ends = tuple(m for m, s in over if s.end == end)
        found.append(Stretch(text[start:end], tuple(m for m, _ in over), ends))
    return found


def _within(span: Span, text: str) -> Span:
    return Span(min(span.start, len(text)), min(span.end, len(text)))


def _place(span: Span | None) -> tuple[bool, int, int]:
    return (True, 0, 0) if span is None else (False, span.start, -span.end)
