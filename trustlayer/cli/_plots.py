"""ROC, precision-recall and reliability curves as pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trustlayer.errors import MissingExtra
from trustlayer.evaluation import BASELINES, column
from trustlayer.judgements import Judgement
from trustlayer.metrics import Flags, Floats, above, calibration_bins

Line = tuple[Sequence[float], Sequence[float]]


def draw(
    answers: Sequence[Judgement], limits: Mapping[str, float], folder: Path, kind: str
) -> Iterator[Path]:
    """Draw three pictures of that *kind* into *folder*; raises MissingExtra."""
    named = [*limits, *BASELINES]
    kinds: Mapping[str, tuple[Callable[[Floats, Flags], Line], Sequence[str], tuple[str, str]]] = {
        "roc": (roc, named, ("false alarms", "bad answers found")),
        "precision_recall": (precision_recall, named, ("bad answers found", "precision")),
        "reliability": (reliability, list(limits), ("risk", "share of bad answers")),
    }
    for name, (curve, subjects, axes) in kinds.items():
        yield _picture(answers, subjects, curve, axes, folder / f"{name}.{kind}")


def roc(risks: Floats, bad: Flags) -> Line:
    """The share of bad answers above every limit, by the share of good ones."""
    hits, alarms = _above(risks, bad)
    good = max(1.0, float(np.sum(~bad)))
    return [0.0, *(alarms / good)], [0.0, *(hits / max(1.0, float(np.sum(bad))))]


def precision_recall(risks: Floats, bad: Flags) -> Line:
    """The share of bad answers among those above every limit, by how many of the bad it is."""
    hits, alarms = _above(risks, bad)
    return list(hits / max(1.0, float(np.sum(bad)))), list(hits / (hits + alarms))


def reliability(risks: Floats, bad: Flags) -> Line:
    """The share of bad answers by risk, over bins of equal count."""
    bins = calibration_bins(risks)
    members = [bins == number for number in np.unique(bins)]
    means = [float(np.mean(risks[member])) for member in members]
    return means, [float(np.mean(bad[member])) for member in members]


def _above(risks: Floats, bad: Flags) -> tuple[Floats, Floats]:
    hits, alarms = above(risks, bad, np.ones((1, len(risks))))
    return hits[0], alarms[0]


def _picture(
    answers: Sequence[Judgement],
    names: Sequence[str],
    curve: Callable[[Floats, Flags], Line],
    labels: tuple[str, str],
    path: Path,
) -> Path:
    figure = _figure()
    axes = figure.add_subplot()
    for name in names:
        risks, bad, _ = column(answers, name)
        if len(risks):
            style = ":" if name in BASELINES else "o-" if curve is reliability else "-"
            axes.plot(*curve(risks, bad), style, label=name, markersize=3)
    if curve is not precision_recall:
        axes.plot([0, 1], [0, 1], color="0.8", linewidth=0.8)
    axes.set(xlabel=labels[0], ylabel=labels[1], xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=150)
    return path


def _figure() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        missing = MissingExtra("a picture needs matplotlib, which is not installed")
        missing.add_note("pip install 'trustlayer[train]'")
        raise missing from error
    return Figure(figsize=(5, 5), layout="constrained")
