"""Do the intervals and alarms of the quality reports keep what they promise?

    python tests/benchmarks/quality_reports.py [--draws 2000] [--streams 400]

Coverage of the 95 % interval for the share of bad answers, by how many labels there are, how they
were drawn and how good the risks are; beside it ppi_py (pip install ppi-python, if it can be
imported), and the labels alone. Then the alarm: answers to a false alarm, and to a true one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustlayer.alarm import watch
from trustlayer.drawing import Design, draw, propensities, weights
from trustlayer.metrics import Flags, Floats
from trustlayer.powered import Audited, Method, Population, Rate, rate

SIZE = 20_000  # answers in the population


@dataclass(frozen=True)
class World:
    """How risks and truth hang together: risks are Beta, truth follows *truth* of the risk."""

    name: str
    alpha: float
    beta: float
    truth: Callable[[Floats], Floats]

    def population(self, source: np.random.Generator) -> tuple[Floats, Floats]:
        risks = source.beta(self.alpha, self.beta, SIZE)
        return risks, (source.random(SIZE) < self.truth(risks)).astype(float)

    @property
    def rate(self) -> float:
        source = np.random.default_rng(1)
        return float(self.truth(source.beta(self.alpha, self.beta, 2_000_000)).mean())


WORLDS = (
    World("calibrated, 20 % bad", 0.4, 1.6, lambda r: r),
    World("risks twice too high, 13 % bad", 0.5, 1.5, lambda r: r**2 * 1.0),
    World("risks worthless, 15 % bad", 0.5, 1.5, lambda r: np.full(len(r), 0.15)),
    World("calibrated, 4 % bad", 0.15, 3.6, lambda r: r),
)


def peer() -> Callable[..., tuple[Floats, Floats]] | None:
    try:
        from ppi_py import ppi_mean_ci  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    found: Callable[..., tuple[Floats, Floats]] = ppi_mean_ci
    return found


def once(
    risks: Floats, bad: Floats, labels: int, design: Design, seed: int
) -> tuple[Rate, npt.NDArray[np.int64]]:
    chances = propensities(weights(risks, design), labels)
    drawn = draw(chances, seed)
    audited = [Audited(float(risks[i]), bool(bad[i]), float(chances[i])) for i in drawn]
    return rate(audited, Population.of(risks)), drawn


def coverage(world: World, labels: int, design: Design, draws: int) -> str:
    source = np.random.default_rng(labels)
    truth, other = world.rate, peer()
    hit = wide = worth = given = exact = theirs = their_width = 0.0
    for seed in range(draws):
        risks, bad = world.population(source)
        found, drawn = once(risks, bad, labels, design, seed)
        if found.low is None or found.high is None:
            continue
        given += 1
        exact += found.method is Method.EXACT
        hit += found.low <= truth <= found.high
        wide += found.high - found.low
        worth += found.worth or 1.0
        if other is not None and design is Design.UNIFORM:
            rest = np.delete(risks, drawn)
            low, high = other(bad[drawn], risks[drawn], rest, alpha=0.05)
            theirs += float(low[0]) <= truth <= float(high[0])
            their_width += float(high[0] - low[0])
    if not given:
        return f"{world.name:32} {design:8} {labels:5} labels: no interval in {draws} draws"
    told = (
        f"{world.name:32} {design:8} {labels:5} labels: coverage {hit / given:.3f}, "
        f"width {wide / given:.3f}, worth x{worth / given:.2f}, "
        f"interval in {given / draws:.0%}, exact in {exact / given:.0%}"
    )
    if theirs:
        told += f"; ppi_py coverage {theirs / given:.3f}, width {their_width / given:.3f}"
    return told


def false_alarms(tolerated: float, run_length: float, streams: int) -> str:
    """How long until a false alarm, the stream being cut at four times the length promised."""
    source = np.random.default_rng(2)
    most = int(4 * run_length)
    lengths = [
        _first(source.random(most) < tolerated, tolerated, run_length) for _ in range(streams)
    ]
    kept = sum(length is None for length in lengths)
    mean = float(np.mean([most if length is None else length for length in lengths]))
    return (
        f"errors at the {tolerated:.0%} tolerated: mean answers to a false alarm >= {mean:.0f} "
        f"(promised {run_length:.0f}); none within {most} in {kept}/{streams} streams"
    )


def delay(tolerated: float, worse: float, run_length: float, streams: int) -> str:
    source = np.random.default_rng(3)
    delays = []
    for _ in range(streams):
        good = source.random(1000) < tolerated * 0.4
        bad = source.random(5000) < worse
        found = _first(np.concatenate([good, bad]), tolerated, run_length)
        delays.append(5000 if found is None else found - 1000)
    early = sum(d <= 0 for d in delays)
    return (
        f"errors from {tolerated * 0.4:.0%} to {worse:.0%} after 1000 answers: alarm after "
        f"{np.median(delays):.0f} answers (median), 90 % within {np.quantile(delays, 0.9):.0f}; "
        f"{early} false before"
    )


def _first(errors: Floats | Flags, tolerated: float, run_length: float) -> int | None:
    steps = watch(errors.astype(float).tolist(), tolerated, run_length)
    return next((n for n, step in enumerate(steps, 1) if step.alarm), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--streams", type=int, default=200)
    options = parser.parse_args()
    begun = time.perf_counter()
    for world in WORLDS:
        for design in Design:
            for labels in (30, 50, 100, 200, 500):
                print(coverage(world, labels, design, options.draws), flush=True)
    for tolerated in (0.05, 0.1):
        print(false_alarms(tolerated, 500.0, options.streams), flush=True)
        for worse in (0.15, 0.3):
            print(delay(tolerated, worse, 10_000.0, options.streams), flush=True)
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
