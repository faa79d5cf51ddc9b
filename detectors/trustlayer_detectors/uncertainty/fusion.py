"""From the signs of doubt to one probability that the answer is wrong.

A logistic regression for each kind of answer, with a column that says of each sign whether it
was there: a missing one is information, not a zero. Its few coefficients were chosen, not
fitted by a program: see weights/uncertainty/card.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import exp
from typing import Any

from trustlayer_detectors.uncertainty.signals import Kind, Signals


@dataclass(frozen=True, slots=True)
class Column:
    """What a sign adds to the logit: *weight* times its value, or *absent* when it is not there."""

    weight: float
    absent: float


@dataclass(frozen=True, slots=True)
class Fusion:
    """The logistic regression for one kind of answer."""

    bias: float
    columns: Mapping[str, Column]

    def logit(self, values: Mapping[str, float]) -> float:
        """The log-odds that an answer with these signs is wrong."""
        return self.bias + sum(
            column.weight * values[name] if name in values else column.absent
            for name, column in self.columns.items()
        )

    def risk(self, values: Mapping[str, float]) -> float:
        """The probability that an answer with these signs is wrong: (0, 1)."""
        return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, self.logit(values)))))


def fused(found: Signals) -> float:
    """The probability that the answer is wrong, by the bundled coefficients."""
    return bundled()[found.kind].risk(found.values)


@lru_cache
def bundled() -> Mapping[Kind, Fusion]:
    """The coefficients that come with the package."""
    path = files("trustlayer_detectors") / "weights" / "uncertainty" / "fusion.json"
    kinds: dict[str, Any] = json.loads(path.read_text("utf-8"))["kinds"]
    return {Kind(name): _fusion(row) for name, row in kinds.items()}


def _fusion(row: Mapping[str, Any]) -> Fusion:
    columns = {name: Column(*pair) for name, pair in row["columns"].items()}
    return Fusion(float(row["bias"]), columns)
