"""Goes on learning from the bundled grounding weights on a user's own labelled answers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from trustlayer.judgements import JudgedLine
from trustlayer.recipes import Ingredients, Step
from trustlayer_detectors._models import card, weights
from trustlayer_detectors.grounding_calibration import Calibration, Risks, calibration
from trustlayer_detectors.training import calibration as fitting
from trustlayer_detectors.training import curve, imported, metrics, pairs, rows
from trustlayer_detectors.training.bundle import CARD, OUTPUTS, TOKENS, write
from trustlayer_detectors.training.crossencoder import CrossEncoder, collate, loss
from trustlayer_detectors.training.export import export, write_card
from trustlayer_detectors.training.held import held_out
from trustlayer_detectors.training.loop import Schedule, device, learn, plan_batches
from trustlayer_detectors.training.origin import original

GENTLE = Schedule(rate=3e-5, warmup=0.1, log_every=5)
PASSES = 2
REHEARSED = 3  # pairs of the training sets beside each of one's own, where they are at hand
FEWEST = 100  # held-out answers of a kind from which on its curve is fitted again


def recipe(given: Ingredients) -> Iterator[Step | str]:
    """Yield the steps of learning from *given.rows*; a fifth of their groups is held out."""
    learned, held = held_out(given.rows, given.seed)
    yield f"{len(learned)} answers to learn from, {len(held)} held out"
    model = CrossEncoder(original()).to(device())
    imported.load(model, weights("entailment") / "model.onnx")
    model.attend("bfloat16")
    yield from _learn(model, learned, given)
    yield f"drawn: {curve.draw(given.work, ['own'])}"
    model.attend("eager")
    target = given.into / "entailment"
    export(model, target / "model.onnx", OUTPUTS)
    origin = card("entailment")["files"]["model.onnx"]["sha256"]
    about = {"made_by": "trustlayer train grounding --rows", "origin": f"bundled {origin[:12]}"}
    write_card(target, {**CARD, **about, "seed": given.seed, "rows": len(learned)})
    yield from _measure(held, given)


def _learn(
    model: CrossEncoder, learned: Sequence[JudgedLine], given: Ingredients
) -> Iterator[Step]:
    claims = [claim for line in learned for claim in rows.claims(row_of(line))]
    made = [claim for line in learned if not line.bad for claim in rows.claims(row_of(line))]
    edited = list(rows.augmented(made, given.seed))
    own = pairs.of([*claims, *edited], given.seed)[: given.trial]
    if given.data is not None:
        long = pairs.long(given.data, given.seed)[: given.trial]
        random.Random(given.seed).shuffle(long)
        own += long[: REHEARSED * len(own)]
    plan = plan_batches([len(pair) for pair in own], TOKENS, given.seed, epochs=PASSES)
    where = device()
    torch.manual_seed(given.seed)
    yield from learn(
        model,
        plan,
        lambda batch: loss(model, collate([own[at] for at in batch], where)),
        GENTLE,
        given.work / "own",
        given.seed,
    )


def row_of(line: JudgedLine) -> rows.Row:
    """Return a judged line in the form of a training row."""
    exchange = line.line.exchange
    spans = None if line.spans is None else [{"start": s.start, "end": s.end} for s in line.spans]
    return {
        "dataset": line.dataset or "own",
        "question": exchange.prompt or None,
        "context": "\n\n".join(exchange.context),
        "answer": exchange.answer,
        "label": int(line.bad),
        "spans": spans,
        "group": line.group or exchange.answer,
    }


def _measure(held: Sequence[JudgedLine], given: Ingredients) -> Iterator[str]:
    """Fit the curves again where there is enough, and tell what was won on what was held out."""
    found = [row_of(line) for line in held]
    before = list(fitting.measured(found))
    after = list(fitting.measured(found, root=str(given.into)))
    made = _refitted(calibration(), after)
    write(made, given.into / "grounding")
    if len({answer.label for answer in after}) < 2:
        yield "too few answers are held out to say what was won: they are all good, or all bad"
        return
    labels = np.array([answer.label for answer in after])
    groups = [answer.group for answer in after]
    for name, fitted, answers in (("bundled", calibration(), before), ("own", made, after)):
        risks = fitting.risks(fitted, answers)
        auroc = metrics.interval(labels, risks, metrics.auroc, clusters=groups, draws=500)
        yield f"{name} weights on {len(held)} held-out answers: AUROC {auroc}"


def _refitted(found: Calibration, answers: Sequence[fitting.Measured]) -> Calibration:
    asked = [answer for answer in answers if answer.asked]
    unasked = [answer for answer in answers if not answer.asked]
    return replace(
        found, asked=_recurved(found.asked, asked), unasked=_recurved(found.unasked, unasked)
    )


def _recurved(found: Risks, answers: Sequence[fitting.Measured]) -> Risks:
    enough = len(answers) >= FEWEST and len({answer.label for answer in answers}) == 2
    return fitting.recurved(found, answers) if enough else found
