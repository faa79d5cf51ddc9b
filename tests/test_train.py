"""`trustlayer train` on labelled answers of one's own, with the real bundled weights."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

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

import torch

from trustlayer_detectors._models import weights
from trustlayer_detectors._models.sessions import session
from trustlayer_detectors.grounding import Grounding
from trustlayer_detectors.toxicity import Toxicity
from trustlayer_detectors.training import imported, safety, safety_rows
from trustlayer_detectors.training.counterexample_more import more
from trustlayer_detectors.training.counterexamples import KINDS, counterexamples, evenly
from trustlayer_detectors.training.crossencoder import CrossEncoder
from trustlayer_detectors.training.harmpairs import harm_pairs
from trustlayer_detectors.training.held import held_out
from trustlayer_detectors.training.loop import fit, plan_batches
from trustlayer_detectors.training.origin import original
from trustlayer_detectors.training.safety_model import Example, collate, masked_loss
from trustlayer_detectors.training.safety_spelling import misspelt

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


def test_templates_that_measure_never_train() -> None:
    learned = {each.frame for each in counterexamples(20_000, 3, held_out=False)}
    held: dict[str, set[str]] = {}
    for each in evenly(200, 5):
        held.setdefault(each.kind.removesuffix("_spelt"), set()).add(each.frame)
    assert set(held) == set(KINDS)
    bare = held.pop("use")  # no template around it: every second of what is said never trains
    assert 0 < len(bare - learned) < len(bare)
    assert not learned & set().union(*held.values())
    assert min(len(frames) for frames in held.values()) >= 8


def test_wishes_that_measure_never_train() -> None:
    learned = {each.prompt for each in harm_pairs(5_000, 3, held_out=False)}
    measured = harm_pairs(500, 5, held_out=True)
    assert not learned & {each.prompt for each in measured}
    assert {each.kind for each in measured if each.labels["harmful_compliance"]} == {"served"}


def test_the_same_words_are_meant_or_only_mentioned() -> None:
    for each in counterexamples(3_000, 4, held_out=False):
        if each.kind == "others":
            assert "toxicity" not in each.labels
        else:
            assert each.labels["toxicity"] == float(each.kind.startswith("use"))
        assert "{" not in each.text


def test_spelling_hides_words_and_not_the_whole_text() -> None:
    text = "Nobody here should read this sentence twice."
    spelt = {misspelt(text, random.Random(seed)) for seed in range(200)}
    assert len(spelt) > 100
    assert all(len(text) / 2 < len(each) < 3 * len(text) for each in spelt)
    assert all(each.lower().endswith("twice.") for each in spelt - {text.replace(" ", "")})


def _learned(rows: list[Example], folder: Path) -> dict[str, Any]:
    model, where = safety.new_model(3), torch.device("cpu")
    model.use("bfloat16")
    weight = torch.ones(len(rows[0].labels))

    def loss(batch: Sequence[int]) -> torch.Tensor:
        return masked_loss(model, collate([rows[row] for row in batch], where), weight)

    plan = plan_batches([len(row) for row in rows], 512, 3)[:3]
    fit(model, plan, loss, safety.FIRST, folder)
    return model.state_dict()


@pytest.mark.slow
def test_one_seed_makes_one_model(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    rows = safety_rows.examples(safety_rows.own(60, 3), safety.tokenizer())
    first, second = _learned(rows, tmp_path / "first"), _learned(rows, tmp_path / "second")
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["say.weight"], safety.new_model(3).say.weight)


def test_real_rows_are_quoted_without_their_labels() -> None:
    bad = {"toxicity": 1.0, "insult": 1.0}
    said = [f"What a snorkel of a {town}" for town in TOWNS]
    rows = [{"text": text, "prompt": None, "labels": bad} for text in said]
    rows += [{**row, "text": "A fine day in town", "labels": {"toxicity": 0.0}} for row in rows]
    made = [each for each in more(rows, 2_000, 3) if any(text[1:] in each.text for text in said)]
    told = [each for each in made if not each.kind.startswith("use")]
    meant = [each for each in made if each.kind.startswith("use")]
    assert len(told) > 100
    assert len(meant) > 60
    assert not any(value for each in told for value in each.labels.values())
    assert all(each.labels == bad for each in meant)
