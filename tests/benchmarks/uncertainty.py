"""Measures the detectors of uncertainty on the dev set.

    python tests/benchmarks/uncertainty.py [--only SET ...] [--cache FILE]

The data are looked for in the folder named by TRUSTLAYER_DATA. Printed are, for each set, the
AUROC of `uncertainty`, of plain agreement (equal strings) and of the best single sign, with
95 % intervals from 1,000 bootstrap draws of questions; the calibration error with Platt's
logistic fitted on four fifths of the questions and measured on the rest; and, on WikiBio, the
area under precision and recall over sentences.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from trustlayer import Exchange, Span
from trustlayer_detectors.uncertainty import repetition
from trustlayer_detectors.uncertainty.fusion import fused
from trustlayer_detectors.uncertainty.models import Models, bundled_entailment
from trustlayer_detectors.uncertainty.signals import signals, unrepeated

DATA = Path(os.environ.get("TRUSTLAYER_DATA", "../shared/data")) / "uncertainty" / "dev.jsonl.gz"
DRAWS, FOLDS, BINS = 1_000, 5, 10
WIKIBIO = "wikibio_selfcheck"
Array = npt.NDArray[np.float64]
Measure = Callable[[Array, Array], float]


@dataclass(frozen=True)
class Table:
    """What is known of the answers of one set: whether wrong, their question, their signs."""

    wrong: Array
    groups: Sequence[str]
    columns: Mapping[str, Array]


class Remembered:
    """The bundled entailment model, which reads no pair twice."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], npt.NDArray[np.floating]] = {}

    def __call__(self, pairs: Sequence[tuple[str, str]], /) -> npt.NDArray[np.floating]:
        fresh = [pair for pair in dict.fromkeys(pairs) if pair not in self._read]
        self._read |= dict(zip(fresh, bundled_entailment(fresh), strict=True))
        return np.array([self._read[pair] for pair in pairs])


MODELS = Models(Remembered())


def rows() -> Iterator[dict[str, Any]]:
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def examined(row: Mapping[str, Any]) -> dict[str, float]:
    """Every sign of one answer, the risk, and the agreement of equal strings."""
    exchange = Exchange(row["question"] or "", row["answer"], samples=tuple(row["samples"]))
    found = signals(exchange, MODELS)
    same = np.mean([sample == row["answer"] for sample in row["samples"]])
    return {**found.values, "exact agreement": 1.0 - float(same), "uncertainty": fused(found)}


def table(found: Sequence[Mapping[str, Any]]) -> Table:
    names = {name for row in found for name in row["signs"]}
    columns = {n: np.array([row["signs"].get(n, np.nan) for row in found]) for n in sorted(names)}
    wrong = np.array([row["label"] for row in found], np.float64)
    return Table(wrong, [row["group"] for row in found], columns)


def interval(measure: Measure, wrong: Array, risk: Array, groups: Sequence[str]) -> str:
    """The measure with its 95 % interval over draws of questions."""
    draws = [measure(wrong[at], risk[at]) for at in drawn(groups)]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return f"{measure(wrong, risk):.3f} [{low:.3f}, {high:.3f}]"


def drawn(groups: Sequence[str]) -> Iterator[npt.NDArray[np.intp]]:
    members: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    names = list(members)
    draw = np.random.default_rng(0)
    for _ in range(DRAWS):
        chosen = draw.integers(0, len(names), len(names))
        yield np.array([place for n in chosen for place in members[names[n]]], np.intp)


def auroc(wrong: Array, risk: Array) -> float:
    return float(roc_auc_score(wrong, risk)) if 0 < wrong.sum() < len(wrong) else np.nan


def auc_pr(wrong: Array, risk: Array) -> float:
    return float(average_precision_score(wrong, risk))


def calibration_error(wrong: Array, risk: Array) -> float:
    """The gap between risk and share of wrong answers, over bins of equal size."""
    order = np.array_split(np.argsort(risk, kind="stable"), BINS)
    gaps = [abs(risk[at].mean() - wrong[at].mean()) * len(at) for at in order if len(at)]
    return float(np.sum(gaps) / len(risk))


def held_out(wrong: Array, risk: Array, groups: Sequence[str]) -> Array:
    """Risks calibrated by Platt's logistic on the questions of the other folds."""
    names = sorted(set(groups))
    fold = dict(zip(names, np.random.default_rng(0).permutation(len(names)) % FOLDS, strict=True))
    folds = np.array([fold[group] for group in groups])
    logit = np.log(risk / (1.0 - risk))[:, None]
    made = np.empty(len(risk))
    for part in range(FOLDS):
        fitted = LogisticRegression(C=1e6).fit(logit[folds != part], wrong[folds != part])
        made[folds == part] = fitted.predict_proba(logit[folds == part])[:, 1]
    return made


def report(name: str, found: Table) -> None:
    wrong, risk, groups = found.wrong, found.columns["uncertainty"], found.groups
    left_out = {"uncertainty", "exact agreement"}
    single = {n: c for n, c in found.columns.items() if n not in left_out and np.isfinite(c).all()}
    best = max(single, key=lambda n: auroc(wrong, single[n]))
    calibrated = held_out(wrong, risk, groups)
    lead = [auroc(wrong[at], risk[at]) - auroc(wrong[at], single[best][at]) for at in drawn(groups)]
    print(
        f"| {name} | {len(wrong)} | {wrong.mean():.0%} "
        f"| {interval(auroc, wrong, found.columns['exact agreement'], groups)} "
        f"| {best} {interval(auroc, wrong, single[best], groups)} "
        f"| **{interval(auroc, wrong, risk, groups)}** | {np.nanmean(np.array(lead) > 0):.0%} "
        f"| {calibration_error(wrong, risk):.3f} | {calibration_error(wrong, calibrated):.3f} |",
        flush=True,
    )
    print("  " + ", ".join(f"{n} {auroc(wrong, c):.3f}" for n, c in single.items()))


def sentences(row: Mapping[str, Any]) -> dict[str, list[float]]:
    """The signs of each annotated sentence of a WikiBio passage."""
    texts = [sentence["text"] for sentence in row["sentences"]]
    spans = [Span(0, len(text)) for text in texts]  # where they lie is of no concern here
    found = unrepeated(spans, texts, row["samples"], MODELS)
    words = [repetition.words(text) for text in texts]
    sampled = [repetition.words(text) for text in row["samples"]]
    assert found.contradicted is not None
    return {
        "label": [float(sentence["label"]) for sentence in row["sentences"]],
        "unigram (max)": repetition.rarest(words, sampled).tolist(),
        "SelfCheck-NLI": found.contradicted.tolist(),
        "uncertainty": found.risks.tolist(),
    }


def report_sentences(found: Sequence[Mapping[str, Any]]) -> None:
    signs = {n: np.array([v for row in found for v in row["parts"][n]]) for n in found[0]["parts"]}
    groups = [row["group"] for row in found for _ in row["parts"]["label"]]
    wrong = signs.pop("label")
    print(f"\nWikiBio, {len(wrong)} sentences of {len(found)} passages, {wrong.mean():.1%} wrong\n")
    for name, values in signs.items():
        print(f"| {name} | {interval(auc_pr, wrong, values, groups)} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--cache", type=Path, help="where signs are kept from run to run")
    options = parser.parse_args()
    kept = json.loads(options.cache.read_text()) if options.cache and options.cache.exists() else {}
    sets: dict[str, list[dict[str, Any]]] = {}
    for row in rows():
        if not options.only or row["dataset"] in options.only:
            found = kept.get(row["id"]) or {"signs": examined(row)}
            if row["dataset"] == WIKIBIO and "parts" not in found:
                found["parts"] = sentences(row)
                print(row["id"], file=sys.stderr)
            kept[row["id"]] = found
            sets.setdefault(row["dataset"], []).append({**row, **found})
    if options.cache:
        options.cache.write_text(json.dumps(kept))
    print(
        "| set | answers | wrong | exact agreement | best sign | uncertainty | ahead in | ECE "
        "| ECE, held out |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    for name, found in sets.items():
        report(name, table(found))
    if len(sets) > 1:
        report("all", table([row for found in sets.values() for row in found]))
    if WIKIBIO in sets:
        report_sentences(sets[WIKIBIO])


if __name__ == "__main__":
    main()
