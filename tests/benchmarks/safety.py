"""How good and how fast `toxicity` and `harm` are, measured with the bundled weights.

Run: python tests/benchmarks/safety.py [--rows N]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trustlayer import Detector, Exchange
from trustlayer_detectors.harm import Harm
from trustlayer_detectors.toxicity import Toxicity
from trustlayer_detectors.training.metrics import auroc, interval
from trustlayer_detectors.training.safety_figures import by_kind, flagged, risks_of
from trustlayer_detectors.training.safety_rows import own_held_out, read

DATA = Path(os.environ.get("TRUSTLAYER_DATA", Path(__file__).parents[3] / "shared" / "data"))
SENTENCE = "The committee met on Tuesday and agreed to plant forty trees along the river. "


def quality(rows: Sequence[Any], detector: Detector, label: str, limit: float) -> None:
    """Print AUROC and what is flagged, for the rows in which *label* is known."""
    known = [row for row in rows if row["labels"].get(label) is not None]
    risks = risks_of(detector, known)
    seen = np.isfinite(risks)
    hard = np.array([int(row["labels"][label] >= 0.5) for row in known])[seen]
    area = interval(hard, risks[seen], auroc, draws=300)
    print(f"{detector.name:9} {len(hard):6} rows  AUROC {area}")
    for side, name in ((1, "positives"), (0, "negatives")):
        share = flagged(risks[seen][hard == side], limit)
        print(f"{'':9} flagged of {name}: {share['value']:.3f}")


def speed(detector: Detector, sentences: int, answers: int = 20) -> None:
    """Print the time that answers of that many *sentences* take."""
    exchanges = [Exchange("What happened?", SENTENCE * sentences)] * answers
    begun = time.perf_counter()
    detector.examine(exchanges)
    each = (time.perf_counter() - begun) / answers
    print(f"{detector.name:9} {sentences:4} sentences: {1000 * each:8.1f} ms an answer")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=3000, help="rows of dev, drawn at random")
    chosen = options.parse_args()
    toxicity, harm = Toxicity(), Harm()
    begun = time.perf_counter()
    toxicity.examine([Exchange("?", "Hello.")])
    print(f"first use: {time.perf_counter() - begun:.2f} s")
    for detector in (toxicity, harm):
        for sentences in (1, 8, 64):
            speed(detector, sentences)
    own = [row for row in own_held_out(120, 99) if row["dataset"] == "own_texts"]
    for kind, share in by_kind(own, risks_of(toxicity, own), toxicity.limit).items():
        print(f"own {kind}: flagged {share['value']:.3f} of {share['rows']}")
    if not (DATA / "safety").is_dir():
        sys.exit(f"skipped: no safety data in {DATA}; set TRUSTLAYER_DATA")
    rows = read(DATA / "safety" / "dev.jsonl.gz")
    np.random.default_rng(0).shuffle(rows)
    quality(rows[: chosen.rows], toxicity, "toxicity", toxicity.limit)
    quality(rows[: chosen.rows], harm, "harmful_compliance", harm.limit)


if __name__ == "__main__":
    main()
