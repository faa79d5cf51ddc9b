"""Is everything in the answer supported by its context?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trustlayer import Evidence, Exchange, Finding, Span, Unexamined
from trustlayer_detectors._models import encoder
from trustlayer_detectors._models.entailment import CONTRADICT, NEUTRAL, judge
from trustlayer_detectors._models.sessions import Floats
from trustlayer_detectors.figures import Figures
from trustlayer_detectors.grounding_calibration import Calibration, calibration, version
from trustlayer_detectors.grounding_features import (
    Sentence,
    drafts,
    of_answer,
    of_sentences,
)
from trustlayer_detectors.grounding_reading import MOST_ANSWER, texts
from trustlayer_detectors.quotations import Quotations

_TOGETHER = 16  # exchanges whose answers are read in common batches
_DOUBTFUL = 0.5  # risk of a sentence from which on it is shown as evidence
_SHOWN = 100  # pieces of evidence; more of them would help nobody
_OTHERS = (Figures(), Quotations())


@dataclass(frozen=True)
class Grounding:
    """Finds what an answer says beyond its context, or against it, with small local models.

    The risk is the calibrated probability that anything in the answer is unsupported; the
    evidence marks the doubtful words of doubtful sentences, and the figures and quotations
    that are not in the context. Needs a context, of any length. *weights* is the folder that
    `trustlayer train grounding --into` wrote, the bundled ones where it is left empty.
    """

    name: ClassVar[str] = "grounding"
    needs: ClassVar[tuple[str, ...]] = ("context",)
    weights: str = ""

    @property
    def version(self) -> str:
        """The beginning of the hash of the weights and of their calibration."""
        return version(self.weights)

    @property
    def limit(self) -> float:
        """The risk above which an answer is flagged by default, chosen on development data."""
        return calibration(self.weights).limit

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        found: list[Finding | Unexamined] = []
        for start in range(0, len(exchanges), _TOGETHER):
            found += self._together(exchanges[start : start + _TOGETHER])
        return found

    def _together(self, exchanges: Sequence[Exchange]) -> Iterator[Finding | Unexamined]:
        missing = [self._missing(exchange) for exchange in exchanges]
        findings = iter(
            self._examined([e for e, m in zip(exchanges, missing, strict=True) if m is None])
        )
        return (next(findings) if lack is None else lack for lack in missing)

    def _missing(self, exchange: Exchange) -> Unexamined | None:
        if not exchange.answer.strip():
            return Unexamined(self.name, "empty answer")
        if not any(passage.strip() for passage in exchange.context):
            return Unexamined(self.name, "no context to compare the answer with")
        return None

    def _examined(self, exchanges: Sequence[Exchange]) -> list[Finding]:
        # Read ahead in one batch; the windows are remembered until each answer's turn comes.
        encoder.vectors_of(
            [text.pieces.ids[:MOST_ANSWER] for text in texts([e.answer for e in exchanges])]
        )
        drafted = [list(drafts(exchange)) for exchange in exchanges]
        fitted = calibration(self.weights)
        judged = iter(judge([draft.pair for found in drafted for draft in found], self.weights))
        return [
            _finding(exchange, [Sentence(draft, next(judged)) for draft in found], fitted)
            for exchange, found in zip(exchanges, drafted, strict=True)
        ]


def _finding(exchange: Exchange, found: Sequence[Sentence], made: Calibration) -> Finding:
    others = [other for detector in _OTHERS for other in detector.examine([exchange])]
    plain = [finding for finding in others if isinstance(finding, Finding)]
    fitted = made.of(exchange.prompt)
    plainly = max((finding.risk for finding in plain), default=0.0)
    risk = fitted.of_answer(of_answer(found, plainly))
    risks = fitted.sentence(of_sentences(found))
    # An answer is never flagged without a hint where: its worst sentence is shown at least.
    shown = min(_DOUBTFUL, float(np.max(risks))) if risk > made.limit else _DOUBTFUL
    evidence = [
        *_evidence(found, risks, shown),
        *(item for finding in plain for item in finding.evidence),
    ]
    return Finding(risk, tuple(evidence[:_SHOWN]))


def _evidence(found: Sequence[Sentence], risks: Floats, shown: float) -> Iterator[Evidence]:
    for sentence, risk in zip(found, risks.tolist(), strict=True):
        if risk < shown:
            continue
        classes = sentence.judgement.classes
        against = classes[CONTRADICT] > classes[NEUTRAL]
        how = "contradicted by" if against else "not supported by"
        for span in doubtful(sentence):
            yield Evidence(f"{how} the context ({risk:.0%})", span)


def doubtful(sentence: Sentence) -> list[Span]:
    """Return the stretches of words that are at least half as doubtful as the worst one."""
    words = _words(sentence)
    worst = max((doubt for _, doubt in words), default=0.0)
    marked = [span for span, doubt in words if doubt >= worst / 2] or [sentence.draft.span]
    joined = [marked[0]]
    for span in marked[1:]:
        if span.start - joined[-1].end <= 1:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined


def _words(sentence: Sentence) -> list[tuple[Span, float]]:
    """Return the words, which are word pieces without a gap, and the doubt about each."""
    pieces, tokens = sentence.draft.pieces, sentence.judgement.tokens
    doubts = tokens + sentence.draft.excess[: len(tokens)]
    words: list[tuple[Span, float]] = []
    for start, end, doubt in zip(pieces.starts.tolist(), pieces.ends.tolist(), doubts.tolist(),
                                 strict=False):  # fmt: skip
        if words and start <= words[-1][0].end:
            words[-1] = Span(words[-1][0].start, end), max(words[-1][1], doubt)
        else:
            words.append((Span(start, end), doubt))
    return words
