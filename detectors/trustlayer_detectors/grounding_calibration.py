"""From what was measured on an answer to the probability that it is unsupported.

Two logistic regressions, one for sentences and one for answers, fitted on rows that the
models never saw (training/calibration.py); their coefficients lie in weights/grounding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from trustlayer_detectors._models import weights
from trustlayer_detectors._models.sessions import Floats


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression over named features."""

    weights: Mapping[str, float]
    bias: float

    def __call__(self, features: Mapping[str, Floats]) -> Floats:
        """Return the probability of each row."""
        total = sum(weight * features[name] for name, weight in self.weights.items())
        return np.asarray(1 / (1 + np.exp(-np.clip(total + self.bias, -30, 30))), np.float32)


@dataclass(frozen=True, slots=True)
class Calibration:
    """How features become risks, and the default limit on an answer's risk."""

    sentence: Logistic
    answer: Logistic
    limit: float


@lru_cache
def calibration() -> Calibration:
    """Return the bundled calibration."""
    found: dict[str, Any] = json.loads((weights("grounding") / "calibration.json").read_text())
    return Calibration(
        Logistic(**found["sentence"]), Logistic(**found["answer"]), float(found["limit"])
    )


def top_mean(values: Floats, most: int) -> float:
    """Return the mean of the *most* largest of *values*, or of all; 0 without any."""
    return float(np.mean(np.sort(values)[-most:])) if len(values) else 0.0
