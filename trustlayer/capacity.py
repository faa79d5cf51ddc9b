"""How many cores answer so many requests a second within a latency: a queueing model.

Each core examines one batch at a time; requests come as they please (Poisson) and wait in one
line. That is the M/G/k queue. Its waiting is taken to be that of M/M/k (Erlang's C formula),
drawn out or shortened by the spread of the service times (Lee and Longton 1959; Kimura 1996
finds it within a few per cent for loads that one would run):

    P(W > t) = C(k, a) exp(-2 (k - a) t / (s (1 + c²))),    a = λ s

with s the mean service time, c its coefficient of variation, λ the requests a second. The time
to an answer is the wait and the service, independent of each other in a common line.

A core that finds several requests waiting can examine them together, which costs less than one
by one: `Cost.of` is linear in the batch, and a batch as large as the line that it meets cannot
make an answer slower than the model says. Where it pays, `Plan.saturated` says how much more
than the model's load the same cores carry before the line grows without end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pvariance

MOST_CORES = 100_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What was measured: seconds of one core an answer, examined alone, and in a batch.

    *alone* are the times of single answers; *batch* answers examined together took *together*
    seconds, all of them.
    """

    alone: tuple[float, ...]
    batch: int
    together: float

    def __post_init__(self) -> None:
        if not self.alone or min(self.alone) <= 0.0 or self.batch < 1 or self.together <= 0.0:
            raise ValueError("a cost needs measured times above 0 s, of 1 answer or more")

    @property
    def mean(self) -> float:
        """Seconds an answer alone."""
        return fmean(self.alone)

    @property
    def spread(self) -> float:
        """The squared coefficient of variation of the times, c²."""
        return pvariance(self.alone) / self.mean**2

    @property
    def batched(self) -> float:
        """Seconds an answer in a batch, at most those alone."""
        return min(self.mean, self.together / self.batch)


@dataclass(frozen=True, slots=True)
class Plan:
    """What *cores* make of *rate* requests a second."""

    cost: Cost
    rate: float
    cores: int

    @property
    def load(self) -> float:
        """The share of the time that a core is busy; 1 and above, the line grows without end."""
        return self.rate * self.cost.mean / self.cores

    @property
    def saturated(self) -> float:
        """The requests a second at which the cores are busy all the time, batching."""
        return self.cores / self.cost.batched

    @property
    def waits(self) -> float:
        """The probability that a request has to wait at all."""
        return erlang_c(self.cores, self.rate * self.cost.mean)

    def within(self, seconds: float) -> float:
        """The probability of an answer within so many *seconds*."""
        if self.load >= 1.0:
            return 0.0
        return fmean(1.0 - self._waits_beyond(seconds - time) for time in self.cost.alone)

    def latency(self, share: float) -> float:
        """The seconds within which that *share* of the answers comes; infinite when overloaded."""
        if self.load >= 1.0:
            return math.inf
        low, high = 0.0, max(self.cost.alone)
        while self.within(high) < share:
            low, high = high, 2.0 * high
        while high - low > 1e-6 * high:
            middle = (low + high) / 2.0
            low, high = (middle, high) if self.within(middle) < share else (low, middle)
        return high

    def _waits_beyond(self, seconds: float) -> float:
        if seconds < 0.0:
            return 1.0
        free = self.cores - self.rate * self.cost.mean
        slope = 2.0 * free / (self.cost.mean * (1.0 + self.cost.spread))
        return self.waits * math.exp(-slope * seconds)


def erlang_c(servers: int, load: float) -> float:
    """The probability that all *servers* are busy, at an offered *load* in servers."""
    if load >= servers:
        return 1.0
    blocked = 1.0  # Erlang's B, by its recurrence, which does not overflow
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1.0 - load / servers * (1.0 - blocked))


def cores_for(cost: Cost, rate: float, seconds: float, share: float) -> Plan:
    """The fewest cores that answer *share* of *rate* requests a second within *seconds*.

    Raises ValueError where no number of them does: an answer alone takes too long.
    """
    _expect(rate, seconds, share)
    high = max(1, math.ceil(rate * cost.mean))
    while Plan(cost, rate, high).within(seconds) < share:
        if high > MOST_CORES:
            raise _too_slow(cost, seconds, share)
        high *= 2
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        enough = Plan(cost, rate, middle).within(seconds) >= share
        low, high = (low, middle) if enough else (middle, high)
    return Plan(cost, rate, high)


def _too_slow(cost: Cost, seconds: float, share: float) -> ValueError:
    alone = sum(time <= seconds for time in cost.alone) / len(cost.alone)
    return ValueError(
        f"found that a core alone gives {alone:.0%} of the answers within {seconds * 1e3:g} ms; "
        f"expected {share:.0%}: no number of cores makes one answer faster"
    )


def quantile(times: Sequence[float], share: float) -> float:
    """The time within which that *share* of *times* lies; nearest rank."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _expect(rate: float, seconds: float, share: float) -> None:
    if not (rate > 0.0 and seconds > 0.0 and 0.0 < share < 1.0):
        raise ValueError(
            f"a plan needs a rate and a latency above 0 and a share between 0 and 1, got {rate}, "
            f"{seconds}, {share}"
        )
