"""How well `grounding` works: on answers of six models that it never saw, and on dev.

    python tests/benchmarks/grounding.py [--rows 150] [--json FILE] [--weights FOLDER]

Data: the folder TRUSTLAYER_DATA, by default shared/data beside the checkout. Every figure
comes with a 95 % bootstrap interval; answers to one question are drawn together.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trustlayer import Exchange, Finding, Span
from trustlayer_detectors._models import encoder
from trustlayer_detectors._models.entailment import Pair, judge
from trustlayer_detectors.grounding import Grounding
from trustlayer_detectors.training import calibration
from trustlayer_detectors.training.metrics import (
    Interval,
    Metric,
    auroc,
    average_precision,
    balanced_accuracy_above,
    brier,
    calibration_error,
    f1_above,
    interval,
)
from trustlayer_detectors.training.rows import Row, read, target

DATA = Path(os.environ.get("TRUSTLAYER_DATA", Path(__file__).parents[3] / "shared" / "data"))


@dataclass(frozen=True)
class Case:
    """A labelled exchange; *source* is the data set or the model that wrote the answer."""

    source: str
    group: str
    label: int
    exchange: Exchange
    spans: tuple[Span, ...] | None


def replay() -> list[Case]:
    """Return the 450 answers of RAGTruth QA, half A."""
    found = []
    with gzip.open(DATA / "replay" / "ragtruth_qa_a.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            for answer in row["responses"]:
                exchange = Exchange(row["question"], answer["text"], (row["context"],))
                found.append(_case(str(answer["model"]), str(row["source_id"]),
                                   answer["hallucinated"], exchange, answer["spans"]))  # fmt: skip
    return found


def dev(most: int) -> list[Case]:
    """Return up to *most* rows of each set of grounding/dev."""
    rows = calibration.drawn(DATA / "grounding" / "dev.jsonl.gz", most)
    return [
        _case(row["dataset"], row["group"], row["label"],
              Exchange(row["question"] or "", row["answer"], (row["context"],)), row["spans"])
        for row in rows
    ]  # fmt: skip


def _case(
    source: str, group: str, label: int, exchange: Exchange, spans: list[dict[str, Any]] | None
) -> Case:
    marked = None if spans is None else tuple(Span(s["start"], s["end"]) for s in spans)
    return Case(source, group, int(label), exchange, marked)


def character_f1(cases: Sequence[Case], findings: Sequence[Finding], limit: float) -> float:
    """Return F1 over characters: those marked by people, those shown in flagged answers."""
    hits = marked = shown = 0
    for case, finding in zip(cases, findings, strict=True):
        if case.spans is None:
            continue
        own = _characters(case.spans)
        evidence = (item.span for item in finding.evidence if item.span is not None)
        ours = _characters(evidence) if finding.risk > limit else set()
        hits, marked, shown = hits + len(own & ours), marked + len(own), shown + len(ours)
    return 2 * hits / max(1, marked + shown)


def _characters(spans: Iterable[Span]) -> set[int]:
    return {place for span in spans for place in range(span.start, span.end)}


def report(cases: Sequence[Case], root: str, *, within: bool) -> dict[str, Any]:
    """Examine *cases* and return every figure."""
    detector = Grounding(weights=root)
    limit = detector.limit
    findings = [f for f in detector.examine([c.exchange for c in cases])
                if isinstance(f, Finding)]  # fmt: skip
    labels = np.array([case.label for case in cases])
    risks = np.array([finding.risk for finding in findings])
    sources, groups = [c.source for c in cases], [c.group for c in cases]

    def of(metric: Metric, rows: Sequence[int], parts: Sequence[str] | None = None) -> Interval:
        chosen = None if parts is None else [parts[row] for row in rows]
        clusters = [groups[row] for row in rows]
        return interval(labels[rows], risks[rows], metric, groups=chosen, clusters=clusters)

    every = list(range(len(cases)))
    figures: dict[str, Any] = {
        "answers": len(cases), "unsupported": int(labels.sum()), "limit": limit,
        "auroc": of(auroc, every).as_json(), "auprc": of(average_precision, every).as_json(),
        "f1_at_limit": of(f1_above(limit), every).as_json(),
        "balanced_accuracy_at_limit": of(balanced_accuracy_above(limit), every).as_json(),
        "ece": of(calibration_error, every).as_json(), "brier": of(brier, every).as_json(),
        "character_f1_at_limit": round(character_f1(cases, findings, limit), 4),
    }  # fmt: skip
    by = {s: [row for row in every if sources[row] == s] for s in sorted(set(sources))}
    judged = {s: rows for s, rows in by.items() if min(np.bincount(labels[rows], minlength=2)) > 1}
    if within:
        rows = [row for each in judged.values() for row in each]
        figures["auroc_within_generators"] = of(auroc, rows, sources).as_json()
    edits = [row for row in every if sources[row].startswith("summedits")]
    if edits:
        figures["summedits_balanced_accuracy"] = of(balanced_accuracy_above(limit), edits).as_json()
        figures["summedits_auroc"] = of(auroc, edits).as_json()
    figures["auroc_by_source"] = {s: of(auroc, rows).as_json() for s, rows in judged.items()}
    return figures


def held_out(most: int, root: str) -> dict[str, Any]:
    """Return figures on dev, each answer judged by coefficients fitted without its document."""
    rows = calibration.drawn(DATA / "grounding" / "dev.jsonl.gz", most)
    answers = list(calibration.measured(rows, root=root))
    risks = calibration.out_of_fold(answers)
    labels = np.array([answer.label for answer in answers])
    groups = [answer.group for answer in answers]
    edits = [row for row, a in enumerate(answers) if a.dataset.startswith("summedits")]
    balanced = balanced_accuracy_above(Grounding(weights=root).limit)
    return {
        "auroc": interval(labels, risks, auroc, clusters=groups).as_json(),
        "ece": interval(labels, risks, calibration_error, clusters=groups).as_json(),
        "summedits_balanced_accuracy": interval(
            labels[edits], risks[edits], balanced, clusters=[groups[row] for row in edits]
        ).as_json(),
    }


def entailment(root: str) -> dict[str, Any]:
    """Return how well the model tells entailed sentence pairs of dev from others."""
    by: dict[str, list[Row]] = {}
    for row in read([DATA / "grounding" / "dev.jsonl.gz"]):
        if row["dataset"].startswith("nli_"):
            by.setdefault(row["dataset"], []).append(row)
    return {name: _entailed(rows, root) for name, rows in sorted(by.items())}


def _entailed(rows: Sequence[Row], root: str) -> dict[str, Any]:
    cut = encoder.pieces([text for row in rows for text in (row["context"], row["answer"])])
    before = np.zeros(0, np.int32)
    pairs = [Pair(claim.ids, before, evidence.ids)
             for evidence, claim in zip(cut[::2], cut[1::2], strict=True)]  # fmt: skip
    classes = np.array([judgement.classes for judgement in judge(pairs, root)])
    labels = np.array([row["label"] for row in rows])
    found = {"not_entailed_auroc": interval(labels, 1 - classes[:, 0], auroc).as_json()}
    targets = np.array([target(row) for row in rows])
    if not np.any(targets == len(classes[0])):  # all three classes are told apart
        right = (classes.argmax(1) == targets).astype(float)
        found["accuracy"] = interval(labels, right, lambda _, hits: float(np.mean(hits))).as_json()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=150, help="rows of each set of dev")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--weights", default="", help="folder of other weights than the bundled")
    given = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"no data at {DATA}: set TRUSTLAYER_DATA to the folder that holds grounding/")
    found = {
        "replay": report(replay(), given.weights, within=True),
        "dev": report(dev(given.rows), given.weights, within=False),
        "dev_out_of_fold": held_out(given.rows, given.weights),
        "nli_dev": entailment(given.weights),
    }
    text = json.dumps(found, indent=1)
    print(text)
    if given.json is not None:
        given.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
