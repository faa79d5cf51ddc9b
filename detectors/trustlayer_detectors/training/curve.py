"""Draws how the loss fell, from the logs of a recipe's runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

NAME = "learning_curve.svg"


def draw(work: Path, runs: Sequence[str]) -> Path:
    """Draw the learning curves of *runs*, folders under *work*, beside each other."""
    figure = Figure(figsize=(4.2 * len(runs), 3.2), layout="constrained")
    panels = figure.subplots(1, len(runs), squeeze=False)[0]
    for axes, run in zip(panels, runs, strict=True):
        lines = (work / run / "log.jsonl").read_text("utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        axes.plot([r["step"] for r in records], [r["loss"] for r in records], linewidth=1)
        axes.set(title=run, xlabel="batch", ylabel="loss")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    path = work / NAME
    figure.savefig(path, metadata={"Date": None})
    return path
