"""What the default policy comes to on recorded answers, and how much of that is luck.

Run: python tests/benchmarks/replay.py RECORDED.jsonl.gz

The targets: hallucinated answers fall by 60 % or more of the weakest model's share, at half the
price of always asking the strongest or less, and under 5 % of its clean answers end worse. The
questions are also drawn again with replacement, in another order, to tell how often each target
would be met on other questions like these.
"""

from __future__ import annotations

import gzip
import random
import statistics
import sys
from collections.abc import Sequence

from trustlayer import Policy, load
from trustlayer.recorded import LADDER, PRICES, Rung, complete, parse_question, remembered
from trustlayer.rehearsal import FIGURES, LIMIT, Stage, play

DRAWS = 200
TARGETS = ("fall >= 60 %", "price <= 50 %", "spoiled < 5 %")


def stage(path: str) -> Stage:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        read = [parse_question(line, number) for number, line in enumerate(lines, 1)]
    questions = complete(read, LADDER)
    exchanges = list({q.exchange(name) for q in questions for name in LADDER})
    rungs = [Rung((name,), PRICES) for name in LADDER]
    return Stage(questions, rungs, [remembered(load("grounding"), exchanges)])


def figures(given: Stage) -> tuple[float, float, float]:
    """The relative fall, the share of the strongest model's price, the share spoiled."""
    played = play(given, Policy(limit=LIMIT, revisions=0), given.thrift())
    fall, price, spoiled = (FIGURES[name](played) for name in ("fall", "price", "spoiled"))
    return fall, price / given.price_of(given.strongest), spoiled


def met(found: Sequence[float]) -> tuple[bool, bool, bool]:
    fall, price, spoiled = found
    return fall >= 0.6, price <= 0.5, spoiled < 0.05


def main(path: str) -> None:
    given = stage(path)
    found = figures(given)
    drawn = []
    for seed in range(DRAWS):
        questions = random.Random(seed).choices(given.questions, k=len(given.questions))
        drawn.append(figures(Stage(questions, given.ladder, given.detectors)))
    columns = list(zip(*drawn, strict=True))
    shares = list(zip(*map(met, drawn), strict=True))
    for target, value, reached, column, share in zip(
        TARGETS, found, met(found), columns, shares, strict=True
    ):
        print(
            f"{target:15} {value:6.1%} {'met' if reached else 'missed':6} "
            f"redrawn: median {statistics.median(column):6.1%}, met in {sum(share) / DRAWS:.0%}"
        )


if __name__ == "__main__":
    main(sys.argv[1])
