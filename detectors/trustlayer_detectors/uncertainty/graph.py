"""Uncertainty from the graph of how alike the answers are, without cutting it into groups.

All after Lin, Trivedi and Sun, "Generating with Confidence", TMLR 2024 (arXiv 2305.19187).
*alike* is a symmetric matrix (n, n) of likenesses in [0, 1], with 1 on its diagonal.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trustlayer_detectors.uncertainty.likeness import Floats

NEAR = 0.9  # eigenvalues below it tell of groups; the paper's


def mutual(entailed: npt.ArrayLike) -> Floats:
    """Likenesses from probabilities of entailment, row to column: the mean of both ways."""
    found = np.asarray(entailed, np.float64)
    return (found + found.T) / 2.0


def eigenvalues(alike: npt.ArrayLike) -> float:
    """EigV, the number of meanings as a continuum: [1, n] for likenesses that are those of a graph.

    The sum of max(0, 1 - eigenvalue) of the normalised Laplacian.
    """
    values = np.linalg.eigvalsh(_laplacian(alike))
    return float(np.maximum(0.0, 1.0 - values).sum())


def degree(alike: npt.ArrayLike) -> float:
    """Deg, the mean of what the answers lack in likeness: [0, 1 - 1/n]."""
    found = np.asarray(alike, np.float64)
    return float(1.0 - found.sum() / len(found) ** 2)


def eccentricity(alike: npt.ArrayLike) -> float:
    """Ecc, how far the answers lie from their centre in spectral coordinates: [0, sqrt(k)].

    k is the number of eigenvalues below 0.9, at most n.
    """
    values, vectors = np.linalg.eigh(_laplacian(alike))
    kept = vectors[:, values < NEAR]
    return float(np.linalg.norm(kept - kept.mean(axis=0)))


def _laplacian(alike: npt.ArrayLike) -> Floats:
    found = np.asarray(alike, np.float64)
    scale = 1.0 / np.sqrt(found.sum(axis=1))
    laplacian: Floats = np.eye(len(found)) - found * scale[:, None] * scale[None, :]
    return laplacian
