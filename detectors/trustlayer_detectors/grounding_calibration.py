"""From what was measured on an answer to the probability that it is unsupported.

Logistic regressions for sentences and for answers, fitted on rows that the models never saw
(training/calibration.py); their coefficients lie in weights/grounding. Answers to a question
and texts that answer none (summaries, claims) have one pair each: in the first word-level
features tell, in the second the judgement on whole sentences does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import numpy as np

from trustlayer_detectors._models import card, weights
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
class Risks:
    """What turns the features of a sentence, and those of an answer, into a risk.

    *curve* corrects the answer's logistic probability: pairs of (given, observed), rising,
    between which it is interpolated.
    """

    sentence: Logistic
    answer: Logistic
    curve: Sequence[tuple[float, float]] = ((0.0, 0.0), (1.0, 1.0))

    def of_answer(self, features: Mapping[str, Floats]) -> float:
        """Return the calibrated risk of one answer."""
        given, observed = np.array(self.curve).T
        return float(np.interp(self.answer(features)[0], given, observed))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How features become risks, and the default limit on an answer's risk."""

    asked: Risks
    unasked: Risks
    limit: float

    def of(self, prompt: str) -> Risks:
        """Return what fits answers to *prompt*."""
        return self.asked if prompt.strip() else self.unasked


@lru_cache
def calibration(root: str = "") -> Calibration:
    """Return the bundled calibration, or the one under *root*."""
    text = (weights("grounding", root) / "calibration.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return Calibration(_risks(found["asked"]), _risks(found["unasked"]), float(found["limit"]))


@lru_cache
def version(root: str = "") -> str:
    """Return the beginning of the hash of the weights and of the calibration."""
    text = (weights("grounding", root) / "calibration.json").read_bytes()
    model = str(card("entailment", root)["files"]["model.onnx"]["sha256"])
    return sha256(model.encode() + text).hexdigest()[:12]


def _risks(found: Mapping[str, Any]) -> Risks:
    return Risks(Logistic(**found["sentence"]), Logistic(**found["answer"]), found["curve"])
