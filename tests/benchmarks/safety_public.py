"""`toxicity` and `harm` on public test sets, which never trained, tuned or chose anything.

Run: python tests/benchmarks/safety_public.py [--weights FOLDER] --hatecheck REPO
     --moderation REPO --xstest REPO --harmbench FILE --beavertails FILE

REPO is a clone of paul-rottger/hatecheck-data, openai/moderation-api-release and
paul-rottger/xstest. FILE is HarmBench's data/classifier_val_sets/text_behaviors_val_set.json,
and the 3,021 rows of BeaverTails' 30k_test as CSV (prompt, response, is_safe).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trustlayer import Detector
from trustlayer_detectors.harm import Harm
from trustlayer_detectors.toxicity import Toxicity
from trustlayer_detectors.training.metrics import (
    auroc,
    average_precision,
    f1_above,
    interval,
)
from trustlayer_detectors.training.safety_figures import flagged, risks_of

Array = Any


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _risks(detector: Detector, texts: Sequence[str], prompts: Sequence[str] | None = None) -> Array:
    asked = prompts or [""] * len(texts)
    return risks_of(detector, [{"text": t, "prompt": p} for t, p in zip(texts, asked, strict=True)])


def _accuracy(limit: float) -> Callable[[Array, Array], float]:
    return lambda labels, risks: float(np.mean((risks > limit) == labels))


def _shown(share: dict[str, Any]) -> str:
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"


def hatecheck(repo: Path, root: str) -> Iterator[str]:
    """Yield accuracy on HateCheck, for all labels and for identity_hate alone."""
    rows = _read(repo / "test_suite_cases.csv")
    hard = np.array([int(row["label_gold"] == "hateful") for row in rows])
    kinds = np.array([row["functionality"] for row in rows])
    alone = Toxicity(labels=("identity_hate",), weights=root)
    for name, detector in (("all labels", Toxicity(weights=root)), ("identity_hate", alone)):
        risks = _risks(detector, [row["test_case"] for row in rows])
        limit = detector.limit
        hits = interval(hard, risks, _accuracy(limit), draws=500)
        yield f"HateCheck, {name}: accuracy {hits}, AUROC {interval(hard, risks, auroc, draws=300)}"
        for side, what in ((1, "hateful found"), (0, "not hateful, flagged")):
            yield f"  {what}: {_shown(flagged(risks[hard == side], limit))}"
        for kind in sorted(set(kinds)):
            yield f"    {kind}: flagged {np.mean(risks[kinds == kind] > limit):.3f}"


def moderation(repo: Path, root: str) -> Iterator[str]:
    """Yield AUPRC, AUROC and F1 on OpenAI's moderation set: any of its labels."""
    with gzip.open(repo / "data" / "samples-1680.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    hard = np.array([int(any(v == 1 for k, v in r.items() if k != "prompt")) for r in rows])
    risks = _risks(Toxicity(weights=root), [row["prompt"] for row in rows])
    seen = np.isfinite(risks)
    yield f"OpenAI moderation, {seen.sum()} of {len(rows)} examined:"
    for name, metric in (("AUPRC", average_precision), ("AUROC", auroc), ("F1", f1_above(0.5))):
        yield f"  {name} {interval(hard[seen], risks[seen], metric, draws=500)}"


def xstest(repo: Path, root: str) -> Iterator[str]:
    """Yield what is flagged of XSTest's prompts and of five models' replies to them.

    A reply counts as harmful where people judged it to comply with an unsafe prompt.
    """
    toxicity = Toxicity(weights=root)
    prompts = _read(repo / "xstest_prompts.csv")
    for unsafe, name in ((False, "safe"), (True, "unsafe")):
        texts = [row["prompt"] for row in prompts if _unsafe(row) == unsafe]
        share = flagged(_risks(toxicity, texts), toxicity.limit)
        yield f"XSTest, {len(texts)} {name} prompts flagged by toxicity: {_shown(share)}"
    files = sorted((repo / "model_completions").glob("*.csv"))
    rows = [row for path in files for row in _read(path)]
    hard = np.array([int(_unsafe(r) and r["final_label"].startswith("1")) for r in rows])
    asked, replies = [r["prompt"] for r in rows], [r["completion"] for r in rows]
    yield from _of_replies("XSTest", hard, replies, asked, root)


def harmbench(path: Path, root: str) -> Iterator[str]:
    """Yield AUROC and F1 on HarmBench's replies, and F1 of Llama Guard's verdicts in its file.

    A reply counts as harmful where two of three people judged it to do what was wanted.
    """
    rows = [row for rows in json.loads(path.read_text("utf-8")).values() for row in rows]
    hard = np.array([int(sum(int(row[f"human_{n}"]) for n in range(3)) > 1) for row in rows])
    asked, replies = [r["test_case"] for r in rows], [r["generation"] for r in rows]
    yield from _of_replies("HarmBench", hard, replies, asked, root)
    guard = np.array([float(row["llama_guard"]) for row in rows])
    yield f"  Llama Guard 1, from the file: F1 {interval(hard, guard, f1_above(0.5), draws=500)}"


def beavertails(path: Path, root: str) -> Iterator[str]:
    """Yield AUROC and F1 on the replies of BeaverTails' 30k_test."""
    rows = _read(path)
    hard = np.array([int(row["is_safe"] == "False") for row in rows])
    asked, replies = [r["prompt"] for r in rows], [r["response"] for r in rows]
    yield from _of_replies("BeaverTails", hard, replies, asked, root)


def _of_replies(
    name: str, hard: Array, replies: Sequence[str], asked: Sequence[str], root: str
) -> Iterator[str]:
    harm, toxicity = Harm(weights=root), Toxicity(weights=root)
    risks = _risks(harm, replies, asked)
    seen = np.isfinite(risks)
    yield f"{name} replies, {seen.sum()} of {len(hard)} examined, {hard[seen].sum()} harmful:"
    for title, metric in (("AUROC", auroc), ("F1", f1_above(harm.limit))):
        yield f"  {title} {interval(hard[seen], risks[seen], metric, draws=500)}"
    for side, what in ((1, "harmful found"), (0, "harmless ones flagged")):
        yield f"  {what}: {_shown(flagged(risks[seen & (hard == side)], harm.limit))}"
    either = np.maximum(risks / harm.limit, _risks(toxicity, replies) / toxicity.limit)
    seen = np.isfinite(either)
    yield f"  harm or toxicity: F1 {interval(hard[seen], either[seen], f1_above(1.0), draws=500)}"


def _unsafe(row: dict[str, str]) -> bool:
    return row["type"].startswith("contrast")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--weights", default="", help="folder of other weights")
    sets = {"hatecheck": hatecheck, "moderation": moderation, "xstest": xstest,
            "harmbench": harmbench, "beavertails": beavertails}  # fmt: skip
    for name in sets:
        options.add_argument(f"--{name}", type=Path, help="a clone of its repository, or its file")
    chosen = options.parse_args()
    for name, measure in sets.items():
        if folder := getattr(chosen, name):
            for line in measure(folder, chosen.weights):
                print(line, flush=True)


if __name__ == "__main__":
    main()
