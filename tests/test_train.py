"""`trustlayer train` on labelled answers of one's own, with the real bundled weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from trustlayer import Exchange, Finding
from trustlayer.cli import app
from trustlayer.errors import UnknownDetector
from trustlayer.judgements import JudgedLine, parse_judged
from trustlayer.recipes import recipe, recipes

pytest.importorskip("torch", reason="training needs the extra `train`")
pytest.importorskip("onnx", reason="training needs the extra `train`")
pytest.importorskip("sklearn", reason="training needs the extra `train`")
pytest.importorskip("matplotlib", reason="training needs the extra `train`")

from trustlayer_detectors._models import weights
from trustlayer_detectors._models.sessions import session
from trustlayer_detectors.grounding import Grounding
from trustlayer_detectors.toxicity import Toxicity
from trustlayer_detectors.training import imported
from trustlayer_detectors.training.crossencoder import CrossEncoder
from trustlayer_detectors.training.held import held_out
from trustlayer_detectors.training.origin import original

TOWNS = ("Arvika", "Bodø", "Cork", "Delft", "Esch", "Faro", "Gdynia", "Husum")


def _grounded() -> Iterator[dict[str, object]]:
    for number, town in enumerate(TOWNS):
        context = f"{town} has {number + 3} bridges. Its market opens on Saturdays."
        for label, days in ((0, "Saturdays"), (1, "Mondays")):
            answer = f"The market of {town} opens on {days}."
            yield {"prompt": f"When does the market of {town} open?", "answer": answer,
                   "context": context, "label": label, "group": town}  # fmt: skip


def _abusive() -> Iterator[dict[str, object]]:
    for town in TOWNS:
        yield {"answer": f"The ferry to {town} leaves at noon.", "label": 0, "group": town}
        yield {"answer": f"You utter snorkel of {town}.", "label": 1, "group": town}


def _written(path: Path, rows: Iterator[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _train(name: str, rows: Path, into: Path) -> str:
    done = CliRunner().invoke(app, ["train", name, "--rows", str(rows), "--into", str(into)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.slow
def test_grounding_goes_on_from_the_bundled_weights(tmp_path: Path) -> None:
    rows = _written(tmp_path / "rows.jsonl", _grounded())
    told = _train("grounding", rows, tmp_path / "own")
    assert "12 answers to learn from, 4 held out" in told
    assert "own weights on 4 held-out answers: AUROC" in told
    assert (tmp_path / "own" / "work" / "learning_curve.svg").stat().st_size > 1_000
    exchange = Exchange("When?", "It opens on Mondays.", ("It opens on Saturdays.",))
    own, bundled = Grounding(weights=str(tmp_path / "own")), Grounding()
    assert own.version != bundled.version
    [found] = own.examine([exchange])
    assert isinstance(found, Finding)


@pytest.mark.slow
def test_toxicity_goes_on_from_the_bundled_weights(tmp_path: Path) -> None:
    rows = _written(tmp_path / "rows.jsonl", _abusive())
    assert "held out" in _train("toxicity", rows, tmp_path)
    own = Toxicity(weights=str(tmp_path))
    assert own.version != Toxicity().version
    clean, abuse = own.examine([Exchange("", "Noon."), Exchange("", "You stupid idiot.")])
    assert isinstance(clean, Finding)
    assert isinstance(abuse, Finding)
    assert clean.risk < 0.5 < abuse.risk  # what was learned before is not forgotten


def test_what_the_bundled_file_holds_is_read_back() -> None:
    import torch

    path = weights("entailment") / "model.onnx"
    model = CrossEncoder(original()).eval()
    imported.load(model, path)
    ids = torch.tensor([[101, 1996, 3578, 2003, 4206, 102, 1996, 3578, 2003, 2460, 102]])
    ones, types = torch.ones_like(ids), torch.zeros_like(ids)
    types[:, 6:] = 1
    with torch.inference_mode():
        ours = torch.softmax(model(ids, ones, types)[0], -1).numpy()
    inputs = {"input_ids": ids, "attention_mask": ones, "token_type_ids": types}
    theirs = session(path).run(None, {name: array.numpy() for name, array in inputs.items()})[0]
    shares = np.exp(theirs) / np.exp(theirs).sum()
    assert np.abs(ours - shares).max() < 0.1  # activations are quantised there


def test_weights_of_another_architecture_are_refused() -> None:
    model = CrossEncoder(original())
    with pytest.raises(ValueError, match="does not fit CrossEncoder: lacks"):
        imported.load(model, weights("safety") / "model.onnx")


def test_groups_are_not_divided() -> None:
    lines = [line for row in _grounded() for line in parse_judged(json.dumps(row))]
    learned, held = held_out(lines, 3)
    assert len(learned) + len(held) == len(lines)
    assert not {line.group for line in learned} & {line.group for line in held}


def test_answers_that_are_all_good_teach_nothing() -> None:
    lines: list[JudgedLine] = [
        line for row in _grounded() if not row["label"] for line in parse_judged(json.dumps(row))
    ]
    with pytest.raises(ValueError, match="are all good: expected some of both"):
        held_out(lines, 3)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grounding"], "nothing to learn from"),
        (["grounding", "--data", "nowhere"], "is no folder"),
    ],
)
def test_wrong_usage_is_named(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["train", *arguments, "--into", str(tmp_path)])
    assert done.exit_code == 2
    assert told in done.output


def test_recipes_are_found_by_name() -> None:
    assert {"grounding", "harm", "toxicity"} <= set(recipes())
    with pytest.raises(UnknownDetector, match="no recipe for 'groundin'"):
        recipe("groundin")
