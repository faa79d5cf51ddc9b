"""What the default policy comes to on recorded answers, and how much of that is luck.

Run: python tests/benchmarks/replay.py RECORDED.jsonl.gz [--weakest MODEL ...] [--margin M ...]
     [--limit L ...] [--draws N]

The targets: hallucinated answers fall by 60 % or more of the weakest model's share, at half the
price of always asking the strongest or less, and under 5 % of its clean answers end worse. The
questions are also drawn again with replacement, in another order, to tell how often each target
would be met on other questions like these.
"""

from __future__ import annotations

import argparse
import gzip
import random
import statistics
from collections.abc import Sequence
from itertools import product

from trustlayer import Detector, Policy, load
from trustlayer.recorded import LADDER, PRICES, Rung, complete, parse_question, remembered
from trustlayer.rehearsal import FIGURES, LIMIT, Stage, play

DRAWS = 200
TARGETS = ("fall >= 60 %", "price <= 50 %", "spoiled < 5 %")


def stage(path: str, weakest: str, detector: Detector) -> Stage:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        read = [parse_question(line, number) for number, line in enumerate(lines, 1)]
    ladder = (weakest, *LADDER[1:])
    questions = complete(read, ladder)
    exchanges = list(dict.fromkeys(q.exchange(name) for q in questions for name in ladder))
    rungs = [Rung((name,), PRICES) for name in ladder]
    return Stage(questions, rungs, [remembered(detector, exchanges)])


def figures(given: Stage, policy: Policy) -> tuple[float, float, float]:
    """The relative fall, the share of the strongest model's price, the share spoiled."""
    played = play(given, policy, given.thrift())
    fall, price, spoiled = (FIGURES[name](played) for name in ("fall", "price", "spoiled"))
    return fall, price / given.price_of(given.strongest), spoiled


def met(found: Sequence[float]) -> tuple[bool, bool, bool]:
    fall, price, spoiled = found
    return fall >= 0.6, price <= 0.5, spoiled < 0.05


def report(given: Stage, policy: Policy, draws: int) -> None:
    found = figures(given, policy)
    drawn = []
    for seed in range(draws):
        questions = random.Random(seed).choices(given.questions, k=len(given.questions))
        drawn.append(figures(Stage(questions, given.ladder, given.detectors), policy))
    columns = list(zip(*drawn, strict=True))
    shares = list(zip(*map(met, drawn), strict=True))
    for target, value, reached, column, share in zip(
        TARGETS, found, met(found), columns, shares, strict=True
    ):
        print(
            f"  {target:15} {value:6.1%} {'met' if reached else 'missed':6} "
            f"redrawn: median {statistics.median(column):6.1%}, met in {sum(share) / draws:.0%}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", metavar="RECORDED.jsonl.gz")
    parser.add_argument("--weakest", nargs="+", default=LADDER[:1], choices=PRICES)
    parser.add_argument("--margin", nargs="+", type=float, default=[Policy().margin])
    parser.add_argument("--limit", nargs="+", type=float, default=[LIMIT])
    parser.add_argument("--draws", type=int, default=DRAWS)
    given = parser.parse_args()
    detector = load("grounding")
    for weakest in given.weakest:
        played = stage(given.path, weakest, detector)
        for margin, limit in product(given.margin, given.limit):
            print(f"{weakest}, margin {margin}, limit {limit}, {len(played.questions)} questions:")
            report(played, Policy(limit=limit, revisions=0, margin=margin), given.draws)


if __name__ == "__main__":
    main()
