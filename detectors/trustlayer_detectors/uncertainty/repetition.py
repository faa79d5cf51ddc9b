"""Whether the samples repeat each sentence of an answer: what is made up differs each time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

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


def read_against(
    sentences: Sequence[str], samples: Sequence[str], entailment: Entailment
) -> Floats:
    """The probabilities for each of m *sentences* given each of n *samples*: (m, n, 3)."""
    distinct = list(dict.fromkeys(samples))
    pairs = [(sample, sentence) for sentence in sentences for sample in distinct]
    if not pairs:
        return np.zeros((len(sentences), len(samples), 3))
    found = np.asarray(entailment(pairs), np.float64).reshape(len(sentences), len(distinct), 3)
    return found[:, [distinct.index(sample) for sample in samples]]


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


def unshared(sentences: Sequence[Sequence[str]], samples: Sequence[Sequence[str]]) -> Floats:
    """How few samples hold the least shared words of each sentence: (m,) in [0, 1].

    The share of samples without a word, as the mean over the eight words that fewest hold.
    """
    held = Counter(word for text in samples for word in set(text))
    lacking = [np.sort([1.0 - held[word] / len(samples) for word in set(t)]) for t in sentences]
    return np.array([row[-8:].mean() if len(row) else 0.0 for row in lacking])
