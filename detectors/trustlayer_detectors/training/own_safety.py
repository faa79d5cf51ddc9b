"""Goes on learning from the bundled safety weights on a user's own labelled answers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trustlayer.judgements import JudgedLine
from trustlayer.recipes import Ingredients, Step
from trustlayer_detectors._models import card, weights
from trustlayer_detectors._safety import vocabulary
from trustlayer_detectors.training import curve, imported, metrics, safety_rows
from trustlayer_detectors.training import safety_figures as figures
from trustlayer_detectors.training.export import export, write_card
from trustlayer_detectors.training.held import held_out
from trustlayer_detectors.training.loop import Schedule, device, learn, plan_batches
from trustlayer_detectors.training.origin import original
from trustlayer_detectors.training.safety_model import (
    LABELS,
    Example,
    SafetyModel,
    collate,
    masked_loss,
)

GENTLE = Schedule(rate=2e-5, warmup=0.1, log_every=5)
PASSES, TOKENS = 2, 1_536
REHEARSED = 2  # examples of ours beside each of the user's: what was learned is not forgotten
FEWEST = 100  # held-out answers from which on the label is calibrated again


def recipe(label: str, given: Ingredients) -> Iterator[Step | str]:
    """Yield the steps of learning *label* from *given.rows*; a fifth is held out."""
    learned, held = held_out(given.rows, given.seed)
    yield f"{len(learned)} answers to learn from, {len(held)} held out"
    model = SafetyModel(original()).to(device())
    imported.load(model, weights("safety") / "model.onnx")
    made = _examples(learned, label) + _rehearsal(given, len(learned))
    plan = plan_batches([len(each) for each in made[: given.trial]], TOKENS, given.seed,
                        epochs=PASSES)  # fmt: skip
    where, weight = device(), torch.ones(len(LABELS), device=device())
    yield from learn(
        model,
        plan,
        lambda rows: masked_loss(model, collate([made[row] for row in rows], where), weight),
        GENTLE,
        given.work / "own",
        given.seed,
    )
    yield f"drawn: {curve.draw(given.work, ['own'])}"
    target = given.into / "safety"
    export(model, target / "model.onnx", ("logits", "shares"))
    yield from _finish(target, _examples(held, label), label, len(learned))


def _examples(lines: Sequence[JudgedLine], label: str) -> list[Example]:
    return safety_rows.examples([_row(line, label) for line in lines], vocabulary())


def _row(line: JudgedLine, label: str) -> Mapping[str, Any]:
    exchange = line.line.exchange
    paired = label == "harmful_compliance"
    return {
        "dataset": "own_harm" if paired else "own",  # what decides whether the prompt is read
        "text": exchange.answer,
        "prompt": exchange.prompt if paired else None,
        "labels": {label: float(line.bad)},
    }


def _rehearsal(given: Ingredients, count: int) -> list[Example]:
    drawn = safety_rows.own(REHEARSED * count, given.seed)
    if given.data is not None:
        rows = safety_rows.read(given.data / "safety" / "train.jsonl.gz")
        drawn += random.Random(given.seed).sample(list(rows), min(len(rows), REHEARSED * count))
    return safety_rows.examples(drawn, vocabulary())


def _finish(target: Path, held: Sequence[Example], label: str, learned: int) -> Iterator[str]:
    """Write the card, calibrated again where there is enough, and tell what was won."""
    lines = dict(card("safety")["calibration"])
    place = LABELS.index(label)
    hard = np.array([int(each.labels[place]) for each in held])
    own = figures.onnx_logits(target / "model.onnx", held)
    if len(held) >= FEWEST and 0 < hard.sum() < len(hard):
        lines[label] = figures.platt_line(own[:, place], hard)
    origin = card("safety")["files"]["model.onnx"]["sha256"][:12]
    about = {"name": "safety", "origin": f"bundled {origin}", "rows": learned, "label": label}
    write_card(target, {**about, "calibration": lines})
    if len(set(hard.tolist())) < 2:
        yield "too few answers are held out to say what was won: they are all good, or all bad"
        return
    bundled = figures.onnx_logits(weights("safety") / "model.onnx", held)
    for name, logits in (("bundled", bundled), ("own", own)):
        auroc = metrics.interval(hard, logits[:, place], metrics.auroc, draws=500)
        yield f"{name} weights on {len(held)} held-out answers: AUROC {auroc}"
