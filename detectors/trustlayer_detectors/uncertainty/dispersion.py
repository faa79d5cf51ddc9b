"""Uncertainty from vectors of whole answers: how far they lie apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trustlayer_detectors.uncertainty.likeness import similarity


def distance(answer: npt.ArrayLike, samples: npt.ArrayLike) -> float:
    """Half of one minus the mean cosine of the *answer* (w,) to the *samples* (n, w): [0, 1].

    One minus the cosine measure of Bouchard and Chauhan, "UQ for Language Models" (uqlm), 2025.
    """
    cosines = similarity(np.vstack([np.asarray(answer), np.asarray(samples)]))[0, 1:]
    return float(np.clip(0.5 - cosines.mean() / 2.0, 0.0, 1.0))


def dispersion(vectors: npt.ArrayLike) -> float:
    """One minus the mean cosine of all pairs among *vectors* (n, w): [0, 2], 0 for n < 2."""
    found = similarity(np.asarray(vectors))
    count = len(found)
    if count < 2:
        return 0.0
    pairs = found[np.triu_indices(count, 1)]
    return float(np.clip(1.0 - pairs.mean(), 0.0, 2.0))
