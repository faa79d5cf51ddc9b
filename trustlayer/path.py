"""A one-dimensional path of limits for several detectors, from strict to permissive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trustlayer.binomial import tail
from trustlayer.policy import Policy

ANCHORS = (0.5, 0.7, 0.8, 0.9, 0.95)  # quantiles of a detector's risks, tried as its limit
LIKELY = 0.3  # the p-value at which a point of the tuning split counts as promising

Risks: TypeAlias = npt.NDArray[np.float64]  # answers by detectors; infinite where unexamined
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Path:
    """Points on the scale of `Policy.risk`, whose anchors are that policy's limits."""

    policy: Policy
    names: tuple[str, ...]
    points: tuple[float, ...] = ()

    def levels(self, risks: Risks) -> npt.NDArray[np.float64]:
        """The level at which each answer is accepted; infinite for one left unexamined."""
        limits = np.array([self.policy.limit_of(name) for name in self.names])
        below = 0.5 * risks / np.maximum(limits, 1e-12)
        above = 0.5 + 0.5 * (risks - limits) / np.maximum(1.0 - limits, 1e-12)
        levels: npt.NDArray[np.float64] = np.where(risks <= limits, below, above).max(axis=1)
        return levels

    def limits(self, point: int) -> dict[str, float]:
        return self.limits_at(self.points[point])

    def limits_at(self, level: float) -> dict[str, float]:
        return self.policy.limits_at(level, self.names)

    def accepts(self, point: int, risks: Risks) -> Flags:
        """Which answers the limits at *point* accept, decided as a policy would."""
        limits = np.array(list(self.limits(point).values()))
        return np.asarray((risks <= limits).all(axis=1))


def best_path(risks: Risks, bad: Flags, names: Sequence[str], risk: float, steps: int) -> Path:
    """The path that promises to accept most at *risk*, by what the tuning split tells."""
    anchors = np.array([_quantile(column, 0.8) for column in risks.T])
    if len(names) > 1:
        anchors = _descend(risks, bad, names, risk, anchors)
    path = _path(names, anchors)
    return Path(path.policy, path.names, _points(path.levels(risks), steps))


def _descend(risks: Risks, bad: Flags, names: Sequence[str], risk: float, anchors: Risks) -> Risks:
    """Improve one detector's anchor after the other; 1.0 leaves a detector out."""
    best = _promise(_path(names, anchors).levels(risks), bad, risk)
    for column in [*range(len(names))] * 2:
        for anchor in [*(_quantile(risks[:, column], q) for q in ANCHORS), 1.0]:
            tried = anchors.copy()
            tried[column] = anchor
            promise = _promise(_path(names, tried).levels(risks), bad, risk)
            if promise > best:
                best, anchors = promise, tried
    return anchors


def _promise(levels: Risks, bad: Flags, risk: float) -> int:
    """How many answers can be accepted before the risk seems to be too high."""
    order = np.argsort(levels, kind="stable")
    errors = np.cumsum(bad[order])
    counts = np.arange(1, len(order) + 1)
    for count in counts[errors <= risk * counts][::-1]:
        if tail(int(errors[count - 1]), int(count), risk) <= LIKELY:
            return int(count)
    return 0


def _points(levels: Risks, steps: int) -> tuple[float, ...]:
    finite = np.sort(levels[np.isfinite(levels)])
    if not len(finite):
        return (1.0,)
    quantiles = np.quantile(finite, np.linspace(0.0, 1.0, steps), method="higher")
    return tuple(float(v) for v in np.unique(np.append(np.minimum(quantiles, 1.0), 1.0)))


def _quantile(column: Risks, share: float) -> float:
    finite = column[np.isfinite(column)]
    return float(np.quantile(finite, share)) if len(finite) else 0.5


def _path(names: Sequence[str], anchors: Risks) -> Path:
    limits = {name: float(anchor) for name, anchor in zip(names, anchors, strict=True)}
    return Path(Policy(limits=limits), tuple(names))
