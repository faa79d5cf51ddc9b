"""Answers that people have judged, beside what detectors say of them.

A judged line is one of the contract in `lines` with ``"label"``: 1 for a bad answer, 0 for a
good one, and optionally ``"dataset"``, ``"group"`` (answers that succeed and fail together, as
those on one document), ``"model"`` (who answered), ``"propensity"`` (with which probability it
was drawn to be judged, see `trustlayer audit sample`) and ``"spans"`` (the bad parts of the answer:
``[{"start", "end"}]``, empty where there are none, left out where nobody marked them).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from trustlayer.batches import BATCH, examined
from trustlayer.errors import BadLine
from trustlayer.examination import Examination
from trustlayer.exchange import Exchange, Span
from trustlayer.finding import Detector
from trustlayer.jsonl import Fields, parse_object
from trustlayer.labelled import parse_labelled
from trustlayer.lines import ExchangeLine, exchange_of, span_of
from trustlayer.replay import parse_replay, responses

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """An answer of which people have said whether it is bad; *spans* is None if not where."""

    line: ExchangeLine
    bad: bool
    dataset: str = ""
    group: str = ""
    model: str = ""
    spans: tuple[Span, ...] | None = None
    propensity: float = 1.0


@dataclass(frozen=True, slots=True)
class Overlap:
    """Characters of one answer: *marked* by a detector, *bad* by people, and *both*."""

    both: int
    marked: int
    bad: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """People's word on one answer, and the detectors'.

    *risks* lacks the detectors that could not examine it. *length* is in characters, *novelty*
    the share of the answer's words that its context lacks: whoever beats these two knows
    something. *overlaps* are by detector, and empty where nobody marked spans. An answer weighs
    by the inverse of its *propensity*, the probability with which it was drawn to be judged.
    """

    bad: bool
    risks: Mapping[str, float]
    length: int = 0
    novelty: float = 0.0
    dataset: str = ""
    group: str = ""
    model: str = ""
    overlaps: Mapping[str, Overlap] = field(default_factory=dict[str, Overlap])
    propensity: float = 1.0


def parse_judged(raw: bytes | str, number: int = 1) -> list[JudgedLine]:
    """Read one judged line; raises BadLine."""
    fields = parse_labelled(raw, number)
    line = exchange_of(fields)
    judged = JudgedLine(
        line,
        fields.values["label"] == 1,
        _name(fields, "dataset"),
        _name(fields, "group"),
        _name(fields, "model"),
        _spans(fields, line.exchange.answer),
        _propensity(fields),
    )
    return [judged]


def parse_judged_replay(raw: bytes | str, number: int = 1) -> list[JudgedLine]:
    """Read one row of recorded answers with ``"hallucinated"`` and ``"spans"``; raises BadLine."""
    row = Fields(number, parse_object(raw, number))
    return [
        JudgedLine(
            line,
            response.whole("hallucinated") == 1,
            _name(row, "dataset"),
            row.text("source_id"),
            _name(response, "model"),
            _spans(response, line.exchange.answer),
        )
        for line, response in zip(parse_replay(raw, number), responses(row), strict=True)
    ]


def judgements(
    lines: Iterable[JudgedLine],
    detectors: Sequence[Detector],
    size: int = BATCH,
    timeout: float | None = None,
) -> Iterator[Judgement]:
    """Have *detectors* examine the answers; the texts are let go, only numbers are kept."""
    waiting: list[JudgedLine] = []

    def remembered() -> Iterator[ExchangeLine]:
        for judged in lines:
            waiting.append(judged)
            yield judged.line

    for _, found in examined(remembered(), detectors, size, timeout):
        yield judge(waiting.pop(0), found)


def judge(judged: JudgedLine, found: Examination) -> Judgement:
    """Put people's word on an answer beside what was found in it."""
    exchange = judged.line.exchange
    return Judgement(
        judged.bad,
        {name: float(finding.risk) for name, finding in found.findings.items()},
        len(exchange.answer),
        novelty(exchange),
        judged.dataset,
        judged.group,
        judged.model,
        _overlaps(judged, found),
        judged.propensity,
    )


def novelty(exchange: Exchange) -> float:
    """The share of the answer's words that occur nowhere in its context."""
    words = _WORD.findall(exchange.answer.lower())
    known = {word for text in exchange.context for word in _WORD.findall(text.lower())}
    return sum(word not in known for word in words) / max(1, len(words))


def _overlaps(judged: JudgedLine, found: Examination) -> dict[str, Overlap]:
    if judged.spans is None:
        return {}
    length = len(judged.line.exchange.answer)
    bad = _mask(judged.spans, length)
    overlaps: dict[str, Overlap] = {}
    for name, finding in found.findings.items():
        marked = _mask([e.span for e in finding.evidence if e.span is not None], length)
        both = int(np.count_nonzero(bad & marked))
        overlaps[name] = Overlap(both, int(np.count_nonzero(marked)), int(np.count_nonzero(bad)))
    return overlaps


def _mask(spans: Iterable[Span], length: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    mask = np.zeros(length, dtype=np.bool_)
    for span in spans:
        mask[span.start : span.end] = True
    return mask


def _name(fields: Fields, key: str) -> str:
    value = fields.values.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        fields.refuse(key, value, "a string or an integer")
    return str(value)


def _propensity(fields: Fields) -> float:
    if (value := fields.values.get("propensity")) is None:
        return 1.0
    propensity = fields.real("propensity", value)
    if not 0.0 < propensity <= 1.0:
        fields.refuse("propensity", value, "a probability above 0, at most 1")
    return propensity


def _spans(fields: Fields, answer: str) -> tuple[Span, ...] | None:
    if fields.values.get("spans") is None:
        return None
    items = enumerate(fields.items("spans"))
    spans = tuple(span_of(fields.within(f"spans[{n}]", item)) for n, item in items)
    for span in spans:
        if span.end > len(answer):
            found = f"a span that ends at {span.end} of an answer of {len(answer)} characters"
            raise BadLine(fields.number, found, "spans within the answer")
    return spans
