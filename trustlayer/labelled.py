"""Labelled answers from JSON lines: examined here, or with their risks given.

A line is one of the contract in `lines`, or gives ``"risks": {NAME: 0..1}`` in the place of the
exchange, and has ``"label"``: 1 for a bad answer, 0 for a good one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from trustlayer.batches import examined
from trustlayer.calibration import Labelled
from trustlayer.certificate import EVERYONE
from trustlayer.examination import Examination, examine
from trustlayer.finding import Detector
from trustlayer.jsonl import Fields, parse_object
from trustlayer.lines import ExchangeLine, exchange_of
from trustlayer.segments import Segments


def parse_labelled(raw: bytes | str, number: int) -> Fields:
    """One line with its label; raises BadLine."""
    fields = Fields(number, parse_object(raw, number))
    label = fields.values.get("label")
    if isinstance(label, bool) or label not in (0, 1):
        fields.refuse("label", label, "1 for a bad answer, 0 for a good one")
    if "risks" not in fields.values:
        exchange_of(fields)
    return fields


def given_risks(lines: Sequence[Fields]) -> list[str] | None:
    """The names of the detectors whose risks are given; None unless every line gives some."""
    if not lines or not all("risks" in fields.values for fields in lines):
        return None
    return sorted({name for fields in lines for name in _risks(fields)})


def labelled(
    lines: Sequence[Fields],
    names: Sequence[str],
    detectors: Sequence[Detector] = (),
    group_by: str | None = None,
    *,
    streamed: bool = False,
) -> list[Labelled]:
    """The labelled answers of *lines*, in order; raises BadLine.

    Risks that a line gives are taken as they stand; the other lines are examined with
    *detectors*: the whole answer, or *streamed*, each of its beginnings. *group_by* names the
    member of a line that tells its group.
    """
    asked = [exchange_of(fields) for fields in lines if "risks" not in fields.values]
    found = _streams(asked, detectors) if streamed else _wholes(asked, detectors)
    return [
        Labelled(
            {name: risk for name, risk in risks.items() if name in names},
            fields.values["label"] == 1,
            _group(fields, group_by),
        )
        for fields in lines
        for risks in [_risks(fields) if "risks" in fields.values else next(found)]
    ]


def _wholes(
    lines: Sequence[ExchangeLine], detectors: Sequence[Detector]
) -> Iterator[dict[str, float]]:
    for _, examination in examined(lines, detectors):
        yield _found(examination)


def _streams(
    lines: Sequence[ExchangeLine], detectors: Sequence[Detector]
) -> Iterator[dict[str, float]]:
    """The largest risks over the beginnings of each answer, as a stream is examined."""
    for line in lines:
        segments, exchange = Segments(), line.exchange
        sentences = segments.feed(exchange.answer) + segments.flush()
        beginnings = [replace(exchange, answer=text) for text in accumulate(sentences)]
        found = [_found(e) for e in examine(detectors, beginnings or [exchange])]
        names = [name for name in found[0] if all(name in risks for risks in found)]
        yield {name: max(risks[name] for risks in found) for name in names}


def _found(examination: Examination) -> dict[str, float]:
    return {name: finding.risk for name, finding in examination.findings.items()}


def _risks(fields: Fields) -> dict[str, float]:
    given = fields.within("risks", fields.values["risks"])
    risks = {name: given.real(name, risk) for name, risk in given.values.items()}
    for name, risk in risks.items():
        if not 0.0 <= risk <= 1.0:
            given.refuse(name, risk, "a risk in [0, 1]")
    return risks


def _group(fields: Fields, group_by: str | None) -> str:
    if group_by is None:
        return EVERYONE
    value = fields.values.get(group_by)
    if not isinstance(value, str | int):
        fields.refuse(group_by, value, "the group that --group-by asks for")
    return str(value)
