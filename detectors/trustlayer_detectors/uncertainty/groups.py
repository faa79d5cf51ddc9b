"""Puts answers of one meaning into one group, with as few passes of the entailment model as can be.

Two answers are one where each entails the other (Kuhn, Gal and Farquhar, ICLR 2023); an answer
joins the first group whose first member it is one with. That is done leader by leader, all
answers still without a group at once: the same groups and exactly the same pairs as one after
the other, in a few batches. Two things are known without a pass: answers that read the same
are one, and answers whose vectors lie far apart are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustlayer_detectors.uncertainty.answers import Reading, read, short
from trustlayer_detectors.uncertainty.likeness import (
    ENTAILED,
    Embedding,
    Entailment,
    Floats,
    Labels,
    similarity,
)

# Cosines: taking pairs below for different changed 1 % of the groups on dev, and none of texts
# of 200 words, of which it spares more than half of all pairs.
FAR, FAR_LONG = 0.7, 0.8
LONG = 100  # words


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The group of each answer, shape (n,), from 0 in order of appearance; and what it took."""

    labels: Labels
    passes: int = 0

    @property
    def count(self) -> int:
        return int(self.labels.max()) + 1 if len(self.labels) else 0


def group(
    texts: Sequence[str],
    entailment: Entailment,
    embedding: Embedding | None = None,
    question: str = "",
    *,
    far: float | None = None,
    sure: float = 0.0,
) -> Groups:
    """Group *texts*, the answers to *question*, by meaning.

    Pairs with a cosine below *far* are ruled out beforehand; without *embedding*, none are.
    The groups do not depend on the order of the texts: the commonest wordings lead. The
    entailment model reads the bare texts: with the question before both, a small one takes
    them for the same.
    """
    worded = wordings(texts, question)
    leading = [texts[int(np.flatnonzero(worded == label)[0])] for label in np.unique(worded)]
    close = None
    if embedding is not None and len(leading) > 1:
        close = similarity(embedding(leading)) >= (_far(leading) if far is None else far)
    groups = led(leading, entailment, close, sure)
    return Groups(groups.labels[worded], groups.passes)


def _far(texts: Sequence[str]) -> float:
    return FAR_LONG if np.mean([len(text.split()) for text in texts]) > LONG else FAR


def wordings(texts: Sequence[str], question: str = "") -> Labels:
    """Labels (n,) of answers that differ at most in wording: no model is needed to tell.

    Whatever its place, the commonest text is read first, then in order of the alphabet: to
    differ at most in wording is no equivalence ("Ham", "West Ham", "West").
    """
    counts = Counter(map(_key, texts))
    leaders: list[tuple[Reading, int]] = []
    labels: dict[str, int] = {}
    for key in sorted(counts, key=lambda key: (-counts[key], key)):
        reading = read(key, question) if short(key) else Reading((), frozenset(), key)
        found = next((label for leader, label in leaders if leader.same(reading)), len(leaders))
        if found == len(leaders):
            leaders.append((reading, found))
        labels[key] = found
    return np.array([labels[_key(text)] for text in texts], np.intp)


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def led(
    texts: Sequence[str],
    entailment: Entailment,
    close: npt.NDArray[np.bool_] | None = None,
    sure: float = 0.0,
) -> Groups:
    """Group *texts* in their order; pairs that are not *close* (n, n) are taken for different.

    Entailed is what is more likely entailed than anything else, and more likely than *sure*.
    """
    labels = np.full(len(texts), -1, np.intp)
    passes = 0
    while (left := np.flatnonzero(labels < 0)).size:
        leader, near = int(left[0]), left[1:]
        labels[leader] = labels.max() + 1
        if close is not None:
            near = near[close[leader, near]]
        first = texts[leader]
        there = [(first, texts[int(n)]) for n in near]
        near, forward = _entailed(there, near, entailment, sure)
        back_again = [(texts[int(n)], first) for n in near]
        near, back = _entailed(back_again, near, entailment, sure)
        labels[near] = labels[leader]
        passes += forward + back
    return Groups(labels, passes)


def _entailed(
    pairs: Sequence[tuple[str, str]], places: Labels, entailment: Entailment, sure: float
) -> tuple[Labels, int]:
    if not pairs:
        return places, 0
    found = np.asarray(entailment(pairs))
    entailed = (found.argmax(axis=1) == ENTAILED) & (found[:, ENTAILED] > sure)
    return places[entailed], len(pairs)


def entailments(texts: Sequence[str], entailment: Entailment) -> tuple[Floats, Floats]:
    """P(entailed) and P(contradicted) of all pairs, row to column, each (n, n).

    Equal texts are read once; a text entails itself.
    """
    distinct = list(dict.fromkeys(texts))
    places = np.array([distinct.index(text) for text in texts], np.intp)
    count = len(distinct)
    pairs = [(i, j) for i in range(count) for j in range(count) if i != j]
    entailed, contradicted = np.eye(count), np.zeros((count, count))
    if pairs:
        found = np.asarray(entailment([(distinct[i], distinct[j]) for i, j in pairs]), np.float64)
        rows, columns = np.array(pairs).T
        entailed[rows, columns], contradicted[rows, columns] = found[:, 0], found[:, 2]
    cross = np.ix_(places, places)
    return entailed[cross], contradicted[cross]
