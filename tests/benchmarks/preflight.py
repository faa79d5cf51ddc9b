"""How well a prompt alone tells that it will be answered wrongly: AUROC on the dev set.

    python tests/benchmarks/preflight.py

For each set `Forecast` learns from the questions of four folds and is measured on the fifth. The
data are looked for in the folder named by TRUSTLAYER_DATA.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from trustlayer_detectors.uncertainty import Forecast
from trustlayer_detectors.uncertainty.models import bundled_embedding
from trustlayer_detectors.uncertainty.prompts import difficulty, proportions

DATA = Path(os.environ.get("TRUSTLAYER_DATA", "../shared/data")) / "uncertainty" / "dev.jsonl.gz"
FOLDS = 5


class Remembered:
    """The bundled encoder, which reads no prompt twice."""

    def __init__(self) -> None:
        self._read: dict[str, npt.NDArray[np.floating]] = {}

    def __call__(self, texts: Sequence[str], /) -> npt.NDArray[np.floating]:
        fresh = [text for text in dict.fromkeys(texts) if text not in self._read]
        for at in range(0, len(fresh), 64):
            batch = fresh[at : at + 64]
            self._read |= dict(zip(batch, bundled_embedding(batch), strict=True))
        return np.array([self._read[text] for text in texts])


def sets() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["question"]:
                found.setdefault(row["dataset"], []).append(row)
    return found


def forecasts(rows: Sequence[dict[str, Any]], embedding: Remembered) -> npt.NDArray[np.float64]:
    """The forecast of each question, learned from those of the other folds."""
    prompts = [str(row["question"]) for row in rows]
    names = sorted(set(prompts))
    fold = dict(zip(names, np.random.default_rng(0).permutation(len(names)) % FOLDS, strict=True))
    folds = np.array([fold[prompt] for prompt in prompts])
    made = np.zeros(len(rows))
    for part in range(FOLDS):
        known = [
            (p, r["label"] == 1) for p, r, f in zip(prompts, rows, folds, strict=True) if f != part
        ]
        learned = Forecast.learn(*map(list, zip(*known, strict=True)), embedding=embedding)
        there = np.flatnonzero(folds == part)
        made[there] = learned([prompts[at] for at in there])
    return made


def main() -> None:
    embedding = Remembered()
    print("| set | questions | length | proportions | forecast |\n|---|--:|--:|--:|--:|")
    for name, rows in sets().items():
        wrong = [row["label"] for row in rows]
        signs = ([sign(row["question"]) for row in rows] for sign in (difficulty, proportions))
        columns = [*signs, forecasts(rows, embedding)]
        shown = " | ".join(f"{roc_auc_score(wrong, column):.3f}" for column in columns)
        print(f"| {name} | {len(rows)} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
