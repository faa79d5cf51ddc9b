"""An alarm when errors become more frequent than is tolerated, valid whenever one looks.

A Shiryaev-Roberts e-detector (Shin, Ramdas and Rinaldo, arXiv 2203.03532): every answer that
was audited may have been the first of a worse time, and a bet against each such time grows only
while errors are more frequent than tolerated. While they are not, the mean number of audited
answers until a false alarm is at least *run_length*, however often one looks. A single bet that
runs from the start would be as valid, and blind after a long good time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

STAKES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7)  # shares of what can be staked, in turn


@dataclass(frozen=True, slots=True)
class Step:
    """The state after one audited answer; *level* is 1.0 where the alarm is given."""

    level: float
    alarm: bool


def watch(errors: Sequence[float], tolerated: float, run_length: float) -> Iterator[Step]:
    """Follow *errors*, each 0 or more and on average the rate of errors, one after the other.

    An audited answer gives 1 if it is bad, 0 if it is good, times its weight if it was not
    drawn like the others. After an alarm the watch begins anew. Raises ValueError.
    """
    if not 0.0 < tolerated < 1.0 or run_length <= 1.0:
        raise ValueError(
            f"tolerated must lie between 0 and 1 and run_length above 1, got {tolerated}, "
            f"{run_length}"
        )
    stakes = np.array(STAKES) / tolerated
    evidence = np.zeros(len(stakes))
    for error in errors:
        if not error >= 0.0:
            raise ValueError(f"an error is 0 or more, got {error}")
        evidence = (evidence + 1.0) * (1.0 + stakes * (error - tolerated))
        level = float(evidence.mean()) / run_length
        yield Step(min(1.0, level), level >= 1.0)
        if level >= 1.0:
            evidence = np.zeros(len(stakes))
