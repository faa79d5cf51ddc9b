"""How well the detectors without a model do on labelled answers, and how their risks were fitted.

Run: python tests/benchmarks/plain_detectors.py [--fit] [--rows N]

Reads the grounding rows (train for --fit, dev otherwise) and the replay rows below
TRUSTLAYER_DATA, by default ../shared/data beside the repository. Intervals are 95 %, from
resampling documents (dev) or questions (replay).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trustlayer import Exchange, Finding, Span
from trustlayer_detectors._amounts import figures
from trustlayer_detectors._ground import ground
from trustlayer_detectors._support import judge
from trustlayer_detectors.figures import Figures, sort
from trustlayer_detectors.quotations import Quotations, sorts

DATA = Path(os.environ.get("TRUSTLAYER_DATA", Path(__file__).parents[3] / "shared" / "data"))
LEFT_OUT = {"wice_token"}  # has no sound rows
MOST = 3  # figures of one sort in one answer that count
DRAWS = 500

Sorter = Callable[[Exchange], list[str]]


@dataclass(frozen=True)
class Row:
    """One labelled answer; no *marked* spans where its data set has none."""

    dataset: str
    group: str
    exchange: Exchange
    wrong: bool
    marked: tuple[Span, ...] | None


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def grounding(split: str) -> Iterator[Row]:
    for line in lines(DATA / "grounding" / f"{split}.jsonl.gz"):
        if line["dataset"] not in LEFT_OUT:
            exchange = Exchange(line["question"] or "", line["answer"], (line["context"],))
            marked = _spans(line["spans"])
            wrong = bool(line["label"])
            usable = marked if marked or not wrong else None
            yield Row(line["dataset"], str(line["group"]), exchange, wrong, usable)


def replay() -> Iterator[Row]:
    for line in lines(DATA / "replay" / "ragtruth_qa_a.jsonl.gz"):
        for response in line["responses"]:
            exchange = Exchange(line["question"], response["text"], (line["context"],))
            wrong, marked = bool(response["hallucinated"]), _spans(response["spans"])
            yield Row(line["dataset"], line["source_id"], exchange, wrong, marked)


def _spans(spans: list[dict[str, Any]] | None) -> tuple[Span, ...] | None:
    return None if spans is None else tuple(Span(each["start"], each["end"]) for each in spans)


def auroc(risks: np.ndarray, wrong: np.ndarray) -> float:
    _, places, counts = np.unique(risks, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    bad = int(wrong.sum())
    good = len(wrong) - bad
    return float((ranks[wrong].sum() - bad * (bad + 1) / 2) / (bad * good)) if bad * good else 0.5


def interval(
    groups: Sequence[str], measure: Callable[[np.ndarray], float]
) -> tuple[float, float, float]:
    """Return the measure of all rows and its 95 % interval; *measure* takes row numbers."""
    names, places = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(places == place) for place in range(len(names))]
    draw = np.random.default_rng(0)
    values = [
        measure(
            np.concatenate([members[each] for each in draw.integers(0, len(names), len(names))])
        )
        for _ in range(DRAWS)
    ]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return measure(np.arange(len(groups))), float(low), float(high)


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float((part & whole).sum() / whole.sum()) if whole.any() else float("nan")


def report(name: str, detector: Figures | Quotations, rows: Sequence[Row]) -> None:
    found = detector.examine([row.exchange for row in rows])
    risks = np.array([each.risk if isinstance(each, Finding) else 1.0 for each in found])
    wrong = np.array([row.wrong for row in rows])
    flagged = risks > detector.limit
    groups = [row.group for row in rows]
    measures: dict[str, Callable[[np.ndarray], float]] = {
        "AUROC": lambda at: auroc(risks[at], wrong[at]),
        "precision of flags": lambda at: _share(wrong[at], flagged[at]),
        "wrong answers flagged": lambda at: _share(flagged[at], wrong[at]),
    }
    print(f"{detector.name} on {name}: {len(rows)} answers, {flagged.sum()} flagged,"
          f" {wrong.mean():.0%} wrong")  # fmt: skip
    for title, measure in measures.items():
        value, low, high = interval(groups, measure)
        print(f"  {title}: {value:.3f} [{low:.3f}, {high:.3f}]")
    caught = [hit for row, each in zip(rows, found, strict=True) for hit in _caught(row, each)]
    if caught:
        print(f"  marked spans caught: {sum(caught)} of {len(caught)} ({np.mean(caught):.1%})")


def _caught(row: Row, found: object) -> Iterator[bool]:
    evidence = found.evidence if isinstance(found, Finding) else ()
    for span in row.marked or ():
        yield any(
            each.span is not None and each.span.start < span.end and span.start < each.span.end
            for each in evidence
        )


def figure_sorts(exchange: Exchange) -> list[str]:
    context, question = ground(exchange.context), ground((exchange.prompt,))
    return [
        f"{judge(figure, exchange.answer, context, question).support}/{sort(figure)}"
        for figure in figures(exchange.answer)
        if figure.claim
    ]


def fit(rows: Iterable[Row], sorter: Sorter) -> None:
    """Print the probability that a figure of each sort is wrong: a noisy-or.

    An answer is wrong unless every figure is right and nothing else is wrong; the latter has
    one probability for each data set, so that what a label means there does not matter here.
    """
    kept = [(row, found) for row in rows if (found := sorter(row.exchange))]
    names = sorted({name for _, found in kept for name in found})
    sets = sorted({row.dataset for row, _ in kept})
    counts = np.array(
        [[min(found.count(name), MOST) for name in names] for _, found in kept], float
    )
    places = np.array([sets.index(row.dataset) for row, _ in kept])
    wrong = np.array([row.wrong for row, _ in kept], float)
    hazards = _climb(counts, places, wrong, len(sets))
    print(f"{len(kept)} answers")
    for name, hazard, seen in zip(names, hazards, (counts > 0).sum(0), strict=True):
        print(f"  {name}: {1 - np.exp(-hazard):.2f} ({seen})")


def _climb(counts: np.ndarray, places: np.ndarray, wrong: np.ndarray, sets: int) -> np.ndarray:
    # Adam on the logarithms of the hazards; the priors keep rare sorts near the others.
    logs = np.concatenate([np.full(counts.shape[1], -1.5), np.full(sets, -0.7)])
    slope, square = np.zeros_like(logs), np.zeros_like(logs)
    for turn in range(1, 3001):
        hazards, leaks = np.exp(logs[: counts.shape[1]]), np.exp(logs[counts.shape[1] :])
        sound = np.exp(-np.maximum(counts @ hazards + leaks[places], 1e-9))
        pull = wrong * sound / (1 - sound) - (1 - wrong)
        by_set = np.bincount(places, pull, sets) * leaks
        step = np.concatenate([(counts.T @ pull) * hazards, by_set]) - 0.2 * (logs + 1.2)
        slope, square = 0.9 * slope + 0.1 * step, 0.999 * square + 0.001 * step**2
        logs += 0.05 * (slope / (1 - 0.9**turn)) / (np.sqrt(square / (1 - 0.999**turn)) + 1e-8)
    found: np.ndarray = np.exp(logs[: counts.shape[1]])
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--fit", action="store_true", help="fit the risks on the train rows")
    options.add_argument("--rows", type=int, help="use only so many rows, drawn at random")
    chosen = options.parse_args()
    if not (DATA / "grounding").is_dir():
        sys.exit(f"skipped: no grounding data in {DATA}; set TRUSTLAYER_DATA")
    rows = list(grounding("train" if chosen.fit else "dev"))
    random.Random(0).shuffle(rows)
    rows = rows[: chosen.rows]
    if chosen.fit:
        fit(rows, figure_sorts)
        fit((row for row in rows if row.dataset != "xsumfaith"), sorts)
        return
    for detector, sorter in ((Figures(), figure_sorts), (Quotations(), sorts)):
        report("grounding dev", detector, rows)
        report("grounding dev where it has something to examine", detector,
               [row for row in rows if sorter(row.exchange)])  # fmt: skip
        report("replay", detector, list(replay()))


if __name__ == "__main__":
    main()
