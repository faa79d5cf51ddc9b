"""Exact binomial bounds."""

from __future__ import annotations

import math


def tail(errors: int, trials: int, rate: float) -> float:
    """The probability of at most *errors* in *trials* that each err with probability *rate*.

    It is the exact p-value for "the true rate exceeds *rate*".
    """
    if errors >= trials or rate <= 0.0:
        return 1.0
    if rate >= 1.0:
        return 0.0
    odds, rest = math.log(rate), math.log1p(-rate)
    whole = math.lgamma(trials + 1)
    logs = (
        whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * odds + (trials - k) * rest
        for k in range(errors + 1)
    )
    return min(1.0, math.fsum(map(math.exp, logs)))


def fewest(rate: float, doubt: float, errors: int = 0) -> int:
    """How many trials with no more than *errors* it takes to show a rate of at most *rate*.

    *doubt* is the probability of being wrong that is allowed, above 0.
    """
    low = high = max(1, errors + 1)
    while tail(errors, high, rate) > doubt:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if tail(errors, middle, rate) <= doubt else (middle + 1, high)
    return high
