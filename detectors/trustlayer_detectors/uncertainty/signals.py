"""Every sign of doubt that an exchange shows, by name: each in [0, 1], and 1 is the worst."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from trustlayer import Exchange, Span
from trustlayer_detectors._sentences import split
from trustlayer_detectors.uncertainty import dispersion, entropy, repetition, tokens
from trustlayer_detectors.uncertainty.answers import PHRASE, read
from trustlayer_detectors.uncertainty.groups import Groups, group, wordings
from trustlayer_detectors.uncertainty.likeness import Floats, Labels
from trustlayer_detectors.uncertainty.models import Models
from trustlayer_detectors.uncertainty.prompts import difficulty, proportions

SURE = 0.7  # of bare names a small model says too easily that one entails the other
NEAREST = 2  # sentences of a sample that a sentence of the answer is held against
FEW = 80  # words
BULKY = 12  # characters of an amount


class Kind(StrEnum):
    """What sort of answer it is, which decides on what its repetition can be seen."""

    AMOUNT = "amount"  # a number, perhaps with a unit: compared exactly
    SHORT = "short"  # a name or a phrase: compared by its words, and by meaning
    LONG = "long"  # a sentence or a few: compared by meaning, as a whole and one by one
    TEXT = "text"  # more than that: no two say the same throughout, so one by one only

    @property
    def sentences(self) -> bool:
        return self in (Kind.LONG, Kind.TEXT)


@dataclass(frozen=True, slots=True, eq=False)
class Sentences:
    """The sentences of an answer and how little the samples bear out each: (m,) in [0, 1].

    *contradicted*, *refuted* and *rare* are three signs of that, for which see `repetition`;
    *unshared* is a fourth, of the mere words. Without sentences to tell apart there is only
    the last.
    """

    spans: Sequence[Span]
    unshared: Floats
    contradicted: Floats | None = None
    refuted: Floats | None = None
    rare: Floats | None = None

    @property
    def risks(self) -> Floats:
        """One sign of the three; the samples that come nearest count most."""
        if self.contradicted is None or self.refuted is None or self.rare is None:
            return self.unshared
        together = self.contradicted + 2.0 * self.refuted + 0.5 * self.rare
        return np.asarray(together / 3.5, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """The signs of doubt of one exchange; a sign that cannot be had is not there.

    *labels* are the groups of the answer and its samples, in this order.
    """

    kind: Kind
    values: Mapping[str, float]
    labels: Labels | None = None
    sentences: Sentences | None = None


def kind_of(answer: str) -> Kind:
    reading = read(answer)
    if reading.amounts and not reading.words:
        return Kind.AMOUNT
    count = len(answer.split())
    return Kind.SHORT if count <= PHRASE else Kind.LONG if count <= FEW else Kind.TEXT


def signals(exchange: Exchange, models: Models) -> Signals:
    """Read everything that *exchange* offers; the models are asked only where they can tell."""
    kind = kind_of(exchange.answer)
    values = _from_prompt(exchange.prompt) | _from_tokens(exchange)
    if kind is Kind.AMOUNT:
        values["bulk"] = min(len(exchange.answer.strip()), BULKY) / BULKY
    if not exchange.samples:
        return Signals(kind, values)
    labels = wordings([exchange.answer, *exchange.samples], exchange.prompt)
    values["variety"] = entropy.relative_entropy(labels)
    if kind is not Kind.TEXT:
        # Of short answers the words tell more than the small model does.
        labels = grouped(exchange, kind, models).labels if kind is Kind.LONG else labels
        values |= _from_groups(labels, exchange)
    if kind is Kind.AMOUNT:
        return Signals(kind, values, labels)
    sentences = repeated(exchange, kind, models)
    values |= _from_texts(exchange, sentences, models)
    return Signals(kind, values, labels, sentences if kind.sentences else None)


def grouped(exchange: Exchange, kind: Kind, models: Models) -> Groups:
    """Group the answer and its samples by meaning, the answer first."""
    texts = [exchange.answer, *exchange.samples]
    if kind is Kind.AMOUNT:
        return Groups(wordings(texts, exchange.prompt))
    sure = SURE if kind is Kind.SHORT else 0.0
    return group(texts, models.entailment, models.embedding, exchange.prompt, sure=sure)


def repeated(exchange: Exchange, kind: Kind, models: Models) -> Sentences:
    """How little the samples repeat each sentence of the answer."""
    if not kind.sentences:
        words = _words([exchange.answer], exchange.samples)
        return Sentences([Span(0, len(exchange.answer))], repetition.unshared(*words))
    spans = split(exchange.answer)
    return unrepeated(spans, [s.of(exchange.answer) for s in spans], exchange.samples, models)


def unrepeated(
    spans: Sequence[Span], texts: Sequence[str], samples: Sequence[str], models: Models
) -> Sentences:
    """How little the *samples* bear out the *texts* of m sentences at *spans*."""
    found = repetition.read_against(texts, samples, models.entailment, NEAREST)
    words = list(_words(texts, samples))
    return Sentences(
        spans,
        repetition.unshared(*words),
        repetition.contradiction(found),
        repetition.refuted(found),
        repetition.rarity(*words),
    )


def _words(*lists: Sequence[str]) -> Iterator[list[list[str]]]:
    return ([repetition.words(text) for text in texts] for texts in lists)


def _from_prompt(prompt: str) -> dict[str, float]:
    if not prompt.strip():
        return {}
    return {"difficulty": difficulty(prompt), "proportions": proportions(prompt)}


def _from_texts(exchange: Exchange, sentences: Sentences, models: Models) -> dict[str, float]:
    vectors = np.asarray(models.embedding([exchange.answer, *exchange.samples]))
    values = {
        "unshared": float(sentences.unshared.mean()),
        "distance": dispersion.distance(vectors[0], vectors[1:]),
        "scatter": dispersion.dispersion(vectors) / 2.0,
    }
    for name in ("contradicted", "refuted", "rare"):
        found: Floats | None = getattr(sentences, name)
        if found is not None:
            values[name] = float(found.mean())
    return values


def sequence_logprobs(exchange: Exchange) -> list[float] | None:
    """The length-normalised log-probabilities of the answer and its samples, if all are known."""
    rows = [exchange.logprobs, *exchange.sample_logprobs]
    if not all(rows) or len(rows) <= len(exchange.samples):
        return None
    return [-tokens.surprise(row) for row in rows if row]


def _from_groups(labels: Labels, exchange: Exchange) -> dict[str, float]:
    return {
        "disagreement": entropy.disagreement(labels[1:] == labels[0]),
        "rival": entropy.rivalry(labels),
        "entropy": entropy.relative_entropy(labels, sequence_logprobs(exchange)),
    }


def _from_tokens(exchange: Exchange) -> dict[str, float]:
    values: dict[str, float] = {}
    if exchange.logprobs:
        values["doubt"] = tokens.mean_doubt(exchange.logprobs)
        values["weakest"] = tokens.worst_doubt(exchange.logprobs)
    rows = [token.alternatives for token in exchange.tokens if len(token.alternatives) > 1]
    if rows:
        values["wavering"] = tokens.relative_alternatives_entropy(rows)
    return values
