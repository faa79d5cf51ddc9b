"""What is measured on a sentence, and on an answer, before it becomes a risk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from trustlayer import Exchange, Span
from trustlayer_detectors._models.entailment import (
    CONTRADICT,
    ENTAIL,
    MOST_BEFORE,
    Judgement,
    Pair,
)
from trustlayer_detectors._models.pieces import Pieces
from trustlayer_detectors._models.sessions import Floats
from trustlayer_detectors.grounding_evidence import choose, leans
from trustlayer_detectors.grounding_reading import read, texts

EVIDENCE = 128  # word pieces of context that are read beside a sentence
FLOOR = 0.1
_NOTHING = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """One sentence of an answer, ready to be judged; *excess* is novelty times rarity."""

    span: Span
    pieces: Pieces
    excess: Floats
    rarity: Floats
    pair: Pair


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """One sentence of an answer: how novel its words are, and what the cross-encoder says."""

    draft: Draft
    judgement: Judgement

    def joint(self) -> Floats:
        """Return for each word piece how far both models doubt it: the product.

        What the context lacks counts a little also where the cross-encoder sees no fault.
        """
        tokens = self.judgement.tokens
        return np.asarray(self.draft.excess[: len(tokens)] * (tokens + FLOOR), np.float32)


def drafts(exchange: Exchange) -> Iterator[Draft]:
    """Yield each sentence beside the context sentences that cover it best.

    A sentence that leans on the one before is read with it.
    """
    [asked] = texts([exchange.prompt])
    previous = _NOTHING
    for reading in read(exchange):
        lengths = np.array([len(sentence) for sentence in reading.context], np.int64)
        excess = reading.novelty * reading.rarity
        for span, place in zip(reading.sentences, reading.slices, strict=True):
            pieces, rarity = reading.pieces.part(place), reading.rarity[place]
            chosen = choose(reading.similarity[place], rarity, lengths, EVIDENCE)
            evidence = np.concatenate([_NOTHING, *(reading.context[number] for number in chosen)])
            led = previous if leans(span.of(exchange.answer)) else _NOTHING
            before = np.concatenate([asked.pieces.ids[:MOST_BEFORE], led])
            yield Draft(span, pieces, excess[place], rarity, Pair(pieces.ids, before, evidence))
            previous = pieces.ids


def of_sentences(found: Sequence[Sentence]) -> dict[str, Floats]:
    """Return the features of each sentence, by name."""
    rows = [_of_sentence(sentence) for sentence in found]
    return {name: np.array([row[name] for row in rows], np.float32) for name in rows[0]}


def _of_sentence(sentence: Sentence) -> dict[str, float]:
    classes, tokens = sentence.judgement.classes, sentence.judgement.tokens
    return {
        "joint": top_mean(sentence.joint(), 4),
        "novelty": top_mean(sentence.draft.excess, 4),
        "spread": _spread([sentence]),
        "unsupported": logit(1 - float(classes[ENTAIL])),
        "contradicted": logit(float(classes[CONTRADICT])),
        "words": logit(top_mean(tokens, 4)),
    }


def of_answer(found: Sequence[Sentence], plain: float) -> dict[str, Floats]:
    """Return the features of an answer, each of shape (1,).

    *plain* is the larger risk that figures and quotations see.
    """
    excess = np.concatenate([sentence.draft.excess for sentence in found])
    tokens = np.concatenate([sentence.judgement.tokens for sentence in found])
    joint = np.concatenate([sentence.joint() for sentence in found])
    unsupported = of_sentences(found)["unsupported"]
    features = {
        "joint": top_mean(joint, 8),
        "words": logit(top_mean(tokens, 8)),
        "novelty": top_mean(excess, 8),
        "spread": _spread(found),
        "unsupported": float(np.max(unsupported)),
        "unsupported_mean": float(np.mean(unsupported)),
        "plain": plain,
    }
    return {name: np.array([value], np.float32) for name, value in features.items()}


def _spread(found: Sequence[Sentence]) -> float:
    total = sum(float(np.sum(sentence.draft.rarity)) for sentence in found)
    return sum(float(np.sum(sentence.draft.excess)) for sentence in found) / max(total, 1e-6)


def top_mean(values: Floats, most: int) -> float:
    """Return the mean of the *most* largest of *values*, or of all; 0 without any."""
    return float(np.mean(np.sort(values)[-most:])) if len(values) else 0.0


def logit(probability: float) -> float:
    """Return the log-odds, kept within about 7 either way."""
    bounded = min(max(probability, 1e-3), 1 - 1e-3)
    return float(np.log(bounded / (1 - bounded)))
