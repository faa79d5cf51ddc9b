"""Makes weights/entailment and weights/grounding: the cross-encoder and the calibration.

    python -m trustlayer_detectors.training.grounding --data ../shared/data --work .work/grounding

Two runs, each resumed where it was interrupted: short contrastive pairs teach what entailment
is, then real answers over long evidence, edits of their sentences and a rehearsal teach where
answers go wrong. Then export, calibration on grounding/dev, and the card.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from trustlayer_detectors._models import weights
from trustlayer_detectors.grounding_calibration import Calibration
from trustlayer_detectors.training import calibration, pairs
from trustlayer_detectors.training.crossencoder import CrossEncoder, Pair, collate, loss
from trustlayer_detectors.training.export import export, write_card
from trustlayer_detectors.training.loop import Schedule, device, fit, plan_batches
from trustlayer_detectors.training.origin import original

OUTPUTS = ("pair", "token")
TOKENS = 4_096  # in one batch, padding included
SHORT = Schedule(rate=1.5e-4)
LONG = Schedule(rate=1e-4, warmup=0.03)


def train(data: Path, work: Path, most: int | None = None) -> CrossEncoder:
    """Train in two runs and return the model; *most* pairs in each, if given."""
    torch.manual_seed(3)
    model = CrossEncoder(original()).to(device())
    model.attend("bfloat16")
    _run(model, pairs.short(data)[:most], SHORT, work / "short", seed=3)
    _run(model, pairs.long(data)[:most], LONG, work / "long", seed=6)
    model.attend("eager")
    return model


def _run(
    model: CrossEncoder, rows: Sequence[Pair], schedule: Schedule, work: Path, seed: int
) -> None:
    plan = plan_batches([len(row) for row in rows], TOKENS, seed)
    where = device()
    fit(model, plan, lambda batch: loss(model, collate([rows[at] for at in batch], where)),
        schedule, work, seed)  # fmt: skip


def calibrate(data: Path, most: int = 150) -> Calibration:
    """Fit the calibration on up to *most* rows of each set of grounding/dev."""
    rows = calibration.drawn(data / "grounding" / "dev.jsonl.gz", most)
    answers = list(calibration.measured(rows))
    return calibration.fit([*answers, *calibration.joined(answers)])


def write(found: Calibration, folder: Path) -> None:
    """Write calibration.json to *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(found), indent=2)
    (folder / "calibration.json").write_text(text + "\n", encoding="utf-8")


CARD = {
    "name": "entailment",
    "version": "1",
    "made_by": "python -m trustlayer_detectors.training.grounding",
    "origin": "sentence-transformers/all-MiniLM-L6-v2 (22.6M parameters), Apache-2.0",
    "format": "ONNX opset 17; weights int8 by output channel, activations quantised at run time",
    "inputs": ["input_ids", "attention_mask", "token_type_ids"],
    "outputs": {
        "pair": "(batch, 3), logits of entail, neutral, contradict",
        "token": "(batch, length), logit of: this word piece of the claim is unsupported",
    },
    "layout": "[CLS] claim [SEP] (question or sentence before [SEP]) evidence [SEP]",
}


def main() -> None:
    """Make the weights from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder of grounding/, extra/")
    parser.add_argument("--work", type=Path, required=True, help="checkpoints and logs")
    parser.add_argument("--trial", type=int, help="learn from this many pairs, bundle nothing")
    given = parser.parse_args()
    model = train(given.data, given.work, given.trial)
    if given.trial is not None:
        export(model, given.work / "model.onnx", OUTPUTS)
        return
    export(model, weights("entailment") / "model.onnx", OUTPUTS)
    write_card(weights("entailment"), CARD)
    write(calibrate(given.data), weights("grounding"))


if __name__ == "__main__":
    main()
