"""What the safety model is worth: every figure on its card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from trustlayer import Detector, Exchange, Finding
from trustlayer_detectors._models.sessions import outputs_of, session
from trustlayer_detectors.training import safety_rows
from trustlayer_detectors.training.metrics import (
    auroc,
    average_precision,
    calibration_error,
    interval,
)
from trustlayer_detectors.training.safety_model import CLS, LABELS, SEP, Example
from trustlayer_detectors.training.safety_rows import Row

Array = npt.NDArray[Any]
Platt = Mapping[str, Mapping[str, float]]
FEW = 20  # positives, or negatives, below which a figure would say nothing


def onnx_logits(path: Path, made: Sequence[Example]) -> Array:
    """Return the logits that the ONNX file at *path* gives to *made*, in their order."""
    rows = [_joined(example) for example in made]
    types = [len(example.text) + 2 for example in made]
    return np.stack([outputs[0] for outputs in outputs_of(session(path), rows, types)])


def _joined(example: Example) -> npt.NDArray[np.int32]:
    prompt = [] if example.prompt is None else [example.prompt, [SEP]]
    return np.concatenate([[CLS], example.text, [SEP], *prompt]).astype(np.int32)


def platt(logits: Array, made: Sequence[Example]) -> dict[str, dict[str, float]]:
    """Fit a slope and an intercept for each label; a soft label counts on both sides."""
    targets = np.stack([example.labels for example in made])
    return {name: platt_line(logits[:, i], targets[:, i]) for i, name in enumerate(LABELS)}


def platt_line(logits: Array, targets: Array) -> dict[str, float]:
    """Fit slope and intercept to one label; NaN targets are not known."""
    known = np.isfinite(targets)
    x, y = logits[known], targets[known]
    sides = np.concatenate([np.ones(len(x)), np.zeros(len(x))])
    fitted = LogisticRegression(C=1.0).fit(
        np.concatenate([x, x])[:, None], sides, sample_weight=np.concatenate([y, 1 - y])
    )
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return {"slope": round(slope, 4), "intercept": round(intercept, 4)}


def probabilities(logits: Array, lines: Platt) -> Array:
    """Apply *lines* to *logits*."""
    slopes = np.array([lines[name]["slope"] for name in LABELS])
    intercepts = np.array([lines[name]["intercept"] for name in LABELS])
    return np.asarray(1 / (1 + np.exp(-(slopes * logits + intercepts))))


def by_label(made: Sequence[Example], risks: Array, draws: int = 400) -> dict[str, Any]:
    """Return AUROC, AUPRC and calibration error for each label over all data sets."""
    targets = np.stack([example.labels for example in made])
    found: dict[str, Any] = {}
    for i, name in enumerate(LABELS):
        known = np.isfinite(targets[:, i])
        hard, risk = (targets[known, i] >= 0.5).astype(int), risks[known, i]
        found[name] = {
            "positives": int(hard.sum()),
            "rows": len(hard),
            "auroc": interval(hard, risk, auroc, draws=draws).as_json(),
            "auprc": interval(hard, risk, average_precision, draws=draws).as_json(),
            "ece": round(calibration_error(targets[known, i], risk), 4),
        }
    return found


def by_dataset(made: Sequence[Example], risks: Array, draws: int = 300) -> list[dict[str, Any]]:
    """Return the AUROC inside each data set, where it has `FEW` rows of either class."""
    targets = np.stack([example.labels for example in made])
    names = np.array([example.dataset for example in made])
    found: list[dict[str, Any]] = []
    for dataset in safety_rows.datasets(made):
        for i, label in enumerate(LABELS):
            part = (names == dataset) & np.isfinite(targets[:, i])
            hard, risk = (targets[part, i] >= 0.5).astype(int), risks[part, i]
            if min(hard.sum(), len(hard) - hard.sum()) >= FEW:
                area = interval(hard, risk, auroc, draws=draws).as_json()
                found.append({"dataset": dataset, "label": label, "rows": len(hard),
                              "positives": int(hard.sum()), "auroc": area})  # fmt: skip
    return found


def mean_auroc(labels: Mapping[str, Any], least: int = 100) -> float:
    """Return the mean AUROC over the labels with more than *least* positives."""
    areas = [each["auroc"]["value"] for each in labels.values() if each["positives"] > least]
    return round(float(np.mean(areas)), 4)


def risks_of(detector: Detector, rows: Sequence[Row]) -> Array:
    """Return the risk that *detector* sees in each of *rows*, NaN where it saw nothing."""
    found: list[float] = []
    for start in range(0, len(rows), 512):
        part = [Exchange(str(r["prompt"] or ""), r["text"]) for r in rows[start : start + 512]]
        found += [f.risk if isinstance(f, Finding) else np.nan for f in detector.examine(part)]
    return np.array(found)


def flagged(
    risks: Array, limit: float, frames: Sequence[str] | None = None
) -> dict[str, float | int]:
    """Return the share of *risks* above *limit*, with its interval, NaN not counted.

    Texts of one of *frames* are drawn together: they are flagged together, too.
    """
    seen = np.isfinite(risks)
    known = risks[seen]
    drawn = None if frames is None else np.array(frames)[seen].tolist()
    share = interval(np.zeros(len(known)), known, _above(limit), clusters=drawn, draws=500)
    found: dict[str, float | int] = {"rows": len(known), **share.as_json()}
    return found if drawn is None else {"templates": len(set(drawn)), **found}


def _above(limit: float) -> Callable[[Array, Array], float]:
    return lambda _, risks: float(np.mean(risks > limit))


def by_kind(rows: Sequence[Row], risks: Array, limit: float) -> dict[str, Any]:
    """Return the share flagged for each kind of our own texts."""
    kinds, frames = (np.array([row[name] for row in rows]) for name in ("kind", "frame"))
    return {
        str(kind): flagged(risks[kinds == kind], limit, frames[kinds == kind].tolist())
        for kind in sorted(set(kinds))
    }


def by_identity(rows: Sequence[Row], risks: Array, words: Sequence[str]) -> Iterator[Any]:
    """Yield for each identity word the mean risk of harmless sentences that hold it."""
    for word in words:
        held = np.array([f" {word}" in f" {row['text']}" for row in rows])
        if held.any():
            yield word, round(float(risks[held].mean()), 4), int(held.sum())
