"""``trustlayer evaluate``: how good detectors are on judged answers."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustlayer.batches import BATCH
from trustlayer.cli._evaluation_view import evaluation_view
from trustlayer.cli._options import (
    AsJson,
    BatchSize,
    DetectorNames,
    FromReplay,
    Lines,
    Timeout,
    WhenBad,
    detectors_named,
    option,
)
from trustlayer.cli._progress import progress
from trustlayer.cli._reading import OnError, Reading, opened
from trustlayer.cli._terminal import examples, out, say
from trustlayer.policy import DEFAULT_LIMIT

if TYPE_CHECKING:
    from trustlayer.finding import Detector
    from trustlayer.judgements import Judgement

EPILOG = examples(
    "trustlayer evaluate labels.jsonl --detector grounding",
    "trustlayer evaluate labels.jsonl.gz --json > figures.json",
    "trustlayer evaluate --from-replay recorded.jsonl.gz --plots pictures/",
    Lines="""\
{"label": 1 bad | 0 good, "answer", "prompt"?, "context"?, ... as for trustlayer examine, \
"dataset"?, "group"?, "model"?, "propensity"?, "spans"?: [{"start", "end"}]}
Answers of one group, as those on one document, are resampled together. Spans are the bad parts \
of the answer: an empty list says that there are none, no list that nobody marked them. An answer \
weighs by the inverse of its propensity, as 'trustlayer audit export --labelled' writes it.""",
    Figures="""\
AUROC, AUPRC of the risk; F1, balanced accuracy at the detector's own limit; ECE, the calibration \
error over 15 bins of equal count; span F1, over characters. Beneath: 95 % bootstrap intervals.
together: the largest of the risks, as a Verifier sees them. length, novelty: what a detector has \
to beat, the answer's length and the share of its words that the context lacks.""",
    codes="0 evaluated; 1 a line was bad, also where it was skipped, or it could not run; "
    "2 wrong usage; 130 interrupted",
)


def evaluate(
    source: Lines,
    detector: DetectorNames = None,
    from_replay: FromReplay = False,
    on_error: WhenBad = OnError.STOP,
    batch_size: BatchSize = BATCH,
    timeout: Timeout = 60.0,
    draws: Annotated[int, option(min=0, help="Resamples for the intervals.")] = 1000,
    seed: Annotated[int, option(min=0, help="Of the resampling.")] = 0,
    plots: Annotated[
        Path | None,
        option(metavar="FOLDER", help="Draw ROC, precision-recall and reliability curves here."),
    ] = None,
    picture: Annotated[str, option(metavar="png|svg", help="The kind of picture.")] = "png",
    as_json: AsJson = False,
) -> None:
    """Measure detectors on answers that people have judged, beside trivial baselines."""
    from trustlayer.evaluation import evaluate as evaluated
    from trustlayer.judgements import judgements, parse_judged, parse_judged_replay

    if picture not in ("png", "svg"):
        raise typer.BadParameter(f"--picture {picture}: expected png or svg")
    detectors = detectors_named(detector)
    limits = {made.name: _limit(made) for made in detectors}
    reading = Reading(on_error)
    with opened(source) as given, progress(given, "examined") as counted:
        lines = reading.lines(given, parse_judged_replay if from_replay else parse_judged)
        found = list(counted(judgements(lines, detectors, batch_size, timeout)))
    reading.finish()
    if not found:
        raise typer.BadParameter(f"{source} holds no answer to evaluate on")
    made = evaluated(found, limits, draws=draws, seed=seed)
    if as_json:
        typer.echo(json.dumps(_finite(asdict(made)), indent=2))
    else:
        for view in evaluation_view(made):
            out().print(view)
    if plots is not None:
        _draw(found, limits, plots, picture)


def _limit(detector: Detector) -> float:
    limit = getattr(detector, "limit", None)
    return DEFAULT_LIMIT if limit is None else float(limit)


def _draw(found: list[Judgement], limits: dict[str, float], folder: Path, picture: str) -> None:
    from trustlayer.cli._plots import draw

    folder.mkdir(parents=True, exist_ok=True)
    for path in draw(found, limits, folder, picture):
        say(str(path), "drawn", "bold")


def _finite(value: Any) -> Any:
    """The *value* with null in the place of what is not a number, which JSON lacks."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}  # pyright: ignore
        case list() | tuple():
            return [_finite(inner) for inner in value]  # pyright: ignore
        case _:
            return value
