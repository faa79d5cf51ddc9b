"""The figures on the model cards, each with a 95 % bootstrap interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

Array = npt.NDArray[Any]
Metric = Callable[[Array, Array], float]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate between the 2.5th and the 97.5th percentile of its bootstrap draws."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def as_json(self) -> dict[str, float]:
        """Return the three numbers, rounded, for card.json."""
        return {name: round(number, 4) for name, number in asdict(self).items()}


def auroc(labels: Array, risks: Array) -> float:
    """Return the area under the ROC curve, NaN when only one class is there."""
    if len(np.unique(labels)) < 2:
        return float("nan")
    return float(roc_auc_score(labels, risks))


def average_precision(labels: Array, risks: Array) -> float:
    """Return the area under the precision-recall curve."""
    return float(average_precision_score(labels, risks)) if np.any(labels) else float("nan")


def f1_above(limit: float) -> Metric:
    """Return the metric F1 of "risk > limit"."""

    def f1(labels: Array, risks: Array) -> float:
        flagged = risks > limit
        hits = float(np.sum(flagged & (labels == 1)))
        return 2 * hits / max(1.0, float(np.sum(flagged) + np.sum(labels == 1)))

    return f1


def balanced_accuracy_above(limit: float) -> Metric:
    """Return the metric balanced accuracy of "risk > limit"."""

    def balanced_accuracy(labels: Array, risks: Array) -> float:
        flagged = risks > limit
        sides = [np.mean(flagged[labels == 1]), np.mean(~flagged[labels == 0])]
        return float(np.mean(sides))

    return balanced_accuracy


def calibration_error(labels: Array, risks: Array, bins: int = 15) -> float:
    """Return the expected calibration error over bins of equal count (arXiv 1706.04599)."""
    order = np.argsort(risks, kind="stable")
    gaps = [
        abs(float(np.mean(labels[part]) - np.mean(risks[part]))) * len(part)
        for part in np.array_split(order, min(bins, len(order)))
    ]
    return sum(gaps) / len(order)


def brier(labels: Array, risks: Array) -> float:
    """Return the mean squared distance of risk and label."""
    return float(np.mean((risks - labels) ** 2))


def best_f1_limit(labels: Array, risks: Array, weights: Array | None = None) -> float:
    """Return the limit on risk at which F1 is largest, halfway between two risks."""
    order = np.argsort(-risks, kind="stable")
    each = np.ones(len(labels)) if weights is None else np.asarray(weights)
    hits = np.cumsum((labels * each)[order])
    f1 = 2 * hits / (np.cumsum(each[order]) + np.sum(labels * each))
    best = int(np.argmax(f1))
    below = risks[order[best + 1]] if best + 1 < len(order) else 0.0
    return float((risks[order[best]] + below) / 2)


def interval(
    labels: Array,
    risks: Array,
    metric: Metric,
    *,
    groups: Sequence[object] | None = None,
    clusters: Sequence[object] | None = None,
    draws: int = 1000,
    seed: int = 11,
) -> Interval:
    """Estimate *metric* and its interval.

    With *groups* it is the mean over the groups that hold both classes: which model wrote an
    answer predicts much of its label, and inside a group that is of no use. Rows that share
    one of *clusters* (answers to one question, say) are drawn together.
    """
    labels, risks = np.asarray(labels), np.asarray(risks, np.float64)
    codes = np.unique([str(g) for g in groups or [0] * len(labels)], return_inverse=True)[1]
    units = _units(clusters, len(labels))
    random = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        drawn = random.integers(0, len(units), len(units))
        rows = np.concatenate([units[unit] for unit in drawn])
        values.append(_grouped(labels[rows], risks[rows], codes[rows], metric))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Interval(_grouped(labels, risks, codes, metric), float(low), float(high))


def _units(clusters: Sequence[object] | None, rows: int) -> list[Array]:
    if clusters is None:
        return [np.array([row]) for row in range(rows)]
    codes = np.unique([str(cluster) for cluster in clusters], return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _grouped(labels: Array, risks: Array, codes: Array, metric: Metric) -> float:
    parts = [codes == code for code in np.unique(codes)]
    values = [metric(labels[part], risks[part]) for part in parts]
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
