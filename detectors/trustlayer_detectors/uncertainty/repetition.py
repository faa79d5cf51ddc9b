"""Whether the samples repeat each sentence of an answer: what is made up differs each time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustlayer_detectors._sentences import split
from trustlayer_detectors.uncertainty.likeness import (
    CONTRADICTED,
    ENTAILED,
    Entailment,
    Floats,
)

_WORD = re.compile(r"\w+|[^\w\s]")


def contradiction(probabilities: npt.ArrayLike) -> Floats:
    """How far the samples contradict each of m sentences: (m,) in [0, 1].

    SelfCheck-NLI of Manakul et al., "SelfCheckGPT", EMNLP 2023 (arXiv 2303.08896): the mean
    over the samples of P(contradicted) where only that and P(entailed) are possible.
    *probabilities* (m, n, 3) are those of sentence and sample being entailed, neutral,
    contradicted.
    """
    found = np.asarray(probabilities, np.float64)
    for_it, against = found[..., ENTAILED], found[..., CONTRADICTED]
    total = for_it + against
    share = np.divide(against, total, out=np.full_like(total, 0.5), where=total > 0)
    return np.asarray(share.mean(axis=-1), np.float64)


def unsupported(probabilities: npt.ArrayLike) -> Floats:
    """How far the samples fail to entail each of m sentences: (m,) in [0, 1].

    The mean over the samples of 1 - P(entailed), as LUQ has it (Zhang et al., EMNLP 2024).
    """
    found = np.asarray(probabilities, np.float64)
    return np.asarray(1.0 - found[..., ENTAILED].mean(axis=-1), np.float64)


def refuted(probabilities: npt.ArrayLike) -> Floats:
    """How far even the three samples that bear out each of m sentences most do not: (m,), [0, 1].

    One minus the mean of the three largest P(entailed), or of all where there are fewer.
    """
    found = np.asarray(probabilities, np.float64)
    return np.asarray(1.0 - np.sort(found[..., ENTAILED], axis=-1)[..., -3:].mean(axis=-1))


def read_against(
    sentences: Sequence[str],
    samples: Sequence[str],
    entailment: Entailment,
    nearest: int | None = None,
) -> Floats:
    """The probabilities for each of m *sentences* given each of n *samples*: (m, n, 3).

    Of a sample only the *nearest* sentences are read, those that share most rare words: in a
    long text the small model would not find them. None reads samples whole.
    """
    distinct = list(dict.fromkeys(samples))
    parts = _Parts.of(distinct) if nearest else None
    pairs = [
        (text, sentence)
        for sentence in sentences
        for text in (parts.nearest(sentence, nearest) if parts and nearest else distinct)
    ]
    if not pairs:
        return np.zeros((len(sentences), len(samples), 3))
    found = np.asarray(entailment(pairs), np.float64).reshape(len(sentences), len(distinct), 3)
    return found[:, [distinct.index(sample) for sample in samples]]


@dataclass(frozen=True, slots=True)
class _Parts:
    """The sentences of each sample, and how many of all sentences hold a word."""

    samples: Sequence[Sequence[str]]
    words: Sequence[Sequence[frozenset[str]]]
    held: Mapping[str, int]

    @classmethod
    def of(cls, samples: Sequence[str]) -> _Parts:
        cut = [[span.of(text) for span in split(text)] or [text] for text in samples]
        held = [[frozenset(words(part)) for part in parts] for parts in cut]
        return cls(cut, held, Counter(w for row in held for part in row for w in part))

    def nearest(self, sentence: str, most: int) -> list[str]:
        """From each sample the *most* sentences that share most with *sentence*, in their order."""
        weights = {word: self._rarity(word) for word in words(sentence) if word.isalnum()}
        return [
            " ".join(parts[place] for place in _largest([_shared(p, weights) for p in held], most))
            for parts, held in zip(self.samples, self.words, strict=True)
        ]

    def _rarity(self, word: str) -> float:
        count = sum(map(len, self.words))
        return float(np.log((count + 1.0) / (self.held.get(word, 0) + 0.5)))


def _shared(part: frozenset[str], weights: Mapping[str, float]) -> float:
    return sum(weight for word, weight in weights.items() if word in part)


def _largest(values: Sequence[float], most: int) -> list[int]:
    places = sorted(range(len(values)), key=lambda place: (-values[place], place))
    return sorted(places[:most])


def words(text: str) -> list[str]:
    """The words and marks of *text*, in lower case."""
    return _WORD.findall(text.casefold())


def rarest(sentences: Sequence[Sequence[str]], samples: Sequence[Sequence[str]]) -> Floats:
    """Minus the log-probability of the rarest word of each sentence: (m,) in [0, inf).

    SelfCheck-unigram (Max) of the same paper: the unigram model is counted on the samples and
    the sentences, all given as words.
    """
    counts = Counter(word for text in [*samples, *sentences] for word in text)
    total = counts.total()
    return np.array(
        [max((-np.log(counts[word] / total) for word in text), default=0.0) for text in sentences]
    )


def rarity(sentences: Sequence[Sequence[str]], samples: Sequence[Sequence[str]]) -> Floats:
    """The same on a scale that does not depend on the amount of text: (m,) in [0, 1].

    1 for a sentence with a word that stands nowhere else, 0 where each word stands at least
    as often as there are texts. Short words, numbers aside, do not count.
    """
    counts = Counter(word for text in [*samples, *sentences] for word in text)
    count = len(samples) + 1
    rarest = [min((counts[w] for w in t if _tells(w)), default=count) for t in sentences]
    relative = np.log(np.array(rarest)) / np.log(max(2, count))
    return np.asarray(np.clip(1.0 - relative, 0.0, 1.0), np.float64)


def _tells(word: str) -> bool:
    return len(word) > 3 or not word.isascii() or any(map(str.isdigit, word))


def unshared(sentences: Sequence[Sequence[str]], samples: Sequence[Sequence[str]]) -> Floats:
    """How few samples hold the least shared words of each sentence: (m,) in [0, 1].

    The share of samples without a word, as the mean over the eight words that fewest hold.
    """
    held = Counter(word for text in samples for word in set(text))
    lacking = [np.sort([1.0 - held[word] / len(samples) for word in set(t)]) for t in sentences]
    return np.array([row[-8:].mean() if len(row) else 0.0 for row in lacking])
