"""Whether certificates hold: labels drawn again and again from answers of known risk.

Run: python tests/benchmarks/certificates.py [SPLITS]
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trustlayer.calibration import Goal, Labelled, calibrate
from trustlayer.certificate import Certificate
from trustlayer.errors import Uncertifiable

Draw = Callable[[random.Random, int], list[Labelled]]


@dataclass(frozen=True)
class Tally:
    """How often a certificate was issued, how often its promise was broken, and its reach."""

    splits: int
    issued: int
    broken: int
    coverage: float

    @property
    def violations(self) -> float:
        return self.broken / self.splits

    def slack(self, doubt: float) -> float:
        """Two standard errors of the share of broken promises, were it exactly *doubt*."""
        return 2.0 * math.sqrt(doubt * (1.0 - doubt) / self.splits)


def one_detector(rng: random.Random, count: int) -> list[Labelled]:
    """Risks that are calibrated by construction: bad with the probability that they tell."""
    risks = [rng.betavariate(0.5, 1.5) for _ in range(count)]
    return [Labelled({"one": risk}, rng.random() < risk) for risk in risks]


def two_detectors(rng: random.Random, count: int) -> list[Labelled]:
    """Two kinds of fault, each seen dimly by the detector that is meant for it."""
    return [_faulty(rng, rng.random() < 0.15, rng.random() < 0.1) for _ in range(count)]


def _faulty(rng: random.Random, one: bool, other: bool) -> Labelled:
    risks = {"one": _logistic(rng, one, 2.0), "other": _logistic(rng, other, 1.5)}
    return Labelled(risks, one or other)


def _logistic(rng: random.Random, present: bool, shift: float) -> float:
    return 1.0 / (1.0 + math.exp(-rng.gauss(shift if present else -shift, 1.5)))


def truth(certificate: Certificate, population: Sequence[Labelled]) -> tuple[float, float]:
    """The selective risk and the coverage of the certified limits in the population."""
    limits = certificate.bound().limits
    taken = [r for r in population if all(r.risks[n] <= v for n, v in limits.items())]
    return sum(r.bad for r in taken) / max(1, len(taken)), len(taken) / len(population)


def simulate(draw: Draw, goal: Goal, *, splits: int, labels: int, seed: int = 0) -> Tally:
    """Draw labels *splits* times and hold each certificate against a large population."""
    population = draw(random.Random(seed + 10**6), 40_000)
    issued = broken = 0
    coverage = 0.0
    for number in range(splits):
        rows = draw(random.Random(seed + number), labels)
        try:
            certificate = calibrate(rows, dict.fromkeys(rows[0].risks, "1"), goal, seed=number)
        except Uncertifiable:
            continue
        risk, reach = truth(certificate, population)
        issued += 1
        broken += risk > goal.risk
        coverage += reach
    return Tally(splits, issued, broken, coverage / splits)


def main(splits: int) -> None:
    print(f"{splits} splits of 1000 labels, confidence 0.9: the promise may break in 10 %")
    for draw in (one_detector, two_detectors):
        for risk in (0.05, 0.1, 0.2):
            found = simulate(draw, Goal(risk, 0.9, None), splits=splits, labels=1_000)
            print(
                f"{draw.__name__:14} risk <= {risk:4}: broken {found.violations:.3f} "
                f"(allowed {0.1:.3f} + {found.slack(0.1):.3f}), issued "
                f"{found.issued / splits:.3f}, coverage {found.coverage:.3f}"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
