"""Uncertainty from how answers fall into groups of one meaning; all grow with the doubt."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np
import numpy.typing as npt

from trustlayer_detectors.uncertainty.likeness import Floats, Labels


def shares(labels: Labels, logprobs: npt.ArrayLike | None = None) -> Floats:
    """The probability of each group, in order of its label, adding up to 1.

    *logprobs* are the log-probabilities of the answers (n,); without them each counts alike.
    """
    weights = np.ones(len(labels)) if logprobs is None else _weights(logprobs)
    summed = np.asarray(np.bincount(labels, weights), np.float64)
    present = summed[np.unique(labels)]
    return np.asarray(present / present.sum(), np.float64)


def semantic_entropy(labels: Labels, logprobs: npt.ArrayLike | None = None) -> float:
    """Entropy over meanings, in nats: [0, ln n] for n answers with the group *labels* (n,).

    Kuhn, Gal and Farquhar, "Semantic Uncertainty", ICLR 2023 (arXiv 2302.09664); Farquhar et
    al., Nature 630 (2024). With *logprobs* each group's probability is the sum of those of its
    answers, normalised over the groups; without, the share of its answers ("discrete").
    """
    probabilities = shares(labels, logprobs)
    positive = probabilities[probabilities > 0.0]
    return max(0.0, float(-(positive * np.log(positive)).sum()))


def sampled_semantic_entropy(labels: Labels, logprobs: npt.ArrayLike) -> float:
    """The Monte Carlo estimate of the same paper, in nats: [0, inf) for log-probabilities <= 0.

    The mean over the answers of minus the log of their group's probability, not normalised:
    what no answer covered counts as doubt, too.
    """
    given = np.asarray(logprobs, np.float64)
    groups = [np.logaddexp.reduce(given[labels == label]) for label in labels]
    return float(-np.mean(groups))


def relative_entropy(labels: Labels, logprobs: npt.ArrayLike | None = None) -> float:
    """Semantic entropy as a share of the largest possible one for as many answers: [0, 1]."""
    count = len(labels)
    return min(1.0, semantic_entropy(labels, logprobs) / log(count)) if count > 1 else 0.0


def semantic_sets(entailed: npt.ArrayLike, contradicted: npt.ArrayLike) -> int:
    """The number of meanings among n answers: [1, n].

    Lin, Trivedi and Sun, "Generating with Confidence", TMLR 2024 (arXiv 2305.19187): two
    answers are one where each entails the other more than it contradicts it, and so is what
    hangs together through others. Both matrices are (n, n): of row to column.
    """
    more = np.asarray(entailed) > np.asarray(contradicted)
    linked = more & more.T
    return int(components(linked).max()) + 1


def components(linked: npt.NDArray[np.bool_]) -> Labels:
    """Labels (n,) of what hangs together in the symmetric relation *linked* (n, n)."""
    labels = np.full(len(linked), -1, np.intp)
    for start in range(len(linked)):
        if labels[start] >= 0:
            continue
        label = labels.max() + 1
        waiting = [start]
        while waiting:
            place = waiting.pop()
            labels[place] = label
            waiting += np.flatnonzero(linked[place] & (labels < 0)).tolist()
    return labels


def disagreement(same: Sequence[bool] | npt.NDArray[np.bool_]) -> float:
    """The share of samples that do not say what the answer says: [0, 1].

    Repetition of Cole et al., "Selectively Answering Ambiguous Questions", EMNLP 2023, turned
    round. *same* (n,) tells of each sample whether it does.
    """
    return 1.0 - float(np.mean(same))


def rivalry(labels: Labels) -> float:
    """How near another meaning comes to that of the answer, whose label is the first: [0, 1].

    Half of one minus the lead of the answer's share of the samples over that of the commonest
    other one; above 0.5 another one is the commoner.
    """
    samples = labels[1:]
    others = np.bincount(samples[samples != labels[0]], minlength=1)
    return float(0.5 - (np.mean(samples == labels[0]) - others.max() / len(samples)) / 2.0)


def _weights(logprobs: npt.ArrayLike) -> Floats:
    given = np.asarray(logprobs, np.float64)
    top = given.max()
    return np.exp(given - top) if np.isfinite(top) else np.ones(len(given))
