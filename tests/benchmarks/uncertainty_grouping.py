"""What grouping by meaning costs, and what its savings change, on the dev set.

    python tests/benchmarks/uncertainty_grouping.py [--limit N]

For each set: pairs of different answers, passes of the entailment model without and with the
vectors ruling pairs out, and the share of answers whose group differs between the two.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trustlayer_detectors.uncertainty.groups import group
from trustlayer_detectors.uncertainty.models import bundled_embedding, bundled_entailment
from trustlayer_detectors.uncertainty.signals import SURE, Kind, kind_of

DATA = Path(os.environ.get("TRUSTLAYER_DATA", "../shared/data")) / "uncertainty" / "dev.jsonl.gz"
SETS = ("uq_nlg_triviaqa", "sac3_nq", "wikibio_selfcheck")


@dataclass
class Cost:
    answers: int = 0
    pairs: int = 0
    plain: int = 0
    saving: int = 0
    changed: int = 0


def rows(dataset: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        yield from (row for row in map(json.loads, lines) if row["dataset"] == dataset)


def add(cost: Cost, question: str, answers: Sequence[str]) -> None:
    sure = SURE if kind_of(answers[0]) is Kind.SHORT else 0.0
    plain = group(answers, bundled_entailment, None, question, sure=sure)
    saving = group(answers, bundled_entailment, bundled_embedding, question, sure=sure)
    cost.answers += len(answers)
    cost.pairs += len(answers) * (len(answers) - 1) // 2
    cost.plain += plain.passes
    cost.saving += saving.passes
    cost.changed += int(np.sum(plain.labels != saving.labels))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--limit", type=int, help="questions of each set")
    options = parser.parse_args()
    print(
        "| set | questions | pairs | passes | with vectors | changed |\n|---|--:|--:|--:|--:|--:|"
    )
    for dataset in SETS:
        cost, count = Cost(), 0
        for row in itertools.islice(rows(dataset), options.limit):
            # The biographies are grouped by their samples alone: 20 of some 200 words.
            own = [] if dataset == "wikibio_selfcheck" else [row["answer"]]
            add(cost, row["question"] or "", [*own, *row["samples"]])
            count += 1
        print(
            f"| {dataset} | {count} | {cost.pairs} | {cost.plain} | {cost.saving} "
            f"| {cost.changed / cost.answers:.1%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
