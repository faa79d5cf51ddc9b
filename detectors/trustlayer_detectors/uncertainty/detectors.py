"""The detectors that need no context: what an answer's samples and probabilities tell of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from trustlayer import Evidence, Exchange, Finding, Span, Unexamined
from trustlayer_detectors._sentences import split
from trustlayer_detectors.uncertainty import entropy, repetition, tokens
from trustlayer_detectors.uncertainty.fusion import fused
from trustlayer_detectors.uncertainty.groups import wordings
from trustlayer_detectors.uncertainty.likeness import Floats, Labels
from trustlayer_detectors.uncertainty.models import Models
from trustlayer_detectors.uncertainty.signals import (
    Signals,
    grouped,
    kind_of,
    sequence_logprobs,
    signals,
)

DOUBTFUL = 0.6  # a sentence at or above it is pointed at; 88 % of those on dev were wrong
QUOTED = 60  # characters of a sample that are quoted

Found = Finding | Unexamined


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """The probability that the answer is wrong, from every sign of doubt that is there.

    Uses the exchange's samples (from one model or several), its log-probabilities, or both.
    The evidence says which signs were used, and points at what the samples do not repeat and
    at where the model hesitated.
    """

    models: Models = field(default=Models(), repr=False)
    name: ClassVar[str] = "uncertainty"
    needs: ClassVar[tuple[str, ...]] = ("samples|logprobs",)
    version: ClassVar[str] = "2"

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Found]:
        return [self._one(exchange) for exchange in exchanges]

    def _one(self, exchange: Exchange) -> Found:
        if not exchange.answer.strip():
            return Unexamined(self.name, "empty answer")
        if not exchange.samples and not exchange.logprobs:
            return Unexamined(self.name, "neither samples nor log-probabilities to judge by")
        found = signals(exchange, self.models)
        evidence = [*_elsewhere(exchange, found.labels), *_repetition(found)]
        return Finding(fused(found), (*evidence, *_hesitation(exchange), _used(exchange, found)))


@dataclass(frozen=True, slots=True)
class SemanticEntropy:
    """How evenly the answer and its samples fall into groups of different meaning.

    Kuhn, Gal and Farquhar, ICLR 2023; the risk is the entropy as a share of the largest
    possible. Sequence probabilities weigh the answers where all are known, else counts do.
    """

    models: Models = field(default=Models(), repr=False)
    name: ClassVar[str] = "semantic_entropy"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("samples",)

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Found]:
        return [self._one(exchange) for exchange in exchanges]

    def _one(self, exchange: Exchange) -> Found:
        if not exchange.samples:
            return Unexamined(self.name, "no samples to compare the answer with")
        kind = kind_of(exchange.answer)
        groups = grouped(exchange, kind, self.models)
        risk = entropy.relative_entropy(groups.labels, sequence_logprobs(exchange))
        reason = f"{len(groups.labels)} answers fall into {groups.count} meanings"
        return Finding(risk, (Evidence(reason),) if groups.count > 1 else ())


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """Which sentences the samples contradict: SelfCheck-NLI (Manakul et al., EMNLP 2023).

    The risk is the mean over the sentences; those at or above 0.6 are pointed at.
    """

    models: Models = field(default=Models(), repr=False)
    name: ClassVar[str] = "selfcheck"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("samples",)

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Found]:
        return [self._one(exchange) for exchange in exchanges]

    def _one(self, exchange: Exchange) -> Found:
        if not exchange.samples or not exchange.answer.strip():
            return Unexamined(self.name, "no samples to compare the answer with")
        spans = split(exchange.answer)
        texts = [span.of(exchange.answer) for span in spans]
        found = repetition.read_against(texts, exchange.samples, self.models.entailment)
        risks = repetition.contradiction(found)
        return Finding(float(risks.mean()), tuple(_unrepeated(spans, risks)))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of the samples say something else, by their wording and figures alone.

    No model is needed: for short answers, be they names, numbers or mathematics.
    """

    name: ClassVar[str] = "agreement"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("samples",)

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Found]:
        return [self._one(exchange) for exchange in exchanges]

    def _one(self, exchange: Exchange) -> Found:
        if not exchange.samples:
            return Unexamined(self.name, "no samples to compare the answer with")
        labels = wordings([exchange.answer, *exchange.samples], exchange.prompt)
        risk = entropy.disagreement(labels[1:] == labels[0])
        return Finding(risk, tuple(_elsewhere(exchange, labels)))


@dataclass(frozen=True, slots=True)
class Confidence:
    """One minus the length-normalised probability that the model gave its own answer."""

    name: ClassVar[str] = "confidence"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("logprobs",)

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Found]:
        return [self._one(exchange) for exchange in exchanges]

    def _one(self, exchange: Exchange) -> Found:
        if not exchange.logprobs:
            return Unexamined(self.name, "the model gave no log-probabilities")
        return Finding(tokens.mean_doubt(exchange.logprobs), tuple(_hesitation(exchange)))


def _elsewhere(exchange: Exchange, labels: Labels | None) -> list[Evidence]:
    """What the samples that disagree say instead."""
    if labels is None or not (labels[1:] != labels[0]).any():
        return []
    others = Counter(int(label) for label in labels[1:] if label != labels[0])
    label, _ = others.most_common(1)[0]
    rival = exchange.samples[int(np.flatnonzero(labels[1:] == label)[0])]
    quoted = rival if len(rival) <= QUOTED else f"{rival[:QUOTED].rstrip()}…"
    counted = f"{others.total()} of {len(exchange.samples)} further answers say something else"
    return [Evidence(f'{counted}, most often "{quoted}"')]


def _repetition(found: Signals) -> list[Evidence]:
    if found.sentences is None:
        return []
    return _unrepeated(found.sentences.spans, found.sentences.risks)


def _unrepeated(spans: Sequence[Span], risks: Floats) -> list[Evidence]:
    return [
        Evidence("the further answers do not repeat it", span)
        for span, risk in zip(spans, risks, strict=True)
        if risk >= DOUBTFUL
    ]


def _hesitation(exchange: Exchange) -> list[Evidence]:
    """Where the model was least sure, if it was worse than even there."""
    if not exchange.logprobs or tokens.worst_doubt(exchange.logprobs) < 0.5:
        return []
    start, end = tokens.weakest(exchange.logprobs)
    span: Span | None = None
    if len(exchange.tokens) == len(exchange.logprobs):
        span = tokens.located(exchange.answer, exchange.tokens, start, end)
    least = np.exp(min(exchange.logprobs[start:end]))
    return [Evidence(f"the model hesitated: a token had probability {least:.2g}", span)]


def _used(exchange: Exchange, found: Signals) -> Evidence:
    signs = ", ".join(f"{name} {value:.2f}" for name, value in found.values.items())
    lacking = [
        name
        for name, there in (("samples", exchange.samples), ("log-probabilities", exchange.logprobs))
        if not there
    ]
    return Evidence(f"judged by {signs}" + "".join(f"; without {name}" for name in lacking))
