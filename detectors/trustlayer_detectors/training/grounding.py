"""Makes weights/entailment and weights/grounding: the cross-encoder and the calibration.

    trustlayer train grounding --data ../shared/data --into detectors/trustlayer_detectors/weights

Two runs, each resumed where it was interrupted: short contrastive pairs teach what entailment
is, then real answers over long evidence, edits and paraphrases of their sentences and a rehearsal
teach where answers go wrong. Then export, calibration on grounding/dev, and the card.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from trustlayer.recipes import Ingredients, Step
from trustlayer_detectors.grounding_calibration import Calibration
from trustlayer_detectors.training import calibration, curve, own_grounding, pairs
from trustlayer_detectors.training.bundle import CARD, OUTPUTS, TOKENS, write
from trustlayer_detectors.training.crossencoder import CrossEncoder, Pair, collate, loss
from trustlayer_detectors.training.export import export, write_card
from trustlayer_detectors.training.loop import Schedule, device, learn, plan_batches
from trustlayer_detectors.training.origin import original, quiet

SHORT = Schedule(rate=2e-4)
LONG = Schedule(rate=1e-4, warmup=0.03)


def recipe(given: Ingredients) -> Iterator[Step | str]:
    """Make the weights from the training sets, or go on with the bundled ones on own rows."""
    torch.set_num_threads(given.threads)
    quiet()
    yield from own_grounding.recipe(given) if given.rows else _whole(given)


def _whole(given: Ingredients) -> Iterator[Step | str]:
    if given.data is None:
        raise ValueError("no data: expected the folder of the training sets, or rows of your own")
    torch.manual_seed(given.seed)
    model = CrossEncoder(original()).to(device())
    model.attend("bfloat16")
    yield "drawing and cutting the pairs"
    short = pairs.short(given.data)[: given.trial]
    yield from _run(model, short, SHORT, given.work / "short", seed=given.seed)
    long = pairs.long(given.data, given.seed + 3)[: given.trial]
    yield from _run(model, long, LONG, given.work / "long", seed=given.seed + 3)
    yield f"drawn: {curve.draw(given.work, ['short', 'long'])}"
    model.attend("eager")
    export(model, given.into / "entailment" / "model.onnx", OUTPUTS)
    write_card(given.into / "entailment", {**CARD, "seed": given.seed, "threads": given.threads})
    yield "calibrating on grounding/dev"
    most = 150 if given.trial is None else max(10, given.trial // 10)
    write(calibrate(given.data, str(given.into), most), given.into / "grounding")


def _run(
    model: CrossEncoder, rows: Sequence[Pair], schedule: Schedule, work: Path, seed: int
) -> Iterator[Step]:
    plan = plan_batches([len(row) for row in rows], TOKENS, seed)
    where = device()
    yield from learn(
        model,
        plan,
        lambda batch: loss(model, collate([rows[at] for at in batch], where)),
        schedule,
        work,
        seed,
    )


def calibrate(data: Path, root: str = "", most: int = 150) -> Calibration:
    """Fit the calibration on up to *most* rows of each set of grounding/dev."""
    rows = calibration.drawn(data / "grounding" / "dev.jsonl.gz", most)
    answers = list(calibration.measured(rows, root=root))
    return calibration.fit([*answers, *calibration.joined(answers)])
