"""Which answers to have labelled: a sample of known size, each answer's chance in it known.

The chance is the same for all, or follows the risk: an answer whose risk lies near 0.5 is worth
more labels than one that is clear (Zrnic & Candès, arXiv 2403.03208: best in proportion to the
standard deviation of what the label will say, mixed with an equal share, lest a risk that is
wrong for certain should never be found out). The draw is systematic over a random order, so
that it has exactly the size asked for (Madow 1949).
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from trustlayer.metrics import Floats

FLOOR = 0.2  # of the greatest weight: what the clearest answers keep


class Design(StrEnum):
    """What the chance of being drawn follows."""

    UNIFORM = "uniform"
    RISK = "risk"


def weights(risks: Floats, design: Design, floor: float = FLOOR) -> Floats:
    """How much each answer's label is worth, from *floor* to 1."""
    if design is Design.UNIFORM:
        return np.ones(len(risks))
    doubt: Floats = 2.0 * np.sqrt(np.clip(risks * (1.0 - risks), 0.0, 0.25))
    return floor + (1.0 - floor) * doubt


def propensities(weights: Floats, count: int) -> Floats:
    """The chances, in proportion to *weights* but at most 1, of a sample of *count*."""
    if count < 1:
        raise ValueError(f"a sample has 1 answer or more, got {count}")
    if count >= len(weights):
        return np.ones(len(weights))
    chances = np.zeros(len(weights))
    sure = np.zeros(len(weights), dtype=np.bool_)
    while True:
        left = count - int(sure.sum())
        chances = np.where(sure, 1.0, weights * (left / weights[~sure].sum()))
        if not np.any(beyond := chances > 1.0):
            return chances
        sure |= beyond


def draw(chances: Floats, seed: int) -> npt.NDArray[np.int64]:
    """The places of those drawn, in random order: whoever labels only the first biases nothing."""
    source = np.random.default_rng(seed)
    order = source.permutation(len(chances))
    ends = np.cumsum(chances[order])
    count = round(float(ends[-1])) if len(ends) else 0
    marks = source.random() + np.arange(count)
    found = np.searchsorted(ends, np.minimum(marks, ends[-1] if len(ends) else 0.0), side="left")
    picked: npt.NDArray[np.int64] = order[np.minimum(found, len(order) - 1)]
    return source.permutation(picked)
