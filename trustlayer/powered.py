"""A rate from few labels and many risks, with an interval that promises no more than it holds.

The rate of bad answers in a population is the mean risk of all of it, corrected by what the
labels say of the risks: prediction-powered inference (Angelopoulos et al., arXiv 2301.09633),
the correction being tuned to how much the risks are worth (PPI++, arXiv 2311.01453), so that
worthless risks cost nothing. Labels that were not drawn with the same probability are weighted
by its inverse (active inference, Zrnic & Candès, arXiv 2403.03208), as a ratio: the weights
sum to one. Where nearly all labels agree, a normal interval promises too much: then the exact
binomial one of the labels alone stands in its place, if they were drawn alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import NormalDist

import numpy as np

from trustlayer.binomial import tail
from trustlayer.metrics import Floats

FEWEST = 30  # labels for an interval at all
FEWEST_OF_A_KIND = 5  # bad ones, and good ones, for a normal one


@dataclass(frozen=True, slots=True)
class Audited:
    """A labelled answer: the risk it was given, whether it is bad, how probably it was drawn."""

    risk: float
    bad: bool
    propensity: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.risk <= 1.0:
            raise ValueError(f"risk must lie in [0, 1], got {self.risk}")
        if not 0.0 < self.propensity <= 1.0:
            raise ValueError(f"propensity must lie in (0, 1], got {self.propensity}")


@dataclass(frozen=True, slots=True)
class Population:
    """All answers that could have been drawn: how many, the sum of their risks, of the squares."""

    size: int
    risk: float
    risk_squared: float

    @classmethod
    def of(cls, risks: Sequence[float] | Floats) -> Population:
        known = np.asarray(risks, dtype=float)
        return cls(len(known), float(known.sum()), float((known**2).sum()))

    @property
    def mean(self) -> float:
        return self.risk / self.size if self.size else 0.0

    @property
    def variance(self) -> float:
        return max(0.0, self.risk_squared / self.size - self.mean**2) if self.size else 0.0


class Method(StrEnum):
    """Where an interval comes from."""

    POWERED = "prediction-powered"
    EXACT = "exact binomial"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rate:
    """The share of bad answers in a population; *low* and *high* are None without an interval.

    *power* is how much the risks were trusted: 0 not at all, 1 as they stand. *worth* is by
    how many times more labels the interval would have needed without them. *lacking* says why
    there is no interval; then *value*, too, is None.
    """

    population: int
    labels: int
    bad: int
    mean_risk: float | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    method: Method = Method.NONE
    power: float | None = None
    worth: float | None = None
    lacking: str = ""


def rate(audited: Sequence[Audited], population: Population, confidence: float = 0.95) -> Rate:
    """Estimate the share of bad answers in *population*, from which *audited* were drawn."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    bad = sum(one.bad for one in audited)
    counts = (max(population.size, len(audited)), len(audited), bad)
    mean = population.mean if population.size else None
    alike = len({one.propensity for one in audited}) <= 1
    kinds = min(bad, len(audited) - bad)
    if len(audited) < FEWEST or (kinds < FEWEST_OF_A_KIND and not alike):
        return Rate(*counts, mean, lacking=_lacking(len(audited), bad))
    if kinds < FEWEST_OF_A_KIND:
        low, high = exact_interval(bad, len(audited), confidence)
        return Rate(*counts, mean, bad / len(audited), low, high, Method.EXACT)
    return _powered(audited, population, confidence, counts)


def exact_interval(bad: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Clopper-Pearson interval of *bad* in *trials*, of which there must be one at least."""
    if trials < 1 or not 0 <= bad <= trials:
        raise ValueError(f"{bad} of {trials} is no share")
    if 2 * bad > trials:  # the tail sums the fewer terms
        low, high = exact_interval(trials - bad, trials, confidence)
        return 1.0 - high, 1.0 - low
    doubt = (1.0 - confidence) / 2.0
    low = 0.0 if bad == 0 else _where(lambda p: 1.0 - tail(bad - 1, trials, p) >= doubt)
    return low, _where(lambda p: tail(bad, trials, p) <= doubt)


def t_quantile(probability: float, freedom: float) -> float:
    """Student's quantile by its expansion about the normal one, for a *freedom* above 10."""
    z = NormalDist().inv_cdf(probability)
    first = (z**3 + z) / 4.0
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96.0
    return z + first / freedom + second / freedom**2


def _powered(
    audited: Sequence[Audited],
    population: Population,
    confidence: float,
    counts: tuple[int, int, int],
) -> Rate:
    risks = np.array([one.risk for one in audited])
    bad = np.array([float(one.bad) for one in audited])
    chances = np.array([one.propensity for one in audited])
    shares = (1.0 / chances) / np.sum(1.0 / chances)
    power = _power(risks, bad, shares, chances)
    value = power * population.mean + float(shares @ (bad - power * risks))
    size = counts[0]
    error = sqrt(_variance(risks, bad, shares, power, population, size))
    alone = _variance(risks, bad, shares, 0.0, population, size)
    freedom = max(10.0, 1.0 / float(np.sum(shares**2)) - 2.0)
    reach = t_quantile(0.5 + confidence / 2.0, freedom) * error
    return Rate(
        *counts,
        population.mean,
        min(1.0, max(0.0, value)),
        max(0.0, value - reach),
        min(1.0, value + reach),
        Method.POWERED,
        power,
        alone / error**2 if error else None,
    )


def _power(risks: Floats, bad: Floats, shares: Floats, chances: Floats) -> float:
    # The slope that makes the variance least; where all were labelled, risks tell nothing more.
    weights = shares * (1.0 / chances - 1.0)
    if not weights.any():
        weights = shares
    risks = risks - shares @ risks
    spread = float(weights @ risks**2)
    slope = float(weights @ (risks * (bad - shares @ bad))) / spread if spread > 1e-12 else 0.0
    return min(1.0, max(0.0, slope))  # a risk is on the scale of the rate: more would be noise


def _variance(
    risks: Floats, bad: Floats, shares: Floats, power: float, population: Population, size: int
) -> float:
    # Of a draw of the population, and of the labels out of it, linearised.
    rest = bad - power * risks
    rest = rest - shares @ rest
    count = len(risks)
    drawn = float(np.sum((shares * rest) ** 2)) * count / max(1, count - 2)
    shared = power * float(shares @ ((risks - shares @ risks) * rest))
    return max(0.0, (power**2 * population.variance + 2.0 * shared) / size + drawn)


def _where(beyond: Callable[[float], bool]) -> float:
    # The least rate at which *beyond* holds, which from there on it does.
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2.0
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return (low + high) / 2.0


def _lacking(labels: int, bad: int) -> str:
    wanted = f"{FEWEST} or more, {FEWEST_OF_A_KIND} of them bad and {FEWEST_OF_A_KIND} good"
    return f"too few labels: {labels}, of which {bad} bad; an interval takes {wanted}"
