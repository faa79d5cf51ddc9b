"""Whether certificates hold: labels drawn again and again from answers of known risk.

Run: python tests/benchmarks/certificates.py [SPLITS] [LABELS.jsonl]

With a file of lines {"label": 0 | 1, "risks": {NAME: 0..1}} it also splits those again and again:
two thirds certify, the rest is tried. A promise then seems broken where the true risk is within
the limits, but that of the few tried answers is not: the last column says how often that is to
be expected of answers that are bad with exactly the promised risk.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trustlayer.binomial import tail
from trustlayer.calibration import Goal, Labelled, calibrate
from trustlayer.certificate import Certificate
from trustlayer.errors import Uncertifiable
from trustlayer.jsonl import rows as rows_of
from trustlayer.labelled import given_risks, labelled, parse_labelled

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


def resplit(rows: Sequence[Labelled], goal: Goal, splits: int) -> tuple[Tally, float]:
    """Certify on two thirds and try on one, *splits* times; and the noise of trying on so few."""
    issued = broken = 0
    coverage = noise = 0.0
    for number in range(splits):
        order = random.Random(number).sample(rows, len(rows))
        cut = 2 * len(order) // 3
        try:
            versions = dict.fromkeys(rows[0].risks, "1")
            certificate = calibrate(order[:cut], versions, goal, seed=number)
        except Uncertifiable:
            continue
        risk, reach = truth(certificate, order[cut:])
        issued += 1
        broken += risk > goal.risk
        coverage += reach
        taken = round(reach * (len(order) - cut))
        noise += 1.0 - tail(int(goal.risk * taken), taken, goal.risk)
    return Tally(splits, issued, broken, coverage / splits), noise / splits


def on_labels(path: str, splits: int) -> None:
    with open(path, "rb") as file:
        lines = [parse_labelled(row.raw, row.number) for row in rows_of(file)]
    rows = labelled(lines, given_risks(lines) or [])
    bad = sum(row.bad for row in rows)
    print(f"{splits} splits of {len(rows)} labels ({bad} bad) in {path}")
    for risk in (0.05, 0.1, 0.2):
        found, noise = resplit(rows, Goal(risk, 0.9, None), splits)
        print(
            f"risk <= {risk:4}: seems broken {found.violations:.3f} (at the promised risk "
            f"{noise:.3f}), issued {found.issued / splits:.3f}, coverage {found.coverage:.3f}"
        )


def main(splits: int, path: str | None = None) -> None:
    print(f"{splits} splits of 1000 labels, confidence 0.9: the promise may break in 10 %")
    for draw in (one_detector, two_detectors):
        for risk in (0.05, 0.1, 0.2):
            found = simulate(draw, Goal(risk, 0.9, None), splits=splits, labels=1_000)
            print(
                f"{draw.__name__:14} risk <= {risk:4}: broken {found.violations:.3f} "
                f"(allowed {0.1:.3f} + {found.slack(0.1):.3f}), issued "
                f"{found.issued / splits:.3f}, coverage {found.coverage:.3f}"
            )

    if path is not None:
        on_labels(path, splits)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500, *sys.argv[2:3])
