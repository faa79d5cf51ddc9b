"""How likely a prompt is to be answered wrongly, before anything is asked.

Learned from outcomes of your own: what is hard for one model and one kind of question is not
for another, so that no coefficients come with the package.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from trustlayer_detectors.uncertainty.likeness import Embedding, Floats
from trustlayer_detectors.uncertainty.models import bundled_embedding
from trustlayer_detectors.uncertainty.prompts import difficulty, proportions

FEWEST = 20  # prompts, right and wrong ones among them
STEPS = 50
SURFACE = 3.0  # how much the two signs of the surface count beside the unit vector


@dataclass(frozen=True, slots=True)
class Forecast:
    """A logistic regression on a prompt's vector, its length and its proportions.

    What Kadavath et al. (arXiv 2207.05221) call P(IK), by a small encoder rather than by the
    model itself. Give it to a `Preflight`.
    """

    weights: tuple[float, ...] = field(repr=False)
    bias: float
    embedding: Embedding = field(default=bundled_embedding, repr=False, compare=False)

    def __call__(self, prompts: Sequence[str], /) -> list[float]:
        """The probability of a wrong answer to each prompt."""
        if not prompts:
            return []
        features = _features(prompts, self.embedding)
        if features.shape[1] != len(self.weights):
            raise ValueError(
                f"learned from {len(self.weights)} features, but this encoder gives "
                f"{features.shape[1]}: learn anew with the encoder that is to be used"
            )
        found: list[float] = _logistic(features @ np.array(self.weights) + self.bias).tolist()
        return found

    @classmethod
    def learn(
        cls,
        prompts: Sequence[str],
        wrong: Sequence[bool],
        *,
        embedding: Embedding = bundled_embedding,
        penalty: float = 1.0,
    ) -> Forecast:
        """Fit it to *prompts* whose answers were *wrong* or not; *penalty* keeps weights small.

        Raises ValueError for fewer than 20, or when all are alike.
        """
        if len(prompts) != len(wrong):
            raise ValueError(f"got {len(prompts)} prompts, but {len(wrong)} words on them")
        if len(prompts) < FEWEST or len(set(map(bool, wrong))) < 2:
            raise ValueError(
                f"it takes {FEWEST} prompts or more, with right and wrong answers among them; "
                f"got {len(prompts)}, {sum(map(bool, wrong))} of them wrong"
            )
        weights, bias = _fitted(_features(prompts, embedding), np.array(wrong, np.float64), penalty)
        return cls(tuple(weights.tolist()), bias, embedding)

    def to_json(self) -> str:
        """What `from_json` reads; the encoder is not part of it."""
        return json.dumps({"format": 1, "bias": self.bias, "weights": self.weights})

    @classmethod
    def from_json(cls, text: str, embedding: Embedding = bundled_embedding) -> Forecast:
        """Read what `to_json` wrote; raises ValueError for anything else."""
        try:
            found = json.loads(text)
            if found["format"] != 1:
                raise ValueError(f"its format is {found['format']!r}, expected 1")
            return cls(tuple(map(float, found["weights"])), float(found["bias"]), embedding)
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"this is no forecast: {type(error).__name__}: {error}") from error


def _features(prompts: Sequence[str], embedding: Embedding) -> Floats:
    vectors = np.asarray(embedding(prompts), np.float64)
    surface = [(difficulty(prompt), proportions(prompt)) for prompt in prompts]
    return np.hstack([vectors, SURFACE * np.array(surface)])


def _fitted(features: Floats, wrong: Floats, penalty: float) -> tuple[Floats, float]:
    """Newton's method on the penalised likelihood; the bias is not penalised."""
    rows = np.hstack([features, np.ones((len(features), 1))])
    keep = penalty * np.eye(rows.shape[1])
    keep[-1, -1] = 1e-6
    at = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        likely = _logistic(rows @ at)
        slope = rows.T @ (likely - wrong) + keep @ at
        bend = (rows * (likely * (1.0 - likely))[:, None]).T @ rows + keep
        step = np.linalg.solve(bend, slope)
        at -= step
        if np.abs(step).max() < 1e-8:
            break
    return at[:-1], float(at[-1])


def _logistic(logits: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0))), np.float64)
