"""Uncertainty from the log-probabilities of an answer's tokens, natural logarithms throughout.

The plain ones are the baselines of Malinin and Gales (ICLR 2021, arXiv 2002.07650) and of
Fadeeva et al., "LM-Polygraph", EMNLP 2023; all are 0 for a model that was certain throughout.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trustlayer import Span, Token

WEAKEST = 5  # tokens to a stretch that is looked at on its own


def surprise(logprobs: npt.ArrayLike) -> float:
    """The mean of minus the log-probability, the log of the perplexity: [0, inf)."""
    return float(-np.mean(np.asarray(logprobs, np.float64)))


def perplexity(logprobs: npt.ArrayLike) -> float:
    """How many tokens the model wavered between, on geometric average: [1, inf)."""
    return float(np.exp(surprise(logprobs)))


def sequence_surprise(logprobs: npt.ArrayLike) -> float:
    """Minus the log-probability of the whole answer: [0, inf); it grows with its length."""
    return float(-np.sum(np.asarray(logprobs, np.float64)))


def mean_doubt(logprobs: npt.ArrayLike) -> float:
    """One minus the length-normalised probability of the answer, exp(mean log): [0, 1]."""
    return float(-np.expm1(-surprise(logprobs)))


def worst_doubt(logprobs: npt.ArrayLike) -> float:
    """One minus the probability of the least likely token: [0, 1].

    Manakul et al., "SelfCheckGPT", EMNLP 2023 (arXiv 2303.08896), Max(-log p).
    """
    return float(-np.expm1(np.min(np.asarray(logprobs, np.float64))))


def alternatives_entropy(alternatives: Sequence[npt.ArrayLike]) -> float:
    """The mean over the tokens of the entropy of their likeliest alternatives: [0, ln k].

    Each row holds the log-probabilities of the k likeliest; they are normalised to 1.
    """
    return float(np.mean([_entropy(np.asarray(row, np.float64)) for row in alternatives]))


def relative_alternatives_entropy(alternatives: Sequence[npt.ArrayLike]) -> float:
    """The mean over the tokens of that entropy as a share of ln k: [0, 1]; needs k > 1."""
    rows = [np.asarray(row, np.float64) for row in alternatives]
    return float(np.mean([_entropy(row) / np.log(len(row)) for row in rows]))


def margin(alternatives: Sequence[npt.ArrayLike]) -> float:
    """One minus the mean lead of the likeliest token over the next: [0, 1]; needs k > 1.

    Probability margin of Farr et al., "Red-Teaming for Uncertainty" (uqlm), turned round.
    """
    leads: list[float] = []
    for row in alternatives:
        *_, second, first = np.sort(np.exp(np.asarray(row, np.float64)))
        leads.append(float(first - second))
    return 1.0 - float(np.mean(leads))


def weakest(logprobs: Sequence[float], width: int = WEAKEST) -> tuple[int, int]:
    """Where the *width* tokens in a row stand that are least likely together: [start, end)."""
    size = min(width, len(logprobs))
    total = np.concatenate([[0.0], np.cumsum(np.asarray(logprobs, np.float64))])
    start = int(np.argmin(total[size:] - total[:-size]))
    return start, start + size


def located(answer: str, tokens: Sequence[Token], start: int, end: int) -> Span | None:
    """The stretch of *answer* that the *tokens* from *start* to *end* wrote.

    None where their texts do not make up the answer, as when it was cut out of more.
    """
    ends = np.cumsum([0, *(len(token.text) for token in tokens)])
    text = "".join(token.text for token in tokens)
    shift = text.find(answer) if answer else -1
    if shift < 0:
        return None
    first, last = (int(np.clip(ends[at] - shift, 0, len(answer))) for at in (start, end))
    inner = answer[first:last]
    first += len(inner) - len(inner.lstrip())
    last -= len(inner) - len(inner.rstrip())
    return Span(first, last) if first < last else None


def _entropy(logprobs: npt.NDArray[np.float64]) -> float:
    weights = np.exp(logprobs - logprobs.max())
    probabilities = weights / weights.sum()
    positive = probabilities[probabilities > 0.0]
    return max(0.0, float(-(positive * np.log(positive)).sum()))
