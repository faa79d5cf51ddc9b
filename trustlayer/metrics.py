"""Measures of how well risks tell bad answers from good ones, many resamples at a time.

Every measure takes the risks and the labels of the same answers, shape (n,), and *weights* of
shape (draws, n): how often each answer occurs in each resample. It gives one value a draw, NaN
where that is undefined, as the AUROC of answers that are all good.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Measure = Callable[[Floats, Flags, Floats], Floats]

BINS = 15  # of the calibration error, with equally many answers each
CELLS = 2_000_000  # of one block of weights, so that many answers do not fill the memory


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate, and the 95 % percentile interval of its bootstrap; NaN where undefined."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if np.isnan(self.value):
            return "-"
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


def bootstrap(
    measures: Mapping[str, Callable[[Floats], Floats]],
    groups: Sequence[str],
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """Estimate *measures*, functions of weights, by resampling whole *groups* of answers.

    Answers on one document succeed and fail together: drawing them one by one would promise
    too narrow an interval.
    """
    if not groups:
        return dict.fromkeys(measures, Interval(np.nan, np.nan, np.nan))
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    members = np.array([numbers[group] for group in groups], dtype=np.int64)
    found: dict[str, list[Floats]] = {name: [] for name in measures}
    for weights in _resamples(members, draws, np.random.default_rng(seed)):
        for name, measure in measures.items():
            found[name].append(measure(weights))
    once = np.ones((1, len(groups)))
    return {name: _interval(measures[name](once), found[name]) for name in measures}


def _interval(value: Floats, drawn: Sequence[Floats]) -> Interval:
    known = np.concatenate([np.empty(0), *drawn])
    known = known[~np.isnan(known)]
    if np.isnan(value[0]) or not len(known):
        return Interval(float(value[0]), np.nan, np.nan)
    low, high = np.percentile(known, [2.5, 97.5])
    return Interval(float(value[0]), float(low), float(high))


def auroc(risks: Floats, bad: Flags, weights: Floats) -> Floats:
    """The probability that a bad answer has the higher risk, ties counting half."""
    hits, alarms = above(risks, bad, weights)
    steps = np.diff(alarms, axis=1, prepend=0.0)
    before = np.concatenate([np.zeros((len(hits), 1)), hits[:, :-1]], axis=1)
    area = np.sum(steps * (hits + before) / 2.0, axis=1)
    return ratio(area, hits[:, -1] * alarms[:, -1])


def auroc_within(pieces: Sequence[Flags], risks: Floats, bad: Flags, weights: Floats) -> Floats:
    """The AUROC over those pairs alone that lie within one of the *pieces*."""
    area, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for piece in pieces:
        inside = weights[:, piece]
        bad_here = bad[piece].astype(float)
        here = (inside @ bad_here) * (inside @ (1.0 - bad_here))
        area += here * np.nan_to_num(auroc(risks[piece], bad[piece], inside))
        pairs += here
    return ratio(area, pairs)


def auprc(risks: Floats, bad: Flags, weights: Floats) -> Floats:
    """The average precision; what is drawn at random has the share of bad answers."""
    hits, alarms = above(risks, bad, weights)
    steps = np.diff(hits, axis=1, prepend=0.0)
    precision = np.divide(hits, hits + alarms, out=np.zeros_like(hits), where=hits + alarms > 0)
    return ratio(np.sum(steps * precision, axis=1), hits[:, -1])


def f1_above(limit: float) -> Measure:
    """F1 of "the risk is above *limit*"."""

    def f1(risks: Floats, bad: Flags, weights: Floats) -> Floats:
        above = risks > limit
        hits = weights @ (above & bad).astype(float)
        return ratio(2.0 * hits, weights @ above.astype(float) + weights @ bad.astype(float))

    return f1


def balanced_accuracy_above(limit: float) -> Measure:
    """The mean of the shares of bad answers above *limit* and of good ones below."""

    def balanced_accuracy(risks: Floats, bad: Flags, weights: Floats) -> Floats:
        above = risks > limit
        caught = ratio(weights @ (above & bad).astype(float), weights @ bad.astype(float))
        spared = ratio(weights @ (~above & ~bad).astype(float), weights @ (~bad).astype(float))
        return (caught + spared) / 2.0

    return balanced_accuracy


def calibration_error(risks: Floats, bad: Flags, weights: Floats) -> Floats:
    """The expected calibration error over bins of equal count (arXiv 1706.04599).

    The bins are those of the answers as given, the same for every draw.
    """
    bins = calibration_bins(risks)
    gaps = weights * (bad - risks)
    sums = np.stack([np.abs(gaps[:, bins == b].sum(axis=1)) for b in np.unique(bins)])
    return ratio(sums.sum(axis=0), weights.sum(axis=1))


def calibration_bins(risks: Floats) -> npt.NDArray[np.int64]:
    """The bin of each risk; equal risks share one."""
    edges = np.quantile(risks, np.linspace(0.0, 1.0, BINS + 1)[1:-1])
    return np.searchsorted(np.unique(edges), risks, side="left").astype(np.int64)


def above(risks: Floats, bad: Flags, weights: Floats) -> tuple[Floats, Floats]:
    """Bad and good answers at or above each distinct risk, from the highest down.

    It is fastest where the risks fall already.
    """
    if np.any(np.diff(risks) > 0):
        order = np.argsort(-risks, kind="stable")
        risks, bad, weights = risks[order], bad[order], weights[:, order]
    last = np.flatnonzero(np.append(np.diff(risks) != 0, True))
    hits: Floats = np.cumsum(weights * bad, axis=1)[:, last]
    alarms: Floats = np.cumsum(weights * ~bad, axis=1)[:, last]
    return hits, alarms


def ratio(over: Floats, under: Floats) -> Floats:
    """The quotients, NaN where there is nothing to divide by."""
    quotients: Floats = np.divide(over, under, out=np.full(len(over), np.nan), where=under > 0)
    return quotients


def _resamples(
    members: npt.NDArray[np.int64], draws: int, source: np.random.Generator
) -> Iterator[Floats]:
    groups = int(members.max(initial=0)) + 1
    block = max(1, CELLS // max(len(members), groups))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        chosen = source.integers(groups, size=(size, groups)) + groups * np.arange(size)[:, None]
        counts = np.bincount(chosen.ravel(), minlength=size * groups).reshape(size, groups)
        yield counts[:, members].astype(np.float64)
