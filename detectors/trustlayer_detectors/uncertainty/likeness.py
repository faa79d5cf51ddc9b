"""What the estimators need of a model: how texts follow from one another, and how alike they are.

Both are plain functions, so that any model will do; the bundled ones are loaded on first use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

ENTAILED, NEUTRAL, CONTRADICTED = 0, 1, 2  # columns


class Entailment(Protocol):
    """Natural language inference on pairs of texts."""

    def __call__(self, pairs: Sequence[tuple[str, str]], /) -> npt.NDArray[np.floating]:
        """For (premise, hypothesis) pairs: P(entailed, neutral, contradicted), shape (n, 3)."""
        ...


class Embedding(Protocol):
    """Vectors of whole texts."""

    def __call__(self, texts: Sequence[str], /) -> npt.NDArray[np.floating]:
        """One unit vector for each text, shape (n, width)."""
        ...


def similarity(vectors: npt.NDArray[np.floating]) -> Floats:
    """Cosines of all pairs of rows, shape (n, n), in [-1, 1]; a row of 0 is like itself alone."""
    found = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    unit = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
    cosines: Floats = np.clip(unit @ unit.T, -1.0, 1.0)
    np.fill_diagonal(cosines, 1.0)
    return cosines
